"""The world's clock: what time it is there, what is due next, and buttons that let time pass."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from html import escape
from typing import Any

import traitlets

from labkit.transport.loop_thread import LabError, loop_thread
from labkit.view.kernel_loop import remember_main_loop
from labkit.view.map_story import moment, span
from labkit.view.news import News
from labkit.view.printable import printable_text, shortened
from labkit.view.widget import LabWidget, asset
from labkit.world import World

STEPS = (("+15 min", 900.0), ("+4 h", 14_400.0), ("+5 days", 432_000.0))
SHOWN_DUE = 4
PIECES = 60
"""A long way goes in so many pieces: between two of them a learner's Stop is heard."""


class ClockView(LabWidget):
    """Shows and moves the clock of a world. Time passes on the loop thread; the page stays free meanwhile."""

    _esm = traitlets.Unicode(asset("common.js", "clock.js")).tag(sync=True)
    _css = traitlets.Unicode(asset("theme.css", "clock.css")).tag(sync=True)
    facts = traitlets.Dict().tag(sync=True)
    saved = traitlets.Dict().tag(sync=True)

    def __init__(self, world: World) -> None:
        remember_main_loop()
        super().__init__(facts={"steps": [{"label": label, "seconds": seconds} for label, seconds in STEPS]})
        self._world = world
        self._running: tuple[float, float] | None = None
        self._stop = False
        self._said = ""
        self._news = News(lambda: self.post(self._state))
        self._end_listening: Callable[[], None] | None = world.clock.on_change(self._news)

    # ---- the learner's side

    def on_hello(self, message: dict[str, Any]) -> None:
        """A page has just drawn this widget."""
        self.answer(message, self._state())

    def on_move(self, message: dict[str, Any]) -> None:
        """Let time pass: so many seconds, one of `STEPS`."""
        seconds = next((step for _, step in STEPS if step == message.get("seconds")), None)
        if seconds is not None:
            self._begin(lambda: self._pass(seconds))

    def on_next(self, _message: dict[str, Any]) -> None:
        """Go to what is due next."""
        self._begin(self._to_next)

    def on_stop(self, _message: dict[str, Any]) -> None:
        """Stop at the next piece of the way."""
        self._stop = True

    def close(self) -> None:
        """Leave the page; the clock is listened to no more. Time that is passing goes on to the next piece of its way."""
        self._stop = True
        self._news.end()
        if self._end_listening is not None:
            self._end_listening()
            self._end_listening = None
        super().close()

    # ---- on the loop thread

    def _begin(self, work: Callable[[], Awaitable[None]]) -> None:
        if self._running is None:
            now = self._world.clock.now()
            self._running, self._stop, self._said = (now, now), False, ""
            loop_thread().spawn(lambda: self._run(work))

    async def _run(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            if self._world.closed:
                raise LabError("This world was closed. Choose Run > Run All Cells to start the lab again.")
            await work()
        except LabError as error:
            self._said = str(error)
        finally:
            self._running = None
            self.post(self._state)

    async def _pass(self, seconds: float) -> None:
        clock = self._world.inner.clock
        start = clock.now()
        self._running = (start, start + seconds)
        self.post(self._state)
        for piece in range(1, PIECES + 1):
            await clock.advance(max(0.0, start + seconds * piece / PIECES - clock.now()))
            if self._stop:
                self._said = f"Stopped after {span(clock.now() - start)}."
                return
        self._said = f"{span(seconds)} have passed."

    async def _to_next(self) -> None:
        due = await self._world.inner.clock.advance_to_next()
        self._said = (
            f"Done: {due.what}." if due is not None else "Nothing is planned, so there is nothing to go to."
        )

    # ---- what is shown

    def _due(self) -> list[dict[str, str]]:
        clock = self._world.clock
        now = clock.now()
        return [
            {
                "in": f"in {span(due.when - now)}",
                "at": moment(clock.start, due.when),
                "what": shortened(printable_text(due.what), 160)[0],
            }
            for due in clock.pending()
        ]

    def _state(self) -> dict[str, Any]:
        clock, due, running = self._world.clock, self._due(), self._running
        now = clock.now()
        part = 0.0
        if running is not None and running[1] > running[0]:
            part = min(1.0, (now - running[0]) / (running[1] - running[0]))
        return {
            "op": "state",
            "day": f"{clock.datetime():%a} {clock.datetime().day} {clock.datetime():%b %Y}",
            "time": f"{clock.datetime():%H:%M:%S}",
            "passed": span(now) if now else "",
            "due": due[:SHOWN_DUE],
            "more": max(0, len(due) - SHOWN_DUE),
            "running": running is not None,
            "part": part,
            "said": self._said,
        }

    def as_text(self) -> str:
        """The time there, and what is due."""
        state = self._state()
        lines = [f"  {due['in']}: {due['what']}" for due in state["due"]] or ["  nothing is planned"]
        return "\n".join([f"Clock of this world: {state['day']}, {state['time']} UTC", *lines])

    def as_html(self) -> str:
        """The same as HTML."""
        first, *rest = self.as_text().split("\n")
        items = "".join(f"<li>{escape(line.strip())}</li>" for line in rest)
        return f"<p><b>{escape(first)}</b></p><ul>{items}</ul>"
