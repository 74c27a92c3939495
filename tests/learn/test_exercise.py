"""An exercise never raises, keeps what was done, gives nothing away, and hands over to its twin."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.learn import (
    ChoiceForm,
    Exercise,
    Feedback,
    LinesForm,
    LiveForm,
    Progress,
    Sample,
    Solution,
    current_progress,
)
from labkit.learn.samples import check_samples
from labkit.smtp.rule import Rule
from labkit.smtp.transcript import Transcript

ORDER = Rule("RFC 5321 section 4.1.4", "MAIL, then RCPT, then DATA.")


def grader(wanted: str) -> Callable[[tuple[str, ...]], Feedback]:
    """A grader that wants one command."""

    def grade(lines: tuple[str, ...]) -> Feedback:
        if lines[0].upper() == wanted:
            return Feedback("correct", "The session is over, and the server knows.")
        return Feedback(
            "incorrect",
            "The session is still open.",
            asked="End the session.",
            happened=f"You sent {lines[0]!r}.",
            rule=ORDER,
            look="Which command does not belong to a message?",
        )

    return grade


def exercise(**changes: Any) -> Exercise:
    """A good exercise, with its twin."""
    twin = Exercise(
        "01.q1b",
        "Start again",
        "Forget what was said.",
        LinesForm(1),
        grader("RSET"),
        ["It is short for reset."],
        Solution("RSET", "RSET forgets the transaction."),
        samples=[
            Sample(("",), "not_attempted", "still empty"),
            Sample(("rset",), "correct", "over"),
            Sample(("QUIT",), "incorrect", "still open"),
            Sample(("DATA",), "incorrect", "still open"),
        ],
    )
    fields: dict[str, Any] = {
        "id": "01.q1",
        "title": "End the session",
        "task": "Send the line that ends the session.",
        "form": LinesForm(1),
        "grade": grader("QUIT"),
        "hints": ["It has four letters.", "One leaves a job with it."],
        "solution": Solution("QUIT", "QUIT asks the server to say 221 and close."),
        "twin": twin,
        "samples": [
            Sample(("",), "not_attempted", "still empty"),
            Sample(("quit",), "correct", "over"),
            Sample(("BYE",), "incorrect", "still open"),
            Sample(("END",), "incorrect", "Which command"),
        ],
    }
    return Exercise(**{**fields, **changes})


def test_check_grades_and_keeps_the_attempt() -> None:
    q1 = exercise()
    assert q1.check("BYE").outcome == "incorrect"
    assert q1.check("QUIT").passed
    item = current_progress().item("01.q1")
    assert (item.tries, item.outcome, item.answer) == (2, "correct", ["QUIT"])
    assert item.passed


def test_one_step_more_comes_from_the_second_wrong_answer_on() -> None:
    q1 = exercise(
        grade=lambda _: Feedback("incorrect", "The session is still open.", further="It has four letters.")
    )
    assert "A step further" not in q1.check("BYE").text
    assert "A step further: It has four letters." in q1.check("END").text
    assert exercise(grade=q1.grade).judge("BYE").further  # whoever judges sees all of it


def test_an_empty_answer_is_kindly_not_attempted_and_no_try() -> None:
    q1 = exercise()
    feedback = q1.check("")
    assert feedback.outcome == "not_attempted"
    assert "Type what you would send" in feedback.message
    assert 'q1.check("line 1")' in feedback.look
    item = current_progress().item("01.q1")
    assert (item.tries, item.outcome) == (0, "not_attempted")


@pytest.mark.parametrize("answer", [(1,), (object(),), ("a", "b"), ({},)])
def test_an_answer_of_another_kind_is_an_error_and_no_try(answer: tuple[Any, ...]) -> None:
    q1 = exercise()
    assert q1.check(*answer).outcome == "error"
    assert current_progress().item("01.q1").tries == 0


class Hostile(str):
    """A text that breaks whoever touches it."""

    def splitlines(self, keepends: bool = False) -> list[str]:
        raise MemoryError

    def strip(self, chars: str | None = None, /) -> str:
        raise RecursionError


@pytest.mark.parametrize("error", [ZeroDivisionError("x"), RecursionError(), MemoryError(), AssertionError()])
def test_an_error_in_the_grader_is_no_mistake_of_the_learner(error: Exception) -> None:
    def grade(_: Any) -> Feedback:
        raise error

    q1 = exercise(grade=grade)
    feedback = q1.check("QUIT")
    assert feedback.outcome == "error"
    assert "no mistake of yours" in feedback.message
    assert current_progress().item("01.q1").tries == 0


def test_a_grader_without_feedback_is_an_error() -> None:
    assert exercise(grade=lambda _: None).check("QUIT").outcome == "error"


def test_an_answer_that_breaks_its_reader_is_an_error() -> None:
    assert exercise().check(Hostile("x")).outcome == "error"
    cyclic: list[Any] = []
    cyclic.append(cyclic)
    assert exercise().check(cyclic).outcome == "error"


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_goes_through(stop: type[BaseException]) -> None:
    def grade(_: Any) -> Feedback:
        raise stop

    with pytest.raises(stop):
        exercise(grade=grade).check("QUIT")
    assert current_progress().item("01.q1").outcome == ""


@given(answer=st.lists(st.none() | st.integers() | st.text() | st.binary() | st.lists(st.text()), max_size=3))
def test_check_never_raises(answer: list[Any]) -> None:
    assert exercise().judge(*answer).outcome in ("correct", "incorrect", "not_attempted", "error")


def test_hints_come_in_steps_and_last() -> None:
    q1 = exercise()
    assert q1.hints_shown == ()
    assert q1.hint() == "It has four letters."
    assert exercise().hint() == "One leaves a job with it."  # as after a restart of the kernel
    assert q1.hints_shown == q1.hints
    assert q1.hint().splitlines() == [
        "One leaves a job with it.",
        "There is no further hint. q1.solution() is open to you.",
    ]
    assert current_progress().item("01.q1").hints == 2


def test_the_solution_waits_for_a_try_or_a_hint() -> None:
    q1 = exercise()
    refused = q1.solution()
    assert isinstance(refused, Feedback)
    assert refused.outcome == "not_attempted"
    assert "q1.hint()" in refused.look
    q1.check("")
    assert isinstance(q1.solution(), Feedback)
    q1.hint()
    assert q1.solution() == Solution("QUIT", "QUIT asks the server to say 221 and close.")


def test_the_twin_takes_over_after_the_solution() -> None:
    q1 = exercise()
    assert q1.active is q1
    q1.check("BYE")
    q1.solution()
    assert q1.active is q1.twin
    assert exercise().active.id == "01.q1b"  # also tomorrow
    copied = q1.check("QUIT")
    assert copied.outcome == "not_attempted"
    assert "Now its twin waits" in copied.message
    assert q1.check("rset").passed
    progress = current_progress()
    assert progress.item("01.q1").solved
    assert not progress.item("01.q1").passed
    assert progress.item("01.q1b").twin_of == "01.q1"
    assert [item.id for item in progress.lesson("01").exercises] == ["01.q1"]


def test_hint_and_solution_of_the_twin_are_its_own() -> None:
    q1 = exercise()
    q1.hint()
    q1.solution()
    assert q1.hints_shown == ()
    assert isinstance(q1.solution(), Feedback)
    assert q1.hint() == "It is short for reset."
    assert "q1.solution()" in q1.hint()
    assert q1.solution() == Solution("RSET", "RSET forgets the transaction.")
    assert q1.active is q1.twin


def test_a_live_exercise_gets_the_session_from_its_source() -> None:
    session = Transcript.from_text("S: 220 hi\nC: QUIT\nS: 221 bye\n")
    current: list[Transcript | None] = [None]
    q3 = exercise(
        id="01.q3",
        form=LiveForm(),
        grade=lambda transcript: Feedback("correct", f"{len(transcript)} lines"),
        source=lambda: current[0],
    )
    assert q3.check().outcome == "not_attempted"
    current[0] = session
    assert q3.check().message == "3 lines"
    assert current_progress().item("01.q3").answer == session.to_text()


def test_a_source_that_fails_is_an_error() -> None:
    def source() -> None:
        raise OSError

    assert exercise(form=LiveForm(), source=source).check().outcome == "error"


def test_a_choice_is_graded_by_its_text() -> None:
    q2 = exercise(
        id="01.q2",
        form=ChoiceForm(("250", "503")),
        grade=lambda chosen: Feedback("correct" if chosen == "503" else "incorrect", "."),
    )
    assert q2.check(2).passed
    assert q2.check("503").passed
    assert q2.check(2).asked == "End the session"


def test_progress_can_be_given(tmp_path: Path) -> None:
    progress = Progress(tmp_path)
    q1 = exercise(progress=progress)
    q1.hint()
    q1.solution()
    q1.check("RSET")
    assert progress.item("01.q1b").passed
    assert current_progress().summary().records == 0


def test_nothing_breaks_without_a_place_for_progress(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    q1 = exercise(progress=Progress(blocked / "home"))
    assert q1.check("BYE").outcome == "incorrect"
    assert q1.progress.item("01.q1").answer == ["BYE"]
    assert isinstance(q1.solution(), Solution)
    assert q1.active is q1.twin
    assert "not being saved" in q1.progress.summary().troubles[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "q1"},
        {"id": "01.Q 1"},
        {"hints": []},
        {"hints": ["a", " "]},
        {"id": "01.q1b"},
        {"twin": exercise()},
    ],
)
def test_exercises_that_cannot_work_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"01|q1"):
        exercise(**changes)


def test_samples_of_a_good_exercise_hold_and_are_not_kept() -> None:
    check_samples(exercise())
    assert current_progress().summary().records == 0


def test_samples_are_looked_at_closely() -> None:
    def leaky(lines: tuple[str, ...]) -> Feedback:
        good = grader("QUIT")(lines)
        return good if good.passed else dataclasses.replace(good, look="Send QUIT.", rule=None)

    with pytest.raises(AssertionError) as found:
        check_samples(exercise(grade=leaky))
    text = str(found.value)
    assert "gives 'QUIT' away" in text
    assert "leaves 'rule' open" in text


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"samples": []}, "needs 2 sample(s) incorrect, has 0"),
        ({"solution": Solution("BYE", "")}, "its own solution is incorrect"),
        ({"samples": [Sample(("QUIT",), "incorrect", "x")]}, "is correct, not incorrect"),
        ({"samples": [Sample(("QUIT",), "correct", "bananas")]}, "does not say 'bananas'"),
        ({"grade": grader("RSET"), "solution": Solution("RSET", "")}, "the solution of 01.q1 solves it too"),
    ],
)
def test_samples_that_do_not_hold_are_listed(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(AssertionError) as found:
        check_samples(exercise(**changes))
    assert problem in str(found.value)
