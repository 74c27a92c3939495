"""MTA-STS in a world: record in DNS, policy over real HTTPS, and a relay that obeys (RFC 8461)."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Callable
from typing import Any, Literal

import pytest

from labkit.hosts.tls import AUTHORITY
from labkit.world import AsyncWorld, World, WorldSpec, chain
from labkit.world.chain import ZONES

RELAY, MX1, MX2 = "relay.sender.example", "mx1.receiver.example", "mx2.receiver.example"
BOB = "bob@receiver.example"
POLICY = "version: STSv1\r\nmode: {}\r\nmx: mx1.receiver.example\r\nmax_age: 86400\r\n"
STS_ZONES = ZONES + 'mta-sts A 198.51.100.40\n_mta-sts TXT "v=STSv1; id=1;"\n'


def spec(mode: str = "enforce", **relay: Any) -> WorldSpec:
    return chain(
        zones=STS_ZONES,
        hosts={RELAY: {"tls": "may", "mta_sts": True, **relay}},
        policies={"receiver.example": POLICY.format(mode)},
    )


def send(
    prepare: Callable[[AsyncWorld], Any],
    mode: str = "enforce",
    transport: Literal["memory", "loopback"] = "memory",
    messages: int = 1,
) -> AsyncWorld:
    """One message on its way from Alice to Bob, in a world that was prepared."""

    async def run() -> AsyncWorld:
        async with AsyncWorld(spec(mode), transport=transport) as world:
            waiting = prepare(world)
            if waiting is not None:
                await waiting
            for _ in range(messages):
                await world.submit("Hi", sender="alice@sender.example", recipients=[BOB])
                await world.settle()
            assert [error for host in world.hosts for error in host.errors] == []
            return world

    return asyncio.run(run())


def last(world: AsyncWorld) -> str:
    return [line.text for line in world.host(RELAY).log][-1]


def verdicts(world: AsyncWorld) -> list[str]:
    return [verdict.result for verdict in world.host(RELAY).relay.sts.verdicts]


def nothing(_world: AsyncWorld) -> None:
    return None


@pytest.mark.parametrize("transport", ["memory", "loopback"])
def test_a_policy_is_found_fetched_and_obeyed(transport: Literal["memory", "loopback"]) -> None:
    world = send(nothing, transport=transport, messages=2)
    assert len(world.mailbox(BOB)) == 2
    assert world.policy_web("receiver.example").requests == [
        "GET /.well-known/mta-sts.txt HTTP/1.1"
    ]  # cached
    assert verdicts(world) == ["pass"] * 4
    assert "certificate checked" in last(world)
    asked = [entry.lookup.name for entry in world.zones.log if entry.asker == RELAY]
    assert "_mta-sts.receiver.example" in asked
    assert "mta-sts.receiver.example" in asked


async def strip(world: AsyncWorld) -> None:
    (await world.between(RELAY, MX1)).switch_on("strip_starttls")


def switch_on_wrong(world: AsyncWorld, kind: str) -> None:
    world.host(MX1).switch_on("wrong_certificate", kind=kind)


async def intercept(world: AsyncWorld) -> None:
    (await world.between(RELAY, MX1)).switch_on("intercept_tls")


ATTACKS: list[tuple[str, Callable[[AsyncWorld], Any], str]] = [
    ("stripped", strip, "starttls-not-supported"),
    ("intercepted", intercept, "certificate-not-trusted"),
    ("expired", lambda world: switch_on_wrong(world, "expired"), "certificate-expired"),
    ("wrong name", lambda world: switch_on_wrong(world, "wrong_name"), "certificate-host-mismatch"),
]


@pytest.mark.parametrize(("name", "attack", "problem"), ATTACKS, ids=[name for name, *_ in ATTACKS])
def test_what_each_mode_does_in_trouble(name: str, attack: Callable[[AsyncWorld], Any], problem: str) -> None:
    """enforce: the message waits, at mx2 too, which is not in the policy; testing: it goes, and the failure is noted."""
    enforced = send(attack, "enforce")
    assert len(enforced.mailbox(BOB)) == 0
    assert enforced.movements[-1].kind == "deferred"
    assert enforced.host(MX2).sessions == ()
    failures = [v for v in enforced.host(RELAY).relay.sts.verdicts if v.result == "fail"]
    assert [v.properties["problem"] for v in failures] == [problem, "validation-failure"]
    assert failures[0].properties["action"] == "do not deliver here"

    tested = send(attack, "testing")
    assert len(tested.mailbox(BOB)) == 1
    assert problem in [v.properties["problem"] for v in tested.host(RELAY).relay.sts.verdicts]
    assert any("mta-sts=fail" in line.text for line in tested.host(RELAY).log)

    assert len(send(attack, "none").mailbox(BOB)) == 1


def test_no_host_of_the_policy_is_left() -> None:
    def prepare(world: AsyncWorld) -> None:
        world.policy_web("receiver.example").text = POLICY.format("enforce").replace("mx1.", "other.")

    world = send(prepare)
    assert len(world.mailbox(BOB)) == 0
    assert "matches none of other.receiver.example" in last(world)


def test_the_mail_goes_when_the_trouble_is_over() -> None:
    async def run() -> int:
        async with AsyncWorld(spec(), transport="memory") as world:
            middle = await world.between(RELAY, MX1)
            middle.switch_on("strip_starttls")
            await world.submit("Hi", sender="alice@sender.example", recipients=[BOB])
            await world.settle()
            assert len(world.mailbox(BOB)) == 0
            middle.switch_off("strip_starttls")
            await world.clock.advance(hours=1)
            return len(world.mailbox(BOB))

    assert asyncio.run(run()) == 1


@pytest.mark.parametrize(
    ("change", "value", "words"),
    [
        ("status", 404, "answers 404"),
        ("status", 302, "redirects are not followed"),
        ("content_type", "text/html", "not text/plain"),
        ("certificate", "expired", "certificate of mta-sts.receiver.example has expired"),
        ("certificate", "wrong_name", "is for another name"),
        ("text", "version: STSv1\nmode: loud\n", "The file is no policy"),
    ],
)
def test_a_policy_that_cannot_be_had_is_none(change: str, value: Any, words: str) -> None:
    """And then a stripped session is a session in clear (section 3.3)."""

    async def prepare(world: AsyncWorld) -> None:
        setattr(world.policy_web("receiver.example"), change, value)
        await strip(world)

    world = send(prepare)
    assert len(world.mailbox(BOB)) == 1
    first = world.host(RELAY).relay.sts.verdicts[0]
    assert first.result == "none"
    assert any(words in step.text for step in first.trace)


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b"", "is no HTTP"),
        (b"220 mail.receiver.example ESMTP\r\n", "is no HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 99\r\n\r\nversion: STSv1\n", "is no HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + b"x: y\n" * 20_000, "sends more than 65536 octets"),
    ],
)  # fmt: skip
def test_a_web_host_that_answers_nonsense(octets: bytes, words: str) -> None:
    def prepare(world: AsyncWorld) -> None:
        world.policy_web("receiver.example").answer = lambda _head: octets  # type: ignore[method-assign]

    world = send(prepare)
    assert len(world.mailbox(BOB)) == 1
    assert words in world.host(RELAY).relay.sts.verdicts[0].trace[1].text


def test_a_policy_that_was_seen_once_protects_until_it_ends() -> None:
    """An attacker hides record and web host: who has the policy is not moved, for max_age seconds (section 10.2)."""

    async def run() -> list[int]:
        counts = []
        async with AsyncWorld(spec(), transport="memory") as world:

            async def send() -> None:
                await world.submit("Hi", sender="alice@sender.example", recipients=[BOB])
                await world.settle()
                counts.append(len(world.mailbox(BOB)))

            await send()
            world.zones.fault("_mta-sts.receiver.example", "TXT", "timeout")
            await world.policy_web("receiver.example").stop()
            middle = await world.between(RELAY, MX1)
            middle.switch_on("strip_starttls")
            await send()
            await world.clock.advance(hours=20)
            counts.append(len(world.mailbox(BOB)))
            await world.clock.advance(hours=8)
            counts.append(len(world.mailbox(BOB)))
            return counts

    assert asyncio.run(run()) == [1, 1, 1, 2]


def test_changing_a_policy_takes_two_steps() -> None:
    """The file first, then another id: until then senders keep the old one."""

    async def run() -> list[str]:
        async with AsyncWorld(spec(), transport="memory") as world:
            desk = world.host(RELAY).relay.sts
            modes = []
            for step in ("", "file", "id"):
                if step == "file":
                    world.policy_web("receiver.example").text = POLICY.format("testing")
                if step == "id":
                    world.zones.replace(world.zones.text.replace("id=1", "id=2"))
                policy = await desk.policy("receiver.example")
                assert policy is not None
                modes.append(policy.mode)
            return modes

    assert asyncio.run(run()) == ["enforce", "enforce", "testing"]


def test_net_03_a_wrong_name_at_three_kinds_of_clients() -> None:
    """A mail program stops before AUTH, an opportunistic host goes on, one with an enforced policy does not deliver."""
    for tls, sts, arrives in (("may", False, 1), ("may", True, 0), ("verify", False, 0)):

        async def run(tls: str = tls, sts: bool = sts) -> int:
            async with AsyncWorld(spec(tls=tls, mta_sts=sts), transport="memory") as world:
                for name in (MX1, MX2):
                    world.host(name).switch_on("wrong_certificate", kind="wrong_name")
                await world.submit("Hi", sender="alice@sender.example", recipients=[BOB])
                await world.settle()
                return len(world.mailbox(BOB))

        assert asyncio.run(run()) == arrives

    async def program() -> list[bytes]:
        async with AsyncWorld(spec(), transport="memory") as world:
            world.host("submit.sender.example").switch_on("wrong_certificate", kind="wrong_name")
            with pytest.raises(Exception, match="is for another name"):
                await world.submit("Hi", sender="alice@sender.example", recipients=[BOB], user="alice")
            session = world.host("submit.sender.example").sessions[0]
            return [event.data for event in session.transcript if event.sender == "C" and event.data]

    assert [line[:8] for line in asyncio.run(program())] == [b"EHLO cli", b"STARTTLS"]


def test_the_web_host_is_a_real_one() -> None:
    """curl fetches the file, checks the certificate, and sees what is not there."""
    assert shutil.which("curl"), "curl is not installed"
    with World.open(spec()) as world:
        address = world.inner.network.address("mta-sts.receiver.example", 443)
        assert address is not None

        def curl(*more: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                ["curl", "--silent", "--show-error", "--include", "--cacert", str(AUTHORITY), "--noproxy", "*",
                 "--connect-to", f"mta-sts.receiver.example:443:{address[0]}:{address[1]}", *more],
                capture_output=True, text=True, timeout=60, check=False,
            )  # fmt: skip

        url = "https://mta-sts.receiver.example/.well-known/mta-sts.txt"
        got = curl(url)
        assert got.stdout.replace("\r", "").endswith(POLICY.format("enforce").replace("\r", ""))
        assert "Content-Type: text/plain" in got.stdout
        assert "404" in curl("https://mta-sts.receiver.example/other").stdout.splitlines()[0]
        assert "405" in curl("-X", "POST", url).stdout.splitlines()[0]
        assert "mode:" not in curl("--head", url).stdout
        world.policy_web("receiver.example").certificate = "unknown_issuer"
        refused = curl(url)
        assert refused.stdout == ""
        assert "certificate" in refused.stderr
        assert len(world.policy_web("receiver.example").requests) == 4
    with pytest.raises(KeyError, match="there are: receiver"):
        world.policy_web("sender.example")
