"""Set-up chooses the right Python, says in words what is wrong, and notices what an earlier run left."""

from __future__ import annotations

import errno
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from labkit.cli import environment, setup
from labkit.cli.environment import Condition, Kind, Stamp
from labkit.cli.project import Project
from labkit.cli.say import Trouble


class Situation:
    """What `setup.choose` finds, and what it did about it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.kind = Kind.PLAIN
        self.condition = Condition.ABSENT
        self.lacking: list[str] = ["jupyterlab>=4.6,<5"]
        self.lacking_for_lessons: list[str] | None = None
        self.inside = False
        self.lab_installed = True
        self.done: list[str] = []
        monkeypatch.setattr(environment, "kind", lambda: self.kind)
        monkeypatch.setattr(environment, "condition", lambda project, extras=(): self.condition)
        monkeypatch.setattr(environment, "running_in", lambda venv: self.inside)
        monkeypatch.setattr(environment, "lab_installed", lambda project: self.lab_installed)
        monkeypatch.setattr(environment, "missing", self._missing)
        monkeypatch.setattr(setup, "make_venv", lambda project, extras, state: self.done.append(state.name))
        monkeypatch.setattr(setup, "_install_lab", lambda *a, **k: self.done.append("lab"))
        monkeypatch.setattr(setup, "_pip", lambda *a, **k: self.done.append("packages"))

    def _missing(self, requirements: list[str]) -> list[str]:
        with_tools = any(requirement.startswith("pytest") for requirement in requirements)
        if not with_tools and self.lacking_for_lessons is not None:
            return self.lacking_for_lessons
        return self.lacking


@pytest.fixture
def situation(monkeypatch: pytest.MonkeyPatch) -> Situation:
    return Situation(monkeypatch)


def own(project: Project) -> str:
    return str(environment.python_of(project.venv))


@pytest.mark.parametrize(
    "state",
    [Condition.ABSENT, Condition.HALF, Condition.STALE, Condition.MOVED],
    ids=lambda state: state.name,
)
def test_plain_python_gets_the_labs_own_venv(clone: Project, situation: Situation, state: Condition) -> None:
    situation.condition = state
    assert setup.choose(clone) == own(clone)
    assert situation.done == [state.name]


def test_a_ready_venv_is_used_at_once(clone: Project, situation: Situation) -> None:
    situation.condition = Condition.READY
    assert setup.choose(clone) == own(clone)
    assert situation.done == []


@pytest.mark.parametrize("kind", list(Kind), ids=lambda kind: kind.name)
def test_a_complete_environment_gets_no_venv(clone: Project, situation: Situation, kind: Kind) -> None:
    situation.kind, situation.lacking = kind, []
    assert setup.choose(clone) == sys.executable
    assert situation.done == []


def test_a_complete_environment_without_the_lab_gets_the_lab(clone: Project, situation: Situation) -> None:
    situation.kind, situation.lacking, situation.lab_installed = Kind.CONDA, [], False
    assert setup.choose(clone) == sys.executable
    assert situation.done == ["lab"]


def test_an_incomplete_virtual_environment_is_left_alone(clone: Project, situation: Situation) -> None:
    situation.kind = Kind.VENV
    assert setup.choose(clone) == own(clone)
    assert situation.done == ["ABSENT"]


@pytest.mark.parametrize("kind", [Kind.CONDA, Kind.BINDER], ids=lambda kind: kind.name)
def test_an_incomplete_conda_environment_is_a_sentence(
    clone: Project, situation: Situation, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONDA_DEFAULT_ENV", "base")
    situation.kind = kind
    with pytest.raises(Trouble) as caught:
        setup.choose(clone)
    assert "'base' lacks jupyterlab" in caught.value.what
    assert "conda env create -f environment.yml" in caught.value.do
    assert "python3 -m labkit --venv" in caught.value.do
    assert situation.done == []


def test_conda_gets_a_venv_when_asked(clone: Project, situation: Situation) -> None:
    situation.kind = Kind.CONDA
    assert setup.choose(clone, own_venv=True) == own(clone)
    assert situation.done == ["ABSENT"]


def test_and_then_uses_it(clone: Project, situation: Situation) -> None:
    situation.kind, situation.condition = Kind.CONDA, Condition.READY
    assert setup.choose(clone) == own(clone)


def test_the_test_tools_are_added_to_the_labs_conda_environment(clone: Project, situation: Situation) -> None:
    situation.kind, situation.lacking, situation.lacking_for_lessons = Kind.CONDA, ["pytest>=9.2"], []
    assert setup.choose(clone, ("test",)) == sys.executable
    assert situation.done == ["packages"]


def test_somebody_elses_venv_is_never_touched(clone: Project, situation: Situation) -> None:
    situation.condition = Condition.FOREIGN
    with pytest.raises(Trouble) as caught:
        setup.choose(clone)
    assert "left alone" in caught.value.what
    assert "rename or remove .venv" in caught.value.do
    assert situation.done == []


def test_but_used_from_within_when_it_is_complete(clone: Project, situation: Situation) -> None:
    situation.kind, situation.condition, situation.inside = Kind.VENV, Condition.FOREIGN, True
    with pytest.raises(Trouble) as caught:
        setup.choose(clone)
    assert "lacks jupyterlab" in caught.value.what
    situation.lacking = []
    assert setup.choose(clone) == sys.executable


def test_no_venv_module(clone: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ensurepip" else object())
    with pytest.raises(Trouble) as caught:
        setup.make_venv(clone, (), Condition.ABSENT)
    assert "no venv module" in caught.value.what
    assert f"sudo apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv" in caught.value.do
    assert not clone.venv.exists()


def test_no_space(clone: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=12_000_000))
    with pytest.raises(Trouble) as caught:
        setup.make_venv(clone, (), Condition.ABSENT)
    assert "12 MB free" in caught.value.what
    assert not clone.venv.exists()


def test_a_folder_that_cannot_be_written(clone: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, *args: object, **options: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(Trouble) as caught:
        setup.make_venv(clone, (), Condition.ABSENT)
    assert "Read-only file system" in caught.value.what
    assert "clone the lab into a folder of your own" in caught.value.do


@pytest.mark.skipif(os.name != "posix", reason="the lock is flock, which Windows does not have")
def test_two_set_ups_at_once(clone: Project) -> None:
    def second() -> None:
        with setup._locked(clone):
            pass

    with setup._locked(clone):
        with pytest.raises(Trouble) as caught:
            second()
        assert "Another set-up is running" in caught.value.what
    second()


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Set-up with its commands faked: they are listed, and what `fail` names is done wrong."""
    ran: list[str] = []

    def fake(name: str) -> Callable[..., None]:
        return lambda *arguments, **options: ran.append(name)

    monkeypatch.setattr(setup, "_run", fake("run"))
    monkeypatch.setattr(setup, "_pip", fake("pip"))
    monkeypatch.setattr(setup, "_install_lab", fake("lab"))
    return ran


