"""The observer on told sessions: who answers what, where the session stands, and what breaks the rules."""

from __future__ import annotations

import pytest

from labkit.smtp import Command, Envelope, Malformed, Note, Observer, State, Transcript, observe

HELLO = "S: 220 a\nC: EHLO c.example\nS: 250 b\n"
SENDER = HELLO + "C: MAIL FROM:<alice@sender.example>\nS: 250 ok\n"
RECIPIENT = SENDER + "C: RCPT TO:<bob@receiver.example>\nS: 250 ok\n"
MESSAGE = RECIPIENT + "C: DATA\nS: 354 go\n"
ACCEPTED = MESSAGE + "C: Subject: x\nC:\nC: text\nC: .\nS: 250 queued\n"


def notes_of(text: str) -> tuple[Note, ...]:
    return observe(Transcript.from_text(text))


def last(text: str) -> Note:
    return notes_of(text)[-1]


def states(text: str) -> list[str]:
    return [note.after.value for note in notes_of(text)]


def roles(text: str) -> list[str]:
    return [note.role for note in notes_of(text)]


def test_a_whole_session() -> None:
    text = ACCEPTED + "C: QUIT\nS: 221 bye\nS closes\nC closes\n"
    notes = notes_of(text)
    assert all(note.agrees and not note.why for note in notes)
    replies = [note for note in notes if note.role in ("greeting", "reply")]
    assert [note.after.value for note in replies] == [
        "connected", "greeted", "sender", "recipients", "message", "accepted", "closed",
    ]  # fmt: skip
    assert [note.role for note in notes[9:15]] == ["text", "text", "text", "end-of-text", "reply", "command"]
    assert [note.detail for note in notes[9:12]] == ["header", "blank", "body"]
    assert (notes[13].answers, notes[12].answered_by) == (13, 14)
    assert notes[13].command == notes[7].command == Command("DATA", "", b"DATA\r\n", True)
    assert notes[-1].role == notes[-2].role == "closed"


def test_a_multi_line_reply_is_one_answer() -> None:
    notes = notes_of("S: 220 a\nC: EHLO c.example\nS: 250-b\nS: 250-SIZE 10\nS: 250 HELP\n")
    assert [n.role for n in notes] == ["greeting", "command", "reply-part", "reply-part", "reply"]
    assert [n.answers for n in notes] == [None, None, 2, 2, 2]
    assert [n.line for n in notes[2:]] == [0, 1, 2]
    assert notes[1].answered_by == 5
    assert notes[2].reply is None
    assert notes[4].reply is not None
    assert [n.after for n in notes[2:]] == [State.CONNECTED, State.CONNECTED, State.GREETED]


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("S: 220 a\n", State.CONNECTED),
        ("S: 554 no\n", State.REFUSED),
        ("S: 521 no\n", State.REFUSED),
        ("S: 421 no\n", State.CLOSED),
        ("S: 554 no\nC: QUIT\nS: 221 bye\n", State.CLOSED),
        ("S: 450 later\n", State.REFUSED),
        ("S: 450 later\nC: QUIT\nS: 221 bye\n", State.CLOSED),
        ("S: 220 a\nC: EHLO c.example\nS: 502 no\n", State.CONNECTED),
        ("S: 220 a\nC: EHLO c.example\nS: 502 no\nC: HELO c.example\nS: 250 ok\n", State.GREETED),
        (SENDER + "C: RCPT TO:<x@y.example>\nS: 550 no\n", State.SENDER),
        (RECIPIENT + "C: RCPT TO:<x@y.example>\nS: 550 no\n", State.RECIPIENTS),
        (RECIPIENT + "C: RSET\nS: 250 ok\n", State.GREETED),
        (RECIPIENT + "C: EHLO c.example\nS: 250 ok\n", State.GREETED),
        (RECIPIENT + "C: EHLO c.example\nS: 550 no\n", State.RECIPIENTS),
        (RECIPIENT + "C: NOOP\nS: 250 ok\n", State.RECIPIENTS),
        (RECIPIENT + "C: MAIL FROM:<>\nS: 503 no\n", State.RECIPIENTS),
        (RECIPIENT + "C: DATA\nS: 451 no\n", State.RECIPIENTS),
        (RECIPIENT + "C: DATA\nS: 421 no\n", State.CLOSED),
        (MESSAGE + "C: .\nS: 550 no\n", State.GREETED),
        (MESSAGE + "C: .\nS: 451 no\n", State.GREETED),
        (MESSAGE + "C: .\nS: 650 no\n", State.GREETED),
        (ACCEPTED + "C: MAIL FROM:<>\nS: 250 ok\n", State.SENDER),
        (ACCEPTED + "C: RSET\nS: 250 ok\n", State.GREETED),
        (ACCEPTED + "C: NOOP\nS: 250 ok\n", State.ACCEPTED),
        (RECIPIENT + "S: 421 idle\n", State.CLOSED),
        (RECIPIENT + "C: RCPT TO:<x@y.example>\nS: 299 new\n", State.RECIPIENTS),
        (SENDER + "C: RCPT TO:<x@y.example>\nS: 299 new\n", State.RECIPIENTS),
    ],
)
def test_where_replies_lead(text: str, state: State) -> None:
    assert last(text).after is state


