"""The client's steps, as coroutines: exactly the octets it is given go out, the reply comes back.

Replies come in the order of the commands (RFC 5321 section 4.2, RFC 2920 section 3.1), so a new line is not
sent while an older reply is owed: a late reply can never pass for the answer to a newer command. Waiting
can be given up (an interrupt, a deadline); what was sent and what arrives is kept all the same. The client
never closes a connection because of an error.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

from labkit.client.connection import GREETING, Connection
from labkit.client.errors import (
    BadReply,
    ClientError,
    ConnectionLost,
    DeadlinePassed,
    NotConnected,
    ReplyOverdue,
    TLSFailed,
)
from labkit.smtp.malformed import Malformed
from labkit.smtp.reply import Reply
from labkit.smtp.rule import Rule
from labkit.smtp.states import State
from labkit.smtp.transcript import Transcript, WireEvent
from labkit.transport.base import IMPLICIT_TLS, Connector

if TYPE_CHECKING:
    import ssl

DEADLINE = 5.0
"""Seconds that each step may take unless told otherwise. Real clients wait minutes (RFC 5321 section
4.5.3.2)."""

_IN_ORDER = Rule("RFC 5321 section 4.2", "Each command is answered by exactly one reply, in order.")
_PATIENCE = Rule("RFC 5321 section 4.5.3.2", "A client waits minutes for a reply before it gives up.")
_LOST = Rule("RFC 5321 section 3.8", "A session lost in the middle counts as 451: try again later.")
_SPEAKS_FIRST = Rule("RFC 5321 section 3.1", "The server speaks first, with its greeting.")
_TLS = Rule("RFC 3207 section 4", "The TLS handshake follows the server's 220 to STARTTLS.")


class Client:
    """One client, one connection at a time. Its coroutines run on the event loop that made it."""

    def __init__(
        self,
        transport: Connector,
        host: str,
        port: int = 25,
        *,
        now: Callable[[], float] = lambda: 0.0,
        deadline: float = DEADLINE,
        number: Callable[[Any], int | None] = lambda _address: None,
        on_connect: Callable[[Any], object] = lambda _address: None,
        on_event: Callable[[WireEvent], object] = lambda _event: None,
        tls_context: Callable[[], ssl.SSLContext] | None = None,
        tls_at_once: bool | None = None,
    ) -> None:
        """``now`` is the world's clock, ``deadline`` the seconds for each step.

        ``on_connect`` is told this end's address as soon as a connection stands, and ``number`` is asked for
        the connection's number at the server, by the same address, when the server has spoken. ``on_event``
        gets each line. ``tls_context`` makes the context for TLS when it is first needed. All of them are
        called on the event loop. ``tls_at_once``: whether TLS begins with the first octet; None: as the port
        has it, which a program that is set wrongly does not do.
        """
        self.host = host
        self.port = port
        self.deadline = deadline
        self._network = transport
        self._hooks = (now, number, on_connect, on_event)
        self._tls_context = tls_context
        self._at_once = port in IMPLICIT_TLS if tls_at_once is None else tls_at_once
        self._lock = asyncio.Lock()
        self._connection: Connection | None = None

    # what is known

    @property
    def state(self) -> State:
        """Where the session is, by the replies so far."""
        return self._connection.state if self._connection else State.CONNECTING

    @property
    def owed(self) -> int:
        """How many replies are on their way or overdue; the greeting counts."""
        return len(self._connection.owed) if self._connection else 0

    @property
    def closed(self) -> bool:
        """True when there is no connection: not yet, or not any more."""
        return self._connection is None or self._connection.ended

    @property
    def encrypted(self) -> bool:
        """Whether TLS is up."""
        return self._connection is not None and self._connection.encrypted

    @property
    def certificate(self) -> bytes | None:
        """The server's certificate in DER, while TLS is up; else None."""
        wire = self._connection.wire if self._connection is not None else None
        ssl_object = wire.get_extra_info("ssl_object") if wire is not None and self.encrypted else None
        return None if ssl_object is None else ssl_object.getpeercert(binary_form=True)

    @property
    def connection(self) -> int | None:
        """The connection's number at the server, once the server has spoken; None at a server outside of
        the lab."""
        return self._connection.number if self._connection else None

    @property
    def transcript(self) -> Transcript:
        """All lines of the present or last connection, in the client's view."""
        return self._connection.transcript if self._connection else Transcript()

    @property
    def server_line(self) -> int:
        """Number of the last line that the server said; 0 before its greeting."""
        return self._connection.server_line if self._connection else 0

    @property
    def replies(self) -> tuple[Reply | Malformed, ...]:
        """Every reply of the connection in order of arrival, the greeting first."""
        return tuple(self._connection.replies) if self._connection else ()

    @property
    def unsolicited(self) -> tuple[Reply | Malformed, ...]:
        """Replies that answer nothing, for example a 421 because of a timeout."""
        return tuple(self._connection.unsolicited) if self._connection else ()

    @property
    def waiting_for(self) -> str:
        """Who has to act now, in one sentence."""
        connection = self._connection
        if connection is None or connection.ended:
            return "There is no connection."
        if connection.open_line:
            return "The server waits for the rest of your line: CR LF has not been sent yet."
        if connection.owed:
            return f"The server still has to answer {_name(connection.owed)}."
        if connection.state is State.MESSAGE:
            return "The server is reading message text: go on, or end it with a line that holds a dot alone."
        if connection.state is State.AUTHENTICATING:
            return "The server waits for your response in base64, or for * to cancel."
        return "The server waits for your next command."

    # steps

    async def connect(self, deadline: float | None = None) -> Reply:
        """Connect, again if an earlier connection is closed, and return the server's greeting. On port 465 the TLS
        handshake comes first (RFC 8314 section 3.3).

        Raises `NotConnected`, `TLSFailed`, `DeadlinePassed`, `ConnectionLost`, `BadReply`.
        """
        end = self._end(deadline)
        async with self._turn(end):
            if self._connection is not None and not self._connection.over:
                raise ClientError("You are connected already.", None, "Send a command, or close first.")
            self.hang_up()
            try:
                async with asyncio.timeout_at(end):
                    _, made = await self._network.connect(
                        self.host, self.port, lambda: Connection(*self._hooks)
                    )
            except OSError as error:  # TimeoutError is one too
                reason = str(error) or "it took too long"
                raise NotConnected(
                    f"No connection to {self.host}:{self.port}: {reason}.", None, "Is the lab's world open?"
                ) from None
            assert isinstance(made, Connection)
            self._connection = connection = made
            if self._at_once:
                await self._handshake(connection, None, None, end)
        await connection.until(lambda: GREETING not in connection.owed, end)
        reply = self._outcome(connection, [GREETING])
        assert reply is not None
        return reply

    async def send(self, octets: bytes, deadline: float | None = None) -> Reply | None:
        """Send exactly these octets and return the last reply that they cause.

        None when they cause none: inside message text, or as long as the line has no line end. With several
        commands in one piece (pipelining, RFC 2920) all their replies are waited for, see :attr:`replies`.

        Raises `ReplyOverdue` when an older reply is still missing (then nothing was sent), `DeadlinePassed`,
        `ConnectionLost`, `NotConnected`, `BadReply`.
        """
        end = self._end(deadline)
        async with self._turn(end):
            connection = await self._ready(end, f"Not sent: {_shown(octets)}")
            lines = connection.say(octets)
            await connection.written(end)
        await connection.until(lambda: not any(line in connection.owed for line in lines), end)
        return self._outcome(connection, lines)

    async def send_line(self, line: str | bytes, deadline: float | None = None) -> Reply | None:
        """Send a line; CR LF is put behind it, nothing else is changed. See :meth:`send`."""
        return await self.send((line.encode() if isinstance(line, str) else line) + b"\r\n", deadline)

    async def receive(self, deadline: float | None = None) -> Reply:
        """Wait for the next reply, one that is owed or one that nobody asked for, and send nothing.

        Raises `DeadlinePassed`, which says what the server is waiting for, `ConnectionLost`, `NotConnected`,
        `BadReply`.
        """
        end = self._end(deadline)
        connection = self._connection
        if connection is None or connection.ended:
            raise self._gone(connection)
        count = len(connection.replies)
        await connection.until(lambda: len(connection.replies) > count, end)
        if len(connection.replies) > count:
            return _checked(connection.replies[count])
        raise self._gone(connection) if connection.ended else self._late(connection)

    async def start_tls(
        self,
        context: ssl.SSLContext | None = None,
        *,
        server_name: str | None = None,
        deadline: float | None = None,
    ) -> None:
        """Make the TLS handshake, after the server's 220 to STARTTLS (RFC 3207). Then begin again with EHLO.

        Raises `TLSFailed`, and what :meth:`send` raises.
        """
        end = self._end(deadline)
        async with self._turn(end):
            connection = await self._ready(end, "No TLS handshake was begun")
            if connection.encrypted:
                raise ClientError("TLS is up already.", _TLS, "Go on with EHLO.")
            await self._handshake(connection, context, server_name, end)

    async def _handshake(
        self, connection: Connection, context: ssl.SSLContext | None, server_name: str | None, end: float
    ) -> None:
        import ssl

        assert connection.wire is not None
        loop = asyncio.get_running_loop()
        make_context = self._tls_context or ssl.create_default_context
        try:
            wire = await loop.start_tls(
                connection.wire,
                connection,
                context or make_context(),
                server_hostname=server_name or self.host,
                ssl_handshake_timeout=max(0.01, end - loop.time()),
                ssl_shutdown_timeout=1.0,
            )
        except OSError as error:  # ssl.SSLError is one, and so is the timeout
            from labkit.client.tls_errors import explain_tls

            connection.connection_lost(error)  # asyncio does not tell it that the wire is broken
            trouble = explain_tls(error, server_name or self.host, at_once=self._at_once)
            failed = TLSFailed(trouble.happened, trouble.rule, trouble.advice)
            failed.problem = trouble.problem
            raise failed from None
        assert wire is not None
        connection.secured(wire)

    async def close(self) -> None:
        """Close the connection without QUIT. Closing twice is harmless."""
        self.hang_up()

    def hang_up(self) -> None:
        """Close without a word; to be called on the event loop."""
        if self._connection is not None:
            self._connection.hang_up()

    # turns and ends

    def _end(self, deadline: float | None) -> float:
        return asyncio.get_running_loop().time() + (self.deadline if deadline is None else deadline)

    @contextlib.asynccontextmanager
    async def _turn(self, end: float) -> AsyncIterator[None]:
        """One step at a time. A step that waits for its turn is under its own deadline already."""
        try:
            async with asyncio.timeout_at(end):
                await self._lock.acquire()
        except TimeoutError:
            if self._connection is not None and self._connection.owed:
                raise self._overdue(self._connection, "Nothing was sent") from None
            raise DeadlinePassed("An earlier step is still under way.", None, "Wait a moment.") from None
        try:
            yield
        finally:
            self._lock.release()

    async def _ready(self, end: float, unsent: str) -> Connection:
        """The connection, once nothing is owed on it."""
        connection = self._connection
        if connection is None:
            raise self._gone(None)
        await connection.until(lambda: not connection.owed, end)
        if connection.over:
            raise self._gone(connection)
        if connection.owed:
            raise self._overdue(connection, unsent)
        return connection

    def _outcome(self, connection: Connection, lines: list[int]) -> Reply | None:
        for line in lines:
            if line in connection.lost:
                raise self._gone(connection, {line: connection.lost[line]})
        if any(line in connection.owed for line in lines):
            raise self._late(connection)
        answers = [connection.answers[line] for line in lines if line in connection.answers]
        return _checked(answers[-1]) if answers else None

    # what went wrong

    def _gone(self, connection: Connection | None, lost: dict[int, bytes] | None = None) -> ClientError:
        if connection is None:
            return NotConnected(f"Not connected to {self.host}.", _SPEAKS_FIRST, "Call connect() first.")
        if connection.ended_here:
            return NotConnected("This connection was closed from your side.", None, "Call connect() again.")
        last = connection.replies[-1] if connection.replies else None
        code = last.code if isinstance(last, Reply) else 0
        if code == 221 and not lost:
            return NotConnected("QUIT has ended this session.", None, "Call connect() for a new one.")
        words = f" Its last words were: {last}." if code == 421 else ""
        before = f" before it answered {_name(lost)}" if lost else ""
        return ConnectionLost(
            f"{self.host} closed the connection{before}.{words}", _LOST, "Call connect() for a new session."
        )

    def _late(self, connection: Connection) -> DeadlinePassed:
        if connection.owed:
            return DeadlinePassed(
                f"No answer yet to {_name(connection.owed)}.",
                _PATIENCE,
                "It is still owed and will be kept. receive() waits for it.",
            )
        return DeadlinePassed("Nothing came.", None, self.waiting_for)

    def _overdue(self, connection: Connection, unsent: str) -> ReplyOverdue:
        error = ReplyOverdue(
            f"{unsent}. The answer to {_name(connection.owed)} is still missing.",
            _IN_ORDER,
            "receive() waits for it; close() and connect() begin a new session.",
        )
        error.line = min(connection.owed)
        return error


def _name(lines: dict[int, bytes]) -> str:
    """The first of these lines, as a message names it."""
    line = min(lines)
    return "your connection with a greeting" if line == GREETING else f"line {line}, {_shown(lines[line])}"


def _shown(octets: bytes) -> str:
    text = octets.removesuffix(b"\n").removesuffix(b"\r").decode("ascii", "backslashreplace")
    text = "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)
    return f"“{text[:60]}…”" if len(text) > 60 else f"“{text}”"


def _checked(reply: Reply | Malformed) -> Reply:
    if isinstance(reply, Reply):
        return reply
    error = BadReply(
        f"What came is no SMTP reply, {reply.reason}: {_shown(reply.octets)}.",
        reply.rule,
        "Is there a mail server at this address?",
    )
    error.octets = reply.octets
    raise error
