"""What has been done, where it is kept, and the way through the course."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import traitlets

from labkit.learn import ItemProgress, LessonProgress, Progress, current_progress
from labkit.learn.course import Lesson, lessons_in
from labkit.learn.export import ImportProblem, take_in, to_json
from labkit.view.cards_base import Card, script, visible
from labkit.view.cards_static import el, note, panel

__all__ = ["ProgressCard", "on_binder"]

_WHERE = "~/.labkit/progress.jsonl, or the folder that LABKIT_HOME names"
_IMPORT_LIMIT = 4_000_000  # characters of a file that is taken in
_FILE_NAME = "smtp-lab-progress.json"


def on_binder() -> bool:
    """Whether this runs on Binder, which forgets everything when the session ends."""
    return any(name.startswith("BINDER_") for name in os.environ)


class ProgressCard(Card):
    """All lessons with what was done in each; where it is kept, download and taking in, and resets.

    progress  by default this learner's own
    expected  by lesson id, what there is to do in it (`ItemProgress` with id and kind), to say "2 of 3"
    folder    where the notebooks are; by default the folder in which the kernel runs

    The static form names no file of this machine and nothing that was done: others read stored notebooks.
    """

    _esm = traitlets.Unicode(script("card_progress.js")).tag(sync=True)

    def __init__(
        self,
        progress: Progress | None = None,
        expected: Mapping[str, Iterable[ItemProgress]] | None = None,
        folder: str | Path | None = None,
    ) -> None:
        self._own_progress = progress
        self._expected = {lesson: tuple(items) for lesson, items in (expected or {}).items()}
        self._course = lessons_in(folder if folder is not None else Path.cwd())
        self._records = -1
        self._note = ""
        super().__init__()

    @property
    def progress(self) -> Progress:
        """What this card shows."""
        return self._own_progress or current_progress()

    def on_export(self, payload: Mapping[str, Any]) -> None:
        """The page asks for the file to download."""
        self.send({"op": "download", "name": _FILE_NAME, "text": to_json(self.progress)})
        self._note = f"Your browser saves it as {_FILE_NAME}."
        self._show(self._note)

    def on_take_in(self, payload: Mapping[str, Any]) -> None:
        """A saved file comes back: `text` is what it holds."""
        text = payload.get("text")
        if not isinstance(text, str) or not text or len(text) > _IMPORT_LIMIT:
            self._note = "This file is empty or far too long for a progress file; nothing was taken in."
        else:
            try:
                new = take_in(self.progress, text)
                self._note = (
                    f"Taken in: {new} new record{'' if new == 1 else 's'}."
                    if new
                    else "Everything in that file was here already."
                )
            except ImportProblem as problem:
                self._note = visible(str(problem))
        self._show(self._note)

    def on_ping(self, payload: Mapping[str, Any]) -> None:
        """The page's heartbeat: draws again when something was done since."""
        if self.progress.history().records != self._records:
            self._show()

    def _snapshot(self) -> dict[str, Any]:
        summary = self.progress.summary()
        self._records = summary.records
        done = {lesson.lesson: lesson for lesson in summary.lessons}
        return {
            "lessons": [self._lesson_state(lesson, here, lesson.id in done) for lesson, here in self._course],
            "fresh": not done,
            "where": _short(summary.path),
            "binder": on_binder(),
            "troubles": [visible(_short(text), 1_000) for text in summary.troubles],
            "note": self._note,
        }

    def _lesson_state(self, lesson: Lesson, here: bool, touched: bool) -> dict[str, Any]:
        expected = self._expected.get(lesson.id, ())
        known = self.progress.lesson(lesson.id, expected)
        return {
            "id": lesson.id if lesson.id.isdecimal() else "",
            "name": lesson.name,
            "question": lesson.question,
            "minutes": lesson.minutes,
            "optional": lesson.optional,
            "here": here,
            "touched": touched,
            "finished": bool(known.times.finished),
            "meters": _meters(known, bool(expected)),
        }

    def as_text(self) -> str:
        lines = [
            "What you have done is shown here when this cell runs.",
            f"It is kept in {_WHERE}.",
            "The course:",
        ]
        for lesson, here in self._course:
            number = f"{lesson.id} " if lesson.id.isdecimal() else ""
            lines.append(f"  {number}{lesson.question}{'' if here else ' (comes later)'}")
        return "\n".join(lines)

    def as_html(self) -> str:
        rows = [
            el(
                "tr",
                el(
                    "td",
                    lesson.id if lesson.id.isdecimal() else "",
                    style="text-align:left;padding:1px 10px 1px 0",
                ),
                el("td", lesson.question, style="text-align:left;padding:1px 10px 1px 0"),
                el(
                    "td",
                    el("code", lesson.name) if here else el("em", "comes later"),
                    style="text-align:left",
                ),
            )
            for lesson, here in self._course
        ]
        table = el("table", el("tbody", *rows), style="border-collapse:collapse")
        hint = note(f"What you have done is shown here when this cell runs. It is kept in {_WHERE}.")
        return str(panel("Progress", "What you have done", table, hint, task=False))


def _meters(known: LessonProgress, expected: bool) -> list[dict[str, Any]]:
    """What was done of what there is, by kind; kinds with nothing in them are left out."""
    counts = (
        ("guesses", sum(bool(item.guess) for item in known.predictions), len(known.predictions)),
        ("lines found", sum(bool(item.passed) for item in known.observations), len(known.observations)),
        ("exercises", known.solved, len(known.exercises)),
        ("quiz", known.answered, len(known.questions)),
    )
    return [{"name": name, "done": done, "of": of if expected else 0} for name, done, of in counts if of]


def _short(text: str) -> str:
    """The learner's home folder as ~, wherever it stands in a text."""
    try:
        home = str(Path.home())
    except RuntimeError:
        return text
    return text.replace(home + os.sep, "~" + os.sep) if len(home) > 1 else text
