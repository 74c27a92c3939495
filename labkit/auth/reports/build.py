"""From a receiver's results to its reports (RFC 9990 section 3.1): one for each policy domain and policy, with equal
results counted together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from labkit.auth.dmarc.evaluation import RULES
from labkit.auth.dmarc.names import NameProblem, normal
from labkit.auth.dmarc.policy import broken_tag
from labkit.auth.dmarc.record import failure_options, read_record
from labkit.auth.reports.model import AuthResult, Override, PublishedPolicy, Report, ReportRow
from labkit.frozen import dataclass

if TYPE_CHECKING:
    from labkit.auth.authentication import Authentication

__all__ = ["Observation", "build_reports"]

MOST_SIGNATURES = 100
"""Signatures of one row; RFC 9990 section 3.1.3 advises no more."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One message as a receiver took it."""

    ip: str
    authentication: Authentication
    mail_from: str = ""
    """The reverse-path without brackets."""
    disposition: str = ""
    """What the receiver did: ``none``, ``quarantine`` or ``reject``. Empty means what the policy asked."""
    overrides: tuple[Override, ...] = ()
    """Why it did something else than asked."""


def build_reports(
    observations: Iterable[Observation],
    *,
    org_name: str,
    email: str,
    begin: int,
    end: int,
    generator: str = "SMTP Lab",
) -> tuple[Report, ...]:
    """The reports for a period from `begin` to `end` (seconds since 1970), ordered by policy domain.

    Messages without a DMARC record, those whose record has no ``rua`` (RFC 9989 section 4.7), and those that the DNS
    left without a verdict, are in no report. The ids follow from the contents, so equal observations give equal
    reports. Whether and where a report is sent is another question: see `destinations`.
    """
    rows: dict[PublishedPolicy, dict[ReportRow, int]] = {}
    for one in observations:
        policy = _policy(one.authentication)
        if policy is not None:
            counts = rows.setdefault(policy, {})
            row = _row(one)
            counts[row] = counts.get(row, 0) + 1
    return tuple(
        Report(org_name, email, _identity(org_name, policy, begin, end), begin, end, policy, _counted(counts), generator=generator)
        for policy, counts in sorted(rows.items(), key=lambda item: (item[0].domain, str(item[0])))
    )  # fmt: skip


def _policy(found: Authentication) -> PublishedPolicy | None:
    """The record as it counted, defaults in place of what is missing (RFC 9990 section 3.1.1.5)."""
    properties = found.dmarc.properties
    record = read_record(str(properties["record"] or "").encode("utf-8", "surrogateescape"))
    if record is None or record.tag("rua") is None or found.dmarc.result not in ("pass", "fail"):
        return None
    p, sp, np = (record.policy(name) or "" for name in ("p", "sp", "np"))
    if broken_tag(record, RULES[properties["rules"]]):
        p, sp, np = "none", "", ""
    fo = record.tag("fo")
    counts = fo is not None and record.tag("ruf") is not None and failure_options(fo.value)
    return PublishedPolicy(
        str(properties["record_domain"]),
        p or "none",
        sp,
        np,
        "s" if record.strict_dkim else "r",
        "s" if record.strict_spf else "r",
        "y" if record.testing else "n",
        fo.value if fo and counts else "0",
        "treewalk" if properties["rules"] == "RFC 9989" else "psl",
    )


def _row(one: Observation) -> ReportRow:
    found = one.authentication
    properties = found.dmarc.properties
    aligned = properties["aligned"]
    asked = str(properties["disposition"])
    done = one.disposition or asked
    overrides = one.overrides
    if found.dmarc.result == "pass" and done == "none" and properties["evaluated_policy"] != "none":
        done = "pass"  # nothing had to be done, under a policy that would have
    elif not overrides and found.dmarc.result == "fail":
        if done != asked:
            overrides = (Override("local_policy"),)
        elif properties["policy"] != asked:
            overrides = (Override("policy_test_mode") if properties["testing"] else Override("other", "pct"),)
    return ReportRow(
        one.ip,
        0,
        done,
        "pass" if "dkim" in aligned else "fail",
        "pass" if "spf" in aligned else "fail",
        str(properties["author_domain"]),
        one.mail_from.rpartition("@")[2],
        tuple(_results(found)),
        overrides,
    )


def _results(found: Authentication) -> Iterable[AuthResult]:
    """Signatures that pass and align first (section 3.1.3), then SPF."""
    aligned = found.dmarc.properties["aligned_domains"]
    author = found.dmarc.properties["author_domain"]
    ranked = []
    for verdict in found.dkim:
        domain = str(verdict.properties.get("header.d") or "")
        try:
            name = normal(domain)
        except NameProblem:
            continue  # a report names domains only
        rank = 3 if verdict.result != "pass" else 0 if name == author else 1 if name in aligned else 2
        selector = str(verdict.properties.get("header.s") or "")
        ranked.append((rank, AuthResult("dkim", name, verdict.result, selector)))
    yield from (result for _, result in sorted(ranked, key=lambda item: item[0])[:MOST_SIGNATURES])
    yield AuthResult("spf", str(found.spf.properties.get("domain") or ""), found.spf.result)


def _counted(counts: dict[ReportRow, int]) -> tuple[ReportRow, ...]:
    from dataclasses import replace

    rows = (replace(row, count=count) for row, count in counts.items())
    return tuple(sorted(rows, key=lambda row: (-row.count, row.source_ip, str(row))))


def _identity(org_name: str, policy: PublishedPolicy, begin: int, end: int) -> str:
    """Unique among the reports to one domain (section 3.5.1), and fit for file names."""
    seed = f"{org_name} {policy} {begin} {end}".encode("utf-8", "replace")
    return hashlib.sha256(seed).hexdigest()[:32]
