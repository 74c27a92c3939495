"""Reading a report that anybody may have sent (RFC 9990, and reports of RFC 7489): nothing in it is trusted.

What is packed is unpacked only up to a limit, one file of an archive at most. XML with a document type is refused, so
there are no entities that grow, and nothing is ever fetched. Depth, size and number of rows are limited. Elements that
are not known are passed over, since extensions may add some.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import NoReturn
from xml.parsers import expat

from labkit.auth.reports.model import (
    NAMESPACE,
    AuthResult,
    Override,
    PublishedPolicy,
    Report,
    ReportError,
    ReportRow,
)

__all__ = ["Limits", "parse_report", "unpack"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a stranger's report is read."""

    packed: int = 10_000_000
    """Octets as received."""
    unpacked: int = 20_000_000
    """Octets of XML."""
    rows: int = 100_000
    elements: int = 2_000_000
    depth: int = 16
    text: int = 10_000
    """Characters of one element."""


DEFAULT = Limits()


def unpack(octets: bytes, limits: Limits = DEFAULT) -> bytes:
    """The XML in a ``.xml``, ``.xml.gz`` or ``.zip`` file; which it is, its first octets say. Raises `ReportError`."""
    if len(octets) > limits.packed:
        raise ReportError(f"the file has {len(octets)} octets; more than {limits.packed} are not read")
    if octets.startswith(b"\x1f\x8b"):
        return _inflate(octets, 31, limits.unpacked)
    if octets.startswith(b"PK\x03\x04"):
        return _from_zip(octets, limits)
    if len(octets) > limits.unpacked:
        raise ReportError(f"the report has more than {limits.unpacked} octets")
    return octets


def parse_report(octets: bytes, limits: Limits = DEFAULT) -> Report:
    """Read a report, packed or not. Raises `ReportError`, and nothing else."""
    reader = _Reader(limits)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = _no_doctype
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(unpack(octets, limits), True)
    except expat.ExpatError as error:
        raise ReportError(f"this is no XML: {error}") from None
    except (LookupError, ValueError) as error:  # an encoding that Python does not know
        raise error if isinstance(error, ReportError) else ReportError(f"this is no XML: {error}") from None
    return reader.report()


def _no_doctype(*_: object) -> NoReturn:
    raise ReportError("the report declares a document type: such XML can grow or reach out, and is not read")


def _inflate(octets: bytes, wbits: int, limit: int) -> bytes:
    """Unpack up to a limit: a bomb costs no more than that."""
    unpacker = zlib.decompressobj(wbits)
    try:
        found = unpacker.decompress(octets, limit + 1)
    except zlib.error as error:
        raise ReportError(f"the file cannot be unpacked: {error}") from None
    if len(found) > limit:
        raise ReportError(f"unpacked, the report has more than {limit} octets")
    if not unpacker.eof:
        raise ReportError("the packed file is cut short")
    return found


def _from_zip(octets: bytes, limits: Limits) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(octets)) as archive:
            names = archive.infolist()
            if len(names) != 1:
                raise ReportError(f"the archive holds {len(names)} files; a report is one")
            if names[0].flag_bits & 1:
                raise ReportError("the archive is encrypted")
            with archive.open(names[0]) as file:
                found = file.read(limits.unpacked + 1)
    except ReportError:
        raise
    except Exception as error:  # zipfile has no one exception for all that can be wrong with an archive
        raise ReportError(f"the archive cannot be read: {type(error).__name__}") from None
    if len(found) > limits.unpacked:
        raise ReportError(f"unpacked, the report has more than {limits.unpacked} octets")
    return found


@dataclass(slots=True)
class _Element:
    """An element while it is open: the texts and elements below it, by name."""

    name: str
    texts: dict[str, str] = field(default_factory=dict)
    below: dict[str, list[_Element]] = field(default_factory=dict)
    parts: list[str] = field(default_factory=list)
    length: int = 0

    def get(self, name: str, default: str = "") -> str:
        return self.texts.get(name, default)

    def one(self, name: str) -> _Element:
        found = self.below.get(name, [])
        return found[0] if found else _Element(name)

    def all(self, name: str) -> list[_Element]:
        return self.below.get(name, [])


