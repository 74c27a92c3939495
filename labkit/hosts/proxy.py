"""The machine in the middle: a proxy on the way from one host to another, which records what an eavesdropper sees and,
if told so, meddles with it.

It is a server and a client: what comes in at one side goes out at the other. Each side is a connection of its own, so
both ends meet real octets. Its records have the view ``wire``: lines in clear, and each TLS record as it is. What it may
do beside listening are the faults of `labkit.hosts.meddling`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labkit.hosts.meddling import Blocked, Meddling, make_meddling
from labkit.hosts.tls import server_context, unchecked_context
from labkit.smtp.transcript import Recorder, Sender, Transcript, WireEvent
from labkit.transport.base import IMPLICIT_TLS

if TYPE_CHECKING:
    from labkit.hosts.surroundings import Surroundings
    from labkit.transport.base import Listener, ProtocolFactory

HANDSHAKE = b"\x16\x03"
"""The first octets of a TLS handshake: record type 22, major version 3 (RFC 8446 section 5.1)."""
_RECORD_TYPES = frozenset({20, 21, 22, 23})


@dataclass(frozen=True, slots=True)
class Change:
    """Something that the middle has changed on its way."""

    seq: int
    """The line of the record that came in."""
    sender: Sender
    was: bytes
    became: bytes
    by: str
    """The name of the meddling."""


class OverheardSession:
    """One connection, as it passed. Changes on the loop thread; reading is safe anywhere."""

    def __init__(
        self,
        connection: int,
        port: int,
        now: Callable[[], float],
        on_event: Callable[[OverheardSession, WireEvent], None],
    ) -> None:
        self.connection = connection
        """Number of this connection at the middle, from 1."""
        self.port = port
        """The port that it goes to, as a lesson shows it."""
        self.closed = False
        self.changes: tuple[Change, ...] = ()
        self._seq = 0
        self._on_event = on_event
        self._recorder = Recorder(connection, "wire", now, self._count)

    @property
    def transcript(self) -> Transcript:
        """What came from either side, before anything was changed. TLS records are what passed, and nobody can read them;
        where the middle ends TLS itself, the lines inside."""
        return self._recorder.transcript()

    def reads(self, octets: bytes | str) -> bool:
        """Whether an eavesdropper finds these octets: a password, a word of the message."""
        wanted = octets.encode() if isinstance(octets, str) else octets
        return any(wanted in b"".join(e.data for e in self.transcript if e.sender == side) for side in "CS")

    def _count(self, event: WireEvent) -> None:
        self._seq = event.seq
        self._on_event(self, event)

    def __repr__(self) -> str:
        return f"<overheard session {self.connection}, {len(self.transcript)} lines, {len(self.changes)} changes>"


class Middle:
    """A machine between ``caller`` and ``host``. All of its work is done on the event loop that opened it."""

    def __init__(self, caller: str, host: str, around: Surroundings) -> None:
        """``caller`` empty: everybody who goes to ``host``."""
        self.caller = caller
        self.host = host
        self.around = around
        self.name = f"between {caller or 'everybody'} and {host}"
        self.sessions: tuple[OverheardSession, ...] = ()
        """All connections that went through, oldest first."""
        self.active: tuple[Meddling, ...] = ()
        """What is switched on, in the order of switching on."""
        self._listeners: dict[int, Listener] = {}
        self._pairs: set[_Pair] = set()
        self._callbacks: list[Callable[[OverheardSession, WireEvent], object]] = []

    # what it does

    def switch_on(self, meddling: Meddling | str, **settings: Any) -> Meddling:
        """Begin to meddle: by name, with its settings. Raises ``KeyError`` that names those there are."""
        made = make_meddling(meddling, **settings)
        self.switch_off(made.name)
        self.active = (*self.active, made)
        return made

    def switch_off(self, name: str) -> None:
        """End it. Harmless when it is off already."""
        self.active = tuple(one for one in self.active if one.name != name)

    def blocks(self, port: int) -> Blocked | None:
        """How connections to this port are blocked; None when they are not."""
        return next((how for one in self.active if (how := one.blocks(port)) is not None), None)

    def address(self, port: int) -> tuple[str, int] | None:
        """Where a program from outside the lab finds this way to ``host:port``; None where there are no sockets.

        Where the port is blocked, such a program is hung up on at once, or hears nothing: it has reached this machine."""
        return self.around.transport.address(self.name, port)

    def on_event(self, callback: Callable[[OverheardSession, WireEvent], object]) -> Callable[[], None]:
        """Have ``callback(session, event)`` called for each line or record that passes, on the loop thread. Call the
        result to end that."""
        self._callbacks.append(callback)

        def end() -> None:
            if callback in self._callbacks:
                self._callbacks.remove(callback)

        return end

    def _tell(self, session: OverheardSession, event: WireEvent) -> None:
        for callback in tuple(self._callbacks):
            try:
                callback(session, event)
            except Exception as error:  # a listener's trouble is not the connection's trouble
                context = {"message": "a listener of a machine in the middle failed", "exception": error}
                asyncio.get_running_loop().call_exception_handler(context)

    # connections

    async def listen(self, port: int) -> None:
        """Stand on the way to this port. Harmless when it does already."""
        if port not in self._listeners:
            self._listeners[port] = await self.around.transport.listen(
                self.name, port, lambda: _Pair(self, port).near
            )

    async def connect(
        self, port: int, factory: ProtocolFactory
    ) -> tuple[asyncio.Transport, asyncio.Protocol]:
        """Connect the caller to ``host:port`` through this machine. Raises ``OSError``; where the way is blocked in
        silence, this never ends, and the caller's own patience has to."""
        blocked = self.blocks(port)
        if blocked == "refused":
            raise ConnectionRefusedError(f"{self.host}:{port} refuses the connection")
        if blocked == "dropped":
            await asyncio.get_running_loop().create_future()
        host = self.around.hosts.get(self.host.lower())
        if host is not None and not (host.running and port in host.spec.listeners):
            raise ConnectionRefusedError(f"nothing listens on {self.host}:{port} in this world")
        await self.listen(port)
        return await self.around.transport.connect(self.name, port, factory)

    async def stop(self) -> None:
        """Go away: listen no more, break off what is open."""
        self.around.middles.pop((self.caller.lower(), self.host.lower()), None)
        for listener in self._listeners.values():
            await listener.close()
        self._listeners.clear()
        for pair in tuple(self._pairs):
            pair.break_off()

    def _begins(self, pair: _Pair) -> OverheardSession:
        session = OverheardSession(len(self.sessions) + 1, pair.port, self.around.clock.now, self._tell)
        self.sessions = (*self.sessions, session)
        self._pairs.add(pair)
        return session

    def _ended(self, pair: _Pair) -> None:
        pair.session.closed = True
        self._pairs.discard(pair)

    def __repr__(self) -> str:
        told = ", ".join(one.name for one in self.active) or "it listens"
        return f"<machine {self.name}: {told}; {len(self.sessions)} sessions>"


