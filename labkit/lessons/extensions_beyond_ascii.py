"""Exercise 3 of lesson 03: deliver to an address beyond ASCII, in a session of the learner's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from labkit.learn.exercise import Exercise, Sample, Solution
from labkit.learn.feedback import Feedback
from labkit.learn.forms import LiveForm
from labkit.lessons.extensions_runs import FROM_ALICE, HELLO, MX1
from labkit.lessons.grading import TAKEN, deliveries, first_refusal, mailbox_name, quoted
from labkit.smtp.rule import Rule
from labkit.smtp.session import observe
from labkit.smtp.transcript import Transcript
from labkit.verdict import Evidence

_UTF8 = Rule(
    "RFC 6531 section 3.4",
    "An address beyond ASCII may be used when MAIL has said so, and MAIL may say it when EHLO has offered it.",
)
_WAYS = "Only your latest session in the console counts. Press Start over for a new one."


def deliver_beyond_ascii(own_session: Callable[[], Transcript]) -> Exercise:
    """The task; `own_session` gives the learner's latest session."""
    return _exercise("03.q3", "zoë", own_session, _exercise("03.q3b", "josé", own_session, None))


def grade(name: str, transcript: Transcript) -> Feedback:
    """Whether a message for that mailbox was taken; else the first refusal, else what is still missing."""
    address = f"{name}@receiver.example"
    wrong = partial(Feedback, "incorrect", asked=_title(name), transcript=transcript)
    taken = [
        one for one in deliveries(transcript) if address in map(mailbox_name, one.envelope.forward_paths)
    ]
    if taken:
        return Feedback(
            "correct",
            f"{name.title()} has it.",
            evidence=(Evidence.line(taken[0].line),),
            asked=_title(name),
            happened="EHLO offered it, MAIL asked for it, and RCPT could use it.",
            rule=_UTF8,
            transcript=transcript,
        )
    refused = first_refusal(transcript, _title(name))
    if refused is not None:
        return refused
    others = [path for one in deliveries(transcript) for path in one.envelope.forward_paths]
    if others:
        return wrong(
            f"A message was taken, for {', '.join(quoted(path.encode()) for path in others)}.",
            evidence=(Evidence.line(deliveries(transcript)[-1].line),),
            happened=f"{name.title()} got nothing.",
            rule=_UTF8,
            look=f"Compare the address with the task. {_WAYS}",
        )
    return wrong(
        "No message was taken yet.",
        happened=f"Nothing was refused. The session stands at: {observe(transcript)[-1].after.value}.",
        rule=TAKEN,
        look="Go on in the same session: which steps of a delivery are still to come?",
    )


def _title(name: str) -> str:
    return f"Deliver a message to {name}@receiver.example"


def _exercise(id: str, name: str, source: Callable[[], Transcript], twin: Exercise | None) -> Exercise:
    address = f"{name}@receiver.example"
    right = _session(name, f"{FROM_ALICE} SMTPUTF8")
    return Exercise(
        id,
        _title(name),
        f"In the console above, deliver any message to `{address}`. The dots and strokes count: copy the address from here. "
        "Then press Check.",
        LiveForm(),
        partial(grade, name),
        (
            "Connect, greet, and read the list. Which of its lines is about more than ASCII in addresses?",
            "The offer has to be taken up where the message begins, before any recipient.",
            "It is a parameter of MAIL that has no value: a space behind the closing bracket, then the keyword of the list.",
        ),
        Solution(
            (right,), "SMTPUTF8 stands in the list, MAIL takes it up, and then RCPT may name such an address."
        ),
        twin,
        (
            Sample(("",), "not_attempted", "There is no session"),
            Sample((right,), "correct", f"{name.title()} has it"),
            Sample((_session(name, f"{FROM_ALICE} SMTPUTF8 BODY=8BITMIME"),), "correct", "has it"),
            Sample((_session(name, FROM_ALICE),), "incorrect", "MAIL did not say SMTPUTF8"),
            Sample(
                (_session(name, f"{FROM_ALICE} SMTPUTF8", greet="HELO sender.example"),),
                "incorrect",
                "did not announce SMTPUTF8",
            ),
            Sample((_session("bob", FROM_ALICE),), "incorrect", "taken, for `bob@receiver.example`"),
            Sample(
                (_session(name.replace("ë", "e").replace("é", "e"), FROM_ALICE),),
                "incorrect",
                "This server has no mailbox",
            ),
            Sample(
                (_session(name, f"{FROM_ALICE} SMTPUTF8", until=4),), "incorrect", "No message was taken yet"
            ),
            Sample((_session(name, f"{FROM_ALICE} UTF8"),), "incorrect", "got 555"),
        ),
        source=source,
    )


def _session(name: str, mail: str, *, greet: str = HELLO, until: int | None = None) -> str:
    """A session with the lesson's server as text, as it would really go."""
    from labkit.world import play

    lines = (greet, mail, f"RCPT TO:<{name}@receiver.example>", "DATA", "Subject: Hello", "", "Hello.", ".")
    return play(lines[:until], MX1).to_text()
