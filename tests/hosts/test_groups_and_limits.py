"""Commands said in one go (RFC 2920), limits that are announced (RFC 9422), and two refusals that are a host's choice."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from labkit.hosts import dsn
from labkit.hosts.fault import Fault
from labkit.hosts.faults import make_fault
from labkit.smtp.session import observe
from labkit.world import Admd, AsyncWorld, HostSpec, WorldSpec, chain, receiver
from labkit.world.chain import PEOPLE, ZONES

SUBMIT, RELAY, MX1, STORE = (
    "submit.sender.example", "relay.sender.example", "mx1.receiver.example", "store.receiver.example",
)  # fmt: skip
ALICE, BOB, CAROL = "alice@sender.example", "bob@receiver.example", "carol@receiver.example"
EHLO = ("PIPELINING", "SIZE", "8BITMIME", "ENHANCEDSTATUSCODES", "LIMITS")
ONE_MX = ZONES.replace("@         MX   20 mx2", "")
MANY = tuple(f"u{number}" for number in range(12))


def play(story: Callable[[AsyncWorld], Awaitable[Any]], spec: WorldSpec, transport: str = "memory") -> Any:
    async def run() -> Any:
        async with asyncio.timeout(60), AsyncWorld(spec, transport=transport) as world:  # type: ignore[arg-type]
            done = await story(world)
            for host in world.hosts:
                assert host.errors == []
                for session in host.sessions:
                    assert all(note.agrees for note in observe(session.transcript)), (
                        session.transcript.to_text()
                    )
            return done

    return asyncio.run(run())


def pipelined(zones: str = ONE_MX, **mx: Any) -> WorldSpec:
    return chain(zones=zones, hosts={RELAY: {"pipelines": True}, MX1: mx})


async def send(world: AsyncWorld, *recipients: str, sender: str = ALICE) -> str:
    handed = await world.submit("Subject: x\n\n.x\n", sender=sender, recipients=recipients)
    await world.settle()
    return handed.message_id


def verbs(world: AsyncWorld, host: str = MX1) -> list[list[str]]:
    """For each session what both sides said: of each line the verb or the code."""
    return [
        [event.data.decode()[:4].strip() for event in session.transcript if event.data]
        for session in world.host(host).sessions
    ]


# commands in one go


def test_mail_rcpt_and_data_in_one_go() -> None:
    async def story(world: AsyncWorld) -> None:
        await send(world, BOB, CAROL)
        (session,) = verbs(world)
        group = session[session.index("MAIL") :]
        assert group[:8] == ["MAIL", "RCPT", "RCPT", "DATA", "250", "250", "250", "354"]
        assert [len(world.mailbox(one)) for one in (BOB, CAROL)] == [1, 1]
        assert world.mailbox(BOB)[0].raw.endswith(b"\r\n\r\n.x\r\n")

    play(story, pipelined())


def test_one_at_a_time_unless_it_is_offered_and_wanted() -> None:
    async def story(world: AsyncWorld) -> None:
        await send(world, BOB)
        (session,) = verbs(world)
        assert session[session.index("MAIL") :][:4] == ["MAIL", "250", "RCPT", "250"]

    play(story, chain(zones=ONE_MX))
    play(story, pipelined(ehlo=("ENHANCEDSTATUSCODES",)))


def test_nobody_was_accepted() -> None:
    """CASES smtp-11: all three replies are read, and the session serves the next message (RFC 2920 section 3.1)."""

    async def story(world: AsyncWorld) -> None:
        world.hold()
        for name in ("gone", "bob"):
            await world.submit("Subject: x\n\nx", sender=ALICE, recipients=[f"{name}@receiver.example"])
        world.release()
        await world.settle()
        (session,) = verbs(world)
        group = session[session.index("MAIL") :]
        assert group[:9] == ["MAIL", "RCPT", "DATA", "250", "550", "554", "RSET", "250", "MAIL"]
        assert len(world.mailbox(BOB)) == 1

    play(story, pipelined())


def test_354_although_nobody_was_accepted() -> None:
    """There are such servers (RFC 2920 section 1); they get a dot and no text (section 3.1)."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers = {b"EHLO": b"250-odd\r\n250 PIPELINING", b"RCPT": b"550 5.1.1 no", b"DATA": b"354 go"}
        writer.write(b"220 odd\r\n")
        while line := await reader.readline():
            heard.append(line[:4])
            writer.write(answers.get(line[:4], b"250 ok") + b"\r\n")
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server, AsyncWorld(pipelined()) as world:
            await world.host(MX1).stop()
            world.outside(MX1, server.sockets[0].getsockname()[1])
            await send(world, BOB)
            assert len(world.mailbox(ALICE)) == 1  # a failure notice

    asyncio.run(run())
    assert heard == [b"EHLO", b"MAIL", b"RCPT", b"DATA", b".\r\n", b"RSET", b"QUIT"]


