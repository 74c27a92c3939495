"""What went wrong with SPF for people who look after it: the result, and the reason that is named."""

from __future__ import annotations

import pytest

from labkit.auth.spf import check_helo, check_host, check_mail_from
from labkit.verdict import Step, Verdict
from labkit.zones import Zones

HELO = "mx.example.org"


def verdict_on(zone: str, ip: str, mail_from: str = "user@example.com") -> Verdict:
    domain = mail_from.rpartition("@")[2]
    return check_host(ip, domain, mail_from, helo=HELO, dns=Zones.from_text(zone, ttl=300))


def chain(last: str, count: int, first: str = "") -> str:
    """A record with so many includes, of which the last names the client ``192.0.2.77``."""
    includes = " ".join(f"include:i{n}.example" for n in range(1, count + 1))
    lines = [f'example.com. TXT "v=spf1 {first}{includes} -all"']
    lines += [f'i{n}.example. TXT "v=spf1 ip4:198.51.100.{n} -all"' for n in range(1, count)]
    return "\n".join([*lines, f'i{count}.example. TXT "v=spf1 ip4:{last} -all"'])


def deciding(verdict: Verdict) -> Step:
    """The step that decided, at whatever depth."""
    step = verdict.trace[-1]
    while step.children and step.children[-1].outcome not in ("no match", "found", "none"):
        step = step.children[-1]
    return step


@pytest.mark.parametrize(("ip", "result"), [("192.0.2.77", "pass"), ("203.0.113.9", "fail")])
def test_spf_01_ten_terms_are_allowed(ip: str, result: str) -> None:
    verdict = verdict_on(chain("192.0.2.77", 10), ip)
    assert (verdict.result, verdict.properties["lookups"]) == (result, 10)


def test_the_eleventh_term_is_one_too_many() -> None:
    verdict = verdict_on(chain("192.0.2.77", 11), "192.0.2.77")
    assert (verdict.result, verdict.properties["lookups"]) == ("permerror", 11)
    assert deciding(verdict).rule.ref == "RFC 7208 section 4.6.4"
    assert "term number 11" in verdict.explanation
    assert verdict.properties["path"] == (("example.com", "include:i11.example"),)


def test_spf_03_hosts_behind_mx_are_no_terms() -> None:
    zone = chain("192.0.2.77", 9, "mx ")
    for n in (1, 2, 3):
        zone += f"\nexample.com. MX {n}0 m{n}.example.com.\nm{n}.example.com. A 192.0.2.{n}"
    first = verdict_on(zone, "192.0.2.77")
    assert (first.result, first.properties["lookups"]) == ("pass", 10)
    second = verdict_on(zone, "192.0.2.3")
    assert (second.result, second.properties["lookups"]) == ("pass", 1)
    assert [step.lookup and step.lookup.name for step in second.trace[-1].children] == [
        f"m{n}.example.com" for n in (1, 2, 3)
    ]


MX11 = "\n".join(
    ['example.com. TXT "v=spf1 mx -all"']
    + [f"example.com. MX {n:02} m{n}.example.com.\nm{n}.example.com. A 192.0.2.{n}" for n in range(1, 12)]
)


@pytest.mark.parametrize(
    ("ip", "result"), [("192.0.2.10", "pass"), ("192.0.2.11", "permerror"), ("192.0.2.99", "permerror")]
)
def test_an_eleventh_mail_server_is_not_looked_up(ip: str, result: str) -> None:
    verdict = verdict_on(MX11, ip)
    assert verdict.result == result
    assert len(verdict.trace[-1].children) == 10
    assert ("11 MX records" in verdict.explanation) is (result == "permerror")


@pytest.mark.parametrize(
    ("mail_from", "result", "section"),
    [
        ("u@r.example.com", "permerror", "6.1"),
        ("u@i.example.com", "permerror", "5.2"),
        ("u@nospf.example.net", "none", "4.5"),
    ],
)
def test_spf_05_a_target_without_a_record(mail_from: str, result: str, section: str) -> None:
    zone = """
    r.example.com. TXT "v=spf1 redirect=nospf.example.net"
    i.example.com. TXT "v=spf1 include:nospf.example.net ip4:192.0.2.5 -all"
    nospf.example.net. TXT "hello"
    nospf.example.net. A 192.0.2.9
    """
    verdict = verdict_on(zone, "192.0.2.5", mail_from)
    assert verdict.result == result
    assert verdict.trace[-1].rule.ref == f"RFC 7208 section {section}"


