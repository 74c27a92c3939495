"""Exercises: a task, one grader for widget and code, hints in steps, a solution, then a twin task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from labkit.frozen import dataclass
from labkit.learn.feedback import Feedback, Outcome
from labkit.learn.forms import Form, LiveForm, Unreadable, Untouched
from labkit.learn.history import ID
from labkit.learn.progress import Progress, current_progress

Grader: TypeAlias = Callable[[Any], Feedback]


@dataclass(frozen=True, slots=True)
class Solution:
    """One right answer (a tuple holds the arguments of `check`), and why it is right."""

    answer: Any
    why: str


@dataclass(frozen=True, slots=True)
class Sample:
    """An answer of known grading: the arguments of `check`, the outcome, words that the feedback holds."""

    answer: tuple[Any, ...]
    outcome: Outcome
    says: str


class Exercise:
    """One exercise. `check` and `judge` never raise, whatever they get and whatever the grader does.

    id        stable, "01.q1": progress is kept under it
    form      what is handed in; it decides what the grader gets (see `labkit.learn.forms`)
    grade     makes the feedback for an answer that could be read; several answers may be right
    twin      the same task with other data; it takes over once the solution has been shown
    samples   answers with known grading, for tests (`labkit.learn.samples`)
    source    of a `LiveForm`: gives the learner's session (or what has one) when `check()` gets no argument
    progress  where attempts are kept; None means this learner's own, looked up at each use

    Raises ValueError for an id that progress cannot be kept under, empty hints, and a twin of the same id.
    """

    def __init__(
        self,
        id: str,
        title: str,
        task: str,
        form: Form,
        grade: Grader,
        hints: Sequence[str],
        solution: Solution,
        twin: Exercise | None = None,
        samples: Sequence[Sample] = (),
        *,
        source: Callable[[], object] | None = None,
        progress: Progress | None = None,
    ) -> None:
        if not ID.fullmatch(id):
            raise ValueError(f"{id!r} is no id for an exercise (like '01.q1')")
        if not hints or not all(hint.strip() for hint in hints):
            raise ValueError(f"{id}: at least one hint, none of them empty")
        if twin is not None and (twin.id == id or twin.twin is not None):
            raise ValueError(f"{id}: its twin needs an id of its own, like '{id}b', and no further twin")
        self.id: str = id
        self.title = title
        self.task = task
        self.form = form
        self.grade = grade
        self.hints = tuple(hints)
        self.twin: Exercise | None = twin
        self.samples = tuple(samples)
        self.source = source
        self._own_progress = progress
        self._solution = solution
        self._twin_of = ""
        if twin is not None:
            twin._twin_of = id
            twin._own_progress = twin._own_progress or progress

    def __repr__(self) -> str:
        return f"Exercise({self.id!r}, {self.title!r})"

    @property
    def name(self) -> str:
        """What it is called in a notebook: the last part of its id, "q1"; a twin is called as its task."""
        return (self._twin_of or self.id).partition(".")[2]

    @property
    def progress(self) -> Progress:
        """Where attempts are kept."""
        return self._own_progress or current_progress()

    @property
    def attempted(self) -> bool:
        """Whether an answer was graded here, now or earlier."""
        return self.progress.item(self.id).tries > 0

    @property
    def active(self) -> Exercise:
        """The task to work on: this one or, once its solution has been shown, its twin."""
        if self.twin is not None and self.progress.item(self.id).solution:
            return self.twin
        return self

    @property
    def hints_shown(self) -> tuple[str, ...]:
        """The steps of the hints opened so far on the active task, now or earlier."""
        task = self.active
        return task.hints[: task.progress.item(task.id).hints]

    def check(self, *answer: object) -> Feedback:
        """Grade an answer to the active task, and keep the attempt in progress."""
        task = self.active
        value, feedback = task._judge(answer)
        if feedback.outcome == "incorrect" and task is not self and self.judge(*answer).passed:
            feedback = Feedback(
                "not_attempted",
                f"This solves the task whose solution was shown. Now its twin waits for you: {task.title}",
                asked=task.title,
                look="Read the task again: its data have changed.",
            )
        if not task.attempted:  # at the first answer: what happened and where to look, and no more
            feedback = replace(feedback, further="")
        task.progress.attempt(task.id, feedback.outcome, value, twin_of=task._twin_of)
        return feedback

    def judge(self, *answer: object) -> Feedback:
        """All that `check` may say about an answer to this very task, at whatever try; keeps nothing."""
        return self._judge(answer)[1]

    def hint(self) -> str:
        """The next step of the hints for the active task; after the last one, that one again."""
        task = self.active
        opened = task.progress.item(task.id).hints
        if opened >= len(task.hints):
            return f"{task.hints[-1]}\nThere is no further hint. {self.name}.solution() is open to you."
        task.progress.hint(task.id, opened + 1, twin_of=task._twin_of)
        return task.hints[opened]

    def solution(self) -> Solution | Feedback:
        """The solution of the active task, after an attempt or a hint; before, a feedback that says so.

        Once it has been shown, `active` is the twin.
        """
        task = self.active
        known = task.progress.item(task.id)
        if not known.tries and not known.hints:
            return Feedback(
                "not_attempted",
                "Try it first, or take a hint: what you have guessed at stays with you longer.",
                asked=task.title,
                look=f"{self.name}.hint() gives a first step.",
            )
        task.progress.solution(task.id, twin_of=task._twin_of)
        return task._solution

    def _judge(self, answer: tuple[object, ...]) -> tuple[object, Feedback]:
        """The answer as it was read (None if it could not be) and its feedback."""
        try:
            if not answer and isinstance(self.form, LiveForm) and self.source is not None:
                answer = (self.source(),)
            value = self.form.read(answer)
        except Untouched as nothing:
            return None, Feedback("not_attempted", str(nothing), asked=self.title, look=self._usage())
        except Unreadable as reason:
            return None, Feedback("error", str(reason), asked=self.title, look=self._usage())
        except Exception as error:
            return None, _stumbled(f"the answer could not be read ({type(error).__name__})", self.title)
        try:
            feedback = self.grade(value)
            if not isinstance(feedback, Feedback):
                return value, _stumbled("it gave no feedback", self.title)
            return value, feedback if feedback.asked else replace(feedback, asked=self.title)
        except Exception as error:
            return value, _stumbled(f"{type(error).__name__} in the grader", self.title)

    def _usage(self) -> str:
        return f"In the task's own box, or in code: {self.form.usage(self.name)}"


def _stumbled(how: str, asked: str) -> Feedback:
    return Feedback(
        "error",
        f"The check itself stumbled: {how}. That is no mistake of yours, and it does not count as a try.",
        asked=asked,
        look="Try another answer, or go on with the next task.",
    )
