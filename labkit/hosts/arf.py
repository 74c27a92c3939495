"""Reading reports of abuse, ARF (RFC 5965): what a mailbox provider sends when a user presses "this is spam"."""

from __future__ import annotations

from datetime import datetime

from labkit.frozen import dataclass
from labkit.hosts.report_parts import (
    HEADER_TYPES,
    WHOLE_TYPES,
    after_type,
    date_of,
    fields_of,
    parts_of,
    type_of,
)
from labkit.message import header_fields

__all__ = ["AbuseReport", "read"]


@dataclass(frozen=True, slots=True)
class AbuseReport:
    """A report that was read. What it did not say is empty."""

    feedback_type: str
    """``abuse``, ``fraud``, ``virus``, ``not-spam``, ``auth-failure``, ``opt-out``, ``other`` (section 3.1 and RFC 6591)."""
    user_agent: str
    version: str
    mail_from: str
    """Original-Mail-From, without brackets."""
    recipients: tuple[str, ...]
    """Original-Rcpt-To; often left out or made unreadable, to protect the user."""
    source_ip: str
    """The address that the message came from."""
    reported_domains: tuple[str, ...]
    reporter: str
    """Reporting-MTA without its type."""
    results: str
    """Authentication-Results, as they stand."""
    incidents: int
    """How many complaints this report stands for; 1 unless it says more."""
    arrived: datetime | None
    fields: tuple[tuple[str, str], ...]
    """All fields of the report, in order."""
    original: bytes
    """The message that was complained about, or its header."""
    text: str
    """The part for people."""

    @property
    def missing(self) -> tuple[str, ...]:
        """Fields that section 3.1 requires and that are not there."""
        given = {"Feedback-Type": self.feedback_type, "User-Agent": self.user_agent, "Version": self.version}
        return tuple(name for name, value in given.items() if not value)

    def header(self, name: str) -> str:
        """The first header field of that name of the message complained about; empty without one."""
        found = (field.value for field in header_fields(self.original) if field.name.lower() == name.lower())
        return next(found, "")


def read(message: bytes) -> AbuseReport | None:
    """What a report says; None if the message is none. Never raises, whatever the octets are."""
    if type_of(message) != "multipart/report":
        return None
    parts = parts_of(message)
    report = next((part for part in parts if part.kind == "message/feedback-report"), None)
    if report is None:
        return None
    given = tuple((field.name, field.value) for field in header_fields(report.decoded.lstrip(b"\r\n")))
    first = fields_of(report.decoded.lstrip(b"\r\n"))

    def every(name: str) -> tuple[str, ...]:
        return tuple(value.strip("<>") for given_name, value in given if given_name.lower() == name)

    incidents = first.get("incidents", "1")
    original = next((part.body for part in parts if part.kind in WHOLE_TYPES | HEADER_TYPES), b"")
    return AbuseReport(
        feedback_type=first.get("feedback-type", "").lower(),
        user_agent=first.get("user-agent", ""),
        version=first.get("version", ""),
        mail_from=first.get("original-mail-from", "").strip("<>"),
        recipients=every("original-rcpt-to"),
        source_ip=first.get("source-ip", ""),
        reported_domains=every("reported-domain"),
        reporter=after_type(first.get("reporting-mta", "")),
        results=first.get("authentication-results", ""),
        incidents=int(incidents)
        if incidents.isascii() and incidents.isdigit() and len(incidents) < 10
        else 1,
        arrived=date_of(first.get("arrival-date", "") or first.get("received-date", "")),
        fields=given,
        original=original,
        text=next((p.decoded.decode("utf-8", "replace") for p in parts if p.kind == "text/plain"), ""),
    )
