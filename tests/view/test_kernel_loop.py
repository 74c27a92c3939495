"""From the loop thread to the page: order, thread, and trouble that stays with the one message it belongs to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from labkit.transport.loop_thread import loop_thread
from labkit.view import kernel_loop
from labkit.view.widget import LabWidget


class Plain(LabWidget):
    """Keeps what it sends."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[Any, threading.Thread]] = []

    def send(self, content: Any, buffers: Any = None) -> None:
        told = [one["n"] for one in content.get("messages", [content])]
        if "unsendable" in told:
            raise TypeError("not JSON")
        self.sent += [(one, threading.current_thread()) for one in told]


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    former = kernel_loop._main_loop
    yield
    kernel_loop._main_loop = former


def test_messages_of_another_thread_leave_from_the_main_loop_in_their_order() -> None:
    widget = Plain()
    kernel_loop._main_loop = None

    def feed() -> None:
        for number in range(1000):
            widget.post({"n": number})
            widget.post(lambda number=number: {"n": f"late {number}"})

    async def kernel() -> None:
        kernel_loop.remember_main_loop()
        feeding = threading.Thread(target=feed)
        feeding.start()
        while feeding.is_alive() or len(widget.sent) < 2000:
            await asyncio.sleep(0.001)

    asyncio.run(asyncio.wait_for(kernel(), 10))
    assert [what for what, _ in widget.sent] == [w for n in range(1000) for w in (n, f"late {n}")]
    assert {thread for _, thread in widget.sent} == {threading.main_thread()}


def test_one_message_that_fails_takes_no_other_with_it() -> None:
    widget = Plain()
    kernel_loop._main_loop = None
    errors = len(loop_thread().errors)

    def broken() -> dict[str, Any]:
        widget.post({"n": "meanwhile"})
        raise ValueError("no message")

    async def kernel() -> None:
        kernel_loop.remember_main_loop()
        for message in (broken, {"n": "unsendable"}, {"n": 1}):
            widget.post(message)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(kernel())
    assert [what for what, _ in widget.sent] == [1, "meanwhile"]
    assert len(loop_thread().errors) == errors + 2
    assert "not JSON" in loop_thread().errors.pop()
    assert "no message" in loop_thread().errors.pop()


def test_a_loop_that_was_closed_does_not_silence_a_widget() -> None:
    widget = Plain()

    async def kernel() -> None:
        kernel_loop.remember_main_loop()

    asyncio.run(kernel())
    for number in range(3):
        widget.post({"n": number})
    assert [what for what, _ in widget.sent] == [0, 1, 2]
