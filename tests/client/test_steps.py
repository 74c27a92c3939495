"""The client step by step against the lab's own server, through its synchronous face."""

from __future__ import annotations

import gc
import threading
import traceback
from collections.abc import Iterator

import pytest

from labkit.client import ClientError, ConnectionLost, DeadlinePassed, NotConnected, SyncClient, TLSFailed
from labkit.smtp.states import State
from labkit.world import World, receiver


@pytest.fixture
def world() -> Iterator[World]:
    with World.open(receiver(auth={"alice": "secret"})) as world:
        yield world
        assert world.host().errors == []


@pytest.fixture
def client(world: World) -> SyncClient:
    client = world.client(deadline=20)
    client.connect()
    return client


def greet(client: SyncClient) -> None:
    client.send_line("EHLO client.sender.example")


def to_text(client: SyncClient) -> None:
    """As far as 354."""
    greet(client)
    for line in ("MAIL FROM:<alice@sender.example>", "RCPT TO:<bob@receiver.example>", "DATA"):
        client.send_line(line)


def test_the_states_of_a_session(client: SyncClient) -> None:
    states = [client.state]
    for line in (
        "EHLO client.sender.example", "MAIL FROM:<>", "RCPT TO:<bob@receiver.example>", "DATA", ".", "QUIT",
    ):  # fmt: skip
        client.send_line(line)
        states.append(client.state)
    assert states == [
        State.CONNECTED, State.GREETED, State.SENDER, State.RECIPIENTS, State.MESSAGE, State.ACCEPTED, State.CLOSED,
    ]  # fmt: skip


def test_exactly_the_octets(client: SyncClient, world: World) -> None:
    sent = [b"eHLo  a.example\n", b"N", b"OO", b"P\xff\r\n", b"MAIL FROM: <a@a.example>\r\n"]
    for octets in sent:
        client.send(octets)
    heard = b"".join(event.data for event in world.host().sessions[0].transcript if event.sender == "C")
    assert heard == b"".join(sent)


def test_text_is_answered_at_the_dot_alone(client: SyncClient, world: World) -> None:
    to_text(client)
    for line in ("Subject: x", "", "..dot", "QUIT", "a .", ".."):
        assert client.send_line(line) is None
        assert client.owed == 0
    assert client.send(b"\n.\n") is None
    assert client.send(b"\n.\r\n") is None
    assert client.send(b"\r.\r") is None
    assert client.send(b"\r\n.") is None
    assert client.waiting_for.startswith("The server waits for the rest of your line")
    reply = client.send(b"\r\n")
    assert reply is not None
    assert reply.code == 250
    (message,) = world.mailbox("bob@receiver.example")
    assert message.as_received == b"Subject: x\r\n\r\n.dot\r\nQUIT\r\na .\r\n.\r\n\n.\n\n.\r\n\r.\r\r\n"


def test_a_line_in_pieces(client: SyncClient) -> None:
    assert client.send(b"EHLO cli") is None
    assert "CR LF" in client.waiting_for
    assert client.send(b"ent.example\r") is None
    reply = client.send(b"\n")
    assert reply is not None
    assert reply.code == 250
    assert client.waiting_for == "The server waits for your next command."


def test_a_piece_of_a_line_then_waiting_says_what_is_missing(client: SyncClient) -> None:
    client.send(b"NOOP")
    with pytest.raises(DeadlinePassed, match="CR LF has not been sent"):
        client.receive(deadline=0.1)
    reply = client.send(b"\r\n")
    assert reply is not None
    assert reply.code == 250


def test_waiting_inside_the_text_says_how_to_end_it(client: SyncClient) -> None:
    to_text(client)
    client.send_line("text")
    with pytest.raises(DeadlinePassed, match="a dot alone"):
        client.receive(deadline=0.1)


def test_waiting_inside_auth(client: SyncClient) -> None:
    greet(client)
    client.send_line("STARTTLS")
    client.start_tls()
    greet(client)
    reply = client.send_line("AUTH LOGIN")
    assert reply is not None
    assert reply.code == 334
    with pytest.raises(DeadlinePassed, match="base64"):
        client.receive(deadline=0.1)
    assert client.send_line("YWxpY2U=") is not None
    reply = client.send_line("c2VjcmV0")
    assert reply is not None
    assert reply.code == 235


def test_pipelining_with_text_in_one_piece(client: SyncClient, world: World) -> None:
    greet(client)
    reply = client.send(
        b"MAIL FROM:<a@a.example>\r\nRCPT TO:<bob@receiver.example>\r\nDATA\r\nSubject: x\r\n\r\nNOOP\r\n.\r\nNOOP\r\n"
    )
    assert reply is not None
    assert reply.enhanced_code == "2.0.0"
    assert [r.code for r in client.replies] == [220, 250, 250, 250, 354, 250, 250]  # type: ignore[union-attr]
    assert world.mailbox("bob@receiver.example")[0].as_received == b"Subject: x\r\n\r\nNOOP\r\n"


