"""A phone, a laptop: a mail program that fetches by POP3 or looks by IMAP, and shows what it knows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from labkit.frozen import dataclass
from labkit.message import header_fields

if TYPE_CHECKING:
    from labkit.reader.place import Place
    from labkit.reader.session import ImapSession

Way = Literal["take", "copy", "sync"]
"""How a device reads: ``take`` POP3 that takes away, ``copy`` POP3 that leaves a copy at the server, ``sync`` IMAP."""
PORTS: dict[Way, int] = {"take": 995, "copy": 995, "sync": 993}


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as a device shows it."""

    key: str
    """The number by which server and device mean the same message: POP3's unique-id, or IMAP's UID."""
    subject: str
    read: bool
    raw: bytes | None = None
    """Its octets, as far as they are on the device."""
    answered: bool = False


class Device:
    """A phone, a laptop: what it shows is all that it knows of the mailbox. Used on the event loop."""

    def __init__(self, name: str, way: Way) -> None:
        self.name = name
        self.way = way
        self.letters: tuple[Letter, ...] = ()
        """What it shows, oldest first."""
        self.fetched = False
        """Whether it has asked the server yet."""
        self._known: set[str] = set()

    @property
    def port(self) -> int:
        """Where it calls."""
        return PORTS[self.way]

    @property
    def protocol(self) -> str:
        """What it speaks."""
        return "IMAP" if self.way == "sync" else "POP3"

    async def fetch(self, place: Place) -> int:
        """Ask for mail, in a session of its own; returns how many messages are new here.

        Raises ``OSError`` when the server is not there, ``ValueError`` when it refuses.
        """
        before = {letter.key for letter in self.letters}
        await (self._by_imap(place, self._list) if self.way == "sync" else self._by_pop3(place))
        self.fetched = True
        return len({letter.key for letter in self.letters} - before)

    async def read(self, key: str, place: Place) -> None:
        """Open a message. By IMAP its text comes now, and the server notes that it was read; a message that POP3 has
        brought is here already, and nobody else learns of it. An unknown ``key`` does nothing."""
        if self.way != "sync":
            self._change(key, read=True)
            return

        async def fetch_text(session: ImapSession) -> None:
            self._change(key, read=True, raw=await session.text(key))

        await self._by_imap(place, fetch_text)

    async def answer(self, key: str, place: Place) -> None:
        """Note that a message has been answered; by IMAP the server learns of it (``\\Answered``)."""
        self._change(key, answered=True)
        if self.way == "sync":
            await self._by_imap(place, lambda session: session.ask("UID STORE", f"{key} +FLAGS (\\Answered)"))

    def _change(self, key: str, **changes: Any) -> None:
        self.letters = tuple(replace(one, **changes) if one.key == key else one for one in self.letters)

    # POP3

    async def _by_pop3(self, place: Place) -> None:
        """Log in, fetch what is new, delete it there if that is this device's way, and say QUIT."""
        from labkit.reader.session import Pop3Session

        async with Pop3Session(place, self.port) as session:
            await session.log_in(place.user, place.password)
            new = [(index, uid) for index, uid in await session.unique_ids() if uid not in self._known]
            fetched = []
            for index, uid in new:
                raw = await session.retrieve(index)
                fetched.append(Letter(uid, _subject(raw), False, raw))
                if self.way == "take":
                    await session.delete(index)
            await session.quit()
        self._known |= {letter.key for letter in fetched}
        self.letters += tuple(fetched)

    # IMAP

    async def _by_imap(self, place: Place, work: Callable[[ImapSession], Awaitable[object]]) -> None:
        """Log in, open the mailbox, do something there, and log out."""
        from labkit.reader.session import ImapSession

        async with ImapSession(place, self.port) as session:
            await session.ask("LOGIN", f"{place.user} {place.password}")
            await session.ask("SELECT", "INBOX")
            await work(session)
            await session.ask("LOGOUT", "")

    async def _list(self, session: ImapSession) -> None:
        """Show what the server has, as the server has it."""
        kept = {letter.key: letter.raw for letter in self.letters}
        self.letters = tuple(
            Letter(uid, _subject(header), "\\Seen" in flags, kept.get(uid), "\\Answered" in flags)
            for uid, flags, header in await session.listing()
        )

    def __repr__(self) -> str:
        return f"<{self.name}, {self.protocol}, {len(self.letters)} messages>"


def _subject(raw: bytes) -> str:
    return next((field.value for field in header_fields(raw) if field.name.lower() == "subject"), "")
