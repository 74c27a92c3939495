"""A zone as a text that somebody edits: what is wrong with it, and where in it the octets of a record stand.

Pure: nothing here knows of a page. Places are counted in characters of the text, from 0.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from labkit.frozen import dataclass
from labkit.view.printable import printable_text, shortened
from labkit.zones import ZoneError, Zones
from labkit.zones.master import plain_lines

if TYPE_CHECKING:
    from labkit.verdict import Evidence

__all__ = ["Note", "ZoneReading", "find_record", "read_zone"]

MOST_NOTES, NOTE_LENGTH = 20, 400
_TOKEN = re.compile(r'"((?:[^"\\\n]|\\.)*)"|;[^\n]*|[()]|((?:[^\s"();\\]|\\.)+)|(\n)', re.DOTALL)
_OCTET = re.compile(r"\\(\d{3})|\\(.)|(.)", re.DOTALL)
_LINE_END = re.compile("\r\n|\r|\n")  # what the reader of zones takes for one


@dataclass(frozen=True, slots=True)
class Note:
    """Something to know about one line."""

    line: int
    """From 1."""
    level: str
    """``error`` if nothing can be read because of it, else ``warning``."""
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}"


@dataclass(frozen=True, slots=True)
class ZoneReading:
    """A text, read. `zones` is None if it cannot be; then the first note says where and what to do."""

    zones: Zones | None
    notes: tuple[Note, ...]


def read_zone(text: str) -> ZoneReading:
    """Read the text of a zone. Never raises."""
    hidden = tuple(_invisible(text))
    try:
        zones = Zones.from_text(text, log_limit=1)
    except ZoneError as error:
        return ZoneReading(None, (Note(error.line, "error", _cut(f"{error.reason} {error.advice}")), *hidden))
    doubtful = (Note(one.line, "warning", _cut(one.text)) for one in zones.suspicious())
    return ZoneReading(zones, tuple(sorted((*doubtful, *hidden), key=lambda one: one.line))[:MOST_NOTES])


def find_record(zones: Zones, evidence: Evidence) -> tuple[int, int] | None:
    """The characters of the text in which the octets of ``record NAME TYPE n`` stand, with all between the first and
    the last; None for evidence of another kind, and where the zones have no such record."""
    places = _places(zones, evidence.source)
    if evidence.end > len(places):
        return None
    return places[evidence.start][0], places[evidence.end - 1][1]


@lru_cache(maxsize=64)
def _places(zones: Zones, source: str) -> list[tuple[int, int]]:
    """For each octet of a record the characters that stand for it; none if there is no such record."""
    kind, *rest = source.split(" ")
    if kind != "record" or len(rest) < 3:
        return []
    name, rdtype, number = " ".join(rest[:-2]), rest[-2], rest[-1]
    found = zones.lookup(name.replace("\\", "\\\\"), rdtype)
    if not number.isdecimal() or int(number) >= len(found.lines):
        return []
    record = found.records[int(number)]
    tokens = _tokens(zones.text, found.lines[int(number)])
    typed = [at for at, token in enumerate(tokens[:4]) if token.content.upper() == record.rdtype.name]
    data = tokens[typed[0] + 1 :] if typed else []
    if not data:
        return []
    return _places_of_strings(data) if rdtype == "TXT" else _places_of_words(data, str(record).encode())


class _Token(NamedTuple):
    start: int
    end: int
    content: str
    """As written, without quotation marks."""


def _tokens(text: str, line: int) -> list[_Token]:
    """The tokens of the record that begins on a line, without its owner."""
    (begin, margin), open_ones = _layout(text)[line - 1], 0
    tokens = list[_Token]()
    for found in _TOKEN.finditer(text, begin):
        mark = found.group()
        open_ones += {"(": 1, ")": -1}.get(mark, 0)
        if mark == "\n" and open_ones <= 0:
            break
        for group in (1, 2):
            if found.group(group) is not None and found.start() > begin + margin:
                tokens.append(_Token(found.start(group), found.end(group), found.group(group)))
    return tokens


@lru_cache(maxsize=4)
def _layout(text: str) -> list[tuple[int, int]]:
    """Where each line begins, and how far all are indented, which the reader of zones takes away."""
    lines = zip(text.split("\n"), plain_lines(text).split("\n"), strict=True)
    margin = next((len(line) - len(plain) for line, plain in lines if plain), 0)
    return [(begin, margin) for begin in (0, *(found.end() for found in _LINE_END.finditer(text)))]


def _places_of_strings(tokens: list[_Token]) -> list[tuple[int, int]]:
    """For each octet of the joined strings the characters that stand for it."""
    places = list[tuple[int, int]]()
    for token in tokens:
        for found in _OCTET.finditer(token.content):
            size = 1 if found[1] else len((found[2] or found[3]).encode("utf-8", "surrogatepass"))
            places += [(token.start + found.start(), token.start + found.end())] * size
    return places


def _places_of_words(tokens: list[_Token], octets: bytes) -> list[tuple[int, int]]:
    """The same for data that the zone may write in another form: each octet lies in its word."""
    places, at = list[tuple[int, int]](), 0
    for octet in octets:
        token = tokens[min(at, len(tokens) - 1)]
        places.append((token.start, token.end))
        at += octet == 0x20
    return places


def _invisible(text: str) -> Iterator[Note]:
    """Characters that nobody sees, or that turn the order of the others round."""
    for number, line in enumerate(_LINE_END.split(text), 1):
        for character in dict.fromkeys(line):
            if character != "\t" and unicodedata.category(character) in (
                "Cc",
                "Cf",
                "Cn",
                "Co",
                "Cs",
                "Zl",
                "Zp",
            ):
                name = unicodedata.name(character, "a control character").lower()
                said = f"this line holds U+{ord(character):04X} ({name}), which cannot be seen. Was it pasted along?"
                yield Note(number, "warning", said)
                break


def _cut(text: str) -> str:
    shown, more = shortened(printable_text(text), NOTE_LENGTH)
    return f"{shown} …" if more else shown
