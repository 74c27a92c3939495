"""What a host decides: who is there, what is stored, what others are told."""

from __future__ import annotations

import asyncio
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from labkit.hosts.mail_host import HostSpec, MailHost
from labkit.hosts.mailbox import Message
from labkit.smtp.note import Envelope
from labkit.world import AsyncWorld, receiver

HELLO = "EHLO client.sender.example"
MAIL = "MAIL FROM:<alice@sender.example>"
Line = str | bytes


def deliver(
    *lines: Line, spec: HostSpec | None = None, transport: Any = "memory"
) -> tuple[AsyncWorld, list[str]]:
    """Play lines; the world (closed, still readable) and what the server said."""

    async def run() -> tuple[AsyncWorld, list[str]]:
        async with AsyncWorld(spec or receiver(), transport=transport) as world:
            transcript = await world.play(lines)
            assert world.host().errors == []
            return world, [e.data.decode().strip() for e in transcript if e.sender == "S" and e.data]

    return asyncio.run(run())


def rcpt(path: str, spec: HostSpec | None = None) -> str:
    return deliver(HELLO, MAIL, f"RCPT TO:{path}", spec=spec)[1][-1]


def send(*recipients: str, text: tuple[Line, ...] = ("Subject: x", "", "text"), **more: Any) -> AsyncWorld:
    rcpts = [f"RCPT TO:<{recipient}>" for recipient in recipients]
    return deliver(HELLO, MAIL, *rcpts, "DATA", *text, ".", "QUIT", **more)[0]


@pytest.mark.parametrize(
    "path",
    ["<bob@receiver.example>", "<BOB@Receiver.EXAMPLE>", '<"bob"@receiver.example>', r'<"\b\o\b"@receiver.example>',
     "<@relay.example,@other.example:bob@receiver.example>", "<postmaster@receiver.example>", "<Postmaster>",
     "<PostMaster@RECEIVER.example>", "<carol@receiver.example>"],
)  # fmt: skip
def test_who_is_accepted(path: str) -> None:
    assert rcpt(path) == "250 2.1.5 OK"


def test_who_is_not() -> None:
    assert rcpt("<bobby@receiver.example>") == "550 5.1.1 No mailbox <bobby@receiver.example> here"
    assert (
        rcpt("<bob@elsewhere.example>") == "550 5.7.1 Relaying denied: elsewhere.example is not served here"
    )
    assert rcpt("<bob@sub.receiver.example>").startswith("550 5.7.1")
    assert rcpt("<bob@[127.0.0.1]>").startswith("550 5.7.1")


def test_postmaster_is_there_even_if_nobody_listed_it() -> None:
    spec = receiver(mailboxes=("bob",))
    assert rcpt("<postmaster@receiver.example>", spec) == "250 2.1.5 OK"
    assert send("POSTMASTER@receiver.example", spec=spec).mailbox("postmaster@receiver.example")


def test_several_domains() -> None:
    spec = HostSpec("mx.test", ("bob", "carol@b.example"), domains=("a.example", "B.example"))
    assert rcpt("<bob@a.example>", spec).startswith("250")
    assert rcpt("<carol@b.example>", spec).startswith("250")
    assert rcpt("<bob@b.example>", spec).startswith("550 5.1.1")
    assert rcpt("<postmaster@b.example>", spec).startswith("250")
    assert HostSpec("host.test").all_domains() == ("host.test",)
    assert HostSpec("mail.receiver.example").all_domains() == ("receiver.example",)


def test_what_lies_in_the_mailbox() -> None:
    world = send("bob@receiver.example")
    (message,) = world.mailbox("bob@receiver.example")
    assert message.raw == (
        b"Return-Path: <alice@sender.example>\r\n"
        b"Received: from client.sender.example ([127.0.0.1])\r\n"
        b"\tby mail.receiver.example with ESMTP id ZJTUH6BC5D\r\n"
        b"\tfor <bob@receiver.example>;\r\n"
        b"\tMon, 05 Jan 2026 09:00:00 +0000\r\n"
        b"Subject: x\r\n\r\ntext\r\n"
    )
    assert message.as_received == b"Subject: x\r\n\r\ntext\r\n"
    assert message.envelope == Envelope("alice@sender.example", ("bob@receiver.example",))
    assert (message.recipient, message.connection, message.time) == ("bob@receiver.example", 1, 0.0)
    assert message.subject == "x"
    assert len(message.parsed.get_all("Return-Path", [])) == 1
    date = str(message.parsed["Received"]).rpartition(";")[2]
    assert parsedate_to_datetime(date.strip()) == world.clock.datetime()


