"""The dot rule both ways for any octets, and a clock that stands still."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from labkit.clock import DEFAULT_START, VirtualClock
from labkit.message import END_OF_TEXT, canonical_lines, data_octets, stuff_dots, unstuff_dots
from labkit.world import AsyncWorld, receiver

OCTETS = st.binary(max_size=300) | st.lists(
    st.sampled_from([b".", b"..", b"\r\n", b"\n", b"\r", b"a", b"\xff"]), max_size=40
).map(b"".join)


@given(OCTETS)
@example(b".\r\n..\r\n.a\r\n\r\n.")
@example(b"a\n.\r\n")
def test_stuffing_and_unstuffing_cancel_out(octets: bytes) -> None:
    stuffed = stuff_dots(octets)
    assert unstuff_dots(stuffed) == octets
    assert not stuffed.startswith(END_OF_TEXT)
    assert b"\r\n" + END_OF_TEXT not in stuffed


@given(OCTETS)
def test_canonical_lines(octets: bytes) -> None:
    lines = canonical_lines(octets)
    assert lines == canonical_lines(lines)
    assert lines.endswith(b"\r\n") or not lines
    rest = lines.replace(b"\r\n", b"")
    assert b"\r" not in rest
    assert b"\n" not in rest
    assert rest == octets.replace(b"\r", b"").replace(b"\n", b"")


@given(OCTETS)
@example(b"")
@example(b".")
def test_what_is_sent_arrives(octets: bytes) -> None:
    """Through the real server: the text ends where it should, and what is stored is the text."""

    async def run() -> bytes:
        async with AsyncWorld(receiver(), transport="memory") as world:
            transcript = await world.play(
                [
                    "EHLO a.example",
                    "MAIL FROM:<>",
                    "RCPT TO:<bob@receiver.example>",
                    "DATA",
                    data_octets(octets),
                    "QUIT",
                ]
            )
            assert [e.data[:3] for e in transcript if e.sender == "S"][-3:] == [b"250", b"221", b""]
            return world.mailbox("bob@receiver.example")[0].as_received

    assert asyncio.run(run()) == canonical_lines(octets)


def test_text_is_sent_as_utf8() -> None:
    assert data_octets("Käse\n.") == "Käse\r\n..\r\n.\r\n".encode()


def test_the_clock() -> None:
    clock = VirtualClock()
    assert clock.now() == 0.0
    assert clock.datetime() == clock.start == DEFAULT_START
    assert repr(clock) == "<clock at 2026-01-05 09:00:00 UTC>"
    elsewhere = VirtualClock(datetime(2026, 1, 5, 10, 0, tzinfo=timezone(timedelta(hours=1))))
    assert elsewhere.datetime() == DEFAULT_START
    assert elsewhere.datetime().tzinfo is UTC
    with pytest.raises(ValueError, match="time zone"):
        VirtualClock(datetime(2026, 1, 5))
