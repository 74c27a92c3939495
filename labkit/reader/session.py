"""One POP3 or IMAP session of a mail program: Twisted's client for it, awaited."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from labkit.transport.twisted_wire import OnLoop, TwistedWire  # before Twisted's mail modules

# isort: split
from twisted.mail import imap4, pop3

from labkit.reader.place import PATIENCE, connect
from labkit.transport.loop_thread import LabError

if TYPE_CHECKING:
    from labkit.reader.place import Place


class Refused(LabError, ValueError):
    """The server said no, or went away."""


class _Pop3Client(OnLoop, pop3.AdvancedPOP3Client):
    pass


class _ImapClient(OnLoop, imap4.IMAP4Client):
    def __init__(self) -> None:
        super().__init__()
        self.greeted: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def serverGreeting(self, _capabilities: object) -> None:
        """Only now may the client speak."""
        if not self.greeted.done():
            self.greeted.set_result(None)

    def connectionLost(self, reason: Any) -> None:
        """The connection is gone, perhaps before the greeting."""
        self.greeted.cancel()
        super().connectionLost(reason)


class _Session:
    """A connection that is closed at the end, whatever happened."""

    client: Any

    def __init__(self, place: Place, port: int) -> None:
        self._place, self._port = place, port

    async def __aenter__(self) -> Self:
        self._wire = TwistedWire(self.client)
        await connect(self._place, self._port, self._wire)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wire.loseConnection()

    async def _answer(self, deferred: Any) -> Any:
        """What a call of Twisted's comes to. Raises `Refused`, with what the server said."""
        try:
            future = deferred.asFuture(asyncio.get_running_loop())
            return await asyncio.wait_for(future, PATIENCE)
        except (OSError, TimeoutError):
            raise
        except Exception as error:
            said = error.args[0] if error.args else error
            raise Refused(said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)) from None


class Pop3Session(_Session):
    """RFC 1939."""

    def __init__(self, place: Place, port: int) -> None:
        super().__init__(place, port)
        self.client = _Pop3Client()

    async def log_in(self, user: str, password: str) -> None:
        """USER and PASS."""
        await self._answer(self.client.user(user.encode()))
        await self._answer(self.client.password(password.encode()))

    async def unique_ids(self) -> list[tuple[int, str]]:
        """UIDL: number, from 1, and unique-id of each message."""
        listed = await self._answer(self.client.listUID())
        return [(index, uid.decode()) for index, uid in enumerate(listed, 1) if uid is not None]

    async def retrieve(self, number: int) -> bytes:
        """RETR."""
        lines = await self._answer(self.client.retrieve(number - 1))
        return b"".join(line + b"\r\n" for line in lines)

    async def delete(self, number: int) -> None:
        """DELE."""
        await self._answer(self.client.delete(number - 1))

    async def quit(self) -> None:
        """QUIT: only now the server deletes (RFC 1939 section 6)."""
        await self._answer(self.client.quit())


class ImapSession(_Session):
    """RFC 3501."""

    def __init__(self, place: Place, port: int) -> None:
        super().__init__(place, port)
        self.client = _ImapClient()

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        await asyncio.wait_for(self.client.greeted, PATIENCE)
        return self

    async def ask(self, command: str, arguments: str, *, wanted: tuple[bytes, ...] = ()) -> list[Any]:
        """One command; returns its untagged answers of the kinds that are wanted, taken apart."""
        sent = imap4.Command(command.encode(), arguments.encode() or None, wantResponse=wanted)
        answers, _ = await self._answer(self.client.sendCommand(sent))
        return list(answers)

    async def listing(self) -> list[tuple[str, tuple[str, ...], bytes]]:
        """UID, flags and Subject of each message, which marks none of them as read."""
        asked = "1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])"
        found = []
        for answer in await self.ask("FETCH", asked, wanted=(b"FETCH",)):
            if b"FETCH" not in answer:
                continue
            parts = answer[2]  # UID 1 FLAGS (...) BODY (...) {octets}
            known = dict(zip(parts[:4:2], parts[1:4:2], strict=True))
            flags = tuple(flag.decode() for flag in known[b"FLAGS"])
            found.append((known[b"UID"].decode(), flags, parts[-1]))
        return found

    async def text(self, uid: str) -> bytes | None:
        """The whole message, which marks it as read; None when it is gone."""
        for answer in await self.ask("UID FETCH", f"{uid} (BODY[])", wanted=(b"FETCH",)):
            if b"FETCH" in answer and b"BODY" in answer[2]:
                octets: bytes = answer[2][answer[2].index(b"BODY") + 2]
                return octets
        return None
