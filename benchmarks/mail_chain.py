"""Mail through a whole world: ``python benchmarks/mail_chain.py [--messages 10000] [--transport loopback]``.

Four figures: opening a world with six hosts (goal: under 20 ms); messages per second from submission to Bob's mailbox,
four real sessions each, at a tenth of the messages and at all of them; five days with 1,000 messages for hosts that do
not answer (goal: under 2 s); the same with hosts that answer 451 over real sessions, at 50 and at 100 messages.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import resource
import statistics
import time
from collections.abc import Callable

from shared import machine

from labkit.hosts.outgoing import Outgoing
from labkit.hosts.routing import NextHop
from labkit.world import AsyncWorld, TransportName, World, chain

HOSTS = ("mx1.receiver.example", "mx2.receiver.example")
BOB = "bob@receiver.example"


async def hand_in(world: AsyncWorld, count: int) -> None:
    """Put messages into the submission host's queue, over one session that nobody records at this end."""
    session = Outgoing(NextHop("submit.sender.example", 0, "192.0.2.10"), 587)
    await session.open(world.around, "client.sender.example")
    for number in range(count):
        for line in ("MAIL FROM:<alice@sender.example>", f"RCPT TO:<{BOB}>", "DATA"):
            await session.ask(line)
        text = f"From: alice@sender.example\r\nMessage-ID: <{number}@sender.example>\r\nSubject: x\r\n\r\nHello\r\n.\r\n"
        assert (await session.ask(text.encode())).code == 250
    await session.quit()


def opening() -> list[float]:
    """Seconds to open a world with six hosts, from a cell."""
    spec = chain(hosts={"store.sender.example": {"mailboxes": ("erin",)}})
    took = []
    for _ in range(51):
        begin = time.perf_counter()
        world = World.open(spec)
        took.append(time.perf_counter() - begin)
        world.close()
    return took[1:]


async def through(count: int, transport: TransportName) -> float:
    """Seconds for ``count`` messages from program to mailbox."""
    async with AsyncWorld(chain(), transport=transport) as world:
        begin = time.perf_counter()
        await hand_in(world, count)
        await world.settle()
        took = time.perf_counter() - begin
        assert len(world.mailbox(BOB)) == count
        return took


async def five_days(count: int, prepare: Callable[[AsyncWorld], object]) -> tuple[float, int]:
    """Seconds for five days in which nothing is taken, and the number of tries; then everything is returned."""
    async with AsyncWorld(chain(), transport="memory") as world:
        prepare(world)
        world.hold()
        await hand_in(world, count)
        world.release()
        for name in HOSTS:
            if not world.host(name).active_faults:
                await world.host(name).stop()
        await world.settle()
        begin = time.perf_counter()
        await world.clock.advance(days=5)
        took = time.perf_counter() - begin
        assert len(world.mailbox("alice@sender.example")) == count
        return took, sum(one.kind == "deferred" for one in world.movements)


def later(world: AsyncWorld) -> None:
    """Have both MX hosts answer 451 to each recipient."""
    for name in HOSTS:
        world.host(name).switch_on("fixed_reply", stage="RCPT", code=451, enhanced="4.3.0")


def main(messages: int, transport: TransportName) -> None:
    """Measure and print."""
    took = opening()
    print(
        f"open six hosts: median {statistics.median(took) * 1000:.1f} ms, smallest {min(took) * 1000:.1f} ms"
    )
    for count in (messages // 10, messages):
        seconds = asyncio.run(through(count, transport))
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(
            f"{count} messages over {transport}: {seconds:.1f} s, {count / seconds:.0f}/s, at most {memory} MB"
        )
        gc.collect()
    seconds, tries = asyncio.run(five_days(1000, lambda _world: None))
    print(f"five days, 1000 messages, nobody answers: {seconds:.2f} s for {tries} movements")
    for count in (50, 100):
        seconds, tries = asyncio.run(five_days(count, later))
        print(f"five days, {count} messages, 451 over real sessions: {seconds:.2f} s for {tries} movements")
    print(machine())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--transport", choices=("loopback", "memory"), default="loopback")
    given = parser.parse_args()
    main(given.messages, given.transport)
