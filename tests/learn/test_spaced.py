"""Two questions from earlier lessons: some from long ago, missed ones first, and the same again tomorrow."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from labkit.learn import Progress, Question, Quiz, SpacedQuestions
from labkit.learn.course import LESSONS
from labkit.learn.history import lesson_of
from labkit.learn.quiz import Option
from labkit.smtp.rule import Rule

OPTIONS = (Option(1, "yes", "", True, "Yes."), Option(2, "no", "", False, "No."))
NUMBERED = [lesson.id for lesson in LESSONS if lesson.id.isdecimal()]


def quiz(lesson: str) -> Quiz:
    """Four questions."""
    ids = [f"{lesson}.quiz.{name}" for name in ("a", "b", "c", "d")]
    see = (Rule("RFC 5321", "all"),)
    return Quiz(lesson, [Question(id, id, "multiple_choice", "", OPTIONS, (), see) for id in ids])


SPACED = SpacedQuestions({lesson: quiz(lesson) for lesson in NUMBERED})


def ids(questions: tuple[Question, ...]) -> list[str]:
    """Their ids."""
    return [question.id for question in questions]


@pytest.fixture
def progress(tmp_path: Path) -> Progress:
    """An empty one."""
    return Progress(tmp_path, now=lambda: datetime(2026, 1, 5, tzinfo=UTC))


def test_the_first_lesson_has_none(progress: Progress) -> None:
    assert SPACED.pick("00_start_here", progress) == ()


def test_the_second_lesson_asks_about_the_first(progress: Progress) -> None:
    questions = SPACED.pick("01_session", progress)
    assert len(set(ids(questions))) == 2
    assert {lesson_of(question.id) for question in questions} == {"00"}
    assert {question.where for question in questions} == {"01"}


@pytest.mark.parametrize("place", range(3, len(NUMBERED)))
@pytest.mark.parametrize("seed", range(8))
def test_one_question_comes_from_three_lessons_back_or_more(
    progress: Progress, place: int, seed: int
) -> None:
    questions = SPACED.pick(NUMBERED[place], progress, seed)
    homes = [NUMBERED.index(lesson_of(question.id)) for question in questions]
    assert len(set(ids(questions))) == 2
    assert max(homes) < place
    assert min(homes) <= place - 3


def test_seed_and_progress_decide(progress: Progress) -> None:
    assert SPACED.pick("09", progress, 1) == SPACED.pick("09", progress, 1)
    assert len({tuple(ids(SPACED.pick("09", progress, seed))) for seed in range(20)}) > 10


@pytest.mark.parametrize("seed", range(8))
def test_missed_ones_come_first(progress: Progress, seed: int) -> None:
    progress.quiz("00.quiz.c", "correct")
    progress.quiz("01.quiz.b", "incorrect")
    progress.quiz("02.quiz.d", "correct")
    progress.quiz("02.quiz.d", "incorrect")
    assert set(ids(SPACED.pick("05", progress, seed))) == {"01.quiz.b", "02.quiz.d"}
    progress.quiz("01.quiz.b", "correct", where="04")
    assert "01.quiz.b" not in ids(SPACED.pick("05", progress, seed))


def test_a_missed_recent_one_leaves_room_for_a_far_one(progress: Progress) -> None:
    progress.quiz("04.quiz.a", "incorrect")
    progress.quiz("04.quiz.b", "incorrect")
    first, second = ids(SPACED.pick("05", progress))
    assert lesson_of(first) == "04"
    assert lesson_of(second) in ("00", "01", "02")


@pytest.mark.parametrize("seed", range(8))
def test_lessons_that_were_skipped_wait(progress: Progress, seed: int) -> None:
    for lesson in ("00", "01", "10"):
        progress.opened(lesson)
    homes = {lesson_of(id) for id in ids(SPACED.pick("11", progress, seed))}
    assert homes <= {"00", "01", "10"}


def test_the_same_two_after_they_were_answered(progress: Progress) -> None:
    before = SPACED.pick("05", progress)
    progress.quiz(before[0].id, "incorrect", where="05")
    progress.quiz(before[1].id, "correct", where="05")
    assert SPACED.pick("05", progress) == before


def test_known_ones_come_back_oldest_first(tmp_path: Path) -> None:
    days = iter(range(1, 29))
    progress = Progress(tmp_path, now=lambda: datetime(2026, 1, next(days), tzinfo=UTC))
    for id in ("00.quiz.d", "00.quiz.b", "00.quiz.a", "00.quiz.c"):
        progress.quiz(id, "correct")
    assert ids(SPACED.pick("01", progress)) == ["00.quiz.d", "00.quiz.b"]


def test_fewer_where_there_are_fewer(progress: Progress) -> None:
    one = SpacedQuestions({"00": Quiz("00", quiz("00").questions[:1])})
    assert ids(one.pick("05", progress)) == ["00.quiz.a"]
    assert SpacedQuestions({}).pick("05", progress) == ()


def test_the_playground_asks_too(progress: Progress) -> None:
    assert len(SPACED.pick("playground", progress)) == 2


def test_the_shipped_quizzes_give_lesson_01_its_questions(progress: Progress) -> None:
    folder = Path(__file__).parents[2] / "labkit" / "lessons" / "quizzes"
    questions = SpacedQuestions.from_folder(folder).pick("01_session", progress)
    assert {lesson_of(question.id) for question in questions} == {"00"}
    assert questions[0].check(1).outcome in ("correct", "incorrect")
