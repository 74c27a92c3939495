"""Faults of the connection and of the host itself: slow, busy, gone, out of order, or led astray."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar
from weakref import WeakSet

from labkit.hosts.answers import Answer
from labkit.hosts.fault import Fault, FaultyHost
from labkit.lookup import Outcome
from labkit.smtp.path import Path
from labkit.smtp.rule import Rule

if TYPE_CHECKING:
    from labkit.hosts.policy import LabEnvelope
    from labkit.hosts.smtpd import LabSMTP
    from labkit.zones.faults import DnsFault


class SlowServer(Fault):
    """Each answer takes a while."""

    name: ClassVar[str] = "slow_server"
    title: ClassVar[str] = "Slow server"
    text: ClassVar[str] = (
        "Every answer is right, and late. The server is busy, asks DNS about you first, or delays strangers on purpose. "
        "Nobody has to act: a good client waits five minutes for most replies, and ten after the dot."
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "RFC 5321 section 4.5.3.2", "A client waits 5 minutes for most replies, 10 after the final dot."
        ),
    )

    def __init__(self, seconds: float = 1.0, stage: str = "") -> None:
        """``seconds`` of real time, at most 5. ``stage`` is one of `STAGES`; empty: before each answer."""
        self.seconds = seconds
        self.stage = stage

    def delay(self, host: FaultyHost, server: LabSMTP, stage: str) -> float:
        """Before each answer once: ``accepted`` comes after ``text``, ``greeting`` after ``connect``."""
        if self.stage:
            return self.seconds if stage == self.stage else 0.0
        return self.seconds if stage not in ("accepted", "greeting") else 0.0


class ConnectionLost(Fault):
    """The connection breaks without a word."""

    name: ClassVar[str] = "connection_lost"
    title: ClassVar[str] = "Connection lost"
    text: ClassVar[str] = (
        "The session ends in the middle, without 421. A network broke, or a server stopped. Nobody has to act: the client "
        "treats it as 451 and tries again. If only the reply got lost, the recipient has the message twice."
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("RFC 5321 section 3.8", "A client that loses the connection acts as if it had received 451."),
        Rule(
            "RFC 1047",
            "A reply lost after the final dot makes a second copy; no one can tell it from a loss.",
        ),
    )

    def __init__(self, stage: str = "text", times: int = 0) -> None:
        """``stage``: one of `STAGES`. ``times``: so often and then no more; 0 means each time."""
        self.stage = stage
        self.times = times
        self.happened = 0

    def cut(self, host: FaultyHost, server: LabSMTP, stage: str) -> bool:
        """At its stage, as often as it was told."""
        if stage != self.stage or 0 < self.times <= self.happened:
            return False
        self.happened += 1
        return True


class NoService(Fault):
    """The greeting says that there is no mail service."""

    name: ClassVar[str] = "no_service"
    title: ClassVar[str] = "No mail service here"
    replies: ClassVar[tuple[str, ...]] = ("554", "521", "503")
    text: ClassVar[str] = (
        "The first line is 554 in place of 220, and every command but QUIT gets 503. With 521 the host hangs up at once. "
        "It takes no mail, or none from you. The sender's postmaster must act: use another host, or ask why."
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("RFC 5321 section 3.1", "A server may greet with 554; then it waits for QUIT and answers 503."),
        Rule("RFC 7504 section 3", "521: this host never takes mail. It may close the connection at once."),
    )

    def __init__(self, code: int = 554) -> None:
        """``code``: 554 or 521."""
        if code not in (554, 521):
            raise ValueError(f"expected 554 or 521, received {code!r}")
        self.code = code
        self._refused: WeakSet[LabSMTP] = WeakSet()

    def greet(self, host: FaultyHost, server: LabSMTP) -> Answer | None:
        """554 or 521."""
        self._refused.add(server)
        return Answer(self.code, "", f"{host.name} takes no mail")

    def command(self, host: FaultyHost, server: LabSMTP, verb: str, argument: str) -> Answer | None:
        """503 until QUIT, for whom was greeted so."""
        if verb == "QUIT" or server not in self._refused:
            return None
        return Answer(503, "5.5.1", "No mail service here; only QUIT is left")


class ShuttingDown(Fault):
    """The host ends the connection with a word."""

    name: ClassVar[str] = "shutting_down"
    title: ClassVar[str] = "Service not available, closing"
    replies: ClassVar[tuple[str, ...]] = ("421", "421 4.3.2")
    text: ClassVar[str] = (
        "The answer is 421, whatever was asked, and the server hangs up. It is overloaded, restarts, or ends a connection "
        "that was idle. Nobody has to act: the client keeps the message and connects again later."
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "RFC 5321 section 3.8", "A server that must stop says 421 and closes; 421 may answer any command."
        ),
    )

    def __init__(self, stage: str = "connect") -> None:
        """``stage``: ``connect`` for the greeting, a verb, or ``text`` after the final dot."""
        self.stage = stage

    def greet(self, host: FaultyHost, server: LabSMTP) -> Answer | None:
        """421 in place of 220."""
        return self._answer(host, "connect", "")

    def command(self, host: FaultyHost, server: LabSMTP, verb: str, argument: str) -> Answer | None:
        """421 to the verb."""
        return self._answer(host, verb, "4.3.2")

    def message(
        self, host: FaultyHost, server: LabSMTP, envelope: LabEnvelope, octets: bytes
    ) -> Answer | None:
        """421 after the final dot."""
        return self._answer(host, "text", "4.3.2")

    def _answer(self, host: FaultyHost, stage: str, enhanced: str) -> Answer | None:
        if stage != self.stage:
            return None
        return Answer(421, enhanced, f"{host.name} service not available, closing connection")


class FixedReply(Fault):
    """Any reply at one stage, right or odd."""

    name: ClassVar[str] = "fixed_reply"
    title: ClassVar[str] = "One reply, whatever is asked"
    text: ClassVar[str] = (
        "One stage is always answered with the reply that you choose. Servers do say odd codes at odd stages. The client must "
        "cope: it acts on the first digit, even if it has never seen the number."
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("RFC 5321 section 4.2.1", "A client that does not know a code acts on its first digit."),
    )

    def __init__(self, stage: str, code: int, enhanced: str = "", text: str = "As you wish") -> None:
        """``stage``: ``connect``, ``text``, or a verb. MAIL and RCPT get it when they are in order."""
        if not 200 <= code <= 599:
            raise ValueError(f"expected a code from 200 to 599, received {code!r}")
        self.stage = stage
        self.answer = Answer(code, enhanced, text)

    def greet(self, host: FaultyHost, server: LabSMTP) -> Answer | None:
        """At ``connect``."""
        return self._at("connect")

    def command(self, host: FaultyHost, server: LabSMTP, verb: str, argument: str) -> Answer | None:
        """At a verb but MAIL and RCPT."""
        return None if verb in ("MAIL", "RCPT") else self._at(verb)

    def sender(self, host: FaultyHost, server: LabSMTP, path: Path) -> Answer | None:
        """At MAIL."""
        return self._at("MAIL")

    def recipient(self, host: FaultyHost, server: LabSMTP, path: Path) -> Answer | None:
        """At RCPT."""
        return self._at("RCPT")

    def message(
        self, host: FaultyHost, server: LabSMTP, envelope: LabEnvelope, octets: bytes
    ) -> Answer | None:
        """At ``text``."""
        return self._at("text")

    def _at(self, stage: str) -> Answer | None:
        return self.answer if stage == self.stage else None


class LocalError(FixedReply):
    """The host has a trouble of its own."""

    name: ClassVar[str] = "local_error"
    title: ClassVar[str] = "Local error in processing"
    replies: ClassVar[tuple[str, ...]] = ("451 4.3.0",)
    text: ClassVar[str] = (
        "The answer is 451 4.3.0, and your own log does not show why. Something broke at the receiving side: a disk, a "
        "filter, a lookup. The receiving side must act; the sending queue tries again by itself."
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("RFC 5321 section 4.2.3", "451: the server stopped because of an error on its side."),
        Rule("RFC 3463 section 3.4", "X.3.0: the receiving mail system has a problem of another kind."),
    )

    def __init__(self, stage: str = "text") -> None:
        """``stage``: as for `FixedReply`."""
        super().__init__(stage, 451, "4.3.0", "Requested action aborted: local error in processing")


class NoExtensions(Fault):
    """EHLO is not understood, or some extensions are not offered."""

    name: ClassVar[str] = "no_extension"
    title: ClassVar[str] = "No extensions"
    replies: ClassVar[tuple[str, ...]] = ("502", "555 5.5.4")
    text: ClassVar[str] = (
        "EHLO gets 502, and the client must greet again with HELO; or one keyword is missing from the list. A very old "
        "server, or a firewall that filters commands, looks like this. The client must cope: what is not offered is not used."
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("RFC 5321 section 3.2", "A client whose EHLO is not known should be able to fall back to HELO."),
        Rule("RFC 5321 section 2.2.1", "A client may use an extension only if the server has offered it."),
    )

    def __init__(self, keywords: Iterable[str] = ()) -> None:
        """``keywords`` are not offered; none means that the server knows no EHLO at all."""
        self.hides = frozenset(keyword.upper() for keyword in keywords)

    def command(self, host: FaultyHost, server: LabSMTP, verb: str, argument: str) -> Answer | None:
        """502 to EHLO."""
        if verb != "EHLO" or self.hides:
            return None
        return Answer(502, "", "Command not implemented")


class DnsFailure(Fault):
    """Questions about a domain get no answer, or the wrong one, whoever in the world asks."""

    name: ClassVar[str] = "dns_failure"
    title: ClassVar[str] = "DNS failure"
    text: ClassVar[str] = (
        "The lookup log shows the question and how it failed. Without an answer the message waits. A name "
        "that does not exist sends it back at once. The domain's owner must act: mend the zone or its name servers."
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "RFC 5321 section 5.1",
            "A lookup without an answer is temporary: queue. No such name is an error.",
        ),
        Rule("RFC 2308 section 2", "No such name and no such record are answers; a failure is not."),
    )

    def __init__(self, domain: str, outcome: Outcome = "servfail", rdtype: str | None = None) -> None:
        """``domain`` and all below it; ``outcome`` any but ``answer``; ``rdtype`` as ``"MX"``, None for every type."""
        self.domain = domain
        self.outcome: Outcome = outcome
        self.rdtype = rdtype
        self._fault: DnsFault | None = None

    def switched_on(self, host: FaultyHost) -> None:
        """From now on. Raises ``ValueError`` for what is no name, type or failure."""
        zones = host.around.zones
        self._fault = zones.fault(self.domain, self.rdtype, self.outcome, below=True)

    def switched_off(self, host: FaultyHost) -> None:
        """No more."""
        if self._fault is not None:
            self._fault.off()


class MailLoop(Fault):
    """The host sends mail to one that sends it back."""

    name: ClassVar[str] = "mail_loop"
    title: ClassVar[str] = "Mail loop"
    replies: ClassVar[tuple[str, ...]] = ("554 5.4.6",)
    text: ClassVar[str] = (
        "Two hosts take each other for the next hop, and the message gains a Received line on every turn. A wrong route, an "
        "MX record or a forwarding rule does that. A host that counts too many lines refuses; a postmaster must mend the route."
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "RFC 5321 section 6.3", "Counting Received fields finds loops; the limit should be 100 or more."
        ),
        Rule("RFC 3463 section 3.5", "5.4.6: a routing loop was found."),
    )

    def __init__(self, to: str, domains: Iterable[str] = ()) -> None:
        """``to``: the next hop; it must send the mail back, so switch the fault on there too. ``domains``: for which
        mail; none means all domains that the host takes mail for."""
        self.to = to
        self.domains = frozenset(domain.lower() for domain in domains)

    def next_hop(self, host: FaultyHost, domain: str) -> str | None:
        """``to``."""
        meant = domain.lower() in self.domains if self.domains else host.takes(Path("postmaster", domain))
        return self.to if meant else None
