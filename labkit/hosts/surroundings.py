"""What hosts share in a world: the network by addresses, the DNS, the record of movements, and who called from where."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from labkit.hosts.movement import MovementLog
from labkit.zones import Zones

if TYPE_CHECKING:
    import asyncio
    from asyncio import Protocol

    from labkit.clock import VirtualClock
    from labkit.hosts.mail_host import MailHost
    from labkit.hosts.proxy import Middle
    from labkit.hosts.routing import NextHop
    from labkit.transport.base import ProtocolFactory, Transport


class Surroundings:
    """One for a world, made before its hosts. Used on the event loop."""

    def __init__(self, transport: Transport, clock: VirtualClock, zones: Zones | None = None) -> None:
        self.transport = transport
        self.clock = clock
        self.zones = zones if zones is not None else Zones(now=clock.now)
        self.movements = MovementLog(clock.now)
        self.wake: Callable[[], object] = lambda: None
        """Called when a queue has something new to hand on."""
        self.hosts: dict[str, MailHost] = {}
        """By name in lower case."""
        self.places: dict[str, str] = {}
        """Which host has an IP address: address and name. Addresses that are not here answer nobody."""
        self.middles: dict[tuple[str, str], Middle] = {}
        """Machines in the middle, by caller and host in lower case; an empty caller stands for everybody."""
        self._callers: dict[_Line, str] = {}
        self._behind: dict[tuple[tuple[str, int], str], tuple[str, int]] = {}
        self._seqs = itertools.count(1)
        self._about: dict[str, str] = {}

    def remember_notice(self, message_id: str, about: str) -> None:
        """Which message a notice is about; both by Message-ID."""
        self._about[message_id] = about

    def about(self, message_id: str) -> str:
        """The Message-ID of what a notice is about; empty when this is no notice of this world."""
        return self._about.get(message_id, "")

    def next_seq(self) -> int:
        """A number for the order of arrival in this world."""
        return next(self._seqs)

    def settle_in(self, host: MailHost) -> None:
        """A host of this world, at the addresses that DNS has for its name now."""
        self.hosts[host.name.lower()] = host
        self.settle_at(host.name)

    def settle_at(self, name: str) -> None:
        """Have the addresses that DNS has for ``name`` now lead to it; an address that is taken stays with who has it."""
        from labkit.zones.names import key_of

        key = key_of(name)
        for record in self.zones.records:
            address = getattr(record.rdata, "address", None)
            if address is not None and record.key == key:
                self.places.setdefault(str(address), name)

    def address_of(self, name: str) -> str | None:
        """The first address of a host of this world."""
        return next((address for address, host in self.places.items() if host.lower() == name.lower()), None)

    async def connect(self, caller: str, hop: NextHop, port: int, protocol: Protocol) -> str:
        """Connect to who answers at the hop's address; returns its name. Raises ``OSError``."""
        name = self.places.get(hop.address)
        if name is None:
            raise ConnectionRefusedError(f"nobody answers at {hop.address}")
        wire, _ = await self.road(caller).connect(name, port, lambda: protocol)
        if not wire.is_closing():  # it may be gone already
            self._callers[_line(wire.get_extra_info("sockname"), name, port)] = caller
        return name

    def road(self, caller: str) -> Road:
        """The way that ``caller``'s connections take: straight, or through a machine in the middle."""
        return Road(self, caller)

    def stands_behind(self, middle: Any, client: Any, host: str) -> None:
        """A connection that comes to ``host`` from the address ``middle`` is a client's, who is at ``client``."""
        near, far = _place(client), _place(middle)
        known = self.hosts.get(host.lower())
        for session in reversed(known.sessions if known is not None else ()):
            if session.peer == far and not session.closed:  # it was faster
                session.peer = near
                return
        self._behind[far, host.lower()] = near

    def client_at(self, peer: tuple[str, int] | None, host: str) -> tuple[str, int] | None:
        """Where the client is that a new connection to ``host`` comes from: ``peer``, or who stands behind a middle
        there."""
        return None if peer is None else self._behind.pop((_place(peer), host.lower()), peer)

    def caller(self, peer: tuple[str, int] | None, host: str, port: int) -> str | None:
        """The host of this world that made the connection from ``peer`` to ``host:port``; None for every other program.

        ``peer`` alone would not do: one local port may lead to several servers at the same time."""
        return None if peer is None else self._callers.get(_line(peer, host, port))

    def forget(self, peer: tuple[str, int] | None, host: str, port: int) -> None:
        """That connection is gone; its local port may serve somebody else later."""
        if peer is not None:
            self._callers.pop(_line(peer, host, port), None)

    def session_number(self, name: str, address: Any) -> int | None:
        """The number, at its host, of the session that comes from ``address``."""
        host = self.hosts.get(name.lower())
        if host is None:
            return None
        place = _place(address)
        return next((one.connection for one in reversed(host.sessions) if one.peer == place), None)


class Road:
    """See `Surroundings.road`. It is a `labkit.transport.base.Connector`."""

    def __init__(self, around: Surroundings, caller: str) -> None:
        self._around = around
        self._caller = caller

    async def connect(
        self, host: str, port: int, factory: ProtocolFactory
    ) -> tuple[asyncio.Transport, asyncio.Protocol]:
        """Connect to ``host:port``. Raises ``OSError``."""
        middles = self._around.middles
        middle = middles.get((self._caller.lower(), host.lower())) or middles.get(("", host.lower()))
        if middle is None:
            return await self._around.transport.connect(host, port, factory)
        return await middle.connect(port, factory)


_Line = tuple[str, int, str, int]
"""Both ends of a connection: the client's address and port, the server's name and port."""


def _line(peer: Any, host: str, port: int) -> _Line:
    return (*_place(peer), host.lower(), port)


def _place(address: Any) -> tuple[str, int]:
    return str(address[0]), int(address[1])
