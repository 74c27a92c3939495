"""The rules that DMARC decides by, with their places in both documents."""

from __future__ import annotations

from labkit.frozen import dataclass
from labkit.smtp.rule import Rule

__all__ = ["RFC_7489", "RFC_9989", "Rules"]


@dataclass(frozen=True, slots=True)
class Rules:
    """One document's rules, by what they are for."""

    name: str
    author: Rule
    record: Rule
    query: Rule
    several: Rule
    discovery: Rule
    organization: Rule
    policy: Rule
    broken: Rule
    sample: Rule
    spf: Rule
    dkim: Rule
    strict: Rule
    result: Rule
    error: Rule


RFC_9989 = Rules(
    name="RFC 9989",
    author=Rule("RFC 9989 section 5.3.1", "The Author Domain is the one domain of the From field. With none, the check ends; with several, a receiver may end it too."),
    record=Rule("RFC 9989 sections 4.7 and 4.8", "A DMARC record begins with v=DMARC1, written just so. What is unknown or wrong behind it is passed over."),
    query=Rule("RFC 9989 section 4.10", "The walk asks at the name, then label by label up to the top: eight questions at most. psd=y or psd=n ends it."),
    several=Rule("RFC 9989 section 4.10", "If a name has more than one DMARC record, all of them are discarded, and the walk goes on."),
    discovery=Rule("RFC 9989 section 4.10.1", "The record of the Author Domain applies; else that of its Organizational Domain; else that of the public suffix above."),
    organization=Rule("RFC 9989 section 4.10.2", "psd=n names the Organizational Domain, psd=y the one above it; else it is the shortest name with a record, or the name itself."),
    policy=Rule("RFC 9989 section 4.10.1", "A domain's own record speaks by p. An inherited one speaks by sp, or by np if the Author Domain does not exist, else by p."),
    broken=Rule("RFC 9989 section 4.10.1", "A policy that cannot be read counts as p=none if rua names a destination; else there is no DMARC."),
    sample=Rule("RFC 9989 section 4.7", "t=y asks for one level less: quarantine in place of reject, none in place of quarantine."),
    spf=Rule("RFC 9989 section 4.4.2", "SPF counts for the domain of MAIL FROM, if it passed and has the Author Domain's Organizational Domain."),
    dkim=Rule("RFC 9989 section 4.4.1", "DKIM counts for the signing domain d=, if it passed and has the Author Domain's Organizational Domain."),
    strict=Rule("RFC 9989 section 4.4", "Strict alignment asks for the same domain; capitals and small letters are alike."),
    result=Rule("RFC 9989 section 5.3.5", "One aligned identifier is enough to pass. Without any, the message fails."),
    error=Rule("RFC 9989 section 5.3.6", "When a needed question to the DNS found no answer, the message neither passes nor fails, and no policy applies."),
)  # fmt: skip

RFC_7489 = Rules(
    name="RFC 7489",
    author=Rule("RFC 7489 section 6.6.1", "The domain of the From field is checked. A message with none, or with several, is not covered."),
    record=Rule("RFC 7489 section 6.3", "A DMARC record begins with v=DMARC1, written just so. What is unknown or wrong behind it is passed over."),
    query=Rule("RFC 7489 section 6.6.3", "Two names are asked at most: the From domain, and its Organizational Domain."),
    several=Rule("RFC 7489 section 6.6.3", "If a name has more than one DMARC record, discovery ends, and there is no DMARC."),
    discovery=Rule("RFC 7489 section 6.6.3", "The record of the From domain applies; if it has none, that of its Organizational Domain."),
    organization=Rule("RFC 7489 section 3.2", "The Organizational Domain is the public suffix, from a list, with one label more."),
    policy=Rule("RFC 7489 section 6.3", "A domain's own record speaks by p. That of the Organizational Domain speaks by sp for the names below, else by p."),
    broken=Rule("RFC 7489 section 6.6.3", "Without a p that can be read, or with a wrong sp, it is p=none if rua names a destination; else there is no DMARC."),
    sample=Rule("RFC 7489 section 6.6.4", "pct asks for the policy on a share of the failing messages; for the others it is one level less."),
    spf=Rule("RFC 7489 section 3.1.2", "SPF counts for the domain of MAIL FROM, if it passed and has the From domain's Organizational Domain."),
    dkim=Rule("RFC 7489 section 3.1.1", "DKIM counts for the signing domain d=, if it passed and has the From domain's Organizational Domain."),
    strict=Rule("RFC 7489 section 3.1", "Strict alignment asks for the same domain; capitals and small letters are alike."),
    result=Rule("RFC 7489 section 6.6.2", "One aligned identifier is enough to pass. Without any, the message fails."),
    error=Rule("RFC 7489 section 6.6.2", "When the DNS gave no answer for now, the policy cannot be applied."),
)  # fmt: skip
