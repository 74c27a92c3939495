"""Cases of people who look after DMARC: the right result, and the reason named."""

from __future__ import annotations

from textwrap import dedent

import pytest

from labkit.auth.dmarc import evaluate
from labkit.auth.reports import destinations
from labkit.verdict import Verdict
from labkit.zones import Zones

Check = tuple[str, str | None, str | None]
"""Author Domain, domain that SPF passed for, domain that DKIM passed for."""


def verdicts(zone: str, *checks: Check, rules: str = "RFC 9989") -> list[Verdict]:
    dns = Zones.from_text(dedent(zone))
    return [evaluate(author, spf=spf, dkim=dkim, dns=dns, rules=rules) for author, spf, dkim in checks]


def results(found: list[Verdict]) -> list[tuple[str, str | None]]:
    return [(one.result, one.properties["policy"]) for one in found]


def reasons(verdict: Verdict) -> str:
    """Every rule and sentence of a trace."""
    return "\n".join(f"{step.rule.ref}: {step.text}" for _, step in verdict.steps())


@pytest.mark.parametrize("rules", ["RFC 9989", "RFC 7489"])
def test_dmarc_01_siblings_have_one_organization(rules: str) -> None:
    """Neither name ends in the other; both belong to example.com (RFC 9989 4.10.2, RFC 7489 3.1)."""
    zone = """
        _dmarc.example.com. TXT "v=DMARC1; p=reject"
        mail.a.example.com. A 192.0.2.1
        bounce.example.com. A 192.0.2.2"""
    found = verdicts(
        zone,
        ("mail.a.example.com", "bounce.example.com", None),
        ("mail.a.example.com", None, "z.example.com"),
        rules=rules,
    )
    assert results(found) == [("pass", "reject"), ("pass", "reject")]
    assert [one.properties["aligned"] for one in found] == [("spf",), ("dkim",)]
    assert [one.properties["organizational_domain"] for one in found] == ["example.com", "example.com"]
    assert "Both it and mail.a.example.com belong to example.com." in reasons(found[0])


@pytest.mark.parametrize("rules", ["RFC 9989", "RFC 7489"])
def test_dmarc_03_strict_means_the_same_domain(rules: str) -> None:
    """A parent does not align strictly (RFC 9989 4.4, RFC 7489 3.1)."""
    zone = """
        _dmarc.sub.example.com. TXT "v=DMARC1; p=reject; adkim=s; aspf=s"
        _dmarc.example.com. TXT "v=DMARC1; p=none; adkim=s; aspf=s"
        sub.example.com. A 192.0.2.1"""
    found = verdicts(
        zone,
        ("sub.example.com", None, "example.com"),
        ("sub.example.com", "example.com", None),
        ("example.com", None, "sub.example.com"),
        ("sub.example.com", None, "sub.example.com"),
        rules=rules,
    )
    assert results(found) == [("fail", "reject"), ("fail", "reject"), ("fail", "none"), ("pass", "reject")]
    assert f"{rules} section" in reasons(found[0])
    assert "adkim=s: example.com and sub.example.com are not the same domain." in reasons(found[0])
    assert "aspf=s: example.com and sub.example.com are not the same domain." in reasons(found[1])


def test_dmarc_05_forwarding_with_a_rewritten_envelope() -> None:
    """SPF passes for the forwarder; only the author's signature saves it (RFC 9989 4.4, RFC 7960 3.2.1)."""
    zone = '_dmarc.example.com. TXT "v=DMARC1; p=reject"'
    found = verdicts(
        zone,
        ("example.com", "forward.example.net", "example.com"),
        ("example.com", "forward.example.net", "example-com.dkim.example.org"),
    )
    assert results(found) == [("pass", "reject"), ("fail", "reject")]
    assert found[0].properties["aligned"] == ("dkim",)
    assert found[1].properties["aligned"] == ()
    assert "SPF passed for forward.example.net of forward.example.net; example.com belongs" in reasons(
        found[1]
    )
    assert "does not align with example.com" in found[1].explanation


def test_dmarc_07_a_record_at_the_sending_name_speaks_by_p() -> None:
    """sp is for the names below it; RFC 7489 never finds the record from there."""
    zone = """
        _dmarc.news.example.com. TXT "v=DMARC1; p=reject; sp=none"
        news.example.com. A 192.0.2.1"""
    checks: tuple[Check, ...] = (("news.example.com", None, None), ("x.news.example.com", None, None))
    found = verdicts(zone, *checks)
    assert results(found) == [("fail", "reject"), ("fail", "none")]
    assert [one.properties["policy_tag"] for one in found] == ["p", "sp"]
    assert "news.example.com published the record itself: p=reject." in reasons(found[0])
    old = verdicts(zone, *checks, rules="RFC 7489")
    assert results(old) == [("fail", "reject"), ("none", None)]
    assert "_dmarc.news.example.com" not in reasons(old[1])


