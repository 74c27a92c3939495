"""Every trap of aiosmtpd that `labkit.hosts.smtpd` closes, one by one."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import inspect
import logging
import ssl
from typing import Any

import aiosmtpd.smtp
import pytest

from labkit.hosts.mail_host import HostSpec
from labkit.hosts.smtpd import LabSMTP
from labkit.hosts.tls import client_context, server_context
from labkit.smtp.transcript import Transcript
from labkit.world import AsyncWorld, play, receiver, sample_receiver

HELLO = "EHLO client.sender.example"
MAIL = "MAIL FROM:<alice@sender.example>"
RCPT = "RCPT TO:<bob@receiver.example>"


def said(transcript: Transcript) -> list[str]:
    """The server's lines, without the greeting."""
    return [event.data.decode().rstrip("\r\n") for event in transcript if event.sender == "S" and event.data][
        1:
    ]


def replies(*lines: str | bytes, spec: HostSpec | None = None) -> list[str]:
    """What the server answers to lines that come after EHLO."""
    before = play([HELLO], spec)
    return said(play([HELLO, *lines], spec))[len(said(before)) :]


def test_any_number_of_unknown_commands() -> None:
    answers = replies(*(f"NONSENSE{n}" for n in range(50)), "NOOP")
    assert answers[-1] == "250 2.0.0 OK"
    assert all(answer.startswith("500 5.5.2 Command") for answer in answers[:-1])
    assert aiosmtpd.smtp.BOGUS_LIMIT == 5  # nothing global was changed


def test_known_and_not_offered() -> None:
    verbs = ["BDAT 5", "ETRN a.example", "SEND FROM:<a@a.example>", "TURN", "SAML", "SOML", "AUTH PLAIN"]
    assert {answer[:9] for answer in replies(*verbs)} == {"502 5.5.1"}
    assert replies("STARTTLS", spec=receiver(starttls=False)) == ["502 5.5.1 Command not implemented"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("MAIL FROM:alice@sender.example", "angle brackets"),
        ("MAIL FROM: <alice@sender.example>", "space stands after the colon"),
        ("MAIL FROM :<alice@sender.example>", "space stands before the colon"),
        ("MAIL <alice@sender.example>", "FROM: is missing"),
        ("MAIL FROM:", "missing"),
        ("MAIL", "missing"),
        ("MAIL FROM:<alice>", "no @"),
        ("MAIL FROM:<a@b@c>", "two @"),
        ("MAIL FROM:<@>", "missing"),
        ("MAIL FROM:<alice@>", "domain after @ is missing"),
        ("MAIL FROM:<alice@sender.example", "closing bracket"),
        ("MAIL TO:<alice@sender.example>", "MAIL takes FROM:"),
        ("MAIL FROM:<é@sender.example>".encode("latin-1"), "127"),
        ("MAIL FROM:<a\x00@sender.example>", "NUL"),
    ],
)
def test_a_slip_in_an_address_is_named(line: str | bytes, reason: str) -> None:
    (answer,) = replies(line if isinstance(line, str) else line + b"\r\n")
    assert answer.startswith(("501 5.5.4", "500 5.5.2"))
    assert reason in answer
    assert "Error" not in answer


@pytest.mark.parametrize(
    "line", ["RCPT TO:b@", "RCPT TO:<b@", "RCPT TO:<>", "RCPT TO:", "RCPT TO:<", "RCPT TO:@"]
)
def test_no_exception_shows(line: str) -> None:
    answers = replies(MAIL, line, RCPT)
    assert answers[1].startswith("501 5.5.4")
    assert answers[2] == "250 2.1.5 OK"  # the transaction goes on


def test_a_lenient_host_takes_what_many_take() -> None:
    answers = replies(
        "MAIL FROM: <alice@sender.example>", "RCPT TO:bob@receiver.example", spec=receiver(lenient=True)
    )
    assert answers == ["250 2.1.0 OK", "250 2.1.5 OK"]