FAULTS: list[Callable[[], Fault]] = [
    lambda: make_fault("fixed_reply", stage="MAIL", code=451),
    lambda: make_fault("fixed_reply", stage="MAIL", code=550),
    lambda: make_fault("fixed_reply", stage="RCPT", code=421),
    lambda: make_fault("fixed_reply", stage="DATA", code=554),
    lambda: make_fault("fixed_reply", stage="text", code=452),
    lambda: make_fault("too_many_recipients", limit=2),
    lambda: make_fault("too_many_recipients", limit=2, permanent=True),
    lambda: make_fault("mailbox_full", addresses=("carol",)),
    lambda: make_fault("rate_limit", messages=1, per=600),
    lambda: make_fault("shutting_down", stage="DATA"),
    lambda: make_fault("connection_lost", stage="RCPT", times=1),
    lambda: make_fault("connection_lost", stage="DATA", times=1),
    lambda: make_fault("connection_lost", stage="accepted", times=1),
]


def test_what_becomes_of_the_mail_is_the_same_in_one_go(size: Callable[[int, int], int]) -> None:
    """Random faults and recipients: the same mailboxes and the same notices, whether commands go singly or in groups."""

    async def story(seed: int, world: AsyncWorld) -> tuple[object, ...]:
        chance = random.Random(seed)
        for _ in range(3):
            if chance.random() < 0.7:
                world.host(chance.choice((MX1, STORE))).switch_on(chance.choice(FAULTS)())
            people = [f"{name}@receiver.example" for name in (*PEOPLE, "gone", "nobody")]
            await world.submit(
                "Subject: x\n\nx", sender=ALICE, recipients=chance.sample(people, chance.randrange(1, 6))
            )
        await world.settle()
        for host in world.hosts:
            for fault in host.active_faults:
                host.switch_off(fault.name)
        await world.clock.advance(days=6)
        boxes = {
            name: sorted(m.parsed["Message-ID"] for m in world.mailbox(f"{name}@receiver.example"))
            for name in PEOPLE
        }
        reports = [dsn.read(message.as_received) for message in world.mailbox(ALICE)]
        told = sorted((r.message_id, fate.recipient) for r in reports if r is not None for fate in r.fates)
        return boxes, told, [len(host.queue) for host in world.hosts]

    for seed in range(size(4, 400)):
        singly = play(lambda world, seed=seed: story(seed, world), chain(zones=ONE_MX))
        grouped = play(lambda world, seed=seed: story(seed, world),
                       chain(zones=ONE_MX, hosts={name: {"pipelines": True} for name in (SUBMIT, RELAY, MX1)}))  # fmt: skip
        assert singly == grouped, seed


# limits


def limited(**limits: int) -> WorldSpec:
    zones = (
        ONE_MX
        + "\n$ORIGIN other.example.\n@ MX 10 mx1.receiver.example.\n$ORIGIN third.example.\n@ MX 10 mx1.receiver.example.\n"
    )
    domains = ("receiver.example", "other.example", "third.example")
    people = tuple(f"{name}@{domain}" for domain in domains for name in (*PEOPLE, *MANY))
    return chain(
        zones=zones,
        hosts={
            MX1: {"ehlo": EHLO, "next_hops": dict.fromkeys(domains, STORE), "knows": (), **limits},
            STORE: {"domains": domains, "mailboxes": people},
        },
    )


