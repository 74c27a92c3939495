"""What a submission server may add to a message before it sends it on (RFC 6409 section 8).

A relay leaves the text alone; a submission server may complete what a mail program forgot. Each change is
named with its rule. The body, and every field that is complete, stay as they are, octet by octet.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from email.utils import format_datetime, getaddresses

from labkit.frozen import dataclass
from labkit.message import HeaderField, header_fields, header_of
from labkit.smtp.rule import Rule

__all__ = ["Change", "complete"]

ADD_DATE = Rule(
    "RFC 6409 section 8.2", "A submission server may add Date if there is none; RFC 5322 wants one."
)
ADD_MESSAGE_ID = Rule(
    "RFC 6409 section 8.3", "A submission server should add Message-ID if there is none or it is no good."
)
ADD_SENDER = Rule(
    "RFC 6409 section 8.1",
    "A submission server may add Sender when it knows who submitted, and From does not name them.",
)
ADD_FROM = Rule("RFC 5322 section 3.6", "A message has exactly one From; without one it is not complete.")
FULL_DOMAINS = Rule(
    "RFC 6409 section 4.2",
    "A submission server completes addresses that have no full domain, or refuses them.",
)
BLANK_LINE = Rule("RFC 5322 section 2.1", "An empty line stands between header and body.")

_ADDRESS_FIELDS = frozenset({"from", "sender", "reply-to", "to", "cc", "bcc"})
_BRACKETED = re.compile(r"<([^<>@\s,;:\"]+)>")
_BARE = re.compile(r"[^<>@\s,;:\"()\\]+")
_QUOTED_OR_COMMENT = re.compile(r'"(?:[^"\\]|\\.)*"|\((?:[^()\\]|\\.)*\)', re.DOTALL)
_MESSAGE_ID = re.compile(r"<[^<>\s@]+@[^<>\s@]+>")


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that was added or completed."""

    field: str
    """The field's name; empty for the line between header and body."""
    text: str
    """What was done, as a sentence."""
    rule: Rule


def complete(
    message: bytes,
    *,
    now: datetime,
    host: str,
    seed: str,
    domain: str = "",
    sender: str = "",
    login: str = "",
) -> tuple[bytes, tuple[Change, ...]]:
    """The message with what is missing, and what was done to it. Complete, it comes back as it was.

    ``host`` stands in a new Message-ID, and ``seed`` makes it: the same seed gives the same one. ``domain`` is put
    behind addresses without one; empty, it is ``host`` without its first label. ``sender`` is the reverse-path,
    taken for a missing From. ``login`` is the address of who logged in, if that is known. Never raises.
    """
    domain = domain or host.partition(".")[2] or host
    fields = header_fields(message)
    body = message[len(header_of(message)) :]
    changes: list[Change] = []
    lines = [_with_domain(field, domain, changes) for field in fields]
    present = {field.name.lower(): field.value for field in fields}
    added = []

    def add(name: str, value: str, rule: Rule) -> None:
        added.append(f"{name}: {value}\r\n".encode("utf-8", "replace"))
        changes.append(Change(name, f"{name} was missing and was added.", rule))

    if "date" not in present:
        add("Date", format_datetime(now), ADD_DATE)
    if not _MESSAGE_ID.fullmatch(present.get("message-id", "")):
        lines = [
            line for line, field in zip(lines, fields, strict=True) if field.name.lower() != "message-id"
        ]
        digest = hashlib.sha256(f"{seed}/{host}".encode("utf-8", "replace")).hexdigest()[:20]
        add("Message-ID", f"<{digest}@{host}>", ADD_MESSAGE_ID)
    if "from" not in present:
        add("From", f"<{login or sender or f'postmaster@{host}'}>", ADD_FROM)
    elif login and "sender" not in present and not _names(b"".join(lines), login):
        add("Sender", f"<{login}>", ADD_SENDER)
    if body and not body.startswith((b"\r\n", b"\n")):
        body = b"\r\n" + body
        changes.append(Change("", "The empty line after the header was missing and was added.", BLANK_LINE))
    if not changes:
        return message, ()
    header = b"".join(lines)
    if header and not header.endswith(b"\n"):
        header += b"\r\n"
    return b"".join(added) + header + (body or b"\r\n"), tuple(changes)


def _names(header: bytes, login: str) -> bool:
    """Whether From names ``login``."""
    values = [field.value for field in header_fields(header) if field.name.lower() == "from"]
    return login.lower() in {address.lower() for _, address in getaddresses(values)}


def _with_domain(field: HeaderField, domain: str, changes: list[Change]) -> bytes:
    """The field, in which each address without a domain has got one."""
    name = field.name.lower()
    if name not in _ADDRESS_FIELDS or not field.body.strip():
        return field.raw
    text = field.body.decode("utf-8", "surrogateescape")
    done: list[str] = []
    pieces = _pieces(text)
    for at, piece in enumerate(pieces):
        if pieces[at + 1 : at + 2] != [":"]:  # else it is the name of a group
            pieces[at] = _element(piece, domain, done)
    if not done:
        return field.raw
    for local in done:
        changes.append(Change(field.name, f"{local} in {field.name} became {local}@{domain}.", FULL_DOMAINS))
    head = field.raw[: len(field.raw) - len(field.body)]
    return head + "".join(pieces).encode("utf-8", "surrogateescape")


def _pieces(text: str) -> list[str]:
    """An address list in pieces: addresses, and the marks between them. Together they are the text.

    Nothing where a quote or a comment has no end: nobody can tell then what is an address.
    """
    pieces: list[str] = []
    begin = at = 0
    while at < len(text):
        if text[at] in '"(':
            closed = _QUOTED_OR_COMMENT.match(text, at)
            if closed is None:
                return []
            at = closed.end()
            continue
        if text[at] in ",:;":
            pieces += [text[begin:at], text[at]]
            begin = at + 1
        at += 1
    return [*pieces, text[begin:]]


def _element(piece: str, domain: str, done: list[str]) -> str:
    """One address of a list, as far as it can be told without doubt that its domain is missing."""
    bare = piece.strip()
    if _BARE.fullmatch(bare):
        done.append(bare)
        return piece.replace(bare, f"{bare}@{domain}", 1)
    found = _BRACKETED.search(piece, max(piece.rfind('"'), piece.rfind(")")) + 1)
    if found is None:
        return piece
    done.append(found[1])
    return piece[: found.end(1)] + f"@{domain}" + piece[found.end(1) :]
