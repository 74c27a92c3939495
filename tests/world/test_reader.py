"""Bob's devices: what each of them shows after the others have been at the mailbox."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from labkit.explainers.reading import notes
from labkit.hosts.tls import client_context
from labkit.reader import Device, Place
from labkit.transport.loop_thread import run
from labkit.world import AsyncWorld, HostSpec, TransportName

STORE, BOB = "store.receiver.example", "bob@receiver.example"


def play(
    story: Callable[[AsyncWorld, Place], Awaitable[None]],
    transport: TransportName = "memory",
    password: str = "builder",
) -> AsyncWorld:
    async def told() -> AsyncWorld:
        spec = HostSpec(STORE, ("bob",), listeners=(25, 993, 995), readers={"bob": "builder"})
        async with AsyncWorld(spec, transport=transport) as world:
            await send(world, "One")
            await send(world, "Two")
            await story(world, Place(world.network, STORE, "bob", password, client_context()))
            assert not world.host().errors
        return world

    return run(told, 20)


async def send(world: AsyncWorld, subject: str) -> None:
    text = f"Subject: {subject}\r\n\r\n.Hi\r\n"
    await world.submit(text, sender="alice@sender.example", recipients=(BOB,), host=STORE, port=25)


def shown(device: Device) -> dict[str, bool]:
    return {letter.subject: letter.read for letter in device.letters}


@pytest.mark.parametrize("transport", ["memory", "loopback"])
def test_pop3_takes_away_and_the_second_device_finds_nothing(transport: TransportName) -> None:
    async def story(world: AsyncWorld, place: Place) -> None:
        phone, laptop = Device("Phone", "take"), Device("Laptop", "take")
        before = [one.raw for one in world.mailbox(BOB)]
        assert await phone.fetch(place) == 2
        assert [one.raw for one in phone.letters] == before
        assert not len(world.mailbox(BOB))
        assert await laptop.fetch(place) == 0
        assert laptop.letters == ()
        await send(world, "Three")
        assert await phone.fetch(place) == 1
        assert list(shown(phone)) == ["One", "Two", "Three"]

    play(story, transport)


def test_a_copy_is_fetched_once_and_nobody_learns_that_it_was_read() -> None:
    async def story(world: AsyncWorld, place: Place) -> None:
        old, new = Device("Old", "copy"), Device("New", "copy")
        assert [await old.fetch(place), await old.fetch(place), await new.fetch(place)] == [2, 0, 2]
        await old.read(old.letters[0].key, place)
        assert shown(old) == {"One": True, "Two": False}
        assert shown(new) == {"One": False, "Two": False}
        assert len(world.mailbox(BOB)) == 2

    play(story)


def test_imap_keeps_two_devices_in_step() -> None:
    async def story(world: AsyncWorld, place: Place) -> None:
        phone, laptop = Device("Phone", "sync"), Device("Laptop", "sync")
        await phone.fetch(place)
        await phone.read("1", place)
        assert phone.letters[0].raw == world.mailbox(BOB)[0].raw
        await laptop.fetch(place)
        assert shown(laptop) == {"One": True, "Two": False}
        await laptop.answer("2", place)
        await phone.fetch(place)
        assert phone.letters[1].answered
        assert phone.letters[0].raw is not None

    play(story)


def test_a_wrong_password_and_a_server_that_is_away() -> None:
    async def refused(world: AsyncWorld, place: Place) -> None:
        for way in ("take", "sync"):
            with pytest.raises(ValueError, match=r"LOGIN failed|Wrong name"):
                await Device("Phone", way).fetch(place)

    async def away(world: AsyncWorld, place: Place) -> None:
        await world.host().stop()
        for way in ("take", "sync"):
            with pytest.raises(ConnectionRefusedError):
                await Device("Phone", way).fetch(place)

    play(refused, password="x")
    play(away)


def test_a_world_that_closes_in_the_middle_of_a_session_ends_it() -> None:
    async def story(world: AsyncWorld, place: Place) -> None:
        fetching = asyncio.ensure_future(Device("Phone", "sync").fetch(place))
        room = world.host().reading
        while not room.sessions or len(room.sessions[-1].transcript) < 3:
            await asyncio.sleep(0)
        await world.close()
        with pytest.raises((OSError, ValueError, asyncio.CancelledError)):
            await fetching

    play(story)


def test_every_line_of_a_session_has_a_note() -> None:
    async def story(world: AsyncWorld, place: Place) -> None:
        await Device("Phone", "copy").fetch(place)
        laptop = Device("Laptop", "sync")
        await laptop.fetch(place)
        await laptop.read("1", place)

    pop3, _, imap = (one.transcript for one in play(story).host().reading.sessions)
    told = {event.data.decode(): note for event, note in zip(pop3, notes(pop3), strict=True)}
    assert told["RETR 1\r\n"].says == "Give me this message."
    assert told["1 1.1\r\n"].role == "list"
    assert [told[line].role for line in ("Subject: One\r\n", "..Hi\r\n")] == ["text", "text"]
    assert told["QUIT\r\n"].says == "Good-bye."
    told = {event.data.decode(): note for event, note in zip(imap, notes(imap), strict=True)}
    assert "whole message" in told["0003 UID FETCH 1 (BODY[])\r\n"].says
    assert [told[line].role for line in ("Subject: One\r\n", ".Hi\r\n", " UID 1)\r\n")] == [
        "text",
        "text",
        "answer",
    ]
    assert all(note.says for note in told.values() if note.role == "command")
