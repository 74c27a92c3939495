"""Base of the lessons that happen on the way between two organisations: the chain of hosts, the map and the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labkit.lessons.lesson import Lesson
from labkit.world import World, WorldSpec, chain

if TYPE_CHECKING:
    from labkit.view.clock_view import ClockView
    from labkit.view.host_inspector import HostInspector
    from labkit.view.map_view import MapView


class ChainLesson(Lesson):
    """A lesson whose world is `labkit.world.chain`, with what the lesson changes in it."""

    server = "mx1.receiver.example"
    """The host that consoles and recorded sessions speak to, unless a lesson says otherwise."""

    def make_spec(self) -> WorldSpec:
        """The lesson's world; it fits on one screen."""
        return chain()

    def make_world(self) -> World:
        """Open the world of `make_spec`."""
        return World.open(self.make_spec(), key=self.name)

    def private_world(self) -> World:
        """A fresh world of the same kind without sockets, for recorded runs: ``with lesson.private_world() as world``."""
        return World.open(self.make_spec(), transport="memory")

    def map(self, **options: Any) -> MapView:
        """The map of this world; options as for `MapView`."""
        from labkit.view.map_view import MapView

        return self._anew("map", lambda: MapView(self.world, **options))

    def clock(self) -> ClockView:
        """The clock of this world."""
        from labkit.view.clock_view import ClockView

        return self._anew("clock", lambda: ClockView(self.world))

    def inspector(self, host: str | None = None) -> HostInspector:
        """What a host holds: its log, queue, mailboxes and settings."""
        from labkit.view.host_inspector import HostInspector

        return self._anew(
            f"inspector {host or ''}", lambda: HostInspector(self.world, host=host or self.server)
        )
