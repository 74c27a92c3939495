"""Where mail for a domain goes: the lookups of RFC 5321 section 5.1 and of RFC 7505, in order, and nothing else.

`route` opens no connection and holds no state. Hosts of equal preference stay in the order of the zone; who sends puts
them into an order by chance, as section 5.1 wants it.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any, Literal

from labkit.frozen import dataclass
from labkit.lookup import Lookup, Resolver
from labkit.smtp.rule import Rule

RouteOutcome = Literal["hops", "null_mx", "no_domain", "temporary", "no_address", "loops_back"]
"""``hops`` there is somewhere to go; ``null_mx`` the domain takes no mail at all; ``no_domain`` it does not exist;
``temporary`` DNS gave no answer, ask again later; ``no_address`` it exists, but no host with an address takes its mail;
``loops_back`` the best host that takes its mail is the one that asks."""

MX_FIRST = Rule(
    "RFC 5321 section 5.1",
    "The MX records of the domain name the hosts that take its mail; the lowest preference number is tried first.",
)
IMPLICIT_MX = Rule(
    "RFC 5321 section 5.1",
    "A domain without MX records, but with an address, is its own mail host, as if by an MX of preference 0.",
)
MX_ONLY = Rule(
    "RFC 5321 section 5.1",
    "Where MX records exist, only they count: the domain's own address is not used.",
)
NULL_MX = Rule("RFC 7505 section 3", "A single MX record with the name . says that the domain takes no mail.")
NO_DOMAIN = Rule("RFC 5321 section 5.1", "A domain that does not exist is an error, reported at once.")
TEMPORARY = Rule(
    "RFC 5321 section 5.1",
    "A lookup without an answer is a temporary error: the message is kept and tried again.",
)
LOOPS_BACK = Rule(
    "RFC 5321 section 5.1",
    "A host that finds itself among the MX hosts drops its own record and all of the same or a higher number.",
)
LITERAL = Rule(
    "RFC 5321 section 4.1.3", "An address literal in brackets names the host's address; DNS is not asked."
)


@dataclass(frozen=True, slots=True)
class NextHop:
    """One place where a message can be handed to."""

    host: str
    """Its name, without final dot."""
    preference: int
    """Of its MX record; 0 for an implicit MX and for a route that was fixed."""
    address: str
    """One of its addresses. A host with several is listed once for each."""

    def __str__(self) -> str:
        return f"{self.host} [{self.address}]"


@dataclass(frozen=True, slots=True)
class Route:
    """Where mail for a domain goes, and why."""

    hops: tuple[NextHop, ...]
    """In the order in which they are to be tried; empty unless the outcome is ``hops``."""
    outcome: RouteOutcome
    why: str
    """One sentence about this domain."""
    rule: Rule
    """The rule that decided."""
    lookups: tuple[Lookup, ...]
    """What was asked, in order."""


def route(domain: str, dns: Resolver, own_names: Iterable[str] = ()) -> Route:
    """Where mail for ``domain`` goes. ``own_names`` are the names of the host that asks.

    Never raises: what goes wrong is the outcome.
    """
    if domain.startswith("["):
        return _literal(domain)
    asked = _Asked(dns)
    mx = asked.ask(domain, "MX")
    if mx.outcome == "nxdomain":
        return asked.end((), "no_domain", f"The domain {domain} does not exist.", NO_DOMAIN)
    if mx.outcome in ("timeout", "servfail"):
        return asked.end((), "temporary", f"DNS gave no answer about the mail hosts of {domain}.", TEMPORARY)
    records = _mail_hosts(mx)
    if not records:
        return _implicit(domain, asked)
    if takes_no_mail(mx):
        return asked.end((), "null_mx", f"{domain} says with a null MX that it takes no mail.", NULL_MX)
    records.sort(key=lambda one: one[0])
    own = {name.lower().rstrip(".") for name in own_names}
    mine = min((number for number, name in records if name.lower() in own), default=None)
    if mine is not None:
        records = [(number, name) for number, name in records if number < mine]
        if not records:
            why = f"This host is itself the first mail host of {domain}, and does not take its mail."
            return asked.end((), "loops_back", why, LOOPS_BACK)
    hops = [NextHop(name, number, address) for number, name in records for address in asked.addresses(name)]
    if hops:
        return asked.end(hops, "hops", f"{domain} names {_names(records)} in its MX records.", MX_FIRST)
    if asked.unanswered:
        return asked.end((), "temporary", f"DNS gave no address for {_names(records)}.", TEMPORARY)
    why = f"{domain} names {_names(records)} in its MX records, and DNS has no address for that."
    return asked.end((), "no_address", why, MX_ONLY)


def takes_no_mail(mx: Lookup) -> bool:
    """Whether the answer about a domain's MX records is a null MX (RFC 7505 section 3)."""
    return [name for _, name in _mail_hosts(mx)] in (["."], [""])


