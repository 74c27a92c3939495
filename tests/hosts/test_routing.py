"""Where mail goes, by what DNS says (RFC 5321 section 5.1, RFC 7505)."""

from __future__ import annotations

import pytest

from labkit.hosts.routing import fixed_route, route
from labkit.zones import Zones

ZONES = """
$ORIGIN two.example.
@      MX 20 second
@      MX 10 first
first  A  192.0.2.1
first  AAAA 2001:db8::1
second A  192.0.2.2
$ORIGIN even.example.
@      MX 10 b.even.example.
@      MX 10 a.even.example.
a      A  192.0.2.3
b      A  192.0.2.4
$ORIGIN implicit.example.
@      A    192.0.2.5
@      AAAA 2001:db8::5
$ORIGIN null.example.
@      MX 0 .
@      A  192.0.2.6
$ORIGIN empty.example.
@      TXT "nothing for mail"
$ORIGIN gone.example.
@      MX 10 nowhere.gone.example.
@      A  192.0.2.7
$ORIGIN half.example.
@      MX 10 nowhere.half.example.
@      MX 20 there
there  A  192.0.2.8
$ORIGIN alias.example.
@      MX 10 other
other  CNAME first.two.example.
$ORIGIN moved.example.
www    CNAME two.example.
"""


def hops(domain: str, *own: str, zones: Zones | None = None) -> list[tuple[str, int, str]]:
    found = route(domain, zones or Zones(ZONES), own)
    assert found.outcome == "hops", found
    return [(hop.host, hop.preference, hop.address) for hop in found.hops]


def outcome(domain: str, *own: str, zones: Zones | None = None) -> str:
    found = route(domain, zones or Zones(ZONES), own)
    assert found.why.endswith(".")
    assert not found.hops
    return found.outcome


def test_by_preference_each_address_for_itself() -> None:
    assert hops("two.example") == [
        ("first.two.example", 10, "192.0.2.1"),
        ("first.two.example", 10, "2001:db8::1"),
        ("second.two.example", 20, "192.0.2.2"),
    ]
    found = route("two.example", Zones(ZONES))
    assert [f"{one.name} {one.rdtype}" for one in found.lookups] == [
        "two.example MX", "first.two.example A", "first.two.example AAAA",
        "second.two.example A", "second.two.example AAAA",
    ]  # fmt: skip
    assert found.rule.ref == "RFC 5321 section 5.1"


def test_same_preference_in_the_order_of_the_zone() -> None:
    assert [name for name, _, _ in hops("even.example")] == ["b.even.example", "a.even.example"]


def test_without_mx_the_domain_itself() -> None:
    assert hops("implicit.example") == [
        ("implicit.example", 0, "192.0.2.5"),
        ("implicit.example", 0, "2001:db8::5"),
    ]


def test_through_aliases() -> None:
    assert hops("alias.example") == [
        ("other.alias.example", 10, "192.0.2.1"),
        ("other.alias.example", 10, "2001:db8::1"),
    ]
    assert hops("www.moved.example") == hops("two.example")


def test_address_literals_need_no_dns() -> None:
    assert hops("[192.0.2.9]") == [("[192.0.2.9]", 0, "192.0.2.9")]
    assert hops("[IPv6:2001:db8::9]") == [("[IPv6:2001:db8::9]", 0, "2001:db8::9")]
    assert outcome("[x-tag:anything]") == "no_address"


def test_no_mail_here() -> None:
    assert outcome("null.example") == "null_mx"
    assert outcome("missing.example") == "no_domain"
    assert outcome("empty.example") == "no_address"
    assert outcome("a..b") == "no_domain"


def test_with_mx_the_own_address_does_not_count() -> None:
    assert outcome("gone.example") == "no_address"
    assert [name for name, _, _ in hops("half.example")] == ["there.half.example"]


@pytest.mark.parametrize("failure", ["servfail", "timeout"])
@pytest.mark.parametrize(
    ("name", "rdtype", "domain"),
    [
        ("two.example", "MX", "two.example"),
        ("implicit.example", "A", "implicit.example"),
        ("other.alias.example", None, "alias.example"),
    ],
)
def test_no_answer_is_temporary(failure: str, name: str, rdtype: str | None, domain: str) -> None:
    zones = Zones(ZONES)
    zones.fault(name, rdtype, failure)  # type: ignore[arg-type]
    found = route(domain, zones)
    if domain == "implicit.example":
        assert [hop.address for hop in found.hops] == ["2001:db8::5"]
    else:
        assert found.outcome == "temporary"


def test_one_answer_is_enough() -> None:
    zones = Zones(ZONES)
    zones.fault("first.two.example", None, "servfail")
    assert hops("two.example", zones=zones) == [("second.two.example", 20, "192.0.2.2")]


def test_who_is_in_the_list_drops_itself_and_all_behind() -> None:
    assert [name for name, _, _ in hops("two.example", "SECOND.two.example")] == ["first.two.example"] * 2
    assert outcome("two.example", "first.two.example.") == "loops_back"
    assert outcome("even.example", "a.even.example") == "loops_back"


def test_a_route_that_is_set() -> None:
    zones = Zones(ZONES)
    assert [hop.address for hop in fixed_route("first.two.example", zones).hops] == [
        "192.0.2.1",
        "2001:db8::1",
    ]
    assert fixed_route("missing.example", zones).outcome == "no_address"
    assert [hop.address for hop in fixed_route("[192.0.2.9]", zones).hops] == ["192.0.2.9"]
    zones.fault("first.two.example", None, "timeout")
    assert fixed_route("first.two.example", zones).outcome == "temporary"