def finish(project: Project) -> None:
    """What `python -m venv` would have brought."""
    python = environment.python_of(project.venv)
    python.parent.mkdir(parents=True, exist_ok=True)
    python.touch()


def test_the_stamp_is_written_last(clone: Project, steps: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def look(*arguments: object, **options: object) -> None:
        seen.append(environment.condition(clone))

    monkeypatch.setattr(setup, "_install_lab", look)
    setup.make_venv(clone, (), Condition.ABSENT)
    finish(clone)
    assert seen == [Condition.HALF]
    assert environment.condition(clone) is Condition.READY


def test_a_failure_leaves_the_mark_of_a_half_finished_set_up(
    clone: Project, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(setup, "_pip", interrupted)
    with pytest.raises(KeyboardInterrupt):
        setup.make_venv(clone, (), Condition.ABSENT)
    assert environment.condition(clone) is Condition.HALF


def test_half_a_venv_is_made_anew(
    clone: Project, steps: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    finish(clone)
    Stamp.now("started", clone, ()).write(clone.venv)
    left = clone.venv / "half-written"
    left.touch()
    setup.make_venv(clone, (), Condition.HALF)
    assert not left.exists()
    assert "half-finished by an earlier set-up; making it anew" in capsys.readouterr().out


def test_an_update_keeps_the_venv_and_its_extras(clone: Project, steps: list[str]) -> None:
    finish(clone)
    Stamp.now("complete", clone, ("test",)).write(clone.venv)
    (clone.venv / "precious").touch()
    setup.make_venv(clone, (), Condition.STALE)
    assert (clone.venv / "precious").exists()
    stamp = environment.read_stamp(clone.venv)
    assert stamp is not None
    assert (stamp.state, stamp.extras) == ("complete", ("test",))


def test_an_update_that_fails_leaves_the_earlier_stamp(
    clone: Project, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    finish(clone)
    before = Stamp("complete", "an older one", str(clone.root), "3.11.7")
    before.write(clone.venv)

    def fail(*arguments: object, **options: object) -> None:
        raise Trouble("no network", "try again")

    monkeypatch.setattr(setup, "_pip", fail)
    with pytest.raises(Trouble):
        setup.make_venv(clone, (), Condition.STALE)
    assert environment.read_stamp(clone.venv) == before
    assert environment.condition(clone) is Condition.STALE


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
            "disk is full",
        ),
        ("NewConnectionError('<...>: Failed to establish a new connection')", "no connection"),
        (
            "ERROR: Could not find a version that satisfies the requirement x (from versions: none)",
            "no connection",
        ),
        ("[Errno 13] Permission denied: '/x'", "permission denied"),
        ("error: externally-managed-environment", "belongs to the system"),
        ("ERROR: Failed building wheel for cryptography", "no ready-made build"),
        ("something nobody has seen before", "The packages could not be installed."),
    ],
)
def test_pips_words_become_a_sentence_and_a_remedy(clone: Project, log: str, words: str) -> None:
    clone.state.mkdir()
    path = clone.state / "setup.log"
    path.write_text(f"Collecting jupyterlab\n{log}\n", encoding="utf-8")
    trouble = setup._cause(path, "The packages could not be installed.")
    assert words in trouble.what
    assert trouble.do
    assert "{" not in trouble.do


def test_a_command_that_fails_is_logged_and_explained(clone: Project) -> None:
    command = [sys.executable, "-c", "print('No space left on device'); raise SystemExit(1)"]
    with setup._locked(clone) as log:
        with pytest.raises(Trouble) as caught:
            setup._run(command, log, "It failed.")
        assert "The disk is full" in caught.value.what
        assert "No space left on device" in log.read_text(encoding="utf-8")


def test_pip_is_kept_from_installing_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV", "PIP_USER"):
        monkeypatch.setenv(name, "1")
    variables = setup._environ()
    assert variables["PIP_USER"] == "0"
    assert not {"PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV"} & set(variables)


def test_ctrl_c_during_pip_ends_pip(clone: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[str]] = []
    popen = subprocess.Popen

    def start(command: list[str], **options: object) -> subprocess.Popen[str]:
        process = popen(
            [sys.executable, "-c", "import time; print('Collecting x', flush=True); time.sleep(60)"],
            **options,
        )
        started.append(process)
        return process

    class Interrupted(setup.Steps):
        def note(self, detail: str) -> None:
            if detail == "1 found":
                raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "Popen", start)
    with setup._locked(clone) as log, pytest.raises(KeyboardInterrupt):
        setup._pip(sys.executable, [], log, Interrupted(1), "Getting the packages")
    assert started[0].poll() is not None
