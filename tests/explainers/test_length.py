"""What a learner reads first stays short, and says nothing twice."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

import pytest

from labkit.explainers.digits import CODES
from labkit.explainers.line import LineExplanation, explain_line
from labkit.lessons import extensions_runs, session, start_here
from labkit.smtp import Transcript, observe
from labkit.smtp.states import ANSWERS, END_OF_TEXT, GREETING, RESPONSE
from labkit.world import play

from .sessions import STAGES, explain_all, explained

RUNS: dict[str, Callable[[], Transcript]] = {
    **{name: partial(session.record, name) for name in session.SCRIPTS},
    "first_message": partial(play, start_here.SCRIPT, start_here.MX),
    **{name: partial(extensions_runs.record, name) for name in extensions_runs.SCRIPTS},
}


def first_sight(one: LineExplanation) -> str:
    return " ".join(filter(None, (one.headline, one.happened, one.effect)))


def sentences(one: LineExplanation) -> list[str]:
    texts = (one.happened, one.effect, one.next_step)
    return [part for text in texts for part in re.split(r"(?<=[.?:]) ", text) if part]


def check(one: LineExplanation, most: int) -> None:
    assert len(first_sight(one).split()) <= most, first_sight(one)
    said = sentences(one)
    assert len(set(said)) == len(said), said
    refs = [rule.ref for rule in one.rules]
    assert len(set(refs)) == len(refs), refs


@pytest.mark.parametrize("name", RUNS)
def test_a_recorded_run_is_explained_shortly(name: str) -> None:
    notes = observe(RUNS[name]())
    for note in notes:
        check(explain_line(notes, note.seq), 35)


COMMON = ("550 5.1.1 x", "550 5.7.1 x", "450 4.2.1 x", "451 4.7.1 x", "535 5.7.8 x", "250 2.1.5 x")


@pytest.mark.parametrize("stage", STAGES)
def test_common_sessions_are_explained_shortly(stage: str) -> None:
    for one in explain_all(STAGES[stage]):
        check(one, 35)
    usual = {GREETING: "greeting", END_OF_TEXT: "text", RESPONSE: "response"}
    named = {usual.get(verb, verb): codes for verb, (good, bad) in ANSWERS.items() for codes in [good + bad]}
    for line in (*(f"{code} x" for code in CODES), *COMMON):
        check(explained(stage, line), 35 if int(line[:3]) in named.get(stage, ()) else 45)
