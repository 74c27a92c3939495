"""Mutated messages and records: a verdict for each, never an exception, never long."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import dns.rdataclass
import dns.rdatatype
from dns.rdtypes.ANY.TXT import TXT

from labkit.auth.dkim import lab_key, sign, signed_octets, verify
from labkit.lookup import Lookup

from . import dkim_messages

PAIRS = {"s1": lab_key("rsa"), "s2": lab_key("ed25519")}
RESULTS = {"pass", "fail", "permerror", "temperror", "policy"}
TOKENS = (
    b";", b"=", b":", b"\r\n", b"\n", b"\r", b" ", b"\t", b"\x00", b"\xff", b"\xc3\xbc", b"/", b"@", b".", b"*", b"p=",
    b"b=", b"bh=", b"h=", b"l=0", b"l=99999999999999999999", b"t=y:s", b"x=1", b"k=ed25519", b"From", b"[x]",
    b"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s1; h=From; bh=AA==; b=AA==\r\n", b"\r\n\r\n", b"A" * 3000,
    b" " * 5000, b"\r\n" * 2000, b" \r\n" * 1000, b"From:" * 500,
)  # fmt: skip


class Mutated:
    """A resolver that gives each selector its record, mutated or not."""

    def __init__(self, records: dict[str, list[bytes]]) -> None:
        self.records = records

    def lookup(self, name: str, rdtype: str) -> Lookup:
        found = self.records.get(name.partition(".")[0].lower(), [])
        made = tuple(
            TXT(
                dns.rdataclass.IN,
                dns.rdatatype.TXT,
                [text[at : at + 255] for at in range(0, len(text) or 1, 255)],
            )
            for text in found
        )
        return Lookup(name, rdtype, "answer" if made else "nxdomain", made)


def mutated(octets: bytes, dice: random.Random) -> bytes:
    for _ in range(dice.choice((1, 1, 1, 2, 5))):
        start = dice.randrange(len(octets) + 1)
        end = min(len(octets), start + dice.choice((0, 1, 1, 3, 20, 400)))
        kind = dice.randrange(5)
        if kind == 0:
            octets = octets[:start] + octets[end:]
        elif kind == 1:
            octets = octets[:end] + octets[start:end] * dice.choice((1, 2, 30)) + octets[end:]
        elif kind == 2:
            octets = octets[:start] + bytes([dice.randrange(256)]) + octets[start + 1 :]
        else:
            octets = octets[:start] + dice.choice(TOKENS) + octets[start if kind == 3 else end :]
    return octets


def test_mutations(size: Callable[[int, int], int]) -> None:
    seen: dict[str, int] = {}
    dice = random.Random(7)
    slowest = (0.0, b"", {})
    for number in range(size(800, 100_000)):
        if number % 20 == 0:
            text = dkim_messages.message(dice)
            name = dice.choice(list(PAIRS))
            kind = dice.choice(("simple/simple", "relaxed/relaxed", "simple/relaxed"))
            how = {"domain": "example.com", "selector": name, "key": PAIRS[name], "canonicalization": kind}
            field = sign(text, **how, length=dice.random() < 0.2)
        records = {key: [pair.record.encode()] for key, pair in PAIRS.items()}
        message = field + text
        where = dice.randrange(4)
        if where == 0:
            message = mutated(field, dice) + text
        elif where == 1:
            message = mutated(message, dice)
        elif where == 2:
            message = field + mutated(text, dice)
        else:
            records = {
                key: [mutated(record[0], dice)] * dice.choice((1, 1, 2)) for key, record in records.items()
            }
        begin = time.thread_time()
        verdicts = verify(message, dns=Mutated(records), now=1.7e9)
        took = time.thread_time() - begin
        slowest = max(slowest, (took, message, records), key=lambda one: one[0])
        for verdict in verdicts:
            assert verdict.result in RESULTS
            assert verdict.trace[-1].outcome == verdict.result
            seen[verdict.result] = seen.get(verdict.result, 0) + 1
        try:
            signed_octets(message)
        except ValueError:
            assert not verdicts or verdicts[0].result in ("permerror", "policy")
    assert {"pass", "fail", "permerror"} <= set(seen)
    assert slowest[0] < 0.05, slowest
