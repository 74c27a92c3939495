"""What a header trace tells, as plain data: who wrote which field of a message, and the line of the session that it came from.

The header is not believed here. The way of a message is followed through the movements and sessions of its world, from
the mailbox back; a field belongs to whoever first said it on that way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from labkit.frozen import dataclass
from labkit.hosts.movement import Movement
from labkit.message import HeaderField, header_fields
from labkit.smtp.command import Command
from labkit.smtp.reply import Reply
from labkit.smtp.session import Note, observe
from labkit.trace import Received, received_chain
from labkit.view.map_story import span
from labkit.view.printable import printable, printable_text, shortened
from labkit.world import World

if TYPE_CHECKING:
    from labkit.hosts.tap import ServerSession

__all__ = ["Handover", "header_picture", "way"]

SHOWN_FIELDS, SHOWN_HOPS, SHOWN_OCTETS = 60, 40, 1000
PIECES = re.compile(
    r"(?P<from>\bfrom\s+\S+)|(?P<address>\(\[[^\]\s]*\]\))|(?P<by>\bby\s+\S+)|(?P<with>\bwith\s+\w+)"
    r"|(?P<id>\bid\s+[^\s;]+)|(?P<for>\bfor\s+<[^>\s]*>)|(?<=;)\s+(?P<date>\S.*)",
    re.DOTALL,
)
"""The parts of a Received field as the hosts of the lab write it."""
TRACE = "RFC 5321 section 4.4"
Picture = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Handover:
    """One hop as it really was: the movement, its session, and in it the lines of this message."""

    movement: Movement
    session: ServerSession
    lines: Mapping[str, int]
    """Numbers of the lines: ``greeting hello secure login sender recipient taken``, as far as there were such."""
    text: Mapping[int, bytes]
    """The text of the message, by line number."""

    def said(self, field: HeaderField) -> int | None:
        """The line in which a field of the header began in this session; None if it was not there."""
        wanted = field.raw.splitlines(keepends=True)
        numbers, lines = list(self.text), list(self.text.values())
        for at in range(len(lines) - len(wanted) + 1):
            if lines[at : at + len(wanted)] == wanted:
                return numbers[at]
        return None


def way(world: World, host: str, queue_id: str) -> tuple[Handover, ...]:
    """The hops by which a message came to ``host``, which calls it ``queue_id``; the first one first."""
    taken, handed = dict[tuple[str, str], Movement](), dict[tuple[str, str, str], Movement]()
    for one in world.movements:
        if one.kind in ("submitted", "accepted"):
            taken[one.to, one.queue_id] = one
        elif one.kind == "delivered":
            handed[one.host, one.to, one.reply] = one
    found, place = list[Handover](), (host, queue_id)
    while place in taken and len(found) < SHOWN_HOPS:
        last = taken[place]
        hop = _handover(world, last)
        if hop is None:
            break
        found.append(hop)
        before = handed.get((last.host, last.to, last.reply))
        place = (before.host, before.queue_id) if before is not None else ("", "")
    return tuple(reversed(found))


def _handover(world: World, taken: Movement) -> Handover | None:
    session = world.host(taken.to).session(taken.connection)
    if session is None:
        return None
    notes = observe(session.transcript)
    last = next((n for n, note in enumerate(notes) if note.octets.startswith(taken.reply.encode())), None)
    if last is None:
        return None
    lines = {"taken": notes[last].seq, "greeting": notes[0].seq}
    text = dict[int, bytes]()
    for note in reversed(notes[:last]):
        if note.role == "text" and "sender" not in lines:
            text[note.seq] = note.octets
        elif note.role == "command" and isinstance(note.command, Command):
            _mark(lines, note.command.verb, note.seq)
    return Handover(taken, session, lines, dict(reversed(text.items())))


_MARKS = {
    "EHLO": "hello",
    "HELO": "hello",
    "STARTTLS": "secure",
    "AUTH": "login",
    "MAIL": "sender",
    "RCPT": "recipient",
}


def _mark(lines: dict[str, int], verb: str, number: int) -> None:
    """Remember the line, unless a later one of its kind is known: the last one before the message counts."""
    mark = _MARKS.get(verb)
    if mark is not None and not (mark == "recipient" and "sender" in lines):
        lines.setdefault(mark, number)


# ---- the picture


def header_picture(
    message: bytes, hops: Sequence[Handover] = (), hosts: Sequence[str] = (), house: str = ""
) -> Picture:
    """Hops and fields for the page.

    hops   the way of the message, if its sessions are known
    hosts  the names that are known here; a field by any other is odd
    house  the domain of the reader: what its own hosts wrote on top can be believed
    """
    fields = header_fields(message)
    chain = received_chain(message, hosts)
    problems = {one.line: one.problems for one in chain}
    shown = [_field(field, hops, problems.get(field.line, ())) for field in fields[:SHOWN_FIELDS]]
    border = _border(fields, hops, house)
    return {
        "hops": [_hop(one, before) for one, before in zip(chain, (None, *chain), strict=False)][-SHOWN_HOPS:],
        "fields": shown,
        "border": border if border < len(shown) else None,
        "house": house,
        "more": max(0, len(fields) - SHOWN_FIELDS),
    }


def _border(fields: Sequence[HeaderField], hops: Sequence[Handover], house: str) -> int:
    """The place of the first field that hosts of the house did not write themselves.

    Their fields are on top: as many as there were hops inside, the one through the door included, and Return-Path.
    """
    if not house:
        return len(fields)
    inside = [hop for hop in hops if hop.movement.to.endswith(f".{house}")]
    entry = inside[0] if inside else None
    own = [field for field in fields if entry is None or entry.said(field) is None]
    return len(own)


def _hop(one: Received, before: Received | None) -> dict[str, Any]:
    waited = max(0.0, one.delay or 0.0)
    return {
        "line": one.line,
        "from": _cut(one.from_ or "somebody"),
        "address": _cut(one.address),
        "by": _cut(one.by or "a host without a name"),
        "with": _cut(one.with_),
        "at": _at(one, before),
        "waited": waited,
        "delay": ""
        if before is None
        else "no time to compare"
        if one.delay is None
        else f"{span(-one.delay)} backwards"
        if one.delay < 0
        else f"{span(one.delay)} at {_cut(before.by)}",
        "problems": [_cut(problem) for problem in one.problems],
    }


def _at(one: Received, before: Received | None) -> str:
    """The time of a hop; the day only where it is another one than before."""
    if one.date is None:
        return "no date"
    known = before is not None and before.date is not None and before.date.date() == one.date.date()
    return f"{one.date:%H:%M:%S}" if known else f"{one.date:%d %b %Y %H:%M:%S}"


def _field(field: HeaderField, hops: Sequence[Handover], problems: Sequence[str]) -> dict[str, Any]:
    writer, on_the_way = _writer(field, hops)
    hop = _own_hop(field, hops)
    return {
        "name": field.name,
        "line": field.line,
        "parts": _parts(field, hop, "text" if hops else ""),
        "writer": writer,
        "trace": on_the_way,
        "problems": [_cut(problem) for problem in problems],
    }


def _writer(field: HeaderField, hops: Sequence[Handover]) -> tuple[str, bool]:
    """Who wrote a field, and whether a host of the world did so on the way."""
    if not hops:
        return "", False
    first = next((number for number, hop in enumerate(hops) if hop.said(field) is not None), len(hops))
    if first == 0:
        return _cut(hops[0].movement.host), False
    return hops[first - 1].movement.to, True


def _own_hop(field: HeaderField, hops: Sequence[Handover]) -> Handover | None:
    """The hop that a Received field tells of: its writer's, with the very id of its reply. Return-Path: the last one."""
    writer, on_the_way = _writer(field, hops)
    if not on_the_way:
        return None
    name = field.name.lower()
    if name == "return-path":
        return hops[-1]
    if name != "received":
        return None
    return next(
        (hop for hop in hops if hop.movement.to == writer and hop.movement.queue_id in field.value), None
    )