def test_the_envelope_holds_whom_the_server_accepted() -> None:
    observer = Observer()
    text = RECIPIENT + "C: RCPT TO:<x@y.example>\nS: 550 no\nC: RCPT TO:<carol@receiver.example>\nS: 250 ok\n"
    for event in Transcript.from_text(text):
        observer.feed(event)
    both = ("bob@receiver.example", "carol@receiver.example")
    assert observer.envelope == Envelope("alice@sender.example", both)
    notes = observer.notes
    assert notes[4].envelope == Envelope("alice@sender.example")
    assert notes[8].envelope == Envelope("alice@sender.example", both[:1])
    assert notes[10].recipients(1) == both[1:]
    assert notes[10].recipients(9) == both


@pytest.mark.parametrize(
    "end", ["C: RSET\nS: 250 ok\n", "C: EHLO c.example\nS: 250 ok\n", "C: DATA\nS: 354 go\nC: .\nS: 554 no\n"]
)
def test_the_envelope_is_dropped_with_the_transaction(end: str) -> None:
    assert last(RECIPIENT + end).envelope == Envelope()


def test_the_null_reverse_path_is_not_none() -> None:
    assert last(HELLO + "C: MAIL FROM:<>\nS: 250 ok\n").envelope == Envelope("", ())


# ------------------------------------------------------------------------------------------------ pipelining


def test_pipelined_replies_are_matched_first_in_first_out() -> None:
    text = HELLO + (
        "C: MAIL FROM:<a@b.example>\nC: RCPT TO:<gone@b.example>\nC: RCPT TO:<bob@b.example>\nC: DATA\n"
        "S: 250 ok\nS: 550 5.1.1 no\nS: 250 ok\nS: 354 go\nC: x\nC: .\nS: 250 ok\n"
    )
    notes = notes_of(text)
    assert [n.answered_by for n in notes[3:7]] == [8, 9, 10, 11]
    assert [n.answers for n in notes[7:11]] == [4, 5, 6, 7]
    assert [n.after.value for n in notes[7:11]] == ["sender", "sender", "recipients", "message"]
    assert all(n.expectation is not None and n.expectation.allowed for n in notes[3:7])
    assert notes[-1].envelope.forward_paths == ("bob@b.example",)


def test_a_pipelined_command_is_judged_where_the_session_had_come_to() -> None:
    """smtp-11: every recipient is refused, so DATA is out of order although it looked right when sent."""
    observer = Observer()
    text = HELLO + "C: MAIL FROM:<a@b.example>\nC: RCPT TO:<gone@b.example>\nC: DATA\nS: 250 ok\nS: 550 no\n"
    events = Transcript.from_text(text).events
    for event in events[:-1]:
        observer.feed(event)
    data = observer.notes[5]
    assert data.expectation is not None
    assert data.expectation.allowed
    changed = observer.feed(events[-1])
    assert [note.seq for note in changed] == [5, 6, 8]
    data = observer.notes[5]
    assert data.expectation is not None
    assert (data.expectation.allowed, data.expectation.codes) == (False, (503, 554))
    assert "No recipient has been accepted" in data.why
    for reply in ("S: 503 no\n", "S: 554 no\n"):
        assert last(text + reply).agrees
    assert not last(text + "S: 354 go\n").agrees


