"""What a fault is: one small object that makes a host behave as servers do on a bad day.

A host asks its faults at fixed places (see `Fault`). The first fault that has something to say decides; the
host's own answer comes only when none has. `FaultSet` is what a host keeps them in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from labkit.hosts.answers import Answer
from labkit.smtp.path import Path
from labkit.smtp.rule import Rule

if TYPE_CHECKING:
    from labkit.clock import VirtualClock
    from labkit.hosts.policy import LabEnvelope
    from labkit.hosts.smtpd import LabSMTP
    from labkit.hosts.surroundings import Surroundings

LONGEST_DELAY = 5.0
"""Real seconds that the faults of a host may hold up one answer, all together."""

STAGES = ("connect", "greeting", "EHLO", "MAIL", "RCPT", "DATA", "text", "accepted")
"""Where a session can be held up or cut off.

``connect`` before the greeting; ``greeting`` after it; a verb: the command has been heard, its reply has not
been said; ``text`` the final dot has come, nothing is kept; ``accepted`` the message is kept, but the reply is
lost. A verb that is not listed works too: ``NOOP``, ``QUIT``.
"""


class FaultyHost(Protocol):
    """What a fault may ask its host."""

    name: str

    @property
    def clock(self) -> VirtualClock:
        """The world's clock."""

    @property
    def around(self) -> Surroundings:
        """What it shares with other hosts, such as the DNS."""

    def holds(self, path: Path) -> bool:
        """Whether a mailbox for this path is kept at this very host."""

    def caller(self, server: LabSMTP) -> str | None:
        """The host of this world that is at the other end; None for every other program."""

    def takes(self, path: Path) -> bool:
        """Whether the path's domain is one that this host takes mail for, as its last stop or as relay."""


class Fault:
    """One fault at one host; what it has to remember is inside. A fault overrides the hooks it needs.

    An `Answer` from a hook is said in place of the host's own. A 421 or 521 among them ends the connection
    (RFC 5321 sections 3.8 and 4.2.2, RFC 7504). None and the host goes on.
    """

    name: ClassVar[str]
    """What it is switched on by: ``"greylisting"``."""
    title: ClassVar[str]
    """One line for a list."""
    text: ClassVar[str]
    """For a learner: what you will see, why servers do it, who must act."""
    rules: ClassVar[tuple[Rule, ...]]
    """Where it is written."""
    replies: ClassVar[tuple[str, ...]] = ()
    """The codes that it makes the host say, each with its enhanced code if there is one. A loop's code is said by
    the host that counts the hops."""
    hides: frozenset[str] = frozenset()
    """Extensions that the host does not offer while this fault is on, by their EHLO keyword in capitals."""
    changes: Mapping[str, Any] = MappingProxyType({})
    """Fields of the host's `HostSpec` that are different while this fault is on: how it greets, TLS and AUTH."""

    def switched_on(self, host: FaultyHost) -> None:
        """It begins."""

    def switched_off(self, host: FaultyHost) -> None:
        """It ends."""

    def greet(self, host: FaultyHost, server: LabSMTP) -> Answer | None:
        """In place of 220."""
        return None

    def command(self, host: FaultyHost, server: LabSMTP, verb: str, argument: str) -> Answer | None:
        """In place of any answer to a command, whether or not the command is in order."""
        return None

    def sender(self, host: FaultyHost, server: LabSMTP, path: Path) -> Answer | None:
        """For a MAIL that is in order."""
        return None

    def recipient(self, host: FaultyHost, server: LabSMTP, path: Path) -> Answer | None:
        """For a RCPT that is in order. A 250 accepts what the host itself might refuse."""
        return None

    def message(
        self, host: FaultyHost, server: LabSMTP, envelope: LabEnvelope, octets: bytes
    ) -> Answer | None:
        """After the final dot, before anything is kept."""
        return None

    def cut(self, host: FaultyHost, server: LabSMTP, stage: str) -> bool:
        """Whether the connection breaks here, without a word. ``stage`` is one of `STAGES` or a verb."""
        return False

    def delay(self, host: FaultyHost, server: LabSMTP, stage: str) -> float:
        """Real seconds of silence here."""
        return 0.0

    def next_hop(self, host: FaultyHost, domain: str) -> str | None:
        """The host that mail for ``domain`` is sent to, in place of what routing says."""
        return None

    def __repr__(self) -> str:
        return f"<fault {self.name}: {self.title}>"


class FaultSet:
    """The faults that are switched on at one host, in the order of their switching on.

    The hooks are those of `Fault`, without the host. Changed on the loop thread; reading is safe anywhere.
    """

    def __init__(self, host: FaultyHost) -> None:
        self._host = host
        self._faults: tuple[Fault, ...] = ()

    def on(self, fault: Fault) -> None:
        """Switch on. A fault of the same name makes room for it, and takes what it remembered along."""
        self.off(fault.name)
        fault.switched_on(self._host)
        self._faults = (*self._faults, fault)

    def off(self, name: str) -> None:
        """Switch off. Harmless when it is off already."""
        ended = [fault for fault in self._faults if fault.name == name]
        self._faults = tuple(fault for fault in self._faults if fault.name != name)
        for fault in ended:
            fault.switched_off(self._host)

    @property
    def hides(self) -> frozenset[str]:
        """All extensions that are hidden at the moment."""
        return frozenset().union(*(fault.hides for fault in self._faults))

    @property
    def changes(self) -> dict[str, Any]:
        """What is different in the host's spec at the moment."""
        return {name: value for fault in self._faults for name, value in fault.changes.items()}

    def greet(self, server: LabSMTP) -> Answer | None:
        """In place of 220."""
        return next((a for f in self._faults if (a := f.greet(self._host, server)) is not None), None)

    def command(self, server: LabSMTP, verb: str, argument: str) -> Answer | None:
        """In place of any answer to a command."""
        for fault in self._faults:
            if (answer := fault.command(self._host, server, verb, argument)) is not None:
                return answer
        return None

    def sender(self, server: LabSMTP, path: Path) -> Answer | None:
        """For a MAIL that is in order."""
        return next((a for f in self._faults if (a := f.sender(self._host, server, path)) is not None), None)

    def recipient(self, server: LabSMTP, path: Path) -> Answer | None:
        """For a RCPT that is in order."""
        for fault in self._faults:
            if (answer := fault.recipient(self._host, server, path)) is not None:
                return answer
        return None

    def message(self, server: LabSMTP, envelope: LabEnvelope, octets: bytes) -> Answer | None:
        """After the final dot."""
        for fault in self._faults:
            if (answer := fault.message(self._host, server, envelope, octets)) is not None:
                return answer
        return None

    def cut(self, server: LabSMTP, stage: str) -> bool:
        """Whether the connection breaks here."""
        return any(fault.cut(self._host, server, stage) for fault in self._faults)

    def delay(self, server: LabSMTP, stage: str) -> float:
        """Real seconds of silence here, at most `LONGEST_DELAY`."""
        wanted = sum(max(0.0, fault.delay(self._host, server, stage)) for fault in self._faults)
        return min(wanted, LONGEST_DELAY)

    def next_hop(self, domain: str) -> str | None:
        """The host that mail for ``domain`` is sent to, in place of what routing says."""
        return next((h for f in self._faults if (h := f.next_hop(self._host, domain)) is not None), None)

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._faults)

    def __len__(self) -> int:
        return len(self._faults)
