"""What each mechanism does (RFC 7208 section 5), and what is counted while they do it (4.6.4)."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from labkit.auth.spf import rules
from labkit.auth.spf.address import MASKS, Client, ip4_value, ip6_value
from labkit.auth.spf.identity import Identity
from labkit.auth.spf.macros import MacroText, as_name, why_no_name
from labkit.auth.spf.problem import shown
from labkit.auth.spf.record import Directive, Domain, Modifier
from labkit.smtp.rule import Rule
from labkit.verdict import NOTHING, Evidence, Step

if TYPE_CHECKING:
    from labkit.lookup import Lookup, Resolver

MOST_TERMS = 10
MOST_VOIDS = 2
MOST_NAMES = 10

_SAID = {
    "match": "matches",
    "no match": "does not match",
    "permerror": "gives permerror",
    "temperror": "gives temperror",
}


class Mechanisms:
    """The state of one check, and the mechanisms."""

    def __init__(self, client: Client, identity: Identity, helo: str, dns: Resolver) -> None:
        self.client = client
        self.identity = identity
        self.helo = helo
        self.dns = dns
        self.receiver = "unknown"
        self.now = 0.0
        self.lookups = 0
        """Terms so far that need the DNS."""
        self.voids = 0
        """Lookups so far that came back empty."""
        self.path: list[tuple[str, str]] = []
        """Domain and term of each level, down to the one that matched last."""
        self.addresses = "A" if client.family == 4 else "AAAA"
        """The type of the records that are compared with the client."""

    def domain(self, domain: str, steps: list[Step], included: bool = False) -> str:
        """The result for a domain, with what is counted so far."""
        raise NotImplementedError

    def other(self, name: str, invalid: str | None, steps: list[Step], included: bool) -> str:
        """The result for the domain behind include or redirect, which may be malformed (section 4.3)."""
        if invalid is None and "." in name:
            return self.domain(name, steps, included)
        invalid = invalid or "it has a single label"
        steps.append(Step(rules.INITIAL, f"{shown(name)} cannot be checked: {invalid}.", "none"))
        return "none"

    # What they share

    def say(
        self,
        steps: list[Step],
        rule: Rule,
        term: Directive | Modifier,
        outcome: str,
        why: str,
        evidence: tuple[Evidence, ...] = (),
        lookup: Lookup | None = None,
        children: tuple[Step, ...] = (),
    ) -> str:
        """Append the step of a term; its outcome."""
        text = f"`{term.text}` {_SAID[outcome]}: {why}."
        steps.append(Step(rule, text, outcome, NOTHING, lookup, evidence or term.evidence, children))
        return outcome

    def ask(self, name: str, rdtype: str) -> Lookup:
        """One question to the DNS, counted if nothing comes back."""
        # In the text form of a name a backslash begins an escape; in an expanded macro it is itself.
        found = self.dns.lookup(name.replace("\\", "\\\\") if "\\" in name else name, rdtype)
        if found.outcome == "nodata" or found.outcome == "nxdomain":
            self.voids += 1
        return found

    def target(self, term: Directive | Modifier, domain: str) -> tuple[str, tuple[Evidence, ...], str | None]:
        """Count a term; the name that it asks for, the octets which that name comes from, and why it cannot be
        asked for if so."""
        self.lookups += 1
        spec = term.domain
        if spec is None:
            return domain, term.evidence, None
        if spec.name is not None:
            return spec.name, term.evidence, spec.invalid
        return self.expanded(spec, term, domain)

    def expanded(self, spec: Domain, term: Directive | Modifier, domain: str) -> tuple[str, tuple[Evidence, ...], str | None]:  # fmt: skip
        """The same for a domain with macros."""
        name = as_name(spec.text.expand(lambda letter: self.value(letter, domain)))
        return name, term.evidence + self.sources(spec.text), why_no_name(name)

    def sources(self, text: MacroText) -> tuple[Evidence, ...]:
        """The octets of the session that macros stand for."""
        letters = text.letters
        sources: list[Evidence] = []
        if letters & {"l", "s"}:
            sources += self.identity.local_evidence
        if letters & {"o", "s"}:
            sources += self.identity.domain_evidence
        if "h" in letters and self.helo:
            sources.append(Evidence("helo", 0, len(self.helo.encode("utf-8", "surrogatepass"))))
        return tuple(dict.fromkeys(sources))

    def value(self, letter: str, domain: str) -> str:
        """What a macro stands for (section 7.2)."""
        identity, client = self.identity, self.client
        match letter:
            case "s":
                return f"{identity.local}@{identity.sender_domain}"
            case "l":
                return identity.local
            case "o":
                return identity.sender_domain
            case "d":
                return domain
            case "i":
                return client.dotted
            case "p":
                return self.client_name(domain)
            case "h":
                return self.helo
            case "v":
                return "in-addr" if client.family == 4 else "ip6"
            case "c":
                return client.text
            case "r":
                return self.receiver
            case _:
                return str(int(self.now))

    def over_limit(self, term: Directive | Modifier, steps: list[Step]) -> bool:
        """Whether this term is one too many; then that is said."""
        if self.lookups <= MOST_TERMS and self.voids <= MOST_VOIDS:
            return False
        if self.voids > MOST_VOIDS:  # the lookups for %{p}
            why = f"with its macro {self.voids} lookups came back empty, and {MOST_VOIDS} are allowed"
            self.say(steps, rules.VOID_LIMIT, term, "permerror", why)
            return True
        why = f"it is term number {self.lookups} that needs the DNS, and {MOST_TERMS} are allowed"
        self.say(steps, rules.TERM_LIMIT, term, "permerror", why)
        return True

    def failed(self, term: Directive, found: Lookup, steps: list[Step], evidence: tuple[Evidence, ...], children: tuple[Step, ...] = ()) -> str | None:  # fmt: skip
        """The outcome if a lookup ends the check: an error, or one empty answer too many (4.6.4)."""
        asked = f"{shown(found.name)} {found.rdtype}"
        if found.outcome == "timeout" or found.outcome == "servfail":
            why = f"the lookup of {asked} ended with {found.outcome}"
            return self.say(steps, _RULES[term.mechanism], term, "temperror", why, evidence, found, children)
        if self.voids > MOST_VOIDS:
            why = f"{asked} is empty lookup number {self.voids}, and {MOST_VOIDS} are allowed"
            return self.say(steps, rules.VOID_LIMIT, term, "permerror", why, evidence, found, children)
        return None

    def matching(self, found: Lookup, mask: int) -> int | None:
        """The number of the address record whose network the client is in."""
        value = ip4_value if self.client.family == 4 else ip6_value
        network = self.client.value & mask
        for number, rdata in enumerate(found.records):
            address = value(rdata.address)  # type: ignore[attr-defined]
            if address is not None and address & mask == network:
                return number
        return None

    def mask(self, term: Directive) -> int:
        """The mask of an a or mx term for this client."""
        family = self.client.family
        return MASKS[family][term.prefix4 if family == 4 else term.prefix6]

    # The mechanisms: each appends its step and returns its outcome

    def all(self, term: Directive, domain: str, steps: list[Step]) -> str:
        """Section 5.1."""
        text = f"`{term.text}` matches: every client does. The result is {term.result}."
        steps.append(Step(rules.ALL, text, "match", NOTHING, None, term.evidence))
        return "match"

    def network(self, term: Directive, domain: str, steps: list[Step]) -> str:
        """ip4 and ip6, section 5.6. A record can have hundreds of them, so each is one comparison and one step."""
        client, outcome = self.client, "no match"
        if term.family != client.family:
            text = f"`{term.text}` does not match: {client.text} is an IPv{client.family} address."
        elif client.value & term.mask != term.network:
            text = f"`{term.text}` does not match: {client.text} is not in it."
        else:
            text = f"`{term.text}` matches: {client.text} is in it. The result is {term.result}."
            outcome = "match"
        rule = rules.IP4 if term.family == 4 else rules.IP6
        steps.append(Step(rule, text, outcome, NOTHING, None, term.evidence))
        return outcome

    def include(self, term: Directive, domain: str, steps: list[Step]) -> str:
        """Section 5.2: the result of another check_host decides whether it matches."""
        self.path = []
        name, evidence, invalid = self.target(term, domain)
        if self.over_limit(term, steps):
            return "permerror"
        below: list[Step] = []
        result = self.other(name, invalid, below, True)
        outcome = _INCLUDED[result]
        why = f"the check of {shown(name)} gives {result}"
        if outcome == "match":
            why += f". The result is {term.result}"
        return self.say(steps, rules.INCLUDE, term, outcome, why, evidence, None, tuple(below))

    def a(self, term: Directive, domain: str, steps: list[Step]) -> str:
        """Section 5.3."""
        name, evidence, invalid = self.target(term, domain)
        if self.over_limit(term, steps):
            return "permerror"
        if invalid is not None:
            return self.say(
                steps, rules.SPEC, term, "no match", f"{shown(name)} is no name, {invalid}", evidence
            )
        found = self.ask(name, self.addresses)
        if (ended := self.failed(term, found, steps, evidence)) is not None:
            return ended
        number = self.matching(found, self.mask(term))
        if number is None:
            why = f"{shown(name)} has no {self.addresses} record with {self.client.text}"
            return self.say(steps, rules.A, term, "no match", why, evidence, found)
        evidence += (_address(found, number),)
        why = f"{self.client.text} is an address of {shown(name)}. The result is {term.result}"
        return self.say(steps, rules.A, term, "match", why, evidence, found)

    def exists(self, term: Directive, domain: str, steps: list[Step]) -> str:
        """Section 5.7."""
        name, evidence, invalid = self.target(term, domain)
        if self.over_limit(term, steps):
            return "permerror"
        if invalid is not None:
            return self.say(
                steps, rules.SPEC, term, "no match", f"{shown(name)} is no name, {invalid}", evidence
            )
        found = self.ask(name, "A")
        if (ended := self.failed(term, found, steps, evidence)) is not None:
            return ended
        if not found.records:
            why = f"{shown(name)} has no A record"
            return self.say(steps, rules.EXISTS, term, "no match", why, evidence, found)
        evidence += (_address(found, 0),)
        why = f"{shown(name)} has an A record. The result is {term.result}"
        return self.say(steps, rules.EXISTS, term, "match", why, evidence, found)

    def mx(self, term: Directive, domain: str, steps: list[Step]) -> str:
        """Section 5.4."""
        name, evidence, invalid = self.target(term, domain)
        if self.over_limit(term, steps):
            return "permerror"
        if invalid is not None:
            return self.say(
                steps, rules.SPEC, term, "no match", f"{shown(name)} is no name, {invalid}", evidence
            )
        servers = self.ask(name, "MX")
        if (ended := self.failed(term, servers, steps, evidence)) is not None:
            return ended
        mask = self.mask(term)
        hosts: list[Step] = []
        numbered = sorted(enumerate(servers.records), key=lambda one: one[1].preference)  # type: ignore[attr-defined]
        for place, (number, rdata) in enumerate(numbered):
            host, mark = _mail_host(name, number, rdata.preference, rdata.exchange.labels)  # type: ignore[attr-defined]
            if not host:
                continue  # the null MX, RFC 7505
            if place == MOST_NAMES:
                why = f"{shown(name)} has {len(numbered)} MX records, and {MOST_NAMES} may be looked up"
                return self.say(
                    steps, rules.MX_LIMIT, term, "permerror", why, evidence, servers, tuple(hosts)
                )
            found = self.ask(host, self.addresses)
            matched = self.matching(found, mask)
            outcome = "no match" if matched is None else "match"
            said = f"{host} has {'no' if matched is None else 'an'} address that fits {self.client.text}."
            marks = (mark,) if matched is None else (mark, _address(found, matched))
            hosts.append(Step(rules.MX, said, outcome, NOTHING, found, marks))
            if (ended := self.failed(term, found, steps, evidence, tuple(hosts))) is not None:
                return ended
            if matched is not None:
                why = f"{self.client.text} is an address of {host}, a mail server of {shown(name)}. The result is {term.result}"
                return self.say(steps, rules.MX, term, "match", why, evidence, servers, tuple(hosts))
        why = f"no mail server of {shown(name)} has the address {self.client.text}"
        return self.say(steps, rules.MX, term, "no match", why, evidence, servers, tuple(hosts))

    def ptr(self, term: Directive, domain: str, steps: list[Step]) -> str:
        """Section 5.5."""
        name, evidence, _ = self.target(term, domain)
        if self.over_limit(term, steps):
            return "permerror"
        tried: list[Step] = []
        found, names = self.client_names(tried)
        if self.voids > MOST_VOIDS:
            why = f"with it {self.voids} lookups came back empty, and {MOST_VOIDS} are allowed"
            return self.say(steps, rules.VOID_LIMIT, term, "permerror", why, evidence, found, tuple(tried))
        inside = next((one for one in names if _lies_in(one, name)), None)
        if inside is None:
            why = f"no confirmed name of {self.client.text} lies in {shown(name)}"
            return self.say(steps, rules.PTR, term, "no match", why, evidence, found, tuple(tried))
        why = f"{inside} is a confirmed name of {self.client.text} in {shown(name)}. The result is {term.result}"
        return self.say(steps, rules.PTR, term, "match", why, evidence, found, tuple(tried))

    def client_names(self, tried: list[Step]) -> tuple[Lookup, list[str]]:
        """The lookup of the client's names, and those whose addresses confirm them; one step for each."""
        found = self.ask(self.client.arpa, "PTR")
        mask = MASKS[self.client.family][-1]
        confirmed: list[str] = []
        for number, rdata in enumerate(found.records[:MOST_NAMES]):
            text = rdata.target.to_text(omit_final_dot=True)  # type: ignore[attr-defined]
            addresses = self.ask(text, self.addresses)
            matched = self.matching(addresses, mask)
            marks = [Evidence.record(found.name, "PTR", number, 0, len(text))]
            if matched is None:
                said = f"The name {text} is not confirmed: it has no address {self.client.text}."
            else:
                said = f"The name {text} is confirmed: it has the address {self.client.text}."
                marks.append(_address(addresses, matched))
                confirmed.append(text)
            outcome = "no match" if matched is None else "match"
            tried.append(Step(rules.PTR, said, outcome, NOTHING, addresses, tuple(marks)))
        if len(found.records) > MOST_NAMES:
            said = f"There are {len(found.records)} PTR records; those behind the first {MOST_NAMES} are ignored."
            tried.append(Step(rules.PTR_LIMIT, said, "no match"))
        return found, confirmed

    def client_name(self, domain: str) -> str:
        """The macro ``%{p}`` (section 7.3): the domain itself if confirmed, else a name below it, else any.

        Its PTR lookup counts as a term does (section 4.6.4).
        """
        self.lookups += 1
        _, names = self.client_names([])
        of_domain = [name for name in names if _lies_in(name, domain)]
        exact = [name for name in of_domain if len(name) == len(domain)]
        return next(iter(exact + of_domain + names), "unknown")


