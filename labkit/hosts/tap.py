"""The tap: every octet of a server's sessions, recorded where the server reads and writes, whoever the
client is.

It sits above TLS, so across STARTTLS it goes on with the decrypted octets and marks them as encrypted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from aiosmtpd.smtp import SMTP, Session

from labkit.hosts.answers import Answer, reworded
from labkit.smtp.transcript import Recorder, Sender, Transcript, WireEvent

TLS_NEXT = "220 Ready to start TLS"
"""The reply of aiosmtpd behind which TLS takes over the connection; there must be no turn between."""

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
        self.port = 25
        """The port that it came to, as a lesson shows it."""
        self.peer: tuple[str, int] | None = None
        """Address and port of the client, as far as there is one; also of one behind a machine in the middle."""
        self.helo: str | None = None
        """The name that the client gave in its last EHLO or HELO that was accepted."""
        self.own: bool | None = None
        """Whether a client of this world made it; None until somebody has found out."""
        self.lines = 0
        """How many lines are recorded."""
        self.closed = False
        """Whether the connection is gone."""
        self._open = True
        self._ended = asyncio.Event()
        self._on_event = on_event
        self._recorder = Recorder(connection, "server", now, self._emit)

    def _emit(self, event: WireEvent) -> None:
        self._on_event(self, event)

    def _feed(self, sender: Sender, octets: bytes, encrypted: bool) -> None:
        if self._open:
            self._recorder.feed(sender, octets, encrypted)

    def _hang_up(self, sender: Sender) -> None:
        """Record who closed. What comes after this side has closed is not read any more, so not recorded."""
        if self._open:
            self._recorder.close(sender)
            self._open = sender == "C"

    def _end(self) -> None:
        self.closed = True
        self._open = False
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


class Tap(SMTP):
    """aiosmtpd's connection, with a record of what arrives and of what is pushed."""

    tapped: ServerSession
    """The record of this connection; the class in front sets it before anything is recorded."""
    session: Session
    port = 25  # the host says which of its ports this is
    _encrypted = False  # the class in front knows when TLS is up

    @property
    def encrypted(self) -> bool:
        """Whether TLS is up."""
        return self._encrypted

    @property
    def _enhanced(self) -> bool:
        """Whether replies bear enhanced status codes (RFC 2034)."""
        return False

    def data_received(self, data: bytes) -> None:
        """Octets from the client, decrypted."""
        self.tapped._feed("C", data, self._encrypted)
        super().data_received(self._as_read(data))

    def _as_read(self, data: bytes) -> bytes:
        """The octets as this server takes them; the record holds them as they came."""
        return data

    async def push(self, status: Answer | str | bytes | None) -> None:
        """Send one reply, unless the connection is closing already."""
        if isinstance(status, bytes):  # a challenge of AUTH
            self._write(status + b"\r\n")
        elif status is not None:
            answer = reworded(status) if isinstance(status, str) else status
            self._write(answer.octets(self._enhanced))
        await self._writer.drain()
        if status != TLS_NEXT:
            await asyncio.sleep(0)  # thousands of pipelined lines must not keep the loop for themselves

    def hang_up(self, last_words: Answer | None = None) -> None:
        """Close the connection from this side, with a last reply if there is one."""
        if self.transport is None or self.transport.is_closing():
            return
        if last_words is not None:
            self._write(last_words.octets(self._enhanced))
        self.tapped._hang_up("S")
        self.transport.close()

    def _write(self, octets: bytes) -> None:
        if not self._writer.transport.is_closing():
            self.tapped._feed("S", octets, self._encrypted)
            self._writer.write(octets)

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone: broken off by the client, or closed by this side."""
        self.tapped._hang_up("C" if isinstance(error, OSError) else "S")
        self.tapped._end()
        super().connection_lost(error)


def peer_of(transport: asyncio.BaseTransport) -> tuple[str, int] | None:
    """Address and port of the other side, or None where the transport has no such thing."""
    name: Any = transport.get_extra_info("peername")
    return (str(name[0]), int(name[1])) if name else None
