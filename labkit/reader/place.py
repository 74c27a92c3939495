"""Where a mail program reads: the server, and how it is called."""

from __future__ import annotations

import asyncio
from asyncio import sslproto
from typing import TYPE_CHECKING, Any

from labkit.frozen import dataclass

if TYPE_CHECKING:
    import ssl

    from labkit.transport.base import Transport

PATIENCE = 10.0
"""Real seconds that a server gets for each answer."""


@dataclass(frozen=True, slots=True)
class Place:
    """The server that a device asks, and as whom."""

    network: Transport
    host: str
    user: str
    password: str
    tls: ssl.SSLContext


async def connect(place: Place, port: int, wire: asyncio.Protocol) -> None:
    """Call the server, TLS first. Raises ``OSError``; a certificate that does not fit is one too."""
    loop = asyncio.get_running_loop()
    handshake: asyncio.Future[None] = loop.create_future()
    layers: Any = sslproto.SSLProtocol

    def encrypted() -> asyncio.Protocol:
        layer: asyncio.Protocol = layers(
            loop, wire, place.tls, handshake, server_side=False, server_hostname=place.host
        )
        return layer

    await place.network.connect(place.host, port, encrypted)
    await asyncio.wait_for(handshake, PATIENCE)
