"""The zones of a world as a resolver: lookups with a log, faults, and edits while the world runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self

from labkit.lookup import Lookup
from labkit.zones import lint
from labkit.zones.faults import FAILURES, DnsFault, FaultTable
from labkit.zones.log import LIMIT, LookupLog
from labkit.zones.names import Key, NameProblem, key_of, key_of_name, text_of
from labkit.zones.tree import ANY, Fault, RecordSet, Resolution, read_tree

if TYPE_CHECKING:
    from dns.name import Name

    from labkit.lookup import Outcome
    from labkit.zones.master import ZoneRecord

DEFAULT_TTL = 3600
"""Seconds, for records that state none."""


class Zones:
    """All the DNS there is in a world, from master-file text.

    ``zones.lookup("receiver.example", "MX")`` answers like a resolver that reaches every name server; what the
    text lacks does not exist. Lookups never raise, and are safe from any thread: one sees the text before an
    edit or after it, nothing between. Edits, and switching faults, are for one thread at a time.
    """

    def __init__(
        self,
        text: str = "",
        origin: str = ".",
        *,
        ttl: int = DEFAULT_TTL,
        now: Callable[[], float] = lambda: 0.0,
        log_limit: int = LIMIT,
    ) -> None:
        """``origin`` completes names without a final dot until the text says ``$ORIGIN``; ``ttl`` is for records
        that state none. ``now`` is the world's clock in seconds. Raises `ZoneError`."""
        self._origin = origin
        self._ttl = ttl
        self._text, self._tree = text, read_tree(text, origin, ttl)
        self._faults = FaultTable()
        self.log = LookupLog(now, log_limit)
        """Every lookup so far, the newest last."""

    @classmethod
    def from_text(cls, text: str, origin: str = ".", **options: Any) -> Self:
        """Zones from master-file text, in which several ``$ORIGIN`` may follow each other.

        Raises `ZoneError`, which names the line and what to do. ``options`` as for the class.
        """
        return cls(text, origin, **options)

    @property
    def text(self) -> str:
        """The text as it was given, edits included."""
        return self._text

    @property
    def records(self) -> tuple[ZoneRecord, ...]:
        """The records in the order of the text, each with its line."""
        return self._tree.records

    @property
    def names(self) -> tuple[str, ...]:
        """The names that have records, in the order of the text."""
        return tuple(dict.fromkeys(text_of(record.key) for record in self._tree.records))

    def replace(self, text: str) -> None:
        """Take another text from now on. When it cannot be read, `ZoneError`, and nothing has changed."""
        self._tree = read_tree(text, self._origin, self._ttl)
        self._text = text

    def add(self, text: str) -> None:
        """Take more lines into the text, below the ones there are, with the origin that the text began with.

        Raises `ZoneError`, with the line counted in the whole text; then nothing has changed.
        """
        from labkit.zones.master import plain_lines

        former = plain_lines(self._text)
        start = "" if not former or former.endswith("\n") else "\n"
        self.replace(f"{former}{start}$ORIGIN {self._origin.removesuffix('.')}.\n{plain_lines(text)}")

    def lookup(self, name: str, rdtype: str) -> Lookup:
        """The records of type ``rdtype`` at ``name``, or why there are none. Never raises for any text.

        A text that cannot be a name (a label too long, two dots in a row) is ``nxdomain``: no query could ask
        for it, so it does not exist and never will (compare RFC 7208 section 4.3); ``servfail`` would promise
        that asking again may help. A type that DNS does not know is ``servfail``.
        """
        return self._lookup(name, rdtype, "", "")

    def as_asked_by(self, asker: str, reason: str = "") -> Asker:
        """These zones as the resolver of ``asker``: the log names it, and ``reason``."""
        return Asker(self, asker, reason)

    def suspicious(self) -> tuple[lint.Suspicion, ...]:
        """Lines that are legal but hardly meant: a domain written twice, a TXT record without quotes, ..."""
        return lint.suspicions(self._tree, self._text)

    def fault(self, name: str, rdtype: str | None, outcome: Outcome, *, below: bool = False) -> DnsFault:
        """Make lookups of ``name`` and ``rdtype`` (None: every type) end with ``outcome``, until the fault that
        this returns is switched ``off()``.

        ``below`` takes every name below ``name`` too, as when the name servers of a domain are down. The name
        need not exist; an alias that leads to it fails as well. Raises ``ValueError`` for what is no name,
        type or failure.
        """
        if outcome not in FAILURES:
            raise ValueError(f"expected one of {', '.join(FAILURES)}, received {outcome!r}")
        number = None if rdtype is None else _number(rdtype.upper())
        if rdtype is not None and number is None:
            raise ValueError(f"DNS knows no record type {rdtype!r}")
        key = key_of(name)
        label = (
            f"{text_of(key)}{' and all below' if below else ''} {'*' if rdtype is None else rdtype.upper()}"
        )
        made = DnsFault(self._faults, key, number, outcome, below, label)
        made.on()
        return made

    @property
    def faults(self) -> tuple[DnsFault, ...]:
        """The faults that are switched on."""
        return tuple(self._faults.places.values())

    def clear_faults(self) -> None:
        """Switch every fault off."""
        self._faults.places = {}

    def resolve(self, name: Name, rdtype: int, rdtype_text: str, asker: str, reason: str) -> Resolution:
        """A lookup for those who write DNS messages: whole sets of records, and the aliases on the way."""
        found = self._tree.resolve(key_of_name(name), rdtype, self._fault())
        text = name.to_text(omit_final_dot=True)
        self.log.add(asker, reason, _as_lookup(text, rdtype_text, found))
        return found

    def authority(self, key: Key) -> tuple[Key, RecordSet | None]:
        """The zone that ``key`` lies in, and its SOA if the text has one; see `Tree.authority`."""
        return self._tree.authority(key)

    def __repr__(self) -> str:
        return f"<zones: {len(self.records)} records of {len(self.names)} names>"

    def _fault(self) -> Fault | None:
        return self._faults.find if self._faults.places else None

    def _lookup(self, name: str, rdtype: str, asker: str, reason: str) -> Lookup:
        rdtype = rdtype.upper()
        number = _number(rdtype)
        if number is None:
            no_type = f"no record has the type {rdtype}: DNS does not know it, or only in messages"
            found = Lookup(name, rdtype, "servfail", (), no_type)
        else:
            try:
                key = key_of(name)
            except NameProblem as problem:
                found = Lookup(name, rdtype, "nxdomain", (), f"this cannot be a name: {problem}")
            else:
                found = _as_lookup(name, rdtype, self._tree.resolve(key, number, self._fault()))
        self.log.add(asker, reason, found)
        return found


