"""Every fault, provoked over a real session: what the client hears, and what the host keeps."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from labkit.client import ClientError
from labkit.hosts.fault import LONGEST_DELAY, STAGES, Fault
from labkit.hosts.faults import FAULTS, MailLoop, make_fault
from labkit.hosts.meddling import MEDDLINGS
from labkit.smtp.reply import Reply
from labkit.smtp.rule import Rule
from labkit.world import AsyncWorld, receiver

HELLO = "EHLO client.sender.example"
MAIL = "MAIL FROM:<alice@sender.example>"
BOB = "RCPT TO:<bob@receiver.example>"
CAROL = "RCPT TO:<carol@receiver.example>"
TEXT = ("DATA", "Subject: x", "", "text", ".")
ALL = (HELLO, MAIL, BOB, *TEXT, "QUIT")


class Played:
    """What came of a session: replies with their codes, and what lies in Bob's mailbox."""

    def __init__(self, world: AsyncWorld, said: list[str]) -> None:
        self.said = said
        self.world = world
        self.kept = len(world.mailbox("bob@receiver.example"))

    @property
    def codes(self) -> list[str]:
        """Three digits and, where there is one, the enhanced code; the last lines of replies only."""
        last = [line for line in self.said if line[3:4] != "-"]
        return [
            " ".join(re.match(r"(\d{3})(?: ([245]\.\d+\.\d+))?", line).groups("")).strip() for line in last
        ]  # type: ignore[union-attr]


def play(*lines: str, faults: tuple[Fault, ...] = (), transport: Any = "loopback", **spec: Any) -> Played:
    async def run() -> Played:
        async with AsyncWorld(receiver(**spec), transport=transport) as world:
            host = world.host()
            for fault in faults:
                host.switch_on(fault)
            transcript = await world.play(lines)
            assert host.errors == []
            return Played(world, [e.data.decode().strip() for e in transcript if e.sender == "S" and e.data])

    return asyncio.run(run())


# each fault: its settings, the lines, the codes after the reply to EHLO, and how many messages Bob has

PROVOKED: list[tuple[str, dict[str, Any], tuple[str, ...], list[str], int]] = [
    ("greylisting", {}, (MAIL, BOB, "DATA"), ["250 2.1.0", "451 4.7.1", "554 5.5.1"], 0),
    ("mailbox_full", {}, (MAIL, BOB), ["250 2.1.0", "452 4.2.2"], 0),
    ("mailbox_full", {"permanent": True, "addresses": ["bob"]}, (MAIL, BOB, CAROL),
     ["250 2.1.0", "552 5.2.2", "250 2.1.5"], 0),
    ("no_such_user", {"addresses": ["carol@receiver.example"]}, (MAIL, BOB, CAROL, *TEXT),
     ["250 2.1.0", "250 2.1.5", "550 5.1.1", "354", "250 2.0.0"], 1),
    ("policy_refusal", {}, (MAIL, BOB, *TEXT), ["250 2.1.0", "250 2.1.5", "354", "554 5.7.1"], 0),
    ("policy_refusal", {"stage": "RCPT"}, (MAIL, BOB), ["250 2.1.0", "550 5.7.1"], 0),
    ("policy_refusal", {"stage": "MAIL"}, (MAIL, BOB), ["550 5.7.1", "503 5.5.1"], 0),
    ("rate_limit", {"messages": 1}, (MAIL, BOB, *TEXT, MAIL),
     ["250 2.1.0", "250 2.1.5", "354", "250 2.0.0", "450 4.7.28"], 1),
    ("rate_limit", {"messages": 0, "close": True}, (MAIL, "NOOP"), ["421 4.7.28"], 0),
    ("too_many_recipients", {"limit": 1}, (MAIL, BOB, CAROL, *TEXT),
     ["250 2.1.0", "250 2.1.5", "452 4.5.3", "354", "250 2.0.0"], 1),
    ("too_many_recipients", {"limit": 1, "permanent": True}, (MAIL, BOB, CAROL),
     ["250 2.1.0", "250 2.1.5", "550 5.5.3"], 0),
    ("too_big", {"limit": 10}, (f"{MAIL} SIZE=11", MAIL, BOB, *TEXT),
     ["552 5.3.4", "250 2.1.0", "250 2.1.5", "354", "552 5.3.4"], 0),
    ("shutting_down", {"stage": "RCPT"}, (MAIL, BOB, "NOOP"), ["250 2.1.0", "421 4.3.2"], 0),
    ("shutting_down", {"stage": "text"}, (MAIL, BOB, *TEXT), ["250 2.1.0", "250 2.1.5", "354", "421 4.3.2"], 0),
    ("local_error", {}, (MAIL, BOB, *TEXT), ["250 2.1.0", "250 2.1.5", "354", "451 4.3.0"], 0),
    ("local_error", {"stage": "MAIL"}, (MAIL,), ["451 4.3.0"], 0),
    ("fixed_reply", {"stage": "RCPT", "code": 422, "enhanced": "4.2.2"}, (MAIL, BOB), ["250 2.1.0", "422 4.2.2"], 0),
    ("fixed_reply", {"stage": "NOOP", "code": 299}, ("NOOP", "RSET"), ["299", "250 2.0.0"], 0),
    ("no_extension", {"keywords": ["size"]}, (f"{MAIL} SIZE=5", MAIL), ["555 5.5.4", "250 2.1.0"], 0),
    ("open_relay", {}, (MAIL, "RCPT TO:<x@other.example>", "RCPT TO:<nobody@receiver.example>"),
     ["250 2.1.0", "250 2.1.5", "550 5.1.1"], 0),
    ("null_mx", {"domains": ["nomail.example"]},
     ("MAIL FROM:<a@nomail.example>", MAIL, "RCPT TO:<x@nomail.example>", BOB),
     ["550 5.7.27", "250 2.1.0", "556 5.1.10", "250 2.1.5"], 0),
    ("null_mx", {}, (MAIL, "RCPT TO:<x@other.example>", BOB), ["250 2.1.0", "556 5.1.10", "250 2.1.5"], 0),
    ("tls_not_available", {}, ("STARTTLS", "NOOP"), ["454 4.7.0", "250 2.0.0"], 0),
]  # fmt: skip


