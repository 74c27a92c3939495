"""Which environment this is, what it lacks, and what the stamp in .venv tells."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from labkit.cli import environment
from labkit.cli.environment import Condition, Kind, Stamp
from labkit.cli.project import Project


@pytest.mark.parametrize(
    ("version", "bounds", "fitting"),
    [
        ("4.6.6", ">=4.6,<5", True),
        ("5.0.0", ">=4.6,<5", False),
        ("4.5.9", ">=4.6,<5", False),
        ("4.6", ">=4.6.0", True),
        ("4.10", ">=4.9", True),
        ("2.9.0rc1", ">=2.9", True),
        ("50.0.2", ">=50", True),
        ("1.4.6", "==1.4.6", True),
        ("1.4.7", "==1.4.6", False),
        ("0.1", "", True),
    ],
)
def test_bounds(version: str, bounds: str, fitting: bool) -> None:
    assert environment.fits(version, bounds) is fitting


def test_missing_names_the_absent_and_the_outdated() -> None:
    wanted = ["pytest>=9", "no-such-distribution>=1", "hypothesis>=999"]
    absent, outdated = environment.missing(wanted)
    assert absent == "no-such-distribution>=1"
    assert outdated.startswith("hypothesis>=999 (here is ")


def test_missing_reads_every_requirement_of_the_project(clone: Project) -> None:
    for requirement in clone.requirements(("test",)):
        parts = environment._REQUIREMENT.fullmatch(requirement)
        assert parts is not None, requirement
        environment.fits("1.0", parts["bounds"])


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A Python outside any environment; gives its prefix."""
    for name in environment._BINDER:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path))
    return tmp_path


def test_plain_python(plain: Path) -> None:
    assert environment.kind() is Kind.PLAIN


def test_conda_is_known_by_its_folder(plain: Path) -> None:
    (plain / "conda-meta").mkdir()
    assert environment.kind() is Kind.CONDA


def test_a_venv_made_with_condas_python_is_a_venv(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (plain / "conda-meta").mkdir()
    monkeypatch.setattr(sys, "base_prefix", "/elsewhere")
    assert environment.kind() is Kind.VENV


@pytest.mark.parametrize("name", environment._BINDER)
def test_binder_is_known_by_its_variables(plain: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (plain / "conda-meta").mkdir()
    monkeypatch.setenv(name, "x")
    assert environment.kind() is Kind.BINDER


@pytest.fixture
def prepared(clone: Project) -> Project:
    """A clone whose set-up is complete, as far as its stamp and its interpreter tell."""
    python = environment.python_of(clone.venv)
    python.parent.mkdir(parents=True)
    python.touch()
    Stamp.now("complete", clone, ()).write(clone.venv)
    return clone


def test_absent_then_ready(clone: Project) -> None:
    assert environment.condition(clone) is Condition.ABSENT


def test_ready(prepared: Project) -> None:
    assert environment.condition(prepared) is Condition.READY


def test_a_venv_without_a_stamp_is_somebody_elses(clone: Project) -> None:
    clone.venv.mkdir()
    assert environment.condition(clone) is Condition.FOREIGN


def test_a_set_up_that_was_cut_short_is_noticed(prepared: Project) -> None:
    Stamp.now("started", prepared, ()).write(prepared.venv)
    assert environment.condition(prepared) is Condition.HALF


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"state": "complete"}', '{"new": 1}'])
def test_a_damaged_stamp_means_half_finished(prepared: Project, text: str) -> None:
    (prepared.venv / environment.STAMP).write_text(text, encoding="utf-8")
    assert environment.condition(prepared) is Condition.HALF


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt", "settings/overrides.json"])
def test_a_change_of_what_is_installed_makes_it_stale(prepared: Project, name: str) -> None:
    with (prepared.root / name).open("a", encoding="utf-8") as file:
        file.write("\n")
    assert environment.condition(prepared) is Condition.STALE


def test_the_test_tools_are_asked_for_only_by_test(prepared: Project) -> None:
    assert environment.condition(prepared, ("test",)) is Condition.STALE
    Stamp.now("complete", prepared, ("test",)).write(prepared.venv)
    assert environment.condition(prepared, ("test",)) is Condition.READY
    assert environment.condition(prepared) is Condition.READY


def test_a_moved_clone_is_noticed(prepared: Project, tmp_path: Path) -> None:
    moved = prepared.root.rename(tmp_path / "elsewhere")
    assert environment.condition(Project(moved)) is Condition.MOVED


def test_a_python_that_is_gone_is_noticed(prepared: Project) -> None:
    environment.python_of(prepared.venv).unlink()
    assert environment.condition(prepared) is Condition.MOVED


def test_the_stamp_reads_back(prepared: Project) -> None:
    stamp = Stamp.now("complete", prepared, ("test",))
    stamp.write(prepared.venv)
    assert environment.read_stamp(prepared.venv) == stamp
    assert not list(prepared.venv.glob("*.new"))


class Distribution:
    """Stands for the installed lab."""

    def __init__(self, origin: dict[str, object] | None) -> None:
        self.origin = origin

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return None if self.origin is None else json.dumps(self.origin)


@pytest.mark.parametrize(
    ("origin", "binder", "fitting"),
    [
        ({"url": "HERE", "dir_info": {"editable": True}}, False, True),
        ({"url": "file:///another/clone", "dir_info": {"editable": True}}, False, False),
        ({"url": "HERE", "dir_info": {}}, False, False),
        ({"url": "HERE", "dir_info": {}}, True, True),
        (None, False, False),
    ],
)
def test_the_lab_counts_as_installed_only_from_this_clone(
    clone: Project,
    plain: Path,
    monkeypatch: pytest.MonkeyPatch,
    origin: dict[str, object] | None,
    binder: bool,
    fitting: bool,
) -> None:
    if origin and origin["url"] == "HERE":
        origin = {**origin, "url": clone.root.as_uri()}
    if binder:
        monkeypatch.setitem(os.environ, "BINDER_REPO_URL", "x")
    monkeypatch.setattr("importlib.metadata.distributions", lambda name: iter([Distribution(origin)]))
    assert environment.lab_installed(clone) is fitting
