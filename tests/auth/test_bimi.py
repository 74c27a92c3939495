"""When a logo may be shown."""

from __future__ import annotations

import pytest

from labkit.auth.bimi import logo_allowed


@pytest.mark.parametrize(
    ("record", "allowed", "octets"),
    [
        # net-13
        ("v=DMARC1; p=reject; sp=none", False, "sp=none"),
        ("v=DMARC1; p=reject", True, "v=DMARC1; p=reject"),
        ("v=DMARC1; p=none", False, "p=none"),
        ("v=DMARC1; p=quarantine; pct=50", False, "pct=50"),
        # and beside it
        ("v=DMARC1; p=quarantine; sp=reject; pct=100", True, "v=DMARC1; p=quarantine; sp=reject; pct=100"),
        ("v=DMARC1; p=reject; t=y", False, "t=y"),
        ("v=DMARC1; rua=mailto:a@b.example", False, "v=DMARC1; rua=mailto:a@b.example"),
        ("v=dmarc1; p=reject", False, ""),
    ],
)
def test_a_logo_needs_an_enforced_policy(record: str, allowed: bool, octets: str) -> None:
    step = logo_allowed(record, "example.com")
    assert step.outcome == ("allowed" if allowed else "refused")
    assert "".join(record[item.start : item.end] for item in step.evidence) == octets
