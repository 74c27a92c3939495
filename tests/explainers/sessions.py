"""One session for each stage, ready for the reply that is to be explained."""

from __future__ import annotations

from labkit.explainers.line import LineExplanation, explain_line
from labkit.smtp import Note, Transcript, WireEvent, observe

HELLO = (
    "S: 220 a\nC: EHLO c.example\nS: 250-b\nS: 250-STARTTLS\nS: 250-CHUNKING\nS: 250-ETRN\nS: 250-EXPN\n"
    "S: 250 AUTH PLAIN\n"
)
SENDER = HELLO + "C: MAIL FROM:<alice@sender.example>\nS: 250 ok\n"
RECIPIENT = SENDER + "C: RCPT TO:<bob@receiver.example>\nS: 250 ok\n"

STAGES = {
    "greeting": "",
    "EHLO": "S: 220 a\nC: EHLO c.example\n",
    "HELO": "S: 220 a\nC: HELO c.example\n",
    "MAIL": HELLO + "C: MAIL FROM:<alice@sender.example>\n",
    "RCPT": RECIPIENT + "C: RCPT TO:<carol@receiver.example>\n",
    "first RCPT": SENDER + "C: RCPT TO:<carol@receiver.example>\n",
    "DATA": RECIPIENT + "C: DATA\n",
    "text": RECIPIENT + "C: DATA\nS: 354 go\nC: x\nC: .\n",
    "BDAT": RECIPIENT + "C: BDAT 3\nC= abc\n",
    "BDAT LAST": RECIPIENT + "C: BDAT 3 LAST\nC= abc\n",
    "RSET": RECIPIENT + "C: RSET\n",
    "NOOP": HELLO + "C: NOOP\n",
    "QUIT": HELLO + "C: QUIT\n",
    "VRFY": HELLO + "C: VRFY bob\n",
    "EXPN": HELLO + "C: EXPN staff\n",
    "HELP": HELLO + "C: HELP\n",
    "STARTTLS": HELLO + "C: STARTTLS\n",
    "AUTH": HELLO + "C: AUTH PLAIN\n",
    "response": HELLO + "C: AUTH PLAIN\nS: 334 x\nC: AGEAYg==\n",
    "ETRN": HELLO + "C: ETRN a.example\n",
    "EHLO again": RECIPIENT + "C: EHLO c.example\n",
    "second MAIL": RECIPIENT + "C: MAIL FROM:<>\n",
    "RSET early": HELLO + "C: RSET\n",
    "RCPT too early": HELLO + "C: RCPT TO:<bob@receiver.example>\n",
    "STARTTLS refused": HELLO + "C: STARTTLS\n",
    "unknown": HELLO + "C: FOO\n",
    "out of order": SENDER + "C: DATA\n",
    "malformed": RECIPIENT + "C: RCPT TO: <carol@receiver.example>\n",
    "unsolicited": HELLO,
}
"""Stage to a session that waits for a reply at it."""

_EVENTS = {stage: Transcript.from_text(text).events for stage, text in STAGES.items()}


def answered(stage: str, reply: str) -> tuple[Note, ...]:
    """The notes of a stage's session with a reply, of one line or several, at its end."""
    events = list(_EVENTS[stage])
    for line in reply.split("\n"):
        events.append(WireEvent(len(events) + 1, 0.0, 1, "S", "client", f"{line}\r\n".encode(), False))
    return observe(events)


def explained(stage: str, reply: str) -> LineExplanation:
    """The explanation of that reply."""
    notes = answered(stage, reply)
    return explain_line(notes, notes[-1].seq)


def explain_all(text: str) -> list[LineExplanation]:
    """The explanations of all lines of a session."""
    notes = observe(Transcript.from_text(text))
    return [explain_line(notes, note.seq) for note in notes]
