"""Exercise 2 of lesson 10: four mails that did not pass, and what was wrong with each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from labkit.auth.spf import check_mail_from, rules
from labkit.frozen import dataclass
from labkit.learn import Exercise, Feedback, Sample, Solution
from labkit.learn.forms import SortForm
from labkit.smtp.rule import Rule
from labkit.verdict import Verdict
from labkit.zones import Zones

MISSING, TYPO, TWO, VOID, FORWARDED = (
    "a server is missing in the record", "a term is misspelt", "there are two records", "names that are gone",
    "somebody forwarded it",
)  # fmt: skip
BINS = (MISSING, TYPO, TWO, VOID, FORWARDED)


@dataclass(frozen=True, slots=True)
class Failure:
    """A mail as a server's log has it, the zones, and what was wrong."""

    told: str
    zones: str
    domain: str
    ip: str
    reason: str

    def verdict(self) -> Verdict:
        """What SPF really says."""
        return check_mail_from(
            self.ip, f"info@{self.domain}", helo=f"out.{self.domain}", dns=Zones.from_text(self.zones)
        )

    @property
    def item(self) -> str:
        """What the learner reads: the log line, and the DNS."""
        return f"client {self.ip}, MAIL FROM info@{self.domain}. {self.told} DNS: {self.records}"

    @property
    def records(self) -> str:
        """The TXT records."""
        return "; ".join(line.split("TXT", 1)[1].strip() for line in self.zones.split("\n") if "TXT" in line)


def _cases(a: str, b: str, net: str) -> tuple[Failure, ...]:
    """Four failures, for two domains and a network."""
    return (
        Failure("The company took on this newsletter server last week.", f'{a}. TXT "v=spf1 ip4:{net}.16/28 -all"', a, f"{net}.77", MISSING),
        Failure("This is the company's own server.", f'{b}. TXT "v=spf1 ip4:{net}.20 inlcude:_spf.news.example -all"', b, f"{net}.20", TYPO),
        Failure("This is the company's own server.", f'{a}. TXT "v=spf1 ip4:{net}.20 -all"\n{a}. TXT "v=spf1 include:_spf.news.example -all"', a, f"{net}.20", TWO),
        Failure("The client is the server of a university; its reader moved to another mailbox.", f'{b}. TXT "v=spf1 ip4:{net}.20 -all"', b, "203.0.113.5", FORWARDED),
        Failure("This is the company's own server. None of the three names exists.", f'{a}. TXT "v=spf1 a:m1.{a} a:m2.{a} a:m3.{a} ip4:{net}.20 -all"', a, f"{net}.20", VOID),
    )  # fmt: skip


FIRST = _cases("bank.example", "tea.example", "192.0.2")
SECOND = tuple(_cases("tool.example", "sail.example", "198.51.100")[n] for n in (4, 1, 0, 3, 2))
_RULES = {
    MISSING: rules.ORDER, TYPO: rules.SYNTAX, TWO: rules.SELECT, VOID: rules.VOID_LIMIT,
    FORWARDED: Rule("RFC 7208 appendix D", "Who forwards with the same MAIL FROM sends from a server that the domain does not list."),
}  # fmt: skip
_INSTEAD = {
    ("fail", TYPO): "The record was read to its end, so it has no syntax error.",
    ("fail", TWO): "The record was read, and gave fail. With two records nothing is read.",
    ("fail", VOID): "The record was read to its end, and gave fail. No limit was met.",
    (
        "fail",
        MISSING,
    ): "It failed, that is right. But would the domain's owner want this server in the record?",
    ("fail", FORWARDED): "It failed, that is right. But whose server is the client?",
    ("permerror", MISSING): "The client stands in the record. The record itself gave an error.",
    ("permerror", FORWARDED): "The client is the company's own. The record itself gave an error.",
    ("permerror", TWO): "The record gave an error. Count the records that begin with v=spf1.",
    ("permerror", TYPO): "The record gave an error. Go through its terms: each is spelt right.",
    ("permerror", VOID): "The record gave an error. But how many names are asked for that do not exist?",
}


def grade(failures: Sequence[Failure], answer: Sequence[str]) -> Feedback:
    """The first that lies in another bin than its own."""
    asked = "what was wrong with each mail"
    for number, (failure, said) in enumerate(zip(failures, answer, strict=True), 1):
        if said != failure.reason:
            result = failure.verdict().result
            return Feedback(
                "incorrect", _INSTEAD[result, said], asked=asked,
                happened=f"Mail {number}, client {failure.ip}: SPF says {result}. You said: {said}.",
                rule=Rule(_RULES[said].ref, _RULES[said].text),
                look="Is the result fail or permerror? A fail comes from a record that could be read; a permerror does not.",
                further="Ask in this order: can the record be read, is there one only, which term matches?",
            )  # fmt: skip
    return Feedback(
        "correct", "Each has its own cause, and another person who must act.", asked=asked,
        happened="Three records gave permerror, two gave fail.", rule=rules.ORDER,
    )  # fmt: skip


def why_it_failed() -> Exercise:
    """Exercise 2."""
    return _task("10.q2", FIRST, _task("10.q2b", SECOND, None))


def _task(id: str, failures: tuple[Failure, ...], twin: Exercise | None) -> Exercise:
    right = tuple(one.reason for one in failures)

    def but(reason: str, said: str) -> tuple[str, ...]:
        return tuple(said if one == reason else one for one in right)

    return Exercise(
        id,
        "Why did it fail?",
        "Five mails did not pass. Their SPF records stand beside them. What was wrong?",
        SortForm(tuple(one.item for one in failures), BINS),
        partial(grade, failures),
        (
            "Two of the five records can be read to their end. Which?",
            "Read each term as the server does, from the left. What must be asked for, and does it exist?",
        ),
        Solution(right, "A fail is about the client; a permerror is about the record, whoever the client is."),
        twin,
        (
            Sample(("",) * 5, "not_attempted", "Nothing is sorted"),
            Sample(right, "correct", "its own cause"),
            Sample(tuple(BINS.index(one) + 1 for one in right), "correct", "its own cause"),
            Sample(but(FORWARDED, MISSING), "incorrect", "owner want this server"),
            Sample(but(MISSING, FORWARDED), "incorrect", "whose server"),
            Sample(but(TWO, TYPO), "incorrect", "spelt right"),
            Sample(but(VOID, MISSING), "incorrect", "stands in the record"),
            Sample(but(TYPO, TWO), "incorrect", "Count the records"),
            Sample(but(MISSING, VOID), "incorrect", "No limit was met"),
        ),
    )  # fmt: skip
