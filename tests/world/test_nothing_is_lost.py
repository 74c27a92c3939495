"""Random mail through a chain in which things go wrong at random: nothing is lost, nothing doubled without reason."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable

import pytest

from labkit.hosts import dsn
from labkit.world import AsyncWorld, chain
from labkit.world.chain import PEOPLE, ZONES

RELAY, MX1, MX2, STORE = (
    "relay.sender.example", "mx1.receiver.example", "mx2.receiver.example", "store.receiver.example",
)  # fmt: skip
ALICE = "alice@sender.example"
KNOWN = [f"{name}@receiver.example" for name in PEOPLE]
UNKNOWN = ["nobody@receiver.example", "x@missing.example", "x@null.example"]
STAGES = ["connect", "greeting", "EHLO", "MAIL", "RCPT", "DATA", "text", "accepted"]


def misfortune(chance: random.Random, world: AsyncWorld, host: str) -> None:
    """One fault, or the end of one, or a host that goes down or comes up."""
    goal = world.host(host)
    match chance.randrange(8):
        case 0 | 1:
            goal.switch_on("connection_lost", stage=chance.choice(STAGES), times=chance.randrange(1, 3))
        case 2:
            goal.switch_on("greylisting", wait=chance.randrange(60, 4000))
        case 3:
            goal.switch_on("rate_limit", messages=chance.randrange(1, 4), per=chance.randrange(60, 4000))
        case 4:
            goal.switch_on("too_many_recipients", limit=chance.randrange(1, 4))
        case 5:
            goal.switch_on("mailbox_full", addresses=(chance.choice(PEOPLE),))
        case _:
            for fault in goal.active_faults:
                goal.switch_off(fault.name)


async def story(seed: int, transport: str, messages: int) -> None:
    chance = random.Random(seed)
    zones = ZONES + "\n$ORIGIN null.example.\n@ MX 0 .\n"
    async with AsyncWorld(chain(zones=zones), transport=transport) as world:  # type: ignore[arg-type]
        sent: dict[str, list[str]] = {}
        down: set[str] = set()
        for _ in range(messages):
            if chance.random() < 0.4:
                misfortune(chance, world, chance.choice((RELAY, MX1, MX2, STORE)))
            if chance.random() < 0.1:
                name = chance.choice((RELAY, MX1, MX2, STORE))
                await (world.host(name).start() if name in down else world.host(name).stop())
                down ^= {name}
            recipients = chance.sample(KNOWN, chance.randrange(1, 4))
            if chance.random() < 0.3:
                recipients.append(chance.choice(UNKNOWN))
            handed = await world.submit("Subject: x\n\nx", sender=ALICE, recipients=recipients)
            assert handed.accepted == tuple(recipients)
            sent[handed.message_id] = recipients
            if chance.random() < 0.5:
                await world.settle()
            if chance.random() < 0.3:
                await world.clock.advance(minutes=chance.randrange(90))
        for host in world.hosts:
            for fault in host.active_faults:
                host.switch_off(fault.name)
            await host.start()
        await world.clock.advance(days=12)

        assert {host.name: (len(host.queue), host.errors) for host in world.hosts} == {
            host.name: (0, []) for host in world.hosts
        }
        assert world.clock.pending() == ()
        kept = Counter(
            (str(message.parsed["Message-ID"]), box.address)
            for host in world.hosts
            for box in host.mailboxes
            for message in box
        )
        told = Counter(
            (report.message_id, fate.recipient)
            for message in world.mailbox(ALICE)
            if (report := dsn.read(message.as_received)) is not None
            for fate in report.fates
        )
        uncertain = {one.message_id for one in world.movements if one.kind == "lost"}
        uncertain |= {one.about for one in world.movements if one.kind == "lost"}
        for message_id, recipients in sent.items():
            for recipient in recipients:
                ends = kept[message_id, recipient] + told[message_id, recipient]
                where = f"seed {seed}: {message_id} for {recipient}: {world.trail(message_id)}"
                assert ends == 1 or (ends > 1 and message_id in uncertain), where
                if recipient in UNKNOWN:
                    assert kept[message_id, recipient] == 0, where


@pytest.mark.parametrize("transport", ["memory", "loopback"])
def test_every_message_ends_somewhere(transport: str, size: Callable[[int, int], int]) -> None:
    for seed in range(size(12 if transport == "memory" else 3, 400)):
        asyncio.run(asyncio.wait_for(story(seed, transport, 12), 60))
