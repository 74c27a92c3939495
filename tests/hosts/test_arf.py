"""Abuse reports are read (RFC 5965), with the multipart reading that notices of delivery use as well."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from labkit.hosts import arf, dsn
from labkit.hosts.report_parts import Part, parts_of

REPORT = b"""From: abuse@receiver.example\r
Subject: FW: Earn money\r
Content-Type: multipart/report; report-type=feedback-report; boundary="b1"\r
\r
--b1\r
Content-Type: text/plain\r
\r
An abuse report.\r
--b1\r
Content-Type: message/feedback-report\r
\r
Feedback-Type: abuse\r
User-Agent: SomeGenerator/1.0\r
Version: 1\r
Original-Mail-From: <news@sender.example>\r
Original-Rcpt-To: <bob@receiver.example>\r
Original-Rcpt-To: <carol@receiver.example>\r
Reporting-MTA: dns; mx.receiver.example\r
Source-IP: 192.0.2.1\r
Incidents: 3\r
Arrival-Date: Tue, 24 Nov 2026 10:00:00 +0000\r
\r
--b1\r
Content-Type: message/rfc822\r
\r
From: news@sender.example\r
Message-ID: <9@sender.example>\r
\r
Spam\r
--b1--\r
"""


def test_a_report_is_read() -> None:
    report = arf.read(REPORT)
    assert report is not None
    assert (report.feedback_type, report.version, report.incidents) == ("abuse", "1", 3)
    assert report.mail_from == "news@sender.example"
    assert report.recipients == ("bob@receiver.example", "carol@receiver.example")
    assert (report.source_ip, report.reporter) == ("192.0.2.1", "mx.receiver.example")
    assert report.arrived is not None
    assert report.header("message-id") == "<9@sender.example>"
    assert report.missing == ()
    assert report.text.startswith("An abuse report.")


def test_what_is_no_report_is_none() -> None:
    assert arf.read(b"") is None
    assert arf.read(REPORT.replace(b"multipart/report", b"multipart/mixed")) is None
    assert arf.read(REPORT.replace(b"feedback-report\r\n\r\n", b"delivery-status\r\n\r\n")) is None
    assert dsn.read(REPORT) is None


def test_required_fields_that_are_missing_are_named() -> None:
    report = arf.read(REPORT.replace(b"Version: 1\r\n", b""))
    assert report is not None
    assert report.missing == ("Version",)


def test_parts_are_decoded() -> None:
    assert Part("text/plain", b"aGk=", "base64").decoded == b"hi"
    assert Part("text/plain", b"a=3Db", "quoted-printable").decoded == b"a=b"
    assert [part.kind for part in parts_of(REPORT)] == [
        "text/plain",
        "message/feedback-report",
        "message/rfc822",
    ]


@given(st.integers(0, len(REPORT)), st.binary(max_size=6), st.integers(0, 40))
def test_no_octets_raise(at: int, noise: bytes, gone: int) -> None:
    arf.read(REPORT[:at] + noise + REPORT[at + gone :])
