"""Mail paths: what stands between the angle brackets of MAIL and RCPT (RFC 5321 section 4.1.2).

The reader goes through the text once, from left to right, and names the first slip that it meets.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address

from labkit.frozen import dataclass
from labkit.smtp.rule import Rule

__all__ = [
    "GRAMMAR",
    "Path",
    "Slip",
    "check_domain",
    "check_literal",
    "check_sizes",
    "guess_path",
    "read_path",
]

GRAMMAR = Rule(
    "RFC 5321 section 4.1.2",
    "A path is an address in angle brackets: <local-part@domain>. Nothing may stand around it.",
)
_LOCAL = Rule(
    "RFC 5321 section 4.1.2",
    "A local-part is words joined by single dots, or anything printable between double quotes.",
)
_DOMAIN = Rule(
    "RFC 5321 section 4.1.2",
    "A domain is labels joined by single dots. A label has letters, digits and inner hyphens.",
)
_LITERAL = Rule(
    "RFC 5321 section 4.1.3",
    "An address literal stands in square brackets: [192.0.2.1] or [IPv6:2001:db8::1].",
)
_ROUTE = Rule(
    "RFC 5321 appendix C",
    "A source route is obsolete. Servers still read it and should ignore it; nobody should send it.",
)
_UTF8 = Rule("RFC 6531 section 3.3", "An address beyond ASCII is UTF-8, and needs the extension SMTPUTF8.")
_LOCAL_SIZE = Rule("RFC 5321 section 4.5.3.1.1", "Every server can take a local-part of 64 octets.")
_DOMAIN_SIZE = Rule("RFC 5321 section 4.5.3.1.2", "Every server can take a domain of 255 octets.")
_PATH_SIZE = Rule(
    "RFC 5321 section 4.5.3.1.3", "Every server can take a path of 256 octets, brackets included."
)

# Classes by what they leave out: all beyond ASCII is in, and they compile ten times as fast.
_ATOM = re.compile(r'[^\x00- "(),.:;<>@\[\\\]\x7f]+')
_LABEL = re.compile(r"[^\x00-,./:-@\[-`{-\x7f]+")
_QUOTED = re.compile(r'"(?:[^\x00-\x1f"\\\x7f]|\\[ -~])*"')
_GENERAL_LITERAL = re.compile(r"[A-Za-z0-9-]*[A-Za-z0-9]:[!-Z^-~]+")
_NUMBER = re.compile(r"[0-9]{1,3}")


class Slip(Exception):
    """Inside the parsers only: a break of the grammar, with reason and rule. Never leaves `labkit.smtp`."""

    def __init__(self, reason: str, rule: Rule, *, tolerable: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.rule = rule
        self.tolerable = tolerable


@dataclass(frozen=True, slots=True)
class Path:
    """An address as MAIL or RCPT carries it; ``str()`` of it is the address without brackets.

    ``local_part`` is written as on the wire, with its quotes. ``domain`` is a name or an address literal; it
    is empty for ``<Postmaster>``. Both are empty for the null reverse-path ``<>``. ``route`` is an obsolete
    source route, for example ``"@a.example,@b.example"``.
    """

    local_part: str
    domain: str
    route: str = ""

    @property
    def null(self) -> bool:
        """Whether this is ``<>``, the reverse-path of messages that must not be answered."""
        return not self.local_part and not self.domain

    @property
    def ascii(self) -> bool:
        """Whether the address needs no SMTPUTF8."""
        return self.local_part.isascii() and self.domain.isascii() and self.route.isascii()

    def __str__(self) -> str:
        return f"{self.local_part}@{self.domain}" if self.domain else self.local_part


def read_path(text: str, at: int) -> tuple[Path, int]:
    """Read a path that begins at ``text[at]``. Returns it, and where it ends. Raises `Slip`."""
    if text[at : at + 1] != "<":
        raise Slip("the address stands without its angle brackets < >", GRAMMAR)
    at += 1
    if text[at : at + 1] == ">":
        return Path("", ""), at + 1
    if text[at : at + 1] == " ":
        raise Slip("a space stands after <", GRAMMAR)
    route = ""
    if text[at : at + 1] == "@":
        route, at = _read_route(text, at)
    local, at = _read_local(text, at)
    mark = text[at : at + 1]
    if mark == ">":
        if local.lower() == "postmaster" and not route:
            return Path(local, ""), at + 1
        raise Slip("the address has no @ and no domain", GRAMMAR)
    if mark != "@":
        raise _unexpected(text, at, "the local-part", _LOCAL)
    domain, at = _read_domain(text, at + 1)
    if text[at : at + 1] != ">":
        raise _unexpected(text, at, "the domain", _DOMAIN)
    return Path(local, domain, route), at + 1


def _unexpected(text: str, at: int, where: str, rule: Rule) -> Slip:
    mark = text[at : at + 1]
    if not mark or (mark == " " and text.find(">", at) < 0):
        return Slip("the closing bracket > is missing", GRAMMAR)
    if mark == " ":
        return Slip(f"a space stands behind {where}", rule)
    if mark == "@":
        return Slip("the address has two @", GRAMMAR)
    if mark == "_" and rule is _DOMAIN:
        return Slip("a domain may not hold an underscore", _DOMAIN)
    if mark == "<":
        return Slip("a second < stands inside the address", GRAMMAR)
    return Slip(f"{where} may not hold the character {mark!r}", rule)


def _read_route(text: str, at: int) -> tuple[str, int]:
    start = at
    while True:
        _, at = _read_domain(text, at + 1)
        mark = text[at : at + 1]
        if mark == ":":
            return text[start:at], at + 1
        if mark != "," or text[at + 1 : at + 2] != "@":
            if mark == ">":
                raise Slip("the local-part before @ is missing", _LOCAL)
            raise Slip("a source route is written <@a.example,@b.example:user@c.example>", _ROUTE)
        at += 1


def _read_local(text: str, at: int) -> tuple[str, int]:
    start = at
    if text[at : at + 1] == '"':
        quoted = _QUOTED.match(text, at)
        if quoted is None:
            raise Slip("the quoted local-part has no closing quote, or holds what may not be quoted", _LOCAL)
        return quoted[0], quoted.end()
    while True:
        atom = _ATOM.match(text, at)
        if atom is None:
            mark = text[at : at + 1]
            if mark == "@" and at == start:
                raise Slip("the local-part before @ is missing", _LOCAL)
            if mark == "." or (at > start and mark in ("@", ">")):
                raise Slip("a dot may not stand first, last, or beside another dot in the local-part", _LOCAL)
            raise _unexpected(text, at, "the local-part", _LOCAL)
        at = atom.end()
        if text[at : at + 1] != ".":
            return text[start:at], at
        at += 1


def _read_domain(text: str, at: int) -> tuple[str, int]:
    start = at
    if text[at : at + 1] == "[":
        end = text.find("]", at)
        if end < 0:
            raise Slip("the address literal has no closing ]", _LITERAL)
        check_literal(text[at + 1 : end])
        return text[start : end + 1], end + 1
    while True:
        label = _LABEL.match(text, at)
        if label is None:
            mark = text[at : at + 1]
            if at == start and (not mark or mark in ">,: "):
                raise Slip("the domain after @ is missing", _DOMAIN)
            if mark == "." or (at > start and (not mark or mark in ">,: ")):
                raise Slip("a dot may not stand first, last, or beside another dot in the domain", _DOMAIN)
            raise _unexpected(text, at, "the domain", _DOMAIN)
        if label[0][0] == "-" or label[0][-1] == "-":
            raise Slip(f"the label {label[0][:70]!r} begins or ends with a hyphen", _DOMAIN)
        at = label.end()
        if text[at : at + 1] != ".":
            return text[start:at], at
        at += 1


def check_domain(text: str) -> None:
    """Check a whole text as a domain or an address literal, as EHLO has it. Raises `Slip`."""
    domain, end = _read_domain(text, 0)
    if end < len(text):
        raise _unexpected(text, end, "the name", _DOMAIN)
    if len(domain.encode("utf-8")) > 255:
        raise Slip("the domain is longer than 255 octets", _DOMAIN_SIZE, tolerable=True)


def check_literal(text: str) -> None:
    """Check what stands between the square brackets of an address literal. Raises `Slip`."""
    if text[:5].lower() == "ipv6:":
        try:
            IPv6Address(text[5:])
        except ValueError:
            raise Slip("this is no IPv6 address", _LITERAL) from None
        if "%" in text:
            raise Slip("an IPv6 address in mail has no zone", _LITERAL)
        return
    parts = text.split(".")
    if len(parts) == 4 and all(_NUMBER.fullmatch(part) and int(part) <= 255 for part in parts):
        return
    if _GENERAL_LITERAL.fullmatch(text):
        return
    if text.count(":") >= 2:
        raise Slip("an IPv6 address needs IPv6: in front of it", _LITERAL)
    raise Slip("this is no address literal", _LITERAL)


def check_sizes(path: Path, written: str) -> None:
    """Check the sizes that every server must be able to take. Raises a tolerable `Slip`."""
    if len(path.local_part.encode("utf-8")) > 64:
        raise Slip("the local-part is longer than 64 octets", _LOCAL_SIZE, tolerable=True)
    if len(path.domain.encode("utf-8")) > 255:
        raise Slip("the domain is longer than 255 octets", _DOMAIN_SIZE, tolerable=True)
    if len(written.encode("utf-8")) > 256:
        raise Slip("the path is longer than 256 octets", _PATH_SIZE, tolerable=True)


def guess_path(text: str) -> Path | None:
    """The address that a lenient server would find in the rest of a malformed MAIL or RCPT line."""
    text = text.lstrip(" :\t")
    opened = text.startswith("<")
    if opened:
        text = text[1:].lstrip(" ")
        end = text.find(">")
        text = text[:end] if end >= 0 else text.split(" ", 1)[0]
    else:
        text = text.split(" ", 1)[0].rstrip(">")
    text = text.strip()
    if not text:
        return Path("", "") if opened else None
    local, at, domain = text.rpartition("@")
    return Path(local, domain) if at else Path(domain, "")
