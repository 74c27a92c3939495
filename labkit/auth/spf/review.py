"""What a domain's SPF record costs and risks at worst, without any client (RFC 7208 sections 3.4, 4.6.4, 5, 10.1).

An evaluation stops at the first match; a review follows every include and redirect, and adds up what the client
that matches nothing would cost. Names with macros cannot be followed; they are counted once each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from labkit.auth.spf import rules
from labkit.auth.spf.identity import a_labels
from labkit.auth.spf.mechanisms import MOST_NAMES, MOST_TERMS, MOST_VOIDS
from labkit.auth.spf.overlap import Network, overlaps
from labkit.auth.spf.problem import shown
from labkit.auth.spf.record import (
    ASKING,
    MECHANISMS,
    Directive,
    Modifier,
    Record,
    is_spf,
    joined,
    read_record,
)
from labkit.smtp.rule import Rule
from labkit.verdict import Evidence

if TYPE_CHECKING:
    from labkit.lookup import Lookup, Resolver

Level = Literal["error", "warning", "note"]
"""``error``: some or all mail gets permerror. ``warning``: it hardly does what was meant. ``note``: worth knowing."""

_MOST_NODES = 200  # a tree that branches at each level is not followed any further than this
_ANSWER_SIZE = 512
_STRING_SIZE = 255


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know about a record."""

    level: Level
    code: str
    """A short name that stays the same: ``after-all``, ``two-records``, ``syntax``."""
    text: str
    """What happens with it, and what to do, in plain sentences."""
    rule: Rule
    evidence: tuple[Evidence, ...] = ()


