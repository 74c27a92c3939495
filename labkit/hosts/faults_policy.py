"""Faults of policy: the host could take the mail, and says no, or not now."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, Literal

from labkit.hosts.answers import Answer
from labkit.hosts.fault import Fault, FaultyHost
from labkit.smtp.path import Path
from labkit.smtp.rule import Rule

if TYPE_CHECKING:
    from labkit.hosts.policy import LabEnvelope
    from labkit.hosts.smtpd import LabSMTP

_RETRY = Rule(
    "RFC 5321 section 4.5.4.1",
    "A client keeps a message that got a 4yz reply and tries again, usually after 30 minutes or more.",
)


_POLICY = Rule(
    "RFC 5321 section 7.9", "A server may refuse mail for a reason of its own, with 550 as a rule."
)

_SIZE = re.compile(r"> .*?\bSIZE=([0-9]{1,20})(?: |\Z)", re.IGNORECASE)


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
    replies: ClassVar[tuple[str, ...]] = ("451 4.7.1",)
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
    replies: ClassVar[tuple[str, ...]] = ("550 5.1.1",)
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


class MailboxFull(_Named):
    """The mailbox has no room."""

    name: ClassVar[str] = "mailbox_full"
    title: ClassVar[str] = "Mailbox full"
    replies: ClassVar[tuple[str, ...]] = ("452 4.2.2", "552 5.2.2")
    text: ClassVar[str] = (
        "RCPT gets 452 4.2.2, and the message waits. Some servers say 552 5.2.2, and it comes back at once. The mailbox has "
        "a limit, and its owner has reached it. The recipient must act: delete or move mail."
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("RFC 5321 section 4.2.3", "452: too little storage now. 552: more than the mailbox may hold."),
        Rule("RFC 3463 section 3.3", "X.2.2: the mailbox is full; it may be emptied, so 4.2.2 is usual."),
    )

    def __init__(self, addresses: Iterable[str] = (), *, permanent: bool = False) -> None:
        """``permanent``: 552 5.2.2 in place of 452 4.2.2."""
        super().__init__(addresses)
        self.permanent = permanent

    def recipient(self, host: FaultyHost, server: LabSMTP, path: Path) -> Answer | None:
        """452 4.2.2, or 552 5.2.2."""
        if not self._meant(path):
            return None
        code, enhanced = (552, "5.2.2") if self.permanent else (452, "4.2.2")
        return Answer(code, enhanced, f"The mailbox <{path}> is full")


class PolicyRefusal(Fault):
    """The host does not want this mail."""

    name: ClassVar[str] = "policy_refusal"
    title: ClassVar[str] = "Refused by policy"
    replies: ClassVar[tuple[str, ...]] = ("550 5.7.1", "554 5.7.1")
    text: ClassVar[str] = (
        "The answer is 550 5.7.1, or 554 5.7.1 after the final dot; the address itself is right. A block list, a filter or "
        "an administrator decided so. The sender's postmaster must act: find the cause, the text often links to it."
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        _POLICY,
        Rule("RFC 3463 section 3.8", "5.7.1: delivery is not authorized; it says nothing about the address."),
    )

    def __init__(self, stage: Literal["MAIL", "RCPT", "text"] = "text") -> None:
        """``stage``: which command is refused; ``text`` is the message after its final dot."""
        if stage not in ("MAIL", "RCPT", "text"):
            raise ValueError(f"expected MAIL, RCPT or text, received {stage!r}")
        self.stage = stage

    def sender(self, host: FaultyHost, server: LabSMTP, path: Path) -> Answer | None:
        """550 5.7.1 at MAIL."""
        return Answer(550, "5.7.1", "Sender refused by policy") if self.stage == "MAIL" else None

    def recipient(self, host: FaultyHost, server: LabSMTP, path: Path) -> Answer | None:
        """550 5.7.1 at RCPT."""
        return Answer(550, "5.7.1", "Recipient refused by policy") if self.stage == "RCPT" else None

    def message(
        self, host: FaultyHost, server: LabSMTP, envelope: LabEnvelope, octets: bytes
    ) -> Answer | None:
        """554 5.7.1 after the final dot."""
        return Answer(554, "5.7.1", "Message refused by policy") if self.stage == "text" else None


class RelayingDenied(Fault):
    """The host passes nothing on."""

    name: ClassVar[str] = "relaying_denied"
    title: ClassVar[str] = "Relaying denied"
    replies: ClassVar[tuple[str, ...]] = ("550 5.7.1",)
    text: ClassVar[str] = (
        "RCPT gets 550 5.7.1 for every address that has no mailbox on this host. A server passes mail on only for its own "
        "people and domains. Log in before sending; if it is your own MX, its postmaster forgot to list the domain."
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("RFC 5321 section 3.6.2", "A relay that does not take the mail answers 550 to RCPT."),
        _POLICY,
    )

    def recipient(self, host: FaultyHost, server: LabSMTP, path: Path) -> Answer | None:
        """550 5.7.1 for what would be passed on."""
        if host.holds(path):
            return None
        return Answer(550, "5.7.1", f"Relaying denied: {path.domain} is not served here")


class OpenRelay(Fault):
    """The host passes on anything for anybody."""

    name: ClassVar[str] = "open_relay"
    title: ClassVar[str] = "Open relay"
    replies: ClassVar[tuple[str, ...]] = ("250 2.1.5",)
    text: ClassVar[str] = (
        "RCPT gets 250 for any domain, from a stranger without login. In the early Internet that was ordinary; today spam "
        "finds such a host, and block lists follow. Its postmaster must act: relay for known users and own domains only."
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("RFC 5321 section 7.9", "A relay may limit whom it serves, and should, because of abuse."),
        Rule("RFC 2505 section 2.1", "A mail host must be able to refuse relaying for strangers."),
    )

    def recipient(self, host: FaultyHost, server: LabSMTP, path: Path) -> Answer | None:
        """250 where the host would deny relaying."""
        return None if host.takes(path) else Answer(250, "2.1.5", "OK")


class RateLimit(Fault):
    """So many messages of one client in a while, and no more."""

    name: ClassVar[str] = "rate_limit"
    title: ClassVar[str] = "Rate limit: too many messages in a short time"
    replies: ClassVar[tuple[str, ...]] = ("450 4.7.28", "421 4.7.28")
    text: ClassVar[str] = (
        "The first messages pass; then MAIL gets 450 4.7.28, or 421 and the connection ends. The server protects itself and "
        "watches new senders closely. The sending side must act: send less at a time, and let the queue try later."
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("RFC 5321 section 4.2.2", "450: not now. 421: the service ends this connection."),
        Rule("IANA enhanced status codes", "X.7.28: more mail than usual comes from this client."),
        _RETRY,
    )

    def __init__(self, messages: int = 2, per: float = 3600.0, *, close: bool = False) -> None:
        """At most ``messages`` in ``per`` seconds of the world's clock. ``close``: 421 in place of 450."""
        self.messages = messages
        self.per = per
        self.close = close
        self._times: dict[str, list[float]] = {}

    def sender(self, host: FaultyHost, server: LabSMTP, path: Path) -> Answer | None:
        """450 4.7.28 or 421 4.7.28 beyond the limit. What was refused does not count."""
        peer = server.tapped.peer
        now = host.clock.now()
        times = [time for time in self._times.get(peer[0] if peer else "", ()) if now - time < self.per]
        self._times[peer[0] if peer else ""] = times
        if len(times) < self.messages:
            times.append(now)
            return None
        return Answer(421 if self.close else 450, "4.7.28", "Too many messages, slow down")


