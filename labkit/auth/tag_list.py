"""Lists of ``tag=value``, as DKIM signatures, DKIM keys and DMARC records are written, with the place of every tag.

RFC 6376 section 3.2: tags are separated by semicolons, one more may stand at the end; white space and folds around
names and values count for nothing; names are case-sensitive; a name that comes twice makes the whole list invalid.
RFC 8616 section 3 lets UTF-8 into values. What the list breaks of this is listed as problems; whether a problem
is fatal is for the protocol to say (DKIM: always; DMARC ignores what it cannot read).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

_SPACE = b" \t\r\n"
_TAG = re.compile(rb"[ \t\r\n]*([A-Za-z][A-Za-z0-9_]*)[ \t\r\n]*=[ \t\r\n]*([^;]*)")
_ODD = re.compile(rb"[^!-~ \t\r\n]")


class Tag(NamedTuple):
    """One ``name=value``. Places are offsets in the octets that were read, white space around not counted."""

    name: str
    value: str
    """Without white space around it; octets that are not UTF-8 are shown as escapes."""
    start: int
    """Where the name begins."""
    value_start: int
    """Where the value begins."""
    end: int
    """Where the value ends. An empty value has no octets; ``start`` to ``end`` always has."""


class TagProblem(NamedTuple):
    """Something that RFC 6376 section 3.2 does not allow."""

    text: str
    """What is wrong, as a sentence."""
    start: int
    end: int
    """The octets that show it; never an empty range."""


@dataclass(frozen=True, slots=True)
class TagList:
    """What was read. Iterating gives the tags in order."""

    tags: tuple[Tag, ...]
    problems: tuple[TagProblem, ...]
    by_name: dict[str, Tag]
    """The first tag of each name."""

    def __iter__(self) -> Iterator[Tag]:
        return iter(self.tags)

    def get(self, name: str) -> Tag | None:
        """The first tag of this name, or None."""
        return self.by_name.get(name)


def parse_tags(octets: bytes, start: int = 0, end: int | None = None) -> TagList:
    """Read the list that stands in ``octets[start:end]``. Never raises.

    All places are offsets in ``octets``. A part between semicolons that is no tag is a problem, and is passed over.
    """
    stop = len(octets) if end is None else end
    tags: list[Tag] = []
    problems: list[TagProblem] = []
    by_name: dict[str, Tag] = {}
    at = start
    while at < stop:
        found = _TAG.match(octets, at, stop)
        if found is None:
            semicolon = octets.find(b";", at, stop)
            part_end = stop if semicolon < 0 else semicolon
            _no_tag(octets, at, part_end, semicolon < 0, problems)
            at = part_end + 1
            continue
        raw_name, raw_value = found.groups()
        name = raw_name.decode()
        value = raw_value.rstrip(_SPACE)
        value_start = found.start(2)
        text = value.decode() if value.isascii() else value.decode("utf-8", "backslashreplace")
        # An empty value ends at its "=": the white space behind that is around the value.
        value_end = value_start + len(value) if value else octets.index(b"=", found.end(1)) + 1
        tag = Tag(name, text, found.start(1), value_start if value else value_end, value_end)
        if name in by_name:
            problems.append(TagProblem(f"The tag {name}= comes twice.", tag.start, tag.end))
        else:
            by_name[name] = tag
        tags.append(tag)
        at = found.end() + 1
    if _ODD.search(octets, start, stop) is not None:
        problems += _odd_octets(octets, tags)
    return TagList(tuple(tags), tuple(problems), by_name)


def _no_tag(octets: bytes, start: int, end: int, last: bool, problems: list[TagProblem]) -> None:
    part = octets[start:end].strip(_SPACE)
    if part:
        begin = octets.index(part, start)
        what = "has no name of a tag before the =" if b"=" in part else "has no ="
        problems.append(TagProblem(f"A part between semicolons {what}.", begin, begin + len(part)))
    elif not last:  # nothing behind the last semicolon is as it should be
        problems.append(TagProblem("Two semicolons have no tag between them.", end, end + 1))


def _odd_octets(octets: bytes, tags: list[Tag]) -> Iterator[TagProblem]:
    """Control characters and octets that are not UTF-8, at most one problem for each tag."""
    for tag in tags:
        value = octets[tag.value_start : tag.end]
        try:
            value.decode()
        except UnicodeDecodeError as error:
            at = tag.value_start + error.start
            yield TagProblem(f"The value of {tag.name}= is not UTF-8.", at, at + 1)
            continue
        control = re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", value)
        if control is not None:
            at = tag.value_start + control.start()
            yield TagProblem(f"The value of {tag.name}= has a control character.", at, at + 1)