@pytest.mark.parametrize(
    ("ip", "result"), [("192.0.2.70", "pass"), ("203.0.113.2", "pass"), ("192.0.2.1", "softfail")]
)
def test_spf_07_strings_are_joined_without_a_space(ip: str, result: str) -> None:
    zone = 'example.com. TXT "v=spf1 ip4:198.51.100.0/27 ip4:192.0" ".2.64/26 i" "p4:203.0.113.0/29 ~all"'
    assert verdict_on(zone, ip).result == result


def test_spf_09_two_records() -> None:
    zone = """
    example.com. TXT "v=spf1 ip4:192.0.2.5 -all"
    example.com. TXT "v=spf1 include:_spf.example.net ~all"
    _spf.example.net. TXT "v=spf1 ip4:198.51.100.0/24 -all"
    one.example.com. TXT "v=spf1 ip4:192.0.2.5 -all"
    one.example.com. TXT "site-verification=abc"
    one.example.com. TXT "v=spf10 ip4:203.0.113.1 -all"
    """
    verdict = verdict_on(zone, "192.0.2.5")
    assert verdict.result == "permerror"
    assert verdict.trace[-1].rule.ref == "RFC 7208 section 4.5"
    assert [mark.source for mark in verdict.trace[-1].evidence] == [
        f"record example.com TXT {n}" for n in (0, 1)
    ]
    assert verdict_on(zone, "192.0.2.5", "u@one.example.com").result == "pass"


def test_spf_11_helo_says_nothing_about_mail_from() -> None:
    dns = Zones.from_text('example.com. TXT "v=spf1 ip4:192.0.2.0/24 -all"\nmx.example.org. A 203.0.113.9')
    helo = check_helo("203.0.113.9", HELO, dns=dns)
    assert (helo.result, helo.properties["identity"]) == ("none", "helo")
    verdict = check_mail_from("203.0.113.9", "u@example.com", helo=HELO, dns=dns)
    assert (verdict.result, verdict.properties["identity"]) == ("fail", "mail_from")


def test_the_null_reverse_path_is_postmaster_at_helo() -> None:
    dns = Zones.from_text(
        'mx.example.org. TXT "v=spf1 -all exp=why.example.org"\nwhy.example.org. TXT "%{s} from %{h}"'
    )
    for empty in ("", "<>"):
        verdict = check_mail_from("203.0.113.9", empty, helo=HELO, dns=dns)
        assert verdict.result == "fail"
        assert verdict.properties["explanation"] == "postmaster@mx.example.org from mx.example.org"
        assert verdict.trace[0].evidence[0].source == "helo"


def test_spf_13_a_wildcard_that_includes_itself() -> None:
    zone = """
    example.com. TXT "v=spf1 include:x._spf.example.com -all"
    *._spf.example.com. TXT "v=spf1 include:%{l}.%{d2}.x._spf.example.com -all"
    """
    verdict = verdict_on(zone, "192.0.2.116", "u@example.com")
    assert verdict.result == "permerror"
    assert max(depth for depth, _ in verdict.steps()) == 10
    assert deciding(verdict).rule.ref == "RFC 7208 section 4.6.4"
    assert len(verdict.properties["path"]) == 11


@pytest.mark.parametrize(
    ("ip", "domain", "result", "said"),
    [
        ("192.0.2.1", "example.com", "fail", "every client"),
        ("2001:db8::9", "example.com", "pass", "is in it"),
        (
            "192.0.2.1",
            "bad.example.com",
            "permerror",
            "`2001:db8::1` is an IPv6 address; it stands behind ip6.",
        ),
    ],
)
def test_spf_15_the_two_families(ip: str, domain: str, result: str, said: str) -> None:
    zone = """
    example.com. TXT "v=spf1 ip6:::/0 -all"
    bad.example.com. TXT "v=spf1 ip4:2001:db8::1 -all"
    """
    verdict = verdict_on(zone, ip, f"u@{domain}")
    assert verdict.result == result
    assert said in verdict.explanation


