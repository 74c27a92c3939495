"""The parameters of MAIL and RCPT that extensions define: their values, and the length they add."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from labkit.frozen import dataclass
from labkit.smtp.path import Slip
from labkit.smtp.rule import Rule

__all__ = ["PARAMETERS", "ParameterInfo", "check_parameter", "extra_length"]

_KEYWORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_VALUE = re.compile(r"[^\x00- =\x7f]+")
_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*")
_SHAPE = Rule(
    "RFC 5321 section 4.1.2",
    "A parameter is KEYWORD or KEYWORD=value; a value holds no space and no equals sign.",
)


@dataclass(frozen=True, slots=True)
class ParameterInfo:
    """One parameter: its command, the EHLO keyword that permits it, what it asks for, the octets that it may
    add to the command's line, and a test of its value, worded in ``values``."""

    keyword: str
    verb: str
    extension: str
    purpose: str
    extra: int
    rule: Rule
    values: str
    accepts: Callable[[str | None], bool]


def _one_of(*words: str) -> Callable[[str | None], bool]:
    return lambda value: value is not None and value.upper() in words


def _matches(pattern: str) -> Callable[[str | None], bool]:
    compiled = re.compile(pattern)
    return lambda value: value is not None and compiled.fullmatch(value) is not None


def _xtext(value: str | None) -> bool:
    return value is not None and _XTEXT.fullmatch(value) is not None


def _notify(value: str | None) -> bool:
    words = (value or "").upper().split(",")
    return words == ["NEVER"] or all(word in ("SUCCESS", "FAILURE", "DELAY") for word in words)


def _recipient(value: str | None) -> bool:
    kind, semicolon, address = (value or "").partition(";")
    return bool(semicolon and _KEYWORD.fullmatch(kind) and address and _xtext(address))


def _info(
    keyword: str, verb: str, extension: str, purpose: str, extra: int, ref: str, values: str,
    accepts: Callable[[str | None], bool],
) -> ParameterInfo:  # fmt: skip
    return ParameterInfo(
        keyword, verb, extension, purpose, extra, Rule(ref, f"{keyword}: {values}."), values, accepts
    )


PARAMETERS: dict[str, ParameterInfo] = {
    info.keyword: info
    for info in (
        _info("SIZE", "MAIL", "SIZE", "says how many octets the message has", 26, "RFC 1870 section 6",
              "a number of at most 20 digits", _matches("[0-9]{1,20}")),
        _info("BODY", "MAIL", "8BITMIME", "says what kind of octets the text holds", 16, "RFC 6152 section 3",
              "7BIT, 8BITMIME or BINARYMIME", _one_of("7BIT", "8BITMIME", "BINARYMIME")),
        _info("SMTPUTF8", "MAIL", "SMTPUTF8", "says that addresses or header fields hold UTF-8", 10,
              "RFC 6531 section 3.4", "it takes no value", lambda value: value is None),
        _info("RET", "MAIL", "DSN", "asks what a failure notice should return", 9, "RFC 3461 section 4.3",
              "FULL (the message) or HDRS (its header)", _one_of("FULL", "HDRS")),
        _info("ENVID", "MAIL", "DSN", "gives the envelope a name for later notices", 107,
              "RFC 3461 section 4.4", "printable characters, others as + and two hex digits",
              lambda value: bool(value) and len(value or "") <= 100 and _xtext(value)),
        _info("AUTH", "MAIL", "AUTH", "names who submitted the message first", 500, "RFC 4954 section 5",
              "a mailbox, or <> for unknown", lambda value: bool(value) and _xtext(value)),
        _info("REQUIRETLS", "MAIL", "REQUIRETLS", "asks for TLS on every further hop", 11,
              "RFC 8689 section 2", "it takes no value", lambda value: value is None),
        _info("NOTIFY", "RCPT", "DSN", "says when a notice about this recipient is wanted", 29,
              "RFC 3461 section 4.1", "NEVER alone, or a list of SUCCESS, FAILURE, DELAY", _notify),
        _info("ORCPT", "RCPT", "DSN", "keeps the address that the sender wrote first", 501,
              "RFC 3461 section 4.2", "a type, a semicolon and an address, as in rfc822;bob@b.example",
              _recipient),
    )
}  # fmt: skip


def check_parameter(verb: str, name: str, value: str | None) -> None:
    """Check one parameter as written on ``verb``. Raises `Slip`."""
    if not _KEYWORD.fullmatch(name):
        raise Slip(f"{name[:40]!r} is no parameter", _SHAPE)
    if value is not None and not _VALUE.fullmatch(value):
        raise Slip(f"the value of {name[:40]} is empty, or holds what a value may not hold", _SHAPE)
    info = PARAMETERS.get(name.upper())
    if info is not None and info.verb == verb and not info.accepts(value):
        raise Slip(f"{info.keyword} takes {info.values.removeprefix('it takes ')}", info.rule)


def extra_length(verb: str, parameters: Iterable[tuple[str, str | None]]) -> int:
    """How many octets beyond 512 the parameters in use allow the line of ``verb``."""
    names = {name for name, _ in parameters}
    return sum(info.extra for info in PARAMETERS.values() if info.keyword in names and info.verb == verb)
