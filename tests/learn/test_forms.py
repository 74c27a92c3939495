"""How answers of every kind are read, or kindly not read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.learn.forms import (
    ChoiceForm,
    Form,
    LinesForm,
    LiveForm,
    Number,
    NumbersForm,
    OrderForm,
    PickLineForm,
    Setting,
    SettingsForm,
    SortForm,
    Unreadable,
    Untouched,
)
from labkit.smtp.transcript import Transcript

SESSION = Transcript.from_text("S: 220 hi\nC: EHLO a.example\nS: 250 hi\n")
FORMS: list[Form] = [
    LinesForm(3),
    OrderForm(("EHLO", "MAIL", "RCPT")),
    ChoiceForm(("250", "503", "550")),
    ChoiceForm(("red", "green", "blue"), many=True),
    PickLineForm(SESSION),
    SortForm(("450", "550"), ("later", "never")),
    NumbersForm((Number("First", "min", 1, 60), Number("Factor", "", 1, 10))),
    SettingsForm((("at home", (Setting("Server", ("a.example",)), Setting("Port", ("25", "587")))),)),
    LiveForm(),
]


class Client:
    """Something that has a session, as a console does."""

    def __init__(self, transcript: object) -> None:
        self.transcript = transcript


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        (("MAIL", "RCPT", "DATA"), ("MAIL", "RCPT", "DATA")),
        ((["MAIL", "RCPT", "DATA"],), ("MAIL", "RCPT", "DATA")),
        (("MAIL\nRCPT\r\nDATA\n",), ("MAIL", "RCPT", "DATA")),
        (("C: MAIL", "C: RCPT", b"DATA\r\n"), ("MAIL", "RCPT", "DATA")),
        (("C:MAIL", " C: RCPT", "C:"), ("MAIL", "RCPT", "")),
        (("C:MAIL\r\nC: RCPT\nDATA",), ("MAIL", "RCPT", "DATA")),
        (("MAIL FROM: <a@b.example>",), ("MAIL FROM: <a@b.example>", "", "")),
        (("", "RCPT", None), ("", "RCPT", "")),
        (("MAIL", "RCPT", "DATA", "", " "), ("MAIL", "RCPT", "DATA")),
    ],
)
def test_lines(answer: tuple[Any, ...], read: tuple[str, ...]) -> None:
    assert LinesForm(3).read(answer) == read


@pytest.mark.parametrize("answer", [(), ("",), ("", "", ""), ([],), (None,), ("   ", "\r\n"), ("\n\n\n\n",)])
def test_empty_lines_are_not_attempted(answer: tuple[Any, ...]) -> None:
    with pytest.raises(Untouched, match="still empty"):
        LinesForm(3).read(answer)


@pytest.mark.parametrize("answer", [("MAIL", "RCPT\nDATA", ""), ("MAIL", "RCPT\rDATA", "")])
def test_a_box_takes_one_line(answer: tuple[Any, ...]) -> None:
    with pytest.raises(Unreadable, match="Missing line 2 holds a line end"):
        LinesForm(3).read(answer)


@pytest.mark.parametrize("answer", [(1, 2, 3), (object(),), ({"a": 1},), ("a", "b", "c", "d")])
def test_lines_of_another_kind_are_unreadable(answer: tuple[Any, ...]) -> None:
    with pytest.raises(Unreadable, match="came"):
        LinesForm(3).read(answer)


@pytest.mark.parametrize(
    "answer",
    [
        (2, 1, 3),
        ([2, 1, 3],),
        ("2 1 3",),
        ("2, 1, 3",),
        ("MAIL", "EHLO", "RCPT"),
        ("MAIL\nEHLO\nRCPT",),
        ("2", 1, "3"),
    ],
)
def test_an_order_is_given_by_numbers_or_texts(answer: tuple[Any, ...]) -> None:
    assert OrderForm(("EHLO", "MAIL", "RCPT")).read(answer) == ("MAIL", "EHLO", "RCPT")


def test_equal_items_may_be_ordered() -> None:
    assert OrderForm(("A", "B", "A")).read((1, 3, 2)) == ("A", "A", "B")


@pytest.mark.parametrize("answer", [(), ("",), (1, 2, 3)])
def test_an_unchanged_order_is_not_attempted(answer: tuple[Any, ...]) -> None:
    with pytest.raises(Untouched, match="as they came"):
        OrderForm(("EHLO", "MAIL", "RCPT")).read(answer)


@pytest.mark.parametrize(
    "answer", [(1, 2), (1, 1, 2), (0, 1, 2), (4, 1, 2), (2.0, 1, 3), ("MAIL", "x", 1), (True, 2, 3)]
)
def test_an_incomplete_order_is_unreadable(answer: tuple[Any, ...]) -> None:
    with pytest.raises(Unreadable):
        OrderForm(("EHLO", "MAIL", "RCPT")).read(answer)


@pytest.mark.parametrize("answer", [(503,), ("503",), (2,), ("2",), ([2],), (" 503 ",)])
def test_a_choice_is_given_by_number_or_text_and_text_wins(answer: tuple[Any, ...]) -> None:
    assert ChoiceForm(("250", "503", "550")).read(answer) == "503"


def test_many_choices() -> None:
    form = ChoiceForm(("red", "green", "blue"), many=True)
    assert form.read((1, "blue")) == frozenset({"red", "blue"})
    assert form.read(({"red"},)) == frozenset({"red"})


def test_one_choice_is_one() -> None:
    with pytest.raises(Unreadable, match="One option"):
        ChoiceForm(("red", "green")).read((1, 2))


@pytest.mark.parametrize(
    "answer",
    [(1, 2), ([1, 2],), ("1", "2"), ("later", "never"), ("later\nnever",), ("later", " never ")],
)
def test_items_are_sorted_by_number_or_text_of_their_bins(answer: tuple[Any, ...]) -> None:
    assert SortForm(("450", "550"), ("later", "never")).read(answer) == ("later", "never")


def test_all_items_have_to_be_sorted() -> None:
    form = SortForm(("450", "451", "550"), ("later", "never"), (("421", "later", "It closes."),))
    for empty in ((), ("", "", ""), (None, None, None)):
        with pytest.raises(Untouched, match="Nothing is sorted yet"):
            form.read(empty)
    with pytest.raises(Untouched, match="1 item is not sorted yet"):
        form.read(("later", "", "never"))
    for odd in ((1, 1), (1, 1, 3), ("later", "later", "often"), (1, 1, 1.5)):
        with pytest.raises(Unreadable):
            form.read(odd)


def test_a_sort_form_needs_bins() -> None:
    for items, bins in ((("a",), ("x", "y")), (("a", "b"), ("x",)), (("a", "b"), ("x", "x"))):
        with pytest.raises(ValueError, match="at least two"):
            SortForm(items, bins)
    with pytest.raises(ValueError, match="not there"):
        SortForm(("a", "b"), ("x", "y"), (("c", "z", "why"),))


@pytest.mark.parametrize("answer", [(2,), ("2",), ("line 2",), ("Line 2",)])
def test_a_line_is_pointed_at_by_its_number(answer: tuple[Any, ...]) -> None:
    assert PickLineForm(SESSION).read(answer) == 2


@pytest.mark.parametrize("answer", [(0,), (4,), ("two",), (2.5,), (True,), (1, 2)])
def test_a_line_that_is_not_there_is_unreadable(answer: tuple[Any, ...]) -> None:
    with pytest.raises(Unreadable):
        PickLineForm(SESSION).read(answer)


@pytest.mark.parametrize("answer", [(SESSION,), (SESSION.to_text(),), (Client(SESSION),)])
def test_a_session_is_read_from_whatever_has_one(answer: tuple[Any, ...]) -> None:
    assert LiveForm().read(answer) == SESSION


@pytest.mark.parametrize("answer", [(), (None,), ("",), (Transcript(),), (Client(None),), ("S: 220 hi\n",)])
def test_a_session_without_the_learner_is_not_attempted(answer: tuple[Any, ...]) -> None:
    with pytest.raises(Untouched):
        LiveForm().read(answer)


@pytest.mark.parametrize("answer", [(5,), ("EHLO a.example",), (object(),), (SESSION, SESSION), (Client(7),)])
def test_what_is_no_session_is_unreadable(answer: tuple[Any, ...]) -> None:
    with pytest.raises(Unreadable):
        LiveForm().read(answer)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.just(object()),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: type(form).__name__)
@given(answer=st.lists(anything, max_size=4))
def test_anything_is_read_or_answered_with_a_sentence(form: Form, answer: list[Any]) -> None:
    try:
        form.read(tuple(answer))
    except (Untouched, Unreadable) as reason:
        sentence = str(reason)
    else:
        sentence = "It was read."
    assert sentence.endswith(".")


@pytest.mark.parametrize("form", FORMS, ids=lambda form: type(form).__name__)
def test_every_form_tells_how_to_check_it_in_code(form: Form) -> None:
    assert form.usage("q1").startswith("q1.check(")


def test_blanks_have_labels() -> None:
    assert LinesForm(1).label(1) == "Missing line"
    assert LinesForm(2).label(2) == "Missing line 2"
    assert LinesForm(2, labels=("sender", "recipient")).label(2) == "recipient"


@pytest.mark.parametrize(
    "make",
    [
        lambda: LinesForm(0),
        lambda: LinesForm(2, labels=("one",)),
        lambda: OrderForm(("one",)),
        lambda: ChoiceForm(("one",)),
        lambda: ChoiceForm(("one", "one")),
    ],
)
def test_forms_that_nobody_could_fill_in_are_refused(make: Any) -> None:
    with pytest.raises(ValueError, match="need"):
        make()


TWO = NumbersForm((Number("First", "min", 1, 60), Number("Factor", "", 1, 10)))


@pytest.mark.parametrize(
    "answer", [(30, 1.5), ("30", "1.5"), (" 30 min ", "1,5"), ([30, 1.5],), ("30min", 1.5)]
)
def test_numbers(answer: tuple[Any, ...]) -> None:
    assert TWO.read(answer) == (30.0, 1.5)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((0, 2), "First can be 1 to 60 min here, not 0."),
        ((30, 11), "Factor can be 1 to 10 here, not 11."),
        (("30 h", 2), "First: a number is asked for"),
        (("nan", 2), "First can be 1 to 60 min"),
        (("inf", 2), "First can be 1 to 60 min"),
        ((True, 2), "and yes or no came"),
        ((1, 2, 3), "2 numbers are asked for, and 3 came"),
    ],
)
def test_numbers_that_cannot_be_taken(answer: tuple[Any, ...], says: str) -> None:
    with pytest.raises(Unreadable, match=says):
        TWO.read(answer)


@pytest.mark.parametrize(
    ("answer", "says"), [((), "No number"), (("", None), "No number"), ((30, ""), "Factor is not")]
)
def test_numbers_not_filled_in(answer: tuple[Any, ...], says: str) -> None:
    with pytest.raises(Untouched, match=says):
        TWO.read(answer)


def test_settings_are_read_case_by_case_with_what_is_given() -> None:
    port, server = Setting("Port", ("25", "587")), Setting("Server", ("a.example",))
    form = SettingsForm((("home", (server, port)), ("office", (port, Setting("Login", ("none", "alice"))))))
    assert form.read((2, "25", "alice")) == (("a.example", "587"), ("25", "alice"))
    for answer, says in (((), "Nothing is chosen"), ((2, "", ""), "2 settings are not chosen")):
        with pytest.raises(Untouched, match=says):
            form.read(answer)
    for wrong, says in (((2, 1), "3 settings are asked for"), ((2, 1, 3), "numbered 1 to 2")):
        with pytest.raises(Unreadable, match=says):
            form.read(wrong)
    with pytest.raises(ValueError, match="needs a setting"):
        SettingsForm((("home", (server,)),))