def test_lines_behind_data_are_judged_when_its_answer_is_known() -> None:
    burst = RECIPIENT + "C: DATA\nC: NOOP\nC: .\nC: QUIT\n"
    assert roles(burst + "S: 354 go\n")[7:11] == ["command", "text", "end-of-text", "command"]
    refused = burst + "S: 451 no\nS: 250 ok\nS: 500 what\nS: 221 bye\n"
    notes = notes_of(refused)
    assert [n.role for n in notes[7:11]] == ["command"] * 4
    assert [n.answers for n in notes[11:]] == [8, 9, 10, 11]


def test_notes_tell_what_changed() -> None:
    observer = Observer()
    changed = [[n.seq for n in observer.feed(e)] for e in Transcript.from_text(SENDER)]
    assert changed == [[1], [2], [2, 3], [4], [4, 5]]


# ------------------------------------------------------------------------------------------ right and wrong


@pytest.mark.parametrize(
    ("text", "agrees", "word"),
    [
        # In order, and the server may answer in several ways.
        (SENDER + "C: RCPT TO:<x@y.example>\nS: 251 forwarded\n", True, ""),
        (SENDER + "C: RCPT TO:<x@y.example>\nS: 550 no\n", True, "its own reason"),
        (SENDER + "C: RCPT TO:<x@y.example>\nS: 577 5.9.9 no\n", True, "its own reason"),
        (SENDER + "C: RCPT TO:<x@y.example>\nS: 299 new\n", True, ""),
        (SENDER + "C: RCPT TO:<x@y.example>\nS: 421 bye\n", True, "421 may answer anything"),
        (HELLO + "C: VRFY bob\nS: 252 maybe\n", True, ""),
        (HELLO + "C: VRFY bob\nS: 502 off\n", True, "its own reason"),
        (HELLO + "C: MAIL FROM:<a@b.c>\nS: 530 5.7.0 AUTH first\n", True, "its own reason"),
        # In order, and the server is wrong.
        (SENDER + "C: RCPT TO:<x@y.example>\nS: 503 order\n", False, "503 says wrong order"),
        (SENDER + "C: RCPT TO:<x@y.example>\nS: 500 what\n", False, "Every server has to take it"),
        (HELLO + "C: VRFY bob\nS: 500 what\n", False, "Every server has to take it"),
        (HELLO + "C: NOOP\nS: 502 no\n", False, "Every server has to take it"),
        (HELLO + "C: HELP\nS: 500 what\n", True, "has its own reason"),  # no server has to have HELP
        (MESSAGE + "C: .\nS: 500 long\n", True, "has its own reason"),
        (MESSAGE + "C: .\nS: 502 no\n", False, "The end of the text was in order"),
        (HELLO + "C: NOOP\nS: 354 go\n", False, "354 is no answer to NOOP"),
        (HELLO + "C: NOOP\nS: 220 hi\n", False, "220 is no answer to NOOP"),
        (RECIPIENT + "C: DATA\nS: 250 ok\n", False, "250 is no answer to DATA. The standard names 354"),
        (MESSAGE + "C: .\nS: 354 go\n", False, "354 is no answer to the end of the text"),
        ("S: 250 hi\n", False, "250 is no answer to the connection"),
        (SENDER + "C: RCPT TO:<x@y.example>\nS: 250 5.1.1 ok\n", False, "contradict each other"),
        (SENDER + "C: RCPT TO:<x@y.example>\nS: 650 what\n", False, "no reply begins with 6"),
        (SENDER + "C: RCPT TO:<x@y.example>\nS= 250 ok\\n\n", False, "LF alone"),
        # Out of order.
        (HELLO + "C: DATA\nS: 503 order\n", True, "MAIL and RCPT have to come first"),
        (HELLO + "C: DATA\nS: 550 no\n", True, "MAIL and RCPT have to come first"),
        (HELLO + "C: DATA\nS: 354 go\n", False, "This server let it pass"),
        (HELLO + "C: RCPT TO:<x@y.example>\nS: 455 later\n", False, "promises that waiting helps"),
        (HELLO + "C: FOO\nS: 500 what\n", True, "does not know this command"),
        (HELLO + "C: FOO\nS: 250 sure\n", False, "This server let it pass"),
        # Malformed.
        (HELLO + "C: MAIL FROM: <a@b.c>\nS: 501 syntax\n", True, "A space stands after the colon"),
        (HELLO + "C: MAIL FROM: <a@b.c>\nS: 250 ok\n", False, "This server let it pass"),
        (HELLO + f"C: NOOP {'x' * 600}\nS: 250 ok\n", True, ""),
        (HELLO + f"C: NOOP {'x' * 600}\nS: 500 long\n", True, "512 is the limit"),
        # Nothing asked.
        (HELLO + "S: 250 hello?\n", False, "No command is waiting"),
        (HELLO + "S: 421 idle\n", True, "421 may come without a command"),
        (MESSAGE + "C: text\nS: 451 no\n", False, "The message text has not ended"),
    ],
)  # fmt: skip
def test_agreement(text: str, agrees: bool, word: str) -> None:
    note = last(text)
    assert note.agrees is agrees
    assert word in note.why
    assert bool(word) is bool(note.why)


