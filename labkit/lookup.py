"""What a question to the DNS comes back with, whoever answers it: a world's own zones or a live resolver.

A resolver is anything with ``lookup(name, rdtype) -> Lookup``. It never raises for a name, however odd: what
went wrong is the outcome.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Literal, Protocol

from labkit.frozen import dataclass

if TYPE_CHECKING:
    from dns.rdata import Rdata

Outcome = Literal["answer", "nodata", "nxdomain", "timeout", "servfail"]
"""How a lookup ends (RFC 1035 section 4.1.1, RFC 2308 section 2):

``answer`` there are records; ``nodata`` the name exists, but not with this type; ``nxdomain`` the name does
not exist, nor any below it (RFC 8020); ``timeout`` nobody answered; ``servfail`` the answer was that no
answer can be given. The first three are final, the last two may be different in an hour.
"""

OUTCOMES: tuple[Outcome, ...] = ("answer", "nodata", "nxdomain", "timeout", "servfail")


@dataclass(frozen=True, slots=True)
class Lookup:
    """One question and its outcome. Two are equal when question, outcome and records are."""

    name: str
    """The name as it was asked for."""
    rdtype: str
    """The type asked for, in capitals: ``"MX"``."""
    outcome: Outcome
    records: tuple[Rdata, ...] = ()
    """dnspython's objects, in the order of the zone; empty unless the outcome is ``answer``."""
    reason: str = field(default="", compare=False)
    """Why there are no records, or where they really come from (an alias, a wildcard), as a sentence."""
    aliases: tuple[str, ...] = field(default=(), compare=False)
    """The names that CNAME records led to, one after the other; the last one is where the answer stands."""
    lines: tuple[int, ...] = field(default=(), compare=False)
    """For each record the line of the zone text where it begins; empty where there is no such text."""

    def __str__(self) -> str:
        question = f"{self.name} {self.rdtype}"
        if self.outcome == "answer":
            return f"{question}: " + ", ".join(str(record) for record in self.records)
        return f"{question}: {self.outcome}"


@dataclass(frozen=True, slots=True)
class LookupRecord:
    """A line of the lookup log: who asked, why, and what came of it."""

    asker: str
    """The host or program that asked; empty when it did not say."""
    reason: str
    """What the asker needed the answer for; empty when it did not say."""
    lookup: Lookup
    seq: int
    """Number of this lookup in its log, from 1."""
    time: float
    """Seconds on the world's clock."""

    def __str__(self) -> str:
        who = f"{self.asker or 'somebody'} asked for {self.lookup}"
        return f"{who} ({self.reason})" if self.reason else who


class Resolver(Protocol):
    """Anything that answers questions to the DNS."""

    def lookup(self, name: str, rdtype: str) -> Lookup:
        """Ask for the records of type ``rdtype`` at ``name``, always an absolute name, final dot or not."""
