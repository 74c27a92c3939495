"""The Author Domain of a message: whose name the reader sees (RFC 9989 section 5.3.1).

`author_domain` reads the From field by the grammar of RFC 5322 section 3.6.2 (with RFC 6532's UTF-8 and RFC 6854's
groups), octet by octet, and says where in the message the domain stands. Comments and quoted display names may hold
anything; an address in them is none.

Readings. What breaks the grammar is outside of RFC 9989, which says that nothing can align with such a field (sections
4.2 and 4.4). Receivers still read it, and so does this: it takes every ``@domain`` outside of quotes and comments. When
they all name one domain, that is the Author Domain; when they name several, as in ``bank@example.com
<crook@example.net>``, no mail program can be trusted to show the same one, and there is none. A message with several
From fields has none either, even if they agree. A field that keeps to the grammar and names several domains may be
checked for each of them, the strictest policy of those that fail being applied (sections 5.3.1 and 11.5); that is left
to the receiver, and is not done here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from labkit.auth.dmarc.names import NameProblem, normal
from labkit.auth.dmarc.rules import RFC_9989
from labkit.frozen import dataclass
from labkit.message import header_fields
from labkit.smtp.rule import Rule
from labkit.verdict import Evidence

__all__ = ["AuthorAddress", "AuthorDomain", "author_domain"]

_ONE_FROM = Rule("RFC 5322 section 3.6", "A message has exactly one From field.")
_GRAMMAR = Rule("RFC 5322 section 3.4", "An address is local-part@domain, or a name and <local-part@domain>.")
_IDN = Rule("RFC 9989 section 5.3.1", "A domain beyond ASCII is looked up by its A-label.")

MOST_OCTETS = 8192
"""A longer From field is not read: it would have room for hundreds of domains (RFC 9989 section 11.5)."""

# Octets beyond ASCII are words of RFC 6532.
_QUOTED = rb"""|(?P<quoted>"(?:[^"\\\r\n]|\\[^\r\n]|\r\n(?=[ \t]))*")"""
_OTHERS = (
    rb"""(?P<blank>[ \t\r\n]+)"""
    rb"""|(?P<atom>[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\xff-]+)"""
    rb"""|(?P<literal>\[[^\[\]\\\r\n]*\])"""
    rb"""|(?P<special>[<>@,:;.])"""
)
_ODD = rb"|(?P<odd>.)"
_TOKEN = re.compile(_OTHERS + _QUOTED + _ODD, re.DOTALL)
_WITHOUT_QUOTES = re.compile(_OTHERS + _ODD, re.DOTALL)
_PARENTHESIS = re.compile(rb"\\.|[()]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class AuthorAddress:
    """One address of a From field. Positions count octets of the message, from 0."""

    domain: str
    """As an A-label, in lower case; empty when it can be no name in the DNS."""
    written: str
    """The domain as it stands in the message, without comments and white space."""
    start: int
    end: int
    problem: str = ""
    """Why it can be no name."""

    @property
    def evidence(self) -> Evidence:
        """The octets of the domain."""
        return Evidence("message", self.start, self.end)


@dataclass(frozen=True, slots=True)
class AuthorDomain:
    """What the From field says."""

    domain: str
    """The Author Domain as an A-label, in lower case; empty when there is none."""
    addresses: tuple[AuthorAddress, ...]
    """The addresses of all From fields, in order."""
    problem: str
    """Why there is no Author Domain, or what is odd about the field that still names one; mostly empty."""
    rule: Rule
    """The rule that decided."""

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The octets of the domains, as many as there are addresses."""
        return tuple(address.evidence for address in self.addresses)

    def __str__(self) -> str:
        return self.domain or f"no Author Domain: {self.problem}"


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    """``atom``, ``quoted``, ``literal``, ``odd``, or a special character itself."""
    text: bytes
    start: int
    end: int


class _Slip(Exception):
    """The field breaks the grammar; the message says where."""


def author_domain(message: bytes) -> AuthorDomain:
    """Find the Author Domain of a message as it was received. Never raises."""
    addresses: list[AuthorAddress] = []
    slips: list[str] = []
    fields = 0
    at = 0
    for field in header_fields(message):
        at += len(field.raw)
        if field.name.lower() == "from":
            fields += 1
            found, slip = _read(field.body, at - len(field.body))
            addresses.extend(found)
            if slip:
                slips.append(slip)
    return _decide(fields, tuple(addresses), " ".join(slips))


def _decide(fields: int, addresses: tuple[AuthorAddress, ...], slip: str) -> AuthorDomain:
    if fields == 0:
        return AuthorDomain("", (), "The message has no From field.", _ONE_FROM)
    if fields > 1:
        problem = f"The message has {fields} From fields, and nobody knows which of them a reader sees."
        return AuthorDomain("", addresses, problem, _ONE_FROM)
    if not addresses:
        problem = f"The From field holds no address with a domain. {slip}".rstrip()
        return AuthorDomain("", (), problem, _GRAMMAR if slip else RFC_9989.author)
    domains = sorted({address.domain or address.written for address in addresses})
    if len(domains) > 1:
        problem = f"The From field names {len(domains)} domains: {', '.join(domains[:5])}."
        return AuthorDomain("", addresses, problem, RFC_9989.author)
    first = addresses[0]
    if first.problem:
        problem = f"{first.written} can be no domain in the DNS: {first.problem}."
        return AuthorDomain("", addresses, problem, _IDN if not first.written.isascii() else RFC_9989.author)
    return AuthorDomain(first.domain, addresses, slip, _GRAMMAR if slip else RFC_9989.author)


def _read(body: bytes, offset: int) -> tuple[list[AuthorAddress], str]:
    """The addresses of one field, and what breaks its grammar. `offset` is where the body begins."""
    if len(body) > MOST_OCTETS:
        return [], f"It has {len(body)} octets, more than the {MOST_OCTETS} that are read."
    try:
        tokens = list(_tokens(body, offset))
        return list(_mailboxes(tokens)), ""
    except _Slip as slip:
        return list(_anywhere([*_tokens(body, offset, strict=False)])), str(slip)


def _tokens(body: bytes, offset: int, *, strict: bool = True) -> Iterator[_Token]:
    """The words of a field, without white space and comments (RFC 5322 sections 3.2.2 to 3.2.4)."""
    at = 0
    # What opens and does not end is searched to the end once, not for every other mark of its kind.
    comments = quotes = True
    while at < len(body):
        if comments and body[at : at + 1] == b"(":
            end = _comment_end(body, at)
            if end:
                at = end
                continue
            if strict:
                raise _Slip("A comment does not end.")
            comments = False
        found = _TOKEN.match(body, at) if quotes else _WITHOUT_QUOTES.match(body, at)
        assert found is not None  # the last alternative takes any octet
        kind = found.lastgroup or "odd"
        quotes = quotes and not (kind == "odd" and found[0] == b'"')
        if kind == "odd" and strict:
            raise _Slip(f"The character {found[0].decode('latin-1')!r} may not stand there.")
        if kind != "blank":
            name = found[0].decode("latin-1") if kind == "special" else kind
            yield _Token(name, found[0], offset + at, offset + found.end())
        at = found.end()


def _comment_end(body: bytes, at: int) -> int:
    """Where the comment that begins at `at` ends; 0 if it does not. Comments may hold comments."""
    depth = 0
    for mark in _PARENTHESIS.finditer(body, at):
        if mark[0] == b"(":
            depth += 1
        elif mark[0] == b")":
            depth -= 1
            if depth == 0:
                return mark.end()
    return 0


def _mailboxes(tokens: list[_Token]) -> Iterator[AuthorAddress]:
    """The addresses of a field that keeps to the grammar. Raises `_Slip`."""
    at = 0
    in_group = False
    while at < len(tokens):
        kind = tokens[at].kind
        if kind == "," or (kind == ";" and in_group):  # empty elements are obsolete, and legal to read
            in_group = in_group and kind == ","
            at += 1
            continue
        at, address, opens = _mailbox(tokens, at)
        if opens and in_group:
            raise _Slip("A group may not hold a group.")
        in_group = in_group or opens
        if address is not None:
            yield address
            if at < len(tokens) and tokens[at].kind not in (",;" if in_group else ","):
                raise _Slip("Something stands behind an address where a comma belongs.")
    if in_group:
        raise _Slip("A group does not end in a semicolon.")


def _mailbox(tokens: list[_Token], at: int) -> tuple[int, AuthorAddress | None, bool]:
    """One address or the name of a group: where it ends, the address, whether a group opens."""
    begin = at
    while at < len(tokens) and tokens[at].kind in ("atom", "quoted", "."):
        at += 1
    kind = tokens[at].kind if at < len(tokens) else "the end"
    if kind == "@":
        _check_local(tokens[begin:at])
        end, address = _domain(tokens, at + 1)
        return end, address, False
    if kind == ":" and at > begin:
        return at + 1, None, True
    if kind == "<":
        return _angle(tokens, at + 1)
    raise _Slip("An address has no @." if kind in (",", ";", "the end") else f"{kind} may not stand there.")


def _angle(tokens: list[_Token], at: int) -> tuple[int, AuthorAddress | None, bool]:
    if at < len(tokens) and tokens[at].kind == "@":  # an obsolete route (RFC 5322 section 4.4)
        while at < len(tokens) and tokens[at].kind != ":":
            at += 1
        at += 1
    begin = at
    while at < len(tokens) and tokens[at].kind in ("atom", "quoted", "."):
        at += 1
    if at >= len(tokens) or tokens[at].kind != "@":
        raise _Slip("Between < and > stands no address.")
    _check_local(tokens[begin:at])
    at, address = _domain(tokens, at + 1)
    if at >= len(tokens) or tokens[at].kind != ">":
        raise _Slip("The closing > is missing.")
    return at + 1, address, False


def _check_local(tokens: list[_Token]) -> None:
    """Words joined by single dots, before the @."""
    kinds = [token.kind == "." for token in tokens]
    if len(kinds) % 2 == 0 or any(dot != bool(at % 2) for at, dot in enumerate(kinds)):
        raise _Slip("Before the @ stands no local-part.")


def _domain(tokens: list[_Token], at: int) -> tuple[int, AuthorAddress]:
    """The domain from `at` on, and where it ends. Raises `_Slip` when there is none."""
    if at >= len(tokens) or tokens[at].kind not in ("atom", "literal"):
        raise _Slip("Behind the @ stands no domain.")
    end = at + 1
    if tokens[at].kind == "atom":
        while end + 1 < len(tokens) and tokens[end].kind == "." and tokens[end + 1].kind == "atom":
            end += 2
    return end, _address(tokens[at:end])


def _address(tokens: list[_Token]) -> AuthorAddress:
    written = b"".join(token.text for token in tokens).decode("utf-8", "backslashreplace")
    start, end = tokens[0].start, tokens[-1].end
    try:
        return AuthorAddress(normal(written), written, start, end)
    except NameProblem as problem:
        return AuthorAddress("", written, start, end, str(problem))


def _anywhere(tokens: list[_Token]) -> Iterator[AuthorAddress]:
    """Every domain behind an @, for a field that breaks the grammar."""
    for at, token in enumerate(tokens):
        if token.kind == "@" and at + 1 < len(tokens) and tokens[at + 1].kind in ("atom", "literal"):
            yield _domain(tokens, at + 1)[1]
