"""A server that behaves as badly as a test wants, on either transport."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from labkit.client import Client
from labkit.transport.base import Transport
from labkit.transport.loopback import Loopback
from labkit.transport.memory import Memory

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Session = Callable[[Behaviour, Callable[[Client], Coroutine[Any, Any, None]]], None]


async def _with_server(
    network: Transport, behaviour: Behaviour, use: Callable[[Client], Coroutine[Any, Any, None]]
) -> None:
    tasks: set[asyncio.Task[None]] = set()

    def factory() -> asyncio.Protocol:
        reader = asyncio.StreamReader()

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(behaviour(reader, writer))
            tasks.add(task)

        return asyncio.StreamReaderProtocol(reader, connected)

    await network.listen("bad.example", 25, factory)
    client = Client(network, "bad.example", deadline=20)
    async with asyncio.timeout(60):
        await use(client)
    await client.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await network.close()
    await asyncio.sleep(0.01)


@pytest.fixture(params=["loopback", "memory"])
def talk(request: pytest.FixtureRequest) -> Session:
    """``talk(behaviour, use)``: run ``use(client)`` against a server that does ``behaviour(reader,
    writer)``."""
    trouble: list[dict[str, Any]] = []

    def run(behaviour: Behaviour, use: Callable[[Client], Coroutine[Any, Any, None]]) -> None:
        async def main() -> None:
            asyncio.get_running_loop().set_exception_handler(lambda _loop, context: trouble.append(context))
            await _with_server(Loopback() if request.param == "loopback" else Memory(), behaviour, use)

        asyncio.run(main())
        assert trouble == []

    return run
