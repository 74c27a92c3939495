"""Lesson 09: what its questions say happens is what happens; each recorded run and each sample answer is a real one."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from labkit.hosts.tls import AUTHORITY, certificate_facts
from labkit.learn.samples import check_samples
from labkit.lessons.grading import deliveries
from labkit.lessons.tls import TlsLesson
from labkit.lessons.tls_order import server, session
from labkit.lessons.tls_questions import said_again
from labkit.lessons.tls_repair import FIRST, REPAIRS, SECOND, after, line_of, safe
from labkit.lessons.tls_world import (
    AUTHORITY_NAME,
    LOGIN,
    SECRET,
    Program,
    carried_now,
    handed_in,
    injected,
    shake_hands,
    sts_spec,
)
from labkit.transport.loop_thread import loop_thread
from labkit.view.tls_desk import Desk
from labkit.world import play

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "eavesdropper_picture.py"


@pytest.fixture(scope="module")
def lesson() -> Iterator[TlsLesson]:
    made = TlsLesson()
    yield made
    made.close()


def until(true: Callable[[], object], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def press(desk: Desk, **values: str) -> dict[str, Any]:
    """Press the button with these settings, and wait for the picture."""
    before = desk._count
    desk.on_go({"values": values})
    until(lambda: desk._count > before)
    assert desk._picture is not None
    return desk._picture


ALL = frozenset({"password", "letter"})


@pytest.mark.parametrize(
    ("program", "meddling", "delivered", "read"),
    [
        (Program(), "", True, frozenset()),
        (Program(), "strip_starttls", True, ALL),
        (Program(insist=True), "strip_starttls", False, frozenset()),
        (Program(465), "strip_starttls", True, frozenset()),
        (Program(insist=True, checks=False), "intercept_tls", True, ALL),
        (Program(insist=True), "intercept_tls", False, frozenset()),
        (Program(465, checks=False), "intercept_tls", True, ALL),
        (Program(465), "intercept_tls", False, frozenset()),
    ],
)
def test_what_is_read_on_the_way(
    program: Program, meddling: str, delivered: bool, read: frozenset[str]
) -> None:
    for transport in ("memory", "loopback"):
        passage = handed_in(program, meddling, transport)  # type: ignore[arg-type]
        assert (passage.delivered, passage.read) == (delivered, read)
        heard = b"".join(event.data for event in passage.wire)
        assert (LOGIN.encode() in heard, SECRET.encode() in heard) == (bool(read), bool(read))
        assert passage.told.startswith("Sent" if delivered else "Not sent")


def test_guesses_come_true(lesson: TlsLesson) -> None:
    """In the learner's own world, by the buttons of the cells."""
    for name in ("listen", "strip"):
        assert lesson.predict(name).prediction.state.actual == ""
    assert lesson.observe("again").observation.point(2).outcome == "not_attempted"
    listened = press(lesson.wire("listen"))
    assert lesson.predictions()["listen"].actual == lesson.predict("listen").prediction.state.actual
    kinds = [row["kind"] for row in listened["rows"]]
    assert kinds.index("handshake") == 10
    assert set(kinds[:10]) == {"both"}
    assert set(kinds[11:]) == {"hidden"}

    desk = lesson.wire("strip")
    insisted = press(desk, insist="must", port="587")
    assert [word for word, _ in insisted["verdict"]] == ["no letter was sent", "password not read on the way"]
    assert not lesson.predict("strip").prediction.state.actual
    stripped = press(desk, insist="may", port="587")
    assert ["password read on the way", "5"] in stripped["verdict"]
    assert lesson.predictions()["strip"].actual == lesson.predict("strip").prediction.state.actual
    assert ["letter not read on the way", "2"] in press(desk, port="465")["verdict"]
    assert len(lesson.world.mailbox("bob@receiver.example")) == 3  # she is told: sent, and it is


def test_the_line_that_is_said_again(lesson: TlsLesson) -> None:
    press(lesson.wire("listen"))
    own = lesson._last
    assert own is not None
    (again,) = said_again(own)
    asked = lesson.observe("again").observation
    assert own[again - 1].data == b"EHLO client.sender.example\r\n"
    assert own[again - 2].data.startswith(b"220 2.0.0")
    said = {event.seq: asked.point(event.seq) for event in own if event.data}
    assert [seq for seq, feedback in said.items() if feedback.outcome == "correct"] == [again]
    assert "for the first time" in said[2].text


