"""The world of lesson 09: Alice's program and its server, a machine on the way between them, and the runs of the lesson."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from labkit.client import Client, ClientError
from labkit.client.errors import TLSFailed
from labkit.frozen import dataclass
from labkit.hosts.tls import (
    CertificateFacts,
    CertificateKind,
    certificate_facts,
    client_context,
    unchecked_context,
)
from labkit.mua import Login, hand_over
from labkit.smtp.transcript import Transcript
from labkit.transport.loop_thread import loop_thread
from labkit.verdict import Verdict
from labkit.view.wire_story import Passage
from labkit.world import WorldSpec, chain
from labkit.world.chain import ZONES
from labkit.world.core import AsyncWorld, TransportName

ALICE, BOB = "alice@sender.example", "bob@receiver.example"
SUBMIT, RELAY, MX1 = "submit.sender.example", "relay.sender.example", "mx1.receiver.example"
USER, PASSWORD = "alice", "wonderland"
EHLO = ("SIZE", "8BITMIME", "ENHANCEDSTATUSCODES")
AUTHORITY_NAME = "SMTP Lab authority"
"""Whom Alice's program trusts: `labkit.hosts.tls.AUTHORITY`."""
SECRET = "The key is under the mat."
LETTER = f"From: {ALICE}\r\nTo: {BOB}\r\nSubject: Saturday\r\n\r\n{SECRET}\r\n".encode()
"""The server adds Date and Message-ID (RFC 6409 section 8)."""
LOGIN = Login(USER, PASSWORD).line


@dataclass(frozen=True, slots=True)
class Program:
    """How Alice's program is set.

    port    587 begins in clear and has STARTTLS; 465 begins with TLS (RFC 8314 section 3.3)
    insist  no TLS, no password and no letter
    checks  the server's certificate must be right
    """

    port: int = 587
    insist: bool = False
    checks: bool = True


def spec(**changes: Any) -> WorldSpec:
    """The chain; its server for submission listens on 587 and 465, and takes passwords in clear too, as some do."""
    submit = {"listeners": (587, 465), "trusted": False, "auth_before_tls": True, "ehlo": EHLO}
    return chain(hosts={SUBMIT: submit}, **changes)


async def hand_in(world: AsyncWorld, program: Program, meddling: str = "") -> Passage:
    """Alice's letter, handed in past a machine that listens, and does what ``meddling`` names (empty: no more)."""
    middle = await world.between(world.spec.client, SUBMIT)
    for one in middle.active:
        middle.switch_off(one.name)
    if meddling:
        middle.switch_on(meddling)
    await world.settle()
    client = Client(
        world.around.road(world.spec.client),
        SUBMIT,
        program.port,
        now=world.clock.now,
        tls_context=client_context if program.checks else unchecked_context,
    )
    login = Login(USER, PASSWORD, program.insist)
    before = len(middle.sessions)
    try:
        outcome = await hand_over(client, world.spec.client, ALICE, (BOB,), LETTER, login=login)
        delivered = outcome.delivered
        told = (
            "Sent, says the program." if delivered else f"Not sent: the server says {outcome.decided.reply}"
        )
        if program.insist and not delivered and not client.encrypted:
            told = "Not sent. The program insists on TLS, and the server seems not to offer it."
    except ClientError as error:
        delivered, told = False, f"Not sent. {error.happened} {error.advice}"
    finally:
        client.hang_up()
    await world.settle()
    session = middle.sessions[before]
    for _ in range(200):
        if session.closed:
            break
        await asyncio.sleep(0.005)
    read = {
        name for name, words in (("password", LOGIN.split()[-1]), ("letter", SECRET)) if session.reads(words)
    }
    return Passage(session.transcript, client.transcript, session.changes, delivered, told, frozenset(read))


def handed_in(program: Program, meddling: str = "", transport: TransportName = "memory") -> Passage:
    """The same in a world of its own, for recorded runs and for graders."""

    async def run() -> Passage:
        async with AsyncWorld(spec(), transport=transport) as world:
            return await hand_in(world, program, meddling)

    return loop_thread().run(run, 20.0)


# ---- between servers: MTA-STS (RFC 8461)

POLICY = "version: STSv1\r\nmode: {mode}\r\nmx: {mx}\r\nmax_age: 604800\r\n"
ONE_MX = "\n".join(line for line in ZONES.splitlines() if "MX   20" not in line)
STS_ZONES = ONE_MX + '\nmta-sts   A    198.51.100.40\n_mta-sts  TXT  "v=STSv1; id=20260105;"\n'


def sts_spec(mode: str = "enforce", mx: str = MX1, **relay: Any) -> WorldSpec:
    """The chain with one MX and a policy for receiver.example (empty mode: none); the relay obeys policies."""
    return chain(
        zones=STS_ZONES if mode else ONE_MX,
        hosts={RELAY: {"tls": "may", "mta_sts": True, **relay}},
        policies={"receiver.example": POLICY.format(mode=mode, mx=mx)} if mode else {},
    )


