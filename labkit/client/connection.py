"""The bookkeeping of one connection: what was said, what is owed, what came back. It decides nothing.

Which client line is owed a reply, and which reply belongs to which line, is the observer's knowledge
(`labkit.smtp.session`); this module only keeps the count, so that the client can wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from labkit.smtp.malformed import Malformed
from labkit.smtp.note import Note
from labkit.smtp.reply import Reply
from labkit.smtp.session import Observer
from labkit.smtp.states import State
from labkit.smtp.transcript import Recorder, Sender, Transcript, WireEvent

GREETING = 0
"""Stands for the greeting among the line numbers that are owed a reply."""

_OWING_ROLES = frozenset({"command", "auth", "end-of-text"})


class Connection(asyncio.Protocol):
    """The client's end of one connection. Everything happens on the event loop; reading is safe anywhere."""

    def __init__(
        self,
        now: Callable[[], float],
        number: Callable[[Any], int | None],
        on_connect: Callable[[Any], object],
        on_event: Callable[[WireEvent], object],
    ) -> None:
        """``on_connect`` is told this end's address, and ``number`` is asked for the connection's number by
        that address, so that both ends record the same one. ``on_event`` gets each line."""
        self._now = now
        self._number = number
        self._on_connect = on_connect
        self._listener = on_event
        self._recorder: Recorder | None = None
        self._observer = Observer()
        self._waiters: list[asyncio.Future[None]] = []
        self._completed: list[int] = []
        self._writable = asyncio.Event()
        self._writable.set()
        self.wire: asyncio.Transport | None = None
        self.number: int | None = None
        self.encrypted = False
        self.ended = False
        """Whether the connection is gone."""
        self.ended_here = False
        """Whether it was this side that closed it."""
        self.owed: dict[int, bytes] = {GREETING: b""}
        """Lines that the server still has to answer: number and octets."""
        self.lost: dict[int, bytes] = {}
        """Lines that will never be answered."""
        self.answers: dict[int, Reply | Malformed] = {}
        """Replies by the number of the line that they answer."""
        self.replies: list[Reply | Malformed] = []
        self.unsolicited: list[Reply | Malformed] = []
        self.server_line = 0
        """Number of the last line that the server said."""
        self.open_line = b""
        """What was sent since the last line end (at most the last 80 octets of it)."""

    @property
    def state(self) -> State:
        """Where the session is, by the replies so far."""
        return self._observer.state

    @property
    def over(self) -> bool:
        """Whether nothing more can be said: the connection is gone, or 221 or 421 has announced its end."""
        return self.ended or self.state is State.CLOSED

    @property
    def transcript(self) -> Transcript:
        """All lines so far, in the client's view."""
        return self._recorder.transcript() if self._recorder is not None else Transcript()

    # what the client does

    def say(self, octets: bytes) -> list[int]:
        """Send octets. Returns the numbers of the lines that they complete."""
        assert self.wire is not None
        self._completed = []
        self._record().feed("C", octets, self.encrypted)
        self.open_line = (self.open_line + octets).rpartition(b"\n")[2][-80:]
        self.wire.write(octets)
        return self._completed

    async def written(self, end: float) -> None:
        """Wait until the other side takes octets again, until the loop's time ``end`` at most."""
        if not self._writable.is_set():
            try:
                async with asyncio.timeout_at(end):
                    await self._writable.wait()
            except TimeoutError:
                return

    def secured(self, wire: asyncio.Transport) -> None:
        """TLS is up: octets now go through ``wire``."""
        self.wire = wire
        self.encrypted = True
        self.open_line = b""

    def hang_up(self) -> None:
        """Close from this side."""
        if not self.ended and self.wire is not None:
            self.ended_here = True
            self._record().close("C")
            self.wire.close()
            self._finish()

    async def until(self, ready: Callable[[], bool], end: float) -> None:
        """Wait until ``ready()``, or the end of the connection, or the loop's time ``end``; look at each
        reply."""
        loop = asyncio.get_running_loop()
        while not self.ended and not ready() and loop.time() < end:
            waiter: asyncio.Future[None] = loop.create_future()
            self._waiters.append(waiter)
            await asyncio.wait((waiter,), timeout=end - loop.time())
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    # what the event loop says

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        assert isinstance(transport, asyncio.Transport)
        self.wire = transport
        self._on_connect(transport.get_extra_info("sockname"))

    def data_received(self, data: bytes) -> None:
        """Octets from the server, decrypted."""
        if not self.ended:
            self._record().feed("S", data, self.encrypted)

    def eof_received(self) -> bool | None:
        """The server closed its side; asyncio then closes this one."""
        self._end("S")
        return None

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        self._end("S" if error is not None else "C")
        self._finish()

    def pause_writing(self) -> None:
        """The server does not read fast enough."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """It reads again."""
        self._writable.set()

    # the count

    def _record(self) -> Recorder:
        # Made late: by now the server's side exists and knows the number of this connection.
        if self._recorder is None:
            address = self.wire.get_extra_info("sockname") if self.wire is not None else None
            self.number = self._number(address)
            self._recorder = Recorder(self.number or 1, "client", self._now, self._on_event)
        return self._recorder

    def _end(self, sender: Sender) -> None:
        if not self.ended:
            self._record().close(sender)

    def _on_event(self, event: WireEvent) -> None:
        if event.sender == "C" and event.data:
            self._completed.append(event.seq)
        elif event.data:
            self.server_line = event.seq
        for note in self._observer.feed(event):
            if note.seq == event.seq and note.reply is not None:
                self._reply(note)
            elif note.role in _OWING_ROLES and note.answered_by is None and _expects_reply(note):
                self.owed[note.seq] = note.octets
            elif note.seq in self.owed:
                octets = self.owed.pop(note.seq)
                if note.role == "unanswered":
                    self.lost[note.seq] = octets
        try:
            self._listener(event)
        except Exception as error:  # a listener's trouble is not the session's trouble
            context = {"message": "a listener of the client failed", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)
        if event.sender == "S":
            self._wake()

    def _reply(self, note: Note) -> None:
        assert note.reply is not None
        self.replies.append(note.reply)
        if note.role == "greeting":
            self.answers[GREETING] = note.reply
            self.owed.pop(GREETING, None)
        elif note.answers is not None:
            self.answers[note.answers] = note.reply
        else:
            self.unsolicited.append(note.reply)

    def _finish(self) -> None:
        if not self.ended:
            self.ended = True
            self.lost.update(self.owed)
            self.owed.clear()
            self._writable.set()
            self._wake()

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)


def _expects_reply(note: Note) -> bool:
    """False for lines that are thrown away unread: after QUIT, and in clear after the 220 to STARTTLS."""
    expectation = note.expectation
    return expectation is None or expectation.allowed or bool(expectation.codes)
