"""What the benchmarks share: processes of their own, a notebook in a page, medians, the state of the machine.

Other work on the machine makes every figure larger, a ratio of two less so. So peers alternate in one run, each
script prints the load it met, and beside a median the smallest value, which disturbances touch least.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

if TYPE_CHECKING:
    from browser.lab_page import LabPage
    from playwright.sync_api import Browser


def environment(folder: Path) -> dict[str, str]:
    """An environment with empty homes of its own in `folder`, in which Python keeps what it has compiled."""
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("JUPYTER", "LABKIT_", "PYTHONDONTWRITE"))
    }
    own = ("LABKIT_HOME", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    env |= {name: str(folder / name.lower()) for name in own}
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    env["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    return env


def in_fresh_process(code: str) -> list[float]:
    """Run `code` in a Python of its own with empty homes; the numbers in the last line that it prints."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment(Path(folder)),
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"a measured process failed:\n{done.stderr[-2000:]}")
    return [float(number) for number in done.stdout.splitlines()[-1].split()]


@contextmanager
def browser() -> Iterator[Browser]:
    """A Chromium with the switches of the browser tests."""
    from browser.chromium import launch_options
    from playwright.sync_api import sync_playwright

    with sync_playwright() as tool:
        running = tool.chromium.launch(**launch_options())
        try:
            yield running
        finally:
            running.close()


@contextmanager
def notebook_page(source: Any) -> Iterator[LabPage]:
    """A notebook (path, object, or the source of one cell) open in JupyterLab, on a server of its own."""
    from browser.jupyter import Jupyter
    from browser.lab_page import LabPage

    with Jupyter() as server, browser() as running:
        lab = LabPage(running.new_page(), server, server.place(source))
        yield lab
        lab.close()


def cells(*sources: str) -> Any:
    """A notebook with these code cells."""
    from nbformat.v4 import new_code_cell, new_notebook

    return new_notebook(cells=[new_code_cell(source) for source in sources])


def shown(values: Sequence[float], digits: int = 0) -> str:
    """Median and, in brackets, the smallest."""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f})"


def ratio(own: Sequence[float], peer: Sequence[float]) -> str:
    """The ratio of the medians and, in brackets, of the smallest."""
    return f"{statistics.median(own) / statistics.median(peer):.2f} ({min(own) / min(peer):.2f})"


def machine() -> str:
    """How busy the machine is, for the last line of a benchmark."""
    one, five, _ = os.getloadavg()
    return (
        f"load {one:.1f}, five minutes {five:.1f}, {os.cpu_count()} processors; in brackets: smallest of all"
    )
