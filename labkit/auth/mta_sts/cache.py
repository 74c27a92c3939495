"""What a sender remembers of policies (RFC 8461 sections 3.3 and 5.1): the cache is what protects, because an attacker
who can suppress DNS and HTTPS answers can hide a policy only from who has never seen it."""

from __future__ import annotations

from labkit.auth.mta_sts.policy import Policy
from labkit.frozen import dataclass

PAUSE = 300.0
"""Seconds for which a policy that could not be fetched is not asked for again, unless its id changes."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A policy and since when it is kept."""

    policy: Policy
    id: str
    """Of the TXT record when it was fetched."""
    fetched: float

    @property
    def expires(self) -> float:
        """From when on it counts no more, in seconds of the clock."""
        return self.fetched + self.policy.max_age


class PolicyCache:
    """One for a sender. Times are seconds of whichever clock the caller uses."""

    def __init__(self) -> None:
        self._kept: dict[str, Kept] = {}
        self._failed: dict[str, tuple[str, float]] = {}

    def get(self, domain: str, now: float) -> Kept | None:
        """The policy of ``domain`` that still counts."""
        kept = self._kept.get(domain.lower())
        return kept if kept is not None and now < kept.expires else None

    def keep(self, domain: str, policy: Policy, version: str, now: float) -> Kept:
        """Remember a policy from now on; the former one is forgotten."""
        kept = self._kept[domain.lower()] = Kept(policy, version, now)
        self._failed.pop(domain.lower(), None)
        return kept

    def failed(self, domain: str, version: str, now: float) -> None:
        """Remember that this version could not be had."""
        self._failed[domain.lower()] = (version, now)

    def may_fetch(self, domain: str, version: str, now: float) -> bool:
        """Whether it is worth another try."""
        failed = self._failed.get(domain.lower())
        return failed is None or failed[0] != version or now >= failed[1] + PAUSE

    def forget(self, domain: str | None = None) -> None:
        """Forget one domain, or all."""
        if domain is None:
            self._kept.clear()
            self._failed.clear()
        else:
            self._kept.pop(domain.lower(), None)
            self._failed.pop(domain.lower(), None)

    def __len__(self) -> int:
        return len(self._kept)
