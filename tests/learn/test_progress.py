"""Progress is kept whatever happens to the file, the disk, the kernel and the notebook."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.learn import Progress, current_progress
from labkit.learn import progress as progress_module
from labkit.learn.history import ItemProgress
from labkit.smtp.transcript import Transcript

TIME = "2026-01-05T09:00:00Z"


class Clock:
    """A clock for tests, a minute later at each look."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.time += timedelta(minutes=1)
        return self.time


def test_everything_is_known_again_by_another_object(tmp_path: Path) -> None:
    progress = Progress(tmp_path, now=Clock())
    progress.opened("01_session")
    progress.prediction("01.p1", "client")
    progress.reveal("01.p1", "server", False)
    progress.observation("01.o1", "incorrect", 3)
    progress.observation("01.o1", "correct", 4)
    progress.attempt("01.q1", "not_attempted")
    progress.attempt("01.q1", "error", 7)
    progress.attempt("01.q1", "incorrect", ("MAIL", ""))
    progress.hint("01.q1", 1)
    progress.solution("01.q1")
    progress.attempt("01.q1b", "correct", ("RSET",), twin_of="01.q1")
    progress.quiz("01.quiz.dot", "incorrect", [2])
    progress.quiz("01.quiz.dot", "correct", [1], where="04_reply_codes")
    progress.finished("01")

    again = Progress(tmp_path)
    lesson = again.lesson("01_session")
    assert lesson.times == (
        "2026-01-05T09:01:00.000Z",
        "2026-01-05T09:01:00.000Z",
        "2026-01-05T09:14:00.000Z",
    )
    (exercise,) = lesson.exercises
    assert exercise == ItemProgress(
        "01.q1",
        "exercise",
        tries=1,
        outcome="incorrect",
        hints=1,
        solution="2026-01-05T09:10:00.000Z",
        twin_passed="2026-01-05T09:11:00.000Z",
        answer=["MAIL", ""],
        first="2026-01-05T09:06:00.000Z",
        last="2026-01-05T09:10:00.000Z",
    )
    assert exercise.solved
    assert lesson.solved == 1
    (prediction,) = lesson.predictions
    assert (prediction.guess, prediction.actual, prediction.agreed) == ("client", "server", False)
    (observation,) = lesson.observations
    assert (observation.tries, observation.answer, bool(observation.passed)) == (2, 4, True)
    (question,) = lesson.questions
    assert [answer[1:] for answer in question.answers] == [("incorrect", ""), ("correct", "04")]
    assert not question.missed
    assert lesson.answered == 1
    assert again.summary().troubles == ()
    assert again.summary().records == 14


def test_two_objects_see_each_other(tmp_path: Path) -> None:
    one, two = Progress(tmp_path), Progress(tmp_path)
    for number in range(1, 6):
        one.attempt("01.q1", "incorrect")
        two.attempt("01.q1", "incorrect")
        assert one.item("01.q1").tries == two.item("01.q1").tries == 2 * number


def test_only_what_was_added_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    progress = Progress(tmp_path)
    for _ in range(50):
        progress.attempt("01.q1", "incorrect", "x" * 100)
    progress.summary()
    parsed: list[bytes] = []
    read = progress_module._records_in

    def counting(lines: Any, bad: list[bytes]) -> Any:
        lines = list(lines)
        parsed.extend(lines)
        return read(lines, bad)

    monkeypatch.setattr(progress_module, "_records_in", counting)
    progress.attempt("01.q1", "correct")
    assert progress.item("01.q1").tries == 51
    assert len([line for line in parsed if line]) == 1


