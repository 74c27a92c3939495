"""Messages a second of a recorded lab host against bare aiosmtpd: ``python benchmarks/recorded_sessions.py``.

Both servers run in this process, one at a time, alternating; the clients (plain sockets, whole sessions from
connect to QUIT) run in a process of their own. Figures are medians; the ratio is what counts. Goal: 0.9.
The processor time that the server took for a message is given too: other load of the machine does not touch it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import socket
import statistics
import subprocess
import sys
import threading
import time
from typing import Any

from aiosmtpd.smtp import SMTP

from labkit.world import AsyncWorld, receiver

STEPS = (
    b"EHLO client.sender.example\r\n",
    b"MAIL FROM:<alice@sender.example>\r\n",
    b"RCPT TO:<bob@receiver.example>\r\n",
    b"DATA\r\n",
    b"From: Alice <alice@sender.example>\r\nSubject: Hi\r\n\r\n"
    + b"A line of text, as people write it.\r\n" * 10
    + b".\r\n",
    b"QUIT\r\n",
)


def deliver(port: int) -> None:
    """One session, step by step."""
    with socket.create_connection(("127.0.0.1", port)) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire.recv(4096)
        for step in STEPS:
            wire.sendall(step)
            reply = wire.recv(4096)
            while reply[reply.rfind(b"\n", 0, -1) + 4 : reply.rfind(b"\n", 0, -1) + 5] == b"-":
                reply += wire.recv(4096)


def load(port: int, clients: int, messages: int) -> float:
    """Messages a second of so many clients at once."""

    def work() -> None:
        for _ in range(messages // clients):
            deliver(port)

    threads = [threading.Thread(target=work) for _ in range(clients)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return messages // clients * clients / (time.perf_counter() - start)


class Handler:
    """What a bare server needs to take a message."""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Keep nothing."""
        return "250 OK"


async def ask(port: int, clients: int, messages: int) -> tuple[float, float]:
    """Have the other process measure; messages a second, and this process's milliseconds for each."""
    begin = time.process_time()
    process = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--load", str(port), str(clients), str(messages), stdout=subprocess.PIPE
    )
    output, _ = await process.communicate()
    return float(json.loads(output)), (time.process_time() - begin) / messages * 1000


async def bare(clients: int, messages: int) -> tuple[float, float]:
    """aiosmtpd as it comes."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(Handler(), hostname="mail.receiver.example", loop=loop), "127.0.0.1", 0
    )
    rate = await ask(server.sockets[0].getsockname()[1], clients, messages)
    server.close()
    return rate


async def lab(clients: int, messages: int) -> tuple[float, float]:
    """A lab host: recorded, delivered to Bob's mailbox, one listener for each line."""
    lines = 0

    def heard(*_: object) -> None:
        nonlocal lines
        lines += 1

    async with AsyncWorld(receiver()) as world:
        world.host().on_event(heard)
        address = world.network.address("mail.receiver.example", 25)
        assert address is not None
        rate = await ask(address[1], clients, messages)
        assert len(world.mailbox("bob@receiver.example")) == messages // clients * clients
        assert lines == sum(len(session.transcript) for session in world.host().sessions)
    return rate


async def main(messages: int, rounds: int) -> None:
    """Alternate, and print medians and ratios."""
    logging.getLogger("mail.log").addHandler(logging.NullHandler())
    logging.getLogger("mail.log").propagate = False
    for clients in (1, 10):
        await bare(clients, messages // 4)
        await lab(clients, messages // 4)
        rounds_of: dict[str, list[tuple[float, float]]] = {"bare": [], "lab": []}
        for _ in range(rounds):
            rounds_of["bare"].append(await bare(clients, messages))
            rounds_of["lab"].append(await lab(clients, messages))
        (peer, peer_cost), (own, own_cost) = (
            (statistics.median(rate for rate, _ in runs), statistics.median(cost for _, cost in runs))
            for runs in rounds_of.values()
        )
        print(
            f"{clients:2} client(s): bare aiosmtpd {peer:4.0f}/s, recorded {own:4.0f}/s, ratio {own / peer:.2f} "
            f"(goal 0.9); processor time a message {peer_cost:.2f} and {own_cost:.2f} ms"
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--load"]:
        print(json.dumps(load(*map(int, sys.argv[2:]))))
    else:
        parser = argparse.ArgumentParser(description=__doc__)
        parser.add_argument("--messages", type=int, default=600)
        parser.add_argument("--rounds", type=int, default=5)
        options = parser.parse_args()
        asyncio.run(main(options.messages, options.rounds))
