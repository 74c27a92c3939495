"""The DMARC verdict on one message: discovery, policy, alignment, result (RFC 9989, or RFC 7489 by its own rules)."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from labkit.auth.dmarc.author import AuthorDomain
from labkit.auth.dmarc.identifier import Identifier, Identifiers, identifiers_of
from labkit.auth.dmarc.names import NameProblem, is_below, normal
from labkit.auth.dmarc.policy import Choice, choose, disposition
from labkit.auth.dmarc.questions import Questions
from labkit.auth.dmarc.rules import RFC_7489, RFC_9989, Rules
from labkit.auth.dmarc.walk import Discovery, Organization, TreeWalk
from labkit.frozen import dataclass
from labkit.verdict import Evidence, Step, Verdict

if TYPE_CHECKING:
    from labkit.auth.dmarc.suffix import SuffixList
    from labkit.lookup import Resolver

__all__ = ["RULES", "evaluate"]

RULES = {rules.name: rules for rules in (RFC_9989, RFC_7489)}
"""The rule sets there are, by the name that `evaluate` takes."""

MOST_SIGNATURES = 10
"""How many signing domains of one message are walked for: each costs the DNS up to eight questions, and the sender
chooses how many there are. RFC 9989 leaves the number open."""


@dataclass(frozen=True, slots=True)
class _Alignment:
    """What one identifier came to."""

    identifier: Identifier
    aligned: bool | None
    """None when the DNS did not answer."""
    organization: str | None
    """Its Organizational Domain, when that was asked for."""
    step: Step


def evaluate(
    author_domain: str | AuthorDomain,
    *,
    spf: Identifiers,
    dkim: Identifiers,
    dns: Resolver,
    rules: str = "RFC 9989",
) -> Verdict:
    """The DMARC verdict. Never raises for anything that stands in a message or in the DNS.

    `author_domain` is a name, or what `author_domain` of a message found; then the trace leads to its octets. `spf`
    and `dkim` are the verdicts of the message (for SPF, its property ``domain`` names the domain checked), or
    `Identifier` objects, or names of domains that passed, or None. Raises ValueError for unknown `rules`.

    The result is ``pass``, ``fail``, ``none`` (no record applies, or there is no one Author Domain) or
    ``temperror``. RFC 9989 section 9.2 has ``permerror`` too, for instance for a record that cannot be read; by section
    4.10.1 such a record means that there is no DMARC, so here it is ``none``. Properties:

    - ``policy``: what the record asks for this message (none, quarantine, reject), None without a record;
      ``policy_tag``: the tag that says so; ``evaluated_policy``: one level less in test mode (with RFC 7489 under
      ``pct=0``); ``disposition``: what is asked for this message in the end, ``none`` unless it fails;
    - ``organizational_domain``; ``organizational_domains``: pairs of a domain and its Organizational Domain, for the
      author and each identifier that passed; ``walk``: the names asked for a record on the author's side, in order;
    - ``aligned``: which of ``spf`` and ``dkim``; ``aligned_domains``: the domains that did;
    - ``author_domain``, ``record_domain``, ``record``, ``testing``, ``pct`` (None in RFC 9989), ``adkim``, ``aspf``,
      ``rua`` (a tuple of URIs), ``rules``.
    """
    if rules not in RULES:
        raise ValueError(f"expected one of {', '.join(RULES)}, received {rules!r}")
    return _Evaluation(RULES[rules], dns).run(
        author_domain, identifiers_of("spf", spf) + identifiers_of("dkim", dkim)
    )


class _Evaluation:
    """One run of `evaluate`."""

    def __init__(self, rules: Rules, dns: Resolver) -> None:
        self.rules = rules
        self.questions = Questions(dns, rules)
        self.finder: TreeWalk | SuffixList
        if rules is RFC_7489:
            from labkit.auth.dmarc.suffix import SuffixList

            self.finder = SuffixList(self.questions)
        else:
            self.finder = TreeWalk(self.questions)
        self.trace: list[Step] = []
        self.properties: dict[str, Any] = {
            "rules": rules.name,
            "policy": None,
            "policy_tag": None,
            "evaluated_policy": None,
            "disposition": "none",
            "organizational_domain": None,
            "organizational_domains": (),
            "walk": (),
            "aligned": (),
            "aligned_domains": (),
            "author_domain": None,
            "record_domain": None,
            "record": None,
            "testing": False,
            "pct": None,
            "adkim": None,
            "aspf": None,
            "rua": (),
        }

    def run(self, given: str | AuthorDomain, identifiers: tuple[Identifier, ...]) -> Verdict:
        author, evidence = self._author(given)
        if not author:
            return self._verdict("none", self.trace[-1].text)
        discovery = self.finder.discover(author)
        self.trace.append(discovery.step)
        organization = discovery.organization
        self.properties |= {"organizational_domain": organization.domain, "walk": organization.names}
        if discovery.error:
            return self._verdict("temperror", discovery.step.text)
        if discovery.answer is None:
            return self._verdict("none", discovery.step.text)
        choice = choose(discovery.answer, author, self.questions)
        self.trace.append(choice.step)
        if not choice.applies:
            return self._verdict("none", choice.step.text)
        self._describe(discovery, choice)
        alignments = self._alignments(author, organization, discovery, identifiers)
        self.trace.extend(alignment.step for alignment in alignments)
        return self._decide(author, evidence, discovery, choice, alignments)

    def _author(self, given: str | AuthorDomain) -> tuple[str, tuple[Evidence, ...]]:
        if isinstance(given, AuthorDomain):
            text = given.problem if given.problem else f"The author's domain is {given.domain}."
            if given.domain and given.problem:
                text = (
                    f"The author's domain is {given.domain}, though the field is malformed: {given.problem}"
                )
            rule, domain, evidence = given.rule, given.domain, given.evidence
            if rule is RFC_9989.author:
                rule = self.rules.author
        else:
            rule, evidence = self.rules.author, ()
            try:
                domain = normal(given)
                text = f"The author's domain is {domain}."
            except NameProblem as problem:
                domain, text = "", f"{given[:100]} can be no domain in the DNS: {problem}."
        inputs = {"author_domain": domain} if domain else {}
        self.trace.append(Step(rule, text, domain or "none", inputs, evidence=evidence))
        self.properties["author_domain"] = domain or None
        return domain, evidence

    def _describe(self, discovery: Discovery, choice: Choice) -> None:
        assert discovery.answer is not None
        assert discovery.answer.record is not None
        record = discovery.answer.record
        self.properties |= {
            "policy": choice.policy,
            "policy_tag": choice.tag,
            "record_domain": discovery.answer.domain,
            "record": record.text,
            "testing": record.testing and self.rules is RFC_9989,
            "pct": record.pct if self.rules is RFC_7489 else None,
            "adkim": "s" if record.strict_dkim else "r",
            "aspf": "s" if record.strict_spf else "r",
            "rua": tuple(uri.uri for uri in record.destinations()),
        }

    def _alignments(
        self,
        author: str,
        organization: Organization,
        discovery: Discovery,
        identifiers: tuple[Identifier, ...],
    ) -> list[_Alignment]:
        found: list[_Alignment] = []
        walked: set[str] = set()
        for identifier in identifiers:
            try:
                one = replace(identifier, domain=normal(identifier.domain) if identifier.domain else "")
            except NameProblem:
                one = replace(identifier, domain="")
            if one.result == "pass" and one.domain and one.domain not in walked:
                if len(walked) > MOST_SIGNATURES:
                    continue
                walked.add(one.domain)
            found.append(self._align(author, organization, discovery, one))
        pairs = {author: organization.domain}
        pairs |= {one.identifier.domain: one.organization for one in found if one.organization is not None}
        self.properties["organizational_domains"] = tuple(pairs.items())
        return found

    def _align(
        self, author: str, organization: Organization, discovery: Discovery, one: Identifier
    ) -> _Alignment:
        assert discovery.answer is not None
        assert discovery.answer.record is not None
        record = discovery.answer.record
        strict = record.strict_spf if one.method == "spf" else record.strict_dkim
        mode = "aspf" if one.method == "spf" else "adkim"
        rule = self.rules.spf if one.method == "spf" else self.rules.dkim
        inputs = {"method": one.method, "domain": one.domain, "result": one.result, "author_domain": author}
        name = "SPF" if one.method == "spf" else "DKIM"
        if one.result != "pass" or not one.domain:
            text = (
                f"{name} came to {one.result}{f' for {one.domain}' if one.domain else ''}: it cannot count."
            )
            return _Alignment(one, False, None, Step(rule, text, "no pass", inputs, evidence=one.evidence))
        if strict:
            aligned = one.domain == author
            text = (
                f"{mode}=s: {one.domain} and {author} are {'the same' if aligned else 'not the same domain'}."
            )
            evidence = one.evidence + discovery.answer.evidence(mode)
            outcome = "aligned" if aligned else "not aligned"
            return _Alignment(
                one, aligned, None, Step(self.rules.strict, text, outcome, inputs, evidence=evidence)
            )
        return self._align_relaxed(
            author, organization, one, Step(rule, name, "", inputs, evidence=one.evidence)
        )

    def _align_relaxed(
        self, author: str, organization: Organization, one: Identifier, step: Step
    ) -> _Alignment:
        """`step` says the rule, what went in and the evidence; its text is the method's name."""
        if one.domain == author:
            text = f"{step.text} passed for {one.domain}, the author's domain itself."
            return _Alignment(one, True, organization.domain, replace(step, text=text, outcome="aligned"))
        other = self.finder.organization(one.domain)
        children = (other.step,)
        if other.domain is None or organization.domain is None:
            if not _could_align(author, organization.domain, one.domain):
                text = f"{step.text} passed for {one.domain}, which is no name of {author}'s organization."
                failed = replace(step, text=text, outcome="not aligned", children=children)
                return _Alignment(one, False, other.domain, failed)
            text = f"{step.text} passed for {one.domain}, but whether it aligns cannot be known for now."
            failed = replace(step, rule=self.rules.error, text=text, outcome="temperror", children=children)
            return _Alignment(one, None, other.domain, failed)
        aligned = other.domain == organization.domain
        if aligned:
            text = f"{step.text} passed for {one.domain}. Both it and {author} belong to {other.domain}."
        else:
            text = f"{step.text} passed for {one.domain} of {other.domain}; {author} belongs to {organization.domain}."
        outcome = "aligned" if aligned else "not aligned"
        return _Alignment(
            one, aligned, other.domain, replace(step, text=text, outcome=outcome, children=children)
        )

    def _decide(
        self,
        author: str,
        evidence: tuple[Evidence, ...],
        discovery: Discovery,
        choice: Choice,
        alignments: list[_Alignment],
    ) -> Verdict:
        assert discovery.answer is not None
        aligned = [one.identifier for one in alignments if one.aligned]
        self.properties["aligned"] = tuple(dict.fromkeys(one.method for one in aligned))
        self.properties["aligned_domains"] = tuple(dict.fromkeys(one.domain for one in aligned))
        used = evidence + tuple(item for one in aligned for item in one.evidence)
        asked, why, octets = disposition(discovery.answer, choice, self.rules)
        self.properties["evaluated_policy"] = asked
        if aligned:
            words = " and ".join(f"{one.method.upper()} for {one.domain}" for one in aligned[:3])
            return self._verdict("pass", f"{words} aligned with the author's domain {author}.", used)
        if waiting := self._waiting(author, alignments, choice):
            return self._verdict("temperror", waiting, evidence)
        used = evidence + tuple(item for one in alignments for item in one.identifier.evidence)
        self.properties["disposition"] = asked
        passed = [one.identifier.domain for one in alignments if one.identifier.result == "pass"]
        reason = (
            f"What passed ({', '.join(passed[:3])}) does not align with {author}."
            if passed
            else f"Neither SPF nor DKIM passed for {author}."
        )
        return self._verdict("fail", f"{reason} {why}", used + choice.step.evidence + octets)

    def _waiting(self, author: str, alignments: list[_Alignment], choice: Choice) -> str:
        """Why the message can neither pass nor fail now; empty if it can.

        Reading: a temperror of SPF or DKIM counts here only when its domain could align, that is, when it is the
        author's Organizational Domain or below it. Else anybody could add a signature of an unreachable
        domain, and so keep the author's policy from being applied.
        """
        for one in alignments:
            if one.aligned is None:
                return one.step.text
            unclear = one.identifier.result == "temperror" and one.identifier.domain
            if unclear and _could_align(
                author, self.properties["organizational_domain"], one.identifier.domain
            ):
                return f"{one.identifier.method.upper()} has no result for {one.identifier.domain} for now, and it could align."
        return choice.step.text if choice.error else ""

    def _verdict(self, result: str, text: str, evidence: tuple[Evidence, ...] = ()) -> Verdict:
        rule = self.rules.result if result in ("pass", "fail") else self.trace[-1].rule
        if result in ("pass", "fail") or self.trace[-1].text != text:
            inputs = {"disposition": str(self.properties["disposition"])}
            rule = self.rules.error if result == "temperror" else rule
            self.trace.append(Step(rule, text, result, inputs, evidence=evidence))
        explanation = f"{text} ({rule.ref})"
        return Verdict("dmarc", result, explanation, MappingProxyType(self.properties), tuple(self.trace))


def _could_align(author: str, organization: str | None, domain: str) -> bool:
    """Whether `domain` can have the Organizational Domain of `author` at all: that is always a name itself or one
    above it. No question to the DNS is needed for that, so what a stranger's name servers do does not matter."""
    if organization is None:
        return domain.rpartition(".")[2] == author.rpartition(".")[2]
    return domain == organization or is_below(domain, organization)
