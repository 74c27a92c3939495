"""Programs from outside each deliver a message to the lesson's server, and their sessions are recorded.

Debian packages: swaks, curl, openssl, netcat-openbsd, msmtp. A missing one is a failure, not a skip.
"""

from __future__ import annotations

import email.message
import email.policy
import shutil
import smtplib
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.hosts.mailbox import Message
from labkit.hosts.tap import ServerSession
from labkit.hosts.tls import AUTHORITY
from labkit.smtp.session import observe
from labkit.view.terminal_card import COMMANDS
from labkit.world import World, receiver, run_script, sample_receiver

SENDER, RECIPIENT = "alice@sender.example", "bob@receiver.example"
TEXT = (
    "From: Alice <alice@sender.example>\r\n"
    "To: Bob <bob@receiver.example>\r\n"
    "Subject: Tea?\r\n"
    "Date: Mon, 05 Jan 2026 09:00:00 +0000\r\n"
    "Message-ID: <1@client.sender.example>\r\n"
    "\r\n"
    "Tea at four?\r\n"
    ".hidden folders\r\n"
    ".\r\n"
    "..\r\n"
    "Alice\r\n"
)


class Lab:
    """An open world and what arrived in it."""

    def __init__(self, world: World) -> None:
        self.world = world
        address = world.address()
        assert address is not None
        self.ip, self.port = address

    def session(self) -> ServerSession:
        """The one session from outside, ended."""
        (session,) = self.world.host().sessions
        self.world._run(session.ended)
        assert not self.world.is_own(session)
        return session

    def message(self) -> Message:
        (message,) = self.world.mailbox(RECIPIENT)
        assert message.envelope.reverse_path == SENDER
        assert message.envelope.forward_paths == (RECIPIENT,)
        return message

    def lines(self) -> list[str]:
        """What the client said outside of message text, from the record."""
        session = self.session()
        notes = observe(session.transcript)
        assert all(note.agrees for note in notes)
        return [
            note.octets.decode().strip() for note in notes if note.role in ("command", "auth") and note.octets
        ]

    def run(self, *command: str, stdin: str | None = None) -> str:
        assert shutil.which(command[0]), f"{command[0]} is not installed"
        done = subprocess.run(
            command,
            input=None if stdin is None else stdin.encode(),
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, (done.stdout, done.stderr)
        return done.stdout.decode() + done.stderr.decode()


@pytest.fixture(params=["friendly", "sample"])
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    spec = receiver() if request.param == "friendly" else sample_receiver()
    with World.open(spec) as world:
        yield Lab(world)
        assert world.host().errors == []


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    path = tmp_path / "message.eml"
    path.write_bytes(TEXT.encode())
    return path


def script(*, helo: bool = True) -> str:
    """A whole session as somebody would type it into nc or s_client."""
    lines = ["EHLO client.sender.example"] if helo else []
    lines += [f"MAIL FROM:<{SENDER}>", f"RCPT TO:<{RECIPIENT}>", "DATA"]
    lines += ["." + line if line.startswith(".") else line for line in TEXT.split("\r\n")[:-1]]
    return "".join(f"{line}\n" for line in [*lines, ".", "QUIT"])


def test_smtplib(lab: Lab) -> None:
    with smtplib.SMTP(lab.ip, lab.port, local_hostname="client.sender.example", timeout=10) as smtp:
        assert smtp.sendmail(SENDER, [RECIPIENT], TEXT.encode()) == {}
    assert lab.message().as_received == TEXT.encode()
    assert lab.lines()[0] == "ehlo client.sender.example"
    assert lab.lines()[-1].upper() == "QUIT"
    assert lab.session().label == "client.sender.example"


def test_smtplib_with_starttls_and_a_refused_recipient(lab: Lab) -> None:
    with smtplib.SMTP(lab.ip, lab.port, local_hostname="client.sender.example", timeout=10) as smtp:
        smtp.starttls(context=ssl.create_default_context(cafile=str(AUTHORITY)))
        refused = smtp.sendmail(SENDER, [RECIPIENT, "nobody@receiver.example"], TEXT.encode())
    assert refused["nobody@receiver.example"][0] == 550
    assert lab.message().as_received == TEXT.encode()
    assert b"with ESMTPS" in lab.message().raw
    assert lab.session().transcript[-2].encrypted


def test_smtplib_line_ends(lab: Lab) -> None:
    """CASES smtp-15: smtplib mends the line ends of a str, and leaves bytes as they are."""
    text = "Subject: x\n\nline one\nline two\n"
    message = email.message.EmailMessage(policy=email.policy.SMTP)
    message["Subject"] = "x"
    message.set_content("line one\nline two\n")
    with smtplib.SMTP(lab.ip, lab.port, local_hostname="client.sender.example", timeout=10) as smtp:
        smtp.sendmail(SENDER, [RECIPIENT], text)
        smtp.sendmail(SENDER, [RECIPIENT], text.encode())
        smtp.send_message(message, SENDER, [RECIPIENT])
    as_text, as_bytes, as_message = (message.as_received for message in lab.world.mailbox(RECIPIENT))
    assert as_text == b"Subject: x\r\n\r\nline one\r\nline two\r\n"
    assert as_bytes == text.encode() + b"\r\n"  # one line with LF inside it; stricter servers refuse that
    assert b"\n" not in as_message.replace(b"\r\n", b"")
    wire = b"".join(event.data for event in lab.session().transcript if event.sender == "C")
    assert b"DATA" in wire.upper()
    assert b"Subject: x\r\n\r\nline one\r\nline two\r\n.\r\n" in wire


def test_swaks(lab: Lab, text_file: Path) -> None:
    output = lab.run(
        "swaks", "--server", lab.ip, "--port", str(lab.port), "--from", SENDER, "--to", RECIPIENT,
        "--helo", "client.sender.example", "--data", f"@{text_file}",
    )  # fmt: skip
    assert "queued as" in output
    assert b"Subject: Tea?\r\n" in lab.message().as_received
    assert b"\r\n.hidden folders\r\n" in lab.message().as_received
    assert lab.lines() == [
        "EHLO client.sender.example", f"MAIL FROM:<{SENDER}>", f"RCPT TO:<{RECIPIENT}>", "DATA", "QUIT",
    ]  # fmt: skip


def test_swaks_with_tls(lab: Lab) -> None:
    lab.run(
        "swaks", "--server", lab.ip, "--port", str(lab.port), "--from", SENDER, "--to", RECIPIENT,
        "--helo", "client.sender.example", "--tls", "--header", "Subject: Tea?", "--body", "Tea at four?",
    )  # fmt: skip
    assert b"with ESMTPS" in lab.message().raw
    assert lab.lines()[:3] == ["EHLO client.sender.example", "STARTTLS", "EHLO client.sender.example"]


def test_curl(lab: Lab, text_file: Path) -> None:
    lab.run(
        "curl", "--silent", "--show-error", f"smtp://{lab.ip}:{lab.port}/client.sender.example",
        "--mail-from", SENDER, "--mail-rcpt", RECIPIENT, "--upload-file", str(text_file),
    )  # fmt: skip
    assert lab.message().as_received == TEXT.encode()
    assert lab.lines()[0] == "EHLO client.sender.example"


def test_curl_with_tls_checks_the_certificate(lab: Lab, text_file: Path) -> None:
    lab.run(
        "curl", "--silent", "--show-error", "--ssl-reqd", "--cacert", str(AUTHORITY),
        f"smtp://{lab.ip}:{lab.port}/client.sender.example",
        "--mail-from", SENDER, "--mail-rcpt", RECIPIENT, "--upload-file", str(text_file),
    )  # fmt: skip
    assert lab.message().as_received == TEXT.encode()
    assert b"with ESMTPS" in lab.message().raw


def test_openssl(lab: Lab) -> None:
    output = lab.run(
        "openssl", "s_client", "-starttls", "smtp", "-crlf", "-quiet", "-verify_return_error",
        "-CAfile", str(AUTHORITY), "-verify_hostname", "mail.receiver.example",
        "-connect", f"{lab.ip}:{lab.port}", stdin=script(),
    )  # fmt: skip
    assert "221" in output
    assert lab.message().as_received == TEXT.encode()
    session = lab.session()
    assert [event.encrypted for event in session.transcript][-2:] == [True, True]
    assert lab.lines()[1] == "STARTTLS"


@pytest.mark.parametrize("extra", [[], ["-N"]], ids=["stays open", "half-closes"])
def test_nc(lab: Lab, extra: list[str]) -> None:
    output = lab.run("nc", "-C", *extra, lab.ip, str(lab.port), stdin=script())
    assert output.startswith("220 mail.receiver.example ESMTP")
    assert "354" in output
    assert "221" in output
    assert lab.message().as_received == TEXT.encode()
    assert lab.lines()[0] == "EHLO client.sender.example"


def test_nc_without_crlf(lab: Lab) -> None:
    """Commands get through, and then the text never ends: LF . LF is no end of text."""
    output = lab.run("nc", "-N", lab.ip, str(lab.port), stdin=script())
    assert "354" in output
    assert "queued" not in output
    assert len(lab.world.mailbox(RECIPIENT)) == 0
    assert [event.sender for event in lab.session().transcript if not event.data] == [
        "C",
        "S",
    ]  # the client closed


def test_msmtp(lab: Lab) -> None:
    lab.run(
        "msmtp", f"--host={lab.ip}", f"--port={lab.port}", f"--from={SENDER}", "--domain=client.sender.example",
        "--", RECIPIENT, stdin=TEXT.replace("\r\n", "\n"),
    )  # fmt: skip
    assert lab.message().as_received == TEXT.encode()
    assert lab.lines()[0] == "EHLO client.sender.example"


def test_msmtp_with_tls(lab: Lab) -> None:
    lab.run(
        "msmtp", f"--host={lab.ip}", f"--port={lab.port}", f"--from={SENDER}", "--domain=client.sender.example",
        "--tls=on", "--tls-starttls=on", f"--tls-trust-file={AUTHORITY}", "--", RECIPIENT,
        stdin=TEXT.replace("\r\n", "\n"),
    )  # fmt: skip
    assert lab.message().as_received == TEXT.encode()
    assert b"with ESMTPS" in lab.message().raw


@pytest.mark.parametrize(("name", "command"), [(name, command) for name, _what, command in COMMANDS])
def test_what_the_terminal_card_prints_is_what_works(lab: Lab, name: str, command: str) -> None:
    typed = script() if name in ("nc", "openssl") else None
    lab.run("bash", "-o", "pipefail", "-c", command.format(ip=lab.ip, port=lab.port), stdin=typed)
    (message,) = lab.world.mailbox(RECIPIENT)
    assert message.envelope.forward_paths == (RECIPIENT,)
    assert message.as_received.count(b"\r\n") == message.as_received.count(b"\n")


def test_all_of_them_at_once(text_file: Path) -> None:
    """Visitors and the lab's own client share one server; each session is kept apart."""
    with World.open(receiver()) as world:
        lab = Lab(world)
        commands = [
            ["swaks", "--server", lab.ip, "--port", str(lab.port), "--from", SENDER, "--to", RECIPIENT],
            ["curl", "--silent", f"smtp://{lab.ip}:{lab.port}/", "--mail-from", SENDER, "--mail-rcpt", RECIPIENT,
             "--upload-file", str(text_file)],
        ] * 3  # fmt: skip
        running = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for command in commands]
        own = [run_script(world, ["EHLO client.sender.example", "QUIT"]) for _ in range(5)]
        assert [process.wait(60) for process in running] == [0] * 6
        sessions = world.host().sessions
        for session in sessions:
            world._run(session.ended)
        assert len(world.mailbox(RECIPIENT)) == 6
        assert sorted(world.is_own(session) for session in sessions) == [False] * 6 + [True] * 5
        assert {transcript[0].connection for transcript in own} == {s.connection for s in sessions if s.own}
        for session in sessions:
            assert all(note.agrees for note in observe(session.transcript))
