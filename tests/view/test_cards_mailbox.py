"""The learner's own mailbox follows what is delivered, newest first; what came is shown as data."""

from __future__ import annotations

from labkit.lessons.session import PRELUDES, SHOPPING, open
from labkit.view.cards import MailboxCard


def test_it_follows_the_mailbox_and_shows_the_newest_first() -> None:
    box: list[bytes] = []
    card = MailboxCard("bob@receiver.example", lambda: box)
    assert card.state["messages"] == []
    assert "Nothing yet" in card.as_text()
    box += [b"Subject: one\r\n\r\nfirst\r\n", b"Subject: two\r\n\r\n.bread\r\n"]
    card.refresh()
    assert [one["n"] for one in card.state["messages"]] == [2, 1]
    assert card.state["messages"][0]["lines"] == ["Subject: two", "", ".bread"]
    told = card.state
    card.on_ping({})
    assert card.state is told  # nothing new, nothing drawn


def test_long_and_hostile_messages_are_cut_and_escaped() -> None:
    card = MailboxCard("bob@receiver.example", lambda: [b"x\r\n" * 500, b"<script>\x1b[1m" + b"y" * 70_000])
    newest, long = card.state["messages"]
    assert long["lines"][-1] == "… (440 more lines)"
    assert "\x1b" not in newest["lines"][0]
    assert len(newest["lines"][0]) < 500
    assert "<script>" not in card.as_html()


def test_in_lesson_01_bob_reads_what_the_server_took() -> None:
    lesson = open()
    try:
        guess, box = lesson.predict("dots"), lesson.mailbox()
        with lesson.client() as smtp:  # somebody else's message changes nothing about the guess
            for line in (*PRELUDES["lone_dot"], *SHOPPING):
                smtp.send_line(line)
        assert guess.state["shown"] is None
        lesson._happened("lone_dot", lesson.world.host().sessions[-1].transcript)
        assert guess.state["shown"]["actual"] == "`.bread`, and nothing after it."
        assert box.state["messages"][0]["lines"][-2:] == ["Two things to buy:", ".bread"]
    finally:
        lesson.close()
