"""TLS contexts on the shipped lab certificate; made when first used, because a plain session needs none."""

from __future__ import annotations

import asyncio
from asyncio import sslproto
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import ssl

CERTIFICATES = Path(__file__).parent / "certs"
AUTHORITY = CERTIFICATES / "authority.pem"
"""What a client must trust to talk TLS with a lab host, for example ``curl --cacert`` or ``swaks
--tls-ca-path``."""


@cache
def server_context() -> ssl.SSLContext:
    """The context of every lab host: one certificate for all names that lessons use."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / "server.pem")
    return context


@cache
def client_context() -> ssl.SSLContext:
    """A context that checks the server's name and trusts the lab's authority, nothing else."""
    import ssl

    return ssl.create_default_context(cafile=str(AUTHORITY))


HANDSHAKE = 10.0
"""Real seconds that a client gets for the TLS handshake on a port that begins with it."""


def tls_at_once(server: asyncio.Protocol) -> asyncio.Protocol:
    """A protocol that speaks TLS from the first octet on and hands ``server`` what is inside, on either transport."""
    layers: Any = sslproto.SSLProtocol
    layer = layers(
        asyncio.get_running_loop(), server, server_context(), None,
        server_side=True, ssl_handshake_timeout=HANDSHAKE,
    )  # fmt: skip
    return cast("asyncio.Protocol", layer)
