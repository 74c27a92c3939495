"""What a lookup comes back with: answers, nodata, nxdomain, wildcards, aliases."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from labkit.lookup import Lookup, Resolver
from labkit.zones import Zones

ROOT = Path(__file__).parents[2]

WORLD = Zones.from_text("""
    $ORIGIN receiver.example.
    @          MX 20 mx2.other.example.
               MX 10 mx
               TXT "v=spf1 " "mx -all"
    mx         A 192.0.2.25
               A 192.0.2.26
    deep.er.mx A 192.0.2.27
    www        CNAME Web
    web        CNAME out.other.example.
    lost       CNAME nowhere.other.example.
    empty      CNAME er.mx
    round      CNAME roundabout
    roundabout CNAME round
    self       CNAME self
    $ORIGIN other.example.
    out        A 192.0.2.80
    @          MX 0 .
""")


def found(name: str, rdtype: str, zones: Zones = WORLD) -> tuple[str, list[str]]:
    lookup = zones.lookup(name, rdtype)
    assert isinstance(lookup, Lookup)
    assert bool(lookup.records) == (lookup.outcome == "answer")
    assert len(lookup.records) == len(lookup.lines)
    return lookup.outcome, [str(record) for record in lookup.records]


def test_answers_in_the_order_of_the_text() -> None:
    assert found("receiver.example", "MX") == ("answer", ["20 mx2.other.example.", "10 mx.receiver.example."])
    assert WORLD.lookup("mx.receiver.example", "A").lines == (6, 7)


@pytest.mark.parametrize(
    "name", ["receiver.example", "receiver.example.", "ReCeIvEr.EXAMPLE", "\\114eceiver.example"]
)
@pytest.mark.parametrize("rdtype", ["TXT", "txt", "TYPE16"])
def test_spelling_does_not_matter_but_is_kept(name: str, rdtype: str) -> None:
    lookup = WORLD.lookup(name, rdtype)
    assert (lookup.name, lookup.rdtype) == (name, rdtype.upper())
    assert lookup.records[0].strings == (b"v=spf1 ", b"mx -all")  # type: ignore[attr-defined]


def test_null_mx() -> None:
    (record,) = WORLD.lookup("other.example", "MX").records
    assert record.preference == 0  # type: ignore[attr-defined]
    assert str(record.exchange) == "."  # type: ignore[attr-defined]


def test_no_such_type_and_no_such_name() -> None:
    assert found("receiver.example", "AAAA") == ("nodata", [])
    assert found("nobody.receiver.example", "A") == ("nxdomain", [])
    assert found("elsewhere.test", "A") == ("nxdomain", [])
    assert found("below.deep.er.mx.receiver.example", "A") == ("nxdomain", [])


@pytest.mark.parametrize("name", ["er.mx.receiver.example", "example", "."])
def test_names_with_nothing_but_names_below_them_exist(name: str) -> None:
    assert found(name, "A") == ("nodata", [])
    assert "RFC 8020" in WORLD.lookup(name, "A").reason


def test_aliases_are_followed_across_zones() -> None:
    lookup = WORLD.lookup("www.receiver.example", "A")
    assert [str(record) for record in lookup.records] == ["192.0.2.80"]
    assert lookup.aliases == ("web.receiver.example", "out.other.example")
    assert "www.receiver.example is an alias for web.receiver.example" in lookup.reason
    assert WORLD.lookup("mx.receiver.example", "A").aliases == ()


def test_an_alias_is_not_followed_when_it_is_what_was_asked_for() -> None:
    assert found("www.receiver.example", "CNAME") == ("answer", ["Web.receiver.example."])
    assert found("www.receiver.example", "ANY") == ("answer", ["Web.receiver.example."])


def test_the_end_of_the_aliases_decides() -> None:
    assert found("www.receiver.example", "MX") == ("nodata", [])
    assert found("lost.receiver.example", "A") == ("nxdomain", [])
    assert found("empty.receiver.example", "A") == ("nodata", [])
    assert WORLD.lookup("lost.receiver.example", "A").aliases == ("nowhere.other.example",)


@pytest.mark.parametrize("name", ["round", "roundabout", "self"])
def test_aliases_in_a_circle(name: str) -> None:
    lookup = WORLD.lookup(f"{name}.receiver.example", "MX")
    assert lookup.outcome == "servfail"
    assert "circle" in lookup.reason
    assert lookup.aliases[-1] == f"{name}.receiver.example"


def test_a_long_chain_of_aliases_is_followed() -> None:
    zones = Zones.from_text("\n".join(f"a{n} CNAME a{n + 1}" for n in range(300)) + "\na300 A 192.0.2.1")
    assert found("a0", "A", zones) == ("answer", ["192.0.2.1"])


def test_any() -> None:
    outcome, records = found("receiver.example", "ANY")
    assert (outcome, len(records)) == ("answer", 3)
    assert found("example", "ANY") == ("nodata", [])


# The example zone of RFC 4592 section 2.2.1, and what it says about it there.
RFC_4592 = Zones.from_text("""
    $ORIGIN example.
    example.                 3600 IN  SOA   ns.example.com. admin.example.com. 1 2 3 4 5
    example.                 3600     NS    ns.example.com.
    *.example.               3600     TXT   "this is a wildcard"
    *.example.               3600     MX    10 host1.example.
    sub.*.example.           3600     TXT   "this is not a wildcard"
    host1.example.           3600     A     192.0.2.1
    _ssh._tcp.host1.example. 3600     SRV   0 0 22 host1.example.
    _ssh._tcp.host2.example. 3600     SRV   0 0 22 host2.example.
    subdel.example.          3600     NS    ns.example.com.
