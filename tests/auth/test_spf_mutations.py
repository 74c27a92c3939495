"""Records as nobody should write them: no exception, and none takes long."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable

import pytest
from dns.rdataclass import IN
from dns.rdatatype import TXT as TXT_TYPE
from dns.rdtypes.ANY.TXT import TXT

from labkit.auth.spf import check_host
from labkit.lookup import Lookup
from labkit.zones import Zones

from .spf_random import CLIENTS, FAULTY, HELOS, SENDERS, record, situation

PIECES = [
    *(text.encode("latin-1") for text in FAULTY),
    b" ", b"  ", b"\t", b"\0", b"\r\n", b"%", b"%{", b"}", b":", b"/", b"//", b"=", b"v=spf1", b"<script>", b"\xff",
    b"\xe2\x80\xae", b"." * 70, b"%{s}" * 20, b"a" * 300, b"%{l99999999999999999999r.+,/_=-}", b"/0032", b"redirect=",
]  # fmt: skip


class OneRecord:
    """Every name has this record, and below that what a random zone says."""

    def __init__(self, octets: bytes, zones: Zones) -> None:
        parts = [octets[i : i + 255] for i in range(0, len(octets), 255)] or [b""]
        self.record = TXT(IN, TXT_TYPE, parts)
        self.zones = zones
        self.first = True

    def lookup(self, name: str, rdtype: str) -> Lookup:
        if rdtype == "TXT" and self.first:
            self.first = False
            return Lookup(name, rdtype, "answer", (self.record,))
        return self.zones.lookup(name, rdtype)


def mutated(octets: bytes, chance: random.Random) -> bytes:
    """The record with a few octets changed, taken away, put in, or repeated; it still begins like one."""
    for _ in range(chance.randrange(1, 5)):
        at = chance.randrange(6, len(octets) + 1)
        end = min(len(octets), at + chance.randrange(12))
        kind = chance.randrange(4)
        if kind == 0:
            octets = octets[:at] + chance.choice(PIECES) + octets[at:]
        elif kind == 1:
            octets = octets[:at] + octets[end:]
        elif kind == 2:
            octets = octets[:at] + chance.randbytes(end - at) + octets[end:]
        else:
            octets = octets[:at] + b" " + octets[6:]
    return octets[:60_000]


def test_mutated_records(size: Callable[[int, int], int]) -> None:
    chance = random.Random(11)
    zones = [situation(seed).zones() for seed in range(20)]
    results: Counter[str] = Counter()
    slow = []
    for _ in range(size(1_500, 100_000)):
        octets = mutated(record(chance).encode("latin-1"), chance)
        ip, helo, below = (
            chance.choice(CLIENTS),
            chance.choice([*HELOS, "<i>.test", "%{p}"]),
            chance.choice(zones),
        )
        sender = chance.choice(
            [*SENDERS, "\x1b[0m@a.test", "<b>@a.test", "\u202eu@a.test", "a" * 300 + "@a.test"]
        )
        took = []
        for _ in range(3):  # what is slow for the record's sake is slow again; a collection of garbage is not
            begin = time.process_time()
            verdict = check_host(ip, "a.test", sender, helo=helo, dns=OneRecord(octets, below))
            took.append(time.process_time() - begin)
            if min(took) < 0.05:
                break
        else:
            slow.append((took, octets))
        results[verdict.result] += 1
        assert all(step.text.isascii() and step.text.isprintable() for _, step in verdict.steps()), octets
    assert slow == []
    assert set(results) >= {"pass", "fail", "softfail", "neutral", "permerror"}


@pytest.mark.parametrize("piece", ["a ", "ipv4:1 ", "exp=a.b ", "%{d}.", "a.", "a:%% "])
def test_the_longest_record(piece: str) -> None:
    """64 KiB of the same."""
    octets = ("v=spf1 a:a " + piece * 32_500)[:65_000].encode()
    dns = OneRecord(octets, Zones.from_text("b.test. A 192.0.2.1"))
    begin = time.process_time()
    verdict = check_host("192.0.2.1", "a.test", "u@a.test", helo="h.test", dns=dns)
    assert time.process_time() - begin < 1, verdict
