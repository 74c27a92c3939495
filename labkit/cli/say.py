"""What the commands print: plain sentences, progress with the time so far, and trouble with its remedy."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path


class Trouble(Exception):
    """Something the person can put right. `what` happened, and what to `do` about it: a sentence each."""

    def __init__(self, what: str, do: str) -> None:
        super().__init__(what)
        self.what = what
        self.do = do

    def __str__(self) -> str:
        return f"{self.what}\nWhat to do: {self.do}"


def say(text: str) -> None:
    """Print one line at once, also into a pipe."""
    print(text, flush=True)


def complain(text: str) -> None:
    """Print to the error stream, after everything that was said before."""
    sys.stdout.flush()
    print(text, file=sys.stderr, flush=True)


def short(path: Path | str) -> str:
    """`path` with the home folder written as ~, so that it can be pasted to a helper."""
    text, home = str(path), os.path.expanduser("~")
    if home not in ("", "/", "~") and (text == home or text.startswith(home + os.sep)):
        return "~" + text[len(home) :]
    return text


def seconds(elapsed: float) -> str:
    """A duration for people: `0.4 s`, `12 s`, `3 min 05 s`."""
    if elapsed < 10:
        return f"{elapsed:.1f} s"
    if elapsed < 60:
        return f"{elapsed:.0f} s"
    return f"{int(elapsed) // 60} min {int(elapsed) % 60:02d} s"


class Steps:
    """Numbered steps of a longer job: which one runs, for how long, and what it is at.

    On a terminal the current line is rewritten; in a pipe a line appears per step and then every ten seconds.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.number = 0
        self.began = time.monotonic()
        self._title = ""
        self._step_began = self.began
        self._shown = 0.0
        self._live = sys.stdout.isatty()

    def start(self, title: str) -> None:
        """Begin the next step."""
        self.number += 1
        self._title = title
        self._step_began = self._shown = time.monotonic()
        self._write(f"[{self.number}/{self.total}] {title} ...", end="" if self._live else "\n")

    def note(self, detail: str) -> None:
        """Say what the running step is at; call as often as you like."""
        now = time.monotonic()
        if now - self._shown < (0.2 if self._live else 10):
            return
        self._shown = now
        line = f"[{self.number}/{self.total}] {self._title} ... {detail}, {seconds(now - self._step_began)}"
        self._write(line, end="" if self._live else "\n")

    def done(self) -> None:
        """End the running step."""
        took = seconds(time.monotonic() - self._step_began)
        self._write(f"[{self.number}/{self.total}] {self._title}: done in {took}", end="\n")

    def broken_off(self) -> None:
        """Leave the running step's line, so that what is printed next stands on its own."""
        if self._live:
            print(flush=True)

    def _write(self, line: str, end: str) -> None:
        print(("\r\x1b[K" if self._live else "") + line, end=end, flush=True)
