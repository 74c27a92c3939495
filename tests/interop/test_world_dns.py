"""A whole world's DNS, as programs outside see it: ``dig`` over UDP and TCP, and pyspf with a resolver of its own."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import dns.exception
import dns.resolver
import pytest
import spf

from labkit.world import World, chain
from labkit.world.chain import ZONES

POLICIES = """
$ORIGIN sender.example.
@         TXT  "v=spf1 a:relay.sender.example " "include:_spf.mailer.example -all"
long      TXT  """ + " ".join(f'"{number:0>250}"' for number in range(20)) + """
$ORIGIN mailer.example.
_spf      TXT  "v=spf1 mx:receiver.example exists:%{i}.allowed.mailer.example ~all"
192.0.2.77.allowed A 127.0.0.2
$ORIGIN loop.example.
@         TXT  "v=spf1 include:loop.example -all"
"""  # fmt: skip


@pytest.fixture
def world() -> Iterator[World]:
    with World.open(chain(zones=ZONES + POLICIES)) as opened:
        yield opened


def dig(world: World, *words: str) -> str:
    assert shutil.which("dig"), "dig is not installed"
    host, port = world.dns_address()
    done = subprocess.run(
        ["dig", f"@{host}", "-p", str(port), "+tries=1", "+time=10", *words],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return done.stdout


@pytest.mark.parametrize("carrier", ["+notcp", "+tcp"])
def test_dig(world: World, carrier: str) -> None:
    hosts = dig(world, carrier, "+short", "receiver.example", "MX").splitlines()
    assert sorted(hosts) == ["10 mx1.receiver.example.", "20 mx2.receiver.example."]
    assert dig(world, carrier, "+short", "mx1.receiver.example") == "198.51.100.10\n"
    assert "status: NXDOMAIN" in dig(world, carrier, "missing.example", "MX")
    assert [f"query over {'TCP' if carrier == '+tcp' else 'UDP'}"] * 3 == [
        one.reason for one in world.zones.log
    ]


def test_dig_gets_a_long_answer_over_tcp(world: World) -> None:
    """RFC 1035 section 4.2.1: what does not fit is cut, TC says so, and the same question goes over TCP."""
    cut = dig(world, "+ignore", "long.sender.example", "TXT")
    assert "flags: qr aa tc" in cut
    assert "ANSWER: 0" in cut
    whole = dig(world, "long.sender.example", "TXT")
    assert ";; Truncated, retrying in TCP mode." in whole
    assert f'"{19:0>250}"' in whole
    assert [one.reason for one in world.zones.log] == ["query over UDP", "query over UDP", "query over TCP"]


@pytest.fixture
def resolver(world: World, monkeypatch: pytest.MonkeyPatch) -> dns.resolver.Resolver:
    """dnspython's resolver, which knows no name server but the world's; pyspf asks it."""
    made = dns.resolver.Resolver(configure=False)
    host, made.port = world.dns_address()
    made.nameservers = [host]
    made.lifetime = 10.0

    def lookup(name: str, rdtype: str, *_: object) -> list[tuple[tuple[str, str], Any]]:
        try:
            answer = made.resolve(name, rdtype)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except dns.exception.DNSException as error:
            raise spf.TempError(f"DNS {error}") from None
        values = {
            "MX": lambda one: (one.preference, one.exchange.to_text(omit_final_dot=True)),
            "TXT": lambda one: one.strings,
        }
        value = values.get(rdtype, lambda one: one.address)
        return [((name, rdtype), value(one)) for one in answer]

    monkeypatch.setattr(spf, "DNSLookup", lookup)
    return made


@pytest.mark.parametrize(
    ("address", "domain", "result"),
    [
        ("192.0.2.20", "sender.example", "pass"),  # by a:
        ("198.51.100.20", "sender.example", "pass"),  # by the MX hosts of the included record
        ("192.0.2.77", "sender.example", "pass"),  # by exists:, a macro and a lookup
        ("192.0.2.78", "sender.example", "fail"),
        ("192.0.2.78", "mailer.example", "none"),
        ("192.0.2.78", "loop.example", "permerror"),
    ],
)
def test_pyspf_resolves_through_the_responder(
    world: World, resolver: dns.resolver.Resolver, address: str, domain: str, result: str
) -> None:
    assert spf.check2(i=address, s=f"alice@{domain}", h="client.example")[0] == result
    first = world.zones.log[0].lookup
    assert (first.name.rstrip("."), first.rdtype) == (domain, "TXT")


def test_pyspf_is_told_of_a_failure(world: World, resolver: dns.resolver.Resolver) -> None:
    """A name server that fails is no answer: temperror, and the mail waits (RFC 7208 section 2.6.6)."""
    with world.zones.fault("_spf.mailer.example", "TXT", "servfail"):
        assert spf.check2(i="192.0.2.78", s="alice@sender.example", h="client.example")[0] == "temperror"