def test_the_null_reverse_path() -> None:
    async def run() -> Any:
        async with AsyncWorld(receiver(), transport="memory") as world:
            await world.play([HELLO, "MAIL FROM:<>", MAIL, RCPT, "DATA", "x", ".", "MAIL FROM:<>"])
            return world.mailbox("bob@receiver.example")[0], said(world.host().sessions[0].transcript)

    message, answers = asyncio.run(run())
    assert message.envelope.reverse_path == ""
    assert message.raw.startswith(b"Return-Path: <>\r\n")
    assert answers[-5].startswith("503 5.5.1 A transaction is open already")
    assert answers[-1] == "250 2.1.0 OK"


def test_limits_of_command_lines_are_each_connections_own() -> None:
    async def run() -> tuple[list[Any], dict[str, int]]:
        async with AsyncWorld(receiver(), transport="memory") as world:
            first, second = world.client(), world.client()
            await first.connect()
            for _ in range(20):  # each EHLO would raise the limit by 26
                await first.send_line(HELLO)
            await second.connect()  # and this would clear it
            await second.send_line(HELLO)
            at_limit = 536 - len("MAIL FROM:<> SIZE=1") - 2 + len("1")  # 512 + 26 octets in all
            fits = await first.send_line("MAIL FROM:<> SIZE=" + "1".rjust(at_limit, "0")[:20])
            long = await first.send_line("NOOP " + "x" * 506)
            return [fits, long], dict(aiosmtpd.smtp.SMTP.command_size_limits)

    (fits, long), shared = asyncio.run(run())
    assert fits.code == 503 or fits.code == 250
    assert long.code == 500
    assert shared == {}


@pytest.mark.parametrize(("length", "code"), [(510, "250"), (511, "500"), (1001, "500"), (20000, "500")])
def test_a_command_line_holds_512_octets(length: int, code: str) -> None:
    answers = replies("NOOP " + "x" * (length - 5), "NOOP")
    assert answers[0].startswith(code)
    assert answers[1] == "250 2.0.0 OK"
    assert len(answers) == 2


def test_a_longer_mail_line_with_extensions() -> None:
    """RFC 1870: SIZE makes 26 octets more, for MAIL alone."""
    path = f"<{'a' * 64}@{'b' * 60}.{'c' * 60}.{'d' * 50}.example>"
    line = f"MAIL FROM:{path} SIZE=1"
    assert replies(line)[0].startswith("250")


@pytest.mark.parametrize(("length", "code"), [(998, "250"), (999, "500"), (5000, "500"), (100_000, "500")])
def test_a_text_line_holds_1000_octets(length: int, code: str) -> None:
    answers = replies(MAIL, RCPT, "DATA", "y" * length, ".", "NOOP")
    assert answers[3].startswith(code)
    assert answers[4] == "250 2.0.0 OK"


def test_the_stuffed_dot_does_not_count() -> None:
    assert replies(MAIL, RCPT, "DATA", "." + "." + "y" * 997, ".")[3].startswith("250")


def auth_host(**more: Any) -> HostSpec:
    return receiver(auth={"alice": "secret"}, auth_before_tls=True, **more)


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_auth_with_a_mechanism_in_any_case() -> None:
    for name in ("PLAIN", "plain", "Plain"):
        assert replies(f"AUTH {name} {b64(chr(0) + 'alice' + chr(0) + 'secret')}", spec=auth_host()) == [
            "235 2.7.0 Authentication successful"
        ]


