"""Canonicalization, RFC 6376 section 3.4: what is left of fields and body before they are hashed.

It works on octets. Only CR LF ends a line, and only space and tab are white space: a bare CR or LF is hashed
as it stands. The body is handed on in pieces, so that a large one is not copied as a whole.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import NamedTuple

_PIECE = 1 << 18  # as much as a processor keeps near; each pass over it is then cheap
_WINDOW = 4096
_LINE_ENDS = re.compile(rb"(?:\n\r)*")
_ODD_SPACE = re.compile(rb"[\n\r\x0b\x0c]")
_WHITE_SPACE = re.compile(rb"[ \t]+")
_LONG_RUN = re.compile(rb" {32,}")


class BodyHash(NamedTuple):
    """The hash of a canonical body."""

    digest: bytes
    length: int
    """Octets of the canonical body, those beyond ``l=`` included."""


def relaxed_field(raw: bytes) -> bytes:
    """A field under ``relaxed`` (section 3.4.2), with its line end."""
    name, _, body = raw.partition(b":")
    body = body.replace(b"\r\n", b"")
    if _ODD_SPACE.search(body) is None:
        body = b" ".join(body.split())
    else:
        body = _WHITE_SPACE.sub(b" ", body).strip(b" ")
    return b"%b:%b\r\n" % (name.rstrip(b" \t").lower(), body)


def simple_field(raw: bytes) -> bytes:
    """A field under ``simple`` (section 3.4.1): as it stands, with a line end also where the message ended."""
    return raw if raw.endswith(b"\n") else raw + b"\r\n"


def text_end(octets: bytes, start: int, end: int) -> int:
    """Where the line ends at the end of ``octets[start:end]`` begin."""
    if not octets.endswith(b"\r\n", start, end):
        return end
    if not octets.endswith(b"\r\n\r\n", start, end):
        return end - 2
    while True:
        tail = octets[max(start, end - _WINDOW) : end][::-1]
        found = _LINE_ENDS.match(tail)
        length = 0 if found is None else found.end()
        end -= length
        if length < _WINDOW:
            return end


def relaxed_pieces(message: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    """The body from `start` on with its white space relaxed, in whole lines; before each the offset it came from.

    Line ends at the end of the body are still there.
    """
    end = len(message)
    while start < end:
        stop = end
        if end - start > _PIECE:
            stop = message.rfind(b"\r\n", start, start + _PIECE) + 2
            if stop == 1:  # one line is longer than a piece
                stop = message.find(b"\r\n", start + _PIECE - 1) + 2
                stop = end if stop == 1 else stop
        piece = message[start:stop]
        if b"\t" in piece:
            piece = piece.replace(b"\t", b" ")
        if b"  " in piece:
            if b" " * 32 in piece:
                piece = _LONG_RUN.sub(b" ", piece)
            while b"  " in piece:
                piece = piece.replace(b"  ", b" ")
        piece = piece.replace(b" \r\n", b"\r\n")
        yield start, piece.removesuffix(b" ") if stop == end else piece
        start = stop


def body_pieces(message: bytes, start: int, relaxed: bool) -> Iterator[bytes | memoryview]:
    """The canonical body (sections 3.4.3 and 3.4.4), whose parts follow each other."""
    if not relaxed:
        yield memoryview(message)[start : text_end(message, start, len(message))]
        yield b"\r\n"
        return
    waiting = 0
    wrote = False
    for _, piece in relaxed_pieces(message, start):
        end = text_end(piece, 0, len(piece))
        if end:
            if waiting:
                yield b"\r\n" * waiting
                waiting = 0
            yield piece if end == len(piece) else piece[:end]
            wrote = True
        waiting += (len(piece) - end) // 2
    if wrote:
        yield b"\r\n"


def body_hash(message: bytes, start: int, relaxed: bool, length: int | None = None) -> BodyHash:
    """SHA-256 of the canonical body, or of its first `length` octets."""
    hashed = hashlib.sha256()
    total = 0
    for piece in body_pieces(message, start, relaxed):
        if length is None or total + len(piece) <= length:
            hashed.update(piece)
        elif total < length:
            hashed.update(piece[: length - total])
        total += len(piece)
    return BodyHash(hashed.digest(), total)


def signed_end(message: bytes, start: int, relaxed: bool, length: int) -> int:
    """Where in the message the octets end that made the first `length` octets of the canonical body."""
    if not relaxed:
        return min(len(message), start + length)
    for offset, piece in relaxed_pieces(message, start):
        if len(piece) >= length:
            return _end_in_piece(message, offset, length)
        length -= len(piece)
    return len(message)


_RELAXED_TOKEN = re.compile(rb"[ \t]*\r\n|[ \t]+|[^ \t\r]+|\r")


def _end_in_piece(message: bytes, start: int, length: int) -> int:
    """Where the raw octets end that relax to `length` octets, from the start of a line on."""
    at = start
    while length > 0 and (found := _RELAXED_TOKEN.match(message, at)) is not None:
        token = found[0]
        if token[0] in b" \t":
            made = 2 if token.endswith(b"\r\n") else 1
        else:
            made = len(token)
            if made > length:
                return at + length
        length -= made
        at = found.end()
    return at
