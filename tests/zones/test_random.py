"""Random zones: what must hold for every one of them, and a second implementation to agree with."""

from __future__ import annotations

import dns.name
import dns.zone
from hypothesis import given
from hypothesis import strategies as st

from labkit.zones import Zones

from .strategies import NAMES, TYPES, zone_texts


def outcome_of(zones: Zones, name: str, rdtype: str) -> str:
    return zones.lookup(name, rdtype).outcome


@given(zone_texts(aliases=False))
def test_every_name_of_a_zone_is_answer_or_nodata_and_so_are_its_parents(text: str) -> None:
    zones = Zones.from_text(text)
    for record in zones.records:
        name = record.owner
        assert outcome_of(zones, str(name), record.rdtype.name) == "answer"
        while name != dns.name.root:
            assert {outcome_of(zones, str(name), rdtype) for rdtype in TYPES} <= {"answer", "nodata"}
            name = name.parent()


@given(zone_texts(), NAMES)
def test_nxdomain_holds_for_all_types_and_all_names_below(text: str, name: str) -> None:
    """RFC 8020. An alias that leads to nowhere is another matter: its own name exists."""
    zones = Zones.from_text(text)
    lookup = zones.lookup(name, "A")
    if lookup.outcome == "nxdomain" and not lookup.aliases:
        assert {outcome_of(zones, name, rdtype) for rdtype in TYPES} == {"nxdomain"}
        assert outcome_of(zones, f"x.{name}", "A") == "nxdomain"


@given(zone_texts())
def test_what_is_asked_for_by_its_own_name_is_what_dnspython_stores(text: str) -> None:
    theirs = dns.zone.from_text(f"$TTL 3600\n{text}", origin=".", relativize=False, check_origin=False)
    zones = Zones.from_text(text)
    count = 0
    for name, ttl, rdata in theirs.iterate_rdatas():
        lookup = zones.lookup(str(name), rdata.rdtype.name)
        assert (lookup.outcome, rdata in lookup.records) == ("answer", True)
        assert ttl == 3600
        count += 1
    assert count == len(zones.records)


def by_definition(
    records: dict[tuple[str, ...], dict[str, list[str]]], name: tuple[str, ...], rdtype: str
) -> str:
    """RFC 4592 in the words of its section 3.3.1, the slow way: outcome of a lookup, by sets of names."""
    seen = set()
    while name not in seen:
        seen.add(name)
        existing = {owner[start:] for owner in records for start in range(len(owner) + 1)} | {()}
        source = name
        if name not in existing:
            encloser = max((one for one in existing if name[len(name) - len(one) :] == one), key=len)
            source = ("*", *encloser)
            if source not in existing:
                return "nxdomain"
        here = records.get(source, {})
        if rdtype in here:
            return "answer"
        if "CNAME" not in here:
            return "nodata"
        name = tuple(here["CNAME"][0].rstrip(".").split("."))
    return "servfail"


@given(zone_texts(), st.lists(NAMES, min_size=1, max_size=8), st.sampled_from(TYPES))
def test_outcomes_agree_with_the_definition(text: str, names: list[str], rdtype: str) -> None:
    records: dict[tuple[str, ...], dict[str, list[str]]] = {}
    for line in text.splitlines():
        owner, kind, data = line.split(" ", 2)
        records.setdefault(tuple(owner.rstrip(".").split(".")), {}).setdefault(kind, []).append(data)
    zones = Zones.from_text(text)
    for name in names:
        assert outcome_of(zones, name, rdtype) == by_definition(records, tuple(name.split(".")), rdtype)


@given(zone_texts(), st.text(), st.text())
def test_a_lookup_never_raises(text: str, name: str, rdtype: str) -> None:
    zones = Zones.from_text(text)
    for one, kind in ((name, "MX"), (name, rdtype), ("a", rdtype), (f"{name}.a", "A"), (f"a.{name}", "A")):
        lookup = zones.lookup(one, kind)
        assert lookup.name == one
        assert bool(lookup.records) == (lookup.outcome == "answer")
        assert str(lookup)


@given(zone_texts())
def test_a_written_zone_reads_again(text: str) -> None:
    zones = Zones.from_text(text)
    again = Zones.from_text("\n".join(map(str, zones.records)))
    assert [str(record) for record in again.records] == [str(record) for record in zones.records]
    zones.suspicious()
