"""Notebook 7 instead of JupyterLab: the console works there too."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from .jupyter import Jupyter
from .lab_page import LabPage
from .learner import Learner

OpenLab = Callable[..., LabPage]

CONSOLE = "lab.console()"
SOURCE = f'import labkit; lab = labkit.open_lesson("01_session")\n{CONSOLE}'


@pytest.fixture(scope="module")
def notebook_7() -> Iterator[Jupyter]:
    with Jupyter(app="notebook") as server:
        yield server


def test_console_in_notebook_7(notebook_7: Jupyter, open_lab: OpenLab) -> None:
    lab = open_lab(SOURCE, server=notebook_7)
    lab.run_all()
    learner, before = Learner(lab), lab.cells()
    learner.connect(CONSOLE)
    learner.say(CONSOLE, "EHLO sender.example", "250")
    learner.tab_to('button "Send')
    lab.keys("bddaxm")
    assert lab.cells() == before
