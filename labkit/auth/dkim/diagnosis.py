"""Why a hash does not fit, as far as it can be known: a usual change is undone, and then the hash fits.

A hash tells nothing about what was signed, but it proves a guess. So nothing here is a supposition: a cause is
named only when body or header without that change verify.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import quopri
import re
from collections.abc import Iterator, Sequence

from labkit.auth.dkim import rules
from labkit.auth.dkim.canonical import body_hash, relaxed_field, relaxed_pieces, simple_field
from labkit.auth.dkim.fields import Field, Header
from labkit.auth.dkim.key_record import KeyRecord
from labkit.auth.dkim.signature import Signature
from labkit.message import canonical_lines, stuff_dots, unstuff_dots
from labkit.smtp.rule import Rule
from labkit.verdict import Evidence, Step

LARGEST = 1 << 16
"""Octets of the largest body, and of the largest header, that are looked into."""
MOST_FIELDS = 100
"""More signed fields are not looked into."""
MOST_BODY_LINES = 4000
"""Lines of the largest body that is looked into."""
MOST_CUTS = 400
"""How many lines from the end a footer may begin, at most."""
MOST_LINES = 40
"""In a body of at most so many lines added text is found anywhere."""
MOST_ABOVE = 20
"""How many added lines at the top are found in a longer body."""

_CHARSETS = (
    ("iso-8859-1", "utf-8"),
    ("windows-1252", "utf-8"),
    ("utf-8", "iso-8859-1"),
    ("utf-8", "windows-1252"),
)
_LIST_TAG = re.compile(rb"\[[^\[\]\r\n]{1,80}\] ?")


def diagnose_body(message: bytes, header: Header, signature: Signature) -> Step | None:
    """The change that explains why the body's hash is not the one in bh=, or None if it is none of the usual."""
    start = header.body_start
    if len(message) - start > LARGEST or message.count(b"\n", start) > MOST_BODY_LINES:
        return None
    relaxed, length, wanted = signature.relaxed_body, signature.length, signature.body_hash

    def fits(body: bytes, as_relaxed: bool = relaxed) -> bool:
        return body_hash(body, 0, as_relaxed, length).digest == wanted

    body = message[start:]
    for text, former in _former_bodies(message, header, body):
        if former != body and fits(former):
            return _cause(rules.BODY, text, start, len(message))
    if fits(body, not relaxed):
        used, said = ("simple", "relaxed") if relaxed else ("relaxed", "simple")
        tag = signature.tags.get("c")
        place = (tag.start, tag.end) if tag is not None else (signature.field.start, signature.field.end)
        return _cause(
            rules.BODY,
            f"It fits under {used}, while c= says {said}: c= was changed, or the signer errs.",
            *place,
        )
    added = _added_lines(message, start, relaxed, wanted) if length is None else None
    if added is not None:
        first, last = added
        where = "at the end" if last == len(message) else "at the top" if first == start else "in the middle"
        return _cause(
            rules.BODY,
            f"Text was added {where}: without these {last - first} octets the hash fits.",
            first,
            last,
        )
    return None


def diagnose_header(
    message: bytes,
    header: Header,
    signature: Signature,
    selected: Sequence[Field | None],
    keys: Sequence[KeyRecord],
) -> Step | None:
    """The change that explains why the signature does not fit, or None if it is none of the usual."""
    from labkit.auth.dkim.crypto import is_signed

    if header.body_start > LARGEST or len(selected) > MOST_FIELDS:
        return None
    canonical = relaxed_field if signature.relaxed_header else simple_field
    raws = [b"" if field is None else message[field.start : field.end] for field in selected]
    made = [canonical(raw) if raw else b"" for raw in raws]
    without = signature.without_value(message)

    def signs(octets: bytes) -> bool:
        digest = hashlib.sha256(octets.removesuffix(b"\r\n")).digest()
        return any(
            record.key is not None and is_signed(record.key, signature.value, digest) for record in keys
        )

    def fits(number: int, former: bytes) -> bool:
        """Whether the signature fits when field `number` is `former`."""
        return signs(
            b"".join([*made[:number], former and canonical(former), *made[number + 1 :], canonical(without)])
        )

    own = (signature.field.start, signature.field.end)
    lines = [canonical_lines(raw) for raw in raws]
    if lines != raws and signs(
        b"".join([canonical(raw) for raw in [*lines, canonical_lines(without)] if raw])
    ):
        return _cause(
            rules.SIGNATURE, "It fits when every line of the header ends with CR LF.", 0, header.body_start
        )
    if not signature.relaxed_header:
        if signs(b"".join([relaxed_field(raw) for raw in [*raws, without] if raw])):
            return _cause(
                rules.SIGNATURE, "It fits under relaxed, while c= says simple for the header.", *own
            )
        for number, field in enumerate(selected):
            if field is not None and b"\r\n" in raws[number][:-2]:
                unfolded = raws[number][:-2].replace(b"\r\n", b"") + b"\r\n"
                if fits(number, unfolded):
                    text = f"The field {field.name.decode().title()} was folded anew: as one line it fits."
                    return _cause(rules.SIGNATURE, text, field.start, field.end)
    for number, field in enumerate(selected):
        if field is None:
            continue
        if field.name == b"subject" and (tag := _LIST_TAG.search(raws[number])) is not None:
            former = raws[number][: tag.start()] + raws[number][tag.end() :]
            if fits(number, former):
                place = field.start + tag.start(), field.start + tag.end()
                return _cause(
                    rules.SIGNATURE,
                    "A mark in brackets was put into the Subject: without it the signature fits.",
                    *place,
                )
        if signature.names.count(field.name) > 1 and fits(number, b""):
            text = f"A field {field.name.decode().title()} was added: without it the signature fits."
            return _cause(rules.SIGNATURE, text, field.start, field.end)
    return None


