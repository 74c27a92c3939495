"""What graders of sessions share: what was delivered, and the first line that was refused."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from labkit.explainers.line import explain_line
from labkit.learn.feedback import Evidence, Feedback
from labkit.smtp.note import Envelope, Note
from labkit.smtp.reply import Reply
from labkit.smtp.rule import Rule
from labkit.smtp.session import observe
from labkit.smtp.transcript import Transcript
from labkit.view.printable import printable, shortened

ORDER = Rule(
    "RFC 5321 section 4.1.4", "EHLO comes first, then MAIL, then RCPT for each recipient, then DATA."
)
PER_RECIPIENT = Rule(
    "RFC 5321 section 3.3", "Each recipient has a RCPT of its own, and each is answered for itself."
)
TAKEN = Rule(
    "RFC 5321 section 4.2.5",
    "Only a 2yz reply after the end of the text makes the server responsible for the message.",
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message that the server took: its envelope, its text lines as sent, and the number of the deciding reply."""

    envelope: Envelope
    text: tuple[bytes, ...]
    line: int


def deliveries(transcript: Transcript) -> tuple[Delivery, ...]:
    """The messages that the server took responsibility for, in order."""
    notes = observe(transcript)
    by_number = {note.seq: note for note in notes}
    taken: list[Delivery] = []
    text: list[bytes] = []
    for note in notes:
        if note.role == "text":
            text.append(note.octets.removesuffix(b"\r\n"))
        elif note.role == "end-of-text":
            answer = by_number[note.answered_by].reply if note.answered_by else None
            if isinstance(answer, Reply) and answer.severity == 2 and note.answered_by:
                taken.append(Delivery(note.envelope, tuple(text), note.answered_by))
            text = []
    return tuple(taken)


def replies(transcript: Transcript) -> tuple[tuple[Note, Reply], ...]:
    """Each well-formed reply with its note."""
    return tuple((note, note.reply) for note in observe(transcript) if isinstance(note.reply, Reply))


def first_refusal(transcript: Transcript, asked: str, expected: Collection[int] = ()) -> Feedback | None:
    """Feedback on the first client line that got a 4yz or 5yz reply (codes in `expected` do not count); None if none did."""
    notes = observe(transcript)
    by_number = {note.seq: note for note in notes}
    for note in notes:
        reply = note.reply
        if (
            not isinstance(reply, Reply)
            or reply.severity < 4
            or reply.code in expected
            or note.answers is None
        ):
            continue
        question = by_number[note.answers]
        said = quoted(question.octets)
        known = explain_line(notes, note.seq)
        rule = (
            question.expectation.rule if question.expectation and not question.expectation.allowed else None
        )
        return Feedback(
            "incorrect",
            f"The server refused one of the lines: {reply.code}.",
            evidence=(Evidence.line(question.seq), Evidence.line(note.seq)),
            asked=asked,
            happened=f"{said} came while the session was {known_state(question)}, and got {reply.code}.",
            rule=rule or (known.rules[0] if known.rules else ORDER),
            look=question.why or known.happened or "Look at that line and at the one before it.",
        )
    return None


def known_state(note: Note) -> str:
    """The state in which a line was said, in the words of the state strip."""
    words = {
        "sender": "at 'sender set'",
        "recipients": "at 'recipients'",
        "message": "inside the message text",
    }
    return words.get(str(note.before.value), f"at '{note.before.value}'")


def quoted(octets: bytes) -> str:
    """A line for a sentence: escaped, and cut to a readable length."""
    text, more = shortened(printable(octets.rstrip(b"\r\n")), 80)
    return f"`{text or '(an empty line)'}{' …' if more else ''}`"
