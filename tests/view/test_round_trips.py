"""The picture of round trips: its words, its static form, and what a page may ask of it."""

from __future__ import annotations

import base64
import re
import time
from xml.etree import ElementTree

from labkit.view.round_trips_view import RoundTripsView, Way, drawn
from labkit.world import World, play, receiver

MAIL, BOB = "MAIL FROM:<a@b.example>", "RCPT TO:<bob@receiver.example>"
WAY = Way(
    "groups",
    "In <groups>",
    "Send",
    "mail.receiver.example",
    (
        b"EHLO b.example\r\n",
        f"{MAIL}\r\n{BOB}\r\nRCPT TO:<no@receiver.example>\r\nDATA\r\n".encode(),
        b"Subject: <b>x</b>\r\n\r\ny\r\n.\r\nQUIT\r\n",
    ),
)


def recorded(way: Way = WAY) -> RoundTripsView:
    return RoundTripsView([way], shown={way.name: play(way.groups, receiver())}, title="A <title>")


def test_text_of_the_message_is_one_line_and_commands_are_whole() -> None:
    rows = drawn(play(WAY.groups, receiver()))
    assert [len(row["said"]) for row in rows] == [0, 1, 4, 3]
    assert rows[3]["said"][0]["t"] == "(the text, 24 octets)"
    assert [line["code"] for line in rows[2]["answered"]] == ["250", "250", "550", "354"]
    assert rows[2]["answered"][0]["t"] == "2.1.0 OK"
    assert "PIPELINING" in rows[1]["answered"][0]["t"]


def test_the_static_form_is_escaped_and_drawn() -> None:
    html = recorded().as_html()
    assert "In &lt;groups&gt;" in html
    assert "<title>" not in html.replace("A &lt;title&gt;", "")
    assert "the client waited 4 times" in html
    encoded = re.search(r"base64,([^\"]+)", html)
    assert encoded is not None
    picture = ElementTree.fromstring(base64.b64decode(encoded[1]))
    assert float(picture.attrib["height"]) > 200


def test_text_counts_octets_where_octets_are_asked_for() -> None:
    sent = play(WAY.groups, receiver())
    view = RoundTripsView([WAY], shown={"groups": sent}, title="x", measure="octets")
    octets = sum(len(event.data) for event in sent if event.sender == "C")
    assert f"the client sent {octets} octets" in view.as_text()


def test_a_recorded_picture_sends_nothing_and_an_unknown_way_is_none() -> None:
    view = recorded()
    for message in ({"op": "send", "way": "groups"}, {"op": "send"}, {"op": "send", "way": ["x"]}):
        view._receive(None, message, None)
    assert view._sending == ""


def test_a_closed_world_is_told_in_words() -> None:
    world = World.open(receiver())
    view = RoundTripsView([WAY], world=world, title="x")
    world.close()
    view._receive(None, {"op": "send", "way": "groups"}, None)
    end = time.monotonic() + 5
    while not view._said and time.monotonic() < end:
        time.sleep(0.005)
    assert "Run All Cells" in view._said
    assert "in a running lab a button sends it" in view.as_text()


def test_lines_without_end_are_cut() -> None:
    long = Way(
        "long",
        "Long",
        "Send",
        "mail.receiver.example",
        (b"EHLO b.example\r\n", b"NOOP " + b"x" * 5000 + b"\r\n"),
    )
    view = recorded(long)
    assert max(map(len, view.as_text().splitlines())) < 400
    assert " …" in view.as_html()