def test_all_three_limits_are_announced() -> None:
    async def story(world: AsyncWorld) -> None:
        await send(world, BOB)
        assert b"250-LIMITS MAILMAX=2 RCPTMAX=3 RCPTDOMAINMAX=1\r\n" in [
            e.data for e in world.host(MX1).sessions[0].transcript
        ]

    play(story, limited(mail_limit=2, recipient_limit=3, domain_limit=1))

    async def none(world: AsyncWorld) -> None:
        await send(world, BOB)
        assert "LIMITS" not in world.host(MX1).sessions[0].transcript.to_text()

    play(none, limited())


def test_mailmax_makes_a_new_session() -> None:
    async def story(world: AsyncWorld) -> None:
        world.hold()
        for _ in range(5):
            await world.submit("Subject: x\n\nx", sender=ALICE, recipients=[BOB])
        world.release()
        await world.settle()
        assert [session.count("MAIL") for session in verbs(world)] == [2, 2, 1]
        assert not any(one.kind == "deferred" for one in world.movements)
        assert len(world.mailbox(BOB)) == 5

    play(story, limited(mail_limit=2))


def test_rcptdomainmax_makes_a_new_session() -> None:
    async def story(world: AsyncWorld) -> None:
        await send(world, BOB, "bob@other.example", CAROL, "carol@third.example", "carol@other.example")
        told = [[line.split("@")[1][:5] for line in text.splitlines() if "RCPT TO" in line]
                for text in (session.transcript.to_text() for session in world.host(MX1).sessions)]  # fmt: skip
        assert told == [["recei", "other", "recei", "other"], ["third"]]
        assert not any(one.kind == "deferred" for one in world.movements)
        assert "452" not in "".join(session.transcript.to_text() for session in world.host(MX1).sessions)
        assert len(world.mailbox("carol@third.example")) == 1

    play(story, limited(domain_limit=2))


def test_who_does_not_heed_the_limits_is_told() -> None:
    async def story(world: AsyncWorld) -> list[str]:
        mail, rcpt = f"MAIL FROM:<{ALICE}>", "RCPT TO:<bob@{}>"
        transcript = await world.play(
            ["EHLO c.example", mail, rcpt.format("receiver.example"), rcpt.format("other.example"), "RSET", mail, "RSET", mail],
            host=MX1,
        )  # fmt: skip
        return [e.data.decode()[:9] for e in transcript if e.sender == "S" and e.data][-6:]

    said = play(story, limited(mail_limit=2, domain_limit=1))
    assert said == ["250 2.1.5", "452 4.5.3", "250 2.0.0", "250 2.1.0", "250 2.0.0", "421 4.3.2"]


@pytest.mark.parametrize("value", ["0", "x", "-1", "1234567", "\u00b2", "", "2;3"])
def test_a_limit_that_is_none_is_passed_over(value: str) -> None:
    """RFC 9422 section 3.7."""

    async def story(world: AsyncWorld) -> None:
        await send(world, BOB, CAROL)
        (session,) = verbs(world)
        assert session.count("MAIL") == 1

    play(
        story,
        chain(zones=ONE_MX, hosts={MX1: {"ehlo": (f"LIMITS RCPTMAX={value} OTHER", "ENHANCEDSTATUSCODES")}}),
    )


@pytest.mark.parametrize(
    ("code", "enhanced", "transactions", "bounced"),
    [(452, "4.5.3", 2, 0), (452, "", 2, 0), (552, "5.5.3", 2, 0), (552, "", 2, 0), (550, "5.5.3", 1, 1), (452, "4.2.2", 1, 0)],
)  # fmt: skip
def test_too_many_recipients_or_too_many_for_a_policy(
    code: int, enhanced: str, transactions: int, bounced: int
) -> None:
    """452 and 552 at RCPT split the recipients at once (RFC 5321 section 4.5.3.1.10); 550 is a no, and 4.2.2 a full box."""

    class Second(Fault):
        name = "second"

        def recipient(self, host: Any, server: Any, path: Any) -> Any:
            from labkit.hosts.answers import Answer

            return Answer(code, enhanced, "Too many") if server.envelope.rcpt_tos else None

    async def story(world: AsyncWorld) -> None:
        world.host(MX1).switch_on(Second())
        await send(world, BOB, CAROL)
        (session,) = verbs(world)
        assert session.count("MAIL") == transactions
        assert len(world.mailbox(ALICE)) == bounced
        waits = transactions == 1 and not bounced
        assert len(world.host(RELAY).queue) == waits
        assert len(world.mailbox(CAROL)) == (not bounced and not waits)

    play(story, chain(zones=ONE_MX))


