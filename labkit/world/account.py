"""The settings of a mail program for the way out, as its form has them, and one message sent with exactly these."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, get_args

from labkit.client import DEADLINE, ClientError, DeadlinePassed, NotConnected
from labkit.frozen import dataclass
from labkit.hosts.meddling import BlockPort
from labkit.hosts.tls import client_context, unchecked_context
from labkit.mua import Answered, Login, Outcome, hand_over
from labkit.smtp.rule import Rule
from labkit.smtp.transcript import Transcript
from labkit.transport.base import IMPLICIT_TLS

if TYPE_CHECKING:
    from labkit.client.tls_errors import TlsProblem
    from labkit.world.core import AsyncWorld

Encryption = Literal["none", "STARTTLS", "TLS at once"]
ENCRYPTIONS: tuple[Encryption, ...] = get_args(Encryption)
SILENCE = 1.0
"""Real seconds that the program waits where the server waits too, so that nothing can come. Real ones wait minutes (RFC
5321 section 4.5.3.2)."""

_SPEAKS_FIRST = Rule("RFC 8314 section 3.3", "On port 465 TLS begins at once; the greeting comes under it.")
_BLOCKED = Rule(
    "RFC 5068 section 3.1",
    "Networks may block port 25 for their users, and keep the ports for submission open.",
)


@dataclass(frozen=True, slots=True)
class Account:
    """What a mail program asks for under "outgoing server"."""

    host: str
    port: int
    encryption: Encryption
    login: Login | None = None
    check: bool = True
    """Whether the server's certificate must be right."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one message sent with an account."""

    account: Account
    delivered: bool
    """The server has taken responsibility for the message."""
    happened: str
    """The end of it in a sentence."""
    rule: Rule | None
    advice: str
    program: Transcript
    """The session as the mail program has seen it."""
    server: Transcript
    """The same as the server has; empty if nothing came to it."""
    decided: Answered | None = None
    """The reply that the end rests on; None where it was no reply."""
    problem: TlsProblem | Literal["", "no_connection", "silence"] = ""
    """What stood in the way before SMTP could begin."""

    @property
    def exposed(self) -> bool:
        """Whether the password went over the line in clear."""
        return any(
            e.sender == "C" and not e.encrypted and e.data[:5].upper() == b"AUTH " for e in self.program
        )


async def send_with(
    world: AsyncWorld,
    account: Account,
    message: bytes,
    *,
    sender: str,
    recipients: Sequence[str],
    helo: str = "",
    patience: float = DEADLINE,
) -> Tried:
    """Send one message with these settings and no others: a real session, and where it goes from there.

    ``helo``: the name that the program gives; empty: that of the world's mail program.
    """
    host = world.host(account.host)
    at_once = account.encryption == "TLS at once"
    client = world.client(
        account.host,
        account.port,
        deadline=SILENCE if account.port in IMPLICIT_TLS and not at_once else patience,
        tls_context=client_context if account.check else unchecked_context,
        tls_at_once=at_once,
    )
    before = host.sessions_forgotten + len(host.sessions)
    outcome, error = None, None
    try:
        outcome = await hand_over(
            client, helo or world.spec.client, sender, recipients, message,
            login=account.login, starttls=account.encryption == "STARTTLS",
        )  # fmt: skip
    except ClientError as trouble:
        error = trouble
    with suppress(ClientError):
        await client.close()
    session = host.session(before + 1)
    if session is not None:
        await session.ended()
    await world.settle()
    program, server = client.transcript, session.transcript if session is not None else Transcript()
    if outcome is not None:
        return _answered(account, outcome, program, server)
    assert error is not None
    return _failed(account, error, program, server)


def _answered(account: Account, outcome: Outcome, program: Transcript, server: Transcript) -> Tried:
    reply = outcome.decided.reply
    words = f"{reply.code} {' '.join(filter(None, (reply.enhanced_code, reply.lines[-1])))}"
    happened = f"The server took the message: {words}." if outcome.delivered else f"The server said {words}."
    return Tried(account, outcome.delivered, happened, None, "", program, server, outcome.decided)


def _failed(account: Account, error: ClientError, program: Transcript, server: Transcript) -> Tried:
    place = f"{account.host}, port {account.port}"
    if isinstance(error, NotConnected):
        how = "nobody answers" if "too long" in error.happened else "the connection is refused"
        return Tried(
            account, False, f"At {place}, {how}.", BlockPort.rules[0],
            "Ask who runs your network, or take a port for submission.", program, server, problem="no_connection",
        )  # fmt: skip
    if isinstance(error, DeadlinePassed) and account.port in IMPLICIT_TLS and not server:
        return Tried(
            account, False,
            "Silence. The server waits for TLS, the program waits for a greeting, and neither of them begins.",
            _SPEAKS_FIRST, "Take the encryption that belongs to this port.", program, server, problem="silence",
        )  # fmt: skip
    return Tried(
        account, False, error.happened, error.rule, error.advice, program, server,
        problem=getattr(error, "problem", ""),
    )  # fmt: skip
