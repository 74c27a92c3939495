"""What a DMARC record says that it hardly means, or that costs its owner something. Evaluation is another thing:
it takes a record as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from labkit.auth.dmarc.record import POLICIES, Record, failure_options, is_record, read_record
from labkit.frozen import dataclass
from labkit.smtp.rule import Rule

__all__ = ["Remark", "lint"]

Weight = Literal["error", "warning", "note"]

_FORMAT = Rule("RFC 9989 section 4.7", "A DMARC record is a list of tags; v=DMARC1 is the first of them.")
_GRAMMAR = Rule("RFC 9989 section 4.8", "Each tag has a grammar of its own; DMARC1 is written in capitals.")
_TWICE = Rule("RFC 6376 section 3.2", "A tag name comes once in a list.")
_BROKEN = Rule("RFC 9989 section 4.10.1", "A policy that cannot be read counts as p=none, or as no record.")
_REMOVED = Rule("RFC 9989 appendix C.5.2", "pct, rf and ri were removed.")
_ORDER = Rule("RFC 9989 section 4.8", "Behind the version, tags come in any order.")
_SIZE = Rule("RFC 9989 section 4.8", "The size behind ! in a report address is ignored.")
_OWNERS = Rule("RFC 9989 section 7.4", "p=reject is not for domains whose people write to mailing lists, and it needs DKIM.")  # fmt: skip
_FO = Rule("RFC 9989 section 4.7", "fo says when failure reports are wanted: 0 or 1, not both, and d, s. Without ruf it is passed over.")  # fmt: skip
_SUFFIX = Rule("RFC 9989 section 10.2", "The record of a public suffix with many registrants has no ruf: failure reports show their mail.")  # fmt: skip
_SUBDOMAINS = Rule("RFC 9989 section 4.7", "sp and np are for the names below an Organizational Domain.")

_WORDS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("p", "sp", "np"), POLICIES),
    **dict.fromkeys(("adkim", "aspf"), ("r", "s")),
    "t": ("y", "n"),
    "psd": ("y", "n", "u"),
}
_KNOWN = frozenset({"v", "fo", "rua", "ruf", "pct", "rf", "ri", *_WORDS})
_OLD = {
    "pct": "Receivers of RFC 9989 pass over pct; those of RFC 7489 still apply the policy to a share of the mail. t=y is the way to test now.",
    "rf": "rf was removed: there was one format only.",
    "ri": "ri was removed: reports come about once a day.",
}
_MILDNESS = {policy: level for level, policy in enumerate(POLICIES)}


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about octets `start` to `end` of a record."""

    weight: Weight
    """``error``: receivers do not read it as written; ``warning``: it works, but not as its owner may think;
    ``note``: good to know."""
    text: str
    rule: Rule
    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.weight}: {self.text} ({self.rule.ref})"


def lint(record: bytes | str) -> tuple[Remark, ...]:
    """Remarks on a TXT record that is meant as a DMARC record, in the order of its octets. Never raises."""
    octets = record.encode("utf-8", "surrogateescape") if isinstance(record, str) else record
    found = read_record(octets)
    remarks = _of_no_record(octets) if found is None else _of_record(found)
    return tuple(sorted(remarks, key=lambda remark: remark.start))


def _of_no_record(octets: bytes) -> Iterator[Remark]:
    end = max(len(octets), 1)
    if is_record(octets.strip()):
        yield Remark(
            "error", "White space stands before v=DMARC1: the record does not count.", _GRAMMAR, 0, end
        )
    elif found := re.search(rb"\bv[ \t]*=[ \t]*dmarc1\b", octets, re.IGNORECASE):
        where = found.span()
        if is_record(octets[found.start() :]):
            yield Remark(
                "error", "v=DMARC1 is not the first tag: the record does not count.", _FORMAT, *where
            )
        else:
            yield Remark(
                "error", "The version is not written DMARC1: the record does not count.", _GRAMMAR, *where
            )
    else:
        yield Remark("error", "It does not begin with v=DMARC1: it is no DMARC record.", _FORMAT, 0, end)