def test_a_lenient_server_is_followed() -> None:
    text = (
        HELLO
        + "C: MAIL FROM: alice@sender.example\nS: 250 ok\nC: RCPT TO:bob\nS: 250 ok\nC: DATA\nS: 354 go\n"
    )
    note = last(text)
    assert note.after is State.MESSAGE
    assert note.envelope == Envelope("alice@sender.example", ("bob",))
    text = "S: 220 a\nC: MAIL FROM:<a@b.c>\nS: 250 ok\nC: MAIL FROM:<d@e.f>\nS: 250 ok\n"
    assert last(text).envelope == Envelope("d@e.f")


def test_the_clients_slip_stands_at_its_own_line() -> None:
    notes = notes_of(HELLO + "C: MAIL FROM: <a@b.c>\nS: 501 no\n")
    assert isinstance(notes[3].command, Malformed)
    assert notes[3].why == "A space stands after the colon."
    assert notes[3].agrees
    assert notes[4].command is notes[3].command


# ------------------------------------------------------------------------------------------ message text


def test_only_crlf_dot_crlf_ends_the_text() -> None:
    """smtp-01: every other dot is text, and the commands behind it are text too."""
    attempts = ["C= .\\n\n", "C= a\\n\nC= .\\r\\n\n", "C= \\r.\\r\\n\n", "C: ..\n", "C: . \n"]
    text = MESSAGE + "C: Subject: one\nC:\n" + "".join(attempts) + "C: MAIL FROM:<evil@example.net>\nC: .\n"
    assert roles(text)[9:] == ["text"] * 9 + ["end-of-text"]


def test_an_empty_message_ends_at_once() -> None:
    assert roles(MESSAGE + "C: .\n")[-1] == "end-of-text"


def test_a_reply_inside_the_text_names_the_line_that_a_lenient_server_took_for_the_end() -> None:
    text = MESSAGE + "C= a\\n\nC= .\\n\nC: MAIL FROM:<x@y.z>\n"
    note = last(text + "S: 250 ok\n")
    assert not note.agrees
    assert "line 11" in note.why
    # From here on the observer follows the server: the next line is a command.
    assert roles(text + "S: 250 ok\nC: QUIT\nS: 221 bye\n")[-2:] == ["command", "reply"]


