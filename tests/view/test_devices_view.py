"""The picture of mailbox and devices: whatever lies in the mailbox is shown as text, and of much only the newest."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from labkit.reader import Device
from labkit.transport.loop_thread import run
from labkit.view.devices_view import SHOWN, DevicesView
from labkit.world import HostSpec, World
from labkit.world.household import Household

STORE = "store.receiver.example"


@pytest.fixture
def home() -> Iterator[Household]:
    spec = HostSpec(STORE, ("bob",), listeners=(25, 993, 995), readers={"bob": "builder"})
    with World.open(spec, transport="memory") as world:
        yield Household(world.inner, [Device("Phone", "sync"), Device("Laptop", "copy")], ())


def put(home: Household, *messages: bytes) -> None:
    async def there() -> None:
        for raw in messages:
            home.host.mailbox("bob").inbox.add(raw, 0.0)

    run(there, 5)


def test_markup_and_control_characters_stay_text(home: Household) -> None:
    put(home, b"Subject: <img src=x onerror=alert(1)> \xe2\x80\xaeevil\r\n\r\n<script>\r\n\x1b[31mred\r\n")
    for device in home.devices:
        run(lambda device=device: home.fetch(device), 10)
        run(lambda device=device: home.read(device, device.letters[0].key), 10)
    view = DevicesView(home, title="<b>Home</b>", live=False)
    html = view.as_html()
    assert "<img src=x" not in html
    assert "<script" not in html
    assert "&lt;b&gt;Home" in html
    shown = str(view.state) + view.as_text()
    assert "\u202e" not in shown
    assert "\x1b" not in shown
    for number in (1, 2, 3):
        view._receive(None, {"op": "lines", "act": number}, None)
        assert "\x1b" not in str(view.state)
        assert view.state["lines"]


def test_of_many_messages_the_newest_are_shown_and_can_be_read(home: Household) -> None:
    put(home, *(b"Subject: %d\r\n\r\nHi\r\n" % number for number in range(50)))
    phone = home.devices[0]
    run(lambda: home.fetch(phone), 10)
    view = DevicesView(home, title="Many")
    assert view.state["more"] == 50 - SHOWN
    letters = view.state["devices"][0]["letters"]
    assert [letters[0]["subject"], letters[-1]["subject"]] == ["30", "49"]
    assert letters[-1]["n"] == 49
    assert "30 earlier ones, 30 (unread)" in view.as_text()
    view._receive(None, {"op": "read", "device": 0, "letter": letters[-1]["n"]}, None)
    for _ in range(200):
        if not view._busy:
            break
        run(lambda: asyncio.sleep(0.01), 5)
    assert phone.letters[49].read
