"""Cases of people who meet SMTP at work: what happened to them must happen here, and end as the rule says."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

from labkit.client import ConnectionLost
from labkit.explainers.line import explain_line
from labkit.hosts.tls import client_context
from labkit.message import data_octets, stuff_dots, unstuff_dots
from labkit.smtp import observe
from labkit.smtp.reply import Reply
from labkit.smtp.transcript import Transcript
from labkit.world import AsyncWorld, receiver
from labkit.world.chain import chain

HELLO = "EHLO client.example.net"
MAIL = "MAIL FROM:<a@example.com>"
BOB = "RCPT TO:<bob@receiver.example>"


def play(*lines: str | bytes, **spec: Any) -> tuple[AsyncWorld, Transcript]:
    async def run() -> tuple[AsyncWorld, Transcript]:
        async with AsyncWorld(receiver(**spec)) as world:
            transcript = await world.play(lines, deadline=5)
            assert world.host().errors == []
            return world, transcript

    return asyncio.run(run())


def replies(transcript: Transcript) -> list[str]:
    said = [event.data.decode().strip() for event in transcript if event.sender == "S" and event.data]
    return [line for line in said if line[3:4] != "-"]


@pytest.mark.parametrize("bare_lf", ["strict", "refuse"])
@pytest.mark.parametrize("ending", [b"\n.\r\n", b"\n.\n", b"\r.\r", b"\r\n.\n"])
def test_smtp_01_smuggling(ending: bytes, bare_lf: str) -> None:
    """Only CR LF . CR LF ends the text (RFC 5321 sections 2.3.8 and 4.1.1.4); then comes the one reply."""
    smuggled = (
        b"Subject: one\r\n\r\nfirst" + ending
        + b"MAIL FROM:<evil@example.net>\r\nRCPT TO:<carol@receiver.example>\r\nDATA\r\n"
        + b"Subject: two\r\n\r\nsecond\r\n.\r\n"
    )  # fmt: skip
    world, transcript = play(HELLO, MAIL, BOB, "DATA", smuggled, "QUIT", bare_lf=bare_lf)
    refused = bare_lf == "refuse" and b"\n" in ending
    last = "550" if refused else "250"
    assert [line[:3] for line in replies(transcript)] == ["220", "250", "250", "250", "354", last, "221"]
    commands = [note.octets for note in observe(transcript) if note.role == "command"]
    assert [octets[:4] for octets in commands] == [b"EHLO", b"MAIL", b"RCPT", b"DATA", b"QUIT"]
    assert len(world.mailbox("carol@receiver.example")) == 0
    if refused:
        assert len(world.mailbox("bob@receiver.example")) == 0
        return
    (message,) = world.mailbox("bob@receiver.example")
    assert b"MAIL FROM:<evil@example.net>" in message.as_received


def test_smtp_03_dots() -> None:
    """The server takes one dot away (RFC 5321 section 4.5.2), and the client has put it there."""
    wire = b"see https://www.example\r\n..com/a?k=1\r\n...\r\n.\r\n"
    stored = b"see https://www.example\r\n.com/a?k=1\r\n..\r\n"
    world, _ = play(HELLO, MAIL, BOB, "DATA", wire)
    assert world.mailbox("bob@receiver.example")[0].as_received == stored
    assert stuff_dots(stored) + b".\r\n" == wire
    assert unstuff_dots(wire.removesuffix(b".\r\n")) == stored


def test_smtp_05_commands_behind_starttls() -> None:
    """What was sent before the handshake is not run after it (RFC 3207 section 4.2, CVE-2011-0411)."""

    async def run() -> tuple[list[bytes], bytes, Transcript]:
        async with AsyncWorld(receiver()) as world:
            address = world.network.address(world.host().name, 25)
            assert address is not None
            reader, writer = await asyncio.open_connection(*address)
            await reader.readuntil(b"\n")
            writer.write(b"EHLO a.example\r\n")
            while (await reader.readuntil(b"\n"))[3:4] == b"-":
                pass
            writer.write(b"STARTTLS\r\nMAIL FROM:<evil@example.net>\r\n")
            assert (await reader.readuntil(b"\n")).startswith(b"220")
            after: list[bytes] = []
            try:
                await writer.start_tls(client_context(), server_hostname=world.host().name)
                with pytest.raises(TimeoutError):
                    after.append(await asyncio.wait_for(reader.readuntil(b"\n"), 0.2))
                writer.write(b"MAIL FROM:<a@example.com>\r\n")
                next_reply = await asyncio.wait_for(reader.readuntil(b"\n"), 5)
            finally:
                writer.transport.abort()
            await world.host().sessions[0].ended()
            return after, next_reply, world.host().sessions[0].transcript

    after, next_reply, _ = asyncio.run(run())
    assert after == []
    assert next_reply.startswith(b"503")  # EHLO comes first again


def test_smtp_07_base64_with_the_line_end_inside() -> None:
    """A wrong password is answered 535, never with silence (RFC 4954 section 6)."""
    spec = {"auth": {"alice": "secret"}, "auth_before_tls": True}
    _, wrong = play(HELLO, "AUTH LOGIN", "YWxpY2UK", "c2VjcmV0Cg==", "NOOP", **spec)
    assert [line[:9] for line in replies(wrong)[2:]] == ["334 VXNlc", "334 UGFzc", "535 5.7.8", "250 2.0.0"]
    assert [base64.b64decode(text) for text in ("YWxpY2UK", "c2VjcmV0Cg==")] == [b"alice\n", b"secret\n"]
    _, right = play(HELLO, "AUTH LOGIN", "YWxpY2U=", "c2VjcmV0", **spec)
    assert replies(right)[-1].startswith("235 2.7.0")


@pytest.mark.parametrize(
    ("name", "form", "codes"),
    [
        ("localhost", "without a dot", {"504 5.5.2"}),
        ("laptop", "without a dot", {"504 5.5.2"}),
        # by the grammar it is a domain name: policy decides
        ("192.0.2.10", "without its brackets", {"504 5.5.2", "250 2.1.5"}),
        ("[192.0.2.10]", "address literal", {"250 2.1.5"}),
        ("[IPv6:2001:db8::1]", "address literal", {"250 2.1.5"}),
        ("client.example.net", "full name", {"250 2.1.5"}),
    ],
)
def test_smtp_09_names_in_ehlo(name: str, form: str, codes: set[str]) -> None:
    """A site may refuse a bare name; the refusal shows up at RCPT (RFC 5321 sections 2.3.5, 4.1.3, 4.1.4)."""
    _, transcript = play(f"EHLO {name}", MAIL, BOB, refuse_bare_names=True)
    ehlo = next(event.seq for event in transcript if event.data.startswith(b"EHLO"))
    explanation = explain_line(observe(transcript), ehlo)
    assert form in " ".join(text for part in explanation.parts for text in part)
    assert replies(transcript)[1].startswith("250")
    assert replies(transcript)[-1][:9] in codes


def test_smtp_11_pipelined_without_a_recipient() -> None:
    """DATA has an answer of its own, and the client reads all three (RFC 2920 section 3.1)."""

    async def run() -> list[int]:
        async with AsyncWorld(receiver()) as world:
            client = world.client()
            await client.connect()
            await client.send_line(HELLO)
            before = len(client.replies)
            await client.send(f"{MAIL}\r\nRCPT TO:<gone@receiver.example>\r\nDATA\r\n".encode())
            heard = client.replies[before:]
            await client.close()
            return [reply.code for reply in heard]

    assert asyncio.run(run()) == [250, 550, 554]


def test_smtp_13_idle_for_too_long() -> None:
    """421 and the end; a client that notices late acts as if it had got 451 (RFC 5321 section 3.8)."""

    async def run() -> Reply:
        async with AsyncWorld(receiver(timeout=0.5)) as world:
            client = world.client()
            await client.connect()
            await client.send_line(HELLO)
            reply = await client.receive(5)
            with pytest.raises(ConnectionLost):
                await client.send_line("RSET")
            client.hang_up()
            again = world.client()
            assert (await again.connect()).code == 220
            await again.close()
            return reply

    reply = asyncio.run(run())
    assert (reply.code, reply.enhanced_code, reply.severity) == (421, "4.4.2", 4)


def test_smtp_13_a_queue_keeps_what_got_421() -> None:
    async def run() -> tuple[int, int, int]:
        async with AsyncWorld(chain(), transport="memory") as world:
            for name in ("mx1.receiver.example", "mx2.receiver.example"):
                world.host(name).switch_on("shutting_down", stage="MAIL")
            await world.submit("x", sender="alice@sender.example", recipients=["bob@receiver.example"])
            await world.settle()
            queued = len(world.host("relay.sender.example").queue.items)
            for name in ("mx1.receiver.example", "mx2.receiver.example"):
                world.host(name).switch_off("shutting_down")
            await world.clock.advance(hours=1)
            await world.settle()
            return (
                queued,
                len(world.mailbox("bob@receiver.example")),
                len(world.mailbox("alice@sender.example")),
            )

    assert asyncio.run(run()) == (1, 1, 0)  # kept, delivered, no bounce


def test_smtp_15_lines_that_end_in_lf() -> None:
    """The client owes CR LF (RFC 5321 section 2.3.8): what is handed in with LF goes out with CR LF."""
    message = b"Subject: x\n\nline one\nline two\n"
    wire = b"Subject: x\r\n\r\nline one\r\nline two\r\n.\r\n"
    assert data_octets(message) == wire

    async def run() -> bytes:
        async with AsyncWorld(chain(), transport="memory") as world:
            await world.submit(
                message, sender="a@sender.example", recipients=["bob@receiver.example"], exact=True
            )
            transcript = world.host("submit.sender.example").sessions[0].transcript
            return b"".join(event.data for event in transcript if event.sender == "C")

    assert wire in asyncio.run(run())


@pytest.mark.parametrize(
    ("bare_lf", "code", "kept"), [("strict", "250 2.0.0", 1), ("refuse", "550 5.5.2", 0)]
)
def test_smtp_15_sent_as_it_is(bare_lf: str, code: str, kept: int) -> None:
    """A bare LF ends no line: a server takes it as part of the text, or refuses the text, as it chooses."""
    text = b"Subject: x\n\nline one\nline two\r\n.\r\n"
    world, transcript = play(HELLO, MAIL, BOB, "DATA", text, bare_lf=bare_lf)
    assert replies(transcript)[-1].startswith(code)
    assert len(world.mailbox("bob@receiver.example")) == kept
