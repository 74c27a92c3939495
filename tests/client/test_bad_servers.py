"""Servers that are slow, rude or no mail servers at all: no hang, the right error, and no reply in the
wrong place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from labkit.client import (
    BadReply,
    Client,
    ConnectionLost,
    DeadlinePassed,
    NotConnected,
    ReplyOverdue,
    TLSFailed,
)

Talk = Callable[..., None]
Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter


def polite(*replies: bytes, greeting: bytes = b"220 bad.example\r\n", then: str = "stay") -> Any:
    """A server that answers each line with the next of these replies, then stays silent, closes or resets."""

    async def behave(reader: Reader, writer: Writer) -> None:
        writer.write(greeting)
        for reply in replies:
            await reader.readline()
            writer.write(reply)
        if then == "stay":
            await asyncio.sleep(60)
        await reader.readline()
        if then == "reset":
            writer.transport.abort()
        writer.close()

    return behave


def test_no_greeting_in_time_and_then_it_comes(talk: Talk) -> None:
    async def behave(reader: Reader, writer: Writer) -> None:
        await asyncio.sleep(1.5)
        writer.write(b"220 late\r\n")
        await reader.readline()
        writer.write(b"250 hello\r\n")
        await asyncio.sleep(60)

    async def use(client: Client) -> None:
        with pytest.raises(DeadlinePassed, match="greeting"):
            await client.connect(deadline=0.5)
        assert client.owed == 1
        with pytest.raises(ReplyOverdue, match=r"Not sent.*EHLO.*greeting") as caught:
            await client.send_line("EHLO a.example", deadline=0.1)
        assert caught.value.line == 0
        assert len(client.transcript) == 0
        reply = await client.send_line("EHLO a.example")
        assert reply is not None
        assert reply.text == "hello"
        assert [r.code for r in client.replies] == [220, 250]  # type: ignore[union-attr]

    talk(behave, use)


@pytest.mark.parametrize("then", ["close", "reset"])
@pytest.mark.parametrize("stage", range(7))
def test_dropped_at_every_stage(talk: Talk, stage: int, then: str) -> None:
    """Before the greeting; at EHLO, MAIL, RCPT, DATA, the dot, QUIT."""
    lines = [
        "EHLO a.example",
        "MAIL FROM:<a@a.example>",
        "RCPT TO:<b@b.example>",
        "DATA",
        "text\r\n.",
        "QUIT",
    ]
    replies = [b"250 ok\r\n"] * 3 + [b"354 go\r\n", b"", b"250 ok\r\n", b"221 bye\r\n"]

    async def drop_at_once(_reader: Reader, writer: Writer) -> None:
        writer.transport.abort() if then == "reset" else writer.close()

    async def use(client: Client) -> None:
        if stage == 0:
            with pytest.raises(ConnectionLost, match="before it answered your connection"):
                await client.connect()
        else:
            await client.connect()
            for line in lines[: stage - 1]:
                await client.send_line(line)
            with pytest.raises(ConnectionLost, match=r"line \d+") as caught:
                await client.send_line(lines[stage - 1])
            assert "451" in str(caught.value)
        assert client.closed
        assert client.owed == 0
        with pytest.raises(ConnectionLost, match="connect"):
            await client.send_line("NOOP")
        with pytest.raises(ConnectionLost):
            await client.receive()

    replies = replies[: stage - 1 + (stage >= 5)] if stage else []
    if stage == 5:  # the text is two lines, and only the dot is answered
        replies = [*replies[:4], b""]
    talk(drop_at_once if stage == 0 else polite(*replies, then=then), use)


def test_half_a_reply_then_the_rest(talk: Talk) -> None:
    async def behave(reader: Reader, writer: Writer) -> None:
        writer.write(b"220 hi\r\n")
        await reader.readline()
        writer.write(b"250-one\r\n250")
        await asyncio.sleep(0.5)
        writer.write(b" two\r\n")
        await reader.readline()
        writer.write(b"250 three\r\n")
        await asyncio.sleep(60)

    async def use(client: Client) -> None:
        await client.connect()
        with pytest.raises(DeadlinePassed, match="line 2"):
            await client.send_line("EHLO a.example", deadline=0.1)
        reply = await client.send_line("NOOP")
        assert reply is not None
        assert reply.text == "three"
        assert [r.text for r in client.replies] == ["hi", "one\ntwo", "three"]  # type: ignore[union-attr]

    talk(behave, use)


def test_half_a_reply_then_gone(talk: Talk) -> None:
    async def behave(reader: Reader, writer: Writer) -> None:
        writer.write(b"220 hi\r\n")
        await reader.readline()
        writer.write(b"250-one\r\n25")
        writer.close()

    async def use(client: Client) -> None:
        await client.connect()
        with pytest.raises(ConnectionLost, match="EHLO"):
            await client.send_line("EHLO a.example")
        assert b"25" in [event.data for event in client.transcript]

    talk(behave, use)


def test_a_reply_octet_by_octet(talk: Talk) -> None:
    async def behave(reader: Reader, writer: Writer) -> None:
        for octet in b"220 hi\r\n":
            writer.write(bytes([octet]))
            await asyncio.sleep(0)
        await reader.readline()
        for octet in b"250-a\r\n250 b\r\n":
            writer.write(bytes([octet]))
            await writer.drain()
            await asyncio.sleep(0.002)
        await asyncio.sleep(60)

    async def use(client: Client) -> None:
        await client.connect()
        reply = await client.send_line("EHLO a.example")
        assert reply is not None
        assert reply.lines == ("a", "b")

    talk(behave, use)


GARBAGE = [
    b"hello\r\n",
    b"\xff\xfe\xfd\r\n",
    b"HTTP/1.1 400 Bad Request\r\n",
    b"25 too short\r\n",
    b"2500 too long\r\n",
    b"999 no such class\r\n",
    b"\r\n",
    b"\x00\x00\n",
    b"250-one\r\n251 another\r\n",
    b"x" * 200_000 + b"\r\n",
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda octets: repr(octets[:20]))
def test_garbage_for_a_reply(talk: Talk, garbage: bytes) -> None:
    async def use(client: Client) -> None:
        await client.connect()
        with pytest.raises(BadReply, match="no SMTP reply") as caught:
            await client.send_line("NOOP")
        assert len(str(caught.value)) < 1000
        assert not client.closed  # the client never closes because of an error
        reply = await client.send_line("NOOP")
        assert reply is not None
        assert reply.code == 250

    talk(polite(garbage, b"250 ok\r\n"), use)


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda octets: repr(octets[:20]))
def test_garbage_for_a_greeting(talk: Talk, garbage: bytes) -> None:
    async def use(client: Client) -> None:
        with pytest.raises(BadReply):
            await client.connect()
        assert not client.closed

    talk(polite(greeting=garbage), use)


def test_a_flood_without_a_line_end(talk: Talk) -> None:
    async def behave(_reader: Reader, writer: Writer) -> None:
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()
            await asyncio.sleep(0.001)

    async def use(client: Client) -> None:
        with pytest.raises(DeadlinePassed):
            await client.connect(deadline=0.2)

    talk(behave, use)


def test_late_replies_never_shift(talk: Talk) -> None:
    """Every reply comes after the deadline of its command; each command gets its own one all the same."""

    async def behave(reader: Reader, writer: Writer) -> None:
        writer.write(b"220 hi\r\n")
        while line := await reader.readline():
            await asyncio.sleep(0.08)
            writer.write(b"250 " + line.split()[1] + b"\r\n")

    async def use(client: Client) -> None:
        await client.connect()
        passed = 0
        for number in range(10):
            late = number % 2 == 0
            try:
                reply = await client.send_line(f"NOOP {number}", deadline=0.03 if late else 20)
            except DeadlinePassed:
                assert late
                passed += 1
            else:
                assert reply is not None
                assert reply.text == str(number)
        assert passed > 0
        assert [r.text for r in client.replies[1:]] == [str(n) for n in range(10)]  # type: ignore[union-attr]

    talk(behave, use)


def test_overdue_names_the_line_and_sends_nothing(talk: Talk) -> None:
    async def use(client: Client) -> None:
        await client.connect()
        with pytest.raises(DeadlinePassed, match=r"line 2, “NOOP 1”"):
            await client.send_line("NOOP 1", deadline=0.1)
        before = client.transcript
        with pytest.raises(ReplyOverdue, match=r"Not sent: “NOOP 2”.*line 2, “NOOP 1”") as caught:
            await client.send_line("NOOP 2", deadline=0.1)
        assert caught.value.line == 2
        assert client.transcript == before
        assert "line 2" in client.waiting_for

    talk(polite(), use)


def test_several_at_once_wait_for_their_turn(talk: Talk) -> None:
    async def behave(reader: Reader, writer: Writer) -> None:
        writer.write(b"220 hi\r\n")
        while line := await reader.readline():
            await asyncio.sleep(0.01)
            writer.write(b"250 " + line.split()[1] + b"\r\n")

    async def use(client: Client) -> None:
        await client.connect()
        replies = await asyncio.gather(*(client.send_line(f"NOOP {n}") for n in range(8)))
        assert [reply.text for reply in replies if reply] == [str(n) for n in range(8)]

    talk(behave, use)


def test_a_cancelled_step_keeps_its_reply(talk: Talk) -> None:
    async def behave(reader: Reader, writer: Writer) -> None:
        writer.write(b"220 hi\r\n")
        while line := await reader.readline():
            await asyncio.sleep(0.05)
            writer.write(b"250 " + line.split()[1] + b"\r\n")

    async def use(client: Client) -> None:
        await client.connect()
        step = asyncio.ensure_future(client.send_line("NOOP 1"))
        await asyncio.sleep(0.02)
        step.cancel()
        reply = await client.send_line("NOOP 2")
        assert reply is not None
        assert reply.text == "2"
        assert [r.text for r in client.replies] == ["hi", "1", "2"]  # type: ignore[union-attr]

    talk(behave, use)


def test_a_421_nobody_asked_for(talk: Talk) -> None:
    async def behave(reader: Reader, writer: Writer) -> None:
        writer.write(b"220 hi\r\n")
        await reader.readline()
        writer.write(b"250 ok\r\n")
        await asyncio.sleep(0.05)
        writer.write(b"421 4.4.2 too slow\r\n")
        writer.close()

    async def use(client: Client) -> None:
        await client.connect()
        await client.send_line("EHLO a.example")
        reply = await client.receive()
        assert reply.code == 421
        assert [r.code for r in client.unsolicited] == [421]  # type: ignore[union-attr]
        with pytest.raises(ConnectionLost, match=r"421 4\.4\.2 too slow"):
            await client.send_line("MAIL FROM:<a@a.example>")

    talk(behave, use)


def test_one_reply_too_many_is_not_taken_for_the_next(talk: Talk) -> None:
    async def use(client: Client) -> None:
        await client.connect()
        await client.send_line("NOOP")
        await asyncio.sleep(0.05)
        reply = await client.send_line("NOOP")
        assert reply is not None
        assert reply.text == "second"
        assert [r.text for r in client.unsolicited] == ["extra"]  # type: ignore[union-attr]

    talk(polite(b"250 first\r\n250 extra\r\n", b"250 second\r\n"), use)


def test_pipelined_replies_come_back_one_by_one(talk: Talk) -> None:
    async def use(client: Client) -> None:
        await client.connect()
        reply = await client.send(b"EHLO a.example\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\n")
        assert reply is not None
        assert reply.text == "three"
        assert [r.text for r in client.replies] == ["bad.example", "one", "two", "three"]  # type: ignore[union-attr]

    talk(polite(b"250 one\r\n", b"250 two\r\n", b"250 three\r\n"), use)


def test_pipelined_and_only_half_answered(talk: Talk) -> None:
    async def use(client: Client) -> None:
        await client.connect()
        with pytest.raises(ConnectionLost, match="line 4"):
            await client.send(b"EHLO a.example\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\n")
        assert len(client.replies) == 3

    talk(polite(b"250 one\r\n", b"250 two\r\n", then="close"), use)


def test_a_server_that_reads_nothing(talk: Talk) -> None:
    """So much text that the connection is full: the deadline holds, and the octets are still on their way."""

    async def behave(reader: Reader, writer: Writer) -> None:
        writer.write(b"220 hi\r\n")
        for reply in (b"250 ok\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"):
            await reader.readline()
            writer.write(reply)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(1)
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        await reader.readuntil(b"\r\n.\r\n")
        writer.write(b"250 got it\r\n")
        await asyncio.sleep(60)

    async def use(client: Client) -> None:
        await client.connect()
        for line in ("EHLO a.example", "MAIL FROM:<a@a.example>", "RCPT TO:<b@b.example>", "DATA"):
            await client.send_line(line)
        with pytest.raises(DeadlinePassed, match=r"“\.”"):
            await client.send(b"y" * 2**16 + b"\r\n.\r\n", deadline=0.2)
        reply = await client.receive()
        assert reply.text == "got it"

    talk(behave, use)


async def _speak_tls_badly(reader: Reader, writer: Writer, how: str) -> None:
    writer.write(b"220 hi\r\n")
    await reader.readline()
    writer.write(b"250 STARTTLS\r\n")
    await reader.readline()
    writer.write(b"220 go\r\n")
    await reader.read(10)
    if how == "garbage":
        writer.write(b"250 this is no TLS\r\n" * 10)
    elif how == "close":
        writer.close()
    await asyncio.sleep(60)


@pytest.mark.parametrize("how", ["garbage", "close", "silence"])
def test_tls_that_fails(talk: Talk, how: str) -> None:
    async def use(client: Client) -> None:
        await client.connect()
        await client.send_line("EHLO a.example")
        await client.send_line("STARTTLS")
        with pytest.raises(TLSFailed, match="handshake"):
            await client.start_tls(deadline=0.2 if how == "silence" else 20)
        await asyncio.sleep(0.05)
        assert client.closed
        assert not client.encrypted
        with pytest.raises((ConnectionLost, NotConnected)):
            await client.send_line("EHLO a.example")

    talk(lambda reader, writer: _speak_tls_badly(reader, writer, how), use)
