"""Lists of tag=value (RFC 6376 section 3.2): values, places, and what is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.auth.tag_list import parse_tags


def test_values_and_places() -> None:
    text = b"v=DKIM1 ; p= ab\r\n\tcd\t;n=;"
    read = parse_tags(text)
    assert [(tag.name, tag.value) for tag in read] == [("v", "DKIM1"), ("p", "ab\r\n\tcd"), ("n", "")]
    assert [text[tag.start : tag.end] for tag in read] == [b"v=DKIM1", b"p= ab\r\n\tcd", b"n="]
    assert [text[tag.value_start : tag.end] for tag in read] == [b"DKIM1", b"ab\r\n\tcd", b""]
    assert read.problems == ()


def test_a_part_of_the_octets() -> None:
    text = b"x=1; v=DMARC1; p=none\r\n"
    read = parse_tags(text, 4, len(text) - 2)
    assert [(tag.name, text[tag.value_start : tag.end]) for tag in read] == [("v", b"DMARC1"), ("p", b"none")]
    assert read.get("x") is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (b"v=1;;a=2", b";"),
        (b"v=1; nonsense; a=2", b"nonsense"),
        (b"v=1; =2", b"=2"),
        (b"v=1; 1a=2", b"1a=2"),
        (b"v=1; v=2", b"v=2"),
        (b"v=1; a=\xff", b"\xff"),
        (b"v=1; a=x\x00y", b"\x00"),
    ],
)
def test_problems_show_their_octets(text: bytes, shown: bytes) -> None:
    (problem,) = parse_tags(text).problems
    assert text[problem.start : problem.end] == shown


@pytest.mark.parametrize("text", [b"", b" ", b"v=1;", b"v=1; \r\n ", "i=Jürgen".encode()])
def test_nothing_wrong(text: bytes) -> None:
    assert parse_tags(text).problems == ()


@given(
    st.lists(
        st.sampled_from([b";", b"=", b" ", b"\r\n ", b"a", b"b1", b"\xff", b"\xc3\xbc", b"\x00"]), max_size=30
    )
)
def test_any_octets_can_be_read_and_places_are_true(parts: list[bytes]) -> None:
    text = b"".join(parts)
    read = parse_tags(text)
    for tag in read:
        assert text[tag.start : tag.end].startswith(tag.name.encode())
        assert text[tag.value_start : tag.end].decode("utf-8", "backslashreplace") == tag.value
    assert all(0 <= problem.start < problem.end <= len(text) for problem in read.problems)
    again = parse_tags(b"zz;" + text, 3)
    assert [tag._replace(start=0, value_start=0, end=0) for tag in again] == [
        tag._replace(start=0, value_start=0, end=0) for tag in read
    ]
