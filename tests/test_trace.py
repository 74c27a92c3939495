"""Reading the way of a message from its header."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from labkit.hosts.mailbox import trace_fields
from labkit.trace import received_chain
from labkit.world import AsyncWorld, receiver

HOSTS = ("submit.sender.example", "relay.sender.example", "mx1.receiver.example")


def field(by: str, helo: str, seconds: int, **more: str) -> bytes:
    return trace_fields(
        by=by,
        helo=helo,
        address=more.get("address", "192.0.2.10"),
        protocol=more.get("protocol", "ESMTP"),
        queue_id="ABC",
        recipients=("bob@receiver.example",),
        date=datetime(2026, 1, 5, 9, 0, seconds, tzinfo=UTC),
    )


CHAIN = (
    b"Return-Path: <alice@sender.example>\r\n"
    + field("mx1.receiver.example", "relay.sender.example", 30)
    + field("relay.sender.example", "submit.sender.example", 10)
    + field("submit.sender.example", "alice-laptop", 9, protocol="ESMTPSA")
    + b"From: alice@sender.example\r\n\r\nReceived: from body by body; x\r\n"
)


def test_the_first_hop_comes_first() -> None:
    first, second, third = received_chain(CHAIN, HOSTS)
    assert [hop.by for hop in (first, second, third)] == list(HOSTS)
    assert (first.from_, first.address, first.with_) == ("alice-laptop", "192.0.2.10", "ESMTPSA")
    assert (first.id, first.for_) == ("ABC", "bob@receiver.example")
    assert [hop.delay for hop in (first, second, third)] == [None, 1.0, 20.0]
    assert [hop.line for hop in (first, second, third)] == [10, 6, 2]
    assert not [hop.problems for hop in (first, second, third) if hop.problems]


def test_what_other_programs_write() -> None:
    message = (
        b"Received: from mail-a.example.net (mail-a.example.net. [IPv6:2001:db8::5])\r\n"
        b"        by mx.example.org (Postfix (Debian)) with ESMTPS id 4F1-x\r\n"
        b"        for <carol@example.org>\r\n"
        b"        (version=TLS1_3 cipher=TLS_AES_256_GCM_SHA384 bits=256/256);\r\n"
        b"        Mon, 05 Jan 2026 01:00:07 -0800 (PST)\r\n"
        b"received: by mail-a.example.net with SMTP id 7so1; Mon, 5 Jan 2026 09:00:01 -0000\r\n\r\n"
    )
    first, second = received_chain(message)
    assert (first.from_, first.by, first.with_, first.id) == ("", "mail-a.example.net", "SMTP", "7so1")
    assert (second.from_, second.address) == ("mail-a.example.net", "2001:db8::5")
    assert (second.by, second.with_, second.id) == ("mx.example.org", "ESMTPS", "4F1-x")
    assert (second.for_, second.delay) == ("carol@example.org", 6.0)
    assert first.problems == second.problems == ()


def test_a_forged_hop() -> None:
    forged = field("mx.bank.example", "branch.bank.example", 1) + b"From: a@bank.example\r\n\r\n"
    honest = field("mx1.receiver.example", "spam.other.example", 5)
    first, second = received_chain(honest + forged, HOSTS)
    assert first.problems == (
        "mx.bank.example is no host that is known here: anybody can have written this line.",
    )
    assert second.problems == (
        "It came from spam.other.example, but the line below was written by mx.bank.example.",
    )


def test_a_clock_that_is_wrong() -> None:
    first, second = received_chain(
        field("relay.sender.example", "submit.sender.example", 5)
        + field("submit.sender.example", "laptop", 50)
        + b"\r\n",
        HOSTS,
    )
    assert first.problems == ()
    assert second.delay == -45.0
    assert second.problems == (
        "Its time is 45 s before the hop below: a clock is wrong, or a line is made up.",
    )


def test_fields_with_parts_missing() -> None:
    (hop,) = received_chain(b"Received: nothing of use\r\n\r\n")
    assert hop.problems == ("It has no date that can be read.", "It does not say which host wrote it.")
    (hop,) = received_chain(b"Received: by a.example; yesterday\r\n\r\n")
    assert (hop.by, hop.date) == ("a.example", None)
    assert received_chain(b"Subject: x\r\n\r\n") == received_chain(b"") == ()


def test_a_message_that_was_really_sent() -> None:
    async def run() -> bytes:
        async with AsyncWorld(receiver(), transport="memory") as world:
            await world.play(
                ["EHLO client.sender.example", "MAIL FROM:<a@a.example>", "RCPT TO:<bob@receiver.example>",
                 "DATA", "Subject: x", "", "text", "."]
            )  # fmt: skip
            return world.mailbox("bob@receiver.example")[0].raw

    (hop,) = received_chain(asyncio.run(run()), ["MAIL.receiver.example"])
    assert (hop.from_, hop.by, hop.with_) == ("client.sender.example", "mail.receiver.example", "ESMTP")
    assert hop.date == datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
    assert hop.problems == ()


@given(st.binary())
def test_no_octets_raise(octets: bytes) -> None:
    received_chain(b"Received:" + octets, HOSTS)
    received_chain(b"Received: from a by b; " + octets, HOSTS)


@given(st.text(alphabet='()[]<>; fromby0123456789,:+-JanMo\\"\r\n\t', max_size=80))
def test_no_words_raise(text: str) -> None:
    received_chain(b"Received: by a; Mon, 05 Jan 2026 09:00:00 +0000\r\nReceived:" + text.encode(), HOSTS)
