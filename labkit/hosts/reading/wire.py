"""One connection for reading: Twisted's protocol for its port, and the tap that records it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from labkit.hosts.reading.room import PORTS
from labkit.hosts.tap import peer_of
from labkit.hosts.tls import tls_at_once
from labkit.transport.base import IMPLICIT_TLS
from labkit.transport.twisted_wire import TwistedWire  # before Twisted's mail modules

# isort: split
from twisted.cred.error import UnauthorizedLogin
from twisted.internet import defer
from twisted.mail import imap4, pop3

from labkit.hosts.reading.imap import Account, ImapServer
from labkit.hosts.reading.pop3 import Maildrop, MaildropInUse, Pop3Server

if TYPE_CHECKING:
    from labkit.hosts.reading.room import ReadingRoom
    from labkit.hosts.tap import ServerSession


class Portal:
    """Who may log in: what Twisted asks in the place of its own."""

    def __init__(self, room: ReadingRoom) -> None:
        self._room = room

    def login(self, credentials: Any, _mind: object, interface: Any) -> Any:
        """The account or the maildrop of who has the right password, and what to do when the session ends."""
        box = self._room.log_in(credentials.username, credentials.password)
        if box is None:
            return defer.fail(UnauthorizedLogin("Wrong name or password"))
        if interface is imap4.IAccount:
            return defer.succeed((interface, Account(box, self._room.host.clock), lambda: None))
        if box.locked:
            return defer.fail(MaildropInUse("[IN-USE] Another POP3 session has this mailbox"))
        drop = Maildrop(box)
        return defer.succeed((pop3.IMailbox, drop, drop.unlock))


class ReadingWire(TwistedWire):
    """A connection to one of the reading ports of a host."""

    session: ServerSession

    def __init__(self, protocol: Any, room: ReadingRoom, port: int) -> None:
        super().__init__(protocol)
        self._room, self._port = room, port

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        self.session = self._room.enter(self, self._port, peer_of(transport))
        super().connection_made(transport)

    def say_goodbye(self) -> None:
        """The host stops."""
        if PORTS[self._port] == "IMAP":
            self.write(b"* BYE The server is going down\r\n")
        self.loseConnection()

    def _heard(self, data: bytes) -> None:
        self.session._feed("C", data, self.encrypted)

    def _said(self, data: bytes) -> None:
        self.session._feed("S", data, self.encrypted)

    def _closed_by_us(self) -> None:
        self.session._hang_up("S")

    def _ended(self, error: Exception | None) -> None:
        self.session._hang_up("C")
        self.session._end()
        self._room.leave(self)


def reading_wire(room: ReadingRoom, port: int) -> asyncio.Protocol:
    """The protocol object for a new connection to that port."""
    server = ImapServer(room.host) if PORTS[port] == "IMAP" else Pop3Server(room.host)
    server.portal = Portal(room)
    wire = ReadingWire(server, room, port)
    return tls_at_once(wire, room.host.tls_context()) if port in IMPLICIT_TLS else wire
