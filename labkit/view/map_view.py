"""The map: who stands where, and each message moving from hop to hop while it happens."""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import traitlets

from labkit.hosts.movement import Movement
from labkit.view.clock_view import ClockView
from labkit.view.host_inspector import HostInspector
from labkit.view.kernel_loop import remember_main_loop
from labkit.view.map_static import story_html, story_text
from labkit.view.map_story import Layout, Step, Story, layout, moment
from labkit.view.news import News
from labkit.view.session_widget import SessionAt, SessionWidget
from labkit.view.widget import LabWidget, asset
from labkit.world import World

if TYPE_CHECKING:
    from labkit.hosts.tap import ServerSession

PEOPLE = ("alice@sender.example", "bob@receiver.example")
TOLD_AT_ONCE = 300
"""Steps that the page gets in one message; of a flood it gets the last ones, and the number of the others."""
KEPT = 1000
"""Steps that are kept for a page that is drawn later."""


_ENHANCED = re.compile(r" [245]\.[0-9]{1,3}\.[0-9]{1,3} ")


def hop_session(session: ServerSession, movement: Movement, client: str, line: int = 0) -> SessionAt:
    """The session of one hop, opened at ``line``; without one, at the reply that decided."""
    transcript = session.transcript
    # Without ENHANCEDSTATUSCODES the same reply went over the wire without its second number (RFC 2034).
    forms = (movement.reply, _ENHANCED.sub(" ", movement.reply, 1))
    wanted = tuple(form.encode("utf-8", "replace") for form in forms if form)
    found = (event.seq for event in transcript if event.sender == "S" and event.data.startswith(wanted))
    if movement.kind == "lost":  # an answer that never came: the last line that asked for one
        found = (event.seq for event in reversed(transcript.events) if event.sender == "C" and event.data)
    name = f"Session {session.connection} of {movement.to.partition('.')[0]}"
    at = line or next(found, 0)
    return SessionAt(transcript, at, client=client, server=movement.to, port=session.port, title=name)


