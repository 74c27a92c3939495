"""Feedback and evidence say what they hold, and refuse what makes no sense."""

from __future__ import annotations

import json

import pytest

from labkit.learn.feedback import OUTCOMES, Feedback
from labkit.smtp.rule import Rule
from labkit.verdict import Evidence


def test_text_names_what_was_asked_what_happened_the_rule_and_where_to_look() -> None:
    feedback = Feedback(
        "incorrect",
        "RCPT came first.",
        asked="Deliver to Bob.",
        happened="Line 3 was answered by 503.",
        rule=Rule("RFC 5321 section 4.1.4", "MAIL comes before RCPT."),
        look="Line 3.",
    )
    assert feedback.text.splitlines() == [
        "Not yet. RCPT came first.",
        "What was asked: Deliver to Bob.",
        "What happened: Line 3 was answered by 503.",
        "The rule: RFC 5321 section 4.1.4: MAIL comes before RCPT.",
        "Where to look: Line 3.",
    ]
    assert str(feedback) == feedback.text
    assert not feedback.passed


def test_parts_that_are_empty_are_left_out() -> None:
    assert Feedback("correct", "Both arrived.").text == "Correct. Both arrived."


def test_to_dict_is_plain_json() -> None:
    feedback = Feedback("correct", "Yes.", (Evidence.line(4),), rule=Rule("RFC 5321", "It says so."))
    assert json.loads(json.dumps(feedback.to_dict())) == feedback.to_dict()
    assert feedback.to_dict()["evidence"] == [["transcript", 4, 5]]


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_outcome_has_words_of_its_own(outcome: str) -> None:
    headings = {Feedback(known, "").heading for known in OUTCOMES}  # type: ignore[arg-type]
    assert len(headings) == len(OUTCOMES)


def test_an_unknown_outcome_is_refused() -> None:
    with pytest.raises(ValueError, match="outcome is one of"):
        Feedback("wrong", "")  # type: ignore[arg-type]


def test_evidence_counts_up_to_its_end() -> None:
    assert list(Evidence("message", 3, 6).span) == [3, 4, 5]
    assert list(Evidence.line(7).span) == [7]


@pytest.mark.parametrize(("start", "end"), [(5, 5), (6, 5), (-1, 2)])
def test_evidence_of_nothing_is_refused(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="0 <= start < end"):
        Evidence("zone", start, end)