@dataclass(frozen=True, slots=True)
class Carried:
    """How a letter came from the relay to mx1."""

    verdicts: tuple[Verdict, ...]
    policy: str
    delivered: bool
    read: bool
    """Whether the machine on the way could read it."""
    log: str
    """The last line of the relay's log."""
    heard: Transcript
    """What the machine on the way recorded, in the last session."""


async def carry(world: AsyncWorld, meddling: str = "") -> Carried:
    """Alice's letter, carried from the relay to mx1 past a machine that listens, and does what ``meddling`` names."""
    middle = await world.between(RELAY, MX1)
    if meddling:
        middle.switch_on(meddling)
    await world.submit(LETTER, sender=ALICE, recipients=(BOB,))
    await world.settle()
    relay = world.host(RELAY)
    has_policy = bool(world.spec.policies)
    return Carried(
        relay.relay.sts.verdicts,
        world.policy_web("receiver.example").text if has_policy else "",
        len(world.mailbox(BOB)) > 0,
        any(session.reads(SECRET) for session in middle.sessions),
        relay.log[-1].text,
        middle.sessions[-1].transcript if middle.sessions else Transcript(),
    )


async def carried(spec: WorldSpec, meddling: str = "", transport: TransportName = "memory") -> Carried:
    """The same in a world of its own."""
    async with AsyncWorld(spec, transport=transport) as world:
        return await carry(world, meddling)


def carried_now(spec: WorldSpec, meddling: str = "") -> Carried:
    """The same for code that is not on the loop thread."""
    return loop_thread().run(lambda: carried(spec, meddling), 20.0)


# ---- injection, and certificates

INJECTED = (
    "EHLO mallory.example\r\nMAIL FROM:<mallory@example.net>\r\nRCPT TO:<carol@receiver.example>\r\nDATA\r\n"
)


def injected(weak: bool) -> Transcript:
    """The session at mx1 in which a machine on the way puts commands behind the relay's STARTTLS."""

    async def run() -> Transcript:
        hosts = {RELAY: {"tls": "verify", "patience": 0.5}}
        async with AsyncWorld(chain(zones=ONE_MX, hosts=hosts), transport="memory") as world:
            if weak:
                world.host(MX1).switch_on("starttls_injection")
            middle = await world.between(RELAY, MX1)
            middle.switch_on("inject_before_tls", octets=INJECTED)
            await world.submit(LETTER, sender=ALICE, recipients=(BOB,))
            await world.settle()
            return world.host(MX1).sessions[0].transcript

    return loop_thread().run(run, 20.0)


async def shake_hands(kind: CertificateKind, transport: TransportName = "memory") -> Shaken:
    """Connect to Alice's server on 465, which shows that certificate; once to look at it, and once as a program does."""
    submit = {"listeners": (465,), "certificate": kind}
    async with AsyncWorld(chain(hosts={SUBMIT: submit}), transport=transport) as world:
        road = world.around.road(world.spec.client)
        looking = Client(road, SUBMIT, 465, tls_context=unchecked_context)
        await looking.connect()
        assert looking.certificate is not None
        facts = certificate_facts(looking.certificate)
        looking.hang_up()
        checking = Client(road, SUBMIT, 465, tls_context=client_context)
        try:
            await checking.connect()
            return Shaken(facts, None)
        except TLSFailed as error:
            return Shaken(facts, error)
        finally:
            checking.hang_up()


@dataclass(frozen=True, slots=True)
class Shaken:
    """A certificate as it was shown, and why a careful program ended the handshake (None: it did not)."""

    facts: CertificateFacts
    error: TLSFailed | None


# ---- two domains: one with a policy, one whose server is old

OLD = "dan@old.example"
OLD_MX = "mx.old.example"
_OLD_ZONES = STS_ZONES + "$ORIGIN old.example.\n@  MX  10 mx\nmx  A  203.0.113.10\n"


@dataclass(frozen=True, slots=True)
class Both:
    """What became of a letter to each."""

    read: bool
    """Whether the letter to Bob was read on the way."""
    old_delivered: bool
    heard: Transcript
    log: str


def carried_to_both(relay: Mapping[str, object], meddling: str) -> Both:
    """One letter to Bob, one to the old server, past a machine on the way to either."""

    async def run() -> Both:
        hosts: dict[str, Mapping[str, Any]] = {
            RELAY: {**relay},
            OLD_MX: {"mailboxes": ("dan",), "starttls": False},
        }
        policy = {"receiver.example": POLICY.format(mode="enforce", mx=MX1)}
        world_spec = chain(zones=_OLD_ZONES, hosts=hosts, policies=policy)
        async with AsyncWorld(world_spec, transport="memory") as world:
            middles = [await world.between(RELAY, host) for host in (MX1, OLD_MX)]
            for middle in middles if meddling else ():
                middle.switch_on(meddling)
            for recipient in (BOB, OLD):
                await world.submit(LETTER, sender=ALICE, recipients=(recipient,))
                await world.settle()
            sessions = middles[0].sessions
            return Both(
                any(session.reads(SECRET) for session in sessions),
                len(world.mailbox(OLD)) > 0,
                sessions[-1].transcript if sessions else Transcript(),
                world.host(RELAY).log[-1].text,
            )

    return loop_thread().run(run, 20.0)
