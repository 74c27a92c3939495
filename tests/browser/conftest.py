"""Fixtures of the browser tests: one private server for the session, and notebooks opened in it.

`pytest tests/browser --headed` shows the browser. LABKIT_PICTURES=folder keeps the pictures that tests take,
and one of every page that was open when a test failed. LABKIT_BROWSER names another browser than the first
that is installed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

from .chromium import launch_options
from .jupyter import Jupyter
from .lab_page import LabPage

# Two busy cores make a page three times slower without anything being wrong; a passing check costs no time.
expect.set_options(timeout=20_000)

_failed = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    report = yield
    if call.when == "call":
        item.stash[_failed] = report.failed
    return report


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """pytest-playwright's own (it knows --headed), with our browser and switches."""
    return {**browser_type_launch_args, **launch_options()}


@pytest.fixture(scope="session")
def jupyter() -> Iterator[Jupyter]:
    """The server that most tests share; each notebook in it has a kernel and a progress home of its own."""
    with Jupyter() as server:
        yield server


@pytest.fixture(params=["light", "dark"])
def theme(request: pytest.FixtureRequest) -> str:
    """For tests that must hold in both themes."""
    return str(request.param)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where a test puts its pictures: the folder LABKIT_PICTURES, else the test's temporary folder."""
    return Path(os.environ.get("LABKIT_PICTURES") or tmp_path)


@pytest.fixture
def open_lab(
    jupyter: Jupyter, context: BrowserContext, request: pytest.FixtureRequest, pictures: Path
) -> Iterator[Callable[..., LabPage]]:
    """`open_lab(path_or_source, theme=, width=, env=, trusted=, server=)` opens a notebook; nothing runs yet.

    At its end the test fails if a page logged an uncaught error of a widget, if Python failed while it
    handled a widget's message, or if the page asked another host for anything. A test that provokes such
    errors clears `lab.watch.ours`.
    """
    opened: list[LabPage] = []

    def open_one(
        source: Any, *, server: Jupyter | None = None, theme: str = "light", width: int = 1280, **placed: Any
    ) -> LabPage:
        home = server or jupyter
        name = home.place(source, **placed)
        lab = LabPage(context.new_page(), home, name, theme=theme, width=width)
        opened.append(lab)
        return lab

    yield open_one
    if request.node.stash.get(_failed, False) and os.environ.get("LABKIT_PICTURES"):
        stem = re.sub(r"\W+", "-", request.node.name).strip("-")
        for number, lab in enumerate(opened, 1):
            lab.page.screenshot(path=pictures / f"failed-{stem}-{number}.png")
    complaints = [complaint for lab in opened for complaint in lab.watch.complaints]
    for lab in opened:
        lab.close()
    if complaints:
        pytest.fail("the page complained:\n" + "\n".join(complaints), pytrace=False)
