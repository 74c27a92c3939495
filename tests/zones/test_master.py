"""Master-file text: what is read, and what is said about a line that cannot be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.zones import ZoneError, Zones


def written(text: str, **options: object) -> list[str]:
    return [str(record) for record in Zones.from_text(text, **options).records]  # type: ignore[arg-type]


def test_several_origins_ttls_and_blank_owners() -> None:
    text = """\
receiver.example      MX 10 mx.receiver.example   ; under the root every name is absolute
                      MX 20 mx2.receiver.example
$ORIGIN receiver.example.
@       300 IN        TXT "v=spf1 mx -all"
mx      IN 60         A 192.0.2.25
$TTL 2h
*                     A 192.0.2.99
$ORIGIN sub
mx                    A 192.0.2.26
$ORIGIN sender.example.
@                     MX 0 .
"""
    assert written(text) == [
        "receiver.example. 3600 MX 10 mx.receiver.example.",
        "receiver.example. 3600 MX 20 mx2.receiver.example.",
        'receiver.example. 300 TXT "v=spf1 mx -all"',
        "mx.receiver.example. 60 A 192.0.2.25",
        "*.receiver.example. 7200 A 192.0.2.99",
        "mx.sub.receiver.example. 7200 A 192.0.2.26",
        "sender.example. 7200 MX 0 .",
    ]
    assert [record.line for record in Zones.from_text(text).records] == [1, 2, 4, 5, 7, 9, 11]


def test_origin_and_ttl_as_arguments() -> None:
    assert written("mx A 192.0.2.1", origin="receiver.example", ttl=60) == [
        "mx.receiver.example. 60 A 192.0.2.1"
    ]
    with pytest.raises(ValueError, match="two dots"):
        Zones.from_text("", origin=".").fault("a..b", None, "timeout")


def test_a_ttl_that_was_stated_holds_on_until_another_one() -> None:
    assert written("a 60 A 192.0.2.1\nb A 192.0.2.2\n$TTL 5\nc A 192.0.2.3")[1:] == [
        "b. 60 A 192.0.2.2",
        "c. 5 A 192.0.2.3",
    ]


def test_a_text_indented_as_a_whole() -> None:
    indented = """
        receiver.example. MX 10 mx
                          MX 20 mx2

        mx A 192.0.2.1
    """
    assert [(record.line, str(record.owner)) for record in Zones.from_text(indented).records] == [
        (2, "receiver.example."),
        (3, "receiver.example."),
        (5, "mx."),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(end: str) -> None:
    text = end.join(["; one", "", "a TXT ( one", ' "two"', " ) ; three", "b A 192.0.2.1"])
    assert [(r.line, r.last_line) for r in Zones.from_text(text).records] == [(3, 5), (6, 6)]


def test_several_lines_in_parentheses() -> None:
    text = (
        'key._domainkey.a.example. TXT ( "v=DKIM1; p=MIIB"\n  "IjAN" ) ; a comment\nb.example. A 192.0.2.1\n'
    )
    first, second = Zones.from_text(text).records
    assert first.rdata.strings == (b"v=DKIM1; p=MIIB", b"IjAN")  # type: ignore[attr-defined]
    assert (first.line, first.last_line, second.line, second.last_line) == (1, 2, 3, 3)


def test_strings_are_octets() -> None:
    text = 'a TXT "ä" "\\195\\164" "\\000\\255" "" "a\\"b" plain'
    (record,) = Zones.from_text(text).records
    assert record.rdata.strings == (b"\xc3\xa4", b"\xc3\xa4", b"\x00\xff", b"", b'a"b', b"plain")  # type: ignore[attr-defined]


def test_names_beyond_ascii_become_a_labels() -> None:
    text = "_dmarc.bücher.example. TXT x\nfaß.example. MX 5 mx.BÜCHER.example."
    assert written(text) == [
        '_dmarc.xn--bcher-kva.example. 3600 TXT "x"',
        "xn--fa-hia.example. 3600 MX 5 mx.xn--bcher-kva.example.",
    ]


def test_any_type_that_dnspython_knows() -> None:
    text = """
        _25._tcp.mx.a. TLSA 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
        a. CAA 0 issue "ca.example"
        a. TYPE65280 \\# 4 01020304
        a. SPF "v=spf1 -all"
        _submission._tcp.a. SRV 0 1 587 mail.a.
    """
    assert len(written(text)) == 5


def test_a_repeated_record_counts_once() -> None:
    zones = Zones.from_text("a 60 A 192.0.2.1\nA 30 A 192.0.2.2\na 90 A 192.0.2.1")
    assert len(zones.records) == 2
    assert len(zones.lookup("a", "A").records) == 2


ERRORS = {
    "a MX mx.receiver.example.": (1, "data of this MX", "MX 10 mx.receiver.example."),
    "\n\na A 192.0.2.300": (3, "data of this A record", "192.0.2.25"),
    "a AAAA 192.0.2.3": (1, "AAAA", "2001:db8::25"),
    "a A": (1, "data of this A", "Write it like this"),
    "a A 192.0.2.1 192.0.2.2": (1, "data of this A", "Write it like this"),
    "a": (1, "before it has named a type", "name, TTL if any, IN if you like, type, data"),
    "a IN": (1, "before it has named a type", "this order"),
    "MX 10 mx.receiver.example.": (1, "`mx.receiver.example.` is no record type", "this order"),
    "a MMX 10 mx": (1, "`MMX` is no record type", "this order"),
    "a 99999999999 A 192.0.2.1": (1, "`99999999999` is no record type", "this order"),
    "a CH TXT x": (1, "class is CH", "IN or nothing"),
    "a IN CH TXT x": (1, "`CH` is no record type", "this order"),
    "a ANY x": (1, "class is ANY", "IN or nothing"),
    "a AXFR x": (1, "AXFR exists in questions", "out"),
    "a DNAME b": (1, "DNAME", "CNAME"),
    "   MX 10 mx\nmx A 192.0.2.1": (1, "begins with a space", "name itself"),
    '"a" A 192.0.2.1': (1, "quoted string", "this order"),
    'a TXT "one\ntwo"': (1, "goes on past the end of its line", "parentheses"),
    'a TXT "one': (1, "ends in the middle", "quotation mark"),
    "a TXT one\\": (1, "ends in the middle", "backslash"),
    "a TXT ( one\nb A 192.0.2.1": (1, "not closed", ")"),
    "a TXT one )": (1, "data of this TXT", "Write it like this"),
    ") a TXT one": (1, "master-file", "opening"),
    "a TXT " + "x" * 256: (1, "255 octets", '"first part" "second part"'),
    "x" * 64 + " A 192.0.2.1": (1, "63 octets", "Write it"),
    "a..b A 192.0.2.1": (1, "between two dots", "Write it"),
    ".".join(["x" * 63] * 4) + " A 192.0.2.1": (1, "255 octets", "Write it"),
    "a\\999 A 192.0.2.1": (1, "three digits", "Write it"),
    "☃.example A 192.0.2.1": (1, "IDNA 2008", "Write it"),
    "a MX 10 b..c": (1, "between two dots", "MX 10 mx.receiver.example."),
    "$ORIGIN": (1, "one word", "$ORIGIN receiver.example."),
    "$ORIGIN a b": (1, "one word", "$ORIGIN receiver.example."),
    "$origin a..b": (1, "two dots", "Write it"),
    "$TTL long": (1, "`long` is no TTL", "$TTL 3600"),
    "$INCLUDE other": (1, "$INCLUDE", "Paste"),
    "$GENERATE 1-9 a$ A 192.0.2.$": (1, "$GENERATE", "Write the records out"),
    "a CNAME b\n\na A 192.0.2.1": (3, "CNAME and other records, see line 1", "stands alone"),
    "a A 192.0.2.1\nA CNAME b": (2, "CNAME and other records, see line 1", "stands alone"),
    "a CNAME b\na CNAME c": (2, "CNAME record already, on line 1", "one only"),
    "a SOA b c 1 2 3 4 5\n   SOA b c 2 2 3 4 5": (2, "SOA record already, on line 1", "one only"),
    "a SOA b c 1 2 3 4 5\na SOA b c 2 2 3 4 5": (2, "SOA record already, on line 1", "one only"),
    "a TYPE1 \\# 3 010203": (1, "data of this A", "Write it"),
}


@pytest.mark.parametrize("text", ERRORS)
def test_errors_name_line_reason_and_advice(text: str) -> None:
    line, reason, advice = ERRORS[text]
    with pytest.raises(ZoneError) as caught:
        Zones.from_text(text)
    assert caught.value.line == line
    assert reason in caught.value.reason
    assert advice in caught.value.advice
    assert str(caught.value) == f"line {line} of the zone text: {caught.value.reason} {caught.value.advice}"


def test_a_signature_may_stand_beside_an_alias() -> None:
    rrsig = "RRSIG CNAME 8 2 60 20300101000000 20200101000000 1 a. AAAA"
    assert len(Zones.from_text(f"a CNAME b\na {rrsig}").records) == 2


@given(st.text() | st.text(alphabet='a.$@;()" \\\t\n\r01INMXATORGL*é\0'))
def test_any_text_is_read_or_refused_with_a_line(text: str) -> None:
    try:
        Zones.from_text(text)
    except ZoneError as error:
        line = error.line
    else:
        line = 1
    assert 1 <= line <= text.count("\n") + text.count("\r") + 1


WORDS = st.sampled_from(
    [
        "a", "b.a.", "@", "*", "IN", "60", "MX", "A", "TXT", "CNAME", "SOA", "10", "192.0.2.1", '"x"',
        '"', "(", ")", ";", "$ORIGIN", "$TTL", "\\#", "1", "TYPE9", "é.b", "-1", "RRSIG", "NSEC", "CAA",
        "LOC", "\\", "..", " ", "\n", "\n",
    ]
)  # fmt: skip


@given(st.lists(WORDS).map(" ".join) | st.lists(WORDS).map("".join))
def test_any_words_are_read_or_refused_with_a_line(text: str) -> None:
    try:
        zones = Zones.from_text(text)
    except ZoneError:
        return
    zones.suspicious()
    for record in zones.records:
        assert record.rdata in zones.lookup(str(record.owner), record.rdtype.name).records
