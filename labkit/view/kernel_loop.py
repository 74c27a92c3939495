"""Handing work from the lab's loop thread over to the kernel's main loop, the only place from which widgets are changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_main_loop: asyncio.AbstractEventLoop | None = None


def remember_main_loop() -> None:
    """Called while a cell runs: the loop that runs cells is the one that widget messages must leave from."""
    global _main_loop
    try:
        _main_loop = asyncio.get_running_loop()
    except RuntimeError:  # a plain script or a test: there is no kernel loop
        _main_loop = None


def hand_over(callback: Callable[[], None]) -> None:
    """Run `callback` on the kernel's main loop: at once when it is idle, right after the cell when it is busy."""
    if _main_loop is None or _main_loop.is_closed():
        callback()
    else:
        _main_loop.call_soon_threadsafe(callback)
