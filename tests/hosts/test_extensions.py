"""Extensions that aiosmtpd lacks: CHUNKING, DSN parameters, LIMITS; and the choice about bare LF."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any, Literal

import pytest

from labkit.hosts.mail_host import HostSpec, MailHost
from labkit.hosts.policy import LabEnvelope
from labkit.smtp.session import observe
from labkit.smtp.transcript import Transcript
from labkit.world import AsyncWorld, receiver

HELLO = "EHLO client.sender.example"
MAIL = "MAIL FROM:<alice@sender.example>"
RCPT = "RCPT TO:<bob@receiver.example>"
ALL = ("PIPELINING", "SIZE", "8BITMIME", "ENHANCEDSTATUSCODES", "CHUNKING", "BINARYMIME", "DSN", "SMTPUTF8")
TRANSPORTS: tuple[Literal["memory", "loopback"], ...] = ("memory", "loopback")


def play(
    spec: HostSpec, *lines: str | bytes, transport: Literal["memory", "loopback"] = "memory"
) -> tuple[list[str], list[bytes], Transcript]:
    """The replies behind the greeting, what Bob got, and the session."""

    async def run() -> tuple[list[str], list[bytes], Transcript]:
        async with AsyncWorld(spec, transport=transport) as world:
            transcript = await world.play(lines)
            texts = [message.as_received for message in world.mailbox("bob@receiver.example")]
            assert all(note.agrees for note in observe(transcript)), transcript.to_text()
            said = [
                event.data.decode().rstrip("\r\n")
                for event in transcript
                if event.sender == "S" and event.data
            ]
            return [line for line in said[1:] if line[3] == " "], texts, transcript

    return asyncio.run(run())


def chunks(*parts: bytes, last: bool = True) -> list[bytes]:
    lines = [f"BDAT {len(part)}".encode() + b"\r\n" + part for part in parts]
    if last:
        lines[-1] = lines[-1].replace(b"\r\n", b" LAST\r\n", 1)
    return lines


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_message_in_chunks(transport: Literal["memory", "loopback"]) -> None:
    """RFC 3030: octets are counted, so dots and bare line feeds pass as they are."""
    parts = (b"Subject: x\r\n\r\n.\r\n", b"..\n.\nQUIT\r", b"\n" + b"\x00" * 70000)
    replies, texts, _ = play(
        receiver(ehlo=ALL),
        HELLO,
        MAIL + " BODY=BINARYMIME",
        RCPT,
        *chunks(*parts),
        "NOOP",
        transport=transport,
    )
    assert replies[3:5] == ["250 2.0.0 17 octets received", "250 2.0.0 10 octets received"]
    assert replies[5].startswith("250 2.0.0 OK: queued as")
    assert replies[6] == "250 2.0.0 OK"
    assert texts == [b"".join(parts)]


def test_chunks_pipelined_with_everything_before_them() -> None:
    lines = b"".join(f"{line}\r\n".encode() for line in (MAIL, RCPT)) + b"".join(chunks(b"a\r\n", b"b\r\n"))
    replies, texts, _ = play(receiver(ehlo=ALL), HELLO, lines + b"BDAT 0 LAST\r\nNOOP\r\n")
    assert texts == [b"a\r\nb\r\n"]
    assert [reply[:3] for reply in replies[1:]] == ["250", "250", "250", "250", "503", "250"]


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([*chunks(b"QUIT\r\n")], "503 5.5.1"),
        ([MAIL, *chunks(b"QUIT\r\n")], "503 5.5.1"),
        ([MAIL, "RCPT TO:<no@receiver.example>", *chunks(b"QUIT\r\n")], "554 5.5.1"),
        ([MAIL, RCPT, "BDAT"], "501 5.5.4"),
        ([MAIL, RCPT, "BDAT x LAST"], "501 5.5.4"),
        ([MAIL, RCPT, "BDAT 5 FIRST"], "501 5.5.4"),
        ([MAIL, RCPT, *chunks(b"a" * 3000)], "552 5.3.4"),
        ([MAIL, RCPT, *chunks(b"y" * 1500 + b"\r\n")], "554 5.5.2"),
        ([MAIL, RCPT, *chunks(b"a", last=False), "DATA"], "503 5.5.1"),
        ([MAIL, RCPT, *chunks(b"a", last=False), RCPT], "503 5.5.1"),
    ],
)
def test_what_is_refused_about_chunks_and_their_octets_are_read(lines: list[str | bytes], code: str) -> None:
    replies, texts, _ = play(receiver(ehlo=ALL, size_limit=2000), HELLO, *lines, "NOOP", "RSET")
    assert replies[-3].startswith(code)
    assert replies[-2:] == ["250 2.0.0 OK", "250 2.0.0 OK"]
    assert texts == []


def test_binary_text_needs_bdat() -> None:
    """RFC 3030 section 3."""

    async def run() -> int:
        async with AsyncWorld(receiver(ehlo=ALL), transport="memory") as world:
            client = world.client()
            await client.connect()
            for line in (HELLO, MAIL + " BODY=BINARYMIME", RCPT):
                await client.send_line(line)
            reply = await client.send_line("DATA")
            assert reply is not None
            return reply.code

    assert asyncio.run(run()) == 503


def test_a_refused_chunk_spoils_the_message_until_rset() -> None:
    replies, texts, _ = play(
        receiver(ehlo=ALL, size_limit=100), HELLO, MAIL, RCPT, *chunks(b"a" * 60, b"b" * 60, last=False),
        *chunks(b"c\r\n"), "RSET", MAIL, RCPT, *chunks(b"d\r\n"),
    )  # fmt: skip
    assert [reply[:3] for reply in replies] == ["250", "250", "250", "250", "552", "503", *["250"] * 4]
    assert texts == [b"d\r\n"]


def test_a_client_that_goes_away_inside_a_chunk_leaves_nothing() -> None:
    _, texts, _ = play(receiver(ehlo=ALL), HELLO, MAIL, RCPT, b"BDAT 100 LAST\r\nabc")
    assert texts == []


def test_without_chunking_bdat_is_not_there() -> None:
    assert play(receiver(), HELLO, "BDAT 5")[0][-1] == "502 5.5.1 Command not implemented"
    assert "BDAT" not in play(receiver(), HELLO, "HELP")[0][-1]
    assert "BDAT" in play(receiver(ehlo=ALL), HELLO, "HELP")[0][-1]


def test_dsn_parameters_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 3461: RET and ENVID of the message, NOTIFY and ORCPT of each recipient that was accepted."""
    kept: list[LabEnvelope] = []
    deliver = MailHost.deliver

    def watch(host: MailHost, server: Any, envelope: LabEnvelope, text: bytes) -> Any:
        kept.append(envelope)
        return deliver(host, server, envelope, text)

    monkeypatch.setattr(MailHost, "deliver", watch)
    play(
        receiver(mailboxes=("bob", "carol"), ehlo=ALL), HELLO, MAIL + " ret=HDRS ENVID=QQ314+2B SIZE=10 SMTPUTF8",
        RCPT + " NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b+2Bob@receiver.example",
        "RCPT TO:<no@receiver.example> NOTIFY=NEVER", "RCPT TO:<carol@receiver.example>", "DATA", "x", ".",
    )  # fmt: skip
    (envelope,) = kept
    assert envelope.parameters == {"RET": "HDRS", "ENVID": "QQ314+2B", "SIZE": "10", "SMTPUTF8": None}
    assert envelope.recipient_parameters == [
        {"NOTIFY": "SUCCESS,DELAY", "ORCPT": "rfc822;b+2Bob@receiver.example"},
        {},
    ]
    for line in (" RET=SOME", " ENVID=a=b", " ENVID=" + "x" * 101):
        assert play(receiver(ehlo=ALL), HELLO, MAIL + line)[0][-1].startswith("501 5.5.4")


