"""Exercise 3 of lesson 05: an envelope that brings Alice the notices she wants, and no others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from labkit.frozen import dataclass
from labkit.hosts import dsn
from labkit.learn import Exercise, Feedback, Sample, Solution
from labkit.learn.forms import LinesForm
from labkit.lessons.grading import deliveries, first_refusal, mailbox_name
from labkit.lessons.queue_and_bounces_world import ALICE, MX, SUBMIT, spec
from labkit.smtp.rule import Rule
from labkit.world import World, run_script

_NOTIFY = Rule(
    "RFC 3461 section 4.1",
    "NOTIFY behind a recipient says what the sender wants to hear of it: NEVER, or any of SUCCESS, FAILURE, DELAY.",
)
_PATH = Rule("RFC 5321 section 3.3", "Notices go to the address of MAIL.")
_KINDS = {"failed": "a failure notice", "delayed": "a delay notice", "delivered": "a success notice"}
_DOMAIN = "receiver.example"
DAY = 86_400.0

Notice = tuple[str, str]
"""What is told, and about which local part."""


@dataclass(frozen=True)
class Case:
    """What is wished for, and how long Bob's server is away."""

    id: str
    title: str
    task: str
    people: tuple[str, str]
    away: float
    wanted: frozenset[Notice]
    asked: tuple[str, str]
    """NOTIFY of each person in one right answer."""


FIRST = Case(
    "05.q3",
    "Two notices, each about one person",
    f"Alice writes one message to `bob@{_DOMAIN}` and `carol@{_DOMAIN}`. Their server will be away for a week. "
    "She wants to hear that it takes longer for Bob, and nothing else about him. "
    "She wants to hear if it fails for Carol, and nothing else about her. Write the envelope.",
    ("bob", "carol"),
    7 * DAY,
    frozenset({("delayed", "bob"), ("failed", "carol")}),
    ("DELAY", "FAILURE"),
)
SECOND = Case(
    "05.q3b",
    "One notice, when it has arrived",
    f"Alice writes one message to `dave@{_DOMAIN}` and `carol@{_DOMAIN}`. Their server will be away for a day, then it comes back. "
    "She wants to hear when Dave has it, and nothing else about him. About Carol she wants to hear nothing. Write the envelope.",
    ("dave", "carol"),
    DAY,
    frozenset({("delivered", "dave")}),
    ("SUCCESS", "NEVER"),
)


def ask_for_notices() -> Exercise:
    """Nothing is given but the wishes."""
    return _exercise(FIRST, _exercise(SECOND, None))


def grade(case: Case, lines: Sequence[str]) -> Feedback:
    """Say the lines to a real submission server, let the days pass, and look into Alice's mailbox."""
    with World.open(spec(), transport="memory") as world:
        world.stop(MX)
        said = ("EHLO client.sender.example", *(line.strip() for line in lines if line.strip()))
        transcript = run_script(world, (*said, *_TEXT), host=SUBMIT)
        refused = first_refusal(transcript, case.title, domain=_DOMAIN)
        if refused is not None:
            return refused
        taken = deliveries(transcript)
        world.settle()
        world.clock.advance(case.away)
        world.start(MX)
        world.clock.advance(days=7)
        told = frozenset(notices(world))
    wrong = partial(Feedback, "incorrect", asked=case.title, transcript=transcript)
    got = f"Alice got {_listed(told)}."
    if not taken:
        return wrong("No message was taken.", happened=got, rule=_PATH, look="Say MAIL and two RCPT.")
    envelope = taken[0].envelope
    people = {mailbox_name(path).partition("@")[0] for path in envelope.forward_paths}
    without = [name.title() for name in case.people if name not in people]
    if without:
        return wrong(
            f"{' and '.join(without)} is no recipient of this message.",
            happened=got,
            rule=_PATH,
            look="One message, two people: who has no line yet?",
        )
    if mailbox_name(envelope.reverse_path or "") != ALICE:
        return wrong(
            "The notices have nowhere to go, or go to somebody else.",
            happened=f"MAIL named `<{envelope.reverse_path or ''}>`. {got}",
            rule=_PATH,
            look="The line with MAIL. Who wants to hear?",
        )
    for too_much, says in (
        (told - case.wanted, "Alice hears more than she wants: {}."),
        (case.wanted - told, "Something that Alice wants to hear never comes: {}."),
    ):
        if too_much:
            person = sorted(too_much)[0][1]
            return wrong(
                says.format(_listed(too_much)),
                happened=got,
                rule=_NOTIFY,
                look=f"The line for {person.title()}: what does it ask for, and what does it leave open?",
            )
    return Feedback(
        "correct",
        "She hears what she wants, and no more.",
        asked=case.title,
        happened=got,
        rule=_NOTIFY,
        transcript=transcript,
    )


