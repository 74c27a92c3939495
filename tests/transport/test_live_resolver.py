"""The live resolver against the lab's own responder on 127.0.0.1; nothing here leaves the machine."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import dns.resolver
import pytest

from labkit.auth import authenticate
from labkit.lookup import Lookup
from labkit.transport.dns_responder import DnsResponder
from labkit.transport.live_resolver import LiveResolver
from labkit.transport.loop_thread import run
from labkit.zones import Zones

TEXT = """
sender.example. TXT "v=spf1 ip4:192.0.2.1 " "-all"
sender.example. MX 10 mx.sender.example.
mx.sender.example. A 192.0.2.25
www.sender.example. CNAME mx.sender.example.
gone.sender.example. CNAME nowhere.sender.example.
_dmarc.sender.example. TXT "v=DMARC1; p=reject"
xn--bcher-kva.example. A 192.0.2.3
big.example. TXT """ + " ".join(f'"{n:0>250}"' for n in range(100))


@pytest.fixture
def zones() -> Zones:
    return Zones.from_text(TEXT)


@pytest.fixture
def live(zones: Zones) -> Iterator[LiveResolver]:
    responder = DnsResponder(zones)
    host, port = run(responder.start, 5)
    yield LiveResolver([host], port=port, timeout=2)
    run(responder.stop, 5)


@pytest.mark.parametrize(
    ("name", "rdtype"),
    [
        ("sender.example", "TXT"), ("sender.example.", "mx"), ("Sender.Example", "A"), ("www.sender.example", "A"),
        ("gone.sender.example", "A"), ("ghost.sender.example", "A"), ("bücher.example", "A"), ("big.example", "TXT"),
        ("a..b", "A"), ("x" * 64 + ".example", "A"), ("sender.example", "NOTYPE"), ("", "A"),
    ],
)  # fmt: skip
def test_it_answers_as_the_zones_do(live: LiveResolver, zones: Zones, name: str, rdtype: str) -> None:
    ours: Lookup = zones.lookup(name, rdtype)
    theirs = live.lookup(name, rdtype)
    assert theirs == ours
    assert theirs.aliases == ours.aliases
    assert bool(theirs.reason) is (theirs.outcome != "answer")


def test_the_same_evaluation(live: LiveResolver, zones: Zones) -> None:
    message = b"From: a@sender.example\r\n\r\nhello\r\n"
    found = [
        authenticate(message, ip="192.0.2.1", helo="x.example", mail_from="a@sender.example", dns=dns)
        for dns in (live, zones)
    ]
    assert found[0].header == found[1].header
    assert found[0].dmarc.result == "pass"


def test_answers_are_remembered(live: LiveResolver, zones: Zones) -> None:
    for _ in range(3):
        live.lookup("mx.sender.example", "A")
    assert len([record for record in zones.log if record.lookup.name == "mx.sender.example"]) == 1


def test_a_server_that_fails(live: LiveResolver, zones: Zones) -> None:
    zones.fault("sender.example", "TXT", "servfail")
    found = live.lookup("sender.example", "TXT")
    assert (found.outcome, found.records) == ("servfail", ())
    assert "gave no answer that helps" in found.reason


def test_nobody_answers() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        found = LiveResolver(["127.0.0.1"], port=silent.getsockname()[1], timeout=0.3).lookup(
            "a.example", "A"
        )
    assert found.outcome == "timeout"
    assert "within 0.3 s" in found.reason


def test_no_network_and_no_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr("dns.query.udp", unreachable)
    found = LiveResolver(["192.0.2.53"], timeout=1).lookup("a.example", "A")
    assert (found.outcome, "no network" in found.reason) == ("timeout", True)

    def none_configured(*_: object, **__: object) -> None:
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver, "Resolver", none_configured)
    found = LiveResolver().lookup("a.example", "A")
    assert (found.outcome, "no name server" in found.reason) == ("timeout", True)
