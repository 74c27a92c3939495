"""Thousands of messages from programs outside, through submission, relay and delivery, with faults on at random.

``smtp-source`` comes with Debian's postfix. Where it is not installed, the package is unpacked into a temporary folder;
no mail server is installed for it. Without the program and the network the short run does with ``smtplib`` alone.
"""

from __future__ import annotations

import contextlib
import gc
import os
import random
import resource
import shutil
import smtplib
import subprocess
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from labkit.hosts import dsn
from labkit.world import World, chain
from labkit.world.chain import ZONES

SUBMIT, RELAY, MX1, MX2, STORE = (
    "submit.sender.example", "relay.sender.example", "mx1.receiver.example", "mx2.receiver.example",
    "store.receiver.example",
)  # fmt: skip
ALICE = "alice@sender.example"
PEOPLE = ("bob", "2bob", "3bob", "carol", "dave", "postmaster")
KNOWN = tuple(f"{name}@receiver.example" for name in PEOPLE)
UNKNOWN = ("nobody@receiver.example", "x@missing.example", "x@null.example")
STAGES = ("connect", "greeting", "EHLO", "MAIL", "RCPT", "DATA", "text", "accepted", "accepted", "accepted")
BATCH = 25

Source = Callable[[tuple[str, int], int, int, str], None]


