"""DKIM signatures, checked: each reason to refuse, each tag of a key record, several signatures, and what sign does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from labkit.auth.dkim import KeyPair, lab_key, sign, signed_octets, verify
from labkit.verdict import Verdict
from labkit.zones import Zones

RSA, ED = lab_key("rsa"), lab_key("ed25519")
TEXT = b"From: Ann <ann@example.com>\r\nTo: bob@example.org\r\nSubject: Hello\r\n\r\nHi Bob.\r\n"


def zones(*records: str, rsa: bool = True) -> Zones:
    """The lab's two keys at s1 and s2 (or `records` in place of the one at s1)."""
    first = [RSA.record] if not records and rsa else list(records)
    lines = [RSA.zone_line("example.com", "s1", record) for record in first]
    return Zones.from_text("".join(lines) + ED.zone_line("example.com", "s2"))


def signed(text: bytes = TEXT, **options: Any) -> bytes:
    how: dict[str, Any] = {"domain": "example.com", "selector": "s1", "key": RSA} | options
    return sign(text, **how) + text


def check(message: bytes, *records: str, **options: Any) -> Verdict:
    (verdict,) = verify(message, dns=zones(*records), **options)
    return verdict


def told(verdict: Verdict) -> tuple[str, str | None, str]:
    return verdict.result, verdict.properties["reason"], verdict.trace[-1].rule.ref


@pytest.mark.parametrize("key", [RSA, ED, lab_key("rsa-1024")])
@pytest.mark.parametrize("kind", ["simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed"])
@pytest.mark.parametrize("length", [False, True, 3, 0])
def test_what_is_signed_verifies(key: KeyPair, kind: str, length: int) -> None:
    message = signed(key=key, canonicalization=kind, length=length)
    verdict = check(message, key.record)
    assert verdict.result == "pass", verdict
    assert verdict.properties["header.a"] == key.algorithm
    unsigned = 0 if length is True or length is False else 9 - length
    assert verdict.properties["unsigned_body_octets"] == unsigned


def test_properties() -> None:
    message = signed(identity="ann@mail.example.com")
    properties = check(message).properties
    value = message.partition(b"\tb=")[2][:8].decode()
    assert properties == {
        "header.d": "example.com",
        "header.s": "s1",
        "header.a": "rsa-sha256",
        "header.i": "ann@mail.example.com",
        "header.b": value,
        "reason": None,
        "testing": False,
        "unsigned_body_octets": 0,
    }
    assert check(signed()).properties["header.i"] == "@example.com"


@pytest.mark.parametrize(
    ("old", "new", "reason", "section"),
    [
        (b"v=1", b"v=2", "incompatible version", "3.5"),
        (b"v=1;", b"", "signature missing required tag", "3.5"),
        (b" d=example.com;", b"", "signature missing required tag", "3.5"),
        (b"rsa-sha256", b"rsa-md5", "unknown algorithm", "3.3"),
        (b"c=relaxed/relaxed", b"c=relaxed/loose", "signature syntax error", "3.5"),
        (b"c=relaxed/relaxed", b"c=relaxed/", "signature syntax error", "3.5"),
        (b"c=relaxed/relaxed", b"c=", "signature syntax error", "3.5"),
        (b"d=example.com", b"d=example", "signature syntax error", "3.5"),
        (b"d=example.com", b"d=exa mple.com", "signature syntax error", "3.5"),
        (b"d=example.com", b"d=", "signature syntax error", "3.5"),
        (b"s=s1", b"s=s1.", "signature syntax error", "3.5"),
        (b"s=s1", b"s=_s1", "signature syntax error", "3.5"),
        (b"h=From", b"h=From::", "signature syntax error", "3.5"),
        (b"h=From", b"h=Fr om:From", "signature syntax error", "3.5"),
        (b"h=From", b"h=Sender", "From field not signed", "5.4"),
        (b"bh=", b"bh=?", "signature syntax error", "3.5"),
        (b"s=s1;", b"s=s1; l=-1;", "signature syntax error", "3.5"),
        (b"s=s1;", b"s=s1; l=999;", "body shorter than l=", "3.5"),
        (b"s=s1;", b"s=s1; t=soon;", "signature syntax error", "3.5"),
        (b"s=s1;", b"s=s1; t=9; x=9;", "signature syntax error", "3.5"),
        (b"s=s1;", b"s=s1; q=http;", "signature syntax error", "3.5"),
        (b"s=s1;", b"s=s1; i=example.com;", "signature syntax error", "3.5"),
        (b"s=s1;", b"s=s1; i=@notexample.com;", "domain mismatch", "3.5"),
        (b"s=s1;", b"s=s1; i=@mail.org;", "domain mismatch", "3.5"),
        (b"s=s1;", b"s=s1; i=@.example.com;", "signature syntax error", "3.5"),
        (b"s=s1;", b"s=s1;;", "signature syntax error", "3.2"),
        (b"s=s1;", b"s=s1; s=s1;", "signature syntax error", "3.2"),
        (b"s=s1;", b"s=s1; nonsense;", "signature syntax error", "3.2"),
    ],
)
def test_signatures_that_are_refused(old: bytes, new: bytes, reason: str, section: str) -> None:
    message = signed()
    assert old in message
    verdict = check(message.replace(old, new, 1))
    assert told(verdict) == ("permerror", reason, f"RFC 6376 section {section}")


