"""The world's synchronous face, for notebook cells."""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from labkit.client import DEADLINE, Client, SyncClient
from labkit.hosts.fault import Fault
from labkit.hosts.mail_host import HostSpec, MailHost
from labkit.hosts.mailbox import Mailbox
from labkit.hosts.movement import Movement
from labkit.smtp.transcript import Transcript, WireEvent
from labkit.transport.loop_thread import LabError, LoopGone, entry_point, loop_thread
from labkit.world.core import AsyncWorld, Line, TransportName, play_once
from labkit.world.spec import WorldSpec
from labkit.world.submission import Handed
from labkit.world.sync_clock import MOVING, SyncClock
from labkit.zones import Zones

if TYPE_CHECKING:
    from labkit.hosts.policy_web import PolicyWeb
    from labkit.hosts.proxy import Middle
    from labkit.hosts.tap import ServerSession

T = TypeVar("T")

OPENING = 10.0
"""Seconds that opening and closing a world may take."""


class WorldClosed(LabError):
    """The world was closed; open it again."""


class World:
    """A world for notebook cells. Closed with :meth:`close`, by opening another one with the same key, or
    when nothing refers to it any more."""

    _by_key: ClassVar[weakref.WeakValueDictionary[str, World]] = weakref.WeakValueDictionary()
    _guard = threading.Lock()

    def __init__(self, *specs: HostSpec | WorldSpec, transport: TransportName = "loopback") -> None:
        self._thread = loop_thread()
        self._world = AsyncWorld(*specs, transport=transport)
        self._clock = SyncClock(self._world.clock, self._thread)
        self._finalizer = weakref.finalize(self, _close_later, self._thread, self._world)
        self._finalizer.atexit = False

    @classmethod
    @entry_point
    def open(
        cls, *specs: HostSpec | WorldSpec, key: str | None = None, transport: TransportName = "loopback"
    ) -> World:
        """Open a world: from one `WorldSpec`, or from hosts. One that was opened with the same ``key`` before is
        closed first."""
        world = cls(*specs, transport=transport)
        if key is not None:
            with cls._guard:
                former = cls._by_key.get(key)
                cls._by_key[key] = world
            if former is not None:
                with contextlib.suppress(
                    LoopGone
                ):  # then it belongs to the process that this one forked from
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
    def running(self) -> bool:
        """Whether its hosts are listening."""
        return self._world.running

    @property
    def clock(self) -> SyncClock:
        """This world's clock."""
        return self._clock

    @property
    def zones(self) -> Zones:
        """All the DNS there is in this world, with its log and its faults."""
        return self._world.zones

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
        """IP address and port behind a host's logical port, for programs outside of the lab; None if there
        is none."""
        goal = self.host(host)
        return self._world.network.address(goal.name, goal.spec.port if port is None else port)

    # mail on its way

    @entry_point
    def submit(
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
        """Hand a message in as a person's mail program does. See :meth:`AsyncWorld.submit`."""
        self._ask_open()
        to = tuple(recipients)
        return self._run(
            lambda: self._world.submit(
                text, sender=sender, recipients=to, host=host, port=port, user=user, exact=exact,
                insist_on_tls=insist_on_tls, deadline=deadline,
            ),
            MOVING + deadline * (len(to) + 10),
        )  # fmt: skip

    @entry_point
    def settle(self, deadline: float = MOVING) -> None:
        """Wait until no delivery is under way, at most ``deadline`` seconds."""
        self._run(self._world.settle, deadline)

    def hold(self) -> None:
        """Keep all queues still until :meth:`release`."""
        self._run_now(self._world.hold)

    def release(self) -> None:
        """Let the queues go on."""
        self._run_now(self._world.release)

    @property
    def movements(self) -> tuple[Movement, ...]:
        """Everything that happened to messages, in order."""
        return self._world.movements

    def on_movement(self, callback: Callable[[Movement], object]) -> Callable[[], None]:
        """Have ``callback(movement)`` called for each movement, on the loop thread. Call the result to end that."""
        return self._world.on_movement(callback)

    def trail(self, message_id: str) -> tuple[Movement, ...]:
        """The way of one message, and of the failure notices about it."""
        return self._world.trail(message_id)

    @entry_point
    def dns_address(self) -> tuple[str, int]:
        """IP address and port of a name server for this world's zones. See :meth:`AsyncWorld.dns_address`."""
        return self._run(self._world.dns_address)

    def outside(self, host: str, real_port: int, port: int = 25) -> Callable[[], None]:
        """Have a server of this machine that is not ours stand at ``host:port``. See :meth:`AsyncWorld.outside`."""
        return self._run_now(lambda: self._world.outside(host, real_port, port))

    def policy_web(self, domain: str) -> PolicyWeb:
        """The web host with a domain's MTA-STS policy. Raises ``KeyError`` that names those there are."""
        return self._world.policy_web(domain)

    @entry_point
    def between(self, caller: str, host: str) -> Middle:
        """Put a machine into the middle of the way from ``caller`` to ``host``. See :meth:`AsyncWorld.between`."""
        return self._run(lambda: self._world.between(caller, host))

    @entry_point
    def withdraw(self, middle: Middle) -> None:
        """Take a machine in the middle away. See :meth:`AsyncWorld.withdraw`."""
        self._run(lambda: self._world.withdraw(middle))

    # what goes wrong

    @entry_point
    def stop(self, host: str) -> None:
        """Have a host go down: it hangs up, and nobody reaches it."""
        self._run(self._world.host(host).stop)

    @entry_point
    def start(self, host: str) -> None:
        """Have a host come up again."""
        self._run(self._world.host(host).start)

    def switch_on(self, fault: Fault | str, *, host: str, **settings: Any) -> Fault:
        """Have something go wrong at a host. See :meth:`MailHost.switch_on`."""
        return self._run_now(lambda: self._world.host(host).switch_on(fault, **settings))

    def switch_off(self, name: str, *, host: str) -> None:
        """End it. Harmless when it is off already."""
        self._run_now(lambda: self._world.host(host).switch_off(name))

    # speaking by hand

    @entry_point
    def client(
        self,
        host: str | None = None,
        port: int | None = None,
        *,
        helo: str | None = None,
        deadline: float = DEADLINE,
    ) -> SyncClient:
        """A client for one of the hosts (without a name the first).

        It is not yet connected; with ``helo`` it is, and has said EHLO with that name.
        """
        client = SyncClient(self.async_client(host, port, deadline=deadline), self._thread, keep=self)
        if helo is not None:
            client.connect()
            client.send_line(f"EHLO {helo}")
        return client

    def async_client(
        self,
        host: str | None = None,
        port: int | None = None,
        *,
        deadline: float = DEADLINE,
        on_event: Callable[[WireEvent], object] = lambda _event: None,
    ) -> Client:
        """The same with coroutines, for use on the loop thread. ``on_event`` gets each line, over there."""
        self._ask_open()
        return self._world.client(host, port, deadline=deadline, on_event=on_event)

    def is_own(self, session: ServerSession) -> bool:
        """Whether a client of this world made this session. See :meth:`AsyncWorld.is_own`."""
        return self._world.is_own(session)

    def next_id(self) -> int:
        """A number that this world has not given out before: 1, 2, 3 in every run."""
        return self._world.next_id()

    def _ask_open(self) -> None:
        if self.closed:
            raise WorldClosed("This world is closed. Run the cell that opens it again.")

    def _run(self, work: Callable[[], Coroutine[Any, Any, T]], deadline: float = OPENING) -> T:
        return self._thread.run(work, deadline)

    def _run_now(self, work: Callable[[], T]) -> T:
        """Have ``work`` done on the loop thread; on that thread, at once."""
        if self._thread.is_current:
            return work()

        async def there() -> T:
            return work()

        return self._run(there)

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
    """Speak lines to a fresh private world and return the session as its server saw it: the same on every
    run."""
    script = tuple(lines)
    return loop_thread().run(
        lambda: play_once(script, spec, transport=transport, deadline=deadline), _patience(script, deadline)
    )


def _patience(lines: tuple[Line, ...], deadline: float) -> float:
    return OPENING + deadline * (len(lines) + 2)


def _close_later(thread: Any, world: AsyncWorld) -> None:
    """The world is of no more use to anybody; whichever thread notices, the loop thread closes it."""
    if not world.closed:
        thread.spawn(world.close)
