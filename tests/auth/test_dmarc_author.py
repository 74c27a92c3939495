"""The Author Domain of a raw message: by the grammar, and when the grammar is broken."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest

from labkit.auth.dmarc import author_domain


def of(field: str | bytes) -> tuple[str, list[str]]:
    """Author Domain of a From field's body, and the octets that its evidence points to."""
    body = field.encode() if isinstance(field, str) else field
    message = (
        b"To: <x@to.example>\r\nFrom:" + body + b"\r\nSubject: a@subject.example\r\n\r\n@body.example\r\n"
    )
    found = author_domain(message)
    octets = [message[item.start : item.end].decode("utf-8", "replace") for item in found.evidence]
    return found.domain, octets


@pytest.mark.parametrize(
    ("field", "domain"),
    [
        (" alice@sender.example", "sender.example"),
        (" Alice <alice@sender.example>", "sender.example"),
        (" alice@Sender.EXAMPLE", "sender.example"),
        (' "bank@bank.example" <a@crook.example>', "crook.example"),  # a display name may hold anything
        (" (ceo@bank.example) a@crook.example (x@y.example)", "crook.example"),
        (" a@(a comment (in it another @))crook(x).(y)example", "crook.example"),
        (" John Q. Public <john@sender.example>", "sender.example"),  # obsolete, legal to read
        (' "a@b.example"@sender.example', "sender.example"),
        (' "quoted \\" <x@y.example>" <a@sender.example>', "sender.example"),
        (" <@route.example,@b.example:a@sender.example>", "sender.example"),
        ("\r\n Alice\r\n <alice@\r\n sender.example>", "sender.example"),
        (" =?utf-8?q?x=40y=2Eexample?= <a@sender.example>", "sender.example"),
        (" a@sender.example, b@sender.example", "sender.example"),  # one domain
        (" a@sender.example, b@SENDER.example", "sender.example"),
        (" Staff: a@sender.example, b@sender.example;", "sender.example"),  # RFC 6854
        (" Grüße <a@bücher.example>", "xn--bcher-kva.example"),
        (" a@xn--bcher-kva.example, b@bücher.example", "xn--bcher-kva.example"),
        (" a@sender.example,", "sender.example"),
    ],
)
def test_well_formed(field: str, domain: str) -> None:
    assert of(field)[0] == domain


def test_evidence_is_the_domain_alone() -> None:
    assert of(' "x@sender.example" <sender.example@sender.example>')[1] == ["sender.example"]
    assert of(" Grüße <a@bücher.example>")[1] == ["bücher.example"]
    assert of(" a@one.example, b@two.example")[1] == ["one.example", "two.example"]


@pytest.mark.parametrize(
    ("field", "domain"),
    [
        (" Müller, Hans <hans@sender.example>", "sender.example"),
        (" alice@sender.example (no end", "sender.example"),
        (' "Alice <alice@sender.example>', "sender.example"),
        (" <alice@sender.example", "sender.example"),
        (" alice@sender.example.", "sender.example"),
        (" Staff: a@sender.example", "sender.example"),
        (" a@sender.example <a@sender.example>", "sender.example"),
        (" bank@bank.example <a@crook.example>", ""),  # two domains, and mail programs show either
        (" <a@one.example>, <b@two.example>", ""),
        (" a@b@two.example", ""),
    ],
)
def test_malformed_fields_name_one_domain_or_none(field: str, domain: str) -> None:
    assert of(field)[0] == domain


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("", "no address"),
        (" alice", "no address"),
        (" undisclosed-recipients:;", "no address"),
        (" a@[192.0.2.1]", "can be no domain"),
        (" a@one.example, b@two.example", "names 2 domains"),
        (" a@" + "x" * 64 + ".example", "can be no domain"),
    ],
)
def test_no_author_domain(field: str, words: str) -> None:
    found = author_domain(b"From:" + field.encode() + b"\r\n\r\n")
    assert found.domain == ""
    assert words in found.problem
    assert "RFC" in found.rule.ref


def test_no_field_and_several() -> None:
    """RFC 5322 3.6: exactly one. Two that agree are two all the same."""
    assert "no From field" in author_domain(b"Subject: x\r\n\r\nFrom: a@b.example\r\n").problem
    twice = author_domain(b"From: a@b.example\r\nfrom: a@b.example\r\n\r\n")
    assert twice.domain == ""
    assert "2 From fields" in twice.problem
    assert len(twice.evidence) == 2


def test_random_fields_never_raise(size: Callable[[int, int], int]) -> None:
    """Any octets, the slow shapes among them; 100,000 under --long."""
    pieces = [b"a@b.example", b"<", b">", b"(", b")", b'"', b"\\", b",", b";", b":", b"[", b"]", b"@", b".", b" ",
              b"\r\n ", b"\xff", b"\x00", "ü".encode(), b"@c.example", b"\r", b"\n"]  # fmt: skip
    dice = random.Random(5322)
    for _ in range(size(2_000, 100_000)):
        field = b"".join(dice.choices(pieces, k=dice.randint(0, 30)))
        message = b"From:" + field + b"\r\n\r\n"
        found = author_domain(message)
        for item in found.evidence:
            assert message[item.start - 1 : item.start] not in (b"", b"@@")
            assert item.end <= len(message)
    for shape in (b"(", b")", b'"', b"()", b"[", b"a@", b"<", b"(\\", b'"\\', b"\r\n "):
        begin = time.thread_time()
        author_domain(b"From: " + shape * (8_000 // len(shape)) + b"\r\n\r\n")
        assert time.thread_time() - begin < 0.4
