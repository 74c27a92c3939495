"""TLS between hosts and at the door: who starts it, who checks, what is refused, what a weak server does."""

from __future__ import annotations

import asyncio
import base64
from typing import Any, Literal, get_args

import pytest

from labkit.client import Client, ClientError
from labkit.client.errors import TLSFailed
from labkit.hosts.faults import make_fault
from labkit.hosts.tls import (
    CERTIFICATE_KINDS,
    CERTIFICATES,
    TlsUse,
    certificate_facts,
    server_context,
    shipped_certificate,
)
from labkit.smtp import observe
from labkit.smtp.transcript import Transcript
from labkit.world import AsyncWorld, chain, receiver

Network = Literal["memory", "loopback"]
NETWORKS: list[Network] = ["memory", "loopback"]
HELLO = "EHLO client.sender.example"
MAIL = "MAIL FROM:<alice@sender.example>"
BOB = "RCPT TO:<bob@receiver.example>"
LOGIN = "AUTH PLAIN " + base64.b64encode(b"\0alice\0secret").decode()


def said(transcript: Transcript) -> list[str]:
    return [e.data.decode().strip() for e in transcript if e.sender == "S" and e.data]


def play(*lines: str | bytes, faults: tuple[Any, ...] = (), **spec: Any) -> list[str]:
    async def run() -> list[str]:
        async with AsyncWorld(receiver(**spec), transport="memory") as world:
            for fault in faults:
                world.host().switch_on(fault)
            transcript = await world.play(lines)
            assert world.host().errors == []
            return said(transcript)

    return asyncio.run(run())


class Delivery:
    """One message from relay to mx1 (or mx2), and how."""

    def __init__(self, world: AsyncWorld) -> None:
        self.arrived = len(world.mailbox("bob@receiver.example"))
        self.encrypted = [
            [e.encrypted for e in session.transcript if e.data.startswith(b"MAIL")]
            for session in world.host("mx1.receiver.example").sessions
        ]
        self.log = [line.text for line in world.host("relay.sender.example").log]
        self.kinds = [one.kind for one in world.movements]
        self.notes = [s.transcript for s in world.host("mx1.receiver.example").sessions]
        self.raw = world.mailbox("bob@receiver.example")[0].raw if self.arrived else b""


async def under_tls(client: Client) -> None:
    await client.connect()
    await client.send_line(HELLO)
    await client.send_line("STARTTLS")
    await client.start_tls()


def deliver(tls: TlsUse, *faults: Any, transport: Network = "memory", **mx: Any) -> Delivery:
    async def run() -> Delivery:
        hosts = {"relay.sender.example": {"tls": tls}, "mx1.receiver.example": mx}
        async with AsyncWorld(chain(hosts=hosts), transport=transport) as world:
            await world.host("mx2.receiver.example").stop()
            for fault in faults:
                world.host("mx1.receiver.example").switch_on(fault)
            await world.submit("Hi", sender="alice@sender.example", recipients=["bob@receiver.example"])
            await world.settle()
            assert [error for host in world.hosts for error in host.errors] == []
            return Delivery(world)

    return asyncio.run(run())


@pytest.mark.parametrize("transport", NETWORKS)
@pytest.mark.parametrize("tls", get_args(TlsUse))
def test_a_relay_starts_tls_as_its_spec_says(tls: TlsUse, transport: Network) -> None:
    done = deliver(tls, transport=transport)
    assert done.arrived == 1
    assert done.encrypted == [[tls != "none"]]
    assert all(note.agrees for note in observe(done.notes[0]))
    said_ehlo = [e.encrypted for e in done.notes[0] if e.data.startswith(b"EHLO")]
    assert said_ehlo == ([False] if tls == "none" else [False, True])  # the second EHLO is not forgotten
    assert (b"by mx1.receiver.example with ESMTPS" in done.raw.replace(b"\r\n ", b" ")) == (tls != "none")
    checked = {
        "none": "",
        "may": "certificate not checked",
        "require": "certificate not checked",
        "verify": "certificate checked",
    }
    assert checked[tls] in done.log[-1]


