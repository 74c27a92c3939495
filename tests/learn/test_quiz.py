"""Quiz files are validated by file, question and field; questions are graded one at a time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.learn import Question, Quiz, QuizError, current_progress
from labkit.smtp.rule import Rule

SEE = ["RFC 5321 section 3.1: how a session begins.", "RFC 5321 section 4.3.1: whose turn it is."]
CHOICE: dict[str, Any] = {
    "id": "01.quiz.first-word",
    "question": "Who speaks first?",
    "type": "multiple_choice",
    "answers": [
        {"answer": "The server.", "correct": True, "feedback": "It greets."},
        {"answer": "The client.", "correct": False, "feedback": "In HTTP it would."},
        {"answer": "Nobody, until", "code": "EHLO", "correct": False, "feedback": "EHLO answers a greeting."},
    ],
    "see": SEE,
}
MANY: dict[str, Any] = {
    "id": "01.quiz.any-time",
    "question": "Which may come before EHLO?",
    "type": "many_choice",
    "answers": [
        {"code": "NOOP", "correct": True, "feedback": "It does nothing."},
        {"code": "RSET", "correct": True, "feedback": "It forgets nothing."},
        {"code": "MAIL", "correct": False, "feedback": "It needs a name."},
    ],
    "see": SEE,
}
NUMBER: dict[str, Any] = {
    "id": "01.quiz.octets",
    "question": "How many octets may a text line have, CR LF included?",
    "type": "numeric",
    "answers": [
        {"type": "default", "feedback": "Look at the limits again."},
        {"type": "value", "value": 1000, "correct": True, "feedback": "998 and CR LF."},
        {"type": "value", "value": 998, "correct": False, "feedback": "That is without CR LF."},
        {"type": "range", "range": [76, 80], "correct": False, "feedback": "That is what reads well."},
    ],
    "see": SEE,
}


def write(folder: Path, content: Any, name: str = "01_session.json") -> Path:
    """A quiz file."""
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def load(folder: Path, *entries: dict[str, Any], **options: Any) -> Quiz:
    """A quiz with these questions."""
    return Quiz.load(write(folder, list(entries)), **options)


def problem(folder: Path, content: Any) -> str:
    """What is said about a file that cannot be used."""
    with pytest.raises(QuizError) as found:
        Quiz.load(write(folder, content))
    return str(found.value)


@pytest.fixture
def first(tmp_path: Path) -> Question:
    """A question with one right option, in the file's order."""
    return load(tmp_path, CHOICE, seed=None)[0]


@pytest.fixture(scope="module")
def all_kinds(tmp_path_factory: pytest.TempPathFactory) -> Quiz:
    """A question of each kind."""
    return load(tmp_path_factory.mktemp("quiz"), CHOICE, MANY, NUMBER)


def test_a_quiz_is_loaded(tmp_path: Path) -> None:
    quiz = load(tmp_path, CHOICE, MANY, NUMBER)
    assert (quiz.lesson, len(quiz)) == ("01", 3)
    assert [question.id for question in quiz] == [CHOICE["id"], MANY["id"], NUMBER["id"]]
    assert quiz["01.quiz.any-time"].kind == "many_choice"
    assert quiz[0].see == (
        Rule("RFC 5321 section 3.1", "how a session begins."),
        Rule("RFC 5321 section 4.3.1", "whose turn it is."),
    )
    with pytest.raises(KeyError):
        quiz["01.quiz.other"]


def test_the_right_option(first: Question) -> None:
    feedback = first.check("The server.")
    assert feedback.passed
    assert feedback.message == "It greets."
    assert feedback.rule == first.see[0]
    item = current_progress().item(first.id)
    assert (item.tries, item.answer, item.missed) == (1, [1], False)


@pytest.mark.parametrize("picked", [(2,), ("2",), ("The client.",), (["The client."],)])
def test_a_wrong_option_gets_its_own_explanation(first: Question, picked: tuple[Any, ...]) -> None:
    feedback = first.check(*picked)
    assert feedback.outcome == "incorrect"
    assert feedback.message == "In HTTP it would."
    assert feedback.asked == "Who speaks first?"
    assert feedback.happened == "You chose: The client."
    assert feedback.look == "RFC 5321 section 4.3.1"
    assert "The server." not in feedback.text
    assert current_progress().item(first.id).missed


@pytest.mark.parametrize(
    "picked", [(), (None,), ("",), ([],), (1, 2), (0,), (9,), ("x",), (object(),), (True,)]
)
def test_what_is_no_answer_is_no_try(first: Question, picked: tuple[Any, ...]) -> None:
    assert first.check(*picked).outcome in ("not_attempted", "error")
    assert current_progress().item(first.id).tries == 0


