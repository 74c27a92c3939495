"""Lesson 04: what its questions say happens is what happens; each recorded run and each reply to sort is a real one."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

import pytest

from labkit.learn.feedback import Outcome
from labkit.learn.samples import check_samples
from labkit.lessons import reply_codes_triage as triage
from labkit.lessons.grading import deliveries, replies
from labkit.lessons.reply_codes import SCRIPTS, ReplyCodesLesson, happened
from labkit.lessons.reply_codes_providers import FIRST, SECOND, provider_table
from labkit.smtp.transcript import Transcript
from labkit.view.tables import Table
from labkit.world.provocations import provocation, provoked

CASES = {name: case for name, case in vars(triage).items() if isinstance(case, triage.Case)}


@pytest.fixture(scope="module")
def lesson() -> Iterator[ReplyCodesLesson]:
    made = ReplyCodesLesson()
    yield made
    made.close()


def said(transcript: Transcript) -> list[tuple[int, str]]:
    """Line number and numbers of each reply."""
    return [
        (note.seq, f"{reply.code} {reply.enhanced_code or ''}".strip()) for note, reply in replies(transcript)
    ]


def pointed(lesson: ReplyCodesLesson, observation: str, run: str) -> dict[int, Outcome]:
    """What pointing at each line of a recorded run gives."""
    asked = lesson.observations()[observation]
    transcript = lesson.recording(run)
    asked._source = lambda: transcript
    return {event.seq: asked.point(event.seq).outcome for event in transcript}


def test_two_refusals_one_number(lesson: ReplyCodesLesson) -> None:
    transcript = lesson.recording("same_number")
    assert said(transcript) == [
        *((1, "220"), (5, "250"), (7, "250 2.1.0"), (9, "550 5.1.1"), (11, "250 2.1.5"), (13, "354")),
        *((16, "550 5.7.26"), (18, "221 2.0.0")),
    ]
    assert not deliveries(transcript)
    answers = pointed(lesson, "address", "same_number")
    assert [seq for seq, outcome in answers.items() if outcome == "correct"] == [9]


def test_one_message_three_fates_and_the_end(lesson: ReplyCodesLesson) -> None:
    transcript = lesson.recording("three_people")
    assert said(transcript)[3:] == [
        *((9, "250 2.1.5"), (11, "450 4.2.0"), (13, "550 5.1.1"), (15, "354"), (18, "250 2.0.0")),
        (20, "421 4.7.0"),
    ]
    assert [one.envelope.forward_paths for one in deliveries(transcript)] == [("bob@receiver.example",)]
    answers = pointed(lesson, "waiting", "three_people")
    assert [seq for seq, outcome in answers.items() if outcome == "correct"] == [11]


def test_two_refusals_at_the_same_place(lesson: ReplyCodesLesson) -> None:
    refused = [one for one in said(lesson.recording("elsewhere")) if one[1].startswith("5")]
    assert refused == [(9, "550 5.1.1"), (11, "550 5.7.1")]


def test_whom_to_remove(lesson: ReplyCodesLesson) -> None:
    """The newsletter is refused whoever it goes to; Bob gets the same from somebody who can prove who sends."""
    assert lesson.predictions()["same_number"].actual.startswith("Only `bbo`")
    with lesson.private_world() as world:
        for sender, delivered in (("news@news.example", False), ("alice@sender.example", True)):
            for name, known in (("bob", True), ("dave", True), ("bbo", False)):
                handed = world.submit(
                    "Subject: News",
                    sender=sender,
                    recipients=[f"{name}@receiver.example"],
                    host=lesson.server,
                    port=25,
                )
                assert handed.delivered is (known and delivered)


def test_what_the_server_does_next(lesson: ReplyCodesLesson) -> None:
    """Carol is tried again and has it, Alice gets a notice about bbo, Bob gets no second copy."""
    assert lesson.predictions()["three_people"].actual.startswith("It tries Carol again later")
    from labkit.lessons.reply_codes import log_of_the_relay

    with lesson.private_world() as world:
        log = [(clock, text.split(": ")[0]) for clock, text in log_of_the_relay(world, lesson.server)]
        assert log == [
            ("09:00:00", "kept for carol@receiver.example, mx1.receiver.example"),
            ("09:00:00", "handed on for bob@receiver.example, mx1.receiver.example"),
            ("09:00:00", "returned to sender, bbo@receiver.example"),
            ("09:30:00", "handed on for carol@receiver.example, mx1.receiver.example"),
        ]
        assert [len(world.mailbox(f"{name}@receiver.example")) for name in ("bob", "carol")] == [1, 1]
        (notice,) = world.mailbox("alice@sender.example")
        assert b"bbo@receiver.example" in notice.raw
        assert b"carol@receiver.example>\r\n    mx1" not in notice.raw
        assert not world.clock.pending()


def test_which_number_stands_behind_the_550(lesson: ReplyCodesLesson) -> None:
    assert lesson.predictions()["elsewhere"].actual.startswith("5.7.1")


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_guess_is_told_once_it_has_happened(name: str, lesson: ReplyCodesLesson) -> None:
    events = lesson.recording(name).events
    assert happened(name, Transcript(events))
    before = {"same_number": 15, "three_people": 17, "elsewhere": 10}[name]
    assert not happened(name, Transcript(events[:before]))
    assert not happened("first_session", Transcript(events))


@pytest.mark.parametrize("name", CASES)
def test_each_reply_to_sort_is_a_real_one(name: str) -> None:
    case = CASES[name]
    one = provocation(case.stage, " ".join(filter(None, case.codes)))
    (line,) = (event.data for event in provoked(one) if event.seq == one.line)
    assert line.decode().rstrip() == case.said


def test_exercises_grade_their_samples(lesson: ReplyCodesLesson) -> None:
    for exercise in lesson.exercises():
        check_samples(exercise)


def test_a_wrong_bin_says_what_would_happen_and_not_where_it_belongs(lesson: ReplyCodesLesson) -> None:
    task = lesson.exercise(2)
    acts = list(triage.TRIAGE)
    for answer in task.samples:
        if answer.outcome == "incorrect":
            feedback = task.judge(*answer.answer)
            (place,) = (n for n, bin in enumerate(answer.answer) if bin != task._solution.answer[n])
            right = str(task._solution.answer[place])
            assert right in acts
            assert f"`{right}`" not in feedback.text
            assert "9 of 10 lie right" in feedback.happened


def test_both_tasks_about_providers_trap_who_reads_one_column_only() -> None:
    for cases in (FIRST, SECOND):
        assert {case.gmail for case in cases} == {True, False}
    assert {case.detail for case in FIRST if case.gmail} & {case.detail for case in FIRST if not case.gmail}
    rows = {row[0]: row[1:] for row in provider_table().rows}
    assert rows["x.7.30"] == (
        "The message requires TLS on every hop, and the next hop has none.",
        "DKIM did not pass",
    )


def test_the_tables_read_as_text(lesson: ReplyCodesLesson) -> None:
    for table in (lesson.next_day(), lesson.provider_codes(), lesson.advice()):
        assert isinstance(table, Table)
        assert len(table.as_text().splitlines()) == len(table.rows) + 1
    assert "550 5.7.26" in lesson.codes().as_text()


def test_a_session_of_ones_own_is_pointed_into(lesson: ReplyCodesLesson) -> None:
    asked = lesson.observations()["address"]
    assert asked.point(1).outcome == "not_attempted"


@pytest.mark.parametrize(
    ("sender", "recipient", "code"),
    [("alice@sender.example", "bbo@receiver.example", 24), ("news@news.example", "bob@receiver.example", 26)],
)
@pytest.mark.skipif(not shutil.which("swaks"), reason="swaks is not installed")
def test_swaks_tells_the_place_of_a_refusal_by_its_exit_code(
    lesson: ReplyCodesLesson, sender: str, recipient: str, code: int
) -> None:
    """What the lesson says of it under *In the wild*."""
    ip, port = lesson.address()
    options = ("--helo", "sender.example", "--from", sender, "--to", recipient)
    ended = subprocess.run(
        ["swaks", "--server", ip, "--port", str(port), *options], capture_output=True, check=False
    )
    assert ended.returncode == code
