"""A campaign played day by day: the same seed gives the same weeks."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from labkit.campaigns.assumptions import Assumptions
from labkit.campaigns.audience import Audience
from labkit.campaigns.plan import Plan
from labkit.campaigns.receiver import Receiver, Seen


@dataclass(frozen=True, slots=True)
class Campaign:
    """What came of a plan at one receiver."""

    receiver: str
    days: tuple[Seen, ...]
    left: Audience
    """The list at the end."""

    def total(self, what: str) -> int:
        """The sum of a count of `Seen` over all days."""
        return sum(getattr(day, what) for day in self.days)

    @property
    def throttled(self) -> tuple[int, ...]:
        """The days on which something was deferred or refused for the sender's sake."""
        return tuple(day.day for day in self.days if day.deferred or day.refused)

    @property
    def inbox_share(self) -> float:
        """Of all that was accepted, the share that lies in the inbox."""
        return self.total("inbox") / accepted if (accepted := self.total("accepted")) else 0.0

    @property
    def reputation(self) -> float:
        """On the morning of the last day."""
        return self.days[-1].reputation


def play(
    plan: Plan, audience: Audience, rules: Assumptions, *, seed: int, authenticated: bool = True
) -> Campaign:
    """Send by `plan` to `audience` at one receiver. Days are numbered from 1."""
    rng = Random(f"{seed} {rules.name}")
    receiver = Receiver(rules, authenticated=authenticated)
    days: list[Seen] = []
    left, waiting = audience, 0
    for number, planned in enumerate(plan.volumes, 1):
        if plan.moves_on == number:
            receiver.new_address()
        volume = planned
        if waiting:
            # Who backs off sends what was taken yesterday and no more; who hurries adds what was deferred.
            volume = min(planned, days[-1].accepted or planned) if plan.backs_off else planned + waiting
        volume = min(volume, len(left))
        mail = left.first(volume) if plan.best_first else left.any(volume, rng)
        hurried = bool(waiting) and not plan.backs_off
        seen = receiver.take(number, mail, rng, one_click=plan.one_click, hurried=hurried)
        days.append(seen)
        waiting = seen.deferred
        if plan.cleans:
            left = left.without(unknown=seen.unknown)
        left = left.without(stale=seen.unsubscribed)
    return Campaign(rules.name, tuple(days), left)
