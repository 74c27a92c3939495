"""An append-only file of lines that several programs write at once, some of which get killed in the middle.

How no line is ever lost to another:

- A record is written by one `os.write` on a descriptor opened with O_APPEND, so two writers cannot overlap.
  Where the system has file locks, one is held meanwhile (network file systems and Windows need it). A lock
  that cannot be had within a moment is done without: a stopped program must not stop a lesson.
- A program killed within its write leaves a torn line without an end. The next writer sees that the file
  does not end in a line end and starts its record on a new line. If it cannot look, it starts on a new line
  anyway; empty lines mean nothing.
- Records are flushed to the system, not to the disk: a kill loses nothing, a power cut may lose the last
  seconds.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

_LOCK_TRIES = 500  # about a millisecond; who holds the lock needs it for a thirtieth of that
_PIECE = 1 << 20  # octets read at once: a long file as a whole would cost its size in memory three times over
_FLAGS = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)


class Cursor(NamedTuple):
    """How far a file has been read: which file it was, and the octets up to the last line end."""

    file: tuple[int, int] = (0, 0)
    offset: int = 0


class Batch(NamedTuple):
    """What `Journal.read` found.

    Complete `lines` without their ends, the unfinished `tail` after the last of them, and the `cursor` to go
    on from. `anew`: the file is another one or has shrunk, and was read from its start. `more`: this was not
    all, and `tail` is only the beginning of a line.
    """

    lines: tuple[bytes, ...]
    tail: bytes
    cursor: Cursor
    anew: bool
    more: bool = False


class Journal:
    """The lines of one file. Opens it at each use and holds nothing between, so it needs no closing."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, line: bytes) -> None:
        """Adds one line (given without its end) at the end of the file; or several, with line ends between.

        Makes the folder when it is missing. Raises OSError when not all of it could be written.
        """
        descriptor, readable = self._open_for_append()
        try:
            with _locked(descriptor) as locked:
                ended = locked and readable and _ends_with_line_end(descriptor)
                data = (b"" if ended else b"\n") + line + b"\n"
                written = os.write(descriptor, data)
        finally:
            os.close(descriptor)
        if written < len(data) - 1:  # a missing line end alone is put right by the next writer
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))

    def read(self, since: Cursor) -> Batch:
        """What was added since, or the first mebibyte of it.

        A file that is not there reads as an empty one. Raises OSError otherwise.
        """
        try:
            descriptor = os.open(self.path, os.O_RDONLY | _FLAGS)
        except FileNotFoundError:
            return Batch((), b"", Cursor(), anew=since.offset > 0)
        with open(descriptor, "rb") as file:
            status = _regular(descriptor, self.path)
            identity = (status.st_dev, status.st_ino)
            anew = identity != since.file or status.st_size < since.offset
            start = 0 if anew else since.offset
            if status.st_size == start:
                return Batch((), b"", Cursor(identity, start), anew)
            file.seek(start)
            data = file.read(_PIECE)
            while b"\n" not in data and (rest := file.read(_PIECE)):
                data += rest
        complete, _, tail = data.rpartition(b"\n")
        lines = tuple(complete.split(b"\n")) if complete else ()
        cursor = Cursor(identity, start + len(data) - len(tail))
        return Batch(lines, tail, cursor, anew, more=start + len(data) < status.st_size)

    def read_all(self, since: Cursor) -> Iterator[Batch]:
        """Everything that was added since, piece by piece. Raises OSError, also between pieces."""
        while True:
            batch = self.read(since)
            yield batch
            if not batch.more:
                return
            since = batch.cursor

    def _open_for_append(self) -> tuple[int, bool]:
        """A descriptor, and whether it can also read."""
        append = os.O_APPEND | os.O_CREAT | _FLAGS
        try:
            descriptor, readable = os.open(self.path, os.O_RDWR | append, 0o600), True
        except FileNotFoundError:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, readable = os.open(self.path, os.O_RDWR | append, 0o600), True
        except PermissionError:
            descriptor, readable = os.open(self.path, os.O_WRONLY | append, 0o600), False
        try:
            _regular(descriptor, self.path)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor, readable


def _regular(descriptor: int, path: Path) -> os.stat_result:
    """The status of a plain file; a pipe or a device in its place would block or swallow records."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a plain file", str(path))
    return status


def _ends_with_line_end(descriptor: int) -> bool:
    if os.fstat(descriptor).st_size == 0:
        return True
    os.lseek(descriptor, -1, os.SEEK_END)
    return os.read(descriptor, 1) == b"\n"


@contextmanager
def _locked(descriptor: int) -> Iterator[bool]:
    """Holds the file's lock within, and says whether it could be had. Closing the descriptor frees it too."""
    held = False
    for _ in range(_LOCK_TRIES):
        try:
            _lock(descriptor)
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
                break  # this file system has no locks
        else:
            held = True
            break
    try:
        yield held
    finally:
        if held:
            _unlock(descriptor)


if sys.platform == "win32":
    import msvcrt

    _LOCKED_OCTET = 1 << 30  # far behind the end: on Windows a locked octet cannot be read by others

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, _LOCKED_OCTET, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, _LOCKED_OCTET, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