def test_header_folded_line_and_body() -> None:
    lines = "C: Subject: a\nC:  b\nC: X-Y: z\nC:\nC: Not: a field\nC:  x\nC:\n"
    assert [n.detail for n in notes_of(MESSAGE + lines)[9:]] == [
        "header", "folded", "header", "blank", "body", "body", "body",
    ]  # fmt: skip
    assert [n.detail for n in notes_of(MESSAGE + "C: no field\nC: A: b\n")[9:]] == ["body", "body"]


def test_text_that_comes_in_pieces() -> None:
    lines = "C= Subj\nC= ect: x\\r\\n\nC= \\r\nC= \\n\nC= .\nC= \\r\nC= \\n\n"
    notes = notes_of(MESSAGE + lines)[9:]
    assert [n.role for n in notes] == ["text"] * 6 + ["end-of-text"]
    assert [n.detail for n in notes[:4]] == ["header", "header", "header", "blank"]


# ------------------------------------------------------------------------------------------ pieces of lines


def test_a_command_in_pieces_is_judged_at_its_end() -> None:
    notes = notes_of("S: 220 a\nC= EH\nC= LO c.exam\nC= ple\\r\\n\nS: 250 ok\n")
    assert [n.role for n in notes] == ["greeting", "command-part", "command-part", "command", "reply"]
    command = notes[3].command
    assert isinstance(command, Command)
    assert command.octets == b"EHLO c.example\r\n"
    assert (notes[4].answers, notes[3].answered_by) == (4, 5)


def test_a_command_cut_by_a_reply_is_still_one_command() -> None:
    """TCP may cut a pipelined batch anywhere, and the server may answer in between."""
    text = HELLO + "C: NOOP\nC= RS\nS: 250 ok\nC= ET\\r\\n\nS: 250 ok\n"
    notes = notes_of(text)
    assert [n.role for n in notes[3:]] == ["command", "command-part", "reply", "command", "reply"]
    assert [n.answers for n in notes[3:]] == [None, None, 4, None, 7]


def test_a_reply_in_pieces() -> None:
    notes = notes_of("S= 22\nS= 0 a\\r\\n\nC: NOOP\nS= 250\nS= -x\\r\\n\nS: 250 y\n")
    assert [n.role for n in notes] == [
        "reply-part",
        "greeting",
        "command",
        "reply-part",
        "reply-part",
        "reply",
    ]


# ------------------------------------------------------------------------------------------ extensions


def test_ehlo_tells_what_may_be_asked() -> None:
    observer = Observer()
    for event in Transcript.from_text(
        "S: 220 a\nC: EHLO c.example\nS: 250-b\nS: 250-size 10\nS: 250-STARTTLS\nS: 250 AUTH PLAIN login\n"
    ):
        observer.feed(event)
    assert observer.facts.keywords == {"SIZE": ("10",), "STARTTLS": (), "AUTH": ("PLAIN", "LOGIN")}
    assert "STARTTLS" in observer.allowed
    assert "ETRN" not in observer.allowed


def test_what_was_answered_by_502_is_not_offered_again() -> None:
    observer = Observer()
    for event in Transcript.from_text(HELLO + "C: VRFY bob\nS: 502 no\n"):
        observer.feed(event)
    assert "HELP" in observer.allowed
    assert "VRFY" not in observer.allowed
    assert "EXPN" not in observer.allowed  # never announced
    for event in Transcript.from_text("# seq=6 encrypted=yes\nC: EHLO c.example\nS: 250 b\n"):
        observer.feed(event)
    assert "VRFY" in observer.allowed  # TLS makes the client forget what the server said in clear


def test_what_is_offered_under_tls_and_after_auth() -> None:
    observer = Observer()
    hello = "C: EHLO c.example\nS: 250-b\nS: 250-STARTTLS\nS: 250 AUTH PLAIN\n"
    for event in Transcript.from_text(
        f"S: 220 a\n# encrypted=yes\n{hello}C: AUTH PLAIN AGEAYg==\nS: 235 ok\n"
    ):
        observer.feed(event)
    assert observer.facts.encrypted
    assert observer.facts.authenticated
    assert not {"STARTTLS", "AUTH"} & set(observer.allowed)


