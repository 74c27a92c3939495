"""Sessions as widgets, without a page: rows, explanations, snapshots, static forms, hostile content."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from labkit.smtp.transcript import Transcript
from labkit.view.printable import printable
from labkit.view.session_rows import SessionRows, reply_parts, split_line_end
from labkit.view.session_widget import KEPT_SESSIONS, SessionWidget, replay

TALK = Transcript.from_text(
    "S: 220 mail.receiver.example ESMTP\nC: EHLO a.example\nS: 250-mail.receiver.example\nS: 250 SIZE 1000\n"
    "C: RCPT TO:<bob@receiver.example>\nS: 503 no\nC: MAIL FROM:<a@a.example>\nS: 250 ok\n"
    "C: RCPT TO:<bob@receiver.example>\nS: 250 ok\nC: DATA\nS: 354 go\nC: <script>alert(1)</script>\nC: .\nS: 250 ok\n"
    "C: QUIT\nS: 221 bye\n"
)


def made(transcript: Transcript = TALK) -> SessionWidget:
    return replay(transcript, client="a.example", server="mail.receiver.example", title="A talk")


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def tags_of(html: str) -> _Tags:
    parser = _Tags()
    parser.feed(html)
    return parser


def test_rows_follow_the_session() -> None:
    rows = SessionRows(TALK.events)
    by_number = {row["n"]: row for row in rows.rows()}
    assert [by_number[n]["at"] for n in (1, 4, 6, 8, 10, 12, 15, 17)] == [
        *("connected", "greeted", "greeted", "sender", "recipients", "message", "accepted", "closed"),
    ]
    assert by_number[5]["bad"]
    assert not by_number[9]["bad"]
    assert by_number[6]["ans"] == 5
    assert by_number[5]["by"] == 6
    assert (by_number[3]["code"], by_number[3]["cont"]) == ("250", True)
    assert "RCPT" in by_number[8]["allowed"]
    assert "RCPT" not in by_number[4]["allowed"]


def test_rows_fed_one_by_one_end_like_rows_made_at_once() -> None:
    rows = SessionRows()
    latest: dict[int, dict[str, Any]] = {}
    for event in TALK:
        latest.update({row["n"]: row for row in rows.feed(event)})
    assert [latest[n] for n in sorted(latest)] == SessionRows(TALK.events).rows()


@pytest.mark.parametrize(
    ("data", "line", "end"),
    [
        (b"NOOP\r\n", b"NOOP", "CR LF"),
        (b"NOOP\n", b"NOOP", "LF only"),
        (b"NO\r", b"NO", "CR only"),
        (b"NO", b"NO", "cut"),
    ],
)
def test_line_ends_have_names(data: bytes, line: bytes, end: str) -> None:
    assert split_line_end(data) == (line, end)


def test_only_reply_lines_have_codes() -> None:
    assert reply_parts(b"250-x") == ("250", True, b"x")
    assert reply_parts(b"250") == ("250", False, b"")
    assert reply_parts(b"25x hello") == (None, False, b"25x hello")


def test_every_line_is_explained_and_no_other() -> None:
    rows = SessionRows(TALK.events)
    for event in TALK:
        known = rows.explanation(event.seq)
        assert known is not None
        assert known["headline"]
    assert rows.explanation(0) is None
    assert rows.explanation(99) is None


def test_snapshot_is_json_and_has_all_explanations_of_a_recorded_run() -> None:
    shot = json.loads(json.dumps(made().snapshot()))
    assert len(shot["rows"]) == len(TALK)
    assert set(shot["explanations"]) == {str(event.seq) for event in TALK}


def test_static_form_says_it_in_words_and_escapes() -> None:
    html = made().as_html()
    tags = tags_of(html)
    assert "script" not in tags.tags
    assert "svg" not in tags.tags
    assert not [
        name for name, _ in tags.attributes if name.startswith(("on", "data-", "aria-")) or name == "role"
    ]
    assert "var(" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "250-" in html
    assert [value for name, value in tags.attributes if name == "alt"]
    assert made().as_html() == html


def test_text_form_reads_back() -> None:
    head, _, lines = made().as_text().partition("\n")
    assert head.startswith("A talk")
    assert Transcript.from_text(lines).same_wire(TALK)


def test_hostile_octets_become_escapes() -> None:
    assert printable(b"a\x07b\xffc\x1b[31m") == "a\\x07b\\xffc\\x1b[31m"
    assert printable("‮evil​".encode()) == "\\u202eevil\\u200b"
    assert printable("Grüße".encode()) == "Grüße"
    assert printable(b"\tfolded") == "⇥   folded"


def test_long_lines_are_cut_and_counted() -> None:
    long = Transcript.from_text("C: " + "x" * 70_000 + "\n")
    row = SessionRows(long.events).rows()[0]
    assert len(row["t"]) == 2000
    assert row["more"] == 68_000


class Page:
    """Stands for the page: what the widget sent."""

    def __init__(self, widget: SessionWidget, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent: list[dict[str, Any]] = []
        monkeypatch.setattr(widget, "send", lambda content, buffers=None: self.sent.append(content))
        self.widget = widget

    def say(self, **content: object) -> list[dict[str, Any]]:
        before = len(self.sent)
        self.widget._receive(None, content, None)
        return self.sent[before:]


def test_every_message_is_acknowledged_and_garbage_is_harmless(monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(made(), monkeypatch)
    assert page.say(op="ping", id=7, view="a") == [{"op": "ack", "id": 7, "view": "a"}]
    assert [m["op"] for m in page.say(op="hello", id=1)] == ["ack", "snapshot"]
    assert [m["op"] for m in page.say(op="explain", id=2, session=1, n=5)] == ["ack", "explained"]
    for odd in (
        {"op": "explain", "n": "five"},
        {"op": "show", "session": []},
        {"op": "export"},
        {"op": "nothing"},
    ):
        assert page.say(**odd)[0]["op"] == "ack"
    page.widget._receive(None, "no dictionary", None)
    page.widget._receive(None, {"op": 3}, None)


@pytest.mark.parametrize("form", ["txt", "json"])
def test_a_saved_session_reads_back_exactly(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file = Page(made(), monkeypatch).say(op="export", session=1, form=form)[1]
    read = Transcript.from_json(file["text"]) if form == "json" else Transcript.from_text(file["text"])
    assert read == Transcript(TALK.events)
    assert file["name"].endswith(form)


def test_old_sessions_go_when_there_are_too_many_but_never_the_shown_one() -> None:
    widget = SessionWidget("watch", client="a", server="b")
    first = widget.add_session("one", own=False)
    for number in range(KEPT_SESSIONS + 5):
        widget.add_session(f"more {number}", own=False)
    assert len(widget.snapshot()["sessions"]) == KEPT_SESSIONS
    assert widget.current is first


def test_a_recorded_run_does_not_tell_ahead() -> None:
    shot = made().snapshot()
    asked = next(row["n"] for row in shot["rows"] if row["t"].startswith("RCPT"))
    assert "answers it" not in json.dumps(shot["explanations"][asked])
    assert "answers it" in json.dumps(SessionRows(TALK.events).explanation(asked))


def test_one_connection_out_of_two_keeps_its_line_numbers() -> None:
    there = [replace(event, connection=1 + (event.seq > 7)) for event in TALK]
    second = Transcript(tuple(there)).connection(2)
    widget = made(second)
    shot = widget.snapshot()
    assert [row["n"] for row in shot["rows"]] == list(range(8, 18)) == list(shot["explanations"])
    assert shot["rows"][0]["t"] == "ok"
    assert widget.as_html().count("<tr>") == 11
    assert widget.transcript == Transcript(second.events)
    interleaved = [event for event in TALK if event.seq % 3]
    rows = SessionRows(interleaved)
    assert [row["n"] for row in rows.rows()] == [event.seq for event in interleaved]
    assert rows.explanation(3) is None
    assert rows.client_lines()[0] == "EHLO a.example"


def test_what_one_view_asks_for_is_not_another_views(monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(made(), monkeypatch)
    for asked in (
        {"op": "hello"},
        {"op": "explain", "session": 1, "n": 5},
        {"op": "steps", "session": 1},
        {"op": "export", "session": 1},
    ):
        assert [message["view"] for message in page.say(view="b", **asked)] == ["b", "b"]
    assert "view" not in page.say(op="show", session=1)[1]


def test_a_session_can_be_gone_through_again(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Page(made(), monkeypatch).say(op="steps", session=1)[1]
    assert told["explanations"] == made().snapshot()["explanations"]


def test_a_flood_leaves_a_short_static_form_that_counts_what_it_leaves_out() -> None:
    flood = Transcript.from_text("S: 220 x\n" + "C: NOOP\nS: 250 OK\n" * 5000)
    widget = made(flood)
    html, text = widget.as_html(), widget.as_text()
    assert len(html) < 300_000
    assert len(text) < 20_000
    assert "9,751 lines left out" in html
    assert "9,001 lines left out" in html
    assert "9,001 lines left out" in text
    assert "<td>10001</td>" in html
