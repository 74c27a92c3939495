"""The course: eighteen lessons and a playground, in order, and the routes through them."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from labkit.learn import Quiz
from labkit.learn.course import LESSONS, ROUTES, find_lesson, lessons_in, next_lesson
from labkit.lessons.lesson import QUIZZES
from labkit.view.tables import RouteTable

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"

ORDER = [lesson.id for lesson in LESSONS]


def test_eighteen_lessons_and_a_playground() -> None:
    numbered = [f"{number:02d}" for number in range(18)]
    assert [*numbered, "playground"] == ORDER
    assert len({lesson.name for lesson in LESSONS}) == 19
    assert all(lesson.question.endswith("?") for lesson in LESSONS)
    assert find_lesson("01").notebook == "01_session.ipynb"
    assert find_lesson("01").minutes == 25


def test_lessons_build_on_earlier_ones_and_all_on_the_first() -> None:
    for lesson in LESSONS[1:]:
        assert lesson.builds_on[0] == "00"
        assert all(ORDER.index(id) < ORDER.index(lesson.id) for id in lesson.builds_on)


def test_routes_go_forward() -> None:
    for route in ROUTES:
        assert list(route.lessons) == sorted(route.lessons)
        assert set(route.lessons) <= set(ORDER)
    by_id = {route.id: route.lessons for route in ROUTES}
    assert by_id["run-mail"] == tuple(id for id in ORDER if id not in ("16", "playground"))
    assert by_id["ten-minutes"] == ("00",)


@pytest.mark.parametrize("name", ["01", "01_session", "01_session.ipynb", "01.q1", "01.quiz.dots"])
def test_a_lesson_is_found_by_any_of_its_names(name: str) -> None:
    assert find_lesson(name).name == "01_session"


@pytest.mark.parametrize("name", ["", "18", "session", "1"])
def test_other_names_are_not_found(name: str) -> None:
    with pytest.raises(KeyError):
        find_lesson(name)


def test_which_lessons_are_there(tmp_path: Path) -> None:
    for name in ("00_start_here.ipynb", "01_session.ipynb"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "02_envelope.ipynb").mkdir()
    assert [lesson.id for lesson, there in lessons_in(tmp_path) if there] == ["00", "01"]
    assert not any(there for _, there in lessons_in(tmp_path / "nowhere"))


def test_where_to_go_next(tmp_path: Path) -> None:
    (tmp_path / "04_reply_codes.ipynb").write_text("{}")
    following = [
        next_lesson("01"),
        next_lesson("02", "newsletters"),
        next_lesson("03", "newsletters"),
        next_lesson("01", folder=tmp_path),
        next_lesson("01", "software", tmp_path),
    ]
    assert [lesson.id for lesson in following if lesson] == ["02", "04", "04", "04", "04"]
    assert next_lesson("04", folder=tmp_path) is None
    assert next_lesson("15", "newsletters") is None
    assert next_lesson("17") is None
    with pytest.raises(KeyError):
        next_lesson("01", "scenic")


def test_routes_lead_to_the_lessons_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "01_session.ipynb").touch()
    html = RouteTable(tmp_path).as_html()
    assert 'href="01_session.ipynb" title="What do two mail servers say to each other?">01</a>' in html
    assert ">02</span>" in html
    assert "02_envelope.ipynb" not in html


@pytest.mark.parametrize("name", ["00_start_here", "01_session"])
def test_questions_lead_back_to_a_heading_of_their_lesson(name: str) -> None:
    cells = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4).cells
    headings = {cell.source.splitlines()[0].lstrip("# ") for cell in cells if cell.cell_type == "markdown"}
    for question in Quiz.load(QUIZZES / f"{name}.json"):
        assert question.back in headings, question.id
