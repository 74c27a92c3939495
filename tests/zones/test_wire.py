"""Queries in DNS's own format: octets in, octets out, without a network."""

from __future__ import annotations

import struct

import dns.edns
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import pytest
from dns.message import Message
from hypothesis import given
from hypothesis import strategies as st

from labkit.zones import Zones
from labkit.zones.wire import LARGEST_UDP, Carrier, answer

from .strategies import NAMES, TYPES, zone_texts

TEXT = (
    """
$TTL 3600
$ORIGIN receiver.example.
@        7200 SOA ns postmaster 2026010500 7200 900 1209600 300
@             MX 10 mx
mx       60   A 192.0.2.25
www      90   CNAME out.other.example.
round         CNAME round
*.wild        A 192.0.2.99
big           TXT """
    + " ".join(f'"{n:0>200}"' for n in range(10))
    + "\nhuge          TXT "
    + " ".join(f'"{n:0>250}"' for n in range(30))
    + "\n"
    + "\n".join(f'vast TXT "{n:0>250}"' for n in range(300))
    + """
$ORIGIN other.example.
@ MX 0 .
out 30 A 192.0.2.80
"""
)
ZONES = Zones.from_text(TEXT)


def ask(name: str, rdtype: str, carrier: Carrier = "UDP", zones: Zones = ZONES, **options: object) -> Message:
    query = dns.message.make_query(name, rdtype, **options)  # type: ignore[arg-type]
    octets = answer(zones, query.to_wire(), carrier)
    assert octets is not None
    response = dns.message.from_wire(octets)
    assert query.is_response(response)
    return response


def answers(response: Message) -> list[str]:
    return [str(rrset) for rrset in response.answer]


def test_an_answer_is_authoritative() -> None:
    response = ask("mx.receiver.example", "A")
    assert answers(response) == ["mx.receiver.example. 60 IN A 192.0.2.25"]
    assert response.flags == dns.flags.QR | dns.flags.AA | dns.flags.RD | dns.flags.RA
    assert (response.authority, response.additional, response.edns) == ([], [], -1)


def test_the_name_is_spelt_as_in_the_question() -> None:
    assert answers(ask("mX.rEceiver.eXample", "A")) == ["mX.rEceiver.eXample. 60 IN A 192.0.2.25"]


def test_aliases_and_wildcards() -> None:
    assert answers(ask("www.receiver.example", "A")) == [
        "www.receiver.example. 90 IN CNAME out.other.example.",
        "out.other.example. 30 IN A 192.0.2.80",
    ]
    assert answers(ask("a.b.wild.receiver.example", "A")) == [
        "a.b.wild.receiver.example. 3600 IN A 192.0.2.99"
    ]
    negative = ask("www.receiver.example", "MX")
    assert len(negative.answer) == 1
    assert str(negative.authority[0].name) == "other.example."


def test_none_comes_with_the_soa() -> None:
    soa = "receiver.example. 300 IN SOA ns.receiver.example. postmaster.receiver.example. 2026010500 7200 900 1209600 300"
    nodata, nxdomain = ask("mx.receiver.example", "AAAA"), ask("nobody.receiver.example", "A")
    assert (nodata.rcode(), nxdomain.rcode()) == (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)
    for response in (nodata, nxdomain):
        assert [str(rrset) for rrset in response.authority] == [soa]
        assert response.flags & dns.flags.AA


@pytest.mark.parametrize(
    ("name", "apex"),
    [("nobody.other.example", "other.example."), ("example", "."), ("nothing.test", "."), (".", ".")],
)
def test_a_zone_without_soa_gets_one(name: str, apex: str) -> None:
    (rrset,) = ask(name, "A").authority
    assert (str(rrset.name), rrset.ttl, rrset.rdtype) == (apex, 60, dns.rdatatype.SOA)


def test_any_is_all() -> None:
    assert {rrset.rdtype.name for rrset in ask("receiver.example", "ANY").answer} == {"SOA", "MX"}


