"""Exercises 1 and 2 of lesson 04: replies to sort by what has to happen next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Literal

from labkit.explainers.digits import code_rule
from labkit.explainers.enhanced import status_of
from labkit.frozen import dataclass
from labkit.learn.exercise import Exercise, Sample, Solution
from labkit.learn.feedback import Feedback
from labkit.learn.forms import SortForm
from labkit.smtp.rule import Rule
from labkit.view.code_explorer import place

Act = Literal["nothing", "later", "us", "address", "split"]

WHO: Mapping[str, Act] = {
    "nobody": "nothing",
    "my server, later": "later",
    "me: how I send": "us",
    "me: my list": "address",
}
TRIAGE: Mapping[str, Act] = {
    "retry": "later",
    "fix us": "us",
    "remove or correct": "address",
    "split": "split",
}

CONSEQUENCES: Mapping[tuple[Act, Act], str] = {
    (
        "nothing",
        "later",
    ): "Then it would be lost: this server has not taken it, and nobody would come back with it.",
    ("nothing", "us"): "Then your next message gets this very answer, and the one after it.",
    ("nothing", "address"): "Then your next mailing goes there again, and is refused again.",
    ("later", "us"): "The same attempt would get the same answer, for days, until your server gives up.",
    ("later", "address"): "The same line would get the same answer, for days, until your server gives up.",
    (
        "later",
        "split",
    ): "Then some people get their copy late and for no reason. What keeps it from going out now?",
    ("us", "later"): "You would look for a mistake of yours for hours, and there is none.",
    ("us", "address"): "Whatever you change about your server or your message, this recipient stays refused.",
    ("us", "split"): "Message and set-up are in order: others in this very transaction were accepted.",
    ("address", "later"): "You would lose somebody whose address is good.",
    ("address", "us"): "You would lose a good address, and the next recipient meets the same refusal.",
    ("address", "split"): "You would lose somebody only because others stood before them.",
    (
        "split",
        "later",
    ): "Each part would get the same answer now. How many there are is not what it is about.",
    ("split", "us"): "Each part would be refused as well. How many there are is not what it is about.",
    ("split", "address"): "In a transaction alone this recipient is refused as well.",
}
"""What would happen: the act that was chosen, where another one is right."""


@dataclass(frozen=True, slots=True)
class Case:
    """A reply as a server of this lab says it (see `labkit.world.provocations`), and what has to happen next.

    look  where to look in it; never the answer
    """

    stage: str
    said: str
    act: Act
    look: str

    @property
    def text(self) -> str:
        """The reply with the place where it came."""
        return f"{place(self.stage)}: {self.said}"

    @property
    def codes(self) -> tuple[str, str]:
        """The three digits, and the enhanced code or ""."""
        code, second = self.said.split(" ")[:2]
        return code, second if second.count(".") == 2 and second.replace(".", "").isdecimal() else ""

    @property
    def rule(self) -> Rule:
        """What its numbers mean."""
        code, enhanced = self.codes
        if enhanced:
            return status_of(enhanced).rule
        rule = code_rule(int(code))
        assert rule is not None
        return rule


_DIGIT = "The first digit: does the server say never, or not now?"
_MIDDLE = "The middle one of the three numbers behind the code: what is the reply about?"
_WHERE = "The place where it came. Had any recipient been named by then?"
_TALK = (
    "The numbers behind the code end in 5.3. That is about the transaction, not about an address or a policy."
)

GONE = Case("RCPT", "550 5.1.1 No mailbox <bbo@receiver.example> here", "address", _MIDDLE)
TAKEN = Case("text", "250 2.0.0 OK: queued as FHGVC7O6NT", "nothing", _DIGIT)
BYE = Case("QUIT", "221 2.0.0 Bye", "nothing", _DIGIT)
NULL_MX = Case("RCPT", "556 5.1.10 elsewhere.example takes no mail (null MX)", "address", _MIDDLE)
CLOSING = Case(
    "greeting", "421 mx1.receiver.example service not available, closing connection", "later", _DIGIT
)
ORDER = Case("RCPT", "503 5.5.1 MAIL comes first", "us", _MIDDLE)
RELAYING = Case("RCPT", "550 5.7.1 Relaying denied: elsewhere.example is not served here", "us", _MIDDLE)
FULL = Case("RCPT", "452 4.2.2 The mailbox <bob@receiver.example> is full", "later", _DIGIT)
GREY = Case("RCPT", "451 4.7.1 Greylisted, please try again later", "later", _DIGIT)
UNPROVEN = Case("text", "550 5.7.26 Neither SPF nor DKIM passed for sender.example", "us", _MIDDLE)
MANY = Case("RCPT", "452 4.5.3 This server takes 2 recipients in one transaction", "split", _TALK)
MANY_BY_POLICY = Case("RCPT", "550 5.5.3 This server takes 2 recipients in one transaction", "split", _TALK)
LARGE = Case("MAIL", "552 5.3.4 Message larger than this server takes", "us", _WHERE)
RATE = Case("MAIL", "450 4.7.28 Too many messages, slow down", "later", _DIGIT)
CONTENT = Case("text", "554 5.7.1 Message refused by policy", "us", _MIDDLE)
MOVED = Case("RCPT", "551 5.1.6 User not local; please try <bob@new.example>", "address", _MIDDLE)
BUSY = Case("RCPT", "450 4.2.0 Mailbox is in use, try again later", "later", _DIGIT)
TROUBLE = Case("text", "451 4.3.0 Requested action aborted: local error in processing", "later", _DIGIT)
PASSWORD = Case("AUTH", "535 5.7.8 Authentication credentials invalid", "us", _WHERE)
NAME = Case("RCPT", "553 5.1.3 Mailbox name not allowed", "address", _MIDDLE)
BRACKETS = Case(
    "MAIL",
    "501 5.5.4 The address stands without its angle brackets < > (RFC 5321 section 4.1.2)",
    "us",
    _WHERE,
)
LARGE_TEXT = Case("text", "552 5.3.4 Message of 26 octets; the limit is 20", "us", _WHERE)


def who_acts() -> Exercise:
    """Exercise 1: six replies, two of them worked."""
    task = "Six sessions, six replies. Who acts next: nobody; my server, later; me: how I send; me: my list? Two are done."
    hints = (
        "Begin with the first digit. 2 is done, 4 is for later, 5 wants a change by somebody.",
        "Under a 5, ask what the change is about: look at the middle number behind the code.",
        "1 in the middle is about an address. 5 is about the talk itself, 7 about who you are and what you may do.",
    )
    worked = (
        (TAKEN, "nobody", "2: done. That server answers for it now."),
        (GONE, "me: my list", "5: somebody changes something. 1 in the middle: an address."),
    )
    other = (
        (BYE, "nobody", "2: the goodbye."),
        (
            NULL_MX,
            "me: my list",
            "5: somebody changes something. 1 in the middle: an address.",
        ),
    )
    why = (
        "421 and 452 begin with 4: your server comes back, also to the full mailbox. 503 and 5.7.1 want a change in how you "
        "send; the address may be right."
    )
    twin_why = (
        "450 and 451 begin with 4: your server keeps the message and comes back. 501 is a slip in your own line. "
        "554 with 5.7.1 refuses this message, whoever it goes to."
    )
    title = "Six replies: who acts next?"
    twin = _sort("04.q1b", title, task, (RATE, BRACKETS, CONTENT, TROUBLE), WHO, hints, twin_why, other, None)
    return _sort("04.q1", title, task, (CLOSING, ORDER, FULL, RELAYING), WHO, hints, why, worked, twin)


def triage() -> Exercise:
    """Exercise 2: ten replies to a mailing."""
    task = (
        "A mailing of yours came back with ten replies. Sort them: retry (keep it and try later), fix us (change how or what "
        "we send), remove or correct (the address), split (the rest at once, in another transaction)."
    )
    hints = (
        "Sort by the first digit. Most that begin with 4 need nothing but time. One does not.",
        "The same three digits lie in more than one bin. The number behind them tells them apart.",
        "In the middle: 1 an address, 2 a mailbox, 3 the size, 5 the talk, 7 policy. And 5.3 at the end is about how many.",
    )
    why = (
        "Three times 550, in three bins: 5.1.1 is an address, 5.7.1 and 5.7.26 are about you, 5.5.3 is a count. Twice 452, in "
        "two bins: 4.2.2 waits for the owner of the mailbox, 4.5.3 wants the rest now. 552 at MAIL is the size of the message."
    )
    twin_why = (
        "Each 4 here needs time alone. 551 and 553 with a 1 in the middle are about an address; 5.7.1, 5.7.8, 5.5.4 and 5.3.4 "
        "are about what you send and how; 5.5.3 is a count."
    )
    first = (GREY, UNPROVEN, GONE, MANY, LARGE, FULL, CLOSING, RELAYING, NULL_MX, MANY_BY_POLICY)
    second = (RATE, CONTENT, MOVED, BUSY, MANY_BY_POLICY, PASSWORD, TROUBLE, NAME, BRACKETS, LARGE_TEXT)
    title = "Ten replies: retry, fix us, remove, or split?"
    twin = _sort("04.q2b", title, task, second, TRIAGE, hints, twin_why, (), None)
    return _sort("04.q2", title, task, first, TRIAGE, hints, why, (), twin)


def grade(
    title: str, cases: Sequence[Case], acts: Mapping[str, Act], why: str, answer: Sequence[str]
) -> Feedback:
    """The first reply that lies in a wrong bin: what would happen if one did that."""
    wrong = [(case, bin) for case, bin in zip(cases, answer, strict=True) if acts[bin] != case.act]
    right = len(cases) - len(wrong)
    if not wrong:
        return Feedback("correct", f"All {right} lie right.", asked=title, happened=why, rule=_rule_of_both())
    case, bin = wrong[0]
    return Feedback(
        "incorrect",
        CONSEQUENCES[acts[bin], case.act],
        asked=title,
        happened=f"`{case.text}` lies under `{bin}`. {right} of {len(cases)} lie right.",
        rule=case.rule,
        look=case.look,
        further="Read the reply from the left: first digit, then the middle number, then the place where it came.",
    )


def _rule_of_both() -> Rule:
    return Rule(
        "RFC 5321 section 4.2.1 and RFC 3463 section 2",
        "The first digit says whether to repeat; the enhanced code says what it is about.",
    )


def _sort(
    id: str,
    title: str,
    task: str,
    cases: tuple[Case, ...],
    acts: Mapping[str, Act],
    hints: tuple[str, ...],
    why: str,
    worked: tuple[tuple[Case, str, str], ...],
    twin: Exercise | None,
) -> Exercise:
    bin_of = {act: bin for bin, act in acts.items()}
    right = tuple(bin_of[case.act] for case in cases)
    one_off = [
        ((*right[:place], bin, *right[place + 1 :]), CONSEQUENCES[act, case.act])
        for place, case in enumerate(cases)
        for bin, act in acts.items()
        if act != case.act
    ]
    bins = tuple(acts)
    return Exercise(
        id,
        title,
        task,
        SortForm(
            tuple(case.text for case in cases),
            bins,
            tuple((case.text, bin, note) for case, bin, note in worked),
        ),
        partial(grade, title, cases, acts, why),
        hints,
        Solution(right, why),
        twin,
        (
            Sample(("",) * len(cases), "not_attempted", "Nothing is sorted yet"),
            Sample((right[0], *[""] * (len(cases) - 1)), "not_attempted", "not sorted yet"),
            Sample(right, "correct", "lie right"),
            Sample(tuple(bins.index(bin) + 1 for bin in right), "correct", "lie right"),
            *(Sample(answer, "incorrect", says) for answer, says in one_off),
        ),
    )
