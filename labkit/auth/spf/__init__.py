"""SPF (RFC 7208): who may send for the domain of MAIL FROM or HELO, evaluated step by step.

``check_host(ip, domain, sender, helo=..., dns=...)`` gives a `Verdict`: the result, and the trace that led to it.
The parts: ``record`` reads a record into terms, ``macros`` its macros, ``identity`` says whose domain is checked,
``mechanisms`` holds what each mechanism does, ``evaluate`` puts them together. ``lint(domain, dns)`` is another
matter: what a record costs and risks at worst, whoever the client is.

Where the RFC leaves a choice:

- An mx with more than 10 records gives permerror when the eleventh would be looked up, not before (4.6.4).
- A lookup of A or AAAA that finds nothing is a void lookup, also where the other type is there (4.6.4).
- The PTR lookup behind ``%{p}`` counts as a term does (4.6.4, "ptr" or "%{p}").
- A domain that cannot be a DNS name is not asked for: its term does not match, and nothing is counted void (4.8).
- Behind a slash, numbers have no leading zeros (5.6 and 12).
"""

from __future__ import annotations

from labkit.auth.spf.evaluate import check_helo, check_host, check_mail_from
from labkit.auth.spf.review import Cost, Finding, Review, lint, lint_record

__all__ = [
    "Cost",
    "Finding",
    "Review",
    "check_helo",
    "check_host",
    "check_mail_from",
    "lint",
    "lint_record",
]
