"""Two traces side by side: what an edit of a zone or a message changed."""

from __future__ import annotations

from labkit.auth.compare import Row, compare, compare_steps
from labkit.auth.dmarc import evaluate
from labkit.smtp.rule import Rule
from labkit.verdict import Step, Verdict
from labkit.zones import Zones


def verdict(zone: str, rules: str = "RFC 9989", author: str = "a.example.com") -> Verdict:
    return evaluate(author, spf="b.example.com", dkim=None, dns=Zones.from_text(zone), rules=rules)


def changes(rows: tuple[Row, ...]) -> list[tuple[int, str, str]]:
    return [(depth, row.change, row.step.outcome) for row in rows for depth, row in row.walk()]


REJECT = '_dmarc.example.com. TXT "v=DMARC1; p=reject"\n'


def test_nothing_changed() -> None:
    rows = compare(verdict(REJECT), verdict("unrelated.example. A 192.0.2.1\n" + REJECT))
    assert {change for _, change, _ in changes(rows)} == {"same"}
    assert not any(row.differs for row in rows)


def test_another_policy() -> None:
    """The record and the policy's step changed; author, walk and alignment did not."""
    rows = compare(verdict(REJECT), verdict(REJECT.replace("reject", "none")))
    assert [(row.change, row.step.outcome) for row in rows] == [
        ("same", "a.example.com"), ("same", "found"), ("changed", "none"), ("same", "aligned"), ("same", "pass"),
    ]  # fmt: skip
    assert rows[1].differs
    assert (1, "same", "example.com") in changes(rows)
    assert (2, "changed", "record") in changes(rows)


def test_a_record_more_and_a_record_less() -> None:
    more = REJECT + '_dmarc.a.example.com. TXT "v=DMARC1; p=none; aspf=s"\n'
    rows = compare(verdict(REJECT), verdict(more))
    assert rows[-1].change == "changed"
    assert (rows[-1].before is not None and rows[-1].before.outcome, rows[-1].step.outcome) == (
        "pass",
        "fail",
    )
    rows = compare(verdict(REJECT), verdict(""))
    assert [row.change for row in rows][-3:] == ["gone", "gone", "gone"]


def test_both_documents_side_by_side() -> None:
    zone = '_dmarc.sub.example.com. TXT "v=DMARC1; p=reject; sp=none"'
    old = verdict(zone, "RFC 7489", "x.sub.example.com")
    new = verdict(zone, "RFC 9989", "x.sub.example.com")
    assert (old.result, new.result) == ("none", "fail")
    assert any(row.differs for row in compare(old, new))


def test_new_and_gone_stand_in_their_places() -> None:
    one, two, three = (Step(Rule(f"RFC {n}", ""), str(n), "x") for n in (1, 2, 3))
    assert [(row.change, row.step.text) for row in compare_steps([one, two], [one, three, two])] == [
        ("same", "1"), ("new", "3"), ("same", "2"),
    ]  # fmt: skip
    assert [row.change for row in compare_steps([one, two, three], [three])] == ["gone", "gone", "same"]
    assert compare_steps([], []) == ()
