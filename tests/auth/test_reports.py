"""Aggregate reports: from a receiver's results to XML and back, and what strangers may send."""

from __future__ import annotations

import gzip
import io
import random
import struct
import time
import zipfile
import zlib
from collections.abc import Callable
from email import message_from_bytes
from textwrap import dedent

import pytest

from labkit.auth import authenticate
from labkit.auth.reports import (
    Limits,
    Observation,
    Override,
    Report,
    ReportError,
    build_reports,
    destinations,
    file_name,
    pack,
    parse_report,
    report_message,
    to_xml,
    unpack,
)
from labkit.zones import Zones

DNS = Zones.from_text(
    """
sender.example. TXT "v=spf1 ip4:192.0.2.1 -all"
news.sender.example. TXT "v=spf1 ip4:192.0.2.1 -all"
_dmarc.sender.example. TXT "v=DMARC1; p=reject; sp=quarantine; rua=mailto:d@sender.example"
_dmarc.test.example. TXT "v=DMARC1; p=quarantine; t=y; adkim=s; rua=mailto:d@test.example"
_dmarc.unasked.example. TXT "v=DMARC1; p=reject"
_dmarc.broken.example. TXT "v=DMARC1; p=reject; sp=no; rua=mailto:d@broken.example; fo=1"
_dmarc.old.example. TXT "v=DMARC1; p=reject; pct=0; rua=mailto:d@old.example; ruf=mailto:d@old.example; fo=d:1"
"""
)


def seen(
    author: str, ip: str, *, mail_from: str | None = None, rules: str = "RFC 9989", **more: object
) -> Observation:
    path = f"a@{author}" if mail_from is None else mail_from
    message = f"From: a@{author}\r\n\r\nhello\r\n".encode()
    found = authenticate(message, ip=ip, helo=author, mail_from=path, dns=DNS, rules=rules)
    return Observation(ip, found, path, **more)  # type: ignore[arg-type]


def reports(*observations: Observation) -> tuple[Report, ...]:
    return build_reports(
        observations, org_name="receiver.example", email="dmarc@receiver.example", begin=1000, end=87400
    )


def test_equal_results_are_counted_together() -> None:
    found = reports(
        *[seen("sender.example", "192.0.2.1")] * 3,
        seen("sender.example", "203.0.113.9"),
        seen("news.sender.example", "192.0.2.1"),
        seen(
            "news.sender.example",
            "203.0.113.9",
            disposition="none",
            overrides=(Override("mailing_list", "list <x>"),),
        ),
        seen("test.example", "203.0.113.9"),
        seen("nobody.example", "203.0.113.9"),
    )
    assert [(one.policy.domain, one.messages) for one in found] == [
        ("sender.example", 6),
        ("test.example", 1),
    ]
    rows = {(row.header_from, row.source_ip): row for row in found[0].rows}
    passed = rows["sender.example", "192.0.2.1"]
    assert (passed.count, passed.disposition, passed.spf, passed.dkim) == (3, "pass", "pass", "fail")
    failed = rows["sender.example", "203.0.113.9"]
    assert (failed.disposition, failed.spf, failed.overrides) == ("reject", "fail", ())
    assert [(result.method, result.domain, result.result) for result in failed.results] == [
        ("spf", "sender.example", "fail")
    ]
    listed = rows["news.sender.example", "203.0.113.9"]
    assert (listed.disposition, listed.overrides) == ("none", (Override("mailing_list", "list <x>"),))
    (tested,) = found[1].rows
    assert (tested.disposition, tested.overrides) == ("none", (Override("policy_test_mode"),))
    assert (found[1].policy.testing, found[1].policy.adkim, found[1].policy.discovery) == (
        "y",
        "s",
        "treewalk",
    )
    assert found[0].totals() == {"pass": 4, "fail": 2}
    assert list(found[0].by_source()) == [("203.0.113.9", 0, 2), ("192.0.2.1", 4, 0)]


def test_without_rua_there_is_no_report() -> None:
    """RFC 9989 section 4.7."""
    assert reports(seen("unasked.example", "203.0.113.9")) == ()


def test_what_a_report_says_of_a_policy() -> None:
    """A broken record counts as p=none (RFC 9989 4.10.1), fo counts with ruf only (4.7); where the policy was not
    applied as it stands, a reason says why (RFC 9990 3.1.1.9)."""
    (found,) = reports(seen("broken.example", "203.0.113.9"))
    assert (found.policy.p, found.policy.sp, found.policy.fo) == ("none", "", "0")
    assert (found.rows[0].disposition, found.rows[0].overrides) == ("none", ())
    (found,) = reports(seen("old.example", "203.0.113.9", rules="RFC 7489"))
    assert (found.policy.p, found.policy.fo, found.policy.discovery) == ("reject", "d:1", "psl")
    assert (found.rows[0].disposition, found.rows[0].overrides) == ("quarantine", (Override("other", "pct"),))


