"""curl reads the mailbox that SMTP filled, over POP3 and IMAP, in clear, by STLS and STARTTLS, and under TLS."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.hosts.tls import AUTHORITY
from labkit.world import HostSpec, World

STORE, BOB = "store.receiver.example", "bob@receiver.example"
PORTS = {"pop3": 110, "pop3s": 995, "imap": 143, "imaps": 993}


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    spec = HostSpec(
        STORE,
        ("bob",),
        listeners=(25, *PORTS.values()),
        readers={"bob": "builder"},
        auth_before_tls=True,
    )
    with World.open(spec) as opened:
        for subject in ("one", "two"):
            text = f"Subject: {subject}\r\n\r\n.dots and text\r\n"
            opened.submit(text, sender="alice@sender.example", recipients=(BOB,), host=STORE, port=25)
        yield opened


def curl(world: World, scheme: str, path: str, *more: str, authority: Path = AUTHORITY) -> tuple[int, bytes]:
    ip, real = world.address(STORE, PORTS[scheme])  # type: ignore[misc]
    done = subprocess.run(
        ["curl", "--silent", "--max-time", "10", "--user", "bob:builder", "--cacert", str(authority), *more,
         "--connect-to", f"{STORE}:{PORTS[scheme]}:{ip}:{real}", f"{scheme}://{STORE}:{PORTS[scheme]}/{path}"],
        capture_output=True, check=False, timeout=20,
    )  # fmt: skip
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("scheme", "more"),
    [
        ("pop3", ()), ("pop3", ("--ssl-reqd",)), ("pop3s", ()),
        ("imap", ()), ("imap", ("--ssl-reqd",)), ("imaps", ()),
    ],
)  # fmt: skip
def test_curl_fetches_the_octets(world: World, scheme: str, more: tuple[str, ...]) -> None:
    path = "2" if scheme.startswith("pop3") else "INBOX;MAILINDEX=2"
    code, got = curl(world, scheme, path, *more)
    assert code == 0
    assert got == world.mailbox(BOB)[1].raw
    record = world.host(STORE).reading.sessions[-1].transcript
    said = next(
        event
        for event in record
        if (event.sender == "C" and b"AGJvYg" in event.data) or b"PASS" in event.data
    )
    assert said.encrypted is (scheme.endswith("s") or bool(more))


@pytest.mark.parametrize("scheme", ["pop3s", "imaps"])
def test_curl_refuses_an_unknown_issuer_and_is_refused_with_a_wrong_password(
    world: World, scheme: str
) -> None:
    before = len(world.host(STORE).reading.sessions)
    assert curl(world, scheme, "", authority=Path("/etc/ssl/certs/ca-certificates.crt"))[0] == 60
    assert all(
        b"PASS" not in event.data
        for one in world.host(STORE).reading.sessions[before:]
        for event in one.transcript
    )
    assert curl(world, scheme, "", "--user", "bob:wrong")[0] == 67
