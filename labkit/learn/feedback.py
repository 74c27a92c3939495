"""What a check answers: `Feedback`."""

from __future__ import annotations

from dataclasses import field
from typing import Any, Literal, get_args

from labkit.frozen import dataclass
from labkit.smtp.rule import Rule
from labkit.smtp.transcript import Transcript
from labkit.verdict import Evidence

Outcome = Literal["correct", "incorrect", "not_attempted", "error"]
OUTCOMES: tuple[str, ...] = get_args(Outcome)

_WORDS: dict[str, str] = {
    "correct": "Correct",
    "incorrect": "Not yet",
    "not_attempted": "Not attempted yet",
    "error": "Could not be checked",
}


@dataclass(frozen=True, slots=True)
class Feedback:
    """The answer of a check. It never only says 'wrong', and never gives the solution away.

    outcome   one of `OUTCOMES`; "error" means: could not be graded, and is no mistake on the learner's side
    message   one or two sentences, plain text
    evidence  the lines or octets that decided
    asked     what was asked for
    happened  what the answer did
    rule      the rule that decided
    look      where to look next
    further   one step more, shown from the second wrong answer on
    transcript  the session that the line numbers of the evidence count in, if the learner has not got it in sight
    """

    outcome: Outcome
    message: str
    evidence: tuple[Evidence, ...] = ()
    asked: str = ""
    happened: str = ""
    rule: Rule | None = None
    look: str = ""
    further: str = ""
    transcript: Transcript | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.outcome not in OUTCOMES:
            raise ValueError(f"outcome is one of {', '.join(OUTCOMES)}, got {self.outcome!r}")

    @property
    def passed(self) -> bool:
        """True only for "correct"."""
        return self.outcome == "correct"

    @property
    def heading(self) -> str:
        """The outcome in words, as a heading."""
        return _WORDS[self.outcome]

    def parts(self) -> tuple[tuple[str, str], ...]:
        """(label, text) of each part that is filled in, in reading order; every view draws these."""
        rule = ": ".join(filter(None, (self.rule.ref, self.rule.text))) if self.rule is not None else ""
        named = (
            ("What was asked", self.asked),
            ("What happened", self.happened),
            ("The rule", rule),
            ("Where to look", self.look),
            ("A step further", self.further),
        )
        return tuple((label, text) for label, text in named if text)

    @property
    def text(self) -> str:
        """Everything as plain text, a part per line."""
        lines = [f"{self.heading}. {self.message}"]
        lines += [f"{label}: {text}" for label, text in self.parts()]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, for a widget."""
        return {
            "outcome": self.outcome,
            "heading": self.heading,
            "message": self.message,
            "parts": [list(part) for part in self.parts()],
            "evidence": [[item.source, item.start, item.end] for item in self.evidence],
        }
