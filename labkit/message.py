"""Message text: line ends and the dot rule of DATA, and the header's fields as they stand.

Part of RFC 5321 that this module holds: section 2.3.8 (only CR LF ends a line) and section 4.5.2 (a line that
starts with a dot gets one more dot from the client, and the server takes it away). Of RFC 5322: sections 2.1
and 2.2 (a header is fields, folded or not, up to the first line that is none).
"""

from __future__ import annotations

import re

from labkit.frozen import dataclass

END_OF_TEXT = b".\r\n"
"""The line that ends the text, RFC 5321 section 4.1.1.4. It counts only at the start of a line."""

_DOT_AT_LINE_START = re.compile(rb"(?:\A|(?<=\r\n))\.")
_ANY_LINE_END = re.compile(rb"\r\n|\r|\n")
FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:([^\n]*(?:\n|\Z)(?:[ \t][^\n]*(?:\n|\Z))*)")
"""One field with its folds, as octets: name and body."""


@dataclass(frozen=True, slots=True)
class HeaderField:
    """One field of a header, as it stands."""

    name: str
    """As written: ``Subject``."""
    raw: bytes
    """The whole field with its name, its folds and its line end."""
    line: int
    """Number of its first line in the message, from 1."""
    body: bytes
    """What stands behind the colon, folds and line end included."""

    @property
    def value(self) -> str:
        """The body as one line of text; octets that are not UTF-8 are shown as escapes."""
        return " ".join(self.body.decode("utf-8", "backslashreplace").split())


def header_fields(message: bytes) -> tuple[HeaderField, ...]:
    """The fields of a message's header from the top, up to the first line that is none. Never raises."""
    fields = []
    at, line = 0, 1
    while (found := FIELD.match(message, at)) is not None:
        fields.append(HeaderField(found[1].decode(), found[0], line, found[2]))
        at = found.end()
        line += found[0].count(b"\n")
    return tuple(fields)


def header_of(message: bytes) -> bytes:
    """The octets of the header: all fields, without the blank line that ends it."""
    at = 0
    while (found := FIELD.match(message, at)) is not None:
        at = found.end()
    return message[:at]


def canonical_lines(text: str | bytes) -> bytes:
    """Message octets in which every line, the last one too, ends with CR LF.

    This is what a sending program owes the wire (RFC 5321 section 2.3.8); text is encoded as UTF-8.
    """
    octets = text.encode() if isinstance(text, str) else bytes(text)
    octets = _ANY_LINE_END.sub(b"\r\n", octets)
    if octets and not octets.endswith(b"\r\n"):
        octets += b"\r\n"
    return octets


def stuff_dots(octets: bytes) -> bytes:
    """Double the dot at the start of each line (RFC 5321 section 4.5.2, the client's half)."""
    return _DOT_AT_LINE_START.sub(b"..", octets)


def unstuff_dots(octets: bytes) -> bytes:
    """Take one dot off each line that starts with one (RFC 5321 section 4.5.2, the server's half).

    The line that ends the text is no part of it: pass the octets before it.
    """
    return _DOT_AT_LINE_START.sub(b"", octets)


def data_octets(text: str | bytes) -> bytes:
    """All octets a client sends after 354: the text with CR LF and doubled dots, then the ending line."""
    return stuff_dots(canonical_lines(text)) + END_OF_TEXT
