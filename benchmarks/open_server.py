"""Opening a lab's server against starting bare aiosmtpd: ``python benchmarks/open_server.py``.

Both on a running event loop, then opened from a cell's point of view (thread and all). Medians in
milliseconds, alternating in one run. Goal for opening a world: under 5 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import statistics
import subprocess
import sys
import time
from typing import Any

from aiosmtpd.smtp import SMTP

from labkit.transport.loop_thread import loop_thread
from labkit.world import World, receiver


class Handler:
    """What a bare server needs to take a message."""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Keep nothing."""
        return "250 OK"


def bare() -> float:
    """Start aiosmtpd on the running loop thread and connect once, as far as its greeting."""

    async def start() -> float:
        loop = asyncio.get_running_loop()
        begin = time.perf_counter()
        server = await loop.create_server(
            lambda: SMTP(Handler(), hostname="a.example", loop=loop), "127.0.0.1", 0
        )
        took = time.perf_counter() - begin
        server.close()
        return took

    return loop_thread().run(start, 5)


def lab() -> tuple[float, float]:
    """Open and close a world from the main thread."""
    begin = time.perf_counter()
    world = World.open(receiver())
    opened = time.perf_counter()
    world.close()
    return opened - begin, time.perf_counter() - opened


def first_use() -> float:
    """The very first opening in a process: the loop thread has to start, too."""
    script = (
        "import time; from labkit.world import World, receiver\n"
        "begin = time.perf_counter(); world = World.open(receiver()); print(time.perf_counter() - begin)"
    )
    return float(subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout)


def main(rounds: int) -> None:
    """Alternate, and print medians."""
    logging.getLogger("mail.log").addHandler(logging.NullHandler())
    bare()
    lab()
    started, opened, closed = [], [], []
    for _ in range(rounds):
        started.append(bare())
        took, ended = lab()
        opened.append(took)
        closed.append(ended)
    first = [first_use() for _ in range(5)]
    peer, own = (statistics.median(values) * 1000 for values in (started, opened))
    ending, beginning = (statistics.median(values) * 1000 for values in (closed, first))
    print(
        f"bare aiosmtpd start {peer:.2f} ms; world open {own:.2f} ms (goal under 5), ratio {own / peer:.1f}"
    )
    print(f"world close {ending:.2f} ms; first open in a process {beginning:.2f} ms")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    main(parser.parse_args().rounds)
