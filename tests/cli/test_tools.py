"""Finding a browser: the named one, an installed one, Playwright's, Debian's; in that order."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from labkit.cli import tools


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without any browser; gives the one folder on its PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(tools.BROWSER_VARIABLE, raising=False)
    monkeypatch.setattr(tools, "_PLACES", {})
    return tmp_path


def program(folder: Path, name: str) -> str:
    path = folder / name
    path.write_text("#!/bin/sh\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def test_no_browser(bare: Path) -> None:
    assert tools.installed_browser() is None


def test_an_installed_one(bare: Path) -> None:
    chrome = program(bare, "google-chrome")
    assert tools.installed_browser() == chrome
    assert tools.installed_browser() != program(bare, "chromium") == tools.installed_browser()


def test_the_named_one_comes_first(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(bare, "chromium")
    mine = program(bare, "my-browser")
    monkeypatch.setenv(tools.BROWSER_VARIABLE, mine)
    assert tools.installed_browser() == mine


def test_one_in_its_usual_place(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "_PLACES", {sys.platform: (program(bare, "hidden"),)})
    assert tools.installed_browser() == str(bare / "hidden")


@pytest.mark.parametrize(
    ("playwright_gets_it", "root", "expected"),
    [
        (True, True, ["playwright install chromium"]),
        (False, True, ["playwright install chromium", "apt-get update -q", "apt-get install -q -y chromium"]),
        (False, False, ["playwright install chromium"]),
    ],
)
def test_what_is_tried_when_there_is_none(
    bare: Path, monkeypatch: pytest.MonkeyPatch, playwright_gets_it: bool, root: bool, expected: list[str]
) -> None:
    program(bare, "apt-get")
    ran: list[str] = []

    def run(command: list[str], **options: object) -> SimpleNamespace:
        if command[1] == "-c":  # asking Playwright for the path of its own
            there = playwright_gets_it and bool(ran)
            return SimpleNamespace(stdout=program(bare, "own") + "\n" if there else "/not/there\n")
        ran.append(" ".join(command).removeprefix("the-python -m "))
        if command[:2] == ["apt-get", "install"]:
            program(bare, "chromium")
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(os, "geteuid", lambda: 0 if root else 1000, raising=False)
    found = tools.find_or_get_browser("the-python")
    assert ran == expected
    name = "own" if playwright_gets_it else "chromium" if root else None
    assert found == (str(bare / name) if name else None)


def test_missing_clients(bare: Path) -> None:
    assert tools.missing_clients() == list(tools.CLIENTS)
    program(bare, "swaks")
    assert "swaks" not in tools.missing_clients()
