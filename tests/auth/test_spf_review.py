"""What is said about a record without any client: costs, risks, and where the octets are."""

from __future__ import annotations

import random
import time

import pytest

from labkit.auth.spf import Review, check_host, lint, lint_record
from labkit.auth.spf.address import mask_of
from labkit.auth.spf.overlap import Network, overlaps
from labkit.zones import Zones

from .spf_random import FAULTY, situation


def codes(review: Review) -> list[str]:
    return [finding.code for finding in review.findings]


def marked(review: Review, code: str, record: str) -> list[str]:
    """The octets of a record that a finding marks."""
    finding = next(one for one in review.findings if one.code == code)
    return [record[mark.start : mark.end] for mark in finding.evidence]


@pytest.mark.parametrize(
    ("record", "code", "octets"),
    [
        ("v=spf1 mx +all", "plus-all", ["+all"]),
        ("v=spf1 mx -all ip4:192.0.2.1", "after-all", ["ip4:192.0.2.1"]),
        ("v=spf1 redirect=a.test mx ~all", "redirect-beside-all", ["redirect=a.test"]),
        ("v=spf1 ptr -all", "ptr", ["ptr"]),
        ("v=spf1 mx", "no-all", ["v=spf1 mx"]),
        ("v=spf1 ip4:192.0.2.0/24 ip4:192.0.2.9 -all", "overlap", ["ip4:192.0.2.9", "ip4:192.0.2.0/24"]),
        ("v=spf1 ip4:0.0.0.0/0 -all", "whole-space", ["ip4:0.0.0.0/0"]),
        ("v=spf1 include=a.test -all", "equals-sign", ["include=a.test"]),
        ("v=spf1 foo=bar -all", "unknown-modifier", ["foo=bar"]),
        ("v=spf1 ip4:192.0.2.256 -all", "syntax", ["192.0.2.256"]),
        ("v=spf1 ip4:192.0.2.1/33 -all", "syntax", ["/33"]),
        ("v=spf1 a:%{x}.test -all", "syntax", ["%{x}"]),
        ("v=spf1 mx ipv4:192.0.2.1 -all", "syntax", ["ipv4"]),
        ("v=spf1 include: -all", "syntax", [":"]),
        ("v=spf1 a\tmx -all", "syntax", ["\t"]),
    ],
)
def test_findings_mark_their_octets(record: str, code: str, octets: list[str]) -> None:
    review = lint_record(record)
    assert code in codes(review)
    assert marked(review, code, record) == octets
    assert all(one.text.endswith((".", "?")) and one.rule.ref for one in review.findings)


@pytest.mark.parametrize(
    "record", ["v=spf1 -all", "v=spf1 ip4:192.0.2.0/25 ip4:192.0.2.128/25 ~all", "v=spf1 redirect=a.test"]
)
def test_nothing_is_said_about_a_good_record(record: str) -> None:
    assert lint_record(record).findings == ()


def test_an_exception_before_the_rule_is_no_overlap() -> None:
    assert codes(lint_record("v=spf1 -ip4:192.0.2.9 ip4:192.0.2.0/24 -all")) == []
    (finding,) = lint_record("v=spf1 ip4:192.0.2.0/24 -ip4:192.0.2.9 -all").findings
    assert (finding.level, "never decides" in finding.text) == ("warning", True)


def test_a_long_record_needs_several_strings() -> None:
    record = "v=spf1 " + " ".join(f"ip4:198.51.{n}.0/24" for n in range(20)) + " -all"
    assert codes(lint_record(record)) == ["long"]


@pytest.mark.parametrize("text", ["hello", "v=spf10 -all", "V=SPF2.0 -all", "", "v=spf1\t-all"])
def test_what_is_no_spf_record(text: str) -> None:
    assert codes(lint_record(text)) == ["version"]


TREE = """
a.test. TXT "v=spf1 mx include:b.test include:c.test exists:%{i}.x.test -all"
a.test. MX 10 m.test.
m.test. A 192.0.2.1
b.test. TXT "v=spf1 a:m.test a:gone.test include:d.test ?all include:never.test"
c.test. TXT "v=spf1 ip4:198.51.100.0/24 redirect=d.test"
d.test. TXT "v=spf1 ip6:2001:db8::/32 a a:m.test"
"""


