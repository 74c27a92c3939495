"""Resident memory of a kernel with lesson 01 open and all its cells run: ``python benchmarks/kernel_memory.py``.

Against a bare kernel, and one that has imported anywidget; each in a kernel of its own, alternating. Medians of
resident memory, and of memory that no other process shares, in MB of 1,048,576 octets. Goal: 75 MB.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
import psutil
from jupyter_client.manager import KernelManager
from shared import ROOT, environment, machine

MB = 1 << 20


def kernel_memory(cells: list[str]) -> tuple[float, float]:
    """Start a kernel, run these cells; resident and unshared memory of the idle kernel in MB."""
    with tempfile.TemporaryDirectory() as folder:
        manager = KernelManager()
        manager.start_kernel(env=environment(Path(folder)), cwd=folder, stderr=subprocess.DEVNULL)
        client = manager.blocking_client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=60)
            for cell in cells:
                answer = client.execute_interactive(cell, timeout=120, output_hook=lambda _: None)
                if answer["content"]["status"] != "ok":
                    raise RuntimeError("\n".join(answer["content"]["traceback"]))
            process = psutil.Process(manager.provisioner.process.pid)
            memory = process.memory_full_info()
            return memory.rss / MB, memory.uss / MB
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)


def main(rounds: int) -> None:
    """Alternate, and print medians and ratios."""
    lesson = nbformat.read(ROOT / "notebooks" / "01_session.ipynb", as_version=4)
    code = [cell.source for cell in lesson.cells if cell.cell_type == "code"]
    states = {
        "bare kernel": ["1"],
        "with anywidget": ["import anywidget"],
        "lesson 01, first console": [code[0], "lab.console()"],
        "lesson 01, all cells run": code,
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in states}
    for _ in range(rounds):
        for name, cells in states.items():
            found[name].append(kernel_memory(cells))
    bare = statistics.median(resident for resident, _ in found["bare kernel"])
    for name, memories in found.items():
        resident, own = (statistics.median(column) for column in zip(*memories, strict=True))
        print(f"{name:26} {resident:5.1f} MB resident, ratio {resident / bare:.2f}; {own:5.1f} MB unshared")
    print(f"goal: 75 MB with lesson 01; Python {sys.version.split()[0]}; {machine()}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    main(parser.parse_args().rounds)
