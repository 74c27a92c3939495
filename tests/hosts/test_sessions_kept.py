"""A host keeps its sessions up to a number of lines; the oldest that have ended are forgotten, and counted."""

from __future__ import annotations

import asyncio

import pytest

from labkit.hosts import mail_host
from labkit.world import AsyncWorld, receiver


def test_the_oldest_sessions_are_forgotten_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_host, "LINES_KEPT", 100)

    async def run() -> None:
        async with AsyncWorld(receiver(ehlo=()), transport="memory") as world:
            host = world.host()
            lines = [len(await world.play(["HELO c.example", *["NOOP"] * 9, "QUIT"])) for _ in range(20)]
            assert len(set(lines)) == 1
            kept = len(host.sessions)
            assert 100 / lines[0] <= kept <= 100 / lines[0] + 2
            assert host.sessions_forgotten == 20 - kept
            assert [one.connection for one in host.sessions] == list(range(21 - kept, 21))
            assert host.session(20) is host.sessions[-1]
            assert host.session(21 - kept) is host.sessions[0]
            assert [host.session(number) for number in (None, 0, 1, 20 - kept, 21)] == [None] * 5
            assert repr(host).endswith("20 sessions>")
            assert host.errors == []

    asyncio.run(run())


def test_a_session_that_is_open_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_host, "LINES_KEPT", 10)

    async def run() -> None:
        async with AsyncWorld(receiver(ehlo=()), transport="memory") as world:
            client = world.client()
            await client.connect()
            for _ in range(5):
                await world.play(["HELO c.example", "NOOP", "NOOP", "QUIT"])
            host = world.host()
            assert [one.connection for one in host.sessions] == [1, 2, 3, 4, 5, 6]
            await client.send_line("QUIT")
            await host.sessions[0].ended()
            await world.play(["QUIT"])
            assert host.sessions_forgotten == 5

    asyncio.run(run())
