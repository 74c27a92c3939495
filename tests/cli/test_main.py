"""The command line: what it accepts, what it answers, and that trouble is a sentence, not a traceback."""

from __future__ import annotations

import ast
import errno
import subprocess
import sys
from pathlib import Path

import pytest

from labkit.cli import checks, jupyter, main, oldpython, setup
from labkit.cli import project as projects
from labkit.cli.project import Project
from labkit.cli.say import Trouble

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def calls(clone: Project, monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """The heavy ends of the commands, replaced by notes of how they were called."""
    seen: list[tuple[object, ...]] = []

    def choose(project: Project, extras: tuple[str, ...] = (), *, own_venv: bool = False) -> str:
        seen.append(("choose", extras, own_venv))
        return "the-python"

    def launch(project: Project, python: str, port: int | None, *, browser: bool, extra: list[str]) -> int:
        seen.append(("launch", python, port, browser, extra))
        return 0

    def run(project: Project, python: str, names: list[str], without: list[str], *, long: bool) -> int:
        seen.append(("test", python, names, without, long))
        return 0

    monkeypatch.setattr(projects, "find", lambda: clone)
    monkeypatch.setattr(setup, "choose", choose)
    monkeypatch.setattr(jupyter, "launch", launch)
    monkeypatch.setattr(checks, "run", run)
    return seen


def test_no_arguments_open_the_lab(calls: list[tuple[object, ...]], clone: Project) -> None:
    assert main.run([]) == 0
    assert calls == [("choose", (), False), ("launch", "the-python", None, True, [])]
    assert (clone.my_lab / "00_start_here.ipynb").is_file()


def test_options_pass_through(calls: list[tuple[object, ...]]) -> None:
    assert main.run(["--no-browser", "--port", "9000", "--venv", "--", "--ServerApp.base_url=/x", "--y"]) == 0
    assert calls == [
        ("choose", (), True),
        ("launch", "the-python", 9000, False, ["--ServerApp.base_url=/x", "--y"]),
    ]


def test_prepare_opens_nothing(calls: list[tuple[object, ...]], clone: Project) -> None:
    assert main.run(["prepare"]) == 0
    assert calls == [("choose", (), False)]
    assert (clone.my_lab / "01_session.ipynb").is_file()


def test_test_asks_for_the_tools_and_takes_stages(calls: list[tuple[object, ...]]) -> None:
    assert main.run(["test", "unit", "lint", "--long", "--without", "browser", "--without", "interop"]) == 0
    assert calls == [
        ("choose", ("test",), False),
        ("test", "the-python", ["unit", "lint"], ["browser", "interop"], True),
    ]


def test_an_unknown_stage_is_named(
    calls: list[tuple[object, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["test", "unti"]) == 1
    error = capsys.readouterr().err
    assert "'unti'" in error
    assert "unit" in error.split("What to do:")[1]
    assert calls == []


def test_reset(calls: list[tuple[object, ...]], clone: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["prepare"]) == 0
    assert main.run(["reset", "01"]) == 0
    assert "01_session.kept-1.ipynb" in capsys.readouterr().out
    assert main.run(["reset", "77"]) == 1
    assert "name one of these" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["0", "70000", "mail", "-1", "\u0663"])
def test_a_port_is_a_number(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main.run(["--port", port])
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert "--port" in said
    assert "a number from 1 to 65535" in said


@pytest.mark.parametrize(
    ("raised", "code", "words"),
    [
        (Trouble("It is broken.", "mend it."), 1, "It is broken.\nWhat to do: mend it."),
        (KeyboardInterrupt(), 130, "Stopped."),
        (OSError(errno.ENOSPC, "No space left on device", "/x/y"), 1, "The disk is full (/x/y)."),
        (PermissionError(errno.EACCES, "Permission denied", "/x/y"), 1, "Permission denied (/x/y)."),
        (OSError(errno.EIO, "Input/output error"), 1, "The system refused"),
    ],
)
def test_trouble_is_a_sentence(
    calls: list[tuple[object, ...]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    raised: BaseException,
    code: int,
    words: str,
) -> None:
    def fail(*arguments: object, **options: object) -> str:
        raise raised

    monkeypatch.setattr(setup, "choose", fail)
    assert main.run([]) == code
    error = capsys.readouterr().err
    assert words in error
    assert "Traceback" not in error


def test_outside_the_lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projects, "__file__", str(tmp_path / "lib" / "labkit" / "cli" / "project.py"))
    with pytest.raises(Trouble) as caught:
        projects.find(tmp_path)
    assert "go into the folder that git clone made" in caught.value.do


def test_an_installed_copy_finds_the_clone_around_it(
    clone: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projects, "__file__", str(tmp_path / "lib" / "labkit" / "cli" / "project.py"))
    assert projects.find(clone.notebooks) == clone


def test_from_another_directory_the_clone_is_still_found(tmp_path: Path) -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from labkit.cli.project import find\nprint(find().root)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert Path(answer.stdout.strip()) == ROOT


@pytest.mark.parametrize("name", ["labkit/__init__.py", "labkit/__main__.py", "labkit/cli/__init__.py"])
def test_an_old_python_can_read_as_far_as_its_sentence(name: str) -> None:
    ast.parse((ROOT / name).read_text(encoding="utf-8"), feature_version=(3, 6))
    assert "from __future__" not in (ROOT / name).read_text(encoding="utf-8")


def test_so_can_the_module_with_the_sentence() -> None:
    source = Path(oldpython.__file__).read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 6))
    assert "from __future__" not in source


@pytest.mark.parametrize(
    ("here", "found", "words"),
    [
        ((3, 9), "python3.12", "Run: python3.12 -m labkit"),
        ((3, 9), None, "install Python 3.11 or newer"),
    ],
)
def test_an_old_python_gets_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    here: tuple[int, int],
    found: str | None,
    words: str,
) -> None:
    monkeypatch.setattr(oldpython.sys, "version_info", here)
    monkeypatch.setattr(oldpython.shutil, "which", lambda name: name)
    monkeypatch.setattr(oldpython.subprocess, "call", lambda command, **options: command[0] != found)
    assert oldpython.refuse((3, 11)) == 1
    error = capsys.readouterr().err
    assert "This is Python 3.9; the lab needs Python 3.11 or newer." in error
    assert words in error
