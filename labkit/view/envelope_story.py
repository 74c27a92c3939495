"""Envelope beside header: what each session of a message said, what its header says, and what lies in the mailboxes.

An address that stands in only one of the two is marked. Everything is read from recorded sessions and stored messages.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any

from labkit.frozen import dataclass
from labkit.hosts.mailbox import Message
from labkit.hosts.movement import Movement
from labkit.message import HeaderField, header_fields
from labkit.smtp.command import Command
from labkit.smtp.note import Note
from labkit.smtp.reply import Reply
from labkit.smtp.session import observe
from labkit.smtp.transcript import Transcript
from labkit.view.printable import printable, printable_text, shortened
from labkit.world import World

if TYPE_CHECKING:
    from labkit.hosts.tap import ServerSession

__all__ = ["Copy", "Passage", "only_spoken", "passages", "picture", "read_passages", "stored_copies"]

SHOWN_FIELDS = ("return-path", "from", "sender", "reply-to", "to", "cc", "bcc", "subject")
"""Fields that are shown; the others are named in one line."""
WRITTEN = frozenset({"from", "sender", "reply-to", "to", "cc", "bcc"})
"""Fields in which somebody wrote addresses for people (RFC 5322 section 3.6)."""
SHOWN_RECIPIENTS = 30
SHOWN_VALUE = 600
_ADDRESS = re.compile(r'[^\s<>,;:"()@]+@[^\s<>,;:"()@]+')
_BRACKETED = re.compile(rf"<?({_ADDRESS.pattern})>?")


@dataclass(frozen=True, slots=True)
class Spoken:
    """One address of an envelope: the command as it was said, its line in the session, the code that it got."""

    text: str
    address: str
    line: int
    code: str


@dataclass(frozen=True, slots=True)
class Passage:
    """One transaction that carried the message."""

    host: str
    port: int
    client: str
    connection: int
    movement: Movement
    envelope: tuple[Spoken, ...] = ()
    header: tuple[HeaderField, ...] = ()
    lines: tuple[int, ...] = ()
    """Per line of the text its number in the session."""
    octets: int = 0
    """Octets of the text."""


@dataclass(frozen=True, slots=True)
class Copy:
    """One message in a mailbox."""

    address: str
    message: Message


@dataclasses.dataclass(slots=True)
class _Open:
    """A transaction while its session is read."""

    spoken: list[Note]
    text: list[Note] = field(default_factory=list)


def passages(world: World, message_id: str) -> tuple[Passage, ...]:
    """The transactions of a message in the order in which they were; none for a message that nobody took."""
    found: list[Passage] = []
    seen: set[tuple[str, int]] = set()
    for movement in world.trail(message_id):
        place = (movement.to, movement.connection or 0)
        if movement.message_id != message_id or movement.connection is None or place in seen:
            continue
        if movement.kind not in ("submitted", "accepted", "stored", "refused"):
            continue
        seen.add(place)
        session = world.host(movement.to).session(movement.connection)
        if session is not None:
            found += read_passages(session, movement, message_id)
    return tuple(found)


def read_passages(session: ServerSession, movement: Movement, message_id: str) -> list[Passage]:
    """The transactions of one session that carried that message; one that was split has several."""
    return [
        Passage(movement.to, session.port, movement.host, session.connection, movement, *parts)
        for parts in _transactions(session.transcript, message_id)
    ]


def _transactions(
    transcript: Transcript, message_id: str
) -> Iterable[tuple[tuple[Spoken, ...], tuple[HeaderField, ...], tuple[int, ...], int]]:
    notes = observe(transcript)
    by_number = {note.seq: note for note in notes}
    now = _Open([])
    for note in notes:
        command = note.command if note.role == "command" else None
        if isinstance(command, Command) and command.verb == "MAIL":
            now = _Open([note])
        elif isinstance(command, Command) and command.verb == "RCPT":
            now.spoken.append(note)
        elif note.role == "text":
            now.text.append(note)
        elif note.role == "end-of-text":
            octets = b"".join(line.octets for line in now.text)
            header = header_fields(octets)
            if any(one.name.lower() == "message-id" and one.value == message_id for one in header):
                lines = tuple(line.seq for line in now.text)
                yield tuple(_spoken(one, by_number) for one in now.spoken), header, lines, len(octets)
            now = _Open([])


def _spoken(note: Note, by_number: dict[int, Note]) -> Spoken:
    path = note.command.path if isinstance(note.command, Command) else None
    reply = by_number[note.answered_by].reply if note.answered_by is not None else None
    address = f"{path.local_part}@{path.domain}" if path is not None and path.domain else ""
    line = note.octets.rstrip(b"\r\n").partition(b">")
    return Spoken(
        shortened(printable(line[0] + line[1]), 300)[0],
        address,
        note.seq,
        str(reply.code) if isinstance(reply, Reply) else "",
    )


def stored_copies(world: World, message_id: str) -> tuple[Copy, ...]:
    """What lies in the mailboxes of that message, in the order in which it came."""
    found = []
    for movement in world.trail(message_id):
        if movement.kind == "stored" and movement.message_id == message_id:
            for address in movement.recipients:
                box = world.mailbox(address)
                found += [Copy(box.address, one) for one in box if one.queue_id == movement.queue_id]
    return tuple(found)


def only_spoken(passage: Passage) -> frozenset[str]:
    """The addresses of the envelope, in lower case, that no field of the header has."""
    return frozenset(line.address.lower() for line in passage.envelope if line.address) - _written(
        passage.header
    )


def _written(header: Iterable[HeaderField]) -> frozenset[str]:
    return frozenset(address.lower() for one in header for address in _addresses(one))


# ---- as plain data for the page


def picture(passed: Sequence[Passage], copies: Sequence[Copy]) -> list[dict[str, Any]]:
    """What there is to look at, one view each: every transaction, then every copy."""
    views = list[dict[str, Any]]()
    for one in passed:
        again = sum(other.host == one.host for other in passed) > 1
        before = [other for other in passed[: passed.index(one)] if other.host == one.host]
        label = one.host.partition(".")[0] + (f" ({len(before) + 1})" if again else "")
        views.append({**_passage(one, label), "same": bool(views) and _same(passed[0], one)})
    return views + [_copy(copy) for copy in copies]


def _passage(one: Passage, label: str) -> dict[str, Any]:
    hidden = only_spoken(one)
    spoken = {line.address.lower() for line in one.envelope}
    envelope = [
        {
            "text": line.text,
            "n": line.line,
            "code": line.code,
            "mark": "envelope" if line.address.lower() in hidden else "",
        }
        for line in one.envelope
    ]
    return {
        "id": f"{one.host}/{one.connection}/{one.envelope[0].line if one.envelope else 0}",
        "label": label,
        "title": f"{one.client} speaks to {one.host}, port {one.port}",
        "envelope": envelope[: SHOWN_RECIPIENTS + 1],
        "more": max(0, len(envelope) - SHOWN_RECIPIENTS - 1),
        **_header(one.header, spoken, one.lines),
        "says": "",
    }


def _same(first: Passage, other: Passage) -> bool:
    return [line.text for line in first.envelope] == [line.text for line in other.envelope]


def _copy(copy: Copy) -> dict[str, Any]:
    header = header_fields(copy.message.raw)
    name = copy.address.partition("@")[0].title()
    named = copy.address.lower() in _written(header)
    return {
        "id": f"copy {copy.address} {copy.message.queue_id}",
        "label": f"{name}'s copy",
        "title": f"In the mailbox {copy.address}",
        "envelope": [],
        "more": 0,
        **_header(header, None, ()),
        "same": False,
        "says": (
            "The envelope is gone; `Return-Path` keeps its sender. "
            + (f"{name} is named in this header." if named else f"Nothing in this header names {name}.")
        ),
    }


def _header(
    fields: Sequence[HeaderField], spoken: set[str] | None, lines: Sequence[int]
) -> dict[str, list[Any]]:
    """The shown fields, each cut at its addresses, and the names of the others."""
    shown = [one for one in fields if one.name.lower() in SHOWN_FIELDS]
    others = dict.fromkeys(one.name for one in fields if one.name.lower() not in SHOWN_FIELDS)
    return {
        "header": [
            {
                "name": one.name,
                "parts": _parts(one, spoken),
                "n": lines[one.line - 1] if one.line <= len(lines) else 0,
            }
            for one in shown[:20]
        ],
        "others": [printable_text(name) for name in others][:20],
    }


def _parts(one: HeaderField, spoken: set[str] | None) -> list[list[str]]:
    """The value as pieces of text with their marks: "header" for an address that the envelope does not have."""
    value, more = shortened(one.value, SHOWN_VALUE)
    marked = spoken is not None and one.name.lower() in WRITTEN
    parts, at = list[list[str]](), 0
    for found in _BRACKETED.finditer(value) if marked else ():
        if spoken is not None and found[1].lower() not in spoken:
            parts += [[printable_text(value[at : found.start()]), ""], [printable_text(found[0]), "header"]]
            at = found.end()
    parts.append([printable_text(value[at:]) + (f" … ({more} more characters)" if more else ""), ""])
    return [part for part in parts if part[0]]


def _addresses(one: HeaderField) -> list[str]:
    return _ADDRESS.findall(one.value) if one.name.lower() in WRITTEN else []
