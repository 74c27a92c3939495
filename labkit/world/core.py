"""A world on an event loop: hosts, mailboxes, a clock, a network, and the clients that speak to it."""

from __future__ import annotations

import asyncio
import itertools
import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal, Self

from labkit.client import DEADLINE, Client, ClientError
from labkit.clock import VirtualClock
from labkit.hosts.mail_host import HostSpec, MailHost
from labkit.hosts.mailbox import Mailbox
from labkit.hosts.tap import ServerSession
from labkit.smtp.reply import Reply
from labkit.smtp.transcript import Transcript, WireEvent
from labkit.world.specs import receiver

if TYPE_CHECKING:
    import ssl

    from labkit.transport.base import Transport

TransportName = Literal["loopback", "memory"]
Line = str | bytes
"""A text gets CR LF behind it, octets are sent as they are."""


class AsyncWorld:
    """A world on the event loop that runs it."""

    def __init__(self, *specs: HostSpec, transport: TransportName = "loopback") -> None:
        if not specs:
            raise ValueError("expected at least one host, received none")
        self.clock = VirtualClock()
        self.network: Transport = _network(transport)
        self._hosts = {
            spec.name.lower(): MailHost(spec, transport=self.network, clock=self.clock) for spec in specs
        }
        self._clients: weakref.WeakSet[Client] = weakref.WeakSet()
        self._addresses: set[tuple[str, int]] = set()  # of clients whose session has not been recognized yet
        self._ids = itertools.count(1)
        self._changing = asyncio.Lock()
        self.running = False
        """Whether the hosts are listening."""
        self.closed = False
        """Whether the world has been closed."""

    async def open(self) -> None:
        """Start all hosts."""
        async with self._changing:
            if self.closed:
                return
            for host in self._hosts.values():
                await host.start()
            self.running = True

    async def close(self) -> None:
        """Stop all hosts and hang up all clients; nothing of it stays open. Twice is harmless."""
        async with self._changing:
            if self.closed:
                return
            self.closed = True
            self.running = False
            for host in self._hosts.values():
                await host.stop()
            for client in tuple(self._clients):
                client.hang_up()
            await self.network.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()

    @property
    def hosts(self) -> tuple[MailHost, ...]:
        """All hosts, as listed in the spec."""
        return tuple(self._hosts.values())

    def host(self, name: str | None = None) -> MailHost:
        """One host; without a name the first. Raises ``KeyError`` that names those there are."""
        if name is None:
            return self.hosts[0]
        host = self._hosts.get(name.lower())
        if host is None:
            raise KeyError(f"no host {name} in this world; there are: {', '.join(self._hosts)}")
        return host

    def mailbox(self, address: str) -> Mailbox:
        """One mailbox, by its address. Raises ``KeyError`` that names those there are."""
        boxes = {box.address.lower(): box for host in self.hosts for box in host.mailboxes}
        box = boxes.get(address.lower())
        if box is None:
            raise KeyError(f"no mailbox {address} in this world; there are: {', '.join(boxes)}")
        return box

    def client(
        self,
        host: str | None = None,
        port: int | None = None,
        *,
        deadline: float = DEADLINE,
        on_event: Callable[[WireEvent], object] = lambda _event: None,
    ) -> Client:
        """A client for one of the hosts (without a name the first), not yet connected.

        ``on_event`` gets each line that the client records, on the event loop.
        """
        goal = self.host(host)
        client = Client(
            self.network,
            goal.name,
            goal.spec.port if port is None else port,
            now=self.clock.now,
            deadline=deadline,
            number=lambda address: self._number(goal, address),
            on_connect=lambda address: self._addresses.add(tuple(address[:2])),
            on_event=on_event,
            tls_context=_client_context,
        )
        self._clients.add(client)
        return client

    def is_own(self, session: ServerSession) -> bool:
        """Whether a client of this world made this session, and not a program from outside.

        Known from the session's first line on (not yet when `MailHost.on_session` is called).
        """
        if session.own is None:
            session.own = session.peer in self._addresses
            self._addresses.discard(session.peer or ("", 0))
        return session.own

    def next_id(self) -> int:
        """A number that this world has not given out before: 1, 2, 3 in every run."""
        return next(self._ids)

    def _number(self, host: MailHost, address: Any) -> int | None:
        """The number of the connection that comes from ``address``, at its host."""
        peer = tuple(address[:2])
        session = next((session for session in reversed(host.sessions) if session.peer == peer), None)
        if session is None:
            return None
        self.is_own(session)
        return session.connection

    async def play(
        self, lines: Iterable[Line], *, host: str | None = None, deadline: float = DEADLINE
    ) -> Transcript:
        """Speak the lines to a host in a connection of their own; the session as the server saw it.

        A text gets CR LF behind it, octets are sent as they are. Each is answered before the next is sent.
        After 220 to STARTTLS comes the handshake. When the server hangs up, or a reply does not come in
        time, the rest is left unsaid.
        """
        goal = self.host(host)
        client = self.client(host, deadline=deadline)
        before = len(goal.sessions)
        try:
            await client.connect()
            for line in lines:
                reply = await (client.send(line) if isinstance(line, bytes) else client.send_line(line))
                if _is_starttls(line) and isinstance(reply, Reply) and reply.code == 220:
                    await client.start_tls()
                if client.closed:
                    break
        except ClientError:
            pass
        await client.close()
        session = next((s for s in goal.sessions[before:] if s.connection == client.connection), None)
        if session is None:
            return Transcript()
        await session.ended()
        return session.transcript


async def play_once(
    lines: Iterable[Line],
    spec: HostSpec | None = None,
    *,
    transport: TransportName = "memory",
    deadline: float = DEADLINE,
) -> Transcript:
    """:func:`play` for code that runs on an event loop."""
    async with AsyncWorld(spec or receiver(), transport=transport) as world:
        return await world.play(lines, deadline=deadline)


def _network(name: TransportName) -> Transport:
    if name == "memory":
        from labkit.transport.memory import Memory

        return Memory()
    if name == "loopback":
        from labkit.transport.loopback import Loopback

        return Loopback()
    raise ValueError(f"expected transport 'loopback' or 'memory', received {name!r}")


def _is_starttls(line: Line) -> bool:
    octets = line.encode() if isinstance(line, str) else line
    return octets.strip().upper() == b"STARTTLS"


def _client_context() -> ssl.SSLContext:
    from labkit.hosts.tls import client_context

    return client_context()
