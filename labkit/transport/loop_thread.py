"""The one event loop of this process, on one daemon thread, and the synchronous way onto it.

All state of the lab lives on this thread. It starts when first needed, ends with the process, and never
prints. What goes wrong in a background task is kept in :attr:`LoopThread.errors` for tests to look at.

``run`` is how a notebook cell waits for a coroutine: an interrupt (Ctrl+C, *Interrupt kernel*) or a deadline
drops the waiting, never the work, so a reply that is on its way still reaches the client that asked for it.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import functools
import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


class LabError(Exception):
    """Base of every error that the lab raises on purpose: what happened, which rule, what to do."""


class WaitingDropped(LabError, TimeoutError):
    """The deadline passed while the loop thread was still at work; the work goes on."""


class LoopGone(LabError):
    """The event loop that this object lives on does not exist in this process."""


class NoThreads(LabError):
    """This Python cannot start a thread."""


class LoopThread:
    """An event loop running on its own daemon thread. Get it with :func:`loop_thread`."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.pid = os.getpid()
        self.errors: deque[str] = deque(maxlen=200)
        self._tasks: set[asyncio.Task[Any]] = set()
        self.loop.set_exception_handler(self._on_exception)
        self.thread = threading.Thread(target=self._main, name="labkit-loop", daemon=True)
        try:
            self.thread.start()
        except RuntimeError as error:
            self.loop.close()
            raise NoThreads(
                "This Python has no threads (a kernel inside a browser, for example). "
                "Await the lab instead: AsyncWorld, play_once."
            ) from error

    def _main(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def _on_exception(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.errors.append(f"{context.get('message')}: {context.get('exception')!r}")

    @property
    def is_current(self) -> bool:
        """True when the caller already runs on this thread (then it must await, not wait)."""
        return threading.current_thread() is self.thread

    def call_soon(self, callback: Callable[..., object], *args: object) -> None:
        """Have ``callback`` called on the loop thread. Safe from any thread; does nothing in a forked child."""
        if self.pid == os.getpid():  # a forked child must not touch what it shares with its parent
            self.loop.call_soon_threadsafe(callback, *args)

    def spawn(self, work: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Start ``work()`` on the loop thread; nobody waits for it, so its failure goes to :attr:`errors`.

        The coroutine is made over there, so an interrupt between here and there leaves none behind unawaited.
        """
        self._start(work, None)

    def _start(
        self, work: Callable[[], Coroutine[Any, Any, T]], outcome: concurrent.futures.Future[T] | None
    ) -> None:
        def start() -> None:
            try:
                task = self.loop.create_task(work())
            except Exception as error:  # work() itself raised, before there was anything to wait for
                self._fail(outcome, error)
                return
            self._tasks.add(task)
            task.add_done_callback(functools.partial(self._settle, outcome))

        self.call_soon(start)

    def run(self, work: Callable[[], Coroutine[Any, Any, T]] | Coroutine[Any, Any, T], deadline: float) -> T:
        """Run ``work`` on this thread and wait for its result, at most ``deadline`` seconds.

        ``work`` is a coroutine, or better a function that makes one. Raises what the coroutine raises,
        :class:`WaitingDropped` when the deadline passes first, and ``KeyboardInterrupt`` at once when
        interrupted; in both cases the coroutine goes on. Must not be called on the loop thread itself.
        """
        if self.is_current:
            raise RuntimeError("run() would wait for its own thread: await the coroutine instead")
        if self.pid != os.getpid() or not self.thread.is_alive():
            raise LoopGone("This belongs to a process that has ended or forked. Open the world again.")
        outcome: concurrent.futures.Future[T] = concurrent.futures.Future()
        self._start(work if callable(work) else lambda: work, outcome)
        try:
            return outcome.result(timeout=deadline)
        except TimeoutError:
            if outcome.done():
                raise
        finally:
            outcome.cancel()  # what has not ended by now, nobody waits for
        raise WaitingDropped(
            f"No result within {deadline:g} s. The lab is still at work on it; try again in a moment."
        )

    def _settle(self, outcome: concurrent.futures.Future[T] | None, task: asyncio.Task[T]) -> None:
        self._tasks.discard(task)
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is not None:
            self._fail(outcome, error)
        elif outcome is not None and outcome.set_running_or_notify_cancel():
            outcome.set_result(task.result())

    def _fail(self, outcome: concurrent.futures.Future[T] | None, error: BaseException) -> None:
        """Tell whoever waits. If nobody does any more, keep what went wrong, unless it was said on purpose."""
        if outcome is not None and outcome.set_running_or_notify_cancel():
            outcome.set_exception(error)
        elif not isinstance(error, asyncio.CancelledError) and not (outcome and isinstance(error, LabError)):
            self.errors.append(f"in the background: {error!r}")


_current: LoopThread | None = None
_guard = threading.Lock()
_abandoned: list[LoopThread] = []


def loop_thread() -> LoopThread:
    """The loop thread of this process; made on first use, and again after a fork."""
    global _current
    current = _current
    if current is not None and current.thread.is_alive():
        return current
    with _guard:
        if _current is None or not _current.thread.is_alive():
            _current = LoopThread()
            logging.getLogger("asyncio").addFilter(_no_noise)
        return _current


def _no_noise(record: logging.LogRecord) -> bool:
    """Keep asyncio's own log lines of our thread out of whatever cell happens to run; others pass."""
    current = _current
    if current is None or record.thread != current.thread.ident:
        return True
    current.errors.append(record.getMessage())
    return False


def run(work: Callable[[], Coroutine[Any, Any, T]] | Coroutine[Any, Any, T], deadline: float) -> T:
    """Run ``work`` on the loop thread of this process, see :meth:`LoopThread.run`."""
    return loop_thread().run(work, deadline)


def entry_point(function: Callable[P, T]) -> Callable[P, T]:
    """Make ``function`` a public synchronous face: its errors show one frame of ours, not the inside of the
    lab.

    That holds for the lab's own errors and for an interrupt. Any other exception is a fault of ours and
    keeps its whole traceback.
    """

    @functools.wraps(function)
    def face(*args: P.args, **kwargs: P.kwargs) -> T:
        trouble: BaseException
        try:
            return function(*args, **kwargs)
        except KeyboardInterrupt:
            trouble = KeyboardInterrupt()
        except LabError as error:
            trouble = error
        raise trouble.with_traceback(None) from None

    return face


def _after_fork() -> None:
    """In the child of a fork the thread is gone: forget it, but keep the object alive, untouched.

    Its sockets and its selector are shared with the parent; closing them here would disturb the parent's
    loop.
    """
    global _current, _guard
    _guard = threading.Lock()
    if _current is not None:
        _abandoned.append(_current)
        _current = None


def _stop() -> None:
    """Let the loop end in order when the interpreter does; not relied upon, a killed kernel never gets
    here."""
    current = _current
    if current is not None and current.pid == os.getpid() and current.thread.is_alive():
        current.call_soon(current.loop.stop)
        current.thread.join(timeout=1.0)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
atexit.register(_stop)
