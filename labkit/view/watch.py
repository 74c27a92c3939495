"""Sessions of other programs that reach a host: `Visits` follows them for a widget, `Watch` is a widget of nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from labkit.smtp.transcript import WireEvent
from labkit.view.session_widget import SessionWidget, Shown
from labkit.world import World

if TYPE_CHECKING:
    from labkit.hosts.tap import ServerSession


class Visits:
    """Feeds each session of a program from outside of the lab into `widget`, until `stop` is called.

    label    what the tabs are called, with a number behind it
    welcome  called with each new session, before its first line is shown
    """

    def __init__(
        self, widget: SessionWidget, world: World, host: str, label: str, welcome: Callable[[Shown], object]
    ) -> None:
        self._widget, self._world, self._label, self._welcome = widget, world, label, welcome
        self._ids: dict[int, int] = {}  # which session of the widget shows which connection of the host
        self.stop = world.host(host).on_event(self._event)

    def _event(self, session: ServerSession, event: WireEvent) -> None:
        if self._world.is_own(session):
            return
        if session.connection not in self._ids:
            new = self._widget.add_session(f"{self._label} {len(self._ids) + 1}", own=False)
            self._ids[session.connection] = new.id
            self._welcome(new)
        shown = self._widget.find(self._ids[session.connection])
        if shown is not None:  # else it had to make room for newer ones
            self._widget.feed(shown, event)


class Watch(SessionWidget):
    """Shows the sessions of other programs that reach a host: the newest by itself, earlier ones in their tabs."""

    _visits: Visits | None = None

    def __init__(self, world: World, host: str, port: int = 25, *, title: str = "") -> None:
        super().__init__("watch", client="another program", server=host, port=port, title=title)
        self._visits = Visits(self, world, host, "Visit", self._welcome)

    def _welcome(self, session: Shown) -> None:
        self.show_session(session)
        self.announce_sessions()

    def close(self) -> None:
        """Follow the host no more, and leave the page."""
        if self._visits is not None:
            self._visits.stop()
        super().close()
