"""The octets that a step names are those that it used: they say what the step says, and to change them changes it."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from dns.rdtypes.ANY.TXT import TXT

from labkit.auth.spf import check_host
from labkit.lookup import Lookup, Resolver
from labkit.verdict import Evidence, Step, Verdict

from .spf_random import Situation, situation

OTHER = "changed.other"


@dataclass
class Edited:
    """A resolver with one TXT record changed, and with `OTHER` as a second name of a domain."""

    dns: Resolver
    record: tuple[str, int, bytes] | None = None
    domain: str = ""

    def lookup(self, name: str, rdtype: str) -> Lookup:
        asked = self.domain if name.lower() == OTHER else name
        found = replace(self.dns.lookup(asked, rdtype), name=name)
        if self.record is None or rdtype != "TXT" or name.lower() != self.record[0].lower():
            return found
        records: list[Any] = list(found.records)
        _, number, octets = self.record
        parts = [octets[i : i + 255] for i in range(0, len(octets), 255)]
        records[number] = TXT(records[number].rdclass, records[number].rdtype, parts)
        return replace(found, records=tuple(records))


def run(here: Situation, dns: Resolver) -> Verdict:
    return check_host(here.ip, here.domain, here.mail_from, helo=here.helo, dns=dns)


def source_octets(source: str, here: Situation, dns: Resolver) -> bytes:
    """A source as `Evidence` counts it."""
    if source in ("mail_from", "helo"):
        return (here.mail_from if source == "mail_from" else here.helo).encode()
    _, name, rdtype, number = source.split(" ")
    rdata = dns.lookup(name, rdtype).records[int(number)]
    return b"".join(rdata.strings) if rdtype == "TXT" else str(rdata).encode()  # type: ignore[attr-defined]


def said(step: Step) -> tuple[object, ...]:
    return step.text, step.outcome, dict(step.inputs)


def changed(here: Situation, dns: Resolver, mark: Evidence) -> tuple[Situation, Resolver]:
    """The same with other octets at the mark, valid ones."""
    octets = source_octets(mark.source, here, dns)
    old = octets[mark.start : mark.end]
    if mark.source in ("mail_from", "helo"):
        # A whole HELO or a domain becomes another domain with the same records, a local-part another local-part.
        local = mark.source == "mail_from" and mark.start == 0 and b"@" in octets
        text = (octets[: mark.start] + (b"zz" if local else OTHER.encode()) + octets[mark.end :]).decode()
        there = replace(here, **{mark.source: text})
        return there, Edited(dns, domain="" if local else old.decode())
    _, name, _, number = mark.source.split(" ")
    new = b"ip4:203.0.113.250" if not old.startswith((b"redirect=", b"exp=")) else old + b".other.test"
    return here, Edited(dns, (name, int(number), octets[: mark.start] + new + octets[mark.end :]))


def test_evidence_is_what_was_used(size: Callable[[int, int], int]) -> None:
    chance = random.Random(7)
    marks = changes = elsewhere = 0
    for seed in range(100_000, 100_000 + size(100, 1_000)):
        here = situation(seed)
        dns = here.zones()
        verdict = run(here, dns)
        steps = [step for _, step in verdict.steps()]
        for step in steps:
            for mark in step.evidence:
                used = source_octets(mark.source, here, dns)[mark.start : mark.end]
                assert len(used) == mark.end - mark.start, (seed, step)
                marks += 1
            if (term := re.match(r"`([^`]+)` ", step.text)) is not None:
                mark = step.evidence[0]
                octets = source_octets(mark.source, here, dns)
                assert octets[mark.start : mark.end].decode() == term[1], (seed, step)
                elsewhere += octets.count(term[1].encode()) > 1
        domain_mark = steps[0].evidence[0] if steps[0].evidence else None
        if domain_mark is not None:
            used = source_octets(domain_mark.source, here, dns)[domain_mark.start : domain_mark.end]
            assert used.decode().removesuffix(".") == verdict.properties["domain"]
            elsewhere += (here.mail_from + here.helo + here.zone).count(used.decode()) > 1

        # What one step rests on is changed, and it is that step which differs first, or the one that holds it.
        number = chance.randrange(len(steps))
        step = steps[number]
        usable = [
            mark for mark in step.evidence if " TXT " in mark.source or not mark.source.startswith("record")
        ]
        selects = step.outcome == "found" and step.rule.ref == "RFC 7208 section 4.5"
        if not usable or selects or "syntax error" in step.text:
            continue
        mark = chance.choice(usable)
        if mark.source.startswith("record why.test"):
            continue
        there, edited = changed(here, dns, mark)
        after = [step for _, step in run(there, edited).steps()]
        assert len(after) <= number or said(after[number]) != said(step), (seed, step, mark)
        changes += 1
    assert marks > 300
    assert changes > 50
    assert elsewhere > 50


def test_what_is_no_evidence_does_not_matter() -> None:
    """The domain stands in the local-part, in HELO and in other records too; none of them is what was used."""
    zone = (
        'a.test. TXT "a.test"\na.test. TXT "v=spf1 a:a.test include:b.test -all exp=a.test.why.test"\n'
        'b.test. TXT "v=spf1 a:a.test ?all"\na.test. A 192.0.2.9'
    )
    here = Situation(zone, (), "192.0.2.1", "a.test@a.test", "a.test")
    first = run(here, here.zones())
    assert first.trace[0].evidence == (Evidence("mail_from", 7, 13),)
    assert first.trace[1].evidence[0].source == "record a.test TXT 1"
    assert [step.evidence[0].source for _, step in first.steps() if "`a:a.test`" in step.text] == [
        "record a.test TXT 1",
        "record b.test TXT 0",
    ]
    for other in (replace(here, mail_from="other@a.test"), replace(here, helo="other.test")):
        again = run(other, other.zones())
        assert [said(step) for step in again.trace[1:]] == [said(step) for step in first.trace[1:]]
        assert [step.evidence for step in again.trace[1:]] == [step.evidence for step in first.trace[1:]]
