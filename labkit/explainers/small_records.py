"""The records of a few tags: MTA-STS (RFC 8461), TLS-RPT (RFC 8460) and BIMI (a draft). Each kind is a `SmallRecord`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from labkit.auth.mta_sts.record import RecordError, parse_record
from labkit.auth.tag_list import TagList, parse_tags
from labkit.explainers import records
from labkit.explainers.answer import Explanation, Problem, plain
from labkit.frozen import dataclass
from labkit.smtp.rule import Rule

__all__ = ["BIMI", "MTA_STS", "TLS_RPT", "SmallRecord"]

Fault = tuple[str, str]
"""What is wrong, and what to do."""


@dataclass(frozen=True, slots=True)
class SmallRecord:
    """One kind of record, with the same two functions that a module of a kind has."""

    kind: str
    KIND: str
    mark: re.Pattern[str]
    version: str
    fits: re.Pattern[str]
    where: str
    rule: Rule
    meanings: Mapping[str, str]
    summary: str
    good: str
    faults: Callable[[str, TagList], Iterator[Fault]]

    def looks_like(self, text: str) -> float:
        """How sure it is that this is such a record."""
        return records.worth(text, self.mark)

    def explain_it(self, text: str) -> Explanation:
        """Explain a record."""
        found = records.find(text, self.mark) or records.Found(text.strip())
        value = found.text.strip().rstrip('"')
        tags = parse_tags(value.encode("utf-8", "replace"))
        problems = []
        if not value.startswith(self.version):
            problems.append(Problem(f"It must begin with {self.version}, written just so; otherwise nobody reads it.", found.line, self.rule,
                                    records.OWNER, f"Begin with {self.version};"))  # fmt: skip
        problems += [
            Problem(plain(what), found.line, self.rule, records.OWNER, do)
            for what, do in self.faults(value, tags)
        ]
        problems += [
            Problem(one.text, found.line, self.rule, records.OWNER, "Repair that tag.")
            for one in tags.problems[:3]
        ]
        if found.count > 1:
            problems.append(Problem(f"Here are {found.count} such records; at one name there may be one.", found.line, self.rule,
                                    records.OWNER, "Keep one."))  # fmt: skip
        problems += records.place_problems(found, self.fits, self.where, self.rule)
        title = f"{self.KIND[:1].upper()}{self.KIND[1:]}{f' at {plain(found.name, 80)}' if found.name else ''}: {plain(found.text, 70)}"
        lines = records.tag_lines(tags, self.meanings, self.rule)
        return records.answer(self.kind, title, self.summary, lines, problems, self.good, (self.rule,))


def _value(tags: TagList, name: str) -> str | None:
    tag = tags.get(name)
    return None if tag is None else tag.value


def _mta_sts(value: str, tags: TagList) -> Iterator[Fault]:
    if not value.startswith("v=STSv1"):
        return
    try:
        parse_record(value)
    except RecordError as error:
        yield (
            f"It is not valid: {error}.",
            "Write v=STSv1; id= and letters or digits, such as a date and time.",
        )


def _tls_rpt(value: str, tags: TagList) -> Iterator[Fault]:
    rua = _value(tags, "rua")
    if not rua:
        yield "rua= is missing: nobody knows where to send reports.", "Add rua=mailto: and an address."
        return
    for uri in rua.split(",")[:5]:
        if not re.match(r"\s*(?:mailto:[^@\s]+@[^@\s]+|https://\S+)\s*$", uri, re.IGNORECASE):
            yield (
                f"{plain(uri.strip(), 60)} is no mailto: or https: address.",
                "Write rua=mailto:reports@DOMAIN.",
            )


def _bimi(value: str, tags: TagList) -> Iterator[Fault]:
    logo = _value(tags, "l")
    if logo is None:
        yield "l= is missing: there is no logo.", "Add l= with the https address of an SVG file."
    elif logo and not logo.lower().startswith("https://"):
        yield "The logo's address must begin with https://.", "Publish the file under https."
    elif logo and not logo.lower().split("?")[0].endswith((".svg", ".svgz")):
        yield "The logo must be an SVG file (the profile SVG Tiny PS).", "Convert the logo to SVG Tiny PS."
    proof = _value(tags, "a")
    if proof and not proof.lower().startswith("https://"):
        yield "The certificate's address must begin with https://.", "Publish the certificate under https."
    elif logo and not proof:
        yield (
            "a= names no certificate: Gmail then shows no logo.",
            "Get a mark certificate (VMC or CMC), if you want the logo there.",
        )


MTA_STS = SmallRecord(
    "mta-sts", "an MTA-STS record", re.compile(r"(?<![A-Za-z0-9])v\s*=\s*STSv?[0-9]*", re.IGNORECASE), "v=STSv1",
    re.compile(r"^_mta-sts(?:\.|$)"), "_mta-sts.DOMAIN",
    Rule("RFC 8461 section 3.1", "The TXT record at _mta-sts says that there is a policy; a new id says that it has changed."),
    {"v": "the version; it stands first", "id": "the policy's version: change it whenever the file changes"},
    "It says that the domain has an MTA-STS policy. The policy itself is a file at https://mta-sts.DOMAIN/.well-known/mta-sts.txt.",
    "Nothing is wrong with the record. Look at the policy file next.", _mta_sts,
)  # fmt: skip
TLS_RPT = SmallRecord(
    "tls-rpt", "a TLS-RPT record", re.compile(r"(?<![A-Za-z0-9])v\s*=\s*TLSRPTv?[0-9]*", re.IGNORECASE), "v=TLSRPTv1",
    re.compile(r"^_smtp\._tls(?:\.|$)"), "_smtp._tls.DOMAIN",
    Rule("RFC 8460 section 3", "The TXT record at _smtp._tls says where reports about TLS go."),
    {"v": "the version; it stands first", "rua": "where the daily reports go: mailto: or https:"},
    "It asks senders for a daily report on TLS: what succeeded, what failed, and why.",
    "Nothing is wrong with the record. Reports come once a day from senders that write any.", _tls_rpt,
)  # fmt: skip
BIMI = SmallRecord(
    "bimi", "a BIMI record", re.compile(r"(?<![A-Za-z0-9])v\s*=\s*BIMI[0-9]*", re.IGNORECASE), "v=BIMI1",
    re.compile(r"\._bimi(?:\.|$)"), "default._bimi.DOMAIN",
    Rule("draft-brand-indicators section 4.2", "l= is the logo, a= its certificate. BIMI is an individual draft, not an RFC."),
    {"v": "the version; it stands first", "l": "where the logo is; empty: none is to be shown", "a": "where its certificate is",
     "s": "of another draft: a selector", "lps": "which local parts choose a logo of their own", "avp": "whether a brand's or a person's picture is preferred"},
    "It names a logo. Providers show it only if DMARC passes under p=quarantine or p=reject for all mail.",
    "Nothing is wrong with the record. Look at the DMARC policy: it must be enforced.", _bimi,
)  # fmt: skip