def test_the_cost_of_a_tree() -> None:
    review = lint("a.test", Zones.from_text(TREE))
    shown = [(depth, node.text, node.total, node.reached) for depth, node in review.cost.walk()]
    assert shown == [
        (0, "a.test", 12, True),
        (1, "mx", 1, True),
        (1, "include:b.test", 6, True),
        (2, "b.test", 5, True),
        (3, "a:m.test", 1, True),
        (3, "a:gone.test", 1, True),
        (3, "include:d.test", 3, True),
        (4, "d.test", 2, True),
        (5, "ip6:2001:db8::/32", 0, True),
        (5, "a", 1, True),
        (5, "a:m.test", 1, True),
        (3, "?all", 0, True),
        (3, "include:never.test", 1, False),
        (1, "include:c.test", 4, True),
        (2, "c.test", 3, True),
        (3, "ip4:198.51.100.0/24", 0, True),
        (3, "redirect=d.test", 3, True),
        (4, "d.test", 2, True),
        (5, "ip6:2001:db8::/32", 0, True),
        (5, "a", 1, True),
        (5, "a:m.test", 1, True),
        (1, "exists:%{i}.x.test", 1, True),
        (1, "-all", 0, True),
    ]  # fmt: skip
    # An IPv6 client finds no AAAA of m.test four times, and nothing at gone.test and d.test.
    assert (review.cost.total, review.cost.voids) == (12, 7)
    assert codes(review)[:2] == ["too-many-terms", "void-lookups"]
    assert "after-all" in codes(review)
    assert str(review).startswith("a.test: 12 of 10 terms with DNS, 7 of 2 empty lookups\nerror: At worst 12")


def test_the_worst_case_is_what_a_stranger_costs() -> None:
    """A client that matches nothing costs just what the review says, as far as the limits allow."""
    chance = random.Random(5)
    over = 0
    for _ in range(60):
        lines = [
            "h.test. A 192.0.2.1",
            "h.test. AAAA 2001:db8::1",
            "h.test. MX 1 h.test.",
            "h.test. MX 2 gone.test.",
        ]
        for number in range(5):
            terms = chance.choices(
                ["a:h.test", "mx:h.test", "ip4:192.0.2.9", "exists:no.test", "a:h.test/30"], k=2
            )
            leads = [f"include:n{chance.randrange(number + 1, 6)}.test" for _ in range(chance.randrange(3))]
            end = chance.choice(["?all", f"redirect=n{number + 1}.test", ""]) if number else "-all"
            lines.append(f'n{number}.test. TXT "v=spf1 {" ".join([*terms, *leads, end])}"')
        zones = Zones.from_text("\n".join([*lines, 'n5.test. TXT "v=spf1"']))
        cost = lint("n0.test", zones).cost
        verdict = check_host("203.0.113.250", "n0.test", "u@n0.test", helo="h.test", dns=zones)
        counted = verdict.properties["lookups"], verdict.properties["void_lookups"]
        if cost.total > 10 or cost.voids > 2:
            over += 1
            assert (verdict.result, counted[0] > 10 or counted[1] > 2) == ("permerror", True)
        else:
            assert (verdict.result, counted) == ("fail", (cost.total, cost.voids))
    assert 10 < over < 50


@pytest.mark.parametrize(
    ("zone", "code"),
    [
        ('a.test. TXT "v=spf1 include:b.test -all"\nb.test. TXT "v=spf1 include:a.test"', "loop"),
        ('a.test. TXT "v=spf1 include:b.test -all"', "no-record"),
        ('a.test. TXT "v=spf1 -all"\na.test. TXT "v=spf1 mx -all"', "two-records"),
        ('a.test. TXT "v=spf1 include:nolabel.test.. -all"', "syntax"),
        ('a.test. TXT "v=spf1 a:gone.test -all"', "void"),
        ('b.test. TXT "v=spf1 -all"', "no-record"),
        ('a.test. TXT "v=spf1 -all"\na.test. TXT "' + '" "'.join(["x" * 250] * 3) + '"', "size"),
        (
            "\n".join(['a.test. TXT "v=spf1 mx -all"', *(f"a.test. MX 1 m{n}.test." for n in range(11))]),
            "many-mx",
        ),
    ],
)
def test_findings_about_what_is_published(zone: str, code: str) -> None:
    assert code in codes(lint("a.test", Zones.from_text(zone)))


def test_a_tree_that_branches_is_not_followed_for_ever() -> None:
    zone = "\n".join(
        f'n{n}.test. TXT "v=spf1 {" ".join(f"include:n{n + 1}.test" for _ in range(10))}"' for n in range(12)
    )
    begin = time.process_time()
    review = lint("n0.test", Zones.from_text(zone))
    assert time.process_time() - begin < 2
    assert "too-many-terms" in codes(review)


def test_odd_records_are_reviewed_too() -> None:
    for text in FAULTY:
        assert codes(lint_record(f"v=spf1 {text} -all")) or text in ("a:%{p}",), text
    for seed in range(40):
        here = situation(seed)
        lint(here.domain, here.zones())


def test_overlaps_are_those_of_the_plain_definition() -> None:
    chance = random.Random(3)
    for _ in range(200):
        networks = []
        for number in range(chance.randrange(8)):
            mask = mask_of(chance.choice([0, 24, 28, 30, 31, 32]), 32)
            networks.append(Network((0xC0000200 + chance.randrange(64)) & mask, mask, 4, number))
        inner = {
            a.number
            for a in networks
            for b in networks
            if a != b
            and b.mask <= a.mask
            and a.value & b.mask == b.value
            and (a[:3] != b[:3] or a.number > b.number)
        }
        assert {pair[0] for pair in overlaps(networks)} == inner
