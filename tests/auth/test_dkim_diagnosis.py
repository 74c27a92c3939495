"""Why a signature does not fit: the usual changes on the way are named, and nothing else is."""

from __future__ import annotations

import base64
import quopri

import pytest

from labkit.auth.dkim import lab_key, sign, verify
from labkit.verdict import Verdict
from labkit.zones import Zones

KEY = lab_key("ed25519")
DNS = Zones.from_text(KEY.zone_line("example.com", "s1"))
HEADER = b"From: Ann <ann@example.com>\r\nSubject: Hello\r\nTo: a@example.org,\r\n b@example.org\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
BODY = "Grüße!\r\n\r\nFrom here on:\r\n.dot\r\n--\r\nAnn\r\n".encode()


def changed(
    former: bytes, now: bytes, kind: str = "simple/simple", header: tuple[bytes, bytes] = (b"", b"")
) -> Verdict:
    """The verdict on a message whose body was `former` when it was signed and is `now`; `header`: old, new."""
    names = ["From", "Subject", "Subject", "To"]
    text = HEADER + former
    field = sign(text, domain="example.com", selector="s1", key=KEY, canonicalization=kind, headers=names)
    (verdict,) = verify(field + HEADER.replace(*header) + now if header[0] else field + HEADER + now, dns=DNS)
    assert verdict.result == "fail"
    return verdict


def causes(verdict: Verdict) -> list[str]:
    return [step.text for step in verdict.trace[-1].children]


@pytest.mark.parametrize("kind", ["simple/simple", "relaxed/relaxed"])
@pytest.mark.parametrize(
    ("former", "now", "words"),
    [
        (BODY, BODY.replace(b"\r\n", b"\n"), "Line ends were changed"),
        (BODY, BODY.replace(b".dot", b"..dot"), "Dots at the start of lines are doubled"),
        (BODY.replace(b".dot", b"..dot"), BODY, "Dots at the start of lines were lost"),
        (BODY, BODY.replace(b"\r\nFrom ", b"\r\n>From "), "got a > in front"),
        (BODY.decode().encode("latin-1"), BODY, "from iso-8859-1 to utf-8"),
        (BODY, BODY.decode().encode("latin-1"), "from utf-8 to iso-8859-1"),
        ("100 €\r\n".encode("cp1252"), "100 €\r\n".encode(), "from windows-1252 to utf-8"),
        (quopri.encodestring(BODY), BODY, "from quoted-printable"),
        (base64.encodebytes(BODY).replace(b"\n", b"\r\n"), BODY, "from base64"),
        (BODY, BODY + b"-- \r\nSent by a list\r\n", "Text was added at the end: without these 21 octets"),
        (BODY, b"[EXTERNAL]\r\n" + BODY, "Text was added at the top: without these 12 octets"),
        (BODY, BODY.replace(b".dot", b"ad\r\n.dot"), "Text was added in the middle: without these 4 octets"),
        (b"", b"footer\r\n", "Text was added at the end: without these 8 octets"),
        (b"a\r\n" * 900, b"a\r\n" * 900 + b"footer\r\n", "Text was added at the end: without these 8 octets"),
        (b"a\r\n" * 900, b"banner\r\n" + b"a\r\n" * 900, "Text was added at the top: without these 8 octets"),
    ],
)
def test_bodies(former: bytes, now: bytes, words: str, kind: str) -> None:
    former = former.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    verdict = changed(former, now, kind)
    assert verdict.properties["reason"] == "body hash did not verify"
    (cause,) = causes(verdict)
    assert words in cause
    assert cause in verdict.explanation


@pytest.mark.parametrize(
    ("former", "now", "words"),
    [
        (BODY, BODY.replace(b"Ann\r\n", b"Ann \t\r\n"), "White space was added at the end of lines"),
        (BODY.replace(b"--", b"-- "), BODY, "line of two hyphens was lost"),
    ],
)
def test_white_space_under_simple(former: bytes, now: bytes, words: str) -> None:
    assert words in causes(changed(former, now))[0]


def test_added_text_is_the_evidence() -> None:
    verdict = changed(BODY, BODY + b"footer\r\nwith lines\r\n")
    (cause,) = verdict.trace[-1].children
    (place,) = cause.evidence
    assert place.end - place.start == len(b"footer\r\nwith lines\r\n")
    assert place.end == verdict.trace[-1].evidence[-1].end


@pytest.mark.parametrize(
    ("encoding", "now"),
    [
        ("quoted-printable", quopri.encodestring(b"Gr\xc3\xbc\xc3\x9fe\r\n")),
        ("base64", base64.b64encode(b"Gr\xc3\xbc\xc3\x9fe\r\n")),
    ],
)
def test_encodings_that_a_relay_chose(encoding: str, now: bytes) -> None:
    verdict = changed(b"Gr\xc3\xbc\xc3\x9fe\r\n", now + b"\r\n", header=(b"8bit", encoding.encode()))
    assert causes(verdict) == [f"The transfer encoding was changed to {encoding}: decoded, the hash fits."]


@pytest.mark.parametrize("kind", ["simple/simple", "relaxed/relaxed"])
@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"Subject: Hello", b"Subject: [list] Hello", "A mark in brackets was put into the Subject"),
        (b"Subject: Hello\r\n", b"Subject: Hello\r\nSubject: You won\r\n", "A field Subject was added"),
        (b"Subject: Hello\r\n", b"Subject: You won\r\nSubject: Hello\r\n", "A field Subject was added"),
    ],
)
def test_headers(old: bytes, new: bytes, words: str, kind: str) -> None:
    verdict = changed(BODY, BODY, kind, (old, new))
    assert verdict.properties["reason"] == "signature did not verify"
    assert words in causes(verdict)[0]


def test_headers_under_simple() -> None:
    assert "ends with CR LF" in causes(changed(BODY, BODY, header=(b",\r\n b", b",\n b")))[0]
    text = HEADER.replace(b",\r\n b", b", b") + BODY
    field = sign(
        text,
        domain="example.com",
        selector="s1",
        key=KEY,
        canonicalization="simple/simple",
        headers=["From", "To"],
    )
    (verdict,) = verify(field + HEADER + BODY, dns=DNS)
    assert "The field To was folded anew" in causes(verdict)[0]


def test_what_is_not_known_is_not_said() -> None:
    assert causes(changed(BODY, BODY.replace(b"Ann", b"Bob"))) == []
    assert causes(changed(BODY, BODY, header=(b"Hello", b"Help"))) == []
    assert causes(changed(BODY, BODY + b"x" * (1 << 17) + b"\r\n")) == []


def test_another_canonicalization_than_the_field_says() -> None:
    text = HEADER + b"a  b\r\n"
    field = sign(text, domain="example.com", selector="s1", key=KEY, canonicalization="relaxed/relaxed")
    (verdict,) = verify(field.replace(b"relaxed/relaxed", b"relaxed/simple") + text, dns=DNS)
    assert "It fits under relaxed" in causes(verdict)[0]
