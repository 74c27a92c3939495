"""From progress records to what is known about each exercise, prediction, observation and question.

A record is one JSON object: `t` (UTC, as 2026-01-05T09:00:00.000Z), `kind`, `id`, and by kind

    attempt      outcome, answer (plain JSON)
    hint         step (from 1)
    solution     nothing more
    prediction   guess
    reveal       actual, agreed
    observation  outcome, line
    quiz         outcome, picks (places of options in the file, or the typed number), where (a later lesson)
    opened, finished     the id is the lesson's

On the twin of a task, attempt, hint and solution also bear `of`: the id of that task.
Kinds and fields not known here (from a newer version) are left alone.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from labkit.frozen import dataclass

Record: TypeAlias = Mapping[str, Any]

ID = re.compile(r"(?P<lesson>[0-9][0-9]|playground)\.[a-z0-9]+(?:[.-][a-z0-9]+)*")
"""The form of every id: the lesson, a dot, then words or numbers: "01.q1", "01.quiz.after-the-dot"."""

LESSON_ID = re.compile(r"[0-9][0-9]|playground")

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", re.ASCII)
_KIND_OF_ITEM = {
    "attempt": "exercise",
    "hint": "exercise",
    "solution": "exercise",
    "prediction": "prediction",
    "reveal": "prediction",
    "observation": "observation",
    "quiz": "quiz",
}
_ANSWER_FIELD = {"attempt": "answer", "observation": "line", "quiz": "picks"}
_TRIES = ("correct", "incorrect")
_QUIZ_MEMORY = 20


def lesson_of(name: str) -> str:
    """The lesson id in "01", "01_session", "01_session.ipynb" or "01.q1"."""
    return re.split(r"[._]", name, maxsplit=1)[0]


class QuizAnswer(NamedTuple):
    """One answer to a quiz question: when (UTC, ISO 8601), its outcome, the later lesson that asked it."""

    time: str
    outcome: str
    where: str


@dataclass(frozen=True, slots=True)
class ItemProgress:
    """What is known about one exercise, prediction, observation or quiz question.

    Times are UTC, ISO 8601; what has not happened is "".

    kind      "exercise", "prediction", "observation" or "quiz"
    tries     graded answers; checks of an empty or unreadable answer are not counted
    outcome   of the last check of any kind, or ""
    passed    when it was first right, or ""
    hints     how many steps of the hints were opened
    solution  when the solution was shown, or ""
    twin_passed  when the twin of the task was first right, or ""
    twin_of   the task whose twin this is, or ""
    answer    the last answer that was graded, as plain JSON types
    guess, actual, agreed   of a prediction
    answers   of a quiz question, the last twenty
    """

    id: str
    kind: str = ""
    tries: int = 0
    outcome: str = ""
    passed: str = ""
    hints: int = 0
    solution: str = ""
    twin_passed: str = ""
    twin_of: str = ""
    answer: Any = None
    guess: str = ""
    actual: str = ""
    agreed: bool | None = None
    answers: tuple[QuizAnswer, ...] = ()
    first: str = ""
    last: str = ""

    @property
    def lesson(self) -> str:
        """The id of its lesson."""
        return lesson_of(self.id)

    @property
    def solved(self) -> bool:
        """Right once, itself or, after its solution was shown, its twin."""
        return bool(self.passed or self.twin_passed)

    @property
    def missed(self) -> bool:
        """A quiz question whose last answer was wrong."""
        return bool(self.answers) and self.answers[-1].outcome == "incorrect"


_FIELDS = tuple(ItemProgress.__dataclass_fields__)


class LessonTimes(NamedTuple):
    """When a lesson was first and last opened and first finished (UTC, ISO 8601, or "")."""

    opened: str = ""
    opened_last: str = ""
    finished: str = ""


class History:
    """Everything known so far. Never changes: `with_records` gives a new one, so that threads need no lock.

    items    by id
    lessons  by lesson id
    records  how many records all this comes from
    """

    __slots__ = ("items", "lessons", "records")

    def __init__(
        self,
        items: Mapping[str, ItemProgress] | None = None,
        lessons: Mapping[str, LessonTimes] | None = None,
        records: int = 0,
    ) -> None:
        self.items: Mapping[str, ItemProgress] = items or {}
        self.lessons: Mapping[str, LessonTimes] = lessons or {}
        self.records = records

    def with_records(self, records: Iterable[Record]) -> History:
        """This history and these records, in their order. They are taken one by one and not kept."""
        lessons, count = dict(self.lessons), self.records
        drafts: dict[str, dict[str, Any]] = {}

        def draft(id: str) -> dict[str, Any]:
            if (found := drafts.get(id)) is None:
                before = self.items.get(id) or ItemProgress(id)
                found = drafts[id] = {name: getattr(before, name) for name in _FIELDS}
                found["answers"] = deque(before.answers, maxlen=_QUIZ_MEMORY)
            return found

        for record in records:
            count += 1
            kind, id = record["kind"], record["id"]
            if kind in _KIND_OF_ITEM:
                _apply(record, kind, draft(id))
                if "of" in record and (task := _task_of(record)):
                    drafts[id]["twin_of"] = task
                    if kind == "attempt" and record.get("outcome") == "correct":
                        draft(task)["twin_passed"] = draft(task)["twin_passed"] or record["t"]
            elif kind in ("opened", "finished"):
                lessons[id] = _lesson_after(lessons.get(id, LessonTimes()), record)
        items = dict(self.items)
        for id, found in drafts.items():
            found["answers"] = tuple(QuizAnswer(*map(str, answer)) for answer in found["answers"])
            items[id] = ItemProgress(**found)
        return History(items, lessons, count)


def is_record(value: object) -> bool:
    """Whether a JSON value read from a file has what every record has."""
    return (
        isinstance(value, dict)
        and isinstance(time := value.get("t"), str)
        and _TIME.fullmatch(time) is not None
        and isinstance(value.get("kind"), str)
        and isinstance(id := value.get("id"), str)
        and _is_id(id)
    )


@lru_cache(maxsize=4096)
def _is_id(text: str) -> bool:
    return (ID.fullmatch(text) or LESSON_ID.fullmatch(text)) is not None


def _task_of(record: Record) -> str:
    """The task whose twin this record is about, or ""."""
    task = record.get("of")
    return task if isinstance(task, str) and ID.fullmatch(task) else ""


def _lesson_after(before: LessonTimes, record: Record) -> LessonTimes:
    time = record["t"]
    if record["kind"] == "opened":
        return before._replace(opened=before.opened or time, opened_last=time)
    return before._replace(finished=before.finished or time)


def _apply(record: Record, kind: str, now: dict[str, Any]) -> None:
    """Takes one record into the fields of an item in the making."""
    time = record["t"]
    now["kind"] = _KIND_OF_ITEM[kind]
    now["first"], now["last"] = now["first"] or time, time
    if kind in _ANSWER_FIELD:
        outcome = now["outcome"] = str(record.get("outcome", ""))
        if outcome in _TRIES:
            now["tries"] += 1
            now["answer"] = record.get(_ANSWER_FIELD[kind])
            if kind == "quiz":
                now["answers"].append((time, outcome, record.get("where", "")))
        if outcome == "correct":
            now["passed"] = now["passed"] or time
    elif kind == "hint":
        step = record.get("step")
        now["hints"] = max(now["hints"], step if isinstance(step, int) else 0)
    elif kind == "solution":
        now["solution"] = now["solution"] or time
    elif kind == "prediction":
        now["guess"] = str(record.get("guess", ""))
    elif kind == "reveal":
        now["actual"], now["agreed"] = str(record.get("actual", "")), record.get("agreed") is True
