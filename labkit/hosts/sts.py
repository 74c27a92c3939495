"""A sending host's MTA-STS: the policies it has asked for, its cache, and what they mean for a next hop (RFC 8461)."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from labkit.auth.mta_sts import Fetched, Policy, PolicyCache, evaluate, policy_for
from labkit.verdict import Verdict

if TYPE_CHECKING:
    from labkit.hosts.mail_host import MailHost
    from labkit.hosts.routing import NextHop

REMEMBERED = 200


class StsDesk:
    """One for a host. Used on the event loop; reading is safe anywhere."""

    def __init__(self, host: MailHost) -> None:
        self._host = host
        self.cache = PolicyCache()
        """The policies that it keeps, on the world's clock."""
        self._verdicts: deque[Verdict] = deque(maxlen=REMEMBERED)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What it came to, oldest first: of policies that were looked for, and of hosts that were judged."""
        return tuple(self._verdicts.copy())

    async def policy(self, domain: str) -> Policy | None:
        """The policy that counts for ``domain`` now; None without one, and where its mode is ``none``."""
        around = self._host.around
        dns = around.zones.as_asked_by(self._host.name, f"to find the MTA-STS policy of {domain}")

        async def fetch(url: str) -> Fetched:
            from labkit.hosts.policy_web import fetch

            road = around.road(self._host.name)
            return await fetch(url, network=road, dns=dns, place=around.places.get)

        now = self._host.clock.now()
        verdict = await policy_for(domain, dns=dns, fetch=fetch, cache=self.cache, now=now)
        self._keep(verdict)
        policy: Policy | None = verdict.properties["policy"]
        return policy if policy is not None and policy.mode != "none" else None

    def judge(self, policy: Policy, hop: NextHop, tls: str | None) -> Verdict:
        """Judge a next hop, before (None) or after TLS was tried; a failure is written into the log."""
        verdict = evaluate(policy, hop.host, tls)
        if tls is not None or verdict.result == "fail":
            self._keep(verdict)
        return verdict

    def _keep(self, verdict: Verdict) -> None:
        self._verdicts.append(verdict)
        if verdict.result == "fail" or verdict.properties.get("problem"):
            self._host.note("", str(verdict))
