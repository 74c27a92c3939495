"""Reading and validating a quiz file: every problem in it is named by file, question id and field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from labkit.learn.history import ID, lesson_of
from labkit.smtp.rule import Rule

KINDS = ("multiple_choice", "many_choice", "numeric")
_QUESTION_FIELDS = {"id", "question", "type", "answers", "see"}
_MAY_HAVE = {"code", "back"}
_NUMERIC_FIELDS = {
    "value": {"type", "value", "correct", "feedback"},
    "range": {"type", "range", "correct", "feedback"},
    "default": {"type", "feedback"},
}


class QuizError(ValueError):
    """A quiz file cannot be used. `problems` holds (question id or place, field, what is wrong) for each."""

    def __init__(self, path: Path, problems: list[tuple[str, str, str]]) -> None:
        self.path = path
        self.problems = tuple(problems)
        lines = [
            " ".join(part for part in (where, field) if part) + f": {what}" for where, field, what in problems
        ]
        super().__init__("\n".join([f"{path.name} is no usable quiz:", *(f"  {line}" for line in lines)]))


class Option(NamedTuple):
    """One option: words, or wire text (`code`), or both; `number` is its place in the file, from 1."""

    number: int
    text: str
    code: str
    correct: bool
    feedback: str

    @property
    def shown(self) -> str:
        """Words and wire text in one line."""
        return f"{self.text} {self.code}".strip()


class NumericAnswer(NamedTuple):
    """Numbers from `low` to `high`, both included (None: every other number), and what is said to them."""

    low: float | None
    high: float | None
    correct: bool
    feedback: str

    def holds(self, number: float) -> bool:
        """Whether this answer is about `number`."""
        return self.low is None or self.high is None or self.low <= number <= self.high

    @property
    def shown(self) -> str:
        """The numbers in words."""
        if self.low is None or self.high is None:
            return "another number"
        return digits(self.low) if self.low == self.high else f"{digits(self.low)} to {digits(self.high)}"


class RawQuestion(NamedTuple):
    """A valid question, its options and answers in the order of the file (a numeric default at the end).

    `back` is the heading in the lesson's notebook under which it was seen, or "".
    """

    id: str
    text: str
    kind: str
    code: str
    options: tuple[Option, ...]
    numbers: tuple[NumericAnswer, ...]
    see: tuple[Rule, ...]
    back: str


def digits(number: float) -> str:
    """A number as people write it: 512, 0.5."""
    return str(int(number)) if number == int(number) else str(number)


def read_quiz_file(path: Path) -> tuple[str, tuple[RawQuestion, ...]]:
    """The lesson's id and its questions. Raises QuizError."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_without_repeated_fields)
    except OSError as error:
        raise QuizError(path, [("the file", "", error.strerror or "cannot be read")]) from error
    except (ValueError, RecursionError) as error:
        raise QuizError(path, [("the file", "", f"is not JSON: {error}")]) from error
    if not isinstance(content, list) or not content:
        raise QuizError(path, [("the file", "", "must hold a list of questions")])
    lesson = lesson_of(path.name)
    problems: list[tuple[str, str, str]] = []
    seen: set[str] = set()
    for place, entry in enumerate(content, start=1):
        if not isinstance(entry, dict):
            problems.append((f"question {place}", "", "must be an object with fields"))
            continue
        name = entry["id"] if isinstance(entry.get("id"), str) else f"question {place}"
        problems += ((name, field, what) for field, what in _problems(entry, lesson))
        if name in seen:
            problems.append((name, "id", "is there twice"))
        seen.add(name)
    if problems:
        raise QuizError(path, problems)
    return lesson, tuple(_raw_question(entry) for entry in content)


def _problems(entry: dict[str, Any], lesson: str) -> Iterator[tuple[str, str]]:
    """(field, what is wrong) for each problem of one question."""
    for name in sorted(_QUESTION_FIELDS - entry.keys()):
        yield name, "is missing"
    for name in sorted(entry.keys() - _QUESTION_FIELDS - _MAY_HAVE):
        yield name, "is no field of a question"
    if "id" in entry and not (_is_text(entry["id"]) and ID.fullmatch(entry["id"])):
        yield "id", "must look like '01.quiz.first-word'"
    elif "id" in entry and lesson_of(entry["id"]) != lesson:
        yield "id", f"must begin with {lesson}, as the file's name does"
    for name in ("question", *sorted(_MAY_HAVE)):
        if name in entry and not _is_text(entry[name]):
            yield name, "must be text"
    if "type" in entry and entry["type"] not in KINDS:
        yield "type", f"is one of {', '.join(KINDS)}"
    if "see" in entry:
        yield from _problems_of_see(entry["see"])
    if "answers" in entry:
        answers = entry["answers"]
        if (
            not isinstance(answers, list)
            or len(answers) < 2
            or not all(isinstance(one, dict) for one in answers)
        ):
            yield "answers", "must be a list of at least two objects"
        elif entry.get("type") == "numeric":
            yield from _problems_of_numbers(answers)
        elif entry.get("type") in KINDS:
            yield from _problems_of_options(answers, entry["type"])


