"""Lookups in a world's zones against dnspython's own zone object: ``python benchmarks/zone_lookups.py``.

The same text and the same questions, alternating in one run; medians. Ours also finds wildcards, aliases and
empty non-terminals, and writes a log; dnspython's is asked for exactly what stands in the zone. Then the
time to read the text, and what the responder answers over UDP to one client that waits for each answer.
"""

from __future__ import annotations

import argparse
import socket
import statistics
import time
from collections.abc import Callable

import dns.message
import dns.zone

from labkit.transport.dns_responder import DnsResponder
from labkit.transport.loop_thread import run
from labkit.zones import Zones
from labkit.zones.tree import read_tree

DOMAINS = 300
TEXT = "$TTL 3600\n" + "\n".join(
    f'd{n}.example. MX 10 mx.d{n}.example.\nd{n}.example. TXT "v=spf1 mx -all"\n'
    f"mx.d{n}.example. A 192.0.2.{n % 250}\n*.wild.d{n}.example. A 192.0.2.1\nwww.d{n}.example. CNAME mx.d{n}.example."
    for n in range(DOMAINS)
)

Question = tuple[str, str]


def rate(ask: Callable[[str, str], object], questions: list[Question]) -> float:
    """Questions a second."""
    begin = time.perf_counter()
    for name, rdtype in questions:
        ask(name, rdtype)
    return len(questions) / (time.perf_counter() - begin)


def reading() -> tuple[float, float]:
    """Milliseconds that dnspython and we take to read the text."""
    begin = time.perf_counter()
    dns.zone.from_text(TEXT, origin=".", relativize=False, check_origin=False)
    between = time.perf_counter()
    read_tree.cache_clear()
    Zones.from_text(TEXT)
    return (between - begin) * 1000, (time.perf_counter() - between) * 1000


def over_udp(zones: Zones, count: int) -> float:
    """Answers a second of the responder."""
    responder = DnsResponder(zones)
    address = run(responder.start, 5)
    query = dns.message.make_query("d7.example", "MX").to_wire()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.connect(address)
        begin = time.perf_counter()
        for _ in range(count):
            wire.send(query)
            wire.recv(4096)
        took = time.perf_counter() - begin
    run(responder.stop, 5)
    return count / took


def main(rounds: int) -> None:
    """Alternate, and print medians."""
    theirs = dns.zone.from_text(TEXT, origin=".", relativize=False, check_origin=False)
    zones = Zones.from_text(TEXT)
    kinds = {
        "answer": [(f"d{n}.example", rdtype) for n in range(DOMAINS) for rdtype in ("MX", "TXT")],
        "nodata": [(f"mx.d{n}.example", "AAAA") for n in range(DOMAINS)],
        "nxdomain": [(f"nobody.d{n}.example", "A") for n in range(DOMAINS)],
    }
    for kind, questions in kinds.items():
        pairs = [(rate(theirs.get_rdataset, questions), rate(zones.lookup, questions)) for _ in range(rounds)]
        assert all(zones.lookup(*question).outcome == kind for question in questions)
        peer, own = (statistics.median(side) for side in zip(*pairs, strict=True))
        print(f"{kind:9} dnspython {peer:9,.0f}/s, ours {own:9,.0f}/s, ratio {own / peer:.1f}")
    for kind, name in (("wildcard", "a.b.wild.d7.example"), ("alias", "www.d7.example")):
        own = statistics.median(rate(zones.lookup, [(name, "A")] * 500) for _ in range(rounds))
        print(f"{kind:9} ours {own:9,.0f}/s")
    peer, own = (statistics.median(side) for side in zip(*(reading() for _ in range(5)), strict=True))
    print(
        f"reading {5 * DOMAINS} records: dnspython {peer:.0f} ms, ours {own:.0f} ms, ratio {own / peer:.2f}"
    )
    print(f"responder over UDP, one client that waits: {over_udp(zones, 100 * rounds):,.0f}/s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    main(parser.parse_args().rounds)
