"""DMARC aggregate reports (RFC 9990, and those of RFC 7489): who sends in a domain's name, and what passed."""

from __future__ import annotations

from datetime import UTC, datetime

from labkit.auth.reports import Report, ReportError, ReportRow, parse_report
from labkit.explainers.answer import MOST_LINES, ExplainedLine, Explanation, Problem, plain, rules_of
from labkit.smtp.rule import Rule

__all__ = ["KIND", "explain_it", "explain_octets", "looks_like"]

KIND = "a DMARC aggregate report"

_FORM = Rule(
    "RFC 9990 section 3.1",
    "A report says who reports, about which record, and counts messages by address and result.",
)
_PASS = Rule(
    "RFC 9989 section 4.4", "DMARC passes when SPF or DKIM passes and its domain is aligned with From."
)
_FORWARD = Rule(
    "RFC 9989 section 7.4", "Forwarders and lists break SPF, and sometimes DKIM: such failures are no fraud."
)
_OWNER = "the domain's owner"


def looks_like(text: str) -> float:
    """How sure it is that this is such a report."""
    head = text.lstrip()[:3_000]
    if not head.startswith("<"):
        return 0.0
    if "<feedback" in head:
        return 0.97
    return (
        0.6
        if "<report_metadata" in head or "<policy_published" in head
        else 0.35
        if head.startswith("<?xml")
        else 0.0
    )


def explain_it(text: str) -> Explanation:
    """Explain a report as text."""
    return explain_octets(text.strip().encode("utf-8", "replace"))


def explain_octets(octets: bytes) -> Explanation:
    """Explain a report, packed or not. Never raises."""
    try:
        report = parse_report(octets)
    except ReportError as error:
        problem = Problem(
            f"The report cannot be read: {plain(str(error))}.",
            0,
            _FORM,
            "whoever reports",
            "Send a whole report.",
        )
        return Explanation("dmarc-report", "A DMARC aggregate report, as it seems", "It could not be read to its end.",
                           problems=(problem,), rules=(_FORM,), certain=False)  # fmt: skip
    return _told(report)


def _told(report: Report) -> Explanation:
    totals = report.totals()
    sources = list(report.by_source())
    lines = [
        ExplainedLine(
            plain(report.org_name) or "(no name)",
            f"The receiver that reports. Contact: {plain(report.email) or 'not told'}.",
            _FORM,
        ),
        ExplainedLine(f"{_day(report.begin)} to {_day(report.end)}", "The period, in UTC."),
        ExplainedLine(_policy(report), f"The record that it found at _dmarc.{plain(report.policy.domain)}."),
    ]
    lines += [_line(row) for row in report.rows[:MOST_LINES]]
    if len(report.rows) > MOST_LINES:
        lines.append(
            ExplainedLine(
                f"{len(report.rows) - MOST_LINES} more rows",
                "They are counted, and not listed here.",
                mark="note",
            )
        )
    problems = [
        Problem(
            f"{failed} {_messages(failed)} from {plain(source)} failed DMARC. {_why(report, source)}", 0, _PASS, _OWNER,
            "Ask whose address that is. If it sends for you, let it sign with your domain, or put it into SPF. "
            "If not, this is what the policy is for.",
        )
        for source, _, failed in sources[:10] if failed
    ]  # fmt: skip
    problems += [
        Problem(f"The reporter says: {plain(error)}.", 0, _FORM, _OWNER, "Repair what it names.")
        for error in report.errors[:5]
    ]
    steps = [problems[0].do] if totals["fail"] else ["Nothing has to be repaired."]
    if not totals["fail"] and report.policy.p == "none":
        steps = ["All passed under p=none. After some weeks of such reports think about p=quarantine."]
    return Explanation(
        "dmarc-report",
        f"A DMARC aggregate report by {plain(report.org_name, 60)} about {plain(report.policy.domain, 80)}",
        f"{report.messages} {_messages(report.messages)} from {len(sources)} addresses: {totals['pass']} passed, {totals['fail']} failed.",
        tuple(lines), tuple(problems), _OWNER if totals["fail"] else "", tuple(steps),
        rules_of(lines, problems, (_FORWARD,) if totals["fail"] else ()),
    )  # fmt: skip


def _policy(report: Report) -> str:
    found = report.policy
    given = {
        "p": found.p,
        "sp": found.sp,
        "np": found.np,
        "adkim": found.adkim,
        "aspf": found.aspf,
        "pct": found.pct,
    }
    return plain("; ".join(f"{name}={value}" for name, value in given.items() if value))


def _line(row: ReportRow) -> ExplainedLine:
    results = ", ".join(f"{r.method} of {plain(r.domain, 80)} {plain(r.result, 20)}" for r in row.results[:6])
    whys = "; ".join(f"{o.kind} {plain(o.comment, 80)}".strip() for o in row.overrides[:3])
    aligned = f"Aligned SPF {row.spf}, aligned DKIM {row.dkim}: DMARC {'pass' if row.passed else 'fail'}."
    done = f" Disposition {plain(row.disposition, 20)}."
    meaning = f"From {plain(row.header_from, 80)}. {aligned}{done}" + (
        f" Found: {results}." if results else ""
    )
    meaning += f" The receiver's reason: {whys}." if whys else ""
    return ExplainedLine(
        f"{plain(row.source_ip, 60)}: {row.count} {_messages(row.count)}",
        meaning,
        _PASS,
        "ok" if row.passed else "wrong",
    )


def _why(report: Report, source: str) -> str:
    row = next(row for row in report.rows if row.source_ip == source and not row.passed)
    passed = [result for result in row.results if result.result == "pass"]
    if row.overrides:
        return f"The receiver takes it for {plain(row.overrides[0].kind, 30).replace('_', ' ')}."
    if passed:
        one = passed[0]
        return f"{one.method.upper()} passed for {plain(one.domain, 80)}, which is not aligned with {plain(row.header_from, 80)}."
    return "Neither SPF nor DKIM passed."


def _messages(count: int) -> str:
    return "message" if count == 1 else "messages"


def _day(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):
        return str(seconds)[:20]
