"""Aggregate reports of DMARC (RFC 9990): who may get them, how they are made, written, packed, and safely read."""

from __future__ import annotations

from labkit.auth.reports.build import Observation, build_reports
from labkit.auth.reports.destinations import Destination, destinations
from labkit.auth.reports.model import AuthResult, Override, PublishedPolicy, Report, ReportError, ReportRow
from labkit.auth.reports.read import Limits, parse_report, unpack
from labkit.auth.reports.write import file_name, pack, report_message, to_xml

__all__ = [
    "AuthResult",
    "Destination",
    "Limits",
    "Observation",
    "Override",
    "PublishedPolicy",
    "Report",
    "ReportError",
    "ReportRow",
    "build_reports",
    "destinations",
    "file_name",
    "pack",
    "parse_report",
    "report_message",
    "to_xml",
    "unpack",
]
