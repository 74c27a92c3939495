"""TLS reports (RFC 8460): how deliveries to a domain fared with MTA-STS and DANE."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from labkit.explainers.answer import ExplainedLine, Explanation, Problem, plain, rules_of
from labkit.smtp.rule import Rule

__all__ = ["KIND", "RESULT_TYPES", "explain_it", "looks_like"]

KIND = "a TLS report (JSON)"

_FORM = Rule(
    "RFC 8460 section 4.4",
    "A report is JSON: who reports, when, and for each policy what succeeded and what failed.",
)
_RESULTS = Rule(
    "RFC 8460 section 4.3",
    "Each failure has a result type: of the handshake, of the certificate, of DANE or of the policy.",
)
_OWNER = "the receiving domain's postmaster"

RESULT_TYPES: Mapping[str, tuple[str, str]] = {
    "starttls-not-supported": ("The mail host did not offer STARTTLS.",
                               "Switch STARTTLS on at that host, and look for a firewall that takes it away."),
    "certificate-host-mismatch": ("The certificate is not for the mail host's name.",
                                  "Get a certificate that names the MX host."),
    "certificate-expired": ("The certificate has expired.", "Renew it, and find out why nobody did."),
    "certificate-not-trusted": ("No trusted authority stands behind the certificate.",
                                "Use a public authority's certificate, and send the whole chain."),
    "validation-failure": ("TLS failed for a reason that the reporter does not name closer.",
                           "Look at failure-reason-code, then test the host with openssl s_client -starttls smtp."),
    "tlsa-invalid": ("A TLSA record does not fit, or none of them did.", "Compare the TLSA records with the certificate in use."),
    "dnssec-invalid": ("DNSSEC did not validate for the host.", "Repair the zone's signatures."),
    "dane-required": ("DANE was required, and no usable TLSA record was found.", "Publish TLSA records, signed."),
    "sts-policy-fetch-error": ("The MTA-STS policy could not be fetched.",
                               "Look at https://mta-sts.DOMAIN/.well-known/mta-sts.txt: does it answer 200?"),
    "sts-policy-invalid": ("The MTA-STS policy was fetched and could not be read.", "Check the policy file line by line."),
    "sts-webpki-invalid": ("The policy host's certificate was not valid.", "Repair the certificate of mta-sts.DOMAIN."),
}  # fmt: skip
"""Result type to its meaning, and what the receiving side does."""


def looks_like(text: str) -> float:
    """How sure it is that this is such a report."""
    head = text.lstrip()
    if not head.startswith("{"):
        return 0.0
    signs = sum(
        f'"{sign}"' in text
        for sign in ("organization-name", "policies", "date-range", "total-failure-session-count")
    )
    return 0.97 if signs >= 2 else 0.6 if signs else 0.0


def explain_it(text: str) -> Explanation:
    """Explain a report."""
    try:
        found = json.loads(text.strip())
    except (ValueError, RecursionError) as error:
        return _unreadable(f"This is no JSON: {plain(str(error))}.")
    if not isinstance(found, dict):
        return _unreadable("The JSON is no object.")
    lines = [
        ExplainedLine(
            _text(found, "organization-name") or "(no name)",
            f"Who reports. Contact: {_text(found, 'contact-info') or 'not told'}.",
            _FORM,
        ),
        ExplainedLine(
            " to ".join(
                _text(_dict(found.get("date-range")), f"{end}-datetime") or "?" for end in ("start", "end")
            ),
            "The period.",
        ),
    ]
    problems: list[Problem] = []
    good = bad = 0
    domains: list[str] = []
    for entry in _list(found.get("policies"))[:50]:
        policy, summary = _dict(_dict(entry).get("policy")), _dict(_dict(entry).get("summary"))
        passed, failed = (
            _count(summary, "total-successful-session-count"),
            _count(summary, "total-failure-session-count"),
        )
        good, bad = good + passed, bad + failed
        domain = _text(policy, "policy-domain") or "(no domain)"
        domains.append(domain)
        kind = _text(policy, "policy-type")
        lines.append(ExplainedLine(
            f"{domain}, policy {kind or '?'}", f"{_POLICIES.get(kind, 'A kind of policy that RFC 8460 does not name.')} "
            f"{passed} sessions succeeded, {failed} failed.", _FORM, "wrong" if failed else "ok"))  # fmt: skip
        problems += _failures(_dict(entry), domain)
    if bad and not problems:
        problems.append(
            Problem(
                f"{bad} sessions failed, and the report does not say why.",
                0,
                _RESULTS,
                _OWNER,
                "Test the mail hosts.",
            )
        )
    if not domains:
        return _unreadable("The report names no policy.")
    return Explanation(
        "tls-report",
        f"A TLS report by {_text(found, 'organization-name') or 'somebody'} about {', '.join(dict.fromkeys(domains[:4]))}",
        f"{good} sessions succeeded, {bad} failed.",
        tuple(lines), tuple(problems), _OWNER if problems else "",
        (problems[0].do,) if problems else ("Nothing has to be repaired.",), rules_of(lines, problems),
    )  # fmt: skip


_POLICIES = {
    "sts": "The domain's MTA-STS policy.",
    "tlsa": "The TLSA records of the mail hosts (DANE).",
    "no-policy-found": "Neither MTA-STS nor DANE was found, so TLS was opportunistic.",
}


def _failures(entry: dict[str, Any], domain: str) -> Iterator[Problem]:
    for detail in map(_dict, _list(entry.get("failure-details"))[:20]):
        kind = _text(detail, "result-type")
        meaning, do = RESULT_TYPES.get(
            kind, ("A result type that RFC 8460 does not name.", "Ask the reporter what it means.")
        )
        host = _text(detail, "receiving-mx-hostname") or _text(detail, "receiving-ip")
        count = _count(detail, "failed-session-count")
        more = _text(detail, "failure-reason-code") or _text(detail, "additional-information")
        said = f" It adds: {more}." if more else ""
        yield Problem(
            f"{kind or 'A failure'} at {host or domain}, {count} sessions. {meaning}{said}",
            0,
            _RESULTS,
            _OWNER,
            do,
        )


def _unreadable(why: str) -> Explanation:
    problem = Problem(why, 0, _FORM, "whoever reports", "Send a whole report.")
    return Explanation(
        "tls-report",
        "A TLS report, as it seems",
        "It could not be read.",
        problems=(problem,),
        rules=(_FORM,),
        certain=False,
    )


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    return plain(value, 200) if isinstance(value, str) else ""


def _count(found: Mapping[str, Any], name: str) -> int:
    value = found.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**12 else 0
