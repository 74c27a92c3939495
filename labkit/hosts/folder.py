"""A folder of a mailbox: messages with the numbers and flags by which mail programs know them (RFC 9051 section 2.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labkit.hosts.mailbox import Message

SEEN, DELETED, ANSWERED, FLAGGED, DRAFT = "\\Seen", "\\Deleted", "\\Answered", "\\Flagged", "\\Draft"
FLAGS = (ANSWERED, FLAGGED, DELETED, SEEN, DRAFT)
"""The flags that a mail program can set."""


@dataclass(eq=False, slots=True)
class Entry:
    """One message in a folder."""

    uid: int
    """Its number there, never given twice (RFC 9051 section 2.3.1.1)."""
    raw: bytes
    time: float
    """When it came into the mailbox, in seconds of the world's clock."""
    message: Message | None = None
    """How it came, when SMTP brought it; None when a mail program put it there."""
    flags: frozenset[str] = frozenset()


class Folder:
    """Messages, oldest first. Changes on the loop thread; reading is safe anywhere."""

    def __init__(self, name: str, validity: int) -> None:
        self.name = name
        self.validity = validity
        """UIDVALIDITY: another folder of this name would have another."""
        self.next_uid = 1
        self._entries: list[Entry] = []
        self._callbacks: tuple[Callable[[], object], ...] = ()

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All messages, oldest first."""
        return tuple(self._entries)

    def add(
        self, raw: bytes, time: float, *, message: Message | None = None, flags: Iterable[str] = ()
    ) -> Entry:
        """Put a message in, behind the others."""
        entry = Entry(self.next_uid, raw, time, message, frozenset(flags))
        self.next_uid += 1
        self._entries.append(entry)
        self._changed()
        return entry

    def mark(self, entry: Entry, flags: Iterable[str]) -> None:
        """Give a message exactly these flags."""
        new = frozenset(flags)
        if entry.flags != new:
            entry.flags = new
            self._changed()

    def remove(self, entries: Iterable[Entry]) -> tuple[Entry, ...]:
        """Take messages out for good; returns those that were still there."""
        going = {id(entry) for entry in entries}
        gone = tuple(entry for entry in self._entries if id(entry) in going)
        if gone:
            self._entries = [entry for entry in self._entries if id(entry) not in going]
            self._changed()
        return gone

    def on_change(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Have ``callback()`` called after each change, on the loop thread. Call the result to end that."""
        self._callbacks = (*self._callbacks, callback)

        def end() -> None:
            self._callbacks = tuple(other for other in self._callbacks if other is not callback)

        return end

    def _changed(self) -> None:
        for callback in self._callbacks:
            callback()

    def __repr__(self) -> str:
        return f"<folder {self.name}: {len(self._entries)} messages>"
