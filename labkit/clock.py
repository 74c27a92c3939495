"""The clock of a world: it stands still until somebody moves it, so that a run made twice gives the same text twice.

Work can be planned for a later time (a queue's next try, for example). Moving the clock does that work in order, each
piece to its end, and lets the world come to rest before time goes on.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from inspect import isawaitable

DEFAULT_START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
"""A Monday morning. Every world starts here unless its spec says otherwise."""

Work = Callable[[], Awaitable[None] | None]


class Due:
    """A piece of work that waits for its time."""

    __slots__ = ("_clock", "_work", "cancelled", "done", "seq", "what", "when")

    def __init__(self, clock: VirtualClock, when: float, seq: int, work: Work, what: str) -> None:
        self.when = when
        """Seconds since the start of the world."""
        self.what = what
        """What will be done, as a line for people."""
        self.seq = seq
        """Order of registration: earlier planned is done first at the same time."""
        self.done = False
        """Whether its time has come."""
        self.cancelled = False
        """Whether it was called off."""
        self._clock = clock
        self._work = work

    def cancel(self) -> None:
        """Call it off. Harmless when it is done or called off already."""
        if not self.done and not self.cancelled:
            self.cancelled = True
            self._clock._changed()

    def __lt__(self, other: Due) -> bool:
        return (self.when, self.seq) < (other.when, other.seq)

    def __repr__(self) -> str:
        return f"<due at {self.when:g} s: {self.what}>"


class VirtualClock:
    """Time inside a world, independent of the wall clock.

    Everything that a world writes down (events of a transcript, ``Received`` fields, message dates) takes its
    time from here. Reading it is safe from any thread; it is moved on the loop thread.
    """

    def __init__(self, start: datetime = DEFAULT_START) -> None:
        """``start`` must carry a time zone: a naive date would mean another instant on another machine."""
        if start.tzinfo is None:
            raise ValueError(f"expected a start time with a time zone, received {start!r}")
        self._start = start.astimezone(UTC)
        self._elapsed = 0.0
        self._plan: list[Due] = []
        self._seqs = itertools.count(1)
        self._callbacks: list[Callable[[], object]] = []
        self.turn: AbstractAsyncContextManager[object] = nullcontext()
        """Held while time moves. A world puts a lock here, so that one move ends before the next begins."""
        self.settle: Callable[[], Awaitable[None]] = _at_rest
        """Awaited before time goes on. A world waits here until nothing is under way any more."""

    @property
    def start(self) -> datetime:
        """The instant at which this world began, in UTC."""
        return self._start

    def now(self) -> float:
        """Seconds since the start of this world."""
        return self._elapsed

    def datetime(self) -> datetime:
        """The present instant of this world, in UTC."""
        return self._start + timedelta(seconds=self._elapsed)

    # what is planned

    def at(self, when: float, work: Work, what: str) -> Due:
        """Plan ``work`` for ``when`` (seconds since the start; what has passed already is done at the next move)."""
        due = Due(self, max(when, self._elapsed), next(self._seqs), work, what)
        heapq.heappush(self._plan, due)
        self._changed()
        return due

    def pending(self) -> tuple[Due, ...]:
        """What is planned, in the order in which it will be done."""
        return tuple(sorted(due for due in self._plan.copy() if not due.cancelled and not due.done))

    def on_change(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Have ``callback()`` called when time or the plan has changed, on the loop thread. Call the result to end
        that."""
        self._callbacks.append(callback)

        def end() -> None:
            if callback in self._callbacks:
                self._callbacks.remove(callback)

        return end

    # moving

    async def advance(self, seconds: float = 0.0, **parts: float) -> None:
        """Move time on by ``seconds`` and by ``timedelta``'s parts, as in ``advance(hours=4)``.

        Work that becomes due is done on the way, at its own time and in order. Not to be called from such work: it
        would wait for itself. Raises ``ValueError`` for a step back, and what the work raises.
        """
        step = seconds + timedelta(**parts).total_seconds()
        if step < 0:
            raise ValueError(f"time does not run backwards: received {step:g} s")
        async with self.turn:
            await self.settle()
            goal = self._elapsed + step
            while (due := self._next()) is not None and due.when <= goal:
                await self._do(due)
            self._elapsed = goal
            self._changed()

    async def advance_to_next(self) -> Due | None:
        """Move to the next time for which something is planned, and do all that is due then.

        Returns the first piece of work, or None when nothing is planned; then time stands still.
        """
        async with self.turn:
            await self.settle()
            first = self._next()
            if first is not None:
                while (due := self._next()) is not None and due.when <= first.when:
                    await self._do(due)
            return first

    def _next(self) -> Due | None:
        while self._plan and self._plan[0].cancelled:
            heapq.heappop(self._plan)
        return self._plan[0] if self._plan else None

    async def _do(self, due: Due) -> None:
        heapq.heappop(self._plan)
        due.done = True
        self._elapsed = max(self._elapsed, due.when)
        self._changed()
        outcome = due._work()
        if isawaitable(outcome):
            await outcome
        await self.settle()

    def _changed(self) -> None:
        for callback in tuple(self._callbacks):
            callback()

    def __repr__(self) -> str:
        return f"<clock at {self.datetime():%Y-%m-%d %H:%M:%S} UTC>"


async def _at_rest() -> None:
    """A clock of its own has nothing to wait for."""
