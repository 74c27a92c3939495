"""The way of a message, read from its header: one Received field for each host that took it (RFC 5321 section
4.4).

Every host puts its field on top and leaves those below alone. So the top is the last hop, and only the fields
that hosts of one's own wrote can be believed: whoever hands a message over can have written any below.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from labkit.message import HeaderField, header_fields

__all__ = ["Received", "received_chain"]

_CLAUSES = ("from", "by", "via", "with", "id", "for")
_LITERAL = re.compile(r"\[(?:IPv6:)?([^\[\]\s]+)\]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Received:
    """One hop. What the field does not say is empty."""

    from_: str
    """The name that the client gave in EHLO."""
    address: str
    """The client's address, as the host saw it; without brackets."""
    by: str
    """The host that took the message and wrote the field."""
    with_: str
    """How it came: ESMTP, ESMTPS, ESMTPA, ESMTPSA (RFC 3848)."""
    id: str
    """The host's name for the message."""
    for_: str
    """The recipient, if there was one only; without brackets."""
    date: datetime | None
    """When, in the host's own time; None if it cannot be read."""
    delay: float | None
    """Seconds since the hop before. Negative when a clock is wrong; None where a date is missing, and for the first
    hop."""
    line: int
    """Number of the field's first line in the message, from 1."""
    problems: tuple[str, ...]
    """What is odd about it, as sentences."""


def received_chain(message: bytes, hosts: Collection[str] = ()) -> tuple[Received, ...]:
    """The hops of a message, the first one first. Never raises, whatever the header holds.

    ``hosts`` are the names of the hosts that are known; where they are given, a field by any other is a problem.
    """
    known = frozenset(name.lower() for name in hosts)
    hops: list[Received] = []
    for field in reversed(header_fields(message)):
        if field.name.lower() == "received":
            hops.append(_read(field, hops[-1] if hops else None, known))
    return tuple(hops)


def _read(field: HeaderField, before: Received | None, known: Collection[str]) -> Received:
    head, semicolon, tail = field.value.rpartition(";")
    clauses, comments = _clauses(head if semicolon else field.value)
    by = clauses["by"]
    from_ = clauses["from"]
    date = _date(tail) if semicolon else None
    delay = None
    if date is not None and before is not None and before.date is not None:
        delay = (date - before.date).total_seconds()
    problems = []
    if date is None:
        problems.append("It has no date that can be read.")
    if delay is not None and delay < 0:
        problems.append(
            f"Its time is {-delay:.0f} s before the hop below: a clock is wrong, or a line is made up."
        )
    if not by:
        problems.append("It does not say which host wrote it.")
    elif known and by.lower() not in known:
        problems.append(f"{by} is no host that is known here: anybody can have written this line.")
    if before is not None and before.by and from_ and from_.lower() != before.by.lower():
        problems.append(f"It came from {from_}, but the line below was written by {before.by}.")
    literal = _LITERAL.search(f"{from_} {comments}")
    return Received(
        from_=from_,
        address=literal[1] if literal else "",
        by=by,
        with_=clauses["with"].upper(),
        id=clauses["id"],
        for_=clauses["for"].removeprefix("<").removesuffix(">"),
        date=date,
        delay=delay,
        line=field.line,
        problems=tuple(problems),
    )


def _clauses(text: str) -> tuple[dict[str, str], str]:
    """The word behind each keyword, and the comments of the ``from`` clause."""
    found = dict.fromkeys(_CLAUSES, "")
    comments: list[str] = []
    keyword = ""
    awaiting = False
    for word, is_comment in _words(text):
        if is_comment:
            if keyword == "from":
                comments.append(word)
        elif awaiting:
            found[keyword] = found[keyword] or word
            awaiting = False
        elif word.lower() in found:
            keyword, awaiting = word.lower(), True
    return found, " ".join(comments)


def _words(text: str) -> Iterator[tuple[str, bool]]:
    """Words and comments; comments may hold comments (RFC 5322 section 3.2.2)."""
    depth = 0
    begin = 0
    for at, mark in enumerate(text):
        outside = depth == 0
        if mark == "(":
            depth += 1
        elif mark == ")" and depth > 0:
            depth -= 1
        if outside and (mark == " " or depth > 0):
            if begin < at:
                yield text[begin:at], False
            begin = at + 1
        elif not outside and depth == 0:
            yield text[begin:at], True
            begin = at + 1
    if begin < len(text):
        yield text[begin:], depth > 0


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
