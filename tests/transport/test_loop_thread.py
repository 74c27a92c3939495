"""The one loop thread: on demand, silent, fork-safe, and waiting that can be dropped."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Coroutine
from pathlib import Path

import pytest

from labkit.transport.loop_thread import (
    LabError,
    LoopGone,
    LoopThread,
    NoThreads,
    WaitingDropped,
    entry_point,
    loop_thread,
    run,
)

ROOT = Path(__file__).parents[2]


def python(script: str, timeout: float = 30) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-X", "dev", "-c", script],
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        check=False,
    )


async def value(result: object, after: float = 0) -> object:
    await asyncio.sleep(after)
    return result


def test_one_thread_for_all() -> None:
    threads = {run(lambda: value(threading.current_thread()), 1) for _ in range(5)}
    assert threads == {loop_thread().thread}
    assert loop_thread().thread.daemon
    assert loop_thread() is loop_thread()


def test_a_coroutine_or_a_function_that_makes_one() -> None:
    assert run(value(1), 1) == 1
    assert run(lambda: value(2), 1) == 2


def test_what_it_raises() -> None:
    async def fail() -> None:
        raise ValueError("no")

    async def late() -> None:
        raise TimeoutError("its own")

    with pytest.raises(ValueError, match="no"):
        run(fail, 1)
    with pytest.raises(TimeoutError, match="its own"):
        run(late, 1)


def test_a_deadline_drops_the_waiting_not_the_work() -> None:
    done = threading.Event()

    async def work() -> None:
        await asyncio.sleep(0.1)
        done.set()

    with pytest.raises(WaitingDropped):
        run(work, 0.02)
    assert done.wait(1)


def test_cancelled_inside() -> None:
    async def work() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        run(work, 1)


def test_from_several_threads() -> None:
    results: list[object] = []
    threads = [
        threading.Thread(target=lambda n=n: results.append(run(lambda: value(n, 0.01), 5))) for n in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == list(range(20))  # type: ignore[type-var]


def test_waiting_for_itself_is_refused() -> None:
    async def work() -> None:
        run(lambda: value(1), 1)

    with pytest.raises(RuntimeError, match="await"):
        run(work, 1)


def test_nothing_is_printed_and_nothing_is_lost(capfd: pytest.CaptureFixture[str]) -> None:
    loop_thread().errors.clear()

    async def work() -> None:
        asyncio.ensure_future(fail())  # noqa: RUF006
        await asyncio.sleep(0)
        logging.getLogger("asyncio").warning("socket.send() raised exception.")

    async def fail() -> None:
        raise ValueError("in the background")

    run(work, 1)
    import gc

    gc.collect()
    run(lambda: value(1), 1)
    assert capfd.readouterr() == ("", "")
    assert any("in the background" in error for error in loop_thread().errors)
    assert "socket.send() raised exception." in loop_thread().errors
    loop_thread().errors.clear()


def test_what_nobody_waits_for_is_kept() -> None:
    """A failure of spawned work, or of work whose waiting was dropped, goes to the errors; a LabError that
    was only not waited for any more does not: the client keeps what it says."""
    thread = loop_thread()
    thread.errors.clear()

    async def fail(error: Exception, after: float = 0) -> None:
        await asyncio.sleep(after)
        raise error

    def refuse() -> Coroutine[object, object, None]:
        raise ValueError("no coroutine")

    thread.spawn(lambda: fail(ValueError("spawned")))
    thread.spawn(refuse)
    for error in (ValueError("dropped"), LabError("on purpose")):
        with pytest.raises(WaitingDropped):
            run(lambda error=error: fail(error, 0.05), 0.01)
    with pytest.raises(ValueError, match="no coroutine"):
        run(refuse, 1)
    run(lambda: value(1, 0.2), 1)
    kept = sorted(text.partition(": ")[2] for text in thread.errors if text.startswith("in the background"))
    assert kept == [
        "ValueError('dropped')", "ValueError('no coroutine')", "ValueError('spawned')",
    ]  # fmt: skip
    thread.errors.clear()


def test_other_threads_keep_their_log(caplog: pytest.LogCaptureFixture) -> None:
    loop_thread()
    logging.getLogger("asyncio").warning("from the main thread")
    assert "from the main thread" in caplog.text


def test_the_entry_point_shows_one_frame() -> None:
    @entry_point
    def face(kind: type[BaseException]) -> None:
        def deep() -> None:
            raise kind("x")

        deep()

    for kind in (LabError, KeyboardInterrupt):
        with pytest.raises(kind) as caught:
            face(kind)
        assert [f.name for f in traceback.extract_tb(caught.value.__traceback__)][1:] == ["face"]
    with pytest.raises(ValueError) as fault:  # noqa: PT011
        face(ValueError)
    assert [f.name for f in traceback.extract_tb(fault.value.__traceback__)][1:] == ["face", "face", "deep"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_after_a_fork_both_sides_work() -> None:
    script = """
import gc, os, sys, warnings
warnings.simplefilter("ignore", DeprecationWarning)
from labkit.transport.loop_thread import LoopGone
from labkit.world import World, receiver, play
world = World.open(receiver(), key="same")
client = world.client()
client.connect()
child = os.fork()
if child == 0:
    try:
        client.send_line("NOOP", deadline=1)
    except LoopGone:
        pass
    else:
        os._exit(1)
    with World.open(receiver(), key="same") as other, other.client() as mine:
        del world, client
        gc.collect()
        os._exit(0 if mine.send_line("NOOP").code == 250 and len(play(["NOOP"])) else 2)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert client.send_line("NOOP").code == 250
world.close()
print("good")
"""
    done = python(script)
    assert (done.stdout, done.stderr) == ("good\n", "")


def test_the_process_ends_with_everything_left_open() -> None:
    script = """
from labkit.world import World, receiver
from labkit.transport.loop_thread import loop_thread
import asyncio
world = World.open(receiver())
clients = [world.client() for _ in range(3)]
for client in clients:
    client.connect()
loop_thread().spawn(lambda: asyncio.sleep(1000))
print("end")
"""
    started = time.monotonic()
    done = python(script)
    assert (done.stdout, done.returncode) == ("end\n", 0)
    assert "Exception" not in done.stderr
    assert "never" not in done.stderr
    assert time.monotonic() - started < 10


def test_without_threads_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(NoThreads, match="AsyncWorld"):
        LoopThread()


def test_a_loop_of_another_process_is_refused() -> None:
    thread = loop_thread()
    real, thread.pid = thread.pid, 1
    try:
        with pytest.raises(LoopGone, match="again"):
            thread.run(lambda: value(1), 1)
    finally:
        thread.pid = real