def test_sha1_is_refused() -> None:
    verdict = check(signed().replace(b"rsa-sha256", b"rsa-sha1", 1))
    assert told(verdict) == ("permerror", "algorithm no longer allowed", "RFC 8301 section 3.1")


@pytest.mark.parametrize(
    ("record", "reason", "ref"),
    [
        ("", "key syntax error", "RFC 6376 section 6.1.2"),
        ("v=DKIM1; k=rsa", "key syntax error", "RFC 6376 section 6.1.2"),
        ("k=rsa; v=DKIM1; p=AAAA", "key syntax error", "RFC 6376 section 3.6.1"),
        ("v=DKIM2; p=AAAA", "key syntax error", "RFC 6376 section 3.6.1"),
        ("v=DKIM1; p=AAAA", "key syntax error", "RFC 6376 section 6.1.2"),
        ("v=DKIM1; p=not base64!", "key syntax error", "RFC 6376 section 6.1.2"),
        ("v=DKIM1; k=rsa; p=", "key revoked", "RFC 6376 section 3.6.1"),
        ("v=DKIM1; k=ed25519; p=AAAA", "key syntax error", "RFC 8463 section 4"),
        (RSA.record + "; p=x", "key syntax error", "RFC 6376 section 6.1.2"),
        (ED.record, "inappropriate key algorithm", "RFC 6376 section 6.1.2"),
        (RSA.record.replace("k=rsa", "k=dsa"), "inappropriate key algorithm", "RFC 6376 section 6.1.2"),
        (RSA.record + "; h=sha1", "inappropriate hash algorithm", "RFC 6376 section 6.1.2"),
        (RSA.record + "; s=tlsrpt", "inapplicable key", "RFC 6376 section 3.6.1"),
        (lab_key("rsa-512").record, "key too short", "RFC 8301 section 3.2"),
    ],
)
def test_key_records_that_are_refused(record: str, reason: str, ref: str) -> None:
    assert told(check(signed(), record)) == ("permerror", reason, ref)


@pytest.mark.parametrize(
    "record",
    [
        RSA.record.removeprefix("v=DKIM1; "),
        RSA.record.replace("k=rsa; ", ""),
        RSA.record + "; h=sha1 : sha256; s=tlsrpt:email; t=s; n=a note; later=extension;",
        RSA.record + "; s=*",
        RSA.record[:90] + "  " + RSA.record[90:],
    ],
)
def test_key_records_that_are_good(record: str) -> None:
    assert check(signed(), record).result == "pass"


def test_an_rsa_key_may_stand_without_its_wrapping() -> None:
    from base64 import b64encode

    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    private: Any = RSA.private
    der = private.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
    assert check(signed(), f"v=DKIM1; p={b64encode(der).decode()}").result == "pass"


