"""Octets as text for people: what could steer a page, a terminal or the reading order is shown as an escape, never obeyed."""

from __future__ import annotations

import unicodedata

SHOWN = 2000  # characters of one line that a view shows; the rest is counted, and kept in the transcript
TAB = "⇥   "
"""What stands for a tab: to be told from spaces, and no harder to read."""


def printable(data: bytes) -> str:
    """`data` as text: UTF-8 where it is valid, ``\\xNN`` or ``\\uNNNN`` for everything that is not a visible character.

    Control characters, invalid octets, format characters (right-to-left marks among them), private and unassigned ones are
    escaped; a backslash stays a backslash, and a tab is shown as `TAB`.
    """
    return printable_text(data.decode("utf-8", "surrogateescape"))


def printable_text(text: str) -> str:
    """The same for text; octets that were no UTF-8 stand in it as lone surrogates (``surrogateescape``)."""
    if text.isascii() and text.isprintable():  # nearly every line, at once
        return text
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if " " <= character <= "~":
        return character
    if character == "\t":  # folds of header fields begin with it
        return TAB
    point = ord(character)
    if 0xDC80 <= point <= 0xDCFF:  # an octet that is no UTF-8
        return f"\\x{point - 0xDC00:02x}"
    if unicodedata.category(character)[0] in "CZ" or unicodedata.category(character) in ("Mn", "Me"):
        return (
            f"\\x{point:02x}"
            if point < 0x100
            else f"\\u{point:04x}"
            if point < 0x10000
            else f"\\U{point:08x}"
        )
    return character


def shortened(text: str, limit: int = SHOWN) -> tuple[str, int]:
    """The first `limit` characters and the number of characters left out."""
    return (text, 0) if len(text) <= limit else (text[:limit], len(text) - limit)
