"""Finding the policy of a domain: TXT record, policy file, cache (RFC 8461 sections 3 and 5.1)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from labkit.auth.mta_sts.cache import Kept, PolicyCache
from labkit.auth.mta_sts.policy import PolicyError, parse_policy
from labkit.auth.mta_sts.record import PREFIX, RecordError, parse_record
from labkit.lookup import Lookup, Resolver
from labkit.smtp.rule import Rule
from labkit.verdict import Evidence, Step, Verdict

RECORD = Rule(
    "RFC 8461 section 3.1", "A TXT record at _mta-sts says that a policy exists, and which version by its id."
)
ONE_RECORD = Rule(
    "RFC 8461 section 3.1",
    "Records that do not begin with v=STSv1; do not count. If not exactly one is left, there is no policy.",
)
FETCH = Rule(
    "RFC 8461 section 3.3",
    "The policy comes by HTTPS from mta-sts.DOMAIN, whose certificate must be right. Only 200 counts; redirects are not followed.",
)
FILE = Rule("RFC 8461 section 3.2", "A policy has version, mode, max_age, and mx unless the mode is none.")
CACHE = Rule(
    "RFC 8461 section 3.3",
    "A policy that was fetched once is kept for max_age seconds, and counts even when DNS or HTTPS fail.",
)
CHANGED = Rule("RFC 8461 section 3.1", "Another id in the record means that the policy must be fetched anew.")
NO_POLICY = Rule(
    "RFC 8461 section 3.3",
    "Without a policy that can be had, and none in the cache, mail is delivered as if there were no MTA-STS.",
)

SIZE_LIMIT = 65536
"""Octets of a policy file that a sender reads; RFC 8461 section 3.3 suggests 64 kilobytes."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of the HTTPS request for a policy file."""

    status: int = 0
    """0: there was no answer."""
    content_type: str = ""
    body: bytes = b""
    trouble: str = ""
    """Why there was no answer, in a sentence."""
    certificate_trouble: bool = False
    """Whether it was because of the server's certificate."""


Fetch = Callable[[str], Awaitable[Fetched]]
"""Fetches a URL; never raises for what the network does."""


def policy_url(domain: str) -> str:
    """Where the policy of a domain is."""
    return f"https://mta-sts.{domain}/.well-known/mta-sts.txt"


async def policy_for(domain: str, *, dns: Resolver, fetch: Fetch, cache: PolicyCache, now: float) -> Verdict:
    """The policy of ``domain``, the domain of a recipient's address. Never raises for anything that DNS or HTTPS say.

    ``result`` is ``pass`` where a policy counts (mode ``none`` too), and ``none`` where there is none. Properties:
    ``policy`` (`Policy` or None), ``mode`` (empty without policy), ``id``, ``source`` (``fetched``, ``cache`` or empty),
    ``expires`` (or None), ``problem``: the result type of RFC 8460 section 4.3.1, where discovery failed.
    """
    search = _Search(domain.lower().removesuffix("."), dns, fetch, cache, now)
    return await search.run()


