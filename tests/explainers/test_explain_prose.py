"""The texts of the tables behind `labkit.explain` speak as the lessons do."""

from __future__ import annotations

import re
from collections.abc import Iterator

from labkit.explainers import (
    arf_report,
    dmarc_record,
    field_meanings,
    mta_log,
    phrases,
    policy_file,
    port_setting,
    program_error,
    providers,
    tls_report,
)

FILLER = re.compile(
    r"\b(simply|just|easy|easily|obviously|of course|powerful|seamless|modern|basically)\b|!", re.IGNORECASE
)


def texts() -> Iterator[str]:
    for phrase in phrases._PHRASES:
        yield from (phrase.meaning, phrase.then)
    for provider in providers.PROVIDERS:
        for row in (*provider.codes.values(), *(mark[1:] for mark in provider.marks)):
            yield from (row[0], row[2])
    for port in port_setting.PORTS.values():
        yield from (port.use, port.advice, port.rule.text)
    for _, meaning, _, do, rule in program_error._ERRORS:
        yield from (meaning, do, rule.text if rule else "")
    for _, meaning, _, do in mta_log._PLAIN:
        yield from (meaning, do)
    for meaning, do in tls_report.RESULT_TYPES.values():
        yield from (meaning, do)
    yield from (*field_meanings._MORE.values(), *arf_report._TYPES.values(), *policy_file._MODES.values())
    yield from (*dmarc_record._MEANINGS.values(), *(do for _, do in dmarc_record._DO))


def test_sentences_are_short_and_plain() -> None:
    said = set(texts())
    assert len(said) > 250
    assert [text for text in said if FILLER.search(text)] == []
    sentences = {sentence for text in said for sentence in re.split(r"(?<=[.?:;])\s", text)}
    assert [sentence for sentence in sentences if len(sentence.split()) > 20] == []
