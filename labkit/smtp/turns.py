"""Round trips: how often the line turns, that is how often the client has said its part and waits for the server."""

from __future__ import annotations

from collections.abc import Iterable

from labkit.frozen import dataclass
from labkit.smtp.wire import WireEvent

__all__ = ["Turn", "turns"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One round trip: what the client said in one go, then what the server answered.

    ``said`` is empty for the greeting, which no command asked for. ``answered`` is empty if the connection ended first.
    """

    said: tuple[WireEvent, ...]
    answered: tuple[WireEvent, ...]

    @property
    def octets(self) -> int:
        """Octets that the client sent in it."""
        return sum(len(event.data) for event in self.said)


def turns(transcript: Iterable[WireEvent]) -> tuple[Turn, ...]:
    """The round trips of one session, in order. Opening the TCP connection costs one more, before any of these.

    Lines of the client between two answers count as said in one go: so it is when the client sends what it may and then
    waits (RFC 2920 section 3.1). Who closed is no line.
    """
    found: list[Turn] = []
    said: list[WireEvent] = []
    answered: list[WireEvent] = []
    for event in transcript:
        if not event.data:
            continue
        if event.sender == "S":
            answered.append(event)
            continue
        if answered:
            found.append(Turn(tuple(said), tuple(answered)))
            said, answered = [], []
        said.append(event)
    if said or answered:
        found.append(Turn(tuple(said), tuple(answered)))
    return tuple(found)