def test_each_certificate_fails_one_check(lesson: TlsLesson) -> None:
    wrong = {"right": None, "wrong_name": "Name", "expired": "Dates", "unknown_issuer": "Chain"}
    desk = lesson.certificate()
    for kind, check in wrong.items():
        picture = press(desk, kind=kind)
        assert [one["what"] for one in picture["checks"] if not one["ok"]] == ([check] if check else [])
        assert bool(picture["advice"]) is (check is not None)
    assert "expired" in str(loop_thread().run(lambda: shake_hands("expired"), 10).error)
    assert certificate_facts(AUTHORITY.read_bytes()).subject == AUTHORITY_NAME


@pytest.mark.parametrize(
    ("mode", "way", "delivered", "read"),
    [
        ("enforce", "", True, False),
        ("enforce", "strip_starttls", False, False),
        ("enforce", "intercept_tls", False, False),
        ("testing", "strip_starttls", True, True),
        ("", "strip_starttls", True, True),
        ("", "", True, False),
    ],
)
def test_what_a_policy_does(mode: str, way: str, delivered: bool, read: bool) -> None:
    done = carried_now(sts_spec(mode), way)
    assert (done.delivered, done.read) == (delivered, read)


def test_the_trace_of_a_policy(lesson: TlsLesson) -> None:
    desk = lesson.sts()
    told = press(desk, mode="enforce", way="strip_starttls")
    discovery, judged = told["traces"]
    assert discovery["title"] == "Is there a policy? Yes."
    assert judged["title"] == "May the letter go to mx1.receiver.example? No."
    assert [step["outcome"] for step in judged["steps"]] == ["match", "starttls-not-supported", "enforce"]
    assert [step["decides"] for step in judged["steps"]] == [False, False, True]
    assert judged["steps"][0]["evidence"] == ["mx: mx1.receiver.example"]
    assert discovery["steps"][0]["evidence"] == ["20260105"]
    reported = press(desk, mode="testing")["traces"][1]
    assert "the failure is reported" in reported["title"]
    assert press(desk, mode="")["traces"][0]["title"] == "Is there a policy? No."
    assert "this decided" in desk.as_text()


def test_injected_commands(lesson: TlsLesson) -> None:
    """RFC 3207 section 4.2: a right server throws them away, a weak one makes them Mallory's message to Carol."""
    (taken,) = deliveries(injected(False))
    assert taken.envelope.forward_paths == ("bob@receiver.example",)
    rows = lesson.injection().rows
    assert [row[2] for row in rows if row[0] == "machine:"] == ["thrown away"] * 4
    assert [row[3] for row in rows if row[0] == "machine:"] == ["250", "250", "250", "354"]
    assert [row[3] for row in rows[5:]] == ["text of the message"] * 5 + ["250, a letter for Carol"]
    assert [row[2] for row in rows[5:9]] == ["250", "250", "250", "354"]
    assert rows[-1][2] == "250, a letter for Bob"


def test_exercises_grade_their_samples(lesson: TlsLesson) -> None:
    for exercise in lesson.exercises():
        check_samples(exercise)
        assert exercise.twin is not None
        check_samples(exercise.twin)


def test_the_order_is_that_of_a_session() -> None:
    who = ("alice", "wonderland", "sender.example")
    transcript = play(session(*who), server(*who))
    assert [event.encrypted for event in transcript if event.sender == "C" and event.data] == [
        False, False, True, True, True, True,
    ]  # fmt: skip


def test_one_repair_mends_each_trouble_and_no_other_does() -> None:
    for trouble in {*FIRST, *SECOND}:
        assert line_of(trouble).startswith("mta-sts=")
        assert [repair for repair in REPAIRS if safe(after(trouble, repair))] == [trouble.repair]


def test_everything_that_a_cell_shows_reads_as_text(lesson: TlsLesson) -> None:
    fresh = TlsLesson()
    try:
        for shown in (
            fresh.wire("listen"), fresh.wire("strip"), fresh.certificate(), fresh.sts(), fresh.terminal_commands(),
        ):  # fmt: skip
            assert shown.as_text()
            assert "<script" not in shown.as_html()
        assert "(recorded)" in fresh.wire("listen").as_text()
        assert "hidden  C: The key is under the mat." in fresh.wire("listen").as_text()
        assert "CHANGED  S: 250-STARTTLS  -> 250-XXXXXXXX" in fresh.wire("strip").as_text()
    finally:
        fresh.close()


def test_the_stored_picture_is_what_its_script_makes() -> None:
    made = importlib.util.spec_from_file_location("eavesdropper_picture", PICTURE)
    assert made is not None
    assert made.loader is not None
    script = importlib.util.module_from_spec(made)
    made.loader.exec_module(script)
    assert script.PLACE.read_text(encoding="utf-8") == script.draw()
