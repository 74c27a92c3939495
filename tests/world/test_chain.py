"""Mail through the chain of lessons: every hop a real session, whatever stands in the way."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from labkit.hosts import dsn
from labkit.hosts.movement import Movement
from labkit.hosts.outgoing import Outgoing
from labkit.hosts.queue import RetryRule
from labkit.hosts.routing import NextHop
from labkit.world import AsyncWorld, HostSpec, WorldSpec, chain
from labkit.world.chain import ZONES

SUBMIT, RELAY, MX1, MX2, STORE = (
    "submit.sender.example", "relay.sender.example", "mx1.receiver.example", "mx2.receiver.example",
    "store.receiver.example",
)  # fmt: skip
ALICE, BOB, CAROL = "alice@sender.example", "bob@receiver.example", "carol@receiver.example"
TEXT = "Subject: Lunch\n\nAt one?"
BOTH = pytest.mark.parametrize("transport", ["memory", "loopback"])


def play(
    story: Callable[[AsyncWorld], Awaitable[Any]], spec: WorldSpec | None = None, transport: Any = "memory"
) -> Any:
    """Run a story in a world; nothing may have gone wrong inside."""

    async def run() -> Any:
        async with asyncio.timeout(60), AsyncWorld(spec or chain(), transport=transport) as world:
            outcome = await story(world)
            await world.settle()
            assert {host.name: host.errors for host in world.hosts if host.errors} == {}
            return outcome

    return asyncio.run(run())


async def send(world: AsyncWorld, *recipients: str, sender: str = ALICE, text: str = TEXT) -> str:
    """Hand in and wait; the Message-ID."""
    handed = await world.submit(text, sender=sender, recipients=recipients or (BOB,))
    assert handed.delivered
    await world.settle()
    return handed.message_id


def kinds(trail: tuple[Movement, ...]) -> list[str]:
    return [f"{one.kind} {one.to.partition('.')[0]}" for one in trail]


def stored(world: AsyncWorld, address: str = BOB) -> list[str]:
    return [message.text for message in world.mailbox(address).messages]


@BOTH
def test_from_alice_to_bob(transport: str) -> None:
    async def story(world: AsyncWorld) -> None:
        trail = world.trail(await send(world))
        assert kinds(trail) == [
            "submitted submit", "accepted relay", "delivered relay", "accepted mx1", "delivered mx1",
            "accepted store", "stored store", "delivered store",
        ]  # fmt: skip
        assert [one.seq for one in trail] == list(range(1, 9))
        assert {one.recipients for one in trail} == {(BOB,)}
        (message,) = world.mailbox(BOB)
        assert message.text.count("Return-Path:") == 1
        assert message.text.startswith("Return-Path: <alice@sender.example>\r\n")
        received = [line for line in message.text.splitlines() if line.startswith(("Received:", "\tby"))]
        assert received == [
            f"Received: from {MX1} ([198.51.100.10])", f"\tby {STORE} with ESMTP id {trail[5].queue_id}",
            f"Received: from {RELAY} ([192.0.2.20])", f"\tby {MX1} with ESMTP id {trail[3].queue_id}",
            f"Received: from {SUBMIT} ([192.0.2.10])", f"\tby {RELAY} with ESMTP id {trail[1].queue_id}",
            "Received: from client.sender.example ([127.0.0.1])", f"\tby {SUBMIT} with ESMTP id {trail[0].queue_id}",
        ]  # fmt: skip
        for movement in trail:  # each names its session, and the session says so
            assert movement.connection is not None
            session = world.host(movement.to).sessions[movement.connection - 1]
            assert session.closed
            assert session.port == movement.port
            said = [event.data for event in session.transcript if event.sender == "S"]
            assert (movement.reply + "\r\n").encode() in said or movement.kind == "stored"
        assert [len(host.sessions) for host in world.hosts] == [1, 1, 1, 0, 1]
        assert [len(host.queue) for host in world.hosts] == [0] * 5
        # only the first host, with its own mail programs, hears from a program
        assert [
            world.around.caller(one.peer, host.name, one.port)
            for host in world.hosts
            for one in host.sessions
        ] == [None] * 4

    play(story, transport=transport)


def test_the_same_twice_to_the_octet() -> None:
    async def story(world: AsyncWorld) -> list[object]:
        for recipients in ((BOB, CAROL), ("nobody@receiver.example", BOB), ("x@missing.example",)):
            await send(world, *recipients)
        for _ in range(3):
            await world.submit(TEXT, sender=ALICE, recipients=[BOB])
        await world.clock.advance(hours=1)
        sessions = [session.transcript.to_json() for host in world.hosts for session in host.sessions]
        logs = [str(line) for host in world.hosts for line in host.log]
        return [sessions, logs, world.movements, str(world.zones.log), stored(world, ALICE)]

    first = play(story)
    assert first == play(story)
    over_tcp = play(story, transport="loopback")
    assert first[1:4] == over_tcp[1:4]


def test_handing_in_completes_or_sends_exactly() -> None:
    async def story(world: AsyncWorld) -> None:
        await world.submit("no header at all", sender=ALICE, recipients=[BOB])
        await world.submit("Subject: as it is\n\nx", sender=ALICE, recipients=[BOB], exact=True)
        await world.settle()
        first, second = world.mailbox(BOB)
        assert (first.parsed["From"], first.parsed["To"]) == (ALICE, BOB)
        assert first.parsed["Message-ID"] == "<1.20260105090000@sender.example>"
        assert second.subject == "as it is"  # and the submission server added what was missing
        assert second.parsed["From"] == ALICE
        assert second.parsed["Message-ID"].endswith(f"@{SUBMIT}>")
        assert any("Message-ID was missing" in str(line) for line in world.host(SUBMIT).log)

    play(story)


@BOTH
def test_with_a_login(transport: str) -> None:
    spec = chain(hosts={SUBMIT: {"trusted": False}})

    async def story(world: AsyncWorld) -> None:
        refused = await world.submit(TEXT, sender=ALICE, recipients=[BOB])
        assert str(refused.decided.reply) == "530 5.7.0 Authentication required"
        handed = await world.submit(TEXT, sender=ALICE, recipients=[BOB], user="alice")
        assert handed.delivered
        await world.settle()
        assert "with ESMTPSA id" in stored(world)[0]
        with pytest.raises(KeyError, match="no account mallory"):
            await world.submit(TEXT, sender=ALICE, recipients=[BOB], user="mallory")

    play(story, spec, transport)


# refusals and notices


def test_no_mailbox_comes_back_from_the_relay() -> None:
    async def story(world: AsyncWorld) -> None:
        message_id = await send(world, "bpb@receiver.example", BOB)
        assert len(stored(world)) == 1
        trail = world.trail(message_id)
        assert Counter(kinds(trail)[3:]) == Counter([
            "refused mx1", "accepted mx1", "delivered mx1", "stored relay", "bounced mx1", "accepted store",
            "stored store", "delivered store",
        ])  # fmt: skip
        (notice,) = world.mailbox(ALICE)
        assert notice.text.startswith("Return-Path: <>\r\n")
        report = dsn.read(notice.as_received)
        assert report is not None
        (fate,) = report.fates
        assert (fate.recipient, fate.action, fate.status, fate.remote) == (
            "bpb@receiver.example", "failed", "5.1.1", MX1,
        )  # fmt: skip
        assert report.message_id == message_id
        told = next(one for one in trail if one.about)
        assert (told.kind, told.to, told.about) == ("stored", RELAY, message_id)

    play(story)


def test_never_a_notice_about_a_notice() -> None:
    async def story(world: AsyncWorld) -> None:
        message_id = await send(world, "bpb@receiver.example", sender="")
        assert kinds(world.trail(message_id))[-1] == "bounced mx1"
        assert "nobody to tell" in world.trail(message_id)[-1].why
        assert [len(box) for host in world.hosts for box in host.mailboxes if len(box)] == []

    play(story)


def test_a_notice_that_cannot_be_delivered_ends_there() -> None:
    async def story(world: AsyncWorld) -> None:
        await send(world, "bpb@receiver.example", sender="ghost@sender.example")
        bounced = [one for one in world.movements if one.kind == "bounced"]
        assert sorted(one.reply for one in bounced) == [
            "550 5.1.1 No mailbox <bpb@receiver.example> here",
            "550 5.1.1 No mailbox <ghost@sender.example> here",
        ]
        assert not any(len(host.queue) for host in world.hosts)

    play(story)


@pytest.mark.parametrize(
    ("address", "reply"),
    [
        ("x@missing.example", "550 5.1.2"),
        ("x@null.example", "556 5.1.10"),
        ("x@bare.example", "550 5.4.4"),
        ("x@loop.example", "554 5.4.6"),
        ("x@[192.0.2.99]", ""),
        ("x@dark.example", ""),
    ],
)
def test_what_routing_alone_decides(address: str, reply: str) -> None:
    zones = f"""{ZONES}
