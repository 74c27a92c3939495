"""Where aggregate reports may go: the owner of another domain has to agree first (RFC 9990 section 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labkit.auth.dmarc.names import NameProblem, normal
from labkit.auth.dmarc.questions import Answer, Questions
from labkit.auth.dmarc.record import ReportUri, read_record
from labkit.auth.dmarc.rules import RFC_9989
from labkit.auth.dmarc.walk import TreeWalk
from labkit.frozen import dataclass
from labkit.smtp.rule import Rule
from labkit.verdict import Evidence, Step

if TYPE_CHECKING:
    from labkit.lookup import Lookup, Resolver

__all__ = ["Destination", "destinations"]

_CONSENT = Rule("RFC 9990 section 4", "A destination outside of the organization has to publish that it takes the reports.")  # fmt: skip
_INSTEAD = Rule("RFC 9990 section 4", "Who agrees may name other addresses, at the same host only; with one elsewhere nothing is sent.")  # fmt: skip
_SCHEME = Rule("RFC 9989 section 4.7", "A receiver need not support any other scheme than mailto:.")

MOST_DESTINATIONS = 10
"""How many destinations of one record are looked at: each may cost a walk."""


@dataclass(frozen=True, slots=True)
class Destination:
    """One address for reports, and whether they may go there."""

    address: str
    """The mail address; one that the consent names, if its owner put others in its place. Empty for a URI that is no
    ``mailto:``."""
    uri: ReportUri
    """What stands in the record that asks for reports."""
    send: bool
    step: Step
    """Why, with the question for consent and the octets that decided."""

    @property
    def lookup(self) -> Lookup | None:
        """The question for consent; None when none was needed."""
        return self.step.lookup


def destinations(domain: str, *, dns: Resolver) -> tuple[Destination, ...]:
    """The destinations in the record that stands at ``_dmarc.<domain>``, in order; empty without a record. A URI gives
    one, or as many as a consent names in its place.

    Never raises for anything in the DNS; raises ValueError for a `domain` that can be no name.
    """
    questions = Questions(dns, RFC_9989)
    answer = questions.at(normal(domain))
    if answer.record is None:
        return ()
    uris = answer.record.destinations()[:MOST_DESTINATIONS]
    return tuple(found for uri in uris for found in _check(uri, answer, questions))


def _check(uri: ReportUri, answer: Answer, questions: Questions) -> tuple[Destination, ...]:
    evidence = (Evidence.record(f"_dmarc.{answer.domain}", "TXT", answer.number, uri.start, uri.end),)
    try:
        host = normal(uri.host)
    except NameProblem:
        text = f"{uri.uri[:80]} names no mailbox: nothing is sent there."
        return (Destination(uri.address, uri, False, Step(_SCHEME, text, "do not send", evidence=evidence)),)
    walk = TreeWalk(questions)
    own, other = walk.organization(answer.domain), walk.organization(host)
    if own.domain is not None and own.domain == other.domain:
        text = f"{host} and {answer.domain} are one organization, {own.domain}: no consent is needed."
        step = Step(_CONSENT, text, "send", evidence=evidence, children=(own.step, other.step))
        return (Destination(uri.address, uri, True, step),)
    return _ask(uri, answer, host, questions.dns, evidence)


def _ask(
    uri: ReportUri, answer: Answer, host: str, dns: Resolver, evidence: tuple[Evidence, ...]
) -> tuple[Destination, ...]:
    """Look for the consent (steps 2 to 9). A name too long to be asked for is one that does not exist (step 4)."""
    name = f"{answer.domain}._report._dmarc.{host}"
    lookup = dns.lookup(name, "TXT")
    texts = [b"".join(getattr(rdata, "strings", ())) for rdata in lookup.records]
    consents = [(number, found) for number, text in enumerate(texts) if (found := read_record(text))]
    instead = [other for _, found in consents for other in found.destinations() if other.host]
    elsewhere = next((other.host for other in instead if not _is(other.host, host)), None)
    rule, outcome = _CONSENT, "do not send"
    if lookup.outcome in ("timeout", "servfail"):
        text, outcome = (
            f"Whether {host} takes reports about {answer.domain} cannot be known for now.",
            "temperror",
        )
    elif not consents:
        text = f"{host} does not say that it takes reports about {answer.domain}: nothing is sent there."
    elif elsewhere is not None:
        text = f"{name} passes reports on to another host, {elsewhere}: nothing is sent to either."
        rule = _INSTEAD
    else:
        text, outcome = f"{host} takes reports about {answer.domain}: {name} says v=DMARC1.", "send"
    marks = (Evidence.record(name, "TXT", number, 0, len(found.octets)) for number, found in consents)
    step = Step(rule, text, outcome, lookup=lookup, evidence=(*evidence, *marks))
    if outcome == "send" and instead:
        return tuple(Destination(other.address, uri, True, step) for other in instead[:MOST_DESTINATIONS])
    return (Destination(uri.address, uri, outcome == "send", step),)


def _is(written: str, host: str) -> bool:
    try:
        return normal(written) == host
    except NameProblem:
        return False
