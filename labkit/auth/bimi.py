"""May a logo be shown? BIMI asks for a DMARC policy that is enforced on all mail of the organization.

By draft-brand-indicators-for-message-identification section 7.1, an individual draft and no RFC. What is decided here
is the record's part alone: the message has to pass DMARC too, and mailbox providers ask for a certificate.
"""

from __future__ import annotations

from labkit.auth.dmarc.record import read_record
from labkit.smtp.rule import Rule
from labkit.verdict import Evidence, Step

__all__ = ["logo_allowed"]

_ENFORCED = Rule(
    "draft-brand-indicators section 7.1",
    "The policy is quarantine or reject, for the names below too, and for all of the mail.",
)


def logo_allowed(record: bytes | str, domain: str) -> Step:
    """Whether the DMARC record of `domain` lets its logo be shown; the step's outcome is ``allowed`` or ``refused``.

    ``pct`` counts here, though RFC 9989 removed it: the draft still asks for it. Never raises.
    """
    octets = record.encode("utf-8", "surrogateescape") if isinstance(record, str) else record
    found = read_record(octets)
    if found is None:
        return Step(_ENFORCED, f"{domain} has no DMARC record.", "refused")
    for name, bad, why in (
        ("p", found.policy("p") in (None, "none"), "the policy is not enforced"),
        ("sp", found.policy("sp") == "none" or found.broken("sp"), "names below the domain are left open"),
        ("pct", found.pct < 100, "the policy is for a share of the mail only"),
        ("t", found.testing, "the policy is being tested"),
    ):
        if bad:
            tag = found.tag(name)
            start, end = (tag.start, tag.end) if tag else (0, len(octets))
            evidence = (Evidence.record(f"_dmarc.{domain}", "TXT", 0, start, end),)
            written = octets[start:end].decode("utf-8", "backslashreplace") if tag else f"no {name}"
            return Step(_ENFORCED, f"{written[:60]}: {why}, so no logo.", "refused", evidence=evidence)
    text = (
        f"The policy of {domain} is enforced on all mail: its logo may be shown with a message that passes."
    )
    return Step(
        _ENFORCED, text, "allowed", evidence=(Evidence.record(f"_dmarc.{domain}", "TXT", 0, 0, len(octets)),)
    )
