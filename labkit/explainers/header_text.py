"""Header fields, one or many, and what is wrong with them together."""

from __future__ import annotations

import re
from collections import Counter

from labkit.explainers.answer import MOST_LINES, ExplainedLine, Explanation, Problem, plain, rules_of
from labkit.explainers.field_meanings import KNOWN, explain_field
from labkit.message import canonical_lines, header_fields, header_of
from labkit.smtp.rule import Rule
from labkit.trace import received_chain

__all__ = ["KIND", "explain_it", "fields_told", "looks_like", "share_known"]

KIND = "a header field, or several"

_ONCE = Rule(
    "RFC 5322 section 3.6",
    "From, Date, Subject, Message-ID, To, Cc, Reply-To and the like stand once at most.",
)
_NEEDED = Rule("RFC 5322 section 3.6", "Each message has Date and From, and should have a Message-ID.")
_TRACE = Rule("RFC 5321 section 4.4", "Each host puts a Received field on top and leaves the others alone.")
_LONG = Rule("RFC 5322 section 2.1.1", "A line has at most 998 characters, and 78 are the advice.")
_SINGLE = frozenset(
    {
        "from",
        "date",
        "subject",
        "message-id",
        "to",
        "cc",
        "bcc",
        "reply-to",
        "sender",
        "in-reply-to",
        "references",
        "mime-version",
    }
)
_PROGRAM = "whoever writes the message (its program)"


def looks_like(text: str) -> float:
    """How sure it is that this is a header, without a body."""
    octets = text.strip("\n").encode("utf-8", "replace")
    head = header_of(octets)
    if not head or octets[len(head) :].strip():
        return 0.0
    known, count = share_known(octets)
    if count == 1:
        return (
            0.93
            if known
            else 0.6
            if octets[:2].lower() == b"x-"
            else 0.25
            if re.match(rb"[A-Za-z][A-Za-z-]+:\s", octets)
            else 0.0
        )
    return 0.9 if known / count >= 0.5 else 0.5 if known else 0.2


def share_known(octets: bytes) -> tuple[int, int]:
    """How many of the fields have a known name, and how many there are."""
    names = [field.name.lower() for field in header_fields(octets)]
    return sum(name in KNOWN for name in names), len(names)


def explain_it(text: str) -> Explanation:
    """Explain header fields."""
    octets = canonical_lines(text.strip("\n"))
    lines, problems = fields_told(octets)
    fields = header_fields(octets)
    title = (
        f"A header field: {plain(fields[0].name, 60)}" if len(fields) == 1 else f"{len(fields)} header fields"
    )
    summary = lines[0].meaning if len(fields) == 1 else way_of(octets) or "Each is explained for itself."
    first = next((problem for problem in problems if problem.who_acts), None)
    return Explanation(
        "header", title, summary, tuple(lines), tuple(problems), first.who_acts if first else "",
        tuple(dict.fromkeys(problem.do for problem in problems if problem.do))[:4], rules_of(lines[:40], problems),
        any(field.name.lower() in KNOWN for field in fields),
    )  # fmt: skip


def fields_told(octets: bytes) -> tuple[list[ExplainedLine], list[Problem]]:
    """Lines and problems of all fields of a header, and of the header as a whole."""
    lines: list[ExplainedLine] = []
    problems: list[Problem] = []
    fields = header_fields(octets)
    for field in fields[:MOST_LINES]:
        more, wrong = explain_field(field, octets)
        lines += more
        problems += wrong
    counts = Counter(field.name.lower() for field in fields)
    for name in sorted(_SINGLE & {name for name, count in counts.items() if count > 1}):
        last = [field for field in fields if field.name.lower() == name][-1]
        problems.append(Problem(f"{last.name} stands {counts[name]} times; readers and checks may each take another one.", last.line, _ONCE, _PROGRAM,
                                "Leave one of them."))  # fmt: skip
    hops = received_chain(octets)
    for hop in hops:
        for text in hop.problems:
            if "clock" in text or "came from" in text:
                problems.append(
                    Problem(
                        text,
                        hop.line,
                        _TRACE,
                        "nobody, if the hop is not yours",
                        "Trust only the lines that your own hosts wrote.",
                    )
                )
        if hop.delay is not None and hop.delay > 600:
            problems.append(Problem(f"The message waited {hop.delay / 60:.0f} minutes before {plain(hop.by, 80)} took it.", hop.line, _TRACE,
                                    "the postmaster of the hop below", "Look into that host's queue and log."))  # fmt: skip
    number = next((n for n, line in enumerate(octets.split(b"\r\n"), 1) if len(line) > 998), 0)
    if number:
        problems.append(
            Problem("A line has more than 998 characters.", number, _LONG, _PROGRAM, "Fold the field.")
        )
    return lines, problems


def needed(octets: bytes) -> list[Problem]:
    """What a whole message lacks."""
    names = {field.name.lower() for field in header_fields(octets)}
    problems = [
        Problem(f"{name} is missing; every message needs it.", 0, _NEEDED, _PROGRAM, f"Add {name}.")
        for name in ("Date", "From")
        if name.lower() not in names
    ]
    if "message-id" not in names:
        problems.append(
            Problem(
                "Message-ID is missing; Gmail refuses mail without a valid one (550 5.7.1).",
                0,
                _NEEDED,
                _PROGRAM,
                "Add a Message-ID.",
            )
        )
    return problems


def way_of(octets: bytes) -> str:
    """The way of the message in one sentence; empty without Received fields."""
    hops = received_chain(octets)
    if not hops:
        return ""
    names = [plain(hop.by or "?", 60) for hop in hops]
    total = sum(hop.delay or 0 for hop in hops)
    return f"It passed {len(hops)} host{'s' if len(hops) > 1 else ''}: {', then '.join(names[:8])}; {total:.0f} seconds in all. Read Received from below."
