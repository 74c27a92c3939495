"""The answer of `labkit.explain`: what a text is, what its lines say, what is wrong, and who does what next."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import replace
from typing import Literal, Protocol

from labkit.frozen import dataclass
from labkit.smtp.rule import Rule

__all__ = [
    "MOST_LINES",
    "ExplainedLine",
    "Explanation",
    "Kind",
    "Mark",
    "Problem",
    "plain",
    "rules_of",
    "shown",
]

Mark = Literal["ok", "note", "wrong", "unknown"]
"""``ok``: as it should be. ``note``: worth knowing. ``wrong``: a rule is broken, or something failed. ``unknown``: no
standard that the lab knows says what it is."""

MOST_LINES = 200
"""Lines that are explained one by one; a longer text is explained as far as that, and the answer says so."""
_LONGEST = 400
_WHOLE = 2_000
_WIDTH = 100
_SIGN = {"ok": " ", "note": "i", "wrong": "x", "unknown": "?"}


@dataclass(frozen=True, slots=True)
class ExplainedLine:
    """One line or part of the text, and what it means."""

    text: str
    meaning: str
    rule: Rule | None = None
    mark: Mark = "ok"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong, or that did not work."""

    what: str
    """One or two sentences."""
    where: int = 0
    """Number of the line in the text, from 1; 0 where it is about the whole, or about something missing."""
    rule: Rule | None = None
    who_acts: str = ""
    """A noun phrase; empty where that is open."""
    do: str = ""
    """What they do, as a sentence."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The whole answer. ``str()`` of it is plain text for a terminal, at most 100 columns wide."""

    kind: str
    """``reply``, ``bounce``, ``session``, ``command``, ``port``, ``header``, ``message``, ``spf``, ...; ``unknown``."""
    title: str
    summary: str
    lines: tuple[ExplainedLine, ...] = ()
    problems: tuple[Problem, ...] = ()
    who_acts: str = ""
    next_steps: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    certain: bool = True
    """False where the kind is a guess, or where the standards do not say what something means."""
    others: tuple[str, ...] = ()
    """What else the text could be."""

    def __str__(self) -> str:
        out = [*_wrapped(self.title), *_wrapped(self.summary)]
        if self.lines:
            out.append("")
        for line in self.lines:
            out += _wrapped(f"{_SIGN[line.mark]} {line.text}", "    ")
            out += _wrapped(f"    {line.meaning}", "    ")
        for number, problem in enumerate(self.problems, 1):
            where = f" (line {problem.where})" if problem.where else ""
            out += ["", *_wrapped(f"Problem {number}{where}: {problem.what}", "  ")]
            if problem.do:
                who = f"{_capital(problem.who_acts)}: " if problem.who_acts else ""
                out += _wrapped(f"  {who}{problem.do}", "  ")
            if problem.rule is not None:
                out += _wrapped(f"  {problem.rule}", "  ")
        if self.who_acts:
            out += ["", *_wrapped(f"Who must act: {self.who_acts}.")]
        if self.next_steps:
            out += ["", *(line for step in self.next_steps for line in _wrapped(f"Next: {step}", "  "))]
        if self.rules:
            out += ["", *(line for rule in self.rules for line in _wrapped(str(rule), "  "))]
        if self.others:
            out += ["", *_wrapped(f"It could also be {' or '.join(self.others)}.")]
        if not self.certain:
            out += ["", "Not certain: the standards leave part of this open, or it could only be guessed."]
        return "\n".join(out)


def plain(text: str, longest: int = _LONGEST) -> str:
    """Text from outside as it can be shown: cut, in one line, every control character as an escape."""
    if len(text) > longest:
        text = f"{text[:longest]}…"
    text = text.replace("\t", " ")
    if text.isprintable():
        return text
    return "".join(mark if mark.isprintable() else mark.encode("unicode_escape").decode() for mark in text)


def shown(answer: Explanation) -> Explanation:
    """The answer with every invisible character as an escape, wherever it came from."""
    return replace(
        answer,
        title=plain(answer.title, _WHOLE),
        summary=plain(answer.summary, _WHOLE),
        lines=tuple(
            replace(line, text=plain(line.text, _WHOLE), meaning=plain(line.meaning, _WHOLE))
            for line in answer.lines
        ),
        problems=tuple(
            replace(one, what=plain(one.what, _WHOLE), do=plain(one.do, _WHOLE)) for one in answer.problems
        ),
        next_steps=tuple(plain(step, _WHOLE) for step in answer.next_steps),
    )


def rules_of(
    lines: Iterable[ExplainedLine] = (), problems: Iterable[Problem] = (), more: Iterable[Rule] = ()
) -> tuple[Rule, ...]:
    """The rules of all parts, each place named once, those given last included."""
    found = [*(line.rule for line in lines), *(problem.rule for problem in problems), *more]
    return tuple({rule.ref: rule for rule in found if rule is not None}.values())


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _wrapped(text: str, indent: str = "") -> list[str]:
    return [
        line
        for part in text.split("\n")
        for line in textwrap.wrap(part, _WIDTH, subsequent_indent=indent) or [part[:_WIDTH]]
    ]


class Kind(Protocol):
    """What a module of a kind offers."""

    @property
    def KIND(self) -> str: ...

    def looks_like(self, text: str) -> float: ...

    def explain_it(self, text: str) -> Explanation: ...
