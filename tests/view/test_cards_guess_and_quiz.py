"""Prediction, observation, quiz and progress cards without a browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from labkit.learn import (
    Feedback,
    ItemProgress,
    Observation,
    Prediction,
    Progress,
    Quiz,
    current_progress,
)
from labkit.learn.export import to_json
from labkit.smtp.transcript import Transcript
from labkit.verdict import Evidence
from labkit.view.cards import (
    ObservationCard,
    PredictionCard,
    ProgressCard,
    QuizCard,
    SpacedCard,
    feedback_text,
)
from labkit.view.cards_base import Card, feedback_state

SESSION = Transcript.from_text(
    "S: 220 ready\nC: EHLO a.example\nS: 250-mail\nS: 250 HELP\nC: QUIT\nS: 221 Bye\n"
)
QUESTIONS = [
    {
        "id": "00.quiz.first",
        "question": "Who speaks first?",
        "type": "multiple_choice",
        "answers": [
            {"answer": "The server", "code": "220", "correct": True, "feedback": "It greets."},
            {"answer": "The client", "correct": False, "feedback": "It waits."},
        ],
        "see": ["RFC 5321 section 3.1: the server greets."],
    },
    {
        "id": "00.quiz.limit",
        "question": "How long may a command line be?",
        "type": "numeric",
        "answers": [
            {"type": "value", "value": 512, "correct": True, "feedback": "With CR LF."},
            {"type": "default", "feedback": "Look at the limits."},
        ],
        "see": ["RFC 5321 section 4.5.3.1.4: 512 octets."],
    },
]


def tell(card: Card, op: str, **payload: Any) -> list[dict[str, Any]]:
    """Send as the page does; returns what went back, apart from the state."""
    back: list[dict[str, Any]] = []
    card.send = lambda content, buffers=None: back.append(content)  # type: ignore[method-assign]
    card._receive(card, {"op": op, "id": 1, **payload}, [])
    assert all(message["op"] != "trouble" for message in back), back
    return back[1:]


def prediction() -> Prediction:
    return Prediction("01.p1", "What comes?", ["250 it is", "503 it is"], "503 it is", "The order decides.")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "00_start_here.json").write_text(json.dumps(QUESTIONS))
    return tmp_path


@pytest.fixture
def quiz(folder: Path) -> QuizCard:
    return QuizCard(Quiz.load(folder / "00_start_here.json", seed=None))


def test_a_guess_is_kept_and_found_again() -> None:
    card = PredictionCard(prediction())
    assert "The order decides." not in json.dumps(card.state)
    assert tell(card, "keep", guess=0)[0]["text"].startswith("Your guess is kept")
    assert card.state["kept"] == 0
    assert PredictionCard(prediction()).state["kept"] == 0


@pytest.mark.parametrize("guess", [2, -1, "0", 0.0, None, True, [0]])
def test_a_guess_that_is_none_changes_nothing(guess: object) -> None:
    card = PredictionCard(prediction())
    tell(card, "keep", guess=guess)
    assert card.state["kept"] is None


def test_reveal_shows_guess_beside_what_happened() -> None:
    card = PredictionCard(prediction())
    tell(card, "keep", guess=0)
    card.reveal()
    assert card.state["shown"] == {
        "guess": "250 it is",
        "actual": "503 it is",
        "agreed": False,
        "why": "The order decides.",
    }
    tell(card, "keep", guess=1)
    assert card.state["kept"] == 0


def test_what_stands_there_is_not_said_again() -> None:
    card = PredictionCard(prediction())
    tell(card, "keep", guess=0)
    spoken: list[dict[str, Any]] = []
    card.send = lambda content, buffers=None: spoken.append(content)  # type: ignore[method-assign]
    for _ in range(3):  # a lesson reveals after every step of a session
        card.reveal()
    assert [message["op"] for message in spoken] == ["say"]
    turn = card.state["turn"]
    card.reveal()
    assert card.state["turn"] == turn


def test_reveal_without_a_guess_and_from_elsewhere() -> None:
    card = PredictionCard(prediction())
    card.prediction.reveal("Nothing came.")
    tell(card, "ping")
    assert card.state["shown"]["guess"] is None
    assert card.state["shown"]["actual"] == "Nothing came."


def observation(transcript: Transcript | None = SESSION, **more: Any) -> Observation:
    return Observation(
        "01.o1", "Which line?", transcript, more.pop("deciding", frozenset({4})), "It is the last.", **more
    )


def test_pointing_at_lines() -> None:
    card = ObservationCard(observation(wrong={2: "That is a question."}))
    assert "It is the last." not in json.dumps(card.state)
    said = tell(card, "point", line=2)
    assert said == [{"op": "say", "text": "Not yet. That is a question."}]
    assert (card.state["tried"], card.state["found"]) == ([2], None)
    tell(card, "point", line=4)
    assert card.state["found"] == 4
    assert card.state["feedback"]["message"] == "It is the last."
    assert ObservationCard(observation()).state["found"] == 4


@pytest.mark.parametrize("line", [0, 99, "4", None, True, [4], 4.0])
def test_pointing_at_nothing_finds_nothing(line: object) -> None:
    card = ObservationCard(observation())
    tell(card, "point", line=line)
    assert card.state["found"] is None


def test_own_session_grows_and_is_replaced() -> None:
    own: list[Transcript | None] = [None]
    card = ObservationCard(observation(None, deciding=lambda transcript: {2}, source=lambda: own[0]))
    assert card.state["lines"] == []
    own[0] = Transcript(SESSION[:3])
    tell(card, "ping")
    assert [line["n"] for line in card.state["lines"]] == [1, 2, 3]
    tell(card, "point", line=1)
    own[0] = SESSION
    tell(card, "ping")
    assert card.state["tried"] == [1]
    own[0] = Transcript.from_text("S: 220 other\nC: HELO b.example\n")
    tell(card, "ping")
    assert card.state["tried"] == []


def test_lines_name_speaker_code_and_end() -> None:
    text = "S: 250-first\nS: 250 last\nC: RCPT\n"
    lines = ObservationCard(observation(Transcript.from_text(text), deciding=frozenset({1}))).state["lines"]
    assert [(line.get("code"), line.get("more"), line["text"]) for line in lines] == [
        ("250", True, "first"),
        ("250", False, "last"),
        (None, None, "RCPT"),
    ]


def test_long_sessions_are_cut_from_the_front() -> None:
    card = ObservationCard(
        observation(Transcript.from_text("C: NOOP\nS: 250 OK\n" * 400), deciding=frozenset({800}))
    )
    assert len(card.state["lines"]) == 500
    assert card.state["left_out"] == 300
    assert card.state["lines"][-1]["n"] == 800


def test_quiz_explains_after_the_answer_only(quiz: QuizCard) -> None:
    assert "It greets." not in json.dumps(quiz.state)
    tell(quiz, "answer", question="00.quiz.first", picks=[1])
    first = quiz.state["questions"][0]
    assert first["feedback"]["message"] == "It waits."
    assert not first["locked"]
    assert "It greets." not in json.dumps(quiz.state)
    tell(quiz, "answer", question="00.quiz.first", picks=[0])
    first = quiz.state["questions"][0]
    assert first["locked"]
    assert [(option["state"], option["chosen"]) for option in first["options"]] == [
        ("right", True),
        ("other", False),
    ]
    assert quiz.state["result"] == ""


def test_answer_is_shown_on_request_only_after_a_try(quiz: QuizCard) -> None:
    tell(quiz, "show", question="00.quiz.limit")
    assert not quiz.state["questions"][1]["locked"]
    tell(quiz, "answer", question="00.quiz.limit", picks="1,000")
    tell(quiz, "show", question="00.quiz.limit")
    options = quiz.state["questions"][1]["options"]
    assert [(option["text"], option["chosen"]) for option in options] == [
        ("512", False),
        ("another number", True),
    ]


def test_result_names_what_to_meet_again(quiz: QuizCard) -> None:
    tell(quiz, "answer", question="00.quiz.first", picks=[0])
    tell(quiz, "answer", question="00.quiz.limit", picks="7")
    tell(quiz, "answer", question="00.quiz.limit", picks="512")
    assert "question 2" in quiz.state["result"]
    tell(quiz, "again")
    assert quiz.state["result"] == ""
    assert not any(question["locked"] for question in quiz.state["questions"])
    assert quiz.state["questions"][0]["tag"]["text"] == "right before"
    tell(quiz, "answer", question="00.quiz.first", picks=[0])
    tell(quiz, "answer", question="00.quiz.limit", picks="512")
    assert quiz.state["result"] == "All right at the first go."


@pytest.mark.parametrize("picks", [[7], [0, 0], "0", None, {"0": 1}, [True], [-1], 0])
def test_picks_that_are_none_are_not_graded(quiz: QuizCard, picks: object) -> None:
    tell(quiz, "answer", question="00.quiz.first", picks=picks)
    tell(quiz, "answer", question="00.quiz.none", picks=[0])
    tell(quiz, "answer", question=["00.quiz.first"], picks=[0])
    tell(quiz, "answer", question="00.quiz.limit", picks="5" * 100)
    assert current_progress().item("00.quiz.first").tries == 0
    assert current_progress().item("00.quiz.limit").tries == 0


def test_spaced_questions_or_none(folder: Path) -> None:
    later = SpacedCard("01", folder)
    assert later.state["title"] == "Two questions from before"
    tell(later, "answer", question="00.quiz.first", picks=[0])
    assert current_progress().item("00.quiz.first").answers[-1].where == "01"
    none = SpacedCard("00", folder)
    assert none.state["questions"] == []
    assert none.state["intro"]


def test_progress_counts_what_there_is_and_sees_changes(tmp_path: Path) -> None:
    expected = {"01": [ItemProgress("01.q1", "exercise"), ItemProgress("01.q2", "exercise")]}
    (tmp_path / "01_session.ipynb").touch()
    card = ProgressCard(expected=expected, folder=tmp_path)
    assert card.state["fresh"]
    current_progress().attempt("01.q1", "correct")
    tell(card, "ping")
    lesson = next(one for one in card.state["lessons"] if one["id"] == "01")
    assert lesson["here"]
    assert lesson["meters"] == [{"name": "exercises", "done": 1, "of": 2}]
    assert [one["id"] for one in card.state["lessons"] if one["here"]] == ["01"]


def test_progress_goes_out_and_comes_back(tmp_path: Path) -> None:
    current_progress().attempt("01.q1", "correct")
    sent = tell(ProgressCard(folder=tmp_path), "export")[0]
    assert sent["op"] == "download"
    other = Progress(tmp_path / "other")
    card = ProgressCard(other, folder=tmp_path)
    tell(card, "take_in", text=sent["text"])
    assert card.state["note"] == "Taken in: 1 new record."
    assert other.item("01.q1").passed
    tell(card, "take_in", text=to_json(other))
    assert "already" in card.state["note"]


@pytest.mark.parametrize("text", [None, 3, "", "{}", "not json \u202e", "[" * 10_000])
def test_a_file_that_is_none_is_refused_in_words(tmp_path: Path, text: object) -> None:
    card = ProgressCard(folder=tmp_path)
    tell(card, "take_in", text=text)
    assert "progress file" in card.state["note"]
    assert "\u202e" not in card.state["note"]


def test_binder_is_told_that_it_forgets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not ProgressCard(folder=tmp_path).state["binder"]
    monkeypatch.setenv("BINDER_LAUNCH_HOST", "https://binder.example/")
    assert ProgressCard(folder=tmp_path).state["binder"]


def test_home_is_named_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.delenv("LABKIT_HOME")
    assert ProgressCard(folder=tmp_path).state["where"].startswith("~")


def test_an_observation_follows_the_learners_session_without_being_asked() -> None:
    grown = Transcript(SESSION[:3])
    looking = Observation(
        "01.o1", "Which line?", None, lambda _: frozenset(), "It greets.", source=lambda: grown
    )
    card = ObservationCard(looking)
    assert len(card.state["lines"]) == 3
    grown = SESSION
    card.refresh()
    assert len(card.state["lines"]) == len(SESSION)


def test_a_wrong_answer_shows_the_lines_it_rests_on() -> None:
    feedback = Feedback("incorrect", "Too early.", evidence=(Evidence.line(5),), transcript=SESSION)
    shown = feedback_state(feedback)
    assert shown is not None
    assert [line["text"] for line in shown["run"] if line["n"] in shown["lines"]] == ["QUIT"]
    assert "line 5 `C: QUIT`" in feedback_text(feedback)


def test_a_wrong_answer_leads_back_to_where_it_was_seen(tmp_path: Path) -> None:
    path = tmp_path / "00_start_here.json"
    path.write_text(json.dumps([{**QUESTIONS[0], "back": "Who did what?"}]))
    card = QuizCard(Quiz.load(path))
    assert card.state["questions"][0]["back"] == {"file": "00_start_here.ipynb", "heading": "Who did what?"}
