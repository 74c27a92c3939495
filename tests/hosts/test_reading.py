"""POP3 and IMAP on the mailbox that SMTP filled, driven by the standard library's clients."""

from __future__ import annotations

import contextlib
import imaplib
import poplib
import random
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from labkit.hosts.tls import AUTHORITY
from labkit.transport.loop_thread import loop_thread
from labkit.world import HostSpec, World, chain

STORE, BOB = "store.receiver.example", "bob@receiver.example"
TEXT = b"\r\nHi\r\n.dots\r\n..\r\n"


def spec(**changes: object) -> HostSpec:
    """The store alone; that the whole chain fills it is a test of its own."""
    settings = {"listeners": (25, 110, 143, 993, 995), "readers": {"bob": "builder"}, **changes}
    return HostSpec(STORE, ("bob", "carol"), **settings)


def fill(world: World, *subjects: str) -> None:
    for subject in subjects:
        text = f"Subject: {subject}".encode() + b"\r\n" + TEXT
        world.submit(text, sender="alice@sender.example", recipients=(BOB,), host=STORE, port=25)


@pytest.fixture
def world() -> Iterator[World]:
    with World.open(spec(auth_before_tls=True)) as opened:
        fill(opened, "one", "two", "three")
        yield opened
        assert opened.host(STORE).errors == []
    assert not loop_thread().errors


def context() -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=str(AUTHORITY))
    made.check_hostname = False  # these clients compare with 127.0.0.1
    return made


def pop(world: World, *, tls: str = "", log_in: bool = True) -> poplib.POP3:
    if tls == "implicit":
        client: poplib.POP3 = poplib.POP3_SSL(*world.address(STORE, 995), timeout=5, context=context())
    else:
        client = poplib.POP3(*world.address(STORE, 110), timeout=5)
    if tls == "STLS":
        client.stls(context())
    if log_in:
        client.user("bob")
        client.pass_("builder")
    return client


def imap(world: World, *, tls: str = "", log_in: bool = True) -> imaplib.IMAP4:
    if tls == "implicit":
        address = world.address(STORE, 993)
        client: imaplib.IMAP4 = imaplib.IMAP4_SSL(*address, timeout=5, ssl_context=context())
    else:
        client = imaplib.IMAP4(*world.address(STORE, 143), timeout=5)
    if tls == "STARTTLS":
        client.starttls(context())
    if log_in:
        client.login("bob", "builder")
    return client


def transcript(world: World, number: int = -1) -> str:
    return world.host(STORE).reading.sessions[number].transcript.to_text()


def test_the_mailbox_is_the_one_that_smtp_fills_hop_by_hop() -> None:
    store = {"listeners": (25, 993), "readers": {"bob": "builder"}}
    with World.open(chain(hosts={STORE: store})) as world:
        world.submit("Subject: hop\r\n\r\nHi\r\n", sender="alice@sender.example", recipients=(BOB,))
        world.settle()
        client = imap(world, tls="implicit")
        client.select()
        header = client.fetch("1", "(BODY[HEADER])")[1][0][1]
        assert header.count(b"Received:") == 4
        assert client.fetch("1", "(RFC822)")[1][0][1] == world.mailbox(BOB)[0].raw


# ---- POP3


def test_pop3_brings_the_octets_and_takes_them_away_at_quit(world: World) -> None:
    client = pop(world)
    kept = [one.raw for one in world.mailbox(BOB)]
    assert client.stat() == (3, sum(map(len, kept)))
    fetched = b"\r\n".join(client.retr(2)[1]) + b"\r\n"
    assert fetched == kept[1]
    client.dele(2)
    assert client.stat()[0] == 2
    assert [line.split()[0] for line in client.list()[1]] == [b"1", b"3"]  # no number moves
    assert client.uidl()[1] == [b"1 1.1", b"3 1.3"]
    with pytest.raises(poplib.error_proto):
        client.retr(2)
    assert len(world.mailbox(BOB)) == 3  # marked, not gone (RFC 1939 section 5)
    client.quit()
    assert [one.subject for one in world.mailbox(BOB)] == ["one", "three"]


def test_pop3_takes_nothing_away_without_quit_or_after_rset(world: World) -> None:
    client = pop(world)
    client.dele(1)
    client.close()
    client = pop_when_free(world)
    client.dele(1)
    client.rset()
    client.quit()
    assert len(world.mailbox(BOB)) == 3


def pop_when_free(world: World) -> poplib.POP3:
    """The server learns of a connection that was broken off a moment later."""
    world._run(world.host(STORE).reading.sessions[-1].ended)
    return pop(world)


