"""The lab's DNS as ``dig`` sees it, over UDP and TCP."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator

import pytest

from labkit.transport.dns_responder import DnsResponder
from labkit.transport.loop_thread import run
from labkit.zones import Zones

TEXT = """
$ORIGIN receiver.example.
@      MX 10 mx
       TXT "v=spf1 " "mx -all"
mx     A 192.0.2.25
www    CNAME mx
round  CNAME round
*.wild A 192.0.2.99
null   MX 0 .
big    TXT """ + " ".join(f'"{n:0>250}"' for n in range(20))

Dig = Callable[..., str]


@pytest.fixture
def zones() -> Zones:
    return Zones.from_text(TEXT)


@pytest.fixture
def dig(zones: Zones) -> Iterator[Dig]:
    """Runs dig against the zones and returns what it prints."""
    assert shutil.which("dig"), "dig is not installed"
    responder = DnsResponder(zones)
    host, port = run(responder.start, 5)

    def ask(*words: str, status: int = 0) -> str:
        done = subprocess.run(
            ["dig", f"@{host}", "-p", str(port), "+tries=1", "+time=5", *words],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout

    yield ask
    run(responder.stop, 5)


@pytest.mark.parametrize("carrier", ["+notcp", "+tcp"])
def test_answers(dig: Dig, carrier: str) -> None:
    assert dig(carrier, "+short", "receiver.example", "MX") == "10 mx.receiver.example.\n"
    assert dig(carrier, "+short", "receiver.example", "TXT") == '"v=spf1 " "mx -all"\n'
    # The target's domain is written as a pointer to the question's, capitals included (RFC 1035 section 4.1.4).
    assert dig(carrier, "+short", "www.Receiver.example") == "mx.Receiver.example.\n192.0.2.25\n"
    assert dig(carrier, "+short", "a.b.wild.receiver.example") == "192.0.2.99\n"
    assert dig(carrier, "+short", "null.receiver.example", "MX") == "0 .\n"
    full = dig(carrier, "receiver.example", "MX")
    assert "status: NOERROR" in full
    assert "flags: qr aa rd ra;" in full
    assert "WARNING" not in full
    assert f"({'TCP' if carrier == '+tcp' else 'UDP'})" in full


def test_none(dig: Dig) -> None:
    nodata, nxdomain = dig("wild.receiver.example"), dig("nobody.receiver.example")
    assert "status: NOERROR" in nodata
    assert "status: NXDOMAIN" in nxdomain
    for text in (nodata, nxdomain):
        assert "ANSWER: 0, AUTHORITY: 1" in text
        assert "SOA\tdns.lab.invalid." in text


def test_a_truncated_answer_over_udp_and_the_whole_over_tcp(dig: Dig, zones: Zones) -> None:
    cut = dig("+ignore", "big.receiver.example", "TXT")
    assert "flags: qr aa tc rd ra; QUERY: 1, ANSWER: 0" in cut
    whole = dig("big.receiver.example", "TXT")
    assert ";; Truncated, retrying in TCP mode." in whole
    assert "flags: qr aa rd ra; QUERY: 1, ANSWER: 1" in whole
    assert [record.reason for record in zones.log] == ["query over UDP", "query over UDP", "query over TCP"]
    assert "tc" not in dig("+bufsize=8192", "+noedns", "+ignore", "mx.receiver.example").split("flags:")[1]


def test_failures(dig: Dig, zones: Zones) -> None:
    circle = dig("round.receiver.example")
    assert "status: SERVFAIL" in circle
    assert "the aliases lead in a circle" in circle
    assert "status: REFUSED" in dig("version.bind", "CH", "TXT")
    assert "Transfer failed" in dig("receiver.example", "AXFR")
    with zones.fault("mx.receiver.example", None, "timeout"):
        assert "no servers could be reached" in dig("+time=1", "mx.receiver.example", status=9)
    assert dig("+short", "mx.receiver.example") == "192.0.2.25\n"


def test_several_questions_in_one_run(dig: Dig) -> None:
    answers = dig(
        "+short", "+tcp", "+keepopen", "mx.receiver.example", "www.receiver.example", "receiver.example", "MX"
    )
    assert answers.split() == [
        "192.0.2.25",
        "mx.receiver.example.",
        "192.0.2.25",
        "10",
        "mx.receiver.example.",
    ]


def test_odd_queries(dig: Dig) -> None:
    assert "status: BADVERS" in dig("+edns=1", "+noednsnegotiation", "mx.receiver.example")
    assert "status: NOTIMP" in dig("+opcode=notify", "receiver.example")
    assert "status: FORMERR" in dig("+header-only", "+noedns")
    assert "status: NOERROR" in dig("+dnssec", "+subnet=192.0.2.0/24", "+nsid", "mx.receiver.example")
