"""What DNS can say about a domain's mail, and what a relay does then: a table made by the lab's own routing."""

from __future__ import annotations

from labkit.hosts.routing import route
from labkit.view.tables import Table
from labkit.zones import Zones

ZONES = """
$ORIGIN example.
two      MX    10 mx1.two
two      MX    20 mx2.two
mx1.two  A     192.0.2.1
mx2.two  A     192.0.2.2
equal    MX    10 a.equal
equal    MX    10 b.equal
a.equal  A     192.0.2.3
b.equal  A     192.0.2.4
bare     A     192.0.2.5
bare     AAAA  2001:db8::5
both     MX    10 mx.both
both     A     192.0.2.6
mx.both  AAAA  2001:db8::6
none     MX    0 .
none     A     192.0.2.7
stale    MX    10 old.stale
stale    A     192.0.2.8
slow     MX    10 mx.slow
"""
CASES = (
    ("two.example", "MX 10 mx1, MX 20 mx2"),
    ("equal.example", "MX 10 a, MX 10 b"),
    ("bare.example", "no MX; A and AAAA"),
    ("both.example", "MX 10 mx, and an A of its own"),
    ("none.example", "MX 0 . (a null MX)"),
    ("stale.example", "MX 10 old, which has no address; A"),
    ("nobody.example", "the name does not exist"),
    ("slow.example", "DNS does not answer"),
)
THEN = {
    "null_mx": "returned to the sender at once: 5.1.10",
    "no_domain": "returned to the sender at once: 5.1.2",
    "no_address": "returned to the sender: 5.4.4",
    "temporary": "kept and tried again later",
    "loops_back": "returned to the sender",
}


def route_table() -> Table:
    """Each case with where the mail goes, and the section that says so."""
    zones = Zones(ZONES)
    zones.fault("slow.example", "MX", "timeout")
    rows = []
    for domain, records in CASES:
        found = route(domain, zones)
        goes = ", then ".join(str(hop) for hop in found.hops) or THEN[found.outcome]
        if domain == "equal.example":
            goes = goes.replace(", then ", " and ") + ", in an order by chance"
        rows.append((domain, records, goes, f"{found.rule.text} ({found.rule.ref})"))
    return Table(("domain", "what DNS says", "where its mail goes", "the rule"), rows)