def test_dmarc_09_two_records_at_one_name() -> None:
    """Both are discarded; then RFC 9989 walks on, and RFC 7489 ends."""
    zone = """
        _dmarc.example.com. TXT "v=DMARC1; p=reject"
        _dmarc.example.com. TXT "v=DMARC1; p=none; rua=mailto:d@example.com"
        _dmarc.example.net. TXT "v=DMARC1; p=reject; sp=quarantine"
        _dmarc.sub.example.net. TXT "v=DMARC1; p=none"
        _dmarc.sub.example.net. TXT "v=DMARC1; p=reject"
        sub.example.net. A 192.0.2.1"""
    checks: tuple[Check, ...] = (("example.com", None, None), ("sub.example.net", None, None))
    found = verdicts(zone, *checks)
    assert results(found) == [("none", None), ("fail", "quarantine")]
    assert "_dmarc.example.com has 2 DMARC records: none of them counts." in reasons(found[0])
    assert found[1].properties["record_domain"] == "example.net"
    old = verdicts(zone, *checks, rules="RFC 7489")
    assert results(old) == [("none", None), ("none", None)]
    assert "sub.example.net has several records: discovery ends" in old[1].explanation


@pytest.mark.parametrize("rules", ["RFC 9989", "RFC 7489"])
def test_dmarc_11_how_the_version_is_written(rules: str) -> None:
    """DMARC1 in capitals and first; white space around = is fine."""
    zone = """
        _dmarc.low.example.com. TXT "v=dmarc1; p=reject"
        _dmarc.space.example.net. TXT "v = DMARC1 ; p = reject"
        _dmarc.late.example.org. TXT "p=reject; v=DMARC1\""""
    found = verdicts(
        zone, ("low.example.com", None, None), ("space.example.net", None, None), ("late.example.org", None, None),
        rules=rules,
    )  # fmt: skip
    assert results(found) == [("none", None), ("fail", "reject"), ("none", None)]
    for one in (found[0], found[2]):
        assert "does not begin with v=DMARC1, so it does not count" in reasons(one)


def test_dmarc_13_eight_questions() -> None:
    """From eight labels on, the walk goes on with seven (RFC 9989 4.10)."""
    zone = """
        _dmarc.example.com. TXT "v=DMARC1; p=quarantine"
        a.b.c.d.e.f.g.h.mail.example.com. A 192.0.2.1"""
    dns = Zones.from_text(dedent(zone))
    found = evaluate("a.b.c.d.e.f.g.h.mail.example.com", spf=None, dkim=None, dns=dns)
    assert results([found]) == [("fail", "quarantine")]
    assert [record.lookup.name for record in dns.log] == [
        "_dmarc.a.b.c.d.e.f.g.h.mail.example.com",
        "_dmarc.e.f.g.h.mail.example.com",
        "_dmarc.f.g.h.mail.example.com",
        "_dmarc.g.h.mail.example.com",
        "_dmarc.h.mail.example.com",
        "_dmarc.mail.example.com",
        "_dmarc.example.com",
        "_dmarc.com",
    ]
    assert found.properties["walk"][1] == "e.f.g.h.mail.example.com"


def test_dmarc_15_names_that_do_not_exist() -> None:
    """np needs NXDOMAIN; a name with only an MX exists. RFC 7489 has no np."""
    zone = """
        _dmarc.example.com. TXT "v=DMARC1; p=none; np=reject"
        real.example.com. MX 10 mx.example.com."""
    names = ("real.example.com", "ghost.example.com", "example.com")
    checks: tuple[Check, ...] = tuple((name, None, None) for name in names)
    found = verdicts(zone, *checks)
    assert results(found) == [("fail", "none"), ("fail", "reject"), ("fail", "none")]
    assert "ghost.example.com does not exist (NXDOMAIN)" in reasons(found[1])
    assert "real.example.com exists" in reasons(found[0])
    assert results(verdicts(zone, *checks, rules="RFC 7489")) == [("fail", "none")] * 3


def test_dmarc_17_reports_to_another_domain() -> None:
    """Consent is asked for outside the organization only (RFC 9990 section 4)."""
    zone = """
        _dmarc.example.com. TXT "v=DMARC1; p=none; rua=mailto:d@reports.example.net,mailto:e@bounces.example.com,mailto:f@stats.example.org"
        example.com._report._dmarc.reports.example.net. TXT "v=DMARC1;\""""
    dns = Zones.from_text(dedent(zone))
    found = {one.address: one for one in destinations("example.com", dns=dns)}
    assert {address: one.send for address, one in found.items()} == {
        "d@reports.example.net": True,
        "e@bounces.example.com": True,
        "f@stats.example.org": False,
    }
    assert found["e@bounces.example.com"].lookup is None
    assert "organization" in found["e@bounces.example.com"].step.text
    refused = found["f@stats.example.org"].lookup
    assert refused is not None
    assert (refused.name, refused.rdtype) == ("example.com._report._dmarc.stats.example.org", "TXT")
    asked = [record.lookup.name for record in dns.log if "_report" in record.lookup.name]
    assert len(asked) == 2
