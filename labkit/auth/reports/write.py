"""A report as XML, packed, and as a message to its reader (RFC 9990 sections 3.1 and 3.5.2)."""

from __future__ import annotations

import base64
import gzip
import io
import re
import zipfile
from collections.abc import Iterator
from email.utils import formatdate
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from labkit.auth.reports.model import NAMESPACE, Report

if TYPE_CHECKING:
    from labkit.auth.reports.model import ReportRow

__all__ = ["file_name", "pack", "report_message", "to_xml"]

# XML 1.0 has no way to write other control characters, nor lone surrogates.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ODD_IN_NAMES = re.compile(r"[^A-Za-z0-9.-]+")


def to_xml(report: Report) -> bytes:
    """The report as an XML file in UTF-8. Equal reports give equal octets."""
    return "\n".join(_document(report)).encode() + b"\n"


def file_name(report: Report, extension: str = "xml.gz") -> str:
    """``receiver!policy-domain!begin!end!id.xml.gz`` (section 3.5.2); what such a name may not hold becomes a hyphen."""
    unique = re.sub(r"[^A-Za-z0-9]+", "", report.report_id)
    parts = (report.org_name, report.policy.domain, str(report.begin), str(report.end), unique)
    return "!".join(_ODD_IN_NAMES.sub("-", part) for part in parts if part) + f".{extension}"


def pack(xml: bytes, form: str = "gz", name: str = "report.xml") -> bytes:
    """The XML packed: ``gz``, as RFC 9990 has it, or ``zip``, as many receivers still do. Raises ValueError for others."""
    if form == "gz":
        return gzip.compress(xml, mtime=0)
    if form != "zip":
        raise ValueError(f"expected gz or zip, received {form!r}")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name), xml, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def report_message(report: Report, *, sender: str, to: str, now: float) -> bytes:
    """The message that carries a report, with CR LF, not yet signed (section 3.5.2). It has to pass DMARC itself.

    `now` is for the Date field, in seconds since 1970. The report's id stands in the XML, the file name and the
    Subject alike (section 3.1.4). Raises ValueError for an address that could not stand in a header line.
    """
    for address in (sender, to):
        if not re.fullmatch(r"[!-~]+@[!-~]+", address):
            raise ValueError(f"expected a mail address, received {address!r}")
    name = file_name(report)
    domain, submitter, unique = (
        _ODD_IN_NAMES.sub("-", part) for part in (report.policy.domain, report.org_name, report.report_id)
    )
    payload = base64.encodebytes(pack(to_xml(report))).decode().replace("\n", "\r\n")
    lines = [
        f"From: {sender}",
        f"To: {to}",
        f"Date: {formatdate(now)}",
        f"Subject: Report Domain: {domain}",
        f"\tSubmitter: {submitter}",
        f"\tReport-ID: <{unique}>",
        f"Message-ID: <{unique}@{submitter}>",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        "Content-Type: application/gzip",
        f'Content-Disposition: attachment;\r\n\tfilename="{name}"',
        "Content-Transfer-Encoding: base64",
        "",
        payload,
    ]
    return "\r\n".join(lines).encode()


def _document(report: Report) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<feedback xmlns="{NAMESPACE}">'
    yield _element("version", "1.0", 1)
    yield "  <report_metadata>"
    yield _element("org_name", report.org_name)
    yield _element("email", report.email)
    if report.extra_contact:
        yield _element("extra_contact_info", report.extra_contact)
    yield _element("report_id", report.report_id)
    yield f"    <date_range><begin>{report.begin}</begin><end>{report.end}</end></date_range>"
    if report.errors:
        yield _element("error", " ".join(report.errors))
    if report.generator:
        yield _element("generator", report.generator)
    yield "  </report_metadata>"
    policy = report.policy
    yield "  <policy_published>"
    yield _element("domain", policy.domain)
    for name, value in (
        ("discovery_method", policy.discovery), ("p", policy.p), ("sp", policy.sp), ("np", policy.np),
        ("fo", policy.fo), ("adkim", policy.adkim), ("aspf", policy.aspf), ("testing", policy.testing),
    ):  # fmt: skip
        if value:
            yield _element(name, value)
    yield "  </policy_published>"
    for row in report.rows:
        yield from _record(row)
    yield "</feedback>"


def _record(row: ReportRow) -> Iterator[str]:
    yield "  <record>"
    yield "    <row>"
    yield _element("source_ip", row.source_ip, 3)
    yield _element("count", str(row.count), 3)
    yield "      <policy_evaluated>"
    for name, value in (("disposition", row.disposition), ("dkim", row.dkim), ("spf", row.spf)):
        yield _element(name, value, 4)
    for reason in row.overrides:
        comment = _element("comment", reason.comment, 0) if reason.comment else ""
        yield f"        <reason>{_element('type', reason.kind, 0)}{comment}</reason>"
    yield "      </policy_evaluated>"
    yield "    </row>"
    yield "    <identifiers>"
    yield _element("header_from", row.header_from, 3)
    yield _element("envelope_from", row.envelope_from, 3)
    if row.envelope_to:
        yield _element("envelope_to", row.envelope_to, 3)
    yield "    </identifiers>"
    yield "    <auth_results>"
    for result in sorted(row.results, key=lambda result: result.method):
        yield f"      <{result.method}>"
        yield _element("domain", result.domain, 4)
        if result.method == "dkim":
            yield _element("selector", result.selector, 4)
        else:
            yield _element("scope", "mfrom", 4)
        yield _element("result", result.result, 4)
        if result.note:
            yield _element("human_result", result.note, 4)
        yield f"      </{result.method}>"
    yield "    </auth_results>"
    yield "  </record>"


def _element(name: str, text: str, depth: int = 2) -> str:
    return f"{'  ' * depth}<{name}>{escape(_NO_XML.sub(chr(0xFFFD), text))}</{name}>"
