"""Questions with an explanation for every option: a lesson's quiz, and two questions from earlier lessons."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import traitlets

from labkit.learn import Feedback, Progress, Question, Quiz, SpacedQuestions, current_progress
from labkit.learn.course import find_lesson
from labkit.view.cards_base import Card, as_indices, feedback_state, script, shown_prose
from labkit.view.cards_static import Html, bullet_lines, el, items, kids, note, panel, prose

__all__ = ["QuizCard", "SpacedCard"]

_NUMBER_LIMIT = 40  # characters of a typed number
_WORDS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")


@dataclass
class _Sitting:
    """How one question goes this time. `shown` means: the learner asked to see the answer."""

    picks: list[int] = field(default_factory=list)
    typed: str = ""
    tries: int = 0
    last: Feedback | None = None
    shown: bool = False

    @property
    def right(self) -> bool:
        return self.last is not None and self.last.passed

    @property
    def locked(self) -> bool:
        """Whether all explanations are in sight."""
        return self.right or self.shown


class _QuestionsCard(Card):
    """What both cards with questions share. A wrong answer may be given again; nothing is counted aloud."""

    _esm = traitlets.Unicode(script("card_quiz.js")).tag(sync=True)

    def __init__(self, questions: Collection[Question], label: str, title: str, intro: str) -> None:
        self.questions = tuple(questions)
        self._label, self._title, self._intro = label, title, intro
        self._round = 0
        self._sittings = {question.id: _Sitting() for question in self.questions}
        super().__init__()

    def on_answer(self, payload: Mapping[str, Any]) -> None:
        """An answer: `question` is its id, `picks` the places of options (from 0), or the typed number."""
        question, picks = self._question(payload), payload.get("picks")
        if question is None:
            return
        with self._lock:
            sitting = self._sittings[question.id]
            if sitting.locked:
                return
            if question.kind == "numeric":
                if not isinstance(picks, str) or len(picks) > _NUMBER_LIMIT:
                    return
                sitting.typed = picks
                feedback = question.check(picks)
            else:
                places = as_indices(picks, len(question.options))
                if places is None:
                    return
                sitting.picks = sorted(places)
                feedback = question.check(*(place + 1 for place in sitting.picks))
            sitting.last = feedback
            sitting.tries += feedback.outcome in ("correct", "incorrect")
        self._show(f"{feedback.heading}. {shown_prose(feedback.message)} {self._result()}".strip())

    def on_show(self, payload: Mapping[str, Any]) -> None:
        """The learner has tried and asks to see the answer of one question."""
        question = self._question(payload)
        if question is None or not self._sittings[question.id].tries:
            return
        self._sittings[question.id].shown = True
        self._show(f"The explanations of all answers are shown. {self._result()}".strip())

    def on_again(self, payload: Mapping[str, Any]) -> None:
        """Take it again from the start."""
        with self._lock:
            self._round += 1
            self._sittings = {question.id: _Sitting() for question in self.questions}
        self._show("All questions are open again.")

    def _question(self, payload: Mapping[str, Any]) -> Question | None:
        wanted = payload.get("question")
        return next((question for question in self.questions if question.id == wanted), None)

    def _snapshot(self) -> dict[str, Any]:
        return {
            "label": self._label,
            "title": self._title,
            "intro": self._intro,
            "questions": [self._question_state(question) for question in self.questions],
            "result": self._result(),
        }

    def _question_state(self, question: Question) -> dict[str, Any]:
        sitting = self._sittings[question.id]
        feedback = None if sitting.locked else feedback_state(sitting.last)
        if feedback is not None:
            feedback["parts"] = [["Where to look", "; ".join(rule.ref for rule in question.see)]]
        return {
            "id": question.id,
            "round": self._round,
            "text": question.text,
            "code": question.code,
            "many": question.kind == "many_choice",
            "number": question.kind == "numeric",
            "options": _told(question, sitting) if sitting.locked else _open_options(question),
            "locked": sitting.locked,
            "tried": sitting.tries > 0,
            "feedback": feedback,
            "back": {"file": find_lesson(question.id).notebook, "heading": question.back}
            if question.back
            else None,
            "see": [[rule.ref, rule.text] for rule in question.see] if sitting.locked else [],
            "tag": self._tag(question, sitting),
        }

    def _tag(self, question: Question, sitting: _Sitting) -> dict[str, str] | None:
        if sitting.right:
            return {"shape": "check", "text": "right", "kind": "done"}
        if sitting.shown:
            return {"shape": "info", "text": "explained", "kind": "info"}
        if not sitting.tries and question.progress.item(question.id).passed:
            return {"shape": "check", "text": "right before", "kind": ""}
        return None

    def _result(self) -> str:
        """What came of it once every question has been answered or shown, in words that weigh nothing."""
        sittings = [self._sittings[question.id] for question in self.questions]
        if not sittings or not all(sitting.locked for sitting in sittings):
            return ""
        again = [
            str(place)
            for place, sitting in enumerate(sittings, start=1)
            if not (sitting.right and sitting.tries == 1)
        ]
        if not again:
            return "All right at the first go."
        which = (
            f"question {again[0]}"
            if len(again) == 1
            else f"questions {', '.join(again[:-1])} and {again[-1]}"
        )
        return f"Through. Worth meeting again: {which}. Later lessons bring such questions back."

    def as_text(self) -> str:
        lines = [f"{self._label}: {self._title}"] + ([self._intro] if self._intro else [])
        for place, question in enumerate(self.questions, start=1):
            lines.append(f"{place}. {question.text}")
            lines += [f"  {line}" for line in question.code.splitlines()]
            lines += bullet_lines(option.shown for option in question.options) or ["  (a number)"]
        return "\n".join(lines)

    def as_html(self) -> str:
        parts = [_static_question(place, question) for place, question in enumerate(self.questions, start=1)]
        intro = el("p", prose(self._intro), style="margin:4px 0") if self._intro else None
        hint = note("Answer in the running lab; every option has its explanation there.") if parts else None
        return str(panel(self._label, self._title, intro, *parts, hint))


class QuizCard(_QuestionsCard):
    """The quiz of a lesson, one question below another."""

    def __init__(self, quiz: Quiz, title: str = "") -> None:
        title = title or f"{_count(len(quiz))} on what you saw"
        super().__init__(quiz.questions, "Quiz", title, "")


class SpacedCard(_QuestionsCard):
    """Two questions from earlier lessons for the start of `lesson`; there may be fewer, or none.

    quizzes  the folder with the quiz files, or what has been read from it
    Raises `QuizError` for a quiz file that cannot be used.
    """

    def __init__(
        self, lesson: str, quizzes: str | Path | SpacedQuestions, progress: Progress | None = None
    ) -> None:
        if not isinstance(quizzes, SpacedQuestions):
            quizzes = SpacedQuestions.from_folder(quizzes)
        questions = quizzes.pick(lesson, progress or current_progress())
        title = f"{_count(len(questions))} from before" if questions else "Nothing to look back on yet"
        intro = "" if questions else "Later lessons open here with two questions from earlier ones."
        super().__init__(questions, "Look back", title, intro)


def _count(number: int) -> str:
    word = _WORDS[number] if number < len(_WORDS) else str(number)
    return f"{word} question{'' if number == 1 else 's'}"


def _option_text(text: str, code: str) -> str:
    return f"{text} `{code}`".strip() if code else text


def _open_options(question: Question) -> list[dict[str, Any]]:
    return [{"text": _option_text(option.text, option.code)} for option in question.options]


def _told(question: Question, sitting: _Sitting) -> list[dict[str, Any]]:
    """All options (or numbers of a numeric question) with explanations; the learner's own are marked."""
    told: list[dict[str, Any]] = []
    if question.kind == "numeric":
        typed = _as_number(sitting.typed)
        mine = next(
            (number for number in question.numbers if typed is not None and number.holds(typed)), None
        )
        for number in question.numbers:
            told.append(_told_option(number.shown, number.correct, number.feedback, mine=number is mine))
        return told
    for place, option in enumerate(question.options):
        text = _option_text(option.text, option.code)
        told.append(_told_option(text, option.correct, option.feedback, mine=place in sitting.picks))
    return told


def _as_number(typed: str) -> float | None:
    try:
        return float(re.sub(r"[\s_,]", "", typed))
    except ValueError:
        return None


def _told_option(text: str, right: bool, why: str, *, mine: bool) -> dict[str, Any]:
    words = "right" if right else "not this"
    return {
        "text": text,
        "state": "right" if right else "other",
        "shape": "check" if right else "cross",
        "note": f"{words}, your answer" if mine else words,
        "chosen": mine,
        "why": why,
    }


def _static_question(place: int, question: Question) -> Html:
    heading = el("p", el("strong", f"{place}. "), prose(question.text), style="margin:8px 0 2px")
    code = el("pre", question.code, style="margin:4px 0") if question.code else None
    texts = [prose(_option_text(option.text, option.code)) for option in question.options]
    return kids(heading, code, items(texts) if texts else el("p", "(a number)", style="margin:2px 0"))
