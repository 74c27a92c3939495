"""Canonicalization, and the places of signed octets: two ways to the same octets, by the examples of RFC 6376."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable

import pytest

from labkit.auth.dkim import canonical, lab_key, sign, signed_octets
from labkit.auth.dkim.canonical import body_hash, body_pieces, relaxed_field, signed_end

from . import dkim_messages


def canonical_body(body: bytes, relaxed: bool) -> bytes:
    return b"".join(map(bytes, body_pieces(body, 0, relaxed)))


@pytest.mark.parametrize(
    ("body", "simple", "relaxed"),
    [
        (b"", b"\r\n", b""),
        (b"\r\n\r\n", b"\r\n", b""),
        (
            b" C \r\nD \t E\r\n\r\n\r\n",
            b" C \r\nD \t E\r\n",
            b" C\r\nD E\r\n",
        ),  # section 3.4.5, example 1 and 2
        (b"a", b"a\r\n", b"a\r\n"),
        (b"a \t", b"a \t\r\n", b"a\r\n"),
        (b"a\r\n \r\n\t", b"a\r\n \r\n\t\r\n", b"a\r\n"),
        (b"a\n\n\n", b"a\n\n\n\r\n", b"a\n\n\n\r\n"),
        (b"a\r\r\n\r\n", b"a\r\r\n", b"a\r\r\n"),
        (b"\n\r\n\r\n", b"\n\r\n", b"\n\r\n"),
    ],
)
def test_bodies(body: bytes, simple: bytes, relaxed: bytes) -> None:
    assert canonical_body(body, False) == simple
    assert canonical_body(body, True) == relaxed


@pytest.mark.parametrize(
    ("raw", "relaxed"),
    [
        (b"A: X\r\n", b"a:X\r\n"),
        (b"B : Y\t\r\n\tZ  \r\n", b"b:Y Z\r\n"),
        (b"Subject:\r\n", b"subject:\r\n"),
        (b"S:\ta\x0b b\x0c\r\n", b"s:a\x0b b\x0c\r\n"),
        (b"S: a\nb\r\n", b"s:a\nb\r\n"),
    ],
)
def test_fields(raw: bytes, relaxed: bytes) -> None:
    assert relaxed_field(raw) == relaxed


def plain_relaxed(body: bytes) -> bytes:
    """Section 3.4.4 in its own words, slowly."""
    import re

    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


def test_pieces_make_no_difference(monkeypatch: pytest.MonkeyPatch, size: Callable[[int, int], int]) -> None:
    monkeypatch.setattr(canonical, "_PIECE", 7)
    monkeypatch.setattr(canonical, "_WINDOW", 4)
    dice = random.Random(1)
    for _ in range(size(1000, 100_000)):
        body = b"".join(
            dice.choices((b"\r\n", b" ", b"\t", b"a", b"bcdefghi", b"\r", b"\n"), k=dice.randrange(25))
        )
        assert canonical_body(body, True) == plain_relaxed(body)
        text = body
        while text.endswith(b"\r\n"):
            text = text[:-2]
        assert canonical_body(body, False) == text + b"\r\n"
        for relaxed in (False, True):
            whole = canonical_body(body, relaxed)
            length = dice.randrange(len(whole) + 1)
            found = body_hash(body, 0, relaxed, length)
            assert found == (hashlib.sha256(whole[:length]).digest(), len(whole))
            prefix = canonical_body(body[: signed_end(body, 0, relaxed, length)], relaxed)
            assert prefix.startswith(whole[:length].rstrip(b"\r\n "))


def test_segments_cover_and_make_the_same_octets(size: Callable[[int, int], int]) -> None:
    dice = random.Random(2)
    for _ in range(size(300, 20_000)):
        text = dkim_messages.message(dice)
        kinds = [f"{a}/{b}" for a in ("simple", "relaxed") for b in ("simple", "relaxed")]
        made = sign(
            text,
            domain="example.com",
            selector="s1",
            key=lab_key("ed25519"),
            canonicalization=dice.choice(kinds),
            headers=dkim_messages.names(dice, text),
        )
        message = made + text
        read = signed_octets(message)
        for field in read.fields:
            at = field.segments[0].start if field.segments else 0
            for segment in field.segments:
                assert segment.start == at
                at = segment.end
            assert not field.segments or at == len(message) or message[at - 1 : at] == b"\n"
        at = len(message) - len(text.partition(b"\r\n\r\n")[2])
        for segment in read.body:
            assert segment.start == at
            at = segment.end
        assert at == len(message)
        from labkit.auth.dkim.fields import read_header, select
        from labkit.auth.dkim.signature import read_signature
        from labkit.auth.dkim.trace import Trace
        from labkit.auth.dkim.verifier import signed_header

        header = read_header(message)
        signature = read_signature(message, header.fields[0], Trace(), None)
        selected = select(header.fields, signature.names, signature.field)
        assert read.header_octets == signed_header(message, selected, signature)
        assert hashlib.sha256(read.body_octets).digest() == signature.body_hash