@pytest.fixture(scope="module")
def smtp_source(tmp_path_factory: pytest.TempPathFactory, long_run: bool) -> Source | None:
    """Runs ``smtp-source``: address, messages, recipients of each, and the address that their number is put before."""
    program, libraries = shutil.which("smtp-source"), ""
    if program is None and shutil.which("apt-get"):
        folder = tmp_path_factory.mktemp("postfix")
        with contextlib.suppress(subprocess.SubprocessError):
            unpack = "apt-get download -q postfix && dpkg-deb -x postfix_*.deb ."
            subprocess.run(unpack, shell=True, cwd=folder, capture_output=True, timeout=60, check=True)
            program, libraries = str(folder / "usr/sbin/smtp-source"), str(folder / "usr/lib/postfix")
    if program is None:
        assert not long_run, "smtp-source is not installed, and its package cannot be fetched"
        warnings.warn(
            "smtp-source is not there and cannot be fetched: smtplib sends its part too", stacklevel=1
        )
        return None
    found: str = program

    def run(address: tuple[str, int], messages: int, recipients: int, to: str) -> None:
        command = [
            found,
            "-M",
            "client.sender.example",
            "-s",
            "3",
            "-m",
            str(messages),
            "-r",
            str(recipients),
        ]
        done = subprocess.run(
            [*command, "-f", ALICE, "-t", to, f"{address[0]}:{address[1]}"],
            env={**os.environ, "LD_LIBRARY_PATH": libraries},
            capture_output=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()

    return run


def by_smtplib(address: tuple[str, int], chance: random.Random, start: int) -> dict[str, tuple[str, ...]]:
    """One session with many messages; what was sent to whom, by Message-ID."""
    sent = {}
    with smtplib.SMTP(*address, local_hostname="client.sender.example", timeout=60) as program:
        for number in range(start, start + BATCH):
            people = chance.sample(KNOWN, chance.randrange(1, 4))
            if chance.random() < 0.2:
                people.append(chance.choice(UNKNOWN))
            message_id = f"<{number}@client.sender.example>"
            text = f"From: {ALICE}\r\nMessage-ID: {message_id}\r\nSubject: {number}\r\n\r\n.{number}\r\n"
            assert program.sendmail(ALICE, people, text.encode()) == {}
            sent[message_id] = tuple(people)
    return sent


def misfortune(chance: random.Random, world: World, name: str) -> None:
    """One fault, or the end of all, or a host that goes down or comes up."""
    match chance.randrange(9):
        case 0 | 1:
            world.switch_on(
                "connection_lost", host=name, stage=chance.choice(STAGES), times=chance.randrange(1, 9)
            )
        case 2:
            world.switch_on("greylisting", host=name, wait=chance.randrange(60, 4000))
        case 3:
            world.switch_on(
                "rate_limit", host=name, messages=chance.randrange(1, 40), per=chance.randrange(60, 4000)
            )
        case 4:
            world.switch_on("too_many_recipients", host=name, limit=chance.randrange(1, 3))
        case 5:
            world.switch_on("mailbox_full", host=name, addresses=(chance.choice(PEOPLE),))
        case 6:
            (world.stop if world.host(name).running else world.start)(name)
        case _:
            for fault in world.host(name).active_faults:
                world.switch_off(fault.name, host=name)


def pour(
    world: World, chance: random.Random, count: int, smtp_source: Source | None
) -> dict[str, tuple[str, ...]]:
    """Hand ``count`` messages in, half by each program, while things go wrong; who should get what, by Message-ID."""
    address = world.address(SUBMIT, 587)
    assert address is not None
    sent: dict[str, tuple[str, ...]] = {}
    world.switch_on(
        "connection_lost", host=RELAY, stage="accepted", times=3
    )  # so that some replies are lost for sure
    while len(sent) < count:
        for _ in range(chance.randrange(3)):
            misfortune(chance, world, chance.choice((RELAY, MX1, MX2, STORE)))
        if smtp_source is None or chance.random() < 0.5:
            sent |= by_smtplib(address, chance, len(sent))
        else:
            recipients, to = (
                chance.randrange(1, 4),
                chance.choice(("bob@receiver.example", "gone@receiver.example")),
            )
            before = len(world.movements)
            smtp_source(address, BATCH, recipients, to)
            known = (
                *(f"{number}{to}" for number in range(recipients, 1, -1)),
                to,
            )  # as smtp-source names them
            new = [one for one in world.movements[before:] if one.kind == "submitted"]
            assert [one.recipients for one in new] == [known] * BATCH
            sent |= {one.message_id: known for one in new}
        if chance.random() < 0.3:
            world.clock.advance(minutes=chance.randrange(90))
    return sent


def ends(world: World, sent: dict[str, tuple[str, ...]]) -> tuple[int, int]:
    """Check where every message is; how many copies lie in mailboxes and how many recipients were reported."""
    kept = Counter(
        (str(message.parsed["Message-ID"]), box.address)
        for box in world.host(STORE).mailboxes
        for message in box
    )  # fmt: skip
    told: Counter[tuple[str, str]] = Counter()
    for message in world.mailbox(ALICE):
        report = dsn.read(message.as_received)
        assert report is not None
        assert message.envelope.reverse_path == ""
        told.update((report.message_id, fate.recipient) for fate in report.fates)
    uncertain = {one.message_id for one in world.movements if one.kind == "lost"}
    uncertain |= {one.about for one in world.movements if one.kind == "lost"}
    expected = {
        (message_id, recipient) for message_id, recipients in sent.items() for recipient in recipients
    }
    assert kept.keys() | told.keys() == expected  # none lost, nothing where it should not be
    for message_id, recipient in expected:
        copies, notices = kept[message_id, recipient], told[message_id, recipient]
        where = f"{message_id} for {recipient}: {world.trail(message_id)}"
        assert bool(copies) == (recipient in KNOWN), where
        assert bool(notices) == (recipient not in KNOWN), where
        assert copies + notices == 1 or message_id in uncertain, where
    return kept.total(), told.total()


def test_every_message_ends_where_it_should(
    smtp_source: Source | None, size: Callable[[int, int], int], capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(2026)
    zones = ZONES + "\n$ORIGIN null.example.\n@ MX 0 .\n"
    people = {"knows": KNOWN}
    for count in (size(100, 1000), size(200, 10_000)):
        begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_utime
        hosts = {MX1: people, MX2: people, STORE: {"mailboxes": PEOPLE}}
        with World.open(chain(zones=zones, hosts=hosts)) as world:  # type: ignore[arg-type]
            sent = pour(world, chance, count, smtp_source)
            for host in world.hosts:
                for fault in host.active_faults:
                    world.switch_off(fault.name, host=host.name)
                world.start(host.name)
            world.clock.advance(days=12)
            assert [(len(host.queue), host.errors) for host in world.hosts] == [(0, [])] * len(world.hosts)
            memory = _memory()
            stored, returned = ends(world, sent)
            seconds = time.perf_counter() - begin
            processor = resource.getrusage(resource.RUSAGE_SELF).ru_utime - before
            lost = sum(one.kind == "lost" for one in world.movements)
            assert lost >= 3
            with capsys.disabled():
                print(
                    f"\n{len(sent)} messages: {stored} copies stored, {returned} recipients returned, {lost} replies lost, "
                    f"{sum(one.kind == 'deferred' for one in world.movements)} put off; {seconds:.0f} s "
                    f"({len(sent) / seconds:.0f}/s), of the processor {processor:.0f} s, {memory:.0f} MB in use"
                )
        del world
        gc.collect()


def _memory() -> float:
    """Megabytes that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6
