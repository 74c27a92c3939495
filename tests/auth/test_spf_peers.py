"""Our results beside pyspf's (strict), on random zones and clients: equal, or different for a reason that is written down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from labkit.auth.spf import check_host

from . import pyspf_peer
from .spf_random import situation


def test_results_and_explanations_beside_pyspf(size: Callable[[int, int], int]) -> None:
    known: Counter[str] = Counter()
    unknown = []
    results: Counter[str] = Counter()
    for seed in range(size(150, 5_000)):
        here = situation(seed)
        zones = here.zones()
        ours = check_host(here.ip, here.domain, here.mail_from, helo=here.helo, dns=zones)
        result, said, query = pyspf_peer.check(here, zones)
        results[ours.result] += 1
        same = ours.result == result and (result != "fail" or (ours.properties["explanation"] or "") == said)
        if not same:
            if (reason := pyspf_peer.reason(here, ours, result, said)) is None:
                unknown.append((seed, ours.result, ours.explanation, result, said))
            else:
                known[reason] += 1
        elif result in ("pass", "fail", "softfail", "neutral") and not any(
            word in here.zone for word in ("%{p}", "redirect=", "mx", "MX:")
        ):
            # pyspf does not count redirect and %{p}, and looks up what stands behind a match.
            counted = ours.properties["lookups"], ours.properties["void_lookups"]
            assert counted == (query.lookups, query.void_lookups), (seed, ours.trace)
    assert unknown == []
    assert set(known) <= set(pyspf_peer.DIFFERENCES)
    assert len(results) >= 6, "hardly a result is not among the situations"
    assert sum(known.values()) < 0.1 * sum(results.values())
