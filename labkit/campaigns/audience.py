"""Who stands on a list: people who asked, people who asked long ago, people who never did, and addresses of nobody."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from labkit.campaigns.chance import share_out

KINDS = ("wanted", "stale", "never", "unknown", "traps")
"""In the order of a sender that writes to those first who want it most."""

TOLD = {
    "wanted": "asked for this mail and read it lately",
    "stale": "asked once, and has not opened it for a year",
    "never": "never asked",
    "unknown": "is the address of nobody",
    "traps": "is a spam trap: an address that no person ever used to ask for mail",
}


@dataclass(frozen=True, slots=True)
class Audience:
    """Addresses by kind, in numbers. Raises ValueError for a number below 0."""

    wanted: int = 0
    stale: int = 0
    never: int = 0
    unknown: int = 0
    traps: int = 0

    def __post_init__(self) -> None:
        for kind in KINDS:
            if getattr(self, kind) < 0:
                raise ValueError(f"{kind} is a number of addresses, got {getattr(self, kind)}")

    def __len__(self) -> int:
        return sum(self.counts().values())

    def counts(self) -> dict[str, int]:
        """How many of each kind, in the order of `KINDS`."""
        return {kind: getattr(self, kind) for kind in KINDS}

    def without(self, **gone: int) -> Audience:
        """The list after so many of a kind were taken off; never below 0."""
        return replace(self, **{kind: max(0, getattr(self, kind) - number) for kind, number in gone.items()})

    def first(self, number: int) -> Audience:
        """The `number` addresses that want it most."""
        taken, left = {}, number
        for kind, count in self.counts().items():
            taken[kind] = min(left, count)
            left -= taken[kind]
        return Audience(**taken)

    def any(self, number: int, rng: Random) -> Audience:
        """`number` addresses as they happen to stand on the list."""
        return Audience(**share_out(rng, number, self.counts()))
