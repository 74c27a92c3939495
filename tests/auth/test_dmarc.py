"""DMARC by sections: tree walk, Organizational Domain, policy, alignment, errors; each row derived by hand from the
text of RFC 9989 or RFC 7489."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest

from labkit.auth.dmarc import Identifier, Record, evaluate, lint, read_record
from labkit.auth.dmarc.suffix import registered_domain
from labkit.auth.dmarc.walk import walk_names
from labkit.verdict import Verdict
from labkit.zones import Zones


def zones(**records: str) -> Zones:
    """DMARC records by domain, with __ for a dot."""
    return Zones.from_text(
        "\n".join(f'_dmarc.{name.replace("__", ".")}. TXT "{text}"' for name, text in records.items())
    )


def check(author: str, dns: Zones, rules: str = "RFC 9989", spf: str | None = None) -> Verdict:
    return evaluate(author, spf=spf, dkim=None, dns=dns, rules=rules)


def test_the_names_of_a_walk() -> None:
    """RFC 9989 4.10: seven labels walk one by one; from eight on the second name has seven."""
    assert walk_names("com") == ["com"]
    assert walk_names("a.b.c") == ["a.b.c", "b.c", "c"]
    assert len(walk_names("1.2.3.4.5.6.7")) == 7
    assert walk_names("1.2.3.4.5.6.7.8")[:2] == ["1.2.3.4.5.6.7.8", "2.3.4.5.6.7.8"]
    long = walk_names("a.b.c.d.e.f.g.h.i.j.mail.example.com")
    assert len(long) == 8
    assert long[1] == "g.h.i.j.mail.example.com"


@pytest.mark.parametrize(
    ("records", "organization", "record", "policy"),
    [
        # 4.10.2: nothing found, so the name itself; there is no DMARC
        ({}, "a.mail.example.com", None, None),
        # 4.10.2 step 3: the shortest name with a record
        ({"mail__example__com": "v=DMARC1;p=reject", "example__com": "v=DMARC1;p=none"}, "example.com", "example.com", "none"),
        # 4.10.2 step 1: psd=n
        ({"mail__example__com": "v=DMARC1;p=reject;psd=n", "example__com": "v=DMARC1;p=none"}, "mail.example.com", "mail.example.com", "reject"),
        # 4.10.2 step 2: psd=y, one label below it; 4.10.1: the suffix's record applies, as a subdomain's (sp)
        ({"com": "v=DMARC1;p=reject;sp=quarantine;psd=y"}, "example.com", "com", "quarantine"),
        # 4.10.1, note: not when the Organizational Domain has a record
        ({"com": "v=DMARC1;p=reject;psd=y", "example__com": "v=DMARC1;p=none"}, "example.com", "example.com", "none"),
        # 4.10.1: the author's own record first, whatever stands above
        ({"a__mail__example__com": "v=DMARC1;p=quarantine", "example__com": "v=DMARC1;p=none"}, "example.com", "a.mail.example.com", "quarantine"),
        # 4.10.2 step 2 does not count where the walk began
        ({"a__mail__example__com": "v=DMARC1;p=quarantine;psd=y"}, "a.mail.example.com", "a.mail.example.com", "quarantine"),
        # 4.10: psd=u walks on
        ({"mail__example__com": "v=DMARC1;p=reject;psd=u", "example__com": "v=DMARC1;p=none"}, "example.com", "example.com", "none"),
    ],
)  # fmt: skip
def test_organization_and_record(
    records: dict[str, str], organization: str, record: str | None, policy: str | None
) -> None:
    found = check("a.mail.example.com", zones(**records))
    assert found.properties["organizational_domain"] == organization
    assert found.properties["record_domain"] == record
    assert found.properties["policy"] == policy
    assert found.result == ("none" if record is None else "fail")


@pytest.mark.parametrize(
    ("text", "rules", "result", "policy", "disposition"),
    [
        ("v=DMARC1", "RFC 9989", "fail", "none", "none"),  # 4.7: no p is p=none
        ("v=DMARC1", "RFC 7489", "none", None, "none"),  # 6.6.3: no p, no rua
        ("v=DMARC1; rua=mailto:d@example.com", "RFC 7489", "fail", "none", "none"),
        ("v=DMARC1; p=yes", "RFC 9989", "none", None, "none"),  # 4.10.1
        ("v=DMARC1; p=yes; rua=mailto:d@example.com", "RFC 9989", "fail", "none", "none"),
        ("v=DMARC1; p=yes; rua=d@example.com", "RFC 9989", "none", None, "none"),  # no URI
        ("v=DMARC1; p=reject; np=maybe; rua=mailto:d@example.com", "RFC 9989", "fail", "none", "none"),
        ("v=DMARC1; p=reject; np=maybe", "RFC 7489", "fail", "reject", "reject"),  # np is unknown there
        ("v=DMARC1; p=reject; t=y", "RFC 9989", "fail", "reject", "quarantine"),  # 4.7
        ("v=DMARC1; p=quarantine; t=y", "RFC 9989", "fail", "quarantine", "none"),
        ("v=DMARC1; p=none; t=y", "RFC 9989", "fail", "none", "none"),
        ("v=DMARC1; p=reject; t=y", "RFC 7489", "fail", "reject", "reject"),
        ("v=DMARC1; p=reject; pct=0", "RFC 7489", "fail", "reject", "quarantine"),  # 6.6.4
        ("v=DMARC1; p=reject; pct=0", "RFC 9989", "fail", "reject", "reject"),  # removed
        ("v=DMARC1; p=reject; p=none", "RFC 9989", "fail", "reject", "reject"),  # the first counts
        ("v=DMARC1; P=Reject", "RFC 9989", "fail", "reject", "reject"),
        ("v=DMARC1; nonsense; ;; p=reject; x=1", "RFC 9989", "fail", "reject", "reject"),
        ("v=DMARC1 p=reject", "RFC 9989", "none", None, "none"),  # no semicolon: the version is not DMARC1
        ("v=DMARC10; p=reject", "RFC 9989", "none", None, "none"),
    ],
)
def test_what_a_record_asks(text: str, rules: str, result: str, policy: str | None, disposition: str) -> None:
    found = check("example.com", zones(example__com=text), rules)
    assert found.result == result
    assert (found.properties["policy"], found.properties["disposition"]) == (policy, disposition)


def test_the_rule_behind_a_missing_p() -> None:
    step = check("example.com", zones(example__com="v=DMARC1")).trace[2]
    assert (step.rule.ref, step.outcome) == ("RFC 9989 section 4.7", "none")
    assert "p=none" in step.rule.text


@pytest.mark.parametrize(
    ("author", "policy", "tag"),
    [
        ("example.com", "reject", "p"),
        ("www.example.com", "quarantine", "sp"),
        ("ghost.example.com", "none", "np"),
        ("dangling.example.com", "quarantine", "sp"),  # its CNAME record is there, though the end is not
        ("empty.example.com", "quarantine", "sp"),  # an empty non-terminal exists (RFC 8020)
    ],
)
def test_p_sp_np(author: str, policy: str, tag: str) -> None:
    dns = Zones.from_text(
        '_dmarc.example.com. TXT "v=DMARC1; p=reject; sp=quarantine; np=none"\n'
        "www.example.com. AAAA 2001:db8::1\ndangling.example.com. CNAME nowhere.example.org.\n"
        "below.empty.example.com. A 192.0.2.1\n"
    )
    found = check(author, dns)
    assert (found.properties["policy"], found.properties["policy_tag"]) == (policy, tag)


@pytest.mark.parametrize(("rules", "aligned"), [("RFC 9989", True), ("RFC 7489", False)])
def test_a_name_on_the_public_suffix_list(rules: str, aligned: bool) -> None:
    """github.io is on the list's private part; the walk knows nothing of it."""
    dns = zones(github__io="v=DMARC1; p=reject")
    found = check("one.github.io", dns, rules, spf="two.github.io")
    assert (found.result == "pass") is aligned
    assert registered_domain("one.github.io") == "one.github.io"
    assert registered_domain("github.io") is None


