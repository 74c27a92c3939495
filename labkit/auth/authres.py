"""Authentication-Results (RFC 8601): written, read strictly, and removed where somebody else forged it.

A receiver writes what its checks came to into one field on top. Everybody can write such a field, so a reader trusts
only those with the authserv-id of its own receivers, and a receiver removes every field that claims to be its own
(section 5). The grammar is that of section 2.2; UTF-8 stands where RFC 6532 lets it. One thing more is read: an
address whose domain is a single label.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NoReturn

from labkit.frozen import dataclass
from labkit.message import header_fields
from labkit.zones.names import NameProblem, key_of, text_of

__all__ = ["AuthResError", "AuthenticationResults", "MethodResult", "Property", "parse", "remove_forged"]

NAME = "Authentication-Results"
_LINE = 78

_TOKEN = re.compile(r"[^\x00-\x20()<>@,;:\\\"/\[\]?=\x7f]+")
_KEYWORD = re.compile(r"[A-Za-z0-9-]*[A-Za-z0-9]")
_DIGITS = re.compile(r"[0-9]+")
# By what they leave out: all beyond ASCII is in, and such classes compile in no time.
_DOT_ATOM = re.compile(r'[^\x00- "(),:;<>@\[\\\]\x7f]+')
_DOMAIN = re.compile(r"[^\x00-/:-@\[-^`{-\x7f](?:[^\x00-,/:-@\[-^`{-\x7f]*[^\x00-/:-@\[-^`{-\x7f])?")
_SPACE = re.compile(r"[ \t]+|\r\n(?=[ \t])")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]+")
_UNQUOTED_ADDRESS = re.compile(rf"(?:{_DOT_ATOM.pattern})?@{_DOMAIN.pattern}")


class AuthResError(ValueError):
    """A text is no Authentication-Results field. `position` counts characters of the text that was parsed."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(f"at character {position}: {reason}")
        self.position = position
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Property:
    """One ``ptype.property=value``: what was checked."""

    ptype: str
    """``smtp``, ``header``, ``body`` or ``policy``."""
    name: str
    value: str
    """Without quotes."""

    def __str__(self) -> str:
        value = _clean(self.value)
        if not _UNQUOTED_ADDRESS.fullmatch(value):
            value = _value(value)
        return f"{self.ptype}.{self.name}={value}"


@dataclass(frozen=True, slots=True)
class MethodResult:
    """What one method came to."""

    method: str
    result: str
    properties: tuple[Property, ...] = ()
    reason: str = ""
    """Why, in free text; empty without one."""
    version: int = 1
    """The version of the method."""
    comment: str = ""
    """Free text in parentheses behind the result; only for writing."""

    def get(self, ptype: str, name: str) -> str | None:
        """The value of the first property of that name."""
        for item in self.properties:
            if (item.ptype, item.name) == (ptype, name):
                return item.value
        return None

    def __str__(self) -> str:
        return " ".join(self._parts())

    def _parts(self) -> list[str]:
        version = f"/{self.version}" if self.version != 1 else ""
        parts = [f"{self.method}{version}={self.result}"]
        if self.comment:
            parts.append(_comment(self.comment))
        if self.reason:
            parts.append(f"reason={_value(self.reason)}")
        return parts + [str(item) for item in self.properties]


@dataclass(frozen=True, slots=True)
class AuthenticationResults:
    """One field. ``str()`` of it is the field on several lines, with its name and final CR LF."""

    authserv_id: str
    """Who checked: the name of the receiver's administration."""
    results: tuple[MethodResult, ...] = ()
    """Empty means that nothing was checked: ``none``."""
    version: int = 1

    def get(self, method: str) -> tuple[MethodResult, ...]:
        """The results of one method, in order."""
        return tuple(result for result in self.results if result.method == method.lower())

    def __str__(self) -> str:
        version = f" {self.version}" if self.version != 1 else ""
        pieces = [[f"{_value(self.authserv_id)}{version}"]]
        pieces += [result._parts() for result in self.results] or [["none"]]
        lines = [f"{NAME}:"]
        for number, piece in enumerate(pieces):
            for at, word in enumerate(piece):
                last = number + 1 == len(pieces)
                end = ";" if at + 1 == len(piece) and not last else ""
                new_line = number > 0 and at == 0
                if new_line or len(lines[-1]) + len(word) + len(end) + 1 > _LINE:
                    lines.append("\t" if new_line else "\t ")
                    lines[-1] += f"{word}{end}"
                else:
                    lines[-1] += f" {word}{end}"
        return "\r\n".join(lines) + "\r\n"


