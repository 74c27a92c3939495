"""Exercise 3 of lesson 07: a POP3 session of one's own, spoken to a real server."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from labkit.frozen import dataclass
from labkit.learn import Exercise, Feedback, Sample, Solution
from labkit.learn.forms import LinesForm
from labkit.lessons.mailbox_questions import UPDATE
from labkit.lessons.mailbox_world import BOB, at_the_store, fill, speak
from labkit.smtp.rule import Rule
from labkit.smtp.transcript import Transcript
from labkit.world import AsyncWorld

_COMMANDS = Rule("RFC 1939 section 5", "RETR fetches a message, DELE marks one; both want its number.")


@dataclass(frozen=True, slots=True)
class Case:
    """What lies in the mailbox, what is to be on the disk afterwards, and what is to be left."""

    id: str
    subjects: tuple[str, ...]
    wish: str
    fetch: str
    keep: frozenset[str]
    right: tuple[str, ...]


FIRST = Case(
    "07.q3",
    ("Lunch", "Invoice", "Photos"),
    "Afterwards the invoice lies on your disk and nowhere else; the two others stay at the server",
    "Invoice",
    frozenset({"Lunch", "Photos"}),
    ("RETR 2", "DELE 2", "QUIT"),
)
SECOND = Case(
    "07.q3b",
    ("Contract", "Lunch", "Advertising"),
    "Afterwards the contract lies on your disk and also at the server; the advertising is gone, and nobody has fetched it",
    "Contract",
    frozenset({"Contract", "Lunch"}),
    ("RETR 1", "DELE 3", "QUIT"),
)


def grade(case: Case, lines: Sequence[str]) -> Feedback:
    """Speak the lines to a real server, and look at disk and mailbox."""
    found: list[Transcript] = []
    left: set[str] = set()

    async def story(world: AsyncWorld) -> None:
        await fill(world, case.subjects)
        found.append(await speak(world, [line.strip() for line in lines if line.strip()]))
        left.update(one.subject for one in world.mailbox(BOB))

    at_the_store(story)
    transcript = found[0]
    said = b"".join(event.data for event in transcript if event.sender == "S").decode()
    fetched = [subject for subject in case.subjects if f"Subject: {subject}\r\n" in said]
    refused = next(
        (event.data.decode().strip() for event in transcript if event.data.startswith(b"-ERR")), ""
    )
    happened = f"On your disk: {_listed(fetched)}. At the server: {_listed(sorted(left))}."
    answer = partial(Feedback, asked=case.wish, transcript=transcript)
    if fetched == [case.fetch] and left == case.keep:
        return answer("correct", "So it is.", happened=happened, rule=UPDATE)
    if refused:
        says, look = (
            f"The server said: {refused}.",
            "The command before that answer, and what came before it.",
        )
    elif len(left) == len(case.subjects) and any("DELE" in line.upper() for line in lines):
        says, look = "Nothing is gone: your mark was never carried out.", "How does a session end?"
    elif case.fetch not in fetched:
        says, look = (
            f"{case.fetch} is not on your disk.",
            "Which command brings the text, and of which number?",
        )
    elif left != case.keep:
        says, look = "At the server it is not as it should be.", "Which numbers were marked?"
    else:
        says, look = "You fetched more than was asked.", "Which command brings a text?"
    return answer(
        "incorrect",
        says,
        happened=happened,
        rule=_COMMANDS,
        look=look,
        further="Three commands do: one that fetches, one that marks, one that ends.",
    )


def _listed(subjects: Sequence[str]) -> str:
    return ", ".join(subjects) or "nothing"


def speak_pop3() -> Exercise:
    """Three commands, and a twin with another wish."""
    return _exercise(FIRST, _exercise(SECOND, None))


def _exercise(case: Case, twin: Exercise | None) -> Exercise:
    listed = ", ".join(f"{number} {subject}" for number, subject in enumerate(case.subjects, 1))
    retr, dele, quit_ = case.right
    number = retr.split()[1]
    return Exercise(
        case.id,
        "Speak POP3",
        f"You are logged in. In the mailbox lie: {listed}. {case.wish}. Three lines do it.",
        LinesForm(3, labels=("First line", "Second line", "Third line")),
        partial(grade, case),
        (
            "All the commands have stood in the sessions above.",
            "Fetching and deleting are two commands, and each wants a number.",
            "The numbers stay as they are until the session ends.",
        ),
        Solution(case.right, "Fetch, mark, and end in good order: only QUIT carries the mark out."),
        twin,
        (
            Sample(("", "", ""), "not_attempted", "still empty"),
            Sample(case.right, "correct", "So it is"),
            Sample((retr.lower(), dele.lower(), quit_.lower()), "correct", "So it is"),
            Sample((retr, dele, ""), "incorrect", "never carried out"),
            Sample((f"DELE {number}", retr, quit_), "incorrect", "The server said: -ERR"),
            Sample((dele, quit_, ""), "incorrect", "is not on your disk"),
            Sample((retr, quit_, dele), "incorrect", "never carried out"),
            Sample(("FETCH 1", dele, quit_), "incorrect", "The server said: -ERR"),
        ),
    )
