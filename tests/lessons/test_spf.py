"""Lesson 10: what its questions say happens is what happens; each recorded run and each sample answer is a real one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from labkit.learn.samples import check_samples
from labkit.lessons import spf_world as there
from labkit.lessons.grading import replies
from labkit.lessons.spf import TITLES, SpfLesson
from labkit.lessons.spf_why import FIRST, SECOND
from labkit.view.trace_case import spf_case
from labkit.world import run_script


@pytest.fixture(scope="module")
def lesson() -> Iterator[SpfLesson]:
    made = SpfLesson()
    yield made
    made.close()


def codes(lesson: SpfLesson, name: str) -> list[str]:
    return [str(reply.code) for _, reply in replies(lesson.recording(name))]


def test_the_address_decides(lesson: SpfLesson) -> None:
    assert lesson.predictions()["compare"].actual.startswith("The stranger's IP address")
    assert codes(lesson, "stranger") == ["220", "250", "550", "221"]
    refusal = replies(lesson.recording("stranger"))[2][1]
    assert refusal.enhanced_code == "5.7.23"
    assert "127.0.0.1 may not send for sender.example" in refusal.lines[0]
    assert codes(lesson, "friend")[:3] == ["220", "250", "250"]


def test_softfail_is_taken() -> None:
    soft = there.LESSON_ZONES.replace('relay.sender.example -all"', 'relay.sender.example ~all"')
    assert [str(reply.code) for _, reply in replies(there.played(there.STRANGER, soft))][2] == "250"
    case = spf_case(soft, domain="sender.example", ip=there.HERE, mail_from=there.ALICE)
    assert case.verdicts[0].result == "softfail"


def test_spf_passes_under_a_forged_from_field(lesson: SpfLesson) -> None:
    assert lesson.predictions()["forged"].actual == "pass, and Bob reads that Alice wrote."
    with there.private() as world:
        run_script(world, (*there.FORGED, "QUIT"), host=there.MX1)
        world.settle()
        (message,) = world.mailbox(there.BOB)
        assert message.parsed["From"] == "Alice <alice@sender.example>"
    assert lesson._case("forged").verdicts[0].result == "pass"


def test_guesses_are_told_by_what_happens() -> None:
    lesson = SpfLesson()
    try:
        run_script(lesson.world, (*there.STRANGER, "QUIT"), host=there.MX1)
        until(lambda: lesson.predict("compare").prediction.state.actual)
        assert not lesson.predict("forged").prediction.state.actual
        run_script(lesson.world, (*there.FORGED, "QUIT"), host=there.MX1)
        until(lambda: lesson.predict("forged").prediction.state.actual)
        case = lesson.trace().case
        case.edit("zone", case.text.replace('relay.sender.example -all"', 'relay.sender.example ~all"'))
        assert lesson.predict("softfail").prediction.state.actual
        said = run_script(lesson.world, (*there.STRANGER, "QUIT"), host=there.MX1)
        assert [str(reply.code) for _, reply in replies(said)][2] == "250"  # the edit is this world's DNS
        assert lesson.trace().case is case
    finally:
        lesson.close()


def until(true: Callable[[], object], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def test_the_line_that_decided(lesson: SpfLesson) -> None:
    asked = lesson.observations()["refused"]
    right = [event for event in lesson.recording("stranger") if asked.point(event.seq).outcome == "correct"]
    assert [event.data for event in right] == [b"MAIL FROM:<alice@sender.example>\r\n"]


def test_six_services_one_by_one() -> None:
    case = spf_case(
        there.SERVICE_ZONES, domain="sender.example", ip="203.0.113.200", people=there.SERVICE_PEOPLE,
        next_edit=("Add", there.add_service),
    )  # fmt: skip
    costs = []
    for _ in range(8):
        review = case.review()
        assert review is not None
        costs.append((review.cost.total, case.verdicts[0].result))
        case.advance()
    assert costs == [
        (2, "fail"), (3, "fail"), (6, "fail"), (8, "fail"), (9, "fail"), (10, "fail"), (11, "permerror"), (11, "permerror"),
    ]  # fmt: skip


def test_four_broken_records() -> None:
    case = spf_case(
        there.BROKEN_ZONES, ip="192.0.2.20", mail_from="news@eleven.example", people=there.BROKEN_PEOPLE
    )
    why = {}
    for person in case.people:
        case.set(person.fields)
        assert case.verdicts[0].result == "permerror", person.name
        why[person.name] = case.verdicts[0].explanation
    assert "term number 11" in why["eleven includes"]
    assert "2 SPF records" in why["two records"]
    assert "empty lookup number 3" in why["old names"]
    assert "syntax error" in why["a typo"]


def test_forwarding_and_macros(lesson: SpfLesson) -> None:
    handed = there.forwarded()
    assert (handed.code, handed.verdict.result) == (550, "fail")
    macros = lesson._case("macros")
    assert [macros.result_of(person) for person in macros.people] == ["pass", "fail"]
    assert macros.verdicts[0].properties["explanation"].startswith("192.0.2.20 may not send for bob@")


def test_exercises_grade_their_samples(lesson: SpfLesson) -> None:
    for exercise in lesson.exercises():
        check_samples(exercise)


def test_the_workshop_is_what_exercise_1_reads() -> None:
    lesson = SpfLesson()
    try:
        one = lesson.exercise(1)
        assert one.check().outcome == "not_attempted"
        case = lesson.trace("q1").case
        case.edit("zone", case.text.replace(" include:_spf.old.example", ""))
        assert one.check().outcome == "correct"
        one.solution()
        twin = lesson.trace("q1").case
        assert twin is not case
        assert "club.example" in twin.text
        assert one.check().outcome == "not_attempted"
    finally:
        lesson.close()


@pytest.mark.parametrize("failure", [*FIRST, *SECOND])
def test_each_failure_is_one(failure: object) -> None:
    assert failure.verdict().result in ("fail", "permerror")  # type: ignore[attr-defined]


def test_everything_that_a_cell_shows_reads_as_text(lesson: SpfLesson) -> None:
    for name in TITLES:
        shown = lesson.trace(name)
        assert shown.as_text()
        assert "<script" not in shown.as_html()
    assert "sender.example" in lesson.terminal_commands().as_text()