def parse(text: str | bytes) -> AuthenticationResults:
    """Read the body of a field, what stands behind ``Authentication-Results:``, by the grammar and nothing else.

    Raises `AuthResError` with the position of the first character that does not fit. Methods, results and types of
    properties are given in lower case.
    """
    if isinstance(text, str):
        return _Reader(text.rstrip("\r\n")).read()
    try:
        return parse(text.decode())
    except UnicodeDecodeError as error:
        raise AuthResError(len(text[: error.start].decode()), "this octet is not UTF-8") from None


def remove_forged(message: bytes, authserv_ids: Collection[str]) -> tuple[bytes, tuple[bytes, ...]]:
    """The message without Authentication-Results fields of these authserv-ids, and the fields that were removed.

    A field whose authserv-id cannot be read goes too: another reader may find one of these names in it. So does one
    of a version that is not known here. A-labels and U-labels of one name are the same.
    """
    own = {_comparable(name) for name in authserv_ids}
    kept: list[bytes] = []
    removed: list[bytes] = []
    size = 0
    for field in header_fields(message):
        size += len(field.raw)
        forged = field.name.lower() == NAME.lower() and _claims(field.body, own)
        (removed if forged else kept).append(field.raw)
    if not removed:
        return message, ()
    return b"".join(kept) + message[size:], tuple(removed)


def _claims(body: bytes, own: set[str]) -> bool:
    try:
        name = _Reader(body.decode().rstrip("\r\n")).authserv_id()
    except (AuthResError, UnicodeDecodeError):
        return True
    return _comparable(name) in own


def _comparable(authserv_id: str) -> str:
    """Mostly a domain name; then without regard to case, a final dot, and how letters beyond ASCII are written."""
    try:
        return text_of(key_of(authserv_id))
    except NameProblem:
        return authserv_id.lower()


