"""Abuse reports (ARF, RFC 5965), as feedback loops of mailbox providers send them."""

from __future__ import annotations

from collections.abc import Mapping

from labkit.explainers.answer import ExplainedLine, Explanation, Problem, plain, rules_of
from labkit.hosts import arf
from labkit.hosts.report_parts import fields_of
from labkit.message import canonical_lines
from labkit.smtp.rule import Rule

__all__ = ["KIND", "explain_it", "looks_like"]

KIND = "an abuse report (ARF)"

_FORM = Rule(
    "RFC 5965 section 2",
    "A report has three parts: text, message/feedback-report, and the message complained about.",
)
_FIELDS = Rule("RFC 5965 section 3.1", "Feedback-Type, User-Agent and Version stand in each report.")
_ACT = Rule("RFC 6650", "Who gets such a report finds out whose message it was, and stops sending it.")
_TYPES: Mapping[str, str] = {
    "abuse": "A recipient said that this is spam.",
    "fraud": "It is taken for fraud or phishing.",
    "virus": "A virus was found in it.",
    "not-spam": "A recipient said that this is not spam.",
    "opt-out": "The recipient wants no more of it.",
    "auth-failure": "Authentication failed (RFC 6591): this is a failure report, as ruf= asks for.",
    "other": "None of the other types fits.",
}
_MEANINGS: Mapping[str, str] = {
    "feedback-type": "what kind of report this is", "user-agent": "the program that made it", "version": "the version of the format",
    "original-mail-from": "the reverse-path of the message", "original-rcpt-to": "the recipient who complained",
    "source-ip": "the address that sent the message", "arrival-date": "when the message arrived",
    "received-date": "when the message arrived", "reporting-mta": "the host that took the message",
    "reported-domain": "a domain that the report is about", "reported-uri": "a link that the report is about",
    "authentication-results": "what the receiver's checks found", "incidents": "how many complaints it stands for",
    "auth-failure": "which check failed", "delivery-result": "what was done with it", "dkim-domain": "whose signature",
    "identity-alignment": "which results were aligned", "original-envelope-id": "the sender's name for the envelope",
}  # fmt: skip


def looks_like(text: str) -> float:
    """How sure it is that this is such a report, or its middle part alone."""
    low = text.lower()
    if "feedback-type:" not in low:
        return 0.0
    if "report-type=feedback-report" in low.replace('"', "") or "message/feedback-report" in low:
        return 0.98
    return 0.9 if low.lstrip().startswith(("feedback-type:", "user-agent:", "version:")) else 0.3


def explain_it(text: str) -> Explanation:
    """Explain a report."""
    message = canonical_lines(text.lstrip())
    report = arf.read(message) or _middle(message)
    if report is None:
        problem = Problem("It says that it is an abuse report, and its parts cannot be found.", 0, _FORM, "whoever reports",
                          "Paste the whole message, with its boundary lines.")  # fmt: skip
        return Explanation(
            "arf",
            "An abuse report, as it seems",
            "Its parts could not be read.",
            problems=(problem,),
            rules=(_FORM,),
            certain=False,
        )
    kind = report.feedback_type
    lines = [
        ExplainedLine(f"{plain(name, 40)}: {plain(value, 120)}", _said(name),
                      _FIELDS, "ok" if name.lower() in _MEANINGS else "unknown")
        for name, value in report.fields[:40]
    ]  # fmt: skip
    subject, mid = report.header("Subject"), report.header("Message-ID")
    if subject or mid:
        lines.append(
            ExplainedLine(
                plain(subject, 100) or plain(mid, 100),
                f"The message complained about. Its Message-ID: {plain(mid, 120) or 'none'}.",
            )
        )
    problems = [Problem(f"{_TYPES.get(kind, 'A type of report that RFC 5965 does not name.')}{_source(report)}", 0, _ACT,
                        "" if kind == "not-spam" else "the sender", _do(kind, report))]  # fmt: skip
    problems += [
        Problem(f"{name} is missing.", 0, _FIELDS, "whoever reports", "Add it.") for name in report.missing
    ]
    return Explanation(
        "arf",
        f"An abuse report: {plain(kind, 30) or 'type not told'}",
        f"{_TYPES.get(kind, 'The type is not one of RFC 5965.')} {report.incidents} complaint{'' if report.incidents == 1 else 's'}.",
        tuple(lines), tuple(problems), problems[0].who_acts, (problems[0].do,), rules_of(lines, problems, (_FORM,)),
        kind in _TYPES,
    )  # fmt: skip


def _said(name: str) -> str:
    meaning = _MEANINGS.get(name.lower(), "a field that the lab does not know")
    return f"{meaning[:1].upper()}{meaning[1:]}."


def _source(report: arf.AbuseReport) -> str:
    return f" It came from {plain(report.source_ip, 60)}." if report.source_ip else ""


def _do(kind: str, report: arf.AbuseReport) -> str:
    if kind == "not-spam":
        return "Nothing has to be done."
    if kind == "auth-failure":
        return "Find out whether that address sends for you; if so, repair its SPF or DKIM."
    if kind in ("virus", "fraud"):
        return "Find the account or host that sent it, and stop it."
    whom = (
        f" ({plain(report.recipients[0], 80)})"
        if report.recipients
        else ", by a mark of your own in the message"
    )
    return f"Find the recipient{whom}, and take the address off the list at once."


def _middle(message: bytes) -> arf.AbuseReport | None:
    """The middle part pasted alone, as a report of its own."""
    if "feedback-type" not in fields_of(message):
        return None
    head = b"Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\n"
    return arf.read(head + message + b"\r\n--b--\r\n")
