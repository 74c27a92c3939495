"""RFC 7489's way to both: a list of public suffixes, and two names at most (sections 3.2 and 6.6.3)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from labkit.auth.dmarc.questions import Answer, Questions
from labkit.auth.dmarc.walk import Discovery, Organization
from labkit.verdict import Step

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

__all__ = ["SuffixList", "registered_domain"]


@lru_cache(maxsize=1)
def _list() -> PublicSuffixList:
    """Reading the list takes about a tenth of a second, and only this rule set needs it."""
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()


@lru_cache(maxsize=4096)
def registered_domain(domain: str) -> str | None:
    """The public suffix of `domain` and one label more; None for a public suffix itself.

    The list's private part counts too, as receivers have it. A top-level domain that the list does not know is a
    suffix, as the list's own default rule says. Reading: by section 3.1.1 a suffix never aligns; here it does with
    itself, since some of them send mail.
    """
    found = _list().privatesuffix(domain)
    return None if found is None else str(found)


class SuffixList:
    """Discovery for one message."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions
        self._rules = questions.rules

    def discover(self, author: str) -> Discovery:
        """The record for `author`: its own, or its Organizational Domain's."""
        organization = self.organization(author)
        answers = [self._questions.at(author)]
        if answers[0].kind == "no record" and organization.domain not in (None, author):
            assert organization.domain is not None
            answers.append(self._questions.at(organization.domain))
        names = tuple(answer.domain for answer in answers)
        organization = Organization(author, organization.domain, names, organization.step)
        last = answers[-1]
        outcome, text = self._word(author, last)
        step = Step(
            self._rules.error if last.kind == "error" else self._rules.discovery,
            text,
            outcome,
            {"record": last.domain} if last.kind == "record" else {},
            evidence=last.evidence(),
            children=(organization.step, *(answer.step for answer in answers)),
        )
        return Discovery(last if last.kind == "record" else None, last.kind == "error", organization, step)

    def organization(self, domain: str) -> Organization:
        """The Organizational Domain of `domain`. A public suffix has none but itself: it aligns with itself alone."""
        found = registered_domain(domain)
        text = f"By the list of public suffixes, the Organizational Domain of {domain} is {found}."
        if found is None:
            text = f"{domain} is a public suffix: no organization stands above it, so it aligns with itself alone."
        step = Step(self._rules.organization, text, found or domain, {"domain": domain})
        return Organization(domain, found or domain, (), step)

    @staticmethod
    def _word(author: str, last: Answer) -> tuple[str, str]:
        if last.kind == "record":
            if last.domain == author:
                return "found", f"{author} has a record of its own: it applies."
            return (
                "found",
                f"{author} has no record; that of its Organizational Domain {last.domain} applies.",
            )
        if last.kind == "error":
            return "temperror", f"Which record applies to {author} cannot be known for now."
        if last.kind == "several":
            return "none", f"{last.domain} has several records: discovery ends, and there is no DMARC."
        return "none", f"No record applies to {author}: there is no DMARC for this message."
