"""What the model takes for granted, one figure per line, each with its unit and where it comes from.

Sources read for these: Google's sender guidelines (support.google.com/mail/answer/81126, copy of March 2026) and
Yahoo's (senders.yahooinc.com/best-practices, April 2025). Neither publishes how it weighs what it sees.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Any

GUESS = "assumed: no mailbox provider publishes this"
GMAIL = "Google, support.google.com/mail/answer/81126, March 2026"


def figure(default: float, unit: str, text: str, source: str = GUESS) -> Any:
    """A field of `Assumptions` that says what it is."""
    return field(default=default, metadata={"unit": unit, "text": text, "source": source})


@dataclass(frozen=True, slots=True)
class Figure:
    """One assumption as a learner sees it."""

    name: str
    value: float
    unit: str
    text: str
    source: str


@dataclass(frozen=True)
class Assumptions:
    """The receiver's rules and the readers' habits. Change any with `but`."""

    name: str = "receiver A"

    # The receiver's limits.
    first_day: float = figure(200, "messages", "taken in a day from a sender that was never seen before")
    growth: float = figure(
        2.0,
        "times",
        "how much more than on the best of the last days it takes; a sudden doubling may be slowed down",
        f"{GMAIL}: a sudden doubling may be rate-limited; the exact factor is assumed",
    )
    looks_back: float = figure(7, "days", "how far back it looks for that best day")
    quiet: float = figure(30, "days", "after so long a silence a sender counts as new")
    recipients: float = figure(
        100,
        "recipients",
        "taken in one transaction",
        "RFC 5321 section 4.5.3.1.8: at least 100 must be taken",
    )

    # Its memory.
    half_life: float = figure(10, "days", "after which what it saw weighs half as much")
    by_domain: float = figure(
        0.6,
        "share",
        "weight of the domain's reputation; the rest is the address's",
        f"{GMAIL}: both are tracked; the weights are assumed",
    )
    complaints_fine: float = figure(0.001, "share of delivered mail", "complaints that do no harm", GMAIL)
    complaints_limit: float = figure(
        0.003, "share of delivered mail", "complaints from which on mail is no longer welcome", GMAIL
    )
    unknown_fine: float = figure(0.02, "share of recipients", "recipients that do not exist and do no harm")
    unknown_limit: float = figure(
        0.10, "share of recipients", "from here on the list looks guessed or bought"
    )
    trap_harm: float = figure(0.04, "of reputation", "lost by each message to an address that never asked")
    hurry_harm: float = figure(0.05, "of reputation", "lost in a day of ignoring `421` and `451`")

    # Where mail goes.
    inbox_from: float = figure(0.55, "of reputation", "from here on mail is filed in the inbox")
    refused_below: float = figure(0.15, "of reputation", "below this mail is refused with 550 5.7.1")

    # The readers.
    reads_wanted: float = figure(
        0.35, "share", "of those who asked read a message in the inbox on the same day"
    )
    reads_stale: float = figure(0.05, "share", "of those who asked long ago read it")
    complains_wanted: float = figure(0.0003, "share", "of those who asked press Spam")
    complains_stale: float = figure(0.003, "share", "of those who asked long ago press Spam")
    complains_never: float = figure(0.02, "share", "of those who never asked press Spam")
    finds_link: float = figure(
        0.6,
        "share",
        "of those who want no more use a one-click unsubscribe instead of Spam, where there is one",
    )

    def figures(self) -> Iterator[Figure]:
        """All figures in order, to be shown; the name of the set is none."""
        for one in fields(self):
            if one.metadata:
                yield Figure(one.name, getattr(self, one.name), **one.metadata)

    def but(self, **changes: Any) -> Assumptions:
        """The same with some figures changed. Raises ValueError for a name that is none, or a value below 0."""
        known = {one.name for one in fields(self)}
        for name, value in changes.items():
            if name not in known:
                raise ValueError(
                    f"there is no assumption {name!r}; there are {', '.join(sorted(known - {'name'}))}"
                )
            if name != "name" and not (isinstance(value, int | float) and 0 <= value < float("inf")):
                raise ValueError(f"{name} is a number from 0 up, got {value!r}")
        return replace(self, **changes)


PATIENT = Assumptions()
"""The receiver that exercises show."""

STRICT = Assumptions(
    name="receiver B",
    first_day=100,
    growth=1.5,
    looks_back=5,
    half_life=20,
    by_domain=0.8,
    complaints_limit=0.002,
    unknown_limit=0.05,
    inbox_from=0.6,
)
"""A second one: what is right under both was not fitted to one."""
