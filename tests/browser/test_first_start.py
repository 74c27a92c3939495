"""What a person meets who types `python3 -m labkit`: the first notebook, the sidebar collapsed, no questions asked."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from labkit.cli import workspace
from labkit.cli.project import Project

ROOT = Path(__file__).resolve().parents[2]
START = """
import sys
from pathlib import Path
from labkit.cli import jupyter
from labkit.cli.project import Project
sys.exit(jupyter.launch(Project(Path(sys.argv[1])), sys.executable, None, browser=False, extra=[]))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A clone with the first lesson laid out."""
    tmp_path = tmp_path_factory.mktemp("clone")
    shutil.copytree(ROOT / "settings", tmp_path / "settings")
    (tmp_path / "notebooks").mkdir()
    shutil.copyfile(ROOT / "notebooks" / workspace.FIRST, tmp_path / "notebooks" / workspace.FIRST)
    project = Project(tmp_path)
    workspace.lay_out(project)
    return project


@pytest.fixture(scope="module")
def address(project: Project) -> Iterator[str]:
    """The address that the command printed; it closes on Ctrl+C, which this fixture checks."""
    command = [sys.executable, "-c", START, str(project.root)]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "DISPLAY": ""},
    )
    assert process.stdout is not None
    try:
        printed = ""
        while not (found := re.search(r"http://127\.0\.0\.1:\d+/\S*token=\w+", printed)):
            line = process.stdout.readline()
            assert line, f"it ended without an address:\n{printed}"
            printed += line
        yield found[0]
    finally:
        process.send_signal(signal.SIGINT)
        try:
            rest, _ = process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert process.returncode == 130
    assert rest.splitlines()[-1].startswith("The lab is closed.")
    assert "KeyboardInterrupt" not in rest


def opened(page: Page, address: str) -> Page:
    page.goto(address)
    page.locator(".jp-NotebookPanel .jp-Cell").first.wait_for(timeout=60_000)
    page.evaluate("() => new Promise(done => requestIdleCallback(done, {timeout: 5000}))")
    return page


def sidebar_width(page: Page) -> int:
    return int(page.evaluate("() => document.querySelector('#jp-left-stack').getBoundingClientRect().width"))


def test_the_first_notebook_opens_quietly_and_the_layout_is_the_learners(
    address: str, project: Project, context: BrowserContext
) -> None:
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    opened(page, address)

    expect(page).to_have_url(re.compile(r"/lab/tree/00_start_here\.ipynb"))
    expect(page.locator(".jp-NotebookPanel .jp-Cell").first).to_be_visible()
    assert sidebar_width(page) == 0
    expect(page.locator(".jp-Dialog")).to_have_count(0)
    expect(page.locator(".Toastify__toast")).to_have_count(0)

    layout = project.state / "workspaces" / "default-37a8.jupyterlab-workspace"
    page.keyboard.press("Control+b")
    page.wait_for_function("() => document.querySelector('#jp-left-stack').getBoundingClientRect().width > 0")
    for _ in range(100):
        if json.loads(layout.read_text())["data"]["layout-restorer:data"]["left"].get("collapsed") is False:
            break
        page.wait_for_timeout(100)
    opened(page, address)
    page.wait_for_function("() => document.querySelector('#jp-left-stack').getBoundingClientRect().width > 0")

    hosts = {urlsplit(url).hostname for url in asked if url.startswith(("http", "ws"))}
    assert hosts == {"127.0.0.1"}


def test_the_settings_of_the_package_are_in_force(address: str, context: BrowserContext) -> None:
    page = opened(context.new_page(), address)
    listed = page.evaluate("() => fetch('/lab/api/settings').then(answer => answer.json())")
    defaults = {
        plugin["id"]: {
            key: value.get("default") for key, value in plugin["schema"].get("properties", {}).items()
        }
        for plugin in listed["settings"]
    }
    for plugin, values in json.loads((ROOT / "settings" / "overrides.json").read_text()).items():
        for key, value in values.items():
            assert defaults[plugin][key] == value


def test_nobody_gets_in_without_the_token(address: str, context: BrowserContext) -> None:
    opened(context.new_page(), address)
    parts = urlsplit(address)
    with pytest.raises(HTTPError) as caught:
        urlopen(f"{parts.scheme}://{parts.netloc}/api/contents")
    assert caught.value.code == 403