def test_failures() -> None:
    zones = Zones.from_text(TEXT)
    assert ask("round.receiver.example", "A").rcode() == dns.rcode.SERVFAIL
    (error,) = ask("round.receiver.example", "A", use_edns=0).options
    assert isinstance(error, dns.edns.EDEOption)
    assert error.text is not None
    assert error.text.endswith("the aliases lead in a circle (RFC 1034 section 3.6.2)")
    for outcome, rcode in (("servfail", "SERVFAIL"), ("nxdomain", "NXDOMAIN"), ("nodata", "NOERROR")):
        with zones.fault("mx.receiver.example", "A", outcome):  # type: ignore[arg-type]
            response = ask("mx.receiver.example", "A", zones=zones)
            assert (response.rcode(), response.answer) == (dns.rcode.from_text(rcode), [])
    with zones.fault("mx.receiver.example", "A", "timeout"):
        query = dns.message.make_query("mx.receiver.example", "A").to_wire()
        assert answer(zones, query, "UDP") is None


def test_other_classes_and_zone_transfers_are_refused() -> None:
    for query in (
        dns.message.make_query("version.bind", "TXT", "CH"),
        dns.message.make_query("receiver.example", "MX", "ANY"),
        dns.message.make_query("receiver.example", "AXFR"),
        dns.message.make_query("receiver.example", "TYPE250"),
    ):
        octets = answer(ZONES, query.to_wire(), "TCP")
        assert octets is not None
        assert dns.message.from_wire(octets).rcode() == dns.rcode.REFUSED


def test_truncation_over_udp_by_what_the_client_takes() -> None:
    """The answer of big has about 2,050 octets, that of huge about 7,600."""
    for options, fits in (
        ({}, False),
        ({"payload": 100}, False),
        ({"payload": 1232}, False),
        ({"payload": 2000}, False),
        ({"payload": 2400}, True),
        ({"payload": 65535}, True),
    ):
        response = ask("big.receiver.example", "TXT", **options)
        assert bool(response.flags & dns.flags.TC) is not fits
        assert len(response.answer) == fits
        assert response.flags & dns.flags.AA
        assert response.edns == (0 if options else -1)
    assert ask("huge.receiver.example", "TXT", payload=65535).flags & dns.flags.TC
    assert not ask("huge.receiver.example", "TXT", "TCP").flags & dns.flags.TC


def test_what_is_too_big_even_for_tcp() -> None:
    assert ask("vast.receiver.example", "TXT", payload=65535).flags & dns.flags.TC
    response = ask("vast.receiver.example", "TXT", "TCP", use_edns=0)
    assert (response.rcode(), response.flags & dns.flags.TC) == (dns.rcode.SERVFAIL, 0)
    assert isinstance(response.options[0], dns.edns.EDEOption)


def test_edns() -> None:
    response = ask("mx.receiver.example", "A", use_edns=0, ednsflags=dns.flags.DO)
    assert (response.edns, response.payload, response.ednsflags) == (0, LARGEST_UDP, dns.flags.DO)
    newer = ask("mx.receiver.example", "A", use_edns=1)
    assert (newer.rcode(), newer.edns, newer.answer) == (dns.rcode.BADVERS, 0, [])
    cookie = dns.edns.CookieOption(b"12345678", b"")
    assert len(ask("mx.receiver.example", "A", use_edns=0, options=[cookie]).answer) == 1


HEADER = struct.Struct("!6H")
QUESTION = b"\x02mx\x08receiver\x07example\x00\x00\x01\x00\x01"