@pytest.mark.parametrize(
    ("records", "author", "spf", "dkim", "record", "aligned"),
    [
        ({"example__com": "v=DMARC1", "signing__example__com": "v=DMARC1"}, "example.com", "example.com", "signing.example.com", "example.com", ("spf", "dkim")),  # B.4.1
        ({"example__com": "v=DMARC1", "signing__example__com": "v=DMARC1"}, "a.b.c.d.e.f.g.h.i.j.k.example.com", "example.com", "signing.example.com", "example.com", ("spf", "dkim")),  # B.4.2
        ({"giant__bank__example": "v=DMARC1", "bank__example": "v=DMARC1; psd=y"}, "giant.bank.example", "mail.giant.bank.example", "mail.mega.bank.example", "giant.bank.example", ("spf",)),  # B.4.3
        ({"b__c__d__e__f__g__example__com": "v=DMARC1; psd=n", "example__com": "v=DMARC1"}, "mail.a.b.c.d.e.f.g.example.com", None, None, "example.com", ()),  # 5.1.8: psd=n is never seen
        ({"mail__example__com": "v=DMARC1", "example__com": "v=DMARC1; psd=y"}, "a.mail.example.com", "mail.example.com", "other.example.com", "mail.example.com", ("spf",)),  # 4.10.2 step 2
    ],
)  # fmt: skip
def test_the_examples_of_rfc_9989(
    records: dict[str, str],
    author: str,
    spf: str | None,
    dkim: str | None,
    record: str,
    aligned: tuple[str, ...],
) -> None:
    found = evaluate(author, spf=spf, dkim=dkim, dns=zones(**records))
    assert (found.properties["record_domain"], found.properties["aligned"]) == (record, aligned)
    assert found.result == ("pass" if aligned else "fail")


