"""What just happened: any line of a session explained by digits, stage and state.

Never by the server's text, and never by the code alone: the same 550 says one thing to RCPT, another after
the dot, and others again with 5.1.1 or 5.7.26. Two kinds of text are data and are read as such: the lines of
the answer to EHLO, and the challenge in a 334.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from labkit.explainers.commands import explain_command, explain_unanswered
from labkit.explainers.explanation import LineExplanation
from labkit.explainers.message_lines import explain_end_of_text, explain_text
from labkit.explainers.replies import explain_reply, explain_reply_part
from labkit.explainers.sasl import explain_response
from labkit.smtp.note import Note
from labkit.smtp.rule import Rule
from labkit.smtp.session import State

__all__ = ["LineExplanation", "explain_line"]

_LONGEST = 500  # characters of a token or a sentence

_PIECES = Rule("RFC 5321 section 2.3.8", "A line ends in CR LF, however many pieces it comes in.")
_LAST = Rule(
    "RFC 5321 section 4.1.1.10", "A session ends with QUIT and 221, and only then the server closes."
)
_LOST = Rule(
    "RFC 5321 section 3.8", "A client that loses the connection treats the transaction as answered by 451."
)


def explain_line(notes: Sequence[Note], seq: int) -> LineExplanation:
    """Explain line ``seq`` of an observed session, given all its notes so far.

    Raises KeyError if no note has this number.
    """
    index = _place(notes, seq)
    if index is None:
        raise KeyError(f"there is no line {seq}")
    return _readable(_explain(notes, index))


def _explain(notes: Sequence[Note], index: int) -> LineExplanation:
    note = notes[index]
    match note.role:
        case "greeting" | "reply" | "unsolicited":
            return explain_reply(note, _linked(notes, note.answers))
        case "reply-part":
            return explain_reply_part(note)
        case "text":
            return explain_text(note)
        case "end-of-text":
            return explain_end_of_text(note, _linked(notes, note.answered_by))
        case "auth":
            return explain_response(notes, index)
        case "unanswered":
            return explain_unanswered(note)
        case "closed":
            return _explain_closed(note, notes[index - 1] if index else None)
        case "command-part":
            return _explain_piece(note)
        case _:
            return explain_command(note, _linked(notes, note.answered_by))


def _readable(one: LineExplanation) -> LineExplanation:
    """What came from the wire is cut to a length for reading, and shows every control character."""
    parts = tuple((_plain(token), _plain(meaning)) for token, meaning in one.parts)
    return replace(
        one,
        headline=_plain(one.headline),
        parts=parts,
        happened=_plain(one.happened),
        effect=_plain(one.effect),
        rules=tuple({rule.ref: rule for rule in reversed(one.rules)}.values())[::-1],  # a place is named once
    )


def _plain(text: str) -> str:
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}\u2026"
    if text.isprintable():
        return text
    return "".join(mark if mark.isprintable() else mark.encode("unicode_escape").decode() for mark in text)


def _linked(notes: Sequence[Note], seq: int | None) -> Note | None:
    place = None if seq is None else _place(notes, seq)
    return None if place is None else notes[place]


def _place(notes: Sequence[Note], seq: int) -> int | None:
    """Where the note with this number is: at once in an unbroken numbering, else by looking."""
    if not notes:
        return None
    guess = seq - notes[0].seq
    if 0 <= guess < len(notes) and notes[guess].seq == seq:
        return guess
    return next((place for place, note in enumerate(notes) if note.seq == seq), None)


def _explain_closed(note: Note, before: Note | None) -> LineExplanation:
    clean = not note.why
    still_open = note.after is not State.CLOSED
    effect = "" if clean else "An open transaction is dropped. The client may try again later."
    if before is not None and before.role == "unanswered" and before.detail == "the end of the text":
        effect = "The text was complete: the server may have taken the message, and the client cannot know."
    if still_open:
        effect = "The server may still answer what it has received."
    return LineExplanation(
        seq=note.seq,
        headline="The connection ends here" if not still_open else "The client has stopped sending",
        parts=(),
        happened=note.why or "The session was over already; this side hangs up.",
        effect=effect,
        rules=(_LAST,) if clean else (_LAST, _LOST),
        who_acts="" if clean or still_open else "the client",
        next_step="" if clean or still_open else "Connect again, and send what has no 250 after its dot.",
        certain=True,
    )


def _explain_piece(note: Note) -> LineExplanation:
    return LineExplanation(
        seq=note.seq,
        headline="A piece of a line",
        parts=(),
        happened=note.why or "The line's end comes in a later event. It is judged there.",
        effect="",
        rules=(_PIECES,),
        who_acts="",
        next_step="",
        certain=True,
    )