@pytest.mark.parametrize(
    ("octets", "rcode"),
    [
        (HEADER.pack(7, 0x0100, 1, 0, 0, 0) + QUESTION, dns.rcode.NOERROR),
        (HEADER.pack(7, 0x0100, 1, 0, 0, 0), dns.rcode.FORMERR),
        (HEADER.pack(7, 0x0100, 0, 0, 0, 0), dns.rcode.FORMERR),
        (HEADER.pack(7, 0x0100, 2, 0, 0, 0) + QUESTION * 2, dns.rcode.FORMERR),
        (HEADER.pack(7, 0x0100, 1, 0, 0, 0) + QUESTION + b"x", dns.rcode.FORMERR),
        (HEADER.pack(7, 0x0100, 1, 0, 0, 0) + QUESTION[:-1], dns.rcode.FORMERR),
        (HEADER.pack(7, 0x0100, 1, 0, 0, 0) + b"\xc0\x0c\x00\x01\x00\x01", dns.rcode.FORMERR),
        (HEADER.pack(7, 0x2000, 1, 0, 0, 0) + QUESTION, dns.rcode.NOTIMP),
        (HEADER.pack(7, 0x2800, 1, 0, 0, 0) + QUESTION, dns.rcode.NOTIMP),
    ],
)
def test_garbage(octets: bytes, rcode: dns.rcode.Rcode) -> None:
    response = answer(ZONES, octets, "UDP")
    assert response is not None
    number, flags, *_ = HEADER.unpack_from(response)
    assert (number, flags & 0x8000, flags & 0xF) == (7, 0x8000, rcode)
    assert flags & 0x7800 == HEADER.unpack_from(octets)[1] & 0x7800
    dns.message.from_wire(response)


def test_silence() -> None:
    assert answer(ZONES, b"", "UDP") is None
    assert answer(ZONES, b"\0" * 11, "UDP") is None
    response = HEADER.pack(7, 0x8000, 1, 0, 0, 0) + QUESTION
    assert answer(ZONES, response, "UDP") is None


def test_the_log_says_who() -> None:
    zones = Zones.from_text(TEXT)
    ask("mx.receiver.example", "A", zones=zones)
    ask("Nobody.receiver.example", "TYPE65280", "TCP", zones=zones)
    assert str(zones.log).splitlines() == [
        "1. outside program asked for mx.receiver.example A: 192.0.2.25 (query over UDP)",
        "2. outside program asked for Nobody.receiver.example TYPE65280: nxdomain (query over TCP)",
    ]


@given(zone_texts(), NAMES, st.sampled_from(TYPES))
def test_the_wire_says_what_a_lookup_says(text: str, name: str, rdtype: str) -> None:
    zones = Zones.from_text(text)
    lookup, response = zones.lookup(name, rdtype), ask(name, rdtype, "TCP", zones)
    expected = {"nxdomain": dns.rcode.NXDOMAIN, "servfail": dns.rcode.SERVFAIL}
    assert response.rcode() == expected.get(lookup.outcome, dns.rcode.NOERROR)
    if lookup.outcome == "answer":
        *aliases, last = response.answer
        assert set(last) == set(lookup.records)
        assert len(aliases) == len(lookup.aliases)
    assert len(response.authority) == (lookup.outcome in ("nodata", "nxdomain"))


QUERY = dns.message.make_query("mx.receiver.example", "A", use_edns=0, payload=1232).to_wire()


def check_any_octets(octets: bytes) -> None:
    for carrier in ("UDP", "TCP"):
        response = answer(ZONES, octets, carrier)  # type: ignore[arg-type]
        if response is not None:
            assert response[:2] == octets[:2]
            dns.message.from_wire(response)


@given(st.binary(max_size=80))
def test_any_octets(octets: bytes) -> None:
    check_any_octets(octets)


@given(st.binary(max_size=60), st.integers(0, 3), st.sampled_from([0, 0x0100, 0x0120]))
def test_any_octets_after_a_header(octets: bytes, count: int, flags: int) -> None:
    check_any_octets(HEADER.pack(7, flags, count, 0, 0, count % 2) + octets)


@given(
    st.lists(st.tuples(st.integers(0, len(QUERY) - 1), st.integers(0, 255)), max_size=6),
    st.integers(0, len(QUERY)),
)
def test_any_damage_to_a_query(changes: list[tuple[int, int]], end: int) -> None:
    octets = bytearray(QUERY)
    for place, value in changes:
        octets[place] = value
    check_any_octets(bytes(octets))
    check_any_octets(bytes(octets[:end]))
