"""The policy file, and what its ``mx`` patterns match (RFC 8461 sections 3.2 and 4.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, cast

Mode = Literal["enforce", "testing", "none"]
"""``enforce``: mail that does not get there as the policy says is not delivered. ``testing``: it is, and reported (RFC
8460). ``none``: there is no policy any more."""

LONGEST = 31_557_600
"""Seconds, about a year: the largest max_age."""

_LINE = re.compile(r"(?P<line>[^\r\n]*)(?P<end>\r\n|\n|\Z)")
_FIELD = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9_.-]{0,31}):[ \t]*(?P<value>[^ \t].*?)?[ \t]*")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_MX = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*")


class PolicyError(ValueError):
    """The text is no policy. ``line`` is the number of the line that is wrong, from 1; 0 where something is missing."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}" if line else reason)
        self.line = line
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Policy:
    """What a domain asks of those who send mail to it."""

    mode: Mode
    mx: tuple[str, ...]
    """Names of hosts, or ``*.`` and a domain, as they were written. Empty only with mode ``none``."""
    max_age: int
    """Seconds for which it may be kept."""
    places: Mapping[str, tuple[int, int]] = field(default_factory=dict, compare=False)
    """Where in the file each statement stands, in octets: ``mode``, ``max_age``, ``version``, and each mx pattern."""
    text: bytes = field(default=b"", compare=False, repr=False)
    """The file."""


def parse_policy(octets: bytes) -> Policy:
    """Read a policy file; lines end in LF or CR LF. Fields that are not known are ignored.

    Raises `PolicyError`, which names the line.
    """
    try:
        text = octets.decode("ascii")
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise PolicyError(line, "an octet above 127 stands in it") from None
    given: dict[str, tuple[int, str]] = {}
    places: dict[str, tuple[int, int]] = {}
    patterns: list[str] = []
    place = 0
    number = 0
    while place < len(text):
        number += 1
        found = _LINE.match(text, place)
        if found is None or (not found["end"] and "\r" in text[place:]) or found.end() == place:
            raise PolicyError(number, "a line ends in LF or in CR LF, not in CR alone")
        start, place = place, found.end()
        parts = _FIELD.fullmatch(found["line"])
        if parts is None:
            raise PolicyError(number, "expected a name, a colon and a value, such as mode: enforce")
        name, value = parts["name"], parts["value"] or ""
        where = (start, start + len(found["line"]))
        if name == "mx":
            if not _MX.fullmatch(value):
                raise PolicyError(
                    number, f"mx: is a host's name, or *. and a domain; received {value[:60]!r}"
                )
            patterns.append(value)
            places.setdefault(value, where)
        elif name not in given:  # of a field that is given twice, the first counts
            given[name] = (number, value)
            places[name] = where
    return _checked(given, patterns, places, octets)


def _checked(
    given: Mapping[str, tuple[int, str]],
    patterns: list[str],
    places: Mapping[str, tuple[int, int]],
    octets: bytes,
) -> Policy:
    for name in ("version", "mode", "max_age"):
        if name not in given:
            raise PolicyError(0, f"{name}: is missing")
    line, version = given["version"]
    if version != "STSv1":
        raise PolicyError(line, f"version: must be STSv1, received {version[:40]!r}")
    line, mode = given["mode"]
    if mode not in ("enforce", "testing", "none"):
        raise PolicyError(line, f"mode: is enforce, testing or none; received {mode[:40]!r}")
    line, age = given["max_age"]
    if not re.fullmatch(r"[0-9]{1,10}", age) or int(age) > LONGEST:
        raise PolicyError(line, f"max_age: is a number of seconds up to {LONGEST}, received {age[:40]!r}")
    if not patterns and mode != "none":
        raise PolicyError(0, "mx: is missing")
    return Policy(cast(Mode, mode), tuple(patterns), int(age), places, octets)


def mx_matches(pattern: str, host: str) -> bool:
    """Whether a pattern of a policy means this host. The star stands for exactly one label, the leftmost one."""
    pattern, host = pattern.lower(), host.lower().removesuffix(".")
    if not pattern.startswith("*."):
        return pattern == host
    label, _, rest = host.partition(".")
    return bool(label) and rest == pattern[2:]
