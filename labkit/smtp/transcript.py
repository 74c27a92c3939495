"""A recorded session: the object behind replay, export, exercises and tests; and the recorder that makes it.

Both written forms, text and JSON, read back exactly, for any octets. See `labkit.smtp.forms` for the forms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import overload

from labkit.frozen import dataclass
from labkit.smtp import forms
from labkit.smtp.wire import Segment, Sender, TranscriptError, View, WireEvent

__all__ = ["LINE_CUT", "Recorder", "Segment", "Sender", "Transcript", "TranscriptError", "View", "WireEvent"]

LINE_CUT = 65536
"""A line longer than this many octets is recorded in pieces of this size."""


@dataclass(frozen=True)
class Transcript:
    """Lines in the order in which they were recorded, and the segments in which they arrived."""

    events: tuple[WireEvent, ...] = ()
    segments: tuple[Segment, ...] = ()

    def __len__(self) -> int:
        return len(self.events)

    def __iter__(self) -> Iterator[WireEvent]:
        return iter(self.events)

    @overload
    def __getitem__(self, index: int) -> WireEvent: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[WireEvent, ...]: ...
    def __getitem__(self, index: int | slice) -> WireEvent | tuple[WireEvent, ...]:
        return self.events[index]

    def connection(self, number: int) -> Transcript:
        """Only what belongs to one connection. Line numbers stay as they are."""
        return Transcript(
            tuple(event for event in self.events if event.connection == number),
            tuple(segment for segment in self.segments if segment.connection == number),
        )

    def same_wire(self, other: Transcript) -> bool:
        """Whether both tell the same session: equal but for time, connection number and segmentation."""
        return self._wire() == other._wire()

    def _wire(self) -> list[tuple[int, Sender, View, bytes, bool]]:
        order: dict[int, int] = {}
        return [
            (order.setdefault(e.connection, len(order)), e.sender, e.view, e.data, e.encrypted)
            for e in self.events
        ]

    def to_text(self) -> str:
        """The readable form: ``C: EHLO a.example``, ``S: 250 OK``."""
        return forms.write_text(self.events, self.segments)

    @classmethod
    def from_text(cls, text: str) -> Transcript:
        """Read the text form, also one typed or pasted by hand.

        Raises `TranscriptError`, which names line and reason.
        """
        return cls(*forms.read_text(text))

    def to_json(self) -> str:
        """The form for programs: one entry a line, each octet of ``data`` as the character of that number."""
        return forms.write_json(self.events, self.segments)

    @classmethod
    def from_json(cls, text: str) -> Transcript:
        """Read the JSON form. Raises `TranscriptError`, which names entry and reason."""
        return cls(*forms.read_json(text))


class Recorder:
    """Turns the octets of one connection, in the order in which they passed, into line events.

    Arguments: ``connection`` its number, ``view`` who records, ``now`` the world's clock in seconds,
    ``on_event`` is called with each event the moment it is complete, ``first_seq`` the first line's number.

    A line is complete at its LF. What is pending is recorded as it is, without line end, when the other side
    speaks, when TLS starts, at 64 KiB, and when a side closes. So at most one side has something pending, and
    the events' order is the order on the wire.
    """

    __slots__ = (
        "_closed", "_connection", "_events", "_now", "_on_event", "_pending", "_pending_encrypted",
        "_pending_sender", "_segments", "_seq", "_view",
    )  # fmt: skip

    def __init__(
        self,
        connection: int,
        view: View,
        now: Callable[[], float],
        on_event: Callable[[WireEvent], None] | None = None,
        first_seq: int = 1,
    ) -> None:
        self._connection = connection
        self._view = view
        self._now = now
        self._on_event = on_event
        self._seq = first_seq
        self._events: list[WireEvent] = []
        self._segments: list[tuple[float, int, Sender, int, int]] = []  # made into Segments when asked for
        self._pending = bytearray()
        self._pending_sender: Sender = "C"
        self._pending_encrypted = False
        self._closed: set[Sender] = set()

    def feed(self, sender: Sender, data: bytes, encrypted: bool) -> None:
        """Record octets that ``sender`` sent in one piece. No octets, no record."""
        if not data:
            return
        time = self._now()
        pending = self._pending
        if pending and (sender != self._pending_sender or encrypted != self._pending_encrypted):
            self._cut(time)
        size = len(data)
        self._segments.append((time, self._connection, sender, self._seq, size))
        if not pending and data.find(b"\n") + 1 == size <= LINE_CUT:  # the usual case: one whole line
            self._emit(time, sender, bytes(data), encrypted)
            return
        self._pending_sender = sender
        self._pending_encrypted = encrypted
        *lines, rest = data.split(b"\n")
        for line in lines:
            if self._pending:
                self._pending += line
                line = bytes(self._pending)
                self._pending.clear()
            self._emit_line(time, line + b"\n")
        self._pending += rest
        while len(self._pending) >= LINE_CUT:
            self._emit(time, sender, bytes(self._pending[:LINE_CUT]), encrypted)
            del self._pending[:LINE_CUT]

    def feed_whole(self, sender: Sender, data: bytes, encrypted: bool) -> None:
        """Record octets that are no lines as one event, whatever is in them: a TLS record, as it is on the wire."""
        if data:
            time = self._now()
            self._cut(time)
            self._segments.append((time, self._connection, sender, self._seq, len(data)))
            self._emit(time, sender, bytes(data), encrypted)

    def close(self, sender: Sender) -> None:
        """Record that ``sender`` closed its side. A second time does nothing."""
        if sender in self._closed:
            return
        time = self._now()
        self._cut(time)
        self._closed.add(sender)
        encrypted = self._events[-1].encrypted if self._events else False
        self._emit(time, sender, b"", encrypted)

    def transcript(self) -> Transcript:
        """What has been recorded so far; a line still on its way is not in it."""
        return Transcript(tuple(self._events), tuple(Segment(*parts) for parts in tuple(self._segments)))

    def _cut(self, time: float) -> None:
        if self._pending:
            pending = bytes(self._pending)
            self._pending.clear()
            self._emit(time, self._pending_sender, pending, self._pending_encrypted)

    def _emit_line(self, time: float, line: bytes) -> None:
        for start in range(0, len(line), LINE_CUT):
            self._emit(time, self._pending_sender, line[start : start + LINE_CUT], self._pending_encrypted)

    def _emit(self, time: float, sender: Sender, data: bytes, encrypted: bool) -> None:
        event = WireEvent(self._seq, time, self._connection, sender, self._view, data, encrypted)
        self._seq += 1
        self._events.append(event)
        if self._on_event is not None:
            self._on_event(event)
