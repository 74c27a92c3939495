"""Faults of policy: the host could take the mail, and says no, or not now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from labkit.hosts.answers import Answer
from labkit.hosts.fault import Fault, FaultyHost
from labkit.smtp.path import Path
from labkit.smtp.rule import Rule

if TYPE_CHECKING:
    from labkit.hosts.smtpd import LabSMTP

_RETRY = Rule(
    "RFC 5321 section 4.5.4.1",
    "A client keeps a message that got a 4yz reply and tries again, usually after 30 minutes or more.",
)


class _Named(Fault):
    """A fault for some addresses only; named none, it is for all."""

    def __init__(self, addresses: Iterable[str] = ()) -> None:
        """``addresses`` are whole addresses or local parts, case ignored; none means every address."""
        self.addresses = frozenset(address.lower() for address in addresses)

    def _meant(self, path: Path) -> bool:
        return not self.addresses or bool({str(path).lower(), path.local_part.lower()} & self.addresses)


class Greylisting(Fault):
    """The first try of a stranger is deferred; who comes back later is let in (RFC 6647)."""

    name: ClassVar[str] = "greylisting"
    title: ClassVar[str] = "Greylisting: strangers must come back later"
    text: ClassVar[str] = (
        "RCPT gets 451, and a later try gets 250. Programs that send spam in bulk often do not come back; a mail "
        "server with a queue does. Nobody has to act: the sending server waits and tries again."
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "RFC 6647 section 2.4",
            "The first message of an unknown client, sender and recipient may be deferred with a 4yz reply.",
        ),
        _RETRY,
    )

    def __init__(self, wait: float = 300.0) -> None:
        """``wait``: seconds on the world's clock that must pass before the same three are let in."""
        self.wait = wait
        self._seen: dict[tuple[str, str, str], float] = {}

    def recipient(self, host: FaultyHost, server: LabSMTP, path: Path) -> Answer | None:
        """451 until ``wait`` is over."""
        peer = server.tapped.peer
        key = (peer[0] if peer else "", server.envelope.mail_from or "", str(path).lower())
        now = host.clock.now()
        if now - self._seen.setdefault(key, now) >= self.wait:
            return None
        return Answer(451, "4.7.1", "Greylisted, please try again later")


class NoSuchUser(_Named):
    """The mailbox is unknown here."""

    name: ClassVar[str] = "no_such_user"
    title: ClassVar[str] = "No such user: the address does not exist"
    text: ClassVar[str] = (
        "RCPT gets 550 5.1.1, and the other recipients of the message are not touched. The server knows its mailboxes "
        "and this is none of them. The sender must act: correct the address, or stop writing to it."
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "RFC 5321 section 4.2.3", "550: the mailbox is not found, not accessible, or refused by policy."
        ),
        Rule("RFC 3463 section 3.2", "5.1.1: the mailbox in the address does not exist."),
    )

    def recipient(self, host: FaultyHost, server: LabSMTP, path: Path) -> Answer | None:
        """550 5.1.1."""
        return Answer(550, "5.1.1", f"No mailbox <{path}> here") if self._meant(path) else None