def test_the_file_of_this_learner(labkit_home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert current_progress().path == labkit_home / "progress.jsonl"
    assert current_progress() is current_progress()
    monkeypatch.setenv("LABKIT_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert current_progress().path == tmp_path / ".labkit" / "progress.jsonl"
    assert not (tmp_path / ".labkit").exists()


def test_times_are_utc(tmp_path: Path) -> None:
    summer = timezone(timedelta(hours=2))
    progress = Progress(tmp_path, now=lambda: datetime(2026, 7, 1, 1, 30, tzinfo=summer))
    progress.opened("01")
    assert progress.lesson("01").times.opened == "2026-06-30T23:30:00.000Z"


def test_a_torn_line_is_reported_and_costs_nothing_else(tmp_path: Path) -> None:
    progress = Progress(tmp_path)
    progress.attempt("01.q1", "incorrect")
    path = tmp_path / "progress.jsonl"
    with path.open("ab") as file:
        file.write(path.read_bytes()[:40])
    assert progress.item("01.q1").tries == 1
    assert progress.summary().troubles == (
        f"1 damaged line was skipped in {path}. Everything else was read.",
    )
    progress.attempt("01.q1", "correct")
    assert progress.item("01.q1").tries == 2
    assert progress.summary().troubles == (
        f"1 damaged line was skipped in {path}. Everything else was read.",
    )
    assert Progress(tmp_path).item("01.q1").tries == 2


def test_a_record_that_lacks_only_its_line_end_counts_once(tmp_path: Path) -> None:
    progress = Progress(tmp_path)
    progress.attempt("01.q1", "incorrect")
    path = tmp_path / "progress.jsonl"
    path.write_bytes(path.read_bytes()[:-1])
    again = Progress(tmp_path)
    assert (again.item("01.q1").tries, again.summary().troubles) == (1, ())
    again.attempt("01.q1", "incorrect")
    assert (again.item("01.q1").tries, again.summary().troubles) == (2, ())


GARBAGE = [
    b"\x00" * 300,
    b"\xff\xfe\xfa",
    b"{",
    b"[1, 2]",
    b"null",
    b"[" * 100_000,
    b'{"t": "<img>", "kind": "attempt", "id": "01.q1"}',
    b'{"t": 1, "kind": "attempt", "id": "01.q1"}',
    b'{"t": "2026-01-05T09:00:00Z", "kind": "attempt", "id": "<script>"}',
    b'{"t": "2026-01-05T09:00:00Z", "kind": "attempt"}',
    b'{"t": "2026-01-05T09:00:00Z", "kind": "attempt", "id": "01.q1", "n": ' + b"9" * 5000 + b"}",
    b'{"t":"2026-01-05T09:00:00Z","kind":"attempt","id":"01.q1"} {}',
]


def test_garbage_is_skipped(tmp_path: Path) -> None:
    progress = Progress(tmp_path)
    for line in GARBAGE:
        progress.attempt("01.q1", "incorrect")
        with (tmp_path / "progress.jsonl").open("ab") as file:
            file.write(line + b"\n")
    again = Progress(tmp_path)
    assert again.item("01.q1").tries == len(GARBAGE)
    assert f"{len(GARBAGE)} damaged lines were skipped" in again.summary().troubles[0]


def test_odd_and_newer_records_do_no_harm(tmp_path: Path) -> None:
    lines = [
        {"t": TIME, "kind": "attempt", "id": "01.q1", "outcome": ["correct"], "of": 5, "answer": {"a": 1}},
        {"t": TIME, "kind": "hint", "id": "01.q1", "step": "two"},
        {"t": TIME, "kind": "prediction", "id": "01.p1", "guess": 5},
        {"t": TIME, "kind": "quiz", "id": "01.quiz.a", "outcome": "correct", "where": None, "picks": "a"},
        {"t": TIME, "kind": "badge", "id": "01.q1", "colour": "gold"},
        {"t": TIME, "kind": "opened", "id": "01.q1"},
    ]
    (tmp_path / "progress.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    progress = Progress(tmp_path)
    assert progress.summary().troubles == ()
    assert progress.item("01.q1").hints == 0
    assert progress.item("01.p1").guess == "5"


@given(
    data=st.lists(
        st.fixed_dictionaries(
            {
                "t": st.sampled_from(["2026-01-05T09:00:00Z", "2026-01-06T09:00:00.123Z"]),
                "kind": st.sampled_from(
                    [
                        "attempt",
                        "hint",
                        "solution",
                        "prediction",
                        "reveal",
                        "observation",
                        "quiz",
                        "opened",
                        "x",
                    ]
                ),
                "id": st.sampled_from(["01.q1", "01.q1b", "01", "02.quiz.a", "zz"]),
            },
            optional={
                name: st.none() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2)
                for name in ("outcome", "step", "of", "guess", "actual", "agreed", "where", "picks", "answer")
            },
        ),
        max_size=12,
    )
)
def test_any_records_give_a_summary(data: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "progress.jsonl").write_text("".join(json.dumps(line) + "\n" for line in data))
        at_once = Progress(home).summary()
        assert at_once.records == sum(line["id"] != "zz" for line in data)
        (home / "progress.jsonl").unlink()
        step_by_step = Progress(home)
        for line in data:
            with (home / "progress.jsonl").open("a") as file:
                file.write(json.dumps(line) + "\n")
            step_by_step.history()
        assert step_by_step.summary().lessons == at_once.lessons


def test_a_folder_that_cannot_be_used_is_told_once_and_breaks_nothing(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where the folder should be")
    progress = Progress(tmp_path / "home")
    for _ in range(3):
        progress.attempt("01.q1", "incorrect")
    assert progress.item("01.q1").tries == 3
    saving, reading = progress.summary().troubles
    assert "not being saved" in saving
    assert "The lab goes on" in saving
    assert "cannot be read" in reading


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "progress.jsonl").mkdir()
    progress = Progress(tmp_path)
    progress.opened("01")
    assert progress.lesson("01").times.opened
    assert progress.summary().troubles


def test_no_home_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LABKIT_HOME")

    def nowhere() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", nowhere)
    progress = Progress()
    progress.attempt("01.q1", "correct")
    assert progress.path is None
    assert progress.item("01.q1").passed
    assert "set LABKIT_HOME" in progress.summary().troubles[0]
    assert len(progress.records()) == 1


def test_what_a_full_disk_refused_is_saved_later_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    progress = Progress(tmp_path)
    progress.attempt("01.q1", "incorrect", "first")

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        progress.attempt("01.q1", "incorrect", "second")
        progress.hint("01.q1", 1)
        item = progress.item("01.q1")
        assert (item.tries, item.hints) == (2, 1)
        assert "No space left" in progress.summary().troubles[0]
        assert Progress(tmp_path).item("01.q1").tries == 1
    progress.attempt("01.q1", "correct", "third")
    assert progress.summary().troubles == ()
    again = Progress(tmp_path)
    assert (again.item("01.q1").tries, again.item("01.q1").answer) == (3, "third")
    assert [record.get("answer") for record in again.records()] == ["first", "second", None, "third"]


LIMITED = """
import resource, signal, sys
from labkit.learn import Progress
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
progress = Progress(sys.argv[1])
for number in range(20):
    progress.attempt("01.q1", "incorrect", "x" * 50)
assert progress.item("01.q1").tries == 20
print(progress.summary().troubles[0])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="resource limits")
def test_a_real_limit_in_the_middle_of_a_write(tmp_path: Path) -> None:
    root = Path(progress_module.__file__).parents[2]
    run = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert "not being saved" in run.stdout
    assert (tmp_path / "progress.jsonl").stat().st_size == 1000
    progress = Progress(tmp_path)
    before = progress.item("01.q1").tries
    assert before >= 5
    progress.attempt("01.q1", "correct")
    assert Progress(tmp_path).item("01.q1").tries == before + 1


def test_long_and_foreign_answers_are_only_named(tmp_path: Path) -> None:
    progress = Progress(tmp_path)
    session = Transcript.from_text("S: 220 hi\nC: QUIT\n")
    answers = [
        ("x" * 20_000, "(20002 characters)"),
        (object(), "(object)"),
        (float("nan"), "(float)"),
        (frozenset({"b", "a"}), ["a", "b"]),
        (session, session.to_text()),
        ("\ud800\u2028\n\x00", "\ud800\u2028\n\x00"),
    ]
    for answer, kept in answers:
        progress.attempt("01.q1", "incorrect", answer)
        assert Progress(tmp_path).item("01.q1").answer == kept
    assert all(len(line) < 17_000 for line in (tmp_path / "progress.jsonl").read_bytes().splitlines())


@pytest.mark.parametrize("id", ["", "q1", "01", "01.", "1.q1", "01.Q", "01.q1\n", "../x"])
def test_ids_that_cannot_be_kept_are_refused(id: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no id"):
        Progress(tmp_path).attempt(id, "correct")


def test_expected_items_are_listed_untouched(tmp_path: Path) -> None:
    progress = Progress(tmp_path)
    progress.attempt("01.q2", "correct")
    lesson = progress.lesson("01", [ItemProgress("01.q1", "exercise"), ItemProgress("01.q2", "exercise")])
    assert [(item.id, item.solved) for item in lesson.exercises] == [("01.q1", False), ("01.q2", True)]


def test_a_hundred_thousand_lines_load_within_a_second(tmp_path: Path) -> None:
    kinds: list[tuple[str, str, dict[str, Any]]] = [
        ("attempt", "q1", {"answer": ["MAIL FROM:<alice@sender.example>"]}),
        ("quiz", "quiz.a", {"picks": [1]}),
    ]
    with (tmp_path / "progress.jsonl").open("w") as file:
        for number in range(100_000):
            kind, name, more = kinds[number % 2]
            record = {"t": "2026-01-05T09:00:00.000Z", "kind": kind, "id": f"{number % 18:02d}.{name}"}
            file.write(json.dumps({**record, "outcome": "incorrect", **more}) + "\n")
    times = []
    for _ in range(3):
        start = time.process_time()
        summary = Progress(tmp_path).summary()
        times.append(time.process_time() - start)
        assert summary.records == 100_000
    assert min(times) < 1


@pytest.mark.parametrize(
    ("named", "folder"),
    [("~/mine", "mine"), ("mine/of/01", "mine/of/01"), ("", ".labkit"), ("/srv/x", "/srv/x")],
)
def test_where_progress_is_kept_does_not_depend_on_the_working_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, named: str, folder: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("LABKIT_HOME", named)
    assert progress_module.home_folder() == tmp_path / folder
