"""Cells in whatever order, some twice, some interrupted: always a right result or a helpful message.

One order of every third notebook by default, fifty of each with ``--long``; each in a kernel of its own. A failure
names its seed.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import nbformat
import psutil
import pytest

from .kernel import DROPPED, ROOT, Kernel, Outcome

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SAMPLE, WHOLE = 1, 50

AGAIN = "Lab ready. It was running already; your sessions are still there."
FEW = 2
BROKEN_OFF = {"No line yet.", "(client closed the connection)"}
NOT_YET = "The notice\nNo notice yet."
# Each message has ids of its own: in a queue, and in Message-ID.
IDS = re.compile(r"\b[A-Z2-7]{10}\b|\b[0-9a-f]{20}(?=@)")

# Whatever nothing refers to any more is collected, and the loop has had time to close it.
HELD = """
import gc, json, threading, time
from labkit.transport.loop_thread import loop_thread
for _ in range(3):
    gc.collect(); time.sleep(0.1)
names = sorted(thread.name.partition("(")[0].rstrip("-_0123456789 ") for thread in threading.enumerate())
print(json.dumps([names, len(loop_thread()._tasks), list(loop_thread().errors)]))
"""


@dataclass(frozen=True)
class Held:
    """What the process of a kernel holds."""

    listening: int
    connected: int
    open_files: int
    threads: tuple[str, ...]
    tasks: int
    errors: tuple[str, ...]

    @classmethod
    def by(cls, kernel: Kernel) -> Held:
        told = kernel.run(HELD)
        assert not told.error, told.traceback
        names, tasks, errors = json.loads(told.text)
        process = kernel.process
        states = [connection.status for connection in process.net_connections("tcp4")]
        return cls(
            states.count(psutil.CONN_LISTEN),
            states.count(psutil.CONN_ESTABLISHED),
            process.num_fds(),
            tuple(names),
            tasks,
            tuple(errors),
        )


@dataclass(frozen=True)
class Clean:
    """One run from top to bottom: what each code cell shows, and what the kernel holds at the end."""

    shown: dict[str, str]
    held: Held


@pytest.fixture(scope="module")
def clean(notebook: Path, tmp_path_factory: pytest.TempPathFactory) -> Clean:
    cells = nbformat.read(notebook, as_version=4).cells
    shown = {}
    with Kernel(tmp_path_factory.mktemp("clean")) as kernel:
        for source in [cell.source for cell in cells if cell.cell_type == "code"]:
            outcome = kernel.run(source)
            assert not outcome.error, outcome.traceback
            shown[source] = outcome.text
        return Clean(shown, Held.by(kernel))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        books = list(enumerate(NOTEBOOKS))
        books, orders = (books, WHOLE) if metafunc.config.getoption("--long") else (books[1::3], SAMPLE)
        cases = [(book, seed) for place, book in books for seed in range(place, place + orders)]
        names = [f"{book.stem} {seed}" for book, seed in cases]
        metafunc.parametrize(("notebook", "seed"), cases, ids=names, scope="module")


def shuffled(cells: list[str], rng: random.Random) -> list[str]:
    """All cells and a third of them once more, in random order; in half of all cases the set-up comes first."""
    order = cells + rng.sample(cells, len(cells) // 3)
    rng.shuffle(order)
    if rng.random() < 0.5:
        order.insert(0, cells[0])
    return order


def test_cells_in_any_order(seed: int, clean: Clean, tmp_path: Path) -> None:
    rng = random.Random(seed)
    with Kernel(tmp_path) as kernel:
        late = False
        for source in shuffled(list(clean.shown), rng):
            moment = rng.choice(MOMENTS)(rng)
            outcome = kernel.run(source, interrupt_after=moment)
            # An interrupt that comes when its cell is done strikes the next one.
            outcome.interrupted, late = outcome.interrupted or late, outcome.interrupted
            if (
                kernel.deaf
            ):  # pyzmq sends a message part by part, and ipykernel lets an interrupt come in between
                assert outcome.interrupted, f"nobody interrupted {source}"
                kernel.restart()
                continue
            print(outcome.error or "right", repr(source))  # shown when a later cell fails
            judge(outcome, clean.shown[source])
        kernel.run("pass")
        # After all that, the notebook runs from top to bottom as if nothing had been.
        for source, text in clean.shown.items():
            judge(outcome := kernel.run(source), text)
            assert not outcome.error, f"{source}\n{outcome.traceback}"
        held = Held.by(kernel)
        assert replace(held, open_files=0) == replace(clean.held, open_files=0)
        # Kernel and sockets of ZeroMQ open one or two more when an interrupt comes in between; each cell has run twice or more.
        assert held.open_files <= clean.held.open_files + FEW


# When a cell is interrupted: mostly not at all, else somewhere while it runs (most need 2 to 60 ms).
MOMENTS: tuple[Callable[[random.Random], float | None], ...] = (
    lambda _rng: None,
    lambda _rng: None,
    lambda rng: rng.uniform(0.0, 0.02),
    lambda rng: rng.uniform(0.0, 0.4),
)

# What IPython and ipywidgets say about what an interrupt made them drop half made; it may come in a later cell.
OTHERS = re.compile(
    r"\S+ RuntimeWarning: coroutine '(?:InteractiveShell\.run_cell_async|IPythonKernel\.do_execute)' was never awaited\n"
    r"(?:  .*\n)?RuntimeWarning: Enable tracemalloc .*\n"
    r"|Exception ignored in: <function (?:Lab)?Widget\.__del__ .*\nTraceback .*\n(?:  .*\n)*\S*TraitError: .*\n"
)


def judge(outcome: Outcome, expected: str) -> None:
    """A right result, a helpful message, or an interrupt that shows nothing of the lab's inside."""
    complaints = OTHERS.sub("", outcome.complaints).strip()
    if complaints:
        # An interrupt may strike Python's or IPython's own machinery, before or after the cell: they tell of it.
        assert outcome.interrupted, outcome
        assert "KeyboardInterrupt" in complaints, outcome
        assert len(frames_of_ours(complaints)) <= 1, complaints
    elif outcome.interrupted and not (outcome.error or outcome.text):
        pass  # struck before the cell began: the kernel drops it, and says so only in its own log
    elif not outcome.error:
        assert is_right(outcome, expected), f"{outcome.source}\ngave:\n{outcome.text}\nnot:\n{expected}"
    elif outcome.error == DROPPED:
        assert outcome.interrupted
    elif outcome.error == "KeyboardInterrupt":
        assert outcome.interrupted, f"nobody interrupted {outcome.source}\n{outcome.traceback}"
        assert len(frames_of_ours(outcome.traceback)) <= 1, f"{outcome.source}\n{outcome.traceback}"
    elif outcome.error == "SMTPResponseException":
        # smtplib's own `with` says QUIT after an interrupt, and then complains of the answer to the step before.
        assert outcome.interrupted, outcome.traceback
        assert "smtplib" in outcome.source
        assert "KeyboardInterrupt" in outcome.traceback
    else:
        assert outcome.error == "NameError", f"{outcome.source}\n{outcome.traceback}"
        assert outcome.traceback.startswith("The lab is not running yet"), outcome.traceback
        assert "Run the set-up cell at the top of this notebook" in outcome.traceback
        assert "Traceback" not in outcome.traceback


def is_right(outcome: Outcome, expected: str) -> bool:
    """Whether the cell shows what it shows in a clean run, or what is right when cells came in another order."""
    shown, expected = IDS.sub("id", outcome.text), IDS.sub("id", expected)
    if "open_lesson" in outcome.source:
        return shown in (expected, AGAIN)
    if "second_session" in outcome.source:  # as far as the last one got
        return set(shown.splitlines()) <= set(expected.splitlines()) | BROKEN_OFF
    if "success_notice" in outcome.source:  # nothing was sent, or it was broken off
        return shown in (expected, NOT_YET)
    if "lab.watch()" in outcome.source:  # it has stood there before, and seen what another cell did
        return shown.splitlines()[0] == expected.splitlines()[0]
    return shown == expected


def frames_of_ours(traceback: str) -> list[str]:
    """The lab's own files in a traceback, one entry for each frame."""
    return re.findall(r"File \"?\S*/(labkit/[\w/]+\.py)\b", traceback)
