"""The exercise card without a browser: what it tells the page, and what it makes of what comes from there."""

from __future__ import annotations

import json
from typing import Any

import pytest

from labkit.learn import (
    ChoiceForm,
    Exercise,
    Feedback,
    LinesForm,
    LiveForm,
    OrderForm,
    PickLineForm,
    Solution,
    current_progress,
)
from labkit.smtp.rule import Rule
from labkit.smtp.transcript import Transcript
from labkit.verdict import Evidence
from labkit.view.cards import ExerciseCard

RULE = Rule("RFC 5321 section 4.1.4", "MAIL comes before RCPT.")
SESSION = Transcript.from_text("S: 220 ready\nC: RCPT TO:<bob@receiver.example>\nS: 503 order\n")
SECRET = "MAIL FROM:<alice@sender.example>"


def exercise(form: Any, right: Any, answer: Any, **more: Any) -> Exercise:
    """An exercise that takes `right` (as the form reads it) and nothing else."""

    def grade(given: Any) -> Feedback:
        if given == right:
            return Feedback("correct", "That holds.", rule=RULE)
        return Feedback(
            "incorrect", "Not in this order.", (Evidence.line(2),), "", "503 came.", RULE, "Line 2."
        )

    return Exercise(
        "01.q1", "A title", "A task.", form, grade, ["First.", "Second."], Solution(answer, "Why."), **more
    )


def lines_card() -> ExerciseCard:
    def fine(lines: Any) -> Feedback:
        return Feedback("correct", "Yes.")

    twin = Exercise(
        "01.q1b", "The twin", "Another task.", LinesForm(1), fine, ["A hint."], Solution(SECRET, "Because.")
    )
    form = LinesForm(1, ("S: 220 ready",), ("C: DATA",))
    return ExerciseCard(exercise(form, (SECRET,), SECRET, twin=twin), 1, 3)


def tell(card: ExerciseCard, op: str, **payload: Any) -> list[dict[str, Any]]:
    """Send as the page does; returns what went back, apart from the state."""
    back: list[dict[str, Any]] = []
    card.send = lambda content, buffers=None: back.append(content)  # type: ignore[method-assign]
    card._receive(card, {"op": op, "id": 7, "task": card.state["task_id"], **payload}, [])
    assert back[0] == {"op": "ack", "id": 7, "view": None}
    assert all(message["op"] != "trouble" for message in back), back
    return back[1:]


def test_state_is_json_and_gives_nothing_away() -> None:
    card = lines_card()
    text = json.dumps(card.state)
    assert "Exercise 1 of 3" in text
    assert SECRET not in text
    assert "First." not in text
    assert "Another task." not in text
    assert card.state["solution"] is None
    assert not card.state["can_solve"]


def test_check_shows_feedback_and_says_it() -> None:
    card = lines_card()
    said = tell(card, "check", answer=["RCPT TO:<bob@receiver.example>"])
    assert said == [{"op": "say", "text": "Not yet. Not in this order."}]
    feedback = card.state["feedback"]
    assert feedback["outcome"] == "incorrect"
    assert ["What happened", "503 came."] in feedback["parts"]
    assert feedback["lines"] == [2]
    tell(card, "check", answer=[SECRET])
    assert card.state["passed"]
    assert current_progress().item("01.q1").tries == 2


def test_equal_answers_are_each_answered() -> None:
    card = lines_card()
    tell(card, "check", answer=["x"])
    turn = card.state["turn"]
    tell(card, "check", answer=["x"])
    assert card.state["turn"] > turn


def test_nothing_typed_is_no_attempt() -> None:
    card = lines_card()
    tell(card, "check", answer=None)
    assert card.state["feedback"]["outcome"] == "not_attempted"
    assert not card.state["can_solve"]


def test_hints_come_one_by_one_and_end() -> None:
    card = lines_card()
    assert tell(card, "hint") == [{"op": "say", "text": "Hint 1 of 2: First."}]
    assert card.state["hints"] == ["First."]
    tell(card, "hint")
    assert card.state["hints"] == ["First.", "Second."]
    assert tell(card, "hint") == []
    assert current_progress().item("01.q1").hints == 2


def test_solution_only_after_a_try_then_the_twin() -> None:
    card = lines_card()
    tell(card, "solution")
    assert card.state["solution"] is None
    assert card.state["feedback"]["outcome"] == "not_attempted"
    tell(card, "check", answer=["x"])
    assert card.state["can_solve"]
    tell(card, "solution")
    assert [line["text"] for line in card.state["solution"]["lines"]] == ["ready", SECRET, "DATA"]
    assert card.state["twin_next"]
    assert card.state["task_id"] == "01.q1"
    tell(card, "twin")
    assert card.state["task_id"] == "01.q1b"
    assert card.state["is_twin"]
    assert card.state["solution"] is card.state["feedback"] is None


def test_what_was_done_is_found_again() -> None:
    tell(lines_card(), "check", answer=["x"])
    again = lines_card()
    assert again.state["draft"] == ["x"]
    assert again.state["can_solve"]
    tell(again, "check", answer=[SECRET])
    assert lines_card().state["passed"]