def test_smtputf8_holds_for_its_own_transaction() -> None:
    hello = "S: 220 a\nC: EHLO c.example\nS: 250-b\nS: 250 SMTPUTF8\n"
    mail = "C: MAIL FROM:<a@b.c> SMTPUTF8\nS: 250 ok\n"
    rcpt = "C: RCPT TO:<\u00e4@b.example>\n"
    assert not last(hello + mail + rcpt).why
    again = hello + mail + "C: RSET\nS: 250 ok\nC: MAIL FROM:<a@b.c>\nS: 250 ok\n"
    assert "MAIL did not say SMTPUTF8" in last(again + rcpt).why
    assert last(again + rcpt + "S: 250 ok\n").envelope.forward_paths == ("\u00e4@b.example",)


def test_a_note_without_envelope() -> None:
    assert last(HELLO).recipients(3) == ()


def test_helo_forgoes_extensions() -> None:
    text = "S: 220 a\nC: HELO c.example\nS: 250 ok\nC: MAIL FROM:<a@b.c> SIZE=3\n"
    assert "did not announce" in last(text).why
    assert not last(text + "S: 250 ok\n").agrees
    assert last(text + "S: 555 no\n").agrees


TLS = "S: 220 a\nC: EHLO c.example\nS: 250-b\nS: 250 STARTTLS\nC: STARTTLS\n"


def test_starttls_leads_back_to_connected_and_ehlo_is_due() -> None:
    text = TLS + "S: 220 go\n# encrypted=yes\nC: MAIL FROM:<a@b.c>\nS: 503 EHLO first\n"
    notes = notes_of(text)
    assert notes[5].after is State.CONNECTED
    assert notes[7].agrees
    assert "EHLO has to come first" in notes[7].why
    again = TLS + "S: 220 go\n# encrypted=yes\nC: EHLO c.example\nS: 250 b\nC: STARTTLS\n"
    assert last(again).expectation is not None
    assert "TLS is up already" in last(again).why
    assert last(TLS + "S: 454 no\n").after is State.GREETED


def test_what_came_in_clear_behind_starttls_is_never_answered() -> None:
    """smtp-05."""
    text = TLS + "C: MAIL FROM:<evil@example.net>\nS: 220 go\n# encrypted=yes\nC: EHLO c.example\nS: 250 b\n"
    notes = notes_of(text)
    injected = notes[5]
    assert injected.role == "command"
    assert injected.answered_by is None
    assert "must throw it away" in injected.why
    assert notes[-1].answers == 8
    vulnerable = TLS + "C: MAIL FROM:<evil@example.net>\nS: 220 go\n# encrypted=yes\nS: 250 ok\n"
    assert not last(vulnerable).agrees
    assert last(vulnerable).role == "unsolicited"


AUTH = "S: 220 a\nC: EHLO c.example\nS: 250-b\nS: 250 AUTH PLAIN LOGIN\n"


def test_an_auth_exchange() -> None:
    text = AUTH + "C: AUTH LOGIN\nS: 334 VXNl\nC: YWxpY2U=\nS: 334 UGFz\nC: c2VjcmV0\nS: 235 ok\n"
    notes = notes_of(text)
    assert [n.role for n in notes[4:]] == ["command", "reply", "auth", "reply", "auth", "reply"]
    assert [n.answers for n in notes[4:]] == [None, 5, None, 7, None, 9]
    assert [n.after.value for n in notes[5:]] == ["authenticating"] * 4 + ["greeted"]
    assert notes[6].answered_by == 8
    twice = text + "C: AUTH PLAIN\n"
    assert "already" in last(twice).why
    failed = text.replace("235 ok", "535 5.7.8 no")
    assert (last(failed).after, last(failed).agrees) == (State.GREETED, True)
    cancelled = AUTH + "C: AUTH LOGIN\nS: 334 x\nC: *\nS: 501 ok\nC: NOOP\n"
    assert roles(cancelled)[-3:] == ["auth", "reply", "command"]


