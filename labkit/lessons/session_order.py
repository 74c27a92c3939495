"""Exercise 2 of lesson 01: shuffled lines to put in order. Graded by saying them to a real server."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from labkit.learn.exercise import Exercise, Sample, Solution
from labkit.learn.feedback import Feedback
from labkit.learn.forms import OrderForm
from labkit.lessons.grading import ORDER, TAKEN, deliveries, first_refusal
from labkit.lessons.session_missing import SPEC
from labkit.smtp.rule import Rule
from labkit.verdict import Evidence
from labkit.world import play

_TEXT = Rule(
    "RFC 5321 section 4.1.1.4", "After 354 every line is message text, until a line with a dot alone."
)
_QUIT = Rule("RFC 5321 section 4.1.1.10", "QUIT ends the session: the server answers 221 and closes.")


def right_order() -> Exercise:
    """One message, its lines shuffled."""
    twin = _order(
        "01.q2b",
        (
            "MAIL FROM:<alice@sender.example>",
            "RCPT TO:<carol@receiver.example>",
            "RCPT TO:<dave@receiver.example>",
        ),
        "Subject: The minutes",
        None,
    )
    return _order(
        "01.q2",
        ("MAIL FROM:<alice@sender.example>", "RCPT TO:<bob@receiver.example>"),
        "Subject: The key is under the mat",
        twin,
    )


def grade(title: str, text: str, lines: Sequence[str]) -> Feedback:
    """The first refusal; else what was left unsaid, or became text that was meant as a command."""
    transcript = play(lines, SPEC)
    wrong = partial(Feedback, "incorrect", asked=title, transcript=transcript)
    refused = first_refusal(transcript, title)
    if refused is not None:
        return refused
    said = [event for event in transcript if event.sender == "C" and event.data]
    if len(said) < len(lines):
        return wrong(
            "QUIT ended the session too early.",
            evidence=(Evidence.line(said[-1].seq),),
            happened=f"{len(said)} of {len(lines)} lines were said; then the connection was closed.",
            rule=_QUIT,
            look="Which lines came behind it, and could never be said?",
        )
    taken = deliveries(transcript)
    if not taken:
        return wrong(
            "The server never took a message.",
            happened="Everything after DATA was message text.",
            rule=TAKEN,
            look="What would have told the server that the text is over?",
        )
    swallowed = [line.decode() for line in taken[0].text if line != text.encode()]
    if swallowed:
        return wrong(
            f"{_listed(swallowed)} became a line of the message.",
            evidence=(Evidence.line(taken[0].line),),
            happened="Between DATA and the dot the server reads text. A command there does nothing.",
            rule=_TEXT,
            look="Look at what stands between DATA and the dot in your order.",
        )
    return Feedback(
        "correct",
        "The server took the message and said goodbye.",
        evidence=(Evidence.line(taken[0].line),),
        asked=title,
        happened="Every line came at its moment: greeting, sender, recipients, text, goodbye.",
        rule=ORDER,
        transcript=transcript,
    )


def _listed(lines: Sequence[str]) -> str:
    return " and ".join(f"`{line}`" for line in lines)


def _order(id: str, envelope: tuple[str, ...], text: str, twin: Exercise | None) -> Exercise:
    hello, data, dot, quit = "EHLO sender.example", "DATA", ".", "QUIT"
    mail, *recipients = envelope
    right = (hello, *envelope, data, text, dot, quit)
    title = f"Put {len(right)} lines in order"
    slips = (
        ((mail, hello, *recipients, data, text, dot, quit), "MAIL came before the client had said who it is"),
        ((*envelope, data, text, dot, quit, hello), "MAIL came before the client had said who it is"),
        ((hello, *recipients, mail, data, text, dot, quit), "RCPT came before the server knew"),
        ((hello, data, *envelope, text, dot, quit), "DATA came before the server knew from whom"),
        ((hello, mail, data, *recipients, text, dot, quit), "DATA came before anybody was named"),
        ((text, hello, *envelope, data, dot, quit), "`Subject:` is a line of the message"),
        ((hello, *envelope, text, data, dot, quit), "`Subject:` is a line of the message"),
        ((hello, mail, text, *recipients, data, dot, quit), "`Subject:` is a line of the message"),
        ((hello, *envelope, data, dot, text, quit), "`Subject:` came after the dot"),
        ((hello, *envelope, dot, data, text, quit), "A dot alone came where the server waits for a command"),
        ((hello, quit, *envelope, data, text, dot), "QUIT ended the session too early"),
        ((quit, hello, *envelope, data, text, dot), "QUIT ended the session too early"),
        ((hello, *envelope, data, text, quit, dot), "`QUIT` became a line of the message"),
        *(
            (
                (hello, mail, *recipients[:-1], data, late, text, dot, quit),
                f"`{late}` became a line of the message",
            )
            for late in recipients[1:]
        ),
    )
    return Exercise(
        id,
        title,
        "These are the lines of one client, shuffled; the server's answers are left out. Put them into an order that "
        "delivers the message and ends the session. The check says them to a real server.",
        OrderForm((dot, *envelope[::-1], quit, data, hello, text)),
        partial(grade, title, text),
        (
            "Which line must come before everything else, and which one can nothing follow?",
            "A dot alone ends the text. So the text stands before it, and something that opens the text before that.",
            "The transaction goes: from whom, to whom, then the text.",
        ),
        Solution(
            right,
            "EHLO opens the session, MAIL the transaction, RCPT names a recipient, DATA opens the text, the dot ends it.",
        ),
        twin,
        (
            Sample((), "not_attempted", "stand as they came"),
            Sample(right, "correct", "took the message"),
            *(Sample(lines, "incorrect", says) for lines, says in slips),
        ),
    )
