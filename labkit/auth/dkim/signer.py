"""`sign`: the DKIM-Signature field for a message (RFC 6376 section 5)."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from labkit.auth.dkim.canonical import body_hash
from labkit.auth.dkim.fields import Field, read_header, select
from labkit.auth.dkim.key_record import SHORTEST
from labkit.auth.dkim.keys import KeyPair
from labkit.auth.dkim.signature import read_signature
from labkit.auth.dkim.trace import Stopped, Trace
from labkit.auth.dkim.verifier import signed_header

if TYPE_CHECKING:
    from labkit.auth.dkim.crypto import PrivateKey

USUAL_FIELDS = (
    "From", "Reply-To", "Subject", "Date", "To", "Cc", "Resent-Date", "Resent-From", "Resent-To", "Resent-Cc",
    "In-Reply-To", "References", "List-Id", "List-Help", "List-Unsubscribe", "List-Unsubscribe-Post",
    "List-Subscribe", "List-Post", "List-Owner", "List-Archive",
)  # fmt: skip
"""What is signed if nothing else is asked for: RFC 6376 section 5.4.1, and RFC 8058's field for one click."""

_WIDTH = 72
_BREAK = re.compile(r"[;\r\n]")


def sign(
    message: bytes,
    *,
    domain: str,
    selector: str,
    key: KeyPair | PrivateKey | bytes | str,
    canonicalization: str = "relaxed/relaxed",
    headers: Sequence[str] | None = None,
    identity: str | None = None,
    length: int | bool = False,
    time: datetime | int | None = None,
    expires: datetime | int | None = None,
) -> bytes:
    """The DKIM-Signature field to prepend, line end included. The kind of `key` (a pair, a private key, or PEM) says
    whether it is rsa-sha256 or ed25519-sha256.

    `headers` are the names for h= in order: a name twice signs two fields, or that there is no second one. Default:
    the usual fields, each as often as it is there. `length` writes l=: True for the whole body, a number for its first
    canonical octets. `identity` is i=, `time` t= and `expires` x= (seconds since 1970, or aware).

    Raises ``ValueError`` for what a verifier would have to refuse: no From among the signed fields, a domain or
    selector that is none, an RSA key under 1024 bits, bare CR or LF in the message (section 5.3).
    """
    octets = bytes(message)
    pair = KeyPair.of(key)
    if pair.algorithm == "rsa-sha256" and pair.bits < SHORTEST:
        raise ValueError(f"an RSA key needs {SHORTEST} bits at least (RFC 8301), this one has {pair.bits}")
    if not octets.count(b"\r\n") == octets.count(b"\n") == octets.count(b"\r"):
        raise ValueError("every line must end with CR LF before it is signed: labkit.message.canonical_lines")
    header = read_header(octets)
    names = _usual(header.fields) if headers is None else list(headers)
    if not any(field.name == b"from" for field in header.fields):
        raise ValueError("the message has no From field, which must be signed (RFC 6376 section 5.4)")
    relaxed = canonicalization.endswith("/relaxed")
    limit = None if length is False else length
    hashed = body_hash(octets, header.body_start, relaxed, None if limit is True else limit)
    if limit is not None and limit is not True and not 0 <= limit <= hashed.length:
        raise ValueError(f"the canonical body has {hashed.length} octets, l= cannot be {limit}")
    tags = [
        ("v", "1"),
        ("a", pair.algorithm),
        ("c", canonicalization),
        ("d", domain),
        ("s", selector),
        ("i", identity),
        ("l", str(hashed.length if limit is True else limit) if limit is not None else None),
        ("t", _seconds(time)),
        ("x", _seconds(expires)),
        ("h", ":".join(names)),
        ("bh", base64.b64encode(hashed.digest).decode()),
    ]
    if any(value is not None and _BREAK.search(value) for _, value in tags):
        raise ValueError("no value may hold a semicolon or a line end: the field would say something else")
    start = _folded([f"{name}={value};" for name, value in tags if value is not None])
    return start + _value(start, octets[: header.body_start], pair)


def _value(start: bytes, header: bytes, pair: KeyPair) -> bytes:
    """The value of b=, folded, for a field that begins with `start`. Reads the field as a verifier will."""
    from labkit.auth.dkim.crypto import signature_of

    drafted = start + b"AAAA\r\n" + header
    fields = read_header(drafted).fields
    trace = Trace()
    try:
        signature = read_signature(drafted, fields[0], trace, None)
    except Stopped as stopped:
        raise ValueError(f"{trace.steps[-1].text} ({stopped.reason})") from stopped
    selected = select(fields, signature.names, fields[0])
    digest = hashlib.sha256(signed_header(drafted, selected, signature)).digest()
    value = base64.b64encode(signature_of(pair.private, digest))
    return b"\r\n\t".join(value[at : at + _WIDTH] for at in range(0, len(value), _WIDTH)) + b"\r\n"


def _usual(fields: tuple[Field, ...]) -> list[str]:
    there = [field.name.decode() for field in fields]
    return [name for name in USUAL_FIELDS for _ in range(there.count(name.lower()))]


def _seconds(moment: datetime | int | None) -> str | None:
    if moment is None:
        return None
    return str(int(moment.timestamp() if isinstance(moment, datetime) else moment))


def _folded(tags: Sequence[str]) -> bytes:
    """The field up to ``b=``, in lines that are not too long; h= is folded between its names."""
    text = "DKIM-Signature:"
    width = len(text)
    for tag in [*tags, "b="]:
        parts = tag.split(":") if tag.startswith("h=") else [tag]
        for number, part in enumerate(parts):
            piece = part if number == len(parts) - 1 else f"{part}:"
            # b= begins a line, so that its own lines are of one length.
            if piece == "b=" or width + len(piece) + 1 > _WIDTH:
                text += f"\r\n\t{piece}"
                width = 1 + len(piece)
            else:
                gap = "" if number else " "
                text += f"{gap}{piece}"
                width += len(gap) + len(piece)
    return text.encode()
