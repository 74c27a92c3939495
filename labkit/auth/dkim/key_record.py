"""A key record: what it says, and whether it is good for a signature (RFC 6376 section 3.6.1 and 6.1.2)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from labkit.auth.dkim import rules
from labkit.auth.dkim.signature import ALGORITHMS, Signature, compact, decoded
from labkit.auth.tag_list import Tag, TagList, parse_tags
from labkit.frozen import dataclass

if TYPE_CHECKING:
    from labkit.auth.dkim.crypto import PublicKey
    from labkit.smtp.rule import Rule

SHORTEST = 1024
"""Bits of an RSA key (RFC 8301 section 3.2)."""

_SYNTAX = "key syntax error"


class Fault(NamedTuple):
    """Why a record is no key for a signature."""

    rule: Rule
    text: str
    reason: str
    """In the words of RFC 6376 section 6.1.2, or ours where it has none."""
    start: int
    """The octets of the record that show it; an empty range if it is what is not there."""
    end: int


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """One TXT record at a selector, read. Offsets count in its strings, joined."""

    tags: TagList
    kind: str
    """The tag k=, or its default: ``rsa``."""
    hashes: tuple[str, ...]
    """The tag h=; empty for any."""
    services: tuple[str, ...]
    """The tag s=, or its default: ``*``."""
    flags: tuple[str, ...]
    """The tag t=: ``y`` for testing, ``s`` for no domain below d= in i=."""
    key: PublicKey | None
    bits: int
    """Length of an RSA modulus; 256 for Ed25519; 0 without a key."""
    fault: Fault | None
    """What makes it useless for every signature."""


@lru_cache(maxsize=256)
def read_key_record(octets: bytes) -> KeyRecord:
    """Read a record's strings, joined. Never raises: what is wrong is its `fault`."""
    tags = parse_tags(octets)
    kind = _value(tags, "k", "rsa")
    key, bits, fault = None, 0, _form(tags, len(octets))
    if fault is None and kind in ALGORITHMS.values():
        from labkit.auth.dkim.crypto import load_key

        tag = tags.by_name["p"]
        der = decoded(tag.value)
        if der is None:
            fault = Fault(rules.KEY_SYNTAX, "The value of p= is not base64.", _SYNTAX, tag.start, tag.end)
        elif (loaded := load_key(kind, der)) is None:
            what = "32 octets of an Ed25519 key" if kind == "ed25519" else "an RSA key"
            rule = rules.ED25519 if kind == "ed25519" else rules.KEY_SYNTAX
            fault = Fault(rule, f"The value of p= is not {what}.", _SYNTAX, tag.start, tag.end)
        else:
            key, bits = loaded
    return KeyRecord(
        tags=tags,
        kind=kind,
        hashes=_words(tags, "h"),
        services=_words(tags, "s") or ("*",),
        flags=_words(tags, "t"),
        key=key,
        bits=bits,
        fault=fault,
    )


def fault_for(record: KeyRecord, signature: Signature) -> Fault | None:
    """Why the record is no key for this signature, in the order of section 6.1.2; None if it is one."""
    tags = record.tags
    needed = ALGORITHMS[signature.algorithm]
    revoked = record.fault is not None and record.fault.rule is rules.REVOKED
    if record.fault is not None and not revoked:
        return record.fault
    if record.hashes and "sha256" not in record.hashes:
        text = f"The key is for the hash {', '.join(record.hashes)} only, the signature uses sha256."
        return _at(tags.get("h"), rules.KEY_HASH, text, "inappropriate hash algorithm")
    if revoked:
        return record.fault
    if record.kind != needed:
        text = f"The key is of the kind {record.kind}, the signature needs {needed}."
        return _at(tags.get("k") or tags.get("p"), rules.KEY_KIND, text, "inappropriate key algorithm")
    if not {"*", "email"} & set(record.services):
        text = f"The key is for the service {', '.join(record.services)}, not for email."
        return _at(tags.get("s"), rules.SERVICE, text, "inapplicable key")
    if "s" in record.flags and signature.identity.rpartition("@")[2].lower() != signature.domain.lower():
        text = f"The key allows no domain below {signature.domain} in i=."
        return _at(tags.get("t"), rules.STRICT, text, "domain mismatch")
    if record.kind == "rsa" and record.bits < SHORTEST:
        text = f"The RSA key has {record.bits} bits, which can be broken; at least {SHORTEST} are needed."
        return _at(tags.get("p"), rules.SHORT, text, "key too short")
    return None


def _form(tags: TagList, length: int) -> Fault | None:
    if tags.problems:
        problem = tags.problems[0]
        return Fault(rules.KEY_SYNTAX, problem.text, _SYNTAX, problem.start, problem.end)
    version = tags.get("v")
    if version is not None and (version.value != "DKIM1" or tags.tags[0] is not version):
        text = "The version must be DKIM1 and stand first."
        return _at(version, rules.KEY, text, _SYNTAX)
    key = tags.get("p")
    if key is None:
        return Fault(rules.KEY_SYNTAX, "The record has no key: the tag p= is missing.", _SYNTAX, 0, length)
    if not key.value:
        text = "The tag p= is empty: the owner has withdrawn this key."
        return _at(key, rules.REVOKED, text, "key revoked")
    return None


def _at(tag: Tag | None, rule: Rule, text: str, reason: str) -> Fault:
    return Fault(rule, text, reason, *((tag.start, tag.end) if tag is not None else (0, 0)))


def _value(tags: TagList, name: str, default: str) -> str:
    tag = tags.get(name)
    return default if tag is None else tag.value


def _words(tags: TagList, name: str) -> tuple[str, ...]:
    """The parts of a value between colons."""
    value = compact(_value(tags, name, ""))
    return tuple(value.split(":")) if value else ()
