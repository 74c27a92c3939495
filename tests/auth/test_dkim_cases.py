"""Cases of people who meet DKIM at work (`data/dkim_cases.json`): the result, and the reason by its name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from labkit.auth.dkim import signed_octets, verify
from labkit.verdict import Verdict
from labkit.zones import Zones

CASES = {
    case["id"]: case
    for case in json.loads((Path(__file__).parent / "data/dkim_cases.json").read_text("utf-8"))
}
CHECKS = [(name, number) for name, case in CASES.items() for number in range(len(case["checks"]))]


def played(name: str, number: int) -> tuple[Verdict, dict[str, Any]]:
    check = CASES[name]["checks"][number]
    (verdict,) = verify(check["message"].encode(), dns=Zones.from_text(check["zone"]))
    return verdict, check


@pytest.mark.parametrize(("name", "number"), CHECKS)
def test_result(name: str, number: int) -> None:
    verdict, check = played(name, number)
    assert verdict.result == check["result"], verdict
    assert (verdict.properties["reason"] is None) == (verdict.result == "pass")
    assert verdict.trace[-1].outcome == verdict.result
    assert verdict.trace[-1].rule.ref in verdict.explanation


@pytest.mark.parametrize(
    ("name", "number", "reason", "rule", "words"),
    [
        (
            "dkim-03",
            0,
            "signature did not verify",
            "RFC 6376 section 6.1.3",
            "The field Subject was folded anew",
        ),
        ("dkim-05", 1, "signature did not verify", "RFC 6376 section 6.1.3", "A field Subject was added"),
        ("dkim-09", 0, "key revoked", "RFC 6376 section 3.6.1", "p= is empty"),
        (
            "dkim-11",
            0,
            "no key for signature",
            "RFC 6376 section 6.1.2",
            "s1._domainkey.example.com.example.com",
        ),
        ("dkim-13", 0, "key syntax error", "RFC 6376 section 6.1.2", "has no ="),
        ("dkim-15", 0, "From field not signed", "RFC 6376 section 5.4", "From"),
        ("dkim-17", 1, "inapplicable key", "RFC 6376 section 3.6.1", "tlsrpt"),
    ],
)
def test_reason(name: str, number: int, reason: str, rule: str, words: str) -> None:
    verdict, _ = played(name, number)
    assert verdict.properties["reason"] == reason
    assert verdict.trace[-1].rule.ref == rule
    assert words in verdict.explanation


def test_01_white_space_goes_before_empty_lines_do() -> None:
    assert signed_octets(CASES["dkim-01"]["checks"][0]["message"].encode()).body_octets == b"Hello!\r\n"


def test_05_absent_fields_are_named_and_so_are_instances() -> None:
    absent = [
        step.text for _, step in played("dkim-05", 2)[0].steps() if step.rule.ref == "RFC 6376 section 5.4"
    ]
    assert [text.partition(":")[0] for text in absent[1:]] == [
        "There is no further field From",
        "There is no further field Subject",
    ]
    verdict, check = played("dkim-05", 0)
    (lowest,) = [step for _, step in verdict.steps() if step.rule.ref == "RFC 6376 section 5.4.2"]
    (place,) = lowest.evidence
    assert check["message"].encode()[place.start : place.end] == b"Subject: Hello\r\n"


def test_07_the_unsigned_tail_is_counted_and_its_octets_are_no_evidence() -> None:
    verdict, check = played("dkim-07", 0)
    assert verdict.properties["unsigned_body_octets"] == 31
    assert "31 octets" in verdict.explanation
    (body,) = [step for step in verdict.trace if "bh" in step.inputs and "computed" in step.inputs]
    signed = body.evidence[-1]
    assert check["message"].encode()[signed.start : signed.end] == b"Pay to account 1.\r\n"


def test_11_the_name_that_was_asked_for() -> None:
    verdict, check = played("dkim-11", 0)
    lookup = verdict.trace[-1].lookup
    assert lookup is not None
    assert (lookup.name, lookup.outcome) == ("s1._domainkey.example.com", "nxdomain")
    assert (
        Zones.from_text(check["zone"]).lookup("s1._domainkey.example.com.example.com", "TXT").outcome
        == "answer"
    )
