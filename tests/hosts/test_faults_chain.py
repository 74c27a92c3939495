"""Faults in the middle of the chain: where the message ends, and what its sender hears."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from labkit.hosts import dsn
from labkit.hosts.faults import MailLoop
from labkit.trace import received_chain
from labkit.world import AsyncWorld
from labkit.world.chain import chain

MX1, MX2, RELAY = "mx1.receiver.example", "mx2.receiver.example", "relay.sender.example"
BOTH = (MX1, MX2)


def sent(prepare: Callable[[AsyncWorld], object], transport: Any = "memory", **more: Any) -> AsyncWorld:
    """A world in which Alice wrote to Bob and six days have passed; closed, still readable."""

    async def run() -> AsyncWorld:
        async with AsyncWorld(chain(), transport=transport) as world:
            prepare(world)
            handed = await world.submit(
                "Subject: x\n\ntext\n",
                sender="alice@sender.example",
                recipients=["bob@receiver.example"],
                **more,
            )
            assert handed.delivered
            await world.settle()
            await world.clock.advance(days=6)
            await world.settle()
            assert not [host.errors for host in world.hosts if host.errors]
            assert not [item for host in world.hosts for item in host.queue.items]
            return world

    return asyncio.run(run())


def arrived(world: AsyncWorld) -> tuple[int, list[str]]:
    """How often Bob has it, and the status codes that Alice was told."""
    reports = [dsn.read(message.raw) for message in world.mailbox("alice@sender.example")]
    return len(world.mailbox("bob@receiver.example")), [
        fate.status for report in reports if report is not None for fate in report.fates
    ]


@pytest.mark.parametrize(
    ("name", "settings", "where", "expected"),
    [
        ("greylisting", {}, BOTH, (1, [])),
        ("mailbox_full", {}, BOTH, (0, ["4.4.7"])),
        ("mailbox_full", {"permanent": True}, (MX1,), (0, ["5.2.2"])),
        ("no_such_user", {}, (MX1,), (0, ["5.1.1"])),
        ("policy_refusal", {}, (MX1,), (0, ["5.7.1"])),
        ("policy_refusal", {"stage": "MAIL"}, (MX1,), (0, ["5.7.1"])),
        ("relaying_denied", {}, (MX1,), (0, ["5.7.1"])),
        ("rate_limit", {"messages": 0}, BOTH, (0, ["4.4.7"])),
        ("too_big", {"limit": 100}, (MX1,), (0, ["5.3.4"])),
        ("shutting_down", {}, (MX1,), (1, [])),
        ("shutting_down", {"stage": "text"}, BOTH, (0, ["4.4.7"])),
        ("local_error", {}, BOTH, (0, ["4.4.7"])),
        ("no_service", {}, (MX1,), (1, [])),
        ("no_extension", {}, BOTH, (1, [])),
        ("null_mx", {"domains": ["receiver.example"]}, (MX1,), (0, ["5.1.10"])),
        ("dns_failure", {"domain": "receiver.example"}, (RELAY,), (0, ["4.4.7"])),
        ("dns_failure", {"domain": "receiver.example", "outcome": "nxdomain"}, (RELAY,), (0, ["5.1.2"])),
        ("fixed_reply", {"stage": "RCPT", "code": 422}, BOTH, (0, ["4.4.7"])),
        ("fixed_reply", {"stage": "text", "code": 299}, (MX1,), (0, [])),  # a lie: nobody has it
    ],
)
def test_where_the_message_ends(
    name: str, settings: dict[str, Any], where: tuple[str, ...], expected: tuple[int, list[str]]
) -> None:
    def prepare(world: AsyncWorld) -> None:
        for host in where:
            world.host(host).switch_on(name, **settings)

    assert arrived(sent(prepare)) == expected


@pytest.mark.parametrize(
    "stage", ["connect", "greeting", "EHLO", "MAIL", "RCPT", "DATA", "text", "accepted", "QUIT"]
)
def test_a_lost_connection_loses_nothing(stage: str) -> None:
    """Each stage once; only where the reply was lost does Bob have two (RFC 5321 section 3.8, RFC 1047)."""
    world = sent(lambda world: world.host(MX1).switch_on("connection_lost", stage=stage, times=1))
    assert arrived(world) == (2 if stage == "accepted" else 1, [])


def test_a_loop_is_found_and_told() -> None:
    def prepare(world: AsyncWorld) -> None:
        world.host(MX1).switch_on(MailLoop(MX2))
        world.host(MX2).switch_on(MailLoop(MX1))

    world = sent(prepare)
    assert arrived(world) == (0, ["5.4.6"])
    (notice,) = world.mailbox("alice@sender.example")
    report = dsn.read(notice.raw)
    assert report is not None
    hops = received_chain(report.original, [host.name for host in world.hosts])
    assert len(hops) == world.host(MX1).spec.hop_limit
    assert {hop.by for hop in hops[2:]} == {MX1, MX2}
    assert not [hop.problems for hop in hops if hop.problems]


@pytest.mark.parametrize("open_relay", [True, False])
def test_an_open_relay_carries_a_strangers_mail(open_relay: bool) -> None:
    async def run() -> list[str]:
        async with AsyncWorld(chain(), transport="memory") as world:
            if open_relay:
                world.host(MX1).switch_on("open_relay")
            await world.play(
                ["EHLO spam.other.example", "MAIL FROM:<eve@other.example>", "RCPT TO:<alice@sender.example>",
                 "DATA", "Subject: x", "", "text", ".", "QUIT"], host=MX1,
            )  # fmt: skip
            await world.settle()
            return [
                hop.by
                for message in world.mailbox("alice@sender.example")
                for hop in received_chain(message.raw)
            ]

    assert asyncio.run(run()) == ([MX1, RELAY] if open_relay else [])


def test_the_header_tells_where_it_waited() -> None:
    def prepare(world: AsyncWorld) -> None:
        for host in BOTH:
            world.host(host).switch_on("greylisting")

    (message,) = sent(prepare).mailbox("bob@receiver.example")
    hops = received_chain(message.raw)
    assert [hop.by for hop in hops] == ["submit.sender.example", RELAY, MX1, "store.receiver.example"]
    assert [hop.delay for hop in hops] == [None, 0.0, 1800.0, 0.0]


def test_a_submission_server_completes_and_writes_it_down() -> None:
    world = sent(lambda _: None, exact=True)
    (message,) = world.mailbox("bob@receiver.example")
    assert {"Date", "Message-ID", "From"} <= set(message.parsed.keys())
    log = [line.text for line in world.host("submit.sender.example").log]
    assert "Date was missing and was added. RFC 6409 section 8.2" in log
    assert not [line for line in world.host(RELAY).log if "added" in line.text]


def test_who_logged_in_is_named() -> None:
    async def run() -> str:
        async with AsyncWorld(chain(), transport="memory") as world:
            await world.submit(
                "From: boss@sender.example\n\ntext\n",
                sender="alice@sender.example", recipients=["bob@receiver.example"], user="alice",
            )  # fmt: skip
            await world.settle()
            return str(world.mailbox("bob@receiver.example")[0].parsed["Sender"])

    assert asyncio.run(run()) == "alice@sender.example"


@pytest.mark.parametrize(
    ("notify", "action", "told"),
    [
        ("", "failed", True),
        ("NOTIFY=NEVER", "failed", False),
        ("NOTIFY=SUCCESS", "failed", False),
        ("NOTIFY=FAILURE", "failed", True),
        ("NOTIFY=SUCCESS", "delivered", True),
        ("NOTIFY=FAILURE", "delivered", False),
        ("NOTIFY=DELAY", "delayed", True),
        ("NOTIFY=FAILURE", "delayed", False),
    ],
)
def test_what_notify_asks_for(notify: str, action: dsn.Action, told: bool) -> None:
    async def run() -> list[dsn.Report | None]:
        async with AsyncWorld(chain(), transport="memory") as world:
            if action == "failed":
                world.host(MX1).switch_on("no_such_user")
            if action == "delayed":
                for host in BOTH:
                    world.host(host).switch_on("local_error")
            await world.play(
                ["EHLO laptop", "MAIL FROM:<alice@sender.example> RET=HDRS ENVID=E+2B1",
                 f"RCPT TO:<bob@receiver.example> {notify} ORCPT=rfc822;b+2Bob@receiver.example".replace("  ", " "),
                 "DATA", "Subject: x", "Message-ID: <7@sender.example>", "", "text", ".", "QUIT"],
                host="submit.sender.example",
            )  # fmt: skip
            await world.settle()
            await world.clock.advance(hours=12)
            await world.settle()
            return [dsn.read(message.raw) for message in world.mailbox("alice@sender.example")]

    reports = asyncio.run(run())
    assert len(reports) == told
    for report in reports:
        assert report is not None
        assert (report.envid, report.whole, report.message_id) == ("E+1", False, "<7@sender.example>")
        (fate,) = report.fates
        assert (fate.action, fate.original) == (action, "rfc822;b+ob@receiver.example")


def test_a_success_is_relayed_where_dsn_ends() -> None:
    def prepare(world: AsyncWorld) -> None:
        for host in BOTH:
            world.host(host).switch_on("no_extension", keywords=["DSN"])

    async def run() -> list[str]:
        async with AsyncWorld(chain(), transport="memory") as world:
            prepare(world)
            await world.play(
                ["EHLO laptop", "MAIL FROM:<alice@sender.example>", "RCPT TO:<bob@receiver.example> NOTIFY=SUCCESS",
                 "DATA", "Subject: x", "", "text", "."], host="submit.sender.example",
            )  # fmt: skip
            await world.settle()
            reports = [dsn.read(message.raw) for message in world.mailbox("alice@sender.example")]
            return [fate.action for report in reports if report is not None for fate in report.fates]

    assert asyncio.run(run()) == ["relayed"]
