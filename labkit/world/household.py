"""Bob's devices at his mailbox in a world: what is done, and in which session, one act after the other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from labkit.frozen import dataclass
from labkit.reader import Device, Place

if TYPE_CHECKING:
    from labkit.hosts.folder import Entry
    from labkit.hosts.tap import ServerSession
    from labkit.world.core import AsyncWorld

STRANGER = "another program"


@dataclass(frozen=True, slots=True)
class Act:
    """One session at the mailbox's host, and what came of it."""

    caller: str
    """Who opened the connection."""
    protocol: str
    port: int
    says: str
    """What came of it, in a few words."""
    session: ServerSession


class Household:
    """The mailbox ``address`` with the devices that read it. Used on the event loop; reading is safe anywhere.

    ``letters`` are the messages that come, in this order, each one when `send` is called.
    """

    def __init__(
        self,
        world: AsyncWorld,
        devices: Sequence[Device],
        letters: Sequence[tuple[str, str]],
        *,
        address: str = "bob@receiver.example",
        host: str = "store.receiver.example",
        sender: str = "alice@sender.example",
    ) -> None:
        from labkit.hosts.tls import client_context

        self.world, self.devices, self.letters = world, tuple(devices), tuple(letters)
        self.address, self.sender = address, sender
        self.host = world.host(host)
        self.acts: tuple[Act, ...] = ()
        """What happened at the mailbox, in order."""
        self.sent = 0
        """How many of the letters have come."""
        user = address.partition("@")[0]
        self._place = Place(world.network, host, user, self.host.spec.readers[user], client_context())
        self._busy = False

    @property
    def at_server(self) -> tuple[Entry, ...]:
        """What lies in the mailbox now."""
        return self.host.mailbox(self.address).inbox.entries

    async def send(self) -> None:
        """The next letter comes, on the way that all mail takes. After the last one, nothing."""
        if self.sent >= len(self.letters):
            return
        subject, text = self.letters[self.sent]
        self.sent += 1
        before = len(self.host.sessions)
        letter = f"Subject: {subject}\r\n\r\n{text}\r\n"
        await self.world.submit(letter, sender=self.sender, recipients=(self.address,))
        await self.world.settle()
        for session in self.host.sessions[before:]:
            self.acts += (Act(session.label, "SMTP", session.port, "brought 1 message", session),)

    async def fetch(self, device: Device) -> None:
        """A device asks for mail."""

        async def ask() -> str:
            new = await device.fetch(self._place)
            if device.way == "sync":
                there = len(device.letters)
                return (
                    f"looked: {_count(there)}, {new or 'none'} new here" if there else "looked: nothing there"
                )
            took = "took" if device.way == "take" else "copied"
            return f"{took} {_count(new)}" if new else "found nothing new"

        await self._act(device, ask)

    async def read(self, device: Device, key: str) -> None:
        """Bob opens a message on a device; a session only where the text is still at the server."""

        async def open_it() -> str:
            await device.read(key, self._place)
            return "read 1 message"

        await self._act(device, open_it)

    async def answer(self, device: Device, key: str) -> None:
        """Bob answers a message."""

        async def note() -> str:
            await device.answer(key, self._place)
            return "marked 1 message as answered"

        await self._act(device, note)

    async def _act(self, device: Device, work: Callable[[], Awaitable[str]]) -> None:
        """Do it, and name the sessions that it took."""
        before = len(self.host.reading.sessions)
        self._busy = True
        says = "came to nothing"
        try:
            says = await work()
        finally:
            self._busy = False
            for session in self.host.reading.sessions[before:]:
                self.acts += (Act(device.name, device.protocol, session.port, says, session),)

    def look_for_strangers(self) -> bool:
        """Name the sessions of programs that are none of these devices; whether there was any."""
        from labkit.hosts.reading import PORTS

        if self._busy:
            return False
        known = {id(act.session) for act in self.acts}
        new = [one for one in self.host.reading.sessions if id(one) not in known and one.closed]
        self.acts += tuple(Act(STRANGER, PORTS[one.port], one.port, "came and went", one) for one in new)
        return bool(new)


def _count(number: int) -> str:
    return f"{number} message{'' if number == 1 else 's'}"
