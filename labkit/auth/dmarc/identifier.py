"""Authenticated Identifiers: the domains that SPF and DKIM speak for (RFC 9989 section 4.4)."""

from __future__ import annotations

from collections.abc import Iterable

from labkit.frozen import dataclass
from labkit.verdict import Evidence, Verdict

__all__ = ["Identifier", "Identifiers", "identifiers_of"]


@dataclass(frozen=True, slots=True)
class Identifier:
    """A domain, what its check came to, and the octets in which it was claimed."""

    method: str
    """``spf`` or ``dkim``."""
    domain: str
    """The domain of MAIL FROM (of HELO for a null reverse-path), or the signing domain ``d=``."""
    result: str = "pass"
    """The check's result, by RFC 8601 section 2.7."""
    evidence: tuple[Evidence, ...] = ()
    selector: str = ""
    """The selector ``s=`` of a signature."""


Identifiers = Identifier | Verdict | str | Iterable[Identifier | Verdict | str] | None
"""What `evaluate` takes for spf and dkim: verdicts, identifiers, names that passed, one or several, or None."""


def identifiers_of(method: str, given: Identifiers) -> tuple[Identifier, ...]:
    """The identifiers in what was given. A bare name stands for one that passed."""
    if given is None:
        return ()
    if isinstance(given, Identifier | Verdict | str):
        given = (given,)
    return tuple(_one(method, one) for one in given)


def _one(method: str, given: Identifier | Verdict | str) -> Identifier:
    if isinstance(given, str):
        return Identifier(method, given)
    if isinstance(given, Identifier):
        return given
    name = "header.d" if method == "dkim" else "domain"
    domain = given.properties.get(name)
    selector = given.properties.get("header.s") or ""
    return Identifier(method, str(domain or ""), given.result, _claim(given), str(selector))


def _claim(verdict: Verdict) -> tuple[Evidence, ...]:
    """The octets in which the verdict's domain was claimed: MAIL FROM or HELO for SPF, ``s=`` and ``d=`` for DKIM."""
    for _, step in verdict.steps():
        if verdict.method == "dkim":
            found = tuple(
                item for item in step.evidence if item.source == "message" and step.lookup is not None
            )
        else:
            found = tuple(item for item in step.evidence if item.source in ("mail_from", "helo"))
        if found:
            return found
    return ()
