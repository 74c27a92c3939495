"""A stored message as its reader's mail program shows it: subject and text decoded, whatever its header claims."""

from __future__ import annotations

from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32

from labkit.frozen import dataclass
from labkit.message import header_fields
from labkit.view.printable import printable_text, shortened

__all__ = ["Letter", "read_letter"]

FIELD, TEXT = 200, 6000  # characters that are shown


@dataclass(frozen=True)
class Letter:
    """What a reader sees first, safe to show."""

    subject: str
    sender: str
    text: str


def read_letter(raw: bytes) -> Letter:
    """Read a message. An unknown charset or a broken encoding spoils some characters, and never the whole (RFC 2045,
    RFC 2047).
    """
    fields = {field.name.lower(): field.value for field in reversed(header_fields(raw))}
    return Letter(_field(fields.get("subject", "")), _field(fields.get("from", "")), _text(raw))


def _field(value: str) -> str:
    try:
        parts = decode_header(value)
    except ValueError:  # an encoded word that is none; HeaderParseError is one
        parts = [(value, None)]
    text = "".join(part if isinstance(part, str) else _decoded(part, charset) for part, charset in parts)
    return shortened(printable_text(" ".join(text.split())), FIELD)[0]


def _text(raw: bytes) -> str:
    try:
        message = BytesParser(policy=compat32).parsebytes(raw)
        part = next((one for one in message.walk() if one.get_content_type() == "text/plain"), None)
    except RecursionError:  # parts in parts in parts, a thousand deep
        part = None
    if part is None:
        return "This message has no plain text. Its source shows what it has."
    lines = _payload(part).splitlines()
    return shortened("\n".join(printable_text(line.expandtabs(4)) for line in lines).strip("\n"), TEXT)[0]


def _payload(part: Message) -> str:
    octets = part.get_payload(decode=True)
    return _decoded(octets if isinstance(octets, bytes) else b"", part.get_param("charset"))


def _decoded(octets: bytes, charset: object) -> str:
    try:
        return octets.decode(charset if isinstance(charset, str) else "utf-8", "surrogateescape")
    except (LookupError, ValueError):  # no such charset, or one that knows no way around its own errors
        return octets.decode("utf-8", "surrogateescape")