@given(
    picked=st.lists(
        st.none() | st.integers() | st.text() | st.floats() | st.binary() | st.booleans(), max_size=3
    )
)
def test_any_answer_gets_feedback(all_kinds: Quiz, picked: list[Any]) -> None:
    for question in all_kinds:
        assert question.judge(*picked).message


def test_many_options(tmp_path: Path) -> None:
    question = load(tmp_path, MANY, seed=None)[0]
    assert question.judge("RSET", "NOOP").passed
    part = question.judge("RSET")
    assert part.outcome == "incorrect"
    assert "It is not all that holds." in part.message
    assert "NOOP" not in part.text
    wrong = question.judge(1, 2, 3)
    assert wrong.outcome == "incorrect"
    assert "MAIL: It needs a name." in wrong.message
    assert "not all that holds" not in wrong.message


@pytest.mark.parametrize(
    ("typed", "outcome", "message"),
    [
        (1000, "correct", "998 and CR LF."),
        ("1,000", "correct", "998 and CR LF."),
        ("1 000", "correct", "998 and CR LF."),
        (998.0, "incorrect", "That is without CR LF."),
        ("78", "incorrect", "That is what reads well."),
        ("-5", "incorrect", "Look at the limits again."),
        ("0.5", "incorrect", "Look at the limits again."),
        ("many", "error", "A number is asked for, in digits."),
        (float("nan"), "error", "A number is asked for that one would write down."),
        (10**400, "error", "A number is asked for that one would write down."),
        (True, "error", "One number is asked for, and yes or no came."),
        ("", "not_attempted", "No number is typed yet. Type one, then check."),
    ],
)
def test_numbers(tmp_path: Path, typed: Any, outcome: str, message: str) -> None:
    feedback = load(tmp_path, NUMBER)[0].judge(typed)
    assert (feedback.outcome, feedback.message) == (outcome, message)


def test_every_option_is_explained(tmp_path: Path) -> None:
    quiz = load(tmp_path, CHOICE, NUMBER, seed=None)
    assert quiz[0].explanations()[2] == ("Nobody, until EHLO", False, "EHLO answers a greeting.")
    assert [text for text, _, _ in quiz[1].explanations()] == ["1000", "998", "76 to 80", "another number"]


def test_the_order_of_options_follows_the_seed(tmp_path: Path) -> None:
    orders = {
        tuple(option.number for option in load(tmp_path, CHOICE, seed=seed)[0].options) for seed in range(40)
    }
    assert len(orders) == 6
    once, again = load(tmp_path, CHOICE, seed=7)[0], load(tmp_path, CHOICE, seed=7)[0]
    assert once == again
    place = [option.number for option in once.options].index(2)
    assert once.check(place + 1).message == "In HTTP it would."
    assert current_progress().item(once.id).answer == [2]