@dataclass(slots=True)
class Cost:
    """A term, or a domain's record as a whole, with what it costs at worst. Nodes below it are in `children`."""

    text: str
    """The term as written; for a record its domain."""
    evidence: tuple[Evidence, ...] = ()
    own: int = 0
    """1 for a term that needs the DNS, else 0."""
    own_voids: tuple[int, int] = (0, 0)
    """Empty lookups that this term makes for an IPv4 and for an IPv6 client: one asks for A, the other for AAAA."""
    networks: int = 0
    """Networks that an ip4 or ip6 term names."""
    reached: bool = True
    """False behind an all."""
    children: list[Cost] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Terms that need the DNS, here and below: of 10."""
        return self.own + sum(child.total for child in self.children if child.reached)

    @property
    def voids(self) -> int:
        """Empty lookups, here and below, for the family that has more of them: of 2."""
        return max(self._voids())

    def _voids(self) -> tuple[int, int]:
        counts = [self.own_voids, *(child._voids() for child in self.children if child.reached)]
        return sum(ip4 for ip4, _ in counts), sum(ip6 for _, ip6 in counts)

    def walk(self, depth: int = 0) -> Iterator[tuple[int, Cost]]:
        """This node and all below it, each with its depth."""
        yield depth, self
        for child in self.children:
            yield from child.walk(depth + 1)


@dataclass(frozen=True, slots=True)
class Review:
    """What is to be said about the SPF of a domain."""

    domain: str
    cost: Cost
    """The tree of terms. Its `Cost.total` is the worst case: a client that nothing matches."""
    findings: tuple[Finding, ...]
    """Errors first, then warnings, then notes; each in the order in which it was met."""

    def __str__(self) -> str:
        head = f"{shown(self.domain)}: {self.cost.total} of {MOST_TERMS} terms with DNS, {self.cost.voids} of {MOST_VOIDS} empty lookups"
        return "\n".join([head, *(f"{one.level}: {one.text} ({one.rule.ref})" for one in self.findings)])


def lint(domain: str, dns: Resolver) -> Review:
    """Review the SPF record that a domain publishes, and all that it leads to. Raises nothing."""
    name, invalid = a_labels(domain)
    review = _Review(dns)
    cost = Cost(name)
    if invalid is not None:
        review.add(
            "error", "domain", f"{shown(name) or 'The domain'} cannot be checked: {invalid}.", rules.INITIAL
        )
    else:
        cost = review.domain(name, ())
        review.limits(cost)
    return Review(name, cost, review.sorted())


def lint_record(text: str, domain: str = "example.com", dns: Resolver | None = None) -> Review:
    """Review a record that is not published yet, as it would be the only TXT record of ``domain``.

    What it leads to is asked for if there is ``dns``; without, only the text itself is reviewed.
    """
    octets = text.encode("utf-8", "surrogatepass")
    review = _Review(dns)
    cost = Cost(domain)
    if not is_spf(octets):
        said = "It does not begin with `v=spf1` and a space, so nobody takes it for an SPF record."
        review.add("error", "version", said, rules.SELECT)
    else:
        if len(octets) > _STRING_SIZE:
            said = f"It has {len(octets)} octets, and one string of a TXT record holds {_STRING_SIZE}: write it as several strings."
            review.add("note", "long", said, rules.STRINGS)
        cost = review.record(read_record(octets, f"record {domain} TXT 0"), domain, ())
        review.limits(cost)
    return Review(domain, cost, review.sorted())


class _Review:
    """One review under way."""

    def __init__(self, dns: Resolver | None) -> None:
        self.dns = dns
        self.findings: dict[Finding, None] = {}  # in order
        self.nodes = 0

    def add(
        self, level: Level, code: str, text: str, rule: Rule, evidence: tuple[Evidence, ...] = ()
    ) -> None:
        """Note a finding, once."""
        self.findings[Finding(level, code, text, rule, evidence)] = None

    def sorted(self) -> tuple[Finding, ...]:
        """Errors first."""
        return tuple(sorted(self.findings, key=lambda one: ("error", "warning", "note").index(one.level)))

    def limits(self, cost: Cost) -> None:
        """What the whole comes to, beside the limits of section 4.6.4."""
        if cost.total > MOST_TERMS:
            said = f"At worst {cost.total} terms need the DNS, and {MOST_TERMS} are allowed: clients that match late or never get permerror."
            self.add("error", "too-many-terms", said, rules.TERM_LIMIT, cost.evidence)
        elif cost.total > MOST_TERMS - 2:
            said = (
                f"At worst {cost.total} of {MOST_TERMS} terms need the DNS: one more service may be too many."
            )
            self.add("note", "many-terms", said, rules.TERM_LIMIT, cost.evidence)
        if cost.voids > MOST_VOIDS:
            said = f"At worst {cost.voids} lookups come back empty, and {MOST_VOIDS} are allowed: then the result is permerror."
            self.add("error", "void-lookups", said, rules.VOID_LIMIT, cost.evidence)

    def domain(self, name: str, above: tuple[str, ...]) -> Cost:
        """The record that a domain publishes."""
        assert self.dns is not None
        found = self.dns.lookup(name, "TXT")
        records: tuple[Any, ...] = found.records
        published = [(n, octets) for n, txt in enumerate(records) if is_spf(octets := joined(txt.strings))]
        if not published:
            self._no_record(name, found, above)
            return Cost(name)
        if len(published) > 1:
            marks = tuple(Evidence.record(name, "TXT", n, 0, len(octets)) for n, octets in published)
            said = f"{name} has {len(published)} SPF records: everybody gets permerror. Make one of them."
            self.add("error", "two-records", said, rules.SELECT, marks)
        size = sum(len(part) + 1 for txt in records for part in txt.strings)
        if size > _ANSWER_SIZE:
            said = f"The TXT records of {name} have {size} octets together: the answer does not fit into {_ANSWER_SIZE}."
            self.add("note", "size", said, rules.SIZE)
        number, octets = published[0]
        return self.record(read_record(octets, f"record {name} TXT {number}"), name, above)

    def _no_record(self, name: str, found: Lookup, above: tuple[str, ...]) -> None:
        if found.outcome in ("timeout", "servfail"):
            said = f"Whether {name} has an SPF record is not known: {found.outcome}. That is temperror."
            self.add("warning", "temperror", said, rules.LOOKUP)
        elif above:
            said = f"{above[-1]} leads to {name}, which has no SPF record: that is permerror."
            self.add("error", "no-record", said, rules.INCLUDE)
        else:
            self.add("warning", "no-record", f"{name} has no SPF record: everybody gets none.", rules.SELECT)

    def record(self, record: Record, domain: str, above: tuple[str, ...]) -> Cost:
        """The terms of a record, and what they lead to."""
        whole = Cost(domain, record.evidence)
        source = record.evidence[0].source
        for problem in record.problems:
            said = f"Syntax error at character {problem.start + 1} of the record of {domain}: {problem.text}"
            self.add("error", "syntax", said, problem.rule, (Evidence(source, problem.start, problem.end),))
        all_at = next((term for term in record.directives if term.mechanism == "all"), None)
        for term in record.directives:
            reached = all_at is None or term.start <= all_at.start
            if not reached:
                said = f"`{term.text}` stands behind `{all_at.text if all_at else ''}` and is never tried."
                self.add("warning", "after-all", said, rules.ALL, term.evidence)
            whole.children.append(self._directive(term, domain, (*above, domain), reached))
        if record.redirect is not None:
            if all_at is not None:
                said = f"`{record.redirect.text}` is never used, because `{all_at.text}` matches everybody."
                self.add("warning", "redirect-beside-all", said, rules.REDIRECT, record.redirect.evidence)
            whole.children.append(self._leading(record.redirect, (*above, domain), all_at is None))
        if all_at is None and record.redirect is None and not above:
            said = f"The record of {domain} ends without all and without redirect: who matches nothing gets neutral."
            self.add("warning", "no-all", said, rules.DEFAULT, record.evidence)
        if all_at is not None and all_at.result == "pass":
            said = f"`{all_at.text}` lets everybody send for {domain}."
            self.add("error" if not above else "warning", "plus-all", said, rules.ALL, all_at.evidence)
        self._modifiers(record)
        self._overlaps(record, all_at)
        return whole

    def _directive(self, term: Directive, domain: str, above: tuple[str, ...], reached: bool) -> Cost:
        if term.mechanism == "include":
            return self._leading(term, above, reached)
        cost = Cost(term.text, term.evidence, int(term.mechanism in ASKING), reached=reached)
        if term.mechanism in ("ip4", "ip6"):
            cost.networks = 1
            if term.mask == 0:
                said = f"`{term.text}` is the whole IPv{term.family} address space."
                self.add(
                    "warning",
                    "whole-space",
                    said,
                    rules.IP4 if term.family == 4 else rules.IP6,
                    term.evidence,
                )
        elif term.mechanism == "ptr":
            said = f"`{term.text}`: do not publish ptr. It is slow, unreliable, and asks the client's own name servers."
            self.add("warning", "ptr", said, rules.PTR, term.evidence)
        elif term.mechanism != "all" and self.dns is not None and reached:
            self._hosts(term, domain, cost)
        return cost

    def _hosts(self, term: Directive, domain: str, cost: Cost) -> None:
        """What a, mx and exists would find."""
        assert self.dns is not None
        if term.domain is not None and term.domain.name is None:
            return  # a macro: another name for each check
        name = domain if term.domain is None else term.domain.name or ""
        if term.domain is not None and term.domain.invalid is not None:
            said = f"`{term.text}` never matches: {name} is no name, {term.domain.invalid}."
            self.add("warning", "no-name", said, rules.SPEC, term.evidence)
            return
        if term.mechanism == "exists":
            empty = int(not self._found(name, "A"))
            cost.own_voids = (empty, empty)
        elif term.mechanism == "a":
            cost.own_voids = self._empty([name])
            if cost.own_voids == (1, 1):
                said = f"`{term.text}` never matches: {name} has no address. Take it out."
                self.add("warning", "void", said, rules.VOID_LIMIT, term.evidence)
        else:
            self._mail_hosts(term, name, cost)

    def _mail_hosts(self, term: Directive, name: str, cost: Cost) -> None:
        assert self.dns is not None
        servers = self.dns.lookup(name, "MX").records
        hosts = [record.exchange.to_text(omit_final_dot=True) for record in servers]  # type: ignore[attr-defined]
        if not servers:
            cost.own_voids = (1, 1)
            said = f"`{term.text}` never matches: {name} has no MX record. Take it out."
            self.add("warning", "void", said, rules.VOID_LIMIT, term.evidence)
            return
        if len(hosts) > MOST_NAMES:
            said = f"`{term.text}`: {name} has {len(hosts)} MX records. Who matches none of the first {MOST_NAMES} gets permerror."
            self.add("error", "many-mx", said, rules.MX_LIMIT, term.evidence)
        cost.own_voids = self._empty([host for host in hosts[:MOST_NAMES] if host != "."])

    def _empty(self, hosts: list[str]) -> tuple[int, int]:
        """How many of the hosts have no A record, and how many no AAAA record."""
        ip4, ip6 = (sum(1 for host in hosts if not self._found(host, rdtype)) for rdtype in ("A", "AAAA"))
        return ip4, ip6

    def _found(self, name: str, rdtype: str) -> bool:
        """Whether a lookup is not a void one."""
        assert self.dns is not None
        return self.dns.lookup(name, rdtype).outcome not in ("nodata", "nxdomain")

    def _leading(self, term: Directive | Modifier, above: tuple[str, ...], reached: bool) -> Cost:
        """An include or redirect, with the record behind it."""
        cost = Cost(term.text, term.evidence, 1, reached=reached)
        assert term.domain is not None
        name = term.domain.name
        if name is None or self.dns is None or not reached:
            return cost
        self.nodes += 1
        if name.lower() in {one.lower() for one in above}:
            said = f"`{term.text}` leads back to {name}: a check that gets there goes round until the limit."
            self.add("error", "loop", said, rules.TERM_LIMIT, term.evidence)
            cost.own = MOST_TERMS + 1
        elif term.domain.invalid is not None or "." not in name:
            said = f"`{term.text}` gives permerror: {name} cannot be checked."
            self.add("error", "no-name", said, rules.INITIAL, term.evidence)
        elif self.nodes <= _MOST_NODES:
            cost.children.append(self.domain(name, above))
        return cost

    def _modifiers(self, record: Record) -> None:
        for modifier in record.modifiers:
            if modifier.name in MECHANISMS:
                said = f"`{modifier.text}` is an unknown modifier and is ignored: the mechanism {modifier.name} takes a colon."
                self.add("warning", "equals-sign", said, rules.MODIFIERS, modifier.evidence)
            elif modifier.domain is None:
                said = f"`{modifier.text}` is an unknown modifier and is ignored."
                self.add("note", "unknown-modifier", said, rules.MODIFIERS, modifier.evidence)

    def _overlaps(self, record: Record, all_at: Directive | None) -> None:
        """Networks of one record of which one contains the other."""
        networks = [
            Network(term.network, term.mask, term.family, number)
            for number, term in enumerate(record.directives)
            if term.mechanism in ("ip4", "ip6") and (all_at is None or term.start < all_at.start)
        ]
        for inner, outer in overlaps(networks):
            small, large = record.directives[inner], record.directives[outer]
            if outer > inner and small.result != large.result:
                continue  # an exception before the rule
            said = f"`{small.text}` lies in `{large.text}`, which stands there too"
            said += (
                "."
                if small.result == large.result
                else f": it never decides, and its clients get {large.result}."
            )
            level: Level = "note" if small.result == large.result else "warning"
            self.add(level, "overlap", said, rules.ORDER, small.evidence + large.evidence)