@pytest.mark.parametrize(("name", "settings", "lines", "codes", "kept"), PROVOKED)
def test_what_a_fault_says(
    name: str, settings: dict[str, Any], lines: tuple[str, ...], codes: list[str], kept: int
) -> None:
    played = play(HELLO, *lines, faults=(make_fault(name, **settings),))
    assert played.codes[2:] == codes
    assert played.kept == kept
    own = FAULTS[name].replies
    assert not own or set(own) & set(codes)
    without = play(HELLO, *lines, transport="memory")  # it is the fault, and not the host
    assert without.codes[2:] != codes


def test_the_limit_itself_is_not_too_big() -> None:
    fault = make_fault("too_big", limit=10)
    assert play(HELLO, f"{MAIL} SIZE=10", f"{MAIL} SIZE=11", faults=(fault,)).codes[2:] == [
        "250 2.1.0",
        "503 5.5.1",
    ]


def test_relaying_denied() -> None:
    lines = (HELLO, MAIL, "RCPT TO:<x@other.example>", BOB)
    assert play(*lines, open_relay=True).codes[3:] == ["250 2.1.5", "250 2.1.5"]
    denied = play(*lines, faults=(make_fault("relaying_denied"),), open_relay=True)
    assert denied.codes[3:] == ["550 5.7.1", "250 2.1.5"]


def test_greetings() -> None:
    refused = play(HELLO, MAIL, "NOOP", "QUIT", faults=(make_fault("no_service"),))
    assert refused.codes == ["554", "503", "503", "503", "221"]
    assert refused.said[-1] == "221 Bye"  # no EHLO was accepted, so no enhanced codes
    for fault in (make_fault("no_service", code=521), make_fault("shutting_down")):
        assert len(play(HELLO, "QUIT", faults=(fault,)).codes) == 1
    with pytest.raises(ValueError, match="554 or 521"):
        make_fault("no_service", code=220)


def test_no_ehlo_at_all() -> None:
    played = play(HELLO, "HELO client.sender.example", MAIL, BOB, *TEXT, faults=(make_fault("no_extension"),))
    assert played.codes[1:] == ["502", "250", "250", "250", "354", "250"]
    assert played.kept == 1


def test_hidden_extensions_come_back() -> None:
    async def run() -> None:
        async with AsyncWorld(receiver(auth={"alice": "x"}), transport="memory") as world:
            host = world.host()
            before = (host.offers, host.keywords, host.starttls, host.accounts)
            host.switch_on("no_extension", keywords=("SIZE", "STARTTLS", "AUTH", "PIPELINING"))
            transcript = await world.play([HELLO])
            said = b"".join(event.data for event in transcript if event.sender == "S")
            assert not re.search(b"SIZE|STARTTLS|AUTH|PIPELINING", said)
            assert b"8BITMIME" in said
            host.switch_off("no_extension")
            assert (host.offers, host.keywords, host.starttls, host.accounts) == before

    asyncio.run(run())


