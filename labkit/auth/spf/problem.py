"""A syntax error in a record: where it is, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from labkit.smtp.rule import Rule


@dataclass(frozen=True, slots=True)
class Problem:
    """A part of a record that breaks its grammar: octets ``start`` up to ``end`` of the record."""

    start: int
    end: int
    text: str
    """What is wrong, in one sentence."""
    rule: Rule


class SpfSyntaxError(ValueError):
    """Raised while a term is read; `problem` says where and why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.text)
        self.problem = problem


@lru_cache(maxsize=256)
def shown(text: str) -> str:
    """Text from a record as it can stand in a sentence: what is not printable ASCII becomes an escape."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isascii() and c.isprintable() else f"\\x{ord(c):02x}" for c in text)
