"""A world's clock for notebook cells: the same clock, moved from any thread."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from labkit.clock import Due, VirtualClock
from labkit.transport.loop_thread import LoopThread, entry_point

MOVING = 600.0
"""Real seconds that deliveries and a move of the clock may take."""


class SyncClock:
    """See `labkit.clock.VirtualClock`. Reading is safe anywhere; moving waits until all that became due is done."""

    def __init__(self, clock: VirtualClock, thread: LoopThread) -> None:
        self._clock = clock
        self._thread = thread

    @property
    def start(self) -> datetime:
        """The instant at which this world began, in UTC."""
        return self._clock.start

    def now(self) -> float:
        """Seconds since the start of this world."""
        return self._clock.now()

    def datetime(self) -> datetime:
        """The present instant of this world, in UTC."""
        return self._clock.datetime()

    def pending(self) -> tuple[Due, ...]:
        """What is planned, in the order in which it will be done."""
        return self._clock.pending()

    def on_change(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Have ``callback()`` called when time or the plan has changed, on the loop thread. Call the result to end
        that."""
        return self._clock.on_change(callback)

    @entry_point
    def advance(self, seconds: float = 0.0, **parts: float) -> None:
        """Move time on, as in ``advance(hours=4)``; all that becomes due on the way is done in order."""
        self._thread.run(lambda: self._clock.advance(seconds, **parts), MOVING)

    @entry_point
    def advance_to_next(self) -> Due | None:
        """Move to the next time for which something is planned; None when nothing is."""
        return self._thread.run(self._clock.advance_to_next, MOVING)

    def __repr__(self) -> str:
        return repr(self._clock)
