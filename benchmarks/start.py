"""``python3 -m labkit`` to the first output in the page, against plain ``jupyter lab``: ``python benchmarks/start.py``.

Both start from the same environment, print an address, and one Chromium (started before, without a cache of either)
opens it; the same script in the page waits until the notebook and its kernel are ready and runs the first code cell.
The lab's is the set-up cell of 00_start_here, which opens the lesson; the peer's prints one word. Seconds from the
command: median, and the smallest in brackets. Goal: 1.15.

The checkout must have been set up (``python3 -m labkit prepare``); it is this one, or the one that --checkout names.
Playwright may come from another environment than the checkout's.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from shared import ROOT, browser, cells, environment, machine, ratio, shown

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/lab\S*token=\w+")
# The page tells the script about itself; nothing else differs from what a learner starts.
EXPOSED = "--LabApp.expose_app_in_browser=True"

RUN_FIRST_CELL = """
async () => {
  const end = performance.now() + 120000;
  const until = async (test) => {
    while (!test()) {
      if (performance.now() > end) throw new Error('not ready in two minutes: ' + test);
      await new Promise((go) => setTimeout(go, 10));
    }
  };
  const app = window.jupyterapp;
  await app.restored;
  await until(() => app.shell.currentWidget?.sessionContext);
  const panel = app.shell.currentWidget, session = panel.sessionContext, nb = panel.content;
  await panel.context.ready;
  await session.ready;
  await until(() => session.session?.kernel);
  await session.session.kernel.info;
  const cell = nb.widgets.find((one) => one.model.type === 'code');
  cell.outputArea.model.clear();
  nb.deselectAll();
  nb.activeCellIndex = nb.widgets.indexOf(cell);
  void app.commands.execute('notebook:run-cell');
  const said = () => cell.outputArea.node.querySelector('.jp-OutputArea-output')?.textContent.trim();
  await until(said);
  return said();
}
"""


@contextmanager
def started(command: list[str], folder: Path, env: dict[str, str]) -> Iterator[str]:
    """Run a command that starts JupyterLab; the address that it prints. Ended by a request, as Ctrl+C does."""
    server = subprocess.Popen(
        command,
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert server.stdout is not None
    printed = ""
    try:
        for line in server.stdout:
            printed += line
            if found := ADDRESS.search(line):
                break
        else:
            raise RuntimeError(f"it ended without an address:\n{printed}")
        yield found[0]
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=30)


def first_output(
    command: list[str], folder: Path, env: dict[str, str], running: Browser
) -> tuple[float, float]:
    """Seconds from the command to its address, and to the first output in the page."""
    begin = time.perf_counter()
    with started(command, folder, env) as address:
        listening = time.perf_counter() - begin
        page = running.new_page()
        page.set_default_timeout(120_000)
        page.goto(address, wait_until="commit")
        page.wait_for_function("() => window.jupyterapp")
        page.evaluate(RUN_FIRST_CELL)
        output = time.perf_counter() - begin
        page.context.close()
    return listening, output


def main(checkout: Path, rounds: int) -> None:
    """Alternate, and print medians and the ratio."""
    python = checkout / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        sys.exit(f"{checkout} is not set up: python3 -m labkit prepare")
    times: dict[str, list[tuple[float, float]]] = {"jupyter lab": [], "labkit": []}
    with tempfile.TemporaryDirectory() as name, browser() as running:
        plain = Path(name) / "plain"
        plain.mkdir()
        book = cells("print('ready')")
        book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(book, plain / "plain.ipynb")
        env = environment(Path(name))
        env.pop("PYTHONPATH")
        root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        commands = {
            "jupyter lab": (
                [
                    *(str(python), "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", *root),
                    *("--ServerApp.port=8988", "--LabApp.default_url=/lab/tree/plain.ipynb", EXPOSED),
                ],
                plain,
            ),
            "labkit": (
                [sys.executable, "-m", "labkit", "--no-browser", "--port", "8988", "--", EXPOSED],
                checkout,
            ),
        }
        for number in range(rounds + 1):
            for which, (command, folder) in commands.items():
                took = first_output(command, folder, env, running)
                if number:  # the first of each fills the file cache
                    times[which].append(took)
    for moment, what in enumerate(("address printed", "first output in the page")):
        peer, own = ([took[moment] for took in times[which]] for which in ("jupyter lab", "labkit"))
        goal = " (goal 1.15)" if moment else ""
        print(
            f"{what}: jupyter lab {shown(peer, 2)} s, labkit {shown(own, 2)} s, ratio {ratio(own, peer)}{goal}"
        )
    print(machine())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkout", type=Path, default=ROOT)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    main(options.checkout.resolve(), options.rounds)
