"""An SPF record read into its terms (RFC 7208 sections 4.6 and 12), each with the octets where it stands.

A record is read once and kept; what it means for one client is decided elsewhere, each time anew.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Literal

from labkit.auth.spf import rules
from labkit.auth.spf.address import MASKS, Family, ip4_value, ip6_value
from labkit.auth.spf.macros import MacroText, as_name, read_domain, read_macros, why_no_name
from labkit.auth.spf.problem import Problem, SpfSyntaxError, shown
from labkit.verdict import Evidence

Mechanism = Literal["all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"]
MECHANISMS: tuple[Mechanism, ...] = ("all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists")
ASKING = frozenset({"include", "a", "mx", "ptr", "exists", "redirect"})
"""The terms that need the DNS, of which one check may have 10."""
RESULTS = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}

_NAMED: dict[str, Mechanism] = {name: name for name in MECHANISMS}
_KEPT = 4096  # octets of the longest record that is kept once read
_MOST_PROBLEMS = 50  # a record with more is not read to its end: one is enough for permerror
_VERSION = re.compile(rb"v=spf1(?: |\Z)", re.IGNORECASE)
_TERM = re.compile(r"[^ ]+")
_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)=")
_DIRECTIVE = re.compile(r"([+?~-]?)([A-Za-z][A-Za-z0-9_.-]*)(?=[:/]|\Z)")
_LENGTHS = re.compile(r"(?:/(0|[1-9][0-9]{0,2}))?(?://(0|[1-9][0-9]{0,2}))?\Z")
_LIKELY = {"ip": "ip4", "ipv4": "ip4", "ipv6": "ip6", "ip-4": "ip4", "redirect": "redirect=", "exp": "exp="}


@dataclass(frozen=True, slots=True)
class Domain:
    """Whom a term asks for: fixed, or different for each check."""

    text: MacroText
    name: str | None
    """The name to ask for, if no macro changes it."""
    invalid: str | None
    """Why that name cannot be asked for, if so."""


@dataclass(slots=True)
class Term:
    """What directives and modifiers have in common. Nobody changes them: they are not frozen because a record of
    64 KiB can hold 30,000, and frozen ones take five times as long to make."""

    text: str
    """As written, one character for each octet."""
    start: int
    end: int
    """Octets ``start`` up to ``end`` of the record."""
    evidence: tuple[Evidence]
    """The same octets, in their source."""


@dataclass(slots=True)
class Directive(Term):
    """A mechanism with its qualifier."""

    mechanism: Mechanism
    result: str
    """What the check comes to if it matches: ``pass``, ``fail``, ``softfail``, ``neutral``."""
    domain: Domain | None
    """None where the domain that is being checked is meant, or none at all."""
    prefix4: int
    prefix6: int
    network: int = 0
    """For ip4 and ip6 the network, the bits behind its prefix cleared."""
    mask: int = 0
    family: Family = 4


@dataclass(slots=True)
class Modifier(Term):
    """A modifier. `domain` is None for those that RFC 7208 does not know."""

    name: str
    """In lower case."""
    domain: Domain | None


@dataclass(frozen=True, slots=True)
class Record:
    """A record as read. If there are `problems`, the terms are those that could be read."""

    text: str
    """One character for each octet."""
    evidence: tuple[Evidence]
    directives: tuple[Directive, ...]
    modifiers: tuple[Modifier, ...]
    redirect: Modifier | None
    exp: Modifier | None
    problems: tuple[Problem, ...]

    @property
    def terms(self) -> list[Directive | Modifier]:
        """Directives and modifiers in the order of the record."""
        return sorted((*self.directives, *self.modifiers), key=lambda term: term.start)


def joined(strings: Sequence[bytes]) -> bytes:
    """The octets of a TXT record: its strings without anything between them (section 3.3)."""
    return strings[0] if len(strings) == 1 else b"".join(strings)


def is_spf(octets: bytes) -> bool:
    """Whether a TXT record claims to be an SPF record: ``v=spf1``, then a space or nothing (section 4.5)."""
    return _VERSION.match(octets) is not None


def read_record(octets: bytes, source: str) -> Record:
    """Read a record for which `is_spf` holds. ``source`` is what its evidence names. Never raises."""
    return _kept(octets, source) if len(octets) <= _KEPT else _read(octets, source)


def _read(octets: bytes, source: str) -> Record:
    text = octets.decode("latin-1")
    directives: list[Directive] = []
    modifiers: list[Modifier] = []
    known: dict[str, Modifier] = {}
    problems: list[Problem] = []
    for found in _TERM.finditer(text, len("v=spf1")):
        try:
            term = _term(found[0], found.start(), source)
            if isinstance(term, Directive):
                directives.append(term)
            else:
                if term.domain is not None and term.name in known:
                    said = f"`{term.name}=` stands twice; it may stand once."
                    problems.append(Problem(term.start, term.end, said, rules.MODIFIERS))
                known.setdefault(term.name, term)
                modifiers.append(term)
        except SpfSyntaxError as error:
            problems.append(error.problem)
        if len(problems) == _MOST_PROBLEMS:
            break
    return Record(
        text,
        (Evidence(source, 0, len(text)),),
        tuple(directives),
        tuple(modifiers),
        known.get("redirect"),
        known.get("exp"),
        tuple(problems),
    )


_kept = lru_cache(maxsize=512)(_read)


def _term(text: str, at: int, source: str) -> Directive | Modifier:
    end = at + len(text)
    if not (text.isascii() and text.isprintable()):
        odd = next(i for i, char in enumerate(text) if not (char.isascii() and char.isprintable()))
        said = f"`{shown(text[odd])}` is not printable ASCII; terms are separated by spaces only."
        raise SpfSyntaxError(Problem(at + odd, at + odd + 1, said, rules.ASCII))
    evidence = (Evidence(source, at, end),)
    if (found := _MODIFIER.match(text)) is not None:
        name, value_at = found[1].lower(), at + found.end()
        value = text[found.end() :]
        if name in ("redirect", "exp"):
            return Modifier(text, at, end, evidence, name, _domain(value, value_at))
        read_macros(value, value_at)
        return Modifier(text, at, end, evidence, name, None)
    if (found := _DIRECTIVE.match(text)) is None:
        raise SpfSyntaxError(Problem(at, end, f"`{text}` is neither mechanism nor modifier.", rules.SYNTAX))
    mechanism = _NAMED.get(found[2].lower())
    if mechanism is None:
        raise SpfSyntaxError(
            Problem(at + found.start(2), at + found.end(2), _unknown(found[2]), rules.SYNTAX)
        )
    return _directive(
        mechanism, text, at, evidence, RESULTS[found[1] or "+"], text[found.end() :], at + found.end()
    )


def _unknown(name: str) -> str:
    near = _LIKELY.get(name.lower()) or next(iter(get_close_matches(name.lower(), MECHANISMS, 1)), None)
    return f"There is no mechanism `{name}`." + (f" Was {near} meant?" if near else "")


def _domain(text: str, at: int) -> Domain:
    read = read_domain(text, at)
    if read.literal is None:
        return Domain(read, None, None)
    name = as_name(read.literal)
    return Domain(read, name, why_no_name(name))


def _directive(
    mechanism: Mechanism, text: str, at: int, evidence: tuple[Evidence], result: str, rest: str, rest_at: int
) -> Directive:
    """``rest`` is what stands behind the mechanism's name, at octet ``rest_at``: ``:domain/24``, or nothing."""
    end = at + len(text)
    domain, prefix4, prefix6 = None, 32, 128
    if mechanism in ("ip4", "ip6"):
        network, mask, family = _network(mechanism, rest, rest_at)
        return Directive(text, at, end, evidence, mechanism, result, None, 32, 128, network, mask, family)
    if mechanism in ("a", "mx"):
        lengths = _LENGTHS.search(rest)
        assert lengths is not None  # it matches nothing, too
        prefix4, prefix6 = int(lengths[1] or 32), int(lengths[2] or 128)
        for prefix, most in ((prefix4, 32), (prefix6, 128)):
            if prefix > most:
                place = (rest_at + lengths.start(), end)
                said = f"A prefix has 0 to {most} bits, not {prefix}."
                raise SpfSyntaxError(Problem(*place, said, rules.A if mechanism == "a" else rules.MX))
        rest = rest[: lengths.start()]
    if rest.startswith(":") and mechanism != "all":
        domain = _domain(rest[1:], rest_at + 1)
    elif rest or mechanism in ("include", "exists"):
        said = (
            f"Behind {mechanism} a colon and a domain are due." if mechanism in ("include", "exists")
            else f"`{rest}` cannot stand behind {mechanism}."
        )  # fmt: skip
        raise SpfSyntaxError(Problem(rest_at if rest else at, end, said, rules.SYNTAX))
    return Directive(text, at, end, evidence, mechanism, result, domain, prefix4, prefix6)


