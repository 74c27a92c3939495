"""The public RFC 7208 suite: results, explanations, counters and a trace for each case."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.verdict import Verdict

from .spf_suite import PUBLIC, main, read_suite

CASES = read_suite(PUBLIC)


@pytest.mark.parametrize("scenario", dict.fromkeys(case.scenario for case in CASES))
def test_public_suite(scenario: str) -> None:
    faults = {}
    for case in CASES:
        if case.scenario != scenario:
            continue
        verdict = case.run()
        faults[case.name] = [*case.faults(verdict), *oddities(verdict)]
    assert {name: found for name, found in faults.items() if found} == {}


def oddities(verdict: Verdict) -> Iterator[str]:
    """What every verdict must show, whatever its result."""
    if verdict.properties["lookups"] > 11 or verdict.properties["void_lookups"] > 3:
        yield f"counted on: {verdict.properties}"
    if verdict.trace[-1].outcome not in (verdict.result, "match"):
        yield f"the last step does not decide: {verdict.trace[-1]}"
    for _, step in verdict.steps():
        if not step.text.isascii() or not step.text.isprintable() or not step.text.endswith((".", "?")):
            yield f"no plain sentence: {step.text!r}"
        if not step.rule.ref.startswith("RFC "):
            yield f"no rule: {step}"


def test_the_suite_is_whole() -> None:
    assert len(CASES) == 203


def test_the_runner_takes_any_suite_and_sees_failures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = tmp_path / "own.yml"
    suite.write_text("""
description: Own
tests:
  right: {helo: h.example, host: 192.0.2.1, mailfrom: "u@a.example", result: fail, explanation: no u}
  wrong: {helo: h.example, host: 192.0.2.1, mailfrom: "u@a.example", result: pass, explanation: yes u}
zonedata:
  a.example: [{SPF: "v=spf1 a:no.example -all exp=x.example"}]
  x.example: [{TXT: "no %{l}"}]
""")
    assert main([suite]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0].split() == ["ok", "Own", "right", "fail", "lookups", "1", "void", "1"]
    assert "FAILED" in said[1]
    assert "not pass" in said[1]
    assert "'no u', not 'yes u'" in said[1]
    assert said[2] == "1 of 2"