@pytest.mark.parametrize("form", ["xml", "gz", "zip"])
def test_there_and_back(form: str) -> None:
    nasty = ']]>&<script>"\x00\x1b\ud800é\u202e'
    for report in reports(seen("sender.example", "2001:db8::1", overrides=(Override("other", nasty),))):
        xml = to_xml(report)
        found = parse_report(xml if form == "xml" else pack(xml, form))
        assert found.rows[0].overrides[0].comment == ']]>&<script>"\ufffd\ufffd\ufffdé\u202e'
        assert to_xml(found) == xml
        assert (found.org_name, found.begin, found.end, found.policy) == (
            "receiver.example",
            1000,
            87400,
            report.policy,
        )
        assert found.report_id == report.report_id


def test_the_message_of_a_report() -> None:
    (report,) = reports(seen("sender.example", "192.0.2.1"))
    assert file_name(report).startswith("receiver.example!sender.example!1000!87400!")
    message = message_from_bytes(
        report_message(report, sender="dmarc@receiver.example", to="d@sender.example", now=90_000)
    )
    assert message["Date"] == "Fri, 02 Jan 1970 01:00:00 -0000"
    assert message.get_filename() == file_name(report)
    assert file_name(report).endswith(f"!{report.report_id}.xml.gz")  # one id everywhere (RFC 9990 3.1.4)
    assert message["Subject"].split() == [
        "Report", "Domain:", "sender.example", "Submitter:", "receiver.example",
        "Report-ID:", f"<{report.report_id}>",
    ]  # fmt: skip
    payload = message.get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert parse_report(payload).rows == report.rows
    with pytest.raises(ValueError, match="mail address"):
        report_message(report, sender="a@b.example\r\nBcc: x@y.example", to="d@sender.example", now=0)


OLD = """\
<?xml version="1.0" encoding="UTF-8" ?>
<feedback>
  <report_metadata>
    <org_name>mail.example</org_name><email>noreply@mail.example</email><report_id>17</report_id>
    <date_range><begin>1700000000</begin><end>1700086399</end></date_range>
  </report_metadata>
  <policy_published><domain>Example.com</domain><adkim>r</adkim><aspf>r</aspf><p>none</p><sp>none</sp><pct>50</pct></policy_published>
  <record>
    <row><source_ip>192.0.2.1</source_ip><count>2</count>
      <policy_evaluated><disposition>none</disposition><dkim>fail</dkim><spf>pass</spf></policy_evaluated></row>
    <identifiers><header_from>example.com</header_from></identifiers>
    <auth_results><spf><domain>example.com</domain><result>pass</result></spf></auth_results>
    <x:extra xmlns:x="urn:x"><x:row><x:count>9</x:count></x:row></x:extra>
  </record>
</feedback>
"""


def test_a_report_of_rfc_7489() -> None:
    found = parse_report(OLD.encode())
    assert (found.policy.domain, found.policy.pct, found.version, found.namespace) == (
        "example.com",
        "50",
        "",
        "",
    )
    assert (found.messages, found.rows[0].passed) == (2, True)


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'


