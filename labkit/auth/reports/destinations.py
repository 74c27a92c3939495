"""Where aggregate reports may go: the owner of another domain has to agree first (RFC 9990 section 4).

The text read is draft-ietf-dmarc-aggregate-reporting-24, section 3; RFC 9990 has it as section 4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from labkit.auth.dmarc.names import NameProblem, normal
from labkit.auth.dmarc.questions import Answer, Questions
from labkit.auth.dmarc.record import Record, ReportUri, read_record
from labkit.auth.dmarc.rules import RFC_9989
from labkit.auth.dmarc.walk import TreeWalk
from labkit.frozen import dataclass
from labkit.smtp.rule import Rule
from labkit.verdict import Evidence, Step

if TYPE_CHECKING:
    from labkit.lookup import Lookup, Resolver

__all__ = ["Destination", "destinations"]

_CONSENT = Rule("RFC 9990 section 4", "A destination outside of the organization has to publish that it takes the reports.")  # fmt: skip
_SCHEME = Rule("RFC 9989 section 4.7", "A receiver need not support any other scheme than mailto:.")

MOST_DESTINATIONS = 10
"""How many destinations of one record are looked at: each may cost a walk."""


@dataclass(frozen=True, slots=True)
class Destination:
    """One URI of ``rua``, and whether reports may go there."""

    address: str
    """The mail address; that of the consent, if its owner named another one at the same host. Empty for a URI that
    is no ``mailto:``."""
    uri: ReportUri
    send: bool
    step: Step
    """Why, with the question for consent and the octets that decided."""

    @property
    def lookup(self) -> Lookup | None:
        """The question for consent; None when none was needed."""
        return self.step.lookup


def destinations(domain: str, *, dns: Resolver) -> tuple[Destination, ...]:
    """The destinations in the record that stands at ``_dmarc.<domain>``, in order; empty without a record.

    Never raises for anything in the DNS; raises ValueError for a `domain` that can be no name.
    """
    questions = Questions(dns, RFC_9989)
    answer = questions.at(normal(domain))
    if answer.record is None:
        return ()
    uris = answer.record.destinations()[:MOST_DESTINATIONS]
    return tuple(_check(uri, answer, questions) for uri in uris)


def _check(uri: ReportUri, answer: Answer, questions: Questions) -> Destination:
    evidence = (Evidence.record(f"_dmarc.{answer.domain}", "TXT", answer.number, uri.start, uri.end),)
    try:
        host = normal(uri.host)
    except NameProblem:
        text = f"{uri.uri[:80]} names no mailbox: nothing is sent there."
        return Destination(uri.address, uri, False, Step(_SCHEME, text, "do not send", evidence=evidence))
    walk = TreeWalk(questions)
    own, other = walk.organization(answer.domain), walk.organization(host)
    if own.domain is not None and own.domain == other.domain:
        text = f"{host} and {answer.domain} are one organization, {own.domain}: no consent is needed."
        step = Step(_CONSENT, text, "send", evidence=evidence, children=(own.step, other.step))
        return Destination(uri.address, uri, True, step)
    return _ask(uri, answer, host, questions.dns, evidence)


def _ask(
    uri: ReportUri, answer: Answer, host: str, dns: Resolver, evidence: tuple[Evidence, ...]
) -> Destination:
    name = f"{answer.domain}._report._dmarc.{host}"
    lookup = dns.lookup(name, "TXT")
    if lookup.outcome in ("timeout", "servfail"):
        text = f"Whether {host} takes reports about {answer.domain} cannot be known for now."
        step = Step(_CONSENT, text, "temperror", lookup=lookup, evidence=evidence)
        return Destination(uri.address, uri, False, step)
    for number, rdata in enumerate(lookup.records):
        octets = b"".join(getattr(rdata, "strings", ()))
        if (consent := read_record(octets)) is not None:
            text = f"{host} takes reports about {answer.domain}: {name} says v=DMARC1."
            evidence = (*evidence, Evidence.record(name, "TXT", number, 0, len(octets)))
            step = Step(_CONSENT, text, "send", lookup=lookup, evidence=evidence)
            return _override(consent, host, Destination(uri.address, uri, True, step))
    text = f"{host} does not say that it takes reports about {answer.domain}: nothing is sent there."
    step = Step(_CONSENT, text, "do not send", lookup=lookup, evidence=evidence)
    return Destination(uri.address, uri, False, step)


def _override(consent: Record, host: str, found: Destination) -> Destination:
    """The consent may name another address, at the same host only (step 9)."""
    for uri in consent.destinations():
        try:
            same = normal(uri.host) == host
        except NameProblem:
            same = False
        if same:
            return Destination(uri.address, found.uri, True, found.step)
    return found
