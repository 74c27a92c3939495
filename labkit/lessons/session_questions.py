"""The questions of lesson 01: what comes next, and which line decided. Asked before and after what the learner runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from labkit.learn.prediction import Observation, Prediction
from labkit.lessons.grading import deliveries, replies
from labkit.smtp.command import Command
from labkit.smtp.rule import Rule
from labkit.smtp.session import observe
from labkit.smtp.transcript import Transcript


def predictions() -> Mapping[str, Prediction]:
    """Who speaks first, what an answer out of order is, and what dots do."""
    return {
        "first_word": Prediction(
            "01.p1",
            "The connection is open and nobody has said anything yet. Who speaks first?",
            (
                "My program says EHLO.",
                "The server greets.",
                "Both wait for the other.",
                "The server asks for a password.",
            ),
            "The server greets.",
            "The server opens with 220 and its name (RFC 5321 section 3.1). The client waits for that line before it says EHLO.",
        ),
        "skipped_mail": Prediction(
            "01.p2",
            "After EHLO you send RCPT TO:<bob@receiver.example>, without MAIL. What does the server answer?",
            (
                "250: it notes the recipient.",
                "500: it does not know the command.",
                "503: wrong order.",
                "It closes the connection.",
            ),
            "503: wrong order.",
            "The command is known, so it is not 500. It came at the wrong moment, and the connection stays open (RFC 5321 section 4.1.4).",
        ),
        "dots": Prediction(
            "01.p3",
            "Your text goes on with `..bread`, `.` and `milk`, a line each. What will Bob read of them?",
            (
                "`..bread`, `.` and `milk`, as typed.",
                "`..bread`, and nothing after it.",
                "`.bread`, and nothing after it.",
                "`bread` and `milk`, without the dots.",
            ),
            "`.bread`, and nothing after it.",
            "The dot alone ended the message, so `milk` came as a command. "
            "From `..bread` the server took one dot away (RFC 5321 section 4.5.2).",
        ),
    }


def observations(own: Callable[[str], Transcript | None]) -> Mapping[str, Observation]:
    """Which line took responsibility; which line made the refusal. Both in the learner's own sessions."""
    return {
        "responsibility": Observation(
            "01.o1",
            "From which line on does the server answer for your message?",
            None,
            lambda transcript: frozenset(taken.line for taken in deliveries(transcript)),
            "The 250 after the dot. From here on the server must deliver the message or report that it could not.",
            Rule(
                "RFC 5321 section 4.2.5",
                "By a reply that begins with 2, to the end of the text, the server takes responsibility for the message.",
            ),
            before_the_promise,
            "Ask of each reply: what has the server got by then?",
            "Look for the first reply after the whole text was there.",
            source=lambda: own("main"),
        ),
        "order": Observation(
            "01.o2",
            "Which line made the server answer 503?",
            None,
            lambda transcript: frozenset(
                note.answers for note, reply in replies(transcript) if reply.code == 503 and note.answers
            ),
            "It came while the server was not ready for it: no MAIL had been accepted. After MAIL, the very same line is taken.",
            Rule(
                "RFC 5321 section 4.1.4",
                "MAIL opens the transaction, RCPT comes after it; out of order is answered by 503.",
            ),
            beside_the_refusal,
            "The 503 is one side of it. What stands on the other?",
            "A reply answers the client's line above it. Find the 503 first.",
            source=lambda: own("order"),
        ),
    }


def before_the_promise(transcript: Transcript) -> dict[int, str]:
    """What each earlier reply promised, for who points at it."""
    said = {
        "EHLO": "This 250 answers EHLO. It says what the server offers; no message exists yet.",
        "HELO": "This 250 answers HELO. No message exists yet.",
        "MAIL": "This reply is about the sender. There is no recipient and no text yet.",
        "RCPT": "This reply is about a recipient. If the connection broke now, nobody would owe Bob anything.",
        "DATA": "354 asks for the text. The server has promised nothing so far.",
        "QUIT": "221 is the goodbye. What was promised, was promised before.",
    }
    found: dict[int, str] = {}
    for note, _ in replies(transcript):
        if isinstance(note.command, Command) and note.command.verb in said:
            found[note.seq] = said[note.command.verb]
    for note in observe(transcript):
        if note.role == "end-of-text":
            found[note.seq] = "Here the client says that the text is complete. Has the server agreed yet?"
    return found


def beside_the_refusal(transcript: Transcript) -> dict[int, str]:
    """Words for who points at the 503 itself, or at lines that were taken."""
    found: dict[int, str] = {}
    for note, reply in replies(transcript):
        if reply.code == 503:
            found[note.seq] = "This is the answer itself. Which line was it an answer to?"
        elif note.answers and reply.severity == 2:
            found[note.answers] = "The server took this line: its answer begins with 2."
    return found
