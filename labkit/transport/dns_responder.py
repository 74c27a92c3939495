"""The zones of a world on a real port, UDP and TCP, for programs outside of the lab: ``dig @127.0.0.1 -p PORT``.

What runs on the same event loop asks its `Zones` directly: waiting here for an answer that this loop has to
give would never end.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from labkit.transport.loopback import ADDRESS
from labkit.zones.wire import answer

if TYPE_CHECKING:
    from labkit.zones import Zones

IDLE = 30.0
"""Seconds of real time after which a TCP connection without a query is closed (RFC 7766 section 6.2.3)."""

_TRIES = 50  # ports that are free for TCP but not for UDP are rare


class DnsResponder:
    """A name server for everything that its zones say. All methods are called on the event loop it runs on."""

    def __init__(self, zones: Zones, *, idle: float = IDLE) -> None:
        self.zones = zones
        self.idle = idle
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None
        self._connections: set[asyncio.Transport] = set()

    @property
    def address(self) -> tuple[str, int] | None:
        """IP address and port, the same for UDP and TCP; None when it is not running."""
        return None if self._udp is None else (ADDRESS, int(self._udp.get_extra_info("sockname")[1]))

    async def start(self, port: int = 0) -> tuple[str, int]:
        """Listen; port 0 takes a free one. Returns the address.

        Raises ``OSError`` if the port is taken, ``RuntimeError`` if it is running already.
        """
        if self._udp is not None:
            raise RuntimeError("this DNS responder is running already")
        loop = asyncio.get_running_loop()
        for tries_left in reversed(range(1 if port else _TRIES)):
            tcp = await loop.create_server(lambda: _Stream(self), ADDRESS, port)
            free = int(tcp.sockets[0].getsockname()[1])
            try:
                udp, _ = await loop.create_datagram_endpoint(
                    lambda: _Datagrams(self.zones), local_addr=(ADDRESS, free)
                )
            except OSError:
                tcp.close()
                if not tries_left:
                    raise
            else:
                self._tcp, self._udp = tcp, udp
                break
        assert self.address is not None
        return self.address

    async def stop(self) -> None:
        """Free the port and break off the connections there are. Stopping twice is harmless."""
        if self._udp is not None:
            self._udp.abort()
        if self._tcp is not None:
            self._tcp.close()
        self._udp = self._tcp = None
        for connection in tuple(self._connections):
            connection.abort()

    def __repr__(self) -> str:
        where = "not running" if self.address is None else "on {}:{}".format(*self.address)
        return f"<DNS responder {where}, {self.zones!r}>"


class _Datagrams(asyncio.DatagramProtocol):
    """Queries over UDP: each datagram is one, and gets one or silence."""

    def __init__(self, zones: Zones) -> None:
        self._zones = zones
        self._transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        response = answer(self._zones, data, "UDP")
        if response is not None and not self._transport.is_closing():
            self._transport.sendto(response, addr)


class _Stream(asyncio.Protocol):
    """Queries over TCP, each after its length in two octets, as many as the client likes (RFC 7766)."""

    def __init__(self, responder: DnsResponder) -> None:
        self._responder = responder
        self._pending = bytearray()
        self._paused = False
        self._transport: asyncio.Transport
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._responder._connections.add(transport)
        self._rest()

    def connection_lost(self, exc: Exception | None) -> None:
        self._responder._connections.discard(self._transport)
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._pending += data
        self._work()

    def pause_writing(self) -> None:
        """The client does not take its answers: read no more of its questions."""
        self._paused = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._paused = False
        with contextlib.suppress(RuntimeError):  # closing already
            self._transport.resume_reading()
        self._work()

    def _work(self) -> None:
        while not self._paused and not self._transport.is_closing() and len(self._pending) >= 2:
            end = 2 + int.from_bytes(self._pending[:2])
            if len(self._pending) < end:
                break
            query = bytes(self._pending[2:end])
            del self._pending[:end]
            response = answer(self._responder.zones, query, "TCP")
            if response is not None:
                self._transport.write(len(response).to_bytes(2) + response)
            self._rest()

    def _rest(self) -> None:
        """Close after a while in which no query came."""
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._responder.idle, self._end)

    def _end(self) -> None:
        if self._paused:  # closing in order would wait for a client that does not read
            self._transport.abort()
        else:
            self._transport.close()
