"""Lesson 02: what its questions say happens is what happens; each recorded run is what its text says."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from labkit.learn.feedback import Outcome
from labkit.learn.samples import check_samples
from labkit.lessons.envelope import BOSS_WROTE, LETTERS, SCRIPTS, EnvelopeLesson, happened, shows
from labkit.lessons.grading import deliveries, replies
from labkit.smtp.transcript import Transcript
from labkit.transport.loop_thread import loop_thread
from labkit.view.envelope_story import passages
from labkit.view.envelope_view import FIELDS, EnvelopeView, sent
from labkit.view.mailing_view import EVERYBODY, Tally, letter, run_mailing
from labkit.view.terminal_card import TerminalCard
from labkit.world import run_script

ALICE, BOB, CAROL = "alice@sender.example", "bob@receiver.example", "carol@receiver.example"


@pytest.fixture(scope="module")
def lesson() -> Iterator[EnvelopeLesson]:
    made = EnvelopeLesson()
    yield made
    made.close()


def until(true: Callable[[], object], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def pressed(lesson: EnvelopeLesson, name: str, **changes: str) -> EnvelopeView:
    """The letter after Send, when it lies in the mailbox."""
    view = lesson.letter(name)
    before = view.message_id
    view.on_send({field: {**LETTERS[name], **changes}.get(field, "") for field in FIELDS})
    until(lambda: view.message_id != before and view.arrived)
    return view


def test_the_blind_copy_stands_in_no_field(lesson: EnvelopeLesson) -> None:
    assert lesson.predictions()["blind"].actual.startswith("In no field at all")
    with lesson.private_world() as world:
        message_id = sent(world, LETTERS["blind"])
        hops = passages(world, message_id)
        assert [one.host.partition(".")[0] for one in hops] == ["submit", "relay", "mx1", "store"]
        for one in hops:
            assert [line.address for line in one.envelope] == [ALICE, BOB, CAROL]
            assert CAROL not in str([field.raw for field in one.header])
        for address in (BOB, CAROL):
            (copy,) = world.mailbox(address)
            assert b"carol" not in copy.raw


def test_the_line_that_made_the_copy(lesson: EnvelopeLesson) -> None:
    asked = lesson.observations()["copy"]
    assert asked.point(1).outcome == "not_attempted"
    view = pressed(lesson, "blind")
    transcript = view.transcript
    assert transcript is not None
    right = [event.seq for event in transcript if asked.point(event.seq).outcome == "correct"]
    (line,) = (event.seq for event in transcript if event.data == b"RCPT TO:<carol@receiver.example>\r\n")
    assert right == [line]
    assert shows("blind", view)


def test_a_letter_without_a_blind_copy_tells_nothing(lesson: EnvelopeLesson) -> None:
    assert not shows("blind", pressed(lesson, "blind", bcc="", cc=CAROL))
    assert not shows("boss", pressed(lesson, "boss"))


def test_nobody_stops_the_boss(lesson: EnvelopeLesson) -> None:
    assert lesson.predictions()["boss"].actual == "Nobody. Bob sees a letter from his boss."
    assert shows("boss", pressed(lesson, "boss", **{"from": BOSS_WROTE}))
    copy = lesson.world.mailbox(BOB)[-1]
    assert copy.raw.startswith(b"Return-Path: <alice@sender.example>")
    assert copy.parsed["From"] == BOSS_WROTE
    assert copy.parsed["Sender"] is None


def test_one_of_three_is_refused_and_the_header_is_not_read(lesson: EnvelopeLesson) -> None:
    assert lesson.predictions()["three"].actual == "Bob and Dave."
    transcript = lesson.recording("three")
    said = [(note.seq, reply.code) for note, reply in replies(transcript)]
    assert said[3:8] == [(14, 250), (16, 550), (18, 250), (20, 354), (23, 250)]
    assert happened(transcript)
    assert not happened(Transcript(transcript.events[:22]))
    with lesson.private_world() as world:
        run_script(world, SCRIPTS["three"], host=lesson.server)
        world.settle()
        assert [len(world.mailbox(f"{name}@receiver.example")) for name in ("bob", "dave", "carol")] == [1, 1, 0]  # fmt: skip
    asked = lesson.observations()["together"]
    asked._source = lambda: transcript
    outcomes: dict[int, Outcome] = {event.seq: asked.point(event.seq).outcome for event in transcript}
    assert [seq for seq, outcome in outcomes.items() if outcome == "correct"] == [23]
    assert "one person" in asked.point(18).message


def test_null_reverse_path_and_source_route(lesson: EnvelopeLesson) -> None:
    (null,) = deliveries(lesson.recording("null"))
    assert null.envelope.reverse_path == ""
    with lesson.private_world() as world:
        run_script(world, SCRIPTS["route"], host=lesson.server)
        world.settle()
        assert len(world.mailbox(CAROL)) == 1
    with lesson.private_world() as world:  # refused behind the first host: nobody is told, and nothing loops
        world.switch_on("mailbox_full", host="store.receiver.example")
        run_script(world, SCRIPTS["null"], host=lesson.server)
        world.clock.advance(days=10)
        assert not world.mailbox(ALICE).messages
        assert not world.clock.pending()


def test_exercises_grade_their_samples(lesson: EnvelopeLesson) -> None:
    for exercise in lesson.exercises():
        check_samples(exercise)


def test_the_mailing_task_is_solved_on_its_own_server(lesson: EnvelopeLesson) -> None:
    """The host of the world behaves as the one of the samples."""
    mail, data = "MAIL FROM:<alice@sender.example>", ("DATA", "Subject: Sunday", ".")
    to = [f"RCPT TO:<{name}@receiver.example>" for name in ("bob", "carol", "dave")]
    lines = ("EHLO relay.sender.example", mail, *to, *data, mail, to[2], *data)
    transcript = run_script(lesson.world, lines, host="mx2.receiver.example")
    assert lesson.exercise(3).judge(transcript).passed
    assert [reply.code for _, reply in replies(transcript)].count(452) == 1


def test_eleven_hundred_people_get_one_copy_each() -> None:
    tally = Tally()
    loop_thread().run(lambda: run_mailing(tally, transport="memory"), 60)
    assert (len(EVERYBODY), len(set(EVERYBODY)), tally.stored) == (1100, 1100, 1100)
    heard = {host.partition(".")[0]: tuple(counts.values()) for host, counts in tally.counts.items()}
    assert heard["submit"] == heard["relay"] == (1, 1100, 1100, 0, 1)
    assert heard["mx1"] == (4, 403, 400, 3, 4)
    accepted = [counts["accepted"] for counts in list(tally.counts.values())[2:]]
    assert accepted == [400, 400, 300]
    assert letter().count(b"@") == 1000 + 2  # From, Message-ID
    assert max(map(len, letter().split(b"\r\n"))) < 998


def test_the_mailing_at_a_click(lesson: EnvelopeLesson) -> None:
    view = lesson.mailing()
    assert view._state()["rows"] == []
    before = view.as_text()
    view.on_send({})
    view.on_send({})  # once more while it runs: it is sent once
    until(lambda: not view._state()["busy"], 30)
    assert view._state()["stored"] == 1100
    assert "1,100 copies in" in view._state()["says"]
    assert view.as_text() == before


def test_the_tables_read_as_text(lesson: EnvelopeLesson) -> None:
    assert "452" in lesson.limits().as_text()
    card = lesson.terminal_commands()
    assert isinstance(card, TerminalCard)
    assert "swaks" in card.as_text()
    assert "openssl" not in card.as_text()


def test_what_is_read_without_a_kernel_is_the_same_each_time() -> None:
    texts = []
    for _ in range(2):  # the second one closes the world of the first
        made = EnvelopeLesson()
        texts.append([made.letter(name).as_text() for name in LETTERS])
    made.close()
    assert texts[0] == texts[1]
    assert "<boss@receiver.example>  [only in the header]" in texts[0][1]
    assert "Nothing in this header names Carol." in texts[0][0]
