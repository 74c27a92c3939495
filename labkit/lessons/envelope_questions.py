"""The questions of lesson 02: where a blind copy stands, who has a copy, who stops a wrong From."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from labkit.learn.prediction import Observation, Prediction
from labkit.lessons.grading import deliveries, mailbox_name, replies
from labkit.smtp.command import Command
from labkit.smtp.reply import Reply
from labkit.smtp.rule import Rule
from labkit.smtp.session import observe
from labkit.smtp.transcript import Transcript
from labkit.view.tables import Table

CAROL = "carol@receiver.example"
COMMANDS = (
    (
        "swaks",
        "the envelope in --from and --to, the header in --header",
        "swaks --server {ip} --port {port} --helo sender.example --from alice@sender.example --to dave@receiver.example --header 'To: bob@receiver.example'",
    ),
    (
        "curl",
        "the envelope in --mail-from and --mail-rcpt, the header in the text",
        "printf 'To: bob@receiver.example\\r\\nSubject: Tea\\r\\n\\r\\nAt four?\\r\\n' | curl --url smtp://{ip}:{port}/sender.example --mail-from alice@sender.example --mail-rcpt dave@receiver.example --upload-file -",
    ),
)


def predictions() -> Mapping[str, Prediction]:
    """Where a blind copy stands, who has a copy, who stops a wrong From."""
    return {
        "blind": Prediction(
            "02.p1",
            "Alice writes to Bob, with Carol in Bcc. One message leaves her program. "
            "Where does Carol's address stand on the way?",
            (
                "In a Bcc field, which Bob's program hides.",
                "In a Bcc field, which Bob's server takes out.",
                "In no field at all, only in what the servers say.",
                "In the header of Carol's copy only.",
            ),
            "In no field at all, only in what the servers say.",
            "Her program puts Carol into a RCPT line and into no field. Each server repeats the RCPT line to the next one.",
        ),
        "three": Prediction(
            "02.p2",
            "Bob gets 250, `crol` (a slip of the pen) 550, Dave 250. The text has one field only, `To: crol@receiver.example`. "
            "After the dot comes 250. Who has a copy?",
            (
                "Nobody: the one in To does not exist.",
                "Bob only: a refusal ends the list.",
                "Bob and Dave.",
                "All three, until `crol` bounces.",
            ),
            "Bob and Dave.",
            "Each RCPT was answered for itself. What the text says about To, no server asked.",
        ),
        "boss": Prediction(
            "02.p3",
            "Alice writes `boss@receiver.example` into From. Her account stays `alice@sender.example`. Who stops her?",
            (
                "submit.sender.example: she has no such account.",
                "mx1.receiver.example: its own boss cannot come from outside.",
                "Nobody. Bob sees a letter from his boss.",
                "Nobody, but Bob sees Alice's address in From.",
            ),
            "Nobody. Bob sees a letter from his boss.",
            "From is text after 354, and SMTP compares it with nothing. The envelope still says `alice@sender.example`.",
        ),
    }


def observations(
    letter: Callable[[], Transcript | None], session: Callable[[], Transcript | None]
) -> Mapping[str, Observation]:
    """The line that made Carol get a copy; the line that answers for two copies."""
    return {
        "copy": Observation(
            "02.o1",
            "Your letter as it was handed in: which line made Carol get a copy?",
            None,
            _to_carol,
            "This line names her, and nothing else in the session does. Every server on the way said it again.",
            Rule("RFC 5321 section 3.3", "RCPT names one recipient. It is repeated for each of them."),
            _beside_carol,
            "Search for the one place where her address is said.",
            "The header begins after 354. Look at the lines before it.",
            source=letter,
        ),
        "together": Observation(
            "02.o2",
            "Which line answers for Bob's and for Dave's copy at once?",
            None,
            lambda transcript: frozenset(one.line for one in deliveries(transcript)),
            "One 250 for both. There is no way to take the text for Bob and refuse it for Dave.",
            Rule(
                "RFC 5321 section 3.3", "After the text comes one answer, for all recipients accepted before."
            ),
            _beside_the_answer,
            "Ask of each reply: how many people is it about?",
            "The server has to have the whole text before it can answer for it.",
            source=session,
        ),
    }


def _to_carol(transcript: Transcript) -> frozenset[int]:
    return frozenset(
        note.seq
        for note in observe(transcript)
        if note.role == "command"
        and isinstance(note.command, Command)
        and note.command.verb == "RCPT"
        and note.command.path is not None
        and mailbox_name(f"{note.command.path.local_part}@{note.command.path.domain}") == CAROL
    )


def _beside_carol(transcript: Transcript) -> dict[int, str]:
    """Words for who points at another line of the letter's session."""
    found: dict[int, str] = {}
    for note in observe(transcript):
        if isinstance(note.reply, Reply):
            found[note.seq] = "The server says yes or no to a line. Which line was it, and whom does it name?"
        elif note.detail == "header":
            found[note.seq] = (
                "A field of the header. Would Carol have got her copy without it? Her name is not in it."
            )
        elif isinstance(note.command, Command) and note.command.verb == "MAIL":
            found[note.seq] = "This line says who it is from."
        elif isinstance(note.command, Command) and note.command.verb == "RCPT":
            found[note.seq] = "This line names a recipient, but which one?"
    return found


def _beside_the_answer(transcript: Transcript) -> dict[int, str]:
    """Words for who points at another reply of the session with three recipients."""
    found: dict[int, str] = {}
    for note, reply in replies(transcript):
        asked = reply.code
        before = next((one for one in observe(transcript) if one.seq == note.answers), None)
        verb = before.command.verb if before is not None and isinstance(before.command, Command) else ""
        if verb == "RCPT":
            found[note.seq] = "This answers one RCPT, so it is about one person, and no text had come."
        elif asked == 354:
            found[note.seq] = "This asks for the text. The server has promised nothing about it yet."
    return found


def limits_table() -> Table:
    """How many recipients: common advice beside the standard."""
    return Table(
        ("question", "common advice", "the standard", "what to do"),
        (
            (
                "How many RCPT in one transaction?",
                "About 2,000 per message.",
                "Every server takes 100 at least; there is no upper bound (RFC 5321, section 4.5.3.1.8). "
                "What is above is each provider's policy; we found no primary source for 2,000.",
                "Go on until the server says stop.",
            ),
            (
                "What says stop?",
                "552.",
                "452 (section 4.5.3.1.10). RFC 821 said 552 by mistake, so treat 552 at RCPT as temporary. "
                "A policy may use 5yz.",
                "Finish this transaction; the rest at once in the next.",
            ),
            (
                "Can I know before?",
                "No.",
                "With LIMITS a server announces RCPTMAX after EHLO (RFC 9422). Few do.",
                "Read the answer to EHLO.",
            ),
        ),
    )
