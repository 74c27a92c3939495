"""What of the cards stands in a stored notebook: the same on every run, escaped, and never the answer."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from IPython.core.formatters import DisplayFormatter
from IPython.lib.pretty import pretty

from labkit.learn import (
    ChoiceForm,
    Exercise,
    Feedback,
    LinesForm,
    LiveForm,
    Number,
    NumbersForm,
    Observation,
    OrderForm,
    PickLineForm,
    Prediction,
    Progress,
    Quiz,
    Setting,
    SettingsForm,
    Solution,
    SortForm,
    current_progress,
)
from labkit.smtp.rule import Rule
from labkit.smtp.transcript import Transcript
from labkit.verdict import Evidence
from labkit.view.cards import (
    EndCard,
    ExerciseCard,
    LessonCard,
    ObservationCard,
    PredictionCard,
    ProgressCard,
    QuizCard,
    feedback_html,
    feedback_text,
    register,
)
from labkit.view.cards_base import Card, visible, wire_lines

EVIL = "<script>alert(1)</script>\u202e&\"'`x`\x1b[31m"
SESSION = Transcript.from_text("S: 220 ready <b>\nC: EHLO a.example\nS: 250 OK\n")
SECRET = "the very answer"


def exercise(form: Any, answer: Any, task: str = "A task.", progress: Progress | None = None) -> Exercise:
    def grade(given: Any) -> Feedback:
        return Feedback("incorrect", "No.")

    return Exercise(
        "01.q1", "A title", task, form, grade, ["The hint."], Solution(answer, "why so"), progress=progress
    )


def all_cards(words: str, folder: Path) -> list[Card]:
    """One card of every kind; `words` stands wherever words can stand, `SECRET` wherever an answer is."""
    quiz = Path(__file__).resolve().parents[2] / "labkit" / "lessons" / "quizzes" / "01_session.json"
    forms: list[tuple[Any, Any]] = [
        (LinesForm(2, (f"S: 250 {words}",), (words,)), (SECRET, SECRET)),
        (OrderForm((words, "b", "c")), (3, 2, 1)),
        (ChoiceForm((words, "b")), "b"),
        (PickLineForm(SESSION), 2),
        (SortForm((words, "b"), (f"1 {words}", "2"), ((words, "2", words),)), (f"1 {words}", "2")),
        (SettingsForm(((words, (Setting(words, (f"1 {words}", "2")), Setting("c", (words,)))),)), "2"),
        (NumbersForm((Number(words, words, 1, 9),)), 2),
        (LiveForm(), f"C: {SECRET}\n"),
    ]
    return [
        LessonCard("01_session", [words, "Read a reply"], ["RFC 5321 section 3.3"], words),
        EndCard("01_session", [words], words, folder=folder),
        PredictionCard(Prediction("01.p1", words, [words, "b"], "b", SECRET)),
        ObservationCard(
            Observation("01.o1", words, SESSION, frozenset({2}), SECRET, Rule("RFC", SECRET), {1: SECRET})
        ),
        QuizCard(Quiz.load(quiz)),
        ProgressCard(folder=folder),
        *(ExerciseCard(exercise(form, answer, words), 1, 3) for form, answer in forms),
    ]


class Strict(HTMLParser):
    """Collects tags, attributes and text, and fails on anything that does not close."""

    VOID = frozenset({"br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_static_forms_are_the_same_on_every_run(tmp_path: Path) -> None:
    first, second = (all_cards("words", tmp_path) for _ in range(2))
    assert [card.as_html() for card in first] == [card.as_html() for card in second]
    assert [card.as_text() for card in first] == [card.as_text() for card in second]


def test_static_forms_are_escaped_and_survive_a_sanitizer(tmp_path: Path) -> None:
    for card in all_cards(EVIL, tmp_path):
        html = card.as_html()
        parsed = Strict(html)
        assert "script" not in parsed.tags
        assert parsed.tags <= {
            "div",
            "p",
            "span",
            "strong",
            "em",
            "b",
            "code",
            "ul",
            "ol",
            "li",
            "table",
            "tbody",
            "tr",
            "td",
            "pre",
            "br",
        }
        assert parsed.attributes <= {"style", "title"}
        assert "var(" not in html


def test_wire_text_shows_what_is_invisible(tmp_path: Path) -> None:
    card = ObservationCard(
        Observation("01.o1", "?", Transcript.from_text("C: a\u202eb\n"), frozenset({1}), "why")
    )
    assert "a\\u202eb" in card.as_text()
    assert "a\\u202eb" in card.as_html()
    assert "\u202e" not in card.as_html()


def test_static_forms_keep_the_answer_to_themselves(tmp_path: Path) -> None:
    for card in all_cards("words", tmp_path):
        for form in (card.as_text(), card.as_html()):
            assert SECRET not in form
            assert "The hint." not in form
            assert "why so" not in form
        if isinstance(card, QuizCard):
            for question in card.questions:
                for option in question.options:
                    assert option.feedback not in card.as_html()
    assert current_progress().history().records == 0


def test_answers_given_do_not_enter_the_static_form(tmp_path: Path) -> None:
    cards = {type(card): card for card in all_cards("words", tmp_path)}
    for card in cards.values():
        before = card.as_html()
        if isinstance(card, ExerciseCard):
            card.check(f"C: {SECRET}\n")
            card.solution()
        elif isinstance(card, ObservationCard):
            card.point(2)
        else:
            continue
        assert card.as_html() == before


def test_revealed_prediction_is_told_in_words() -> None:
    card = PredictionCard(Prediction("01.p1", "What?", ["a", "b"], "b", "Because of b."))
    card.reveal()
    assert "What happened: b" in card.as_text()
    assert "Because of b." in card.as_html()


def test_progress_names_no_place_and_no_deed(tmp_path: Path) -> None:
    current_progress().attempt("01.q1", "correct")
    card = ProgressCard(folder=tmp_path)
    for form in (card.as_text(), card.as_html()):
        assert str(tmp_path) not in form
        assert "01.q1" not in form
        assert "LABKIT_HOME" in form


def test_bundle_holds_text_html_and_the_live_view(tmp_path: Path) -> None:
    card = EndCard("01_session", ["Read"], folder=tmp_path)
    data, _metadata = card._repr_mimebundle_()
    assert set(data) == {"text/plain", "text/html", "application/vnd.jupyter.widget-view+json"}
    assert data["text/plain"] == card.as_text()


@pytest.mark.parametrize("outcome", ["correct", "incorrect", "not_attempted", "error"])
def test_feedback_is_drawn_for_every_outcome(outcome: Any) -> None:
    feedback = Feedback(
        outcome, EVIL, (Evidence.line(3),), "asked", "happened", Rule("RFC 1", "text"), "look"
    )
    parsed = Strict(feedback_html(feedback))
    assert "script" not in parsed.tags
    for word in (feedback.heading, "asked", "happened", "RFC 1: text", "look", "line 3"):
        assert word in parsed.text
        assert word in feedback_text(feedback)
    assert "\u202e" not in feedback_text(feedback)
    assert "\x1b" not in parsed.text


def test_registered_types_show_as_cards_and_text() -> None:
    formatters = DisplayFormatter().formatters
    register(formatters)
    register(formatters)
    data, _ = _format(formatters, Feedback("incorrect", "Not this."))
    assert data["text/plain"] == "Not yet. Not this."
    assert "<strong>Not this.</strong>" in data["text/html"]
    data, _ = _format(formatters, Solution(("MAIL FROM:<a@b>", "QUIT"), "So it goes."))
    assert data["text/plain"] == "One solution:\n  MAIL FROM:<a@b>\n  QUIT\nSo it goes."
    prediction = Prediction("01.p1", "What?", ["a", "b"], "b", "Why.")
    data, _ = _format(formatters, prediction.guess(1))
    assert data["text/plain"].startswith("Your guess is kept: a.")


def test_register_without_a_shell_does_nothing() -> None:
    register()


def test_a_hint_reads_as_a_sentence() -> None:
    assert pretty(ExerciseCard(exercise(LinesForm(1), SECRET)).hint()) == "The hint."


def _format(formatters: Any, value: object) -> tuple[dict[str, str], None]:
    return {kind: formatters[kind](value) for kind in ("text/plain", "text/html")}, None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a\u200bb", "a\\u200bb"),
        ("\x00", "\\x00"),
        ("\udcff", "\\xff"),
        ("grün שלום", "grün שלום"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_visible_cuts_and_counts() -> None:
    assert visible("x" * 65_536, 10) == "xxxxxxxxxx … (65,526 more characters)"


def test_wire_lines_of_odd_octets() -> None:
    odd = Transcript.from_text("S: 2x0 no reply\nS: 250\n")
    assert [(line.get("code"), line["text"]) for line in wire_lines(odd)] == [
        (None, "2x0 no reply"),
        ("250", ""),
    ]


def test_lesson_and_end_name_their_place_in_the_course(tmp_path: Path) -> None:
    first = LessonCard("00", ["See"])
    assert first.state["comes_from"] == ""
    assert "00_start_here" in LessonCard("01_session", ["Read"]).as_text()
    assert "comes later" in EndCard("01", ["Read"], folder=tmp_path).as_text()
    (tmp_path / "02_envelope.ipynb").touch()
    card = EndCard("01", ["Read"], folder=tmp_path)
    assert "comes later" not in card.as_text()
    assert card.state["next_file"] == "02_envelope.ipynb"
    assert '<a href="02_envelope.ipynb">02 Who is' in card.as_html()
    assert EndCard("17", ["Mend"]).state["next"] == ""
    with pytest.raises(KeyError):
        LessonCard("99", [])


def test_stylesheet_and_scripts_ask_no_other_host() -> None:
    static = Path(__file__).resolve().parents[2] / "labkit" / "view" / "static"
    for path in static.glob("card*"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"https?://|@import|url\(", text), path.name
        assert "innerHTML" not in text
