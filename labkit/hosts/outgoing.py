"""A host's outgoing session: the client's half of SMTP as a mail server speaks it, one command and one reply at a time.

Nothing is recorded here: the receiving host's tap has it. Decisions about mail are made in `labkit.hosts.relay`; this
module knows how to connect, to start TLS, to ask, and to say plainly why something did not come.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import TYPE_CHECKING, Any

from labkit.hosts.tls import TlsUse, client_context, unchecked_context
from labkit.smtp.malformed import Malformed
from labkit.smtp.reply import Reply, ReplyParser

if TYPE_CHECKING:
    from labkit.hosts.routing import NextHop
    from labkit.hosts.surroundings import Surroundings


_NUMBER = re.compile(r"[1-9][0-9]{0,5}")
"""The value of a limit: "0" is none, six digits at most (RFC 9422 section 4)."""


class HopFailed(Exception):
    """There is no session, or no session any more. ``reply`` is the reply that said so, if there was one; ``tls`` is the
    cause in a word where TLS was: ``not_offered``, ``refused``, or a `TlsProblem`."""

    def __init__(self, why: str, reply: Reply | None = None, tls: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.reply = reply
        self.tls = tls

    def __str__(self) -> str:
        return str(self.reply) if self.reply is not None else self.why


class Outgoing(asyncio.Protocol):
    """One session with a next hop. Runs on the event loop that made it."""

    def __init__(self, hop: NextHop, port: int, *, tls: TlsUse = "none", patience: float = 10.0) -> None:
        """``patience``: real seconds for each step."""
        self.hop = hop
        self.port = port
        self.tls = tls
        self.protection = ""
        """What protects the session: TLS version, and whether the certificate was checked; empty in clear."""
        self.without_tls = ""
        """Why the session goes on in clear, though TLS was wanted."""
        self._patience = patience
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
        self._address: Any = None
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
        if self._connection is None and self._around is not None and self._address is not None:
            self._connection = self._around.session_number(self.name, self._address)
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
        """Connect, read the greeting, say EHLO, or HELO where EHLO is unknown (RFC 5321 section 3.2); then start TLS as
        far as this session is to have it, and say EHLO again.

        Raises `HopFailed`.
        """
        self._around = around
        try:
            async with asyncio.timeout(self._patience):
                self.name = await around.connect(helo, self.hop, self.port, self)
        except OSError as error:  # TimeoutError is one too
            reason = str(error) or f"nothing came back within {self._patience:g} seconds"
            raise HopFailed(f"no connection to {self.hop}: {reason}") from None
        try:
            await self._greet(helo)
            if self.tls != "none":
                await self._secure(helo)
        except BaseException:
            self.hang_up()
            raise

    async def _greet(self, helo: str) -> None:
        greeting = await self.reply()
        if greeting.severity != 2:
            raise HopFailed(f"{self.hop} greets with {greeting}", greeting)
        await self._hello(helo)

    async def _hello(self, helo: str) -> None:
        self.keywords.clear()  # what was said before TLS counts no more (RFC 3207 section 4.2)
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

    async def _secure(self, helo: str) -> None:
        """TLS by STARTTLS. Where it may be missing, the session goes on in clear (RFC 7435); after a handshake that has
        failed that takes a new session."""
        if "STARTTLS" not in self.keywords:
            await self._in_clear("it does not offer STARTTLS", "not_offered")
            return
        reply = await self.ask("STARTTLS")
        if reply.code != 220:
            await self._in_clear(f"it answers STARTTLS with {reply}", "refused")
            return
        try:
            await self._handshake()
        except OSError as error:  # ssl.SSLError is one, and so is the deadline
            from labkit.client.tls_errors import explain_tls

            trouble = explain_tls(error, self.hop.host)
            raise HopFailed(trouble.happened, None, trouble.problem) from None
        await self._hello(helo)

    async def _in_clear(self, why: str, problem: str) -> None:
        if self.tls != "may":
            await self.quit()
            raise HopFailed(f"{self.hop} is not written to in clear: {why}", None, problem)
        self.without_tls = why

    async def _handshake(self) -> None:
        assert self._wire is not None
        self._came.clear()  # said in clear behind the 220: nothing of it may count under TLS
        self._rest = b""
        self._parser = ReplyParser()
        wire = await asyncio.get_running_loop().start_tls(
            self._wire,
            self,
            client_context() if self.tls == "verify" else unchecked_context(),
            server_hostname=self.hop.host,
            ssl_handshake_timeout=self._patience,
            ssl_shutdown_timeout=1.0,
        )
        assert wire is not None
        self._wire = wire
        version = wire.get_extra_info("ssl_object").version()
        self.protection = f"{version}, certificate {'checked' if self.tls == 'verify' else 'not checked'}"

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
                async with asyncio.timeout(self._patience):
                    await self._writable.wait()

    async def reply(self) -> Reply:
        """The next reply. Raises `HopFailed`."""
        if not self._came and not self._lost:
            loop = asyncio.get_running_loop()
            self._waiter = loop.create_future()
            patience = self._patience
            timer = loop.call_later(patience, self._end, f"no reply within {patience:g} seconds")
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
                self._around.forget(self._address, self.name, self.port)
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
        self._address = transport.get_extra_info("sockname")

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
