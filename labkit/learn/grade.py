"""Helpers for graders of sessions: who answered what, the first refusal, the first step that differs.

A grader plays the learner's lines (or takes the learner's own session), reads the transcript with
`exchanges`, and turns what it finds into feedback that names the line and the rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from labkit.learn.feedback import Evidence, Feedback
from labkit.smtp.reply import Reply
from labkit.smtp.rule import Rule
from labkit.smtp.session import Note, observe
from labkit.smtp.states import END_OF_TEXT, GREETING
from labkit.smtp.transcript import Transcript

_PERMANENT = Rule(
    "RFC 5321 section 4.2.1", "A reply that begins with 5 refuses for good: do not repeat it unchanged."
)
_TRANSIENT = Rule("RFC 5321 section 4.2.1", "A reply that begins with 4 refuses for now: try again later.")
_SHOWN = 80  # characters of a line that a sentence quotes


class Exchange(NamedTuple):
    """One reply and what it answers.

    verb    of the command, in capitals; `GREETING` for the server's first words, `END_OF_TEXT` for the dot,
            "" for a line that is no command
    code    of the reply; 0 where it is no reply at all
    line    the number of the client's line, None for the greeting
    answer  the number of the reply's last line
    text    the client's line, as people read it
    note    what the observer says of the reply
    """

    verb: str
    code: int
    line: int | None
    answer: int
    text: str
    note: Note

    @property
    def digit(self) -> int:
        """The first digit of the code: 2 done, 3 go on, 4 not now, 5 refused."""
        return self.code // 100

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The client's line and the reply's."""
        lines = (self.answer,) if self.line is None else (self.line, self.answer)
        return tuple(Evidence.line(line) for line in lines)


class Step(NamedTuple):
    """What a session should do next: a verb, and the first digit of its reply (0: any)."""

    verb: str
    digit: int = 2


class Divergence(NamedTuple):
    """Where a session went another way than the steps.

    place     of the step, from 1
    expected  the step, None where the session goes on behind the last one
    found     what came instead, None where the session ends too early
    """

    place: int
    expected: Step | None
    found: Exchange | None


def exchanges(transcript: Transcript) -> tuple[Exchange, ...]:
    """All replies of a session in order, each with what it answers. Never raises for any transcript."""
    notes = observe(transcript)
    by_line = {note.seq: note for note in notes}
    found = []
    for note in notes:
        if note.reply is None or note.role not in ("greeting", "reply", "unsolicited"):
            continue
        asked = by_line.get(note.answers) if note.answers is not None else None
        if note.role == "greeting":
            verb = GREETING
        elif asked is not None and asked.role == "end-of-text":
            verb = END_OF_TEXT
        else:
            verb = note.command.verb if note.command is not None else ""
        code = note.reply.code if isinstance(note.reply, Reply) else 0
        text = _readable(asked.octets) if asked is not None else ""
        found.append(Exchange(verb, code, note.answers, note.seq, text, note))
    return tuple(found)


def first_refusal(session: Iterable[Exchange]) -> Exchange | None:
    """The first exchange that the server refused, for now or for good."""
    return next((exchange for exchange in session if exchange.digit in (4, 5)), None)


def first_divergence(session: Sequence[Exchange], steps: Sequence[Step]) -> Divergence | None:
    """Where the session first goes another way than the steps; None where they agree to the end."""
    for place in range(max(len(session), len(steps))):
        step = steps[place] if place < len(steps) else None
        found = session[place] if place < len(session) else None
        if step is None or found is None or found.verb != step.verb or step.digit not in (0, found.digit):
            return Divergence(place + 1, step, found)
    return None


def refused(exchange: Exchange, asked: str, look: str = "") -> Feedback:
    """The feedback "incorrect" for a line that the server refused: which one, with what, by which rule."""
    note = exchange.note
    expected = note.expectation
    if expected is not None and not expected.allowed:
        rule = expected.rule
    else:  # the command was in order, and the server has its own reason
        rule = _PERMANENT if exchange.digit == 5 else _TRANSIENT
    here = f"Line {exchange.line}" if exchange.line is not None else "The greeting"
    before = f"Before it the session was in the state '{note.before.value}'."
    return Feedback(
        "incorrect",
        f"The server refused {here[:1].lower()}{here[1:]}. {note.why}".strip(),
        exchange.evidence,
        asked,
        f"{here}, {exchange.text!r}, was answered by {exchange.code} in line {exchange.answer}."
        if exchange.line is not None
        else f"Line {exchange.answer} says {exchange.code}.",
        rule,
        look or f"{here}. {before}",
    )


def _readable(octets: bytes) -> str:
    text = octets.rstrip(b"\r\n").decode("ascii", "backslashreplace")
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}... ({len(octets)} octets)"
