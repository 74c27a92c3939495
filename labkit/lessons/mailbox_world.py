"""The worlds of lesson 07: the chain with a mailbox that can be read, Bob's devices in each experiment, sessions by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from labkit.reader import Device, Way
from labkit.smtp.transcript import Transcript
from labkit.transport.loop_thread import run
from labkit.world import AsyncWorld, HostSpec, World, WorldSpec, chain
from labkit.world.household import Household

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

STORE, BOB, ALICE = "store.receiver.example", "bob@receiver.example", "alice@sender.example"
READERS = {"bob": "builder"}
READING: Mapping[str, Any] = {"listeners": (25, 110, 143, 993, 995), "readers": READERS}
"""What the store gets so that mailboxes can be read there."""

LUNCH = ("Lunch", "At one, as always?")
CONTRACT = ("Contract", "Please sign it by Friday.")
TICKETS = ("Tickets", "The train leaves at nine.")
EXPERIMENTS: Mapping[str, tuple[tuple[tuple[str, Way], ...], tuple[tuple[str, str], ...]]] = {
    "one": ((("Phone", "take"),), (LUNCH,)),
    "pop3": ((("Phone", "take"), ("Laptop", "take")), (CONTRACT,)),
    "imap": ((("Phone", "sync"), ("Laptop", "sync")), (TICKETS,)),
    "copy": ((("Phone", "copy"), ("Laptop", "copy")), (LUNCH, CONTRACT)),
    "mixed": ((("Phone", "sync"), ("Old computer", "take")), (LUNCH, CONTRACT, TICKETS)),
}
"""Bob's devices with their way of reading, and what Alice sends, by experiment."""
PLAYS: Mapping[str, str] = {"one": "s0", "pop3": "s01", "imap": "s0r1", "copy": "s0r1", "mixed": "s010"}
"""How the lab goes through them: ``s`` Alice sends, a digit: that device fetches, ``r`` Bob reads on the first one."""


def spec() -> WorldSpec:
    """The chain; Bob reads at its end."""
    return chain(hosts={STORE: READING})


def household(name: str, world: AsyncWorld) -> Household:
    """The devices of an experiment at that world's mailbox."""
    devices, letters = EXPERIMENTS[name]
    return Household(world, [Device(device, way) for device, way in devices], letters)


async def go_through(home: Household, steps: str) -> None:
    """Do the steps of a play."""
    for step in steps:
        if step == "s":
            await home.send()
        elif step == "r":
            await home.read(home.devices[0], home.devices[0].letters[0].key)
        else:
            await home.fetch(home.devices[int(step)])


def played(name: str) -> tuple[World, Household]:
    """An experiment on a private world, gone through to its end. To be closed."""
    world = World.open(spec(), transport="memory")
    home = household(name, world.inner)
    run(lambda: go_through(home, PLAYS[name]), 60)
    return world, home


# ---- sessions by hand

STORE_ALONE = HostSpec(STORE, ("bob",), listeners=(25, 110, 995), readers=READERS, auth_before_tls=True)
TURNS = 60
"""Turns of the event loop after which a server that was asked something in memory has answered."""


async def fill(world: AsyncWorld, subjects: Sequence[str]) -> None:
    """Messages come into Bob's mailbox at the store, by SMTP."""
    for subject in subjects:
        await world.submit(
            f"Subject: {subject}\r\n\r\nSee above.\r\n", sender=ALICE, recipients=(BOB,), host=STORE, port=25
        )


async def speak(world: AsyncWorld, lines: Sequence[str]) -> Transcript:
    """Log in by POP3, speak the lines, and break the connection off if it is still there; the session."""
    wire, _ = await world.network.connect(STORE, 110, asyncio.Protocol)
    session = world.host(STORE).reading.sessions[-1]
    for line in ("USER bob", "PASS builder", *lines):
        wire.write(line.encode("utf-8", "replace") + b"\r\n")
        for _ in range(TURNS):
            await asyncio.sleep(0)
    wire.abort()
    await session.ended()
    return session.transcript


def at_the_store(story: Callable[[AsyncWorld], Awaitable[None]]) -> None:
    """Play something at a store of its own, in memory."""

    async def there() -> None:
        async with AsyncWorld(STORE_ALONE, transport="memory") as world:
            await story(world)

    run(there, 60)
