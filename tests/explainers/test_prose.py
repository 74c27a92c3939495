"""Every text speaks as the lessons do: short sentences, no filler, no shouting."""

from __future__ import annotations

import re
from collections.abc import Iterator

from labkit.explainers.cases import BY_STATUS, CANCELLED, CASES
from labkit.explainers.digits import CODES, FIRST, SECOND
from labkit.explainers.enhanced import TABLE
from labkit.explainers.keywords import KEYWORDS
from labkit.explainers.message_lines import FIELDS
from labkit.explainers.stages import OTHER, STAGES
from labkit.smtp import COMMANDS, State
from labkit.smtp.parameters import PARAMETERS
from labkit.smtp.states import END_OF_TEXT, GREETING, RESPONSE, lookup

from . import sessions

FILLER = re.compile(
    r"\b(simply|just|easy|easily|obviously|of course|powerful|seamless|modern|as you can see|basically)\b|!",
    re.IGNORECASE,
)


def texts() -> Iterator[str]:
    for case in (*CASES.values(), *BY_STATUS.values(), CANCELLED):
        yield from (case.more, case.then, *(rule.text for rule in case.rules))
    for stage in (*STAGES.values(), OTHER):
        yield from (*(stage.headline(severity) for severity in (2, 3, 4, 5)), stage.rule.text)
    for status in TABLE.values():
        yield from (status.meaning, status.then)
    for meaning, _ in (*CODES.values(), *KEYWORDS.values()):
        yield meaning
    yield from (*FIRST.values(), *SECOND.values(), *FIELDS.values())
    for info in COMMANDS.values():
        yield info.purpose
    for parameter in PARAMETERS.values():
        yield from (parameter.purpose, parameter.rule.text)
    for state in State:
        for verb in (*COMMANDS, GREETING, END_OF_TEXT, RESPONSE, "FOO"):
            entry = lookup(state, verb)
            yield from (entry.reason, entry.rule.text)


def spoken() -> Iterator[str]:
    for stage in sessions.STAGES:
        for reply in (
            "220 x",
            "250 x",
            "354 x",
            "421 x",
            "450 x",
            "550 x",
            "550 5.7.26 x",
            "650 x",
            "nonsense",
        ):
            one = sessions.explained(stage, reply)
            yield from (one.happened, one.effect, one.next_step)
        for one in sessions.explain_all(sessions.STAGES[stage]):
            yield from (one.happened, one.effect, one.next_step, *(rule.text for rule in one.rules))


def test_sentences_are_short_and_plain() -> None:
    said = {*texts(), *spoken()}
    assert len(said) > 500
    assert [text for text in said if FILLER.search(text)] == []
    sentences = {sentence for text in said for sentence in re.split(r"(?<=[.?:;])\s", text)}
    assert [sentence for sentence in sentences if len(sentence.split()) > 20] == []
