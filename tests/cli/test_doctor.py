"""The doctor tells what a helper needs, and nothing private."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from labkit.cli import doctor, environment, jupyter, workspace
from labkit.cli import project as projects
from labkit.cli.environment import Stamp
from labkit.cli.project import Project
from labkit.cli.say import seconds, short


@pytest.fixture
def here(clone: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setattr(projects, "find", lambda: clone)
    return clone


def test_every_row_is_there(here: Project, capsys: pytest.CaptureFixture[str], labkit_home: Path) -> None:
    workspace.lay_out(here)
    (labkit_home / "progress.jsonl").write_text("{}\n", encoding="utf-8")
    assert doctor.report() == 0
    rows = dict(line.split(":", 1) for line in capsys.readouterr().out.splitlines())
    assert rows[".venv"].strip() == "not made yet"
    assert rows["Your copy"].strip() == "00_start_here, 01_session"
    assert rows["Progress"].strip() == f"{short(labkit_home)}, 3 octets"
    assert "jupyterlab" in rows["Packages"]
    assert rows["127.0.0.1"].strip() == "ports can be opened"
    for name in (
        "Python",
        "System",
        "Environment",
        "Lab's folder",
        "Free space",
        "Browser for tests",
        "Display",
    ):
        assert rows[name].strip()


def test_a_half_finished_set_up_is_told(here: Project, capsys: pytest.CaptureFixture[str]) -> None:
    here.venv.mkdir()
    Stamp.now("started", here, ()).write(here.venv)
    assert environment.read_stamp(here.venv) is not None
    assert doctor.report() == 1
    assert "left half-finished by an earlier set-up" in capsys.readouterr().out


def test_a_machine_that_forbids_ports_is_told(
    here: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jupyter, "can_bind", lambda port: False)
    assert doctor.report() == 1
    assert "No port can be opened on 127.0.0.1" in capsys.readouterr().out


def test_values_of_variables_stay_private(
    here: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://someone:secret@index.example/")
    doctor.report()
    printed = capsys.readouterr().out
    assert "PIP_INDEX_URL" in printed
    assert "secret" not in printed


def test_git_that_is_missing_stops_nothing(
    here: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_git(*arguments: object) -> str:
        raise FileNotFoundError("git")

    monkeypatch.setattr(doctor, "_git", no_git)
    assert doctor.report() == 0
    assert "Version:" in capsys.readouterr().out


@pytest.mark.parametrize("named", ["", "~/x", "x"])
def test_a_user_without_a_home_folder_is_told(
    here: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    monkeypatch.setenv("LABKIT_HOME", named)
    monkeypatch.setattr(os.path, "expanduser", lambda text: text)  # as without HOME and without an entry
    assert doctor.report() == 0
    assert "no home folder here" in capsys.readouterr().out


@pytest.mark.parametrize("home", ["/home/ada", "/home/ada/"])
def test_the_home_folder_is_written_as_a_tilde(monkeypatch: pytest.MonkeyPatch, home: str) -> None:
    monkeypatch.setattr(os.path, "expanduser", lambda text: home.rstrip("/"))
    assert short("/home/ada/lab") == f"~{os.sep}lab"
    assert short("/home/ada") == "~"
    assert short("/home/adam/lab") == "/home/adam/lab"


@pytest.mark.parametrize(("elapsed", "words"), [(0.04, "0.0 s"), (12.3, "12 s"), (125, "2 min 05 s")])
def test_seconds(elapsed: float, words: str) -> None:
    assert seconds(elapsed) == words


def test_a_python_that_does_not_run_is_told(here: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object, **options: object) -> None:
        raise subprocess.CalledProcessError(1, "python")

    monkeypatch.setattr(subprocess, "run", broken)
    assert "does not run" in doctor._packages(here)
