"""Message text on its way through DATA: line ends and the dot rule.

Part of RFC 5321 that this module holds: section 2.3.8 (only CR LF ends a line) and section 4.5.2 (a line that
starts with a dot gets one more dot from the client, and the server takes it away).
"""

from __future__ import annotations

import re

END_OF_TEXT = b".\r\n"
"""The line that ends the text, RFC 5321 section 4.1.1.4. It counts only at the start of a line."""

_DOT_AT_LINE_START = re.compile(rb"(?:\A|(?<=\r\n))\.")
_ANY_LINE_END = re.compile(rb"\r\n|\r|\n")


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
