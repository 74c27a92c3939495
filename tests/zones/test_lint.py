"""Legal, but hardly meant."""

from __future__ import annotations

import pytest

from labkit.zones import Zones


def said(text: str, origin: str = "receiver.example") -> list[str]:
    return [str(one) for one in Zones.from_text(text, origin=origin).suspicious()]


def test_a_text_as_it_should_be() -> None:
    text = """
        @      MX 10 mx
        mx     A 192.0.2.25
        _dmarc TXT "v=DMARC1; p=none" ; a comment
        note   TXT word ; a comment
        $ORIGIN sender.example.
        @      MX 0 .
        example.example. A 192.0.2.1
        mx.mx  A 192.0.2.2
    """
    assert said(text) == []


def test_the_domain_written_twice() -> None:
    text = "_dmarc.receiver.example TXT x\n@ MX 10 mx.receiver.example\nwww CNAME receiver.example"
    zones = Zones.from_text(text, origin="receiver.example")
    assert [(one.line, one.name) for one in zones.suspicious()] == [
        (1, "_dmarc.receiver.example.receiver.example"),
        (2, "mx.receiver.example.receiver.example"),
        (3, "receiver.example.receiver.example"),
    ]
    assert "write `mx.receiver.example.`, or leave the domain out" in zones.suspicious()[1].text
    assert "was a final dot forgotten" in zones.lookup("_dmarc.receiver.example", "TXT").reason
    assert "forgotten" not in zones.lookup("_dmarc.receiver.example", "A").reason


def test_twice_by_hand_and_below_a_domain_of_one_label() -> None:
    assert len(said("a.receiver.example.receiver.example. A 192.0.2.1", origin=".")) == 1
    assert len(said("a.example A 192.0.2.1", origin="example")) == 1
    assert said("1.1.1.1.in-addr.arpa PTR a.", origin=".") == []


def test_at_the_domain_itself_the_hint_comes_with_nodata() -> None:
    zones = Zones.from_text("@ MX 10 mx\nreceiver.example TXT x", origin="receiver.example")
    lookup = zones.lookup("receiver.example", "TXT")
    assert lookup.outcome == "nodata"
    assert "receiver.example.receiver.example: was a final dot forgotten" in lookup.reason


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("@ MX 10 192.0.2.25", "`192.0.2.25` is an address"),
        ("@ MX 10 192.0.2.25.", "`192.0.2.25` is an address"),
        ("@ MX 10 mx\nmx CNAME a", "is an alias"),
        ("@ MX 0 .\n@ MX 10 mx", "null MX"),
        ("@ TXT v=spf1 mx -all", "each word is a string"),
        ("@ TXT v=DMARC1; p=none", "from the semicolon on is a comment"),
        ("$ORIGIN sender.example\n@ A 192.0.2.1", "means sender.example.receiver.example."),
    ],
)
def test_other_traps(text: str, says: str) -> None:
    (one,) = said(text)
    assert says in one
    assert one.startswith("line 1: ")


def test_lines_are_counted_as_the_reader_does() -> None:
    text = '@ TXT "\x0b\x0c\u2028"\r\n@ TXT a b\r@ TXT c d'
    assert [one[:7] for one in said(text)] == ["line 2:", "line 3:"]