class MapView(LabWidget):
    """Stations of a world and the ways between them; what moves is shown live, each hop opens its session.

    people  addresses of those who sit at the two ends
    clock   whether the world's clock stands beside the list
    side    another widget to stand there; whoever made it closes it
    sample  a world in which something has moved already: what a page without a kernel shows while nothing has here
    jobs    whether the names of the jobs (MUA, MSA, MTA, MDA) are shown from the start
    """

    _esm = traitlets.Unicode(asset("common.js", "child.js", "map_draw.js", "map.js")).tag(sync=True)
    _css = traitlets.Unicode(asset("theme.css", "map.css")).tag(sync=True)
    facts = traitlets.Dict().tag(sync=True)
    saved = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        world: World,
        *,
        people: Sequence[str] = PEOPLE,
        title: str = "The message on its way",
        clock: bool = False,
        side: LabWidget | None = None,
        jobs: bool = False,
        sample: Callable[[], World] | None = None,
    ) -> None:
        remember_main_loop()
        self._world = world
        self._sample = sample
        self._layout: Layout = layout(world.inner.spec, people)
        self._boxes = {
            person.id: box
            for person in self._layout.stations
            if person.is_person
            for host in world.hosts
            for box in host.mailboxes
            if box.address.lower() == person.id.lower()
        }
        super().__init__(
            facts={
                "title": title,
                "jobs": jobs,
                "side": "clock" if clock else "form" if side else "",
                **self._layout.to_dict(),
            }
        )
        self._clock = ClockView(world) if clock else None
        self.side: LabWidget | None = self._clock or side
        """What stands beside the list."""
        self._child: LabWidget | None = None
        self._story = Story(self._layout, world.clock.start)
        self._reading = threading.Lock()
        self._steps: deque[Step] = deque(maxlen=KEPT)
        self._seen = self._made = self._announced = 0
        self._news = News(lambda: self.post(self._tell))
        self._endings = [world.on_movement(self._news), world.clock.on_change(self._news), self._news.end]

    # ---- what the page asks

    def on_hello(self, message: dict[str, Any]) -> None:
        """A page has just drawn this widget."""
        self._read()
        with self._reading:
            steps, skipped = list(self._steps), self._made - len(self._steps)
        self.answer(
            message, {"op": "story", "live": False, "skipped": skipped, "hops": steps, "now": self._now()}
        )
        if self.side is not None:
            self.answer(message, {"op": "side", "model": self.side.model_id})

    def on_open(self, message: dict[str, Any]) -> None:
        """The learner picked a hop: show the session in which it happened."""
        number = message.get("n")
        movement = self._movement(number) if isinstance(number, int) else None
        if movement is not None:
            self._show_child(
                self._session_of(movement), {"n": number}, movement.why or "This happened inside one host."
            )

    def on_host(self, message: dict[str, Any]) -> None:
        """The learner picked a host: show what it holds."""
        name = message.get("id")
        if isinstance(name, str) and any(host.name == name for host in self._world.hosts):
            self._show_child(HostInspector(self._world, host=name), {"host": name})

    def on_shut(self, _message: dict[str, Any]) -> None:
        """The learner has read what was opened."""
        self._drop_child()

    # ---- what the lab tells

    def _tell(self) -> dict[str, Any]:
        """What has happened since the pages were told last, and how things stand now."""
        self._read()
        with self._reading:
            fresh = list(islice(self._steps, max(0, len(self._steps) - (self._made - self._announced)), None))
            self._announced = self._made
        told = fresh[-TOLD_AT_ONCE:]
        return {
            "op": "story",
            "live": True,
            "skipped": len(fresh) - len(told),
            "hops": told,
            "now": self._now(),
        }

    def _read(self) -> None:
        """Turn new movements into steps. They are kept for pages that are drawn later."""
        with self._reading:
            movements = self._world.movements
            fresh = self._story.steps(movements[self._seen :])
            self._seen = len(movements)
            self._made += len(fresh)
            self._steps.extend(fresh)

    def _now(self) -> dict[str, Any]:
        start = self._world.clock.start
        hosts = {}
        for host in self._world.hosts:
            items = host.queue.items
            tries = [item.next_try for item in items if item.next_try is not None]
            hosts[host.name] = {
                "waiting": len(items),
                "next": moment(start, min(tries)) if tries else "",
                "faults": [fault.title.partition(":")[0] for fault in host.active_faults],
                "down": not host.running,
            }
        return {
            "at": moment(start, self._world.clock.now()),
            "hosts": hosts,
            "boxes": {person: len(box) for person, box in self._boxes.items()},
        }

    # ---- what stands below the map

    def _session_of(self, movement: Movement) -> SessionWidget | None:
        session = self._find_session(movement)
        if session is None:
            return None
        writer = self._layout.writer(movement.host) if movement.kind == "submitted" else None
        client = f"{writer.label}'s program" if writer else movement.host
        return hop_session(session, movement, client)

    def _find_session(self, movement: Movement) -> ServerSession | None:
        return self._world.host(movement.to).session(movement.connection) if movement.to else None

    def _movement(self, seq: int) -> Movement | None:
        movements = self._world.movements
        return movements[seq - 1] if 0 < seq <= len(movements) else None

    def _show_child(self, child: LabWidget | None, place: dict[str, Any], otherwise: str = "") -> None:
        self._drop_child()
        self._child = child
        if child is None:
            self.post({"op": "child", "model": "", "say": otherwise, **place})
        else:
            self.post({"op": "child", "model": child.model_id, **place})

    def _drop_child(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.close()

    def refresh(self) -> None:
        """Tell how things stand now; for what is no movement, on the loop thread."""
        self._news()

    def close(self) -> None:
        """Close the widget and what it opened; the world is listened to no more."""
        for end in self._endings:
            end()
        self._endings.clear()
        self._drop_child()
        if self._clock is not None:
            self._clock.close()
        super().close()

    # ---- without a page

    def _told(self) -> tuple[str, list[Step]]:
        """Heading and steps for a page without a kernel."""
        self._read()
        title = str(self.facts["title"])
        if self._steps or self._sample is None:
            return title, list(self._steps)
        return f"{title}, recorded", self._story.steps(self._sample().movements)

    def as_text(self) -> str:
        """What happened, one line per step."""
        title, steps = self._told()
        return f"{title}\n" + (story_text(steps) or self._empty)

    def as_html(self) -> str:
        """The map as a picture, and what happened as a list."""
        title, steps = self._told()
        return story_html(title, self._layout, steps, self._empty)

    _empty = "Nothing has moved yet. In a running lab each message moves here from server to server."