# host setting, fault, what becomes of the message at each use of TLS
NEVER, CLEAR, TLS = "kept", "in clear", "under TLS"
CASES: list[tuple[dict[str, Any], tuple[Any, ...], dict[TlsUse, str]]] = [
    ({"starttls": False}, (), {"none": CLEAR, "may": CLEAR, "require": NEVER, "verify": NEVER}),
    ({}, ("tls_not_available",), {"none": CLEAR, "may": CLEAR, "require": NEVER, "verify": NEVER}),
    ({}, (make_fault("wrong_certificate", kind="expired"),), {"may": TLS, "require": TLS, "verify": NEVER}),
    ({}, (make_fault("wrong_certificate", kind="wrong_name"),), {"may": TLS, "require": TLS, "verify": NEVER}),
    ({"certificate": "unknown_issuer"}, (), {"may": TLS, "require": TLS, "verify": NEVER}),
    ({}, (make_fault("connection_lost", stage="STARTTLS"),), {"none": CLEAR, "may": NEVER, "require": NEVER}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("mx", "faults", "tls", "outcome"),
    [(mx, faults, tls, outcome) for mx, faults, by_use in CASES for tls, outcome in by_use.items()],
)
def test_what_a_relay_does_without_right_tls(
    mx: dict[str, Any], faults: tuple[Any, ...], tls: TlsUse, outcome: str
) -> None:
    done = deliver(tls, *faults, **mx)
    assert done.arrived == (outcome != NEVER)
    assert [e for session in done.encrypted for e in session] == {NEVER: [], CLEAR: [False], TLS: [True]}[
        outcome
    ]
    if outcome == NEVER:
        assert done.kinds[-1] == "deferred"  # the message waits, it is not returned


def test_a_broken_handshake_sends_an_opportunistic_host_on_in_clear() -> None:
    """RFC 7435; over a new connection, because the first one is of no more use."""

    async def run() -> tuple[Delivery, list[str]]:
        hosts = {"relay.sender.example": {"tls": "may"}}
        async with AsyncWorld(chain(hosts=hosts), transport="memory") as world:
            mx = world.host("mx1.receiver.example")
            mx.tls_context = lambda: _no_common_version()  # type: ignore[method-assign]
            await world.submit("Hi", sender="alice@sender.example", recipients=["bob@receiver.example"])
            await world.settle()
            return Delivery(world), [line.text for line in world.host("relay.sender.example").log]

    done, log = asyncio.run(run())
    assert done.arrived == 1
    assert done.encrypted == [[], [False]]
    assert any("the TLS handshake. The mail goes in clear." in line for line in log)


def _no_common_version() -> Any:
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / "right.pem")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-SHA")  # an RSA key is needed for it, and ours is none
    return context


# at the door


@pytest.mark.parametrize("transport", NETWORKS)
def test_four_doors_of_one_host(transport: Network) -> None:
    """25, 465, 587 and 2525 lead to the same host; only 465 begins with TLS."""

    async def run() -> list[tuple[int, bool, int]]:
        spec = receiver(auth={"alice": "secret"}, listeners=(25, 465, 587, 2525))
        async with AsyncWorld(spec, transport=transport) as world:
            found = []
            for port in spec.listeners:
                client = world.client(port=port)
                await client.connect()
                at_once = client.encrypted
                await client.send_line(HELLO)
                if not at_once:
                    await client.send_line("STARTTLS")
                    await client.start_tls()
                    await client.send_line(HELLO)
                assert client.certificate is not None
                assert "*.receiver.example" in certificate_facts(client.certificate).names
                for line in (LOGIN, MAIL, BOB, "DATA"):
                    reply = await client.send_line(line)
                    assert reply is not None
                    assert reply.severity in (2, 3)
                await client.send(f"Subject: {port}\r\n\r\nHi\r\n.\r\n".encode())
                await client.send_line("QUIT")
                found.append((port, at_once, world.host().sessions[-1].port))
            assert len(world.mailbox("bob@receiver.example")) == 4
            return found

    assert asyncio.run(run()) == [
        (25, False, 25),
        (465, True, 465),
        (587, False, 587),
        (2525, False, 2525),
    ]


def test_auth_and_tls_answers() -> None:
    """538 for AUTH before TLS, 530 for MAIL where TLS is required, 535 for a wrong password (RFC 4954, RFC 3207)."""
    own = {"auth": {"alice": "secret"}}
    assert play(HELLO, LOGIN, **own)[-1].startswith("538 5.7.11")
    assert "AUTH" not in "".join(play(HELLO, **own))
    assert play(HELLO, "STARTTLS", HELLO, LOGIN, **own)[-1].startswith("235 2.7.0")
    wrong = "AUTH PLAIN " + base64.b64encode(b"\0alice\0wrong").decode()
    assert play(HELLO, "STARTTLS", HELLO, wrong, "NOOP", **own)[-2:] == [
        "535 5.7.8 Authentication credentials invalid",
        "250 2.0.0 OK",
    ]
    assert play(HELLO, MAIL, tls_required=True)[-1] == "530 5.7.0 Must issue a STARTTLS command first"
    assert play(HELLO, "STARTTLS", HELLO, MAIL, tls_required=True)[-1] == "250 2.1.0 OK"
    in_clear = play(HELLO, LOGIN, faults=("auth_in_clear",), **own)
    assert "250 AUTH PLAIN LOGIN" in in_clear
    assert in_clear[-1].startswith("235")
    assert play(HELLO, "STARTTLS", HELLO, LOGIN, faults=("login_broken",), **own)[-1].startswith("454 4.7.0")


