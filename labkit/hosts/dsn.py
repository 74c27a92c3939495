"""Delivery status notifications: writing one, and reading any (RFC 3461, 3464, 6522).

A notification is a message of three parts: a text for people, the fate of each recipient for programs, and
the message that it is about, or its header. It is made of octets, not by the standard library's generator:
the returned message stays as it was, octet by octet.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from email.utils import format_datetime
from typing import Literal, cast

from labkit.frozen import dataclass
from labkit.hosts.report_parts import (
    BLANK,
    HEADER_TYPES,
    WHOLE_TYPES,
    Part,
    after_type,
    date_of,
    fields_of,
    parts_of,
    type_of,
)
from labkit.message import header_fields, header_of
from labkit.smtp.reply import Reply

__all__ = ["Action", "Fate", "Report", "build", "from_xtext", "read", "status_of_reply", "wanted"]

Action = Literal["failed", "delayed", "delivered", "relayed", "expanded"]
"""What happened to a recipient (RFC 3464 section 2.3.3)."""

RETURN_LIMIT = 64 * 1024
"""Octets up to which a failed message is returned whole when nobody asked for RET=FULL."""

_ASKED: dict[str, str] = {
    "failed": "FAILURE", "delayed": "DELAY", "delivered": "SUCCESS", "relayed": "SUCCESS", "expanded": "SUCCESS",
}  # fmt: skip
_XTEXT_PAIR = re.compile(r"\+([0-9A-F]{2})")
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_LONG = re.compile(r".{1,900}")


@dataclass(frozen=True, slots=True)
class Fate:
    """What happened to one recipient: one block of message/delivery-status (RFC 3464 section 2.3)."""

    recipient: str
    """The address in use when it happened, without brackets."""
    action: Action
    status: str
    """An enhanced status code (RFC 3463): ``"5.1.1"``."""
    diagnostic: str = ""
    """The reply that decided, as it was said: ``"550 5.1.1 No mailbox ..."``; empty if no reply decided."""
    remote: str = ""
    """The host that said it; empty if this host decided alone."""
    original: str = ""
    """ORCPT as it stands in the envelope: ``"rfc822;bob@receiver.example"``, in xtext. In a report that was
    read: Original-Recipient as it stands there, without xtext."""
    reason: str = ""
    """One sentence for people where there is no reply: ``"No answer for five days."``"""
    last_attempt: datetime | None = None
    retry_until: datetime | None = None
    """When the host will give up; for ``delayed`` only."""


@dataclass(frozen=True, slots=True)
class Report:
    """A notification that was read. What it did not say is empty."""

    host: str
    """Who reports: Reporting-MTA without its type."""
    fates: tuple[Fate, ...]
    text: str
    """The part for people."""
    original: bytes
    """The message it is about, or its header, as it came back."""
    whole: bool
    """Whether that is the whole message."""
    envid: str = ""
    """The sender's name for the envelope, without xtext."""
    arrived: datetime | None = None

    @property
    def message_id(self) -> str:
        """The Message-ID of the message it is about."""
        fields = header_fields(self.original)
        return next((field.value for field in fields if field.name.lower() == "message-id"), "")


def wanted(notify: str, action: Action) -> bool:
    """Whether a recipient's NOTIFY asks for a notice of this action (RFC 3461 section 4.1).

    ``notify`` is the value as it stands in the envelope; empty, the sender left it to us: then failures and
    delays are told, successes are not (sections 5.2.3, 5.2.5 and 5.2.6).
    """
    words = notify.upper().split(",") if notify else ["FAILURE", "DELAY"]
    return _ASKED[action] in words


def status_of_reply(reply: Reply) -> str:
    """The enhanced code of a reply; without one, ``4.0.0`` or ``5.0.0`` by its first digit."""
    fits = reply.enhanced_code is not None and reply.enhanced_code[0] == str(reply.severity)
    return reply.enhanced_code if fits and reply.enhanced_code else f"{reply.severity}.0.0"


def from_xtext(value: str) -> str:
    """The text behind xtext, in which ``+2B`` stands for a plus sign (RFC 3461 section 4)."""
    octets = _XTEXT_PAIR.sub(lambda pair: chr(int(pair[1], 16)), value).encode("latin-1", "replace")
    return octets.decode("utf-8", "replace")


