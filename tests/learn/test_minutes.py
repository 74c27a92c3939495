"""What the opening of a lesson says about its length is what `docs/minutes.py` counts."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import nbformat
import pytest

from labkit.learn.course import find_lesson

ROOT = Path(__file__).resolve().parents[2]
MEASURED = (
    "00_start_here",
    "01_session",
    "03_extensions",
    "04_reply_codes",
    "05_queue_and_bounces",
    "06_delivery_chain",
    "07_mailbox",
    "08_ports",
    "10_spf",
)


@pytest.fixture(scope="module")
def counting() -> ModuleType:
    spec = importlib.util.spec_from_file_location("minutes", ROOT / "docs" / "minutes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setitem(sys.modules, "minutes", module)  # dataclasses look there
    spec.loader.exec_module(module)
    monkeypatch.undo()
    return module


@pytest.mark.parametrize("name", MEASURED)
def test_the_core_takes_what_its_card_says(name: str, counting: ModuleType) -> None:
    path = ROOT / "notebooks" / f"{name}.ipynb"
    counted = sum((work for _, work in counting.core(path)), counting.Work()).minutes
    said = re.search(r"About (\d+) minutes", nbformat.read(path, as_version=4).cells[0].source)
    assert said is not None
    assert int(said[1]) - 2 < counted <= int(said[1]) <= 15
    assert int(said[1]) == find_lesson(name).core
