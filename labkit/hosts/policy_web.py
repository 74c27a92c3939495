"""The web host of MTA-STS: real HTTPS on port 443 of ``mta-sts.DOMAIN``, one file and nothing else; and the sender's
half, which fetches it (RFC 8461 sections 3.2 and 3.3).
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from labkit.auth.mta_sts import Fetched
from labkit.auth.mta_sts.discover import SIZE_LIMIT
from labkit.client.tls_errors import explain_tls
from labkit.hosts.tls import CertificateKind, client_context, server_context, tls_at_once

if TYPE_CHECKING:
    from labkit.lookup import Resolver
    from labkit.transport.base import Connector, Listener, Transport

PORT = 443
PATH = "/.well-known/mta-sts.txt"
REQUEST_LIMIT = 8192
"""Octets of a request's head."""
PATIENCE = 5.0
"""Real seconds for a whole fetch. RFC 8461 section 3.3 suggests one minute."""


class PolicyWeb:
    """One web host. ``text``, ``status``, ``content_type``, ``location`` and ``certificate`` may be changed while it
    runs: the next request gets what they say then."""

    def __init__(self, domain: str, text: str, *, transport: Transport) -> None:
        """``text`` is the policy of ``domain``."""
        self.domain = domain
        self.name = f"mta-sts.{domain}"
        self.text = text
        self.status = 200
        self.content_type = "text/plain"
        self.location = ""
        """Where a redirect leads to."""
        self.certificate: CertificateKind = "right"
        self.requests: list[str] = []
        """The first line of each request so far."""
        self._transport = transport
        self._listener: Listener | None = None
        self._open: set[asyncio.Transport] = set()

    async def start(self) -> None:
        """Listen. Harmless while it is running. Raises ``OSError`` if the place is taken."""
        if self._listener is None:
            self._listener = await self._transport.listen(self.name, PORT, self._server)

    async def stop(self) -> None:
        """Listen no more, and break off what is open. Twice is harmless."""
        listener, self._listener = self._listener, None
        if listener is not None:
            await listener.close()
        for wire in tuple(self._open):
            wire.abort()

    @property
    def running(self) -> bool:
        """Whether it listens."""
        return self._listener is not None

    def _server(self) -> asyncio.Protocol:
        return tls_at_once(_Request(self), server_context(self.certificate))

    def answer(self, head: bytes) -> bytes:
        """The response to a request's head (RFC 9110, RFC 9112)."""
        line = head.partition(b"\r\n")[0].decode("ascii", "replace")
        self.requests.append(line)
        method, _, rest = line.partition(" ")
        path = rest.partition(" ")[0]
        if method not in ("GET", "HEAD"):
            return _response(405, "text/plain", b"Only GET and HEAD\n", "Allow: GET, HEAD\r\n")
        if path != PATH:
            return _response(404, "text/plain", b"There is one file only\n")
        more = f"Location: {self.location}\r\n" if self.location else ""
        return _response(self.status, self.content_type, self.text.encode(), more, head=method == "HEAD")

    def __repr__(self) -> str:
        state = "running" if self.running else "stopped"
        return f"<policy web {self.name}:{PORT}, {state}, {len(self.requests)} requests>"


def _response(status: int, kind: str, body: bytes, more: str = "", *, head: bool = False) -> bytes:
    lines = f"HTTP/1.1 {status} \r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}"
    return f"{lines}Connection: close\r\n\r\n".encode() + (b"" if head else body)


class _Request(asyncio.Protocol):
    """One connection: one request, one response, closed."""

    def __init__(self, web: PolicyWeb) -> None:
        self._web = web
        self._head = b""
        self._wire: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._wire = transport
        self._web._open.add(transport)

    def data_received(self, data: bytes) -> None:
        if self._wire.is_closing():
            return
        self._head += data
        if b"\r\n\r\n" in self._head:
            self._wire.write(self._web.answer(self._head))
            self._wire.close()
        elif len(self._head) > REQUEST_LIMIT:
            self._wire.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._web._open.discard(self._wire)


class _Response(asyncio.Protocol):
    """The client's end: everything until the server closes."""

    def __init__(self) -> None:
        self.octets = bytearray()
        self.too_much = False
        self.ended = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.octets += data
        self.too_much = len(self.octets) > SIZE_LIMIT + REQUEST_LIMIT
        if self.too_much:
            self.ended.set()

    def eof_received(self) -> None:
        self.ended.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()


async def fetch(
    url: str,
    *,
    network: Connector,
    dns: Resolver,
    place: Callable[[str], str | None],
    patience: float = PATIENCE,
) -> Fetched:
    """Fetch ``url``, an https one, once; nothing is followed. ``place`` names the host that answers at an address.

    Never raises for what DNS and the network do: that is in the result.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    found: Any = dns.lookup(host, "A").records or dns.lookup(host, "AAAA").records
    if not found:
        return Fetched(trouble=f"DNS has no address for {host}")
    name = place(str(found[0].address))
    if name is None:
        return Fetched(trouble=f"nobody answers at {found[0].address}")
    response = _Response()
    wire: asyncio.Transport | None = None
    try:
        async with asyncio.timeout(patience):
            wire, _ = await network.connect(name, parts.port or PORT, lambda: response)
            try:
                wire = await _secured(wire, response, host, patience)
            except OSError as error:
                trouble = explain_tls(error, host, at_once=True)
                wrong = trouble.problem in _ABOUT_CERTIFICATE
                return Fetched(trouble=trouble.happened, certificate_trouble=wrong)
            head = f"GET {parts.path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
            wire.write(head.encode())
            await response.ended.wait()
    except TimeoutError:
        return Fetched(trouble=f"{host} has not answered within {patience:g} seconds")
    except OSError as error:
        return Fetched(trouble=f"no connection to {host}: {error}")
    finally:
        if wire is not None:
            wire.abort()
    if response.too_much:
        return Fetched(trouble=f"{host} sends more than {SIZE_LIMIT} octets")
    return _read(bytes(response.octets), host)


_ABOUT_CERTIFICATE = ("wrong_name", "expired", "not_yet_valid", "unknown_issuer", "certificate")


async def _secured(
    wire: asyncio.Transport, response: _Response, host: str, patience: float
) -> asyncio.Transport:
    secured = await asyncio.get_running_loop().start_tls(
        wire, response, client_context(), server_hostname=host,
        ssl_handshake_timeout=patience, ssl_shutdown_timeout=1.0,
    )  # fmt: skip
    assert secured is not None
    return secured


class _Socket:
    """What `HTTPResponse` reads from, in place of a socket."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._octets)


def _read(octets: bytes, host: str) -> Fetched:
    like_a_socket: Any = _Socket(octets)
    response = HTTPResponse(like_a_socket)
    try:
        response.begin()
        body = response.read()
    except (HTTPException, OSError, ValueError) as error:
        return Fetched(trouble=f"what {host} answers is no HTTP: {type(error).__name__}")
    return Fetched(response.status, response.getheader("Content-Type") or "", body)