def _of_record(record: Record) -> Iterator[Remark]:
    for problem in record.problems:
        rule = _TWICE if "twice" in problem.text else _GRAMMAR
        yield Remark("error", f"{problem.text} It is passed over.", rule, problem.start, problem.end)
    end = len(record.octets)
    for name, tag in record.tags.items():
        where = (tag.start, tag.end)
        if name not in _KNOWN:
            yield Remark("error", f"DMARC has no tag {name[:40]}=: it is passed over.", _FORMAT, *where)
        elif name in _OLD:
            yield Remark("note", _OLD[name], _REMOVED, *where)
        elif name in _WORDS and tag.value.lower() not in _WORDS[name]:
            words = ", ".join(_WORDS[name])
            rule = _BROKEN if name in ("p", "sp", "np") else _GRAMMAR
            yield Remark("error", f"{name}={tag.value[:40]} is none of {words}.", rule, *where)
        elif name in ("rua", "ruf"):
            yield from _of_destinations(record, name)
    yield from _of_policy(record, end)


def _of_destinations(record: Record, name: str) -> Iterator[Remark]:
    tag = record.tags[name]
    uris = record.destinations(name)
    if len(uris) < tag.value.count(",") + 1:
        text = f"{name} has a destination that is no URI; it is written mailto:name@domain."
        yield Remark("error", text, _GRAMMAR, tag.start, tag.end)
    for uri in uris:
        if not uri.host:
            text = f"{uri.uri[:60]} is no mailto: address; receivers support no other kind for certain."
            yield Remark("warning", text, _FORMAT, uri.start, uri.end)
        if uri.size:
            yield Remark("note", f"The size !{uri.size} is ignored.", _SIZE, uri.start, uri.end)


def _of_policy(record: Record, end: int) -> Iterator[Remark]:
    p = record.policy("p") or "none"
    where = (record.tags["p"].start, record.tags["p"].end) if "p" in record.tags else (0, end)
    if "p" not in record.tags:
        text = "There is no p: it counts as p=none, and receivers of RFC 7489 may pass over the whole record."
        yield Remark("warning", text, _FORMAT, *where)
    elif list(record.tags)[1] != "p":
        text = "p does not come second. That is allowed now; some receivers of RFC 7489 may not read it."
        yield Remark("note", text, _ORDER, *where)
    if p == "none" and not record.destinations():
        text = "p=none without rua asks for nothing: no policy, no reports."
        yield Remark("warning", text, _FORMAT, *where)
    if p == "reject":
        text = "p=reject: mail through lists and forwarders may be lost. Sign with DKIM, and see the reports first."
        yield Remark("note", text, _OWNERS, *where)
    for name in ("sp", "np"):
        tag, policy = record.tag(name), record.policy(name)
        if tag and policy and _MILDNESS[policy] < _MILDNESS[p]:
            text = f"{name}={policy} is milder than p={p}: names below this one are open to be forged."
            yield Remark("warning", text, _SUBDOMAINS, tag.start, tag.end)
    testing = record.tag("t")
    if testing and record.testing:
        yield Remark(
            "note", "t=y asks for one level less than the policy says.", _FORMAT, testing.start, testing.end
        )
    options = record.tag("fo")
    if options and "ruf" not in record.tags:
        yield Remark("warning", "fo without ruf is passed over.", _FO, options.start, options.end)
    elif options and not failure_options(options.value):
        text = f"fo={options.value[:40]} is no list of 0 or 1, d and s, each once: fo=0 counts."
        yield Remark("error", text, _FO, options.start, options.end)
    if record.psd == "y" and (asked := record.tag("ruf")):
        text = "psd=y says that this is a public suffix: receivers pass over its ruf."
        yield Remark("warning", text, _SUFFIX, asked.start, asked.end)
