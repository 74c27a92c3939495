"""A mail program's settings against a server with four doors: what gets through, and what stands in the way."""

from __future__ import annotations

import pytest

from labkit.hosts.host_spec import HostSpec
from labkit.mua import Login
from labkit.transport.loop_thread import loop_thread
from labkit.world import Admd, WorldSpec
from labkit.world.account import ENCRYPTIONS, Account, Encryption, Tried, send_with
from labkit.world.core import AsyncWorld, TransportName

MAIL, ALICE, BOB = "mail.sender.example", "alice@sender.example", "bob@receiver.example"
ZONES = f"{MAIL}. A 192.0.2.10\nreceiver.example. MX 10 mx.receiver.example.\nmx.receiver.example. A 198.51.100.10\n"
SPEC = WorldSpec(
    (
        Admd("sender.example", (HostSpec(
            MAIL, ("alice",), roles=("submission", "store"), auth={"alice": "wonderland"},
            listeners=(25, 465, 587, 2525), submission_ports=(465, 587, 2525),
        ),)),
        Admd("receiver.example", (HostSpec("mx.receiver.example", ("bob",)),)),
    ),
    ZONES,
)  # fmt: skip


def tried(
    account: Account,
    to: str = BOB,
    transport: TransportName = "memory",
    block: str = "",
    spec: WorldSpec = SPEC,
) -> tuple[Tried, int]:
    async def run() -> tuple[Tried, int]:
        async with AsyncWorld(spec, transport=transport) as world:
            if block:
                (await world.between("", MAIL)).switch_on("block_port", port=account.port, how=block)
            came = await send_with(
                world,
                account,
                b"Subject: Hi\r\n\r\nHello.\r\n",
                sender=ALICE,
                recipients=(to,),
                patience=1.0 if block else 20.0,
            )
            assert not world.host(MAIL).errors
            return came, len(world.mailbox(to))

    return loop_thread().run(run, 20.0)


@pytest.mark.parametrize("port", [25, 465, 587, 2525])
@pytest.mark.parametrize("encryption", ENCRYPTIONS)
def test_each_door_takes_its_own_encryption_alone(port: int, encryption: Encryption) -> None:
    came, arrived = tried(Account(MAIL, port, encryption, Login("alice", "wonderland")))
    right = encryption == {465: "TLS at once", 25: ""}.get(port, "STARTTLS")
    assert (came.delivered, arrived) == (right, right)
    assert came.exposed == (encryption == "none" and port != 465)
    if not right and port == 465:
        assert came.problem == "silence"
        assert "neither of them begins" in came.happened
    elif not right and encryption == "TLS at once":
        assert came.problem == "not_tls"
        assert b"\x16\x03" in b"".join(event.data for event in came.server if event.sender == "C")
    elif not right:
        assert came.decided is not None
        assert came.decided.reply.code == (502 if port == 25 else 538)


def test_mail_for_here_comes_by_25_and_without_a_login_by_no_other_door() -> None:
    for port in (25, 465, 587, 2525):
        came, arrived = tried(Account(MAIL, port, "TLS at once" if port == 465 else "none"), ALICE)
        assert (came.delivered, arrived) == (port == 25, port == 25)
        assert port == 25 or came.happened == "The server said 530 5.7.0 Authentication required."
    assert "550 5.7.1" in tried(Account(MAIL, 25, "none"))[0].happened  # and no further


@pytest.mark.parametrize(
    ("how", "says"), [("refused", "the connection is refused"), ("dropped", "nobody answers")]
)
def test_a_blocked_port(how: str, says: str) -> None:
    came, arrived = tried(Account(MAIL, 25, "none"), ALICE, block=how)
    assert (came.delivered, arrived, came.problem, len(came.server)) == (False, 0, "no_connection", 0)
    assert says in came.happened


def test_the_same_over_real_sockets() -> None:
    for port, encryption in ((465, "TLS at once"), (587, "STARTTLS")):
        came, arrived = tried(
            Account(MAIL, port, encryption, Login("alice", "wonderland")), transport="loopback"
        )  # type: ignore[arg-type]
        assert (came.delivered, arrived, came.exposed) == (True, 1, False)


def test_a_wrong_password() -> None:
    came, _ = tried(Account(MAIL, 465, "TLS at once", Login("alice", "rabbit")))
    assert "535 5.7.8" in came.happened


def test_case_net_01_tls_at_once_on_587() -> None:
    came, _ = tried(Account(MAIL, 587, "TLS at once", Login("alice", "wonderland")))
    assert came.server[0].data[:3].hex(" ") == "32 32 30"  # what the program takes for a TLS record
    assert "what mail.sender.example sent is no TLS" in came.happened
    assert "STARTTLS on this port (587), or port 465" in came.advice


def test_case_net_03_a_certificate_for_another_name() -> None:
    host = HostSpec(
        MAIL, roles=("submission",), listeners=(587,), auth={"alice": "wonderland"}, certificate="wrong_name"
    )
    world = WorldSpec((Admd("sender.example", (host,)), *SPEC.admds[1:]), ZONES)
    came, arrived = tried(Account(MAIL, 587, "STARTTLS", Login("alice", "wonderland")), spec=world)
    assert (came.delivered, arrived, came.problem) == (False, 0, "wrong_name")
    assert not any(event.data.startswith(b"AUTH") for event in came.program)
    assert "To switch the check off is no remedy" in came.advice
