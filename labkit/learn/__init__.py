"""Learning machinery without Jupyter: exercises, predictions, quizzes, progress.

Names are imported when they are first used: a console alone needs no quiz.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labkit.learn.exercise import Exercise, Sample, Solution
    from labkit.learn.feedback import OUTCOMES, Feedback, Outcome
    from labkit.learn.forms import (
        ChoiceForm,
        Form,
        LinesForm,
        LiveForm,
        Number,
        NumbersForm,
        OrderForm,
        PickLineForm,
        Setting,
        SettingsForm,
        SortForm,
    )  # fmt: skip
    from labkit.learn.history import History, ItemProgress, LessonTimes
    from labkit.learn.prediction import Observation, Prediction, PredictionState
    from labkit.learn.progress import LessonProgress, Progress, ProgressSummary, current_progress
    from labkit.learn.quiz import Question, Quiz, QuizError
    from labkit.learn.spaced import SpacedQuestions

_HOMES = {
    "exercise": ("Exercise", "Sample", "Solution"),
    "feedback": ("OUTCOMES", "Feedback", "Outcome"),
    "forms": (
        "ChoiceForm",
        "Form",
        "LinesForm",
        "LiveForm",
        "Number",
        "NumbersForm",
        "OrderForm",
        "PickLineForm",
        "Setting",
        "SettingsForm",
        "SortForm",
    ),
    "history": ("History", "ItemProgress", "LessonTimes"),
    "prediction": ("Observation", "Prediction", "PredictionState"),
    "progress": ("LessonProgress", "Progress", "ProgressSummary", "current_progress"),
    "quiz": ("Question", "Quiz", "QuizError"),
    "spaced": ("SpacedQuestions",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "OUTCOMES",
    "ChoiceForm",
    "Exercise",
    "Feedback",
    "Form",
    "History",
    "ItemProgress",
    "LessonProgress",
    "LessonTimes",
    "LinesForm",
    "LiveForm",
    "Number",
    "NumbersForm",
    "Observation",
    "OrderForm",
    "Outcome",
    "PickLineForm",
    "Prediction",
    "PredictionState",
    "Progress",
    "ProgressSummary",
    "Question",
    "Quiz",
    "QuizError",
    "Sample",
    "Setting",
    "SettingsForm",
    "Solution",
    "SortForm",
    "SpacedQuestions",
    "current_progress",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value