def test_auth_fails_aloud() -> None:
    """CASES smtp-07: base64 made by echo holds the line end too."""
    answers = replies("AUTH LOGIN", "YWxpY2UK", "c2VjcmV0Cg==", "NOOP", spec=auth_host())
    assert answers[:2] == ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"]
    assert answers[2].startswith("535 5.7.8")
    assert answers[3] == "250 2.0.0 OK"
    assert base64.b64decode("YWxpY2UK") == b"alice\n"
    assert base64.b64decode("c2VjcmV0Cg==") == b"secret\n"
    right = replies("AUTH LOGIN", "YWxpY2U=", "c2VjcmV0", spec=auth_host())
    assert right[2] == "235 2.7.0 Authentication successful"


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (["AUTH"], "501 5.5.4"),
        (["AUTH PLAIN a b"], "501 5.5.4"),
        (["AUTH CRAM-MD5"], "504 5.5.4"),
        (["AUTH PLAIN =="], "501 5.5.2"),
        (["AUTH PLAIN YQ=="], "501 5.5.2"),
        (["AUTH PLAIN", "*"], "501 5.7.0"),
        (["AUTH PLAIN", "?"], "501 5.5.2"),
        (["AUTH LOGIN", "x" * 13000], "500 5.5.6"),
        (["AUTH LOGIN", b64("a" * 3000), "*"], "501 5.7.0"),
        ([MAIL, "AUTH PLAIN"], "503 5.5.1"),
        (["HELO a.example", "AUTH PLAIN"], "503 AUTH"),
        (["AUTH PLAIN " + b64("\0bob\0secret")], "535 5.7.8"),
        (["AUTH PLAIN " + b64("\0alice\0wrong")], "535 5.7.8"),
    ],
)
def test_every_way_to_fail_at_auth_is_answered(lines: list[str], code: str) -> None:
    answers = replies(*lines, "NOOP", spec=auth_host())
    assert answers[-2].startswith(code)
    assert answers[-1] in ("250 2.0.0 OK", "250 OK")


def test_auth_needs_tls_unless_the_host_is_careless() -> None:
    assert replies("AUTH PLAIN", spec=receiver(auth={}))[0].startswith("538 5.7.11")
    assert "250 AUTH PLAIN LOGIN" not in said(play([HELLO], receiver(auth={})))
    assert "250 AUTH PLAIN LOGIN" in said(play([HELLO], sample_receiver()))
    assert "250 AUTH PLAIN LOGIN" in said(play([HELLO, "STARTTLS", HELLO], receiver(auth={})))


def test_a_socket_with_tls_from_the_first_octet_counts_as_encrypted() -> None:
    async def run() -> tuple[list[bytes], bool]:
        loop = asyncio.get_running_loop()
        async with AsyncWorld(receiver(auth={"alice": "secret"}), transport="memory") as world:
            host = world.host()
            server = await loop.create_server(lambda: LabSMTP(host), "127.0.0.1", 0, ssl=server_context())
            port = server.sockets[0].getsockname()[1]
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=client_context(), server_hostname="mail.receiver.example"
            )
            lines = []
            for line in (b"EHLO a.example\r\n", b"AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n", b"QUIT\r\n"):
                writer.write(line)
            while line := await reader.readline():
                lines.append(line)
            writer.close()
            server.close()
            return lines, all(event.encrypted for event in host.sessions[-1].transcript)

    lines, encrypted = asyncio.run(run())
    assert b"250 AUTH PLAIN LOGIN\r\n" in lines
    assert b"250-STARTTLS\r\n" not in lines
    assert b"235 2.7.0 Authentication successful\r\n" in lines
    assert encrypted


def test_no_tls_inside_tls() -> None:
    assert said(play([HELLO, "STARTTLS", HELLO, "STARTTLS", "NOOP"]))[-2:] == [
        "503 5.5.1 TLS is up already",
        "250 2.0.0 OK",
    ]


def test_the_idle_timeout_says_421() -> None:
    async def run(transport: Any) -> list[str]:
        async with AsyncWorld(receiver(timeout=1), transport=transport) as world:
            client = world.client()
            await client.connect()
            await client.send_line(HELLO)
            for _ in range(4):  # whoever speaks is not idle
                await asyncio.sleep(0.3)
                await client.send_line("NOOP")
            reply = await client.receive(deadline=20)
            assert reply.code == 421
            await world.host().sessions[0].ended()
            return said(world.host().sessions[0].transcript)

    for transport in ("memory", "loopback"):
        assert asyncio.run(run(transport))[-1] == "421 4.4.2 Idle for too long, closing connection"


