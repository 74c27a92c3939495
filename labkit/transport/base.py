"""The seam: everything above it names hosts as a lesson does, everything below knows how octets travel.

Both implementations hand plain :class:`asyncio.Protocol` objects to the event loop, unmodified: the same
server and the same client run on real TCP (``loopback``) and inside one process without sockets
(``memory``). Their transports support ``loop.start_tls`` and what aiosmtpd does for STARTTLS.

Errors: ``connect`` raises ``ConnectionRefusedError`` when nobody listens there, ``listen`` raises ``OSError``
when somebody already does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

ProtocolFactory = Callable[[], asyncio.Protocol]

IMPLICIT_TLS = frozenset({465, 993, 995})
"""Ports, as a lesson shows them, on which TLS begins with the first octet (RFC 8314 section 3)."""


class Listener(Protocol):
    """A place where connections are accepted, until it is closed."""

    @property
    def host(self) -> str:
        """The name a lesson shows, for example ``mail.receiver.example``."""

    @property
    def port(self) -> int:
        """The port a lesson shows, for example 25."""

    async def close(self) -> None:
        """Accept no more. Connections that exist already go on. Closing twice is harmless."""


class Connector(Protocol):
    """The way to named hosts. Called on the event loop that owns it."""

    async def connect(
        self, host: str, port: int, factory: ProtocolFactory
    ) -> tuple[asyncio.Transport, asyncio.Protocol]:
        """Connect to ``host:port``."""


class Transport(Connector, Protocol):
    """A network of named hosts. All methods are called on the event loop that owns it."""

    async def listen(self, host: str, port: int, factory: ProtocolFactory) -> Listener:
        """Accept connections to ``host:port``; ``factory`` makes the protocol of each."""

    def address(self, host: str, port: int) -> tuple[str, int] | None:
        """Where another program reaches ``host:port`` (IP address, real port); None if it cannot, or nobody
        listens."""

    async def close(self) -> None:
        """Close every listener and break every connection, on both sides."""
