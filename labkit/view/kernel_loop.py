"""The kernel's main loop, the only place from which widgets are changed: handing work over to it, and what it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from IPython.core.getipython import get_ipython

from labkit.transport.loop_thread import loop_thread

_main_loop: asyncio.AbstractEventLoop | None = None


def remember_main_loop() -> None:
    """Called while a cell runs: the loop that runs cells is the one that widget messages must leave from."""
    global _main_loop
    try:
        _main_loop = asyncio.get_running_loop()
    except RuntimeError:  # a plain script or a test: there is no kernel loop
        _main_loop = None


def running_cell() -> str | None:
    """The id of the cell that runs now, as the page names it; None where nobody says."""
    request: dict[str, Any] = getattr(get_ipython(), "get_parent", dict)()
    name = request.get("metadata", {}).get("cellId")
    return name if isinstance(name, str) else None


def hand_over(callback: Callable[[], None]) -> None:
    """Run `callback` on the kernel's main loop: at once when it is idle, right after the cell when it is busy.

    Without such a loop, or with one that has been closed, it runs here and now.
    """
    if _main_loop is not None:
        with suppress(RuntimeError):  # closed, perhaps this very moment
            _main_loop.call_soon_threadsafe(callback)
            return
    callback()


def attempt(callback: Callable[..., object], *args: object) -> None:
    """Call it; what goes wrong is kept in `LoopThread.errors`, so that whoever comes next still gets a turn."""
    try:
        callback(*args)
    except Exception as error:
        loop_thread().errors.append(f"{callback!r}: {error!r}")
