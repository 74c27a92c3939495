"""The machine in the middle: what it hears, what it changes, and which client notices."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
import time
from base64 import b64encode
from typing import Any, Literal

import pytest

from labkit.client import NotConnected
from labkit.hosts.meddling import MEDDLINGS, BlockPort, Meddling, make_meddling
from labkit.hosts.proxy import Middle, OverheardSession
from labkit.hosts.tls import AUTHORITY, TlsUse
from labkit.smtp.transcript import Transcript
from labkit.world import AsyncWorld, World, chain, receiver

Network = Literal["memory", "loopback"]
NETWORKS: list[Network] = ["memory", "loopback"]
SECRET = "The cake is in the oven."
RELAY, MX1 = "relay.sender.example", "mx1.receiver.example"
HELLO = "EHLO client.sender.example"


class Passed:
    """One message from relay to mx1 with a machine between."""

    def __init__(self, world: AsyncWorld, middle: Middle) -> None:
        self.arrived = len(world.mailbox("bob@receiver.example"))
        self.sessions = middle.sessions
        self.heard = any(session.reads(SECRET) for session in middle.sessions)
        self.server = [session.transcript for session in world.host(MX1).sessions]
        self.message = world.mailbox("bob@receiver.example")[0].raw if self.arrived else b""
        self.log = [line.text for line in world.host(RELAY).log]
        self.connections = [
            one.connection for one in world.movements if one.kind == "delivered" and one.to == MX1
        ]


def send(
    tls: TlsUse, meddling: str = "", transport: Network = "memory", fault: str = "", **settings: Any
) -> Passed:
    async def run() -> Passed:
        spec = chain(hosts={RELAY: {"tls": tls, "patience": 0.5}})
        async with AsyncWorld(spec, transport=transport) as world:
            await world.host("mx2.receiver.example").stop()
            middle = await world.between(RELAY, MX1)
            assert await world.between(RELAY, MX1) is middle
            if meddling:
                middle.switch_on(meddling, **settings)
            if fault:
                world.host(MX1).switch_on(fault)
            await world.submit(SECRET, sender="alice@sender.example", recipients=["bob@receiver.example"])
            await world.settle()
            assert [error for host in world.hosts for error in host.errors] == []
            passed = Passed(world, middle)
        assert all(session.closed for session in middle.sessions)
        return passed

    return asyncio.run(run())


def lines(session: OverheardSession, sender: str) -> list[bytes]:
    return [e.data for e in session.transcript if e.sender == sender and not e.encrypted and e.data]


@pytest.mark.parametrize("transport", NETWORKS)
@pytest.mark.parametrize(
    ("tls", "meddling", "arrives", "heard"),
    [
        ("none", "", True, True),
        ("may", "", True, False),
        ("verify", "", True, False),
        ("may", "strip_starttls", True, True),  # the policy that does not survive it
        ("require", "strip_starttls", False, False),  # and the one that does: no mail is better than that
        ("verify", "strip_starttls", False, False),
        ("may", "intercept_tls", True, True),
        ("require", "intercept_tls", True, True),  # encrypted, but for whom?
        ("verify", "intercept_tls", False, False),
        ("may", "inject_before_tls", True, False),
        ("none", "block_port", False, False),
    ],
)
def test_who_reads_the_message(
    tls: TlsUse, meddling: str, arrives: bool, heard: bool, transport: Network
) -> None:
    passed = send(tls, meddling, transport)
    assert (passed.arrived == 1) is arrives
    assert passed.heard is heard
    assert (
        bool(passed.connections) is arrives
    )  # the session is known at the host, though a machine is between


def test_what_an_eavesdropper_sees_before_and_after_tls() -> None:
    passed = send("may")
    (session,) = passed.sessions
    assert lines(session, "C") == [b"EHLO relay.sender.example\r\n", b"STARTTLS\r\n"]
    assert lines(session, "S")[0].startswith(b"220 mx1.receiver.example")
    assert lines(session, "S")[-1] == b"220 2.0.0 Ready to start TLS\r\n"
    hidden = [event for event in session.transcript if event.encrypted and event.data]
    assert len(hidden) > 10
    assert {event.data[0] for event in hidden} == {20, 22, 23}
    assert all(int.from_bytes(event.data[3:5]) == len(event.data) - 5 for event in hidden)  # TLS records
    assert MX1.encode() in next(event.data for event in hidden)  # the name in the handshake is readable (SNI)
    assert {event.view for event in session.transcript} == {"wire"}
    assert Transcript.from_text(session.transcript.to_text()) == session.transcript
    assert b"from relay.sender.example ([192.0.2.20])" in passed.message  # who was behind the middle is known


def test_stripping_as_both_ends_see_it() -> None:
    passed = send("may", "strip_starttls")
    (session,) = passed.sessions
    (change,) = session.changes
    assert change.was.strip()[4:] == b"STARTTLS"
    assert change.became.strip()[4:] == b"XXXXXXXX"
    assert session.transcript[change.seq - 1].data == change.was
    assert any(event.data[4:12] == b"STARTTLS" for event in passed.server[0])
    assert not any(event.encrypted for event in session.transcript)


def test_a_client_that_says_starttls_all_the_same() -> None:
    async def run() -> tuple[str, list[bytes]]:
        async with AsyncWorld(receiver(), transport="memory") as world:
            middle = await world.between("", world.host().name)
            middle.switch_on("strip_starttls")
            client = world.client()
            await client.connect()
            await client.send_line(HELLO)
            assert await client.send(b"START") is None  # in pieces, too
            reply = await client.send(b"TLS\r\n")
            heard = [event.data for event in world.host().sessions[0].transcript if event.sender == "C"]
            assert client.connection == 1
            assert world.is_own(world.host().sessions[0])
            return str(reply), heard

    reply, heard = asyncio.run(run())
    assert reply.startswith("500 5.5.2")
    assert heard[1] == b"XXXXXXXX\r\n"


@pytest.mark.parametrize("port", [587, 465])
@pytest.mark.parametrize("insist", [True, False])
def test_a_mail_program_that_insists_on_tls_and_one_that_does_not(insist: bool, port: int) -> None:
    """What stripping does to Alice's password. On 465 there is nothing to strip (RFC 8314 section 3.3)."""

    async def run() -> tuple[bool, bool]:
        submit = {"listeners": (587, 465), "auth_before_tls": True, "trusted": False}
        async with AsyncWorld(chain(hosts={"submit.sender.example": submit}), transport="memory") as world:
            middle = await world.between(world.spec.client, "submit.sender.example")
            middle.switch_on("strip_starttls")
            handed = await world.submit(
                SECRET, sender="alice@sender.example", recipients=["bob@receiver.example"],
                port=port, user="alice", insist_on_tls=insist,
            )  # fmt: skip
            await world.settle()
            assert len(world.mailbox("bob@receiver.example")) == handed.delivered
            (session,) = middle.sessions
            return handed.delivered, session.reads(b64encode(b"\0alice\0wonderland")) or session.reads(SECRET)

    delivered, heard = asyncio.run(run())
    assert (delivered, heard) == {
        (587, True): (False, False),
        (587, False): (True, True),
        (465, True): (True, False),
        (465, False): (True, False),
    }[port, insist]


