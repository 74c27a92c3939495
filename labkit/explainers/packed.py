"""Octets that are packed, as reports arrive: gzip and zip around DMARC's XML or TLS-RPT's JSON."""

from __future__ import annotations

from labkit.auth.reports import ReportError, unpack
from labkit.explainers import dmarc_report, tls_report
from labkit.explainers.answer import Explanation, Problem
from labkit.smtp.rule import Rule

__all__ = ["explain_packed"]

_RULE = Rule("RFC 9990 section 3", "A report comes as XML, mostly packed with gzip; zip is seen as well.")
_MAGIC = (b"\x1f\x8b", b"PK\x03\x04")


def explain_packed(octets: bytes) -> Explanation | None:
    """The report in a gzip or zip file; None if the octets are neither. Never raises."""
    if not octets.startswith(_MAGIC):
        return None
    try:
        inner = unpack(octets)
    except ReportError as error:
        problem = Problem(
            f"The file cannot be unpacked: {error}.", 0, _RULE, "whoever sent it", "Send a whole file."
        )
        return Explanation("unknown", "A packed file that cannot be read", "It begins like a gzip or zip file.",
                           problems=(problem,), rules=(_RULE,), certain=False)  # fmt: skip
    text = inner.decode("utf-8", "backslashreplace")
    if tls_report.looks_like(text) > dmarc_report.looks_like(text):
        return tls_report.explain_it(text)
    return dmarc_report.explain_octets(inner)