def test_flags() -> None:
    message = signed(identity="ann@mail.example.com")
    assert check(message).result == "pass"
    verdict = check(message, RSA.record + "; t=s")
    assert told(verdict) == ("permerror", "domain mismatch", "RFC 6376 section 3.6.1")
    verdict = check(message, RSA.record + "; t=y")
    assert verdict.properties["testing"] is True
    assert "testing" in verdict.explanation


@pytest.mark.parametrize(("outcome", "result"), [("timeout", "temperror"), ("servfail", "temperror")])
def test_no_answer(outcome: Any, result: str) -> None:
    dns = zones()
    dns.fault("s1._domainkey.example.com", "TXT", outcome)
    (verdict,) = verify(signed(), dns=dns)
    assert told(verdict) == (result, "key unavailable", "RFC 6376 section 6.1.2")
    assert verdict.trace[-1].lookup is not None


def test_no_key() -> None:
    (verdict,) = verify(signed(), dns=Zones.from_text("s1._domainkey.example.com. A 192.0.2.1\n"))
    assert told(verdict)[:2] == ("permerror", "no key for signature")
    assert "nodata" in verdict.explanation


def test_several_records_are_tried_in_turn() -> None:
    other = lab_key("rsa-next").record
    assert check(signed(), "v=spf1 -all", other, RSA.record).result == "pass"
    assert told(check(signed(), other, "v=spf1 -all"))[:2] == ("fail", "signature did not verify")
    assert told(check(signed(), "v=spf1 -all", "v=DKIM1; p="))[:2] == ("permerror", "key revoked")


def test_times() -> None:
    message = signed(time=datetime(2026, 3, 2, tzinfo=UTC), expires=1_772_500_000)
    assert check(message).result == "pass"
    assert check(message, now=1_772_500_000).result == "pass"
    verdict = check(message, now=datetime.fromtimestamp(1_772_500_002, UTC))
    assert told(verdict) == ("permerror", "signature expired", "RFC 6376 section 3.5")
    assert "2 seconds" in verdict.explanation
    early = check(message, now=5)
    assert early.result == "pass"
    assert any("a clock is wrong" in step.text for step in early.trace)


def test_several_signatures_and_their_limit() -> None:
    both = sign(TEXT, domain="example.com", selector="s2", key=ED) + signed()
    assert [verdict.properties["header.a"] for verdict in verify(both, dns=zones())] == [
        "ed25519-sha256",
        "rsa-sha256",
    ]
    assert {verdict.result for verdict in verify(both, dns=zones())} == {"pass"}
    field = sign(TEXT, domain="example.com", selector="s2", key=ED)
    many = verify(field * 18 + TEXT, dns=zones())
    assert [verdict.result for verdict in many] == ["pass"] * 16 + ["policy"] * 2
    assert verify(TEXT, dns=zones()) == ()


def test_a_signature_may_cover_another_one_but_never_itself() -> None:
    first = signed()
    message = (
        sign(first, domain="example.com", selector="s2", key=ED, headers=["From", "DKIM-Signature"] * 2)
        + first
    )
    assert [verdict.result for verdict in verify(message, dns=zones())] == ["pass", "pass"]
    changed = message.replace(b"s=s1;", b" s=s1;", 1)
    assert [verdict.result for verdict in verify(changed, dns=zones())] == ["pass", "pass"]  # relaxed
    changed = message.replace(b"s=s1;", b"s=s1; t=1;", 1)
    assert [verdict.result for verdict in verify(changed, dns=zones())] == ["fail", "fail"]
    changed = message.replace(b"a=rsa-sha256", b"a=rsa-sha257", 1)
    assert [verdict.result for verdict in verify(changed, dns=zones())] == ["fail", "permerror"]


