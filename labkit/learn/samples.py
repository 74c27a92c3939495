"""For tests of lessons: does an exercise grade its own samples as it says, and keep its answer to itself?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from labkit.learn.exercise import Exercise, Sample
from labkit.learn.feedback import Feedback, Outcome
from labkit.learn.forms import PickLineForm
from labkit.smtp.transcript import Transcript

_SHORTEST_ANSWER = 4  # characters; shorter ones stand in ordinary sentences too


def check_samples(exercise: Exercise) -> None:
    """Raises AssertionError that lists all that is wrong with an exercise and its twin; keeps nothing.

    There must be an untouched sample, a right one and two wrong ones; each gives the outcome and the words
    that it claims. The solution is right. What a wrong answer gets tells what was asked, what happened,
    which rule and where to look, and holds no part of the solution that was not in the answer or the task.
    The twin's data are new: the solution of the task does not solve it.
    """
    problems = [f"{exercise.id}: {problem}" for problem in _problems(exercise)]
    if (twin := exercise.twin) is not None:
        problems += [f"{twin.id}: {problem}" for problem in _problems(twin)]
        if twin.judge(*_arguments(exercise)).passed:
            problems.append(f"{twin.id}: the solution of {exercise.id} solves it too")
    assert not problems, "\n".join(problems)


def _problems(exercise: Exercise) -> Iterator[str]:
    outcomes = [sample.outcome for sample in exercise.samples]
    wanted: dict[Outcome, int] = {"not_attempted": 1, "correct": 1, "incorrect": 2}
    for outcome, least in wanted.items():
        if outcomes.count(outcome) < least:
            yield f"needs {least} sample(s) {outcome}, has {outcomes.count(outcome)}"
    for number, sample in enumerate(exercise.samples, start=1):
        for problem in _problems_of_sample(exercise, sample):
            yield f"sample {number} {sample.answer!r:.60}: {problem}"
    solved = exercise.judge(*_arguments(exercise))
    if not solved.passed:
        yield f"its own solution is {solved.outcome}: {solved.message}"


def _problems_of_sample(exercise: Exercise, sample: Sample) -> Iterator[str]:
    feedback = exercise.judge(*sample.answer)
    if feedback.outcome != sample.outcome:
        yield f"is {feedback.outcome}, not {sample.outcome}: {feedback.message}"
    if not sample.says.strip() or sample.says not in feedback.text:
        yield f"does not say {sample.says!r} but: {feedback.text}"
    if feedback.outcome == "incorrect":
        for name in ("asked", "happened", "rule", "look"):
            if not getattr(feedback, name):
                yield f"leaves {name!r} open"
        for given_away in _given_away(exercise, sample, feedback):
            yield f"gives {given_away!r} away: {feedback.text}"


def _given_away(exercise: Exercise, sample: Sample, feedback: Feedback) -> Iterator[str]:
    if isinstance(exercise.form, PickLineForm):
        right = _arguments(exercise)[0]
        if right not in sample.answer and re.search(rf"\bline {right}\b", feedback.text):
            yield f"line {right}"
        return
    known = "\n".join([exercise.title, exercise.task, *_texts(sample.answer)])
    for text in _texts(_arguments(exercise)):
        if len(text) >= _SHORTEST_ANSWER and text not in known and text in feedback.text:
            yield text


def _arguments(exercise: Exercise) -> tuple[Any, ...]:
    answer = exercise._solution.answer
    return answer if isinstance(answer, tuple) else (answer,)


def _texts(value: object) -> list[str]:
    """The lines of text in an answer."""
    if isinstance(value, (tuple, list, frozenset, set)):
        return [text for item in value for text in _texts(item)]
    if isinstance(value, Transcript):
        return [event.data.decode("utf-8", "replace").strip() for event in value if event.sender == "C"]
    lines = value.splitlines() if isinstance(value, str) else []
    sent = [line for line in lines if line.startswith("C: ")]  # of a session only what the client sent
    return [line.removeprefix("C: ").strip() for line in sent or lines]