@pytest.mark.parametrize("transport", ["memory", "loopback"])
def test_the_same_message_on_both_transports(transport: Any) -> None:
    (message,) = send("bob@receiver.example", transport=transport).mailbox("bob@receiver.example")
    assert message == send("bob@receiver.example").mailbox("bob@receiver.example")[0]


def test_each_recipient_gets_one_copy_and_learns_nothing_of_the_others() -> None:
    world = send("bob@receiver.example", "carol@receiver.example", "BOB@receiver.example")
    boxes = {box.address: box.messages for box in world.host().mailboxes}
    assert [len(messages) for messages in boxes.values()] == [1, 1, 0]
    bob, carol = boxes["bob@receiver.example"][0], boxes["carol@receiver.example"][0]
    assert b"for <" not in bob.raw
    assert b"carol" not in bob.raw
    assert bob.queue_id == carol.queue_id
    assert bob.envelope.forward_paths == (
        "bob@receiver.example", "carol@receiver.example", "BOB@receiver.example",
    )  # fmt: skip


def test_how_it_came_is_in_the_received_field() -> None:
    def keyword(*lines: Line, **spec: Any) -> str:
        world, _ = deliver(
            *lines, MAIL, "RCPT TO:<bob@receiver.example>", "DATA", "x", ".", spec=receiver(**spec)
        )
        return world.mailbox("bob@receiver.example")[0].raw.partition(b" with ")[2].split()[0].decode()

    login = "AUTH PLAIN AGFsaWNlAHNlY3JldA=="
    accounts = {"alice": "secret"}
    assert keyword("HELO a.example") == "SMTP"
    assert keyword(HELLO) == "ESMTP"
    assert keyword(HELLO, "STARTTLS", HELLO) == "ESMTPS"
    assert keyword(HELLO, login, auth=accounts, auth_before_tls=True) == "ESMTPA"
    assert keyword(HELLO, "STARTTLS", HELLO, login, auth=accounts) == "ESMTPSA"


def test_dots_are_unstuffed() -> None:
    """CASES smtp-03."""
    world = send("bob@receiver.example", text=(b"see https://www.example\r\n..com/a?k=1\r\n...\r\n",))
    (message,) = world.mailbox("bob@receiver.example")
    assert message.as_received == b"see https://www.example\r\n.com/a?k=1\r\n..\r\n"


def test_smuggling_leaves_one_message() -> None:
    """CASES smtp-01."""
    text = (
        b"Subject: one\r\n\r\nfirst\n.\r\nMAIL FROM:<evil@example.net>\r\nRCPT TO:<bob@receiver.example>\r\n"
        b"DATA\r\nSubject: two\r\n\r\nsecond\r\n"
    )
    world = send("bob@receiver.example", text=(text,))
    (message,) = world.mailbox("bob@receiver.example")
    assert message.as_received == text.replace(b"\n.\r\n", b"\n.\r\n")
    assert message.envelope.reverse_path == "alice@sender.example"


def test_any_octets_arrive_as_they_were_sent() -> None:
    text = bytes(range(256)).replace(b"\r", b"").replace(b"\n", b"") + b"\r\n\x00\x00\r\n\xff\n\r \r\r\n"
    (message,) = send("bob@receiver.example", text=(text,)).mailbox("bob@receiver.example")
    assert message.as_received == text
    assert "\\xff" in message.text


