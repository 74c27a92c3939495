"""The client's errors. Each says what happened, which rule is behind it, and what to do::

LabError
    ClientError
        NotConnected     there is no connection: never made, refused, or closed by you
        ConnectionLost   the other side ended it while a reply was owed, or before you spoke
        DeadlinePassed   no reply in time; the reply is still owed, and kept when it comes
        ReplyOverdue     nothing was sent, because an older reply is still owed
        BadReply         what the server sent is no reply
        TLSFailed        the TLS handshake failed
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from labkit.smtp.rule import Rule
from labkit.transport.loop_thread import LabError

if TYPE_CHECKING:
    from labkit.client.tls_errors import TlsProblem


class ClientError(LabError):
    """Base of the client's errors. ``happened``, ``rule`` and ``advice`` are the parts of its message."""

    def __init__(self, happened: str, rule: Rule | None, advice: str) -> None:
        super().__init__(" ".join(part for part in (happened, str(rule) if rule else "", advice) if part))
        self.happened = happened
        self.rule = rule
        self.advice = advice


class NotConnected(ClientError):
    """There is no connection: never made, refused, or closed by you."""


class ConnectionLost(ClientError, ConnectionError):
    """The other side is gone."""


class DeadlinePassed(ClientError, TimeoutError):
    """No reply in time. It is still owed, and kept when it comes."""


class ReplyOverdue(ClientError):
    """Nothing was sent, because an older reply is still owed; ``line`` is the number of the line it belongs
    to."""

    line: int = 0


class BadReply(ClientError):
    """What came is no reply; ``octets`` holds it."""

    octets: bytes = b""


class TLSFailed(ClientError):
    """The TLS handshake failed; the connection is of no more use. ``problem`` is the cause in a word."""

    problem: TlsProblem = "other"