def test_auth_with_a_first_response_needs_no_further_line() -> None:
    text = AUTH + "C: AUTH PLAIN AGEAYg==\nC: MAIL FROM:<a@b.c>\nS: 235 ok\nS: 250 ok\n"
    assert last(text).after is State.SENDER


CHUNKS = (
    "S: 220 a\nC: EHLO c.example\nS: 250-b\nS: 250 CHUNKING\nC: MAIL FROM:<a@b.c>\nS: 250 ok\n"
    "C: RCPT TO:<d@e.f>\nS: 250 ok\n"
)


def test_bdat_counts_octets_and_heeds_no_dot() -> None:
    text = CHUNKS + "C: BDAT 9\nC: .\nC: NOOP\nS: 250 ok\nC: BDAT 5 LAST\nC= abc\\r\\n\nS: 250 ok\n"
    notes = notes_of(text)
    assert [n.role for n in notes[8:]] == ["command", "text", "text", "reply", "command", "text", "reply"]
    assert [n.detail for n in notes[9:11]] == ["chunk", "chunk"]
    assert [n.after for n in (notes[11], notes[14])] == [State.CHUNKS, State.ACCEPTED]


def test_a_command_may_begin_in_the_middle_of_an_event() -> None:
    notes = notes_of(CHUNKS + "C: BDAT 3\nC= abcBDAT 2 LAST\\r\\n\nC= xy\nS: 250 ok\nS: 250 ok\n")
    assert [n.role for n in notes[8:]] == ["command", "command", "text", "reply", "reply"]
    assert [n.answers for n in notes[11:]] == [9, 10]
    assert notes[-1].after is State.ACCEPTED


def test_a_server_that_does_not_know_bdat_reads_its_octets_as_commands() -> None:
    text = HELLO + "C: BDAT 6\nC: NOOP\nS: 500 what\nS: 250 ok\n"
    assert roles(text)[3:] == ["command", "command", "reply", "reply"]


@pytest.mark.parametrize("code", ["500", "502"])
def test_a_server_that_announced_chunking_refuses_the_message_and_not_the_command(code: str) -> None:
    """RFC 3030 section 2: it has read the octets, whatever it answers."""
    notes = notes_of(
        CHUNKS + f"C: BDAT 6 LAST\nC: NOOP\nS: {code} 5.5.2 line too long\nC: MAIL FROM:<a@b.c>\nS: 250 ok\n"
    )
    assert [n.role for n in notes[8:]] == ["command", "text", "reply", "command", "reply"]
    assert notes[10].after is State.GREETED
    assert notes[12].after is State.SENDER


BINARY = (
    "S: 220 a\nC: EHLO c.example\nS: 250-b\nS: 250-8BITMIME\nS: 250-BINARYMIME\nS: 250 CHUNKING\n"
    "C: MAIL FROM:<a@b.c> BODY=binarymime\nS: 250 ok\nC: RCPT TO:<d@e.f>\nS: 250 ok\n"
)


def test_a_binary_message_does_not_go_by_data() -> None:
    """RFC 3030 section 3."""
    observer = Observer()
    for event in Transcript.from_text(BINARY):
        observer.feed(event)
    assert "DATA" not in observer.allowed
    assert "BDAT" in observer.allowed
    refused = last(BINARY + "C: DATA\nS: 503 no\n")
    assert (refused.agrees, refused.after) == (True, State.RECIPIENTS)
    assert "BODY=BINARYMIME" in refused.why
    assert not last(BINARY + "C: DATA\nS: 354 go\n").agrees
    again = last(
        BINARY
        + "C: RSET\nS: 250 ok\nC: MAIL FROM:<a@b.c>\nS: 250 ok\nC: RCPT TO:<d@e.f>\nS: 250 ok\nC: DATA\nS: 354 go\n"
    )
    assert again.agrees


def test_binary_needs_its_own_keyword() -> None:
    text = "S: 220 a\nC: EHLO c.example\nS: 250-b\nS: 250 8BITMIME\nC: MAIL FROM:<a@b.c> BODY=BINARYMIME\nS: 555 no\n"
    assert last(text).why == "The server did not announce BINARYMIME in its answer to EHLO."


