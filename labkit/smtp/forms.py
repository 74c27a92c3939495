"""The two written forms of a transcript. Both read back exactly, whatever the octets are.

Text form, made for people: ::

    # connection=1 view=server time=0.0 encrypted=no
    C: EHLO a.example
    S: 250 OK
    C= no line end, a NUL: \\x00
    C closes

- ``C:`` or ``S:``, one space, printable ASCII: a line that ends in CR LF. The space may be missing.
- ``C=`` or ``S=``: everything else. Nothing is added; ``\\r \\n \\t \\\\ \\xNN`` stand for octets.
- ``C closes``, ``S closes``: this side closed the connection.
- ``# name=value ...`` says what holds from here on: ``seq`` (of the next line), ``time`` in seconds,
  ``connection``, ``view``, ``encrypted`` (yes or no). ``# segment=C connection=1 first=3 octets=41 time=0.0``
  is one segment. A ``#`` line of any other shape is a comment. Blank lines do not count.

Without any such line: seq from 1, time 0.0, connection 1, view client, not encrypted. So a session pasted by
hand reads as well.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any

from labkit.smtp.wire import SENDERS, VIEWS, Segment, Sender, TranscriptError, View, WireEvent

__all__ = ["read_json", "read_text", "write_json", "write_text"]

_PLAIN = re.compile(rb"(?:[ -~]*[!-~])?\r\n")
_DIRECTIVE = re.compile(r"#(?:\s+[a-z]+=\S+)+\s*")
_ESCAPED = {0x0D: "\\r", 0x0A: "\\n", 0x09: "\\t", 0x5C: "\\\\"}
_OCTETS = [_ESCAPED.get(n, chr(n) if 0x20 <= n < 0x7F else f"\\x{n:02x}") for n in range(256)]
_UNESCAPE = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|([rnt\\]))")
_SHORT = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"\\": b"\\"}
_FORMAT = "smtp-lab transcript 1"


# ---------------------------------------------------------------------------------------------- text form


def _escape(data: bytes) -> str:
    text = "".join([_OCTETS[octet] for octet in data])
    return text[:-1] + "\\x20" if text.endswith(" ") else text  # a trailing space would not survive editors


def write_text(events: Iterable[WireEvent], segments: Iterable[Segment]) -> str:
    """The text form of these events and segments; ends in a line end unless it is empty."""
    out: list[str] = []
    seq, time, connection, view, encrypted = 1, "0.0", 1, "client", False
    for event in events:
        changes = []
        if event.seq != seq:
            changes.append(f"seq={event.seq}")
            seq = event.seq
        if event.connection != connection:
            changes.append(f"connection={event.connection}")
            connection = event.connection
        if event.view != view:
            changes.append(f"view={event.view}")
            view = event.view
        if (now := repr(event.time)) != time:
            changes.append(f"time={now}")
            time = now
        if event.encrypted != encrypted:
            changes.append(f"encrypted={'yes' if event.encrypted else 'no'}")
            encrypted = event.encrypted
        if changes:
            out.append("# " + " ".join(changes))
        seq += 1
        if not event.data:
            out.append(f"{event.sender} closes")
        elif _PLAIN.fullmatch(event.data):
            out.append(f"{event.sender}: {event.data[:-2].decode('ascii')}".rstrip(" "))
        else:
            out.append(f"{event.sender}= {_escape(event.data)}")
    for s in segments:
        out.append(
            f"# segment={s.sender} connection={s.connection} first={s.first} octets={s.octets}"
            f" time={s.time!r}"
        )
    return "".join(f"{line}\n" for line in out)


class _TextReader:
    """Reads the text form line by line; keeps what the directives said last."""

    def __init__(self) -> None:
        self.events: list[WireEvent] = []
        self.segments: list[Segment] = []
        self._line = 0
        self._seq = 1
        self._time = 0.0
        self._connection = 1
        self._view: View = "client"
        self._encrypted = False

    def read(self, text: str) -> None:
        for line in text.removeprefix("\ufeff").split("\n"):
            self._line += 1
            self._read_line(line.removesuffix("\r").lstrip(" \t"))

    def _fail(self, reason: str) -> TranscriptError:
        return TranscriptError(f"line {self._line}: {reason}")

    def _read_line(self, line: str) -> None:
        if not line:
            return
        if line.startswith("#"):
            if _DIRECTIVE.fullmatch(line):
                self._directive(dict(item.split("=", 1) for item in line[1:].split()))
            return
        sender: Sender
        if line[0] in "Cc":
            sender = "C"
        elif line[0] in "Ss":
            sender = "S"
        else:
            raise self._fail("expected a line that starts with C: (client), S: (server) or # (remark)")
        mark, rest = line[1:2], line[2:]
        if mark == ":":
            self._add(sender, _encode(rest.removeprefix(" ")) + b"\r\n")
        elif mark == "=":
            self._add(sender, self._unescape(rest.removeprefix(" ")))
        elif line[1:].rstrip() == " closes":
            self._add(sender, b"")
        else:
            raise self._fail(f"expected ':' after {line[0]!r}, as in 'C: NOOP' or 'S: 250 OK'")

    def _add(self, sender: Sender, data: bytes) -> None:
        self.events.append(
            WireEvent(self._seq, self._time, self._connection, sender, self._view, data, self._encrypted)
        )
        self._seq += 1

    def _unescape(self, text: str) -> bytes:
        raw = _encode(text)
        out: list[bytes] = []
        at = 0
        while (slash := raw.find(b"\\", at)) >= 0:
            out.append(raw[at:slash])
            found = _UNESCAPE.match(raw, slash)
            if found is None:
                raise self._fail(
                    r"a backslash stands before r, n, t, another backslash, or x and two hex digits"
                )
            out.append(bytes([int(found[1], 16)]) if found[1] else _SHORT[found[2]])
            at = found.end()
        out.append(raw[at:])
        data = b"".join(out)
        if not data:
            raise self._fail("nothing after '='; write 'C closes' for the end of the client's side")
        return data

    def _number(self, name: str, value: str) -> int:
        try:
            return int(value)
        except ValueError:
            raise self._fail(f"{name} must be a whole number, not {value!r}") from None

    def _seconds(self, value: str) -> float:
        try:
            return _finite(float(value))
        except ValueError:
            raise self._fail(f"time must be a number of seconds, not {value!r}") from None

    def _directive(self, values: dict[str, str]) -> None:
        if "segment" in values:
            self._segment(values)
            return
        for name, value in values.items():
            match name:
                case "seq":
                    self._seq = self._number(name, value)
                case "connection":
                    self._connection = self._number(name, value)
                case "time":
                    self._time = self._seconds(value)
                case "view":
                    self._view = next((view for view in VIEWS if view == value), self._view)
                    if self._view != value:
                        raise self._fail(f"view must be client, server or wire, not {value!r}")
                case "encrypted":
                    if value not in ("yes", "no"):
                        raise self._fail(f"encrypted must be yes or no, not {value!r}")
                    self._encrypted = value == "yes"
                case _:
                    raise self._fail(f"{name!r} is none of seq, time, connection, view, encrypted, segment")

    def _segment(self, values: dict[str, str]) -> None:
        sender = next((sender for sender in SENDERS if sender == values["segment"]), None)
        if sender is None:
            raise self._fail(f"segment must be C or S, not {values['segment']!r}")
        if missing := {"connection", "first", "octets", "time"} - set(values):
            raise self._fail(f"a segment needs {', '.join(sorted(missing))} too")
        if unknown := set(values) - {"segment", "connection", "first", "octets", "time"}:
            raise self._fail(f"a segment has no {', '.join(sorted(unknown))}")
        self.segments.append(
            Segment(
                self._seconds(values["time"]),
                self._number("connection", values["connection"]),
                sender,
                self._number("first", values["first"]),
                self._number("octets", values["octets"]),
            )
        )


def _finite(seconds: float) -> float:
    if not math.isfinite(seconds):  # a clock has no such time, and JSON no such number
        raise ValueError(seconds)
    return seconds


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def read_text(text: str) -> tuple[tuple[WireEvent, ...], tuple[Segment, ...]]:
    """Read the text form. Raises `TranscriptError`."""
    reader = _TextReader()
    reader.read(text)
    return tuple(reader.events), tuple(reader.segments)


# ---------------------------------------------------------------------------------------------- JSON form


def write_json(events: Iterable[WireEvent], segments: Iterable[Segment]) -> str:
    """The JSON form: an object with ``format``, ``events`` and ``segments``, one entry a line."""
    event_lines = [
        json.dumps(
            {
                "seq": e.seq,
                "time": e.time,
                "connection": e.connection,
                "sender": e.sender,
                "view": e.view,
                "data": e.data.decode("latin-1"),
                "encrypted": e.encrypted,
            }
        )
        for e in events
    ]
    segment_lines = [
        json.dumps(
            {
                "time": s.time,
                "connection": s.connection,
                "sender": s.sender,
                "first": s.first,
                "octets": s.octets,
            }
        )
        for s in segments
    ]
    return (
        f'{{"format": "{_FORMAT}",\n "events": [\n  '
        + ",\n  ".join(event_lines)
        + '\n ],\n "segments": [\n  '
        + ",\n  ".join(segment_lines)
        + "\n ]}\n"
    )


def read_json(text: str) -> tuple[tuple[WireEvent, ...], tuple[Segment, ...]]:
    """Read the JSON form. Raises `TranscriptError`."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TranscriptError(f"not JSON: {error}") from None
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        raise TranscriptError(f'expected an object with "format": "{_FORMAT}"')
    events = _entries(document, "events")
    segments = _entries(document, "segments")
    return (
        tuple(_event(f"events[{n}]", entry) for n, entry in enumerate(events)),
        tuple(_segment(f"segments[{n}]", entry) for n, entry in enumerate(segments)),
    )


