"""Opening a session under TLS, at a lab host and at bare aiosmtpd: ``python benchmarks/tls.py [--rounds 300]``.

By STARTTLS (connect, greeting, EHLO, STARTTLS, handshake, EHLO, QUIT) and under TLS from the first octet (connect,
handshake, greeting, EHLO, QUIT), with the same certificate and the same client, a plain socket in the main thread. Both
servers run on one loop thread and take turns. Goal: at most 1.2 times bare aiosmtpd.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import socket
import ssl
import time
from typing import Any

from aiosmtpd.smtp import SMTP
from shared import machine, ratio, shown

from labkit.hosts.tls import client_context, server_context
from labkit.transport.loop_thread import loop_thread
from labkit.world import World, receiver

NAME = "mail.receiver.example"
GOAL = 1.2


class Handler:
    """What a bare server needs."""


async def bare(at_once: bool) -> tuple[str, int]:
    """Start aiosmtpd on the running loop; where it listens."""
    loop = asyncio.get_running_loop()
    context: Any = server_context()

    def make() -> SMTP:
        return SMTP(Handler(), hostname=NAME, loop=loop, tls_context=None if at_once else context)

    server = await loop.create_server(make, "127.0.0.1", 0, ssl=context if at_once else None)
    place: tuple[str, int] = server.sockets[0].getsockname()[:2]
    return place


def session(place: tuple[str, int], at_once: bool) -> float:
    """Seconds for one session."""
    context = client_context()
    begin = time.perf_counter()
    line = socket.create_connection(place)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if not at_once:
        read(line)
        ask(line, b"EHLO client.sender.example\r\n")
        ask(line, b"STARTTLS\r\n")
    with context.wrap_socket(line, server_hostname=NAME) as secured:
        if at_once:
            read(secured)
        ask(secured, b"EHLO client.sender.example\r\n")
        ask(secured, b"QUIT\r\n")
    return time.perf_counter() - begin


def ask(line: socket.socket | ssl.SSLSocket, octets: bytes) -> None:
    """One command and its reply."""
    line.sendall(octets)
    read(line)


def read(line: socket.socket | ssl.SSLSocket) -> None:
    """One whole reply."""
    octets = b""
    while not octets.endswith(b"\n") or octets.splitlines()[-1][3:4] == b"-":
        piece = line.recv(4096)
        if not piece:
            raise ConnectionError(f"the server has gone: {octets!r}")
        octets += piece


def main(rounds: int) -> None:
    """Alternate, and print medians and ratios."""
    logging.getLogger("mail.log").addHandler(logging.NullHandler())
    with World.open(receiver(listeners=(25, 465))) as world:
        for at_once, port, what in ((False, 25, "STARTTLS"), (True, 465, "TLS from the first octet")):
            peer = loop_thread().run(lambda at_once=at_once: bare(at_once), 5)
            own = world.address(port=port)
            assert own is not None
            times: tuple[list[float], list[float]] = ([], [])
            for number in range(rounds + 10):
                for place, took in zip(
                    (own, peer) if number % 2 else (peer, own), times[:: 1 if number % 2 else -1], strict=True
                ):
                    seconds = session(place, at_once)
                    if number >= 10:
                        took.append(seconds * 1000)
            print(
                f"{what}: lab {shown(times[0], 2)} ms, bare aiosmtpd {shown(times[1], 2)} ms, "
                f"ratio {ratio(*times)} (goal: at most {GOAL})"
            )
    print(machine())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=300)
    main(parser.parse_args().rounds)