def build(
    fates: Sequence[Fate],
    *,
    host: str,
    sender: str,
    original: bytes,
    now: datetime,
    message_id: str,
    arrived: datetime | None = None,
    envid: str = "",
    ret: str = "",
) -> bytes:
    """A notification from ``host`` to ``sender``, to be sent with a null reverse-path (RFC 3461 section 6.1).

    ``fates`` tells of one recipient or more; leave out whose NOTIFY does not want it (`wanted`). ``sender`` is
    the reverse-path of the original; it may not be empty, since nobody reports to ``<>`` (RFC 5321 section
    6.1): ``ValueError``. ``original`` are the octets that this host has. ``message_id`` has its brackets.
    ``envid`` and ``ret`` are the values of ENVID and RET, empty where they were not given.

    The whole message comes back only with a failure (RFC 3461 section 4.3); otherwise its header alone.
    """
    if not sender:
        raise ValueError("expected a reverse-path to report to, received the null one")
    if not fates:
        raise ValueError("expected at least one recipient to report on, received none")
    failed = any(fate.action == "failed" for fate in fates)
    whole = failed and ret.upper() != "HDRS" and (ret.upper() == "FULL" or len(original) <= RETURN_LIMIT)
    returned = original if whole else header_of(original)
    if not returned.endswith(b"\r\n"):
        returned += b"\r\n"
    returned_type = b"message/rfc822" if whole else b"text/rfc822-headers"
    parts = [
        (b"text/plain; charset=utf-8", _text(fates, host, whole).encode()),
        (b"message/delivery-status", _status(fates, host, arrived, envid)),
        (returned_type, returned),
    ]
    boundary = _boundary([octets for _, octets in parts], host)
    eight_bit = any(not octets.isascii() for _, octets in parts)
    head = [
        f"Date: {format_datetime(now)}",
        f"From: Mail Delivery System <postmaster@{host}>",
        f"To: <{_one_line(sender)}>",
        f"Subject: {_subject(fates)}",
        f"Message-ID: {_one_line(message_id)}",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary="{boundary}"',
        *(["Content-Transfer-Encoding: 8bit"] if eight_bit else []),
    ]
    written = [("\r\n".join(head) + "\r\n").encode("utf-8", "replace")]
    for kind, octets in parts:
        encoding = b"" if octets.isascii() else b"Content-Transfer-Encoding: 8bit\r\n"
        written.append(
            b"\r\n--%s\r\nContent-Type: %s\r\n%s\r\n%s" % (boundary.encode(), kind, encoding, octets)
        )
    written.append(b"\r\n--%s--\r\n" % boundary.encode())
    return b"".join(written)


def _subject(fates: Iterable[Fate]) -> str:
    actions = {fate.action for fate in fates}
    if "failed" in actions:
        return "Undelivered mail returned to sender"
    if "delayed" in actions:
        return "Delayed mail (it is still being tried)"
    return "Delivery report for your mail"


_INTRODUCTIONS: dict[Action, str] = {
    "failed": "Your message did not reach the following address. It will not be tried again.",
    "delayed": "Your message has not reached the following address yet. You need not send it again.",
    "delivered": "Your message was put into the mailbox of the following address.",
    "relayed": "Your message was passed on for the following address, to a host that will not report further.",
    "expanded": "Your message was passed on to all members of the following list.",
}


def _text(fates: Sequence[Fate], host: str, whole: bool) -> str:
    lines = [f"This is the mail system at {host}.", ""]
    for action, introduction in _INTRODUCTIONS.items():
        chosen = [fate for fate in fates if fate.action == action]
        if not chosen:
            continue
        lines += [introduction if len(chosen) == 1 else introduction.replace("address", "addresses", 1), ""]
        for fate in chosen:
            lines.append(f"  <{_one_line(fate.recipient)}>")
            if fate.diagnostic:
                lines.append(f"    {fate.remote or 'this host'} said: {_one_line(fate.diagnostic)}")
            if fate.reason:
                lines.append(f"    {_one_line(fate.reason)}")
            if fate.retry_until is not None:
                lines.append(f"    It will be tried until {format_datetime(fate.retry_until)}.")
            lines.append("")
    lines.append("Your message is attached." if whole else "The header of your message is attached.")
    return "\r\n".join(piece for line in lines for piece in _LONG.findall(line) or [""]) + "\r\n"


