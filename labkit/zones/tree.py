"""The names of all zones in one tree, and how an answer is found in it (RFC 1034 section 4.3.2).

A tree never changes; an edited zone text is another tree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from labkit.frozen import dataclass
from labkit.lookup import Outcome
from labkit.zones.names import ROOT, Key, key_of_name, text_of

if TYPE_CHECKING:
    from dns.rdata import Rdata

    from labkit.zones.master import OriginLine, ZoneRecord

CNAME, SOA, ANY = 5, 6, 255


@dataclass(frozen=True, slots=True)
class RecordSet:
    """All records of one name and type."""

    rdtype: int
    ttl: int
    """Seconds, the same for all: the least that was written (RFC 2181 section 5.2)."""
    records: tuple[Rdata, ...]
    lines: tuple[int, ...]
    """The line of each in the zone text."""


Sets = Mapping[int, RecordSet]


@dataclass(frozen=True, slots=True)
class Resolution:
    """What became of a question: more than a `Lookup` says, for those who write DNS messages."""

    outcome: Outcome
    sets: tuple[RecordSet, ...] = ()
    """What was asked for; more than one set only for ANY."""
    reason: str = ""
    aliases: tuple[tuple[Key, RecordSet], ...] = ()
    """The CNAME records that were followed, each with the name at which it was met."""
    end: Key = ROOT
    """The name at which the outcome was decided: the one asked for, or where its aliases lead to."""


Fault = Callable[[Key, int], tuple[Outcome, str] | None]
"""Says whether a name and type are to fail: with which outcome, and for which reason."""


class Tree:
    """Every name that exists, with its records; names that only have others below them included."""

    def __init__(
        self, records: Iterable[ZoneRecord] = (), relative_origins: Iterable[OriginLine] = ()
    ) -> None:
        self.records = tuple(records)
        self.relative_origins = tuple(relative_origins)
        grouped: dict[Key, dict[int, list[ZoneRecord]]] = {}
        for record in self.records:
            grouped.setdefault(record.key, {}).setdefault(record.rdtype, []).append(record)
        self.nodes: dict[Key, Sets] = {ROOT: {}}
        for key, types in grouped.items():
            self.nodes[key] = {rdtype: _record_set(rdtype, members) for rdtype, members in types.items()}
            for start in range(1, len(key)):  # empty non-terminals exist (RFC 4592 section 2.2.2)
                self.nodes.setdefault(key[start:], {})

    def closest_encloser(self, key: Key) -> Key:
        """The longest ending of ``key`` that exists (RFC 4592 section 3.3.1); ``key`` itself if it does."""
        while key not in self.nodes:
            key = key[1:]
        return key

    def resolve(self, key: Key, rdtype: int, fault: Fault | None = None) -> Resolution:
        """Find the records of ``rdtype`` at ``key``, through wildcards and aliases."""
        sets = self.nodes.get(key)
        if sets is not None and fault is None and (found := sets.get(rdtype)) is not None:
            return Resolution("answer", (found,), end=key)
        return self._resolve(key, rdtype, fault)

    def _resolve(self, key: Key, rdtype: int, fault: Fault | None) -> Resolution:
        aliases: list[tuple[Key, RecordSet]] = []
        visited = {key}
        reasons: list[str] = []

        def end(outcome: Outcome, reason: str, sets: tuple[RecordSet, ...] = ()) -> Resolution:
            said = "; ".join([*reasons, reason] if reason else reasons)
            return Resolution(outcome, sets, said, tuple(aliases), key)

        while True:
            if fault is not None and (fails := fault(key, rdtype)) is not None:
                return end(*fails)
            holder = key
            sets = self.nodes.get(key)
            if sets is None:
                holder = (b"*", *self.closest_encloser(key))
                sets = self.nodes.get(holder)
                if sets is None:
                    return end("nxdomain", f"{text_of(key)} does not exist{self._misplaced(key, rdtype)}")
                reasons.append(f"{text_of(key)} is covered by the wildcard {text_of(holder)} (RFC 4592)")
            if rdtype == ANY and sets:
                return end("answer", "", tuple(sets.values()))
            if (found := sets.get(rdtype)) is not None:
                return end("answer", "", (found,))
            if (alias := sets.get(CNAME)) is None:
                return end("nodata", self._why_nodata(holder, rdtype, sets) + self._misplaced(key, rdtype))
            aliases.append((key, alias))
            target = key_of_name(alias.records[0].target)  # type: ignore[attr-defined]
            reasons.append(f"{text_of(key)} is an alias for {text_of(target)}")
            key = target
            if key in visited:
                return end("servfail", "the aliases lead in a circle (RFC 1034 section 3.6.2)")
            visited.add(key)

    @staticmethod
    def _why_nodata(holder: Key, rdtype: int, sets: Sets) -> str:
        import dns.rdatatype  # loaded already: there is a name

        if not sets:
            return f"{text_of(holder)} has no records, it exists because of names below it (RFC 8020)"
        return f"{text_of(holder)} exists, but has no {dns.rdatatype.to_text(dns.rdatatype.RdataType.make(rdtype))} record"

    def _misplaced(self, key: Key, rdtype: int) -> str:
        """A hint, when the record stands at a name with its domain written twice."""
        for start in range(len(key)):
            twice = key + key[start:]
            if rdtype in self.nodes.get(twice, ()):
                return f"; such a record stands at {text_of(twice)}: was a final dot forgotten there?"
        return ""

    def authority(self, key: Key) -> tuple[Key, RecordSet | None]:
        """The zone that ``key`` lies in: its name, and its SOA if the text has one.

        Where it has none, the zone is taken to begin at the first name from the top that has records, or
        at the root.
        """
        apex: Key = ROOT
        for start in range(len(key) + 1):
            sets = self.nodes.get(key[start:], {})
            if SOA in sets:
                return key[start:], sets[SOA]
            if sets:
                apex = key[start:]
        return apex, None


def _record_set(rdtype: int, members: list[ZoneRecord]) -> RecordSet:
    return RecordSet(
        rdtype,
        min(member.ttl for member in members),
        tuple(member.rdata for member in members),
        tuple(member.line for member in members),
    )


@lru_cache(maxsize=64)
def read_tree(text: str, origin: str, default_ttl: int) -> Tree:
    """The tree of a zone text. Worlds opened again from the same text share it. Raises what `master.read` does."""
    if not text.strip():
        return Tree()
    from labkit.zones.master import read

    return Tree(*read(text, origin, default_ttl))
