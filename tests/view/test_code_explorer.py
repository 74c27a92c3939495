"""The code explorer without a page: its table, its cards, and what a click plays."""

from __future__ import annotations

import time
from typing import Any

import pytest

from labkit.view.code_explorer import CodeExplorer
from labkit.view.session_widget import SessionAt
from labkit.world.provocations import COMMON, PROVOCATIONS


@pytest.fixture
def explorer(monkeypatch: pytest.MonkeyPatch) -> CodeExplorer:
    made = CodeExplorer()
    made.sent = []  # type: ignore[attr-defined]
    monkeypatch.setattr(made, "send", lambda message, *_: made.sent.append(message))  # type: ignore[attr-defined]
    return made


def answer_to(explorer: CodeExplorer, message: dict[str, Any]) -> list[dict[str, Any]]:
    """What the page hears within two seconds."""
    explorer._receive(explorer, message, None)
    end = time.monotonic() + 2
    while time.monotonic() < end and not [one for one in explorer.sent if one["op"] != "ack"]:  # type: ignore[attr-defined]
        time.sleep(0.01)
    return [one for one in explorer.sent if one["op"] != "ack"]  # type: ignore[attr-defined]


def test_the_table_names_code_way_and_line(explorer: CodeExplorer) -> None:
    lines = explorer.as_text().splitlines()
    assert len(lines) == 1 + len(PROVOCATIONS)
    assert "550 5.1.1  |  to RCPT  |  Write to a mailbox that does not exist.  |  11  |  the sender" in lines
    assert sum("told to say so" in line for line in lines) == sum(one.told for one in PROVOCATIONS)
    assert explorer.as_html().count("<tr>") == len(lines)


def test_each_card_has_a_way_and_says_what_it_means(explorer: CodeExplorer) -> None:
    cards = {card["code"]: card for card in explorer.facts["codes"]}
    assert [code for code, card in cards.items() if card["common"]] == list(COMMON)
    assert {way["n"] for card in cards.values() for way in card["ways"]} == set(range(len(PROVOCATIONS)))
    silent = [
        (code, way["place"]) for code, card in cards.items() for way in card["ways"] if not way["means"]
    ]
    assert silent == [(421, "as the greeting")]  # there the heading of the card says it all
    causes = {way["enhanced"]: way["means"] for way in cards[550]["ways"]}
    assert "does not exist" in causes["5.1.1"]
    assert "policy" in causes["5.7.1"]
    assert {place["place"] for place in cards[550]["else"]} >= {"to EHLO", "to DATA", "to VRFY"}


def test_a_click_plays_a_real_session_and_opens_it_at_the_line_that_decided(explorer: CodeExplorer) -> None:
    number = next(n for n, one in enumerate(PROVOCATIONS) if one.reply == "550 5.7.26")
    (played,) = answer_to(explorer, {"op": "provoke", "n": number})
    assert (played["op"], played["n"], played["line"]) == ("played", number, 18)
    child = explorer._child
    assert isinstance(child, SessionAt)
    assert played["model"] == child.model_id
    view = child.snapshot()
    assert view["at"] == 18
    assert view["explanations"][18]["who_acts"] == "the sender's postmaster"
    explorer.close()
    assert explorer._child is None


@pytest.mark.parametrize("n", [-1, len(PROVOCATIONS), "1", None, True])
def test_what_is_no_way_is_left_alone(explorer: CodeExplorer, n: object) -> None:
    explorer._receive(explorer, {"op": "provoke", "n": n}, None)
    time.sleep(0.1)
    assert [one["op"] for one in explorer.sent] == ["ack"]  # type: ignore[attr-defined]
    assert explorer._child is None


def test_a_few_codes_only() -> None:
    few = CodeExplorer((421, 450))
    assert [card["code"] for card in few.facts["codes"]] == [421, 450]
    assert "550" not in few.as_text()
