"""A host's log: one plain line per event, with the reply in it."""

from __future__ import annotations

from labkit.frozen import dataclass

LOG_LIMIT = 20_000
"""So many lines are kept at each host; after that each new one drops the oldest."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line."""

    time: float
    """Seconds on the world's clock."""
    host: str
    queue_id: str
    """The message it is about, as this host calls it; empty when it is about none."""
    text: str

    def __str__(self) -> str:
        return f"{self.queue_id}: {self.text}" if self.queue_id else self.text
