"""Lesson 05: what it predicts really happens, what it asks can be answered, its exercises grade what they should."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

import pytest

from labkit.explainers.line import explain_line
from labkit.learn.samples import check_samples
from labkit.lessons import queue_and_bounces, queue_and_bounces_rule
from labkit.lessons.queue_and_bounces import QueueLesson, latest_notice
from labkit.lessons.queue_and_bounces_notify import FIRST, SECOND, grade
from labkit.lessons.queue_and_bounces_rule import Case, Fate, judge, play
from labkit.lessons.queue_and_bounces_world import (
    ALICE,
    BOB,
    MX,
    POST,
    RELAY,
    RULE,
    STORE,
    SUBMIT,
    played,
)
from labkit.smtp.session import observe
from labkit.smtp.transcript import Transcript
from labkit.view.retry_timeline import RetryTimeline
from labkit.view.session_widget import SessionAt
from labkit.world import RetryRule, World


@pytest.fixture
def lesson() -> Iterator[QueueLesson]:
    opened = queue_and_bounces.open()
    yield opened
    opened.close()


def until(true: Callable[[], object], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def press_send(lesson: QueueLesson, name: str) -> World:
    """What the learner does with the first button of an experiment."""
    timeline, world = lesson.timeline(name), lesson.experiment(name)
    before = len(world.movements)
    timeline._receive(None, {"op": "send"}, None)
    until(lambda: len(world.movements) > before)
    until(lambda: not timeline._sending)
    world.settle()
    return world


def line_with(transcript: Transcript, text: str) -> int:
    return next(event.seq for event in transcript if text in event.data.decode())


# ---- what happens in each experiment, and that it is told


def test_greylisting_leaves_the_message_in_the_relay(lesson: QueueLesson) -> None:
    world = press_send(lesson, "greylisting")
    assert lesson.predict("greylisting").prediction.state.actual == "In a queue at her own side."
    assert [len(world.host(name).queue) for name in (SUBMIT, RELAY, MX)] == [0, 1, 0]
    assert world.host(RELAY).queue.items[0].attempts[-1].reply.startswith("451 4.7.1")
    world.clock.advance_to_next()
    assert world.clock.now() == 1800
    assert len(world.mailbox(BOB)) == 1
    # "Send another message in the first experiment above: it goes through at once."
    press_send(lesson, "greylisting")
    assert len(world.mailbox(BOB)) == 2


def test_five_days_without_an_answer_end_in_one_notice(lesson: QueueLesson) -> None:
    world = press_send(lesson, "down")
    state = lesson.predict("down").prediction.state
    assert not state.actual  # the try alone does not tell the end
    for _ in range(2):
        world.clock.advance_to_next()
    assert world.clock.now() == 5400
    assert not len(world.mailbox(ALICE))
    world.clock.advance(days=5)
    assert lesson.predict("down").prediction.state.actual == "A failure notice after five days."
    (notice,) = world.mailbox(ALICE)
    assert notice.time == RULE.give_up_after
    assert b"Status: 4.4.7" in notice.raw
    assert lesson.notice().state["parts"][0]["title"] == "The header of the notice"


def test_a_lost_answer_makes_two_copies_with_one_message_id(lesson: QueueLesson) -> None:
    world = press_send(lesson, "lost")
    assert not lesson.predict("lost").prediction.state.actual
    world.clock.advance_to_next()
    assert lesson.predict("lost").prediction.state.actual == "Two copies of the same message."
    copies = world.mailbox(BOB)
    assert len(copies) == 2
    assert len({str(one.parsed["Message-ID"]) for one in copies}) == 1
    assert "message 2" in lesson.mailbox().as_text()


def test_a_lost_answer_opens_at_the_dot_that_was_not_answered(lesson: QueueLesson) -> None:
    world = press_send(lesson, "lost")
    timeline = lesson.timeline("lost")
    number = next(one.seq for one in world.movements if one.kind == "lost")
    timeline.on_open({"n": number})
    assert isinstance(timeline._child, SessionAt)
    at, notes = timeline._child._at, observe(world.host(MX).sessions[0].transcript)
    assert notes[at - 1].octets == b".\r\n"
    assert "may have taken the message" in explain_line(notes, notes[-1].seq).effect  # of the closing, too


def test_the_experiments_keep_their_own_time(lesson: QueueLesson) -> None:
    press_send(lesson, "down").clock.advance(days=5)
    assert lesson.world.clock.now() == 0
    assert not lesson.world.movements


# ---- what is pointed at


def test_alice_may_go_home_after_the_250_behind_the_dot(lesson: QueueLesson) -> None:
    observation = lesson.observe("responsibility").observation
    assert observation.point(1).outcome == "not_attempted"
    press_send(lesson, "greylisting")
    transcript = observation.transcript
    assert transcript is not None
    right = line_with(transcript, "queued as")
    assert observation.point(line_with(transcript, "354")).outcome == "incorrect"
    assert observation.point(right).passed


def test_the_null_reverse_path_keeps_notices_from_breeding(lesson: QueueLesson) -> None:
    observation = lesson.observe("null_path").observation
    press_send(lesson, "down").clock.advance(days=6)
    transcript = observation.transcript
    assert transcript is not None
    for text, says in (
        ("RCPT TO", "who gets the notice"),
        ("Auto-Submitted", "absence notices"),
        ("Subject:", "text of the notice"),
    ):
        feedback = observation.point(line_with(transcript, text))
        assert feedback.outcome == "incorrect"
        assert says in feedback.message
    assert observation.point(line_with(transcript, "MAIL FROM:<>")).passed


# ---- what is recorded


def test_the_recorded_runs_tell_the_story_of_the_lesson(lesson: QueueLesson) -> None:
    ends = {"greylisting": "It lies in the mailbox", "down": "gave up", "lost": "2 copies of it lie"}
    for name, end in ends.items():
        assert end in lesson.played(name).as_text().splitlines()[-1]
    assert "451 4.7.1" in lesson.recorded("put_off").as_text()
    assert "MAIL FROM:<>" in lesson.recorded("null_path").as_text()
    notify = lesson.recorded("notify").as_text()
    assert "ENVID=lunch-1" in notify
    assert not re.search(r"^S: [45]", notify, re.MULTILINE)
    assert "Action: failed" in lesson.played_notice().as_text()
    assert "Will-Retry-Until" in lesson.played_notice("delayed").as_text()


def test_recorded_runs_are_the_same_every_time() -> None:
    texts = []
    for _ in range(2):
        with played("down") as world:
            timeline = RetryTimeline(world, clock=False)
            texts.append((timeline.as_text(), timeline.as_html(), latest_notice(world.mailbox(ALICE))))
            timeline.close()
    assert texts[0] == texts[1]


def test_a_success_is_reported_by_the_last_host(lesson: QueueLesson) -> None:
    import smtplib

    with smtplib.SMTP(*lesson.submission(), local_hostname="client.sender.example") as smtp:
        smtp.ehlo()
        smtp.sendmail(ALICE, [BOB], "Subject: Hi\n\nHello.", rcpt_options=["NOTIFY=SUCCESS"])
    assert f"Reporting-MTA: dns; {STORE}" in lesson.success_notice().as_text()


# ---- exercises


def test_exercises_grade_their_samples(lesson: QueueLesson) -> None:
    for exercise in lesson.exercises():
        check_samples(exercise)


@pytest.mark.parametrize(
    ("case", "notify", "told"),
    [
        (FIRST, (" NOTIFY=DELAY", " NOTIFY=FAILURE"), "a delay notice about Bob and a failure notice about Carol"),
        (FIRST, ("", ""), "a failure notice about Bob and a failure notice about Carol"),
        (FIRST, (" NOTIFY=NEVER", " NOTIFY=NEVER"), "no notice"),
        (SECOND, (" NOTIFY=SUCCESS", " NOTIFY=NEVER"), "a success notice about Dave"),
    ],
)  # fmt: skip
def test_the_days_are_really_played(case: object, notify: tuple[str, str], told: str) -> None:
    people = FIRST.people if case is FIRST else SECOND.people
    lines = [f"RCPT TO:<{name}@receiver.example>{wish}" for name, wish in zip(people, notify, strict=True)]
    feedback = grade(FIRST if case is FIRST else SECOND, (f"MAIL FROM:<{ALICE}>", *lines))
    assert feedback.happened == f"Alice got {told}."


def test_the_week_of_the_rule_is_really_played() -> None:
    world, (greylisted, outage, gone) = play(queue_and_bounces_rule.FIRST, RetryRule(longest=10_800))
    with world:
        assert len(world.mailbox(BOB)) == 2
        assert len(world.mailbox(ALICE)) == 1
    assert greylisted.tries == (0, 1800)
    assert greylisted.arrived == 1800
    assert outage.arrived is not None
    assert outage.arrived > queue_and_bounces_rule.FIRST.away
    assert (gone.arrived, gone.told) == (None, 5 * 86_400)


def test_what_is_lost_is_said_before_what_is_late() -> None:
    case = Case("05.q2", "A rule", 100.0, 10.0, 10.0, 5)
    fine = Fate((0.0, 1800.0), 1800.0, None)
    lost = Fate((0.0, 1800.0, 1900.0), None, 1900.0)
    assert "came back" in judge(case, (fine, lost, lost)).message
    assert lost.gaps == (1800.0,)  # the last try comes when giving up is due, however soon that is


def test_the_played_rule_is_shown_and_the_former_world_let_go(lesson: QueueLesson) -> None:
    shown = lesson.your_rule()
    assert "Check exercise 2" in shown.as_text()
    lesson.q2.check(30, 2, 3, 2)
    first = lesson._worlds["rule"]
    assert "gave up" in shown.as_text()
    lesson.q2.check(30, 2, 3, 5)
    assert first.closed
    assert len(shown._messages()) == 3
    assert len(lesson.your_rule()._messages()) == 3  # the cell runs again


def test_closing_the_lesson_closes_all_its_worlds() -> None:
    lesson = queue_and_bounces.open()
    for name in ("greylisting", "down", "lost"):
        lesson.timeline(name)
        lesson.played(name)
    lesson.submission()
    worlds = list(lesson._worlds.values())
    lesson.close()
    assert len(worlds) == 7
    assert all(world.closed for world in worlds)


def test_notices_for_alice_travel_in_a_session() -> None:
    with played("down") as world:
        assert len(world.host(POST).sessions) == 1
