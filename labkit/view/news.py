"""News from the loop thread for a page: however often it comes, it goes on in one piece a few times a second."""

from __future__ import annotations

import threading
from collections.abc import Callable

from labkit.transport.loop_thread import loop_thread

PACE = 0.05
"""Seconds that news waits for more of its kind: below what a person notices, and a flood stays a few messages."""


class News:
    """Called for every change, on the loop thread; calls `tell` there at most every `PACE` seconds."""

    def __init__(self, tell: Callable[[], object]) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._waits = self._over = False

    def __call__(self, *_what: object) -> None:
        """Something has changed."""
        with self._lock:
            if self._waits or self._over:
                return
            self._waits = True
        loop_thread().loop.call_later(PACE, self._go)

    def _go(self) -> None:
        with self._lock:
            self._waits = False
            if self._over:
                return
        self._tell()

    def end(self) -> None:
        """Tell nothing any more."""
        with self._lock:
            self._over = True
