"""Random sessions against the server: valid ones, mutated ones, raw octets. No hang, no crash, no silence.

The observer replays each session. It has to agree with the server's reply, or the difference has to be one of
`DIFFERENCES`, which says why.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from labkit.hosts.mail_host import HostSpec, MailHost
from labkit.smtp.malformed import Malformed
from labkit.smtp.session import Note, observe
from labkit.smtp.transcript import Transcript
from labkit.world import AsyncWorld, receiver, sample_receiver


def _reason(note: Note) -> str:
    return note.command.reason if isinstance(note.command, Malformed) else ""


def _line(note: Note) -> bytes:
    return note.command.octets if note.command is not None else b""


DIFFERENCES: dict[str, Callable[[Note], bool]] = {
    # A line that ends in LF alone is no line (RFC 5321 section 2.3.8). aiosmtpd takes it, and so does
    # this server, so that nc without -C works. Inside message text it does not.
    "LF alone ends a command": lambda note: _line(note).endswith(b"\n") and not _line(note).endswith(b"\r\n"),
    # aiosmtpd drops every CR before LF, and nobody reads what follows NOOP and HELP or the name after VRFY.
    "a stray CR, or a control octet where nothing is read": lambda note: any(
        words in _reason(note) for words in ("a CR stands in the line", "NUL octet", "control octet", "a tab")
    ),
    # EHLO and HELO take any printable word: the name is no ground for refusing a session (section 4.1.4).
    # Spaces around it are stripped by aiosmtpd.
    "a name in EHLO or HELO that is no name": lambda note: (
        isinstance(note.command, Malformed) and note.command.verb in ("EHLO", "HELO")
    ),
    # The host says of itself that it is lenient: a space after the colon, no brackets (section 3.3).
    "a lenient host takes MAIL and RCPT with a slip": lambda note: (
        isinstance(note.command, Malformed)
        and note.command.verb in ("MAIL", "RCPT")
        and note.command.path is not None
    ),
}
"""Where observer and server differ, and why that is meant so. The observer is strict, the server is as
lenient as aiosmtpd and real servers are."""

SPECS: tuple[HostSpec, ...] = (
    receiver(auth={"alice": "secret"}, lists={"staff": ("bob", "carol")}),
    sample_receiver(),
    receiver(auth={"alice": "secret"}, auth_before_tls=True, size_limit=2000),
    receiver(
        ehlo=("PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "SIZE", "ENHANCEDSTATUSCODES"), starttls=False
    ),
    receiver(lenient=True),
)

COMMANDS = (
    b"EHLO client.sender.example", b"EHLO [127.0.0.1]", b"HELO client.sender.example", b"EHLO", b"EHLO my_host",
    b"MAIL FROM:<alice@sender.example>", b"MAIL FROM:<>", b"MAIL FROM:<a@b.example> SIZE=100", b"mail from:<a@b.c>",
    b"MAIL FROM:<a@b.example> BODY=8BITMIME SMTPUTF8", b"MAIL FROM: <a@b.example>", b"MAIL FROM:a@b.example",
    b"MAIL FROM:<a@b.example> SIZE=99999999999", b"MAIL FROM:<a@b.example> RET=HDRS ENVID=x", b"MAIL",
    b"RCPT TO:<bob@receiver.example>", b"RCPT TO:<carol@receiver.example>", b"RCPT TO:<Postmaster>",
    b"RCPT TO:<nobody@receiver.example>", b"RCPT TO:<x@elsewhere.example>", b"RCPT TO:bob@", b"RCPT TO:<>",
    b"RCPT TO:<@a.example:bob@receiver.example>", b"RCPT TO:<bob@receiver.example> NOTIFY=NEVER", b"RCPT",
    b"DATA", b"DATA", b"DATA", b"DATA x", b"RSET", b"RSET x", b"NOOP", b"NOOP hello", b"QUIT", b"QUIT now",
    b"VRFY bob", b"VRFY", b"EXPN staff", b"EXPN", b"HELP", b"HELP MAIL", b"HELP NONSENSE", b"TURN", b"ETRN x.example",
    b"SEND FROM:<a@b.example>", b"BDAT 5", b"BDAT 3 LAST", b"AUTH PLAIN", b"AUTH LOGIN", b"AUTH LOGIN YWxpY2U=",
    b"AUTH PLAIN AGFsaWNlAHNlY3JldA==", b"AUTH plain AGFsaWNlAHdyb25n", b"AUTH FOO", b"AUTH", b"*", b"YWxpY2U=",
    b"c2VjcmV0", b"FOO", b"FOO BAR", b"", b" ", b"\xff\xfe", b"HELO\tx", b"STARTTLS",
)  # fmt: skip
TEXT = (b"Subject: x", b"", b"Hello", b"..", b"..dot", b"\tfolded", b"\x00\xff", b"a\nb", b"a\rb", b"y" * 998, b"y" * 999,
        b"MAIL FROM:<evil@example.net>", b"QUIT")  # fmt: skip
ENDS = (b"\r\n",) * 12 + (b"\n", b"\r\r\n", b"\r", b"")


def valid_session(chance: random.Random) -> list[bytes]:
    """Whole lines in a sensible order, pipelined here and there."""
    lines = [b"EHLO client.sender.example"]
    for _ in range(chance.randrange(1, 4)):
        lines.append(b"MAIL FROM:<alice@sender.example>")
        lines += chance.choices((b"RCPT TO:<bob@receiver.example>", b"RCPT TO:<carol@receiver.example>",
                                 b"RCPT TO:<nobody@receiver.example>"), k=chance.randrange(1, 4))  # fmt: skip
        if chance.random() < 0.2:
            lines.append(b"RSET")
            continue
        lines += [b"DATA", *chance.choices(TEXT[:9], k=chance.randrange(6)), b"."]
        lines += chance.choices((b"NOOP", b"VRFY bob", b"HELP"), k=chance.randrange(2))
    lines.append(b"QUIT")
    return [line + b"\r\n" for line in lines]


def wild_session(chance: random.Random) -> list[bytes]:
    """Any commands in any order, with any line ends, and text wherever it may be."""
    lines = [b"EHLO client.sender.example\r\n"] if chance.random() < 0.8 else []
    for _ in range(chance.randrange(1, 15)):
        lines.append(chance.choice(COMMANDS) + chance.choice(ENDS))
        if lines[-1].startswith(b"DATA") and chance.random() < 0.8:
            lines += [line + b"\r\n" for line in chance.choices(TEXT, k=chance.randrange(4))]
            lines.append(b".\r\n")
    return lines


def mutated_session(chance: random.Random) -> list[bytes]:
    """A valid or wild one in which octets and lines are lost, doubled, swapped and changed."""
    lines = valid_session(chance) if chance.random() < 0.5 else wild_session(chance)
    for _ in range(chance.randrange(1, 6)):
        at = chance.randrange(len(lines))
        line = bytearray(lines[at])
        match chance.randrange(6):
            case 0 if line:
                line[chance.randrange(len(line))] = chance.randrange(256)
            case 1 if line:
                del line[chance.randrange(len(line))]
            case 2:
                line.insert(chance.randrange(len(line) + 1), chance.choice(b"\r\n\0 <>@:.=\xc3\xa4"))
            case 3:
                line[0:0] = line * chance.randrange(1, 40)
            case 4:
                other = chance.randrange(len(lines))
                lines[at], lines[other] = lines[other], lines[at]
                continue
            case _:
                lines.insert(at, lines[at])
                continue
        lines[at] = bytes(line)
    return lines


def raw_session(chance: random.Random) -> list[bytes]:
    """Octets without any sense, with line ends among them."""
    alphabet = chance.choice((bytes(range(256)), b"\r\n. ", b"MAILFROMRCPTODATAEHLO:<>@. \r\n", b"\r\n"))
    return [
        bytes(chance.choices(alphabet, k=chance.randrange(1, 200))) for _ in range(chance.randrange(1, 6))
    ]


KINDS = (valid_session, wild_session, mutated_session, raw_session)


def in_pieces(chance: random.Random, lines: list[bytes]) -> list[bytes]:
    """The same octets, sent line by line, all at once, or cut anywhere."""
    style = chance.randrange(3)
    if style == 0:
        return lines
    octets = b"".join(lines)
    if style == 1:
        return [octets]
    cuts = sorted(chance.choices(range(len(octets) + 1), k=chance.randrange(1, 12)))
    return [octets[a:b] for a, b in zip([0, *cuts], [*cuts, len(octets)], strict=True)]


async def talk(world: AsyncWorld, pieces: list[bytes], chance: random.Random) -> Transcript:
    """Send the pieces, wait between some of them, close this side, read to the end."""
    host = world.host()
    reader = asyncio.StreamReader()
    wire, _ = await world.network.connect(host.name, 25, lambda: asyncio.StreamReaderProtocol(reader))
    session = host.sessions[-1]
    for piece in pieces:
        if wire.is_closing():
            break
        wire.write(piece)
        if chance.random() < 0.8:
            for _ in range(chance.randrange(1, 12)):
                await asyncio.sleep(0)
    if not wire.is_closing() and chance.random() < 0.9:
        with contextlib.suppress(OSError):  # the server closed, and octets of ours were still on their way
            wire.write_eof()
            await reader.read()
    wire.close()
    await session.ended()
    return session.transcript


def explained(note: Note) -> str:
    """The name of the difference that this note shows, or ``""``."""
    return next((name for name, fits in DIFFERENCES.items() if fits(note)), "")


def check(host: MailHost, transcript: Transcript, seed: int, tally: Counter[str]) -> None:
    """No fault inside, no silence, and no difference that is not explained."""
    where = f"seed {seed}"
    assert host.errors == [], where
    notes = observe(transcript)
    for note in notes:
        if not note.agrees:
            name = explained(note)
            assert name, f"{where}: {note}"
            tally[name] += 1
    heard_out = any(event.sender == "C" and not event.data for event in transcript)
    # After 220 to STARTTLS what is not TLS breaks the connection, so lines behind it may stay unanswered.
    if heard_out and not any(event.data.startswith(b"220 2.0.0") for event in transcript):
        left = next((note.answers for note in notes if note.reply and note.octets[:3] == b"221"), None)
        unanswered = [note.seq for note in notes if note.role == "unanswered"]
        assert [seq for seq in unanswered if left is None or seq < left] == [], where  # QUIT is the last one


def test_random_sessions(size: Callable[[int, int], int]) -> None:
    tally: Counter[str] = Counter()

    async def run() -> None:
        trouble: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: trouble.append(context))
        for seed in range(size(300, 10_000)):
            chance = random.Random(seed)
            transport = "loopback" if seed % 10 == 0 else "memory"
            async with AsyncWorld(chance.choice(SPECS), transport=transport) as world:  # type: ignore[arg-type]
                pieces = in_pieces(chance, KINDS[seed % 4](chance))
                async with asyncio.timeout(20):
                    transcript = await talk(world, pieces, chance)
                check(world.host(), transcript, seed, tally)
                assert transcript == Transcript.from_text(transcript.to_text())
        assert trouble == []

    asyncio.run(run())
    assert set(tally) <= set(DIFFERENCES)