def test_limits_are_said_and_held() -> None:
    """RFC 9422, and 452 4.5.3 by RFC 5321 section 4.5.3.1.10; the next transaction takes the rest."""
    spec = receiver(mailboxes=("bob", "carol"), ehlo=(*ALL, "LIMITS"), recipient_limit=2, starttls=False)
    more = ["RCPT TO:<carol@receiver.example>", "RCPT TO:<Postmaster>"]
    replies, texts, transcript = play(
        spec, HELLO, MAIL, RCPT, *more, "DATA", "x", ".", MAIL, more[1], "DATA", "y", "."
    )
    assert b"250 LIMITS RCPTMAX=2\r\n" in [event.data for event in transcript]
    assert [reply[:9] for reply in replies[2:5]] == ["250 2.1.5", "250 2.1.5", "452 4.5.3"]
    assert replies[6].startswith("250 2.0.0 OK: queued")
    assert replies[8] == "250 2.1.5 OK"
    assert texts == [b"x\r\n"]


SMUGGLED = (
    b"Subject: one\r\n\r\nfirst\n.\nMAIL FROM:<evil@example.net>\r\nRCPT TO:<bob@receiver.example>\r\n"
    b"DATA\r\nSubject: two\r\n\r\nsecond\r\n.\r\n"
)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_bare_line_feeds_are_text_or_line_ends(transport: Literal["memory", "loopback"]) -> None:
    """CASES smtp-01: the same octets are one message to one server and two to another."""

    async def run(spec: HostSpec, pieces: list[bytes]) -> tuple[list[bytes], list[str], bytes]:
        async with AsyncWorld(spec, transport=transport) as world:
            client = world.client()
            await client.connect()
            for piece in pieces:
                await client.send(piece)
            await client.send_line("QUIT")
            session = world.host().sessions[0]
            await session.ended()
            box = world.mailbox("bob@receiver.example")
            octets = b"".join(event.data for event in session.transcript if event.sender == "C")
            return (
                [message.as_received for message in box],
                [m.envelope.reverse_path or "" for m in box],
                octets,
            )

    start = [line.encode() + b"\r\n" for line in (HELLO, MAIL, RCPT, "DATA")]
    at_once = [start[0], b"".join(start[1:]) + SMUGGLED]
    for pieces in ([*start, SMUGGLED], at_once):
        texts, senders, octets = asyncio.run(run(receiver(), pieces))
        assert texts == [SMUGGLED[:-3]]
        assert SMUGGLED in octets
        texts, senders, octets = asyncio.run(run(receiver(bare_lf="lenient"), pieces))
        assert texts == [b"Subject: one\r\n\r\nfirst\r\n", b"Subject: two\r\n\r\nsecond\r\n"]
        assert senders == ["alice@sender.example", "evil@example.net"]
        assert SMUGGLED in octets  # the record shows what came, not what was made of it