def test_internationalized_domain() -> None:
    """RFC 8616: U-labels in the field, A-labels in the question."""
    pair = lab_key("rsa")
    dns = Zones.from_text(pair.zone_line("xn--bcher-kva.example", "s1"))
    (verdict,) = verify(signed(domain="bücher.example"), dns=dns)
    assert verdict.result == "pass", verdict
    assert "s1._domainkey.xn--bcher-kva.example" in [step.inputs.get("name") for step in verdict.trace]


def test_the_same_message_is_signed_alike_each_time() -> None:
    assert signed() == signed()
    assert max(map(len, signed(headers=["From"] * 60).partition(b"\r\nFrom:")[0].split(b"\r\n"))) < 79


def test_usual_fields_are_signed_as_often_as_they_are_there() -> None:
    text = b"To: a@example.org\r\nReceived: x\r\nX-Mine: 1\r\n" + TEXT
    read = signed_octets(signed(text))
    assert [field.name for field in read.fields] == ["from", "subject", "to", "to", "dkim-signature"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"headers": ["To"]}, "From"),
        ({"domain": "example"}, "d="),
        ({"selector": "no selector"}, "s="),
        ({"selector": "s1; l=0"}, "semicolon"),
        ({"headers": ["From", "To\r\nX"]}, "line end"),
        ({"identity": "@other.example"}, "domain mismatch"),
        ({"canonicalization": "loose/relaxed"}, "simple and relaxed"),
        ({"length": 100}, "9 octets"),
        ({"time": 9, "expires": 8}, "x="),
        ({"key": lab_key("rsa-512")}, "1024"),
        ({"key": b"nothing"}, "deserialize|PEM"),
        ({"text": TEXT[2:]}, "From"),
        ({"text": TEXT.replace(b"\r\n", b"\n")}, "CR LF"),
        ({"text": TEXT + b"\r"}, "CR LF"),
    ],
)
def test_what_cannot_be_signed(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        signed(**options)


def test_keys() -> None:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    made = KeyPair.generate("ed25519-sha256")
    pem = made.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    assert KeyPair.of(pem.decode()) == KeyPair.of(pem)
    assert KeyPair.of(pem).record == KeyPair.of(made.private).record == made.record
    other: Any = generate_private_key(SECP256R1())
    with pytest.raises(ValueError, match="RSA or Ed25519"):
        KeyPair.of(other)
    with pytest.raises(ValueError, match="rsa-next"):
        lab_key("none")
    with pytest.raises(ValueError, match="ed25519-sha256"):
        KeyPair.generate("rsa-sha1")


def names_of(steps: Sequence[Any]) -> list[str]:
    return [step.rule.ref.removeprefix("RFC 6376 section ") for step in steps]


def test_the_trace_is_in_the_order_of_the_decisions() -> None:
    verdict = check(signed(identity="@example.com", time=1))
    assert names_of(verdict.trace) == [
        "3.5",
        "3.5",
        "5.4",
        "3.5",
        "3.6.2.1",
        "3.6.1",
        "6.1.3",
        "3.7",
        "6.1.3",
    ]


RFC_8463 = """\
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
"""
RFC_8463_ZONE = """\
brisbane._domainkey.football.example.com. TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
test._domainkey.football.example.com. TXT "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWR" \
"iGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutAC" \
"DfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
"""


def test_the_example_of_rfc_8463() -> None:
    """Appendix A.3: one message, an Ed25519 and an RSA signature that others made."""
    message = RFC_8463.replace("\n", "\r\n").encode()
    verdicts = verify(message, dns=Zones.from_text(RFC_8463_ZONE))
    assert [(verdict.result, verdict.properties["header.a"]) for verdict in verdicts] == [
        ("pass", "ed25519-sha256"),
        ("pass", "rsa-sha256"),
    ]


def test_a_file_with_other_line_ends_says_so() -> None:
    verdict = check(signed().replace(b"\r\n", b"\n"))
    assert told(verdict)[:2] == ("fail", "body hash did not verify")
    assert "Line ends were changed" in verdict.explanation


def test_cryptography_is_not_loaded_before_a_key_is() -> None:
    import subprocess
    import sys

    code = "import sys, labkit.auth.dkim; print('cryptography' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
