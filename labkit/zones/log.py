"""The lookup log: who asked what, and why, in order."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator
from typing import overload

from labkit.lookup import Lookup, LookupRecord

LIMIT = 10_000
"""So many lookups are kept; after that each new one drops the oldest."""


class LookupLog:
    """A bounded sequence of `LookupRecord`. It grows where lookups are made; reading is safe anywhere."""

    def __init__(self, now: Callable[[], float], limit: int = LIMIT) -> None:
        """``now`` is the world's clock in seconds."""
        self._now = now
        self._records: deque[LookupRecord] = deque(maxlen=limit)
        self._numbers = itertools.count(1)
        self._callbacks: tuple[Callable[[LookupRecord], object], ...] = ()

    def add(self, asker: str, reason: str, lookup: Lookup) -> None:
        """Write down one lookup, and tell those who listen."""
        record = LookupRecord(asker, reason, lookup, next(self._numbers), self._now())
        self._records.append(record)
        for callback in self._callbacks:
            callback(record)

    def on_lookup(self, callback: Callable[[LookupRecord], object]) -> Callable[[], None]:
        """Have ``callback(record)`` called for each lookup, on the thread that makes it. Call the result to
        end that. The callback must not raise: it would be the asker's trouble."""
        self._callbacks = (*self._callbacks, callback)

        def end() -> None:
            self._callbacks = tuple(other for other in self._callbacks if other is not callback)

        return end

    def by(self, asker: str) -> tuple[LookupRecord, ...]:
        """What this asker asked."""
        return tuple(record for record in self._records.copy() if record.asker == asker)

    def clear(self) -> None:
        """Forget what was asked so far. Numbers go on."""
        self._records.clear()

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[LookupRecord]:
        return iter(self._records.copy())

    @overload
    def __getitem__(self, index: int) -> LookupRecord: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[LookupRecord, ...]: ...
    def __getitem__(self, index: int | slice) -> LookupRecord | tuple[LookupRecord, ...]:
        return tuple(self._records.copy())[index]

    def __str__(self) -> str:
        return "\n".join(f"{record.seq}. {record}" for record in self)

    def __repr__(self) -> str:
        return f"<lookup log: {len(self)} lookups>"