def test_text_typed_slowly_is_not_idle() -> None:
    async def run() -> int:
        async with AsyncWorld(receiver(timeout=1), transport="memory") as world:
            client = world.client()
            await client.connect()
            for line in (HELLO, MAIL, RCPT, "DATA"):
                await client.send_line(line)
            for _ in range(4):
                await asyncio.sleep(0.3)
                await client.send_line("text")
            reply = await client.send_line(".")
            assert reply is not None
            return reply.code

    assert asyncio.run(run()) == 250


@pytest.mark.parametrize("transport", ["memory", "loopback"])
def test_a_client_that_half_closes_gets_its_answers(transport: Any) -> None:
    """As ``printf ... | nc -N`` does."""

    async def run() -> tuple[bytes, int]:
        async with AsyncWorld(receiver(), transport=transport) as world:
            reader = asyncio.StreamReader()
            wire, _ = await world.network.connect(
                "mail.receiver.example", 25, lambda: asyncio.StreamReaderProtocol(reader)
            )
            lines = [HELLO, MAIL, RCPT, "DATA", "Subject: x", "", "text", ".", "NOOP"]
            wire.write("".join(f"{line}\r\n" for line in lines).encode())
            wire.write_eof()
            octets = await asyncio.wait_for(reader.read(), 5)
            wire.close()
            return octets, len(world.mailbox("bob@receiver.example"))

    octets, delivered = asyncio.run(run())
    assert octets.endswith(b"250 2.0.0 OK\r\n")
    assert delivered == 1


def test_many_pipelined_lines_leave_the_loop_to_others() -> None:
    async def run() -> int:
        async with AsyncWorld(receiver(), transport="memory") as world:
            reader = asyncio.StreamReader()
            wire, _ = await world.network.connect(
                "mail.receiver.example", 25, lambda: asyncio.StreamReaderProtocol(reader)
            )
            wire.write(b"NOOP\r\n" * 2000 + b"QUIT\r\n")
            turns = 0
            while not world.host().sessions[0].closed:
                await asyncio.sleep(0)
                turns += 1
            wire.close()
            return turns

    assert asyncio.run(run()) > 2000


def test_starttls_after_the_clients_last_octet_is_refused_and_not_waited_for() -> None:
    async def run() -> bytes:
        async with AsyncWorld(receiver(), transport="memory") as world:
            reader = asyncio.StreamReader()
            wire, _ = await world.network.connect(
                "mail.receiver.example", 25, lambda: asyncio.StreamReaderProtocol(reader)
            )
            wire.write(b"EHLO a.example\r\n" + b"NOOP\r\n" * 20 + b"STARTTLS\r\n")
            wire.write_eof()
            octets = await asyncio.wait_for(reader.read(), 5)
            wire.close()
            return octets

    assert b"\r\n454 4.7.0 " in asyncio.run(run())


def test_enhanced_codes_on_all_replies_that_have_them_or_on_none() -> None:
    lines = [MAIL, RCPT, "RCPT TO:<x@receiver.example>", "VRFY bob", "FOO", "MAIL", "DATA", "x", ".", "RSET", "NOOP",
             "HELP", "AUTH PLAIN", "EXPN x", "DATA x", "RSET x", "\xff", "QUIT"]  # fmt: skip
    for answer in replies(*lines):
        code, enhanced = answer.split()[:2]
        if code == "354":
            continue
        assert enhanced[0] == code[0]
        assert enhanced.count(".") == 2
    for answer in replies(*lines, spec=sample_receiver()):
        assert answer[0] == "3" or answer.split()[1].count(".") == 0
    hello = said(play(["NOOP", HELLO, "EHLO", "HELO a.example", MAIL, RCPT, "DATA", "x", ".", "FOO", "QUIT"]))
    assert not any(line[4:5] in "245" and line[5:6] == "." for line in hello)  # no extension is in force
    again = said(play(["HELO a.example", HELLO, "NOOP", "STARTTLS", "NOOP", HELLO, "NOOP"]))
    assert [line for line in again if "OK" in line] == ["250 2.0.0 OK", "250 OK", "250 2.0.0 OK"]