def test_a_cr_lf_that_is_cut_in_two_is_one_line_end() -> None:
    """However the octets are cut, a lenient server reads the same."""

    async def run(seed: int) -> list[bytes]:
        chance = random.Random(seed)
        async with AsyncWorld(receiver(bare_lf="lenient"), transport="memory") as world:
            reader = asyncio.StreamReader()
            wire, _ = await world.network.connect(
                "mail.receiver.example", 25, lambda: asyncio.StreamReaderProtocol(reader)
            )
            octets = f"{HELLO}\r\n{MAIL}\r\n{RCPT}\r\nDATA\r\n".encode() + b"a\r\nb\nc\r\n\n\r\n.\r\nQUIT\r\n"
            while octets:
                cut = chance.randrange(1, 6)
                wire.write(octets[:cut])
                octets = octets[cut:]
                for _ in range(chance.randrange(3)):
                    await asyncio.sleep(0)
            await reader.read()
            wire.close()
            return [message.as_received for message in world.mailbox("bob@receiver.example")]

    for seed in range(50):
        assert asyncio.run(run(seed)) == [b"a\r\nb\r\nc\r\n\r\n\r\n"], seed


def test_random_chunks(size: Callable[[int, int], int]) -> None:
    """Any octets in any number of chunks, cut anywhere on the way, arrive as they were."""

    async def run(seed: int) -> tuple[bytes, list[bytes]]:
        chance = random.Random(seed)
        parts = [chance.randbytes(chance.randrange(300)) for _ in range(chance.randrange(1, 6))]
        wire_octets = f"{HELLO}\r\n{MAIL} BODY=BINARYMIME\r\n{RCPT}\r\n".encode() + b"".join(chunks(*parts))
        async with AsyncWorld(receiver(ehlo=ALL), transport="memory") as world:
            reader = asyncio.StreamReader()
            wire, _ = await world.network.connect(
                "mail.receiver.example", 25, lambda: asyncio.StreamReaderProtocol(reader)
            )
            octets = wire_octets + b"QUIT\r\n"
            while octets:
                cut = chance.randrange(1, 400)
                wire.write(octets[:cut])
                octets = octets[cut:]
                await asyncio.sleep(0)
            await reader.read()
            wire.close()
            assert all(note.agrees for note in observe(world.host().sessions[0].transcript)), seed
            return b"".join(parts), [m.as_received for m in world.mailbox("bob@receiver.example")]

    for seed in range(size(30, 1000)):
        sent, got = asyncio.run(run(seed))
        assert got == [sent], seed


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_tls_from_the_first_octet_on_port_465(transport: Literal["memory", "loopback"]) -> None:
    """RFC 8314 section 3.3: one host, one port in clear and one under TLS, where AUTH is offered at once."""

    async def run() -> tuple[list[str], bool, list[str]]:
        spec = receiver(auth={"alice": "secret"}, listeners=(25, 465))
        async with AsyncWorld(spec, transport=transport) as world:
            client = world.client(port=465)
            assert (await client.connect()).code == 220
            for line in (HELLO, "AUTH PLAIN AGFsaWNlAHNlY3JldA==", "STARTTLS", MAIL, "QUIT"):
                await client.send_line(line)
            session = world.host().sessions[-1]
            await session.ended()
            plain = world.client()
            await plain.connect()
            await plain.send_line(HELLO)
            lines = [e.data.decode().rstrip("\r\n") for e in session.transcript if e.sender == "S" and e.data]
            return lines, all(event.encrypted for event in session.transcript), world.host().errors

    lines, encrypted, errors = asyncio.run(run())
    assert "250 AUTH PLAIN LOGIN" in lines
    assert not any("STARTTLS" in line for line in lines)
    assert [line[:9] for line in lines[-4:]] == ["235 2.7.0", "503 5.5.1", "250 2.1.0", "221 2.0.0"]
    assert encrypted
    assert errors == []


def test_an_address_beyond_ascii_needs_smtputf8_on_mail() -> None:
    """RFC 6531 section 3.5; aiosmtpd lets it pass."""
    spec = receiver(mailboxes=("bob", "zoë"), ehlo=ALL)
    rcpt = "RCPT TO:<zoë@receiver.example>"
    replies, _, _ = play(spec, HELLO, MAIL, rcpt, "RSET", MAIL + " SMTPUTF8", rcpt)
    assert [reply[:9] for reply in replies[2:3] + replies[5:6]] == ["553 5.6.7", "250 2.1.5"]
