"""A cell that runs before the set-up cell gets a sentence; an interrupt shows no inside; the rest is shown as always."""

from __future__ import annotations

import re
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from labkit.view import kernel


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Any:
    made = InteractiveShell()
    kernel.load_ipython_extension(made)
    yield made
    kernel.unload_ipython_extension(made)


@pytest.mark.parametrize("name", ["lab", "q2"])
def test_names_of_the_set_up_cell_are_explained(
    shell: Any, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    result = shell.run_cell(f"{name}.console()")
    said = capsys.readouterr().out
    assert result.error_in_exec is not None
    assert "set-up cell" in said
    assert "Traceback" not in said


def test_a_task_without_its_cell_is_explained(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    shell.user_ns["lab"] = object()
    shell.run_cell("q1.check()")
    assert "q1 = lab.q1" in capsys.readouterr().out


def test_other_names_keep_their_traceback(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run_cell("something_else")
    assert "NameError" in capsys.readouterr().out


def test_an_interrupt_in_the_explanation_does_not_end_the_explanations(
    shell: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> list[str]:
        raise KeyboardInterrupt

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(kernel, "_show", interrupted)
        shell.run_cell("lab.console()")
    capsys.readouterr()
    shell.run_cell("lab.console()")
    said = capsys.readouterr().out
    assert "set-up cell" in said
    assert "Traceback" not in said


def test_an_interrupt_shows_one_frame_of_the_lab(
    shell: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("labkit.lessons.opening.find_lesson", interrupted)
    shell.run_cell("import labkit\nlabkit.open_lesson('01_session')")
    said = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    assert "KeyboardInterrupt" in said
    assert "labkit.open_lesson('01_session')" in said
    assert re.findall(r"File \S*/labkit/(\S+):\d+", said) == ["lessons/opening.py"], said