""")


@pytest.mark.parametrize(
    ("name", "rdtype", "outcome"),
    [
        ("host3.example", "MX", "answer"),
        ("host3.example", "A", "nodata"),
        ("foo.bar.example", "TXT", "answer"),
        ("host1.example", "MX", "nodata"),
        ("sub.*.example", "MX", "nodata"),
        ("_telnet._tcp.host1.example", "SRV", "nxdomain"),
        ("ghost.*.example", "MX", "nxdomain"),
        ("*.example", "MX", "answer"),
        ("x.host2.example", "TXT", "nxdomain"),
        ("host2.example", "TXT", "nodata"),
        ("_tcp.host2.example", "TXT", "nodata"),
        ("x.example.", "SOA", "nodata"),
    ],
)
def test_wildcards_by_the_example_of_their_rfc(name: str, rdtype: str, outcome: str) -> None:
    assert RFC_4592.lookup(name, rdtype).outcome == outcome


def test_a_wildcard_is_named() -> None:
    assert "*.example (RFC 4592)" in RFC_4592.lookup("host3.example", "MX").reason
    assert RFC_4592.lookup("*.example", "MX").reason == ""


def test_a_wildcard_without_records_still_covers() -> None:
    zones = Zones.from_text("sub.*.example A 192.0.2.1")
    assert zones.lookup("x.example", "A").outcome == "nodata"


def test_a_wildcard_alias() -> None:
    zones = Zones.from_text("*.example CNAME host.test\nhost.test A 192.0.2.1\n*.loop CNAME x.loop")
    assert zones.lookup("a.b.example", "A").aliases == ("host.test",)
    assert zones.lookup("a.b.loop", "A").outcome == "servfail"


LONG = ".".join(["x" * 63] * 3)  # 191 octets of text


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "at least one label"),
        ("a..b", "between two dots"),
        (".a", "between two dots"),
        ("a..", "between two dots"),
        ("..", "between two dots"),
        ("x" * 64, "63 octets"),
        (f"{LONG}.{'x' * 62}", "255 octets"),
        ("a\\", "backslash"),
        ("a\\300.b", "backslash"),
        ("☃.example", "A-label"),
        ("\ud800.example", "A-label"),
        ("-ä.example", "A-label"),
    ],
)
def test_what_cannot_be_a_name_does_not_exist(name: str, says: str) -> None:
    lookup = WORLD.lookup(name, "MX")
    assert lookup.outcome == "nxdomain"
    assert says in lookup.reason


@pytest.mark.parametrize(
    "name", [f"{LONG}.{'x' * 61}", f"{LONG}.{'x' * 61}.", "@", "a b", "\0", "*", "\\@.example", "-"]
)
def test_odd_names_that_are_names(name: str) -> None:
    zones = Zones.from_text("x A 192.0.2.1")
    assert zones.lookup(name, "A").reason.endswith("does not exist")


def test_names_beyond_ascii() -> None:
    zones = Zones.from_text("Bücher.example MX 5 mx\nfaß.example A 192.0.2.1")
    for name in (
        "bücher.example",
        "BÜCHER.example",
        "bücher。example",
        "xn--bcher-kva.example",
        "XN--BCHER-KVA.example.",
    ):
        assert zones.lookup(name, "MX").outcome == "answer"
    assert zones.lookup("fass.example", "A").outcome == "nxdomain"  # IDNA 2008, not 2003


@pytest.mark.parametrize("rdtype", ["", "FOO", "TYPE99999", "AXFR", "OPT", "ß", "MX "])
def test_what_is_no_type(rdtype: str) -> None:
    lookup = WORLD.lookup("receiver.example", rdtype)
    assert lookup.outcome == "servfail"
    assert "no record has the type" in lookup.reason


def test_no_text_no_names() -> None:
    assert Zones().lookup("receiver.example", "MX").outcome == "nxdomain"
    assert Zones().lookup(".", "MX").outcome == "nodata"
    assert Zones("; nothing here").lookup("example", "MX").outcome == "nxdomain"


def test_equality_is_about_the_answer() -> None:
    moved = Zones.from_text("\n\nmx.receiver.example A 192.0.2.25\nmx.receiver.example A 192.0.2.26")
    assert WORLD.lookup("mx.receiver.example", "A") == moved.lookup("mx.receiver.example", "A")
    assert WORLD.lookup("mx.receiver.example", "A") != WORLD.lookup("mx.receiver.example", "AAAA")


def test_as_text() -> None:
    assert str(WORLD.lookup("mx.receiver.example", "A")) == "mx.receiver.example A: 192.0.2.25, 192.0.2.26"
    assert str(WORLD.lookup("nobody.test", "A")) == "nobody.test A: nxdomain"
    assert repr(WORLD) == "<zones: 15 records of 12 names>"
    assert WORLD.names[:2] == ("receiver.example", "mx.receiver.example")


def test_zones_and_askers_are_resolvers() -> None:
    resolvers: list[Resolver] = [WORLD, WORLD.as_asked_by("mx1")]
    assert {resolver.lookup("other.example", "MX").outcome for resolver in resolvers} == {"answer"}


def test_dnspython_is_loaded_when_there_is_a_record_to_read() -> None:
    program = """
import sys
import labkit, labkit.lookup, labkit.zones
zones = labkit.zones.Zones()
assert not [name for name in sys.modules if name.split(".")[0] in ("dns", "socket", "asyncio", "threading")]
zones.replace("a A 192.0.2.1")
assert "dns.rdata" in sys.modules
print(zones.lookup("a", "A"))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("a A: 192.0.2.1\n", "")
