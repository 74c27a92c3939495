"""Worlds open and close without leaving anything behind, however often, and whoever forgets them."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
import threading
import time
from collections import Counter
from typing import Any

import pytest

from labkit.client import NotConnected
from labkit.smtp.transcript import Transcript
from labkit.transport.loop_thread import loop_thread, run
from labkit.world import AsyncWorld, HostSpec, World, WorldClosed, play, play_once, receiver, run_script

LINES = ["EHLO client.sender.example", "MAIL FROM:<a@a.example>", "RCPT TO:<bob@receiver.example>", "QUIT"]


async def _tasks() -> int:
    return len(asyncio.all_tasks())


def census() -> dict[str, int]:
    """Sockets and other open files, threads, tasks on the loop."""
    gc.collect()
    run(lambda: asyncio.sleep(0.05), 1)
    kinds: Counter[str] = Counter()
    if sys.platform == "linux":
        for name in os.listdir("/proc/self/fd"):
            try:
                kinds[os.readlink(f"/proc/self/fd/{name}").partition(":")[0]] += 1
            except OSError:
                continue
    return {"threads": threading.active_count(), "tasks": run(_tasks, 1), **kinds}


def use(world: World) -> None:
    """A client that stays connected, one in the middle of TLS, and one session from outside."""
    client = world.client()
    client.connect()
    client.send_line("EHLO a.example")
    other = world.client()
    other.connect()
    other.send_line("EHLO b.example")
    other.send_line("STARTTLS")
    address = world.address()
    if address is not None:
        with socket.create_connection(address, timeout=5) as outside:
            assert outside.recv(100).startswith(b"220")


def test_opened_200_times_with_one_key() -> None:
    world = World.open(receiver(), key="again")
    before = census()
    for _ in range(200):
        world = World.open(receiver(), key="again")
        use(world)
    assert census() == before
    world.close()
    assert world.closed
    after = census()
    assert after["socket"] == before["socket"] - 1  # the listener
    assert loop_thread().errors == type(loop_thread().errors)()


def test_opened_and_closed_on_both_transports() -> None:
    loop_thread()
    before = census()
    for _ in range(20):
        for transport in ("loopback", "memory"):
            with World.open(receiver(), transport=transport) as world:
                use(world)
                client = world.client()
                client.connect()
                client.send_line("EHLO a.example")
                client.send_line("STARTTLS")
                client.start_tls()
            assert client.closed
    assert census() == before


def test_forgotten_worlds_close_themselves() -> None:
    loop_thread()
    before = census()
    for _ in range(20):
        world = World.open(receiver())
        use(world)
        del world
    deadline = time.monotonic() + 5
    while census() != before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert census() == before


def test_a_client_keeps_its_world() -> None:
    client = World.open(receiver()).client()
    gc.collect()
    assert client.connect().code == 220
    client.close()


def test_a_world_that_is_used_goes_on_when_another_opens() -> None:
    first = World.open(receiver(), key="one")
    second = World.open(receiver(), key="two")
    client = first.client()
    assert client.connect().code == 220
    second.close()
    assert client.send_line("NOOP") is not None
    third = World.open(receiver(), key="one")
    assert first.closed
    assert not third.closed
    third.close()


def test_close_is_harmless_twice_and_says_so_later() -> None:
    world = World.open(receiver())
    client = world.client()
    assert world.running
    world.close()
    world.close()
    assert not world.running
    assert "closed" in repr(world)
    with pytest.raises(WorldClosed, match="again"):
        world.client()
    with pytest.raises(NotConnected):
        client.connect()
    assert world.address() is None


def test_the_port_is_real_and_free_afterwards() -> None:
    world = World.open(receiver())
    address = world.address()
    assert address is not None
    assert address[0] == "127.0.0.1"
    world.close()
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=1)


def test_nothing_in_a_repr_changes_from_run_to_run() -> None:
    texts = []
    for _ in range(2):
        with World.open(receiver()) as world, world.client() as client:
            client.send_line("EHLO a.example")
            texts.append(f"{world} {client} {world.host()} {world.host().sessions} {world.clock}")
    assert texts[0] == texts[1]
    assert "0x" not in texts[0]


def test_several_hosts() -> None:
    async def talk() -> list[str]:
        specs = (receiver(), HostSpec("mx.other.example", ("dave",)), HostSpec("mail.test", port=2525))
        async with AsyncWorld(*specs, transport="memory") as world:
            texts = []
            for host in ("mail.receiver.example", "MX.other.example", "mail.test"):
                client = world.client(host)
                texts.append((await client.connect()).text)
            assert world.mailbox("dave@other.example").address == "dave@other.example"
            return texts

    assert asyncio.run(talk()) == [
        "mail.receiver.example ESMTP", "mx.other.example ESMTP", "mail.test ESMTP",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="at least one"):
        World()
    with pytest.raises(ValueError, match="expected transport"):
        World.open(receiver(), transport="carrier pigeon")  # type: ignore[arg-type]


def test_own_sessions_are_told_from_visitors() -> None:
    world = World.open(receiver())
    seen: list[tuple[int, bool]] = []
    world.host().on_event(lambda session, _event: seen.append((session.connection, world.is_own(session))))
    address = world.address()
    assert address is not None
    with world.client() as client:
        client.send_line("NOOP")
    with socket.create_connection(address, timeout=5) as outside:
        outside.recv(100)
        outside.sendall(b"QUIT\r\n")
        while outside.recv(100):
            pass
    run_script(world, ["QUIT"])
    world.close()
    assert set(seen) == {(1, True), (2, False), (3, True)}
    assert not world.inner._addresses


def test_run_script_in_an_open_world() -> None:
    with World.open(receiver()) as world:
        transcript = run_script(world, [*LINES[:-1], "DATA", "x", ".", "QUIT"])
        assert transcript[-1].data == b""
        assert len(world.mailbox("bob@receiver.example")) == 1
        assert world.host().sessions[0].transcript == transcript


def test_play_is_the_same_from_everywhere() -> None:
    first = play(LINES)
    assert first.same_wire(asyncio.run(play_once(LINES)))
    assert first.same_wire(play(LINES, transport="loopback"))
    results: list[Transcript] = []
    threads = [threading.Thread(target=lambda: results.append(play(LINES))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(result.events == first.events for result in results)


def test_memory_needs_no_thread_and_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a kernel inside a browser: only the running loop's own self-pipe exists."""

    async def talk() -> Transcript:
        def refuse(*_args: object, **_kwargs: object) -> Any:
            raise AssertionError("no sockets and no threads here")

        monkeypatch.setattr(socket, "socket", refuse)
        monkeypatch.setattr(threading.Thread, "start", refuse)
        return await play_once([*LINES[:1], "STARTTLS", *LINES])

    transcript = asyncio.run(talk())
    monkeypatch.undo()
    assert transcript[-2].data == b"221 2.0.0 Bye\r\n"
    assert transcript[-2].encrypted


