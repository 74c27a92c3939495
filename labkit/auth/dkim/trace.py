"""The trace while it is written, and the way out of an evaluation that is decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from labkit.lookup import Lookup
from labkit.smtp.rule import Rule
from labkit.verdict import NOTHING, Evidence, Step


class Stopped(Exception):
    """The evaluation is decided; the last step of the trace says why."""

    def __init__(self, result: str, reason: str) -> None:
        super().__init__(reason)
        self.result = result
        """A word of RFC 8601."""
        self.reason = reason
        """The words that RFC 6376 section 6.1 has for it, or ours where it has none."""


class Trace:
    """Steps in the order of their decisions."""

    __slots__ = ("steps",)

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def passed(
        self,
        rule: Rule,
        text: str,
        evidence: tuple[Evidence, ...] = (),
        *,
        inputs: Mapping[str, str] = NOTHING,
        lookup: Lookup | None = None,
        children: tuple[Step, ...] = (),
    ) -> None:
        """A decision after which the evaluation goes on."""
        self.steps.append(Step(rule, text, "pass", inputs, lookup, evidence, children))

    def stop(
        self,
        rule: Rule,
        text: str,
        result: str,
        reason: str,
        evidence: tuple[Evidence, ...] = (),
        *,
        inputs: Mapping[str, str] = NOTHING,
        lookup: Lookup | None = None,
        children: tuple[Step, ...] = (),
    ) -> NoReturn:
        """The decision that ends the evaluation. Raises `Stopped`."""
        self.steps.append(Step(rule, text, result, inputs, lookup, evidence, children))
        raise Stopped(result, reason)

    @staticmethod
    def message(*places: int) -> tuple[Evidence, ...]:
        """Evidence in the message: start and end of each range; empty ranges are left out."""
        return tuple(
            Evidence("message", places[at], places[at + 1])
            for at in range(0, len(places), 2)
            if places[at] < places[at + 1]
        )
