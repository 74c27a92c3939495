"""What graders of sessions share: what was delivered, and the first line that was refused."""

from __future__ import annotations

import re
from collections.abc import Collection

from labkit.frozen import dataclass
from labkit.learn.feedback import Feedback
from labkit.lessons.slips import ORDER, PER_RECIPIENT, name_slip, quoted
from labkit.smtp.note import Envelope, Note
from labkit.smtp.reply import Reply
from labkit.smtp.rule import Rule
from labkit.smtp.session import observe
from labkit.smtp.transcript import Transcript
from labkit.verdict import Evidence

__all__ = [
    "ORDER", "PER_RECIPIENT", "TAKEN", "Delivery", "deliveries", "first_refusal", "mailbox_name", "quoted", "replies",
]  # fmt: skip

TAKEN = Rule(
    "RFC 5321 section 4.2.5",
    "Only a reply that begins with 2, after the end of the text, makes the server responsible for the message.",
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


def first_refusal(
    transcript: Transcript, asked: str, expected: Collection[int] = (), *, domain: str = "receiver.example"
) -> Feedback | None:
    """Feedback on the first client line that got a 4yz or 5yz reply (codes in `expected` do not count); None if none did.

    domain  the one that the server takes mail for, to tell a wrong domain from a wrong name
    """
    notes = observe(transcript)
    by_number = {note.seq: note for note in notes}
    for note in notes:
        reply = note.reply
        if not isinstance(reply, Reply) or reply.severity < 4 or reply.code in expected:
            continue
        if note.answers is None:
            continue
        line = by_number[note.answers]
        slip = name_slip(notes, line, reply, domain)
        return Feedback(
            "incorrect",
            slip.says,
            # The line alone: the words of a server's refusal often are the answer.
            evidence=(Evidence.line(line.seq),),
            asked=asked,
            happened=f"{quoted(line.octets)} got {reply.code}.",
            rule=slip.rule,
            look=slip.look,
            further=slip.further if slip.further != slip.says else "",
            transcript=transcript,
        )
    return None


def mailbox_name(address: str) -> str:
    """An address as a key: case does not matter here, and needless quotes mean the same (RFC 5321 section 4.1.2)."""
    local, at, domain = address.lower().rpartition("@")
    if len(local) > 2 and local[0] == local[-1] == '"' and re.fullmatch(r"[\w.+-]+", local[1:-1]):
        local = local[1:-1]
    return f"{local}{at}{domain}"
