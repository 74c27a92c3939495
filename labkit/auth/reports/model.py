"""What an aggregate report holds (RFC 9990 section 3.1), and the results that a receiver collects for it."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.frozen import dataclass

__all__ = ["NAMESPACE", "AuthResult", "Override", "PublishedPolicy", "Report", "ReportError", "ReportRow"]

NAMESPACE = "urn:ietf:params:xml:ns:dmarc-2.0"


class ReportError(ValueError):
    """What was given is no aggregate report, or one that it is not safe to read. The message says why."""


@dataclass(frozen=True, slots=True)
class AuthResult:
    """What SPF or DKIM came to, without regard to alignment."""

    method: str
    """``spf`` or ``dkim``."""
    domain: str
    result: str
    selector: str = ""
    """For DKIM."""
    note: str = ""
    """``human_result``."""


@dataclass(frozen=True, slots=True)
class Override:
    """Why a receiver did something else than the policy asked."""

    kind: str
    """``local_policy``, ``mailing_list``, ``other``, ``policy_test_mode``, ``trusted_forwarder``."""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class PublishedPolicy:
    """The record that the receiver found."""

    domain: str
    """The domain at which it stands."""
    p: str = "none"
    sp: str = ""
    """Empty when the record has none."""
    np: str = ""
    adkim: str = "r"
    aspf: str = "r"
    testing: str = "n"
    fo: str = ""
    discovery: str = ""
    """``treewalk`` or ``psl``; empty in reports of RFC 7489."""
    pct: str = ""
    """Of RFC 7489; RFC 9990 has no such element."""


@dataclass(frozen=True, slots=True)
class ReportRow:
    """Messages that came from one address with equal results."""

    source_ip: str
    count: int
    disposition: str
    """What was done: ``none``, ``pass`` (nothing needed to be done), ``quarantine``, ``reject``."""
    dkim: str
    """Whether DKIM passed and aligned: ``pass`` or ``fail``."""
    spf: str
    header_from: str
    envelope_from: str = ""
    results: tuple[AuthResult, ...] = ()
    overrides: tuple[Override, ...] = ()
    envelope_to: str = ""

    @property
    def passed(self) -> bool:
        """Whether these messages passed DMARC."""
        return "pass" in (self.dkim, self.spf)


@dataclass(frozen=True, slots=True)
class Report:
    """One report: what one receiver saw of one policy domain in one period."""

    org_name: str
    """The receiver."""
    email: str
    report_id: str
    begin: int
    """Seconds since 1970, UTC."""
    end: int
    policy: PublishedPolicy
    rows: tuple[ReportRow, ...]
    errors: tuple[str, ...] = ()
    generator: str = ""
    extra_contact: str = ""
    version: str = "1.0"
    """Empty when the report does not say."""
    namespace: str = NAMESPACE
    """Empty in reports of RFC 7489."""

    @property
    def messages(self) -> int:
        """How many messages it counts."""
        return sum(row.count for row in self.rows)

    def totals(self) -> dict[str, int]:
        """Messages that passed and failed."""
        passed = sum(row.count for row in self.rows if row.passed)
        return {"pass": passed, "fail": self.messages - passed}

    def by_source(self) -> Iterator[tuple[str, int, int]]:
        """Address, messages that passed, messages that failed; the address with most failures first."""
        found: dict[str, list[int]] = {}
        for row in self.rows:
            found.setdefault(row.source_ip, [0, 0])[not row.passed] += row.count
        for source, (passed, failed) in sorted(
            found.items(), key=lambda item: (-item[1][1], -item[1][0], item[0])
        ):
            yield source, passed, failed
