"""DMARC records: reading one, tag by tag with its octets (RFC 9989 sections 4.7 and 4.8, RFC 7489 section 6.3).

A TXT record is a DMARC record when it begins with ``v=DMARC1``, written just so. Whatever follows is read mildly:
unknown tags are passed over, a value that breaks the grammar counts as not written.

Readings. The documents follow DKIM's tag lists, in which a tag written twice makes the whole list invalid, and capital
letters differ from small ones in names (RFC 6376 section 3.2). RFC 9989 section 4.8 discards syntax errors behind the
version: here the second tag of one name is such an error, and the first counts. Names of tags compare without regard
to case, since the grammar marks ``DMARC1`` alone as case sensitive. White space before ``v`` is not in the grammar, so
such a record does not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import unquote

from labkit.auth.tag_list import Tag, TagProblem, parse_tags
from labkit.frozen import dataclass

__all__ = ["POLICIES", "Record", "ReportUri", "failure_options", "is_record", "read_record"]

POLICIES = ("none", "quarantine", "reject")
"""The values of p, sp and np, from the mildest to the hardest."""

MOST_URIS = 100
"""Destinations of one tag that are read: a record may have 64 KiB."""

_VERSION = re.compile(rb"[vV][ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~:/?#\[\]@$&'()*+;=-]|%[0-9A-Fa-f]{2})*")
_SIZE = re.compile(r"!\d+[kmgtKMGT]?\Z")
_WSP = " \t\r\n"


@dataclass(frozen=True, slots=True)
class ReportUri:
    """One destination of ``rua`` or ``ruf``."""

    uri: str
    """Without the size that RFC 7489 section 6.2 allowed behind an exclamation mark."""
    size: str
    """That size, as ``10m``; empty without one. RFC 9989 ignores it."""
    start: int
    end: int

    @property
    def address(self) -> str:
        """The mail address of a ``mailto:`` URI, ``%2C`` for a comma and the like resolved; empty for any other scheme."""
        return unquote(self._written)

    @property
    def host(self) -> str:
        """The domain of that address; empty for any other scheme, or if it is no address."""
        local, _, host = self._written.rpartition("@")
        return host if local else ""

    @property
    def _written(self) -> str:
        scheme, _, rest = self.uri.partition(":")
        return rest.partition("?")[0] if scheme.lower() == "mailto" else ""


@dataclass(frozen=True, slots=True)
class Record:
    """A DMARC record."""

    octets: bytes
    tags: dict[str, Tag]
    """The first tag of each name, by the name in lower case, in order."""
    problems: tuple[TagProblem, ...]
    """What breaks the grammar of a tag list."""

    @property
    def text(self) -> str:
        """The record as text; octets that are not UTF-8 are shown as escapes."""
        return self.octets.decode("utf-8", "backslashreplace")

    def tag(self, name: str) -> Tag | None:
        """The tag of that name, if it is there."""
        return self.tags.get(name)

    def choice(self, name: str, values: tuple[str, ...], default: str) -> str:
        """The value of a tag that allows a few words only; the default for any other."""
        tag = self.tags.get(name)
        value = tag.value.lower() if tag else default
        return value if value in values else default

    def policy(self, name: str) -> str | None:
        """The policy in tag `name`; None if the tag is missing, or holds no policy."""
        return self.choice(name, POLICIES, "") or None

    def broken(self, name: str) -> bool:
        """Whether tag `name` is there but holds no policy."""
        return name in self.tags and self.policy(name) is None

    @property
    def strict_dkim(self) -> bool:
        """Whether ``adkim=s`` asks for identical domains."""
        return self.choice("adkim", ("r", "s"), "r") == "s"

    @property
    def strict_spf(self) -> bool:
        """Whether ``aspf=s`` asks for identical domains."""
        return self.choice("aspf", ("r", "s"), "r") == "s"

    @property
    def testing(self) -> bool:
        """``t=y``."""
        return self.choice("t", ("y", "n"), "n") == "y"

    @property
    def psd(self) -> str:
        """``y``, ``n`` or ``u``."""
        return self.choice("psd", ("y", "n", "u"), "u")

    @property
    def pct(self) -> int:
        """The percentage of RFC 7489, 100 unless the tag holds a number up to 100."""
        tag = self.tags.get("pct")
        if tag is None or not re.fullmatch(r"\d{1,3}", tag.value, re.ASCII) or int(tag.value) > 100:
            return 100
        return int(tag.value)

    def destinations(self, name: str = "rua") -> tuple[ReportUri, ...]:
        """The URIs of ``rua`` or ``ruf`` that are well-formed, in order."""
        tag = self.tags.get(name)
        return tuple(_uris(self.octets, tag)) if tag else ()


def failure_options(value: str) -> frozenset[str]:
    """The options in a value of ``fo``: ``0`` or ``1``, ``d``, ``s``, each once (RFC 9989 sections 4.7 and 4.8).

    Empty for a value that breaks this: then the default counts.
    """
    written = value.lower().split(":")
    options = frozenset(written)
    good = len(options) == len(written) and options <= set("01ds") and not options >= set("01")
    return options if good else frozenset()


def is_record(octets: bytes) -> bool:
    """Whether this TXT record says that it is a DMARC record of version 1."""
    return _VERSION.match(octets) is not None


@lru_cache(maxsize=1024)
def read_record(octets: bytes) -> Record | None:
    """The DMARC record in a TXT record whose strings were joined; None if it is none. Never raises."""
    if not is_record(octets):
        return None
    found = parse_tags(octets)
    tags: dict[str, Tag] = {}
    for tag in found:
        tags.setdefault(tag.name.lower(), tag)
    return Record(octets, tags, found.problems)


def _uris(octets: bytes, tag: Tag) -> Iterator[ReportUri]:
    at = tag.value_start
    for part in octets[tag.value_start : tag.end].decode("latin-1").split(",", MOST_URIS)[:MOST_URIS]:
        written = part.strip(_WSP)
        start = at + len(part) - len(part.lstrip(_WSP))
        size = _SIZE.search(written)
        uri = written[: size.start()] if size else written
        if _URI.fullmatch(uri):
            yield ReportUri(uri, size[0][1:] if size else "", start, start + len(written))
        at += len(part) + 1
