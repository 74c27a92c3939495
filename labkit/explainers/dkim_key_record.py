"""DKIM key records (RFC 6376 section 3.6.1)."""

from __future__ import annotations

import re

from labkit.auth.dkim.key_record import KeyRecord, read_key_record
from labkit.explainers import records
from labkit.explainers.answer import Explanation, Problem, plain
from labkit.smtp.rule import Rule

__all__ = ["KIND", "explain_it", "looks_like"]

KIND = "a DKIM key record"

_MARK = re.compile(
    r"(?<![A-Za-z0-9])(?:v\s*=\s*DKIM[0-9]*|(?:[kgnsth]=[^;\"]{1,20};\s*){1,6}p\s*=|p\s*=\s*(?:MI[GI][A-Za-z0-9+/]|[A-Za-z0-9+/]{42,}=?=?\s*(?:;|$))|p\s*=\s*;?\s*\"?\s*$)",
    re.IGNORECASE,
)
_FITS = re.compile(r"\._domainkey(?:\.|$)|^@$(?!.)x")
_PLACE = Rule(
    "RFC 6376 section 3.6.2.1", "The key stands at selector._domainkey.domain: s= and d= of the signature."
)
_TAGS = Rule("RFC 6376 section 3.6.1", "v, k, h, s, t, n and p are the tags of a key; p is the key itself.")
_LENGTH = Rule("RFC 8301 section 3.2", "RSA keys have at least 1024 bits to be accepted; sign with 2048.")
_TEST = Rule(
    "RFC 6376 section 3.6.1", "t=y says that DKIM is being tested; mail counts as if it were not signed."
)
_SHA1 = Rule("RFC 8301 section 3.1", "sha1 must not be used.")
_MEANINGS = {
    "v": "the version; it stands first", "k": "the kind of key: rsa, or ed25519 (RFC 8463)", "p": "the public key, in base64",
    "h": "the hash algorithms that are permitted", "s": "the services it is for: * or email",
    "t": "flags: y for testing, s for no subdomain in i=", "n": "a note for people", "g": "of an older version; it is ignored",
}  # fmt: skip


def looks_like(text: str) -> float:
    """How sure it is that this is a key record."""
    if "bh=" in text or re.match(r"\s*dkim-signature\s*:", text, re.IGNORECASE):
        return 0.0
    sure = records.worth(text, _MARK)
    return max(sure, 0.9) if sure and "_domainkey" in text else sure


def explain_it(text: str) -> Explanation:
    """Explain a key record."""
    found = records.find(text, _MARK) or records.Found(text.strip())
    value = found.text.strip().rstrip('"')
    key = read_key_record(value.encode("utf-8", "replace"))
    lines = records.tag_lines(key.tags, _MEANINGS, _TAGS)
    problems = [*_problems(key, found.line)]
    problems += records.place_problems(
        found, _FITS, "SELECTOR._domainkey.DOMAIN", _PLACE
    ) + records.string_problems(found)
    if "p=-----" in value or "BEGIN" in value:
        problems.append(Problem("The key is in PEM form; the record takes the base64 between its BEGIN and END lines.", found.line, _TAGS,
                                records.OWNER, "Leave the two lines out, and join the others."))  # fmt: skip
    kind = f"{key.kind}, {key.bits} bits" if key.key is not None else "no usable key"
    return records.answer(
        "dkim-key", f"A DKIM key record{f' at {plain(found.name, 100)}' if found.name else ''} ({plain(kind, 40)})",
        "Receivers look here for the public key to a signature.", lines, problems,
        "Nothing is wrong with the key. Sign a message, and look at its Authentication-Results.", (_PLACE,),
    )  # fmt: skip


def _problems(key: KeyRecord, line: int) -> list[Problem]:
    problems = []
    if key.fault is not None:
        withdrawn = "withdrawn" in key.fault.text
        problems.append(Problem(key.fault.text, line, key.fault.rule, records.OWNER,
                                "Leave it so if the key is no longer in use; else publish the key." if withdrawn
                                else "Copy the key again, whole, and without spaces or line ends."))  # fmt: skip
    if key.kind == "rsa" and key.key is not None and key.bits < 2048:
        bad = (
            "Receivers do not accept it."
            if key.bits < 1024
            else "It is accepted, and 2048 bits are the advice."
        )
        problems.append(
            Problem(
                f"The RSA key has {key.bits} bits. {bad}",
                line,
                _LENGTH,
                records.OWNER,
                "Make a key of 2048 bits, under a new selector.",
            )
        )
    if key.hashes and "sha256" not in key.hashes:
        problems.append(
            Problem(
                "The key is for sha1 alone, which nobody may use.",
                line,
                _SHA1,
                records.OWNER,
                "Remove h=, or write h=sha256.",
            )
        )
    if "y" in key.flags:
        problems.append(
            Problem(
                "t=y says that this is a test.",
                line,
                _TEST,
                records.OWNER,
                "Remove t=y when signatures pass.",
            )
        )
    return problems
