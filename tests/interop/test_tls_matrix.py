"""Real mail programs at the lab's doors: in clear, by STARTTLS, under TLS from the start; with the right password, a
wrong one, and at a server whose certificate comes from an unknown authority.

What counts is what arrived, not what a program says of itself. Debian packages: swaks, curl, openssl, msmtp, nodejs,
node-nodemailer. A missing one is a failure, not a skip.
"""

from __future__ import annotations

import json
import os
import shutil
import smtplib
import ssl
import subprocess
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import pytest

from labkit.hosts.mail_host import MailHost
from labkit.hosts.tls import AUTHORITY
from labkit.smtp.session import observe
from labkit.world import HostSpec, World

Door = Literal["plain", "starttls", "implicit"]
PORTS: dict[Door, int] = {"plain": 2525, "starttls": 587, "implicit": 465}
NAME = "mail.receiver.example"
SENDER, RECIPIENT = "alice@sender.example", "bob@receiver.example"
PASSWORD = "wonderland"
TEXT = (
    "From: Alice <alice@sender.example>\r\n"
    "To: Bob <bob@receiver.example>\r\n"
    "Subject: Tea?\r\n"
    "Date: Mon, 05 Jan 2026 09:00:00 +0000\r\n"
    "Message-ID: <1@client.sender.example>\r\n"
    "\r\n"
    "Tea at four?\r\n"
    ".hidden folders\r\n"
    "Alice\r\n"
)
NODE_PATH = os.pathsep.join(filter(None, [os.environ.get("NODE_PATH"), "/usr/share/nodejs"]))
"""Where Debian's packages for Node are."""
NODEMAILER = """
const options = JSON.parse(process.argv[1]);
const transport = require("nodemailer").createTransport(options.transport);
transport.sendMail({envelope: {from: options.from, to: [options.to]}, raw: options.raw})
  .then(info => console.log(info.response), error => { console.error(error.message); process.exit(1); });
"""


@dataclass(frozen=True)
class Visit:
    """How a program is to come."""

    ip: str
    port: int
    door: Door
    password: str


Program = Callable[[Visit], str]


def run(*command: str, stdin: str | None = None, **more: str) -> str:
    """The program's output, whatever it ended with."""
    assert shutil.which(command[0]), f"{command[0]} is not installed"
    done = subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **more},
    )
    return done.stdout + done.stderr


def with_smtplib(visit: Visit) -> str:
    context = ssl.create_default_context(cafile=str(AUTHORITY))
    place = (visit.ip, visit.port)
    try:
        with (
            smtplib.SMTP_SSL(*place, timeout=20, context=context)
            if visit.door == "implicit"
            else smtplib.SMTP(*place, timeout=20)
        ) as smtp:
            if visit.door == "starttls":
                smtp.starttls(context=context)
            smtp.login("alice", visit.password)
            smtp.sendmail(SENDER, [RECIPIENT], TEXT.encode())
    except (smtplib.SMTPException, OSError) as error:
        return str(error)
    return ""


def with_swaks(visit: Visit) -> str:
    tls = {"plain": (), "starttls": ("--tls",), "implicit": ("--tls-on-connect",)}[visit.door]
    check = ("--tls-verify", "--tls-ca-path", str(AUTHORITY)) if tls else ()
    return run(
        "swaks", "--server", visit.ip, "--port", str(visit.port), "--from", SENDER, "--to", RECIPIENT,
        "--helo", "client.sender.example", "--data", TEXT.replace("\r\n", "\\n"), *tls, *check,
        "--auth", "LOGIN", "--auth-user", "alice", "--auth-password", visit.password,
    )  # fmt: skip


def with_curl(visit: Visit) -> str:
    scheme = "smtps" if visit.door == "implicit" else "smtp"
    required = ("--ssl-reqd",) if visit.door == "starttls" else ()
    return run(
        "curl", "--silent", "--show-error", "--noproxy", "*", "--cacert", str(AUTHORITY), *required,
        f"{scheme}://{visit.ip}:{visit.port}/client.sender.example", "--user", f"alice:{visit.password}",
        "--mail-from", SENDER, "--mail-rcpt", RECIPIENT, "--upload-file", "-", stdin=TEXT,
    )  # fmt: skip


def with_openssl(visit: Visit) -> str:
    """Typed by hand, as it were: whatever the server answers, the next line follows."""
    login = b64encode(f"\0alice\0{visit.password}".encode()).decode()
    lines = ["EHLO client.sender.example", f"AUTH PLAIN {login}"]
    lines += [f"MAIL FROM:<{SENDER}>", f"RCPT TO:<{RECIPIENT}>", "DATA"]
    lines += ["." + line if line.startswith(".") else line for line in TEXT.split("\r\n")[:-1]]
    by = ("-starttls", "smtp") if visit.door == "starttls" else ()
    return run(
        "openssl", "s_client", *by, "-crlf", "-quiet", "-verify_return_error", "-CAfile", str(AUTHORITY),
        "-verify_hostname", NAME, "-connect", f"{visit.ip}:{visit.port}",
        stdin="".join(f"{line}\n" for line in [*lines, ".", "QUIT"]),
    )  # fmt: skip