_TEXT = ("DATA", "Subject: Lunch", "", "At one?", ".", "QUIT")


def notices(world: World) -> list[Notice]:
    """What the reports in Alice's mailbox tell, in order."""
    reports = (dsn.read(one.raw) for one in world.mailbox(ALICE))
    return [
        (fate.action, fate.recipient.lower().partition("@")[0])
        for report in reports
        if report is not None
        for fate in report.fates
    ]


def _listed(told: frozenset[Notice]) -> str:
    """Notices in words."""
    texts = [f"{_KINDS.get(kind, kind)} about {name.title()}" for kind, name in sorted(told)]
    return " and ".join(texts) if texts else "no notice"


def _exercise(case: Case, twin: Exercise | None) -> Exercise:
    one, two = case.people
    mail = f"MAIL FROM:<{ALICE}>"

    def to(name: str, notify: str = "") -> str:
        return f"RCPT TO:<{name}@{_DOMAIN}>" + (f" NOTIFY={notify}" if notify else "")

    first, second = case.asked
    right = (mail, to(one, first), to(two, second))
    return Exercise(
        case.id,
        case.title,
        case.task,
        LinesForm(3, before=("C: EHLO client.sender.example", "S: 250 ..."), after=("C: DATA", "S: 354 ...")),
        partial(grade, case),
        (
            "One command names the sender, one each person. The wish belongs to a person.",
            "Behind the address of RCPT there may be a parameter: a space, NOTIFY, an equals sign, a word.",
            "Its words are NEVER, SUCCESS, FAILURE, DELAY. Left out, failures are told, and here delays are not.",
        ),
        Solution(
            right,
            "NOTIFY stands behind each recipient, so each can have another. It travels with the envelope from hop to hop.",
        ),
        twin,
        _samples(case, mail, to),
    )


def _samples(case: Case, mail: str, to: Callable[..., str]) -> tuple[Sample, ...]:
    one, two = case.people
    first, second = case.asked
    right = (mail, to(one, first), to(two, second))
    delays = case is FIRST
    return (
        Sample(("", "", ""), "not_attempted", "still empty"),
        *(
            Sample(lines, "correct", "no more")
            for lines in (
                right,
                (mail, to(two, second), to(one, first)),
                tuple(line.lower() for line in right),
                (f"{mail} RET=HDRS ENVID=x1", *right[1:]),
                (mail, to(one, "SUCCESS,DELAY"), to(two, "FAILURE,SUCCESS"))
                if delays
                else (mail, to(one, "SUCCESS,FAILURE"), to(two, "FAILURE")),
            )
        ),
        Sample((mail, to(one), to(two)), "incorrect", "hears more" if delays else "never comes"),
        Sample((mail, to(one, second), to(two, first)), "incorrect", "hears more"),
        Sample((mail, to(one, "DELAY,FAILURE,SUCCESS"), to(two, second)), "incorrect", "hears more"),
        Sample((mail, to(one, "NEVER"), to(two, second)), "incorrect", "never comes"),
        Sample((mail, to(one, first), ""), "incorrect", f"{two.title()} is no recipient"),
        Sample(("MAIL FROM:<>", *right[1:]), "incorrect", "nowhere to go"),
        Sample((f"MAIL FROM:<bob@{_DOMAIN}>", *right[1:]), "incorrect", "somebody else"),
        Sample((f"{mail} NOTIFY={first}", to(one), to(two, second)), "incorrect", "555"),
        Sample((mail, to(one, "WARNING"), to(two, second)), "incorrect", "501"),
        Sample((mail, to(one, first).replace("=", " "), to(two, second)), "incorrect", "5"),
        Sample((to(one, first), mail, to(two, second)), "incorrect", "RCPT came before the server knew"),
    )
