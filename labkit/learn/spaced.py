"""Questions from earlier lessons that open a later one: what was learned comes back after a while."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

from labkit.learn.course import LESSONS
from labkit.learn.history import ItemProgress, QuizAnswer, lesson_of
from labkit.learn.progress import Progress
from labkit.learn.quiz import Question, Quiz

HOW_MANY = 2
FAR = 3
"""At least one question comes from this many lessons back or more, where there are that many."""


class SpacedQuestions:
    """Picks from the quizzes of earlier lessons (given by lesson id)."""

    def __init__(self, quizzes: Mapping[str, Quiz]) -> None:
        self._quizzes = dict(quizzes)

    @classmethod
    def from_folder(cls, folder: str | Path) -> SpacedQuestions:
        """All quiz files of a folder. Raises `labkit.learn.quiz.QuizError`."""
        quizzes = (Quiz.load(path) for path in sorted(Path(folder).glob("*.json")))
        return cls({quiz.lesson: quiz for quiz in quizzes})

    def pick(self, lesson: str, progress: Progress, seed: int = 0) -> tuple[Question, ...]:
        """Two questions for the start of a lesson; fewer where there are none. Progress and seed decide.

        Missed ones come first, then those never answered, then those answered longest ago; questions of
        lessons that the learner has opened come before others. Answers given at the start of this very
        lesson do not count, so that running the cell again gives the same two.
        """
        lesson = lesson_of(lesson)
        order = [known.id for known in LESSONS]
        place = order.index(lesson) if lesson in order else len(order)
        history = progress.history()
        chance = random.Random(f"{seed} {lesson}")

        def urgency(question: Question) -> tuple[bool, int, str, float]:
            home = lesson_of(question.id)
            item = history.items.get(question.id, ItemProgress(question.id))
            answers = [answer for answer in item.answers if answer.where != lesson]
            strange = bool(history.lessons) and home not in history.lessons and not answers
            return strange, _rank(answers), answers[-1].time if answers else "", chance.random()

        earlier = [question for id in order[:place] if id in self._quizzes for question in self._quizzes[id]]
        ranked = sorted(earlier, key=urgency)
        long_ago = set(order[: max(place - FAR + 1, 0)])
        chosen = ranked[:HOW_MANY]
        far = [question for question in ranked if lesson_of(question.id) in long_ago]
        if far and not any(question in far for question in chosen):
            chosen[-1] = far[0]
        return tuple(question.asked_in(lesson) for question in chosen)


def _rank(answers: list[QuizAnswer]) -> int:
    """0 missed, 1 never answered, 2 known."""
    if not answers:
        return 1
    return 0 if answers[-1].outcome == "incorrect" else 2
