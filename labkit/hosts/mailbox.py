"""Mailboxes, and messages as they lie in them after final delivery."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import format_datetime
from functools import cached_property
from typing import TYPE_CHECKING

from labkit.frozen import dataclass
from labkit.hosts.folder import Folder
from labkit.smtp.note import Envelope

if TYPE_CHECKING:
    from datetime import datetime
    from email.message import EmailMessage


@dataclass(frozen=True)
class Message:
    """One message in a mailbox."""

    raw: bytes
    """The octets stored: Return-Path and Received on top (RFC 5321 section 4.4), then what was received."""
    as_received: bytes
    """The octets as the client meant them: dots unstuffed, nothing added."""
    envelope: Envelope
    """Reverse-path and all accepted forward-paths of the transaction that brought it."""
    recipient: str
    """The forward-path because of which it lies in this mailbox."""
    connection: int
    """Number of the session at the host that took it."""
    queue_id: str
    """The name that the host gave it, as in the reply after the final dot."""
    time: float
    """When it was taken, in seconds of the world's clock."""

    @cached_property
    def parsed(self) -> EmailMessage:
        """The stored message as the standard library reads it."""
        from email import message_from_bytes, policy

        return message_from_bytes(self.raw, policy=policy.default)

    @property
    def subject(self) -> str:
        """The Subject field; empty if there is none."""
        return str(self.parsed.get("Subject", ""))

    @property
    def text(self) -> str:
        """The stored message as text, for reading; octets that are not UTF-8 are shown as escapes."""
        return self.raw.decode("utf-8", "backslashreplace")

    def __repr__(self) -> str:
        sender = self.envelope.reverse_path or "<>"
        return f"<message {self.queue_id} from {sender} to {self.recipient}, {len(self.raw)} octets>"


INBOX = "INBOX"


class Mailbox:
    """What one recipient has: SMTP fills the folder INBOX, mail programs read, mark, file and delete.

    Changes on the loop thread; reading is safe anywhere.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.inbox = Folder(INBOX, 1)
        self.folders: dict[str, Folder] = {INBOX: self.inbox}
        """By name; for INBOX alone case is no difference (RFC 9051 section 5.1)."""
        self.subscribed: set[str] = {INBOX}
        """The folders that mail programs are asked to show."""
        self.locked = False
        """Whether a POP3 session has it for itself (RFC 1939 section 4)."""
        self._made = 1

    @property
    def messages(self) -> tuple[Message, ...]:
        """What SMTP has brought and nobody has taken away yet, oldest first."""
        return tuple(entry.message for entry in self.inbox.entries if entry.message is not None)

    def store(self, message: Message) -> None:
        """Final delivery: put a message into the mailbox."""
        self.inbox.add(message.raw, message.time, message=message)

    def folder(self, name: str) -> Folder | None:
        """The folder of that name, if there is one."""
        return self.folders.get(INBOX if name.upper() == INBOX else name)

    def make_folder(self, name: str) -> Folder:
        """A new folder. Raises ``KeyError`` when there is one of that name."""
        if self.folder(name) is not None:
            raise KeyError(name)
        self._made += 1
        folder = self.folders[name] = Folder(name, self._made)
        return folder

    def __len__(self) -> int:
        return len(self.messages)

    def __iter__(self) -> Iterator[Message]:
        return iter(self.messages)

    def __getitem__(self, index: int) -> Message:
        return self.messages[index]

    def __repr__(self) -> str:
        count = len(self)
        return f"<mailbox {self.address}: {count} message{'' if count == 1 else 's'}>"


def trace_fields(
    *,
    by: str,
    helo: str,
    address: str | None,
    protocol: str,
    queue_id: str,
    recipients: tuple[str, ...],
    date: datetime,
) -> bytes:
    """The Received field that ``by`` puts on top (RFC 5321 section 4.4).

    ``protocol`` is a keyword of RFC 3848 such as ESMTPS. The FOR clause is left out when there are several
    recipients: it may hold one path at most, and would tell each of the others (section 7.2).
    """
    origin = f"{helo} ([{address}])" if address else helo
    lines = [f"Received: from {origin}", f"by {by} with {protocol} id {queue_id}"]
    if len(recipients) == 1:
        lines.append(f"for <{recipients[0]}>")
    field = "\r\n\t".join(lines) + f";\r\n\t{format_datetime(date)}\r\n"
    return field.encode("utf-8", "replace")


def return_path(reverse_path: str) -> bytes:
    """The Return-Path field that final delivery adds, exactly one (RFC 5321 section 4.4)."""
    return f"Return-Path: <{reverse_path}>\r\n".encode("utf-8", "replace")
