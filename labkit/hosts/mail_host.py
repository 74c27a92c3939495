"""A mail host: a name, the sessions that reached it, its mailboxes and its queue.

What it takes is decided in `labkit.hosts.intake`, what it hands on in `labkit.hosts.relay`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from labkit.clock import VirtualClock
from labkit.hosts import answers
from labkit.hosts.answers import Answer
from labkit.hosts.fault import Fault, FaultSet
from labkit.hosts.faults import make_fault
from labkit.hosts.host_log import LOG_LIMIT, LogLine
from labkit.hosts.host_spec import FRIENDLY, HostSpec
from labkit.hosts.intake import Intake
from labkit.hosts.mailbox import Mailbox
from labkit.hosts.queue import Queue
from labkit.hosts.reading import PORTS, ReadingRoom
from labkit.hosts.relay import Relay
from labkit.hosts.surroundings import Surroundings
from labkit.hosts.tls import server_context, tls_at_once
from labkit.smtp.path import Path
from labkit.smtp.transcript import WireEvent
from labkit.transport.base import IMPLICIT_TLS, Listener, ProtocolFactory, Transport

if TYPE_CHECKING:
    import ssl

    from labkit.hosts.policy import LabEnvelope
    from labkit.hosts.smtpd import LabSMTP
    from labkit.hosts.tap import ServerSession

__all__ = ["FRIENDLY", "HostSpec", "MailHost"]

PATIENCE = 0.2
"""Real seconds that open sessions get for their last words when a host stops."""
LINES_KEPT = 100_000
"""Lines of all sessions of a host that are kept, about 20 MB; then the oldest sessions that have ended are forgotten."""
TURNS = 100
"""Turns of the event loop within which a connection that was broken off is gone; it takes about three."""


class MailHost:
    """A running host. All its state changes on the event loop that started it; reading is safe anywhere."""

    def __init__(
        self,
        name: str | HostSpec,
        *,
        transport: Transport,
        clock: VirtualClock,
        around: Surroundings | None = None,
        **settings: Any,
    ) -> None:
        """``settings`` are fields of :class:`HostSpec`, when ``name`` is a name and not a spec already. ``around`` is
        what it shares with the other hosts of its world; without one it stands alone."""
        self.spec = HostSpec(name, **settings) if isinstance(name, str) else name
        spec = self.spec
        self.name = spec.name
        self.banner = spec.banner
        self.submission_ports = spec.submission_ports
        self.size_limit = spec.size_limit
        self.timeout = spec.timeout
        self.lenient = spec.lenient
        self.bare_lf = spec.bare_lf
        self.limits: Mapping[str, int] = {
            "MAILMAX": spec.mail_limit,
            "RCPTMAX": spec.recipient_limit,
            "RCPTDOMAINMAX": spec.domain_limit,
        }
        self.errors: list[str] = []
        """Exceptions inside the server, for tests: there should be none."""
        self.clock = clock
        self.around = around if around is not None else Surroundings(transport, clock)
        self.own_names = (spec.name,)
        """The names under which it finds itself in MX records."""
        self.next_hops = {domain.lower(): host for domain, host in spec.next_hops.items()}
        self.queue = Queue(spec.retry)
        """What it still has to hand on."""
        self.faults = FaultSet(self)
        """What is switched on at the moment."""
        self._offer()
        self.relay = Relay(self)
        self._intake = Intake(self)
        self.reading = ReadingRoom(self)
        """Where mail programs come for what lies in the mailboxes; its sessions are kept apart from those of SMTP."""
        self._transport = transport
        self._listeners: list[Listener] = []
        self._live: dict[LabSMTP, None] = {}
        self._sessions: deque[ServerSession] = deque()
        self._lines = 0
        self.sessions_forgotten = 0
        """How many of its oldest sessions are not kept any more."""
        self._log: deque[LogLine] = deque(maxlen=LOG_LIMIT)
        self._session_callbacks: list[Callable[[ServerSession], object]] = []
        self._event_callbacks: list[Callable[[ServerSession, WireEvent], object]] = []

    # life

    async def start(self) -> None:
        """Listen on all its ports, and go on with what is in its queue. Harmless while it is running.

        Raises ``OSError`` if a place is taken in this world.
        """
        if self._listeners:
            return
        for port in self.spec.listeners:
            self._listeners.append(await self._transport.listen(self.name, port, self._server(port)))
        self.around.wake()

    def _server(self, port: int) -> ProtocolFactory:
        if port in PORTS:
            return lambda: self.reading.protocol(port)

        def make() -> asyncio.Protocol:
            from labkit.hosts.smtpd import LabSMTP  # aiosmtpd is loaded when the first program connects

            server = LabSMTP(self)
            server.port = port
            if port not in IMPLICIT_TLS:
                return server
            return tls_at_once(server, self.tls_context())

        return make

    async def stop(self) -> None:
        """Stop listening and end every open session with 421 (RFC 5321 section 3.8). Twice is harmless.

        What is in the queue stays there, and is not tried until the host starts again.
        """
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            await listener.close()
        await self.reading.stop()
        for server in tuple(self._live):
            server.hang_up(answers.SHUTDOWN)
        tasks = [task for server in self._live if (task := server._handler_coroutine) is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=PATIENCE)
        for server in tuple(self._live):
            server.break_off()
        for _ in range(TURNS):
            if not self._live:
                return
            await asyncio.sleep(0)
        self.errors.append(f"{len(self._live)} connections do not end")

    @property
    def sessions(self) -> tuple[ServerSession, ...]:
        """All sessions so far, oldest first, open ones too; without those that are `sessions_forgotten`."""
        return tuple(self._sessions.copy())

    def session(self, connection: int | None) -> ServerSession | None:
        """The session of that number; None if there is none, or none any more."""
        sessions = self._sessions.copy()
        place = (connection or 0) - sessions[0].connection if sessions else -1
        return sessions[place] if 0 <= place < len(sessions) else None

    @property
    def running(self) -> bool:
        """Whether it listens."""
        return bool(self._listeners)

    @property
    def mailboxes(self) -> tuple[Mailbox, ...]:
        """All mailboxes."""
        return self._intake.mailboxes

    def mailbox(self, address: str) -> Mailbox:
        """One mailbox, by address or by local part. Raises ``KeyError`` that names those there are."""
        box = self._intake.mailbox(address)
        if box is None:
            there = ", ".join(box.address for box in self.mailboxes)
            raise KeyError(f"no mailbox {address} at {self.name}; there are: {there}")
        return box

    @property
    def log(self) -> tuple[LogLine, ...]:
        """What it wrote down, oldest first."""
        return tuple(self._log.copy())

    def note(self, queue_id: str, text: str) -> None:
        """Write a line into the log."""
        self._log.append(LogLine(self.clock.now(), self.name, queue_id, text))

    # faults

    def switch_on(self, fault: Fault | str, **settings: Any) -> Fault:
        """Have something go wrong from now on: a fault, or the name of one with its settings.

        Returns the fault. Raises ``KeyError`` that names those there are, ``TypeError`` for settings that do not fit.
        """
        made = make_fault(fault, **settings)
        self.faults.on(made)
        self._offer()
        return made

    def switch_off(self, name: str) -> None:
        """End it. Harmless when it is off already."""
        self.faults.off(name)
        self._offer()

    def _offer(self) -> None:
        """Say in EHLO what the spec says, with what a fault changes and without what it hides."""
        hidden = self.faults.hides
        spec = replace(self.spec, **self.faults.changes)
        self.auth_before_tls = spec.auth_before_tls
        self.certificate = spec.certificate
        self.keeps_plaintext = spec.keeps_plaintext
        lines = (*spec.ehlo, "EXPN") if spec.lists and "EXPN" not in spec.ehlo else spec.ehlo
        self.offers = tuple(line for line in lines if line.split()[0].upper() not in hidden)
        self.starttls = spec.starttls and "STARTTLS" not in hidden
        self.accounts = None if "AUTH" in hidden else spec.auth
        words = [line.split()[0].upper() for line in self.offers]
        self.keywords = frozenset([*words, *(["AUTH"] if self.accounts is not None else [])])

    @property
    def active_faults(self) -> tuple[Fault, ...]:
        """What is switched on, in the order of switching on."""
        return tuple(self.faults)

    def holds(self, path: Path) -> bool:
        """Whether a mailbox for this path is kept at this very host."""
        return self._intake.find(path) is not None

    def caller(self, server: LabSMTP) -> str | None:
        """The host of this world that is at the other end; None for every other program."""
        return self.around.caller(server.tapped.peer, self.name, server.port)

    def takes(self, path: Path) -> bool:
        """Whether the path's domain is one that this host takes mail for, as its last stop or as relay."""
        return self._intake.serves(path.domain)

    def on_session(self, callback: Callable[[ServerSession], object]) -> Callable[[], None]:
        """Have ``callback(session)`` called for each new session, on the loop thread. Call the result to
        end that."""
        return _subscribe(self._session_callbacks, callback)

    def on_event(self, callback: Callable[[ServerSession, WireEvent], object]) -> Callable[[], None]:
        """Have ``callback(session, event)`` called for each line, on the loop thread.

        Call the result to end that. Until then the host holds the callback, and whatever it refers to.
        """
        return _subscribe(self._event_callbacks, callback)

    # what connections ask (see MailPolicy)

    def connected(self, server: LabSMTP, peer: tuple[str, int] | None) -> ServerSession:
        """A new connection."""
        from labkit.hosts.tap import ServerSession

        number = self.sessions_forgotten + len(self._sessions) + 1
        session = ServerSession(number, self.clock.now, self._on_event)
        session.peer = self.around.client_at(peer, self.name)
        session.port = server.port
        self._live[server] = None
        self._sessions.append(session)
        self._forget_sessions()
        for callback in tuple(self._session_callbacks):
            self._call(callback, session)
        return session

    def _forget_sessions(self) -> None:
        """Let go of the oldest while there are too many lines, up to the first that is still open."""
        while self._lines > LINES_KEPT and self._sessions[0].closed:
            self._lines -= self._sessions.popleft().lines
            self.sessions_forgotten += 1

    def disconnected(self, server: LabSMTP) -> None:
        """A connection is gone."""
        self._live.pop(server, None)
        self.around.forget(server.tapped.peer, self.name, server.port)

    def _on_event(self, session: ServerSession, event: WireEvent) -> None:
        session.lines += 1
        self._lines += 1
        for callback in tuple(self._event_callbacks):
            self._call(callback, session, event)

    def _call(self, callback: Callable[..., object], *args: object) -> None:
        """A listener's trouble is not the session's trouble."""
        try:
            callback(*args)
        except Exception as error:
            self.fault(error)

    def sender(self, server: LabSMTP, path: Path) -> Answer:
        """The answer to MAIL."""
        answer = self.faults.sender(server, path) or self._intake.sender(server, path)
        self._note_refusal(server, f"the sender {str(path) or '<>'}", answer)
        return answer

    def recipient(self, server: LabSMTP, path: Path) -> Answer:
        """The answer to RCPT."""
        answer = self.faults.recipient(server, path) or self._intake.recipient(server, path)
        self._note_refusal(server, f"the recipient {path}", answer)
        return answer

    def _note_refusal(self, server: LabSMTP, what: str, answer: Answer) -> None:
        if answer.code >= 400:
            who = self.caller(server) or server.tapped.helo or "unknown"
            verb = "put off" if answer.code < 500 else "refused"
            self.note("", f"{verb} {what}, from {who}: {answer.code} {answer.enhanced} {answer.text}")

    def deliver(self, server: LabSMTP, envelope: LabEnvelope, text: bytes) -> Answer:
        """The answer after the final dot; 2yz takes responsibility."""
        answer = self._intake.take(server, envelope, text)
        self._note_refusal(server, "a message after its text", answer)
        return answer

    def next_queue_id(self) -> str:
        """A name for a message, new at this host and the same in every run."""
        return self._intake.next_queue_id()

    def take_notice(self, queue_id: str, recipient: str, text: bytes, message_id: str) -> None:
        """Send a notice that this host has written."""
        self._intake.take_notice(queue_id, recipient, text, message_id)

    def expand(self, name: str) -> Answer:
        """EXPN: the members of a list, where the host tells (RFC 5321 section 3.5.2)."""
        if not self.spec.lists:
            return answers.NOT_IMPLEMENTED
        members = self.spec.lists.get(name.strip("<>").partition("@")[0].lower())
        if not members:
            return Answer(550, "5.1.1", "No such list")
        lines = tuple(
            f"<{member}>" if "@" in member else f"<{member}@{self.spec.all_domains()[0]}>"
            for member in members
        )
        return Answer(250, "2.1.5", lines[0], lines[1:])

    def fault(self, error: Exception) -> None:
        """Keep what went wrong inside, for tests."""
        self.errors.append(f"{type(error).__name__}: {error}")

    def tls_context(self) -> ssl.SSLContext:
        """The context with the certificate that it shows now."""
        return server_context(self.certificate)

    def __repr__(self) -> str:
        state = "running" if self.running else "stopped"
        count = self.sessions_forgotten + len(self._sessions)
        return f"<mail host {self.name}:{self.spec.port}, {state}, {count} sessions>"


def _subscribe(callbacks: list[Any], callback: Any) -> Callable[[], None]:
    callbacks.append(callback)

    def end() -> None:
        if callback in callbacks:
            callbacks.remove(callback)

    return end
