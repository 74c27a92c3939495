"""Connections inside one process: no sockets, no threads, the same protocol objects, TLS included.

A connection is a pair of transports; what one writes, the other's protocol receives in a later turn of the
event loop, in order. That makes runs deterministic, and it works where there are no sockets (a kernel in a
browser).

What TCP does and this does too: half-closed connections, back-pressure, a reset for whoever writes to a
peer that is gone. What it does not: split or join what was written (each write arrives in one piece), lose
anything, or give a connection an address that another program could use.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from labkit.transport.base import Listener, ProtocolFactory

HIGH_WATER = 64 * 1024
"""Octets waiting at the reader above which the writer is asked to pause; it may go on at a quarter of
that."""

ADDRESS = "127.0.0.1"
FIRST_PORT = 49152


class MemoryListener:
    """A name that accepts connections. See :class:`labkit.transport.base.Listener`."""

    def __init__(self, network: Memory, host: str, port: int, factory: ProtocolFactory) -> None:
        self.host = host
        self.port = port
        self.factory = factory
        self._network = network

    async def close(self) -> None:
        """Accept no more."""
        self._network._listeners.pop((self.host.lower(), self.port), None)


class Memory:
    """A :class:`labkit.transport.base.Transport` without sockets."""

    def __init__(self) -> None:
        self._listeners: dict[tuple[str, int], MemoryListener] = {}
        self._ends: set[MemoryEnd] = set()
        self._made = 0

    async def listen(self, host: str, port: int, factory: ProtocolFactory) -> Listener:
        """Accept connections to ``host:port``. Raises ``OSError`` if the place is taken."""
        place = (host.lower(), port)
        if place in self._listeners:
            raise OSError(f"{host}:{port} is already listening in this world")
        listener = MemoryListener(self, host, port, factory)
        self._listeners[place] = listener
        return listener

    async def connect(
        self, host: str, port: int, factory: ProtocolFactory
    ) -> tuple[asyncio.Transport, asyncio.Protocol]:
        """Connect to ``host:port``. Raises ``ConnectionRefusedError`` if nobody listens there."""
        listener = self._listeners.get((host.lower(), port))
        if listener is None:
            raise ConnectionRefusedError(f"nothing listens on {host}:{port} in this world")
        here, there = (ADDRESS, FIRST_PORT + self._made), (ADDRESS, port)
        self._made += 1
        protocol = factory()
        client = MemoryEnd(self._ends, protocol, sockname=here, peername=there)
        server = MemoryEnd(self._ends, listener.factory(), sockname=there, peername=here)
        client.join(server)
        client.start()
        server.start()
        await asyncio.sleep(0)  # both connection_made calls have run when the caller goes on
        return client, protocol

    def address(self, host: str, port: int) -> tuple[str, int] | None:
        """None: no other program can reach a connection inside this process."""
        return None

    async def close(self) -> None:
        """Close every listener and break every connection, on both sides."""
        self._listeners.clear()
        for end in tuple(self._ends):
            end.abort()
        while self._ends:
            await asyncio.sleep(0)


class MemoryEnd(asyncio.Transport):
    """One end of a connection, as asyncio's protocols expect a transport to be."""

    _start_tls_compatible = True  # asks loop.start_tls() to accept this transport

    def __init__(
        self,
        open_ends: set[MemoryEnd],
        protocol: asyncio.BaseProtocol,
        *,
        sockname: tuple[str, int],
        peername: tuple[str, int],
    ) -> None:
        super().__init__({"sockname": sockname, "peername": peername})
        self._loop = asyncio.get_running_loop()
        self._open_ends = open_ends
        self._protocol = protocol
        self._peer: MemoryEnd = self
        self._inbox: deque[bytes] = deque()
        self._waiting = 0  # octets in the inbox
        self._reading = True
        self._scheduled = False
        self._eof_to_come = False
        self._eof_sent = False
        self._closing = False
        self._lost = False
        self._writer_paused = False

    def join(self, peer: MemoryEnd) -> None:
        """Make two ends one connection."""
        self._peer, peer._peer = peer, self

    def start(self) -> None:
        """Have the protocol told that it is connected, before anything else happens to it."""
        self._open_ends.add(self)
        self._loop.call_soon(self._protocol.connection_made, self)

    # reading

    def _receive(self, data: bytes) -> None:
        if self._closing:
            return
        self._inbox.append(data)
        self._waiting += len(data)
        if self._waiting > HIGH_WATER and not self._peer._writer_paused:
            self._peer._writer_paused = True
            self._peer._call_flow("pause_writing")
        self._schedule()

    def _receive_eof(self) -> None:
        self._eof_to_come = True
        self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled and self._reading and not self._closing and (self._inbox or self._eof_to_come):
            self._scheduled = True
            self._loop.call_soon(self._deliver)

    def _deliver(self) -> None:
        """Hand over one piece, or the end; a turn of the loop for each, as with a socket."""
        self._scheduled = False
        if self._closing or not self._reading:
            return
        if self._inbox:
            data = self._inbox.popleft()
            self._waiting -= len(data)
            self._hand_over(data)
            if self._peer._writer_paused and self._waiting <= HIGH_WATER // 4:
                self._peer._writer_paused = False
                self._peer._call_flow("resume_writing")
        elif self._eof_to_come:
            self._eof_to_come = False
            keep_open = False
            if isinstance(self._protocol, asyncio.Protocol | asyncio.BufferedProtocol):
                keep_open = bool(self._protocol.eof_received())
            if not keep_open:
                self.close()
        self._schedule()

    def _hand_over(self, data: bytes) -> None:
        protocol = self._protocol
        if isinstance(
            protocol, asyncio.BufferedProtocol
        ):  # TLS: asyncio's own protocol reads into its buffer
            rest = memoryview(data)
            while rest:
                room = memoryview(protocol.get_buffer(len(rest)))
                count = min(len(room), len(rest))
                room[:count] = rest[:count]
                protocol.buffer_updated(count)
                rest = rest[count:]
        elif isinstance(protocol, asyncio.Protocol):
            protocol.data_received(data)

    def _call_flow(self, method: str) -> None:
        if not self._lost:
            getattr(self._protocol, method)()

    def pause_reading(self) -> None:
        """Deliver nothing until :meth:`resume_reading`."""
        self._reading = False

    def resume_reading(self) -> None:
        """Go on with what has arrived meanwhile."""
        self._reading = True
        self._schedule()

    def is_reading(self) -> bool:
        """Whether octets that arrive are delivered."""
        return self._reading and not self._closing

    # writing

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Send octets; they arrive at the other end in one piece."""
        if self._closing or not data:
            return
        if self._eof_sent:
            raise RuntimeError("cannot write after write_eof()")
        if self._peer._closing:
            self._lose(ConnectionResetError("the other side is gone"))
        else:
            self._peer._receive(bytes(data))

    def write_eof(self) -> None:
        """Close this direction; the other one stays open."""
        if not self._eof_sent and not self._closing:
            self._eof_sent = True
            self._peer._receive_eof()

    def can_write_eof(self) -> bool:
        """Always: half-closing works."""
        return True

    def get_write_buffer_size(self) -> int:
        """Octets written here that the other end has not read yet."""
        return self._peer._waiting

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Accepted for compatibility; the limits are those of this module."""

    # ending

    def close(self) -> None:
        """Close after what was written has been delivered."""
        self._lose(None)

    def abort(self) -> None:
        """Close at once; what this end has not read yet is dropped."""
        self._lose(None)

    def _force_close(self, error: Exception | None) -> None:
        """What asyncio's TLS calls when it gives up; all of its own transports have it."""
        self._lose(error)

    def is_closing(self) -> bool:
        """Whether this end is closed or about to be."""
        return self._closing

    def _lose(self, error: Exception | None) -> None:
        if self._closing:
            return
        self._closing = True
        self._inbox.clear()
        self._waiting = 0
        if not self._eof_sent:
            self._eof_sent = True
            self._peer._receive_eof()
        if self._peer._writer_paused:
            self._peer._writer_paused = False
            self._peer._call_flow("resume_writing")
        self._loop.call_soon(self._connection_lost, error)

    def _connection_lost(self, error: Exception | None) -> None:
        self._lost = True
        self._open_ends.discard(self)
        self._protocol.connection_lost(error)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Another protocol takes over, for example TLS."""
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """The protocol that this transport serves now."""
        return self._protocol