def test_a_forgotten_second_ehlo_is_noticed() -> None:
    async def run() -> Transcript:
        async with AsyncWorld(receiver(), transport="memory") as world:
            return await world.play([HELLO, "STARTTLS", MAIL, HELLO, MAIL])

    notes = [note for note in observe(asyncio.run(run())) if note.role == "command"]
    assert [note.expectation.allowed for note in notes if note.expectation] == [True, True, False, True, True]
    assert notes[2].why == "EHLO has to come first. STARTTLS also makes the server forget an earlier EHLO."


INJECTED = b"STARTTLS\r\nEHLO evil.example\r\nMAIL FROM:<mallory@example.net>\r\n"


@pytest.mark.parametrize("transport", NETWORKS)
@pytest.mark.parametrize(("weak", "replies"), [(False, []), (True, ["250 HELP", "250 2.1.0 OK"])])
def test_commands_behind_starttls(transport: Network, weak: bool, replies: list[str]) -> None:
    """Discarded (RFC 3207 section 4.2); run by a server that is weak on purpose."""

    async def run() -> tuple[list[str], list[str]]:
        async with AsyncWorld(receiver(), transport=transport) as world:
            if weak:
                world.host().switch_on("starttls_injection")
            client = world.client()
            await client.connect()
            await client.send_line(HELLO)
            await client.send(INJECTED)
            await client.start_tls()
            await asyncio.sleep(0.1)
            own = await client.send_line(MAIL)
            assert world.host().errors == []
            transcript = world.host().sessions[0].transcript
            under_tls = [e.data.decode().strip() for e in transcript if e.sender == "S" and e.encrypted]
            return [line for line in under_tls[:-1] if line[3] == " "], [str(own)]

    under_tls, own = asyncio.run(run())
    assert under_tls == replies
    assert own[0][:3] == "503"  # EHLO first; for the weak one a transaction is open already


# certificates


def test_the_shipped_certificates() -> None:
    facts = {kind: shipped_certificate(kind) for kind in CERTIFICATE_KINDS}
    assert "*.sender.example" in facts["right"].names
    assert facts["right"].valid_until.year == 2120
    assert facts["wrong_name"].names == ("hosting.example.net", "*.hosting.example.net")
    assert facts["expired"].valid_until.year == 2021
    assert facts["unknown_issuer"].issuer == "An authority that nobody trusts"
    assert {facts[kind].issuer for kind in CERTIFICATE_KINDS[:3]} == {"SMTP Lab authority"}
    with pytest.raises(ValueError, match="expected one of right, wrong_name"):
        server_context("odd")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected one of wrong_name"):
        make_fault("wrong_certificate", kind="right")


@pytest.mark.parametrize("transport", NETWORKS)
@pytest.mark.parametrize("port", [25, 465])
@pytest.mark.parametrize(
    ("kind", "problem", "sentence"),
    [
        (
            "wrong_name",
            "wrong_name",
            "certificate is for another name: mail.receiver.example does not stand in it.",
        ),
        ("expired", "expired", "The certificate of mail.receiver.example has expired."),
        ("unknown_issuer", "unknown_issuer", "comes from an authority that this client does not trust."),
    ],
)
def test_the_client_says_what_is_wrong_with_a_certificate(
    transport: Network, port: int, kind: Any, problem: str, sentence: str
) -> None:
    async def run() -> TLSFailed:
        async with AsyncWorld(receiver(listeners=(25, 465)), transport=transport) as world:
            world.host().switch_on("wrong_certificate", kind=kind)
            client = world.client(port=port)
            with pytest.raises(TLSFailed) as failed:
                await under_tls(client)
            assert client.closed
            with pytest.raises(ClientError):
                await client.send_line("NOOP")
            assert world.host().errors == []
            return failed.value

    error = asyncio.run(run())
    assert error.problem == problem
    assert error.happened.endswith(sentence)
    assert "To switch the check off is no remedy" in error.advice
    assert error.rule is not None
    assert error.rule.ref.startswith(("RFC 9525", "RFC 5280"))


def test_tls_at_once_to_a_port_that_greets_in_clear() -> None:
    """CASES net-01: the first octets are 220, not a TLS record."""

    async def run() -> TLSFailed:
        async with AsyncWorld(receiver(listeners=(587,))) as world:
            address = world.network.address(world.host().name, 587)
            assert address is not None
            world.network.register(world.host().name, 465, address[1])  # type: ignore[attr-defined]
            with pytest.raises(TLSFailed) as failed:
                await world.client(port=465).connect()
            return failed.value

    error = asyncio.run(run())
    assert error.problem == "not_tls"
    assert error.happened == "The TLS handshake failed: what mail.receiver.example sent is no TLS."
    assert "STARTTLS on this port (587), or port 465" in error.advice
