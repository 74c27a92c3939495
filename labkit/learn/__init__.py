"""Learning machinery without Jupyter: exercises, predictions, quizzes, progress."""

from __future__ import annotations

from labkit.learn.exercise import Exercise, Sample, Solution
from labkit.learn.feedback import OUTCOMES, Evidence, Feedback, Outcome
from labkit.learn.forms import ChoiceForm, Form, LinesForm, LiveForm, OrderForm, PickLineForm
from labkit.learn.history import History, ItemProgress, LessonTimes
from labkit.learn.prediction import Observation, Prediction, PredictionState
from labkit.learn.progress import LessonProgress, Progress, ProgressSummary, current_progress
from labkit.learn.quiz import Question, Quiz, QuizError
from labkit.learn.spaced import SpacedQuestions

__all__ = [
    "OUTCOMES",
    "ChoiceForm",
    "Evidence",
    "Exercise",
    "Feedback",
    "Form",
    "History",
    "ItemProgress",
    "LessonProgress",
    "LessonTimes",
    "LinesForm",
    "LiveForm",
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
    "Solution",
    "SpacedQuestions",
    "current_progress",
]
