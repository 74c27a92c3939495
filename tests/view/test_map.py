"""The map, the clock and the host inspector over a real world, without a page."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any

import pytest

from labkit.hosts.movement import Movement
from labkit.transport.loop_thread import loop_thread
from labkit.view.clock_view import PIECES, ClockView
from labkit.view.host_inspector import HostInspector
from labkit.view.map_story import Story, layout, moment, span
from labkit.view.map_view import KEPT, MapView
from labkit.view.widget import LabWidget
from labkit.world import World, chain

ALICE = "alice@sender.example"
SUBMIT, RELAY, MX1, STORE = (
    "submit.sender.example",
    "relay.sender.example",
    "mx1.receiver.example",
    "store.receiver.example",
)


@pytest.fixture
def world() -> Iterator[World]:
    with World.open(chain()) as opened:
        yield opened


def send(world: World, *people: str) -> None:
    recipients = [f"{name}@receiver.example" for name in people]
    assert world.submit("Hello\n", sender=ALICE, recipients=recipients).delivered
    world.settle()


def until(true: Callable[[], object], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def heard(widget: LabWidget, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the widget sends to its page from now on; all of it must be JSON."""
    sent: list[dict[str, Any]] = []

    def keep(content: Any, buffers: Any = None) -> None:
        sent.append(json.loads(json.dumps(content)))

    monkeypatch.setattr(widget, "send", keep)
    return sent


def say(widget: LabWidget, **content: object) -> None:
    widget._receive(None, content, None)


def steps(widget: MapView) -> list[dict[str, Any]]:
    widget.as_text()
    return list(widget._steps)


# ---- who stands where


def test_stations_stand_in_the_order_of_the_way() -> None:
    places = layout(chain(), (ALICE, "bob@receiver.example"))
    assert [station.label for station in places.stations] == [
        *("Alice", "submit", "relay", "mx1", "mx2", "store", "Bob"),
    ]
    ways = set(places.ways)
    assert {
        (ALICE, SUBMIT),
        (SUBMIT, RELAY),
        (RELAY, MX1),
        (MX1, STORE),
        (STORE, "bob@receiver.example"),
    } <= ways
    assert (SUBMIT, MX1) not in ways
    assert (MX1, RELAY) not in ways


def test_jobs_are_named_by_role() -> None:
    jobs = {one.label: [name for name, _ in one.jobs] for one in layout(chain(), (ALICE,)).stations}
    assert jobs["Alice"] == ["MUA"]
    assert jobs["submit"] == ["MSA"]
    assert jobs["mx1"] == ["MTA"]
    assert jobs["store"] == ["MDA"]


# ---- what happened


def test_a_message_goes_hop_by_hop_each_told_once(world: World) -> None:
    send(world, "bob")
    told = [(step["from"], step["to"], step["mark"]) for step in steps(MapView(world))]
    assert told == [
        (ALICE, SUBMIT, "250"),
        (SUBMIT, RELAY, "250"),
        (RELAY, MX1, "250"),
        (MX1, STORE, "250"),
        (STORE, "bob@receiver.example", "filed"),
    ]


def test_a_refused_message_comes_back_as_a_notice(world: World) -> None:
    send(world, "bpb")
    told = [(s["from"], s["to"], s["mark"], s["tone"], s["notice"]) for s in steps(MapView(world))][2:]
    assert told == [
        (RELAY, MX1, "550", "5", False),
        (RELAY, RELAY, "gave up", "5", False),
        (RELAY, ALICE, "filed", "2", True),
    ]


def test_the_text_form_says_the_same_on_every_run(world: World) -> None:
    send(world, "bob")
    text = MapView(world).as_text()
    assert f"2. 09:00:00 {SUBMIT} handed it to {RELAY}: 250" in text
    with World.open(chain(), transport="memory") as other:
        send(other, "bob")
        assert MapView(other).as_text() == text