# choices


@pytest.mark.parametrize("transport", ["memory", "loopback"])
def test_a_sender_whose_domain_takes_no_mail(transport: str) -> None:
    """RFC 7505 section 4.1; the null reverse-path is another thing (section 4.2)."""
    zones = ONE_MX + "\n$ORIGIN null.example.\n@ MX 0 .\n$ORIGIN none.example.\n@ A 192.0.2.9\n"

    async def story(world: AsyncWorld) -> list[str]:
        lines = [
            f"MAIL FROM:<{one}>"
            for one in ("a@null.example", "", "a@none.example", "a@missing.example", ALICE)
        ]
        script = ["EHLO c.example", *(line for mail in lines for line in (mail, "RSET"))]
        transcript = await world.play(script, host=MX1)
        said = [
            event.data.decode()[:10].strip() for event in transcript if event.sender == "S" and event.data
        ]
        return said[-len(script) + 1 :: 2]

    assert play(story, chain(zones=zones), transport) == ["250 2.1.0"] * 5
    strict = chain(zones=zones, hosts={MX1: {"refuse_null_mx": True}})
    assert play(story, strict, transport) == ["550 5.7.27", *["250 2.1.0"] * 4]

    async def through(world: AsyncWorld) -> None:
        message_id = await send(world, BOB, sender="a@null.example")
        assert [one.kind for one in world.trail(message_id)][-2:] == ["refused", "bounced"]
        assert len(world.mailbox(BOB)) == 0

    play(through, strict, transport)


TO_BOB = (f"MAIL FROM:<{ALICE}>", f"RCPT TO:<{BOB}>")
BARE = b"Subject: x\n\nline one\nline two\r\n"


def answers(
    world_spec: HostSpec, *script: str | bytes, transport: str = "memory"
) -> tuple[list[str], list[bytes]]:
    """The last replies to the script, and Bob's messages."""

    async def story(world: AsyncWorld) -> tuple[list[str], list[bytes]]:
        transcript = await world.play(["EHLO c.example", *script])
        said = [event.data.decode()[:9].strip() for event in transcript if event.sender == "S" and event.data]
        return said, [message.as_received for message in world.mailbox(BOB)]

    return play(story, WorldSpec((Admd("receiver.example", (world_spec,)),)), transport)  # type: ignore[no-any-return]


@pytest.mark.parametrize("transport", ["memory", "loopback"])
def test_a_text_with_bare_line_feeds_is_refused(transport: str) -> None:
    """CASES smtp-15, the strict half: 550 5.5.2, nothing is kept, and the session goes on."""
    good = ["DATA", "Subject: x", "", "\rx", "."]
    said, texts = answers(
        receiver(bare_lf="refuse"), *TO_BOB, "DATA", BARE + b".\r\n", *TO_BOB, *good, transport=transport
    )
    assert said[-5:] == ["550 5.5.2", "250 2.1.0", "250 2.1.5", "354 End d", "250 2.0.0"]
    assert texts == [b"Subject: x\r\n\r\n\rx\r\n"]


@pytest.mark.parametrize(("body", "code"), [("8BITMIME", "550 5.5.2"), ("BINARYMIME", "250 2.0.0")])
def test_the_same_in_chunks_unless_the_text_has_no_lines(body: str, code: str) -> None:
    spec = receiver(bare_lf="refuse", ehlo=("ENHANCEDSTATUSCODES", "8BITMIME", "CHUNKING", "BINARYMIME"))
    chunk = f"BDAT {len(BARE)} LAST\r\n".encode() + BARE
    said, texts = answers(spec, f"{TO_BOB[0]} BODY={body}", TO_BOB[1], chunk)
    assert said[-1] == code
    assert texts == ([BARE] if code.startswith("250") else [])
