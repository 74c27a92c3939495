"""Exercise 3 of lesson 06: a message with made-up hops; the one line about its origin that can be believed."""

from __future__ import annotations

from functools import partial

from labkit.learn import Exercise, Feedback, Sample, Solution
from labkit.learn.forms import PickLineForm
from labkit.lessons.delivery_chain_questions import ON_TOP, is_command, received_lines, top_received
from labkit.lessons.delivery_chain_world import MALLORY, handed_in_by
from labkit.smtp.session import observe
from labkit.smtp.transcript import Transcript
from labkit.verdict import Evidence

BANK = (
    "Received: from relay.bank.example ([192.0.2.99])\r\n\tby mx.bank.example with ESMTPS id 7QK2;\r\n"
    "\tMon, 05 Jan 2026 08:59:00 +0000\r\nFrom: The bank <boss@bank.example>\r\nSubject: Payment\r\n\r\nToday, please.\r\n"
)
"""The made-up hop is one between two hosts of the bank."""
ALICES = (
    "Received: from relay.sender.example ([192.0.2.20])\r\n\tby mx1.receiver.example with ESMTP id K2PM7;\r\n"
    "\tMon, 05 Jan 2026 08:58:00 +0000\r\nFrom: Alice <alice@sender.example>\r\nSubject: My new number\r\n\r\nCall me.\r\n"
)
"""The made-up hop claims to be by Bob's own server."""


def grade(transcript: Transcript, line: int) -> Feedback:
    """The topmost Received field: the one host of the house wrote when the stranger called."""
    asked = "the line that says, so that Bob can believe it, where the message came from"
    right = top_received(transcript)
    if line in right:
        return Feedback(
            "correct",
            "Bob's own server wrote this field. It saw the address itself.",
            evidence=(Evidence.line(right[0]),),
            asked=asked,
            happened="Everything below came in with the message. All of it can be made up.",
            rule=ON_TOP,
            transcript=transcript,
        )
    return Feedback(
        "incorrect",
        _beside(transcript, line),
        evidence=(Evidence.line(line),),
        asked=asked,
        happened=f"You pointed at line {line}.",
        rule=ON_TOP,
        look="Which lines of the header were there when the stranger called mx1, and which did mx1 add?",
        further="mx1 adds one field, and puts it above all that it was given.",
        transcript=transcript,
    )


def _beside(transcript: Transcript, line: int) -> str:
    """What another line says, and who could have written it."""
    note = next(note for note in observe(transcript) if note.seq == line)
    if any(line in lines for lines in received_lines(transcript)[1:]):
        return "This field was in the message when it was handed in. Who hands in can have written it."
    if note.role == "text" and note.octets.lower().startswith(b"from:"):
        return "That is the author as the text says. SMTP checks nothing of it."
    if is_command(note, "MAIL"):
        return "The envelope's sender. A client names whom it likes, and mx1 passed it on."
    if is_command(note, "EHLO", "HELO"):
        return "That is mx1 calling the mailbox server, inside the house. Who had called mx1?"
    return "This line names no host that handed the message in."


def find_the_origin() -> Exercise:
    """Exercise 3: a stranger with a made-up hop of a bank; the twin makes one up by Bob's own server."""
    offers = ("PIPELINING", "SIZE", "8BITMIME", "ENHANCEDSTATUSCODES", "HELP")
    alices = handed_in_by("smtp.bulk.example", "203.0.113.77", ALICES, "alice@sender.example", offers)
    banks = handed_in_by(MALLORY, "203.0.113.66", BANK, "boss@bank.example")
    twin = _task("06.q3b", "Alice says that she never sent this.", alices, None)
    return _task("06.q3", "The bank says that it never sent this.", banks, twin)


def _task(id: str, story: str, transcript: Transcript, twin: Exercise | None) -> Exercise:
    right, *others = received_lines(transcript)
    notes = observe(transcript)
    author = next(note.seq for note in notes if note.octets.lower().startswith(b"from:"))
    envelope = next(note.seq for note in notes if is_command(note, "MAIL"))
    samples = [
        Sample((), "not_attempted", "Point at a line"),
        Sample((right[0],), "correct", "Bob's own server wrote this field"),
        Sample((f"line {right[1]}",), "correct", "saw the address itself"),
        *(Sample((lines[0],), "incorrect", "when it was handed in") for lines in others),
        Sample((author,), "incorrect", "author as the text says"),
        Sample((envelope,), "incorrect", "names whom it likes"),
    ]
    return Exercise(
        id,
        "Where did it come from?",
        f"{story} You see the message on its last hop, from mx1 to Bob's mailbox server. "
        "Point at the line that tells Bob's side, beyond doubt, who handed it in.",
        PickLineForm(transcript),
        partial(grade, transcript),
        (
            "Read the Received fields from the top. Behind `by` stands who wrote each.",
            "A name can be borrowed. What did mx1 see itself when it was called?",
        ),
        Solution(
            right[0],
            "The topmost field is mx1's. The name in it is what the stranger said; the address is what mx1 saw. "
            "All below came from the stranger.",
        ),
        twin,
        samples,
    )
