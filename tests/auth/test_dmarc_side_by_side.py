"""Both documents on one message: every change of 2026 is named where it shows, and nothing where it does not."""

from __future__ import annotations

import pytest

from labkit.auth.dmarc import side_by_side
from labkit.zones import Zones

WALK = "each name up to the top"


@pytest.mark.parametrize(
    ("records", "author", "spf", "expected"),
    [
        ({"example.com": "v=DMARC1; p=reject"}, "a.example.com", "b.example.com", []),
        ({"example.com": "v=DMARC1; p=reject"}, "example.com", None, []),
        (  # the record between
            {"sub.example.com": "v=DMARC1; p=reject; sp=none"}, "x.sub.example.com", None,
            [("organizational_domain", "example.com", "sub.example.com", "list of public suffixes"),
             ("record_domain", "nothing", "sub.example.com", WALK),
             ("policy", "nothing", "none", "record domain"),
             ("result", "none", "fail", "policy")],
        ),
        (  # a private suffix that is an organization now
            {"github.io": "v=DMARC1; p=reject"}, "one.github.io", "two.github.io",
            [("organizational_domain", "one.github.io", "github.io", "list of public suffixes"),
             ("record_domain", "nothing", "github.io", WALK),
             ("policy", "nothing", "reject", "record domain"),
             ("result", "none", "pass", "policy")],
        ),
        ({"example.com": "v=DMARC1; p=none; np=reject"}, "ghost.example.com", None,
         [("policy", "none", "reject", "np is new"), ("disposition", "none", "reject", "other policy")]),
        ({"example.com": "v=DMARC1; p=reject; t=y"}, "example.com", None,
         [("disposition", "reject", "quarantine", "t=y is new")]),
        ({"example.com": "v=DMARC1; p=reject; pct=0"}, "example.com", None,
         [("disposition", "quarantine", "reject", "pct is passed over")]),
    ],
)  # fmt: skip
def test_what_changed(
    records: dict[str, str], author: str, spf: str | None, expected: list[tuple[str, str, str, str]]
) -> None:
    dns = Zones.from_text("\n".join(f'_dmarc.{name}. TXT "{text}"' for name, text in records.items()))
    found = side_by_side(author, spf=spf, dkim=None, dns=dns)
    assert [(one.what, one.old, one.new) for one in found.differences] == [one[:3] for one in expected]
    for one, (*_, words) in zip(found.differences, expected, strict=True):
        assert words in one.why
        assert one.rule.ref.startswith("RFC 9989")


def test_several_records() -> None:
    dns = Zones.from_text(
        '_dmarc.example.net. TXT "v=DMARC1; p=reject"\n_dmarc.sub.example.net. TXT "v=DMARC1; p=none"\n'
        '_dmarc.sub.example.net. TXT "v=DMARC1; p=reject"\n'
    )
    found = side_by_side("sub.example.net", spf=None, dkim=None, dns=dns)
    assert (found.old.result, found.new.result) == ("none", "fail")
    assert "Several records" in found.differences[0].why
