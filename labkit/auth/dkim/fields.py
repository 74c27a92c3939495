"""The header as octet ranges, and which of its fields a signature covers (RFC 6376 section 5.4.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from labkit.message import FIELD


class Field(NamedTuple):
    """One field of the header. `start` and `end` are offsets in the message."""

    name: bytes
    """In lower case."""
    start: int
    end: int
    """Behind its line end."""
    body_start: int
    """Behind the colon."""


class Header(NamedTuple):
    """A message taken apart."""

    fields: tuple[Field, ...]
    """From the top."""
    body_start: int
    """Behind the blank line; the length of the message if there is none."""


def read_header(message: bytes) -> Header:
    """The fields up to the first line that is none, and where the body begins. Never raises."""
    fields = []
    at = 0
    while (found := FIELD.match(message, at)) is not None:
        start, at = found.span()
        fields.append(Field(found[1].lower(), start, at, found.start(2)))
    if message.startswith(b"\r\n", at):
        at += 2
    elif message.startswith(b"\n", at):
        at += 1
    return Header(tuple(fields), at)


def select(fields: Sequence[Field], names: Sequence[bytes], own: Field | None) -> list[Field | None]:
    """For each name (lower case) the field that it means: the lowest that is not taken yet, or None.

    `own` is the signature itself, which never covers itself.
    """
    waiting: dict[bytes, list[Field]] = {}
    for field in fields:
        if field is not own:
            waiting.setdefault(field.name, []).append(field)
    return [stack.pop() if (stack := waiting.get(name)) else None for name in names]
