"""What a sending host makes of a reply, case by case; the queue's own rules; the record of movements."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from labkit.hosts import dsn
from labkit.hosts.movement import MovementLog
from labkit.hosts.queue import Attempt, Queue, QueuedEnvelope, QueueItem, Recipient, RetryRule
from labkit.world import AsyncWorld, WorldSpec, chain

RELAY, MX1, MX2, STORE = (
    "relay.sender.example", "mx1.receiver.example", "mx2.receiver.example", "store.receiver.example",
)  # fmt: skip
ALICE, BOB, CAROL = "alice@sender.example", "bob@receiver.example", "carol@receiver.example"
ONE_MX = chain().zones.replace("@         MX   20 mx2", "")


def play(story: Callable[[AsyncWorld], Awaitable[Any]], spec: WorldSpec | None = None) -> Any:
    async def run() -> Any:
        async with asyncio.timeout(60), AsyncWorld(spec or chain(zones=ONE_MX), transport="memory") as world:
            return await story(world)

    return asyncio.run(run())


async def send(world: AsyncWorld, *recipients: str, text: str = "Subject: x\n\nx") -> str:
    handed = await world.submit(text, sender=ALICE, recipients=recipients or (BOB,))
    await world.settle()
    return handed.message_id


def lines(world: AsyncWorld, host: str = MX1) -> list[str]:
    """What the clients of a host said, over all sessions."""
    return [
        event.data.decode().strip()
        for session in world.host(host).sessions
        for event in session.transcript
        if event.sender == "C" and event.data
    ]


# CASES: net-05


@pytest.mark.parametrize(
    ("code", "enhanced", "end"),
    [
        (422, "4.2.2", "deferred"),
        (451, "4.7.1", "deferred"),
        (450, "4.2.0", "deferred"),
        (421, "4.3.2", "deferred"),
        (452, "4.5.3", "deferred"),
        (550, "5.1.1", "bounced"),
        (552, "5.2.2", "bounced"),
        (552, "5.3.4", "bounced"),
        (552, "", "deferred"),  # RFC 5321 section 4.5.3.1.10
        (599, "", "bounced"),
        (299, "", "delivered"),
    ],
)
def test_a_reply_to_rcpt_is_read_by_its_first_digit(code: int, enhanced: str, end: str) -> None:
    async def story(world: AsyncWorld) -> None:
        world.host(MX1).switch_on("fixed_reply", stage="RCPT", code=code, enhanced=enhanced)
        trail = world.trail(await send(world))
        ends = [one.kind for one in trail if one.host == RELAY and one.to != RELAY]
        assert ends[-1] == end
        assert len(world.host(RELAY).queue) == (end == "deferred")

    play(story)


@pytest.mark.parametrize(
    ("stage", "code", "end"),
    [
        ("connect", 421, "deferred"), ("connect", 554, "bounced"), ("EHLO", 421, "deferred"), ("EHLO", 550, "bounced"),
        ("MAIL", 451, "deferred"), ("MAIL", 550, "bounced"), ("DATA", 451, "deferred"), ("DATA", 554, "bounced"),
        ("text", 451, "deferred"), ("text", 552, "bounced"), ("text", 554, "bounced"),
    ],
)  # fmt: skip
def test_the_same_at_every_stage(stage: str, code: int, end: str) -> None:
    async def story(world: AsyncWorld) -> None:
        world.host(MX1).switch_on("fixed_reply", stage=stage, code=code)
        trail = world.trail(await send(world))
        assert trail[-1].kind == end
        assert trail[-1].reply.startswith(str(code))
        world.host(MX1).switch_off("fixed_reply")
        await send(world, CAROL)  # the next message is none the worse for it
        assert len(world.mailbox(CAROL)) == 1
        assert all(host.errors == [] for host in world.hosts)

    play(story)


def test_refused_after_the_text_is_returned_and_not_queued_again() -> None:
    """CASES net-07 and net-09: Auto-Submitted is no reason to keep silent (RFC 5321 section 6.1)."""

    async def story(world: AsyncWorld) -> None:
        world.host(MX1).switch_on("fixed_reply", stage="text", code=550, enhanced="5.7.1")
        message_id = await send(world, text="Auto-Submitted: auto-generated\nSubject: x\n\nx")
        await world.clock.advance(days=6)
        assert lines(world).count("DATA") == 1
        (notice,) = world.mailbox(ALICE)
        report = dsn.read(notice.as_received)
        assert report is not None
        assert (report.message_id, report.fates[0].status) == (message_id, "5.7.1")

    play(story)


def test_421_read_on_a_session_that_was_kept() -> None:
    """CASES smtp-13: close, connect anew, try again at once; nothing bounces and nothing waits."""

    async def story(world: AsyncWorld) -> None:
        world.hold()
        for _ in range(2):
            await world.submit("Subject: x\n\nx", sender=ALICE, recipients=[BOB])
        store = world.host(STORE)
        end = store.on_event(
            lambda session, event: (
                store.switch_on("fixed_reply", stage="MAIL", code=421)
                if event.data == b".\r\n" and session.connection == 1
                else store.switch_off("fixed_reply")
                if session.connection == 2
                else None
            )
        )
        world.release()
        await world.settle()
        end()
        assert len(world.mailbox(BOB)) == 2
        assert len(store.sessions) == 2
        assert world.clock.pending() == ()
        assert not any(one.kind in ("deferred", "bounced") for one in world.movements)

    play(story)


def test_a_session_that_ended_while_it_was_kept() -> None:
    async def story(world: AsyncWorld) -> None:
        world.hold()
        for _ in range(2):
            await world.submit("Subject: x\n\nx", sender=ALICE, recipients=[BOB])
        store = world.host(STORE)
        store.switch_on("connection_lost", stage="MAIL", times=1)
        faults = store.active_faults
        store.switch_off("connection_lost")
        store.on_event(
            lambda session, event: (
                store.faults.on(faults[0]) if event.data == b".\r\n" and session.connection == 1 else None
            )
        )
        world.release()
        await world.settle()
        assert len(world.mailbox(BOB)) == 2
        assert len(store.sessions) == 2
        assert not any(one.kind == "deferred" for one in world.movements)

    play(story)


def test_recipients_that_the_hop_announces_to_be_too_many() -> None:
    spec = chain(zones=ONE_MX, hosts={MX1: {"ehlo": ("LIMITS", "ENHANCEDSTATUSCODES"), "recipient_limit": 2}})

    async def story(world: AsyncWorld) -> None:
        await send(world, BOB, CAROL, "dave@receiver.example")
        assert lines(world).count("DATA") == 2
        transcript = world.host(MX1).sessions[0].transcript.to_text()
        assert "RCPTMAX=2" in transcript
        assert "452" not in transcript  # RFC 9422: it knew before
        assert [len(world.mailbox(one)) for one in (BOB, CAROL, "dave@receiver.example")] == [1, 1, 1]

    play(story, spec)


def test_parameters_are_passed_on_where_they_are_offered() -> None:
    async def story(world: AsyncWorld) -> None:
        await world.play(
            ["EHLO client.sender.example", "MAIL FROM:<alice@sender.example> BODY=8BITMIME RET=FULL ENVID=e1",
             f"RCPT TO:<{BOB}> NOTIFY=FAILURE ORCPT=rfc822;bob@receiver.example", "DATA", "Subject: x", "",
             "Gr\u00fc\u00dfe", ".", "QUIT"],
            host="submit.sender.example",
        )  # fmt: skip
        await world.settle()
        mail = next(line for line in lines(world) if line.startswith("MAIL"))
        assert mail.split()[2].startswith("SIZE=")
        assert mail.split()[3:] == ["BODY=8BITMIME", "RET=FULL", "ENVID=e1"]
        assert f"RCPT TO:<{BOB}> NOTIFY=FAILURE ORCPT=rfc822;bob@receiver.example" in lines(world)
        assert "Gr\u00fc\u00dfe" in world.mailbox(BOB)[0].text

    play(story)


def test_dots_and_odd_octets_arrive_as_they_were() -> None:
    async def story(world: AsyncWorld) -> None:
        body = "..\n.\n.x\n\x00\x7f\ttab \nlast"
        await send(world, text=f"Subject: x\n\n{body}")
        assert world.mailbox(BOB)[0].raw.endswith(body.replace("\n", "\r\n").encode() + b"\r\n")

    play(story)


# the queue by itself


def test_times_of_the_rule() -> None:
    rule = RetryRule(first=1800, factor=2, longest=10_800, give_up_after=432_000)
    assert rule == RetryRule()
    times = rule.times()
    assert times[:5] == (0, 1800, 5400, 12_600, 23_400)
    assert times[-1] == 432_000
    assert RetryRule(first=60, factor=1, give_up_after=200).times() == (0, 60, 120, 180, 200)
    assert RetryRule(factor=10).wait(10_000) == 10_800
    for wrong in ({"first": 0}, {"factor": 0.5}, {"longest": -1}, {"give_up_after": 0}):
        with pytest.raises(ValueError, match="expected times"):
            RetryRule(**wrong)


def item(name: str, seq: int, arrived: float = 0.0) -> QueueItem:
    return QueueItem(name, b"text", QueuedEnvelope("", (Recipient(BOB),)), arrived, seq)


def test_what_is_due_first() -> None:
    queue = Queue(RetryRule())
    first, second, third = item("A", 1), item("B", 2), item("C", 3, 5.0)
    for one in (third, second, first):
        queue.add(one)
    assert queue.next_due() == (0.0, 1)
    assert queue.take() is first
    assert first.next_try is None
    queue.plan(first, 100.0)
    queue.plan(second, 50.0)  # planned anew: the older plan does not count
    assert queue.next_due() == (5.0, 3)
    queue.remove(third)
    assert third.message == b""
    assert queue.next_due() == (50.0, 2)
    queue.retry_now(60.0)
    assert queue.next_due() == (60.0, 1)
    assert [one.queue_id for one in queue] == ["B", "A"]
    assert queue.finished == (third,)
    assert repr(queue) == "<queue of 2>"


def test_an_item_tells_what_became_of_it() -> None:
    one = item("A", 1)
    one.note(Attempt(0.0, MX1, 3, "451 4.7.1 later", "deferred"))
    assert one.attempts[0].next_hop == MX1
    assert [recipient.address for recipient in one.waiting] == [BOB]
    one.envelope.recipients[0].status = "delivered"
    assert one.waiting == ()


# movements


def test_movements_are_numbered_and_found_by_message() -> None:
    log = MovementLog(lambda: 7.0)
    heard: list[int] = []
    end = log.on_movement(lambda one: heard.append(one.seq))
    log.add("submitted", "a", "b", 587, "Q1", "<1@a>", (BOB,))
    log.add("stored", "b", "b", None, "Q2", "<2@a>", (ALICE,), about="<1@a>")
    end()
    log.add("stored", "b", "b", None, "Q3", "", (ALICE,))
    assert heard == [1, 2]
    assert [one.seq for one in log.trail("<1@a>")] == [1, 2]
    assert [one.seq for one in log.trail("<2@a>")] == [2]
    assert log.trail("") == ()
    assert log.all()[2].time == 7.0


def test_a_listener_that_fails_is_no_trouble_for_the_mail() -> None:
    async def story(world: AsyncWorld) -> None:
        world.on_movement(lambda one: 1 / 0)
        await send(world)
        assert len(world.mailbox(BOB)) == 1
        assert set(world.around.movements.errors) == {"ZeroDivisionError: division by zero"}

    play(story)


def test_two_hosts_that_send_to_each_other() -> None:
    async def story(world: AsyncWorld) -> None:
        world.host(MX1).switch_on("mail_loop", to=MX2)
        world.host(MX2).switch_on("mail_loop", to=MX1)
        trail = world.trail(await send(world))
        assert [one.kind for one in trail].count("looped") == 1
        assert world.mailbox(BOB).messages == ()
        assert not any(len(host.queue) for host in world.hosts)

    play(story)
