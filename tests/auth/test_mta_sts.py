"""MTA-STS, the pure part: record, policy file, patterns, discovery with its cache, and the judgement of a host."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
import yaml

from labkit.auth.mta_sts import (
    Fetched,
    Policy,
    PolicyCache,
    PolicyError,
    RecordError,
    evaluate,
    mx_matches,
    parse_policy,
    parse_record,
    policy_for,
    policy_url,
)
from labkit.auth.mta_sts.policy import LONGEST
from labkit.verdict import Verdict
from labkit.zones import Zones

GOOD = b"version: STSv1\nmode: enforce\nmx: mail.example.com\nmx: *.example.net\nmax_age: 604800\n"


# the record (section 3.1)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("v=STSv1; id=20160831085700Z;", "20160831085700Z"),
        ("v=STSv1;id=a", "a"),
        ("v=STSv1 ;\tid=a ; ", "a"),
        ("v=STSv1; new=x/y; id=a; other.name=1", "a"),
        ("v=STSv1; id=first; id=second", "first"),
        ("v=STSv1; id=" + "x" * 32, "x" * 32),
    ],
)
def test_records(text: str, version: str) -> None:
    record = parse_record(text)
    assert record.id == version
    assert text[slice(*record.id_at)] == version


@pytest.mark.parametrize(
    "text",
    ["", "v=STSv1", "v=STSv2; id=a;", "V=STSv1; id=a", "v=stsv1; id=a", "v=STSv1; id=", "v=STSv1; id=a-b",
     "v=STSv1; id=" + "x" * 33, "v=STSv1;", "v=STSv1; ID=a", "v=STSv1; id = a", "v=STSv1; id=a; =x", "v=STSv1;; id=a",
     "v=STSv1; x; id=a", "id=a; v=STSv1", "v=STSv1x; id=a", " v=STSv1; id=a"],
)  # fmt: skip
def test_what_is_no_record(text: str) -> None:
    with pytest.raises(RecordError):
        parse_record(text)


# the policy file (section 3.2)


def test_a_policy() -> None:
    policy = parse_policy(GOOD)
    assert policy == Policy("enforce", ("mail.example.com", "*.example.net"), 604800)
    assert GOOD[slice(*policy.places["mode"])] == b"mode: enforce"
    assert GOOD[slice(*policy.places["*.example.net"])] == b"mx: *.example.net"
    assert parse_policy(GOOD.replace(b"\n", b"\r\n")) == policy
    assert parse_policy(GOOD.rstrip(b"\n")) == policy
    assert parse_policy(GOOD + b"extra_1.x: something: else \nmode: none\nmax_age: 1\n") == policy
    assert parse_policy(b"version:STSv1\nmode:\t none  \nmax_age: 0\n") == Policy("none", (), 0)
    assert parse_policy(GOOD.replace(b"604800", str(LONGEST).encode())).max_age == LONGEST


@pytest.mark.parametrize(
    ("octets", "line", "words"),
    [
        (b"", 0, "version: is missing"),
        (GOOD.replace(b"STSv1", b"STSv2"), 1, "must be STSv1"),
        (GOOD.replace(b"version", b"Version"), 0, "version: is missing"),
        (GOOD.replace(b"enforce", b"Enforce"), 2, "enforce, testing or none"),
        (GOOD.replace(b"mode: enforce\n", b""), 0, "mode: is missing"),
        (GOOD.replace(b"max_age: 604800\n", b""), 0, "max_age: is missing"),
        (GOOD.replace(b"604800", str(LONGEST + 1).encode()), 5, "up to 31557600"),
        (GOOD.replace(b"604800", b"-1"), 5, "a number of seconds"),
        (GOOD.replace(b"604800", b"1 week"), 5, "a number of seconds"),
        (GOOD.replace(b"604800", b"00000000001"), 5, "a number of seconds"),
        (b"version: STSv1\nmode: testing\nmax_age: 1\n", 0, "mx: is missing"),
        (GOOD.replace(b"*.example.net", b"*example.net"), 4, "mx: is a host's name"),
        (GOOD.replace(b"*.example.net", b"a.*.example.net"), 4, "mx: is a host's name"),
        (GOOD.replace(b"*.example.net", b".example.net"), 4, "mx: is a host's name"),
        (GOOD.replace(b"*.example.net", b"*"), 4, "mx: is a host's name"),
        (GOOD.replace(b"*.example.net", b"mx.example.net."), 4, "mx: is a host's name"),
        (GOOD.replace(b"*.example.net", b""), 4, "mx: is a host's name"),
        (GOOD.replace(b"mode: enforce", b"mode enforce"), 2, "a name, a colon and a value"),
        (GOOD.replace(b"mode: enforce", b"mode : enforce"), 2, "a name, a colon and a value"),
        (GOOD.replace(b"\nmx: m", b"\n\nmx: m"), 3, "a name, a colon and a value"),
        (GOOD.replace(b"\n", b"\r"), 1, "not in CR alone"),
        (GOOD.replace(b"example.com", "exämple.com".encode()), 3, "above 127"),
        (b"<html><body>404</body></html>", 1, "a name, a colon and a value"),
    ],
)  # fmt: skip
def test_what_is_no_policy(octets: bytes, line: int, words: str) -> None:
    with pytest.raises(PolicyError, match=words) as wrong:
        parse_policy(octets)
    assert wrong.value.line == line


def test_any_octets_are_a_policy_or_an_error() -> None:
    chance = random.Random(8461)
    for _ in range(2000):
        octets = bytearray(GOOD)
        for _ in range(chance.randrange(1, 6)):
            octets[chance.randrange(len(octets))] = chance.choice(b"\x00\r\n: *.;=az9\xff")
        try:
            policy = parse_policy(bytes(octets))
        except PolicyError:
            continue
        assert policy.mode in ("enforce", "testing", "none")
        assert 0 <= policy.max_age <= LONGEST


CASES = """
policy: |
  version: STSv1
  mode: enforce
  mx: *.example.net
  mx: mail.example.org
  max_age: 86400