def _parts(field: HeaderField, hop: Handover | None, otherwise: str) -> list[dict[str, str]]:
    """The field's text in pieces; those with a key can be opened. ``otherwise`` is the key where no hop is told of."""
    raw = field.raw.removesuffix(b"\n").removesuffix(b"\r")
    text = "\n".join(printable(line.expandtabs(4)) for line in raw.replace(b"\r\n", b"\n").split(b"\n"))
    text = shortened(text, SHOWN_OCTETS)[0]
    if hop is None or field.name.lower() == "return-path":
        begin = len(text) - len(text.partition(":")[2].lstrip())
        return [
            {"text": text[:begin], "key": ""},
            {"text": text[begin:], "key": "sender" if hop else otherwise},
        ]
    parts, at = list[dict[str, str]](), 0
    for found in PIECES.finditer(text):
        key = found.lastgroup or ""
        parts += [{"text": text[at : found.start(key)], "key": ""}, {"text": found[key], "key": key}]
        at = found.end()
    parts.append({"text": text[at:], "key": ""})
    return [part for part in parts if part["text"]]


# ---- what is behind a piece


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a piece of a field comes from."""

    says: str
    rule: str
    hop: Handover
    line: int


def origin(field: HeaderField, key: str, hops: Sequence[Handover]) -> Origin | None:
    """What a piece of a field says, and the line of the session that it was taken from; None if that is not known."""
    if key == "text":
        writer, _ = _writer(field, hops)
        for number, hop in enumerate(hops):
            line = hop.said(field)
            if line is not None:
                by = hop.movement.host if number == 0 else writer
                return Origin(
                    f"This came with the text. {_cut(by)} wrote it, and no host has checked it.",
                    TRACE,
                    hop,
                    line,
                )
        return None
    own = _own_hop(field, hops)
    if own is None:
        return None
    client, host, mark = _cut(own.movement.host), own.movement.to, "hello"
    if key == "from":
        says = f"The client said this name in its EHLO. {host} wrote it down; it need not be true."
    elif key == "address":
        says, mark = (
            f"The address that the connection came from. {host} saw it itself; a client cannot choose it by words.",
            "greeting",
        )
    elif key == "by":
        says, mark = f"{host} wrote this field and names itself, as in its greeting.", "greeting"
    elif key == "with":
        says, mark = _protocol(own)
    elif key == "id":
        says, mark = (
            f"{host}'s own name for the message. The client read it in this reply; {host}'s log has it too.",
            "taken",
        )
    elif key == "for":
        says, mark = (
            "The recipient, from RCPT. It is left out when there are several: one must not learn of the other.",
            "recipient",
        )
    elif key == "date":
        says, mark = f"The time by {host}'s own clock, when it took the message.", "taken"
    elif key == "sender":
        says, mark = (
            f"The reverse-path, from MAIL FROM: where notices go. {host} wrote it because it delivered. {client} had only passed it on.",
            "sender",
        )
    else:
        return None
    at = own.lines.get(mark)
    return None if at is None else Origin(says, TRACE, own, at)


def _protocol(hop: Handover) -> tuple[str, str]:
    """How it came, by RFC 3848, and what shows it."""
    notes = {note.seq: note for note in observe(hop.session.transcript)}
    if "login" in hop.lines and _answered(notes, hop.lines["login"]) == 2:
        return "How it came (RFC 3848): the A at the end says that the client had logged in.", "login"
    if "secure" in hop.lines:
        return "How it came (RFC 3848): the S says that the session was encrypted.", "secure"
    return (
        "How it came: ESMTP says that the client greeted with EHLO; SMTP alone, with HELO (RFC 3848).",
        "hello",
    )


def _answered(notes: Mapping[int, Note], line: int) -> int:
    answer = notes[line].answered_by
    reply = notes[answer].reply if answer else None
    return reply.severity if isinstance(reply, Reply) else 0


def _cut(text: str) -> str:
    return shortened(printable_text(text), 120)[0]
