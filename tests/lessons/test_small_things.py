"""Small things of the first lessons, each found by somebody who tried it."""

from __future__ import annotations

import pytest

from labkit.explainers.line import explain_line
from labkit.learn.feedback import Feedback
from labkit.learn.forms import LinesForm, Unreadable
from labkit.lessons.grading import first_refusal
from labkit.smtp.session import observe
from labkit.smtp.transcript import Transcript
from labkit.world import play, receiver

HELLO = ("EHLO sender.example", "MAIL FROM:<alice@sender.example>", "RCPT TO:<bob@receiver.example>", "DATA")


def test_a_whole_session_in_one_box_is_read_without_the_servers_lines() -> None:
    text = (
        "C: MAIL FROM:<a@x.example>\nS: 250 OK\nC: RCPT TO:<b@y.example>\nS: 250-x\nS: 250 y\nC: DATA\nS: 354"
    )
    form = LinesForm(3)
    assert form.read((text,)) == ("MAIL FROM:<a@x.example>", "RCPT TO:<b@y.example>", "DATA")
    with pytest.raises(Unreadable, match="2 lines are missing here, and 3 came"):
        LinesForm(2).read((text,))
    assert form.read(("S: 250 OK", "x", "y")) == ("S: 250 OK", "x", "y"), "one by one they are the learner's"


@pytest.mark.parametrize(
    ("server", "says"),
    [
        ("mail.receiver.example", "`sender.example` is no domain of this server."),
        ("mail.sender.example", "This server has no mailbox `carol` at `sender.example`."),
    ],
)
def test_a_domain_of_the_refusing_server_is_not_called_foreign(server: str, says: str) -> None:
    refused = first_refusal(
        Transcript.from_text(
            f"S: 220 {server} ESMTP\nC: EHLO x.example\nS: 250 {server}\nC: MAIL FROM:<alice@sender.example>\n"
            "S: 250 OK\nC: RCPT TO:<carol@sender.example>\nS: 550 5.1.1 no\n"
        ),
        "Send a message to Carol",
    )
    assert isinstance(refused, Feedback)
    assert refused.message == says
    assert "after the @" in refused.look


def test_354_is_explained_in_at_most_35_words() -> None:
    notes = observe(play((*HELLO, "x", ".", "QUIT"), receiver(mailboxes=("bob",))))
    number = next(note.seq for note in notes if note.octets.startswith(b"354"))
    one = explain_line(notes, number)
    sight = f"{one.headline} {one.happened} {one.effect} Who acts: {one.who_acts}. {one.next_step}"
    assert len(sight.split()) <= 35, sight
    assert "dot" in sight
    assert "bob@receiver.example" in sight


@pytest.mark.parametrize(
    ("hello", "offer", "mentioned"),
    [
        ("EHLO sender.example", ("SIZE", "8BITMIME"), False),
        ("EHLO sender.example", ("SIZE",), True),
        ("HELO sender.example", ("SIZE", "8BITMIME"), True),
    ],
)
def test_octets_above_127_for_a_server_that_did_not_announce_8bitmime(
    hello: str, offer: tuple[str, ...], mentioned: bool
) -> None:
    lines = (hello, *HELLO[1:], "Subject: x", "", "h\u00e9llo", ".", "QUIT")
    notes = observe(play(lines, receiver(mailboxes=("bob",), ehlo=offer)))
    [eight] = [note for note in notes if note.role == "text" and not note.octets.isascii()]
    told = explain_line(notes, eight.seq)
    assert ("did not announce 8BITMIME" in told.happened) is mentioned
    assert any(rule.ref == "RFC 6152 section 3" for rule in told.rules)


@pytest.mark.parametrize(
    ("line", "code", "utf8_code"),
    [
        ("VRFY b\u00f6b", b"500", b"252"),
        ("VRFY <b\u00f6b@receiver.example>", b"500", b"252"),
        ("EXPN st\u00e4ff", b"500", b"502"),
    ],
)
def test_vrfy_with_an_argument_beyond_ascii_but_without_smtputf8(
    line: str, code: bytes, utf8_code: bytes
) -> None:
    """To a server without SMTPUTF8 that is a line of no known form. With it, 252 is one of the two answers that RFC 6531
    section 3.7.4.2 leaves when the parameter is missing. The explanation names the slip in both cases."""
    for offer, expected in ((("8BITMIME",), code), (("8BITMIME", "SMTPUTF8"), utf8_code)):
        notes = observe(play(("EHLO sender.example", line, "QUIT"), receiver(mailboxes=("bob",), ehlo=offer)))
        [asked] = [note for note in notes if note.role == "command" and not note.octets.isascii()]
        assert next(note.octets[:3] for note in notes if note.seq == asked.answered_by) == expected
        assert "SMTPUTF8" in explain_line(notes, asked.seq).happened