def test_pipelining_when_data_is_refused(client: SyncClient) -> None:
    """What was meant as text is taken for commands, and every line is answered."""
    greet(client)
    reply = client.send(b"MAIL FROM:<a@a.example>\r\nDATA\r\nSubject: x\r\n\r\n.\r\nNOOP\r\n")
    assert reply is not None
    assert [r.code for r in client.replies[2:]] == [250, 503, 500, 500, 500, 250]  # type: ignore[union-attr]
    assert client.owed == 0


def test_starttls(client: SyncClient, world: World) -> None:
    greet(client)
    client.send_line("STARTTLS")
    client.start_tls()
    assert client.encrypted
    reply = client.send_line("MAIL FROM:<a@a.example>")
    assert reply is not None
    assert reply.code == 503  # all is forgotten
    greet(client)
    with pytest.raises(ClientError, match="TLS is up already"):
        client.start_tls()
    for transcript in (client.transcript, world.host().sessions[0].transcript):
        kinds = [event.encrypted for event in transcript]
        assert kinds == sorted(kinds)
        assert any(event.data == b"MAIL FROM:<a@a.example>\r\n" and event.encrypted for event in transcript)


def test_starttls_with_the_wrong_name(client: SyncClient) -> None:
    greet(client)
    client.send_line("STARTTLS")
    with pytest.raises(TLSFailed, match=r"for another name: mail\.elsewhere\.test does not"):
        client.start_tls(server_name="mail.elsewhere.test")


def test_injected_behind_starttls_is_never_run(client: SyncClient, world: World) -> None:
    """CASES smtp-05: commands in the same packet behind STARTTLS."""
    greet(client)
    reply = client.send(b"STARTTLS\r\nMAIL FROM:<evil@example.net>\r\n")
    assert reply is not None
    assert reply.code == 220
    client.start_tls()
    with pytest.raises(DeadlinePassed):
        client.receive(deadline=0.1)  # no reply after the handshake
    reply = client.send_line("RCPT TO:<bob@receiver.example>")
    assert reply is not None
    assert reply.code == 503
    assert "EHLO" in reply.text
    assert client.send_line("EHLO a.example") is not None
    reply = client.send_line("RCPT TO:<bob@receiver.example>")
    assert reply is not None
    assert reply.code == 503  # no MAIL was executed


def test_not_connected(world: World) -> None:
    client = world.client()
    with pytest.raises(NotConnected, match=r"connect\(\)"):
        client.send_line("NOOP")
    with pytest.raises(NotConnected, match=r"connect\(\)"):
        client.receive()
    with pytest.raises(NotConnected, match=r"connect\(\)"):
        client.start_tls()
    client.close()
    assert client.closed


def test_nobody_there(world: World) -> None:
    with pytest.raises(NotConnected, match=r"nothing listens on mail\.receiver\.example:465"):
        world.client(port=465).connect()


def test_after_quit_and_again(client: SyncClient) -> None:
    client.send_line("QUIT")
    with pytest.raises(NotConnected, match="QUIT has ended this session"):
        client.send_line("NOOP")
    assert client.connect().code == 220
    assert client.connection == 2
    assert len(client.transcript) == 1
    with pytest.raises(ClientError, match="connected already"):
        client.connect()


def test_closed_by_you_and_again(client: SyncClient) -> None:
    client.close()
    client.close()
    with pytest.raises(NotConnected, match="closed from your side"):
        client.send_line("NOOP")
    assert client.connect().code == 220


def test_the_server_stops(client: SyncClient, world: World) -> None:
    world.close()
    with pytest.raises(ConnectionLost, match="421"):
        client.send_line("NOOP")


def test_both_ends_record_the_same(client: SyncClient, world: World) -> None:
    to_text(client)
    client.send_line("text")
    client.send_line(".")
    server = world.host().sessions[0].transcript
    assert [(e.sender, e.data) for e in client.transcript] == [(e.sender, e.data) for e in server]
    assert {e.view for e in client.transcript} == {"client"}
    assert {e.connection for e in client.transcript} == {e.connection for e in server} == {1}


def test_the_context_manager(world: World) -> None:
    with world.client() as client:
        assert client.state is State.CONNECTED
        assert "connected" in repr(client)
    assert client.closed
    assert "not connected" in repr(client)


def test_a_client_thrown_away_hangs_up(world: World) -> None:
    client = world.client()
    client.connect()
    session = world.host().sessions[-1]
    del client
    gc.collect()
    for _ in range(100):
        if session.closed:
            break
        threading.Event().wait(0.01)
    assert session.closed


def test_an_error_shows_one_frame_of_ours(world: World) -> None:
    with pytest.raises(NotConnected) as caught:
        world.client().send_line("NOOP")
    frames = [frame.filename for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert [name.endswith("loop_thread.py") for name in frames] == [False, True]
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_what_the_learner_typed_cannot_spoil_a_message(client: SyncClient) -> None:
    client.send_line("QUIT")
    with pytest.raises(NotConnected) as caught:
        client.send_line("\x1b[31m" + "x" * 1000)
    assert "\x1b" not in str(caught.value)
    client.connect()
    client.send(b"\x1b[31m\x00" * 50 + b"\r\n")
    assert "\x1b" not in client.waiting_for
