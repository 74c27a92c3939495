"""Random octets through the client: it never hangs, never counts wrong, and hears every reply of the
server."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from labkit.client import ClientError, ConnectionLost, DeadlinePassed, NotConnected, ReplyOverdue
from labkit.world import AsyncWorld, receiver

PIECES = (
    b"EHLO client.sender.example\r\n", b"EHLO client", b".example", b"\r\n", b"\n", b"\r", b"HELO a.example\r\n",
    b"MAIL FROM:<alice@sender.example>\r\n", b"MAIL FROM:<>\r\nRCPT TO:<bob@receiver.example>\r\n",
    b"RCPT TO:<bob@receiver.example>\r\n", b"RCPT TO:<nobody@receiver.example>\r\nDATA\r\n", b"DATA\r\n", b"DATA\r\n",
    b"Subject: x\r\n\r\ntext\r\n", b".\r\n", b".", b"..\r\n", b"text\r\n.\r\n", b"RSET\r\nNOOP\r\nNOOP\r\n", b"NOOP\n",
    b"AUTH LOGIN\r\n", b"YWxpY2U=\r\n", b"c2VjcmV0\r\n", b"AUTH LOGIN\r\nYWxpY2U=\r\nc2VjcmV0\r\n", b"*\r\n",
    b"AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n", b"AUTH PLAIN\r\nx\r\nNOOP\r\n", b"BDAT 10\r\n", b"BDAT 3 LAST\r\nabcNOOP\r\n",
    b"FOO\r\n", b"\xff\xfe\r\n", b"\r\n\r\n", b"x" * 2000 + b"\r\n", b"VRFY bob\r\nEXPN x\r\nHELP\r\n", b"QUIT\r\n",
    b"MAIL FROM:<a@a.example>\r\nRCPT TO:<bob@receiver.example>\r\nDATA\r\nx\r\n.\r\nMAIL FROM:<>\r\n",
)  # fmt: skip


async def one(seed: int) -> None:
    chance = random.Random(seed)
    spec = receiver(auth={"alice": "secret"}, auth_before_tls=True)
    async with AsyncWorld(spec, transport="loopback" if seed % 4 == 0 else "memory") as world:
        client = world.client(deadline=10)
        await client.connect()
        session = world.host().sessions[0]
        for piece in chance.choices(PIECES, k=chance.randrange(1, 25)):
            try:
                await client.send(piece)
            except (DeadlinePassed, ReplyOverdue) as error:
                raise AssertionError(f"seed {seed}: {error}\n{client.transcript.to_text()}") from error
            except (ConnectionLost, NotConnected):
                said = {event.data for event in session.transcript}
                assert said & {b"221 2.0.0 Bye\r\n", b"221 Bye\r\n"}, f"seed {seed}"
                break
            except ClientError as error:
                raise AssertionError(f"seed {seed}: {error}") from error
            assert client.owed == 0
        heard = [event.data for event in client.transcript if event.sender == "S" and event.data]
        spoken = [event.data for event in session.transcript if event.sender == "S" and event.data]
        assert heard == spoken, f"seed {seed}"
        assert client.unsolicited == (), f"seed {seed}"
        await client.close()
        assert world.host().errors == []


def test_random_steps(size: Callable[[int, int], int]) -> None:
    async def run() -> None:
        for seed in range(size(200, 4000)):
            async with asyncio.timeout(30):
                await one(seed)

    asyncio.run(run())
