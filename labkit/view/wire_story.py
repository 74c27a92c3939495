"""One connection seen twice: by a machine on the way, and by the program at its end. Pure: transcripts in, rows out.

Lines in clear stand on both sides. Under TLS the machine has records, the program has lines. Which record carried which
line cannot be seen on the way; here it is found from the end: both sides took turns equally often.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any, Literal

from labkit.explainers.sasl import response_parts
from labkit.frozen import dataclass
from labkit.hosts.proxy import Change
from labkit.smtp.transcript import Transcript, WireEvent
from labkit.view.printable import printable, shortened

Row = dict[str, Any]
Kind = Literal["both", "changed", "handshake", "hidden", "inside"]
"""``both`` read the line; it was ``changed`` on the way; TLS begins; only the ends read it (``hidden``); the machine reads
it as well, because TLS ends at the machine (``inside``)."""
RECORD = frozenset({20, 21, 22, 23})
SHOWN, LINES, HEX = 160, 60, 8
ONE = "The handshake: certificate and keys. What follows is ciphertext."
BROKEN = "The handshake was begun, and the program has ended it."
TWO = "Two handshakes: the program's TLS ends at the machine, and another one begins there."


@dataclass(frozen=True, slots=True)
class Passage:
    """How one attempt to hand a letter in went."""

    wire: Transcript
    """What passed, before anything was changed."""
    own: Transcript
    """What the program said and read."""
    changes: tuple[Change, ...]
    delivered: bool
    told: str
    """What the program tells its user."""
    read: frozenset[str]
    """What the machine on the way could read: ``password``, ``letter``."""


def picture(passage: Passage) -> dict[str, Any]:
    """The two views side by side, and what came of it, as plain data for a page."""
    rows = _rows(passage)
    return {
        "rows": rows[:LINES],
        "more": max(0, len(rows) - LINES),
        "told": passage.told,
        "verdict": _verdict(passage),
    }


def _rows(passage: Passage) -> list[Row]:
    wire = [event for event in passage.wire if event.data]
    own = [event for event in passage.own if event.data]
    in_clear = [event for event in wire if not event.encrypted]
    own_clear = [event for event in own if not event.encrypted]
    changed = {change.seq: change for change in passage.changes}
    rows = [
        _line("changed", event, changed[event.seq].became) if event.seq in changed else _line("both", event)
        for event in in_clear
    ]
    rows += [_line("both", event) for event in own_clear[len(in_clear) :]]
    under = [event for event in own if event.encrypted]
    passed = [event for event in wire if event.encrypted]
    if not under and not passed:
        begun = bool(own) and own[-1].data.startswith(b"220") and len(own_clear) > 1
        return [*rows, _handshake([], BROKEN)] if begun else rows
    records = [event for event in passed if _is_record(event)]
    if passed and not records:  # TLS ends at the machine
        return [*rows, _handshake([], TWO), *(_line("inside", event) for event in under)]
    turns, carried = _turns(under), _turns(records)
    if turns and carried and carried[-1][0].sender != turns[-1][0].sender:
        carried.pop()  # the last word on the wire says that TLS ends
    if len(carried) < len(turns):  # not what was expected: nothing is said about who carried what
        carried, before = [[] for _ in turns], records
    else:
        place = len(carried) - len(turns)
        before = [event for turn in carried[:place] for event in turn]
        carried = carried[place:]
        # The end of the handshake may come right before the first line, session tickets before the first reply.
        for turn in range(min(2, len(carried))):
            before += carried[turn][:-1]
            carried[turn] = carried[turn][-1:]
    rows.append(_handshake(before, ONE))
    rows += [_hidden(turn, records) for turn, records in zip(turns, carried, strict=True)]
    return rows


def _is_record(event: WireEvent) -> bool:
    return len(event.data) >= 5 and event.data[0] in RECORD and event.data[1] == 3


def _turns(events: Sequence[WireEvent]) -> list[list[WireEvent]]:
    return [list(turn) for _, turn in groupby(events, lambda event: event.sender)]


def _said(data: bytes) -> str:
    text, more = shortened(printable(data.removesuffix(b"\n").removesuffix(b"\r")), SHOWN)
    return f"{text} …" if more else text


def _line(kind: Kind, event: WireEvent, became: bytes | None = None) -> Row:
    row: Row = {"kind": kind, "s": event.sender, "lines": [_said(event.data)], "note": _note(event.data)}
    if (
        became is not None
    ):  # the program reads what became of a reply; what becomes of its own line it does not see
        row["became"] = [_said(line) for line in became.splitlines(keepends=True)]
        row["right"] = row["became"] if event.sender == "S" else row["lines"]
    return row


def _hidden(turn: Sequence[WireEvent], records: Sequence[WireEvent]) -> Row:
    return {
        "kind": "hidden",
        "s": turn[0].sender,
        "lines": [_said(event.data) for event in turn],
        "note": "",
        "records": [_record(event.data) for event in records],
    }


def _handshake(records: Sequence[WireEvent], note: str) -> Row:
    return {
        "kind": "handshake",
        "s": "",
        "lines": [],
        "note": note,
        "records": [{"s": event.sender, **_record(event.data)} for event in records],
    }


def _record(data: bytes) -> dict[str, Any]:
    return {"n": len(data), "hex": data[:HEX].hex(" ") + (" …" if len(data) > HEX else "")}


def _note(line: bytes) -> str:
    """What a reader gets out of a line that only looks like a secret."""
    words = line.split()
    if [word.upper() for word in words[:2]] != [b"AUTH", b"PLAIN"] or len(words) != 3:
        return ""
    parts, _ = response_parts("PLAIN", 0, words[2].decode("ascii", "replace"))
    if len(parts) != 4:
        return ""
    return f"base64, not encryption: user {parts[2][0]}, password {parts[3][0]}"


def _verdict(passage: Passage) -> list[list[str]]:
    """What came of it in two or three words each, with the kind of its chip: a first digit as of a reply code."""
    what = [["letter delivered", "2"] if passage.delivered else ["no letter was sent", "4"]]
    for name in ("password", "letter"):
        if name in passage.read:
            what.append([f"{name} read on the way", "5"])
        elif name == "password" or passage.delivered:
            what.append([f"{name} not read on the way", "2"])
    return what
