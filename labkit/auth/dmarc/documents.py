"""One message by both documents: what RFC 9989 decides otherwise than RFC 7489 did, and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from labkit.auth.dmarc.author import AuthorDomain
from labkit.auth.dmarc.evaluation import evaluate
from labkit.auth.dmarc.identifier import Identifiers, identifiers_of
from labkit.auth.dmarc.rules import RFC_7489, RFC_9989
from labkit.frozen import dataclass
from labkit.smtp.rule import Rule
from labkit.verdict import Verdict

if TYPE_CHECKING:
    from labkit.lookup import Resolver

__all__ = ["Both", "Difference", "side_by_side"]

_REMOVED = Rule("RFC 9989 appendix A.6", "pct was removed; t=y takes its place.")
_NP = Rule("RFC 9989 section 4.7", "np is for names that do not exist.")


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that came out differently."""

    what: str
    """``organizational_domain``, ``record_domain``, ``policy``, ``disposition`` or ``result``."""
    old: str
    """By RFC 7489; ``nothing`` where there is none."""
    new: str
    """By RFC 9989."""
    why: str
    """The change in the document that did it, in a sentence."""
    rule: Rule
    """The new rule."""


@dataclass(frozen=True, slots=True)
class Both:
    """Both verdicts, and their differences from the first step to the result."""

    old: Verdict
    new: Verdict
    differences: tuple[Difference, ...]


def side_by_side(
    author_domain: str | AuthorDomain, *, spf: Identifiers, dkim: Identifiers, dns: Resolver
) -> Both:
    """Evaluate by both documents; the arguments are those of `evaluate`."""
    given = identifiers_of("spf", spf), identifiers_of("dkim", dkim)
    old, new = (
        evaluate(author_domain, spf=given[0], dkim=given[1], dns=dns, rules=rules.name)
        for rules in (RFC_7489, RFC_9989)
    )
    return Both(old, new, tuple(_differences(old, new)))


def _differences(old: Verdict, new: Verdict) -> Iterator[Difference]:
    reasons = {
        "organizational_domain": _organization,
        "record_domain": _record,
        "policy": _policy,
        "disposition": _disposition,
    }
    earlier = ""
    for what, reason in reasons.items():
        before, after = old.properties[what], new.properties[what]
        if before != after:
            why, rule = reason(old, new)
            why = why or earlier or "It follows from the record."
            yield Difference(what, str(before or "nothing"), str(after or "nothing"), why, rule)
            earlier = f"It follows from the other {what.replace('_', ' ')}."
    if old.result != new.result:
        why = earlier or "It follows from the Organizational Domains of what passed."
        yield Difference("result", old.result, new.result, why, RFC_9989.result)


def _organization(old: Verdict, new: Verdict) -> tuple[str, Rule]:
    return (
        "The names with DMARC records decide now, no longer the list of public suffixes.",
        RFC_9989.organization,
    )


def _record(old: Verdict, new: Verdict) -> tuple[str, Rule]:
    for _, step in old.steps():
        if step.outcome == "several":
            return "Several records at one name ended discovery; now they are discarded, and the walk goes on.", RFC_9989.several  # fmt: skip
    if old.properties["record_domain"] is None and new.properties["record_domain"] in old.properties["walk"]:
        return "", RFC_9989.broken
    return "Only the author's name and its Organizational Domain were asked; now each name up to the top is.", RFC_9989.discovery  # fmt: skip


def _policy(old: Verdict, new: Verdict) -> tuple[str, Rule]:
    if new.properties["policy_tag"] == "np":
        return "The name does not exist, and np is new.", _NP
    return "", RFC_9989.policy


def _disposition(old: Verdict, new: Verdict) -> tuple[str, Rule]:
    if new.properties["testing"]:
        return "t=y is new: it asks for one level less.", RFC_9989.sample
    if old.properties["pct"] == 0:
        return "pct is passed over now: the policy is for all of the mail.", _REMOVED
    return "", RFC_9989.result
