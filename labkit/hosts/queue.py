"""A host's queue: messages it is responsible for and has not handed on yet, and when each is tried again.

RFC 5321 section 4.5.4.1 names the times: the first new try after half an hour or so, later tries further apart, and
giving up after four or five days at least. They are a `RetryRule`, because the section wants them configurable.
"""

from __future__ import annotations

import dataclasses
import heapq
from collections import deque
from collections.abc import Iterator
from dataclasses import field
from typing import TYPE_CHECKING, Literal

from labkit.frozen import dataclass

if TYPE_CHECKING:
    from labkit.hosts.transaction import Verdict

Status = Literal["waiting", "delivered", "bounced", "expired"]
"""``waiting`` still to be handed on; ``delivered`` the next hop has taken it; ``bounced`` refused for good;
``expired`` given up because of time."""
Result = Literal["delivered", "deferred", "refused", "lost"]

FINISHED = 200
"""So many items that have left a queue are remembered, without their text."""


@dataclass(frozen=True, slots=True)
class RetryRule:
    """When a message is tried again. All in seconds of the world's clock."""

    first: float = 1800.0
    """From the first try to the second."""
    factor: float = 2.0
    """Each later wait is longer by this factor."""
    longest: float = 10_800.0
    """No wait is longer than this."""
    give_up_after: float = 432_000.0
    """Age at which a message is returned to its sender; the last try is made then."""
    warn_after: float = 14_400.0
    """Age at which a sender who asked for it (NOTIFY=DELAY) hears that it takes longer."""

    def __post_init__(self) -> None:
        if min(self.first, self.longest, self.give_up_after) <= 0 or self.factor < 1:
            raise ValueError(f"expected times above 0 and a factor of 1 or more, received {self}")

    def wait(self, tries: int) -> float:
        """Seconds from try number ``tries`` (from 1) to the next one."""
        try:
            return min(self.first * self.factor ** (tries - 1), self.longest)
        except OverflowError:
            return self.longest

    def times(self) -> tuple[float, ...]:
        """All tries of a message that is never taken: seconds since it arrived, the first at 0."""
        times = [0.0]
        while times[-1] < self.give_up_after:
            times.append(min(times[-1] + self.wait(len(times)), self.give_up_after))
        return tuple(times)


@dataclasses.dataclass(slots=True)
class Recipient:
    """One recipient of a message in a queue, and how it stands with it."""

    address: str
    notify: str = ""
    """NOTIFY as it was given (RFC 3461 section 4.1); empty when it was not."""
    orcpt: str = ""
    """ORCPT as it was given (RFC 3461 section 4.2)."""
    status: Status = "waiting"
    reply: str = ""
    """The last reply about this recipient, or what happened instead of one."""
    hop: str = ""
    """The host that said it; empty when this host decided alone."""
    verdict: Verdict | None = None
    """What the last try came to."""
    warned: bool = False
    """Whether the sender has heard of the delay."""


@dataclass(frozen=True, slots=True)
class QueuedEnvelope:
    """The envelope of a message in a queue, with what the client asked for by parameters."""

    reverse_path: str
    """Empty for the null reverse-path."""
    recipients: tuple[Recipient, ...]
    ret: str = ""
    """RET of RFC 3461 section 4.3: FULL, HDRS or empty."""
    envid: str = ""
    """ENVID of RFC 3461 section 4.4, as it was given."""
    body: str = ""
    """BODY of RFC 6152: 7BIT, 8BITMIME or empty."""
    smtputf8: bool = False
    """Whether SMTPUTF8 was asked for (RFC 6531)."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to hand a message to one next hop."""

    time: float
    next_hop: str
    """Name of the host; empty when routing gave none."""
    connection: int | None
    """Number of the session there; None when there was none."""
    reply: str
    """What decided: a reply, or what happened instead of one."""
    outcome: Result


@dataclasses.dataclass(slots=True, eq=False)
class QueueItem:
    """One message in a queue. Changes on the loop thread."""

    queue_id: str
    message: bytes
    """The octets to be sent, this host's Received field on top. Empty once the message has left the queue."""
    envelope: QueuedEnvelope
    arrived: float
    """When the host took it, in seconds of the world's clock."""
    seq: int
    """Order of arrival in the world."""
    message_id: str = ""
    about: str = ""
    """For a failure notice: the Message-ID of what it is about."""
    next_try: float | None = None
    """When it is tried next; None while it is under way and once it has left."""
    tries: int = 0
    """How often it has been tried; one try may have gone to several next hops."""
    _attempts: list[Attempt] = field(default_factory=list)

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """All attempts, oldest first; one try makes an attempt for each next hop it went to."""
        return tuple(self._attempts)

    @property
    def waiting(self) -> tuple[Recipient, ...]:
        """The recipients that are still to be served."""
        return tuple(one for one in self.envelope.recipients if one.status == "waiting")

    def note(self, attempt: Attempt) -> None:
        """Remember an attempt."""
        self._attempts.append(attempt)

    def __repr__(self) -> str:
        return f"<queued {self.queue_id}: {len(self.waiting)} waiting, {self.tries} tries>"


class Queue:
    """The messages that one host still has to hand on."""

    def __init__(self, rule: RetryRule) -> None:
        self.rule = rule
        """May be replaced at any time; it counts from the next try on."""
        self._items: dict[str, QueueItem] = {}
        self._plan: list[tuple[float, int, QueueItem]] = []
        self._finished: deque[QueueItem] = deque(maxlen=FINISHED)

    @property
    def items(self) -> tuple[QueueItem, ...]:
        """What is in the queue, oldest first."""
        return tuple(self._items.copy().values())

    @property
    def finished(self) -> tuple[QueueItem, ...]:
        """The last items that have left the queue, without their text."""
        return tuple(self._finished.copy())

    def add(self, item: QueueItem) -> None:
        """Take responsibility for a message; it is due at once."""
        self._items[item.queue_id] = item
        self.plan(item, item.arrived)

    def plan(self, item: QueueItem, when: float) -> None:
        """Have it tried at ``when``."""
        item.next_try = when
        heapq.heappush(self._plan, (when, item.seq, item))

    def remove(self, item: QueueItem) -> None:
        """It has left: handed on, or given up."""
        self._items.pop(item.queue_id, None)
        item.next_try = None
        item.message = b""
        self._finished.append(item)

    def next_due(self) -> tuple[float, int] | None:
        """Time and order of arrival of what is to be tried next; None when nothing waits."""
        plan = self._plan
        while plan and plan[0][2].next_try != plan[0][0]:
            heapq.heappop(plan)  # planned anew, or gone
        return plan[0][:2] if plan else None

    def take(self) -> QueueItem:
        """The item that is to be tried next; it has no next try until it is planned again."""
        item = heapq.heappop(self._plan)[2]
        item.next_try = None
        return item

    def retry_now(self, now: float) -> None:
        """Have everything tried at once, whatever was planned."""
        for item in self._items.values():
            if item.next_try is not None:
                self.plan(item, now)

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[QueueItem]:
        return iter(self.items)

    def __repr__(self) -> str:
        return f"<queue of {len(self)}>"
