"""The world of lesson 08: Alice's server with four doors, Bob's server, and a stand-in for each provider."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from labkit.frozen import dataclass
from labkit.hosts.host_spec import HostSpec
from labkit.mua import Login
from labkit.transport.loop_thread import loop_thread
from labkit.world import Admd, WorldSpec
from labkit.world.account import Account, Encryption, Tried, send_with
from labkit.world.core import AsyncWorld
from labkit.world.doors import Errand

T = TypeVar("T")

MAIL, MX = "mail.sender.example", "mx1.receiver.example"
OLD = "post.sender.example"
"""A former name of Alice's server; the certificate there is for another name."""
ALICE, BOB = "alice@sender.example", "bob@receiver.example"
DOORS = (25, 465, 587, 2525)
SUBMISSION = (465, 587, 2525)
LOGIN = Login("alice", "wonderland")
STRANGER, OWN = Errand(MX, BOB, ALICE), Errand("client.sender.example", ALICE, BOB, LOGIN)
LETTER = f"From: {ALICE}\r\nTo: {BOB}\r\nSubject: A test\r\n\r\nDoes this arrive?\r\n".encode()
_EHLO = ("SIZE", "8BITMIME")


@dataclass(frozen=True, slots=True)
class Provider:
    """What a provider documents for the way out, and the lab's stand-in for it."""

    name: str
    server: str
    stand_in: str
    ports: tuple[int, ...]
    login: str
    remark: str
    source: str

    @property
    def account(self) -> Account:
        """The stand-in, with the first of the documented ports."""
        return Account(self.stand_in, self.ports[0], encryption_at(self.ports[0]), LOGIN)


PROVIDERS = (
    Provider(
        "Gmail", "smtp.gmail.com", "gmail.example.net", (465, 587), "an app password, or OAuth",
        "The password of the account itself is refused.",
        "settings as third-party pages gave them in 2026; look them up at support.google.com",
    ),
    Provider(
        "Microsoft 365", "smtp.office365.com", "office365.example.net", (587,), "OAuth; a password on its way out",
        "Passwords for SMTP stay as they are until December 2026. Then they are off by default, and an administrator can "
        "switch them on again; the last day is to be named in the second half of 2027.",
        "server as third-party pages gave it in 2026; dates from techcommunity.microsoft.com, post 4489835, 27 January 2026. "
        "Many pages still name March or April 2026.",
    ),
    Provider(
        "Outlook.com", "smtp-mail.outlook.com", "outlook.example.net", (587,), "OAuth",
        "Not the server of Microsoft 365, though many lists give that one.",
        "support.microsoft.com, POP, IMAP, and SMTP settings for Outlook.com, as copies of it had them in 2026",
    ),
    Provider(
        "Yahoo", "smtp.mail.yahoo.com", "yahoo.example.net", (465, 587), "an app password, or OAuth",
        "Advice that says 587 only does not fit here: 465 is documented too.",
        "settings as third-party pages gave them in 2026; look them up at help.yahoo.com",
    ),
)  # fmt: skip


def encryption_at(port: int) -> Encryption:
    """What belongs to a port for submission."""
    return "TLS at once" if port == 465 else "STARTTLS"


def spec() -> WorldSpec:
    """Four doors at Alice's server; at Bob's one; the stand-ins have the doors that their provider documents."""
    own = HostSpec(
        MAIL,
        ("alice",),
        roles=("submission", "store"),
        listeners=DOORS,
        submission_ports=SUBMISSION,
        auth={LOGIN.user: LOGIN.password},
        ehlo=_EHLO,
    )
    old = HostSpec(
        OLD, roles=("submission",), listeners=SUBMISSION, auth=own.auth, certificate="wrong_name", ehlo=_EHLO
    )
    stand_ins = tuple(
        HostSpec(
            one.stand_in,
            roles=("submission",),
            listeners=one.ports,
            auth={LOGIN.user: LOGIN.password},
            ehlo=_EHLO,
        )
        for one in PROVIDERS
    )
    hosts = (own, old, HostSpec(MX, ("bob",), ehlo=_EHLO), *stand_ins)
    houses = dict.fromkeys(host.name.partition(".")[2] for host in hosts)
    return WorldSpec(
        tuple(
            Admd(house, tuple(host for host in hosts if host.name.endswith(f".{house}"))) for house in houses
        ),
        _zones(hosts),
    )


def _zones(hosts: tuple[HostSpec, ...]) -> str:
    mx = f"sender.example. MX 10 {MAIL}.\nreceiver.example. MX 10 {MX}.\n"
    return mx + "".join(f"{host.name}. A 192.0.2.{number}\n" for number, host in enumerate(hosts, 10))


async def try_settings(
    world: AsyncWorld,
    account: Account,
    *,
    blocked: Sequence[int] = (),
    stripped: bool = False,
    errand: Errand = OWN,
) -> Tried:
    """A test message with these settings, over a network that blocks ports, or wipes STARTTLS out."""
    middle = await world.between(world.spec.client, account.host)
    for one in middle.active:
        middle.switch_off(one.name)
    if stripped:
        middle.switch_on("strip_starttls")
    if account.port in blocked:
        middle.switch_on("block_port", port=account.port)
    letter = LETTER.replace(BOB.encode(), errand.recipient.encode())
    try:
        return await send_with(
            world, account, letter,
            sender=errand.sender, recipients=(errand.recipient,), helo=errand.helo,
        )  # fmt: skip
    finally:
        for one in middle.active:
            middle.switch_off(one.name)


def in_a_world(work: Callable[[AsyncWorld], Coroutine[Any, Any, T]], made: WorldSpec | None = None) -> T:
    """Do something in a fresh world without sockets, and close it."""

    async def run() -> T:
        async with AsyncWorld(made or spec(), transport="memory") as world:
            return await work(world)

    return loop_thread().run(run, 30.0)