def test_queue_ids_are_the_same_in_every_run_and_different_in_one() -> None:
    def ids(**spec: Any) -> list[str]:
        lines: list[Line] = [HELLO]
        for _ in range(5):
            lines += [MAIL, "RCPT TO:<bob@receiver.example>", "DATA", "x", "."]
        world, said = deliver(*lines, spec=receiver(**spec))
        assert [line.split()[-1] for line in said if "queued" in line] == [
            message.queue_id for message in world.mailbox("bob@receiver.example")
        ]
        return [message.queue_id for message in world.mailbox("bob@receiver.example")]

    assert ids() == ids()
    assert len(set(ids())) == 5
    assert not set(ids()) & set(ids(id_seed="other"))


def test_rset_and_ehlo_drop_the_transaction() -> None:
    for drop in ("RSET", HELLO):
        _, said = deliver(HELLO, MAIL, "RCPT TO:<bob@receiver.example>", drop, "DATA")
        assert said[-1].startswith("503")


def test_parameters_need_their_extension() -> None:
    def answer(line: str, **spec: Any) -> str:
        return deliver(HELLO, MAIL if line.startswith("RCPT") else "NOOP", line, spec=receiver(**spec))[1][-1]

    assert answer("MAIL FROM:<a@a.example> SIZE=100 BODY=8BITMIME").startswith("250")
    assert answer("MAIL FROM:<a@a.example> SIZE=99999999").startswith("552 5.3.4")
    assert answer("MAIL FROM:<a@a.example> SIZE=100", ehlo=()).startswith("555")
    assert answer("MAIL FROM:<a@a.example> FOO=1").startswith("555 5.5.4")
    assert answer("MAIL FROM:<a@a.example> RET=FULL").startswith("555 5.5.4")
    assert answer("MAIL FROM:<a@a.example> RET=FULL", ehlo=("DSN",)).startswith("250")
    assert answer("MAIL FROM:<a@a.example> SIZE=x").startswith("501 5.5.4")
    assert answer("RCPT TO:<bob@receiver.example> NOTIFY=NEVER").startswith("555 5.5.4")
    assert answer("RCPT TO:<bob@receiver.example> NOTIFY=NEVER", ehlo=("DSN",)).startswith("250")
    helo = deliver("HELO a.example", "MAIL FROM:<a@a.example> SIZE=100")[1][-1]
    assert helo.startswith("555 MAIL")  # no extension after HELO: no parameter, no enhanced code


def test_data_without_recipients() -> None:
    """CASES smtp-11: 503 or 554, both are in the RFC; here the difference says which of the two it is."""
    assert deliver(HELLO, "DATA")[1][-1].startswith("503")
    assert deliver(HELLO, MAIL, "DATA")[1][-1].startswith("503")
    assert deliver(HELLO, MAIL, "RCPT TO:<no@receiver.example>", "DATA")[1][-1].startswith("554")
    pipelined = b"MAIL FROM:<a@example.com>\r\nRCPT TO:<gone@receiver.example>\r\nDATA\r\n"
    assert [line[:3] for line in deliver(HELLO, pipelined)[1][-3:]] == ["250", "550", "554"]


def test_names_in_ehlo() -> None:
    """CASES smtp-09: a policy that refuses names without a dot, at RCPT. It is policy, not the RFC."""
    spec = receiver(refuse_bare_names=True)

    def at_rcpt(name: str) -> str:
        return deliver(f"EHLO {name}", MAIL, "RCPT TO:<bob@receiver.example>", spec=spec)[1][-1]

    assert at_rcpt("localhost").startswith("504 5.5.2")
    assert at_rcpt("laptop").startswith("504 5.5.2")
    for name in ("192.0.2.10", "[192.0.2.10]", "[IPv6:2001:db8::1]", "client.example.net"):
        assert at_rcpt(name) == "250 2.1.5 OK"
    assert deliver("EHLO laptop", MAIL, "RCPT TO:<bob@receiver.example>")[1][-1].startswith("250")
    assert deliver("EHLO my_laptop")[1][-1].startswith("250")  # no ground for refusing a session
    assert deliver("EHLO")[1][-1].startswith("501")
    assert deliver("EHLO two words")[1][-1].startswith("501")


