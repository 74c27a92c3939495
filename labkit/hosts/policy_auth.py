"""A host that checks who sends: SPF at MAIL, DMARC after the final dot, and a refusal where they fail (RFC 7372).

It is switched on like a fault, since it stands at the same places: ``host.switch_on(SenderCheck())``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from labkit.auth.authentication import Authentication, authenticate
from labkit.auth.spf import check_mail_from
from labkit.hosts.answers import Answer
from labkit.hosts.fault import Fault, FaultyHost
from labkit.smtp.path import Path
from labkit.smtp.rule import Rule
from labkit.verdict import Verdict

if TYPE_CHECKING:
    from labkit.hosts.policy import LabEnvelope
    from labkit.hosts.smtpd import LabSMTP

__all__ = ["SenderCheck"]


class SenderCheck(Fault):
    """SPF for the client's address and MAIL FROM, then DMARC for the message.

    ``spf`` refuses at MAIL what SPF fails, with 550 5.7.23; ``dmarc`` refuses after the final dot what DMARC asks to
    reject, with 550 5.7.26. `verdicts` and `authentications` keep what was found, the newest last.
    """

    name: ClassVar[str] = "sender_check"
    title: ClassVar[str] = "Checks who sends: SPF at MAIL, DMARC after the text"
    text: ClassVar[str] = (
        "MAIL gets 550 5.7.23 when SPF fails for the domain of MAIL FROM. The server at that address may not send for it. "
        "The domain's owner must act: put the server into the SPF record, or send through one that stands there."
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "RFC 7208 section 8.4", "A client that fails may be refused in the session, with 550 and 5.7.23."
        ),
        Rule("RFC 7372 section 3", "5.7.23: SPF failed. 5.7.26: several checks of who sends failed."),
    )
    replies: ClassVar[tuple[str, ...]] = ("550 5.7.23", "550 5.7.26")
    MOST = 100

    def __init__(self, *, spf: bool = True, dmarc: bool = False) -> None:
        self.spf, self.dmarc = spf, dmarc
        self.verdicts: list[Verdict] = []
        self.authentications: list[Authentication] = []

    def sender(self, host: FaultyHost, server: LabSMTP, path: Path) -> Answer | None:
        """550 5.7.23 when SPF fails."""
        dns = host.around.zones.as_asked_by(host.name, "to see who may send for MAIL FROM")
        helo = server.tapped.helo or "unknown"
        verdict = check_mail_from(_address(host, server), str(path), helo=helo, dns=dns)
        self._keep(self.verdicts, verdict)
        if verdict.result != "fail" or not self.spf:
            return None
        own = verdict.properties.get("explanation")
        domain = path.domain or helo
        said = f"SPF: {_address(host, server)} may not send for {domain}"
        return Answer(550, "5.7.23", f"{said}. {domain} says: {own[:300]}" if own else said)

    def message(
        self, host: FaultyHost, server: LabSMTP, envelope: LabEnvelope, octets: bytes
    ) -> Answer | None:
        """550 5.7.26 when DMARC asks to reject."""
        if not self.dmarc:
            return None
        found = authenticate(
            octets,
            ip=_address(host, server),
            helo=server.tapped.helo or "unknown",
            mail_from=envelope.mail_from or "",
            dns=host.around.zones.as_asked_by(host.name, "to see who answers for the message"),
            now=host.clock.datetime(),
        )
        self._keep(self.authentications, found)
        if found.dmarc.properties.get("disposition") != "reject":
            return None
        domain = found.dmarc.properties.get("author_domain")
        return Answer(550, "5.7.26", f"DMARC: {domain} asks to reject what it does not answer for")

    def _keep(self, kept: list[Any], one: object) -> None:
        kept.append(one)
        del kept[: -self.MOST]


def _address(host: FaultyHost, server: LabSMTP) -> str:
    """Where the client is: by the zones of this world, if it is one of its hosts."""
    caller = host.caller(server)
    address = host.around.address_of(caller) if caller else None
    return address or (server.tapped.peer[0] if server.tapped.peer else "127.0.0.1")
