"""Time that moves when it is told to: order, rest, and who may move it."""

from __future__ import annotations

import asyncio
import random
from functools import partial

import pytest

from labkit.clock import VirtualClock


def test_work_is_done_at_its_time_in_order() -> None:
    clock = VirtualClock()
    done: list[tuple[str, float]] = []

    def plan(when: float, name: str) -> None:
        clock.at(when, lambda: done.append((name, clock.now())), name)

    plan(20, "c")
    plan(10, "a")
    plan(10, "b")
    plan(30, "d")
    assert [due.what for due in clock.pending()] == ["a", "b", "c", "d"]
    asyncio.run(clock.advance(20))
    assert done == [("a", 10), ("b", 10), ("c", 20)]
    assert clock.now() == 20
    asyncio.run(clock.advance(hours=1, minutes=1))
    assert done[-1] == ("d", 30)
    assert clock.now() == 20 + 3660
    assert clock.pending() == ()


def test_work_that_plans_more_and_waits() -> None:
    clock = VirtualClock()
    seen: list[float] = []

    async def again() -> None:
        await asyncio.sleep(0)
        seen.append(clock.now())
        clock.at(clock.now() + 10, again, "again")

    clock.at(10, again, "again")
    asyncio.run(clock.advance(35))
    assert seen == [10, 20, 30]
    assert clock.now() == 35
    assert [due.when for due in clock.pending()] == [40]


def test_the_world_is_at_rest_before_time_goes_on() -> None:
    clock = VirtualClock()
    story: list[str] = []

    async def settle() -> None:
        await asyncio.sleep(0)
        story.append(f"rest at {clock.now():g}")

    clock.settle = settle
    clock.at(5, lambda: story.append("five"), "")
    clock.at(5, lambda: story.append("five too"), "")
    asyncio.run(clock.advance(10))
    assert story == ["rest at 0", "five", "rest at 5", "five too", "rest at 5"]


def test_to_the_next() -> None:
    clock = VirtualClock()
    done: list[int] = []
    clock.at(7, lambda: done.append(1), "one")
    clock.at(7, lambda: done.append(2), "two")
    clock.at(9, lambda: done.append(3), "three")
    first = asyncio.run(clock.advance_to_next())
    assert first is not None
    assert (first.what, clock.now(), done) == ("one", 7, [1, 2])
    asyncio.run(clock.advance_to_next())
    assert asyncio.run(clock.advance_to_next()) is None
    assert clock.now() == 9


def test_what_is_called_off_is_not_done() -> None:
    clock = VirtualClock()
    done: list[int] = []
    due = clock.at(1, lambda: done.append(1), "")
    clock.at(1, due.cancel, "")
    other = clock.at(2, lambda: done.append(2), "")
    other.cancel()
    other.cancel()
    assert len(clock.pending()) == 2
    asyncio.run(clock.advance(5))
    assert done == [1]
    due.cancel()
    assert not due.cancelled


def test_the_past_is_now_and_time_does_not_run_backwards() -> None:
    clock = VirtualClock()
    asyncio.run(clock.advance(10))
    done: list[float] = []
    clock.at(3, lambda: done.append(clock.now()), "late")
    asyncio.run(clock.advance())
    assert done == [10]
    with pytest.raises(ValueError, match="backwards"):
        asyncio.run(clock.advance(-1))


def test_two_who_move_it_at_once_take_turns() -> None:
    async def run() -> tuple[float, list[float]]:
        clock = VirtualClock()
        clock.turn = asyncio.Lock()
        seen: list[float] = []

        async def work() -> None:
            begin = clock.now()
            await asyncio.sleep(0.01)
            assert clock.now() == begin, "time went on in the middle of a piece of work"
            seen.append(begin)

        for when in (1, 2, 3, 11, 12):
            clock.at(when, work, "")
        await asyncio.gather(clock.advance(10), clock.advance(10))
        return clock.now(), seen

    assert asyncio.run(run()) == (20, [1, 2, 3, 11, 12])


def test_listeners_hear_of_time_and_plan() -> None:
    clock = VirtualClock()
    heard: list[float] = []
    end = clock.on_change(lambda: heard.append(clock.now()))
    clock.at(4, lambda: None, "")
    asyncio.run(clock.advance(6))
    assert heard[0] == 0
    assert heard[-1] == 6
    assert 4 in heard
    end()
    end()
    count = len(heard)
    asyncio.run(clock.advance(6))
    assert len(heard) == count


def test_random_plans_against_a_plain_list() -> None:
    chance = random.Random(20)
    for _ in range(200):
        clock = VirtualClock()
        done: list[tuple[float, int]] = []
        expected = []
        for number in range(20):
            when = chance.randrange(50)
            due = clock.at(when, partial(done.append, (when, number)), "")
            if chance.random() < 0.2:
                due.cancel()
            else:
                expected.append((when, number))
        while clock.now() < 60:
            asyncio.run(clock.advance(chance.randrange(1, 9)))
            assert all(when <= clock.now() for when, _ in done)
        assert done == sorted(expected)
