"""The face for cells of a world with mail in it: submit, settle, clock, faults, DNS; and that nothing stays behind."""

from __future__ import annotations

import gc
import random
import resource
import statistics
import sys
import threading
import time
from collections.abc import Callable

import pytest

from labkit.transport.loop_thread import loop_thread
from labkit.world import World, WorldClosed, chain

ALICE, BOB = "alice@sender.example", "bob@receiver.example"
RELAY, MX1, MX2 = "relay.sender.example", "mx1.receiver.example", "mx2.receiver.example"
TEXT = "Subject: Lunch\n\nAt one?"


def test_a_lesson_in_six_lines() -> None:
    with World.open(chain(), key="lesson") as world:
        handed = world.submit(TEXT, sender=ALICE, recipients=[BOB])
        world.settle()
        assert world.mailbox(BOB)[0].subject == "Lunch"
        assert [one.kind for one in world.trail(handed.message_id)][-1] == "delivered"
        assert world.trail(handed.message_id) == world.movements


def test_greylisting_and_a_fast_clock() -> None:
    with World.open(chain()) as world:
        changes: list[float] = []
        world.clock.on_change(lambda: changes.append(world.clock.now()))
        for name in (MX1, MX2):
            world.switch_on("greylisting", host=name, wait=60)
        world.submit(TEXT, sender=ALICE, recipients=[BOB])
        world.settle()
        assert len(world.mailbox(BOB)) == 0
        assert [due.what for due in world.clock.pending()] == [f"{RELAY} tries its queue again"]
        first = world.clock.advance_to_next()
        assert first is not None
        assert (first.when, world.clock.now()) == (1800, 1800)
        assert len(world.mailbox(BOB)) == 1
        world.clock.advance(hours=2)
        assert f"{world.clock}" == "<clock at 2026-01-05 11:30:00 UTC>"
        assert changes[-1] == 9000
        world.switch_off("greylisting", host=MX1)
        assert world.host(MX1).active_faults == ()


def test_hosts_go_down_and_come_up() -> None:
    with World.open(chain()) as world:
        world.stop(MX1)
        world.stop(MX2)
        world.stop(MX2)
        world.submit(TEXT, sender=ALICE, recipients=[BOB])
        world.settle()
        assert world.address(MX1) is None
        world.start(MX1)
        world.start(MX1)
        world.clock.advance(minutes=30)
        assert len(world.mailbox(BOB)) == 1


def test_movements_are_told_on_the_loop_thread() -> None:
    with World.open(chain()) as world:
        heard: list[tuple[int, bool]] = []
        end = world.on_movement(
            lambda one: heard.append((one.seq, threading.current_thread() is loop_thread().thread))
        )
        world.submit(TEXT, sender=ALICE, recipients=[BOB])
        world.settle()
        end()
        world.submit(TEXT, sender=ALICE, recipients=[BOB])
        world.settle()
        assert heard == [(seq, True) for seq in range(1, 9)]
        assert len(world.movements) == 16


def test_a_held_world_is_still() -> None:
    with World.open(chain()) as world:
        world.hold()
        for _ in range(3):
            world.submit(TEXT, sender=ALICE, recipients=[BOB])
        world.settle()
        assert [len(host.queue) for host in world.hosts] == [3, 0, 0, 0, 0]
        world.release()
        world.settle()
        assert len(world.mailbox(BOB)) == 3


def test_dns_of_the_world_on_a_real_port() -> None:
    import dns.message
    import dns.query

    with World.open(chain()) as world:
        address = world.dns_address()
        assert world.dns_address() == address
        for ask in (dns.query.udp, dns.query.tcp):
            response = ask(
                dns.message.make_query("receiver.example", "MX"), address[0], port=address[1], timeout=5
            )
            assert "10 mx1.receiver.example." in response.to_text()
        world.zones.replace(world.zones.text.replace("MX   10 mx1", "MX   30 mx1"))
        world.submit(TEXT, sender=ALICE, recipients=[BOB])
        world.settle()
        assert len(world.host(MX2).sessions) == 1  # an edited zone counts at once
        assert any(record.asker == RELAY for record in world.zones.log)
    with pytest.raises(dns.exception.Timeout):
        dns.query.udp(
            dns.message.make_query("receiver.example", "MX"), address[0], port=address[1], timeout=0.2
        )


def test_a_closed_world_takes_no_mail() -> None:
    world = World.open(chain())
    world.close()
    with pytest.raises(WorldClosed):
        world.submit(TEXT, sender=ALICE, recipients=[BOB])


def test_closed_in_the_middle_of_everything() -> None:
    for _ in range(5):
        world = World.open(chain(), key="middle")
        for name in (MX1, MX2):
            world.switch_on("slow_server", host=name, seconds=5)
        world.dns_address()
        world.submit(TEXT, sender=ALICE, recipients=[BOB])
        begin = time.monotonic()
        world.close()
        assert time.monotonic() - begin < 3
        assert all(host.errors == [] for host in world.hosts)
    assert not loop_thread().errors


def test_many_worlds_leave_nothing(size: Callable[[int, int], int]) -> None:
    """No growth in sockets, threads, tasks or memory; the whole test builds 1,000."""
    if sys.platform != "linux":
        pytest.skip("counts open files in /proc")
    import asyncio
    import os

    async def tasks() -> int:
        return len(asyncio.all_tasks())

    def census() -> tuple[int, int, int]:
        gc.collect()
        loop_thread().run(lambda: asyncio.sleep(0.05), 5)
        return len(os.listdir("/proc/self/fd")), threading.active_count(), loop_thread().run(tasks, 5)

    def use(count: int) -> None:
        for _ in range(count):
            world = World.open(chain(), key="again")
            world.dns_address()
            world.submit(TEXT, sender=ALICE, recipients=[BOB, "nobody@receiver.example"])
            world.settle()
            assert len(world.mailbox(ALICE)) == 1
        world.close()

    def resident() -> int:
        with open("/proc/self/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize() // 1024

    use(20)
    before, memory, objects = census(), resident(), len(gc.get_objects())
    count = size(50, 1000)
    use(count)
    assert census() == before
    assert len(gc.get_objects()) - objects < count  # a world has hundreds
    assert resident() - memory < 8 * 1024 + 4 * count  # KiB


def test_six_hosts_open_quickly() -> None:
    spec = chain(hosts={"store.sender.example": {"mailboxes": ("erin",)}})
    World.open(spec).close()
    took = []
    for _ in range(15):
        begin = time.perf_counter()
        world = World.open(spec)
        took.append(time.perf_counter() - begin)
        assert len(world.hosts) == 6
        world.close()
    assert statistics.median(took) < 0.1, "the goal is 0.02 s; benchmarks/open_world.py measures it"


def test_cells_that_do_not_wait_tell_the_same_story() -> None:
    """Whatever a cell's own pace is: each message goes its whole way before the next one is handed in."""
    chance = random.Random(4)
    stories = set()
    for _ in range(5):
        with World.open(chain()) as world:
            for _ in range(4):
                world.submit(TEXT, sender=ALICE, recipients=[BOB])
                time.sleep(chance.random() * 0.004)
            world.settle()
            stories.add(tuple((one.kind, one.to, one.connection) for one in world.movements))
    assert len(stories) == 1
