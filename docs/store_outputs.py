"""Run the notebooks and store their outputs: `python docs/store_outputs.py [NOTEBOOK ...]`, by default all.

Each runs in a fresh kernel with an empty progress home. Live widgets are left out of what is stored (their ids change with
every run); their static form, text and HTML, stays: that is what readers see and what the tests compare.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
LIVE = "application/vnd.jupyter.widget-view+json"


def store(path: Path) -> float:
    """Run one notebook in place; returns the seconds it took. Raises what its cells raise."""
    book = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as home:
        os.environ["LABKIT_HOME"] = home
        start = time.perf_counter()
        NotebookClient(book, timeout=120, resources={"metadata": {"path": str(path.parent)}}).execute()
        seconds = time.perf_counter() - start
    book.metadata.pop("widgets", None)
    book.metadata["language_info"] = {"name": "python"}
    for cell in book.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(LIVE, None)
    nbformat.write(book, path)
    return seconds


def main() -> int:
    """Store the outputs of the notebooks named on the command line, or of all."""
    paths = [Path(name) for name in sys.argv[1:]] or sorted((ROOT / "notebooks").glob("*.ipynb"))
    for path in paths:
        print(f"{path.name}: {store(path):.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
