"""pyspf, the peer in Python, on a resolver of ours; and the differences to it that are known, each with its reason."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import spf

from labkit.lookup import Resolver
from labkit.verdict import Verdict

from .spf_random import Situation

RESULTS = {"unknown": "permerror", "error": "temperror"}

DIFFERENCES = {
    "recursion": "An include of a domain that is being checked already is an error in pyspf at once. RFC 7208 section"
    " 4.6.4 has only the limit of 10 terms for it, and section 5.2 a first match before that.",
    "modifier": "pyspf refuses an unknown modifier that stands twice. RFC 7208 section 6 forbids that for redirect and"
    " exp only, and has unknown modifiers ignored.",
    "mx": "pyspf counts the MX records before it looks one up. RFC 7208 section 4.6.4 limits how many are looked up, and"
    " section 5.4 stops at the first that matches.",
    "final dot": "pyspf gives none for a name in HELO with a final dot. RFC 7208 section 4.3 calls an empty label"
    " malformed only when it is not at the end.",
    "void": "pyspf expands all macros, %{p} with its lookups too, before the first term is tried, and looks up all mail"
    " servers behind an mx that matched already. RFC 7208 section 4.6.2 tries terms from left to right, and what is not"
    " reached is not looked up: fewer empty lookups for section 4.6.4.",
    "%{p}": "pyspf gives temperror if a lookup for %{p} fails. RFC 7208 section 7.3: then the macro is `unknown`.",
    "%{p} counts": "pyspf does not count the PTR lookup of %{p}. RFC 7208 section 4.6.4 includes it in the limit of 10.",
    "zero": "pyspf takes %{d0}. RFC 7208 section 7.3: a number in a macro is not zero.",
    "postmaster": "pyspf leaves the local-part of %{s} empty. RFC 7208 section 4.3 puts postmaster there.",
}


def check(situation: Situation, dns: Resolver) -> tuple[str, str, Any]:
    """pyspf's result and explanation (or what it says about an error), and its query with the counters."""

    def lookup(name: str, rdtype: str, *_: object) -> Iterator[tuple[tuple[str, str], Any]]:
        found = dns.lookup(name.replace("\\", "\\\\"), rdtype)
        if found.outcome in ("timeout", "servfail"):
            raise spf.TempError(found.outcome)
        for rdata in found.records:
            yield (name, rdtype), value(rdata, rdtype)

    spf.DNSLookup = lookup
    query = spf.query(i=situation.ip, s=situation.mail_from, h=situation.helo, strict=True)
    query.set_default_explanation("")
    result, _, said = query.check()
    return RESULTS.get(result, result), said, query


def value(rdata: Any, rdtype: str) -> Any:
    """A record in the form in which pyspf wants it."""
    match rdtype:
        case "AAAA":
            return socket.inet_pton(socket.AF_INET6, rdata.address)
        case "MX":
            return rdata.preference, rdata.exchange.to_text(omit_final_dot=True).rstrip(".")
        case "PTR":
            return rdata.target.to_text(omit_final_dot=True)
        case "TXT":
            return rdata.strings
    return rdata.address


def reason(situation: Situation, ours: Verdict, result: str, said: str) -> str | None:
    """Which known difference it is, if it is one."""
    texts = [step.text for _, step in ours.steps()]
    if "trivial recursion" in said:
        return "recursion"
    if "MUST appear at most once" in said and not any(f": {known}=" in said for known in ("exp", "redirect")):
        return "modifier"
    if "More than 10 MX" in said and ours.trace[-1].rule.ref != "RFC 7208 section 4.6.4":
        return "mx"
    if result == "none" and situation.domain.endswith("."):
        return "final dot"
    if "Void lookup limit" in said and ours.properties["void_lookups"] <= 2:
        return "void"
    if "timeout" in said and "%{p}" in situation.zone:
        return "%{p}"
    if "%{p}" in situation.zone and any("needs the DNS" in text for text in texts):
        return "%{p} counts"
    if any("keeps no part at all" in text for text in texts):
        return "zero"
    if result == ours.result == "fail" and situation.mail_from.startswith("@"):
        return "postmaster"
    return None
