"""Macros (RFC 7208 section 7): read once into parts, expanded for each check."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

from labkit.auth.spf import rules
from labkit.auth.spf.problem import Problem, SpfSyntaxError, shown

NAME_LETTERS = frozenset("slodiphv")
"""The letters that may stand in the name of a term."""
TEXT_LETTERS = NAME_LETTERS | frozenset("crt")
"""The letters that may stand in an explanation."""
MAX_NAME = 253
"""Octets of a name as text; a longer one loses labels on its left (section 7.3)."""

_PART = re.compile(
    r"%\{([A-Za-z])([0-9]*)([rR]?)([.+,/_=-]*)\}|%([%_-])|([^%]+)|(%\{[^}]*\}?|%.?)", re.DOTALL
)
_ESCAPED = {"%": "%", "_": " ", "-": "%20"}
_TOP_LABEL = re.compile(r"(?![0-9]+\Z)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Macro:
    """One ``%{...}``."""

    letter: str
    """In lower case."""
    escaped: bool
    """Whether it was an upper-case letter: the value is then escaped as in a URL."""
    keep: int
    """How many parts from the right are kept; 0 for all."""
    reverse: bool
    delimiters: str

    def apply(self, value: str) -> str:
        """The value after splitting, reversing and cutting (section 7.3)."""
        if self.keep or self.reverse or self.delimiters != ".":
            parts = _splitter(self.delimiters).split(value)
            if self.reverse:
                parts.reverse()
            value = ".".join(parts[-self.keep :])
        return quote(value, safe="") if self.escaped else value


@dataclass(frozen=True, slots=True)
class MacroText:
    """A macro-string in its parts."""

    parts: tuple[str | Macro, ...]
    literal: str | None
    """The whole expansion if it is the same for everybody: no part is a macro with a letter."""

    @property
    def letters(self) -> frozenset[str]:
        """The letters of its macros."""
        return frozenset(part.letter for part in self.parts if isinstance(part, Macro))

    def expand(self, value: Callable[[str], str]) -> str:
        """The text with each macro replaced by ``value(letter)``, transformed."""
        if self.literal is not None:
            return self.literal
        return "".join(
            part if isinstance(part, str) else part.apply(value(part.letter)) for part in self.parts
        )


@lru_cache(maxsize=64)
def _splitter(delimiters: str) -> re.Pattern[str]:
    return re.compile(f"[{re.escape(delimiters)}]")


def read_macros(text: str, at: int, letters: frozenset[str] = NAME_LETTERS) -> MacroText:
    """Read a macro-string that stands at octet ``at``. Raises `SpfSyntaxError`."""
    if "%" not in text:
        return MacroText((text,), text)
    parts: list[str | Macro] = []
    for found in _PART.finditer(text):
        letter, digits, reverse, delimiters, escaped, plain, broken = found.groups()
        place = (at + found.start(), at + found.end())
        if plain is not None:
            parts.append(plain)
        elif escaped is not None:
            parts.append(_ESCAPED[escaped])
        elif broken is not None:
            said = f"`{shown(broken)}` is no macro; write %{{letter}}, or %% for a percent sign."
            raise SpfSyntaxError(Problem(*place, said, rules.MACROS))
        elif letter.lower() not in letters:
            where = "only in an explanation" if letter.lower() in TEXT_LETTERS else "nowhere"
            said = f"The macro letter {letter} is allowed {where}."
            raise SpfSyntaxError(Problem(*place, said, rules.LETTERS))
        elif digits and not digits.strip("0"):
            said = f"`{found[0]}` keeps no part at all; the number in a macro is 1 or more."
            raise SpfSyntaxError(Problem(*place, said, rules.MACROS))
        else:
            # More parts than a name can have are all of them; that also keeps the number small.
            keep = int(digits or 0) if len(digits) < 10 else 0
            parts.append(Macro(letter.lower(), letter.isupper(), keep, bool(reverse), delimiters or "."))
    literal = "".join(part for part in parts if isinstance(part, str))
    return MacroText(tuple(parts), literal if all(isinstance(part, str) for part in parts) else None)


def read_domain(text: str, at: int) -> MacroText:
    """Read a domain-spec: a macro-string that ends in a macro, or in a dot and a top label (section 7.1).

    Raises `SpfSyntaxError`.
    """
    read = read_macros(text, at)
    if not text:
        raise SpfSyntaxError(Problem(at - 1, at, "A domain is missing here.", rules.MACROS))
    if "%" in text and _ends_in_macro(text):
        return read
    _, dot, last = text.removesuffix(".").rpartition(".")
    if not dot or not _TOP_LABEL.fullmatch(last):
        raise SpfSyntaxError(Problem(at, at + len(text), _why_no_domain(text, bool(dot), last), rules.MACROS))
    return read


def _ends_in_macro(text: str) -> bool:
    *_, last = _PART.finditer(text)
    return last[6] is None


def _why_no_domain(text: str, dot: bool, last: str) -> str:
    name = shown(text)
    if re.fullmatch(r"[0-9]+(?:\.[0-9]+){3}\.?", text):
        return f"`{name}` is an address, not a name; an address stands behind ip4."
    if not dot:
        return f"`{name}` is no full domain: it has no dot."
    return f"`{name}` is no domain: its last label `{shown(last)}` cannot be a top-level domain."


def as_name(text: str) -> str:
    """An expansion as a name to ask for: no final dot, and labels cut on the left until it fits."""
    text = text.removesuffix(".")
    while len(text) > MAX_NAME:
        text = text.partition(".")[2]
    return text


def why_no_name(text: str) -> str | None:
    """Why no query could ask for this name, as part of a sentence; None if one can (RFC 1035 section 2.3.4)."""
    if not text.isascii():
        return "it has letters beyond ASCII, RFC 8616 section 4"
    if len(text) > MAX_NAME:
        return f"it has more than {MAX_NAME} octets"
    for label in text.split("."):
        if not label:
            return "it has an empty label"
        if len(label) > 63:
            return "a label has more than 63 octets"
    return None
