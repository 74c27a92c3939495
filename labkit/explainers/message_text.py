"""A whole message: its header, its way, its checks, its parts; reports that come as attachments are unpacked."""

from __future__ import annotations

import re

from labkit.explainers import arf_report, bounce_text, dmarc_report, tls_report
from labkit.explainers.answer import ExplainedLine, Explanation, Problem, plain, rules_of
from labkit.explainers.header_text import fields_told, needed, share_known, way_of
from labkit.explainers.packed import explain_packed
from labkit.hosts.report_parts import Part, parts_of
from labkit.message import canonical_lines, header_fields, header_of
from labkit.smtp.rule import Rule

__all__ = ["KIND", "explain_it", "looks_like"]

KIND = "a whole message"

_BODY = Rule("RFC 5322 section 2.1", "A blank line separates header and body.")
_BCC = Rule(
    "RFC 5322 section 3.6.3",
    "Bcc is taken out before the message is sent; the envelope alone knows those readers.",
)
_LONG = Rule("RFC 5321 section 4.5.3.1.6", "A text line has at most 1000 octets, CR LF included.")


def looks_like(text: str) -> float:
    """How sure it is that this is a message: header, blank line, body."""
    octets = text.lstrip("\n").encode("utf-8", "replace")
    if re.match(rb"From \S+ .*\d{4}\n", octets):  # the line between messages in an mbox file
        octets = octets.split(b"\n", 1)[1]
    head = header_of(octets)
    rest = octets[len(head) :]
    if not head or not rest.startswith(b"\n") or not rest.strip():
        return 0.0
    known, count = share_known(octets)
    if known < 2 or known / count < 0.4:
        return 0.3 if known else 0.0
    return 0.96


def explain_it(text: str) -> Explanation:
    """Explain a message."""
    cut = re.sub(r"\AFrom \S+ .*\d{4}\n", "", text.lstrip("\n"))
    octets = canonical_lines(cut)
    inner = _report_in(octets)
    if inner is not None:
        return inner
    lines, problems = fields_told(octets)
    problems = needed(octets) + problems
    names = {field.name.lower(): field.value for field in reversed(header_fields(octets))}
    if "bcc" in names:
        problems.append(
            Problem(
                "Bcc is still there: all readers see the hidden ones.",
                0,
                _BCC,
                "whoever sends the message (its program)",
                "Take Bcc out before sending.",
            )
        )
    body = octets[len(header_of(octets)) :]
    start = octets.count(b"\n", 0, len(octets) - len(body))
    for number, line in enumerate(body.split(b"\r\n"), start + 1):
        if len(line) > 998:
            problems.append(Problem(f"A line of the body has {len(line)} octets.", number, _LONG, "whoever writes the message (its program)",
                                    "Break the line, or encode the body with quoted-printable or base64."))  # fmt: skip
            break
    parts = parts_of(octets)
    lines += [
        ExplainedLine(f"part {n}: {plain(part.kind, 60)}", f"{len(part.body)} octets{_encoded(part)}.")
        for n, part in enumerate(parts[:20], 1)
    ]
    lines.append(ExplainedLine("(body)", f"{max(len(body) - 2, 0)} octets behind the blank line.", _BODY))
    first = next((problem for problem in problems if problem.who_acts), None)
    subject = plain(names.get("subject", ""), 60)
    return Explanation(
        "message", f"A message{f': {subject}' if subject else ''}",
        way_of(octets) or "It has no Received field: no host has taken it yet, or they were left out.",
        tuple(lines), tuple(problems), first.who_acts if first else "",
        tuple(dict.fromkeys(problem.do for problem in problems if problem.do))[:5] or ("Nothing is wrong with its form.",),
        rules_of(lines[:60], problems),
    )  # fmt: skip


def _encoded(part: Part) -> str:
    return (
        f", encoded with {plain(part.encoding, 30)}"
        if part.encoding in ("base64", "quoted-printable")
        else ""
    )


def _report_in(octets: bytes) -> Explanation | None:
    """A bounce or a report, if the message is one."""
    text = octets.decode("utf-8", "backslashreplace").replace("\r\n", "\n")
    if arf_report.looks_like(text) > 0.9:
        return arf_report.explain_it(text)
    if bounce_text.looks_like(text) > 0.9:
        return bounce_text.explain_it(text)
    bodies = [part.decoded for part in parts_of(octets)]
    if not bodies:
        whole = Part("", octets[len(header_of(octets)) :].lstrip(b"\r\n"), _encoding(octets))
        bodies = [whole.decoded]
    for body in bodies:
        packed = explain_packed(body)
        if packed is not None:
            return packed
        inner = body.decode("utf-8", "backslashreplace")
        if dmarc_report.looks_like(inner) > 0.9:
            return dmarc_report.explain_octets(body)
        if tls_report.looks_like(inner) > 0.9:
            return tls_report.explain_it(inner)
    return None


def _encoding(octets: bytes) -> str:
    found = (
        field.value for field in header_fields(octets) if field.name.lower() == "content-transfer-encoding"
    )
    return next(found, "").lower()
