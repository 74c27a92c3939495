"""A world: named mail hosts, their mailboxes, a clock and a network, opened from a readable spec.

`World` is the synchronous face for cells, `AsyncWorld` the same for code on an event loop. `play` runs client
lines against a fresh private world and returns what its server saw: stored runs, exercises and tests use it.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from labkit.client import DEADLINE, Client, ClientError, SyncClient
from labkit.clock import VirtualClock
from labkit.hosts.mail_host import HostSpec, MailHost
from labkit.hosts.mailbox import Mailbox
from labkit.hosts.tap import ServerSession
from labkit.smtp.reply import Reply
from labkit.smtp.transcript import Transcript, WireEvent
from labkit.transport.loop_thread import LabError, entry_point, loop_thread

if TYPE_CHECKING:
    import ssl

    from labkit.transport.base import Transport

T = TypeVar("T")
TransportName = Literal["loopback", "memory"]
Line = str | bytes

OPENING = 10.0
"""Seconds that opening and closing a world may take."""


class WorldClosed(LabError):
    """The world was closed; open it again."""


def receiver(
    name: str = "mail.receiver.example",
    *,
    mailboxes: Iterable[str] = ("bob", "carol", "postmaster"),
    **settings: Any,
) -> HostSpec:
    """An ordinary, friendly host that takes mail for its domain. ``settings`` are fields of `HostSpec`."""
    return HostSpec(name, tuple(mailboxes), **settings)


def sample_receiver(
    name: str = "mail.receiver.example",
    *,
    mailboxes: Iterable[str] = ("bob", "carol", "postmaster"),
    **settings: Any,
) -> HostSpec:
    """The host of the course's sample session: it offers STARTTLS and AUTH at once and nothing else.

    AUTH before TLS is not as it should be (RFC 4954 section 4); a lesson asks what is odd about it.
    """
    own: dict[str, Any] = {"ehlo": (), "auth": {}, "auth_before_tls": True}
    return HostSpec(name, tuple(mailboxes), **(own | settings))


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
        self._changing = asyncio.Lock()
        self.closed = False
        """Whether the world has been closed."""

    async def open(self) -> None:
        """Start all hosts."""
        async with self._changing:
            if self.closed:
                return
            for host in self._hosts.values():
                await host.start()

    async def close(self) -> None:
        """Stop all hosts and hang up all clients; nothing of it stays open. Twice is harmless."""
        async with self._changing:
            if self.closed:
                return
            self.closed = True
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
        """A client for one of the hosts (without a name the first), not yet connected."""
        goal = self.host(host)
        client = Client(
            self.network,
            goal.name,
            goal.spec.port if port is None else port,
            now=self.clock.now,
            deadline=deadline,
            number=lambda address: _number(goal, address),
            tls_context=_client_context,
            on_event=on_event,
        )
        self._clients.add(client)
        return client

    async def play(
        self, lines: Iterable[Line], *, host: str | None = None, deadline: float = DEADLINE
    ) -> Transcript:
        """Speak the lines to a host in a connection of their own; the session as the server saw it.

        A text gets CR LF behind it, octets are sent as they are. Each is answered before the next is sent. After
        220 to STARTTLS comes the handshake. When the server hangs up, or a reply does not come in time, the rest
        is left unsaid.
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


