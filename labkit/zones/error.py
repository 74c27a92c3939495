"""What is raised for a zone text that cannot be read."""

from __future__ import annotations


class ZoneError(ValueError):
    """A line of a zone text cannot be read, or contradicts another one."""

    def __init__(self, line: int, reason: str, advice: str) -> None:
        """``line`` counts from 1; ``reason`` says what is wrong, ``advice`` what to do, in one sentence each."""
        super().__init__(f"line {line} of the zone text: {reason} {advice}")
        self.line = line
        self.reason = reason
        self.advice = advice
