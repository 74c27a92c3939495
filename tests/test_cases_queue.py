"""Cases of people who look after queues: which reply is tried again, and who is told."""

from __future__ import annotations

import asyncio

import pytest

from labkit.hosts import dsn
from labkit.hosts.faults import FixedReply
from labkit.smtp.reply import Reply, parse_reply
from labkit.world import AsyncWorld
from labkit.world.chain import chain

MX = ("mx1.receiver.example", "mx2.receiver.example")


def after_one_try(fault: FixedReply, text: str = "text", sender: str = "alice@sender.example") -> AsyncWorld:
    """The world after the relay has tried once; closed, still readable."""

    async def run() -> AsyncWorld:
        async with AsyncWorld(chain(), transport="memory") as world:
            for name in MX:
                world.host(name).switch_on(fault)
            await world.submit(text, sender=sender, recipients=["bob@receiver.example"])
            await world.settle()
            return world

    return asyncio.run(run())


def bounces(world: AsyncWorld) -> list[dsn.Report]:
    reports = [dsn.read(message.raw) for message in world.mailbox("alice@sender.example")]
    return [report for report in reports if report is not None]


@pytest.mark.parametrize(
    ("line", "severity", "retry"),
    [
        ("422 4.2.2 greylisted, try again", 4, True),
        ("451 4.7.1 greylisted", 4, True),
        ("450 4.2.0 greylisted", 4, True),
        ("421 4.3.2 shutting down", 4, True),
        ("550 5.1.1 unknown user", 5, False),
        ("552 5.2.2 mailbox full", 5, False),
        ("299 odd", 2, False),
    ],
)
def test_net_05_the_first_digit_decides(line: str, severity: int, retry: bool) -> None:
    """Even for a code that nobody has seen before (RFC 5321 sections 4.2.1 and 4.5.4.1)."""
    reply = parse_reply(line.encode())
    assert isinstance(reply, Reply)
    assert reply.severity == severity
    world = after_one_try(FixedReply("RCPT", reply.code, reply.enhanced_code or "", reply.text))
    waiting = world.host("relay.sender.example").queue.items
    assert len(waiting) == retry
    assert len(bounces(world)) == (severity == 5)
    if retry:
        assert waiting[0].next_try is not None
        assert waiting[0].next_try >= 1800


def test_net_07_refused_after_the_text() -> None:
    """550 after the final dot: a failure notice, and the message leaves the queue (RFC 5321 section 6.1)."""
    world = after_one_try(FixedReply("text", 550, "5.7.1", "refused"))
    assert world.host("relay.sender.example").queue.items == ()
    (report,) = bounces(world)
    assert [(fate.action, fate.status) for fate in report.fates] == [("failed", "5.7.1")]
    assert report.fates[0].diagnostic == "550 5.7.1 refused"


def test_net_09_auto_submitted_mail_gets_its_failure_notice() -> None:
    """Only a null reverse-path forbids it (RFC 5321 section 6.1); RFC 3834 is about other answers."""
    fault = FixedReply("RCPT", 550, "5.1.1", "unknown user")
    robot = "From: robot@sender.example\nAuto-Submitted: auto-generated\n\ntext\n"
    world = after_one_try(fault, robot)
    assert len(bounces(world)) == 1
    assert world.mailbox("alice@sender.example")[0].parsed["Auto-Submitted"] == "auto-replied"
    assert world.mailbox("alice@sender.example")[0].envelope.reverse_path == ""
    nobody = after_one_try(fault, robot, sender="")
    assert bounces(nobody) == []
    assert not [box for host in nobody.hosts for box in host.mailboxes if len(box)]
