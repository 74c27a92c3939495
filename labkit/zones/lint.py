"""What a zone text may say, but hardly means. Nothing here is refused: a learner may want to see it happen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from labkit.frozen import dataclass
from labkit.zones.names import Key, key_of_name, text_of
from labkit.zones.tree import CNAME, Tree

if TYPE_CHECKING:
    from labkit.zones.master import ZoneRecord

MX, TXT = 15, 16


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A line of a zone text that deserves a second look."""

    line: int
    """Counted from 1."""
    name: str
    """The name that it is about."""
    text: str
    """What happens with it as it stands, and what to do."""

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}"


def twice(key: Key, origin: Key) -> Key | None:
    """The domain that ``key`` ends in twice: the origin, or any other of two labels or more."""
    for size in range(len(key) // 2, 0, -1):
        domain = key[-size:]
        if key[-2 * size : -size] == domain and (size > 1 or domain == origin):
            return domain
    return None


def suspicions(tree: Tree, text: str) -> tuple[Suspicion, ...]:
    """Everything suspicious in ``text``, which was read into ``tree``, in the order of its lines."""
    lines = re.split("\r\n|\r|\n", text)  # what the reader takes for line ends
    found = [
        Suspicion(
            origin.line,
            text_of(key_of_name(origin.origin)),
            f"`$ORIGIN {origin.written}` has no final dot, so it continues the $ORIGIN above it and means"
            f" {origin.origin} Write `$ORIGIN {origin.written}.` if that is not meant.",
        )
        for origin in tree.relative_origins
    ]
    for record in tree.records:
        found.extend(_of_names(record))
        if record.rdtype == MX:
            found.extend(_of_mx(record, tree))
        elif record.rdtype == TXT:
            found.extend(_of_txt(record, "\n".join(lines[record.line - 1 : record.last_line])))
    return tuple(sorted(found, key=lambda one: one.line))


def _target(record: ZoneRecord) -> Key | None:
    """The name that a record leads to, if its type is one that leads to a name."""
    name = getattr(record.rdata, "exchange", None) or getattr(record.rdata, "target", None)
    return None if name is None else key_of_name(name)


def _of_names(record: ZoneRecord) -> Iterator[Suspicion]:
    """The domain written in full where it would have been added (RFC 1035 section 5.1)."""
    origin = key_of_name(record.origin)
    for key in (record.key, _target(record)):
        if key is None or (domain := twice(key, origin)) is None:
            continue
        meant = text_of(key[: -len(domain)])
        yield Suspicion(
            record.line,
            text_of(key),
            f"the name {text_of(key)} ends in {text_of(domain)} twice. A name without a final dot is completed"
            f" with the domain; write `{meant}.`, or leave the domain out.",
        )


def _of_mx(record: ZoneRecord, tree: Tree) -> Iterator[Suspicion]:
    exchange = _target(record)
    assert exchange is not None
    name = text_of(exchange)
    if re.fullmatch(rb"(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})", b".".join(exchange[:4])):
        yield Suspicion(
            record.line, name,
            f"an MX record leads to a name, and `{text_of(exchange[:4])}` is an address: it is looked up as the"
            f" name {name} (RFC 5321 section 5.1). Give the host a name with an A record, and write that name.",
        )  # fmt: skip
    if CNAME in tree.nodes.get(exchange, ()):
        yield Suspicion(
            record.line, name,
            f"the MX record leads to {name}, which is an alias; it must be the host's own name"
            " (RFC 2181 section 10.3, RFC 5321 section 5.1).",
        )  # fmt: skip
    if not exchange and len(tree.nodes[record.key][MX].records) > 1:
        yield Suspicion(
            record.line, text_of(record.key),
            f"the null MX of {record.owner} says that it takes no mail at all, but there are other MX records"
            " beside it (RFC 7505 section 3). Keep one or the other.",
        )  # fmt: skip


def _of_txt(record: ZoneRecord, source: str) -> Iterator[Suspicion]:
    if '"' in source:
        return
    name = text_of(record.key)
    if re.search(r"\S;", source):
        yield Suspicion(
            record.line, name,
            f"the TXT record of {name} stands without quotation marks, so everything from the semicolon on is a"
            ' comment. Put "..." around the text.',
        )  # fmt: skip
    elif len(record.rdata.strings) > 1:  # type: ignore[attr-defined]
        yield Suspicion(
            record.line, name,
            f"the TXT record of {name} stands without quotation marks, so each word is a string of its own; who"
            ' reads it joins them without a space (RFC 7208 section 3.3). Put "..." around the text.',
        )  # fmt: skip
