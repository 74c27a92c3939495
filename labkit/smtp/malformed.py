"""What a line is that breaks the grammar: never an exception, always a reason."""

from __future__ import annotations

from labkit.frozen import dataclass
from labkit.smtp.path import Path
from labkit.smtp.rule import Rule

__all__ = ["Malformed"]


@dataclass(frozen=True, slots=True)
class Malformed:
    """Octets that are no command (or no reply), with the reason in a learner's words and the rule.

    For commands also: ``verb``, the command that was meant, or ``""``; ``path``, the address that a lenient
    server would take from the line; ``tolerable``, true when a server may accept the line all the same,
    because the rule is a size that everybody must be able to take, not one that nobody may exceed.
    """

    octets: bytes
    reason: str
    rule: Rule
    verb: str = ""
    path: Path | None = None
    tolerable: bool = False