def test_pop3_top_and_unique_ids_stay(world: World) -> None:
    client = pop(world)
    assert client.top(1, 2)[1][-3:] == [b"", b"Hi", b".dots"]
    client.dele(1)
    client.quit()
    assert pop(world).uidl()[1] == [b"1 1.2", b"2 1.3"]


def test_one_pop3_session_at_a_time(world: World) -> None:
    first, second = pop(world), pop(world, log_in=False)
    second.user("bob")
    with pytest.raises(poplib.error_proto, match="IN-USE"):
        second.pass_("builder")
    first.quit()
    second.user("bob")
    second.pass_("builder")
    second.quit()


def test_pipelined_commands_are_all_answered_whatever_one_of_them_is(world: World) -> None:
    with socket.create_connection(world.address(STORE, 110), timeout=5) as line:
        line.sendall(
            b"USER bob\r\nPASS builder\r\nRETR 1\r\nNONSENSE\r\nRETR 99\r\nDELE x\r\nSTAT\r\nQUIT\r\n"
        )
        said = b"".join(iter(lambda: line.recv(65536), b""))
    assert said.count(b"-ERR") == 3
    assert said.endswith(b"signing off (3 messages left)\r\n")


# ---- IMAP


def subjects(client: imaplib.IMAP4) -> list[bytes]:
    answer = client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
    return [part[1].strip() for part in answer if isinstance(part, tuple)]


def test_imap_reads_marks_files_and_deletes(world: World) -> None:
    client = imap(world)
    assert client.select() == ("OK", [b"3"])
    assert subjects(client) == [b"Subject: one", b"Subject: two", b"Subject: three"]
    assert client.search(None, "UNSEEN")[1] == [b"1 2 3"]
    got = client.fetch("2", "(BODY[])")[1][0][1]
    assert got == world.mailbox(BOB)[1].raw
    assert client.search(None, "SEEN")[1] == [b"2"]  # reading marks it (RFC 3501 section 6.4.5)
    assert client.search(None, "SUBJECT", "three")[1] == [b"3"]
    client.create("Archive")
    client.copy("1", "Archive")
    client.store("1", "+FLAGS", "\\Deleted")
    assert client.expunge()[1] == [b"1"]
    assert [one.subject for one in world.mailbox(BOB)] == ["two", "three"]
    assert client.status("Archive", "(MESSAGES)")[1] == [b"Archive (MESSAGES 1)"]
    client.select("Archive")
    assert subjects(client) == [b"Subject: one"]
    client.logout()


SEARCHES = (
    ("ALL", b"1 2 3"), ("2:*", b"2 3"), ("SUBJECT three", b"3"), ("NOT SUBJECT three", b"1 2"), ("FROM alice", b"1 2 3"),
    ("OR SUBJECT one SUBJECT two", b"1 2"), ("HEADER Message-ID sender.example", b"1 2 3"), ("BODY .dots", b"1 2 3"),
    ("TEXT two", b"2"), ("SENTSINCE 5-Jan-2026", b"1 2 3"), ("BEFORE 5-Jan-2026", b""), ("ON 05-Jan-2026", b"1 2 3"),
    ("KEYWORD x", b""), ("UNKEYWORD x LARGER 10", b"1 2 3"), ("UID 2", b"2"),
)  # fmt: skip


def test_search(world: World) -> None:
    client = imap(world)
    client.select()
    assert {query: client.search(None, query)[1] for query, _ in SEARCHES} == {q: [f] for q, f in SEARCHES}


def test_numbers_hold_while_another_session_deletes(world: World) -> None:
    phone, laptop = imap(world), imap(world)
    phone.select()
    laptop.select()
    laptop.store("1", "+FLAGS", "\\Deleted")
    laptop.expunge()
    laptop.store("2", "+FLAGS", "\\Seen")  # it is number 3 on the phone
    assert subjects(phone)[1] == b"Subject: two"
    phone.noop()
    assert phone.untagged_responses["EXPUNGE"] == [b"1"]
    assert phone.untagged_responses["FETCH"] == [b"2 (FLAGS (\\Seen))"]
    phone.untagged_responses.clear()
    assert phone.fetch("2", "(UID)")[1] == [b"2 (UID 3)"]


def test_who_idles_hears_of_new_mail(world: World) -> None:
    client = imap(world)
    client.select()
    client.send(b"x IDLE\r\n")
    assert client.readline() == b"+\r\n"
    fill(world, "four")
    assert client.readline() == b"* 4 EXISTS\r\n"
    client.send(b"DONE\r\n")
    assert client.readline().startswith(b"x OK")


