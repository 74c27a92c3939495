"""Lesson 03: what it predicts really happens, what it asks can be answered, what its pictures and tables say is so."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

import pytest

from labkit.hosts.host_spec import HostSpec
from labkit.learn.samples import check_samples
from labkit.lessons import extensions
from labkit.lessons.extensions import SHOWN, SIZES, ExtensionsLesson
from labkit.lessons.extensions_announce import FIRST, TWIN, grade
from labkit.lessons.extensions_runs import (
    BIG,
    FROM_ALICE,
    HELLO,
    LIMIT,
    MX1,
    SCRIPTS,
    WAYS,
    octets,
    record,
    record_way,
    text_of,
)
from labkit.lessons.extensions_tables import extension_table, limits_table
from labkit.lessons.extensions_waits import FIRST as ONE_MESSAGE
from labkit.lessons.extensions_waits import SECOND as TWO_MESSAGES
from labkit.lessons.grading import deliveries, first_refusal, replies
from labkit.smtp.session import observe
from labkit.smtp.transcript import Transcript
from labkit.smtp.turns import turns
from labkit.view.round_trips_view import RoundTripsView
from labkit.world import play


@pytest.fixture
def lesson() -> Iterator[ExtensionsLesson]:
    opened = extensions.open()
    yield opened
    opened.close()


def until(true: Callable[[], object], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def press(lesson: ExtensionsLesson, view: RoundTripsView, way: str) -> Transcript:
    """What the learner does with the button of a way."""
    lesson._sent.pop(way, None)
    view._receive(None, {"op": "send", "way": way}, None)
    until(lambda: way in lesson._sent)
    return lesson._sent[way]


def codes(transcript: Transcript) -> list[int]:
    return [reply.code for _, reply in replies(transcript)]


def seq_of(transcript: Transcript, text: str) -> int:
    return next(event.seq for event in transcript if text in event.data.decode("utf-8", "replace"))


# ------------------------------------------------------------------------------------------ guesses


def test_nine_waits(lesson: ExtensionsLesson) -> None:
    guess = lesson.predictions()["waits"]
    sent = press(lesson, lesson.round_trips("in_turn"), "in_turn")
    assert guess.actual.startswith(f"{len(turns(sent))} times")
    (taken,) = deliveries(sent)
    assert len(taken.envelope.forward_paths) == 3
    assert lesson._predictions["waits"].state.actual == guess.actual


def test_a_message_too_big_is_refused_before_its_text(lesson: ExtensionsLesson) -> None:
    view = lesson.too_big()
    announced, silent = press(lesson, view, "with_size"), press(lesson, view, "without_size")
    assert len(BIG) == 30_000 > LIMIT
    assert codes(announced) == [220, 250, 552, 221]
    assert codes(silent) == [220, 250, 250, 250, 354, 552, 221]
    assert lesson.predictions()["too_big"].actual == "At MAIL: before any text."
    assert lesson._predictions["too_big"].state.actual
    sizes = [sum(turn.octets for turn in turns(one)) for one in (announced, silent)]
    assert sizes[0] < 100
    assert sizes[1] > 30_000


def test_helo_takes_the_parameter_away() -> None:
    run = record("helo")
    assert codes(run) == [220, 250, 555, 250, 250, 221]
    assert re.search(rb"555 (?!5\.)", b"".join(event.data for event in run))  # no second code after HELO
    assert b"250 2.1.0" in b"".join(event.data for event in run)


def test_every_guess_is_an_option(lesson: ExtensionsLesson) -> None:
    for guess in lesson.predictions().values():
        assert guess.actual in guess.options
        assert re.search(r"RFC|Each|The number", guess.why)


# ------------------------------------------------------------------------------------------ pointing at lines


def test_the_offer_is_found_and_the_others_are_told_apart(lesson: ExtensionsLesson) -> None:
    asked = lesson.observations()["offer"]
    assert asked.point(1).outcome == "not_attempted"
    sent = press(lesson, lesson.round_trips("in_turn"), "in_turn")
    assert asked.point(seq_of(sent, "PIPELINING")).passed
    for keyword, words in (("SIZE", "how big"), ("CHUNKING", "Near"), ("DSN", "notices")):
        feedback = asked.point(seq_of(sent, keyword))
        assert feedback.outcome == "incorrect"
        assert words in feedback.message
        assert "PIPELINING" not in feedback.text


def test_the_announcement_is_found(lesson: ExtensionsLesson) -> None:
    asked = lesson.observations()["announced"]
    sent = press(lesson, lesson.too_big(), "with_size")
    assert asked.point(seq_of(sent, "SIZE=30000")).passed
    for text, words in (("552", "the refusal itself"), ("SIZE 20000", "its limit"), ("EHLO", "asks")):
        feedback = asked.point(seq_of(sent, text))
        assert feedback.outcome == "incorrect"
        assert words in feedback.message


# ------------------------------------------------------------------------------------------ pictures


def test_waits_of_each_way() -> None:
    """Nine, four, three: and the message arrives each time."""
    found = {name: record_way(name) for name in ("in_turn", "in_groups", "in_chunks")}
    assert {name: len(turns(one)) for name, one in found.items()} == {
        "in_turn": 9,
        "in_groups": 4,
        "in_chunks": 3,
    }
    assert [len(turn.answered) for turn in turns(found["in_groups"])][2] == 5
    assert {one.sender for one in found["in_groups"].segments} == {"C", "S"}
    assert sum(one.sender == "C" for one in found["in_groups"].segments) == 3
    for one in found.values():
        assert all(note.agrees for note in observe(one))
        assert codes(one).count(221) == 1
        assert not any(code >= 400 for code in codes(one))


def test_a_way_is_the_same_on_real_sockets(lesson: ExtensionsLesson) -> None:
    """Apart from the queue id, which counts what the server has taken."""

    def said(transcript: Transcript) -> list[bytes]:
        return [re.sub(rb"queued as \w+", b"queued", event.data) for event in transcript]

    view = lesson.round_trips("in_groups")
    for name in SHOWN["in_groups"]:
        assert said(press(lesson, view, name)) == said(record_way(name))


def test_what_was_sent_in_one_picture_stands_in_the_next(lesson: ExtensionsLesson) -> None:
    first, second = lesson.round_trips("in_turn"), lesson.round_trips("in_groups")
    press(lesson, first, "in_turn")
    until(lambda: second._state()["ways"][0]["turns"])
    assert not second._state()["ways"][1]["turns"]
    again = lesson.round_trips("in_turn")  # the cell runs again
    assert again._state()["ways"][0]["waits"] == 9


def test_every_recorded_run_goes_as_the_text_around_it_says() -> None:
    said = {name: codes(record(name)) for name in SCRIPTS}
    assert said == {
        "helo": [220, 250, 555, 250, 250, 221],
        "eight_bit": [220, 250, 555, 250, 250, 354, 250, 221],
        "chunks": [220, 250, 250, 250, 250, 250, 221],
        "notices": [220, 250, 250, 250, 250, 250, 221],
        "two_codes": [220, 250, 250, 550, 221],
        "one_code": [220, 250, 250, 550, 221],
        "recipients": [220, 250, 250, 250, 250, 452, 354, 250, 250, 250, 354, 250, 221],
        "long_lines": [220, 250, 500, 250, 250, 354, 500, 221],
    }
    both = [[reply.enhanced_code for _, reply in replies(record(name))] for name in ("two_codes", "one_code")]
    assert both == [[None, None, "2.1.0", "5.1.1", "2.0.0"], [None] * 5]
    assert set(extensions.TITLES) == set(SCRIPTS)


def test_text_has_the_size_that_is_asked_for() -> None:
    for size in (300, 301, 12_345, 30_000):
        assert len(text_of(size)) == size
        assert max(map(len, text_of(size).split(b"\r\n"))) <= 998
    with pytest.raises(ValueError, match="300"):
        text_of(299)


# ------------------------------------------------------------------------------------------ exercises


def test_exercises_grade_their_samples(lesson: ExtensionsLesson) -> None:
    for exercise in lesson.exercises():
        check_samples(exercise)


@pytest.mark.parametrize("case", [FIRST, TWIN])
def test_the_announced_size_is_that_of_the_message(case: object) -> None:
    assert isinstance(case, type(FIRST))
    assert len(case.message()) == case.size
    assert not case.message().isascii()
    feedback = grade(case, (case.line,))
    assert feedback.transcript is not None
    assert len(deliveries(feedback.transcript)) == 1


def test_no_grouping_of_commands_waits_less_than_the_solution_says() -> None:
    """RFC 2920 section 3.1, tried by a client that puts into one piece whatever a server may take in one."""
    assert (ONE_MESSAGE.waits(), TWO_MESSAGES.waits()) == ((8, 4), (11, 5))
    for case in (ONE_MESSAGE, TWO_MESSAGES):
        assert [line for part in case.parts for line in part] == [
            line for group in case.groups for line in group
        ]
        for group in case.groups[:-1]:  # each group but the last is as long as it may be
            assert group[-1].split(" ")[0] in ("EHLO", "DATA")
        grouped = play([octets(*group) for group in case.groups], MX1)
        assert first_refusal(grouped, "") is None
        assert len(deliveries(grouped)) == len(deliveries(case.session()))


# ------------------------------------------------------------------------------------------ tables


def test_limits_are_those_of_the_servers_here() -> None:
    """The table's numbers, tried at their edge."""
    assert len(limits_table().rows) == 11
    fits, over = "NOOP " + "x" * 505, "NOOP " + "x" * 506
    assert codes(play((HELLO, fits, over), MX1))[2:4] == [250, 500]
    for length, code in ((998, 250), (999, 500)):
        run = play((HELLO, FROM_ALICE, "RCPT TO:<bob@receiver.example>", "DATA", "x" * length, "."), MX1)
        assert codes(run)[-1] == code
    sized = HostSpec("mx1.receiver.example", ("bob",), ehlo=("SIZE",), starttls=False)
    long_path = f"{FROM_ALICE[:-1]}>" + " SIZE=" + "0" * 19 + "1"
    assert codes(play((HELLO, long_path), sized))[2] == 250


def test_the_table_of_extensions_names_each_that_the_servers_offer() -> None:
    rows = {row[0]: row for row in extension_table().rows}
    assert set(MX1.ehlo) | {"LIMITS", "BINARYMIME"} <= set(rows)
    assert rows["DSN"][2] == "MAIL RET=, MAIL ENVID=, RCPT NOTIFY=, RCPT ORCPT="
    assert rows["TURN"][2] == "not at all"
    assert set(SIZES) <= set(WAYS)