@pytest.mark.parametrize(
    ("ip", "result"), [("192.0.2.10", "pass"), ("198.51.100.3", "pass"), ("203.0.113.3", "fail")]
)
def test_spf_17_the_place_of_redirect_has_no_effect(ip: str, result: str) -> None:
    zone = """
    example.com. TXT "v=spf1 redirect=_spf.example.net ip4:192.0.2.10"
    _spf.example.net. TXT "v=spf1 ip4:198.51.100.0/24 -all"
    """
    verdict = verdict_on(zone, ip, "u@example.com")
    assert verdict.result == result
    assert (verdict.trace[-1].rule.ref == "RFC 7208 section 6.1") is (ip != "192.0.2.10")


def test_three_empty_answers_are_one_too_many() -> None:
    zone = 'example.com. TXT "v=spf1 a:a.test a:b.test {} -all"'
    assert verdict_on(zone.format(""), "192.0.2.1").result == "fail"
    third = verdict_on(zone.format("exists:c.test"), "192.0.2.1")
    assert (third.result, third.properties["void_lookups"]) == ("permerror", 3)
    assert "empty lookup number 3" in third.explanation


def test_ptr_looks_at_ten_names() -> None:
    zone = 'example.com. TXT "v=spf1 ptr -all"\n' + "\n".join(
        f"1.2.0.192.in-addr.arpa. PTR h{n}.example.{'com' if n == 11 else 'net'}.\n"
        f"h{n}.example.net. A 192.0.2.1\nh{n}.example.com. A 192.0.2.1"
        for n in range(1, 12)
    )
    verdict = verdict_on(zone, "192.0.2.1")
    assert verdict.result == "fail"
    assert len(verdict.trace[2].children) == 11
    assert "11 PTR records" in verdict.trace[2].children[-1].text


@pytest.mark.parametrize("outcome", ["timeout", "servfail"])
def test_dns_trouble_is_temperror_except_in_ptr_and_exp(outcome: str) -> None:
    zone = """
    example.com. TXT "v=spf1 ptr include:_a.example.com -all exp=why.example.com"
    _a.example.com. TXT "v=spf1 a:host.example.com ~all"
    host.example.com. A 192.0.2.1
    why.example.com. TXT "no"
    """
    for name, result in (
        ("example.com", "temperror"), ("_a.example.com", "temperror"), ("host.example.com", "temperror"),
        ("9.2.0.192.in-addr.arpa", "fail"), ("why.example.com", "fail"),
    ):  # fmt: skip
        dns = Zones.from_text(zone)
        dns.fault(name, None, outcome)
        verdict = check_mail_from("192.0.2.9", "u@example.com", helo=HELO, dns=dns)
        assert (name, verdict.result) == (name, result)
        assert verdict.properties["explanation"] == (None if name != "9.2.0.192.in-addr.arpa" else "no")


@pytest.mark.parametrize(
    ("domain", "result"),
    [
        ("bücher.example", "pass"),
        ("BÜCHER.example.", "pass"),
        ("single", "none"),
        ("a..b.example", "none"),
        ("", "none"),
    ],
)
def test_domains_as_they_come(domain: str, result: str) -> None:
    """U-labels are asked for as A-labels (RFC 8616 section 4); malformed domains are none (section 4.3)."""
    dns = Zones.from_text(
        'xn--bcher-kva.example. TXT "v=spf1 exists:%{d}.x.example -all"\nxn--bcher-kva.example.x.example. A 127.0.0.2'
    )
    assert check_host("192.0.2.1", domain, f"u@{domain}", helo=HELO, dns=dns).result == result


def test_a_local_part_beyond_ascii_never_matches() -> None:
    dns = Zones.from_text('example.com. TXT "v=spf1 exists:%{l}.x.example -all"\n*.x.example. A 127.0.0.2')
    assert check_mail_from("192.0.2.1", "u@example.com", helo=HELO, dns=dns).result == "pass"
    verdict = check_mail_from("192.0.2.1", "ü@example.com", helo=HELO, dns=dns)
    assert (verdict.result, verdict.properties["void_lookups"]) == ("fail", 0)


def test_what_is_no_address_is_an_error() -> None:
    with pytest.raises(ValueError, match="expected an IPv4 or IPv6 address"):
        check_host("192.0.2", "example.com", "u@example.com", helo=HELO, dns=Zones())
