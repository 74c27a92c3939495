"""Many messages, faults switched on and off at random: in the end each is where it belongs, or its sender knows."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from labkit.hosts import dsn
from labkit.hosts.fault import STAGES
from labkit.hosts.faults import ConnectionLost, make_fault
from labkit.message import header_fields
from labkit.world import AsyncWorld
from labkit.world.chain import chain

PEOPLE = ("bob", "carol", "dave")
HOSTS = ("relay.sender.example", "mx1.receiver.example", "mx2.receiver.example", "store.receiver.example")


def random_fault(random: Random) -> tuple[str, dict[str, Any]]:
    stages = ["connect", "MAIL", "RCPT", "DATA", "text"]
    return random.choice(
        [
            ("greylisting", {"wait": random.choice([0, 60, 4000])}),
            ("mailbox_full", {"addresses": [random.choice(PEOPLE)], "permanent": random.random() < 0.3}),
            ("no_such_user", {"addresses": [random.choice(PEOPLE)]}),
            ("policy_refusal", {"stage": random.choice(["MAIL", "RCPT", "text"])}),
            ("rate_limit", {"messages": random.randrange(3), "close": random.random() < 0.5}),
            ("too_many_recipients", {"limit": random.randrange(1, 3)}),
            ("too_big", {"limit": random.choice([100, 2000])}),
            ("connection_lost", {"stage": random.choice(STAGES), "times": random.randrange(1, 4)}),
            ("shutting_down", {"stage": random.choice(stages)}),
            ("local_error", {"stage": random.choice(stages[1:])}),
            ("no_service", {"code": random.choice([554, 521])}),
            ("no_extension", {"keywords": random.choice([(), ("SIZE", "DSN"), ("PIPELINING",)])}),
            ("null_mx", {"domains": ["receiver.example"]}),
            (
                "dns_failure",
                {"domain": "receiver.example", "outcome": random.choice(["servfail", "nxdomain"])},
            ),
        ]
    )


def number_of(message: bytes) -> str:
    return next((field.value for field in header_fields(message) if field.name == "X-Number"), "")


async def one_run(random: Random) -> None:
    sent: dict[str, list[str]] = {}
    lost_replies: list[ConnectionLost] = []
    async with AsyncWorld(chain(), transport="memory") as world:
        for number in range(random.randrange(1, 12)):
            for _ in range(random.randrange(3)):
                name, settings = random_fault(random)
                fault = make_fault(name, **settings)
                if isinstance(fault, ConnectionLost):
                    lost_replies.append(fault)
                world.host(random.choice(HOSTS)).switch_on(fault)
            for host in world.hosts:
                for fault in host.active_faults:
                    if random.random() < 0.3:
                        host.switch_off(fault.name)
            people = random.sample(PEOPLE, random.randrange(1, 4))
            sent[str(number)] = people
            handed = await world.submit(
                f"X-Number: {number}\n\ntext\n", sender="alice@sender.example",
                recipients=[f"{name}@receiver.example" for name in people],
            )  # fmt: skip
            assert handed.delivered
            if random.random() < 0.5:
                await world.clock.advance(random.choice([1, 3600, 40_000]))
        for (
            host
        ) in world.hosts:  # the way back must be free, or there is nobody whom a lost notice could reach
            for fault in host.active_faults:
                host.switch_off(fault.name)
        await world.clock.advance(days=12)
        await world.settle()
        assert not [item for host in world.hosts for item in host.queue.items]
        assert not [host.errors for host in world.hosts if host.errors]
        arrived = Counter(
            (number_of(message.raw), name)
            for name in PEOPLE
            for message in world.mailbox(f"{name}@receiver.example")
        )
        reports = [dsn.read(message.raw) for message in world.mailbox("alice@sender.example")]
        told = {
            (number_of(report.original), fate.recipient.partition("@")[0])
            for report in reports
            if report is not None
            for fate in report.fates
            if fate.action == "failed"
        }
        # a notice that a refusing host turned away is gone, as every message with a null reverse-path would be
        dropped = sum(
            movement.kind in ("bounced", "expired", "looped") and "nobody to tell" in movement.why
            for movement in world.movements
        )
    replies_lost = sum(fault.happened for fault in lost_replies if fault.stage == "accepted")
    missing = [
        (number, name)
        for number, people in sent.items()
        for name in people
        if not arrived[number, name] and (number, name) not in told
    ]
    assert len(missing) <= dropped * len(PEOPLE), missing
    assert not set(arrived) - {(number, name) for number, people in sent.items() for name in people}
    assert sum(count - 1 for count in arrived.values()) <= replies_lost * len(PEOPLE)


def test_nothing_is_lost(size: Callable[[int, int], int]) -> None:
    for seed in range(size(25, 1_000)):
        try:
            asyncio.run(one_run(Random(seed)))
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