INJECTED = (
    "EHLO mallory.example\r\nMAIL FROM:<mallory@example.net>\r\nRCPT TO:<carol@receiver.example>\r\nDATA\r\n"
)


@pytest.mark.parametrize("transport", NETWORKS)
def test_injection_at_a_right_server_and_at_a_weak_one(transport: Network) -> None:
    """RFC 3207 section 4.2. At the weak one the session of the relay goes on inside the attacker's message."""
    right = send("verify", "inject_before_tls", transport, octets=INJECTED)
    assert right.arrived == 1
    assert len(right.sessions[0].changes) == 1
    assert not any(b"mallory" in e.data for e in right.server[0] if e.encrypted)
    weak = send("verify", "inject_before_tls", transport, "starttls_injection", octets=INJECTED)
    assert weak.arrived == 0
    under_tls = [
        event.data.decode().strip() for event in weak.server[0] if event.encrypted and event.sender == "S"
    ]
    assert "354 End data with <CR><LF>.<CR><LF>" in under_tls
    assert not weak.heard


class InjectReplies(Meddling):
    """Answers of somebody else behind the server's 220, still in clear."""

    name = "inject_replies"

    def from_server(self, line: bytes) -> bytes:
        return line + b"250-EVIL\r\n250 X\r\n550-no\r\n" if line.startswith(b"220 2.0.0 Ready") else line


