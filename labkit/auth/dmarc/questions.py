"""The questions to the DNS for DMARC records, each asked once, each a step of the trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from labkit.auth.dmarc.record import Record, is_record, read_record
from labkit.frozen import dataclass
from labkit.verdict import Evidence, Step

if TYPE_CHECKING:
    from labkit.auth.dmarc.rules import Rules
    from labkit.lookup import Lookup, Resolver

__all__ = ["Answer", "Questions"]

Kind = Literal["record", "no record", "several", "error"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What ``_dmarc.<domain>`` TXT came to."""

    domain: str
    kind: Kind
    step: Step
    record: Record | None = None
    number: int = 0
    """Which record of the answer it is, from 0."""

    def evidence(self, *names: str) -> tuple[Evidence, ...]:
        """The octets of these tags, as far as they are there; without names those of the whole record."""
        if self.record is None:
            return ()
        source = f"_dmarc.{self.domain}"
        if not names:
            return (Evidence.record(source, "TXT", self.number, 0, len(self.record.octets)),)
        tags = [tag for name in names if (tag := self.record.tag(name)) is not None]
        return tuple(Evidence.record(source, "TXT", self.number, tag.start, tag.end) for tag in tags)


class Questions:
    """Asks for DMARC records. One object serves one evaluation: the walks of a message share most names."""

    def __init__(self, dns: Resolver, rules: Rules) -> None:
        self.dns = dns
        self.rules = rules
        self._answers: dict[str, Answer] = {}

    def at(self, domain: str) -> Answer:
        """The DMARC record of exactly this domain."""
        found = self._answers.get(domain)
        if found is None:
            found = self._answers[domain] = self._ask(domain)
        return found

    def _ask(self, domain: str) -> Answer:
        name = f"_dmarc.{domain}"
        lookup = self.dns.lookup(name, "TXT")
        if lookup.outcome in ("timeout", "servfail"):
            text = f"{name} has no answer for now ({lookup.outcome})."
            return Answer(domain, "error", Step(self.rules.error, text, "temperror", lookup=lookup))
        texts = [b"".join(getattr(record, "strings", ())) for record in lookup.records]
        records = [(number, record) for number, text in enumerate(texts) if (record := read_record(text))]
        if len(records) == 1:
            return self._one(domain, lookup, *records[0])
        if records:
            evidence = tuple(
                Evidence.record(name, "TXT", number, 0, len(record.octets)) for number, record in records
            )
            text = f"{name} has {len(records)} DMARC records: none of them counts."
            return Answer(
                domain, "several", Step(self.rules.several, text, "several", lookup=lookup, evidence=evidence)
            )
        text, evidence = _why_none(name, lookup, texts)
        step = Step(
            self.rules.record if texts else self.rules.query,
            text,
            "no record",
            lookup=lookup,
            evidence=evidence,
        )
        return Answer(domain, "no record", step)

    def _one(self, domain: str, lookup: Lookup, number: int, record: Record) -> Answer:
        evidence = (Evidence.record(lookup.name, "TXT", number, 0, len(record.octets)),)
        text = f"{lookup.name} has a DMARC record."
        if self.rules.name == "RFC 9989" and record.psd != "u":
            text = f"{lookup.name} has a DMARC record with psd={record.psd}: the walk ends here."
        step = Step(
            self.rules.query, text, "record", {"record": record.text}, lookup=lookup, evidence=evidence
        )
        return Answer(domain, "record", step, record, number)


def _why_none(name: str, lookup: Lookup, texts: list[bytes]) -> tuple[str, tuple[Evidence, ...]]:
    """Why there is no record, and the one that was perhaps meant to be one."""
    for number, octets in enumerate(texts):
        if b"dmarc1" in octets.lower() and not is_record(octets):
            return (
                f"{name} has a TXT record that names DMARC1, but it does not begin with v=DMARC1, so it does not count.",
                (Evidence.record(name, "TXT", number, 0, len(octets)),),
            )
    if texts:
        return f"{name} has TXT records, but none begins with v=DMARC1.", ()
    return f"{name} has no TXT record ({lookup.outcome}).", ()
