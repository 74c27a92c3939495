"""Domain names as DMARC compares them: A-labels, lower case, no final dot (RFC 9989 section 5.3.1, RFC 4343)."""

from __future__ import annotations

import re
from functools import lru_cache

from labkit.zones.names import NameProblem, key_of, text_of

__all__ = ["NameProblem", "is_below", "normal", "parents"]

_PLAIN = re.compile(r"(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}")


@lru_cache(maxsize=4096)
def normal(domain: str) -> str:
    """`domain` for comparisons and questions: U-labels become A-labels (RFC 5890 section 2.3).

    Raises `NameProblem` (a ValueError) for what cannot be a name in the DNS: an address literal, an empty label, a
    label over 63 or a name over 253 octets.
    """
    if _PLAIN.fullmatch(domain) and len(domain) <= 253:
        return domain
    if domain.startswith("["):
        raise NameProblem("an address literal is no domain name")
    key = key_of(domain)
    if not key:
        raise NameProblem("the root is nobody's domain")
    return text_of(key)


def parents(domain: str) -> list[str]:
    """The name itself and all above it, the longest first: ``a.b.c``, ``b.c``, ``c``."""
    labels = domain.split(".")
    return [".".join(labels[at:]) for at in range(len(labels))]


def is_below(name: str, domain: str) -> bool:
    """Whether `name` is a real subdomain of `domain`."""
    return name.endswith(f".{domain}")
