"""The clock of a world: it stands still, so that a run made twice gives the same text twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

DEFAULT_START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
"""A Monday morning. Every world starts here unless its spec says otherwise."""


class VirtualClock:
    """Time inside a world, independent of the wall clock.

    Everything that a world writes down (events of a transcript, ``Received`` fields, message dates) takes its
    time from here. Reading it is safe from any thread.
    """

    def __init__(self, start: datetime = DEFAULT_START) -> None:
        """``start`` must carry a time zone: a naive date would mean another instant on another machine."""
        if start.tzinfo is None:
            raise ValueError(f"expected a start time with a time zone, received {start!r}")
        self._start = start.astimezone(UTC)
        self._elapsed = 0.0

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

    def __repr__(self) -> str:
        return f"<clock at {self.datetime():%Y-%m-%d %H:%M:%S} UTC>"
