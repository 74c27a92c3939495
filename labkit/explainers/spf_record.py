"""SPF records (RFC 7208), term by term, with what `labkit.auth.spf` finds wrong with them."""

from __future__ import annotations

import re
from dataclasses import replace

from labkit.auth.spf.record import Directive, Modifier, is_spf, read_record
from labkit.auth.spf.review import lint_record
from labkit.explainers import records
from labkit.explainers.answer import ExplainedLine, Explanation, Problem, plain
from labkit.smtp.rule import Rule

__all__ = ["KIND", "explain_it", "looks_like"]

KIND = "an SPF record"

_MARK = re.compile(r"(?<![A-Za-z0-9])v\s*=\s*spf[0-9.]*", re.IGNORECASE)
_LOOSE = re.compile(r"(?:^|\s)[~?+-]all[\s\"]{0,3}$", re.IGNORECASE | re.MULTILINE)
_FITS = re.compile(r"^(?!_dmarc\.|_mta-sts\.|_smtp\._tls\.)(?!.*_domainkey)")
_TERM = Rule(
    "RFC 7208 section 4.6.4",
    "include, a, mx, ptr, exists and redirect count towards 10 lookups, nested ones too.",
)
_WHOSE = Rule("RFC 7208 section 2.4", "SPF is for the MAIL FROM domain, or the HELO name; not for From.")
_TWO = Rule("RFC 7208 section 4.5", "Two SPF records at one name are a permanent error.")
_SPACES = Rule("RFC 7208 section 4.6.1", "Terms are separated by spaces, and have none inside.")
_PLACE = Rule("RFC 7208 section 3", "The record is a TXT record at the domain itself.")
_RESULT = {
    "pass": "may send",
    "fail": "may not send: fail",
    "softfail": "probably may not send: softfail",
    "neutral": "are left open: neutral",
}
_WHO = {
    "all": "All others", "include": "Whoever passes the SPF of {0}", "a": "The addresses of {0}", "mx": "The mail hosts of {0}",
    "ptr": "Whose PTR name lies in {0}", "ip4": "{0}", "ip6": "{0}", "exists": "Clients for which {0} exists",
}  # fmt: skip
_COUNTED = frozenset({"include", "a", "mx", "ptr", "exists"})


def looks_like(text: str) -> float:
    """How sure it is that this is an SPF record."""
    return records.worth(text, _MARK, _LOOSE)


def explain_it(text: str) -> Explanation:
    """Explain an SPF record."""
    found = records.find(text, _MARK) or records.Found(text.strip().strip('"'))
    record = plain(found.text, 10_000)
    domain = found.name if found.name not in ("", "@") else "the domain"
    review = lint_record(found.text, domain)
    octets = found.text.encode("utf-8", "replace")
    lines = []
    if is_spf(octets):
        lines = [ExplainedLine("v=spf1", "The version: this is SPF.", _WHOSE)]
        bad = {place.start for one in review.findings if one.level != "note" for place in one.evidence}
        lines += [replace(_line(term), mark="wrong") if term.start in bad else _line(term)
                  for term in read_record(octets, "record").terms[:100]]  # fmt: skip
    problems = [
        Problem(one.text, found.line, one.rule, records.OWNER, _DO.get(one.code, "Change the record as the sentence says."))
        for one in review.findings if one.level != "note"
    ][:20]  # fmt: skip
    lines += [
        ExplainedLine(one.code, one.text, one.rule, "note") for one in review.findings if one.level == "note"
    ][:10]
    if found.count > 1:
        problems.insert(0, Problem(f"Here are {found.count} SPF records. If they stand at one name, the result is permerror.", found.line, _TWO,
                                   records.OWNER, "Put all terms into one record."))  # fmt: skip
    problems += records.place_problems(found, _FITS, "the domain itself", _PLACE) + records.string_problems(
        found
    )
    if gap := re.search(r"\b(?:include|a|mx|ip4|ip6|exists|redirect)[:=]\s", found.text):
        problems.insert(
            0,
            Problem(
                f"A space stands behind `{gap[0].strip()}` and ends the term.",
                found.line,
                _SPACES,
                records.OWNER,
                "Take the space out.",
            ),
        )
    count = review.cost.total
    return records.answer(
        "spf", f"An SPF record{f' of {plain(found.name, 80)}' if found.name else ''}: {record[:70]}",
        f"It says which addresses may send with this domain in MAIL FROM. {count} of 10 lookups are used by its own terms; "
        "what its includes cost is not counted here, as no DNS is asked.",
        lines, problems, "Nothing is wrong with the text. Count the lookups of its includes, too: 10 is the most.", (_WHOSE, _TERM),
    )  # fmt: skip


_DO = {
    "after-all": "Move the terms in front of all, or remove them.",
    "two-records": "Put all terms into one record.",
    "version": "Begin with v=spf1 and a space.",
    "too-many-terms": "Remove includes that nobody needs, or name networks with ip4 and ip6, which cost nothing.",
    "plus-all": "Write ~all, or -all once all senders are in the record.",
    "no-all": "End with ~all, or with -all.",
    "ptr": "Name the hosts with a, ip4 or ip6 instead.",
    "redirect-beside-all": "Keep all or redirect, not both.",
    "equals-sign": "Write a colon in place of the equals sign.",
    "syntax": "Correct that term: until then the whole record gives permerror.",
}


def _line(term: Directive | Modifier) -> ExplainedLine:
    shown = plain(term.text, 100)
    if isinstance(term, Modifier):
        if term.name == "redirect":
            return ExplainedLine(
                shown, "If nothing matched: the record of that domain decides instead. One lookup.", _TERM
            )
        if term.name == "exp":
            return ExplainedLine(shown, "Where an explanation for refusals stands. It costs no lookup.")
        return ExplainedLine(shown, "A modifier that RFC 7208 does not know; it is ignored.", mark="unknown")
    argument = (
        re.split(r"[:]", shown, maxsplit=1)[1]
        if ":" in shown
        else "this domain" + (shown[shown.find("/") :] if "/" in shown else "")
    )
    who = _WHO[term.mechanism].format(argument)
    cost = " One lookup." if term.mechanism in _COUNTED else ""
    return ExplainedLine(shown, f"{who} {_RESULT[term.result]}.{cost}", _TERM if cost else None)
