"""One server's ports, tried one by one: who speaks first, what is offered when, and whose mail is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labkit.frozen import dataclass
from labkit.mua import Login
from labkit.smtp.reply import Reply
from labkit.smtp.session import observe
from labkit.smtp.transcript import Transcript
from labkit.transport.base import IMPLICIT_TLS
from labkit.world.account import Account, Tried, send_with

if TYPE_CHECKING:
    from labkit.world.core import AsyncWorld


@dataclass(frozen=True, slots=True)
class Errand:
    """A message that somebody brings: who it is, from whom and to whom, and the account if there is one."""

    helo: str
    sender: str
    recipient: str
    login: Login | None = None


@dataclass(frozen=True, slots=True)
class Door:
    """What was found at one port."""

    port: int
    speaker: str
    """Who sent the first octets: ``C`` or ``S``."""
    first: bytes
    """The first octets on the line, as somebody on the way reads them."""
    clear: tuple[str, ...]
    """What EHLO offers before TLS; nothing where TLS comes first."""
    secured: tuple[str, ...]
    """What it offers under TLS."""
    stranger: Tried
    own: Tried


async def knock(
    world: AsyncWorld, host: str, port: int, stranger: Errand, own: Errand, *, text: str = "Hello."
) -> Door:
    """Two real messages to ``host:port``: a stranger's, without an account, and one of the house's own people, with."""
    middle = await world.between(world.spec.client, host)
    at_once = port in IMPLICIT_TLS
    before = len(middle.sessions)
    brought = await _send(world, Account(host, port, "TLS at once" if at_once else "none"), stranger, text)
    secured = Account(host, port, "TLS at once" if at_once else "STARTTLS", own.login)
    handed_in = await _send(world, secured, own, text)
    overheard = middle.sessions[before].transcript
    first = next(event for event in overheard if event.data)
    offers = _offers(handed_in.program)
    return Door(
        port, first.sender, first.data, offers.get(False, ()), offers.get(True, ()), brought, handed_in
    )


def _offers(session: Transcript) -> dict[bool, tuple[str, ...]]:
    """What EHLO was answered in clear (False) and under TLS (True)."""
    events = {event.seq: event for event in session}
    return {
        events[note.seq].encrypted: note.reply.lines[1:]
        for note in observe(session)
        if isinstance(note.reply, Reply) and note.answers and events[note.answers].data[:4].upper() == b"EHLO"
    }


async def _send(world: AsyncWorld, account: Account, errand: Errand, text: str) -> Tried:
    message = f"From: {errand.sender}\r\nTo: {errand.recipient}\r\nSubject: A test\r\n\r\n{text}\r\n".encode()
    return await send_with(
        world, account, message, sender=errand.sender, recipients=(errand.recipient,), helo=errand.helo
    )
