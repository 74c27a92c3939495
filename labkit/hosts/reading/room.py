"""The part of a host that mail programs come to for reading: its connections, their record, and who may log in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

from labkit.hosts.mailbox import Mailbox

if TYPE_CHECKING:
    from labkit.hosts.mail_host import MailHost
    from labkit.hosts.reading.wire import ReadingWire
    from labkit.hosts.tap import ServerSession
    from labkit.smtp.transcript import WireEvent

ReadingProtocol = Literal["POP3", "IMAP"]
PORTS: Mapping[int, ReadingProtocol] = {110: "POP3", 995: "POP3", 143: "IMAP", 993: "IMAP"}
"""What is spoken at which port. On 995 and 993 TLS begins with the first octet (RFC 8314 section 3)."""
TURNS = 100
"""Turns of the event loop within which a connection that was broken off is gone; it takes about three."""


class ReadingRoom:
    """One for each host. Used on its event loop; reading is safe anywhere."""

    def __init__(self, host: MailHost) -> None:
        self.host = host
        self._live: dict[ReadingWire, None] = {}
        self._sessions: list[ServerSession] = []
        self._callbacks: tuple[Callable[[ServerSession, WireEvent], object], ...] = ()

    @property
    def sessions(self) -> tuple[ServerSession, ...]:
        """All sessions so far, oldest first, open ones too. They are numbered by themselves."""
        return tuple(self._sessions)

    def on_event(self, callback: Callable[[ServerSession, WireEvent], object]) -> Callable[[], None]:
        """Have ``callback(session, event)`` called for each line, on the loop thread. Call the result to end that."""
        self._callbacks = (*self._callbacks, callback)

        def end() -> None:
            self._callbacks = tuple(other for other in self._callbacks if other is not callback)

        return end

    def log_in(self, user: bytes, password: bytes) -> Mailbox | None:
        """The mailbox of who proved to be its owner; None for everybody else."""
        name = user.decode("utf-8", "replace").lower()
        known = {key.lower(): value for key, value in self.host.spec.readers.items()}
        secret = known.get(name, known.get(name.partition("@")[0]))
        if secret is None or secret.encode() != password:
            return None
        try:
            return self.host.mailbox(name)
        except KeyError:
            return None

    # what the host asks

    def protocol(self, port: int) -> asyncio.Protocol:
        """Somebody comes to that port."""
        from labkit.hosts.reading.wire import reading_wire

        return reading_wire(self, port)

    async def stop(self) -> None:
        """Say good-bye to everybody who is connected. Twice is harmless."""
        for wire in tuple(self._live):
            wire.say_goodbye()
        await asyncio.sleep(0)
        for wire in tuple(self._live):
            wire.abortConnection()
        for _ in range(TURNS):
            if not self._live:
                return
            await asyncio.sleep(0)
        self.host.errors.append(f"{len(self._live)} reading connections do not end")

    # what connections say

    def enter(self, wire: ReadingWire, port: int, peer: tuple[str, int] | None) -> ServerSession:
        """A new connection."""
        from labkit.hosts.tap import ServerSession  # and with it aiosmtpd, once there is somebody

        session = ServerSession(len(self._sessions) + 1, self.host.clock.now, self._on_event)
        session.port, session.peer = port, peer
        self._live[wire] = None
        self._sessions.append(session)
        return session

    def leave(self, wire: ReadingWire) -> None:
        """A connection is gone."""
        self._live.pop(wire, None)

    def _on_event(self, session: ServerSession, event: WireEvent) -> None:
        for callback in self._callbacks:
            try:
                callback(session, event)
            except Exception as error:  # a listener's trouble is not the session's trouble
                self.host.fault(error)