def _network(mechanism: str, rest: str, at: int) -> tuple[int, int, Family]:
    """Network, mask and family behind ``ip4`` or ``ip6``."""
    family: Family = 4 if mechanism == "ip4" else 6
    rule = rules.IP4 if family == 4 else rules.IP6
    end = at + len(rest)
    if not rest.startswith(":"):
        raise SpfSyntaxError(Problem(at if rest else at - 3, end, f"Behind {mechanism} a colon and an address are due.", rule))  # fmt: skip
    address, slash, prefix = rest[1:].partition("/")
    value = ip4_value(address) if family == 4 else ip6_value(address)
    most = 32 if family == 4 else 128
    if value is None:
        said = f"`{address}` is no IPv{family} address."
        if (ip6_value(address) if family == 4 else ip4_value(address)) is not None:
            said = f"`{address}` is an IPv{10 - family} address; it stands behind ip{10 - family}."
        elif family == 4 and re.fullmatch(r"[0-9.]+", address):
            said += " It has four numbers up to 255, without leading zeros."
        raise SpfSyntaxError(Problem(at + 1 if address else at, at + 1 + len(address), said, rule))
    if not slash:
        return value, MASKS[family][most], family
    if not re.fullmatch(r"0|[1-9][0-9]{0,2}", prefix) or int(prefix) > most:
        said = f"`/{prefix}` is no prefix: behind the slash stands a number from 0 to {most}."
        raise SpfSyntaxError(Problem(end - len(prefix) - 1, end, said, rule))
    mask = MASKS[family][int(prefix)]
    return value & mask, mask, family
