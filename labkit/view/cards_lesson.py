"""The card that opens a lesson, and the card that ends it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import traitlets

from labkit.learn.course import LESSONS, Lesson, find_lesson, next_lesson
from labkit.view.cards_base import Card, script
from labkit.view.cards_static import bullet_lines, el, items, kids, panel, prose

__all__ = ["EndCard", "LessonCard"]


def _label(lesson: Lesson) -> str:
    return f"Lesson {lesson.id}" if lesson.id.isdecimal() else "Playground"


class LessonCard(Card):
    """What a lesson asks, what you can do after it, how long it takes, and where it is written.

    lesson      its id or name; question and minutes come from the course
    can         what you can do afterwards, each beginning with a verb
    rfcs        the sections, as "RFC 5321 section 3.3"
    comes_from  in a sentence; by default the lesson before it
    core, practice   measured minutes, where the course only has planned ones

    Raises KeyError for a lesson that is not in the course.
    """

    _esm = traitlets.Unicode(script("card_lesson.js")).tag(sync=True)

    def __init__(
        self,
        lesson: str,
        can: Sequence[str],
        rfcs: Sequence[str] = (),
        comes_from: str | None = None,
        *,
        core: int | None = None,
        practice: int | None = None,
    ) -> None:
        self._lesson = find_lesson(lesson)
        self._can = tuple(can)
        self._rfcs = tuple(rfcs)
        self._from = _before(self._lesson) if comes_from is None else comes_from
        self._core = self._lesson.core if core is None else core
        self._practice = self._lesson.practice if practice is None else practice
        super().__init__()

    def _snapshot(self) -> dict[str, Any]:
        return {
            "kind": "opening",
            "label": _label(self._lesson),
            "title": self._lesson.question,
            "can": list(self._can),
            "core": self._core,
            "practice": self._practice,
            "comes_from": self._from,
            "rfcs": list(self._rfcs),
        }

    def _minutes(self) -> str:
        parts = [
            f"{self._core} minutes core" if self._core else "",
            f"{self._practice} practice" if self._practice else "",
        ]
        return ", ".join(part for part in parts if part)

    def _facts(self) -> list[tuple[str, str]]:
        facts = [
            ("Time", self._minutes()),
            ("You come from", self._from),
            ("Where it is written", ", ".join(self._rfcs)),
        ]
        return [(name, text) for name, text in facts if text]

    def as_text(self) -> str:
        lines = [
            f"{_label(self._lesson)}: {self._lesson.question}",
            "Afterwards you can:",
            *bullet_lines(self._can),
        ]
        return "\n".join(lines + [f"{name}: {text}" for name, text in self._facts()])

    def as_html(self) -> str:
        facts = [
            el("p", el("strong", f"{name}: "), prose(text), style="margin:2px 0")
            for name, text in self._facts()
        ]
        can = kids(
            el("p", "Afterwards you can", style="margin:4px 0"), items(prose(text) for text in self._can)
        )
        return str(panel(_label(self._lesson), self._lesson.question, can, *facts, task=False))


class EndCard(Card):
    """What you can do now, one thing to try outside the lab, and where to go next.

    lesson  its id or name
    can     three things, each beginning with a verb
    outside something to try outside; "" for nothing
    folder  where the notebooks are: a next lesson that is not there is said to come later
    then    where to go next, in a sentence; by default the next lesson of the course

    Raises KeyError for a lesson that is not in the course.
    """

    _esm = traitlets.Unicode(script("card_lesson.js")).tag(sync=True)

    def __init__(
        self,
        lesson: str,
        can: Sequence[str] = (),
        outside: str = "",
        *,
        folder: str | Path | None = None,
        then: str | None = None,
    ) -> None:
        self._lesson = find_lesson(lesson)
        self._can = tuple(can)
        self._outside = outside
        self._next_id = self._next_file = ""
        self._next = then or ""
        if then is None and (following := next_lesson(self._lesson.id)) is not None:
            self._next_id, self._next = following.name, following.question
            if folder is None or following.exists_in(Path(folder)):
                self._next_file = following.notebook
            else:
                self._next += " (This lesson comes later.)"
        super().__init__()

    def _snapshot(self) -> dict[str, Any]:
        return {
            "kind": "ending",
            "label": f"End of {_label(self._lesson).lower()}",
            "title": "What you can do now",
            "can": list(self._can),
            "outside": self._outside,
            "next": self._next,
            "next_id": self._next_id,
            "next_file": self._next_file,
        }

    def _facts(self) -> list[tuple[str, str]]:
        following = f"{self._next_id.partition('_')[0]} {self._next}" if self._next_id else self._next
        return [
            (name, text) for name, text in (("Try it outside", self._outside), ("Next", following)) if text
        ]

    def as_text(self) -> str:
        lines = ["What you can do now:", *bullet_lines(self._can)]
        return "\n".join(lines + [f"{name}: {text}" for name, text in self._facts()])

    def as_html(self) -> str:
        facts = [
            el(
                "p",
                el("strong", f"{name}: "),
                el("a", text, href=self._next_file) if name == "Next" and self._next_file else prose(text),
                style="margin:2px 0",
            )
            for name, text in self._facts()
        ]
        label = f"End of {_label(self._lesson).lower()}"
        return str(
            panel(label, "What you can do now", items(prose(text) for text in self._can), *facts, task=False)
        )


def _before(lesson: Lesson) -> str:
    """The lesson before this one in words, or "" for the first."""
    place = LESSONS.index(lesson)
    if not lesson.builds_on or place == 0:
        return ""
    before = LESSONS[place - 1] if lesson.id.isdecimal() else find_lesson(lesson.builds_on[0])
    return f"`{before.name}` {before.question}"
