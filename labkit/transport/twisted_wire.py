"""Protocol objects of Twisted on our own event loop: what Twisted calls a transport, over either of ours.

Twisted's protocols need no more of it than a transport to write to and a clock to wait by. Both are here, so no reactor
runs, no file descriptor is opened, and the same servers and clients work over ``loopback`` and ``memory``. Importing
this module imports Twisted (100 ms): do it when the first connection is there, and before Twisted's mail modules.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from twisted.internet import main
from twisted.internet.defer import Deferred
from twisted.internet.error import (
    AlreadyCalled,
    AlreadyCancelled,
    ConnectionDone,
    ConnectionLost,
    ReactorAlreadyInstalledError,
)
from twisted.internet.interfaces import IConsumer, ITLSTransport
from twisted.logger import globalLogBeginner
from twisted.python.failure import Failure
from zope.interface import implementer

if TYPE_CHECKING:
    import ssl


class OnLoop:
    """For Twisted's protocols: they wait by the event loop that runs them, not by a reactor."""

    def callLater(self, seconds: float, work: Callable[[], object]) -> Later:
        """Have ``work`` called in so many real seconds."""
        return Later(seconds, work)


def in_turns(steps: Iterator[Any]) -> Deferred[None]:
    """Take the steps one by one, each in a turn of the loop of its own; a step may be something to wait for."""
    done: Deferred[None] = Deferred()
    loop = asyncio.get_running_loop()

    def take(_: object = None) -> None:
        try:
            step = next(steps)
        except StopIteration:
            done.callback(None)
        except Exception:
            done.errback()
        else:
            if isinstance(step, Deferred):
                step.addCallbacks(take, done.errback)
            else:
                loop.call_soon(take)

    loop.call_soon(take)
    return done


class Later:
    """A call to come, as Twisted wants it: it can be put off again, or cancelled."""

    def __init__(self, seconds: float, work: Callable[[], object]) -> None:
        self._work = work
        self._loop = asyncio.get_running_loop()
        self._handle = self._loop.call_later(seconds, self._call)
        self._done = False

    def _call(self) -> None:
        self._done = True
        self._work()

    def reset(self, seconds: float) -> None:
        """Begin the wait anew."""
        self._ask_active()
        self._handle.cancel()
        self._handle = self._loop.call_later(seconds, self._call)

    def cancel(self) -> None:
        """Do not call."""
        self._ask_active()
        self._handle.cancel()

    def active(self) -> bool:
        """Whether the call is still to come."""
        return not self._done and not self._handle.cancelled()

    def _ask_active(self) -> None:
        if self._done:
            raise AlreadyCalled
        if self._handle.cancelled():
            raise AlreadyCancelled


def _settle_in() -> None:
    """Take the reactor's place before the mail modules put one there, with descriptors of its own, that nobody runs; and
    have Twisted's log, which would end up in whatever cell runs, go nowhere. Who uses Twisted already keeps what is there.
    """
    try:
        main.installReactor(OnLoop())
    except ReactorAlreadyInstalledError:
        return
    globalLogBeginner.beginLoggingTo([], redirectStandardIO=False, discardBuffer=True)


_settle_in()


@implementer(ITLSTransport, IConsumer)
class TwistedWire(asyncio.Protocol):
    """Carries one Twisted protocol. Subclasses look on: `_heard`, `_said`, `_closed_by_us`, `_ended`."""

    disconnecting = False
    """Whether this side has closed; Twisted's line readers look at it."""

    def __init__(self, protocol: Any) -> None:
        self.protocol = protocol
        self.encrypted = False
        """Whether TLS is up."""
        self.starting_tls = False
        """Whether the handshake is under way."""
        self._early = b""  # what came encrypted together with the end of the handshake
        self._transport: asyncio.Transport | None = None
        self._producer: Any = None
        self._paused = False
        self._handshake: asyncio.Task[None] | None = None

    # what the subclass hears

    def _heard(self, data: bytes) -> None:
        """Octets have come, decrypted."""

    def _said(self, data: bytes) -> None:
        """Octets go out."""

    def _closed_by_us(self) -> None:
        """This side closes."""

    def _ended(self, error: Exception | None) -> None:
        """The connection is gone."""

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected; with TLS from the first octet on, the handshake is done."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.encrypted = transport.get_extra_info("ssl_object") is not None
        self.protocol.makeConnection(self)

    def data_received(self, data: bytes) -> None:
        """Octets from the other side. What Twisted cannot cope with ends this connection and no other."""
        if self.disconnecting:
            return
        if self.starting_tls:  # in clear nothing is read any more, so this is out of the TLS layer already
            self._early += data
            return
        self._heard(data)
        self.protocol.dataReceived(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        if self._handshake is not None:
            self._handshake.cancel()
        producer, self._producer = self._producer, None
        self._transport = None
        self._ended(exc)
        if producer is not None:
            producer.stopProducing()
        self.protocol.connectionLost(Failure(ConnectionDone() if exc is None else ConnectionLost(str(exc))))

    def pause_writing(self) -> None:
        """The other side does not read: neither go on writing nor take its next commands."""
        self._paused = True
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """It reads again."""
        self._paused = False
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()
        self._pull()

    # Twisted's side

    def write(self, data: bytes) -> None:
        """Send octets; after closing, nothing."""
        if self._transport is not None and not self.disconnecting and data:
            self._said(data)
            self._transport.write(data)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Send several pieces as one."""
        self.write(b"".join(data))

    def loseConnection(self) -> None:
        """Close after what was written."""
        if self._transport is not None and not self.disconnecting:
            self.disconnecting = True
            self._closed_by_us()
            self._transport.close()

    def abortConnection(self) -> None:
        """Close at once."""
        self.disconnecting = True
        if self._transport is not None:
            self._transport.abort()

    def getPeer(self) -> Any:
        """The other side's address, if there is one."""
        return self._transport.get_extra_info("peername") if self._transport is not None else None

    getHost = getPeer

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Let somebody write piece by piece, as fast as the other side reads."""
        self._producer = producer
        asyncio.get_running_loop().call_soon(self._pull)

    def unregisterProducer(self) -> None:
        """It has written everything."""
        self._producer = None

    def _pull(self) -> None:
        if self._producer is None or self._paused:
            return
        try:
            self._producer.resumeProducing()
        except Exception:
            self.abortConnection()  # rather than have the other side wait for the rest
            raise
        asyncio.get_running_loop().call_soon(self._pull)

    def startTLS(self, context: ssl.SSLContext, _normal: bool = True) -> None:
        """Go on encrypted, as the server of this connection. What has come in clear and was not read yet is dropped:
        somebody in the middle may have put it there."""
        assert self._transport is not None
        self.starting_tls = True
        self.protocol._buffer = b""
        self._transport.pause_reading()
        self._handshake = asyncio.get_running_loop().create_task(self._start_tls(context))

    async def _start_tls(self, context: ssl.SSLContext) -> None:
        transport = self._transport
        assert transport is not None
        try:
            encrypted = await asyncio.get_running_loop().start_tls(
                transport, self, context, server_side=True, ssl_handshake_timeout=10.0
            )
        except (OSError, asyncio.CancelledError):  # an ssl.SSLError is an OSError
            transport.abort()
            return
        assert encrypted is not None
        self._transport = encrypted
        self.encrypted = True
        self.starting_tls = False
        early, self._early = self._early, b""
        if early:
            self.data_received(early)