@pytest.mark.parametrize(
    ("stage", "said", "kept"),
    [
        ("connect", 0, 0),
        ("greeting", 1, 0),
        ("EHLO", 1, 0),
        ("MAIL", 2, 0),
        ("RCPT", 3, 0),
        ("DATA", 4, 0),
        ("text", 5, 0),
        ("accepted", 5, 1),
        ("QUIT", 6, 1),
    ],
)
@pytest.mark.parametrize("transport", ["loopback", "memory"])
def test_connection_lost(stage: str, said: int, kept: int, transport: Any) -> None:
    played = play(*ALL, faults=(make_fault("connection_lost", stage=stage),), transport=transport)
    assert (len(played.codes), played.kept) == (said, kept)
    assert all(not code.startswith("421") for code in played.codes)


def test_all_stages_are_cut_once_and_no_more() -> None:
    async def run() -> int:
        async with AsyncWorld(receiver()) as world:
            for stage in STAGES:
                world.host().switch_on("connection_lost", stage=stage, times=1)
                await world.play(ALL)  # breaks
                await world.play(ALL)  # goes through
            return len(world.mailbox("bob@receiver.example"))

    # eight whole ones, and one of which only the reply was lost: RFC 5321 section 3.8 makes that a second copy
    assert asyncio.run(run()) == len(STAGES) + 1


def test_greylisting_lets_in_who_comes_back() -> None:
    async def run() -> list[list[int]]:
        async with AsyncWorld(receiver(), transport="memory") as world:
            world.host().switch_on("greylisting", wait=300)
            heard = []
            for seconds in (0, 299, 1, 0):
                await world.clock.advance(seconds)
                transcript = await world.play([HELLO, MAIL, BOB])
                heard.append([int(e.data[:3]) for e in transcript if e.sender == "S" and e.data][-1:])
            return heard

    assert asyncio.run(run()) == [[451], [451], [250], [250]]


def test_greylisting_knows_the_three_apart() -> None:
    other = "MAIL FROM:<eve@other.example>"

    async def run() -> list[int]:
        async with AsyncWorld(receiver(), transport="memory") as world:
            world.host().switch_on("greylisting", wait=10)
            await world.play([HELLO, MAIL, BOB])
            await world.clock.advance(10)
            transcript = await world.play([HELLO, MAIL, BOB, CAROL, "RSET", other, BOB])
            return [int(e.data[:3]) for e in transcript if e.sender == "S" and e.data][-5:]

    assert asyncio.run(run()) == [250, 451, 250, 250, 451]


def test_a_rate_limit_ends_by_time() -> None:
    async def run() -> list[int]:
        async with AsyncWorld(receiver(), transport="memory") as world:
            world.host().switch_on("rate_limit", messages=1, per=60)
            heard = []
            for seconds in (0, 59, 1):
                await world.clock.advance(seconds)
                transcript = await world.play([HELLO, MAIL])
                heard.append([int(e.data[:3]) for e in transcript if e.sender == "S" and e.data][-1])
            return heard

    assert asyncio.run(run()) == [250, 450, 250]


def test_a_slow_server_is_slow_once_per_answer() -> None:
    began = time.monotonic()
    played = play(HELLO, MAIL, "QUIT", faults=(make_fault("slow_server", seconds=0.05),))
    assert played.codes[-1] == "221 2.0.0"
    assert 0.2 <= time.monotonic() - began < 2
    began = time.monotonic()
    assert play(*ALL, faults=(make_fault("slow_server", seconds=0.3, stage="accepted"),)).kept == 1
    assert 0.3 <= time.monotonic() - began < 2


def test_silence_has_a_limit() -> None:
    async def run() -> float:
        async with AsyncWorld(receiver(), transport="memory") as world:
            host = world.host()
            host.switch_on("slow_server", seconds=1e9)
            server: Any = None
            return host.faults.delay(server, "MAIL")

    assert asyncio.run(run()) == LONGEST_DELAY


def test_a_client_that_is_gone_while_the_server_is_slow() -> None:
    async def run() -> list[str]:
        async with AsyncWorld(receiver()) as world:
            world.host().switch_on("slow_server", seconds=0.2, stage="NOOP")
            client = world.client()
            await client.connect()
            client.deadline = 0.05
            with pytest.raises(ClientError):
                await client.send_line("NOOP")
            client.hang_up()
            await asyncio.sleep(0.3)
            return world.host().errors

    assert asyncio.run(run()) == []


