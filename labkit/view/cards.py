"""The learner's cards, and how Jupyter shows what checks return: one import for lessons.

Names are imported when they are first used: a console alone needs no card.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labkit.view.cards_exercise import ExerciseCard
    from labkit.view.cards_feedback import feedback_html, feedback_text
    from labkit.view.cards_lesson import EndCard, LessonCard
    from labkit.view.cards_mailbox import MailboxCard
    from labkit.view.cards_prediction import ObservationCard, PredictionCard
    from labkit.view.cards_progress import ProgressCard
    from labkit.view.cards_quiz import QuizCard, SpacedCard
    from labkit.view.formatters import register

_HOMES = {
    "cards_exercise": ("ExerciseCard",),
    "cards_feedback": ("feedback_html", "feedback_text"),
    "cards_lesson": ("EndCard", "LessonCard"),
    "cards_mailbox": ("MailboxCard",),
    "cards_prediction": ("ObservationCard", "PredictionCard"),
    "cards_progress": ("ProgressCard",),
    "cards_quiz": ("QuizCard", "SpacedCard"),
    "formatters": ("register",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "EndCard",
    "ExerciseCard",
    "LessonCard",
    "MailboxCard",
    "ObservationCard",
    "PredictionCard",
    "ProgressCard",
    "QuizCard",
    "SpacedCard",
    "feedback_html",
    "feedback_text",
    "register",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"labkit.view.{_HOME[name]}"), name)
    globals()[name] = value
    return value
