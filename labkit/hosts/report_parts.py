"""Reading a message of several parts, as reports are: multipart/report (RFC 6522) and what lies in it.

Made for notices of delivery (`labkit.hosts.dsn`) and of abuse (`labkit.hosts.arf`), and for any message that was
received. Never raises, whatever the octets are.
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from datetime import datetime
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import parsedate_to_datetime

from labkit.frozen import dataclass
from labkit.message import header_fields, header_of

__all__ = [
    "BLANK",
    "HEADER_TYPES",
    "WHOLE_TYPES",
    "Part",
    "after_type",
    "date_of",
    "fields_of",
    "parts_of",
    "type_of",
]

WHOLE_TYPES = frozenset({"message/rfc822", "message/global"})
HEADER_TYPES = frozenset({"text/rfc822-headers", "message/global-headers"})
BLANK = re.compile(rb"\r?\n(?:[ \t]*\r?\n)+")
"""What stands between the blocks of a part that is made of fields."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its type, its octets as they stand, and how they are encoded."""

    kind: str
    """In lower case: ``text/plain``."""
    body: bytes
    encoding: str = ""
    """Content-Transfer-Encoding in lower case; empty if it is not told."""

    @property
    def decoded(self) -> bytes:
        """The octets behind base64 or quoted-printable; as they stand if they are neither."""
        if self.encoding == "base64":
            try:
                return base64.b64decode(self.body)
            except (binascii.Error, ValueError):
                return self.body
        return quopri.decodestring(self.body) if self.encoding == "quoted-printable" else self.body


def type_of(message: bytes) -> str:
    """The media type of a message or part, in lower case."""
    return _header(message).get_content_type()


def parts_of(message: bytes) -> tuple[Part, ...]:
    """The parts of a multipart message, in order, not those inside of them; empty for any other message."""
    head = _header(message)
    if head.get_content_maintype() != "multipart":
        return ()
    return tuple(_cut(message[len(header_of(message)) :], _boundary_of(head)))


def fields_of(block: bytes) -> dict[str, str]:
    """The fields of a block by their names in lower case; of equal names the first."""
    return {field.name.lower(): field.value for field in reversed(header_fields(block))}


def after_type(value: str) -> str:
    """``mx.example`` of ``dns; mx.example``."""
    return value.partition(";")[2].strip()


def date_of(value: str) -> datetime | None:
    """A date of a header field, or None if it is none."""
    try:
        return parsedate_to_datetime(value) if value else None
    except (ValueError, OverflowError):
        return None


def _header(octets: bytes) -> Message:
    return BytesHeaderParser().parsebytes(header_of(octets) + b"\r\n")


def _boundary_of(head: Message) -> bytes:
    try:
        boundary = head.get_boundary()
    except (LookupError, ValueError):  # a charset or a percent sign that nobody knows (RFC 2231)
        return b""
    return (boundary or "").encode("utf-8", "surrogateescape")


def _cut(body: bytes, boundary: bytes) -> list[Part]:
    """The parts, cut where the boundary stands at the start of a line (RFC 2046)."""
    if not boundary:
        return []
    found: list[Part] = []
    begin: int | None = None
    at = body.find(b"--" + boundary)
    while at >= 0:
        line_end = body.find(b"\n", at)
        rest = body[at + 2 + len(boundary) : line_end if line_end >= 0 else len(body)].rstrip()
        if rest in (b"", b"--") and body[at - 1 : at] in (b"", b"\n"):
            if begin is not None:
                found.append(_part(body[begin:at].removesuffix(b"\n").removesuffix(b"\r")))
            if rest or line_end < 0:
                return found
            begin = line_end + 1
        at = body.find(b"--" + boundary, at + 1)
    if begin is not None:  # the last line is missing
        found.append(_part(body[begin:]))
    return found


def _part(octets: bytes) -> Part:
    header = header_of(octets)
    rest = octets[len(header) :].removeprefix(b"\r").removeprefix(b"\n")
    head = _header(header)
    return Part(head.get_content_type(), rest, str(head.get("Content-Transfer-Encoding", "")).strip().lower())