def test_first_fault_that_speaks_decides_and_a_name_is_there_once() -> None:
    async def run() -> None:
        async with AsyncWorld(receiver(), transport="memory") as world:
            host = world.host()
            host.switch_on("no_such_user", addresses=["bob"])
            host.switch_on("mailbox_full")
            client = world.client()
            await client.connect()
            for line, code in ((HELLO, 250), (MAIL, 250), (BOB, 550), (CAROL, 452)):
                reply = await client.send_line(line)
                assert isinstance(reply, Reply)
                assert reply.code == code
            host.switch_on("no_such_user", addresses=["dave"])  # while a session is open
            assert [fault.name for fault in host.active_faults] == ["mailbox_full", "no_such_user"]
            host.switch_off("mailbox_full")
            host.switch_off("mailbox_full")
            reply = await client.send_line(BOB)
            assert isinstance(reply, Reply)
            assert reply.code == 250
            await client.close()

    asyncio.run(run())


def test_a_loop_is_a_wrong_next_hop() -> None:
    async def run() -> Any:
        async with AsyncWorld(receiver(), transport="memory") as world:
            host = world.host()
            host.switch_on(MailLoop("relay.sender.example", ["Other.example"]))
            named = host.faults.next_hop("other.example"), host.faults.next_hop("receiver.example")
            host.switch_on("mail_loop", to="relay.sender.example")
            return named, (host.faults.next_hop("other.example"), host.faults.next_hop("receiver.example"))

    assert asyncio.run(run()) == (("relay.sender.example", None), (None, "relay.sender.example"))


def test_dns_fails_as_long_as_it_is_switched_on() -> None:
    async def run() -> list[str]:
        async with AsyncWorld(receiver(), transport="memory") as world:
            host = world.host()
            zones = host.around.zones
            zones.add(
                "receiver.example. 300 IN MX 10 mail.receiver.example.\nmail.receiver.example. 300 IN A 192.0.2.1\n"
            )
            heard = []
            for outcome in ("servfail", "timeout", "nxdomain"):
                host.switch_on("dns_failure", domain="receiver.example", outcome=outcome)
                heard.append(zones.lookup("mail.receiver.example", "A").outcome)
            host.switch_on("dns_failure", domain="receiver.example", rdtype="MX")
            heard += [zones.lookup("receiver.example", "MX").outcome]
            heard += [zones.lookup("mail.receiver.example", "A").outcome]
            host.switch_off("dns_failure")
            heard += [zones.lookup("receiver.example", "MX").outcome]
            with pytest.raises(ValueError, match="expected one of"):
                host.switch_on("dns_failure", domain="receiver.example", outcome="answer")
            assert host.active_faults == ()
            return heard

    assert asyncio.run(run()) == ["servfail", "timeout", "nxdomain", "servfail", "answer", "answer"]


def test_names_and_settings() -> None:
    with pytest.raises(KeyError, match="greylisting, mailbox_full"):
        make_fault("gremlins")
    with pytest.raises(TypeError):
        make_fault("greylisting", speed=3)
    with pytest.raises(TypeError, match="made already"):
        make_fault(FAULTS["greylisting"](), wait=3)


@pytest.mark.parametrize("kind", [*FAULTS.values(), *MEDDLINGS.values()], ids=[*FAULTS, *MEDDLINGS])
def test_what_a_learner_reads(kind: type[Fault]) -> None:
    sentences = re.split(r"(?<=[.]) (?=[A-Z])", kind.text)
    assert 2 <= len(sentences) <= 4
    assert max(len(sentence.split()) for sentence in sentences) <= 20
    assert "!" not in kind.text + kind.title
    assert not re.search(
        r"\b(simply|just|easy|easily|obviously|of course|powerful|modern)\b", kind.text, re.I
    )
    assert re.search(r"\bact\b|\bcope\b|\bmend\b|\bLog in\b", kind.text)  # who must do something
    assert kind.rules
    assert all(isinstance(rule, Rule) and re.match(r"RFC \d+|IANA", rule.ref) for rule in kind.rules)


def test_every_fault_is_provoked_here() -> None:
    elsewhere: set[Callable[..., Any] | str] = {
        "no_service", "connection_lost", "slow_server", "mail_loop", "dns_failure", "relaying_denied",
        "wrong_certificate", "auth_in_clear", "login_broken", "starttls_injection",  # in test_tls.py
    }  # fmt: skip
    assert {name for name, *_ in PROVOKED} | elsewhere == set(FAULTS)


def test_every_reply_that_a_fault_names_is_provoked_here() -> None:
    provoked: dict[str, set[str]] = {}
    for name, _, _, codes, _ in PROVOKED:
        provoked.setdefault(name, set()).update(codes)
    own_tests = {
        "no_service", "mail_loop", "relaying_denied", "shutting_down", "no_extension", "login_broken",
    }  # fmt: skip
    assert not [
        (name, reply)
        for name, kind in FAULTS.items()
        for reply in kind.replies
        if name not in own_tests and reply not in provoked[name]
    ]
