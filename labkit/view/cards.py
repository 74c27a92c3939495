"""The learner's cards, and how Jupyter shows what checks return: one import for lessons."""

from __future__ import annotations

from labkit.view.cards_exercise import ExerciseCard
from labkit.view.cards_feedback import feedback_html, feedback_text, register
from labkit.view.cards_lesson import EndCard, LessonCard
from labkit.view.cards_prediction import ObservationCard, PredictionCard
from labkit.view.cards_progress import ProgressCard
from labkit.view.cards_quiz import QuizCard, SpacedCard

__all__ = [
    "EndCard",
    "ExerciseCard",
    "LessonCard",
    "ObservationCard",
    "PredictionCard",
    "ProgressCard",
    "QuizCard",
    "SpacedCard",
    "feedback_html",
    "feedback_text",
    "register",
]