@pytest.mark.parametrize("transport", NETWORKS)
def test_replies_injected_before_the_handshake_count_for_nobody(transport: Network) -> None:
    """Nor may they hold up the session: the client forgets what it heard in clear (RFC 3207 section 4.2)."""

    async def run() -> tuple[int, list[str]]:
        async with AsyncWorld(chain(hosts={RELAY: {"tls": "verify"}}), transport=transport) as world:
            (await world.between(RELAY, MX1)).switch_on(InjectReplies())
            await world.submit(SECRET, sender="alice@sender.example", recipients=["bob@receiver.example"])
            await world.settle()
            (await world.between(world.spec.client, MX1)).switch_on(InjectReplies())
            client = world.client(MX1)
            await client.connect()
            await client.send_line(HELLO)
            await client.send_line("STARTTLS")
            await client.start_tls()
            said = [str(await client.send_line(line)) for line in (HELLO, "NOOP", "VRFY bob")]
            sessions = world.host("mx2.receiver.example").sessions
            return len(world.mailbox("bob@receiver.example")) - len(sessions), said

    arrived, said = asyncio.run(run())
    assert arrived == 1
    assert [line[:3] for line in said] == ["250", "250", "252"]
    assert "EVIL" not in "".join(said)


def test_a_blocked_port() -> None:
    """Refused at once, or silent until the client gives up; 587 is another port."""

    async def run() -> tuple[list[str], float]:
        spec = receiver(listeners=(25, 587))
        async with AsyncWorld(spec) as world:
            middle = await world.between(world.spec.client, world.host().name)
            said: list[str] = []
            start = time.monotonic()
            for how in ("refused", "dropped"):
                middle.switch_on(BlockPort(25, how))  # type: ignore[arg-type]
                client = world.client(deadline=0.3)
                with pytest.raises(NotConnected) as failed:
                    await client.connect()
                said.append(failed.value.happened)
                other = world.client(port=587)
                assert (await other.connect()).code == 220
                await other.close()
            took = time.monotonic() - start
            middle.switch_off("block_port")
            assert (await world.client().connect()).code == 220
            return said, took

    said, took = asyncio.run(run())
    assert said[0].endswith("mail.receiver.example:25 refuses the connection.")
    assert said[1].endswith("it took too long.")
    assert 0.25 < took < 3


def test_a_relay_gives_up_on_silence_by_its_own_patience() -> None:
    passed = send("none", "block_port", port=25, how="dropped")
    assert passed.arrived == 0
    assert any("nothing came back within 0.5 seconds" in line for line in passed.log)


@pytest.mark.parametrize("port", [587, 465])
def test_a_program_from_outside_goes_through_it(port: int) -> None:
    """smtplib at the middle's own address; on 465 the stripper finds nothing to strip."""
    spec = receiver(listeners=(587, 465), auth={"alice": "wonderland"}, auth_before_tls=True)
    with World.open(spec) as world:
        middle = world.between("", "mail.receiver.example")
        middle.switch_on("strip_starttls")
        seen: list[int] = []
        stop_looking = middle.on_event(lambda session, event: seen.append(event.seq))
        address = middle.address(port)
        assert address is not None
        context = ssl.create_default_context(cafile=str(AUTHORITY))
        if port == 465:
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(*address, context=context, timeout=10)
        else:
            smtp = smtplib.SMTP(*address, timeout=10)
        with smtp:
            smtp.login("alice", "wonderland")
            smtp.sendmail("alice@sender.example", ["bob@receiver.example"], f"Subject: x\n\n{SECRET}\n")
        assert len(world.mailbox("bob@receiver.example")) == 1
        assert not world.is_own(world.host().sessions[0])
        (session,) = middle.sessions
        stop_looking()
        assert len(seen) > 5
        assert seen == [event.seq for event in session.transcript][: len(seen)]  # the closing may come later
        assert session.reads(SECRET) is (port == 587)
        assert session.reads("AGFsaWNlAHdvbmRlcmxhbmQ=") is (port == 587)  # the password, in base64
        world.withdraw(middle)
        assert middle.address(port) is None
        assert world.address() is not None


def test_large_text_and_half_closed_ends_pass() -> None:
    """Nothing is lost or joined wrongly, whatever the pieces are."""

    async def run() -> bytes:
        async with AsyncWorld(receiver()) as world:
            middle = await world.between("", world.host().name)
            middle.switch_on("strip_starttls")
            address = middle.address(25)
            assert address is not None
            reader, writer = await asyncio.open_connection(*address)
            text = b"".join(b"%06d STARTTLS\r\n" % number for number in range(40_000))
            writer.write(
                f"{HELLO}\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<bob@receiver.example>\r\nDATA\r\n".encode()
                + text + b".\r\nQUIT"
            )  # fmt: skip
            writer.write_eof()
            answers = await reader.read()
            writer.close()
            assert b"queued as" in answers
            (message,) = world.mailbox("bob@receiver.example")
            assert message.as_received == text
            return answers

    assert asyncio.run(run()).startswith(b"220")


