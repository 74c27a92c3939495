"""Lines of a zone: the records of a mail domain, each explained, the text records by the modules of their kinds."""

from __future__ import annotations

import re

from labkit.explainers import dkim_key_record, dmarc_record, spf_record
from labkit.explainers.answer import MOST_LINES, ExplainedLine, Explanation, Kind, Problem, plain, rules_of
from labkit.explainers.small_records import BIMI, MTA_STS, TLS_RPT
from labkit.smtp.rule import Rule
from labkit.zones import ZoneError, Zones

__all__ = ["KIND", "explain_it", "looks_like"]

KIND = "lines of a DNS zone"

_LINE = re.compile(
    r"(?:[ \t]*(?P<name>[@*\w.-]{1,255}))?[ \t]+(?:(?P<ttl>\d{1,10})[ \t]+)?(?:IN[ \t]+)?(?P<type>A|AAAA|MX|TXT|CNAME|NS|SOA|PTR|TLSA|SRV|CAA|SPF)[ \t]+(?P<data>\S.*)$",
    re.IGNORECASE,
)
_TEXTS: tuple[Kind, ...] = (spf_record, dkim_key_record, dmarc_record, MTA_STS, TLS_RPT, BIMI)
_OWNER = "the domain's owner"
_MX = Rule(
    "RFC 5321 section 5.1",
    "Mail goes to the MX hosts, the lowest number first; without MX to the A or AAAA of the name itself.",
)
_NULL = Rule("RFC 7505 section 3", "MX 0 . says that the domain takes no mail.")
_ZONE = Rule(
    "RFC 1035 section 5.1",
    "A line has name, time to live, class, type and data; a name without final dot is completed.",
)
_TYPES = {
    "A": "The IPv4 address of a host.", "AAAA": "The IPv6 address of a host.", "NS": "A name server of the zone.", "SOA": "The zone's head: serial number and times.",
    "PTR": "The name of an address: mail hosts need one that leads back.", "TLSA": "The key or certificate of a service, for DANE (RFC 7672).",
    "SRV": "Where a service is, such as submission or IMAP (RFC 6186).", "CAA": "Who may issue certificates for the name.",
    "CNAME": "An alias: all that is asked for at this name is found at the other.",
}  # fmt: skip


def looks_like(text: str) -> float:
    """How sure it is that these are lines of a zone."""
    found = [match for line in text.strip("\n").split("\n") if (match := _LINE.match(line))]
    kinds = {((match["name"] or "").lower(), match["type"].upper()) for match in found}
    directive = re.search(r"^[ \t]*\$(?:ORIGIN|TTL)\b", text, re.MULTILINE) is not None
    if not found:
        return 0.0
    filled = sum(bool(line.strip()) and not line.lstrip().startswith(";") for line in text.split("\n"))
    if len(kinds) > 1 or directive:
        return 0.97 if len(found) * 2 >= filled else 0.4
    return 0.8 if len(found) * 2 >= filled and (re.search(r"\bIN\b", text) or found[0]["name"]) else 0.3


def explain_it(text: str) -> Explanation:
    """Explain the lines."""
    lines: list[ExplainedLine] = []
    problems: list[Problem] = []
    for number, line in enumerate(text.strip("\n").split("\n")[:MOST_LINES], 1):
        match = _LINE.match(line)
        if match is None:
            continue
        said, wrong = _record(match, line, number)
        lines.append(said)
        problems += wrong
    try:
        zones = Zones.from_text(text if text.endswith("\n") else f"{text}\n")
    except ZoneError as error:
        if not problems:
            problems.append(
                Problem(
                    f"As a zone the text cannot be read: {plain(str(error))}.",
                    0,
                    _ZONE,
                    _OWNER,
                    "Repair the line.",
                )
            )
    else:
        told = " ".join(problem.what for problem in problems)
        problems += [Problem(f"{one.text[:1].upper()}{plain(one.text[1:])}", one.line, _ZONE, _OWNER, "Repair the line in the zone.")
                     for one in zones.suspicious() if one.text[1:40] not in told]  # fmt: skip
    return Explanation(
        "zone", f"{len(lines)} line{'s' if len(lines) != 1 else ''} of a DNS zone", "Each record is explained for itself; nothing was asked from the DNS.",
        tuple(lines), tuple(problems), _OWNER if problems else "",
        tuple(dict.fromkeys(problem.do for problem in problems if problem.do))[:4] or ("Nothing is wrong with the text.",), rules_of(lines, problems),
    )  # fmt: skip


def _record(match: re.Match[str], line: str, number: int) -> tuple[ExplainedLine, list[Problem]]:
    kind, data = match["type"].upper(), match["data"].strip()
    shown = plain(line.strip(), 140)
    if kind == "MX":
        return _mx(data, shown, number)
    if kind in ("TXT", "SPF"):
        best = max(_TEXTS, key=lambda one: one.looks_like(line))
        if best.looks_like(line) >= 0.5:
            inner = best.explain_it(line)
            moved = [Problem(p.what, number, p.rule, p.who_acts, p.do) for p in inner.problems]
            return ExplainedLine(
                shown,
                f"{inner.title.partition(':')[0]}. {inner.summary}",
                inner.rules[0] if inner.rules else None,
                "wrong" if moved else "ok",
            ), moved
        return ExplainedLine(
            shown, "A text of another kind, such as a proof that somebody owns the domain.", mark="unknown"
        ), []
    if kind == "PTR" and re.search(r"\d+[-.]\d+[-.]\d+[-.]\d+", data):
        return ExplainedLine(
            shown, "A PTR name that looks like a customer's line; receivers trust it less.", mark="note"
        ), []
    return ExplainedLine(shown, _TYPES.get(kind, "A record.")), []


def _mx(data: str, shown: str, number: int) -> tuple[ExplainedLine, list[Problem]]:
    words = data.split()
    if len(words) < 2 or not words[0].isdigit():
        problem = Problem(
            "An MX record is a number, then a host's name.", number, _MX, _OWNER, "Write: MX 10 mx1.DOMAIN."
        )
        return ExplainedLine(shown, "An MX record that cannot be read.", _MX, "wrong"), [problem]
    if words[1] == ".":
        return ExplainedLine(shown, "The null MX: the domain takes no mail at all.", _NULL, "note"), []
    return ExplainedLine(
        shown,
        f"Mail for the domain goes to {plain(words[1], 80)}; of several the lowest number is tried first ({words[0][:6]}).",
        _MX,
    ), []