def test_what_waits_is_shown_at_its_host(world: World) -> None:
    world.switch_on("greylisting", host=MX1)
    world.stop("mx2.receiver.example")
    send(world, "bob")
    widget = MapView(world)
    now = widget._now()["hosts"]
    assert (now[RELAY]["waiting"], now[RELAY]["next"]) == (1, "09:30:00")
    assert now[MX1]["faults"] == ["Greylisting"]
    assert now["mx2.receiver.example"]["down"]
    marks = [step["mark"] for step in steps(widget)]
    assert "451" in marks
    assert "no answer" in marks
    world.clock.advance(minutes=30)
    assert widget._now()["hosts"][RELAY]["waiting"] == 0
    assert steps(widget)[-1]["to"] == "bob@receiver.example"


def test_hostile_names_and_replies_stay_text(world: World) -> None:
    evil = '"<img src=x onerror=alert(1)>\u202e"'
    movement = Movement(
        1, 0.0, "refused", evil, MX1, 25, "Q", "<x>", (f"{evil}@a.example",), 1, f"550 {evil}", evil
    )
    places = layout(chain(), ())
    step = Story(places, world.clock.start).steps([movement])[0]
    assert "\u202e" not in step["text"]
    widget = MapView(world)
    widget._steps.append(step)
    seen: list[str] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            seen.extend([tag, *(name for name, _ in attrs)])

    Tags().feed(widget.as_html())
    assert "onerror" not in seen
    assert "svg" not in seen
    assert "script" not in seen


# ---- live


def test_the_page_hears_of_each_step_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = MapView(world)
    sent = heard(widget, monkeypatch)
    send(world, "bob")
    until(lambda: sum(len(m["hops"]) for m in sent if m["op"] == "story") == 5)
    say(widget, op="hello", view="a")
    until(lambda: any(m.get("view") == "a" and m["op"] == "story" for m in sent))
    whole = next(m for m in sent if m.get("view") == "a" and m["op"] == "story")
    assert [hop["n"] for hop in whole["hops"]] == [h["n"] for m in sent if m.get("live") for h in m["hops"]]


def test_a_flood_is_few_messages_and_the_rest_is_counted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    widget = MapView(world)
    sent = heard(widget, monkeypatch)
    log = world.inner.around.movements
    count = KEPT + 500

    async def flood() -> None:
        for number in range(count):
            log.add("accepted", SUBMIT, RELAY, 25, f"Q{number}", f"<{number}@x>", ("bob@receiver.example",))

    loop_thread().run(flood, 10)
    until(lambda: any(m["op"] == "story" for m in sent))
    stories = [m for m in sent if m["op"] == "story"]
    assert len(stories) < 20
    assert sum(len(m["hops"]) + m["skipped"] for m in stories) <= count
    say(widget, op="hello", view="a")
    assert (len(sent[-1]["hops"]), sent[-1]["skipped"]) == (KEPT, 500)


