"""DMARC records (RFC 9989 section 4.7), with what `labkit.auth.dmarc` remarks on them."""

from __future__ import annotations

import re

from labkit.auth.dmarc.record import Record, read_record
from labkit.auth.dmarc.remarks import lint
from labkit.auth.tag_list import parse_tags
from labkit.explainers import records
from labkit.explainers.answer import ExplainedLine, Explanation, Problem, plain
from labkit.smtp.rule import Rule

__all__ = ["KIND", "explain_it", "looks_like"]

KIND = "a DMARC record"

_MARK = re.compile(
    r"(?<![A-Za-z0-9])(?:v\s*=\s*dmarc[0-9]*|p\s*=\s*(?:none|quarantine|reject)\b)", re.IGNORECASE
)
_START = re.compile(r"(?<![A-Za-z0-9])v\s*=\s*dmarc[0-9]*", re.IGNORECASE)
_FITS = re.compile(r"^_dmarc(?:\.|$)|\._report\._dmarc\.")
_PLACE = Rule(
    "RFC 9989 section 4.10.1", "The record is looked for at _dmarc. in front of the domain in From."
)
_TAGS = Rule("RFC 9989 section 4.7", "The tags of a DMARC record; unknown ones are ignored.")
_TWO = Rule("RFC 9989 section 4.10", "Several DMARC records at one name count as none.")
_PASS = Rule(
    "RFC 9989 section 4.4", "DMARC passes when SPF or DKIM passes and its domain is aligned with From."
)
_MEANINGS = {
    "v": "the version; it stands first, and DMARC1 is written in capitals", "p": "what the owner asks for when DMARC fails",
    "sp": "the same for names below the domain", "np": "the same for names that do not exist",
    "rua": "where aggregate reports go", "ruf": "where failure reports go; few receivers send any",
    "adkim": "how DKIM's domain must fit From: r the same organization, s the same name",
    "aspf": "how SPF's domain must fit From: r the same organization, s the same name",
    "fo": "when failure reports are wanted", "t": "y: this is a test, one level less is asked for",
    "psd": "whether this is a public suffix", "pct": "of RFC 7489: the share of failing mail that the policy is for",
    "rf": "of RFC 7489: the form of failure reports", "ri": "of RFC 7489: seconds between reports",
}  # fmt: skip
_POLICY = {
    "none": "It asks for nothing but reports: forged mail is not stopped.",
    "quarantine": "It asks receivers to treat failing mail with suspicion; mostly it lands in the spam folder.",
    "reject": "It asks receivers to refuse failing mail.",
}


def looks_like(text: str) -> float:
    """How sure it is that this is a DMARC record."""
    if text.lstrip().startswith("<"):
        return 0.0
    sure = records.worth(text, _START)
    return sure or (
        0.85
        if _MARK.search(text) and ("_dmarc" in text.lower() or ";" in text) and text.count("\n") < 6
        else 0.0
    )


def explain_it(text: str) -> Explanation:
    """Explain a DMARC record."""
    # What stands in front of v= is part of the record: it is the slip.
    found = records.find(text, _MARK) or records.Found(text.strip())
    octets = found.text.encode("utf-8", "replace")
    record = read_record(octets)
    remarks = lint(octets)
    bad = [(one.start, one.end) for one in remarks if one.weight == "error"]
    lines = records.tag_lines(parse_tags(octets), _MEANINGS, _TAGS, bad)
    problems = [
        Problem(one.text, found.line, one.rule, records.OWNER, _do(one.text))
        for one in remarks
        if one.weight != "note"
    ][:15]
    lines += [ExplainedLine(plain(octets[one.start : one.end].decode("utf-8", "replace"), 80), one.text, one.rule, "note")
              for one in remarks if one.weight == "note"][:10]  # fmt: skip
    if len(_START.findall(text)) > 1:
        problems.insert(0, Problem("Here is more than one DMARC record. At one name, all of them are discarded.", found.line, _TWO,
                                   records.OWNER, "Keep one record."))  # fmt: skip
    problems += records.place_problems(found, _FITS, "_dmarc.DOMAIN", _PLACE) + records.string_problems(found)
    if record is not None:
        lines += _reports(record, found.name)
    policy = record.policy("p") if record is not None else None
    summary = (
        "Receivers do not take it for a DMARC record."
        if record is None
        else _POLICY.get(policy or "none", "")
    )
    if record is not None and "p" not in record.tags:
        summary = f"There is no p=, which counts as p=none. {summary}"
    good = (
        "Read the aggregate reports for a month before you ask for more."
        if policy == "none"
        else "Nothing is wrong with the text."
    )
    return records.answer(
        "dmarc", f"A DMARC record{f' at {plain(found.name, 80)}' if found.name else ''}: {plain(found.text, 70)}",
        summary, lines, problems, good, (_PASS,),
    )  # fmt: skip


def _reports(record: Record, name: str) -> list[ExplainedLine]:
    lines = []
    domain = name.removeprefix("_dmarc.")
    uris = record.destinations("rua")
    if not uris:
        lines.append(
            ExplainedLine(
                "rua",
                "It is not there or names no valid address: no reports come, so nobody sees what fails.",
                _TAGS,
                "note",
            )
        )
    for uri in uris[:10]:
        if "." in domain and uri.host and not uri.host.lower().endswith(domain):
            rule = Rule(
                "RFC 9990 section 4", "Another domain must agree to get reports, by a record of its own."
            )
            where = f"{domain}._report._dmarc.{uri.host}"
            lines.append(
                ExplainedLine(
                    plain(uri.uri, 80),
                    f"Another domain gets the reports: it needs a TXT record v=DMARC1 at {plain(where, 150)}.",
                    rule,
                    "note",
                )
            )
    return lines


_DO = (
    ("v=DMARC1", "Write v=DMARC1 first, in capitals, then p=."),
    ("without rua", "Add rua=mailto: and an address that somebody reads."),
    ("is milder", "Give it the same policy as p, or leave the tag out."),
    ("without ruf", "Leave fo out, or add ruf."),
    ("twice", "Keep one of the two."),
    ("no URI", "Write mailto: in front of the address."),
    ("There is no p", "Add p=none, or the policy that is meant, behind the version."),
    ("is none of", "Write one of those words."),
)


def _do(text: str) -> str:
    return next((do for sign, do in _DO if sign in text), "Change the tag as the sentence says.")
