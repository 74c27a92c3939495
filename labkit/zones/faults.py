"""DNS that fails on purpose: per name and type, switched on and off while the world runs."""

from __future__ import annotations

from typing import Self

from labkit.lookup import OUTCOMES, Outcome
from labkit.zones.names import ROOT, Key

FAILURES = tuple(outcome for outcome in OUTCOMES if outcome != "answer")


class DnsFault:
    """One fault. Made by `Zones.fault`, which switches it on; also a context manager that ends it."""

    def __init__(
        self, table: FaultTable, key: Key, number: int | None, outcome: Outcome, below: bool, label: str
    ) -> None:
        self.outcome = outcome
        """What each lookup that the fault covers ends with."""
        self.label = label
        """Name and type it covers, in words."""
        self._table = table
        self._place = (below, key, number)

    @property
    def active(self) -> bool:
        """Whether it is switched on."""
        return self._table.places.get(self._place) is self

    def on(self) -> None:
        """Switch it on. It replaces another fault for the same name and type."""
        self._table.places = {**self._table.places, self._place: self}

    def off(self) -> None:
        """Switch it off. Harmless when it is off already."""
        if self.active:
            places = dict(self._table.places)
            del places[self._place]
            self._table.places = places

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.off()

    def __repr__(self) -> str:
        return f"<fault: {self.label} {self.outcome}, {'on' if self.active else 'off'}>"


class FaultTable:
    """The faults that are switched on. `places` is replaced, never changed, so reading it is safe anywhere."""

    def __init__(self) -> None:
        self.places: dict[tuple[bool, Key, int | None], DnsFault] = {}

    def find(self, key: Key, rdtype: int) -> tuple[Outcome, str] | None:
        """The fault for this question: one for its very name before one for a domain above it, one for its
        type before one for every type."""
        places = self.places
        candidates = [(False, key)]
        candidates += [(True, key[start:]) for start in range(len(key))]
        candidates.append((True, ROOT))
        for below, name in candidates:
            for number in (rdtype, None):
                if (fault := places.get((below, name, number))) is not None:
                    return fault.outcome, f"a fault is switched on: {fault.label} {fault.outcome}"
        return None
