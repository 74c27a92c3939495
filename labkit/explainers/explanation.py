"""The answer that every explainer of session lines gives."""

from __future__ import annotations

from typing import Any

from labkit.frozen import dataclass
from labkit.smtp.rule import Rule

__all__ = ["LineExplanation"]


@dataclass(frozen=True)
class LineExplanation:
    """What one line is, what it did, and what it wants.

    ``seq`` is the line's number. ``headline`` is one short phrase. ``parts`` are tokens of the line, in its
    order, each with its meaning. ``happened`` says what the line means here beyond the headline, ``effect``
    what it did to the session and to the envelope, or which line answers it. ``who_acts`` is a noun phrase, ``""`` if nobody has to; ``next_step`` says
    what they do. ``certain`` is false where the standards do not know the reply: then only its digits, the
    stage and the state speak, and ``happened`` says so.
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
        """The same as plain JSON types: parts as pairs, rules as objects with ``ref`` and ``text``."""
        return {
            "seq": self.seq,
            "headline": self.headline,
            "parts": [list(part) for part in self.parts],
            "happened": self.happened,
            "effect": self.effect,
            "rules": [{"ref": rule.ref, "text": rule.text} for rule in self.rules],
            "who_acts": self.who_acts,
            "next_step": self.next_step,
            "certain": self.certain,
        }

    def __str__(self) -> str:
        """The whole answer as plain text."""
        lines = [f"Line {self.seq}. {self.headline}"]
        lines += [f"  {token}: {meaning}" for token, meaning in self.parts]
        lines += [text for text in (self.happened, self.effect) if text]
        if self.who_acts:
            lines.append(f"Who must act: {self.who_acts}.")
        if self.next_step:
            lines.append(f"Next: {self.next_step}")
        lines += [str(rule) for rule in self.rules]
        return "\n".join(lines)
