"""Which policy a record asks for: p, sp or np, and what becomes of it (RFC 9989 sections 4.7 and 4.10.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labkit.auth.dmarc.record import POLICIES
from labkit.auth.dmarc.rules import RFC_7489
from labkit.frozen import dataclass
from labkit.smtp.rule import Rule
from labkit.verdict import Evidence, Step

if TYPE_CHECKING:
    from labkit.auth.dmarc.questions import Answer, Questions
    from labkit.auth.dmarc.record import Record
    from labkit.auth.dmarc.rules import Rules

__all__ = ["Choice", "broken_tag", "choose", "disposition"]

_MISSING = Rule("RFC 9989 section 4.7", "A record without p counts as one with p=none.")


@dataclass(frozen=True, slots=True)
class Choice:
    """The policy for this message, before it is known whether it passes."""

    policy: str | None
    tag: str | None
    """``p``, ``sp`` or ``np``; None when a default took its place."""
    step: Step
    applies: bool = True
    """False when the record is so broken that there is no DMARC."""
    error: bool = False
    """Whether the DNS did not say if the Author Domain exists, and the policy depends on it."""


def choose(answer: Answer, author: str, questions: Questions) -> Choice:
    """The policy that the record in `answer` asks for mail from `author`.

    Reading: by RFC 9989 section 4.7 a record without p, else well written, counts as one with p=none, and the grammar
    does not ask for p. Section 4.10.1, to which 4.7 points, has a rule for records without a valid p, which needs a
    destination in rua; word by word a missing p comes under it too. Here a missing p is p=none with or without rua,
    sp and np count beside it, and only a tag that holds no policy makes a record broken. RFC 7489 has no such default:
    a missing p is broken there.
    """
    record, rules = answer.record, questions.rules
    assert record is not None
    broken = broken_tag(record, rules)
    if broken:
        return _repair(answer, record, rules, broken)
    if answer.domain == author:
        return _choice(answer, rules, "p", f"{author} published the record itself")
    if rules is RFC_7489:
        tag = "sp" if record.policy("sp") else "p"
        return _choice(answer, rules, tag, f"{author} inherits the record of {answer.domain}")
    fallback = "sp" if record.policy("sp") else "p"
    if record.policy("np") is None:
        return _choice(answer, rules, fallback, f"{author} inherits the record of {answer.domain}")
    return _by_existence(answer, record, author, fallback, questions)


def broken_tag(record: Record, rules: Rules) -> str:
    """The tag for which section 4.10.1 takes a record as p=none, or as no record; empty if it is not broken."""
    names = ("p", "sp") if rules is RFC_7489 else ("p", "sp", "np")
    for name in names:
        if record.broken(name):
            return name
    return "p" if rules is RFC_7489 and record.tag("p") is None else ""


def _repair(answer: Answer, record: Record, rules: Rules, name: str) -> Choice:
    tag = record.tag(name)
    what = f"{name}={tag.value[:40]} is no policy" if tag else f"The record of {answer.domain} has no {name}"
    evidence = answer.evidence(name, "rua") or answer.evidence()
    if record.destinations():
        text = f"{what}, but rua names a destination: it counts as p=none."
        return Choice("none", None, Step(rules.broken, text, "none", evidence=evidence))
    text = f"{what}, and no rua names a destination: there is no DMARC for this message."
    return Choice(None, None, Step(rules.broken, text, "no policy", evidence=evidence), applies=False)


def _choice(answer: Answer, rules: Rules, tag: str, why: str, *steps: Step) -> Choice:
    assert answer.record is not None
    policy = answer.record.policy(tag)
    if policy is None:
        text = f"{why}, which has no p: that is p=none."
        evidence = answer.evidence()
        return Choice("none", None, Step(_MISSING, text, "none", evidence=evidence, children=steps))
    step = Step(
        rules.policy,
        f"{why}: {tag}={policy}.",
        policy,
        {"tag": tag},
        evidence=answer.evidence(tag),
        children=steps,
    )
    return Choice(policy, tag, step)


def _by_existence(answer: Answer, record: Record, author: str, fallback: str, questions: Questions) -> Choice:
    """np or the other: only a name that does not exist at all (NXDOMAIN, RFC 8020) comes under np."""
    rules = questions.rules
    lookup = questions.dns.lookup(author, "A")
    if lookup.outcome in ("timeout", "servfail"):
        step = Step(
            rules.error,
            f"Whether {author} exists cannot be known for now ({lookup.outcome}).",
            "unknown",
            lookup=lookup,
        )
        milder = min("np", fallback, key=lambda tag: POLICIES.index(record.policy(tag) or "none"))
        choice = _choice(
            answer, rules, milder, f"Nobody can say whether np or {fallback} applies; the milder", step
        )
        differ = record.policy("np") != (record.policy(fallback) or "none")
        return Choice(choice.policy, choice.tag, choice.step, error=differ)
    # The NXDOMAIN behind an alias is about the alias's end: the name itself has a CNAME record, so it exists.
    exists = lookup.outcome != "nxdomain" or bool(lookup.aliases)
    word = "exists" if exists else "does not exist (NXDOMAIN)"
    step = Step(rules.policy, f"{author} {word}.", "exists" if exists else "nxdomain", lookup=lookup)
    tag = fallback if exists else "np"
    return _choice(answer, rules, tag, f"{author} {word} and inherits the record of {answer.domain}", step)


def disposition(answer: Answer, choice: Choice, rules: Rules) -> tuple[str, str, tuple[Evidence, ...]]:
    """What is asked for a message that fails, a sentence about it, and the octets that lowered it."""
    policy = choice.policy or "none"
    record = answer.record
    assert record is not None
    lower = POLICIES[max(POLICIES.index(policy) - 1, 0)]
    if rules is RFC_7489:
        if policy == "none" or record.pct == 100:
            return policy, f"The policy is {policy}.", ()
        if record.pct == 0:
            return (
                lower,
                f"The policy is {policy}, but pct=0 asks for {lower} instead.",
                answer.evidence("pct"),
            )
        text = f"The policy is {policy} for {record.pct} % of such messages, and {lower} for the others."
        return policy, text, answer.evidence("pct")
    if record.testing and policy != "none":
        return lower, f"The policy is {policy}, but t=y asks for {lower} instead.", answer.evidence("t")
    return policy, f"The policy is {policy}.", ()
