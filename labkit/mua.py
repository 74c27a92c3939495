"""Alice's mail program (MUA): makes a message out of a form and hands it to a server in one polite session."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from labkit.client import Client, ClientError
from labkit.message import data_octets
from labkit.smtp.reply import Reply


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody typed into the form. Addresses are bare: ``bob@receiver.example``."""

    sender: str
    recipients: tuple[str, ...]
    subject: str
    text: str
    sender_name: str = ""

    def to_bytes(self, date: datetime, message_id: str) -> bytes:
        """The message as RFC 5322 has it, with CR LF line ends. Line breaks in the one-line fields become spaces."""
        message = EmailMessage(policy=SMTP)
        local, _, domain = _one_line(self.sender).rpartition("@")
        message["From"] = Address(_one_line(self.sender_name), local, domain)
        message["To"] = ", ".join(_one_line(recipient) for recipient in self.recipients)
        message["Subject"] = _one_line(self.subject)
        message["Date"] = date
        message["Message-ID"] = message_id
        message.set_content(self.text.replace("\r\n", "\n").replace("\r", "\n") + "\n", cte=None)
        return message.as_bytes()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a hand-over ended.

    delivered  the server took responsibility (RFC 5321 section 4.2.5: the 250 after the final dot)
    refused    what it said to each recipient that it did not take, or to the whole attempt (key "")
    """

    delivered: bool
    accepted: tuple[str, ...] = ()
    refused: dict[str, Reply] = field(default_factory=dict)
    last: Reply | None = None


async def hand_over(
    client: Client, helo: str, sender: str, recipients: Sequence[str], message: bytes
) -> Outcome:
    """One mail transaction on a client that is not connected yet: greeting to QUIT (RFC 5321 section 3).

    Recipients that are refused are left out; when none is left, nothing is sent. Raises what the client raises when the
    connection fails; that means "try again later" (RFC 5321 section 3.8).
    """
    reply = await client.connect()
    if reply.severity == 2:
        reply = await _ask(client, f"EHLO {helo}")
    if reply.severity == 2:
        reply = await _ask(client, f"MAIL FROM:<{sender}>")
    if reply.severity != 2:
        return await _part(client, Outcome(False, refused={"": reply}, last=reply))
    accepted: list[str] = []
    refused: dict[str, Reply] = {}
    for recipient in recipients:
        reply = await _ask(client, f"RCPT TO:<{recipient}>")
        if reply.severity == 2:
            accepted.append(recipient)
        else:
            refused[recipient] = reply
    if not accepted:
        return await _part(client, Outcome(False, refused=refused, last=reply))
    reply = await _ask(client, "DATA")
    if reply.code != 354:
        return await _part(client, Outcome(False, tuple(accepted), {**refused, "": reply}, reply))
    reply = await _answer(client, data_octets(message))
    if reply.severity != 2:
        return await _part(client, Outcome(False, tuple(accepted), {**refused, "": reply}, reply))
    return await _part(client, Outcome(True, tuple(accepted), refused, reply))


async def _part(client: Client, outcome: Outcome) -> Outcome:
    with suppress(ClientError):  # what was decided before stays decided (RFC 5321 section 4.2.5)
        await _ask(client, "QUIT")
    await client.close()
    return outcome


async def _ask(client: Client, line: str) -> Reply:
    return await _answer(client, line.encode("utf-8") + b"\r\n")


async def _answer(client: Client, octets: bytes) -> Reply:
    reply = await client.send(octets)
    assert reply is not None  # outside message text, every command is answered
    return reply


def _one_line(text: str) -> str:
    return " ".join(text.split())