def _cause(rule: Rule, text: str, start: int, end: int) -> Step:
    evidence = (Evidence("message", start, end),) if start < end else ()
    return Step(rule, text, "found", evidence=evidence)


def _former_bodies(message: bytes, header: Header, body: bytes) -> Iterator[tuple[str, bytes]]:
    """What the body may have been before a usual change, each with the change."""
    yield "Line ends were changed: the hash fits when every line ends with CR LF.", canonical_lines(body)
    yield "Dots at the start of lines are doubled: the hash fits without.", unstuff_dots(body)
    yield "Dots at the start of lines were lost: the hash fits with doubled ones.", stuff_dots(body)
    from_lines = body.removeprefix(b">") if body.startswith(b">From ") else body
    yield (
        "A line that begins with From got a > in front: the hash fits without.",
        from_lines.replace(b"\r\n>From ", b"\r\nFrom "),
    )
    lines = body.split(b"\r\n")
    trimmed = b"\r\n".join([line.rstrip(b" \t") for line in lines])
    yield "White space was added at the end of lines: the hash fits without.", trimmed
    spaced = b"\r\n".join([b"-- " if line == b"--" else line for line in lines])
    yield "White space at the end of the line of two hyphens was lost: the hash fits with it.", spaced
    for before, after in _CHARSETS:
        try:
            former = body.decode(after).encode(before)
        except UnicodeError:
            continue
        yield f"The charset was changed from {before} to {after}: the hash fits when that is undone.", former
    yield from _former_encodings(message, header, body)


def _former_encodings(message: bytes, header: Header, body: bytes) -> Iterator[tuple[str, bytes]]:
    """The body in another Content-Transfer-Encoding (RFC 2045 section 6) than it has now."""
    encoding = b""
    for field in header.fields:
        if field.name == b"content-transfer-encoding":
            encoding = message[field.body_start : field.end].strip().lower()
    done = "The transfer encoding was changed"
    if encoding == b"quoted-printable":
        yield f"{done} to quoted-printable: decoded, the hash fits.", quopri.decodestring(body)
    elif encoding == b"base64":
        try:
            yield f"{done} to base64: decoded, the hash fits.", binascii.a2b_base64(body)
        except binascii.Error:
            return
    else:
        encoded = canonical_lines(quopri.encodestring(body.replace(b"\r\n", b"\n")))
        yield f"{done} from quoted-printable: encoded again, the hash fits.", encoded
        yield f"{done} from base64: encoded again, the hash fits.", canonical_lines(base64.encodebytes(body))


def _added_lines(message: bytes, start: int, relaxed: bool, wanted: bytes) -> tuple[int, int] | None:
    """The range of whole lines without which the body has the hash `wanted`."""
    body = message[start:]
    text = b"".join([piece for _, piece in relaxed_pieces(body, 0)]) if relaxed else body
    raw, lines = (
        body.split(b"\r\n"),
        text.split(b"\r\n"),
    )  # relaxing changes no line end, so these are as many
    starts = [start]
    for line in raw:
        starts.append(min(starts[-1] + len(line) + 2, len(message)))
    footer = _footer(lines, relaxed, wanted)
    if footer is not None:
        return starts[footer], len(message)
    count = len(lines)
    few = count <= MOST_LINES
    for first in range(count if few else 1):
        for last in range(first + 1, count if few else min(count, MOST_ABOVE)):
            if body_hash(b"\r\n".join(lines[:first] + lines[last:]), 0, relaxed).digest == wanted:
                return starts[first], starts[last]
    return None


def _footer(lines: list[bytes], relaxed: bool, wanted: bytes) -> int | None:
    """The number of the line from which on all was added at the end."""
    certain = max(0, len(lines) - MOST_CUTS)
    hashed = hashlib.sha256()
    blank = 0
    nothing = b"" if relaxed else b"\r\n"
    if hashlib.sha256(nothing).digest() == wanted:
        return 0
    for number, line in enumerate(lines):
        if not line:
            blank += 1
            continue
        hashed.update(b"\r\n" * blank + line + b"\r\n")
        blank = 0
        if number >= certain and hashed.digest() == wanted:
            return number + 1
    return None
