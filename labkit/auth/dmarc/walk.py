"""RFC 9989's way to the record and to the Organizational Domain: the DNS Tree Walk (section 4.10)."""

from __future__ import annotations

from labkit.auth.dmarc.names import parents
from labkit.auth.dmarc.questions import Answer, Questions
from labkit.frozen import dataclass
from labkit.verdict import Evidence, Step

__all__ = ["Discovery", "Organization", "TreeWalk", "walk_names"]

CUT = 8  # from this many labels on, the walk goes on with the last seven (section 4.10 step 4)


@dataclass(frozen=True, slots=True)
class Organization:
    """The Organizational Domain of a name, and how it was found."""

    start: str
    domain: str | None
    """None when the DNS did not answer."""
    names: tuple[str, ...]
    """The names that were asked for a record, in order, without ``_dmarc.``."""
    step: Step


@dataclass(frozen=True, slots=True)
class Discovery:
    """The record that applies to an Author Domain, if there is one."""

    answer: Answer | None
    error: bool
    """Whether a question that decides had no answer."""
    organization: Organization
    step: Step


def walk_names(domain: str) -> list[str]:
    """The names of a whole walk, the first to be asked first (section 4.10 steps 1 to 7)."""
    above = parents(domain)
    return above if len(above) < CUT else [domain, *above[1 - CUT :]]


class TreeWalk:
    """Walks for one message."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions
        self._rules = questions.rules

    def discover(self, author: str) -> Discovery:
        """The record for `author`: its own, its Organizational Domain's, or its public suffix's (section 4.10.1).

        One walk from the author's name serves discovery and alignment: for discovery the RFC starts it one name
        higher when the author has no record, which asks at the same names.
        """
        organization, answers = self._walk(author)
        by_name = {answer.domain: answer for answer in answers if answer.kind == "record"}
        own = by_name.get(author)
        if own is not None:  # nothing above can displace it, not even an error (section 4.10.1)
            return self._found(own, organization, f"{author} has a record of its own: it applies.")
        if organization.domain is None:
            text = f"Which record applies to {author} cannot be known for now."
            step = Step(self._rules.error, text, "temperror", children=(organization.step,))
            return Discovery(None, True, organization, step)
        inherited = by_name.get(organization.domain)
        if inherited is not None:
            text = f"{author} has no record; that of its Organizational Domain {inherited.domain} applies."
            return self._found(inherited, organization, text)
        suffix = next((one for one in by_name.values() if one.record and one.record.psd == "y"), None)
        if suffix is not None:
            text = f"Neither {author} nor {organization.domain} has a record; that of the public suffix {suffix.domain} applies."
            return self._found(suffix, organization, text)
        text = f"No record applies to {author}: there is no DMARC for this message."
        step = Step(self._rules.discovery, text, "none", children=(organization.step,))
        return Discovery(None, False, organization, step)

    def organization(self, domain: str) -> Organization:
        """The Organizational Domain of `domain` (section 4.10.2)."""
        return self._walk(domain)[0]

    def _found(self, answer: Answer, organization: Organization, text: str) -> Discovery:
        step = Step(
            self._rules.discovery,
            text,
            "found",
            {"record": answer.domain},
            evidence=answer.evidence(),
            children=(organization.step,),
        )
        return Discovery(answer, False, organization, step)

    def _walk(self, domain: str) -> tuple[Organization, list[Answer]]:
        answers: list[Answer] = []
        for name in walk_names(domain):
            answer = self._questions.at(name)
            answers.append(answer)
            if answer.kind == "error" or (answer.record is not None and answer.record.psd != "u"):
                break
        chosen, text, evidence = _select(domain, answers)
        outcome = chosen or "temperror"
        rule = self._rules.organization if chosen else self._rules.error
        steps = tuple(answer.step for answer in answers)
        step = Step(rule, text, outcome, {"domain": domain}, evidence=evidence, children=steps)
        return Organization(domain, chosen, tuple(answer.domain for answer in answers), step), answers


def _select(domain: str, answers: list[Answer]) -> tuple[str | None, str, tuple[Evidence, ...]]:
    """The Organizational Domain, and why (section 4.10.2 steps 1 to 3)."""
    if answers[-1].kind == "error":
        return None, f"The walk from {domain} broke off: its Organizational Domain is not known.", ()
    found = [answer for answer in answers if answer.record is not None]
    last = found[-1] if found else None
    if last is not None and last.record is not None:
        if last.record.psd == "n":
            return last.domain, f"psd=n: {last.domain} is the Organizational Domain.", last.evidence("psd")
        if last.record.psd == "y" and last.domain != domain:
            below = parents(domain)[-last.domain.count(".") - 2]
            text = (
                f"psd=y at {last.domain}: the name one label below it, {below}, is the Organizational Domain."
            )
            return below, text, last.evidence("psd")
        text = (
            f"{last.domain} is the shortest name with a record: it is the Organizational Domain of {domain}."
        )
        return last.domain, text, last.evidence()
    return domain, f"No record on the way from {domain}: it is its own Organizational Domain.", ()