def without(entry: dict[str, Any], name: str) -> dict[str, Any]:
    """The entry without one field."""
    return {key: value for key, value in entry.items() if key != name}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (without(CHOICE, "see"), "01.quiz.first-word see: is missing"),
        (without(CHOICE, "id"), "question 1 id: is missing"),
        ({**CHOICE, "id": "first"}, "first id: must look like"),
        ({**CHOICE, "id": "02.quiz.a"}, "02.quiz.a id: must begin with 01, as the file's name does"),
        ({**CHOICE, "id": 5}, "question 1 id: must look like"),
        ({**CHOICE, "question": " "}, "01.quiz.first-word question: must be text"),
        ({**CHOICE, "code": 7}, "01.quiz.first-word code: must be text"),
        (
            {**CHOICE, "type": "string"},
            "01.quiz.first-word type: is one of multiple_choice, many_choice, numeric",
        ),
        ({**CHOICE, "type": ["many_choice"]}, "01.quiz.first-word type: is one of"),
        ({**CHOICE, "hint": "x"}, "01.quiz.first-word hint: is no field of a question"),
        ({**CHOICE, "see": "RFC 5321"}, "01.quiz.first-word see: must be a list"),
        ({**CHOICE, "see": []}, "01.quiz.first-word see: must be a list"),
        ({**CHOICE, "see": ["RFC 5321"]}, "01.quiz.first-word see 1: must say a place and what it is about"),
        (
            {**CHOICE, "answers": CHOICE["answers"][:1]},
            "01.quiz.first-word answers: must be a list of at least two",
        ),
        ({**CHOICE, "answers": CHOICE["answers"][1:]}, "answers: need exactly one that is correct, have 0"),
        (
            {**CHOICE, "answers": [*CHOICE["answers"], CHOICE["answers"][0]]},
            "answers 4: says the same as another",
        ),
        (
            {**MANY, "answers": MANY["answers"][:2]},
            "01.quiz.any-time answers: need at least one that is correct and",
        ),
    ],
)
def test_problems_name_the_question_and_the_field(tmp_path: Path, entry: dict[str, Any], said: str) -> None:
    text = problem(tmp_path, [entry])
    assert text.startswith("01_session.json is no usable quiz:")
    assert said in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"feedback": ""}, "answers 1 feedback: must explain this answer"),
        ({"feedback": None}, "answers 1 feedback: must explain this answer"),
        ({"correct": "yes"}, "answers 1 correct: must be true or false"),
        ({"answer": 250}, "answers 1 answer: must be text"),
        ({"colour": "red"}, "answers 1 colour: is no field of an option"),
    ],
)
def test_problems_name_the_option(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    answers = [{**CHOICE["answers"][0], **changes}, *CHOICE["answers"][1:]]
    assert f"01.quiz.first-word {said}" in problem(tmp_path, [{**CHOICE, "answers": answers}])


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            {"type": "value", "value": "7", "correct": True, "feedback": "x"},
            "answers 5 value: must be a number",
        ),
        (
            {"type": "value", "value": True, "correct": True, "feedback": "x"},
            "answers 5 value: must be a number",
        ),
        (
            {"type": "range", "range": [3, 1], "correct": False, "feedback": "x"},
            "answers 5 range: must be two",
        ),
        ({"type": "range", "range": 3, "correct": False, "feedback": "x"}, "answers 5 range: must be two"),
        ({"type": "default", "feedback": "x"}, "answers: need exactly one of type default"),
        ({"type": "default"}, "answers 5 feedback: must explain"),
        ({"type": ["value"]}, "answers 5 type: is one of value, range, default"),
        ({"type": "value", "value": 3, "feedback": "x"}, "answers 5 correct: must be true or false"),
        (
            {"type": "value", "value": 3, "answer": "x", "correct": True},
            "answers 5 answer: is no field of a value",
        ),
    ],
)
def test_problems_of_numbers(tmp_path: Path, answer: dict[str, Any], said: str) -> None:
    assert said in problem(tmp_path, [{**NUMBER, "answers": [*NUMBER["answers"], answer]}])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "the file: is not JSON"),
        ("[" * 100_000, "the file: is not JSON"),
        ("{}", "the file: must hold a list of questions"),
        ("[]", "the file: must hold a list of questions"),
        ("[7]", "question 1: must be an object with fields"),
        ('[{"id": "01.quiz.a", "id": "01.quiz.b"}]', "the field 'id' is there twice in one object"),
    ],
)
def test_files_that_are_no_quiz(tmp_path: Path, content: str, said: str) -> None:
    assert said in problem(tmp_path, content)


def test_all_problems_are_listed_at_once(tmp_path: Path) -> None:
    text = problem(tmp_path, [{**CHOICE, "question": ""}, CHOICE, {**MANY, "see": []}])
    assert text.count("\n") == 3
    assert "01.quiz.first-word id: is there twice" in text


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(QuizError, match="No such file"):
        Quiz.load(tmp_path / "09_tls.json")


QUIZZES = sorted((Path(__file__).parents[2] / "labkit" / "lessons" / "quizzes").glob("*.json"))


@pytest.mark.parametrize("path", QUIZZES, ids=lambda path: path.stem)
def test_the_shipped_quizzes(path: Path) -> None:
    quiz = Quiz.load(path)
    assert len(quiz) == 4
    for question in quiz:
        assert question.id.startswith(f"{quiz.lesson}.quiz.")
        assert 3 <= len(question.options) <= 5
        assert all(rule.ref.startswith("RFC ") for rule in question.see)
        right = [option.shown for option in question.options if option.correct]
        for option in question.options:
            if not option.correct and question.kind == "multiple_choice":
                feedback = question.judge(option.shown)
                assert feedback.outcome == "incorrect"
                assert not any(text in feedback.text for text in right)
    places = [[option.correct for option in question.options].index(True) for question in quiz]
    assert len(set(places)) > 1, "the right option must not always stand in the same place"


def test_there_are_shipped_quizzes() -> None:
    assert {path.stem for path in QUIZZES} >= {"00_start_here", "01_session"}