class _Reader:
    """Reads one field from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def read(self) -> AuthenticationResults:
        name = self.authserv_id()
        results: list[MethodResult] = []
        while self.at < len(self.text):
            self.expect(";")
            self.space()
            if not results and self.none_alone():
                return AuthenticationResults(name)
            results.append(self.method())
        if not results:
            self.fail("a semicolon and a result, or none, must follow")
        return AuthenticationResults(name, tuple(results))

    def authserv_id(self) -> str:
        """The name at the beginning, and a version behind it, which can only be 1 (section 2.6)."""
        self.space()
        name = self.value("an authserv-id")
        before = self.at
        self.space()
        start = self.at
        if digits := self.take(_DIGITS):
            if start == before:
                self.fail("before a version comes a space", start)
            if self.number(digits) != 1:
                self.fail(f"version {digits} is not known here (RFC 8601 section 2.6)", start)
            self.space()
        return name

    def none_alone(self) -> bool:
        found = re.compile(r"none", re.IGNORECASE).match(self.text, self.at)
        if found is None:
            return False
        before, self.at = self.at, found.end()
        self.space()
        if self.at == len(self.text):
            return True
        self.at = before
        return False

    def method(self) -> MethodResult:
        """``method/version=result``, a reason, properties; up to the next semicolon or the end."""
        method = self.word(_KEYWORD, "a method")
        self.space()
        version = 1
        if self.peek() == "/":
            self.at += 1
            self.space()
            version = self.number(self.word(_DIGITS, "the method's version"))
            self.space()
        self.expect("=")
        self.space()
        result = self.word(_KEYWORD, "a result")
        self.gap("the result")
        reason = ""
        properties: list[Property] = []
        while self.peek() not in ("", ";"):
            start = self.at
            name = self.word(_KEYWORD, "reason or a property")
            self.space()
            if self.peek() == "=" and name.lower() == "reason" and not properties and not reason:
                self.at += 1
                self.space()
                reason = self.value("a reason")
                self.gap("the reason")
                continue
            if self.peek() != ".":
                self.fail(f"{name[:40]!r} is not ptype.property=value", start)
            self.at += 1
            self.space()
            properties.append(self.property(name))
        return MethodResult(method.lower(), result.lower(), tuple(properties), reason, version)

    def property(self, ptype: str) -> Property:
        name = self.word(_KEYWORD, "a property")
        self.space()
        self.expect("=")
        self.space()
        value = self.pvalue()
        self.space()
        return Property(ptype.lower(), name.lower(), value)

    def pvalue(self) -> str:
        """A value, or an address, or @ and a domain (section 2.2)."""
        start = self.at
        if self.peek() == '"':
            local = self.quoted()
            if self.peek() != "@":
                return local
        else:
            self.take(_DOT_ATOM)
        if self.peek() == "@":
            self.at += 1
            self.word(_DOMAIN, "a domain behind @")
            return self.text[start : self.at]
        self.at = start
        return self.value("a value")

    def value(self, what: str) -> str:
        if self.peek() == '"':
            return self.quoted()
        return self.word(_TOKEN, what)

    def quoted(self) -> str:
        """A quoted string, without quotes and backslashes; a fold in it is the space behind it."""
        start = self.at
        self.at += 1
        parts: list[str] = []
        while True:
            mark = self.peek()
            if mark == "":
                self.fail("this quoted string does not end", start)
            if mark == '"':
                self.at += 1
                return "".join(parts)
            if self.text.startswith("\r\n", self.at) and self.text[self.at + 2 : self.at + 3] in (" ", "\t"):
                self.at += 2
                continue
            if mark == "\\":
                self.at += 1
                mark = self.peek()
            if mark == "" or (_CONTROL.match(mark) and mark != "\t"):
                self.fail("a quoted string may not hold this character")
            parts.append(mark)
            self.at += 1

    def gap(self, what: str) -> None:
        """White space or a comment, or the end of this result."""
        before = self.at
        self.space()
        if self.at == before and self.peek() not in ("", ";"):
            self.fail(f"behind {what} comes a space or a semicolon")

    def space(self) -> None:
        """White space, folds and comments, as many as there are."""
        while True:
            if found := _SPACE.match(self.text, self.at):
                self.at = found.end()
            elif self.peek() == "(":
                self.comment()
            else:
                return

    def comment(self) -> None:
        start = self.at
        depth = 0
        while self.at < len(self.text):
            mark = self.text[self.at]
            if mark == "\\":
                self.at += 1
            elif mark == "(":
                depth += 1
            elif mark == ")":
                depth -= 1
            elif mark == "\r" and not _SPACE.match(self.text, self.at):
                self.fail("this line end is no fold")
            elif mark in "\x00\n" and self.text[self.at - 1] != "\r":
                self.fail("a comment may not hold this character")
            self.at += 1
            if depth == 0:
                return
        self.fail("this comment does not end", start)

    def number(self, digits: str) -> int:
        if len(digits) > 6:
            self.fail("this number is too long", self.at - len(digits))
        return int(digits)

    def word(self, pattern: re.Pattern[str], what: str) -> str:
        return self.take(pattern) or self.fail(f"{what} belongs here")

    def take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        if found is None:
            return ""
        self.at = found.end()
        return found[0]

    def expect(self, mark: str) -> None:
        if self.peek() != mark:
            self.fail(f"{mark} belongs here")
        self.at += 1

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def fail(self, reason: str, position: int | None = None) -> NoReturn:
        at = self.at if position is None else position
        raise AuthResError(at, reason)


def _clean(text: str) -> str:
    """Text that may be sent: line ends and other control characters become spaces, lone surrogates ``?``."""
    if text.isascii() and text.isprintable():
        return text
    return _CONTROL.sub(" ", text).encode("utf-8", "replace").decode()


def _value(text: str) -> str:
    """A value as it may stand in the field, in quotes where it must be."""
    text = _clean(text)
    if _TOKEN.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _comment(text: str) -> str:
    return "(" + re.sub(r"([()\\])", r"\\\1", _clean(text)) + ")"
