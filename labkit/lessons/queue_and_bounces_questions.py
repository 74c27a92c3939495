"""The questions of lesson 05: who holds the message, what comes of it, and which line decided."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from labkit.learn.prediction import Observation, Prediction
from labkit.lessons.grading import deliveries
from labkit.lessons.session_questions import before_the_promise
from labkit.smtp.command import Command
from labkit.smtp.rule import Rule
from labkit.smtp.session import observe
from labkit.smtp.transcript import Transcript


def predictions() -> Mapping[str, Prediction]:
    """Where a message waits, what comes of five days without an answer, what a lost answer does."""
    return {
        "greylisting": Prediction(
            "05.p1",
            "Bob's server answers 451: not now, try again later. Where is Alice's message then?",
            (
                "In her program. She has to send it again.",
                "In a queue at her own side.",
                "At Bob's server, in a waiting room.",
                "Nowhere. It comes back as failed.",
            ),
            "In a queue at her own side.",
            "Her relay had taken it and answers for it. A 4yz means: keep it, try again (RFC 5321 section 4.2.1).",
        ),
        "down": Prediction(
            "05.p2",
            "Bob's server stays silent for more than five days. What does Alice hear?",
            (
                "Nothing. Mail that does not arrive is gone.",
                "A failure notice at once.",
                "A failure notice after five days.",
                "A failure notice for each try.",
            ),
            "A failure notice after five days.",
            "The relay delivers, or says that it could not (RFC 5321 section 6.1). Here it tries for five days first.",
        ),
        "lost": Prediction(
            "05.p3",
            "The dot is sent, and the answer is lost. What will Bob find?",
            (
                "Nothing: the message is lost.",
                "One copy: the servers sort it out.",
                "Two copies of the same message.",
                "One copy, and a note about it.",
            ),
            "Two copies of the same message.",
            "Bob's server had taken it, and the relay could not know. "
            "Without a 250 it tries again (RFC 5321 section 3.8): better twice than never.",
        ),
    }


def observations(
    handed_in: Callable[[], Transcript | None], notice: Callable[[], Transcript | None]
) -> Mapping[str, Observation]:
    """From which line on Alice may go home; which line keeps notices from breeding. Both in the learner's own sessions."""
    return {
        "responsibility": Observation(
            "05.o1",
            "Alice's program has handed it in. From which line on may she switch her computer off?",
            None,
            lambda transcript: frozenset(taken.line for taken in deliveries(transcript)),
            "The 250 after the dot. From here on the server answers for the message, without her.",
            Rule(
                "RFC 5321 section 4.2.5",
                "By a reply that begins with 2, to the end of the text, the server takes responsibility for the message.",
            ),
            before_the_promise,
            "Ask of each reply: if the connection broke now, who would still have the whole message?",
            "It is one of the server's lines. It comes after the text.",
            source=handed_in,
        ),
        "null_path": Observation(
            "05.o2",
            "This is how the notice travelled. Which line makes sure that nobody answers it with another notice?",
            None,
            null_paths,
            "MAIL FROM:<>. The reverse-path is where notices go. This one is empty, so there is nobody to tell.",
            Rule(
                "RFC 5321 section 4.5.5",
                "Notices go out with a null reverse-path, and nobody reports on a message that has one.",
            ),
            beside_the_null_path,
            "A server acts on the envelope. Which command says where failures are reported to?",
            "It comes before RCPT.",
            source=notice,
        ),
    }


def null_paths(transcript: Transcript) -> frozenset[int]:
    """The lines that are MAIL with an empty path."""
    return frozenset(
        note.seq
        for note in observe(transcript)
        if isinstance(note.command, Command)
        and note.command.verb == "MAIL"
        and note.octets.upper().startswith(b"MAIL FROM:<>")
    )


def beside_the_null_path(transcript: Transcript) -> dict[int, str]:
    """Words for who points at a line beside it."""
    found: dict[int, str] = {}
    for note in observe(transcript):
        if isinstance(note.command, Command) and note.command.verb == "RCPT":
            found[note.seq] = (
                "That line says who gets the notice. Where would a failure of it be reported to?"
            )
        elif note.role == "text" and note.octets.lower().startswith(b"auto-submitted"):
            found[note.seq] = (
                "That field keeps absence notices quiet. A mail server does not act on it: it acts on the envelope."
            )
        elif note.role == "text":
            found[note.seq] = "That is the text of the notice. A server hands it on and does not act on it."
    return found
