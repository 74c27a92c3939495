"""The port explorer and the settings, without a page: what they show is data, and nothing from the page is obeyed."""

from __future__ import annotations

import pytest

from labkit.hosts.host_spec import HostSpec
from labkit.mua import Login
from labkit.smtp.transcript import Transcript
from labkit.transport.loop_thread import loop_thread
from labkit.view.exchange import exchange_html, exchange_lines, exchange_text
from labkit.view.port_explorer import PortExplorer
from labkit.view.settings_view import Preset, SettingsView
from labkit.world import Admd, WorldSpec
from labkit.world.account import Account, Tried, send_with
from labkit.world.core import AsyncWorld
from labkit.world.doors import Door, Errand, knock

EVIL = "<script>alert(1)</script>"
MAIL = "mail.sender.example"
LOGIN = Login("alice", "wonderland")
SPEC = WorldSpec(
    (Admd("sender.example", (HostSpec(
        MAIL, ("alice",), roles=("submission", "store"), auth={"alice": "wonderland"},
        listeners=(25, 587), submission_ports=(587,), banner=EVIL, ehlo=("SIZE", EVIL),
    ),)),),
    f"{MAIL}. A 192.0.2.10\n",
)  # fmt: skip


@pytest.fixture(scope="module")
def found() -> tuple[dict[int, Door], Tried]:
    stranger = Errand("mx.example.net", "bob@example.net", "alice@sender.example")
    own = Errand("client.sender.example", "alice@sender.example", "alice@sender.example", LOGIN)

    async def run() -> tuple[dict[int, Door], Tried]:
        async with AsyncWorld(SPEC, transport="memory") as world:
            doors = {port: await knock(world, MAIL, port, stranger, own) for port in (25, 587)}
            account = Account(MAIL, 587, "none", LOGIN)
            sent = await send_with(
                world, account, b"\r\n", sender="a@sender.example", recipients=("b@sender.example",)
            )
            return doors, sent

    return loop_thread().run(run, 20.0)


def test_what_a_server_says_stays_text(found: tuple[dict[int, Door], Tried]) -> None:
    doors, sent = found
    explorer = PortExplorer(MAIL, (25, 587), found=doors)
    settings = SettingsView(
        (Preset(EVIL, sent.account, EVIL, EVIL),), login=LOGIN, title=EVIL, menu=EVIL, tried=sent
    )
    for widget in (explorer, settings):
        assert "<script" not in widget.as_html()
        assert EVIL in widget.as_text()
        widget.close()


def test_only_an_answer_that_is_there_is_opened(found: tuple[dict[int, Door], Tried]) -> None:
    explorer = PortExplorer(MAIL, (25, 587), found=found[0])
    for message in ({"port": 465, "who": "own"}, {"port": [], "who": "own"}, {"port": 25, "who": {}}, {}):
        explorer.on_open(message)
        assert explorer._state()["open"] is None
    explorer.on_open({"port": 587, "who": "own"})
    assert explorer._state()["open"]["title"] == "Alice's program at port 587"
    explorer.on_open({"port": 587, "who": "own"})
    assert explorer._state()["open"] is None
    explorer.on_knock({})  # a recorded run knocks nowhere
    assert not explorer._busy
    explorer.close()


def test_a_password_in_clear_is_read_aloud(found: tuple[dict[int, Door], Tried]) -> None:
    lines = exchange_lines(found[1].program)
    (told,) = [line["note"] for line in lines if line.get("note")]
    assert told == "Anybody on the way reads: 'alice', 'wonderland'"
    assert found[1].exposed


def test_a_handshake_is_no_command_and_what_follows_is_left_out() -> None:
    session = Transcript.from_text(
        "S: 220 a.example\nC= \\x16\\x03\\x01\\x02abc\\n\nS: 500 what?\nC closes\n"
    )
    assert exchange_text(exchange_lines(session)) == [
        "S: 220 a.example",
        "C: 16 03 01 …  <- No command: octets of a TLS handshake.",
    ]
    assert exchange_text(exchange_lines(Transcript())) == ["(nothing)"]
    assert "Nothing." in exchange_html([])