class TooManyRecipients(Fault):
    """So many recipients in one transaction, and no more."""

    name: ClassVar[str] = "too_many_recipients"
    title: ClassVar[str] = "Too many recipients in one transaction"
    replies: ClassVar[tuple[str, ...]] = ("452 4.5.3", "550 5.5.3")
    text: ClassVar[str] = (
        "The first recipients get 250, each further one 452 4.5.3. A server may limit a transaction, though it must take 100. "
        "Nobody has to act: the client sends to the accepted ones, and to the rest in a new transaction."
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("RFC 5321 section 4.5.3.1.8", "A server must take at least 100 recipients for one message."),
        Rule("RFC 5321 section 4.5.3.1.10", "Too many recipients is 452; a limit by policy may be a 5yz."),
    )

    def __init__(self, limit: int = 2, *, permanent: bool = False) -> None:
        """``limit`` is low so that it is soon seen. ``permanent``: 550 5.5.3 in place of 452 4.5.3."""
        self.limit = limit
        self.permanent = permanent

    def recipient(self, host: FaultyHost, server: LabSMTP, path: Path) -> Answer | None:
        """452 4.5.3, or 550 5.5.3, once ``limit`` recipients are accepted."""
        if len(server.envelope.rcpt_tos) < self.limit:
            return None
        code, enhanced = (550, "5.5.3") if self.permanent else (452, "4.5.3")
        return Answer(code, enhanced, f"This server takes {self.limit} recipients in one transaction")


