"""What the observer says about each line: the note, and the envelope that the note remembers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import field
from itertools import islice

from labkit.frozen import dataclass
from labkit.smtp.command import Command
from labkit.smtp.expect import Expectation
from labkit.smtp.malformed import Malformed
from labkit.smtp.reply import Reply
from labkit.smtp.states import State

__all__ = ["Draft", "Envelope", "Note", "Trail", "envelope_of"]


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who the message is from and for, as far as the server has accepted it.

    ``reverse_path`` is None before MAIL, and ``""`` for the null reverse-path ``<>``.
    """

    reverse_path: str | None = None
    forward_paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trail:
    """The envelope as a chain, newest recipient first, so that thousands of notes can share it.

    ``count`` is the number of recipients; ``address`` is the newest one, or the reverse-path if ``before`` is
    None.
    """

    address: str | None
    count: int = 0
    before: Trail | None = field(default=None, compare=False, repr=False)

    def newest_first(self) -> Iterator[str]:
        """The recipients, newest first."""
        link = self
        while link.before is not None:
            yield link.address or ""
            link = link.before


@dataclass(frozen=True, slots=True)
class Note:
    """What one line is, what it answers, and what it did.

    ``role`` is one of: ``greeting``, ``command``, ``command-part`` (a piece of a line that goes on in the
    sender's next event), ``auth`` (a client line inside an AUTH exchange), ``text`` (message text),
    ``end-of-text`` (the dot), ``reply``, ``reply-part`` (any line of a reply but its last), ``unsolicited``
    (a reply that nothing asked for), ``closed``, ``unanswered`` (a client line whose reply never came).

    ``command`` is the client's line, or on a server's line the command that is being answered. ``answers``
    and ``answered_by`` are line numbers, of the last line in each case. ``reply`` is set on a reply's last
    line. ``before`` and ``after`` are the state as the client knows it: only replies, TLS and the end of the
    connection change it, so each line begins in the state in which the line before it ended.

    ``expectation`` is the table's judgement of the command. ``agrees`` is false where the server did what the
    table does not allow. ``why`` says why a line was refused or where it disagrees, else it is empty.

    ``octets`` is the line itself, ``encrypted`` whether TLS carried it. ``detail`` tells message text apart
    (``header``, ``folded``, ``blank``, ``body``, ``chunk``) and says what an unanswered line was.
    ``line`` counts the lines of one reply, from 0. ``trail`` is the envelope after this line, see `envelope`.
    """

    seq: int
    role: str
    command: Command | Malformed | None
    answers: int | None
    answered_by: int | None
    reply: Reply | Malformed | None
    before: State
    after: State
    expectation: Expectation | None = None
    agrees: bool = True
    why: str = ""
    octets: bytes = b""
    encrypted: bool = False
    detail: str = ""
    line: int = 0
    trail: Trail | None = field(default=None, repr=False)

    @property
    def envelope(self) -> Envelope:
        """Who is in the envelope after this line."""
        return envelope_of(self.trail)

    def recipients(self, limit: int) -> tuple[str, ...]:
        """The newest accepted recipients, at most ``limit``, in the order of their acceptance."""
        if self.trail is None:
            return ()
        return tuple(islice(self.trail.newest_first(), limit))[::-1]


def envelope_of(trail: Trail | None) -> Envelope:
    """The envelope that a trail stands for."""
    if trail is None:
        return Envelope()
    paths = tuple(trail.newest_first())[::-1]
    link: Trail = trail
    while link.before is not None:
        link = link.before
    return Envelope(link.address, paths)


@dataclasses.dataclass(slots=True)
class Draft:
    """A note in the making: the same fields as `Note`, but they may still change."""

    seq: int
    before: State
    after: State
    octets: bytes
    encrypted: bool
    trail: Trail | None
    role: str = "command"
    command: Command | Malformed | None = None
    answers: int | None = None
    answered_by: int | None = None
    reply: Reply | Malformed | None = None
    expectation: Expectation | None = None
    agrees: bool = True
    why: str = ""
    detail: str = ""
    line: int = 0

    def freeze(self) -> Note:
        """The note as it stands now."""
        return Note(
            self.seq, self.role, self.command, self.answers, self.answered_by, self.reply, self.before,
            self.after, self.expectation, self.agrees, self.why, self.octets, self.encrypted, self.detail,
            self.line, self.trail,
        )  # fmt: skip
