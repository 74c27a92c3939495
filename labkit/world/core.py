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
from labkit.hosts.movement import Movement
from labkit.hosts.surroundings import Surroundings
from labkit.smtp.reply import Reply
from labkit.smtp.transcript import Transcript, WireEvent
from labkit.world.spec import Admd, WorldSpec
from labkit.world.specs import receiver
from labkit.world.submission import Handed, hand_in
from labkit.world.worker import Worker
from labkit.zones import Zones

if TYPE_CHECKING:
    import ssl

    from labkit.hosts.policy_web import PolicyWeb
    from labkit.hosts.proxy import Middle
    from labkit.hosts.tap import ServerSession
    from labkit.transport.base import Transport
    from labkit.transport.dns_responder import DnsResponder

TransportName = Literal["loopback", "memory"]
Line = str | bytes
"""A text gets CR LF behind it, octets are sent as they are."""


class AsyncWorld:
    """A world on the event loop that runs it."""

    def __init__(self, *specs: HostSpec | WorldSpec, transport: TransportName = "loopback") -> None:
        """One `WorldSpec`, or hosts without zones. Raises ``ValueError`` for a spec without hosts or with two of one
        name, `ZoneError` for zones that cannot be read, ``KeyError`` for unknown faults and hosts."""
        self.spec = _world_spec(specs)
        self.clock = VirtualClock()
        self.network: Transport = _network(transport)
        self.zones = Zones(self.spec.zones, now=self.clock.now)
        """All the DNS there is in this world, with its log and its faults."""
        self.around = Surroundings(self.network, self.clock, self.zones)
        self._hosts: dict[str, MailHost] = {}
        self._webs: dict[str, PolicyWeb] = {}
        for spec in self.spec.hosts:
            host = MailHost(spec, transport=self.network, clock=self.clock, around=self.around)
            self._hosts[spec.name.lower()] = host
            self.around.settle_in(host)
        for domain, text in self.spec.policies.items():
            from labkit.hosts.policy_web import PolicyWeb

            web = self._webs[domain.lower()] = PolicyWeb(domain, text, transport=self.network)
            self.around.settle_at(web.name)
        self.worker = Worker(lambda: self._hosts.values(), self.clock)
        self.around.wake = self.worker.wake
        self.clock.turn = asyncio.Lock()
        self.clock.settle = self.worker.settle
        for name, faults in self.spec.faults.items():
            for fault in faults:
                self.host(name).switch_on(fault)
        self._dns: DnsResponder | None = None
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
            for web in self._webs.values():
                await web.start()
            self.running = True

    async def close(self) -> None:
        """Stop all hosts and hang up all clients; nothing of it stays open. Twice is harmless."""
        async with self._changing:
            if self.closed:
                return
            self.closed = True
            self.running = False
            await self.worker.end()
            if self._dns is not None:
                await self._dns.stop()
            for middle in tuple(self.around.middles.values()):
                await middle.stop()
            for host in self._hosts.values():
                await host.stop()
            for web in self._webs.values():
                await web.stop()
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

    # mail on its way

    async def submit(
        self,
        text: str | bytes,
        *,
        sender: str,
        recipients: Iterable[str],
        host: str = "submit.sender.example",
        port: int | None = 587,
        user: str | None = None,
        exact: bool = False,
        insist_on_tls: bool = True,
        deadline: float = DEADLINE,
    ) -> Handed:
        """Hand a message in as a person's mail program does: one real session, from greeting to QUIT.

        ``text`` is a message; what it lacks of From, To, Date and Message-ID is added, unless it is to be sent
        ``exact``. A text without any header field becomes the body. With ``user`` the program starts TLS and logs in; if
        it does not ``insist_on_tls``, it says the password in clear where no TLS is offered.
        It begins when no delivery is under way, so that the same calls give the same run, and returns when the
        session has ended; where the message goes from there, `settle` waits for.

        Raises what the client raises when the connection fails.
        """
        await self.settle()
        return await hand_in(
            self,
            text,
            sender,
            tuple(recipients),
            host,
            port,
            user,
            exact=exact,
            insist=insist_on_tls,
            deadline=deadline,
        )

    async def settle(self) -> None:
        """Wait until no delivery is under way. What waits for a later time goes on waiting."""
        await self.worker.settle()

    def hold(self) -> None:
        """Keep all queues still until `release`: what is handed in meanwhile stays where it is."""
        self.worker.hold()

    def release(self) -> None:
        """Let the queues go on."""
        self.worker.release()

    @property
    def movements(self) -> tuple[Movement, ...]:
        """Everything that happened to messages, in order."""
        return self.around.movements.all()

    def on_movement(self, callback: Callable[[Movement], object]) -> Callable[[], None]:
        """Have ``callback(movement)`` called for each movement, on the event loop. Call the result to end that."""
        return self.around.movements.on_movement(callback)

    def trail(self, message_id: str) -> tuple[Movement, ...]:
        """The way of one message, and of the failure notices about it."""
        return self.around.movements.trail(message_id)

    def outside(self, host: str, real_port: int, port: int = 25) -> Callable[[], None]:
        """Have a server of this machine that is not ours stand at ``host:port``; DNS must have an address for the name.

        Call the result to end that. Raises ``OSError`` if a host of this world listens there, ``ValueError`` on a
        network without sockets.
        """
        from labkit.transport.loopback import Loopback

        if not isinstance(self.network, Loopback):
            raise ValueError("a program outside of the lab can be reached over loopback only")
        self.around.settle_at(host)
        return self.network.register(host, port, real_port)

    async def dns_address(self) -> tuple[str, int]:
        """IP address and port of a name server for this world's zones, UDP and TCP; it is started when first asked
        for, and closed with the world."""
        from labkit.transport.dns_responder import DnsResponder

        async with self._changing:
            if self._dns is None:
                self._dns = DnsResponder(self.zones)
                await self._dns.start()
            assert self._dns.address is not None
            return self._dns.address

    def policy_web(self, domain: str) -> PolicyWeb:
        """The web host with a domain's MTA-STS policy. Raises ``KeyError`` that names those there are."""
        web = self._webs.get(domain.lower())
        if web is None:
            there = ", ".join(self._webs) or "none"
            raise KeyError(f"no policy of {domain} in this world; there are: {there}")
        return web

    async def between(self, caller: str, host: str) -> Middle:
        """Put a machine into the middle of the way from ``caller`` to ``host``; it records what passes, and does what it
        is told by `Middle.switch_on`. A second call gives the same one; `Middle.stop` takes it away.

        ``caller`` is a host of this world, the name of a person's program (`WorldSpec.client`), or empty for everybody.
        Programs from outside go through it at `Middle.address`. Raises ``KeyError`` for a host that is not there.
        """
        from labkit.hosts.proxy import Middle

        goal = self.host(host)
        if caller and caller.lower() != self.spec.client.lower():
            caller = self.host(caller).name
        place = (caller.lower(), goal.name.lower())
        async with self._changing:
            middle = self.around.middles.get(place)
            if middle is None:
                middle = Middle(caller, goal.name, self.around)
                for port in goal.spec.listeners:
                    await middle.listen(port)
                self.around.middles[place] = middle
            return middle

    async def withdraw(self, middle: Middle) -> None:
        """Take a machine in the middle away; what goes through it at the moment is broken off. Twice is harmless."""
        await middle.stop()

    def client(
        self,
        host: str | None = None,
        port: int | None = None,
        *,
        deadline: float = DEADLINE,
        on_event: Callable[[WireEvent], object] = lambda _event: None,
        tls_context: Callable[[], ssl.SSLContext] | None = None,
        tls_at_once: bool | None = None,
    ) -> Client:
        """A client for one of the hosts (without a name the first), not yet connected.

        ``on_event`` gets each line that the client records, on the event loop. ``tls_context``: in place of one that
        trusts the lab's authority alone; ``tls_at_once`` as for `Client`.
        """
        goal = self.host(host)
        client = Client(
            self.around.road(self.spec.client),
            goal.name,
            goal.spec.port if port is None else port,
            now=self.clock.now,
            deadline=deadline,
            number=lambda address: self._number(goal, address),
            on_connect=lambda address: self._addresses.add(tuple(address[:2])),
            on_event=on_event,
            tls_context=tls_context or _client_context,
            tls_at_once=tls_at_once,
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
        session = goal.session(client.connection)
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


def _world_spec(specs: tuple[HostSpec | WorldSpec, ...]) -> WorldSpec:
    hosts = tuple(spec for spec in specs if isinstance(spec, HostSpec))
    worlds = tuple(spec for spec in specs if isinstance(spec, WorldSpec))
    if worlds and len(specs) > 1:
        raise ValueError("expected one WorldSpec, or hosts; received both, or several")
    spec = worlds[0] if worlds else WorldSpec((Admd("", hosts),))
    if not spec.hosts:
        raise ValueError("expected at least one host, received none")
    names = [host.name.lower() for host in spec.hosts]
    if len(set(names)) < len(names):
        raise ValueError(f"expected each host once, received {', '.join(names)}")
    return spec


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