hosts: [mx1.example.net, a.b.example.net, example.net, MAIL.example.org, x.mail.example.org]
match: [true, false, false, true, false]
"""


def test_net_11_how_far_the_star_reaches() -> None:
    case = yaml.safe_load(CASES)
    policy = parse_policy(case["policy"].encode())
    found = [any(mx_matches(pattern, host) for pattern in policy.mx) for host in case["hosts"]]
    assert found == case["match"]
    assert [evaluate(policy, host).result == "pass" for host in case["hosts"]] == case["match"]
    assert mx_matches("*.Example.NET", "MX1.example.net.")
    assert not mx_matches("*.example.net", ".example.net")


# discovery


class Sender:
    """Somebody who looks for policies: DNS, a web that can be changed, a clock, a cache."""

    def __init__(self, txt: str = "v=STSv1; id=1;", policy: bytes = GOOD) -> None:
        self.zones = Zones()
        self.publish(txt)
        self.answer = Fetched(200, "text/plain", policy)
        self.asked: list[str] = []
        self.cache = PolicyCache()
        self.now = 1000.0

    def publish(self, *texts: str) -> None:
        self.zones.replace(
            "a.example. A 192.0.2.1\n" + "".join(f'_mta-sts.b.example. TXT "{t}"\n' for t in texts)
        )

    def ask(self) -> Verdict:
        async def fetch(url: str) -> Fetched:
            self.asked.append(url)
            return self.answer

        return asyncio.run(
            policy_for("B.example.", dns=self.zones, fetch=fetch, cache=self.cache, now=self.now)
        )


def test_first_time_and_from_the_cache() -> None:
    sender = Sender()
    first = sender.ask()
    assert (first.result, first.properties["source"], first.properties["mode"]) == (
        "pass",
        "fetched",
        "enforce",
    )
    assert sender.asked == ["https://mta-sts.b.example/.well-known/mta-sts.txt"] == [policy_url("b.example")]
    assert first.properties["expires"] == 1000.0 + 604800
    record, fetched, policy = first.trace
    (evidence,) = record.evidence
    assert evidence.source == "record _mta-sts.b.example TXT 0"
    assert "v=STSv1; id=1;"[evidence.start : evidence.end] == "1"
    assert record.lookup is not None
    assert (fetched.outcome, policy.outcome) == ("fetched", "enforce")
    assert [GOOD[e.start : e.end] for e in policy.evidence] == [b"mode: enforce", b"max_age: 604800"]
    sender.now += 604799
    assert sender.ask().properties["source"] == "cache"
    assert len(sender.asked) == 1
    sender.now += 1
    assert sender.ask().properties["source"] == "fetched"  # expired to the second


def test_another_id_has_the_policy_fetched_again() -> None:
    sender = Sender()
    sender.ask()
    sender.answer = Fetched(200, "text/plain; charset=us-ascii", GOOD.replace(b"enforce", b"none"))
    assert sender.ask().properties["mode"] == "enforce"  # the file alone says nothing
    sender.publish("v=STSv1; id=2;")
    changed = sender.ask()
    assert (changed.properties["mode"], changed.properties["id"]) == ("none", "2")
    assert [step.outcome for step in changed.trace] == ["found", "changed", "fetched", "none"]


@pytest.mark.parametrize(
    ("answer", "problem", "words"),
    [
        (Fetched(404, "text/plain", b""), "sts-policy-fetch-error", "answers 404"),
        (Fetched(301, "text/plain", GOOD), "sts-policy-fetch-error", "redirects are not followed"),
        (Fetched(200, "text/html", GOOD), "sts-policy-fetch-error", "not text/plain"),
        (Fetched(200, "", GOOD), "sts-policy-fetch-error", "of no type"),
        (Fetched(200, "text/plain", GOOD + b"x: " + b"y" * 65536), "sts-policy-fetch-error", "larger than 65536"),
        (Fetched(trouble="Nobody answers."), "sts-policy-fetch-error", "gives no policy: Nobody answers."),
        (Fetched(trouble="It has expired.", certificate_trouble=True), "sts-webpki-invalid", "It has expired"),
        (Fetched(200, "text/plain", b"version: STSv2\n"), "sts-policy-invalid", "mode: is missing"),
    ],
)  # fmt: skip
def test_a_policy_that_cannot_be_had(answer: Fetched, problem: str, words: str) -> None:
    """Without one in the cache mail goes as ever; with one, that one counts on (section 3.3)."""
    new = Sender()
    new.answer = answer
    none = new.ask()
    assert (none.result, none.properties["policy"], none.properties["problem"]) == ("none", None, problem)
    assert any(words in step.text for step in none.trace)
    new.now += 299
    new.ask()
    assert len(new.asked) == 1  # five minutes of rest for this version
    new.publish("v=STSv1; id=2;")
    new.ask()
    assert len(new.asked) == 2
    new.now += 300
    new.ask()
    assert len(new.asked) == 3

    old = Sender()
    old.ask()
    old.publish("v=STSv1; id=2;")
    old.answer = answer
    kept = old.ask()
    assert (kept.result, kept.properties["source"], kept.properties["id"]) == ("pass", "cache", "1")
    assert kept.properties["problem"] == problem


@pytest.mark.parametrize(
    ("texts", "counts"),
    [
        ((), False),
        (("v=spf1 -all",), False),
        (("v=spf1 -all", "v=STSv1; id=1;"), True),
        (("v=STSv1; id=1;", "v=STSv1; id=2;"), False),
        (("v=STSv1; id=?;",), False),
    ],
)
def test_records_that_count(texts: tuple[str, ...], counts: bool) -> None:
    sender = Sender()
    sender.publish(*texts)
    assert (sender.ask().result == "pass") is counts
    assert len(sender.asked) == counts


@pytest.mark.parametrize("outcome", ["timeout", "servfail", "nxdomain", "nodata"])
def test_dns_that_fails_hides_nothing_from_who_knows(outcome: Any) -> None:
    """An attacker who suppresses the record reaches only those who never had the policy (section 10.2)."""
    sender = Sender()
    fault = sender.zones.fault("_mta-sts.b.example", "TXT", outcome)
    assert sender.ask().result == "none"
    fault.off()
    sender.ask()
    fault.on()
    assert sender.ask().properties["source"] == "cache"
    sender.now += 604800
    assert sender.ask().result == "none"


# judgement


@pytest.mark.parametrize(
    ("mode", "tls", "host", "result", "action", "problem"),
    [
        ("enforce", None, "mx.example.net", "pass", "deliver", ""),
        ("enforce", "", "mx.example.net", "pass", "deliver", ""),
        ("enforce", "not_offered", "mx.example.net", "fail", "do not deliver here", "starttls-not-supported"),
        ("enforce", "expired", "mx.example.net", "fail", "do not deliver here", "certificate-expired"),
        (
            "enforce",
            "wrong_name",
            "mx.example.net",
            "fail",
            "do not deliver here",
            "certificate-host-mismatch",
        ),
        (
            "testing",
            "unknown_issuer",
            "mx.example.net",
            "fail",
            "deliver and report",
            "certificate-not-trusted",
        ),
        ("testing", "odd", "mx.example.net", "fail", "deliver and report", "validation-failure"),
        ("enforce", "", "mx.other.example", "fail", "do not deliver here", "validation-failure"),
        ("none", "not_offered", "mx.other.example", "none", "deliver", ""),
    ],
)
def test_a_host_is_judged(
    mode: str, tls: str | None, host: str, result: str, action: str, problem: str
) -> None:
    policy = parse_policy(GOOD.replace(b"enforce", mode.encode()))
    verdict = evaluate(policy, host, tls)
    assert verdict.result == result
    assert verdict.properties == {"mode": mode, "action": action, "problem": problem}
    for _, step in verdict.steps():
        for evidence in step.evidence:
            assert evidence.source == "policy"
            assert policy.text[evidence.start : evidence.end].startswith((b"mx: ", b"mode: "))