def _entries(document: dict[str, Any], name: str) -> list[Any]:
    entries = document.get(name, [])
    if not isinstance(entries, list):
        raise TranscriptError(f"{name}: expected a list")
    return entries


class _Fields:
    """The fields of one JSON entry, each taken with the type that it must have."""

    def __init__(self, where: str, entry: Any) -> None:
        if not isinstance(entry, dict):
            raise TranscriptError(f"{where}: expected an object")
        self._where = where
        self._entry = entry

    def _fail(self, name: str, expected: str) -> TranscriptError:
        return TranscriptError(f"{self._where}: {name} must be {expected}")

    def number(self, name: str) -> int:
        value = self._entry.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._fail(name, "a whole number")
        return value

    def seconds(self, name: str) -> float:
        value = self._entry.get(name)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self._fail(name, "a number of seconds")
        try:
            return _finite(float(value))
        except (OverflowError, ValueError):
            raise self._fail(name, "a number of seconds") from None

    def sender(self) -> Sender:
        for sender in SENDERS:
            if self._entry.get("sender") == sender:
                return sender
        raise self._fail("sender", '"C" or "S"')

    def view(self) -> View:
        for view in VIEWS:
            if self._entry.get("view") == view:
                return view
        raise self._fail("view", '"client", "server" or "wire"')

    def octets(self, name: str) -> bytes:
        value = self._entry.get(name)
        try:
            return value.encode("latin-1")  # type: ignore[no-any-return, union-attr]
        except (AttributeError, UnicodeEncodeError):
            raise self._fail(name, "a string of characters up to U+00FF, one per octet") from None

    def flag(self, name: str) -> bool:
        value = self._entry.get(name)
        if not isinstance(value, bool):
            raise self._fail(name, "true or false")
        return value


def _event(where: str, entry: Any) -> WireEvent:
    take = _Fields(where, entry)
    return WireEvent(
        seq=take.number("seq"),
        time=take.seconds("time"),
        connection=take.number("connection"),
        sender=take.sender(),
        view=take.view(),
        data=take.octets("data"),
        encrypted=take.flag("encrypted"),
    )


def _segment(where: str, entry: Any) -> Segment:
    take = _Fields(where, entry)
    return Segment(
        time=take.seconds("time"),
        connection=take.number("connection"),
        sender=take.sender(),
        first=take.number("first"),
        octets=take.number("octets"),
    )
