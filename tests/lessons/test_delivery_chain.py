"""Lesson 06: what its questions say happens is what happens; each recorded run and each sample answer is a real one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from labkit.learn.feedback import Outcome
from labkit.learn.samples import check_samples
from labkit.lessons.delivery_chain import DeliveryChainLesson
from labkit.lessons.delivery_chain_order import FIRST, called
from labkit.lessons.delivery_chain_questions import received_lines
from labkit.lessons.delivery_chain_routes import route_table
from labkit.lessons.delivery_chain_world import CAROL, FORGED, MX1, MX2, RELAY, STORE, forged, private, sent
from labkit.lessons.grading import replies
from labkit.message import header_fields
from labkit.smtp.transcript import Transcript
from labkit.world import World


@pytest.fixture(scope="module")
def lesson() -> Iterator[DeliveryChainLesson]:
    made = DeliveryChainLesson()
    yield made
    made.close()


def calls(world: World) -> list[tuple[str, str]]:
    """Whom the relay called, in order, and what came of it."""
    return [
        (one.to, one.kind)
        for one in world.movements
        if one.host == RELAY and one.kind in ("accepted", "deferred")
    ]


def pointed(lesson: DeliveryChainLesson, observation: str, transcript: Transcript) -> dict[int, Outcome]:
    asked = lesson.observations()[observation]
    asked._source = lambda: transcript
    return {event.seq: asked.point(event.seq).outcome for event in transcript}


def test_the_relay_calls_the_lower_number_first(lesson: DeliveryChainLesson) -> None:
    assert lesson.predictions()["order"].actual.startswith("mx1: the lower number")
    with private(lesson.make_spec()) as world:
        assert calls(sent(world)) == [(MX1, "accepted")]
        first = world.zones.log.by(RELAY)[0].lookup
        assert str(first) == "receiver.example MX: 10 mx1.receiver.example., 20 mx2.receiver.example."


def test_without_mx1_the_letter_goes_to_mx2_at_once(lesson: DeliveryChainLesson) -> None:
    assert lesson.predictions()["fallback"].actual == "It goes to mx2 at once."
    with private(lesson.make_spec()) as world:
        world.stop(MX1)
        assert calls(sent(world)) == [(MX1, "deferred"), (MX2, "accepted")]
        assert world.clock.now() == 0
        assert len(world.mailbox("alice@sender.example")) == 0


def test_with_none_of_them_it_waits(lesson: DeliveryChainLesson) -> None:
    """What the reason behind the second guess says."""
    with private(lesson.make_spec()) as world:
        world.stop(MX1)
        world.stop(MX2)
        sent(world)
        assert len(world.host(RELAY).queue.items) == 1
        assert len(world.mailbox("bob@receiver.example")) == 0


def test_a_made_up_field_stays_below_those_of_the_servers(lesson: DeliveryChainLesson) -> None:
    assert lesson.predictions()["forged"].actual.startswith("Yours, below those")
    with private(lesson.make_spec()) as world:
        (message,) = forged(world).mailbox(CAROL)
        names = [
            field.value.split(" by ")[1].split()[0]
            for field in header_fields(message.raw)
            if field.name == "Received"
        ]
        assert names == [STORE, MX2, "mx.bank.example"]
        assert header_fields(message.raw)[3].raw == FORGED.encode() + b"\r\n"


def test_a_letter_is_followed_by_guesses_and_questions() -> None:
    """In the learner's own world: what happens is told, and the sessions can be pointed into."""
    lesson = DeliveryChainLesson()
    try:
        for name in ("order", "fallback", "forged"):
            assert lesson.predict(name).prediction.state.actual == ""
        door = lesson.observe("door")
        assert door.observation.point(1).outcome == "not_attempted"
        sent(lesson.world)
        assert lesson.predict("order").prediction.state.actual
        assert not lesson.predict("fallback").prediction.state.actual
        lesson.world.stop(MX1)
        sent(lesson.world)
        assert lesson.predict("fallback").prediction.state.actual
        latest = lesson._latest_session()
        assert latest is not None
        assert f"by {MX2} ".encode() in b"".join(event.data for event in latest)
        assert door.observation.point(1).outcome == "incorrect"
        forged(lesson.world)
        until(lambda: lesson.predict("forged").prediction.state.actual)
        assert "by mx.bank.example" in lesson.header("forged").as_text()
        assert "(recorded)" not in lesson.header("letter").as_text()
    finally:
        lesson.close()


def until(true: Callable[[], object], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def test_the_line_that_decided(lesson: DeliveryChainLesson) -> None:
    last = lesson._recorded("first").host(STORE).sessions[0].transcript
    answers = pointed(lesson, "door", last)
    assert [seq for seq, outcome in answers.items() if outcome == "correct"] == received_lines(last)[0]
    assert last[received_lines(last)[0][0] - 1].data.startswith(b"Received: from relay.sender.example")


def test_recorded_runs(lesson: DeliveryChainLesson) -> None:
    said = {
        name: [str(reply.code) for _, reply in replies(lesson.recording(name))]
        for name in ("open", "closed", "forged")
    }
    assert said["open"] == ["220", "250", "250", "250", "221"]
    assert said["closed"] == ["220", "250", "250", "550", "221"]
    assert said["forged"] == ["220", "250", "250", "250", "354", "250", "221"]
    told = lesson.loop().as_text()
    assert "554 5.4.6 This message has passed 8 hosts already" in told
    assert "a notice into the mailbox of alice@sender.example" in told


def test_the_open_relay_can_be_closed(lesson: DeliveryChainLesson) -> None:
    lesson.open_relay().on_fault({"name": "open_relay", "on": False})
    until(lambda: not lesson._open_relay().host(RELAY).active_faults)


def test_exercises_grade_their_samples(lesson: DeliveryChainLesson) -> None:
    for exercise in lesson.exercises():
        check_samples(exercise)


def test_the_order_is_that_of_real_calls() -> None:
    assert [record.split()[1] for record in called("news.example", FIRST)] == ["5", "10", "20", "100"]


def test_the_table_of_routes_says_what_relays_do(lesson: DeliveryChainLesson) -> None:
    """What it says of the three that come back stands in the notices of a real relay."""
    rows = {row[0]: row[2] for row in route_table().rows}
    assert rows["two.example"].startswith("mx1.two.example")
    assert rows["both.example"] == "mx.both.example [2001:db8::6]"
    from labkit.lessons.delivery_chain_routes import ZONES
    from labkit.world import chain
    from labkit.world.chain import ZONES as CHAIN

    with private(chain(zones=CHAIN + ZONES)) as world:
        for domain in ("none", "nobody", "stale"):
            world.submit("Hi", sender="alice@sender.example", recipients=(f"x@{domain}.example",))
            world.settle()
            notice = world.mailbox("alice@sender.example").messages[-1].text
            code = rows[f"{domain}.example"].rpartition(" ")[2]
            assert f"Status: {code}" in notice


def test_everything_that_a_cell_shows_reads_as_text(lesson: DeliveryChainLesson) -> None:
    for shown in (
        lesson.way("first"),
        lesson.way("again"),
        lesson.header("letter"),
        lesson.own_header(),
        lesson.terminal_commands(),
    ):
        assert shown.as_text()
        assert "<script" not in shown.as_html()
    assert "handed it to mx2.receiver.example" in lesson.way("again").as_text()
    assert lesson.letter().startswith(b"Return-Path: <alice@sender.example>")