def test_a_step_opens_its_session_at_the_deciding_line(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    send(world, "bpb")
    widget = MapView(world)
    sent = heard(widget, monkeypatch)
    refused = next(step for step in steps(widget) if step["code"] == "550")
    say(widget, op="open", n=refused["n"])
    assert sent[-1]["op"] == "child"
    session = widget._child
    assert session is not None
    assert sent[-1]["model"] == session.model_id
    shot = session.snapshot()  # type: ignore[attr-defined]
    row = next(row for row in shot["rows"] if row["n"] == shot["at"])
    assert (row["code"], row["s"]) == ("550", "S")
    assert shot["explanations"][shot["at"]]["headline"]
    say(widget, op="open", n=next(step["n"] for step in steps(widget) if step["mark"] == "gave up"))
    assert sent[-1]["model"] == ""
    assert "notice" in sent[-1]["say"]
    say(widget, op="open", n="<x>")
    say(widget, op="open", n=10**9)
    say(widget, op="host", id="nowhere.example")
    assert [m for m in sent if m["op"] == "trouble"] == []


def test_a_host_opens_below_the_map(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = MapView(world)
    heard(widget, monkeypatch)
    say(widget, op="host", id=RELAY)
    assert isinstance(widget._child, HostInspector)
    say(widget, op="shut")
    assert widget._child is None


def test_closing_unsubscribes_everything(world: World) -> None:
    clock, log = world.inner.clock, world.inner.around.movements
    before = (len(clock._callbacks), len(log._callbacks))
    widgets: list[LabWidget] = [MapView(world, clock=True), ClockView(world), HostInspector(world)]
    say(widgets[0], op="host", id=RELAY)
    assert (len(clock._callbacks), len(log._callbacks)) != before
    for widget in widgets:
        widget.close()
    assert (len(clock._callbacks), len(log._callbacks)) == before


# ---- the clock


def test_times_in_words() -> None:
    with World.open(chain(), transport="memory") as world:
        start = world.clock.start
    assert moment(start, 61) == "09:01:01"
    assert moment(start, 86_400) == "Tue 6 Jan 09:00:00"
    assert span(1800) == "30 min"
    assert span(432_000) == "5 days"
    assert span(90_061) == "1 day 1 h"
    assert span(0) == "0 s"


def test_the_clock_passes_time_and_says_what_is_due(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.switch_on("greylisting", host=MX1)
    world.switch_on("greylisting", host="mx2.receiver.example")
    send(world, "bob")
    widget = ClockView(world)
    sent = heard(widget, monkeypatch)
    say(widget, op="hello")
    assert sent[-1]["due"][0]["in"] == "in 30 min"
    say(widget, op="next")
    until(lambda: sent[-1].get("said", "").startswith("Done"))
    assert sent[-1]["time"] == "09:30:00"
    assert world.mailbox("bob@receiver.example")
    say(widget, op="move", seconds=14_400.0)
    until(lambda: sent[-1].get("said") == "4 h have passed.")
    assert sent[-1]["time"] == "13:30:00"
    say(widget, op="move", seconds=-5)
    say(widget, op="move", seconds="x")
    assert world.clock.now() == 16_200


def test_a_long_way_can_be_stopped(world: World) -> None:
    widget = ClockView(world)
    widget._stop = True  # pressed while the first piece of the way is under way
    loop_thread().run(lambda: widget._pass(432_000.0), 10)
    assert world.clock.now() == 432_000 / PIECES
    assert widget._said == "Stopped after 2 h."


def test_a_press_while_time_passes_begins_nothing(world: World) -> None:
    widget = ClockView(world)
    widget._running = (0.0, 900.0)
    widget.on_move({"seconds": 900.0})
    widget.on_next({})
    world.settle()
    assert world.clock.now() == 0


def test_a_closed_world_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World.open(chain())
    widget = ClockView(world)
    sent = heard(widget, monkeypatch)
    world.close()
    say(widget, op="next")
    until(lambda: any("Run All Cells" in str(m.get("said")) for m in sent))


# ---- the inspector


def test_the_inspector_shows_log_queue_mailboxes_and_settings(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.switch_on("greylisting", host=MX1)
    world.switch_on("greylisting", host="mx2.receiver.example")
    send(world, "bob")
    widget = HostInspector(world, host=RELAY)
    sent = heard(widget, monkeypatch)
    say(widget, op="show", tab="queue")
    item = sent[-1]["body"]["items"][0]
    assert (item["to"], item["tries"]) == ("bob@receiver.example", 1)
    assert item["next"] == "09:30:00, in 30 min"
    say(widget, op="show", tab="log")
    assert any("451" in line["text"] for line in sent[-1]["body"]["lines"])
    world.clock.advance(hours=1)
    say(widget, op="show", host=STORE, tab="mailbox")
    box = next(box for box in sent[-1]["body"]["boxes"] if box["address"] == "bob@receiver.example")
    assert "Return-Path" in box["letters"][0]["source"]
    say(widget, op="show", host=SUBMIT, tab="settings")
    assert sent[-1]["body"]["ports"][0]["port"] == 587
    assert str(world.address(SUBMIT, 587)[1]) in sent[-1]["body"]["ports"][0]["outside"]  # type: ignore[index]
    say(widget, op="show", host="<b>", tab="<i>")
    assert (sent[-1]["host"], sent[-1]["tab"]) == (SUBMIT, "settings")


def test_faults_are_switched_from_the_inspector(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = HostInspector(world, host=MX1, tab="settings")
    sent = heard(widget, monkeypatch)
    say(widget, op="fault", name="greylisting", on=True)
    until(lambda: world.host(MX1).active_faults)
    until(lambda: any(m.get("body", {}).get("faults", [{}])[0].get("on") for m in sent))
    say(widget, op="fault", name="no such fault", on=True)
    say(widget, op="fault", name="greylisting", on=False)
    until(lambda: not world.host(MX1).active_faults)
