"""A mail host: a name, the domains it takes mail for, its mailboxes, and the sessions that reached it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from labkit.clock import VirtualClock
from labkit.hosts import answers
from labkit.hosts.answers import Answer
from labkit.hosts.mailbox import Mailbox, Message, return_path, trace_fields
from labkit.hosts.policy import LabEnvelope
from labkit.hosts.smtpd import LabSMTP
from labkit.hosts.tap import ServerSession
from labkit.smtp.note import Envelope
from labkit.smtp.path import Path
from labkit.smtp.transcript import WireEvent
from labkit.transport.base import Listener, Transport

if TYPE_CHECKING:
    import ssl

__all__ = ["FRIENDLY", "HostSpec", "MailHost", "ServerSession"]

FRIENDLY = ("PIPELINING", "SIZE", "8BITMIME", "ENHANCEDSTATUSCODES", "HELP")
"""EHLO lines of an ordinary lab host; STARTTLS and AUTH come from their own settings."""

_QUOTED_PAIR = re.compile(r"\\(.)")

PATIENCE = 0.2
"""Real seconds that open sessions get for their last words when a host stops."""
TURNS = 100
"""Turns of the event loop within which a connection that was broken off is gone; it takes about three."""


@dataclass(frozen=True)
class HostSpec:
    """What a host is like, as a lesson writes it down."""

    name: str
    """Fully qualified name, for example ``mail.receiver.example``."""
    mailboxes: tuple[str, ...] = ()
    """Local parts at the first domain, or whole addresses. ``postmaster`` exists at every host (section
    4.5.1)."""
    domains: tuple[str, ...] = ()
    """Domains that the host takes mail for; if empty, its name without the first label."""
    port: int = 25
    ehlo: tuple[str, ...] = FRIENDLY
    """EHLO lines that are always offered, in order. ``SIZE`` alone gets the size limit behind it."""
    starttls: bool = True
    auth: Mapping[str, str] | None = None
    """User names and passwords. None: AUTH is not offered. Empty: it is offered, and nobody can pass."""
    auth_before_tls: bool = False
    """Offer AUTH on an open line too, as servers should not (RFC 4954 section 4)."""
    banner: str = "ESMTP"
    """What stands in the greeting after the name."""
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Mailing lists that EXPN tells about; with any, EHLO offers EXPN. Without, it is answered 502."""
    lenient: bool = False
    """Accept MAIL and RCPT with a space after the colon or without brackets, as many servers do."""
    refuse_bare_names: bool = False
    """Refuse at RCPT who greeted with a name without a dot: local policy, not the RFC's (section 4.1.4)."""
    size_limit: int = 10 * 1024 * 1024
    """Largest message in octets."""
    timeout: float = 1800.0
    """Real seconds of silence after which the host says 421. RFC 5321 section 4.5.3.2.7 asks for 300 at
    least."""
    id_seed: str = "lab"
    """Queue ids are made from this, the host's name and a count: the same run gives the same ids."""

    def all_domains(self) -> tuple[str, ...]:
        """The domains in lower case; the first is the host's main one."""
        if self.domains:
            return tuple(domain.lower() for domain in self.domains)
        rest = self.name.lower().partition(".")[2]
        return (rest if "." in rest else self.name.lower(),)