class _Pair:
    """Two connections that belong together, and what goes from one to the other."""

    def __init__(self, middle: Middle, port: int) -> None:
        self.middle = middle
        self.port = port
        self.near = _Side(self, "C")
        self.far = _Side(self, "S")
        self.encrypted = False
        """Whether TLS has begun, from end to end."""
        self.inside = False
        """Whether the middle itself is the end of TLS, on both sides."""
        self.session: OverheardSession
        self._tasks: set[asyncio.Task[None]] = set()

    def other(self, side: _Side) -> _Side:
        return self.far if side is self.near else self.near

    def begin(self) -> None:
        """The caller is here: go on to the host."""
        self.session = self.middle._begins(self)
        blocked = self.middle.blocks(self.port)  # only a program from outside gets here then
        if blocked == "refused":
            self.break_off()
        elif blocked is None:
            ending = next((one for one in self.middle.active if one.ends_tls), None)
            at_once = ending if self.port in IMPLICIT_TLS else None
            if at_once:  # not an octet is to be read before the middle is the end of TLS
                self.near.pause(True)
            self._start(self._to_host(at_once))

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _to_host(self, meddling: Meddling | None) -> None:
        middle = self.middle
        try:
            await middle.around.transport.connect(middle.host, self.port, lambda: self.far)
        except OSError:
            self.break_off()
            return
        if meddling is not None:
            await self._end_tls(meddling)

    def took(self, side: _Side, data: bytes) -> None:
        """Octets from one side: record them, perhaps change them, send them on."""
        if side is self.near and not self.encrypted and not side.held and data.startswith(HANDSHAKE):
            self.encrypted = True
        if self.encrypted and not self.inside:
            for record in side.records(data):
                self.session._recorder.feed_whole(side.sender, record, True)
            self.other(side).send(data)
            return
        self.session._recorder.feed(side.sender, data, self.inside)
        if not self.middle.active or self.inside:
            self.other(side).send(data)
            return
        self.other(side).send(b"".join(self._pieces(side, data)))

    def _pieces(self, side: _Side, data: bytes) -> Iterator[bytes]:
        """What goes on: whole lines, changed or not; and the part of a line that cannot matter."""
        if side.torn:  # the rest of a line whose beginning has gone on already
            rest, end, data = data.partition(b"\n")
            yield rest + end
            side.torn = not end
        *lines, side.held = (side.held + data).split(b"\n")
        for line in lines:
            yield self._changed(side.sender, line + b"\n")
        if side.held and not _may_matter(side.sender, side.held):
            side.torn = True
            yield side.held
            side.held = b""

    def _changed(self, sender: Sender, line: bytes) -> bytes:
        for meddling in self.middle.active:
            changed = meddling.from_client(line) if sender == "C" else meddling.from_server(line)
            if changed != line:
                session = self.session
                same = (e.seq for e in reversed(session.transcript) if (e.sender, e.data) == (sender, line))
                session.changes = (
                    *session.changes,
                    Change(next(same, session._seq), sender, line, changed, meddling.name),
                )
                line = changed
            if sender == "C" and line.strip().upper() == b"STARTTLS":
                self.far.awaits_tls = meddling.ends_tls
            elif sender == "S" and self.far.awaits_tls:
                self.far.awaits_tls = False
                if line.startswith(b"220"):
                    self.near.pause(True)
                    self.far.pause(True)
                    self._start(self._end_tls(meddling))
        return line

    async def _end_tls(self, meddling: Meddling) -> None:
        """Be the server to the client, with a certificate of our own, and the client to the server."""
        loop = asyncio.get_running_loop()
        self.encrypted = self.inside = True
        try:
            # First the side that says nothing when its handshake is done: after STARTTLS the host, on 465 the caller.
            for side in (self.near, self.far) if self.port in IMPLICIT_TLS else (self.far, self.near):
                assert side.wire is not None
                context = unchecked_context() if side is self.far else server_context(meddling.certificate)
                side.wire = await loop.start_tls(
                    side.wire, side, context,
                    server_side=side is self.near,
                    server_hostname=None if side is self.near else self.middle.host,
                    ssl_shutdown_timeout=1.0,
                )  # fmt: skip
        except OSError:
            self.break_off()

    def break_off(self) -> None:
        """Drop both connections."""
        for side in (self.near, self.far):
            if side.wire is not None:
                side.wire.abort()
        self.middle._ended(self)