def test_vrfy_expn_help() -> None:
    assert deliver("VRFY bob")[1][-1].startswith("252")
    assert deliver("VRFY nobody")[1][-1].startswith("252")
    assert deliver("VRFY")[1][-1].startswith("501")
    assert deliver("EXPN team")[1][-1].startswith("502")
    spec = receiver(lists={"team": ("bob", "carol", "dave@elsewhere.example")})
    assert deliver(HELLO, "EXPN team", spec=spec)[1][-3:] == [
        "250-2.1.5 <bob@receiver.example>",
        "250-2.1.5 <carol@receiver.example>",
        "250 2.1.5 <dave@elsewhere.example>",
    ]
    assert deliver("EXPN <Team@receiver.example>", spec=spec)[1][-1].startswith("250")
    assert deliver(HELLO, "EXPN other", spec=spec)[1][-1].startswith("550 5.1.1")
    assert "250 EXPN" in deliver(HELLO, spec=receiver(starttls=False, lists={"team": ("bob",)}))[1]
    assert "EHLO EXPN HELO" in deliver("HELP", spec=spec)[1][-1]
    assert "EHLO HELO" in deliver("HELP")[1][-1]
    assert deliver(HELLO, "help mail")[1][-1] == "214 2.0.0 MAIL FROM:<reverse-path> [parameters]"
    assert deliver("HELP FOO")[1][-1].startswith("504")


def test_listeners_hear_everything_until_they_leave_and_cannot_do_harm() -> None:
    async def run() -> tuple[list[Any], MailHost]:
        heard: list[Any] = []
        async with AsyncWorld(receiver(), transport="memory") as world:
            host = world.host()
            leave_sessions = host.on_session(lambda session: heard.append(session.connection))
            leave = host.on_event(lambda session, event: heard.append((session.connection, event.data)))
            stay = host.on_event(lambda *_: 1 / 0)
            await world.play(["NOOP", "QUIT"])
            leave()
            leave_sessions()
            leave()
            await world.play(["NOOP", "QUIT"])
            stay()
            return heard, host

    heard, host = asyncio.run(run())
    assert heard == [
        1, (1, b"220 mail.receiver.example ESMTP\r\n"), (1, b"NOOP\r\n"), (1, b"250 OK\r\n"), (1, b"QUIT\r\n"),
        (1, b"221 Bye\r\n"), (1, b""),
    ]  # fmt: skip
    assert len(host.sessions) == 2
    assert set(host.errors) == {"ZeroDivisionError: division by zero"}


def test_sessions_know_who_they_were() -> None:
    world, _ = deliver(HELLO, "QUIT")
    (session,) = world.host().sessions
    assert (session.connection, session.helo, session.label, session.closed) == (
        1, "client.sender.example", "client.sender.example", True,
    )  # fmt: skip
    assert world.is_own(session)
    assert repr(session) == "<session 1 from client.sender.example, closed, 12 lines>"
    nameless, _ = deliver("QUIT")
    assert nameless.host().sessions[0].label == "connection 1"


def test_a_mailbox_is_found_by_name_and_misses_are_explained() -> None:
    world = send("bob@receiver.example")
    assert world.host().mailbox("bob") is world.mailbox("BOB@receiver.example")
    with pytest.raises(KeyError, match=r"there are: bob@receiver\.example"):
        world.host().mailbox("eve")
    with pytest.raises(KeyError, match=r"there are: bob@receiver\.example"):
        world.mailbox("eve@receiver.example")
    with pytest.raises(KeyError, match=r"there are: mail\.receiver\.example"):
        world.host("other.example")
    box = world.host().mailbox("bob")
    assert repr(box) == "<mailbox bob@receiver.example: 1 message>"
    assert isinstance(box[0], Message)
    assert repr(box[0]).startswith("<message ZJTUH6BC5D from alice@sender.example to bob@receiver.example")


def test_settings_by_name() -> None:
    async def run() -> str:
        async with AsyncWorld(receiver(), transport="memory") as world:
            other = MailHost(
                "mx.test", transport=world.network, clock=world.clock, mailboxes=("a",), port=2525
            )
            await other.start()
            with pytest.raises(OSError, match=r"MX\.test:2525"):
                await MailHost("MX.test", transport=world.network, clock=world.clock, port=2525).start()
            text = repr(other)
            await other.stop()
            await other.stop()
            return text + repr(other)

    assert "running" in asyncio.run(run())
