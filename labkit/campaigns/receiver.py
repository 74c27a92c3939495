"""A receiver with a memory: what it takes today, where it files it, and what it thinks of the sender in the evening."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from random import Random

from labkit.campaigns.assumptions import Assumptions
from labkit.campaigns.audience import Audience
from labkit.campaigns.chance import binomial

UNKNOWN_SENDER = 0.6
"""Reputation of a sender that was never seen before and whose mail is authenticated."""
UNAUTHENTICATED = 0.35
"""The same without SPF, DKIM and DMARC."""
AT_MOST_UNAUTHENTICATED = 0.6
"""What such a sender can reach: anybody may use its name, so nobody is there to have a better reputation."""
READ_BY_ENOUGH = 0.2
"""Share of readers from which on mail counts as fully wanted."""
FEW = 50
"""A day with fewer messages moves the reputation less."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One day of one sender at one receiver; all but reputation are numbers of recipients."""

    day: int
    tried: int = 0
    accepted: int = 0
    deferred: int = 0
    """421 4.7.28: more than this receiver takes from this sender today; each may be tried again."""
    unknown: int = 0
    """550 5.1.1: nobody of that name."""
    refused: int = 0
    """550 5.7.1: this sender is not welcome."""
    inbox: int = 0
    junk: int = 0
    reads: int = 0
    complaints: int = 0
    unsubscribed: int = 0
    traps: int = 0
    limit: int = 0
    """What it would have taken today."""
    reputation: float = 0.0
    """In the morning, from 0 to 1."""

    @property
    def complaint_rate(self) -> float:
        """Complaints for each message in the inbox, as the providers count."""
        return self.complaints / self.inbox if self.inbox else 0.0

    @property
    def unknown_rate(self) -> float:
        """Unknown recipients among those that got an answer for good."""
        return self.unknown / settled if (settled := self.accepted + self.unknown) else 0.0


class Receiver:
    """What one receiver remembers of one sender, by its address and by its domain."""

    def __init__(self, rules: Assumptions, *, authenticated: bool = True) -> None:
        self.rules = rules
        start = UNKNOWN_SENDER if authenticated else UNAUTHENTICATED
        self.domain = start
        self.address = start
        self._authenticated = authenticated
        self._accepted: deque[tuple[int, int]] = deque()
        self._last = -1

    @property
    def reputation(self) -> float:
        """What counts when mail comes: domain and address, weighed."""
        return self.rules.by_domain * self.domain + (1 - self.rules.by_domain) * self.address

    def new_address(self) -> None:
        """The sender comes from another IP address: the address is unknown again, the domain is not."""
        self.address = UNKNOWN_SENDER if self._authenticated else UNAUTHENTICATED
        self._accepted.clear()

    def limit(self, day: int) -> int:
        """How many recipients it takes from this sender on `day`."""
        rules = self.rules
        lately = [count for when, count in self._accepted if when >= day - rules.looks_back]
        usual = max(lately, default=0)
        if self._last < 0 or day - self._last > rules.quiet:
            usual = 0
        trust = min(1.0, 0.4 + self.reputation)
        return int(max(rules.first_day, rules.growth * usual) * trust)

    def take(self, day: int, mail: Audience, rng: Random, *, one_click: bool, hurried: bool = False) -> Seen:
        """One day's mail to these recipients; `hurried` when yesterday's deferrals were tried again at once."""
        reputation, limit, tried = self.reputation, self.limit(day), len(mail)
        if reputation < self.rules.refused_below:
            return Seen(day, tried, refused=tried, limit=limit, reputation=reputation)
        heard = mail if tried <= limit else mail.any(limit, rng)
        filed = {
            kind: binomial(rng, count, self._inbox_share(kind)) for kind, count in heard.counts().items()
        }
        inbox = sum(filed[kind] for kind in ("wanted", "stale", "never"))
        accepted = len(heard) - heard.unknown
        reads, complaints, unsubscribed = self._readers(filed, rng, one_click)
        seen = Seen(
            day,
            tried,
            accepted=accepted,
            deferred=tried - len(heard),
            unknown=heard.unknown,
            inbox=inbox,
            junk=accepted - inbox - heard.traps,
            reads=reads,
            complaints=complaints,
            unsubscribed=unsubscribed,
            traps=heard.traps,
            limit=limit,
            reputation=reputation,
        )
        self._remember(seen, hurried)
        return seen

    def _inbox_share(self, kind: str) -> float:
        """Which share of a kind is filed in the inbox: those who read it lately are asked first."""
        if kind in ("unknown", "traps"):
            return 0.0
        lean = {"wanted": 0.1, "stale": -0.05, "never": -0.1}[kind]
        return min(1.0, max(0.0, (self.reputation + lean - self.rules.inbox_from) / 0.2 + 0.5))

    def _readers(self, filed: dict[str, int], rng: Random, one_click: bool) -> tuple[int, int, int]:
        """Who read, who pressed Spam and who unsubscribed, of what lies in the inbox."""
        rules = self.rules
        reads = binomial(rng, filed["wanted"], rules.reads_wanted) + binomial(
            rng, filed["stale"], rules.reads_stale
        )
        annoyed = sum(
            binomial(rng, filed[kind], share)
            for kind, share in (
                ("wanted", rules.complains_wanted),
                ("stale", rules.complains_stale),
                ("never", rules.complains_never),
            )
        )
        unsubscribed = binomial(rng, annoyed, rules.finds_link) if one_click else 0
        return reads, annoyed - unsubscribed, unsubscribed

    def _remember(self, seen: Seen, hurried: bool) -> None:
        """The evening: what was seen moves the reputation of address and domain."""
        rules = self.rules
        self._accepted.append((seen.day, seen.accepted))
        while self._accepted and self._accepted[0][0] < seen.day - rules.looks_back:
            self._accepted.popleft()
        if seen.tried:
            self._last = seen.day
        wanted = min(1.0, seen.reads / seen.inbox / READ_BY_ENOUGH) if seen.inbox else 0.5
        bad = ramp(seen.complaint_rate, rules.complaints_fine, rules.complaints_limit)
        bad += ramp(seen.unknown_rate, rules.unknown_fine, rules.unknown_limit)
        target = min(1.0, max(0.0, 0.4 + 0.6 * wanted - bad))
        weight = (1 - 0.5 ** (1 / rules.half_life)) * min(1.0, seen.accepted / FEW)
        loss = min(0.3, rules.trap_harm * seen.traps) + (rules.hurry_harm if hurried else 0.0)
        most = 1.0 if self._authenticated else AT_MOST_UNAUTHENTICATED
        self.domain = min(most, max(0.0, self.domain + weight * (target - self.domain) - loss))
        self.address = min(1.0, max(0.0, self.address + 2 * weight * (target - self.address) - loss))


def ramp(value: float, fine: float, limit: float) -> float:
    """0 up to `fine`, 1 from `limit` on, a straight line between."""
    if value <= fine:
        return 0.0
    return 1.0 if value >= limit else (value - fine) / (limit - fine)
