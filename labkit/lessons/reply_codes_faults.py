"""What goes wrong at the server of lesson 04: three small faults that let one session show four different replies."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar
from weakref import WeakSet

from labkit.hosts.answers import Answer
from labkit.hosts.fault import Fault, FaultyHost
from labkit.smtp.path import Path
from labkit.smtp.rule import Rule

if TYPE_CHECKING:
    from labkit.hosts.policy import LabEnvelope
    from labkit.hosts.smtpd import LabSMTP

__all__ = ["BusyMailbox", "OneMessage", "UnprovenSender"]


class BusyMailbox(Fault):
    """One mailbox is in use; the others are not."""

    name: ClassVar[str] = "busy_mailbox"
    title: ClassVar[str] = "One mailbox is busy"
    text: ClassVar[str] = (
        "RCPT for this one mailbox gets 450. Another program holds it, or its policy wants a pause. Nobody has to act: the "
        "client keeps this recipient's copy and tries again."
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "RFC 5321 section 4.2.3", "450: the mailbox is not available now, for example because it is busy."
        ),
    )
    replies: ClassVar[tuple[str, ...]] = ("450 4.2.0",)

    def __init__(self, address: str) -> None:
        self.address = address

    def recipient(self, host: FaultyHost, server: LabSMTP, path: Path) -> Answer | None:
        """450 4.2.0."""
        if str(path).lower() != self.address:
            return None
        return Answer(450, "4.2.0", f"The mailbox <{path}> is busy, try again later")


class UnprovenSender(Fault):
    """Mail in the name of one domain is refused, because nothing proves where it comes from."""

    name: ClassVar[str] = "unproven_sender"
    title: ClassVar[str] = "Mail of one domain fails the checks of its origin"
    text: ClassVar[str] = (
        "After the final dot comes 550 5.7.26. Neither SPF nor DKIM showed that the domain sent this message. The sender's "
        "postmaster must act: publish the record, sign the message."
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("RFC 7372 section 3.4", "X.7.26: several checks of the sender's identity failed."),
    )
    replies: ClassVar[tuple[str, ...]] = ("550 5.7.26",)

    def __init__(self, domain: str) -> None:
        self.domain = domain

    def message(
        self, host: FaultyHost, server: LabSMTP, envelope: LabEnvelope, octets: bytes
    ) -> Answer | None:
        """550 5.7.26 after the final dot."""
        if (envelope.mail_from or "").rpartition("@")[2].lower() != self.domain:
            return None
        return Answer(550, "5.7.26", f"Neither SPF nor DKIM passed for {self.domain}")


class OneMessage(Fault):
    """One message in a session, and then the server hangs up."""

    name: ClassVar[str] = "one_message"
    title: ClassVar[str] = "One message in a session"
    text: ClassVar[str] = (
        "The second MAIL of a session gets 421, and the connection ends. Large receivers limit what one connection may "
        "bring. Nobody has to act: the client connects again."
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("RFC 5321 section 3.8", "A server that must stop says 421 and closes."),
    )
    replies: ClassVar[tuple[str, ...]] = ("421 4.7.0",)

    def __init__(self) -> None:
        self._served: WeakSet[LabSMTP] = WeakSet()

    def sender(self, host: FaultyHost, server: LabSMTP, path: Path) -> Answer | None:
        """421 4.7.0 to the second MAIL of a session."""
        if server in self._served:
            return Answer(421, "4.7.0", f"{host.name} takes one message in a session, closing connection")
        self._served.add(server)
        return None
