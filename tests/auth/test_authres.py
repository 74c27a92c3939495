"""Authentication-Results: examples of RFC 8601, what breaks its grammar, forged fields, and the way there and back."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.auth.authres import (
    AuthenticationResults,
    AuthResError,
    MethodResult,
    Property,
    parse,
    remove_forged,
)


def body(field: str) -> str:
    return field.partition(":")[2]


def test_nothing_checked() -> None:
    """RFC 8601 appendix B.2."""
    found = parse(" example.org 1; none")
    assert found == AuthenticationResults("example.org")
    assert str(found) == "Authentication-Results: example.org;\r\n\tnone\r\n"


def test_several_methods_with_comments_and_folds() -> None:
    """RFC 8601 appendix B.4 and B.6, with comments in odd places."""
    found = parse(
        " (who) example.com (version:) 1 (next);\r\n\tauth = pass (cram-md5) smtp.auth=sender@example.net;\r\n"
        "  spf=pass smtp.mailfrom=example.net; dkim/1=pass (good (really) \\) signature)"
        ' reason="all \\"right\\"" header.i=@mail-router.example.net header.b="oINEO8hg/=" (end)\r\n'
    )
    assert found.authserv_id == "example.com"
    assert [(one.method, one.result) for one in found.results] == [
        ("auth", "pass"),
        ("spf", "pass"),
        ("dkim", "pass"),
    ]
    assert found.results[0].get("smtp", "auth") == "sender@example.net"
    assert found.results[2].reason == 'all "right"'
    assert found.results[2].get("header", "i") == "@mail-router.example.net"
    assert found.results[2].get("header", "b") == "oINEO8hg/="
    assert found.get("DKIM") == (found.results[2],)
    assert found.results[2].get("header", "x") is None


def test_a_property_named_reason_and_a_quoted_local_part() -> None:
    found = parse('a.example; spf=pass smtp.mailfrom="a b"@c.example reason.x=y')
    assert found.results[0].properties == (
        Property("smtp", "mailfrom", '"a b"@c.example'),
        Property("reason", "x", "y"),
    )


def test_what_the_grammar_lets_pass() -> None:
    """RFC 8601 section 2.2: behind a value no space is needed; RFC 5321's Keyword may begin with a hyphen."""
    found = parse('a.example; -x=pass smtp.mailfrom="b"header.from=c')
    assert found.results[0].method == "-x"
    assert [str(item) for item in found.results[0].properties] == ["smtp.mailfrom=b", "header.from=c"]


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 0),
        ('"a"1; none', 3),
        ("a.example 22 ; none", 10),
        ("a.example", 9),
        ("a.example;", 10),
        ("a.example 2; none", 10),
        ("a.example; none; spf=pass", 15),
        ("a.example; spf", 14),
        ("a.example; spf=", 15),
        ("a.example; spf=pass smtp.mailfrom", 33),
        ("a.example; spf=pass smtp.mailfrom=", 34),
        ("a.example; spf=pass mailfrom=b.example", 20),
        ("a.example; spf=pass(c)smtp.mailfrom=b.example x", 46),
        ("a.example; spf=pass; ", 21),
        ("a.example; spf=pass (no end", 20),
        ('a.example; spf=pass reason="no end', 27),
        ("a.example; spf=pass smtp.mailfrom=a@", 36),
        ("a.example; spf=pass header.b=a/b", 30),
        ("a b.example; spf=pass", 2),
        ("a.example; spf=pass\nX: y", 19),
        ("a.example; sp\u00fc=pass", 13),
    ],
)
def test_the_position_of_the_slip(text: str, position: int) -> None:
    with pytest.raises(AuthResError) as slip:
        parse(text)
    assert slip.value.position == position


def test_octets_that_are_no_text() -> None:
    with pytest.raises(AuthResError, match="at character 2: this octet is not UTF-8"):
        parse("ü.".encode() + b"\xff; none")


def test_what_is_written_cannot_break_out() -> None:
    """Values of a sender: quotes, line ends, comments, controls."""
    nasty = 'x"\r\nX-Forged: 1\r\n\r\n(;\\ \x00=\ud800'
    field = AuthenticationResults(
        "receiver.example",
        (MethodResult("spf", "fail", (Property("smtp", "mailfrom", nasty),), nasty, comment=nasty),),
    )
    text = str(field)
    text.encode()
    assert all(line[:1] in "\tA" for line in text.removesuffix("\r\n").split("\r\n"))
    found = parse(body(text)).results[0]
    assert found.reason == found.get("smtp", "mailfrom") == 'x" X-Forged: 1 (;\\  =?'


WORD = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
VALUE = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=20)
RESULT = st.builds(
    MethodResult,
    WORD.filter(lambda word: word != "none"),
    WORD,
    st.lists(st.builds(Property, WORD, WORD, VALUE), max_size=2).map(tuple),
    VALUE,
    st.integers(1, 99),
)


@given(st.builds(AuthenticationResults, VALUE, st.lists(RESULT, max_size=2).map(tuple)))
def test_written_and_read(field: AuthenticationResults) -> None:
    text = str(field)
    assert parse(body(text)) == field
    assert parse(body(text).encode()) == field


def test_forged_fields_are_removed() -> None:
    """RFC 8601 section 5: those that claim to be ours, however they are written; nobody else's."""
    forged = [
        b"Authentication-Results: receiver.example; dkim=pass\r\n",
        b"authentication-results:\r\n (mx.other.example;) RECEIVER.Example 1;\r\n dkim=pass\r\n",
        b'Authentication-Results: "receiver.example"; none\r\n',
        b"Authentication-Results: receiver.example. ; none\r\n",
        b"Authentication-Results: ;receiver.example; none\r\n",  # unreadable: somebody may read our name in it
        b"Authentication-Results: \xff; none\r\n",
        b"Authentication-Results: mx.other.example 2; dkim=pass\r\n",  # a version that nobody here can read
        b"Authentication-Results: XN--bcher-kva.example; dkim=pass\r\n",
        "Authentication-Results: b\u00fccher.example; dkim=pass\r\n".encode(),
    ]
    kept = [
        b"Authentication-Results: mx.other.example; dkim=pass\r\n",
        b"Authentication-Results-X: receiver.example; dkim=pass\r\n",
        b"Subject: Authentication-Results: receiver.example\r\n",
    ]
    text = b"\r\nAuthentication-Results: receiver.example; none\r\n"
    message = b"".join(field for pair in zip(forged, kept * 3, strict=True) for field in pair) + text
    clean, removed = remove_forged(message, ["receiver.example", "b\u00fccher.example"])
    assert removed == tuple(forged)
    assert clean == b"".join(kept * 3) + text
    assert remove_forged(clean, ["receiver.example"]) == (clean, ())


def test_mutated_fields_never_raise_anything_else(size: Callable[[int, int], int]) -> None:
    seed = 'receiver.example 1; spf=pass (c) reason="r" smtp.mailfrom=a@b.example; dkim/1=fail header.d=x'
    pieces = [";", "=", '"', "(", ")", "\\", "@", ".", "/", " ", "\r\n ", "\x00", "ü", "none", ""]
    dice = random.Random(8601)
    for _ in range(size(1_500, 100_000)):
        text = seed
        for _ in range(dice.randint(1, 6)):
            at = dice.randrange(len(text) + 1)
            text = text[:at] + dice.choice(pieces) + text[at + dice.randint(0, 3) :]
        with contextlib.suppress(AuthResError):
            found = parse(text)
            assert parse(body(str(found))) == found
