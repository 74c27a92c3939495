"""Papers: the texts in which a trace's evidence is shown, and where in them its octets stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from labkit.auth.session_octets import octets_of
from labkit.smtp.transcript import Transcript
from labkit.verdict import Evidence
from labkit.view.printable import printable, shortened
from labkit.view.zone_text import Note, ZoneReading, find_record, read_zone
from labkit.zones import Zones

__all__ = ["MessagePaper", "Paper", "SessionPaper", "ZonePaper"]

TEXT_LIMIT = 200_000
"""Characters of an edited text that are taken from the page."""


class Paper:
    """A text with numbered lines. Places in it are characters from 0."""

    def __init__(
        self, name: str, title: str, text: str, *, editable: bool = False, first_line: int = 1
    ) -> None:
        """`name` is what `evidence` and an edit call it: ``zone``, ``session``, ``message``."""
        self.name, self.title, self.editable, self.first_line = name, title, editable, first_line
        self.original = self.text = text

    def write(self, text: str) -> None:
        """Somebody has edited it."""
        self.text = text

    @property
    def notes(self) -> tuple[Note, ...]:
        """What is to be said about its lines."""
        return ()

    def find(self, evidence: Evidence) -> tuple[int, int] | None:
        """Where the evidence stands; None if it is about another text."""
        return None

    def where(self, start: int) -> str:
        """The line of a place, in words."""
        return f"{self.name}, line {self.text.count(chr(10), 0, start) + self.first_line}"

    def picture(self) -> dict[str, Any]:
        """For the page."""
        return {
            "name": self.name,
            "title": self.title,
            "text": self.text,
            "original": self.original,
            "editable": self.editable,
            "first": self.first_line,
            "notes": [{"line": one.line, "level": one.level, "text": one.text} for one in self.notes],
        }


class ZonePaper(Paper):
    """The zones. What cannot be read keeps the zones from before."""

    def __init__(self, text: str, *, title: str = "The zones", editable: bool = True) -> None:
        """Raises `labkit.zones.ZoneError` if the text cannot be read to begin with."""
        super().__init__("zone", title, text.strip("\n") + "\n", editable=editable)
        self.zones = Zones.from_text(self.text, log_limit=1)
        self._reading: ZoneReading = read_zone(self.text)

    def write(self, text: str) -> None:
        """Read it anew."""
        super().write(text)
        self._reading = read_zone(text)
        if self._reading.zones is not None:
            self.zones = self._reading.zones

    @property
    def readable(self) -> bool:
        """Whether `zones` are those of the text."""
        return self._reading.zones is not None

    @property
    def notes(self) -> tuple[Note, ...]:
        """Why it cannot be read, or what is hardly meant."""
        return self._reading.notes

    def find(self, evidence: Evidence) -> tuple[int, int] | None:
        """The octets of a record; while the text cannot be read, nothing stands where it did."""
        if not self.readable:
            return None
        if evidence.source == "zone":
            return evidence.start, evidence.end
        return find_record(self.zones, evidence)


class SessionPaper(Paper):
    """The lines of a session as ``C:`` and ``S:`` text."""

    def __init__(
        self, transcript: Transcript, *, title: str = "The session", before: int | None = None
    ) -> None:
        """``before`` is a line of the transaction that is meant, see `labkit.auth.session_octets`."""
        self._transcript, self._before = transcript, before
        self._starts = dict[int, int]()
        self._data = dict[int, bytes]()
        lines, at = list[str](), 0
        for event in transcript:
            octets = event.data.rstrip(b"\r\n")
            line = f"{event.sender}: {shortened(printable(octets))[0]}" if event.data else "(closed)"
            self._starts[event.seq], self._data[event.seq] = at + 3, octets
            lines.append(line)
            at += len(line) + 1
        first = transcript.events[0].seq if len(transcript) else 1
        super().__init__("session", title, "\n".join(lines), first_line=first)

    def find(self, evidence: Evidence) -> tuple[int, int] | None:
        """A line of the transcript, or the octets of MAIL FROM and EHLO in theirs."""
        if evidence.source == "transcript":
            start = self._starts.get(evidence.start)
            return None if start is None else (start, self.text.find("\n", start) % (len(self.text) + 1))
        found = octets_of(evidence, self._transcript, before=self._before)
        if found is None:
            return None
        octets, start = self._data[found.seq], self._starts[found.seq]
        return start + len(printable(octets[: found.start])), start + len(printable(octets[: found.end]))


class MessagePaper(Paper):
    """A message as it was received; its lines as text."""

    def __init__(self, message: bytes, *, title: str = "The message", editable: bool = False) -> None:
        text = message.decode("utf-8", "surrogateescape").replace("\r\n", "\n")
        shown = text if editable else "\n".join(printable(line) for line in message.split(b"\r\n"))
        self._octets, self._measure = message, self._plain if editable else self._printed
        super().__init__("message", title, shown, editable=editable)

    @property
    def octets(self) -> bytes:
        """The message, edits included."""
        return self._octets

    def write(self, text: str) -> None:
        """Lines end in CR LF again."""
        super().write(text)
        self._octets = text.replace("\n", "\r\n").encode("utf-8", "surrogateescape")

    def find(self, evidence: Evidence) -> tuple[int, int] | None:
        """Octets of the message."""
        if evidence.source != "message" or evidence.end > len(self._octets):
            return None
        return self._measure(self._octets[: evidence.start]), self._measure(self._octets[: evidence.end])

    _measure: Callable[[bytes], int]

    @staticmethod
    def _plain(octets: bytes) -> int:
        return len(octets.decode("utf-8", "surrogateescape").replace("\r\n", "\n"))

    @staticmethod
    def _printed(octets: bytes) -> int:
        return sum(len(printable(line)) + 1 for line in octets.split(b"\r\n")) - 1
