"""Which networks lie in which."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from labkit.auth.spf.address import Family


class Network(NamedTuple):
    """A network and the number of the term that names it."""

    value: int
    mask: int
    family: Family
    number: int


def overlaps(networks: Iterable[Network]) -> list[tuple[int, int]]:
    """Pairs of numbers, inner and outer, one for each network that another one contains; of two that are equal
    the later is the inner one. In the order of the inner ones. Sorted by value and size, whatever contains a
    network stands before it: so this takes no longer than sorting."""
    found: list[tuple[int, int]] = []
    open_ones: list[Network] = []
    for network in sorted(networks, key=lambda one: (one.family, one.value, one.mask, one.number)):
        while open_ones and not _contains(open_ones[-1], network):
            open_ones.pop()
        if open_ones:
            found.append((network.number, open_ones[-1].number))
        open_ones.append(network)
    return sorted(found)


def _contains(outer: Network, inner: Network) -> bool:
    return (
        outer.family == inner.family and outer.mask <= inner.mask and inner.value & outer.mask == outer.value
    )
