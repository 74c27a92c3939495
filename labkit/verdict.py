"""A result and the way to it: `Verdict`, the `Step`s of its trace, and the `Evidence` that each step rests on.

A step is made where the decision is made, never afterwards. What it rests on is named as a range of a source, so
that a reader gets from a result to the very octets that decided.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labkit.lookup import Lookup
    from labkit.smtp.rule import Rule

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Evidence:
    """The part of a source that a statement rests on: from `start` up to, not including, `end`.

    `source` says what is counted. In ``"transcript"`` it is the `seq` of events (their line numbers, from 1). In
    every other source it is octets, from 0:

    - ``"message"``: the message as it was received;
    - ``"mail_from"``, ``"helo"``: the identities of the session, as UTF-8;
    - ``"record NAME TYPE n"``: the n-th record (from 0) of an answer: the strings of a TXT record joined, the text
      form of any other;
    - ``"zone"``: the text of the zones.
    - ``"policy"``: an MTA-STS policy file, as it was fetched.

    Raises ValueError for an empty or backward range.
    """

    source: str
    start: int
    end: int

    def __post_init__(self) -> None:
        if self.start < 0 or self.end <= self.start:
            raise ValueError(f"evidence needs 0 <= start < end, got {self.start} and {self.end}")

    @classmethod
    def line(cls, seq: int) -> Evidence:
        """One line of the transcript."""
        return cls("transcript", seq, seq + 1)

    @classmethod
    def record(cls, name: str, rdtype: str, number: int, start: int, end: int) -> Evidence:
        """Octets `start` to `end` of record `number` (from 0) of the answer to a question."""
        return cls(f"record {name} {rdtype} {number}", start, end)

    @property
    def span(self) -> range:
        """The lines or octets, one by one."""
        return range(self.start, self.end)


@dataclass(slots=True)
class Step:
    """One decision on the way to a verdict.

    Nobody changes a step. It is not frozen all the same: to make steps is much of what an evaluation does, and a
    frozen one takes five times as long.
    """

    rule: Rule
    """The rule that decided, with its section."""
    text: str
    """What was decided and why, in one plain sentence."""
    outcome: str
    """How it came out, in the method's own words: ``match``, ``no match``, ``pass``, ``permerror``."""
    inputs: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    """What went into the decision, by name."""
    lookup: Lookup | None = None
    """The question to the DNS that this step asked, with its outcome."""
    evidence: tuple[Evidence, ...] = ()
    children: tuple[Step, ...] = ()
    """The smaller decisions that this one was made from, in order."""

    def walk(self) -> Iterator[tuple[int, Step]]:
        """This step and all below it in order, each with its depth from 0."""
        waiting = [(0, self)]
        while waiting:
            depth, step = waiting.pop()
            yield depth, step
            waiting.extend((depth + 1, child) for child in reversed(step.children))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an evaluation came to. `result` is a word of RFC 8601 section 2.7 for the method."""

    method: str
    """``spf``, ``dkim``, ``dmarc``, ``mta-sts``."""
    result: str
    explanation: str
    """Why, in one or two plain sentences, naming the rule."""
    properties: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    """What else came out, by name; each method's function lists its own."""
    trace: tuple[Step, ...] = ()
    """The decisions in order; the last one of the top level decided."""

    def steps(self) -> Iterator[tuple[int, Step]]:
        """All steps of the trace in reading order, each with its depth from 0."""
        for step in self.trace:
            yield from step.walk()

    def __str__(self) -> str:
        return f"{self.method}={self.result}: {self.explanation}"
