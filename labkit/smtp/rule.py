"""A rule: where it is written, and what it says in a learner's words."""

from __future__ import annotations

from labkit.frozen import dataclass

__all__ = ["Rule"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule that decided something; the only type for rules in the whole lab.

    ``ref`` names the place, for example ``"RFC 5321 section 4.1.4"``; ``text`` says the rule in one plain
    sentence, not in the document's words.
    """

    ref: str
    text: str

    def __str__(self) -> str:
        return f"{self.ref}: {self.text}"