def _status(fates: Iterable[Fate], host: str, arrived: datetime | None, envid: str) -> bytes:
    """message/delivery-status: fields about the message, then a block for each recipient (RFC 3464 section 2)."""
    fields: list[tuple[str, str]] = []
    if envid:
        fields.append(("Original-Envelope-Id", from_xtext(envid)))
    fields.append(("Reporting-MTA", f"dns; {host}"))
    if arrived is not None:
        fields.append(("Arrival-Date", format_datetime(arrived)))
    blocks = [fields]
    for fate in fates:
        block = []
        if fate.original:
            kind, _, address = fate.original.partition(";")
            block.append(("Original-Recipient", f"{kind};{_ascii_address(from_xtext(address))}"))
        kind = "rfc822" if fate.recipient.isascii() else "utf-8"
        block.append(("Final-Recipient", f"{kind};{_ascii_address(fate.recipient)}"))
        block.append(("Action", fate.action))
        block.append(("Status", fate.status if _STATUS.fullmatch(fate.status) else "5.0.0"))
        if fate.remote:
            block.append(("Remote-MTA", f"dns; {fate.remote}"))
        if fate.diagnostic:
            block.append(("Diagnostic-Code", f"smtp; {fate.diagnostic}"))
        if fate.last_attempt is not None:
            block.append(("Last-Attempt-Date", format_datetime(fate.last_attempt)))
        if fate.retry_until is not None:
            block.append(("Will-Retry-Until", format_datetime(fate.retry_until)))
        blocks.append(block)
    return b"\r\n".join(b"".join(_field(name, value) for name, value in block) for block in blocks)


def _field(name: str, value: str) -> bytes:
    """A field of ASCII, folded: what came from the wire cannot break out of it."""
    text = _one_line(value).encode("ascii", "backslashreplace").decode()
    return "\r\n ".join(_LONG.findall(f"{name}: {text}")).encode() + b"\r\n"


def _one_line(text: str) -> str:
    return " ".join("".join(mark if mark.isprintable() else " " for mark in text).split())


def _ascii_address(address: str) -> str:
    """An address in ASCII; what is beyond is written as RFC 6533 section 3 does: ``\\x{F6}``."""
    return "".join(mark if mark.isascii() else f"\\x{{{ord(mark):X}}}" for mark in address)


def _boundary(parts: Iterable[bytes], host: str) -> str:
    """A line that none of the parts holds (RFC 2046 section 5.1.1); the same parts give the same one."""
    parts = tuple(parts)
    digest = hashlib.sha256(host.encode("utf-8", "replace") + b"".join(parts)).hexdigest()
    boundary, round_ = f"=_{digest[:24]}", 0
    while any(boundary.encode() in part for part in parts):
        round_ += 1
        boundary = f"=_{hashlib.sha256(f'{digest}{round_}'.encode()).hexdigest()[:24]}"
    return boundary


# reading


def read(message: bytes) -> Report | None:
    """What a notification says; None if the message is none. Never raises, whatever the octets are.

    A block without recipient or with an unknown action is left out; a report without any block is none.
    """
    if type_of(message) != "multipart/report":
        return None
    parts = parts_of(message)
    statuses = [part.body for part in parts if part.kind in _STATUS_TYPES]
    if not statuses:
        return None
    about, *blocks = [fields_of(block) for block in BLANK.split(statuses[0].strip(b"\r\n"))]
    fates = tuple(fate for block in blocks if (fate := _fate(block)) is not None)
    if not fates:
        return None
    returned = next((part for part in parts if part.kind in WHOLE_TYPES | HEADER_TYPES), Part("", b""))
    return Report(
        host=after_type(about.get("reporting-mta", "")),
        fates=fates,
        text=next((part.body.decode("utf-8", "replace") for part in parts if part.kind == "text/plain"), ""),
        original=returned.body,
        whole=returned.kind in WHOLE_TYPES,
        envid=about.get("original-envelope-id", ""),
        arrived=date_of(about.get("arrival-date", "")),
    )


_STATUS_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})


def _fate(block: dict[str, str]) -> Fate | None:
    recipient = after_type(block.get("final-recipient", ""))
    action = block.get("action", "").lower()
    if not recipient or action not in _ASKED:
        return None
    status = _STATUS.search(block.get("status", ""))
    return Fate(
        recipient,
        cast("Action", action),
        status[0] if status else "",
        after_type(block.get("diagnostic-code", "")),
        after_type(block.get("remote-mta", "")),
        block.get("original-recipient", ""),
        last_attempt=date_of(block.get("last-attempt-date", "")),
        retry_until=date_of(block.get("will-retry-until", "")),
    )
