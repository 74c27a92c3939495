"""Real TCP on 127.0.0.1, with ports chosen by the system and logical names mapped to them.

Nothing here can reach, or be reached from, another machine.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable

from labkit.transport.base import Listener, ProtocolFactory

ADDRESS = "127.0.0.1"


class LoopbackListener:
    """One listening socket. See :class:`labkit.transport.base.Listener`."""

    def __init__(self, network: Loopback, host: str, port: int, server: asyncio.Server) -> None:
        self.host = host
        self.port = port
        self._network = network
        self._server = server

    @property
    def real_port(self) -> int:
        """The port that the system chose."""
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Free the port. Connections that exist already go on."""
        self._network._forget(self)
        self._server.close()


class Loopback:
    """A :class:`labkit.transport.base.Transport` over TCP sockets of this machine."""

    def __init__(self) -> None:
        self._listeners: dict[tuple[str, int], LoopbackListener] = {}
        self._others: dict[tuple[str, int], int] = {}
        self._connections: weakref.WeakSet[asyncio.Transport] = weakref.WeakSet()

    async def listen(self, host: str, port: int, factory: ProtocolFactory) -> Listener:
        """Listen on a free port. Raises ``OSError`` if the logical place is taken."""
        place = (host.lower(), port)
        if place in self._listeners or place in self._others:
            raise OSError(f"{host}:{port} is already listening in this world")
        server = await asyncio.get_running_loop().create_server(factory, ADDRESS, 0)
        listener = LoopbackListener(self, host, port, server)
        self._listeners[place] = listener
        return listener

    async def connect(
        self, host: str, port: int, factory: ProtocolFactory
    ) -> tuple[asyncio.Transport, asyncio.Protocol]:
        """Connect by logical name. Raises ``ConnectionRefusedError`` if nobody listens there."""
        where = self.address(host, port)
        if where is None:
            raise ConnectionRefusedError(f"nothing listens on {host}:{port} in this world")
        transport, protocol = await asyncio.get_running_loop().create_connection(factory, *where)
        self._connections.add(transport)
        return transport, protocol

    def address(self, host: str, port: int) -> tuple[str, int] | None:
        """The IP address and port behind ``host:port``, for programs outside of the lab."""
        place = (host.lower(), port)
        listener = self._listeners.get(place)
        real_port = listener.real_port if listener is not None else self._others.get(place)
        return None if real_port is None else (ADDRESS, real_port)

    def register(self, host: str, port: int, real_port: int) -> Callable[[], None]:
        """Have ``host:port`` lead to a server of this machine that is not ours. Call the result to end that.

        Raises ``OSError`` if the logical place is taken.
        """
        place = (host.lower(), port)
        if place in self._listeners or place in self._others:
            raise OSError(f"{host}:{port} is already listening in this world")
        self._others[place] = real_port

        def end() -> None:
            self._others.pop(place, None)

        return end

    async def close(self) -> None:
        """Close every listener, and every connection that this side of the network opened."""
        for listener in tuple(self._listeners.values()):
            await listener.close()
        for transport in tuple(self._connections):
            transport.abort()

    def _forget(self, listener: LoopbackListener) -> None:
        self._listeners.pop((listener.host.lower(), listener.port), None)
