"""Exercise 2 of lesson 07: four POP3 sessions, and the line that took a message away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial

from labkit.frozen import dataclass
from labkit.learn import Exercise, Feedback, Sample, Solution
from labkit.learn.forms import PickLineForm
from labkit.lessons.mailbox_questions import UPDATE
from labkit.lessons.mailbox_world import at_the_store, fill, speak
from labkit.smtp.rule import Rule
from labkit.smtp.transcript import Transcript
from labkit.smtp.wire import WireEvent
from labkit.world import AsyncWorld

_NUMBERS = Rule(
    "RFC 1939 sections 5 and 7",
    "Message numbers hold for one session, a unique-id for all of them.",
)
SUBJECTS = ("Rent", "Contract", "Photos")


@dataclass(frozen=True, slots=True)
class Case:
    """Whose sessions, what was said after log-in, which message got lost, and in which session."""

    id: str
    lost: str
    uid: str
    sessions: tuple[tuple[str, tuple[str, ...]], ...]
    guilty: int


FIRST = Case(
    "07.q2",
    "Contract",
    "1.2",
    (
        ("phone", ("UIDL", "DELE 2")),
        ("laptop", ("UIDL", "DELE 1", "QUIT")),
        ("tablet", ("UIDL", "DELE 1", "RSET", "QUIT")),
        ("old computer", ("UIDL", "DELE 1", "QUIT")),
    ),
    4,
)
SECOND = Case(
    "07.q2b",
    "Photos",
    "1.3",
    (
        ("tablet", ("UIDL", "DELE 3", "RSET", "QUIT")),
        ("old computer", ("UIDL", "DELE 2", "QUIT")),
        ("laptop", ("UIDL", "DELE 2", "QUIT")),
        ("phone", ("UIDL", "DELE 1")),
    ),
    3,
)


@cache
def recorded(case: Case) -> Transcript:
    """The sessions of a case, really spoken one after the other; lines are numbered through, log-ins left out."""
    found: list[Transcript] = []

    async def story(world: AsyncWorld) -> None:
        await fill(world, SUBJECTS)
        for _, lines in case.sessions:
            found.append(await speak(world, lines))

    at_the_store(story)
    events: list[WireEvent] = []
    for transcript in found:
        start = next(place for place, event in enumerate(transcript) if event.data == b"UIDL\r\n")
        events += transcript[start:]
    return Transcript(tuple(replace(event, seq=number) for number, event in enumerate(events, 1)))


def _ending(case: Case) -> frozenset[int]:
    """QUIT of the guilty session, and the answer to it."""
    own = [event for event in recorded(case) if event.connection == case.guilty]
    place = next(place for place, event in enumerate(own) if event.data == b"QUIT\r\n")
    return frozenset(event.seq for event in own[place : place + 2])


def grade(case: Case, line: int) -> Feedback:
    """Is it the line after which the message was gone?"""
    transcript = recorded(case)
    event = next(one for one in transcript if one.seq == line)
    device = case.sessions[event.connection - 1][0]
    answer = partial(Feedback, asked=f"the line that took “{case.lost}” away")
    if line in _ending(case):
        return answer(
            "correct",
            f"The {device} took it: marked before, gone at QUIT.",
            happened=f"Its unique-id {case.uid} stood behind the number that was deleted, and it lies on the {device} now.",
            rule=UPDATE,
        )
    return answer(
        "incorrect",
        _slip(case, event),
        happened=f"You pointed at line {line}, in the session of the {device}.",
        rule=_NUMBERS,
        look=f"Follow the unique-id {case.uid} from session to session. Which number does it have in each?",
        further="A session counts only if it says QUIT, and nothing took its marks off.",
    )


def _slip(case: Case, event: WireEvent) -> str:
    """What that line did."""
    own = [one for one in recorded(case) if one.connection == event.connection]
    words = [one.data.strip() for one in own if one.sender == "C"]
    if event.connection == case.guilty:
        return "That is the session. Was the message gone after this line already?"
    if b"QUIT" not in words:
        return "This session never came to its end: no QUIT. What became of its mark?"
    if b"RSET" in words:
        return "This session changed its mind before it ended."
    return "This session took a message away, but another one."


def find_the_lost_message() -> Exercise:
    """Four sessions, and their twin in another order."""
    return _exercise(FIRST, _exercise(SECOND, None))


def _exercise(case: Case, twin: Exercise | None) -> Exercise:
    transcript = recorded(case)
    names = ", ".join(f"{number} the {device}" for number, (device, _) in enumerate(case.sessions, 1))
    right = sorted(_ending(case))
    wrong: Sequence[tuple[int, str]] = [
        (_line(case, case.guilty, b"DELE"), "gone after this line already"),
        *(
            (_line(case, number, b"DELE"), says)
            for number, (_, lines) in enumerate(case.sessions, 1)
            if number != case.guilty
            for says in (
                "never came to its end" if "QUIT" not in lines
                else "changed its mind" if "RSET" in lines
                else "but another one",
            )
        ),
    ]  # fmt: skip
    return Exercise(
        case.id,
        "Who took it?",
        f"“{case.lost}” is gone from the server. Its unique-id was {case.uid}. Four of Bob's devices called that day, one after "
        f"the other: {names}. Log-ins are left out. Point at the line that took it away.",
        PickLineForm(transcript),
        partial(grade, case),
        (
            "UIDL lists number and unique-id of each message. The number is good for this one session.",
            "Which number does the message have in each session, and what is done with that number?",
            "A mark alone takes nothing away. Look at how each session ends.",
        ),
        Solution(
            (right[0],),
            "Marked with DELE and carried out with QUIT, in the one session where the number meant this message.",
        ),
        twin,
        (
            *(Sample((line,), "correct", "gone at QUIT") for line in right),
            *(Sample((line,), "incorrect", says) for line, says in wrong),
            Sample((), "not_attempted", "No line is chosen"),
        ),
    )


def _line(case: Case, connection: int, word: bytes) -> int:
    return next(
        event.seq
        for event in recorded(case)
        if event.connection == connection and event.data.startswith(word)
    )
