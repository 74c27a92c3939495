"""The observer: replays a recorded session through the table of `labkit.smtp.states` and notes every line.

It opens no connection and decides nothing. It says what each line is, which command each reply answers, what
the reply did to the session, and where a server or a client leaves the rules. Replies are matched to commands
first in, first out, so pipelining reads right. Lines after DATA, AUTH, BDAT and STARTTLS are judged when the
answer to that command is known, because only the answer says what they are.

The time is linear in the number of lines: each line is judged at most twice.
"""

from __future__ import annotations

from collections.abc import Iterable

from labkit.smtp.connection import Connection
from labkit.smtp.expect import Expectation, Facts, expectation
from labkit.smtp.note import Draft, Envelope, Note, envelope_of
from labkit.smtp.states import (
    Edge,
    State,
    allowed,
    diagram,
)
from labkit.smtp.wire import WireEvent

__all__ = [
    "Edge", "Envelope", "Expectation", "Facts", "Note", "Observer", "State", "allowed", "diagram",
    "expectation", "observe",
]  # fmt: skip


class Observer:
    """Feed it events in their order; it keeps one note per event.

    ``state`` is where the session stands before the first event: leave it, except for an excerpt. Several
    connections, and the two ends' views of one, are kept apart; `state`, `envelope` and `facts` are those of
    the connection that was fed last.
    """

    def __init__(self, state: State = State.CONNECTING) -> None:
        self._start = state
        self._notes: list[Note] = []
        self._drafts: list[Draft] = []
        self._connections: dict[tuple[int, str], Connection] = {}
        self._last = Connection(self._drafts, state)

    @property
    def state(self) -> State:
        """Where the session is now, as the client knows it."""
        return self._last.state

    @property
    def envelope(self) -> Envelope:
        """Who the open transaction is from and for; after its 250, whom the accepted message is for."""
        return envelope_of(self._last.trail)

    @property
    def facts(self) -> Facts:
        """What the session has shown beyond its state: keywords, TLS, who has proved who they are."""
        return self._last.facts

    @property
    def allowed(self) -> tuple[str, ...]:
        """The commands that are in order now, without those that the server did not announce, or has not."""
        return self._last.allowed

    @property
    def notes(self) -> tuple[Note, ...]:
        """All notes so far, one per event, in the events' order."""
        return tuple(self._notes)

    def feed(self, event: WireEvent) -> tuple[Note, ...]:
        """Take one event. Returns its note, and the earlier notes that it changed, in line order."""
        key = (event.connection, event.view)
        connection = self._connections.get(key)
        if connection is None:
            connection = self._connections[key] = Connection(self._drafts, self._start)
        self._last = connection
        changed = sorted(connection.feed(event))
        self._notes.append(self._drafts[changed[-1]].freeze())
        for index in changed[:-1]:
            self._notes[index] = self._drafts[index].freeze()
        return tuple(self._notes[index] for index in changed)


def observe(transcript: Iterable[WireEvent]) -> tuple[Note, ...]:
    """The notes of a whole transcript, one per event, in the same order."""
    observer = Observer()
    for event in transcript:
        observer.feed(event)
    return observer.notes
