"""check_host() of RFC 7208 section 4: one client, one sender, one result, and each decision on the way.

A step is appended where its decision is made. `Check` holds what is counted over a whole check, includes and
redirects among it; ``mechanisms`` holds what each mechanism does.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from labkit.auth.spf import rules
from labkit.auth.spf.address import client_of
from labkit.auth.spf.identity import NULL, describe, identity_of
from labkit.auth.spf.macros import TEXT_LETTERS, read_macros
from labkit.auth.spf.mechanisms import METHODS, Mechanisms
from labkit.auth.spf.problem import SpfSyntaxError, shown
from labkit.auth.spf.record import Modifier, Record, is_spf, joined, read_record
from labkit.verdict import NOTHING, Evidence, Step, Verdict

if TYPE_CHECKING:
    from labkit.lookup import Resolver


def check_host(
    ip: str | IPv4Address | IPv6Address,
    domain: str,
    sender: str,
    *,
    helo: str,
    dns: Resolver,
    receiver: str = "unknown",
    now: float = 0.0,
) -> Verdict:
    """Whether ``ip`` may send for ``domain`` (RFC 7208 section 4).

    ``sender`` is the reverse-path without brackets. Empty, or ``<>``, means postmaster at ``helo``: the null
    reverse-path (section 2.4), or a check of the HELO name by itself (2.3). ``receiver`` and ``now`` (seconds
    since 1970) are what the macros ``%{r}`` and ``%{t}`` say in an explanation.

    The verdict's properties: ``explanation`` (the domain's own text on fail, else None), ``lookups`` (terms that
    needed the DNS; the eleventh ends the check), ``void_lookups``, ``domain``, ``identity`` (``"mail_from"`` or
    ``"helo"``), ``mechanism`` (the term of the domain's record that decided, None if none did) and ``path``
    (domain and term of each level down to the one that decided: the chain of includes and redirects).

    Raises ``ValueError`` if ``ip`` is no address; nothing else, whatever the DNS says.
    """
    client = client_of(ip)
    check = Check(client, identity_of(domain, sender, helo), helo, dns)
    check.receiver, check.now = receiver, now
    return check.verdict()


def check_mail_from(
    ip: str | IPv4Address | IPv6Address, mail_from: str, *, helo: str, dns: Resolver
) -> Verdict:
    """`check_host` for the reverse-path of a session, the null one included (RFC 7208 section 2.4)."""
    domain = helo if mail_from in NULL else mail_from.rpartition("@")[2]
    return check_host(ip, domain, mail_from, helo=helo, dns=dns)


def check_helo(ip: str | IPv4Address | IPv6Address, helo: str, *, dns: Resolver) -> Verdict:
    """`check_host` for the name in HELO or EHLO by itself (RFC 7208 section 2.3)."""
    return check_host(ip, helo, "", helo=helo, dns=dns)


class Check(Mechanisms):
    """One run of check_host."""

    explanation: str | None = None

    def verdict(self) -> Verdict:
        """Run it."""
        identity, client = self.identity, self.client
        inputs = {
            "ip": client.text,
            "domain": identity.domain,
            "sender": self.value("s", ""),
            "helo": self.helo,
        }
        steps = [
            Step(identity.rule, describe(identity), "checked", inputs, None, identity.domain_evidence),
        ]
        if identity.invalid is None:
            result = self.domain(identity.domain, steps)
        else:
            result = "none"
            said = f"{shown(identity.domain) or 'The domain'} cannot be checked: {identity.invalid}."
            steps.append(Step(rules.INITIAL, said, "none", NOTHING, None, identity.domain_evidence))
        if result == "none":
            self.voids = 0  # the lookup of the domain's own record is no term's
        path = tuple(self.path)
        return Verdict(
            "spf",
            result,
            steps[-1].text,
            {
                "explanation": self.explanation,
                "lookups": self.lookups,
                "void_lookups": self.voids,
                "domain": identity.domain,
                "identity": identity.source,
                "mechanism": path[0][1] if path else None,
                "path": path,
            },
            tuple(steps),
        )

    def domain(self, domain: str, steps: list[Step], included: bool = False) -> str:
        """Select the record of a domain and evaluate it; the result (sections 4.4 to 4.7)."""
        record = self._select(domain, steps)
        if isinstance(record, str):
            return record
        for term in record.directives:
            outcome = METHODS[term.mechanism](self, term, domain, steps)
            if outcome == "no match":
                continue
            if term.mechanism != "include":
                self.path = []
            self.path.insert(0, (domain, term.text))
            if outcome != "match":
                return outcome
            if term.result == "fail" and record.exp is not None and not included:
                self._explain(record.exp, domain, steps)
            return term.result
        if record.redirect is not None:
            return self._redirect(record.redirect, domain, steps, included)
        self.path = []
        said = f"No term of {shown(domain)} matches {self.client.text}, and there is no redirect: neutral."
        steps.append(Step(rules.DEFAULT, said, "neutral", NOTHING, None, record.evidence))
        return "neutral"

    def _select(self, domain: str, steps: list[Step]) -> Record | str:
        """The one SPF record of a domain, without syntax errors; or the result that there is instead."""
        found = self.ask(domain, "TXT")
        published = [
            (number, octets)
            for number, rdata in enumerate(found.records)
            if is_spf(octets := joined(rdata.strings))  # type: ignore[attr-defined]
        ]
        evidence: tuple[Evidence, ...] = ()
        if len(published) == 1:
            number, octets = published[0]
            source = f"record {domain} TXT {number}"
            record = read_record(octets, source)
            if not record.problems:
                said = f"{shown(domain)} has one SPF record."
                steps.append(Step(rules.SELECT, said, "found", NOTHING, found, record.evidence))
                return record
            problem = record.problems[0]
            rule, result = problem.rule, "permerror"
            said = f"The record of {shown(domain)} has a syntax error at character {problem.start + 1}: {problem.text}"
            evidence = (Evidence(source, problem.start, problem.end),)
        elif published:
            rule, result = rules.SELECT, "permerror"
            said = f"{shown(domain)} has {len(published)} SPF records, and only one may be there."
            evidence = tuple(Evidence.record(domain, "TXT", n, 0, len(octets)) for n, octets in published)
        elif found.outcome in ("timeout", "servfail"):
            rule, result = rules.LOOKUP, "temperror"
            said = f"Whether {shown(domain)} has an SPF record is not known: {found.outcome}."
        elif found.outcome == "nxdomain":
            rule, result, said = rules.INITIAL, "none", f"{shown(domain)} does not exist."
        else:
            rule, result, said = rules.SELECT, "none", f"{shown(domain)} has no SPF record."
        steps.append(Step(rule, said, result, NOTHING, found, evidence))
        return result

    def _redirect(self, term: Modifier, domain: str, steps: list[Step], included: bool) -> str:
        """Section 6.1."""
        name, evidence, invalid = self.target(term, domain)
        self.path = []
        if self.over_limit(term, steps):
            return "permerror"
        below: list[Step] = []
        result = self.other(name, invalid, below, included)
        said = (
            f"Nothing has matched, and `{term.text}` is there: the result is that of {shown(name)}, {result}."
        )
        if result == "none":
            result = "permerror"
            said = f"`{term.text}` leads to {shown(name)}, which gives none: here that is permerror."
        steps.append(Step(rules.REDIRECT, said, result, NOTHING, None, evidence, tuple(below)))
        self.path.insert(0, (domain, term.text))
        return result

    def _explain(self, term: Modifier, domain: str, steps: list[Step]) -> None:
        """Fetch the explanation of a fail, as a step below the one that decided (section 6.2)."""
        counted = self.lookups, self.voids
        name, evidence, invalid = self.target(term, domain)
        found = None if invalid else self.ask(name, "TXT")
        outcome, said = "none", f"there is no explanation: {shown(name)} has not exactly one TXT record."
        if found is not None and len(found.records) == 1:
            octets = joined(found.records[0].strings)  # type: ignore[attr-defined]
            if octets:
                evidence += (Evidence.record(name, "TXT", 0, 0, len(octets)),)
            try:
                text = read_macros(octets.decode("ascii"), 0, TEXT_LETTERS)
            except UnicodeDecodeError:
                said = f"there is no explanation: the text of {shown(name)} is not ASCII."
            except SpfSyntaxError as error:
                said = f"there is no explanation, because of a syntax error at {shown(name)}: {error}"
            else:
                self.explanation = text.expand(lambda letter: self.value(letter, domain))
                evidence += self.sources(text)
                outcome, said = (
                    "found",
                    f"the domain explains the fail in its own words, which stand at {shown(name)}.",
                )
        self.lookups, self.voids = counted  # section 4.6.4: exp comes after the result, and is not counted
        last = steps[-1]
        inputs = NOTHING if self.explanation is None else {"explanation": self.explanation}
        step = Step(rules.EXP, f"`{term.text}`: {said}", outcome, inputs, found, evidence)
        steps[-1] = replace(last, children=(*last.children, step))
