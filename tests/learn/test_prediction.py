"""Guesses are kept and cost nothing; observations are graded by the line that decided."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.learn import Observation, Prediction, Progress, current_progress
from labkit.smtp.rule import Rule
from labkit.smtp.transcript import Transcript

RULE = Rule("RFC 5321 section 4.1.4", "MAIL comes before RCPT.")
SESSION = Transcript.from_text(
    "S: 220 hi\nC: EHLO a.example\nS: 250 hi\nC: RCPT TO:<bob@b.example>\nS: 503 no\nC: QUIT\nS: 221 bye\n"
)


def who(**fields: Any) -> Prediction:
    """Who speaks first?"""
    return Prediction(
        "01.p1", "Who speaks first?", ("client", "server"), "server", "The server greets.", **fields
    )


def first_503(transcript: Transcript) -> set[int]:
    """The lines that say 503."""
    return {event.seq for event in transcript if event.data.startswith(b"503")}


def observation(**fields: Any) -> Observation:
    """Which line decided?"""
    settings: dict[str, Any] = {
        "transcript": SESSION,
        "deciding": frozenset({4, 5}),
        "why": "RCPT came while no MAIL had been accepted.",
        "rule": RULE,
        "wrong": {6: "QUIT ended the session; it was decided before."},
    }
    return Observation("01.o1", "Which line decided?", **{**settings, **fields})


def test_a_guess_is_kept_and_shown_beside_what_happened() -> None:
    prediction = who()
    assert prediction.state.message.startswith("Guess first")
    state = prediction.guess("client")
    assert (state.guess, state.actual, state.agreed, state.why) == ("client", "", None, "")
    state = prediction.reveal()
    assert (state.guess, state.actual, state.agreed) == ("client", "server", False)
    assert "You guessed: client. What happened: server." in state.message
    assert state.why == "The server greets."
    item = current_progress().item("01.p1")
    assert (item.guess, item.actual, item.agreed, item.tries) == ("client", "server", False, 0)


def test_a_right_guess_is_told_so() -> None:
    prediction = who()
    prediction.guess(2)
    assert prediction.reveal("server").message == "You guessed: server. That is what happened."


def test_a_guess_may_change_until_the_run() -> None:
    prediction = who()
    prediction.guess("client")
    assert prediction.guess("server").guess == "server"
    prediction.reveal()
    assert prediction.guess("client").guess == "server"


def test_a_guess_survives_the_kernel() -> None:
    who().guess("client")
    again = who()
    assert again.state.guess == "client"
    assert again.state.why == ""
    changed = Prediction("01.p1", "Who speaks first?", ("Alice", "Bob"))
    assert changed.state.guess == ""


def test_a_run_without_a_guess_is_no_offence() -> None:
    state = who().reveal()
    assert state.agreed is None
    assert "guess first at the next one" in state.message
    assert current_progress().summary().records == 0


def test_what_happened_may_be_something_else() -> None:
    prediction = who()
    prediction.guess("server")
    assert prediction.reveal("nobody").agreed is False
    assert prediction.reveal("nobody") == prediction.state


def test_nothing_is_revealed_that_is_not_known() -> None:
    prediction = Prediction("01.p2", "?", ("a", "b"))
    prediction.guess("a")
    assert prediction.reveal().actual == ""


@pytest.mark.parametrize("choice", ["neither", 3, 0, 1.5, object(), None, "", [1, "x"]])
def test_what_is_no_guess_gets_a_message(choice: object) -> None:
    prediction = who()
    state = prediction.guess(choice)
    assert state.guess == ""
    assert state.message


@pytest.mark.parametrize("fields", [{"id": "p1"}, {"actual": "maybe"}, {"options": ("one",)}])
def test_predictions_that_cannot_work_are_refused(fields: dict[str, Any]) -> None:
    settings = {"id": "01.p1", "question": "?", "options": ("a", "b"), "actual": "a", **fields}
    with pytest.raises(ValueError, match=r"id|options|option"):
        Prediction(**settings)


@pytest.mark.parametrize("line", [4, 5, "5", "line 4"])
def test_any_deciding_line_is_right(line: object) -> None:
    feedback = observation().point(line)
    assert feedback.passed
    assert feedback.message == "RCPT came while no MAIL had been accepted."
    assert feedback.evidence
    assert current_progress().item("01.o1").passed


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (6, "it was decided before"),
        (2, "what the client sent"),
        (7, "Which command does it answer"),
    ],
)
def test_a_wrong_line_is_told_what_it_does_and_not_which_is_right(line: int, says: str) -> None:
    feedback = observation().point(line)
    assert feedback.outcome == "incorrect"
    assert says in feedback.message
    assert feedback.rule == Rule(RULE.ref, "")  # the place to look; its sentence is the answer
    assert feedback.look
    assert "RCPT came" not in feedback.text
    assert not {"4", "5"} & set(feedback.look + feedback.message + feedback.happened)
    item = current_progress().item("01.o1")
    assert (item.kind, item.tries, item.answer) == ("observation", 1, line)


def test_a_second_wrong_line_gets_one_step_more() -> None:
    looking = observation(further="Find the 503 first.")
    assert "A step further" not in looking.point(2).text
    assert looking.point(7).further == "Find the 503 first."


@given(line=st.none() | st.integers() | st.text() | st.floats() | st.lists(st.integers()))
def test_any_line_gets_feedback(line: object) -> None:
    assert observation().point(line).message


@pytest.mark.parametrize("line", [None, "", 99, "x", object()])
def test_what_is_no_line_is_no_try(line: object) -> None:
    assert observation().point(line).outcome in ("not_attempted", "error")
    assert current_progress().item("01.o1").tries == 0


def test_the_learners_own_session_is_looked_up_when_asked() -> None:
    mine: list[Transcript | None] = [None]
    own = observation(transcript=None, deciding=first_503, wrong=None, source=lambda: mine[0])
    assert own.point(5).outcome == "not_attempted"
    mine[0] = Transcript(SESSION[:3])
    assert "has not happened yet" in own.point(3).message
    mine[0] = SESSION
    assert own.point(5).passed
    assert own.transcript is SESSION


def test_an_error_inside_is_no_mistake_of_the_learner() -> None:
    def broken(_: Transcript) -> set[int]:
        raise ZeroDivisionError

    assert observation(deciding=broken).point(5).outcome == "error"


@pytest.mark.parametrize("fields", [{"deciding": frozenset({99})}, {"deciding": frozenset()}])
def test_observations_that_nobody_could_make_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not in the transcript"):
        observation(**fields)


def test_progress_can_be_given(tmp_path: Path) -> None:
    progress = Progress(tmp_path)
    who(progress=progress).guess("client")
    observation(progress=progress).point(4)
    assert progress.summary().records == 2
    assert current_progress().summary().records == 0
