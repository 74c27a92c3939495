"""All three checks on one message: verdicts, field, and evidence that leads to the very octets."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

import labkit.auth
from labkit.auth import authenticate
from labkit.auth.authres import parse
from labkit.auth.dkim import lab_key, sign
from labkit.auth.session_octets import LineOctets, octets_of
from labkit.message import header_fields
from labkit.smtp.transcript import Transcript
from labkit.verdict import Evidence, Verdict
from labkit.zones import Zones

KEY = lab_key("ed25519")
ZONE = f"""
sender.example. TXT "v=spf1 ip4:192.0.2.1 -all"
_dmarc.sender.example. TXT "v=DMARC1; p=reject; rua=mailto:d@sender.example"
_dmarc.other.example. TXT "v=DMARC1; p=quarantine"
bounce.sender.example. TXT "v=spf1 ip4:192.0.2.1 -all"
relay.sender.example. TXT "v=spf1 ip4:192.0.2.1 -all"
{KEY.zone_line("sender.example", "s1")}
"""
MESSAGE = b"From: Alice <alice@sender.example>\r\nTo: bob@receiver.example\r\nSubject: hello\r\n\r\nHello\r\n"


@pytest.fixture
def dns() -> Zones:
    return Zones.from_text(ZONE)


def signed(message: bytes) -> bytes:
    return sign(message, domain="sender.example", selector="s1", key=KEY) + message


def test_all_three_pass(dns: Zones) -> None:
    found = authenticate(
        signed(MESSAGE),
        ip="192.0.2.1",
        helo="relay.sender.example",
        mail_from="alice@sender.example",
        dns=dns,
    )
    assert [found.spf.result, *(one.result for one in found.dkim), found.dmarc.result] == ["pass"] * 3
    assert found.dmarc.properties["aligned"] == ("spf", "dkim")
    field = parse(found.header.partition(":")[2])
    assert field == found.results
    assert [(one.method, one.result) for one in field.results] == [
        ("spf", "pass"), ("dkim", "pass"), ("dmarc", "pass"),
    ]  # fmt: skip
    assert field.results[0].get("smtp", "mailfrom") == "sender.example"
    assert field.results[1].get("header", "d") == "sender.example"
    assert field.results[2].get("header", "from") == "sender.example"
    assert [line.name for line in header_fields(found.header.encode() + MESSAGE)][:2] == [
        "Authentication-Results",
        "From",
    ]


def test_null_reverse_path_and_no_signature(dns: Zones) -> None:
    """HELO is checked, and counts for DMARC (RFC 7208 section 2.4)."""
    found = authenticate(MESSAGE, ip="192.0.2.1", helo="relay.sender.example", mail_from="", dns=dns)
    assert (found.spf.result, found.dkim, found.dmarc.result) == ("pass", (), "pass")
    assert "spf=pass smtp.helo=relay.sender.example;" in found.header
    assert "dkim=none;" in found.header
    assert found.dmarc.trace[-1].evidence[-1] == Evidence("helo", 0, 20)


def test_a_forwarder_and_a_footer(dns: Zones) -> None:
    """SPF passes for the forwarder, the body was changed: fail, and the policy stands in the field."""
    found = authenticate(
        signed(MESSAGE) + b"-- \r\nlist footer\r\n", ip="203.0.113.9", helo="forward.example",
        mail_from="alice@sender.example", dns=dns, authserv_id="mx.receiver.example",
    )  # fmt: skip
    assert (found.spf.result, found.dkim[0].result, found.dmarc.result) == ("fail", "fail", "fail")
    assert found.dmarc.properties["disposition"] == "reject"
    assert "policy.dmarc=reject" in found.header
    assert found.header.startswith("Authentication-Results: mx.receiver.example;\r\n\tspf=fail")
    assert str(found).count("\n") == 2


def test_the_name_authenticate_is_loaded_late() -> None:
    assert labkit.auth.authenticate is authenticate
    with pytest.raises(AttributeError, match="nothing"):
        _ = labkit.auth.nothing


def used(verdict: Verdict, message: bytes, mail_from: str) -> list[bytes]:
    """The octets that the last step points to."""
    sources = {"message": message, "mail_from": mail_from.encode()}
    return [
        sources[item.source][item.start : item.end]
        for item in verdict.trace[-1].evidence
        if item.source in sources
    ]


def random_message(dice: random.Random, domain: str) -> bytes:
    """A message in which the author's domain stands elsewhere too, before and behind the From field."""
    decoys = [
        f"To: bob@{domain}", f"Subject: {domain} and <x@{domain}>", f"Reply-To: {domain} <r@{domain}>",
        f"Sender: s@{domain}", f"X-From: a@{domain}", f"References: <1@{domain}>",
        f"DKIM-Signature: v=1; d={domain}; s=x", f"List-Id: {domain}",
    ]  # fmt: skip
    name = dice.choice(["", f'"x@{domain}" ', f"({domain}) ", f"{domain} ", "=?utf-8?q?x?= ", "Grüße "])
    address = f"{name}<{domain}@{domain}>" if name else f"{domain}@{domain} (a@{domain})"
    fields = dice.choices(decoys, k=dice.randint(0, 5))
    blank, field = dice.choice([" ", "", " \r\n "]), dice.choice(["From", "FROM", "from"])
    fields.insert(dice.randint(0, len(fields)), f"{field}:{blank}{address}")
    return ("\r\n".join(fields) + f"\r\n\r\nFrom: x@{domain}\r\n").encode()


