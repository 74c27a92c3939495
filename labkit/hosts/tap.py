"""The tap: every octet of a server's sessions, recorded where the server reads and writes, whoever the client is.

It sits above TLS, so across STARTTLS it goes on with the decrypted octets and marks them as encrypted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from labkit.smtp.transcript import Recorder, Transcript, WireEvent

EventCallback = Callable[["ServerSession", WireEvent], object]


class ServerSession:
    """One connection as its server saw it. Changes on the loop thread; reading is safe anywhere."""

    def __init__(
        self,
        connection: int,
        now: Callable[[], float],
        on_event: Callable[[ServerSession, WireEvent], None],
    ) -> None:
        self.connection = connection
        """Number of this connection at its host, from 1."""
        self.peer: tuple[str, int] | None = None
        """Address and port of the client, as far as there is one."""
        self.helo: str | None = None
        """The name that the client gave in its last EHLO or HELO that was accepted."""
        self.closed = False
        """Whether the connection is gone."""
        self._ended = asyncio.Event()
        self._on_event = on_event
        self._recorder = Recorder(connection, "server", now, self._emit)

    def _emit(self, event: WireEvent) -> None:
        self._on_event(self, event)

    def _close(self) -> None:
        self.closed = True
        self._ended.set()

    async def ended(self) -> None:
        """Wait until the connection is gone."""
        await self._ended.wait()

    @property
    def label(self) -> str:
        """What a view calls this session: the client's name for itself, else the connection's number."""
        return self.helo or f"connection {self.connection}"

    @property
    def transcript(self) -> Transcript:
        """All lines so far, in the server's view."""
        return self._recorder.transcript()

    def __repr__(self) -> str:
        state = "closed" if self.closed else "open"
        return f"<session {self.connection} from {self.label}, {state}, {len(self.transcript)} lines>"


class Tap(asyncio.StreamReaderProtocol):
    """To be put before :class:`aiosmtpd.smtp.SMTP`: records what arrives and what is written."""

    tapped: ServerSession
    """The record of this connection; the class in front sets it before anything is recorded."""
    _encrypted = False  # the class in front knows when TLS is up
    _client_done = False

    def data_received(self, data: bytes) -> None:
        """Octets from the client, decrypted."""
        self.tapped._recorder.feed("C", data, self._encrypted)
        super().data_received(data)

    def record_and_write(self, writer: asyncio.StreamWriter, octets: bytes) -> None:
        """Send octets to the client, unless the connection is closing."""
        if not writer.transport.is_closing():
            self.tapped._recorder.feed("S", octets, self._encrypted)
            writer.write(octets)

    def note_eof(self) -> None:
        """Record that the client sends no more."""
        self._client_done = True
        self.tapped._recorder.close("C")

    def connection_lost(self, error: Exception | None) -> None:
        """Record who ended it: the client if the connection broke, else this side."""
        if isinstance(error, OSError) and not self._client_done:
            self.tapped._recorder.close("C")
        else:
            self.tapped._recorder.close("S")
        self.tapped._close()
        super().connection_lost(error)


def peer_of(transport: asyncio.BaseTransport) -> tuple[str, int] | None:
    """Address and port of the other side, or None where the transport has no such thing."""
    name: Any = transport.get_extra_info("peername")
    return (str(name[0]), int(name[1])) if name else None
