"""A sender's plan: how much on which day, to whom first, and what it does with what comes back."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """What a sender means to do. Raises ValueError for an empty plan or a number below 0."""

    volumes: tuple[int, ...]
    """Messages to send, a number for each day."""
    best_first: bool = True
    """Those who want it most come first; otherwise the list as it stands."""
    cleans: bool = True
    """Takes an address off the list when it is refused as unknown (550 5.1.1)."""
    one_click: bool = True
    """Carries RFC 8058 one-click unsubscribe; who uses it is taken off the list."""
    backs_off: bool = True
    """After a deferral (4yz) it waits, and sends no more the next day than was taken; else it tries again at once."""
    moves_on: int | None = None
    """The day on which it changes to another IP address, if it does."""

    def __post_init__(self) -> None:
        if not self.volumes:
            raise ValueError("a plan needs a number of messages for at least one day")
        if any(number < 0 for number in self.volumes):
            raise ValueError("a day's number of messages is 0 or more")

    @classmethod
    def growing(cls, first: int, factor: float, most: int, days: int, **how: bool) -> Plan:
        """From `first` on, `factor` times as much each day, up to `most`. Raises ValueError for a factor below 1."""
        if factor < 1:
            raise ValueError(f"factor is 1 or more, got {factor}")
        volumes, number = [], float(first)
        for _ in range(days):
            volumes.append(min(most, int(number)))
            number = min(number * factor, float(most))
        return cls(tuple(volumes), **how)