def test_a_draft_survives_a_reload_without_being_graded() -> None:
    card = lines_card()
    tell(card, "draft", answer=["half a li"])
    tell(card, "hello")
    assert card.state["draft"] == ["half a li"]
    assert current_progress().item("01.q1").tries == 0


def test_code_and_card_are_one() -> None:
    card = lines_card()
    feedback = card.check("x")
    assert feedback.outcome == "incorrect"
    assert card.state["feedback"]["message"] == feedback.message
    assert str(card.hint()) == repr(card.hint()).replace("Second.", "First.") == "First."
    assert isinstance(card.solution(), Solution)
    assert card.solution() == card.solution()
    assert card.state["solution"]["why"] == "Why."


def test_what_was_checked_elsewhere_appears_with_the_heartbeat() -> None:
    card = lines_card()
    card.exercise.check(SECRET)
    assert not card.state["passed"]
    tell(card, "ping")
    assert card.state["passed"]


@pytest.mark.parametrize(
    "answer",
    [3, "text", {}, [1], ["a", "b"], [None], [["x"]], True, ["x" * 100_000]],
    ids=lambda value: repr(value)[:20],
)
def test_any_answer_from_the_page_is_survived(answer: object) -> None:
    card = lines_card()
    tell(card, "check", answer=answer)
    assert card.state["feedback"]["outcome"] == "not_attempted"


def test_messages_for_another_task_change_nothing() -> None:
    card = lines_card()
    tell(card, "check", task="01.q9", answer=[SECRET])
    tell(card, "solution", task=None)
    tell(card, "twin", task=17)
    assert card.state["feedback"] is None
    assert current_progress().item("01.q1").tries == 0


def test_order_form_takes_places() -> None:
    card = ExerciseCard(exercise(OrderForm(("b", "", "2")), ("", "b", "2"), (2, 1, 3)))
    tell(card, "check", answer=[0, 1, 2])
    assert card.state["feedback"]["outcome"] == "not_attempted"
    for wrong in ([0, 0, 1], [0, 1], [0, 1, 3], [0, 1, -1], [0.0, 1, 2], "102"):
        tell(card, "draft", answer=wrong)
        assert card.state["draft"] is None
    tell(card, "check", answer=[1, 0, 2])
    assert card.state["feedback"]["outcome"] == "correct"
    assert ExerciseCard(card.exercise).state["draft"] == [1, 0, 2]


@pytest.mark.parametrize(
    ("many", "draft", "outcome"),
    [
        (False, [1], "correct"),
        (False, [0], "incorrect"),
        (False, [0, 1], "not_attempted"),
        (True, [1, 0], "incorrect"),
    ],
)
def test_choice_form_takes_places(many: bool, draft: list[int], outcome: str) -> None:
    card = ExerciseCard(exercise(ChoiceForm(("500", "503", "2"), many), "503", "503"))
    tell(card, "check", answer=draft)
    assert card.state["feedback"]["outcome"] == outcome


def test_pick_form_marks_the_line_and_what_was_tried() -> None:
    card = ExerciseCard(exercise(PickLineForm(SESSION), 2, 2))
    tell(card, "check", answer=99)
    assert card.state["feedback"]["outcome"] == "not_attempted"
    tell(card, "check", answer=3)
    assert card.state["tried"] == [3]
    assert card.state["found"] is None
    tell(card, "check", answer=2)
    assert card.state["found"] == 2
    assert ExerciseCard(card.exercise).state["draft"] == 2


def test_live_form_reads_the_learners_own_session() -> None:
    card = ExerciseCard(exercise(LiveForm(), None, "C: RCPT TO:<x>\nS: 503 no\n", source=lambda: SESSION))
    tell(card, "check", answer="anything the page says")
    assert card.state["feedback"]["outcome"] == "incorrect"
    tell(card, "solution")
    assert [line["text"] for line in card.state["solution"]["lines"]] == ["RCPT TO:<x>", "no"]


def test_long_and_hostile_feedback_is_cut_and_shown_as_it_is() -> None:
    evil = "\u202e<img src=x onerror=alert(1)>\x07" + "x" * 70_000
    card = ExerciseCard(
        Exercise(
            "01.q1",
            "t",
            "t",
            LinesForm(1),
            lambda lines: Feedback("incorrect", lines[0]),
            ["h"],
            Solution("a", "b"),
        )
    )
    tell(card, "check", answer=[evil[:60_000]])
    message = card.state["feedback"]["message"]
    assert message.startswith("\\u202e<img")
    assert "\\x07" in message
    assert len(message) < 2_000


def test_the_card_speaks_of_no_code() -> None:
    card = ExerciseCard(exercise(LinesForm(1), "QUIT", "BYE"))
    tell(card, "check", answer=[""])
    assert card.state["feedback"]["outcome"] == "not_attempted"
    assert ".check(" not in str(card.state)
    tell(card, "solution")
    assert ".hint(" not in str(card.state)


def test_the_card_does_not_say_its_title_twice() -> None:
    card = lines_card()
    tell(card, "check", answer=["wrong"])
    assert "What was asked" not in [label for label, _ in card.state["feedback"]["parts"]]
    assert "What was asked: A title" in card.exercise.check("wrong").text, "in code no card stands above"