class _Reader:
    """Takes the parser's events. Rows become objects as they end, so that no tree of the whole report is kept."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.open: list[_Element] = []
        self.rows: list[ReportRow] = []
        self.root: _Element | None = None
        self.namespace = ""
        self.elements = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        self.elements += 1
        if self.elements > self.limits.elements:
            raise ReportError(f"the report has more than {self.limits.elements} elements")
        if not self.open:
            if local != "feedback" or not _NAMESPACE.fullmatch(space):
                raise ReportError(f"the outermost element is {local[:40]}, not feedback")
            self.namespace = space
        elif space != self.namespace:
            local = name  # an extension: nobody asks for it by this name
        if len(self.open) >= self.limits.depth:
            raise ReportError(f"elements are nested more than {self.limits.depth} deep")
        self.open.append(_Element(local))

    def text(self, text: str) -> None:
        element = self.open[-1]
        element.length += len(text)
        if element.length > self.limits.text and text.strip():
            raise ReportError(f"{element.name[:40]} has more than {self.limits.text} characters")
        if element.length <= self.limits.text:
            element.parts.append(text)

    def end(self, _: str) -> None:
        element = self.open.pop()
        if not self.open:
            self.root = element
        elif len(self.open) == 1 and element.name == "record":
            if len(self.rows) >= self.limits.rows:
                raise ReportError(f"the report has more than {self.limits.rows} records")
            self.rows.append(_row(element))
        else:
            parent = self.open[-1]
            siblings = parent.below.setdefault(element.name, [])
            if len(siblings) >= 1000:
                raise ReportError(f"{parent.name[:40]} has more than 1000 elements {element.name[:40]}")
            siblings.append(element)
            parent.texts.setdefault(element.name, "".join(element.parts).strip())

    def report(self) -> Report:
        root = self.root
        if root is None:
            raise ReportError("the report has no element")
        metadata, period = root.one("report_metadata"), root.one("report_metadata").one("date_range")
        if not metadata.texts or not root.one("policy_published").get("domain"):
            raise ReportError("the report lacks report_metadata or policy_published")
        return Report(
            metadata.get("org_name"),
            metadata.get("email"),
            metadata.get("report_id"),
            _number(period.get("begin"), "begin"),
            _number(period.get("end"), "end"),
            _policy(root.one("policy_published")),
            tuple(self.rows),
            tuple("".join(error.parts).strip() for error in metadata.all("error")),
            metadata.get("generator"),
            metadata.get("extra_contact_info"),
            root.get("version"),
            self.namespace,
        )


# None, that of RFC 9990, or one of the two that RFC 7489 and its drafts had.
_NAMESPACE = re.compile(rf"|{re.escape(NAMESPACE)}|https?://dmarc\.org/dmarc-xml/0\.[12]")


def _number(text: str, name: str) -> int:
    if not re.fullmatch(r"[0-9]{1,15}", text):
        raise ReportError(f"{name} is no number: {text[:40]!r}")
    return int(text)


def _word(text: str, words: tuple[str, ...], name: str) -> str:
    found = text.lower()
    if found not in words:
        raise ReportError(f"{name} is {text[:40]!r}, and none of {', '.join(words)}")
    return found


def _policy(element: _Element) -> PublishedPolicy:
    get: Callable[..., str] = element.get
    return PublishedPolicy(
        get("domain").lower(),
        get("p", "none"),
        get("sp"),
        get("np"),
        get("adkim") or "r",
        get("aspf") or "r",
        get("testing") or "n",
        get("fo"),
        get("discovery_method"),
        get("pct"),
    )


def _row(element: _Element) -> ReportRow:
    row, identifiers = element.one("row"), element.one("identifiers")
    evaluated = row.one("policy_evaluated")
    source = row.get("source_ip")
    try:
        source = str(ip_address(source))
    except ValueError:
        raise ReportError(f"source_ip is no address: {source[:40]!r}") from None
    results = element.one("auth_results")
    return ReportRow(
        source,
        _number(row.get("count"), "count"),
        _word(evaluated.get("disposition"), ("none", "pass", "quarantine", "reject"), "disposition"),
        _word(evaluated.get("dkim", "fail"), ("pass", "fail"), "dkim"),
        _word(evaluated.get("spf", "fail"), ("pass", "fail"), "spf"),
        identifiers.get("header_from").lower(),
        identifiers.get("envelope_from"),
        tuple(_result(method, one) for method in ("dkim", "spf") for one in results.all(method)),
        tuple(Override(one.get("type"), one.get("comment")) for one in evaluated.all("reason")),
        identifiers.get("envelope_to"),
    )


def _result(method: str, element: _Element) -> AuthResult:
    get = element.get
    return AuthResult(method, get("domain"), get("result").lower(), get("selector"), get("human_result"))