class Asker:
    """Zones as one asker's resolver: its lookups bear its name and reason in the log."""

    def __init__(self, zones: Zones, asker: str, reason: str = "") -> None:
        self.asker = asker
        self.reason = reason
        self._zones = zones

    def because(self, reason: str) -> Asker:
        """The same asker with another reason, for the next lookups."""
        return Asker(self._zones, self.asker, reason)

    def lookup(self, name: str, rdtype: str) -> Lookup:
        """See `Zones.lookup`."""
        return self._zones._lookup(name, rdtype, self.asker, self.reason)

    def __repr__(self) -> str:
        return f"<resolver of {self.asker}>"


def _as_lookup(name: str, rdtype: str, found: Resolution) -> Lookup:
    if len(found.sets) == 1:
        records, lines = found.sets[0].records, found.sets[0].lines
    else:
        records = tuple(record for one in found.sets for record in one.records)
        lines = tuple(line for one in found.sets for line in one.lines)
    aliases = (*(text_of(key) for key, _ in found.aliases[1:]), text_of(found.end)) if found.aliases else ()
    return Lookup(name, rdtype, found.outcome, records, found.reason, aliases, lines)


@lru_cache(maxsize=256)
def _number(rdtype: str) -> int | None:
    """The number of a type that records have or that asks for them; None for others."""
    from labkit.zones.master import is_message_type, type_of

    number = type_of(rdtype)
    return None if number is None or (is_message_type(number) and number != ANY) else int(number)