class TooBig(Fault):
    """Messages above a size are refused."""

    name: ClassVar[str] = "too_big"
    title: ClassVar[str] = "Message too big"
    replies: ClassVar[tuple[str, ...]] = ("552 5.3.4",)
    text: ClassVar[str] = (
        "MAIL gets 552 5.3.4 if the client says SIZE, else the answer comes after the final dot. The limit may be lower than "
        "what EHLO announced: another part of the system has its own. The sender must act: send less, or a link."
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("RFC 1870 section 6.1", "A declared size above the limit may be refused at MAIL with 552."),
        Rule("RFC 3463 section 3.4", "5.3.4: the message is larger than the system takes."),
    )

    def __init__(self, limit: int = 1000) -> None:
        """``limit`` in octets."""
        self.limit = limit

    def command(self, host: FaultyHost, server: LabSMTP, verb: str, argument: str) -> Answer | None:
        """552 5.3.4 to a MAIL that is in its place, if SIZE says so."""
        if verb != "MAIL" or not server.session.extended_smtp or server.envelope.mail_from is not None:
            return None
        declared = _SIZE.search(argument)
        return self._answer(int(declared[1])) if declared else None

    def message(
        self, host: FaultyHost, server: LabSMTP, envelope: LabEnvelope, octets: bytes
    ) -> Answer | None:
        """552 5.3.4 after the final dot."""
        return self._answer(len(octets))

    def _answer(self, octets: int) -> Answer | None:
        if octets <= self.limit:
            return None
        return Answer(552, "5.3.4", f"Message of {octets} octets; the limit is {self.limit}")


class NullMx(Fault):
    """The host knows from DNS that a domain takes no mail at all."""

    name: ClassVar[str] = "null_mx"
    title: ClassVar[str] = "Null MX: the domain takes no mail"
    replies: ClassVar[tuple[str, ...]] = ("556 5.1.10", "550 5.7.27")
    text: ClassVar[str] = (
        "RCPT gets 556 5.1.10, and MAIL from such a domain 550 5.7.27. The domain's owner published MX 0 . in DNS: no mail "
        "here, ever, and no useful answer either. The sender must act: use another address."
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("RFC 7505 section 3", "A single MX record with the name . says that the domain takes no mail."),
        Rule("RFC 7505 section 4.1", "556 5.1.10 for a recipient there, 550 5.7.27 for a sender there."),
        Rule("RFC 7504 section 4", "556: the domain of the recipient takes no mail."),
    )

    def __init__(self, domains: Iterable[str] = ()) -> None:
        """``domains`` that take no mail; none means every domain that this host does not serve."""
        self.domains = frozenset(domain.lower() for domain in domains)

    def sender(self, host: FaultyHost, server: LabSMTP, path: Path) -> Answer | None:
        """550 5.7.27 for the domains that were named."""
        if path.domain.lower() not in self.domains:
            return None
        return Answer(550, "5.7.27", f"{path.domain} takes no mail (null MX), so none is taken from it")

    def recipient(self, host: FaultyHost, server: LabSMTP, path: Path) -> Answer | None:
        """556 5.1.10."""
        meant = path.domain.lower() in self.domains if self.domains else not host.takes(path)
        return Answer(556, "5.1.10", f"{path.domain} takes no mail (null MX)") if meant else None