LIMITED = (
    "S: 220 a\nC: EHLO c.example\nS: 250-b\nS: 250 LIMITS RCPTMAX=1\nC: MAIL FROM:<a@b.c>\nS: 250 ok\n"
    "C: RCPT TO:<d@e.f>\nS: 250 ok\n"
)


def test_a_recipient_beyond_the_announced_limit_is_refused_for_that_reason() -> None:
    """RFC 9422 section 4.2; a server that takes more than it announced does no harm."""
    note = last(LIMITED + "C: RCPT TO:<g@e.f>\nS: 452 4.5.3 too many\n")
    assert note.agrees
    assert "RCPTMAX=1" in note.why
    assert last(LIMITED + "C: RCPT TO:<g@e.f>\nS: 250 ok\n").why == ""
    observer = Observer()
    for event in Transcript.from_text(LIMITED):
        observer.feed(event)
    assert "RCPT" not in observer.allowed
    assert "DATA" in observer.allowed


# ------------------------------------------------------------------------------------------ ends


def test_a_lost_connection_leaves_lines_unanswered() -> None:
    notes = notes_of(MESSAGE + "C: text\nC: .\nS closes\n")
    assert (notes[10].role, notes[10].detail) == ("unanswered", "the end of the text")
    assert notes[11].after is State.CLOSED
    assert "without QUIT" in notes[11].why
    notes = notes_of(HELLO + "C: NOOP\nC= QU\nC closes\nS closes\n")
    assert [n.role for n in notes[3:]] == ["unanswered", "command-part", "closed", "closed"]
    assert "cut off" in notes[4].why


def test_a_client_that_sends_all_and_stops_is_still_answered() -> None:
    """As `printf ... | nc` does: the client's side closes before the first reply."""
    text = (
        "C: EHLO c.example\nC: MAIL FROM:<a@b.c>\nC: RCPT TO:<d@e.f>\nC: DATA\nC: x\nC: .\n"
        "C: QUIT\nC closes\n"
        "S: 220 a\nS: 250 b\nS: 250 ok\nS: 250 ok\nS: 354 go\nS: 250 queued\nS: 221 bye\nS closes\n"
    )
    notes = notes_of(text)
    assert [n.role for n in notes[:8]] == ["command"] * 4 + ["text", "end-of-text", "command", "closed"]
    assert [n.answers for n in notes[8:15]] == [None, 1, 2, 3, 4, 6, 7]
    assert notes[14].after is State.CLOSED
    assert not notes[15].why


def test_an_excerpt_may_begin_with_a_command() -> None:
    notes = notes_of("C: NOOP\nS: 250 ok\nC: EHLO c.example\nS: 250 b\n")
    assert [n.answers for n in notes] == [None, 1, None, 3]
    assert notes[-1].after is State.GREETED
    assert notes_of("C: EHLO c.example\nS: 220 a\nS: 250 b\n")[1].role == "greeting"
    for code in (421, 521, 554):
        assert notes_of(f"C: EHLO c.example\nS: {code} no\n")[1].role == "greeting"
    assert notes_of("C: STARTTLS\nS: 220 go\n")[1].answers == 1
    observer = Observer(State.RECIPIENTS)
    for event in Transcript.from_text("C: DATA\nS: 354 go\n"):
        observer.feed(event)
    assert observer.state is State.MESSAGE


def test_connections_and_views_are_kept_apart() -> None:
    text = "S: 220 a\n# connection=2\nS: 554 no\n# connection=1\nC: NOOP\n# connection=2\nC: QUIT\nS: 221 x\n"
    notes = notes_of(text + "# connection=1\nS: 250 ok\n# view=server\nS: 220 a\n")
    assert [n.after.value for n in notes] == [
        "connected", "refused", "connected", "refused", "closed", "connected", "connected",
    ]  # fmt: skip
    assert [n.answers for n in notes] == [None, None, None, None, 4, 3, None]
    assert notes[-1].role == "greeting"