def test_a_sent_copy_is_filed_by_append_and_listed_as_sent(world: World) -> None:
    client = imap(world)
    sent = b"Subject: re\r\n\r\nYes.\r\n"
    assert client.append("Sent", "\\Seen", None, sent)[0] == "NO"
    client.create("Sent")
    client.append("Sent", "\\Seen", None, sent)
    assert b'(\\Sent) "/" "Sent"' in client.list()[1]
    client.select("Sent", readonly=True)
    assert client.fetch("1", "(FLAGS RFC822)")[1][0][1] == sent
    assert len(world.mailbox(BOB)) == 3


def test_every_header_field_and_a_piece_of_a_message(world: World) -> None:
    client = imap(world)
    client.select()
    received = client.fetch("1", "(BODY.PEEK[HEADER.FIELDS (RECEIVED)])")[1][0][1]
    assert received.count(b"Received:") == 1
    piece = client.fetch("1", "(BODY.PEEK[]<3.8>)")[1][0]
    assert piece == (b"1 (BODY[]<3> {8}", world.mailbox(BOB)[0].raw[3:11])
    kept = client.fetch("1", "(FLAGS BODY ENVELOPE BODYSTRUCTURE INTERNALDATE RFC822.SIZE)")[1][0]
    assert b"FLAGS ()" in kept
    assert b'("text" "plain"' in kept


# ---- both, TLS, records


@pytest.mark.parametrize("tls", ["STLS", "implicit"])
def test_pop3_over_tls(world: World, tls: str) -> None:
    client = pop(world, tls=tls)
    assert client.stat()[0] == 3
    client.quit()
    record = world.host(STORE).reading.sessions[0].transcript
    assert record[-2].encrypted
    assert record[0].encrypted is (tls == "implicit")


@pytest.mark.parametrize("tls", ["STARTTLS", "implicit"])
def test_imap_over_tls(world: World, tls: str) -> None:
    client = imap(world, tls=tls)
    assert client.select() == ("OK", [b"3"])
    assert "STARTTLS" not in client.capabilities
    client.logout()


def test_no_password_in_clear_and_none_that_is_wrong() -> None:
    with World.open(spec()) as world:
        client = imap(world, log_in=False)
        assert "LOGINDISABLED" in client.capabilities
        with pytest.raises(imaplib.IMAP4.error):
            client.login("bob", "builder")
        with pytest.raises(poplib.error_proto, match="STLS"):
            pop(world)
        for user, password in (("bob", "x"), ("carol", "builder"), ("nobody", "")):
            other = imap(world, tls="implicit", log_in=False)
            with pytest.raises(imaplib.IMAP4.error, match="LOGIN failed"):
                other.login(user, password)
        quiet = pop(world, tls="implicit", log_in=False)
        quiet.user("bob")
        with pytest.raises(poplib.error_proto, match="Wrong name"):
            quiet.pass_("x")


def test_what_comes_in_clear_behind_starttls_is_dropped(world: World) -> None:
    for port, command in ((110, b"STLS\r\nUSER bob\r\n"), (143, b"a STARTTLS\r\nb LOGIN bob builder\r\n")):
        with socket.create_connection(world.address(STORE, port), timeout=5) as line:
            line.recv(1000)
            line.sendall(command)
            assert line.recv(1000).startswith((b"+OK", b"a OK"))
            wrapped = context().wrap_socket(line, server_hostname=STORE)
            wrapped.sendall(b"NOOP\r\n" if port == 110 else b"c NOOP\r\n")
            answer = wrapped.recv(1000)
            assert answer.startswith(b"-ERR" if port == 110 else b"c OK")
        assert "LOGIN bob" not in transcript(world).replace("C: b LOGIN", "") or port == 143


@pytest.mark.parametrize(("port", "word"), [(110, b"STLS"), (143, b"a STARTTLS")])
def test_a_command_in_one_piece_with_the_end_of_the_handshake_is_heard(
    world: World, port: int, word: bytes
) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context().wrap_bio(incoming, outgoing, server_hostname=STORE)
    with socket.create_connection(world.address(STORE, port), timeout=5) as line:
        line.recv(1000)
        line.sendall(word + b"\r\n")
        line.recv(1000)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                line.sendall(outgoing.read())
                incoming.write(line.recv(65536))
        tls.write(b"NOOP\r\n" if port == 110 else b"b NOOP\r\n")
        line.sendall(outgoing.read())
        answer = b""
        while not answer:
            incoming.write(line.recv(65536))
            with contextlib.suppress(ssl.SSLWantReadError):
                answer = tls.read(1000)
    assert answer.startswith((b"-ERR", b"b OK"))


