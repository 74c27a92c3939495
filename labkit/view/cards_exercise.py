"""The exercise card: one grader with `exercise.check(...)`, another face."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import traitlets

from labkit.learn import Exercise, Feedback, PickLineForm, Solution
from labkit.view.cards_base import Card, feedback_state, script, spoken
from labkit.view.cards_forms import (
    answer_of,
    draft_of_record,
    form_html,
    form_state,
    form_text,
    read_draft,
    solution_lines,
)
from labkit.view.cards_static import note, panel, paragraphs

__all__ = ["ExerciseCard"]


def _on_the_card(feedback: Feedback | None, task: Exercise) -> Feedback | None:
    """The card stands before the learner: how an answer is handed in by code, and its title, need not be said there."""
    if feedback is None:
        return None
    if feedback.outcome in ("not_attempted", "error"):
        feedback = replace(feedback, look="")
    return replace(feedback, asked="") if feedback.asked == task.title else feedback


class Hint(str):
    """A hint; a cell shows it as a sentence, without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class ExerciseCard(Card):
    """A task with its form, Check, hints in steps, the solution after a try, then the twin with other data.

    number, of  "Exercise 1 of 3"; by default the number in the exercise's name, and no total

    What was tried, hinted and solved comes from progress, so running the cell again finds it. After the
    solution has been shown here, the task stays in sight until the learner asks for its twin.
    """

    _esm = traitlets.Unicode(script("card_forms.js", "card_exercise.js")).tag(sync=True)

    def __init__(self, exercise: Exercise, number: int | None = None, of: int | None = None) -> None:
        self.exercise = exercise
        named = re.fullmatch(r"q(\d+)", exercise.name)
        number = number if number is not None else int(named[1]) if named else None
        total = f" of {of}" if number and of and number <= of else ""
        self._label = f"Exercise {number}{total}" if number else "Exercise"
        self._task = exercise.active
        self._feedback: Feedback | None = None
        self._shown: Solution | None = None
        self._tried: list[int] = []
        self._draft = self._last_answer()
        super().__init__()

    def check(self, *answer: object) -> Feedback:
        """Grade an answer, as `exercise.check(...)` does, and show the feedback here."""
        with self._lock:
            self._to_active()
            feedback = self.exercise.check(*answer)
            self._feedback = feedback
            if feedback.outcome in ("correct", "incorrect"):
                self._draft = self._last_answer() or self._draft
            if feedback.outcome == "incorrect" and isinstance(self._task.form, PickLineForm):
                self._tried.append(self._draft)
        self._show(spoken(feedback))
        return feedback

    def hint(self) -> Hint:
        """The next step of the hints, as `exercise.hint()` gives it, shown here too."""
        with self._lock:
            self._to_active()
            text = self.exercise.hint()
        self._show()
        return Hint(text)

    def solution(self) -> Solution | Feedback:
        """The solution after a try, shown here too; before a try, a feedback that says what to do first."""
        with self._lock:
            if self._shown is not None and self._shown_with_twin():
                return self._shown
            self._to_active()
            answer = self.exercise.solution()
            if isinstance(answer, Feedback):
                self._feedback = answer
            else:
                self._shown = answer
        self._show(spoken(answer) if isinstance(answer, Feedback) else "The solution is shown.")
        return answer

    def on_draft(self, payload: Mapping[str, Any]) -> None:
        """What the learner has typed so far, so that a reload of the page does not lose it."""
        if self._is_for_this_task(payload):
            self._draft = read_draft(self._task.form, payload.get("answer"))
            self._show()

    def on_check(self, payload: Mapping[str, Any]) -> None:
        """Check: `answer` is the draft of the form."""
        with self._lock:
            if not self._is_for_this_task(payload) or self._shown_with_twin():
                self._show()
                return
            self._draft = read_draft(self._task.form, payload.get("answer"))
            self.check(*answer_of(self._task.form, self._draft))

    def on_hint(self, payload: Mapping[str, Any]) -> None:
        """The next hint."""
        with self._lock:
            hints = len(self._hints())
            if (
                not self._is_for_this_task(payload)
                or self._shown_with_twin()
                or hints >= len(self._task.hints)
            ):
                self._show()
                return
            text = self.exercise.hint()
        self._show(f"Hint {hints + 1} of {len(self._task.hints)}: {text}")

    def on_solution(self, payload: Mapping[str, Any]) -> None:
        """The solution, once it was tried; before, what to do first."""
        with self._lock:
            if not self._is_for_this_task(payload) or self._shown_with_twin():
                self._show()
                return
            self.solution()

    def on_twin(self, payload: Mapping[str, Any]) -> None:
        """Go on to the same task with other data."""
        with self._lock:
            self._to_active()
        self._show(f"Now with other data. {self._task.title}")

    def on_ping(self, payload: Mapping[str, Any]) -> None:
        """The page's heartbeat: something may have been checked in code, or in another kernel."""
        with self._lock:
            if self._shown is None:
                self._to_active()
            now = self._snapshot()
            if any(self.state.get(key) != now[key] for key in ("task_id", "passed", "hints", "can_solve")):
                self._show()

    def _is_for_this_task(self, payload: Mapping[str, Any]) -> bool:
        return payload.get("task") == self._task.id

    def _shown_with_twin(self) -> bool:
        """Whether the solution is in sight and a twin waits."""
        return self._shown is not None and self.exercise.active is not self._task

    def _to_active(self) -> None:
        """Turn to the task that `exercise.check` grades now, if that is another one."""
        if self.exercise.active is not self._task:
            self._task = self.exercise.active
            self._feedback, self._shown, self._tried = None, None, []
            self._draft = self._last_answer()

    def _last_answer(self) -> Any:
        """The answer graded last, now or earlier, as a draft of the form; None where it does not fit."""
        return draft_of_record(self._task.form, self._task.progress.item(self._task.id).answer)

    def _hints(self) -> tuple[str, ...]:
        task = self._task
        return task.hints[: task.progress.item(task.id).hints]

    def _snapshot(self) -> dict[str, Any]:
        task, form = self._task, self._task.form
        known = task.progress.item(task.id)
        hints = self._hints()
        found = None
        if isinstance(form, PickLineForm) and self._feedback is not None and self._feedback.passed:
            found = self._draft
        solution = None
        if self._shown is not None:
            solution = {"lines": solution_lines(form, self._shown.answer), "why": self._shown.why}
        return {
            "label": self._label,
            "task_id": task.id,
            "title": task.title,
            "task": task.task,
            "form": form_state(form),
            "draft": self._draft,
            "feedback": feedback_state(_on_the_card(self._feedback, task)),
            "found": found,
            "tried": [line for line in self._tried if line != found],
            "hints": list(hints),
            "hint_count": len(task.hints),
            "passed": bool(known.passed),
            "can_solve": known.tries > 0 or len(hints) == len(task.hints),
            "solution": solution,
            "twin_next": self._shown_with_twin(),
            "is_twin": task is not self.exercise,
        }

    def as_text(self) -> str:
        task = self._task
        lines = [f"{self._label}: {task.title}", task.task, *form_text(task.form)]
        return "\n".join([*lines, f"Answer in the running lab, or in code with {task.name}.check(...)."])

    def as_html(self) -> str:
        task = self._task
        usage = note(f"Answer in the running lab, or in code with `{task.name}.check(...)`.")
        return str(panel(self._label, task.title, paragraphs(task.task), form_html(task.form), usage))
