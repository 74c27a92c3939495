"""The retry timeline and the notice view over a real world, without a page."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from labkit.hosts.faults import ConnectionLost
from labkit.view.notice_view import NoticeView, meaning, parts_of
from labkit.view.retry_story import Scale
from labkit.view.retry_timeline import RetryTimeline
from labkit.world import World, chain

ALICE, BOB = "alice@sender.example", "bob@receiver.example"
RELAY, MX1, MX2 = "relay.sender.example", "mx1.receiver.example", "mx2.receiver.example"
LETTER = f"From: {ALICE}\r\nTo: {BOB}\r\nSubject: Lunch\r\n\r\nAt one?\r\n"
DAY = 86_400.0


@pytest.fixture
def world() -> Iterator[World]:
    with World.open(chain(), transport="memory") as opened:
        opened.stop(MX2)
        yield opened


def send(world: World) -> None:
    assert world.submit(LETTER, sender=ALICE, recipients=[BOB]).delivered
    world.settle()


def drawn(widget: RetryTimeline) -> dict[str, Any]:
    """What the page gets, as JSON; its drawing."""
    state = json.loads(json.dumps(widget._state()))
    picture: dict[str, Any] = state["picture"]
    return picture


def words(picture: dict[str, Any]) -> list[list[str]]:
    return [[step["mark"] for step in mark["steps"]] for mark in picture["marks"]]


def until(true: Callable[[], object], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def test_a_greylisted_message_waits_and_then_arrives(world: World) -> None:
    world.switch_on("greylisting", host=MX1)
    widget = RetryTimeline(world)
    assert widget._state()["picture"] is None
    send(world)
    first = drawn(widget)
    assert words(first) == [["451", "no answer"]]
    assert first["owner"]["who"] == RELAY
    assert "Next try: 09:30:00, in 30 min." in first["owner"]["text"]
    assert first["limit"]["text"] == "gives up Sat 10 Jan 09:00:00"
    assert len(first["planned"]) > 5
    world.clock.advance_to_next()
    then = drawn(widget)
    assert words(then)[1] == ["filed"]
    assert [gap["text"] for gap in then["gaps"]] == ["30 min"]
    assert then["planned"] == []
    assert then["limit"]["text"] == "would have given up Sat 10 Jan 09:00:00"
    assert then["owner"]["text"] == "It lies in the mailbox of bob@receiver.example."


def test_five_days_without_an_answer_end_in_a_notice(world: World) -> None:
    world.stop(MX1)
    send(world)
    world.clock.advance(days=6)
    picture = drawn(RetryTimeline(world))
    assert words(picture)[-1][-2:] == ["too old", "filed"]  # gave up, and the notice lies with Alice
    assert picture["marks"][-1]["steps"][-1]["notice"]
    assert picture["owner"]["who"] == "nobody"
    assert "alice@sender.example has a notice" in picture["owner"]["text"]
    places = [mark["x"] for mark in picture["marks"]]
    assert places == sorted(places)
    assert places[0] == 0
    assert places[-1] == 1


def test_a_lost_reply_shows_the_copy_that_the_queue_does_not_know(world: World) -> None:
    world.switch_on(ConnectionLost("accepted", 1), host=MX1)
    send(world)
    picture = drawn(RetryTimeline(world))
    assert sorted(words(picture)[0]) == ["cut off", "filed"]
    assert picture["owner"]["who"] == RELAY
    assert "A copy has reached a mailbox already" in picture["owner"]["text"]
    world.clock.advance(minutes=30)
    assert drawn(RetryTimeline(world))["owner"]["text"].startswith("2 copies of it lie in the mailbox")


def test_the_button_hands_the_letter_in_and_the_newest_is_shown(world: World) -> None:
    widget = RetryTimeline(world, letter=LETTER)
    widget._receive(None, {"op": "send"}, None)
    until(lambda: len(widget._messages()) == 1)
    world.settle()
    widget._receive(None, {"op": "send"}, None)
    until(lambda: len(widget._messages()) == 2)
    world.settle()
    until(lambda: widget._state()["shown"] == list(widget._messages())[1])
    widget._receive(None, {"op": "choose", "id": next(iter(widget._messages()))}, None)
    assert widget._state()["shown"] == next(iter(widget._messages()))
    widget._receive(None, {"op": "choose", "id": "nonsense"}, None)
    assert widget._state()["shown"] == next(iter(widget._messages()))


def test_another_world_can_be_followed(world: World) -> None:
    send(world)
    with World.open(chain(), transport="memory") as other:
        widget = RetryTimeline(other, clock=False, empty="Play it first.")
        assert widget.as_text().endswith("No message is under way yet. Play it first.")
        widget.follow(world)
        assert drawn(widget)["owner"]["who"] == "store.receiver.example"
        assert list(widget._messages().values()) == ["1: 09:00:00 to bob@receiver.example"]
        send(other)  # is heard no more
        assert len(widget._messages()) == 1
        widget.close()


def test_without_a_letter_nothing_can_be_sent(world: World) -> None:
    widget = RetryTimeline(world)
    widget._receive(None, {"op": "send"}, None)
    world.settle()
    assert not world.movements


def test_a_try_opens_its_session_at_the_reply_that_decided(world: World) -> None:
    world.switch_on("greylisting", host=MX1)
    send(world)
    widget = RetryTimeline(world)
    deferred = next(one for one in world.movements if one.kind == "deferred" and one.reply)
    widget._receive(None, {"op": "open", "n": deferred.seq}, None)
    child = widget._child
    assert child is not None
    assert "451 4.7.1" in child.as_text()
    widget._receive(None, {"op": "shut"}, None)
    assert widget._child is None
    for odd in (0, 10_000, "1", None):
        widget._receive(None, {"op": "open", "n": odd}, None)
        assert widget._child is None


def test_a_closed_widget_listens_no_more(world: World) -> None:
    widget = RetryTimeline(world, letter=LETTER)
    widget.close()
    send(world)  # no error, nothing posted


def test_the_static_form_says_the_same_and_escapes(world: World) -> None:
    world.switch_on("greylisting", host=MX1)
    evil = LETTER.replace("Lunch", "<img src=x onerror=alert(1)>")
    world.submit(evil, sender=ALICE, recipients=['"<b>"@receiver.example', BOB])
    world.settle()
    widget = RetryTimeline(world, title="A <title>")
    html = widget.as_html()
    assert "<b>&lt;" not in html
    assert '<b>"' not in html
    assert "A &lt;title&gt;" in html
    assert "data:image/svg+xml;base64," in html
    assert "Who answers for it now: relay.sender.example" in widget.as_text()
    assert "451" in widget.as_text()


def test_the_axis_keeps_the_order_and_gives_the_first_hours_room() -> None:
    scale = Scale(0, 5 * DAY)
    assert [scale(-1), scale(0), scale(5 * DAY), scale(9 * DAY)] == [0, 0, 1, 1]
    assert scale(1800) > 0.1


# ---- the notice


def failed(world: World) -> bytes:
    world.stop(MX1)
    send(world)
    world.clock.advance(days=6)
    return world.mailbox(ALICE)[0].raw


def test_a_notice_is_shown_part_by_part_with_a_meaning_for_each_field(world: World) -> None:
    raw = failed(world)
    parts = parts_of(raw)
    assert [re.sub(r" \(.*", "", part["title"]) for part in parts] == [
        *("The header of the notice", "Part 1: for people", "Part 2: for programs"),
        "Part 3: your message, whole",
    ]
    fields = [field for part in parts for block in part.get("blocks", ()) for field in block]
    assert {"Return-Path", "Reporting-MTA", "Final-Recipient", "Action", "Status"} <= {
        f["name"] for f in fields
    }
    assert not [field["name"] for field in fields if not field["says"] or "RFC" not in field["rule"]]
    assert "At one?" in parts[3]["lines"]


def test_a_notice_appears_when_it_has_come(world: World) -> None:
    box = world.mailbox(ALICE)
    view = NoticeView(lambda: box[0].raw if len(box) else None, empty="Nothing <yet>.")
    assert "Nothing &lt;yet&gt;." in view.as_html()
    assert view.state["parts"] == []
    failed(world)
    view._receive(None, {"op": "ping"}, None)
    assert len(view.state["parts"]) == 4
    assert "Final-Recipient: rfc822;bob@receiver.example" in view.as_text()
    assert "RFC 3464 §2.3.4" in view.as_html()


@pytest.mark.parametrize("octets", [b"", b"\xff\x00", b"Subject: <b>x</b>\r\n\r\nText\r\n"])
def test_what_is_no_notice_is_shown_as_it_is(octets: bytes) -> None:
    view = NoticeView(lambda: octets)
    assert "no delivery report" in view.as_text()
    assert "<b>x" not in view.as_html()


def test_status_and_action_are_explained_by_their_value() -> None:
    assert "will not be tried again" in meaning("Action", "failed")[0]
    assert (
        meaning("Status", "4.4.7")[0] == "`4` temporary; all three numbers: the time for delivery was over."
    )
    assert meaning("Status", "5.9.9")[0] == "`5` permanent."
    assert meaning("X-Other", "1") == ("", "")


def test_a_cell_interrupted_while_it_shows_a_widget_shows_it_next_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Wherever the interrupt strikes: before the former model is closed, or before the new one is open."""
    view = NoticeView(lambda: None)
    view._repr_mimebundle_()

    def interrupted(*_args: object) -> None:
        raise KeyboardInterrupt

    for step in ("open", "close"):
        with monkeypatch.context() as now:
            now.setattr("ipywidgets.Widget." + step, interrupted)
            with pytest.raises(KeyboardInterrupt):
                view._repr_mimebundle_()
        assert view._repr_mimebundle_()[0]["application/vnd.jupyter.widget-view+json"]["model_id"]


def test_a_half_made_widget_goes_without_complaint() -> None:
    half = RetryTimeline.__new__(RetryTimeline)
    half.__del__()
