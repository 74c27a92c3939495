"""What happens to messages in a world, one line per event: what maps, timelines, traces and tests read.

A movement is written where it happens. ``submitted``, ``accepted`` and ``stored`` are the receiver's: it has taken
responsibility. The other kinds are the sender's: what became of its try to hand on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from labkit.frozen import dataclass

Kind = Literal[
    "submitted",
    "accepted",
    "stored",
    "delivered",
    "deferred",
    "refused",
    "bounced",
    "expired",
    "looped",
    "lost",
]
"""What happened.

``submitted`` a program that is no host of this world handed a message in; ``accepted`` a host took it from another
host; ``stored`` it lies in a mailbox (one movement for each); ``delivered`` the next hop has taken it, and this host
lets go of it; ``deferred`` it stays in the queue for another try; ``refused`` the next hop said 5yz; ``bounced`` this
host gives up, and has told the sender if there is one to tell; ``expired`` the same, because it has waited too long;
``looped`` the same, because it goes in circles; ``lost`` the connection ended between the final dot and the reply, so
nobody knows, and it stays in the queue.
"""


@dataclass(frozen=True, slots=True)
class Movement:
    """One event in the life of a message."""

    seq: int
    """Number in its world, from 1."""
    time: float
    """Seconds on the world's clock."""
    kind: Kind
    host: str
    """Where it came from: a host, or for ``submitted`` the name in EHLO of the program."""
    to: str
    """Where it went or should have gone: a host; for ``stored`` the mailbox's host; empty when there is none."""
    port: int | None
    """The port at ``to``."""
    queue_id: str
    """What the host that writes this calls the message: ``to`` for ``submitted``, ``accepted`` and ``stored``, else
    ``host``."""
    message_id: str
    """The Message-ID field, with its angle brackets; empty if there is none."""
    recipients: tuple[str, ...]
    """The recipients that this is about."""
    connection: int | None = None
    """Number of the session at ``to``; None when there was no session of this world."""
    reply: str = ""
    """The reply that decided, as in ``550 5.1.1 No mailbox``."""
    why: str = ""
    """One sentence."""
    about: str = ""
    """For a failure notice: the Message-ID of the message that it is about."""


class MovementLog:
    """All movements of a world in order. It grows on the loop thread; reading is safe anywhere."""

    def __init__(self, now: Callable[[], float]) -> None:
        """``now`` is the world's clock in seconds."""
        self._now = now
        self._all: list[Movement] = []
        self._by_message: dict[str, list[Movement]] = {}
        self._callbacks: tuple[Callable[[Movement], object], ...] = ()
        self.errors: list[str] = []
        """Exceptions of listeners, for tests: there should be none."""

    def add(
        self,
        kind: Kind,
        host: str,
        to: str,
        port: int | None,
        queue_id: str,
        message_id: str,
        recipients: tuple[str, ...],
        *,
        connection: int | None = None,
        reply: str = "",
        why: str = "",
        about: str = "",
    ) -> None:
        """Write down one movement, and tell those who listen."""
        movement = Movement(
            len(self._all) + 1, self._now(), kind, host, to, port, queue_id, message_id, recipients,
            connection, reply, why, about,
        )  # fmt: skip
        self._all.append(movement)
        if message_id:
            self._by_message.setdefault(message_id, []).append(movement)
        if about and about != message_id:
            self._by_message.setdefault(about, []).append(movement)
        for callback in self._callbacks:
            try:
                callback(movement)
            except Exception as error:  # a listener's trouble is not the mail's trouble
                self.errors.append(f"{type(error).__name__}: {error}")

    def on_movement(self, callback: Callable[[Movement], object]) -> Callable[[], None]:
        """Have ``callback(movement)`` called for each movement, on the loop thread. Call the result to end that."""
        self._callbacks = (*self._callbacks, callback)

        def end() -> None:
            self._callbacks = tuple(other for other in self._callbacks if other is not callback)

        return end

    def trail(self, message_id: str) -> tuple[Movement, ...]:
        """The movements of one message and of the failure notices about it."""
        return tuple(self._by_message.get(message_id, ()))

    def all(self) -> tuple[Movement, ...]:
        """Every movement so far."""
        return tuple(self._all)
