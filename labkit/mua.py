"""Alice's mail program (MUA): makes a message out of a form and hands it to a server in one polite session."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from labkit.client import Client, ClientError
from labkit.frozen import dataclass
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
    cc: tuple[str, ...] = ()

    def to_bytes(self, date: datetime, message_id: str) -> bytes:
        """The message as RFC 5322 has it, with CR LF line ends. Line breaks in the one-line fields become spaces."""
        message = EmailMessage(policy=SMTP)
        local, _, domain = _one_line(self.sender).rpartition("@")
        message["From"] = Address(_one_line(self.sender_name), local, domain)
        for name, people in (("To", self.recipients), ("Cc", self.cc)):
            if people:  # a field without an address would be wrong (RFC 5322 section 3.6.3)
                message[name] = ", ".join(_one_line(person) for person in people)
        message["Subject"] = _one_line(self.subject)
        message["Date"] = date
        message["Message-ID"] = message_id
        message.set_content(self.text.replace("\r\n", "\n").replace("\r", "\n") + "\n", cte=None)
        return message.as_bytes()


@dataclass(frozen=True, slots=True)
class Answered:
    """A reply and the line of the session on which it ended."""

    reply: Reply
    line: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a hand-over ended.

    delivered  the server took responsibility (RFC 5321 section 4.2.5: the 250 after the final dot)
    decided    the answer that this rests on: the one after the dot, or the refusal that ended the attempt
    text_sent  whether the text went over before that
    refused    what the server said to each recipient that it did not take
    """

    delivered: bool
    decided: Answered
    text_sent: bool = False
    accepted: tuple[str, ...] = ()
    refused: dict[str, Answered] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Login:
    """An account at the server."""

    user: str
    password: str
    insist: bool = True
    """Say the password only under TLS (RFC 8314 section 3). Otherwise TLS is taken where it is offered, and the password
    goes over the line in clear where it is not: what a program does that somebody on the way can talk out of TLS."""

    @property
    def line(self) -> str:
        """The AUTH command that uses it (RFC 4954 section 4, RFC 4616)."""
        return "AUTH PLAIN " + b64encode(f"\0{self.user}\0{self.password}".encode()).decode()


async def hand_over(
    client: Client,
    helo: str,
    sender: str,
    recipients: Sequence[str],
    message: bytes,
    *,
    login: Login | None = None,
    starttls: bool | None = None,
) -> Outcome:
    """One mail transaction on a client that is not connected yet: greeting to QUIT (RFC 5321 section 3).

    A server that does not know EHLO gets HELO (section 3.2). With ``login``, TLS is started, unless the port began with
    it, and AUTH comes first. ``starttls`` says whether to ask for TLS, whatever is offered; None leaves that to
    ``login``. Recipients that are refused are left out; when none is left, nothing is sent. Raises what
    the client raises when the connection fails; that means "try again later" (section 3.8).
    """
    outcome = await _transaction(client, helo, sender, recipients, message, login, starttls)
    with suppress(ClientError):  # what was decided before stays decided (RFC 5321 section 4.2.5)
        await _ask(client, "QUIT")
    await client.close()
    return outcome


async def _transaction(
    client: Client,
    helo: str,
    sender: str,
    recipients: Sequence[str],
    message: bytes,
    login: Login | None,
    starttls: bool | None,
) -> Outcome:
    answer = _answered(client, await client.connect())
    if answer.reply.severity == 2:
        answer = await _ask(client, f"EHLO {helo}")
        if answer.reply.code in (500, 502):
            answer = await _ask(client, f"HELO {helo}")
    # RFC 6152 section 3: octets above 127 are announced, to a server that offers it.
    eight = not message.isascii() and "8BITMIME" in (line.upper() for line in answer.reply.lines[1:])
    if starttls is None and login is not None:
        offered = "STARTTLS" in (line.upper() for line in answer.reply.lines[1:])
        starttls = offered or login.insist
    if answer.reply.severity == 2 and starttls and not client.encrypted:
        answer = await _begin_tls(client, helo)
    if answer.reply.severity == 2 and login is not None:
        answer = await _ask(client, login.line)
    if answer.reply.severity == 2:
        answer = await _ask(client, f"MAIL FROM:<{sender}>{' BODY=8BITMIME' if eight else ''}")
    if answer.reply.severity != 2:
        return Outcome(False, answer)
    accepted: list[str] = []
    refused: dict[str, Answered] = {}
    for recipient in recipients:
        answer = await _ask(client, f"RCPT TO:<{recipient}>")
        if answer.reply.severity == 2:
            accepted.append(recipient)
        else:
            refused[recipient] = answer
    if not accepted:
        return Outcome(False, answer, False, (), refused)
    answer = await _ask(client, "DATA")
    if answer.reply.code != 354:
        return Outcome(False, answer, False, tuple(accepted), refused)
    answer = await _answer(client, data_octets(message))
    return Outcome(answer.reply.severity == 2, answer, True, tuple(accepted), refused)


async def _begin_tls(client: Client, helo: str) -> Answered:
    """STARTTLS, the handshake, and the greeting once more (RFC 3207 section 4.2)."""
    answer = await _ask(client, "STARTTLS")
    if answer.reply.severity == 2:
        await client.start_tls()
        answer = await _ask(client, f"EHLO {helo}")
    return answer


async def _ask(client: Client, line: str) -> Answered:
    return await _answer(client, line.encode("utf-8") + b"\r\n")


async def _answer(client: Client, octets: bytes) -> Answered:
    reply = await client.send(octets)
    if reply is None:  # the server still reads text, though the text had its end
        raise ClientError(
            "The server does not take this line for a command.", None, "Nothing more can be done."
        )
    return _answered(client, reply)


def _answered(client: Client, reply: Reply) -> Answered:
    return Answered(reply, client.server_line)


def _one_line(text: str) -> str:
    return " ".join(text.split())
