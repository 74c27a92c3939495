"""The questions of lesson 04: what to do about a refusal, and which line tells."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from labkit.learn.prediction import Observation, Prediction
from labkit.lessons.grading import replies
from labkit.smtp.rule import Rule
from labkit.smtp.transcript import Transcript


def predictions() -> Mapping[str, Prediction]:
    """Whom to remove, what comes next, and which number stands behind the 550."""
    return {
        "same_number": Prediction(
            "04.p1",
            "A newsletter goes to `bbo` and `bob`. The server refuses `bbo` with 550 at his name. It accepts `bob`, and after "
            "the text it says 550 again. Whom do you take off your list?",
            (
                "Both.",
                "Only `bbo`, refused at his name.",
                "Only `bob`, refused after the text.",
                "Nobody.",
            ),
            "Only `bbo`, refused at his name.",
            "There is no mailbox `bbo`. Bob's is fine: what was refused is the newsletter, whoever it goes to.",
        ),
        "three_people": Prediction(
            "04.p2",
            "One message, three recipients: Bob gets 250, Carol 450, `bbo` 550. After the dot comes 250. "
            "What does your server do next?",
            (
                "Nothing: the last 250 is for all three.",
                "It sends the message again later, to all three.",
                "It reports Carol and `bbo` as failed.",
                "It tries Carol again later, and reports `bbo` as failed.",
            ),
            "It tries Carol again later, and reports `bbo` as failed.",
            "The 250 after the dot covers only who was accepted before. Carol's copy waits in the queue, and Alice gets a "
            "notice about `bbo`.",
        ),
        "elsewhere": Prediction(
            "04.p3",
            "This server has nothing to do with `elsewhere.example`. It refuses `carol@elsewhere.example` at `RCPT` with 550. "
            "Which number stands behind it?",
            (
                "5.1.1: no such mailbox.",
                "5.1.2: no such domain.",
                "5.2.1: the mailbox takes no mail.",
                "5.7.1: not permitted.",
            ),
            "5.7.1: not permitted.",
            "The server has not looked for Carol at all: it carries no mail of strangers elsewhere. Her address may be right.",
        ),
    }


def observations(own: Callable[[str], Transcript | None]) -> Mapping[str, Observation]:
    """Which refusal is about an address; which reply leaves a copy waiting. Both in the learner's own sessions."""
    return {
        "address": Observation(
            "04.o1",
            "Which reply says that an address is wrong?",
            None,
            lambda transcript: frozenset(
                note.seq
                for note, reply in replies(transcript)
                if (reply.enhanced_code or "").startswith("5.1.")
            ),
            "550 and then 5.1.1. The 1 in the middle says: about an address. The other refusal says 7 there: about "
            "security or policy.",
            Rule("RFC 3463 section 2", "The middle number of the second code says what the reply is about."),
            _beside_the_address,
            "Read what stands between the three digits and the words.",
            "Two replies begin with 550. Compare the numbers behind them, from left to right.",
            source=lambda: own("same_number"),
        ),
        "waiting": Observation(
            "04.o2",
            "Which reply leaves a copy of this message waiting in your server's queue?",
            None,
            lambda transcript: frozenset(
                note.seq for note, reply in replies(transcript) if reply.code in (450, 451, 452)
            ),
            "The 450. It says: not now. Your server keeps Carol's copy and tries again by itself.",
            Rule("RFC 5321 section 4.5.4.1", "What got a 4yz reply is kept in the queue, and tried again."),
            _beside_the_wait,
            "Ask of each reply: is this recipient settled, for good or for bad?",
            "Read only the first digits of the three answers to RCPT.",
            source=lambda: own("three_people"),
        ),
    }


def _beside_the_address(transcript: Transcript) -> dict[int, str]:
    """Words for who points at another reply of the first session."""
    found: dict[int, str] = {}
    for note, reply in replies(transcript):
        if reply.severity == 5:
            found[note.seq] = (
                "This is a refusal. Is it about an address, or about the message and where it comes from?"
            )
        elif reply.severity < 4:
            found[note.seq] = "This line accepted something."
    return found


def _beside_the_wait(transcript: Transcript) -> dict[int, str]:
    """Words for who points at another reply of the second session."""
    said = {
        250: "This is settled: the server said yes.",
        354: "This asks for the text. It says nothing about a recipient.",
        421: "With this line the server hung up, before a second message had begun. The first one was decided by then.",
        550: "This is settled as well: the same line would get the same answer tomorrow.",
    }
    return {note.seq: said[reply.code] for note, reply in replies(transcript) if reply.code in said}
