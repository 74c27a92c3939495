"""The rules of RFC 7208 that an evaluation or a review names, each said in a learner's words."""

from __future__ import annotations

from labkit.smtp.rule import Rule


def _rule(section: str, text: str) -> Rule:
    return Rule(f"RFC 7208 section {section}", text)


MAIL_FROM = _rule("2.4", "What is checked is the domain of MAIL FROM, not that of the From field.")
HELO = Rule(
    "RFC 7208 sections 2.3 and 2.4",
    "The name in HELO is checked by itself, or in place of MAIL FROM:<>; the sender is postmaster at it.",
)
STRINGS = _rule("3.3", "The strings of one TXT record are joined without spaces.")
SIZE = _rule("3.4", "The answer with all TXT records of a name should fit into 512 octets.")
ASCII = _rule("3.1", "A record is printable ASCII text.")
INITIAL = _rule("4.3", "A domain that is malformed, has a single label, or does not exist gives none.")
LOOKUP = _rule("4.4", "A time-out or a server failure in the lookup of the record gives temperror.")
SELECT = _rule(
    "4.5", "Records that begin with v=spf1 count: with none the result is none, with two it is permerror."
)
SYNTAX = _rule("4.6", "A syntax error anywhere in the record gives permerror, before any term is evaluated.")
ORDER = _rule("4.6.2", "Mechanisms are tried from left to right; the first that matches decides.")
TERM_LIMIT = _rule(
    "4.6.4", "At most 10 terms of one check may need the DNS: include, a, mx, ptr, exists, redirect."
)
VOID_LIMIT = _rule("4.6.4", "At most 2 lookups of one check may come back empty; the third gives permerror.")
MX_LIMIT = _rule("4.6.4", "One mx may lead to at most 10 names; more give permerror.")
PTR_LIMIT = _rule("4.6.4", "Of the names that PTR records give, the first 10 are looked at.")
DEFAULT = _rule("4.7", "If nothing matches and there is no redirect, the result is neutral.")
SPEC = _rule("4.8", "A domain that cannot be a DNS name is not asked for, and its term does not match.")
ALL = _rule("5.1", "all matches every client; what stands behind it is never tried.")
INCLUDE = _rule(
    "5.2", "include matches if the check of the other domain passes; none there is permerror here."
)
A = _rule("5.3", "a matches if the client is one of the addresses of the name.")
MX = _rule("5.4", "mx matches if the client is one of the addresses of the domain's mail servers.")
PTR = _rule(
    "5.5",
    "ptr matches if a name of the client, confirmed by its addresses, lies in the domain. Do not use it.",
)
IP4 = _rule("5.6", "ip4 matches IPv4 clients in the network.")
IP6 = _rule("5.6", "ip6 matches IPv6 clients in the network.")
EXISTS = _rule("5.7", "exists matches if the name has an A record, whichever; also for IPv6 clients.")
MODIFIERS = _rule("6", "redirect and exp may each stand once in a record; unknown modifiers are ignored.")
REDIRECT = _rule(
    "6.1", "If nothing matches, the result is that of the domain in redirect; none there is permerror."
)
EXP = _rule(
    "6.2", "On fail, exp names the TXT record with the explanation; if it cannot be had, there is none."
)
MACROS = _rule("7.1", "A % begins a macro: %{letter...}, %%, %_ or %-.")
LETTERS = _rule("7.2", "The macro letters are s l o d i p h v; c r t only in an explanation.")