$ORIGIN null.example.
@ MX 0 .
$ORIGIN bare.example.
@ TXT "no mail"
$ORIGIN loop.example.
@ MX 10 {RELAY}.
$ORIGIN dark.example.
@ MX 10 mail
mail A 203.0.113.99
"""

    async def story(world: AsyncWorld) -> None:
        message_id = await send(world, address)
        trail = world.trail(message_id)
        if reply:
            assert trail[-1].kind == "bounced"
            assert trail[-1].reply.startswith(reply)
            report = dsn.read(world.mailbox(ALICE)[0].as_received)
            assert report is not None
            assert report.fates[0].status == reply.partition(" ")[2]
            assert report.fates[0].remote == ""
        else:
            assert trail[-1].kind == "deferred"
            assert "nobody answers" in trail[-1].why
            assert len(world.host(RELAY).queue) == 1

    play(story, chain(zones=zones))


def test_dns_without_an_answer_waits_and_then_goes_on() -> None:
    async def story(world: AsyncWorld) -> None:
        fault = world.zones.fault("receiver.example", "MX", "servfail")
        message_id = await send(world)
        assert world.trail(message_id)[-1].reply.startswith("451 4.4.3")
        await world.clock.advance(minutes=30)
        assert len(stored(world)) == 0
        fault.off()
        await world.clock.advance(hours=1)
        assert len(stored(world)) == 1

    play(story)


# next hops


@BOTH
def test_the_second_mx_when_the_first_is_down(transport: str) -> None:
    async def story(world: AsyncWorld) -> None:
        await world.host(MX1).stop()
        trail = world.trail(await send(world))
        assert "deferred mx1" in kinds(trail)
        assert "accepted mx2" in kinds(trail)
        assert len(stored(world)) == 1

    play(story, transport=transport)


def test_the_second_mx_when_the_first_says_later_but_not_when_it_says_no() -> None:
    async def story(world: AsyncWorld) -> None:
        world.host(MX1).switch_on("greylisting")
        await send(world)
        assert len(stored(world)) == 1
        world.host(MX1).switch_off("greylisting")
        world.host(MX1).switch_on("no_such_user", addresses=("carol",))
        trail = world.trail(await send(world, CAROL))
        assert "bounced mx1" in kinds(trail)
        assert not any("mx2" in kind for kind in kinds(trail))

    play(story)


def test_equal_preference_is_shared() -> None:
    async def story(world: AsyncWorld) -> None:
        for _ in range(40):
            await send(world)
        first, second = (len(world.host(name).sessions) for name in (MX1, MX2))
        assert first + second == 40
        assert 8 < first < 32
        assert len(stored(world)) == 40

    play(story, chain(zones=ZONES.replace("MX   20 mx2", "MX   10 mx2")))


def test_one_transaction_for_all_recipients_of_a_hop() -> None:
    async def story(world: AsyncWorld) -> None:
        await send(world, BOB, CAROL, "dave@receiver.example", "alice@sender.example")
        texts = {host.name: host.sessions[0].transcript.to_text() for host in world.hosts if host.sessions}
        assert {name: text.count("C: RCPT TO") for name, text in texts.items()} == {
            SUBMIT: 4, RELAY: 4, MX1: 3, STORE: 3,
        }  # fmt: skip
        assert {text.count("C: DATA") for text in texts.values()} == {1}
        for address in (BOB, CAROL, "dave@receiver.example", ALICE):
            assert len(world.mailbox(address)) == 1
        assert "for <" not in stored(world)[0]  # RFC 5321 section 7.2

    play(story)


def test_1100_recipients_counted_per_hop() -> None:
    people = tuple(f"p{number}" for number in range(1100))
    addresses = [f"{name}@receiver.example" for name in people]
    spec = chain(
        hosts={
            MX1: {"knows": (), "recipient_limit": 500},
            STORE: {"mailboxes": people, "recipient_limit": 100},
        }
    )

    async def story(world: AsyncWorld) -> None:
        handed = await world.submit(TEXT, sender=ALICE, recipients=addresses)
        assert len(handed.accepted) == 1100
        await world.settle()
        counts = {}
        for host in world.hosts:
            text = "".join(session.transcript.to_text() for session in host.sessions)
            counts[host.name] = (text.count("C: DATA"), text.count("452 4.5.3"), len(host.sessions))
        assert counts == {
            SUBMIT: (1, 0, 1), RELAY: (1, 0, 1), MX1: (3, 2, 1), MX2: (0, 0, 0), STORE: (11, 8, 1),
        }  # fmt: skip
        assert all(len(world.mailbox(address)) == 1 for address in addresses)

    play(story, spec)


def test_one_session_for_many_messages_and_quit_at_the_end() -> None:
    async def story(world: AsyncWorld) -> None:
        world.hold()
        for _ in range(5):
            await world.submit(TEXT, sender=ALICE, recipients=[BOB])
        assert len(world.host(SUBMIT).queue) == 5
        assert not world.host(RELAY).sessions
        world.release()
        await world.settle()
        for name in (RELAY, MX1, STORE):
            (session,) = world.host(name).sessions
            assert session.transcript.to_text().count("C: MAIL FROM") == 5
            assert session.transcript.to_text().count("C: QUIT") == 1
        assert len(stored(world)) == 5

    play(story)


# loops, relays, strangers


def test_a_loop_ends_at_the_hop_limit() -> None:
    spec = chain(
        hosts={
            MX1: {"hop_limit": 8},
            STORE: {"roles": ("mx",), "mailboxes": (), "next_hops": {"receiver.example": MX1}},
        }
    )

    async def story(world: AsyncWorld) -> None:
        trail = world.trail(await send(world))
        looped = next(one for one in trail if one.kind == "looped")
        assert looped.reply == "554 5.4.6 This message has passed 8 hosts already: it goes in circles"
        report = dsn.read(world.mailbox(ALICE)[0].as_received)
        assert report is not None
        assert report.fates[0].status == "5.4.6"
        assert not any(len(host.queue) for host in world.hosts)

    play(story, spec)


def test_strangers_may_not_relay_but_an_open_relay_lets_them() -> None:
    script = [
        "EHLO spam.test",
        "MAIL FROM:<x@spam.test>",
        f"RCPT TO:<{BOB}>",
        "DATA",
        "Subject: x",
        "",
        ".",
        "QUIT",
    ]

    async def closed(world: AsyncWorld) -> None:
        transcript = await world.play(script, host=RELAY)
        assert "S: 550 5.7.1 Relaying denied: receiver.example is not served here" in transcript.to_text()
        await world.settle()
        assert stored(world) == []

    async def opened(world: AsyncWorld) -> None:
        await world.play(script, host=RELAY)
        await world.settle()
        assert len(stored(world)) == 1

    play(closed)
    play(opened, chain(hosts={RELAY: {"open_relay": True}}))


def test_who_relays_is_known_by_its_address_not_by_its_name() -> None:
    async def story(world: AsyncWorld) -> None:
        transcript = await world.play(
            [f"EHLO {SUBMIT}", "MAIL FROM:<x@spam.test>", f"RCPT TO:<{BOB}>", "QUIT"], host=RELAY
        )
        assert "550 5.7.1" in transcript.to_text()

    play(story)


# going down and coming up


@BOTH
def test_only_messages_behind_a_dead_host_wait(transport: str) -> None:
    zones = ZONES + "\n$ORIGIN other.example.\n@ MX 10 mx\nmx A 203.0.113.10\n"
    spec = chain(zones=zones, hosts={"mx.other.example": {"mailboxes": ("eve",)}})

    async def story(world: AsyncWorld) -> None:
        await world.host(STORE).stop()
        await send(world, BOB, "eve@other.example")
        assert len(stored(world, "eve@other.example")) == 1
        assert stored(world) == []
        assert [len(host.queue) for host in world.hosts] == [0, 0, 1, 0, 0, 0]
        (item,) = world.host(MX1).queue.items
        assert [attempt.outcome for attempt in item.attempts] == ["deferred"]
        await world.clock.advance(minutes=30)
        assert stored(world) == []
        await world.host(STORE).start()
        await world.clock.advance(hours=1)
        assert len(stored(world)) == 1
        (gone,) = world.host(MX1).queue.finished
        assert [attempt.time for attempt in gone.attempts] == [0, 1800, 5400]
        assert gone.attempts[-1].outcome == "delivered"

    play(story, spec, transport)


def test_a_host_that_is_down_keeps_its_queue_and_goes_on_later() -> None:
    async def story(world: AsyncWorld) -> None:
        world.zones.fault("receiver.example", "MX", "timeout")
        await send(world)
        await world.host(RELAY).stop()
        world.zones.clear_faults()
        await world.clock.advance(days=1)
        assert len(world.host(RELAY).queue) == 1
        assert stored(world) == []
        await world.host(RELAY).start()
        await world.settle()
        assert len(stored(world)) == 1

    play(story)


@pytest.mark.parametrize("stage", ["connect", "greeting", "EHLO", "MAIL", "RCPT", "DATA", "text"])
@BOTH
def test_lost_at_any_stage_before_it_is_kept(stage: str, transport: str) -> None:
    async def story(world: AsyncWorld) -> None:
        for name in (MX1, MX2):
            world.host(name).switch_on("connection_lost", stage=stage)
        message_id = await send(world)
        assert world.trail(message_id)[-1].kind == ("lost" if stage == "text" else "deferred")
        for name in (MX1, MX2):
            world.host(name).switch_off("connection_lost")
        await world.clock.advance(hours=2)
        assert len(stored(world)) == 1

    play(story, transport=transport)


def test_a_lost_reply_doubles_the_message() -> None:
    async def story(world: AsyncWorld) -> None:
        world.host(MX1).switch_on("connection_lost", stage="accepted", times=1)
        message_id = await send(world)
        assert [one.kind for one in world.trail(message_id)].count("lost") == 1
        assert len(stored(world)) == 1
        await world.clock.advance(hours=1)
        assert len(stored(world)) == 2

    play(story)


def test_421_in_a_session_that_was_kept_open() -> None:
    """The session is over; the message goes again at once in a new one (RFC 5321 section 3.8)."""

    async def story(world: AsyncWorld) -> None:
        world.hold()
        for _ in range(3):
            await world.submit(TEXT, sender=ALICE, recipients=[BOB])
        world.host(STORE).switch_on("rate_limit", messages=2, per=60)
        world.release()
        await world.settle()
        await world.clock.advance(hours=2)
        assert len(stored(world)) == 3

    play(story)


# retries and the end of patience


def test_tried_by_the_rule_and_returned_at_the_end() -> None:
    rule = RetryRule(first=600, factor=2, longest=3600, give_up_after=7200)
    spec = chain(hosts={RELAY: {"retry": rule}})

    async def story(world: AsyncWorld) -> None:
        for name in (MX1, MX2):
            await world.host(name).stop()
        message_id = await send(world)
        assert [due.when for due in world.clock.pending()] == [600]
        await world.clock.advance(hours=3)
        (item,) = world.host(RELAY).queue.finished
        assert sorted({attempt.time for attempt in item.attempts}) == [0, 600, 1800, 4200, 7200]
        assert sorted({attempt.time for attempt in item.attempts}) == list(rule.times())
        assert [one.kind for one in world.trail(message_id)][-1] == "expired"
        report = dsn.read(world.mailbox(ALICE)[0].as_received)
        assert report is not None
        assert (report.fates[0].status, report.fates[0].action) == ("4.4.7", "failed")
        assert world.clock.pending() == ()

    play(story, spec)


def test_some_recipients_later_some_never_some_now() -> None:
    async def story(world: AsyncWorld) -> None:
        for name in (MX1, MX2):
            world.host(name).switch_on("greylisting", wait=300)
        await send(world, BOB)
        await world.clock.advance(minutes=31)
        assert len(stored(world)) == 1
        message_id = await send(world, BOB, CAROL, "nobody@receiver.example")
        assert len(stored(world)) == 2  # Bob's triplet is known by now
        assert len(stored(world, CAROL)) == 0
        assert len(stored(world, ALICE)) == 0  # not even known to be missing yet
        await world.clock.advance(minutes=31)
        assert len(stored(world, CAROL)) == 1
        assert len(stored(world)) == 2
        assert len(stored(world, ALICE)) == 1
        assert not any(one.kind == "expired" for one in world.trail(message_id))

    play(story)


def test_five_days_without_an_answer_in_two_seconds() -> None:
    async def story(world: AsyncWorld) -> float:
        for name in (MX1, MX2):
            await world.host(name).stop()
        world.hold()
        for _ in range(100):
            await world.submit(TEXT, sender=ALICE, recipients=[BOB])
        world.release()
        await world.settle()
        begin = time.process_time()
        await world.clock.advance(days=6)
        took = time.process_time() - begin
        assert len(world.mailbox(ALICE)) == 100
        assert not any(len(host.queue) for host in world.hosts)
        return took

    assert play(story) < 2


# a stranger among the hosts


def test_an_mx_that_is_aiosmtpds_own_controller() -> None:
    from aiosmtpd.controller import Controller

    taken: list[tuple[str, list[str], bytes]] = []

    class Keep:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            taken.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
            return "250 Message accepted for delivery"

    async def story(world: AsyncWorld) -> None:
        controller = Controller(Keep(), hostname="127.0.0.1", port=free_port())
        controller.start()
        try:
            await world.host(MX1).stop()
            with pytest.raises(OSError, match="already listening"):
                world.outside(STORE, controller.port)
            end = world.outside(MX1, controller.port)
            message_id = await send(world, BOB, CAROL)
            ((sender, recipients, content),) = taken
            assert (sender, recipients) == (ALICE, [BOB, CAROL])
            assert content.count(b"Received:") == 2
            trail = world.trail(message_id)
            assert kinds(trail) == ["submitted submit", "accepted relay", "delivered relay", "delivered mx1"]
            assert trail[-1].reply == "250 Message accepted for delivery"
            assert trail[-1].connection is None
            end()
            await world.host(MX1).start()
            await send(world)
            assert len(stored(world)) == 1
        finally:
            controller.stop()

    play(story, transport="loopback")


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# DSN on request


def test_success_delay_and_never(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = RetryRule(first=1800, give_up_after=86400, warn_after=3600)
    spec = chain(hosts={MX1: {"retry": rule}})

    async def story(world: AsyncWorld) -> None:
        await world.host(STORE).stop()
        await world.play(
            [
                "EHLO client.sender.example",
                "MAIL FROM:<alice@sender.example> RET=HDRS ENVID=QQ+2B1",
                f"RCPT TO:<{BOB}> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;robert@receiver.example",
                f"RCPT TO:<{CAROL}> NOTIFY=NEVER",
                "DATA", "Message-ID: <1@sender.example>", "Subject: x", "", "y", ".", "QUIT",
            ],
            host=SUBMIT,
        )  # fmt: skip
        await world.settle()
        await world.clock.advance(hours=2)
        await world.host(STORE).start()
        await world.clock.advance(hours=4)
        reports = [dsn.read(message.as_received) for message in world.mailbox(ALICE)]
        assert [
            (report.fates[0].action, report.fates[0].recipient, report.envid, report.whole, report.host)
            for report in reports
            if report is not None
        ] == [("delayed", BOB, "QQ+1", False, MX1), ("delivered", BOB, "QQ+1", False, STORE)]
        assert reports[0] is not None
        assert reports[0].fates[0].original == "rfc822;robert@receiver.example"

    play(story, spec)


def test_relayed_to_a_host_without_dsn() -> None:
    spec = chain(hosts={MX1: {"ehlo": ("SIZE", "8BITMIME")}})

    async def story(world: AsyncWorld) -> None:
        await world.play(
            ["EHLO client.sender.example", "MAIL FROM:<alice@sender.example>", f"RCPT TO:<{BOB}> NOTIFY=SUCCESS",
             "DATA", "Subject: x", "", "y", ".", "QUIT"],
            host=SUBMIT,
        )  # fmt: skip
        await world.settle()
        (report,) = [dsn.read(message.as_received) for message in world.mailbox(ALICE)]
        assert report is not None
        assert (report.fates[0].action, report.host) == ("relayed", RELAY)
        assert "NOTIFY" not in world.host(MX1).sessions[0].transcript.to_text()

    play(story, spec)


# what a hop does not offer


@pytest.mark.parametrize(
    ("ehlo", "text", "reply"),
    [
        (("SIZE", "ENHANCEDSTATUSCODES"), "Subject: x\n\nGr\u00fc\u00dfe", "554 5.6.3"),
        (("SIZE 600", "8BITMIME"), "Subject: x\n\n" + "x" * 500, "552 5.3.4"),
    ],
)
def test_a_message_that_the_next_hop_cannot_take(ehlo: tuple[str, ...], text: str, reply: str) -> None:
    spec = chain(hosts={MX1: {"ehlo": ehlo}, MX2: {"ehlo": ehlo}})

    async def story(world: AsyncWorld) -> None:
        trail = world.trail(await send(world, text=text))
        assert trail[-1].kind == "bounced"
        assert trail[-1].reply.startswith(reply)
        assert "C: MAIL" not in world.host(MX1).sessions[0].transcript.to_text()

    play(story, spec)


def test_a_hop_that_knows_no_ehlo_gets_helo() -> None:
    async def story(world: AsyncWorld) -> None:
        world.host(MX1).switch_on("no_extension")
        await send(world)
        text = world.host(MX1).sessions[0].transcript.to_text()
        assert f"C: HELO {RELAY}" in text
        assert f"C: MAIL FROM:<{ALICE}>\n" in text
        assert f"by {MX1} with SMTP id" in stored(world)[0]

    play(story)


# specs


def test_specs_that_make_no_world() -> None:
    with pytest.raises(ValueError, match="each host once"):
        AsyncWorld(HostSpec("a.test"), HostSpec("A.test"))
    with pytest.raises(ValueError, match="one WorldSpec"):
        AsyncWorld(chain(), HostSpec("a.test"))
    with pytest.raises(KeyError, match="no fault"):
        AsyncWorld(chain(faults={MX1: ("gremlins",)}))
    with pytest.raises(KeyError, match="no host"):
        AsyncWorld(chain(faults={"mx9.receiver.example": ("greylisting",)}))


def test_faults_of_the_spec_are_on() -> None:
    world = AsyncWorld(chain(faults={MX1: ("greylisting",)}))
    assert [fault.name for fault in world.host(MX1).active_faults] == ["greylisting"]


def test_a_host_writes_down_what_it_does() -> None:
    async def story(world: AsyncWorld) -> None:
        await send(world, BOB, "bpb@receiver.example")
        logs = {host.name: [line.text for line in host.log] for host in world.hosts}
        assert logs[MX1][0] == (
            f"refused the recipient bpb@receiver.example, from {RELAY}: 550 5.1.1 No mailbox <bpb@receiver.example> here"
        )
        assert logs[MX1][1].startswith(f"taken from {RELAY} for {BOB}: 250 2.0.0 OK: queued as ")
        assert any("returned to sender, bpb@receiver.example: 550 5.1.1" in text for text in logs[RELAY])
        assert logs[STORE][-1] == f"stored in the mailbox {BOB}"

    play(story)


def test_nobody_is_taken_for_a_host_after_it_has_left() -> None:
    async def story(world: AsyncWorld) -> None:
        for stage in ("connect", "greeting", "text"):
            world.host(MX1).switch_on("connection_lost", stage=stage)
            await send(world)
            world.host(MX1).switch_off("connection_lost")
            await world.clock.advance(hours=2)
        assert world.around._callers == {}

    for transport in ("memory", "loopback"):
        play(story, transport=transport)


def test_smtplib_hands_in_and_the_chain_carries_on() -> None:
    import smtplib

    from labkit.world import World

    with World.open(chain()) as world:
        address = world.address(SUBMIT, 587)
        assert address is not None
        with smtplib.SMTP(*address, timeout=10) as client:
            for number in range(20):
                client.sendmail(ALICE, [BOB, CAROL], f"Subject: {number}\n\n.x\n")
        world.settle()
        assert [message.subject for message in world.mailbox(BOB)] == [str(number) for number in range(20)]
        assert world.mailbox(CAROL)[0].text.endswith("\r\n\r\n.x\r\n")


def test_a_program_is_not_taken_for_a_host_because_of_its_port() -> None:
    """One local port may lead to several servers at a time: only both ends together tell who it is."""

    async def story(world: AsyncWorld) -> None:
        hop = NextHop(MX1, 10, "198.51.100.10")
        session = Outgoing(hop, 25)
        await session.open(world.around, RELAY)
        peer = world.host(MX1).sessions[0].peer
        assert world.around.caller(peer, MX1, 25) == RELAY
        assert world.around.caller(peer, SUBMIT, 587) is None
        world.around.forget(peer, SUBMIT, 587)  # the other one hangs up first
        assert world.around.caller(peer, MX1, 25) == RELAY
        await session.quit()
        assert world.around.caller(peer, MX1, 25) is None

    for transport in ("memory", "loopback"):
        play(story, transport=transport)
