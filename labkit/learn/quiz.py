"""Quizzes: one JSON file per lesson, validated on load, graded question by question, each option explained.

The file is a list of questions with jupyterquiz's field names, `id` and `see`:

    [{"id": "01.quiz.first-word", "question": "Who speaks first?", "type": "multiple_choice",
      "answers": [{"answer": "The server.", "correct": true, "feedback": "..."}, ...],
      "see": ["RFC 5321 section 3.1: how a session begins."]}]

`type` is multiple_choice (one is right), many_choice (at least one is right and one wrong) or numeric.
Options bear `answer` or `code` (wire text), or both. A numeric question's answers are {"type": "value",
"value": 512, ...}, {"type": "range", "range": [1, 9], ...} (ends included) and exactly one {"type":
"default", "feedback": ...} for every other number.

`see` lists where the rules are written, as "place: what it is about", worded so that it gives nothing away:
a wrong answer is sent there. The first is the rule that feedback names.
"""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Iterator
from dataclasses import field, replace
from pathlib import Path

from labkit.frozen import dataclass
from labkit.learn.feedback import Feedback
from labkit.learn.forms import ChoiceForm, Unreadable, Untouched, a_kind
from labkit.learn.progress import Progress, current_progress
from labkit.learn.quiz_file import NumericAnswer, Option, QuizError, RawQuestion, digits, read_quiz_file
from labkit.smtp.rule import Rule

__all__ = ["NumericAnswer", "Option", "Question", "Quiz", "QuizError"]


@dataclass(frozen=True)
class Question:
    """One question, its options in the order in which they are shown: so their numbers count, from 1.

    kind     "multiple_choice", "many_choice" or "numeric"
    numbers  the answers of a numeric question, instead of `options`
    back     the heading in the lesson's notebook under which it was seen, or ""
    where    the lesson that asks it, when that is not its own
    """

    id: str
    text: str
    kind: str
    code: str
    options: tuple[Option, ...]
    numbers: tuple[NumericAnswer, ...]
    see: tuple[Rule, ...]
    back: str = ""
    where: str = ""
    own_progress: Progress | None = field(default=None, repr=False, compare=False)

    @property
    def progress(self) -> Progress:
        """Where answers are kept."""
        return self.own_progress or current_progress()

    def asked_in(self, lesson: str) -> Question:
        """The same question, asked again at the start of a later lesson."""
        return replace(self, where=lesson)

    def check(self, *picked: object) -> Feedback:
        """Grade an answer and keep it in progress. Never raises.

        picked  options by number (as shown, from 1) or text; of a numeric question the number
        """
        picks, feedback = self._judge(picked)
        self.progress.quiz(self.id, feedback.outcome, picks, where=self.where)
        return feedback

    def judge(self, *picked: object) -> Feedback:
        """What `check` would say; keeps nothing."""
        return self._judge(picked)[1]

    def explanations(self) -> tuple[tuple[str, bool, str], ...]:
        """(option, whether it is right, its explanation) for all, as shown: for after the right answer."""
        if self.kind == "numeric":
            return tuple((number.shown, number.correct, number.feedback) for number in self.numbers)
        return tuple((option.shown, option.correct, option.feedback) for option in self.options)

    def _judge(self, picked: tuple[object, ...]) -> tuple[object, Feedback]:
        try:
            if self.kind == "numeric":
                number = _number(picked)
                return number, self._grade_number(number)
            form = ChoiceForm(tuple(option.shown for option in self.options), many=True)
            chosen = form.read(picked)
            options = tuple(option for option in self.options if option.shown in chosen)
            if self.kind == "multiple_choice" and len(options) > 1:
                raise Unreadable(f"One option is asked for, and {len(options)} came.")
            return sorted(option.number for option in options), self._grade_options(options)
        except Untouched as nothing:
            return None, Feedback("not_attempted", str(nothing), asked=self.text)
        except Unreadable as reason:
            return None, Feedback("error", str(reason), asked=self.text)
        except Exception as error:
            return None, Feedback(
                "error", f"This answer could not be read ({type(error).__name__}).", asked=self.text
            )

    def _grade_options(self, chosen: Collection[Option]) -> Feedback:
        right = all(option.correct == (option in chosen) for option in self.options)
        texts = [option.feedback for option in chosen]
        if len(self.options) > 2 and self.kind == "many_choice":
            texts = [f"{option.shown}: {option.feedback}" for option in chosen]
            if not right and all(option.correct for option in chosen):
                texts.append("What you chose holds. It is not all that holds.")
        happened = "You chose: " + "; ".join(option.shown for option in chosen)
        return self._feedback(right, " ".join(texts), happened)

    def _grade_number(self, number: float) -> Feedback:
        answer = next(answer for answer in self.numbers if answer.holds(number))
        return self._feedback(answer.correct, answer.feedback, f"You answered: {digits(number)}")

    def _feedback(self, right: bool, message: str, happened: str) -> Feedback:
        return Feedback(
            "correct" if right else "incorrect",
            message,
            asked=self.text,
            happened=happened,
            rule=self.see[0],
            look="; ".join(rule.ref for rule in self.see[1:]) or self.see[0].ref,
        )


class Quiz:
    """The questions of one lesson."""

    def __init__(self, lesson: str, questions: Collection[Question]) -> None:
        self.lesson = lesson
        self.questions = tuple(questions)

    @classmethod
    def load(cls, path: str | Path, *, seed: int | None = 0, progress: Progress | None = None) -> Quiz:
        """The quiz in a file named after its lesson ("01_session.json").

        seed  decides the order in which options are shown; None keeps the file's
        Raises `QuizError` that names file, question and field of everything that is wrong with it.
        """
        lesson, raw = read_quiz_file(Path(path))
        return cls(lesson, [_question(entry, seed, progress) for entry in raw])

    def __repr__(self) -> str:
        return f"Quiz({self.lesson!r}, {len(self.questions)} questions)"

    def __iter__(self) -> Iterator[Question]:
        return iter(self.questions)

    def __len__(self) -> int:
        return len(self.questions)

    def __getitem__(self, key: int | str) -> Question:
        """A question by its place (from 0) or its id. Raises KeyError or IndexError."""
        if isinstance(key, int):
            return self.questions[key]
        for question in self.questions:
            if question.id == key:
                return question
        raise KeyError(key)


def _question(raw: RawQuestion, seed: int | None, progress: Progress | None) -> Question:
    options = list(raw.options)
    if seed is not None:
        random.Random(f"{seed} {raw.id}").shuffle(options)
    return Question(
        raw.id, raw.text, raw.kind, raw.code, tuple(options), raw.numbers, raw.see, raw.back, "", progress
    )


_NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?")


def _number(picked: tuple[object, ...]) -> float:
    """The typed number: 512, "512", "1,000", "1 000"."""
    given = [item for item in picked if item is not None and item != ""]
    if not given:
        raise Untouched("No number is typed yet. Type one, then check.")
    value = given[0]
    if isinstance(value, str):
        text = re.sub(r"[\s_]", "", value)
        if not _NUMBER.fullmatch(text):
            raise Unreadable("A number is asked for, in digits.")
        value = float(text.replace(",", ""))
    if isinstance(value, bool) or not isinstance(value, (int, float)) or len(given) > 1:
        raise Unreadable(
            f"One number is asked for, and {a_kind(value) if len(given) == 1 else len(given)} came."
        )
    if not abs(value) < 1e15:  # also what is no number at all
        raise Unreadable("A number is asked for that one would write down.")
    return float(value)