def test_all_three_organizational_domains() -> None:
    dns = zones(example__com="v=DMARC1; p=reject", example__net="v=DMARC1; p=none")
    found = evaluate("a.example.com", spf="b.example.net", dkim=["c.example.org", "d.example.com"], dns=dns)
    assert found.result == "pass"
    assert dict(found.properties["organizational_domains"]) == {
        "a.example.com": "example.com",
        "b.example.net": "example.net",
        "c.example.org": "c.example.org",
        "d.example.com": "example.com",
    }
    assert found.properties["aligned"] == ("dkim",)
    assert found.properties["aligned_domains"] == ("d.example.com",)


@pytest.mark.parametrize("outcome", ["timeout", "servfail"])
def test_no_answer_from_the_dns(outcome: str) -> None:
    """RFC 9989 5.3.6: neither pass nor fail; but the author's own record stands whatever happens above it."""
    dns = zones(example__com="v=DMARC1; p=reject")
    fault = dns.fault("_dmarc.example.com", "TXT", outcome)  # type: ignore[arg-type]
    assert check("example.com", dns).result == "temperror"
    assert check("a.example.com", dns, spf="a.example.com").result == "temperror"
    assert check("example.com", dns, "RFC 7489").result == "temperror"
    fault.off()
    dns.fault("_dmarc.com", "TXT", outcome)  # type: ignore[arg-type]
    own = check("example.com", dns)
    assert (own.result, own.properties["disposition"]) == ("fail", "reject")
    assert check("example.com", dns, spf="example.com").result == "pass"
    assert check("example.com", dns, spf="b.example.com").result == "temperror"


def test_a_temporary_error_of_spf_or_dkim_counts_only_where_it_could_align() -> None:
    dns = zones(example__com="v=DMARC1; p=reject")
    for domain, result in [("b.example.com", "temperror"), ("example.net", "fail")]:
        found = evaluate("example.com", spf=None, dkim=Identifier("dkim", domain, "temperror"), dns=dns)
        assert found.result == result
    both = [Identifier("dkim", "example.com", "temperror"), Identifier("dkim", "example.com", "pass")]
    assert evaluate("example.com", spf=None, dkim=both, dns=dns).result == "pass"


def test_a_strangers_name_servers_keep_no_policy_away() -> None:
    """A pass for a domain whose DNS is down cannot align, and what cannot align cannot make a temperror."""
    dns = zones(example__com="v=DMARC1; p=reject")
    dns.fault("crook.example", None, "timeout", below=True)
    found = evaluate("example.com", spf="a.crook.example", dkim=["b.crook.example"], dns=dns)
    assert (found.result, found.properties["disposition"]) == ("fail", "reject")
    dns.fault("_dmarc.com", "TXT", "timeout")
    assert evaluate("example.com", spf="a.crook.example", dkim=None, dns=dns).result == "fail"
    dns.fault("_dmarc.b.example.com", "TXT", "servfail")
    assert evaluate("example.com", spf="b.example.com", dkim=None, dns=dns).result == "temperror"


def test_existence_unknown() -> None:
    """np or sp: when the DNS does not say which, a message that fails gets no verdict."""
    dns = zones(example__com="v=DMARC1; p=none; np=reject")
    dns.fault("a.example.com", "A", "timeout")
    assert check("a.example.com", dns).result == "temperror"
    assert check("a.example.com", dns, spf="example.com").result == "pass"


def test_names_in_any_form() -> None:
    dns = zones(**{"xn--bcher-kva__example": "v=DMARC1; p=reject"})
    for author in ("bücher.example", "xn--bcher-kva.example", "XN--BCHER-KVA.Example."):
        assert check(author, dns, spf="BÜCHER.example").result == "pass"
    for author in ("", ".", "[192.0.2.1]", "a..b", "x" * 64 + ".example", "a." * 130 + "example"):
        found = check(author, dns)
        assert found.result == "none"
        assert found.trace[0].outcome == "none"