def _problems_of_see(see: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(see, list) or not see:
        yield "see", "must be a list of at least one place"
        return
    for place, entry in enumerate(see, start=1):
        if not _is_text(entry) or not all(part.strip() for part in entry.partition(": ")):
            yield (
                f"see {place}",
                "must say a place and what it is about: 'RFC 5321 section 3.1: how a session begins'",
            )


def _problems_of_options(answers: list[dict[str, Any]], kind: str) -> Iterator[tuple[str, str]]:
    shown: set[str] = set()
    for place, answer in enumerate(answers, start=1):
        where = f"answers {place}"
        for name in sorted(answer.keys() - {"answer", "code", "correct", "feedback"}):
            yield f"{where} {name}", "is no field of an option"
        for name in ("answer", "code"):
            if name in answer and not _is_text(answer[name]):
                yield f"{where} {name}", "must be text"
        if not answer.keys() & {"answer", "code"}:
            yield f"{where} answer", "is missing"
        yield from _problems_of_verdict(where, answer)
        text = f"{answer.get('answer', '')} {answer.get('code', '')}".strip()
        if text in shown:
            yield where, "says the same as another option"
        shown.add(text)
    right = sum(answer.get("correct") is True for answer in answers)
    if kind == "multiple_choice" and right != 1:
        yield "answers", f"need exactly one that is correct, have {right}"
    if kind == "many_choice" and not 0 < right < len(answers):
        yield "answers", "need at least one that is correct and one that is not"


def _problems_of_numbers(answers: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for place, answer in enumerate(answers, start=1):
        where = f"answers {place}"
        kind = answer.get("type", "value")
        if not isinstance(kind, str) or kind not in _NUMERIC_FIELDS:
            yield f"{where} type", f"is one of {', '.join(_NUMERIC_FIELDS)}"
            continue
        for name in sorted(answer.keys() - _NUMERIC_FIELDS[kind]):
            yield f"{where} {name}", f"is no field of a {kind}"
        if kind == "value" and not _is_number(answer.get("value")):
            yield f"{where} value", "must be a number"
        if kind == "range":
            ends = answer.get("range")
            if (
                not isinstance(ends, list)
                or len(ends) != 2
                or not all(map(_is_number, ends))
                or ends[0] >= ends[1]
            ):
                yield f"{where} range", "must be two numbers, the smaller first"
        if kind == "default" and not _is_text(answer.get("feedback")):
            yield f"{where} feedback", "must explain this answer"
        if kind != "default":
            yield from _problems_of_verdict(where, answer)
    if [answer.get("type") for answer in answers].count("default") != 1:
        yield "answers", "need exactly one of type default, for every other number"
    if not any(answer.get("correct") is True for answer in answers):
        yield "answers", "need at least one that is correct"


def _problems_of_verdict(where: str, answer: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if not isinstance(answer.get("correct"), bool):
        yield f"{where} correct", "must be true or false"
    if not _is_text(answer.get("feedback")):
        yield f"{where} feedback", "must explain this answer"


def _raw_question(entry: dict[str, Any]) -> RawQuestion:
    options: list[Option] = []
    numbers: list[NumericAnswer] = []
    for place, answer in enumerate(entry["answers"], start=1):
        correct, feedback = answer.get("correct", False), answer["feedback"]
        if entry["type"] == "numeric":
            low, high = answer.get("range", [answer.get("value")] * 2)
            numbers.append(NumericAnswer(low, high, correct, feedback))
        else:
            options.append(Option(place, answer.get("answer", ""), answer.get("code", ""), correct, feedback))
    numbers.sort(key=lambda number: number.low is None)
    see = tuple(
        Rule(ref.strip(), text.strip()) for ref, _, text in (one.partition(": ") for one in entry["see"])
    )
    return RawQuestion(
        entry["id"],
        entry["question"],
        entry["type"],
        entry.get("code", ""),
        tuple(options),
        tuple(numbers),
        see,
        entry.get("back", ""),
    )


def _without_repeated_fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the field {twice!r} is there twice in one object")
    return fields


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15