def zipped(*names: str, data: bytes = OLD.encode()) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, data)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b"", "no XML"),
        (b"hello", "no XML"),
        (OLD.replace("?>\n", "?>\n" + BOMB, 1).encode(), "document type"),
        (OLD.replace("?>\n", '?>\n<!DOCTYPE feedback SYSTEM "http://127.0.0.1/x.dtd">', 1).encode(), "document type"),
        (OLD.replace("?>\n", '?>\n<!DOCTYPE f [<!ENTITY x SYSTEM "file:///etc/passwd">]>', 1).encode(), "document type"),
        (OLD.replace("17<", "&x;<").encode(), "no XML"),
        (OLD.encode()[:-20], "no XML"),
        (OLD.replace("feedback", "feed").encode(), "outermost"),
        (OLD.replace("<feedback>", '<feedback xmlns="urn:other">').encode(), "outermost"),
        (OLD.replace("192.0.2.1", "<b/>").encode(), "no address"),
        (OLD.replace("<count>2", "<count>2e9").encode(), "no number"),
        (OLD.replace("<count>2", "<count>" + "9" * 5000).encode(), "no number"),
        (OLD.replace("1700000000", "-1").encode(), "no number"),
        (OLD.replace("<spf>pass", "<spf>maybe").encode(), "none of pass, fail"),
        (OLD.replace("<record>", "<d>" * 20, 1).encode(), "nested"),
        (OLD.replace("17<", "x" * 20_000 + "<").encode(), "characters"),
        (OLD.replace("UTF-8", "no-such-code").encode(), "no XML"),
        (b"<feedback/>", "lacks"),
        (gzip.compress(b" " * 30_000_000 + OLD.encode()), "more than"),
        (gzip.compress(OLD.encode())[:-9], "cut short"),
        (b"\x1f\x8b" + b"junk" * 9, "cannot be unpacked"),
        (zipped("a.xml", data=b" " * 30_000_000), "more than"),
        (zipped("a.xml", "b.xml"), "2 files"),
        (zipped(), "no XML"),
        (zipped("a.xml")[:60], "cannot be read"),
        (b"x" * 10_000_001, "are not read"),
    ],
    ids=lambda value: value if isinstance(value, str) else "octets",  # an archive holds the time it was made
)  # fmt: skip
def test_what_is_refused(octets: bytes, words: str) -> None:
    begin = time.thread_time()
    with pytest.raises(ReportError, match=words):
        parse_report(octets)
    assert time.thread_time() - begin < 2


def test_limits() -> None:
    row = OLD[OLD.index("  <record>") : OLD.index("</feedback>")]
    many = OLD.replace("</feedback>", row * 20 + "</feedback>").encode()
    assert len(parse_report(many).rows) == 21
    with pytest.raises(ReportError, match="more than 20 records"):
        parse_report(many, Limits(rows=20))
    with pytest.raises(ReportError, match="more than 50 elements"):
        parse_report(many, Limits(elements=50))
    with pytest.raises(ReportError, match="more than 1000 elements"):
        parse_report(OLD.replace("<email>", "<error/>" * 1001 + "<email>").encode())
    assert unpack(zlib.compress(b"x")) == zlib.compress(b"x")  # neither gzip nor zip: left as it is


def test_a_lying_archive() -> None:
    """The sizes that an archive states are not believed."""
    octets = bytearray(zipped("a.xml", data=b" " * 30_000_000))
    at = octets.index(b"PK\x01\x02")
    octets[at + 24 : at + 28] = struct.pack("<I", 100)
    with pytest.raises(ReportError):
        parse_report(bytes(octets))


def test_mutated_reports_never_raise_anything_else(size: Callable[[int, int], int]) -> None:
    dice = random.Random(9990)
    (report,) = reports(seen("sender.example", "192.0.2.1"))
    seeds = [OLD.encode(), to_xml(report), pack(OLD.encode()), zipped("a.xml")]
    for number in range(size(1_500, 100_000)):
        octets = bytearray(seeds[number % 4])
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(len(octets))
            octets[at : at + dice.randint(0, 3)] = dice.choice(
                [b"", b"<", b"&", b"\x00", b"\xff", b"</row>", b"9"]
            )
        try:
            found = parse_report(bytes(octets))
        except ReportError:
            continue
        to_xml(found)
        found.totals()


def test_consent_in_all_its_forms() -> None:
    """RFC 9990 section 4: several records, other addresses at the same host; one elsewhere, and nothing is sent; no
    answer; odd URIs; a name that is too long to ask for."""
    long = ".".join(["x" * 59] * 4)
    dns = Zones.from_text(
        dedent(f"""
        _dmarc.example.com. TXT "v=DMARC1; rua=mailto:a@one.example!5m, mailto:b@two.example,mailto:c@three.example," "https://four.example/x,mailto:d%2Ce@example.com,mailto:f@" "{long},mailto:five"
        example.com._report._dmarc.one.example. TXT "v=DMARC1; rua=mailto:other@one.example,mailto:more@ONE.example"
        example.com._report._dmarc.two.example. TXT "no"
        example.com._report._dmarc.two.example. TXT "v=DMARC1; rua=mailto:g@two.example,mailto:victim@elsewhere.example"
        """)
    )
    dns.fault("example.com._report._dmarc.three.example", "TXT", "timeout")
    found = destinations("Example.COM", dns=dns)
    assert [(one.address, one.send) for one in found] == [
        ("other@one.example", True),
        ("more@ONE.example", True),
        ("b@two.example", False),
        ("c@three.example", False),
        ("", False),
        ("d,e@example.com", True),
        (f"f@{long}", False),
        ("five", False),
    ]
    assert "elsewhere.example" in found[2].step.text
    assert found[3].step.outcome == "temperror"
    assert destinations("nobody.example", dns=dns) == ()