SCRIPTS: dict[str, list[str | bytes]] = {
    "a message": [
        HELLO,
        "MAIL FROM:<a@b.example>",
        "RCPT TO:<bob@receiver.example>",
        "DATA",
        "x",
        "..",
        ".",
        "QUIT",
    ],
    "pieces": [b"EH", b"LO client", b".example\r", b"\n", b"STAR", b"T\r\n", b"QUIT\r\n"],
    "nothing said": [],
    "cut line": [HELLO, b"MAIL FROM:<alice@"],
    "pipelined, and more after QUIT": [HELLO, b"NOOP\r\nRSET\r\nQUIT\r\nNOOP\r\n"],
    "no lines": [HELLO, b"\xff\xfe\r\n", "NOOP " + "x" * 70_000, "QUIT"],
    "STARTTLS": [HELLO, "STARTTLS", HELLO, "NOOP", "QUIT"],
}


@pytest.mark.parametrize("transport", NETWORKS)
@pytest.mark.parametrize("meddling", ["", "block_port", "inject_before_tls"])
@pytest.mark.parametrize("name", SCRIPTS)
def test_who_only_listens_changes_nothing(name: str, meddling: str, transport: Network) -> None:
    """The server's record is the same with a machine in the middle as without; injected octets are the exception."""

    async def run(between: bool) -> Transcript:
        async with AsyncWorld(receiver(), transport=transport) as world:
            if between:
                middle = await world.between(world.spec.client, world.host().name)
                if meddling:
                    settings = {"port": 26} if meddling == "block_port" else {"octets": b""}
                    middle.switch_on(meddling, **settings)
            transcript = await world.play(SCRIPTS[name], deadline=5)
            assert world.host().errors == []
            if between:
                (session,) = middle.sessions
                for _ in range(200):
                    if not session.closed:
                        await asyncio.sleep(0.01)
                assert session.closed
                if name != "STARTTLS":
                    sides = [
                        b"".join(e.data for e in t if e.sender == s)
                        for t in (session.transcript, transcript)
                        for s in "CS"
                    ]
                    if "after QUIT" not in name:
                        assert sides[:2] == sides[2:]
            return transcript

    assert asyncio.run(run(True)).same_wire(asyncio.run(run(False)))


def test_a_blocked_port_for_a_program_from_outside() -> None:
    with World.open(receiver()) as world:
        middle = world.between("", "mail.receiver.example")
        address = middle.address(25)
        assert address is not None
        for how in ("refused", "dropped"):
            middle.switch_on("block_port", how=how)
            begin = time.monotonic()
            with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
                smtplib.SMTP(*address, timeout=1)
            assert (time.monotonic() - begin >= 0.9) is (how == "dropped")  # at once, or when patience ends
        assert world.host().sessions == ()
        middle.switch_off("block_port")
        smtplib.SMTP(*address, timeout=20).quit()


@pytest.mark.parametrize("transport", NETWORKS)
def test_a_host_that_is_down_refuses_behind_a_machine_too(transport: Network) -> None:
    async def run() -> tuple[int, str, int]:
        async with AsyncWorld(chain(hosts={RELAY: {"tls": "may"}}), transport=transport) as world:
            middle = await world.between(RELAY, MX1)
            await world.host(MX1).stop()
            await world.submit(SECRET, sender="alice@sender.example", recipients=["bob@receiver.example"])
            await world.settle()
            log = [line.text for line in world.host(RELAY).log if "kept for" in line.text]
            await world.withdraw(middle)
            await world.withdraw(middle)
            return len(world.mailbox("bob@receiver.example")), log[0], len(middle.sessions)

    arrived, log, sessions = asyncio.run(run())
    assert (arrived, sessions) == (1, 0)  # by mx2
    assert "nothing listens on mx1.receiver.example:25" in log


def test_names_of_meddling() -> None:
    with pytest.raises(KeyError, match="strip_starttls, inject_before_tls, block_port, intercept_tls"):
        make_meddling("gremlins")
    with pytest.raises(TypeError, match="made already"):
        make_meddling(BlockPort(), port=3)
    with pytest.raises(ValueError, match="refused or dropped"):
        make_meddling("block_port", how="odd")
    assert all(kind.name == name for name, kind in MEDDLINGS.items())


def test_between_hosts_that_are_not_there() -> None:
    with (
        World.open(chain(), transport="memory") as world,
        pytest.raises(KeyError, match="no host nobody"),
    ):
        world.between("nobody.example", MX1)
