"""`python3 -m labkit doctor`: what a helper needs to know, in plain text, without secrets."""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from labkit.cli import environment, jupyter, tools, workspace
from labkit.cli import project as projects
from labkit.cli.environment import Condition, Kind, python_of
from labkit.cli.project import Project
from labkit.cli.say import Trouble, say, short

PACKAGES = (
    "smtp-lab",
    "jupyterlab",
    "jupyter_server",
    "ipykernel",
    "ipython",
    "ipywidgets",
    "anywidget",
    "aiosmtpd",
)
_VERSIONS = """
import importlib.metadata, json, sys
def version(name):
    try: return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError: return "missing"
print(json.dumps({name: version(name) for name in sys.argv[1:]}))
"""
# Variables that make Python, pip or Jupyter find other things than the lab's own.
_SUSPECTS = ("PYTHONPATH", "PYTHONHOME", "PIP_INDEX_URL", "PIP_USER", "JUPYTER_CONFIG_DIR", "IPYTHONDIR")


def report() -> int:
    """Print the report; 0 if the lab can be opened as things are, else 1."""
    problems: list[str] = []
    _row("Python", f"{platform.python_version()} at {short(sys.executable)}")
    _row("System", f"{platform.system()} {platform.release()}, {platform.machine()}")
    here = environment.kind()
    _row("Environment", here.value + (f" {environment.conda_name()}" if here is Kind.CONDA else ""))
    _row("venv module", _venv_module())
    try:
        project = projects.find()
    except Trouble as trouble:
        say(str(trouble))
        return 1
    _row("Lab's folder", short(project.root))
    _row("Version", _commit(project))
    _row(".venv", _venv(project, problems))
    _row("Packages", _packages(project))
    _row("Your copy", _my_lab(project))
    _row("Progress", _progress())
    _row("Free space", f"{shutil.disk_usage(project.root).free // 1_000_000} MB")
    loopback = jupyter.can_bind(0)
    if not loopback:
        problems.append(
            "No port can be opened on 127.0.0.1: a firewall or sandbox forbids it, and the lab needs it."
        )
    _row("127.0.0.1", "ports can be opened" if loopback else "NO port can be opened")
    port = "free" if jupyter.can_bind(jupyter.PORT) else "busy; the next free one is used"
    _row(f"Port {jupyter.PORT}", port)
    _row("Display", "yes" if jupyter.has_display() else "none; the address is printed instead")
    _row("Browser for tests", short(tools.installed_browser() or "no Chromium or Chrome found"))
    lacking = tools.missing_clients()
    _row("Clients for tests", "all there" if not lacking else f"missing: {', '.join(lacking)}")
    _row("Set variables", ", ".join(name for name in _SUSPECTS if name in os.environ) or "none that matter")
    for problem in problems:
        say(problem)
    return 1 if problems else 0


def _row(name: str, value: str) -> None:
    say(f"{name + ':':<19} {value}")


def _venv_module() -> str:
    lacking = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    return f"lacks {' and '.join(lacking)}" if lacking else "there"


def _commit(project: Project) -> str:
    """The project's version and, if git can tell, the commit and how many files were changed."""
    version = str(project.table["version"])
    try:
        commit = _git(project, "log", "-1", "--format=%h of %cs")
        changed = len(_git(project, "status", "--porcelain").splitlines())
    except (OSError, subprocess.SubprocessError):
        return version
    return f"{version}, commit {commit}" + (f", {changed} files changed" if changed else "")


def _git(project: Project, *arguments: str) -> str:
    answer = subprocess.run(
        ["git", "-C", str(project.root), *arguments], capture_output=True, text=True, check=True, timeout=10
    )
    return answer.stdout.strip()


def _venv(project: Project, problems: list[str]) -> str:
    state = environment.condition(project)
    stamp = environment.read_stamp(project.venv)
    if state is Condition.HALF:
        problems.append("The earlier set-up was not finished: python3 -m labkit does it anew.")
    if stamp is None:
        return state.value
    extras = f", with {', '.join(stamp.extras)}" if stamp.extras else ""
    return f"{state.value} (Python {stamp.python or 'unknown'}{extras})"


def _packages(project: Project) -> str:
    """Versions in the environment that the lab runs in."""
    inside = python_of(project.venv)
    python = str(inside) if inside.exists() else sys.executable
    command = [python, "-c", _VERSIONS, *PACKAGES]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
        versions = json.loads(answer.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return f"{short(python)} does not run"
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _my_lab(project: Project) -> str:
    there = sorted(path.stem for path in project.my_lab.glob("*.ipynb"))
    newer = workspace.outdated(project)
    text = ", ".join(there) if there else "not laid out yet"
    return text + (f" (newer in the repository: {', '.join(newer)})" if newer else "")


def _progress() -> str:
    home = Path(os.environ.get("LABKIT_HOME") or "~/.labkit")
    if not home.is_absolute():  # as `labkit.learn.progress` reads it; this program cannot import that
        try:
            home = Path.home() / home.expanduser()
        except RuntimeError:
            return "there is no home folder here, so nothing is kept; set LABKIT_HOME"
    if not home.exists():
        return f"{short(home)}, nothing yet"
    size = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
    return f"{short(home)}, {size} octets"