def fixed_route(host: str, dns: Resolver) -> Route:
    """The way to a host that is set, whatever MX records say: a smarthost, a store behind an MX."""
    if host.startswith("["):
        return _literal(host)
    asked = _Asked(dns)
    hops = [NextHop(host, 0, address) for address in asked.addresses(host)]
    if hops:
        return asked.end(hops, "hops", f"This host sends such mail to {host}, as it is set up.", MX_FIRST)
    if asked.unanswered:
        return asked.end((), "temporary", f"DNS gave no address for {host}.", TEMPORARY)
    return asked.end((), "no_address", f"DNS has no address for {host}, where such mail is sent.", MX_ONLY)


def _mail_hosts(mx: Lookup) -> list[tuple[int, str]]:
    """Preference and name of each MX record, in the order of the zone."""
    records: Any = mx.records  # an MX record's own fields
    return [(int(one.preference), one.exchange.to_text(omit_final_dot=True)) for one in records]


class _Asked:
    """The questions of one routing decision."""

    def __init__(self, dns: Resolver) -> None:
        self._dns = dns
        self._lookups: list[Lookup] = []
        self.unanswered = False

    def ask(self, name: str, rdtype: str) -> Lookup:
        found = self._dns.lookup(name, rdtype)
        self._lookups.append(found)
        return found

    def addresses(self, host: str) -> list[str]:
        """The host's addresses, IPv4 first; remembers when DNS did not answer."""
        found: list[str] = []
        for rdtype in ("A", "AAAA"):
            answer = self.ask(host, rdtype)
            records: Any = answer.records
            found.extend(str(record.address) for record in records)
            self.unanswered |= answer.outcome in ("timeout", "servfail")
            if answer.outcome == "nxdomain":
                break
        return found

    def end(self, hops: Iterable[NextHop], outcome: RouteOutcome, why: str, rule: Rule) -> Route:
        return Route(tuple(hops), outcome, why, rule, tuple(self._lookups))


def _implicit(domain: str, asked: _Asked) -> Route:
    hops = [NextHop(domain, 0, address) for address in asked.addresses(domain)]
    if hops:
        why = f"{domain} has no MX record, but an address: it is its own mail host."
        return asked.end(hops, "hops", why, IMPLICIT_MX)
    if asked.unanswered:
        return asked.end((), "temporary", f"DNS gave no answer about the address of {domain}.", TEMPORARY)
    return asked.end((), "no_address", f"{domain} has neither an MX record nor an address.", IMPLICIT_MX)


def _literal(domain: str) -> Route:
    text = domain.strip("[]")
    text = text[5:] if text.lower().startswith("ipv6:") else text
    try:
        address = str(ip_address(text))
    except ValueError:
        return Route((), "no_address", f"{domain} is no address that mail can go to.", LITERAL, ())
    return Route((NextHop(domain, 0, address),), "hops", f"{domain} is an address itself.", LITERAL, ())


def _names(records: Iterable[tuple[int, str]]) -> str:
    return ", ".join(f"{name} ({number})" for number, name in records)