class MailHost:
    """A running host. All its state changes on the event loop that started it; reading is safe anywhere."""

    def __init__(
        self, name: str | HostSpec, *, transport: Transport, clock: VirtualClock, **settings: Any
    ) -> None:
        """``settings`` are fields of :class:`HostSpec`, when ``name`` is a name and not a spec already."""
        self.spec = HostSpec(name, **settings) if isinstance(name, str) else name
        spec = self.spec
        self.name = spec.name
        self.banner = spec.banner
        self.offers = (*spec.ehlo, "EXPN") if spec.lists and "EXPN" not in spec.ehlo else spec.ehlo
        self.starttls = spec.starttls
        self.accounts = spec.auth
        self.auth_before_tls = spec.auth_before_tls
        self.size_limit = spec.size_limit
        self.timeout = spec.timeout
        self.lenient = spec.lenient
        words = [line.split()[0].upper() for line in self.offers]
        self.keywords = frozenset([*words, *(["AUTH"] if spec.auth is not None else [])])
        self.faults: list[str] = []
        """Exceptions inside the server, for tests: there should be none."""
        self._transport = transport
        self._clock = clock
        self._domains = spec.all_domains()
        self._mailboxes: dict[str, Mailbox] = {}
        for address in (*spec.mailboxes, "postmaster"):
            full = address if "@" in address else f"{address}@{self._domains[0]}"
            self._mailboxes.setdefault(full.lower(), Mailbox(full))
        self._listener: Listener | None = None
        self._live: dict[LabSMTP, None] = {}
        self._sessions: list[ServerSession] = []
        self._session_callbacks: list[Callable[[ServerSession], object]] = []
        self._event_callbacks: list[Callable[[ServerSession, WireEvent], object]] = []
        self._taken = 0

    # life

    async def start(self) -> None:
        """Listen. Raises ``OSError`` if the place is taken in this world."""
        self._listener = await self._transport.listen(self.name, self.spec.port, lambda: LabSMTP(self))

    async def stop(self) -> None:
        """Stop listening and end every open session with 421 (RFC 5321 section 3.8). Twice is harmless."""
        if self._listener is not None:
            await self._listener.close()
            self._listener = None
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
        self.faults.append(f"{len(self._live)} connections do not end")

    @property
    def sessions(self) -> tuple[ServerSession, ...]:
        """All sessions so far, oldest first, open ones too."""
        return tuple(self._sessions)

    @property
    def mailboxes(self) -> tuple[Mailbox, ...]:
        """All mailboxes."""
        return tuple(self._mailboxes.values())

    def mailbox(self, address: str) -> Mailbox:
        """One mailbox, by address or by local part. Raises ``KeyError`` that names those there are."""
        full = address if "@" in address else f"{address}@{self._domains[0]}"
        box = self._mailboxes.get(full.lower())
        if box is None:
            there = ", ".join(box.address for box in self.mailboxes)
            raise KeyError(f"no mailbox {address} at {self.name}; there are: {there}")
        return box

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
        session = ServerSession(len(self._sessions) + 1, self._clock.now, self._on_event)
        session.peer = peer
        self._live[server] = None
        self._sessions.append(session)
        for callback in tuple(self._session_callbacks):
            self._call(callback, session)
        return session

    def disconnected(self, server: LabSMTP) -> None:
        """A connection is gone."""
        self._live.pop(server, None)

    def _on_event(self, session: ServerSession, event: WireEvent) -> None:
        for callback in tuple(self._event_callbacks):
            self._call(callback, session, event)

    def _call(self, callback: Callable[..., object], *args: object) -> None:
        """A listener's trouble is not the session's trouble."""
        try:
            callback(*args)
        except Exception as error:
            self.fault(error)

    def sender(self, server: LabSMTP, path: Path) -> Answer:
        """Any reverse-path is accepted: nothing in SMTP says whose it is."""
        return answers.SENDER_OK

    def recipient(self, server: LabSMTP, path: Path) -> Answer:
        """Mailboxes here are accepted, others refused: 550 5.1.1 in our domains, 550 5.7.1 elsewhere."""
        helo = server.tapped.helo or ""
        if self.spec.refuse_bare_names and "." not in helo and not helo.startswith("["):
            return answers.BARE_NAME
        if self._find(path) is not None:
            return answers.RECIPIENT_OK
        if path.domain.lower() in self._domains:
            return Answer(550, "5.1.1", f"No mailbox <{path}> here")
        return Answer(550, "5.7.1", f"Relaying denied: {path.domain} is not served here")

    def _find(self, path: Path) -> Mailbox | None:
        """The mailbox behind a path; case is no difference here, though a local part's case could be one
        elsewhere."""
        local = path.local_part
        if local.startswith('"'):
            local = _QUOTED_PAIR.sub(r"\1", local[1:-1])
        local = local.lower()
        domain = path.domain.lower() or self._domains[0]
        if local == "postmaster" and domain in self._domains:
            return self._mailboxes.get(f"{local}@{domain}") or self._mailboxes[f"{local}@{self._domains[0]}"]
        return self._mailboxes.get(f"{local}@{domain}")

    def deliver(self, server: LabSMTP, envelope: LabEnvelope, text: bytes) -> Answer:
        """Final delivery: trace fields on top, one copy for each mailbox (RFC 5321 section 4.4)."""
        self._taken += 1
        queue_id = self._queue_id(self._taken)
        session = server.tapped
        reverse_path = envelope.mail_from or ""
        kept = Envelope(reverse_path, tuple(envelope.rcpt_tos))
        stored = (
            return_path(reverse_path)
            + trace_fields(
                by=self.name,
                helo=session.helo or "unknown",
                address=session.peer[0] if session.peer else None,
                protocol=server.protocol_name,
                queue_id=queue_id,
                recipients=kept.forward_paths,
                date=self._clock.datetime(),
            )
            + text
        )
        goals = {box: path for path in reversed(envelope.paths) if (box := self._find(path)) is not None}
        for box, path in goals.items():
            box.store(Message(stored, text, kept, str(path), session.connection, queue_id, self._clock.now()))
        return Answer(250, "2.0.0", f"OK: queued as {queue_id}")

    def _queue_id(self, number: int) -> str:
        digest = hashlib.sha256(f"{self.spec.id_seed}/{self.name}/{number}".encode()).digest()
        return base64.b32encode(digest)[:10].decode()

    def expand(self, name: str) -> Answer:
        """EXPN: the members of a list, where the host tells (RFC 5321 section 3.5.2)."""
        if not self.spec.lists:
            return answers.NOT_IMPLEMENTED
        members = self.spec.lists.get(name.strip("<>").partition("@")[0].lower())
        if not members:
            return Answer(550, "5.1.1", "No such list")
        lines = tuple(
            f"<{member}>" if "@" in member else f"<{member}@{self._domains[0]}>" for member in members
        )
        return Answer(250, "2.1.5", lines[0], lines[1:])

    def fault(self, error: Exception) -> None:
        """Keep what went wrong inside, for tests."""
        self.faults.append(f"{type(error).__name__}: {error}")

    def tls_context(self) -> ssl.SSLContext:
        """The lab's server context."""
        from labkit.hosts.tls import server_context

        return server_context()

    def __repr__(self) -> str:
        state = "running" if self._listener is not None else "stopped"
        return f"<mail host {self.name}:{self.spec.port}, {state}, {len(self._sessions)} sessions>"


def _subscribe(callbacks: list[Any], callback: Any) -> Callable[[], None]:
    callbacks.append(callback)

    def end() -> None:
        if callback in callbacks:
            callbacks.remove(callback)

    return end
