"""One session as rows for a ladder: what each line says, what it means for the state, and how lines belong together."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from labkit.smtp.reply import Reply
from labkit.smtp.session import Note, Observer, State
from labkit.smtp.transcript import Transcript, WireEvent
from labkit.view.printable import printable, shortened

STATION_OF = {
    State.CONNECTING: "",
    State.REFUSED: "connected",
    State.AUTHENTICATING: "greeted",
    State.CHUNKS: "message",
}
TRANSACTION = {State.SENDER, State.RECIPIENTS, State.MESSAGE, State.CHUNKS}
LINE_ENDS = ((b"\r\n", "CR LF"), (b"\n", "LF only"), (b"\r", "CR only"))
Row = dict[str, Any]


def split_line_end(data: bytes) -> tuple[bytes, str]:
    """A line without its end, and the end by name: ``CR LF``, ``LF only``, ``CR only`` or ``cut``."""
    for end, name in LINE_ENDS:
        if data.endswith(end):
            return data[: -len(end)], name
    return data, "cut"


def reply_parts(line: bytes) -> tuple[str | None, bool, bytes]:
    """Code, whether more lines follow, and the text of one reply line; ``(None, False, line)`` if it is no reply line."""
    if len(line) >= 3 and line[:3].isdigit() and line[3:4] in (b"", b" ", b"-"):
        return line[:3].decode("ascii"), line[3:4] == b"-", line[4:]
    return None, False, line


class SessionRows:
    """Follows one session event by event. Safe to feed on the lab's loop thread and to read on another."""

    def __init__(self, events: Iterable[WireEvent] = ()) -> None:
        self._lock = threading.Lock()
        self._observer = Observer()
        # By line number, in the order in which they came: one connection out of several has gaps in its numbering.
        self._events: dict[int, WireEvent] = {}
        self._allowed: dict[int, tuple[str, ...]] = {}
        self._last = 0
        for event in events:
            self._take(event)

    @property
    def state(self) -> State:
        """The state after the last line."""
        return self._observer.state

    @property
    def last(self) -> int:
        """The number of the last line, 0 before the first."""
        return self._last

    def feed(self, event: WireEvent) -> list[Row]:
        """Take one event; returns the rows that are new or have changed by it."""
        with self._lock:
            changed = {note.seq: note for note in self._take(event)}
            return [self._row(self._events[seq], note) for seq, note in sorted(changed.items())]

    def rows(self) -> list[Row]:
        """All rows."""
        with self._lock:
            return [self._row(self._events[note.seq], note) for note in self._observer.notes]

    def transcript(self) -> Transcript:
        """The session as a transcript, the same object that exercises, export and tests use."""
        with self._lock:
            return Transcript(tuple(self._events.values()))

    def explanation(self, seq: int) -> dict[str, Any] | None:
        """What line `seq` is, which rule applies, what it did; None if there is no such line."""
        from labkit.explainers.line import explain_line  # an empty console needs none

        with self._lock:
            return explain_line(self._observer.notes, seq).to_dict() if seq in self._events else None

    def client_lines(self) -> list[str]:
        """The command lines sent so far, for recalling them."""
        with self._lock:
            return [
                printable(split_line_end(self._events[note.seq].data)[0])
                for note in self._observer.notes
                if note.role == "command"
            ]

    def _take(self, event: WireEvent) -> tuple[Note, ...]:
        changed = self._observer.feed(event)
        self._events[event.seq] = event
        self._allowed[event.seq] = self._observer.allowed
        self._last = event.seq
        return changed

    def _row(self, event: WireEvent, note: Note) -> Row:
        line, end = split_line_end(event.data)
        code, continued, rest = reply_parts(line) if event.sender == "S" else (None, False, line)
        text, more = shortened(printable(rest))
        refused = isinstance(note.reply, Reply) and note.reply.severity >= 4
        return {
            "n": event.seq,
            "s": event.sender,
            "t": text,
            "more": more,
            "end": "CR LF" if not event.data else end,
            "code": code,
            "cont": continued,
            "role": note.role,
            "enc": event.encrypted,
            "before": str(note.before.value),
            "after": str(note.after.value),
            "at": STATION_OF.get(note.after, str(note.after.value)),
            "allowed": list(self._allowed[event.seq]),
            "tx": note.before in TRANSACTION or note.after in TRANSACTION,
            "bad": event.sender == "C" and note.expectation is not None and not note.expectation.allowed,
            "refused": refused,
            "ans": note.answers,
            "by": note.answered_by,
        }
