"""No line is lost to another writer, to a kill in the middle, or to a lock that cannot be had."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.learn import journal as journal_module
from labkit.learn.journal import Cursor, Journal

WRITER = """
import sys, time
from pathlib import Path
from labkit.learn.journal import Journal

path, acknowledged, name, first, last, size = sys.argv[1:]
journal = Journal(Path(path))
with open(acknowledged, "a") as done:
    for number in range(int(first), int(last)):
        journal.append(f"{name} {number} {'x' * int(size)}".encode())
        print(number, file=done, flush=True)
        time.sleep(0.001)
"""


def writer(path: Path, name: str, first: int, last: int, size: int) -> subprocess.Popen[bytes]:
    """Another program that writes lines, and notes the number of each that it has written."""
    arguments = [str(path), str(path.with_name(f"{name}.done")), name, str(first), str(last), str(size)]
    root = Path(journal_module.__file__).parents[2]
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, *arguments], env={**os.environ, "PYTHONPATH": str(root)}
    )


def done(path: Path, name: str) -> list[int]:
    """The numbers of the lines that writer `name` has written."""
    file = path.with_name(f"{name}.done")
    return (
        [int(line) for line in file.read_text().splitlines(keepends=True) if line.endswith("\n")]
        if file.exists()
        else []
    )


def test_lines_come_back_in_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "new" / "folder" / "lines")
    for line in (b"one", b"two", b"three"):
        journal.append(line)
    batch = journal.read(Cursor())
    assert batch.lines == (b"one", b"two", b"three")
    assert batch.tail == b""
    assert journal.path.read_bytes() == b"one\ntwo\nthree\n"
    assert journal.path.stat().st_mode & 0o077 == 0


def test_reading_goes_on_where_it_stopped(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "lines")
    assert journal.read(Cursor()).lines == ()
    journal.append(b"one")
    first = journal.read(Cursor())
    assert journal.read(first.cursor).lines == ()
    journal.append(b"two")
    second = journal.read(first.cursor)
    assert (second.lines, second.anew) == ((b"two",), False)


def test_a_torn_line_does_not_swallow_the_next(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "lines")
    journal.append(b"one")
    with journal.path.open("ab") as file:
        file.write(b"two, to")
    batch = journal.read(Cursor())
    assert (batch.lines, batch.tail) == ((b"one",), b"two, to")
    journal.append(b"three")
    later = journal.read(batch.cursor)
    assert (later.lines, later.tail) == ((b"two, to", b"three"), b"")


def test_a_long_file_is_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "_PIECE", 10)
    journal = Journal(tmp_path / "lines")
    lines = [b"x" * length for length in (1, 9, 10, 11, 35, 2, 0, 10)]
    for line in lines:
        journal.append(line)
    with journal.path.open("ab") as file:
        file.write(b"torn" * 6)
    batches = list(journal.read_all(Cursor()))
    assert [line for batch in batches for line in batch.lines] == lines
    assert batches[-1].tail == b"torn" * 6
    assert [batch.more for batch in batches] == [True] * (len(batches) - 1) + [False]


@pytest.mark.parametrize("change", ["shorter", "another", "gone"])
def test_another_file_is_read_from_its_start(tmp_path: Path, change: str) -> None:
    journal = Journal(tmp_path / "lines")
    journal.append(b"one")
    journal.append(b"two")
    cursor = journal.read(Cursor()).cursor
    if change == "shorter":
        journal.path.write_bytes(b"new\n")
    elif change == "another":
        (tmp_path / "copy").write_bytes(b"new\nand\nlonger\n")
        (tmp_path / "copy").replace(journal.path)
    else:
        journal.path.unlink()
    batch = journal.read(cursor)
    assert batch.anew
    assert batch.lines[:1] == (() if change == "gone" else (b"new",))


@given(
    parts=st.lists(st.binary(max_size=30), max_size=8),
    lines=st.lists(st.text("ab\u00e9", min_size=1), max_size=8),
)
def test_whatever_others_leave_behind_lines_survive(parts: list[bytes], lines: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder) / "lines")
        for place in range(max(len(parts), len(lines))):
            if place < len(parts):
                with journal.path.open("ab") as file:
                    file.write(parts[place])
            if place < len(lines):
                journal.append(lines[place].encode())
        found = [line for line in journal.read(Cursor()).lines if line]
        wanted = iter(found)
        assert all(line.encode() in wanted for line in lines)


def test_without_a_lock_lines_survive_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(errno.ENOLCK, "no locks here")

    monkeypatch.setattr(journal_module, "_lock", refuse)
    journal = Journal(tmp_path / "lines")
    journal.append(b"one")
    with journal.path.open("ab") as file:
        file.write(b"torn")
    journal.append(b"two")
    assert [line for line in journal.read(Cursor()).lines if line] == [b"one", b"torn", b"two"]


@pytest.mark.skipif(sys.platform == "win32", reason="flock")
def test_a_stopped_program_that_holds_the_lock_stops_nobody(tmp_path: Path) -> None:
    import fcntl

    journal = Journal(tmp_path / "lines")
    journal.append(b"one")
    with journal.path.open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        start = time.monotonic()
        journal.append(b"two")
        assert time.monotonic() - start < 5
    assert [line for line in journal.read(Cursor()).lines if line] == [b"one", b"two"]


def test_a_short_write_is_an_error_and_the_next_line_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path / "lines")
    journal.append(b"one")
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:2]))
        with pytest.raises(OSError, match="No space left"):
            journal.append(b"two")
    journal.append(b"three")
    assert journal.read(Cursor()).lines == (b"one", b"tw", b"three")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes")
def test_a_pipe_in_its_place_blocks_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "lines")
    journal = Journal(tmp_path / "lines")
    with pytest.raises(OSError, match="not a plain file"):
        journal.append(b"one")
    with pytest.raises(OSError, match="not a plain file"):
        journal.read(Cursor())


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_four_writers_one_of_them_killed_again_and_again(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    steady = [writer(path, name, 0, 500, 200) for name in ("a", "b", "c")]
    rounds = 0
    while rounds < 8 or any(process.poll() is None for process in steady):
        written = done(path, "victim")
        victim = writer(path, "victim", max(written, default=-1) + 1, 1_000_000, 12_000)
        while len(done(path, "victim")) < len(written) + 20:
            time.sleep(0.002)
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        rounds += 1
    assert [process.wait() for process in steady] == [0, 0, 0]

    batches = Journal(path).read_all(Cursor())
    lines = [line.decode() for batch in batches for line in batch.lines if line]
    for name in ("a", "b", "c"):
        numbers = [int(line.split()[1]) for line in lines if line.startswith(f"{name} ") and len(line) > 200]
        assert numbers == list(range(500))
    whole = {int(line.split()[1]) for line in lines if line.startswith("victim ") and len(line) > 12_000}
    assert whole >= set(done(path, "victim"))
    torn = [line for line in lines if len(line) < 200 or (line.startswith("victim ") and len(line) < 12_000)]
    assert len(torn) <= rounds
