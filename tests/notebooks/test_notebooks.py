"""The notebooks as files: what is stored in them, how they are built, and that their exercises grade themselves.

Their outputs are compared by nbval, which runs them; here nothing runs.
"""

from __future__ import annotations

import getpass
import importlib
import re
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from labkit.learn.course import LESSONS
from labkit.learn.samples import check_samples
from labkit.lessons.lesson import Lesson

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))
NAMES = [path.stem for path in PATHS]

# What a code cell is for, told by its tag. (The first cell, which opens the lesson, and all other text have none or "card".)
ROLES = {"setup", "spaced", "predict", "run", "stored", "observe", "break", "task", "quiz", "table", "python",
         "wild", "progress", "routes", "done"}  # fmt: skip
LIVE = "application/vnd.jupyter.widget-view+json"
MOST_WORDS, MOST_LINES = 120, 6

every_notebook = pytest.mark.parametrize("name", NAMES)


def book(name: str) -> NotebookNode:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def code_cells(name: str) -> list[NotebookNode]:
    return [cell for cell in book(name).cells if cell.cell_type == "code"]


def lesson_of(name: str) -> Lesson:
    module = importlib.import_module(f"labkit.lessons.{name.partition('_')[2]}")
    lesson: Lesson = module.open()
    return lesson


def test_each_notebook_is_a_lesson_of_the_course() -> None:
    assert NAMES, f"no notebook in {FOLDER}"
    assert set(NAMES) <= {lesson.name for lesson in LESSONS}


@every_notebook
def test_it_is_valid_and_names_no_kernel_of_its_author(name: str) -> None:
    notebook = book(name)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    assert notebook.metadata.language_info == {"name": "python"}  # no version that changes with the machine
    assert set(notebook.metadata) == {"kernelspec", "language_info"}  # no saved state of widgets
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)


@every_notebook
def test_every_code_cell_has_run_in_order_and_stores_what_it_showed(name: str) -> None:
    """A cell stored without outputs would not be compared by nbval at all, and pass."""
    for number, cell in enumerate(code_cells(name), 1):
        assert cell.execution_count == number, cell.source
        assert cell.outputs, f"no output is stored of: {cell.source}"
        for output in cell.outputs:
            assert output.output_type in ("display_data", "execute_result", "stream"), cell.source
            if output.output_type == "execute_result":
                assert output.execution_count == number, cell.source
            data = output.get("data", {})
            assert LIVE not in data, f"the id of a live widget is stored: {cell.source}"
            assert not data or {"text/plain", "text/html"} <= set(data), cell.source
            assert "<svg" not in data.get("text/html", "")


@every_notebook
def test_cells_have_one_role_each(name: str) -> None:
    for cell in code_cells(name):
        (role,) = cell.metadata.tags
        assert role in ROLES, cell.source
    roles = [cell.metadata.tags[0] for cell in code_cells(name)]
    assert roles[0] == "setup"
    assert roles.count("setup") == roles.count("quiz") == roles.count("done") == 1
    assert roles.count("task") == 3
    assert roles[-1] == "done"
    # A guess comes right before the run that answers it, and the quiz after every task.
    assert all(roles[place + 1] in ("run", "break") for place, role in enumerate(roles) if role == "predict")
    assert roles.index("quiz") > max(place for place, role in enumerate(roles) if role == "task")


@every_notebook
def test_nothing_of_a_machine_is_in_it(name: str) -> None:
    text = (FOLDER / f"{name}.ipynb").read_text()
    home = str(Path.home())
    for private in (home if len(home) > 1 else "/root", str(FOLDER.parent), f"/home/{getpass.getuser()}"):
        assert private not in text
    assert not re.findall(r"(?:/home/|/Users/|/tmp/|/root\b|[A-Z]:\\\\Users)[\w/.-]*", text)
    assert not re.findall(r"127\.0\.0\.1[: ]\d{4,5}\b|0x[0-9a-f]{8,}", text)  # ports, addresses in memory


@every_notebook
def test_cells_are_short(name: str) -> None:
    for cell in book(name).cells:
        if cell.cell_type == "code":
            lines = cell.source.splitlines()
            assert len(lines) <= MOST_LINES, cell.source
            assert max(map(len, lines)) <= 120, cell.source
        else:
            words = re.findall(r"[\w'-]+", re.sub(r"\]\([^)]*\)", "]", cell.source))
            assert len(words) <= MOST_WORDS, f"{len(words)} words: {cell.source[:80]}"


@every_notebook
def test_links_lead_somewhere(name: str) -> None:
    for cell in book(name).cells:
        for target in re.findall(r"\]\(([^)]+)\)", cell.source if cell.cell_type == "markdown" else ""):
            assert not re.match(r"https?:", target), f"the lab works offline; {target} does not"
            assert (FOLDER / target.partition("#")[0]).is_file(), f"{target} is not there"


@every_notebook
def test_the_opening_cell_keeps_to_the_template(name: str) -> None:
    """A question as heading, three things that one can do afterwards, time and rules."""
    first, *rest = book(name).cells
    assert re.match(r"# .+\?\n", first.source)
    assert len(re.findall(r"^- ", first.source, re.MULTILINE)) == 3
    assert re.search(r"About \d+ minutes", first.source)
    assert "RFC" in first.source
    assert not any(re.match(r"# ", cell.source) for cell in rest if cell.cell_type == "markdown")


@every_notebook
def test_sections_under_more_are_folded(name: str) -> None:
    for cell in book(name).cells:
        if cell.cell_type == "markdown" and cell.source.startswith("## More"):
            assert cell.metadata.get("jp-MarkdownHeadingCollapsed") is True, cell.source.splitlines()[0]


@every_notebook
def test_exercises_grade_their_own_samples(name: str) -> None:
    lesson = lesson_of(name)
    try:
        exercises = lesson.exercises()
        assert len(exercises) == 3
        for exercise in exercises:
            check_samples(exercise)
            assert exercise.twin is not None, f"{exercise.id} has no task with other data"
    finally:
        lesson.close()


@every_notebook
def test_everything_that_cells_ask_for_is_there(name: str) -> None:
    """No recorded run, prediction or observation stands in the module that no cell shows."""
    lesson = lesson_of(name)
    sources = "\n".join(cell.source for cell in code_cells(name))
    try:
        assert set(re.findall(r'lab\.recorded\("(\w+)"\)', sources)) <= set(lesson.recordings())
        assert set(re.findall(r'lab\.predict\("(\w+)"\)', sources)) == set(lesson.predictions())
        assert set(re.findall(r'lab\.observe\("(\w+)"\)', sources)) == set(lesson.observations())
    finally:
        lesson.close()