def test_sessions_are_recorded_line_by_line(world: World) -> None:
    client = pop(world)
    client.quit()
    assert "\nC: USER bob\nS: +OK USER accepted, send PASS\nC: PASS builder\n" in transcript(world)
    assert world.host(STORE).reading.sessions[0].port == 110
    assert len(world.host(STORE).sessions) == 3  # SMTP's are counted by themselves


def test_a_closed_world_says_goodbye_and_leaves_nothing(world: World) -> None:
    phone, laptop = imap(world), pop(world, tls="implicit")
    phone.select()
    world.close()
    with pytest.raises(imaplib.IMAP4.abort, match="going down"):
        phone.noop()
    with pytest.raises((poplib.error_proto, OSError)):
        laptop.noop()
    assert all(session.closed for session in world.host(STORE).reading.sessions)
    assert not world.mailbox(BOB).locked


def test_a_large_mailbox_and_a_large_message(world: World) -> None:
    box = world.mailbox(BOB)
    big = b"Subject: big\r\n\r\n" + b"x" * 70 + b"\r\n" + b".\r\n" * 20_000

    async def put() -> None:
        for number in range(500):
            box.inbox.add(b"Subject: %d\r\n\r\nHi\r\n" % number, 0.0)
        box.inbox.add(big, 0.0)

    world._run(put)
    client = imap(world)
    client.select()
    assert len(client.search(None, "ALL")[1][0].split()) == 504
    assert len(subjects(client)) == 504
    assert client.fetch("504", "(RFC822)")[1][0][1] == big
    reader = pop(world)
    assert len(reader.uidl()[1]) == 504
    assert b"\r\n".join(reader.retr(504)[1]) + b"\r\n" == big


# ---- garbage

WORDS = (
    b"USER", b"PASS", b"STAT", b"LIST", b"RETR", b"DELE", b"TOP", b"UIDL", b"RSET", b"NOOP", b"CAPA", b"AUTH PLAIN", b"STLS",
    b"APOP", b"LAST", b"bob", b"builder", b"0", b"1", b"-1", b"99999999999999999999", b"x", b"a", b"LOGIN", b"SELECT", b"INBOX",
    b"FETCH", b"1:*", b"*:*", b"(BODY[])", b"(FLAGS", b"BODY[1.2.3]<0.5>", b"BODY[1]", b"STORE", b"+FLAGS", b"(\\Seen", b"SEARCH", b"NOT",
    b"OR", b"HEADER", b"UID", b"COPY", b"APPEND", b"{3}", b"{-3}", b"{99999999999}", b"{x}", b'"', b"(", b")", b"\\", b"&", b"\xff\xfe",
    b"\0", b"IDLE", b"DONE", b"EXPUNGE", b"CREATE", b"DELETE", b"RENAME", b"STATUS", b"(MESSAGES NONSENSE)", b"LSUB", b"%", b"CLOSE",
    b"EXAMINE", b"AUTHENTICATE PLAIN", b"AGJvYgBidWlsZGVy", b"KEYWORD", b"SENTBEFORE", b"1-Jan-2026", b"LARGER", b"\n", b"\r",
)  # fmt: skip


@pytest.mark.parametrize("port", [110, 143])
def test_garbage_ends_no_server(world: World, port: int, size: Callable[[int, int], int]) -> None:
    rng = random.Random(port)
    log_in = b"USER bob\r\nPASS builder\r\n" if port == 110 else b"a LOGIN bob builder\r\nb SELECT INBOX\r\n"
    for _ in range(size(40, 1500)):
        lines = [b" ".join(rng.choices(WORDS, k=rng.randint(0, 6))) for _ in range(rng.randint(1, 12))]
        if port == 143:
            lines = [b"t%d " % number + line for number, line in enumerate(lines)]
        with socket.create_connection(world.address(STORE, port), timeout=5) as line:
            line.sendall((log_in if rng.random() < 0.7 else b"") + b"\r\n".join(lines) + b"\r\n")
            line.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionResetError):
                while line.recv(65536):  # to its end, within the timeout
                    pass
    assert not loop_thread().errors
    healthy = pop_when_free(world) if port == 110 else imap(world)
    healthy.noop()


def test_nothing_of_twisted_is_loaded_until_somebody_reads() -> None:
    code = (
        "import sys\n"
        "from labkit.world import World, chain\n"
        f"with World.open(chain(hosts={{{STORE!r}: {{'listeners': (25, 110, 143)}}}})):\n"
        "    assert 'twisted' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
