"""SPF (RFC 7208): who may send for the domain of MAIL FROM or HELO, evaluated step by step.

``check_host(ip, domain, sender, helo=..., dns=...)`` gives a `Verdict`: the result, and the trace that led to it.
The parts: ``record`` reads a record into terms, ``macros`` its macros, ``identity`` says whose domain is checked,
``mechanisms`` holds what each mechanism does, ``evaluate`` puts them together. ``lint(domain, dns)`` is another
matter: what a record costs and risks at worst, whoever the client is.

Where the RFC leaves a choice:

- An mx with more than 10 records gives permerror when the eleventh would be looked up, not before (4.6.4).
- Each lookup that finds nothing is a void lookup, and the third ends the check (11.1). Section 4.6.4 can also be read
  as counting terms. An IPv6 client asks for AAAA only, so one mx whose hosts have A records may be too much.
- The PTR lookup behind ``%{p}`` counts as a term does, each time the macro is expanded (4.6.4 has it beside ptr).
- Of more than 10 names of a client the first 10 are looked at (4.6.4). By 5.5 ptr would not match then at all.
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
