"""Lesson 07: what it predicts really happens, what it asks can be answered, its exercises grade what they should."""

from __future__ import annotations

import poplib
import time
from collections.abc import Callable, Iterator

import pytest

from labkit.learn.samples import check_samples
from labkit.lessons import mailbox
from labkit.lessons.mailbox import MailboxLesson
from labkit.lessons.mailbox_lost import FIRST, SECOND, recorded
from labkit.lessons.mailbox_world import BOB, EXPERIMENTS
from labkit.transport.loop_thread import loop_thread, run
from labkit.view.devices_view import DevicesView


@pytest.fixture(scope="module")
def lesson() -> Iterator[MailboxLesson]:
    opened = mailbox.open()
    yield opened
    opened.close()
    assert not loop_thread().errors


def press(view: DevicesView, op: str, **payload: int) -> str:
    """What a button does, waited for; returns what the card says then."""
    view._receive(None, {"op": op, **payload}, None)
    until(lambda: not view._busy)
    return view._said


def until(true: Callable[[], object], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def actual(lesson: MailboxLesson, name: str) -> str:
    return lesson.predict(name).prediction.state.actual


# ---- what happens in each experiment, what is told of it, and what is pointed at


def test_nothing_happens_until_the_phone_calls_and_then_the_mailbox_is_empty(lesson: MailboxLesson) -> None:
    view = lesson.devices("one")
    assert press(view, "send") == "mx1.receiver.example brought 1 message."
    box = lesson.world.mailbox(BOB)
    assert len(box) == 1
    assert not actual(lesson, "caller")
    assert press(view, "fetch", device=0) == "The phone took 1 message."
    assert not len(box)
    assert actual(lesson, "caller") == "Nothing, until the phone calls the server."
    observation = lesson.observe("gone").observation
    transcript = observation.transcript
    assert transcript is not None
    for text, says in (
        ("DELE", "A mark."),
        ("+OK message 1 deleted", "So it says"),
        ("RETR", "To copy is not to take away"),
        ("UIDL", "what it wanted"),
    ):
        line = next(event.seq for event in transcript if event.data.decode().startswith(text))
        feedback = observation.point(line)
        assert feedback.outcome == "incorrect"
        assert says in feedback.message
    for text in ("QUIT", "+OK store.receiver.example signing off (0 messages left)"):
        assert observation.point(
            next(event.seq for event in transcript if event.data.decode().startswith(text))
        ).passed
    assert not any(b"Received:" in event.data for event in transcript)


def test_the_second_pop3_device_finds_nothing(lesson: MailboxLesson) -> None:
    view = lesson.devices("pop3")
    press(view, "send")
    press(view, "fetch", device=0)
    assert not actual(lesson, "second")
    assert press(view, "fetch", device=1) == "The laptop found nothing new."
    assert actual(lesson, "second") == "Nothing."
    phone, laptop = view.state["devices"]
    assert [one["subject"] for one in phone["letters"]] == ["Contract"]
    assert laptop["letters"] == []


def test_imap_shows_on_the_laptop_what_was_read_on_the_phone(lesson: MailboxLesson) -> None:
    view = lesson.devices("imap")
    press(view, "send")
    press(view, "fetch", device=0)
    assert press(view, "read", device=0, letter=0) == "The phone read 1 message."
    assert not actual(lesson, "synced")
    press(view, "fetch", device=1)
    assert actual(lesson, "synced") == "The tickets, read."
    assert view.state["mailbox"] == [{"subject": "Tickets", "read": True}]
    assert view.state["devices"][0]["letters"][0]["text"] == "The train leaves at nine."
    observation = lesson.observe("flag").observation
    transcript = observation.transcript
    assert transcript is not None
    lines = {event.data.decode().strip(): event.seq for event in transcript}
    for text, says in (
        ("0001 LOGIN bob builder", "not what he reads"),
        ("0002 SELECT INBOX", "reads nothing"),
        ("0004 LOGOUT", "already"),
    ):
        assert says in observation.point(lines[text]).message
    assert observation.point(lines["0003 UID FETCH 1 (BODY[])"]).passed


def test_a_session_can_be_opened_and_what_the_page_sends_is_not_trusted(lesson: MailboxLesson) -> None:
    view = lesson.devices("pop3")
    assert "UIDL" not in str(view.state["lines"])
    view._receive(None, {"op": "lines", "act": 2}, None)
    assert [line["says"] for line in view.state["lines"] if line["text"] == "QUIT"] == ["Good-bye."]
    assert any(line.get("folded") for line in view.state["lines"])
    for payload in ({"op": "lines", "act": 99}, {"op": "lines", "act": "x"}, {"op": "fetch", "device": -1},
                    {"op": "read", "device": 0, "letter": 7}, {"op": "read"}):  # fmt: skip
        view._receive(None, payload, None)
        until(lambda: not view._busy)
    assert view.state["lines"] == []
    assert len(view.state["acts"]) == 3


def test_a_program_from_outside_is_seen(lesson: MailboxLesson) -> None:
    view = lesson.devices("mixed")
    pop = poplib.POP3_SSL(*lesson.reading_at(995), context=lesson.trust(), timeout=5)
    pop.user("bob")
    pop.pass_("builder")
    pop.quit()
    run(view._household.host.reading.sessions[-1].ended, 5)
    view._receive(None, {"op": "ping"}, None)
    assert view.state["acts"][-1]["text"] == "another program called port 995 (POP3) and came and went."


def test_a_closed_world_says_so() -> None:
    other = mailbox.open()
    view = other.devices("one")
    other.world.close()
    assert "Run All Cells" in press(view, "send")
    other.close()


# ---- what is recorded


def test_the_recorded_runs_tell_the_story(lesson: MailboxLesson) -> None:
    ends = {
        "one": ("store.receiver.example: nothing", "Lunch (unread)"),
        "pop3": ("Laptop (POP3, takes away, port 995): nothing", "Laptop called port 995 (POP3) and found nothing new."),
        "imap": ("Laptop (IMAP, keeps in step, port 993): Tickets (read)",),
        "copy": ("Phone (POP3, leaves a copy, port 995): Lunch (read)", "port 995): Lunch (unread)"),
        "mixed": ("Phone (IMAP, keeps in step, port 993): nothing",),
    }  # fmt: skip
    assert ends.keys() == EXPERIMENTS.keys()
    for name, texts in ends.items():
        view = lesson.played_devices(name)
        html = view.as_html()
        for text in texts:
            assert text in view.as_text()
        assert "data:image/svg+xml" in html
        assert "USER bob" in html or "LOGIN bob" in html
        assert press(view, "send") == ""  # it is a record: nothing more happens in it


# ---- exercises


def test_every_sample_is_graded_as_it_says(lesson: MailboxLesson) -> None:
    for exercise in lesson.exercises():
        check_samples(exercise)


def test_the_lost_messages_were_lost_where_the_task_says() -> None:
    for case in (FIRST, SECOND):
        last = [event.data for event in recorded(case) if event.connection == case.guilty]
        number = next(line for line in last if line.endswith(f" {case.uid}\r\n".encode())).split()[0]
        assert b"DELE " + number + b"\r\n" in last
        later = [event.data for event in recorded(case) if event.connection > case.guilty]
        assert not any(line.endswith(f" {case.uid}\r\n".encode()) for line in later)