Method = Callable[[Mechanisms, Directive, str, list[Step]], str]
METHODS: dict[str, Method] = {
    "all": Mechanisms.all,
    "ip4": Mechanisms.network,
    "ip6": Mechanisms.network,
    "include": Mechanisms.include,
    "a": Mechanisms.a,
    "mx": Mechanisms.mx,
    "ptr": Mechanisms.ptr,
    "exists": Mechanisms.exists,
}
_RULES = {"a": rules.A, "mx": rules.MX, "exists": rules.EXISTS}
_INCLUDED = {
    "pass": "match",
    "fail": "no match",
    "softfail": "no match",
    "neutral": "no match",
    "none": "permerror",
    "permerror": "permerror",
    "temperror": "temperror",
}
"""What include makes of the other domain's result (section 5.2)."""


def _lies_in(name: str, domain: str) -> bool:
    name, domain = name.lower(), domain.lower()
    return name == domain or name.endswith(f".{domain}")


def _address(found: Lookup, number: int) -> Evidence:
    """A whole address record."""
    text = found.records[number].address  # type: ignore[attr-defined]
    return Evidence.record(found.name, found.rdtype, number, 0, len(text))


@lru_cache(maxsize=1024)
def _mail_host(name: str, number: int, preference: int, labels: tuple[bytes, ...]) -> tuple[str, Evidence]:
    """The host in an MX record, empty for the null MX, and where it stands in the text of the record."""
    from dns.name import Name

    host = Name(labels).to_text(omit_final_dot=True)
    start = len(f"{preference} ")
    return "" if host == "." else host, Evidence.record(name, "MX", number, start, start + len(host))