def test_evidence_is_the_very_octets(size: Callable[[int, int], int], dns: Zones) -> None:
    """1,000 random messages under --long: the octets are the domain, and changing just these changes the steps."""
    dice = random.Random(6)
    domain, other = "sender.example", "others.example"
    for _ in range(size(150, 1_000)):
        message = random_message(dice, domain)
        mail_from = f"{domain}@{domain}"
        session = {"ip": "192.0.2.1", "helo": domain, "dns": dns}
        before = authenticate(message, mail_from=mail_from, **session)  # type: ignore[arg-type]
        assert before.dmarc.result == "pass"
        (author,) = before.dmarc.trace[0].evidence
        assert author.source == "message"
        assert message[author.start : author.end] == domain.encode()
        assert used(before.dmarc, message, mail_from) == [domain.encode()] * 2
        changed = message[: author.start] + other.encode() + message[author.end :]
        after = authenticate(changed, mail_from=mail_from, **session)  # type: ignore[arg-type]
        assert after.dmarc.trace[0].outcome == other
        assert after.dmarc.result == "none"
        (path,) = (item for item in before.dmarc.trace[-1].evidence if item.source == "mail_from")
        path_changed = mail_from[: path.start] + other + mail_from[path.end :]
        after = authenticate(message, mail_from=path_changed, **session)  # type: ignore[arg-type]
        assert after.dmarc.result == "fail"


def test_evidence_of_a_signature_is_its_d_tag(dns: Zones) -> None:
    message = b"X: d=sender.example\r\n" + signed(MESSAGE)
    found = authenticate(message, ip="203.0.113.9", helo="x.example", mail_from="a@other.example", dns=dns)
    step = next(step for step in found.dmarc.trace if step.inputs.get("method") == "dkim")
    assert [message[item.start : item.end] for item in step.evidence] == [b"d=sender.example"]


SESSION = """\
S: 220 mx.receiver.example ESMTP
C: EHLO relay.sender.example
S: 250 mx.receiver.example
C: MAIL FROM:<first@sender.example>
S: 250 OK
C: RSET
S: 250 OK
C: mail FROM:<@route.example:alice@sender.example> SIZE=100
S: 250 OK
C: RCPT TO:<alice@sender.example>
S: 250 OK
C: DATA
S: 354 go on
C: MAIL FROM:<text@sender.example>
C: .
S: 250 OK
"""


def test_from_identities_to_the_session() -> None:
    session = Transcript.from_text(SESSION)

    def octets(evidence: Evidence, before: int | None = None) -> bytes | None:
        where = octets_of(evidence, session, before=before)
        return None if where is None else session[where.seq - 1].data[where.start : where.end]

    assert octets(Evidence("mail_from", 6, 20), before=12) == b"sender.example"
    assert octets_of(Evidence("mail_from", 0, 5), session, before=12) == LineOctets(8, 26, 31)
    assert octets(Evidence("mail_from", 0, 5), before=12) == b"alice"
    assert octets(Evidence("mail_from", 0, 5), before=6) == b"first"
    assert octets(Evidence("helo", 0, 20)) == b"relay.sender.example"
    assert octets(Evidence("helo", 0, 21)) is None
    assert octets(Evidence("message", 0, 5)) is None
    assert octets_of(Evidence("mail_from", 0, 5), Transcript()) is None


def test_odd_messages_never_raise(size: Callable[[int, int], int], dns: Zones) -> None:
    """Mutated messages and sessions; only an address that is none is refused."""
    dice = random.Random(7)
    seed = b"Authentication-Results: receiver.example; none\r\n" + signed(MESSAGE)
    for _ in range(size(300, 5_000)):
        octets = bytearray(seed)
        for _ in range(dice.randint(1, 10)):
            at = dice.randrange(len(octets) + 1)
            octets[at : at + dice.randint(0, 3)] = dice.choice(
                [b"", b"\n", b"\r", b"\x00", b"\xff", b";", b"=", b"@", b":", b"("]
            )
        text = "".join(dice.choices('a@.<>"\\[]: \r\nü\ud800', k=dice.randint(0, 12)))
        found = authenticate(bytes(octets), ip="2001:db8::1", helo=text, mail_from=text[::-1], dns=dns)
        found.header.encode()
        assert parse(found.header.partition(":")[2]).authserv_id == "receiver.example"
    with pytest.raises(ValueError, match="address"):
        authenticate(MESSAGE, ip="nowhere", helo="x", mail_from="", dns=dns)