class World:
    """A world for notebook cells. Closed with :meth:`close`, by opening another one with the same key, or when
    nothing refers to it any more."""

    _by_key: weakref.WeakValueDictionary[str, World] = weakref.WeakValueDictionary()
    _guard = threading.Lock()

    def __init__(self, *specs: HostSpec, transport: TransportName = "loopback") -> None:
        self._thread = loop_thread()
        self._world = AsyncWorld(*specs, transport=transport)
        self._finalizer = weakref.finalize(self, _close_later, self._thread, self._world)
        self._finalizer.atexit = False

    @classmethod
    @entry_point
    def open(cls, *specs: HostSpec, key: str | None = None, transport: TransportName = "loopback") -> World:
        """Open a world. One that was opened with the same ``key`` before is closed first."""
        world = cls(*specs, transport=transport)
        if key is not None:
            with cls._guard:
                former = cls._by_key.get(key)
                cls._by_key[key] = world
            if former is not None:
                former.close()
        world._run(world._world.open)
        return world

    @entry_point
    def close(self) -> None:
        """Close everything that this world opened. Twice is harmless."""
        self._run(self._world.close)

    @property
    def closed(self) -> bool:
        """Whether this world has been closed."""
        return self._world.closed

    @property
    def clock(self) -> VirtualClock:
        """This world's clock."""
        return self._world.clock

    @property
    def inner(self) -> AsyncWorld:
        """The same world for code on the loop thread."""
        return self._world

    @property
    def hosts(self) -> tuple[MailHost, ...]:
        """All hosts, as listed in the spec."""
        return self._world.hosts

    def host(self, name: str | None = None) -> MailHost:
        """One host; without a name the first."""
        return self._world.host(name)

    def mailbox(self, address: str) -> Mailbox:
        """One mailbox, by its address."""
        return self._world.mailbox(address)

    def address(self, host: str | None = None, port: int | None = None) -> tuple[str, int] | None:
        """IP address and port behind a host's logical port, for programs outside of the lab; None if there is none."""
        goal = self.host(host)
        return self._world.network.address(goal.name, goal.spec.port if port is None else port)

    @entry_point
    def client(
        self, host: str | None = None, port: int | None = None, *, deadline: float = DEADLINE
    ) -> SyncClient:
        """A client for one of the hosts (without a name the first), not yet connected."""
        return SyncClient(self.async_client(host, port, deadline=deadline), self._thread, keep=self)

    def async_client(
        self,
        host: str | None = None,
        port: int | None = None,
        *,
        deadline: float = DEADLINE,
        on_event: Callable[[WireEvent], object] = lambda _event: None,
    ) -> Client:
        """The same with coroutines, for use on the loop thread; ``on_event`` is told each line as it is recorded."""
        if self.closed:
            raise WorldClosed("This world is closed. Run the cell that opens it again.")
        return self._world.client(host, port, deadline=deadline, on_event=on_event)

    def _run(self, work: Callable[[], Coroutine[Any, Any, T]], deadline: float = OPENING) -> T:
        return self._thread.run(work, deadline)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        names = ", ".join(f"{host.name}:{host.spec.port}" for host in self.hosts)
        return f"<world with {names}, {'closed' if self.closed else 'open'}>"


@entry_point
def run_script(
    world: World, lines: Iterable[Line], *, host: str | None = None, deadline: float = DEADLINE
) -> Transcript:
    """Speak lines to a host of an open world, in a connection of their own. See :meth:`AsyncWorld.play`."""
    script = tuple(lines)
    return world._run(
        lambda: world.inner.play(script, host=host, deadline=deadline), _patience(script, deadline)
    )


@entry_point
def play(
    lines: Iterable[Line],
    spec: HostSpec | None = None,
    *,
    transport: TransportName = "memory",
    deadline: float = DEADLINE,
) -> Transcript:
    """Speak lines to a fresh private world and return the session as its server saw it: the same on every run."""
    script = tuple(lines)
    return loop_thread().run(
        lambda: play_once(script, spec, transport=transport, deadline=deadline), _patience(script, deadline)
    )


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


def _patience(lines: tuple[Line, ...], deadline: float) -> float:
    return OPENING + deadline * (len(lines) + 2)


def _network(name: TransportName) -> Transport:
    if name == "memory":
        from labkit.transport.memory import Memory

        return Memory()
    if name == "loopback":
        from labkit.transport.loopback import Loopback

        return Loopback()
    raise ValueError(f"expected transport 'loopback' or 'memory', received {name!r}")


def _number(host: MailHost, address: Any) -> int | None:
    """The number of the connection that comes from ``address``, at its host."""
    session = _session_from(host, address)
    return session.connection if session is not None else None


def _session_from(host: MailHost, address: Any) -> ServerSession | None:
    peer = tuple(address[:2]) if address else None
    return next((session for session in reversed(host.sessions) if session.peer == peer), None)


def _is_starttls(line: Line) -> bool:
    octets = line.encode() if isinstance(line, str) else line
    return octets.strip().upper() == b"STARTTLS"


def _client_context() -> ssl.SSLContext:
    from labkit.hosts.tls import client_context

    return client_context()


def _close_later(thread: Any, world: AsyncWorld) -> None:
    """The world is of no more use to anybody; whichever thread notices, the loop thread closes it."""
    if not world.closed:
        thread.spawn(world.close)
