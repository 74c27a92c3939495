"""Progress to take along: as JSON, which another machine can take in again, and as Markdown to read."""

from __future__ import annotations

import json

from labkit.learn.course import find_lesson
from labkit.learn.history import ItemProgress
from labkit.learn.progress import LessonProgress, Progress, ProgressSummary

FORMAT = "smtp-lab-progress"


class ImportProblem(ValueError):
    """A text is no export of this lab."""


def to_json(progress: Progress) -> str:
    """All records, those that could not be saved too."""
    return json.dumps({"format": FORMAT, "version": 1, "records": list(progress.records())}, indent=1)


def take_in(progress: Progress, text: str) -> int:
    """Adds what `to_json` wrote elsewhere; says how many records were new. Doing it twice adds nothing.

    Raises ImportProblem for a text that is no such export.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ImportProblem(f"This is no progress file of the lab: it is not JSON ({error}).") from None
    records = (
        content.get("records") if isinstance(content, dict) and content.get("format") == FORMAT else None
    )
    if not isinstance(records, list):
        raise ImportProblem(
            "This is no progress file of the lab: export one with the progress view, and take that."
        )
    return progress.merge(records)


def to_markdown(summary: ProgressSummary) -> str:
    """What has been done, lesson by lesson, with nothing in it but our own words, ids and dates."""
    parts = ["# SMTP Lab: what I have done"]
    if not summary.lessons:
        parts.append("Nothing yet. Open `00_start_here` and send a first message.")
    parts += [_lesson_in_words(lesson) for lesson in summary.lessons]
    if summary.troubles:
        parts.append("## About this record\n\n" + "\n".join(f"- {trouble}" for trouble in summary.troubles))
    return "\n\n".join(parts) + "\n"


def _lesson_in_words(lesson: LessonProgress) -> str:
    try:
        title = find_lesson(lesson.lesson).question
    except KeyError:
        title = "a lesson that is not in this course"
    lines = [f"## {lesson.lesson} {title}", ""]
    times = lesson.times
    if times.opened:
        finished = f", finished {times.finished[:10]}" if times.finished else ""
        lines.append(f"- Opened {times.opened[:10]}{finished}")
    lines += [f"- Exercise {item.id}: {_exercise_in_words(item)}" for item in lesson.exercises]
    if guesses := [item for item in lesson.predictions if item.guess]:
        lines.append(f"- Predictions made: {len(guesses)}")
    if lesson.observations:
        found = sum(bool(item.passed) for item in lesson.observations)
        lines.append(f"- Deciding lines found: {found} of {len(lesson.observations)}")
    if lesson.questions:
        lines.append(f"- Quiz questions answered right: {lesson.answered} of {len(lesson.questions)}")
    return "\n".join(lines)


def _exercise_in_words(item: ItemProgress) -> str:
    tries = "1 try" if item.tries == 1 else f"{item.tries} tries"
    if item.passed:
        return f"solved on {item.passed[:10]}, {tries}"
    if item.twin_passed:
        return f"solution read, its twin solved on {item.twin_passed[:10]}"
    if item.solution:
        return "solution read, its twin is open"
    return f"open, {tries}"
