"""The desk beside a map: it sends, it switches servers, it shows what was asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from labkit.view.map_view import MapView
from labkit.view.route_desk import RouteDesk
from labkit.world import World, chain

RELAY, MX1, MX2 = "relay.sender.example", "mx1.receiver.example", "mx2.receiver.example"
LETTER = "From: alice@sender.example\r\nSubject: Lunch\r\n\r\nAt one?\r\n"


@pytest.fixture
def world() -> Iterator[World]:
    with World.open(chain(), transport="memory") as opened:
        yield opened


def until(true: Callable[[], object], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def test_it_sends_and_shows_what_the_relay_asked(world: World) -> None:
    desk = RouteDesk(world, letter=LETTER, asker=RELAY, servers=(MX1, MX2))
    assert "nothing yet" in desk.as_text()
    desk.on_send({})
    until(lambda: len(world.mailbox("bob@receiver.example")))
    rows = [(row["asked"], row["answers"]) for row in desk._state()["lookups"]]
    assert rows[0] == ("receiver.example MX", ["10 mx1.receiver.example.", "20 mx2.receiver.example."])
    assert ("mx1.receiver.example AAAA", ["none"]) in rows
    assert "receiver.example MX: 10 mx1.receiver.example." in desk.as_html()
    desk.close()


def test_a_server_that_is_off_is_passed_over_and_the_map_hears_of_it(world: World) -> None:
    desk = RouteDesk(world, letter=LETTER, asker=RELAY, servers=(MX1, MX2))
    drawn = MapView(world, side=desk)
    told: list[dict[str, object]] = []
    drawn.post = lambda message: told.append(message() if callable(message) else message)  # type: ignore[method-assign, assignment, return-value]
    desk.on_switch(drawn.refresh)
    desk.on_turn({"host": MX1})
    until(lambda: not world.host(MX1).running and not desk._busy)
    until(lambda: told)
    assert told[-1]["now"]["hosts"][MX1]["down"] is True  # type: ignore[index]
    desk.on_turn({"host": "store.receiver.example"})  # not one of its switches
    desk.on_send({})
    until(lambda: len(world.mailbox("bob@receiver.example")))
    assert [one.to for one in world.movements if one.kind == "accepted"][1:] == [
        MX2,
        "store.receiver.example",
    ]
    desk.on_turn({"host": MX1})
    until(lambda: world.host(MX1).running)
    drawn.close()
    desk.close()


def test_a_closed_world_is_said_to_be_closed(world: World) -> None:
    desk = RouteDesk(world, letter=LETTER, asker=RELAY, servers=(MX1,))
    world.close()
    desk.on_send({})
    until(lambda: "Run > Run All Cells" in desk._state()["said"])
