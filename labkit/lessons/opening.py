"""The set-up cell: opens a lesson and answers that the lab is ready, or what to do."""

from __future__ import annotations

import importlib
from typing import cast

from labkit.learn.course import LESSONS, find_lesson
from labkit.lessons.lesson import Lesson
from labkit.view.formatters import register
from labkit.view.kernel_loop import remember_main_loop
from labkit.view.ready import say_ready

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
        raise KeyError(
            f"There is no lesson {name!r} here. The course has: {', '.join(lesson.name for lesson in LESSONS)}."
        ) from None
    lesson = _open.get(about.name)
    if lesson is not None and not lesson.world.closed and not fresh:
        say_ready("Lab ready. It was running already; your sessions are still there.")
        return lesson
    if lesson is not None:
        lesson.close()
    lesson = cast(Lesson, module.open())
    _open[about.name] = lesson
    say_ready(f"Lab ready. {lesson.server} is listening, on this computer only.")
    return lesson
