"""The set-up cell: opens a lesson and answers that the lab is ready, or what to do."""

from __future__ import annotations

import importlib
from html import escape

from IPython.display import display

from labkit.learn.course import LESSONS, find_lesson
from labkit.lessons.lesson import Lesson
from labkit.view.cards import register
from labkit.view.kernel_loop import remember_main_loop

_open: dict[str, Lesson] = {}


def open_lesson(name: str, *, fresh: bool = False) -> Lesson:
    """Open the lesson of that notebook and say so.

    Running the set-up cell again keeps the running lab with all its sessions; ``fresh=True`` starts it anew.
    Raises KeyError with the names there are if no lesson bears that name.
    """
    remember_main_loop()
    register()
    try:
        about = find_lesson(name)
        module = importlib.import_module(f"labkit.lessons.{about.name.partition('_')[2] or about.name}")
    except (KeyError, ModuleNotFoundError):
        raise KeyError(f"There is no lesson {name!r} here. The course has: {', '.join(lesson.name for lesson in LESSONS)}.") from None
    lesson = _open.get(about.name)
    if lesson is not None and lesson.world.running and not fresh:
        _say("Lab ready. It was running already; your sessions are still there.")
        return lesson
    if lesson is not None:
        lesson.close()
    lesson = module.open()
    _open[about.name] = lesson
    _say(f"Lab ready. {lesson.server} is listening, on this computer only.")
    return lesson


class _Line:
    """One sentence under the set-up cell."""

    def __init__(self, text: str) -> None:
        self.text = text

    def _repr_mimebundle_(self, **_kwargs: object) -> dict[str, str]:
        mark = '<span style="color:#00614a;background-color:#def2ea;padding:0 6px;border-radius:4px;font-weight:bold">✓ ready</span> '
        return {"text/plain": self.text, "text/html": f"<p>{mark}{escape(self.text)}</p>"}


def _say(text: str) -> None:
    display(_Line(text))
