"""Progress goes along: as JSON into another home, as Markdown for people."""

from __future__ import annotations

import errno
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from labkit.learn import Progress
from labkit.learn.export import ImportProblem, take_in, to_json, to_markdown


@pytest.fixture
def progress(tmp_path: Path) -> Progress:
    """Some work in lesson 01."""
    progress = Progress(tmp_path / "here", now=lambda: datetime(2026, 1, 5, 9, tzinfo=UTC))
    progress.opened("01")
    progress.prediction("01.p1", "client")
    progress.observation("01.o1", "correct", 4)
    progress.attempt("01.q1", "incorrect", ["<script>alert(1)</script>"])
    progress.attempt("01.q1", "correct", ["QUIT"])
    progress.attempt("01.q2", "incorrect")
    progress.solution("01.q2")
    progress.attempt("01.q3", "incorrect")
    progress.solution("01.q3")
    progress.attempt("01.q3b", "correct", twin_of="01.q3")
    progress.hint("01.q4", 1)
    progress.quiz("01.quiz.dots", "correct")
    progress.finished("01")
    return progress


def test_another_home_takes_it_in_once(progress: Progress, tmp_path: Path) -> None:
    there = Progress(tmp_path / "there")
    there.attempt("00.q1", "correct")
    text = to_json(progress)
    assert take_in(there, text) == 13
    assert take_in(there, text) == 0
    assert there.lesson("01") == progress.lesson("01")
    assert there.item("00.q1").passed
    assert Progress(tmp_path / "there").summary().records == 14


def test_what_was_taken_in_on_a_full_disk_is_kept(
    progress: Progress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = Progress(tmp_path / "there")
    write, left = os.write, [300]

    def nearly_full(descriptor: int, data: bytes) -> int:
        if not left[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = write(descriptor, data[: left[0]])
        left[0] -= written
        return written

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", nearly_full)
        assert take_in(there, to_json(progress)) == 13
        assert there.lesson("01") == progress.lesson("01")
        assert "not being saved" in there.summary().troubles[0]
    there.opened("02")
    assert Progress(tmp_path / "there").lesson("01") == progress.lesson("01")
    assert Progress(tmp_path / "there").summary().records == 14


def test_what_could_not_be_saved_is_exported(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    progress = Progress(tmp_path / "home")
    progress.attempt("01.q1", "correct")
    there = Progress(tmp_path / "there")
    assert take_in(there, to_json(progress)) == 1
    assert there.item("01.q1").passed


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"format": "smtp-lab-progress"}', '"x"', "[" * 100_000]
)
def test_other_files_are_refused(progress: Progress, text: str) -> None:
    with pytest.raises(ImportProblem, match="no progress file"):
        take_in(progress, text)


def test_what_is_no_record_is_left_out(progress: Progress) -> None:
    records = [
        None,
        5,
        {"t": "2026-01-05T09:00:00Z"},
        {"t": "2026-01-05T09:00:00Z", "kind": "attempt", "id": "<b>"},
        {"t": "<img src=x>", "kind": "attempt", "id": "01.q1", "outcome": "correct"},
    ]
    assert take_in(progress, json.dumps({"format": "smtp-lab-progress", "records": records})) == 0


def test_markdown_says_what_was_done_in_our_own_words(progress: Progress) -> None:
    assert to_markdown(progress.summary()) == (
        "# SMTP Lab: what I have done\n"
        "\n"
        "## 01 What do two mail servers say to each other?\n"
        "\n"
        "- Opened 2026-01-05, finished 2026-01-05\n"
        "- Exercise 01.q1: solved on 2026-01-05, 2 tries\n"
        "- Exercise 01.q2: solution read, its twin is open\n"
        "- Exercise 01.q3: solution read, its twin solved on 2026-01-05\n"
        "- Exercise 01.q4: open, 0 tries\n"
        "- Predictions made: 1\n"
        "- Deciding lines found: 1 of 1\n"
        "- Quiz questions answered right: 1 of 1\n"
    )


def test_nothing_yet(tmp_path: Path) -> None:
    assert "Nothing yet" in to_markdown(Progress(tmp_path).summary())


def test_troubles_stand_at_the_end(progress: Progress) -> None:
    assert progress.path is not None
    with progress.path.open("a") as file:
        file.write("torn\n")
    assert "## About this record\n\n- 1 damaged line was skipped" in to_markdown(progress.summary())


def test_lessons_of_another_course_are_named_as_such(tmp_path: Path) -> None:
    progress = Progress(tmp_path)
    progress.opened("77")
    assert "## 77 a lesson that is not in this course" in to_markdown(progress.summary())
