"""Exercise 2 of lesson 03: how often a client waits in a session, and how often it would have to with PIPELINING."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from labkit.frozen import dataclass
from labkit.hosts.host_spec import HostSpec
from labkit.learn.exercise import Exercise, Sample, Solution
from labkit.learn.feedback import Feedback
from labkit.learn.forms import LinesForm
from labkit.lessons.extensions_runs import HELLO, QUIT, octets
from labkit.smtp.rule import Rule
from labkit.smtp.transcript import Transcript
from labkit.smtp.turns import turns
from labkit.world import play

SPEC = HostSpec("mx1.receiver.example", ("bob", "carol"), ehlo=("PIPELINING", "8BITMIME"), starttls=False)
_WAIT = Rule(
    "RFC 5321 section 4.3.1",
    "SMTP takes turns: the client says something, and the server answers. The greeting is a turn too.",
)
_GROUP = Rule(
    "RFC 2920 section 3.1",
    "EHLO, DATA and QUIT end a group. The text may begin the next one, and further commands may follow it there.",
)
_MAIL, _BOB, _CAROL = (
    "MAIL FROM:<news@sender.example>",
    "RCPT TO:<bob@receiver.example>",
    "RCPT TO:<carol@receiver.example>",
)


@dataclass(frozen=True, slots=True)
class Case:
    """A session: the client's parts one by one, and the same in as few groups as the rules permit."""

    id: str
    what: str
    parts: tuple[tuple[str, ...], ...]
    groups: tuple[tuple[str, ...], ...]

    def session(self) -> Transcript:
        """One part at a time, for real."""
        return play([octets(*part) for part in self.parts], SPEC)

    def waits(self) -> tuple[int, int]:
        """How often the client waited, and how often in groups: both counted in real sessions."""
        grouped = play([octets(*group) for group in self.groups], SPEC)
        return len(turns(self.session())), len(turns(grouped))


_TEXT = ("Subject: News", "", "It rains.", ".")
FIRST = Case(
    "03.q2",
    "one message for two people",
    ((HELLO,), (_MAIL,), (_BOB,), (_CAROL,), ("DATA",), _TEXT, (QUIT,)),
    ((HELLO,), (_MAIL, _BOB, _CAROL, "DATA"), (*_TEXT, QUIT)),
)
SECOND = Case(
    "03.q2b",
    "two messages in one session",
    ((HELLO,), (_MAIL,), (_BOB,), ("DATA",), _TEXT, (_MAIL,), (_CAROL,), ("DATA",), _TEXT, (QUIT,)),
    ((HELLO,), (_MAIL, _BOB, "DATA"), (*_TEXT, _MAIL, _CAROL, "DATA"), (*_TEXT, QUIT)),
)


def count_waits() -> Exercise:
    """Two numbers about one session."""
    return _exercise(FIRST, _exercise(SECOND, None))


def grade(case: Case, answer: Sequence[str]) -> Feedback:
    """The first number against the session, the second against the same session in groups."""
    wrong = partial(Feedback, "incorrect", asked=_title(case))
    numbers = [_number(text) for text in answer]
    now, least = case.waits()
    given_now, given_least = numbers
    if given_now is None or given_least is None:
        which = "first" if given_now is None else "second"
        return wrong(
            f"The {which} answer is no number.",
            happened="Both questions ask how often.",
            rule=_WAIT,
            look="Write it in digits, such as 3.",
        )
    if given_now != now:
        message, look = _miscounted(case, given_now, now)
        return wrong(
            message,
            happened=f"You counted {given_now} in the session as it is. Played again, the line turns another number of times.",
            rule=_WAIT,
            look=look,
        )
    if given_least != least:
        message, look = _misgrouped(case, given_least, now, least)
        return wrong(message, happened="Your first number is right.", rule=_GROUP, look=look)
    return Feedback(
        "correct",
        f"{now} waits as it is, {least} in groups. Both were counted in real sessions.",
        asked=_title(case),
        happened=f"Over a way of 100 ms that is {now * 100:,} ms against {least * 100:,} ms.",
        rule=_GROUP,
    )


def _miscounted(case: Case, given: int, now: int) -> tuple[str, str]:
    lines = sum(1 for event in case.session() if event.data)
    if given == now - 1:
        return "One wait is missing.", "Who speaks first in this session, and who waits for it?"
    if given in (2 * now, 2 * now - 1):
        return "You counted both directions.", "A question and its answer together are one round trip."
    if given in (lines, len([event for event in case.session() if event.sender == "C" and event.data])):
        return "You counted lines.", "The lines of a text come without an answer between them."
    return (
        f"The client waits {'less' if given > now else 'more'} often than that.",
        "Go down the session and put a mark wherever the server speaks after the client.",
    )


def _misgrouped(case: Case, given: int, now: int, least: int) -> tuple[str, str]:
    if given == now:
        return (
            "With PIPELINING commands may go out together, so the number has to shrink.",
            "Which lines could be said before their answers are known?",
        )
    if given > least:
        return (
            "It can be done with less waiting.",
            "What may stand behind the end of the text, in the same group?",
        )
    return (
        "So few cannot be enough.",
        "Some commands must be the last of their group, because what comes next depends on the answer. Which?",
    )


def _number(text: str) -> int | None:
    found = re.fullmatch(r"\s*([0-9]{1,4})(?:\s*(?:times|waits|x))?\.?\s*", text, re.IGNORECASE)
    return int(found[1]) if found else None


def _title(case: Case) -> str:
    return f"Count the waits: {case.what}"


def _shown(case: Case) -> tuple[str, ...]:
    lines = []
    for event in case.session():
        if event.data:
            lines.append(f"{event.sender}: {event.data.decode().rstrip()}")
    return tuple(lines)


def _exercise(case: Case, twin: Exercise | None) -> Exercise:
    now, least = case.waits()
    return Exercise(
        case.id,
        _title(case),
        "This client says one thing at a time, although the server offers PIPELINING. How often does it wait for the server, "
        "greeting and goodbye included? And how often would it have to, at the least, if it used the offer?",
        LinesForm(2, before=_shown(case), labels=("Waits as it is", "Waits at the least"), speaker=""),
        partial(grade, case),
        (
            "A wait is a place where the client has said its part and the server speaks next. The greeting is the first.",
            "For the second number draw lines between the groups. EHLO has to end one: before its answer nothing is offered.",
            "DATA ends a group too. The text opens the next one, and what comes after the dot may travel with it.",
        ),
        Solution(
            (str(now), str(least)),
            "Greeting, EHLO, then a wait at each DATA and at the end of each text. All else travels with one of these.",
        ),
        twin,
        (
            Sample(("", ""), "not_attempted", "still empty"),
            Sample((str(now), str(least)), "correct", "counted in real sessions"),
            Sample((f"{now} times", f" {least} "), "correct", "counted in real sessions"),
            Sample((str(now), ""), "incorrect", "The second answer is no number"),
            Sample(("nine", str(least)), "incorrect", "The first answer is no number"),
            Sample((str(now - 1), str(least)), "incorrect", "One wait is missing"),
            Sample((str(2 * now), str(least)), "incorrect", "both directions"),
            Sample((str(now + 1), str(least)), "incorrect", "less often than that"),
            Sample(("2", str(least)), "incorrect", "more often than that"),
            Sample((str(len(_shown(case))), str(least)), "incorrect", "You counted lines"),
            Sample((str(now), str(now)), "incorrect", "the number has to shrink"),
            Sample((str(now), str(least + 1)), "incorrect", "less waiting"),
            Sample((str(now), str(least - 1)), "incorrect", "So few cannot be enough"),
        ),
    )