def with_msmtp(visit: Visit) -> str:
    tls = {
        "plain": ("--tls=off",),
        "starttls": ("--tls=on", "--tls-starttls=on"),
        "implicit": ("--tls=on", "--tls-starttls=off"),
    }
    return run(
        "msmtp", f"--host={visit.ip}", f"--port={visit.port}", f"--from={SENDER}", "--domain=client.sender.example",
        *tls[visit.door], f"--tls-trust-file={AUTHORITY}", "--auth=plain", "--user=alice",
        f"--passwordeval=echo {visit.password}", "--", RECIPIENT, stdin=TEXT.replace("\r\n", "\n"),
    )  # fmt: skip


def with_nodemailer(visit: Visit) -> str:
    transport = {
        "host": visit.ip, "port": visit.port, "secure": visit.door == "implicit",
        "ignoreTLS": visit.door == "plain", "requireTLS": visit.door == "starttls",
        "auth": {"user": "alice", "pass": visit.password},
        "tls": {"ca": AUTHORITY.read_text(), "servername": NAME},
    }  # fmt: skip
    options = {"transport": transport, "from": SENDER, "to": RECIPIENT, "raw": TEXT}
    return run("node", "-e", NODEMAILER, json.dumps(options), NODE_PATH=NODE_PATH)


PROGRAMS: dict[str, Program] = {
    "smtplib": with_smtplib,
    "swaks": with_swaks,
    "curl": with_curl,
    "openssl": with_openssl,
    "msmtp": with_msmtp,
    "nodemailer": with_nodemailer,
}
DOORS = [
    (program, door)
    for program in PROGRAMS
    for door in PORTS
    if (program, door) != ("openssl", "plain")  # s_client speaks TLS and nothing else
]


def open_world(certificate: str) -> World:
    """A server that takes mail from people it knows, at all four ports."""
    spec = HostSpec(
        NAME, ("bob",), roles=("submission",), listeners=(25, 465, 587, 2525), auth={"alice": PASSWORD},
        auth_before_tls=True, certificate=certificate,  # type: ignore[arg-type]
    )  # fmt: skip
    return World.open(spec)


@pytest.fixture(scope="module")
def right() -> Iterator[World]:
    with open_world("right") as world:
        yield world
        assert world.host().errors == []


@pytest.fixture(scope="module")
def unknown() -> Iterator[World]:
    with open_world("unknown_issuer") as world:
        yield world
        assert world.host().errors == []


def visit(world: World, program: str, door: Door, password: str) -> tuple[str, MailHost]:
    address = world.address(port=PORTS[door])
    assert address is not None
    said = PROGRAMS[program](Visit(*address, door, password))
    host = world.host()
    for session in host.sessions:
        world._run(session.ended)
    return said, host


@pytest.mark.parametrize(("program", "door"), DOORS)
def test_with_the_right_password(right: World, program: str, door: Door) -> None:
    before = len(right.mailbox(RECIPIENT))
    said, host = visit(right, program, door, PASSWORD)
    messages = list(right.mailbox(RECIPIENT))
    assert len(messages) == before + 1, said
    message, session = messages[-1], host.sessions[-1]
    assert message.envelope.reverse_path == SENDER
    assert b"\r\nSubject: Tea?\r\n" in b"\r\n" + message.as_received
    assert b"\r\n\r\nTea at four?\r\n.hidden folders\r\nAlice\r\n" in message.as_received
    assert (b"with ESMTPSA" in message.raw) == (door != "plain")
    assert (b"with ESMTPA" in message.raw) == (door == "plain")
    assert session.port == PORTS[door]
    login = [
        note
        for note in observe(session.transcript)
        if note.reply is not None and str(note.reply)[:3] == "235"
    ]
    assert [note.encrypted for note in login] == [door != "plain"]


@pytest.mark.parametrize(("program", "door"), DOORS)
def test_with_a_wrong_password(right: World, program: str, door: Door) -> None:
    before = len(right.mailbox(RECIPIENT))
    said, host = visit(right, program, door, "looking-glass")
    assert len(right.mailbox(RECIPIENT)) == before, said
    heard = [event.data for event in host.sessions[-1].transcript if event.sender == "S"]
    assert any(line.startswith(b"535 5.7.8") for line in heard)
    assert not any(line.startswith((b"354", b"235")) for line in heard)
    assert program == "curl" or "535" in said  # curl says: Login denied
    assert program != "curl" or "denied" in said


@pytest.mark.parametrize(("program", "door"), [(p, d) for p, d in DOORS if d != "plain"])
def test_with_an_unknown_authority(unknown: World, program: str, door: Door) -> None:
    """Nobody says a password to a server that cannot show who it is."""
    before, sessions = len(unknown.mailbox(RECIPIENT)), len(unknown.host().sessions)
    said, host = visit(unknown, program, door, PASSWORD)
    assert len(unknown.mailbox(RECIPIENT)) == before
    heard = [
        event.data.upper()
        for session in host.sessions[sessions:]
        for event in session.transcript
        if event.sender == "C"
    ]
    assert not any(line.startswith((b"AUTH", b"MAIL")) for line in heard)
    assert "certificate" in said.lower() or "verif" in said.lower(), said
