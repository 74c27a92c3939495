"""my-lab/: laid out without stored outputs, never overwritten, reset without loss."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from labkit.cli import workspace
from labkit.cli.project import Project
from labkit.cli.say import Trouble


def read(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def test_the_copy_is_as_if_nobody_had_run_it(clone: Project) -> None:
    assert workspace.lay_out(clone) == ["00_start_here", "01_session"]
    copy, original = (read(folder / "01_session.ipynb") for folder in (clone.my_lab, clone.notebooks))
    for cell in copy["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
            assert cell["metadata"] == {"tags": ["task"]}
    assert "widgets" not in copy["metadata"]
    assert [cell["source"] for cell in copy["cells"]] == [cell["source"] for cell in original["cells"]]
    assert [cell["id"] for cell in copy["cells"]] == [cell["id"] for cell in original["cells"]]


def test_the_repository_keeps_its_outputs(clone: Project) -> None:
    before = (clone.notebooks / "01_session.ipynb").read_bytes()
    workspace.lay_out(clone)
    assert (clone.notebooks / "01_session.ipynb").read_bytes() == before


def test_letters_beyond_ascii_stay_letters(clone: Project) -> None:
    workspace.lay_out(clone)
    assert "Zoë's" in (clone.my_lab / "00_start_here.ipynb").read_text(encoding="utf-8")


def test_a_second_run_changes_nothing(clone: Project) -> None:
    workspace.lay_out(clone)
    mine = clone.my_lab / "01_session.ipynb"
    mine.write_text("my own work, not even a notebook", encoding="utf-8")
    assert workspace.lay_out(clone) == []
    assert mine.read_text(encoding="utf-8") == "my own work, not even a notebook"


def test_an_update_never_touches_the_copy_but_is_told(clone: Project) -> None:
    workspace.lay_out(clone)
    mine = clone.my_lab / "01_session.ipynb"
    before = mine.read_bytes()
    newer = read(clone.notebooks / "01_session.ipynb")
    newer["cells"][0]["source"] = "# A better lesson"
    (clone.notebooks / "01_session.ipynb").write_text(json.dumps(newer), encoding="utf-8")
    (clone.notebooks / "02_envelope.ipynb").write_text(json.dumps(newer), encoding="utf-8")
    assert workspace.lay_out(clone) == ["02_envelope"]
    assert mine.read_bytes() == before
    assert workspace.outdated(clone) == ["01_session"]
    workspace.reset(clone, "01")
    assert workspace.outdated(clone) == []


@pytest.mark.parametrize("name", ["01", "01_session", "01_session.ipynb"])
def test_reset_keeps_the_old_file_beside_the_new_one(clone: Project, name: str) -> None:
    workspace.lay_out(clone)
    mine = clone.my_lab / "01_session.ipynb"
    fresh = mine.read_bytes()
    for number in (1, 2):
        mine.write_text(f"attempt {number}", encoding="utf-8")
        target, kept = workspace.reset(clone, name)
        assert target == mine
        assert mine.read_bytes() == fresh
        assert kept == clone.my_lab / f"01_session.kept-{number}.ipynb"
        assert kept.read_text(encoding="utf-8") == f"attempt {number}"
    assert workspace.lay_out(clone) == []


def test_reset_of_a_lesson_that_is_not_there_yet_lays_it_out(clone: Project) -> None:
    target, kept = workspace.reset(clone, "00")
    assert target.is_file()
    assert kept is None


def test_reset_of_an_unknown_lesson_names_the_known_ones(clone: Project) -> None:
    with pytest.raises(Trouble) as caught:
        workspace.reset(clone, "42")
    assert "'42'" in caught.value.what
    assert "00_start_here, 01_session" in caught.value.do


def test_a_lesson_that_does_not_read_loses_nothing(clone: Project) -> None:
    workspace.lay_out(clone)
    mine = clone.my_lab / "01_session.ipynb"
    mine.write_text("mine", encoding="utf-8")
    (clone.notebooks / "01_session.ipynb").write_text("{ <<<<<<< HEAD", encoding="utf-8")
    with pytest.raises(Trouble) as caught:
        workspace.reset(clone, "01")
    assert "git checkout -- notebooks/01_session.ipynb" in caught.value.do
    assert mine.read_text(encoding="utf-8") == "mine"


def test_no_half_written_file_is_left(clone: Project) -> None:
    workspace.lay_out(clone)
    workspace.reset(clone, "00")
    names = sorted(path.name for path in clone.my_lab.iterdir())
    assert names == [
        workspace.RECORD,
        "00_start_here.ipynb",
        "00_start_here.kept-1.ipynb",
        "01_session.ipynb",
    ]


def test_a_folder_that_cannot_be_written_is_a_sentence(clone: Project) -> None:
    clone.my_lab.write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(Trouble) as caught:
        workspace.lay_out(clone)
    assert "cannot be written" in caught.value.what
