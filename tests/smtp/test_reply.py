"""Replies parse by their digits; anything else is refused with a reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.smtp import Malformed, Reply, ReplyParser, parse_reply
from labkit.smtp.reply import REPLY_LIMIT

from .strategies import server_lines


@pytest.mark.parametrize(
    ("data", "reply"),
    [
        (b"250 OK\r\n", Reply(250, None, ("OK",))),
        (b"250 OK\n", Reply(250, None, ("OK",))),
        (b"250 OK", Reply(250, None, ("OK",))),
        (b"250\r\n", Reply(250, None, ("",))),
        (b"250 \r\n", Reply(250, None, ("",))),
        (b"550 5.1.1 No such user\r\n", Reply(550, "5.1.1", ("No such user",))),
        (b"550 5.1.1\r\n", Reply(550, "5.1.1", ("",))),
        (b"550-5.7.26 one\r\n550 5.7.26 two\r\n", Reply(550, "5.7.26", ("one", "two"))),
        (b"550-5.7.1 one\r\n550 two\r\n", Reply(550, "5.7.1", ("one", "two"))),
        (b"550-one\r\n550 5.7.1 two\r\n", Reply(550, None, ("one", "5.7.1 two"))),
        (b"250-a\r\n250-\r\n250 b\r\n", Reply(250, None, ("a", "", "b"))),
        (b"550 3.1.1 no class three\r\n", Reply(550, None, ("3.1.1 no class three",))),
        (b"250 5.1.1000 x\r\n", Reply(250, None, ("5.1.1000 x",))),
        (b"250 5.1.1x\r\n", Reply(250, None, ("5.1.1x",))),
        (b"299 new\r\n", Reply(299, None, ("new",))),
        (b"577 5.9.9 new\r\n", Reply(577, "5.9.9", ("new",))),
        (b"250 \xc3\xa4\xff\r\n", Reply(250, None, ("\u00e4\\xff",))),
    ],
)
def test_replies(data: bytes, reply: Reply) -> None:
    assert parse_reply(data) == reply


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the line is empty"),
        (b"\r\n", "the line is empty"),
        (b"hello\r\n", "the line does not begin with three digits"),
        (b"25 OK\r\n", "the line does not begin with three digits"),
        ("\u0665\u0665\u0660 x".encode(), "the line does not begin with three digits"),
        (b"2500 OK\r\n", "the code has more than three digits"),
        (b"250OK\r\n", "after the three digits comes neither a space nor a hyphen"),
        (b"250\tOK\r\n", "after the three digits comes neither a space nor a hyphen"),
        (b"650 x\r\n", "no reply begins with 6"),
        (b"150 x\r\n", "no reply begins with 1"),
        (b"000-x\r\n000 y\r\n", "no reply begins with 0"),
        (b"250-a\r\n550 b\r\n", "the reply began with 250 and goes on with 550"),
        (b"250-a\r\nnonsense\r\n250 b\r\n", "the line does not begin with three digits"),
        (b"250-a\r\n", "the last line is missing: the one with a space after the code"),
        (b"250 a\r\n250 b\r\n", "more lines follow after the last line of the reply"),
    ],
)
def test_malformed_replies(data: bytes, reason: str) -> None:
    found = parse_reply(data)
    assert isinstance(found, Malformed)
    assert (found.octets, found.reason) == (data, reason)
    assert found.rule.ref.startswith("RFC 5321 section 4.2")


def test_severity_and_text() -> None:
    reply = parse_reply(b"452-4.5.3 too\r\n452 4.5.3 many\r\n")
    assert isinstance(reply, Reply)
    assert (reply.severity, reply.text, str(reply)) == (4, "too\nmany", "452 4.5.3 too\nmany")


def test_the_parser_never_loses_count() -> None:
    """A reply with something wrong in it is read to its last line; then the next one begins."""
    parser = ReplyParser()
    lines = [b"250-a\r\n", b"?\r\n", b"550-b\r\n", b"250 c\r\n", b"354 go\r\n"]
    results = [parser.feed(line) for line in lines]
    assert results[:3] == [None, None, None]
    assert isinstance(results[3], Malformed)
    assert results[3].octets == b"".join(lines[:4])
    assert results[4] == Reply(354, None, ("go",))


def test_a_flood_is_read_to_its_end_in_bounded_memory() -> None:
    parser = ReplyParser()
    line = b"250-" + b"x" * 4000 + b"\r\n"
    for _ in range(REPLY_LIMIT // len(line) + 100):
        assert parser.feed(line) is None
    assert parser.pending
    flood = parser.feed(b"250 end\r\n")
    assert isinstance(flood, Malformed)
    assert len(flood.octets) <= REPLY_LIMIT
    assert "longer than" in flood.reason
    assert parser.feed(b"220 next\r\n") == Reply(220, None, ("next",))


@given(st.binary(max_size=200))
def test_any_octets_are_a_reply_or_refused_with_a_reason(data: bytes) -> None:
    found = parse_reply(data)
    if isinstance(found, Malformed):
        assert found.octets == data
        assert found.reason
        assert found.rule.ref.startswith("RFC ")
    else:
        assert 200 <= found.code <= 599
        assert 2 <= found.severity <= 5
        assert len(found.lines) == data.count(b"\n") + (not data.endswith(b"\n"))


@given(st.lists(server_lines(), max_size=12))
def test_the_parser_takes_each_line_once(lines: list[bytes]) -> None:
    """Between the replies that come out, no line is lost and none is used twice."""
    parser = ReplyParser()
    used = 0
    open_lines = 0
    for line in lines:
        open_lines += 1
        found = parser.feed(line)
        assert parser.pending is (found is None)
        if found is not None:
            if isinstance(found, Malformed):
                assert found.octets == b"".join(lines[used : used + open_lines])
            else:
                assert len(found.lines) == open_lines
            used += open_lines
            open_lines = 0
    assert used + open_lines == len(lines)