class _Search:
    """One discovery."""

    def __init__(self, domain: str, dns: Resolver, fetch: Fetch, cache: PolicyCache, now: float) -> None:
        self._domain = domain
        self._dns = dns
        self._fetch = fetch
        self._cache = cache
        self._now = now
        self._trace: list[Step] = []
        self._problem = ""

    async def run(self) -> Verdict:
        kept = self._cache.get(self._domain, self._now)
        version = self._record()
        if version is not None and (kept is None or kept.id != version):
            if kept is not None:
                text = f"The record's id is {version}, the kept policy was fetched for {kept.id}."
                self._step(CHANGED, text, "changed")
            fetched = await self._policy(version)
            if fetched is not None:
                return self._found(fetched, "fetched")
        if kept is None:
            why = self._trace[-1].text
            self._step(NO_POLICY, f"No policy of {self._domain} counts, so none is obeyed.", "none")
            return self._verdict("none", f"{why} {NO_POLICY.text}", None, "")
        left = _span(kept.expires - self._now)
        self._step(CACHE, f"A policy fetched earlier is kept for another {left}.", "kept")
        return self._found(kept, "cache")

    def _found(self, kept: Kept, source: str) -> Verdict:
        policy = kept.policy
        told = "" if policy.mode == "none" else f", mail hosts {', '.join(policy.mx)}"
        why = f"{self._domain} has a policy, mode {policy.mode}{told} ({'just fetched' if source == 'fetched' else 'kept'})."
        return self._verdict("pass", why, kept, source)

    # the record

    def _record(self) -> str | None:
        """The id that DNS tells; None where there is no record that counts."""
        name = f"_mta-sts.{self._domain}"
        found = self._dns.lookup(name, "TXT")
        if found.outcome in ("timeout", "servfail"):
            self._step(RECORD, f"DNS gave no answer about {name}.", "temperror", lookup=found)
            return None
        texts = [_joined(record) for record in found.records]
        meant = [(number, text) for number, text in enumerate(texts) if text.startswith(PREFIX)]
        if len(meant) != 1:
            count = "no record" if not meant else f"{len(meant)} records"
            evidence = tuple(
                Evidence.record(name, "TXT", number, 0, len(text)) for number, text in meant if text
            )
            text = f"At {name} there is {count} that begins with `{PREFIX}`."
            if meant:
                text = f"At {name} there are {count} that begin with `{PREFIX}`."
            self._step(ONE_RECORD, text, "none", lookup=found, evidence=evidence)
            return None
        number, text = meant[0]
        try:
            record = parse_record(text)
        except RecordError as error:
            whole = (Evidence.record(name, "TXT", number, 0, len(text)),)
            self._step(RECORD, f"The record at {name} is wrong: {error}.", "invalid", found, whole)
            return None
        where = (Evidence.record(name, "TXT", number, *record.id_at),)
        self._step(RECORD, f"{name} says that there is a policy, with id {record.id}.", "found", found, where)
        return record.id

    # the file

    async def _policy(self, version: str) -> Kept | None:
        """Fetch and keep the policy; None where it cannot be had."""
        if not self._cache.may_fetch(self._domain, version, self._now):
            self._problem = "sts-policy-fetch-error"
            self._step(
                FETCH,
                "This version could not be fetched a moment ago, and is not asked for again yet.",
                "wait",
            )
            return None
        url = policy_url(self._domain)
        answer = await self._fetch(url)
        trouble = _trouble(answer)
        if trouble:
            self._problem = "sts-webpki-invalid" if answer.certificate_trouble else "sts-policy-fetch-error"
            self._step(FETCH, f"{url} gives no policy: {trouble}.", "failed")
            self._cache.failed(self._domain, version, self._now)
            return None
        whole = (Evidence("policy", 0, len(answer.body)),) if answer.body else ()
        self._step(FETCH, f"{url} has given {len(answer.body)} octets.", "fetched", None, whole)
        try:
            policy = parse_policy(answer.body)
        except PolicyError as error:
            self._problem = "sts-policy-invalid"
            self._step(FILE, f"The file is no policy: {error}.", "invalid", None, whole)
            self._cache.failed(self._domain, version, self._now)
            return None
        mode = (Evidence("policy", *policy.places["mode"]), Evidence("policy", *policy.places["max_age"]))
        text = f"Mode {policy.mode}, to be kept for {_span(policy.max_age)}."
        self._step(FILE, text, policy.mode, None, mode)
        return self._cache.keep(self._domain, policy, version, self._now)

    # what is told

    def _step(
        self,
        rule: Rule,
        text: str,
        outcome: str,
        lookup: Lookup | None = None,
        evidence: tuple[Evidence, ...] = (),
    ) -> None:
        self._trace.append(Step(rule, text, outcome, {"domain": self._domain}, lookup, evidence))

    def _verdict(self, result: str, explanation: str, kept: Kept | None, source: str) -> Verdict:
        policy = kept.policy if kept is not None else None
        properties = {
            "policy": policy,
            "mode": policy.mode if policy is not None else "",
            "id": kept.id if kept is not None else "",
            "source": source,
            "expires": kept.expires if kept is not None else None,
            "problem": self._problem,
        }
        return Verdict("mta-sts", result, explanation, properties, tuple(self._trace))


def _trouble(answer: Fetched) -> str:
    """Why an answer is no policy, or an empty text."""
    if answer.trouble:
        return answer.trouble.rstrip(".")
    if 300 <= answer.status < 400:
        return f"it answers {answer.status}, a redirect, and redirects are not followed"
    if answer.status != 200:
        return f"it answers {answer.status}"
    if answer.content_type.partition(";")[0].strip().lower() != "text/plain":
        return f"it is {answer.content_type or 'of no type'}, not text/plain"
    if len(answer.body) > SIZE_LIMIT:
        return f"it is larger than {SIZE_LIMIT} octets"
    return ""


def _joined(record: Any) -> str:
    return b"".join(record.strings).decode("ascii", "backslashreplace")


def _span(seconds: float) -> str:
    """A time as people say it."""
    for size, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} seconds"
