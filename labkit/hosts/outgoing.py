"""A host's outgoing session: the client's half of SMTP as a mail server speaks it, one command and one reply at a time.

Nothing is recorded here: the receiving host's tap has it. Decisions about mail are made in `labkit.hosts.relay`; this
module knows how to connect, to ask, and to say plainly why something did not come.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import TYPE_CHECKING

from labkit.smtp.malformed import Malformed
from labkit.smtp.reply import Reply, ReplyParser

if TYPE_CHECKING:
    from labkit.hosts.routing import NextHop
    from labkit.hosts.surroundings import Surroundings

PATIENCE = 10.0
"""Real seconds that a reply may take. A real server waits five minutes, ten after the final dot (RFC 5321 section
4.5.3.2)."""


_NUMBER = re.compile(r"[1-9][0-9]{0,5}")
"""The value of a limit: "0" is none, six digits at most (RFC 9422 section 4)."""


class HopFailed(Exception):
    """There is no session, or no session any more. ``reply`` is the reply that said so, if there was one."""

    def __init__(self, why: str, reply: Reply | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.reply = reply

    def __str__(self) -> str:
        return str(self.reply) if self.reply is not None else self.why


class Outgoing(asyncio.Protocol):
    """One session with a next hop. Runs on the event loop that made it."""

    def __init__(self, hop: NextHop, port: int) -> None:
        self.hop = hop
        self.port = port
        self.name = hop.host
        """The host of this world that answers at the hop's address; else the name by which it was looked up."""
        self.keywords: dict[str, str] = {}
        """What EHLO promised: keyword in capitals and its parameters."""
        self.carried = 0
        """Transactions in this session."""
        self.domains: set[str] = set()
        """The domains of all recipients that were named in this session, in lower case."""
        self._connection: int | None = None
        self._around: Surroundings | None = None
        self._wire: asyncio.Transport | None = None
        self._parser = ReplyParser()
        self._rest = b""
        self._came: list[Reply | Malformed] = []
        self._waiter: asyncio.Future[None] | None = None
        self._lost = ""
        self._writable = asyncio.Event()
        self._writable.set()

    @property
    def connection(self) -> int | None:
        """Number of this session at the receiving host; None at a server outside of the lab."""
        if self._connection is None and self._around is not None and self._wire is not None:
            self._connection = self._around.session_number(self.name, self._wire.get_extra_info("sockname"))
        return self._connection

    @property
    def usable(self) -> bool:
        """Whether another command can be said: nothing has ended, and nothing came unasked."""
        return not self._lost and not self._came and self._wire is not None

    def limit(self, name: str) -> int | None:
        """The limit of that name that the server announced, such as RCPTMAX (RFC 9422 section 4); None if there is none."""
        for one in self.keywords.get("LIMITS", "").upper().split():
            key, _, value = one.partition("=")
            if key == name and _NUMBER.fullmatch(value):
                return int(value)
        return None

    async def open(self, around: Surroundings, helo: str) -> None:
        """Connect, read the greeting, say EHLO, or HELO where EHLO is unknown (RFC 5321 section 3.2).

        Raises `HopFailed`.
        """
        self._around = around
        try:
            async with asyncio.timeout(PATIENCE):
                self.name = await around.connect(helo, self.hop, self.port, self)
        except OSError as error:  # TimeoutError is one too
            raise HopFailed(f"no connection to {self.hop}: {error or 'it took too long'}") from None
        try:
            await self._greet(helo)
        except BaseException:
            self.hang_up()
            raise

    async def _greet(self, helo: str) -> None:
        greeting = await self.reply()
        if greeting.severity != 2:
            raise HopFailed(f"{self.hop} greets with {greeting}", greeting)
        reply = await self.ask(f"EHLO {helo}")
        if reply.code in (500, 502):
            reply = await self.ask(f"HELO {helo}")
        elif reply.severity == 2:
            for line in reply.lines[1:]:
                keyword, _, parameters = line.partition(" ")
                self.keywords[keyword.upper()] = parameters
        if reply.severity != 2:
            await self.quit()
            raise HopFailed(f"{self.hop} answers the greeting with {reply}", reply)

    async def ask(self, line: str | bytes) -> Reply:
        """Send a line (octets as they are) and return its reply.

        Raises `HopFailed` when none comes; after a 421 the reply is returned, and the session is of no more use.
        """
        await self.send(line)
        return await self.reply()

    async def send(self, *lines: str | bytes) -> None:
        """Send lines in one go (octets as they are); each has a `reply` of its own. Raises `HopFailed`."""
        if not self.usable:
            raise self._failure()
        assert self._wire is not None
        self._wire.write(
            b"".join(line if isinstance(line, bytes) else line.encode() + b"\r\n" for line in lines)
        )
        if not self._writable.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await self._writable.wait()

    async def reply(self) -> Reply:
        """The next reply. Raises `HopFailed`."""
        if not self._came and not self._lost:
            loop = asyncio.get_running_loop()
            self._waiter = loop.create_future()
            timer = loop.call_later(PATIENCE, self._end, f"no reply within {PATIENCE:g} seconds")
            try:
                await self._waiter
            finally:
                timer.cancel()
                self._waiter = None
        if not self._came:
            raise self._failure()
        came = self._came.pop(0)
        if isinstance(came, Malformed):
            self._end(f"what came is no reply: {came.reason}")
            raise self._failure()
        if came.code == 421:
            self._end("it closed the session")
        return came

    async def quit(self) -> None:
        """End the session politely (RFC 5321 section 4.1.1.10)."""
        if self.usable:
            with contextlib.suppress(HopFailed):
                await self.ask("QUIT")
        self.hang_up()

    def hang_up(self) -> None:
        """Close without a word."""
        self._end("it was closed from this side")

    def _failure(self) -> HopFailed:
        for came in self._came:
            if isinstance(came, Reply):
                self._end("it closed the session")
                return HopFailed(f"{self.hop} said {came}", came)
        return HopFailed(f"the connection to {self.hop} ended: {self._lost or 'it was not open'}")

    def _end(self, why: str) -> None:
        self._lost = self._lost or why
        if self._wire is not None:
            self._wire.close()
            if self._around is not None:
                self._around.forget(self._wire.get_extra_info("sockname"))
        self._writable.set()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # what the event loop says

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        assert isinstance(transport, asyncio.Transport)
        self._wire = transport

    def data_received(self, data: bytes) -> None:
        """Octets from the server."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            came = self._parser.feed(line + b"\n")
            if came is not None:
                self._came.append(came)
                self._wake()

    def eof_received(self) -> bool | None:
        """The server has closed its side."""
        self._end("the other side closed it")
        return None

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        self._end("the other side closed it")

    def pause_writing(self) -> None:
        """The server does not read fast enough."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """It reads again."""
        self._writable.set()
