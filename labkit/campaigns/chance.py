"""Chance that gives the same numbers on every machine and every Python."""

from __future__ import annotations

import math
from random import Random

ENOUGH = 30.0
"""Variance from which on the normal distribution stands in for the binomial one."""


def binomial(rng: Random, n: int, p: float) -> int:
    """How many of `n` come out at probability `p` each; exact for few, rounded from a normal distribution for many."""
    if n <= 0 or p <= 0:
        return 0
    if p >= 1:
        return n
    if p > 0.5:
        return n - binomial(rng, n, 1 - p)
    variance = n * p * (1 - p)
    if variance >= ENOUGH:
        return min(n, max(0, round(rng.gauss(n * p, math.sqrt(variance)))))
    # From one hit to the next: geometric gaps, so that a rare event costs few steps.
    found, at, scale = 0, 0, math.log1p(-p)
    while True:
        gap = math.log(1.0 - rng.random()) / scale
        if gap >= n - at:
            return found
        at, found = at + int(gap) + 1, found + 1


def share_out(rng: Random, taken: int, kinds: dict[str, int]) -> dict[str, int]:
    """Draw `taken` from the whole without putting back, kind by kind; the counts add up to `taken` at most."""
    left, drawn = sum(kinds.values()), {}
    taken = min(taken, left)
    for name, count in kinds.items():
        here = min(count, taken, binomial(rng, taken, count / left)) if left else 0
        here = max(here, taken - (left - count))
        drawn[name] = here
        taken, left = taken - here, left - count
    return drawn
