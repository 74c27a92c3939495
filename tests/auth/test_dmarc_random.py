"""Random situations against a short second reading of RFC 9989 and RFC 7489, written from the text alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from labkit.auth.dmarc import evaluate, read_record
from labkit.auth.dmarc.record import Record
from labkit.auth.dmarc.suffix import registered_domain
from labkit.verdict import Verdict
from labkit.zones import Zones

from .dmarc_random import Case, above


def valid(case: Case, name: str) -> list[Record]:
    return [found for text in case.records.get(f"_dmarc.{name}", []) if (found := read_record(text.encode()))]


def walk(case: Case, start: str) -> dict[str, Record]:
    """Section 4.10: the records that a walk finds, the longest name first."""
    names = above(start)
    names = [start, *names[1:][-7:]] if len(names) >= 8 else names
    found = {}
    for name in names:
        records = valid(case, name)
        if len(records) == 1:
            found[name] = records[0]
            if records[0].psd != "u":
                break
    return found


def organization(case: Case, start: str) -> str:
    """Section 4.10.2."""
    found = walk(case, start)
    for name, record in found.items():
        if record.psd == "n":
            return name
        if record.psd == "y" and name != start:
            return next(one for one in above(start) if one.count(".") == name.count(".") + 1)
    return min(found, key=lambda name: name.count(".")) if found else start


def by_9989(case: Case) -> tuple[str, str | None]:
    """Result and policy."""
    found = walk(case, case.author)
    own = organization(case, case.author)
    suffix = next((name for name, record in found.items() if record.psd == "y"), None)
    place = next((name for name in (case.author, own, suffix) if name in found), None)
    if place is None:
        return "none", None
    record = found[place]
    tags = {name: record.policy(name) for name in ("p", "sp", "np")}
    if any(record.broken(name) for name in tags):
        if not record.destinations():
            return "none", None
        policy = "none"
    else:
        p = tags["p"] or "none"
        below = tags["sp"] or p
        missing = case.author not in case.exists
        policy = p if place == case.author else (tags["np"] or below) if missing else below
    return result(case, record, lambda name: organization(case, name)), policy


def by_7489(case: Case) -> tuple[str, str | None]:
    """Section 6.6.3, for records without slips."""
    own = registered_domain(case.author) or case.author
    place = case.author if valid(case, case.author) else own
    records = valid(case, place)
    if len(records) != 1:
        return "none", None
    record = records[0]
    policy = record.policy("p") if place == case.author else record.policy("sp") or record.policy("p")
    return result(case, record, lambda name: registered_domain(name) or name), policy


def result(case: Case, record: Record, top: Callable[[str], str]) -> str:
    for domain, strict in ((case.spf, record.strict_spf), (case.dkim, record.strict_dkim)):
        if domain and (domain == case.author or (not strict and top(domain) == top(case.author))):
            return "pass"
    return "fail"


@pytest.mark.parametrize(("rules", "reference"), [("RFC 9989", by_9989), ("RFC 7489", by_7489)])
def test_against_a_second_reading(
    size: Callable[[int, int], int], rules: str, reference: Callable[[Case], tuple[str, str | None]]
) -> None:
    seen = set()
    for seed in range(size(120, 2_000)):
        case = Case.of(seed, plain=rules == "RFC 7489")
        zones = case.zones()
        ours = evaluate(case.author, spf=case.spf, dkim=case.dkim, dns=zones, rules=rules)
        assert (ours.result, ours.properties["policy"]) == reference(case), case
        assert_evidence(ours, zones)
        seen.add((ours.result, ours.properties["policy_tag"]))
    assert len(seen) >= 5


def assert_evidence(verdict: Verdict, zones: Zones) -> None:
    """Octets of a record are a tag of it, or all of it; another policy in just these octets is another policy."""
    for _, step in verdict.steps():
        for item in step.evidence:
            _, name, rdtype, number = item.source.split(" ")
            octets = b"".join(zones.lookup(name, rdtype).records[int(number)].strings)  # type: ignore[attr-defined]
            record = read_record(octets)
            places = {(0, len(octets))}
            if record is not None:
                places |= {(tag.start, tag.end) for tag in record.tags.values()}
            assert (item.start, item.end) in places


def test_the_octets_of_a_policy_decide(size: Callable[[int, int], int]) -> None:
    for seed in range(size(60, 1_000)):
        case = Case.of(seed, plain=True)
        before = evaluate(case.author, spf=None, dkim=None, dns=case.zones())
        if before.result != "fail":
            continue
        step = next(step for step in before.trace if step.inputs.get("tag"))
        (place,) = step.evidence
        name, number = place.source.split(" ")[1::2]
        text = case.records[name][int(number)]
        other = "none" if before.properties["policy"] != "none" else "reject"
        case.records[name][int(number)] = (
            f"{text[: place.start]}{step.inputs['tag']}={other}{text[place.end :]}"
        )
        after = evaluate(case.author, spf=None, dkim=None, dns=case.zones())
        assert (after.properties["policy"], after.properties["policy_tag"]) == (other, step.inputs["tag"])