def test_play_gives_up_on_what_never_answers() -> None:
    """A line without an end is owed no reply; play hangs up and reports what there was."""
    transcript = play(["EHLO a.example", b"NOOP"], deadline=0.2)
    assert transcript[-3].data == b"NOOP"


def test_an_interrupt_while_opening_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    loop_thread()
    before = census()
    original = AsyncWorld.open

    main = threading.main_thread().ident
    assert main is not None
    go_on = asyncio.Event()

    async def interrupted(self: AsyncWorld) -> None:
        signal.pthread_kill(main, signal.SIGINT)  # whoever opens this world is waiting by now
        await go_on.wait()
        await original(self)

    monkeypatch.setattr(AsyncWorld, "open", interrupted)
    for _ in range(5):
        with pytest.raises(KeyboardInterrupt):
            World.open(receiver(), key="interrupted")
    loop_thread().call_soon(go_on.set)
    monkeypatch.undo()
    end = time.monotonic() + 10
    while census() != before and time.monotonic() < end:
        time.sleep(0.02)
    assert census() == before
    with World.open(receiver(), key="interrupted") as world:
        assert world.running
    assert census() == before


def test_with_helo_the_client_has_greeted() -> None:
    with World.open(receiver()) as world:
        client = world.client(helo="client.sender.example")
        assert client.state.value == "greeted"
        assert world.host().sessions[0].helo == "client.sender.example"


def test_ids_count_up_in_every_world() -> None:
    for _ in range(2):
        with World.open(receiver(), transport="memory") as world:
            assert [world.next_id() for _ in range(3)] == [1, 2, 3]