def test_bare_lf_ends_commands_and_never_text() -> None:
    """CASES smtp-01: what another server might take for the end of the text."""
    for ending in (b"\n.\n", b"\r.\r", b"\n.\r\n", b"\r\n.\n"):
        answers = replies(
            MAIL, RCPT, "DATA",
            b"Subject: one\r\n\r\nfirst" + ending + b"MAIL FROM:<evil@example.net>\r\nRCPT TO:<bob@receiver.example>\r\n"
            b"DATA\r\nSubject: two\r\n\r\nsecond\r\n.\r\n",
            "NOOP",
        )  # fmt: skip
        assert [answer[:3] for answer in answers] == ["250", "250", "354", "250", "250"], ending
        assert answers[3].startswith("250 2.0.0 OK: queued")
    assert replies(b"NOOP\n") == ["250 2.0.0 OK"]


def test_no_log_line_and_no_exception(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    logger = logging.getLogger("mail.log")
    assert not logger.propagate
    assert any(isinstance(handler, logging.NullHandler) for handler in logger.handlers)
    replies("FOO", "MAIL", "AUTH", b"\xff\xfe\r\n", "x" * 5000)
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")


def test_a_fault_of_ours_is_a_451_and_known(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> tuple[list[str], list[str]]:
        async with AsyncWorld(receiver(), transport="memory") as world:
            host = world.host()
            monkeypatch.setattr(host, "sender", lambda *_: 1 / 0)
            transcript = await world.play([HELLO, MAIL, "NOOP"])
            return said(transcript), host.errors

    answers, faults = asyncio.run(run())
    assert answers[-2:] == ["451 4.3.0 Requested action aborted: local error in processing", "250 2.0.0 OK"]
    assert faults == ["ZeroDivisionError: division by zero"]


def test_answers_cannot_be_broken_by_what_is_echoed() -> None:
    answers = replies(
        b"FOO\rBAR\x1b[31m\r\n", b"RCPT\x00 TO:<a@b>\r\n", "NOOP " + "\x7f", "é".encode() + b"\r\n"
    )
    for answer in answers:
        assert answer.isprintable()
        assert len(answer) <= 510


def test_the_shipped_certificate_is_good_for_the_names_in_use() -> None:
    import socket

    for name in (
        "mail.receiver.example",
        "mx.receiver.example",
        "mail.sender.example",
        "localhost",
        "127.0.0.1",
    ):
        left, right = socket.socketpair()
        with left, right:
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            back, forth = ssl.MemoryBIO(), ssl.MemoryBIO()
            client = client_context().wrap_bio(incoming, outgoing, server_hostname=name)
            server = server_context().wrap_bio(back, forth, server_side=True)
            for _ in range(4):
                for side in (client, server):
                    with contextlib.suppress(ssl.SSLWantReadError):
                        side.do_handshake()
                    back.write(outgoing.read())
                    incoming.write(forth.read())
            assert client.version() == "TLSv1.3"


def test_aiosmtpd_is_the_one_this_was_written_for() -> None:
    """The class overrides these private names; a new version that renames them must not pass unnoticed."""
    names = (
        "_handle_client",
        "_reset_timeout",
        "_timeout_cb",
        "_create_envelope",
        "_set_rset_state",
        "_call_handler_hook",
    )
    for name in names:
        assert inspect.isfunction(getattr(aiosmtpd.smtp.SMTP, name))