def test_many_signatures_cost_little_dns() -> None:
    dns = zones(example__com="v=DMARC1; p=reject")
    evaluate("example.com", spf=None, dkim=[f"a{n}.b.c.d.e.f.g.d{n}.example" for n in range(500)], dns=dns)
    assert len(dns.log) < 120


def test_rule_sets_have_names() -> None:
    with pytest.raises(ValueError, match="RFC 9989, RFC 7489"):
        check("example.com", zones(), "RFC 1")


@pytest.mark.parametrize(
    ("text", "weights", "word"),
    [
        ("v=DMARC1; p=quarantine; rua=mailto:d@example.com", [], ""),
        ("v=dmarc1; p=none", ["error"], "not written DMARC1"),
        ("p=none; v=DMARC1", ["error"], "not the first tag"),
        (" v=DMARC1; p=none", ["error"], "White space stands before"),
        ("v=spf1 -all", ["error"], "no DMARC record"),
        ("", ["error"], "no DMARC record"),
        ("v=DMARC1; p=non; rua=mailto:d@example.com", ["error"], "p=non is none of"),
        ("v=DMARC1; p=none", ["warning"], "asks for nothing"),
        ("v=DMARC1; p=reject; sp=none", ["note", "warning"], "open to be forged"),
        ("v=DMARC1; p=quarantine; pct=50", ["note"], "pass over pct"),
        ("v=DMARC1; p=quarantine; rua=d@example.com", ["error"], "no URI"),
        ("v=DMARC1; p=quarantine; rua=mailto:d@example.com!10m", ["note"], "!10m is ignored"),
        ("v=DMARC1; p=quarantine; p=none", ["error"], "twice"),
        ("v=DMARC1; p=quarantine; fo=1", ["warning"], "fo without ruf"),
        ("v=DMARC1; p=quarantine; ruf=mailto:d@example.com; fo=1:d:s", [], ""),
        ("v=DMARC1; p=quarantine; ruf=mailto:d@example.com; fo=0:1", ["error"], "fo=0:1"),  # 4.7
        ("v=DMARC1; p=quarantine; ruf=mailto:d@example.com; fo=d:d", ["error"], "fo=d:d"),  # 4.8
        ("v=DMARC1; p=quarantine; ruf=mailto:d@example.com; psd=y", ["warning"], "public suffix"),  # 10.2
        ("v=DMARC1; p=quarantine; policy=none", ["error"], "no tag policy="),
        ("v=DMARC1; rua=mailto:d@example.com; p=quarantine", ["note"], "second"),
        ("v=DMARC1; rua=mailto:d@example.com", ["warning"], "There is no p"),
        ("v=DMARC1; p=quarantine; t=y", ["note"], "one level less"),
    ],
)
def test_lint(text: str, weights: list[str], word: str) -> None:
    remarks = lint(text)
    assert [remark.weight for remark in remarks] == weights
    if weights:
        assert any(word in remark.text for remark in remarks)
    for remark in remarks:
        assert 0 <= remark.start < remark.end <= max(len(text), 1)


def test_mutated_records_never_raise(size: Callable[[int, int], int]) -> None:
    """100,000 under --long; none takes 50 ms."""
    seeds = [
        b"v=DMARC1; p=reject; sp=none; np=quarantine; rua=mailto:a@b.example!10m,mailto:c@d.example; adkim=s",
        b"v = DMARC1 ; p = none ; t=y; psd=n; fo=1:d:s; ruf=mailto:x@y.example; pct=50",
    ]
    dice = random.Random(9989)
    slowest = 0.0
    for number in range(size(1_500, 100_000)):
        octets = bytearray(seeds[number % 2])
        for _ in range(dice.randint(1, 8)):
            at = dice.randrange(len(octets) + 1)
            octets[at : at + dice.randint(0, 4)] = dice.choice(
                [b";", b"=", b"\xff", b" ", b"v=DMARC1", b"\x00", b"y" * 50]
            )
        begin = time.thread_time()
        record = read_record(bytes(octets))
        lint(bytes(octets))
        if record is not None:
            assert_readable(record)
        slowest = max(slowest, time.thread_time() - begin)
    assert slowest < 0.05


def assert_readable(record: Record) -> None:
    for tag in record.tags.values():
        assert record.octets[tag.start : tag.end].lower().startswith(tag.name.lower().encode())
    for uri in record.destinations() + record.destinations("ruf"):
        assert uri.uri.encode() in record.octets[uri.start : uri.end]
    assert 0 <= record.pct <= 100
