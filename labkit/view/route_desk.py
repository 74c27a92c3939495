"""The desk beside a map: send Alice's letter, take servers down, and read what a host asked the DNS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import traitlets

from labkit.lookup import LookupRecord
from labkit.transport.loop_thread import LabError, loop_thread
from labkit.view.cards_static import el, items, kids
from labkit.view.kernel_loop import remember_main_loop
from labkit.view.map_story import moment
from labkit.view.map_view import PEOPLE
from labkit.view.news import News
from labkit.view.printable import printable_text, shortened
from labkit.view.widget import LabWidget, asset
from labkit.world import World

__all__ = ["RouteDesk"]

SHOWN = 30
ENDS = {"nodata": "none", "nxdomain": "no such name", "timeout": "no answer", "servfail": "an error"}


class RouteDesk(LabWidget):
    """Stands at the side of a `MapView`.

    letter   the message that the button hands in, from Alice to Bob
    asker    the host whose lookups are shown
    servers  the hosts that can be switched off and on
    """

    _esm = traitlets.Unicode(asset("common.js", "route.js")).tag(sync=True)
    _css = traitlets.Unicode(asset("theme.css", "route.css")).tag(sync=True)
    facts = traitlets.Dict().tag(sync=True)
    saved = traitlets.Dict().tag(sync=True)

    def __init__(self, world: World, *, letter: str, asker: str, servers: Sequence[str]) -> None:
        remember_main_loop()
        super().__init__(facts={"asker": asker, "from": PEOPLE[0], "to": PEOPLE[1]})
        self._world, self._letter, self._asker = world, letter, asker
        self._servers = tuple(world.host(name) for name in servers)
        self._busy, self._said = False, ""
        self._listeners: list[Callable[[], object]] = []
        self._news = News(lambda: self.post(self._state))
        self._endings: list[Callable[[], object]] = [world.on_movement(self._news), self._news.end]

    def on_switch(self, listener: Callable[[], object]) -> None:
        """Have ``listener()`` called on the loop thread when a server has been switched."""
        self._listeners.append(listener)

    # ---- the learner's side

    def on_hello(self, message: dict[str, Any]) -> None:
        """A page has just drawn this widget."""
        self.answer(message, self._state())

    def on_send(self, _message: dict[str, Any]) -> None:
        """Hand the letter in, as Alice's program does."""
        self._begin(self._hand_in)

    def on_turn(self, message: dict[str, Any]) -> None:
        """Switch a server on or off."""
        host = next((one for one in self._servers if one.name == message.get("host")), None)
        if host is None:
            return

        async def turn() -> None:
            await (host.stop() if host.running else host.start())
            for listener in self._listeners:
                listener()

        self._begin(turn)

    def close(self) -> None:
        """Leave the page; the world is listened to no more."""
        for end in self._endings:
            end()
        self._endings.clear()
        super().close()

    # ---- on the loop thread

    def _begin(self, work: Callable[[], Any]) -> None:
        if not self._busy:
            self._busy, self._said = True, ""
            loop_thread().spawn(lambda: self._run(work))

    async def _run(self, work: Callable[[], Any]) -> None:
        try:
            if self._world.closed:
                raise LabError("This world was closed. Choose Run > Run All Cells to start the lab again.")
            await work()
        except LabError as error:
            self._said = str(error)
        finally:
            self._busy = False
            self.post(self._state)

    async def _hand_in(self) -> None:
        sender, recipient = PEOPLE
        await self._world.inner.submit(self._letter, sender=sender, recipients=(recipient,))

    # ---- what is shown

    def _state(self) -> dict[str, Any]:
        records = self._world.zones.log.by(self._asker)
        return {
            "op": "state",
            "servers": [{"name": host.name, "on": host.running} for host in self._servers],
            "lookups": [self._row(record) for record in records[-SHOWN:]],
            "more": max(0, len(records) - SHOWN),
            "busy": self._busy,
            "said": self._said,
        }

    def _row(self, record: LookupRecord) -> dict[str, Any]:
        found = record.lookup
        said = [str(one) for one in found.records] or [ENDS.get(found.outcome, found.outcome)]
        return {
            "n": record.seq,
            "at": moment(self._world.clock.start, record.time),
            "asked": _cut(f"{found.name} {found.rdtype}"),
            "answers": [_cut(one) for one in said],
            "found": bool(found.records),
        }

    def as_text(self) -> str:
        """What the host asked, one line per question."""
        rows = self._state()["lookups"]
        lines = [f"  {row['at']}  {row['asked']}: {', '.join(row['answers'])}" for row in rows] or [
            "  nothing yet"
        ]
        return "\n".join([f"What {self._asker} asked the DNS", *lines])

    def as_html(self) -> str:
        """The same as HTML."""
        first, *rest = self.as_text().split("\n")
        return str(kids(el("p", el("b", first)), items((line.strip() for line in rest), ordered=False)))


def _cut(text: str) -> str:
    return shortened(printable_text(text), 200)[0]