def _may_matter(sender: Sender, held: bytes) -> bool:
    """Whether a line's beginning has to wait for its end, because the line may have to be changed."""
    return sender == "S" or b"STARTTLS".startswith(held.strip().upper())


class _Side(asyncio.Protocol):
    """One of the two connections."""

    def __init__(self, pair: _Pair, sender: Sender) -> None:
        self.pair = pair
        self.sender = sender
        self.wire: asyncio.Transport | None = None
        self.held = b""
        self.torn = False
        self.awaits_tls = False
        self._waiting: list[bytes] = []
        self._ended = False
        self._tls = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.wire = transport
        if self is self.pair.near:
            self.pair.begin()
        else:
            near = self.pair.near.wire
            assert near is not None
            client, middle = near.get_extra_info("peername"), transport.get_extra_info("sockname")
            self.pair.middle.around.stands_behind(middle, client, self.pair.middle.host)
            waiting, self._waiting = self._waiting, []
            for data in waiting:
                transport.write(data)
            if self.pair.near._ended:
                self.end()

    def data_received(self, data: bytes) -> None:
        self.pair.took(self, data)

    def send(self, data: bytes) -> None:
        """Send on; what comes before the connection stands is kept."""
        if self.wire is None:
            self._waiting.append(data)
        elif data and not self.wire.is_closing():
            self.wire.write(data)

    def records(self, data: bytes) -> list[bytes]:
        """The TLS records that are complete with this (RFC 8446 section 5.1); what is none comes as it is."""
        found = []
        self._tls += data
        while len(self._tls) >= 5:
            size = 5 + int.from_bytes(self._tls[3:5])
            if self._tls[0] not in _RECORD_TYPES:
                size = len(self._tls)
            if len(self._tls) < size:
                break
            found.append(self._tls[:size])
            self._tls = self._tls[size:]
        return found

    def end(self) -> None:
        """Send no more to this side."""
        if self.wire is not None and not self.wire.is_closing():
            if self.wire.can_write_eof():
                self.wire.write_eof()
            else:
                self.wire.close()

    def pause(self, stop: bool) -> None:
        """Read no more from this side, or go on."""
        if self.wire is not None and not self.wire.is_closing():
            if stop:
                self.wire.pause_reading()
            else:
                self.wire.resume_reading()

    def eof_received(self) -> bool:
        self._finish()
        other = self.pair.other(self)
        other.end()
        return not other._ended and not self.pair.inside

    def connection_lost(self, exc: Exception | None) -> None:
        self._finish()
        other = self.pair.other(self)
        if other.wire is not None:
            other.wire.close()
        if other._ended:
            self.pair.middle._ended(self.pair)

    def _finish(self) -> None:
        if not self._ended:
            self._ended = True
            if self.held:
                self.pair.other(self).send(self.held)
                self.held = b""
            self.pair.session._recorder.close(self.sender)

    def pause_writing(self) -> None:
        self.pair.other(self).pause(True)

    def resume_writing(self) -> None:
        self.pair.other(self).pause(False)
