"""SPF, DKIM and DMARC on one message that came through one session, and the field that tells the reader of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from labkit.auth.authres import AuthenticationResults, MethodResult, Property
from labkit.auth.dkim import verify
from labkit.auth.dmarc import AuthorDomain, Identifier, author_domain, evaluate
from labkit.auth.spf import check_host
from labkit.auth.tag_list import parse_tags
from labkit.frozen import dataclass
from labkit.verdict import Evidence, Verdict

if TYPE_CHECKING:
    from labkit.lookup import Resolver

__all__ = ["Authentication", "authenticate"]

AUTHSERV_ID = "receiver.example"
"""Who checks, when nobody says otherwise."""

MOST_TEXT = 200
"""Characters of a value in the header field: what a sender wrote does not make a line too long for SMTP."""


@dataclass(frozen=True, slots=True)
class Authentication:
    """The verdicts on one message."""

    spf: Verdict
    """The check of MAIL FROM, or of HELO for the null reverse-path (RFC 7208 section 2.4)."""
    dkim: tuple[Verdict, ...]
    """One for each signature, from the top; empty without any."""
    dmarc: Verdict
    author: AuthorDomain
    """What the From field says."""
    results: AuthenticationResults
    """All of it as RFC 8601 has it."""

    @property
    def header(self) -> str:
        """The field Authentication-Results, with its name and CR LF, to be put on top of the message."""
        return str(self.results)

    def __str__(self) -> str:
        return "\n".join(str(verdict) for verdict in (self.spf, *self.dkim, self.dmarc))


def authenticate(
    message: bytes,
    *,
    ip: str | IPv4Address | IPv6Address,
    helo: str,
    mail_from: str,
    dns: Resolver,
    authserv_id: str = AUTHSERV_ID,
    now: datetime | float | None = None,
    rules: str = "RFC 9989",
) -> Authentication:
    """Check a message as it was received: `message` from the first field on, `ip` the client's address, `helo` the
    name it gave, `mail_from` the reverse-path without brackets (empty for the null one).

    `authserv_id` names the receiver in the field; `now` is for expiring signatures, see `labkit.auth.dkim.verify`;
    `rules` is DMARC's rule set, ``"RFC 9989"`` or ``"RFC 7489"``. Raises ValueError for what is no IP address or no
    rule set; nothing else, whatever message and DNS say.
    """
    path = mail_from.removeprefix("<").removesuffix(">")
    domain = path.rpartition("@")[2] if path else helo
    spf = check_host(ip, domain, path, helo=helo, dns=dns)
    dkim = verify(message, dns=dns, now=now)
    author = author_domain(message)
    signers = [_signer(verdict, message) for verdict in dkim]
    dmarc = evaluate(author, spf=spf, dkim=signers, dns=dns, rules=rules)
    results = AuthenticationResults(authserv_id, tuple(_results(path, helo, spf, dkim, dmarc)))
    return Authentication(spf, dkim, dmarc, author, results)


def _signer(verdict: Verdict, message: bytes) -> Identifier:
    """The signing domain, with the octets of its ``d=`` tag."""
    domain = str(verdict.properties.get("header.d") or "")
    selector = str(verdict.properties.get("header.s") or "")
    return Identifier("dkim", domain, verdict.result, _claim(verdict, message), selector)


def _claim(verdict: Verdict, message: bytes) -> tuple[Evidence, ...]:
    for _, step in verdict.steps():
        for item in step.evidence:
            if item.source == "message" and message[item.start : item.start + 1] == b"d":
                tag = parse_tags(message, item.start, item.end).get("d")
                if tag is not None and (tag.start, tag.end) == (item.start, item.end):
                    return (item,)
    return ()


def _results(
    path: str, helo: str, spf: Verdict, dkim: tuple[Verdict, ...], dmarc: Verdict
) -> Iterator[MethodResult]:
    # The domain alone: SPF did not check what stands before the @ (RFC 8601 section 2.7.2).
    name, domain = ("mailfrom", path.rpartition("@")[2]) if path else ("helo", helo)
    yield MethodResult("spf", spf.result, (Property("smtp", name, domain[:MOST_TEXT]),))
    if not dkim:
        yield MethodResult("dkim", "none")
    for verdict in dkim:
        names = ("d", "s", "a", "b")
        found = [(name, verdict.properties.get(f"header.{name}")) for name in names]
        properties = tuple(Property("header", name, str(value)[:MOST_TEXT]) for name, value in found if value)
        yield MethodResult("dkim", verdict.result, properties, str(verdict.properties.get("reason") or ""))
    author = dmarc.properties["author_domain"]
    asked = dmarc.properties["evaluated_policy"]
    properties = (Property("header", "from", author),) if author else ()
    if asked is not None and dmarc.result in ("pass", "fail"):
        properties += (Property("policy", "dmarc", asked),)
    yield MethodResult("dmarc", dmarc.result, properties)
