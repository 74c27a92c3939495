"""The desks of lesson 09: who read which line, what a certificate is good for, and that nothing of a wire steers a page."""

from __future__ import annotations

import json
import ssl
from datetime import UTC, datetime
from typing import Any

import pytest

from labkit.hosts.proxy import Change
from labkit.hosts.tls import CertificateFacts
from labkit.lessons import tls_world
from labkit.lessons.tls_world import Program, handed_in
from labkit.smtp.transcript import Recorder, Transcript
from labkit.transport.loop_thread import LabError
from labkit.view.certificate_view import certificate_picture, name_fits
from labkit.view.tls_desk import Setting
from labkit.view.wire_story import Passage, picture
from labkit.view.wire_view import WireView


def session(*said: tuple[str, bytes, bool], view: Any = "client") -> Transcript:
    recorder = Recorder(1, view, lambda: 0.0)
    for sender, octets, encrypted in said:
        recorder.feed_whole(sender, octets, encrypted)  # type: ignore[arg-type]
    return recorder.transcript()


def record(kind: int, size: int = 30) -> bytes:
    return bytes([kind, 3, 3]) + size.to_bytes(2) + bytes(size)


def test_each_turn_has_its_own_records() -> None:
    """Both on TLS 1.3, where tickets come before the first reply, and on TLS 1.2, where they do not."""
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = tls_world.client_context()
        before = context.maximum_version
        context.maximum_version = version
        try:
            passage = handed_in(Program())
        finally:
            context.maximum_version = before
        rows = picture(passage)["rows"]
        hidden = [row for row in rows if row["kind"] == "hidden"]
        assert [row["lines"][0][:4] for row in hidden[:4]] == ["EHLO", "250-", "AUTH", "235 "]
        assert [len(row["records"]) for row in hidden[:-1]] == [1] * (len(hidden) - 1)
        said = [sum(len(line) + 2 for line in row["lines"]) for row in hidden[:-1]]
        sizes = [row["records"][0]["n"] for row in hidden[:-1]]
        overhead = {size - octets for size, octets in zip(sizes, said, strict=True)}
        assert len(overhead) == 1  # each record is as long as its lines, and the frame of TLS
        (begins,) = [row for row in rows if row["kind"] == "handshake"]
        assert [one["s"] for one in begins["records"][:2]] == ["C", "S"]


def test_records_that_do_not_fit_are_shown_as_they_came() -> None:
    own = session(("S", b"220 x\r\n", False), ("C", b"STARTTLS\r\n", False), ("S", b"220 y\r\n", False),
                  ("C", b"EHLO a\r\n", True), ("S", b"250 b\r\n", True), ("C", b"QUIT\r\n", True))  # fmt: skip
    wire = session(("S", b"220 x\r\n", False), ("C", b"STARTTLS\r\n", False), ("S", b"220 y\r\n", False),
                   ("C", record(22), True), view="wire")  # fmt: skip
    shown = picture(Passage(wire, own, (), False, "", frozenset()))
    assert [row["kind"] for row in shown["rows"]] == ["both"] * 3 + ["handshake"] + ["hidden"] * 3
    assert len(shown["rows"][3]["records"]) == 1
    assert shown["rows"][4]["records"] == []


def test_hostile_octets_are_shown_and_not_obeyed() -> None:
    line = b"250-<script>alert(1)</script> \x1b[31m\xff\r\n"
    wire = session(("S", line, False), ("C", b"AUTH PLAIN !!!\r\n", False), view="wire")
    passage = Passage(wire, wire, (Change(1, "S", line, b"250 <img>\r\n", "x"),), True, "<b>", frozenset())
    shown = json.loads(json.dumps(picture(passage)))
    assert shown["rows"][0]["right"] == ["250 <img>"]
    assert shown["rows"][1]["note"] == ""
    view = WireView(_never, title="<i>", button="Go")
    view._picture = shown
    assert "\\x1b[31m\\xff" in view.as_text()
    for mark in ("<script", "<img", "<i>", "<b>&lt;b"):
        assert mark not in view.as_html()


def test_what_the_program_says_and_what_is_sent_on() -> None:
    """A reply that is changed reaches the program so; a command that is changed is still what it said."""
    rows = picture(handed_in(Program(insist=True), "strip_starttls"))["rows"]
    reply, command = (row for row in rows if row["kind"] == "changed")
    assert (reply["lines"], reply["right"]) == (["250-STARTTLS"], ["250-XXXXXXXX"])
    assert (command["lines"], command["right"], command["became"]) == (
        ["STARTTLS"],
        ["STARTTLS"],
        ["XXXXXXXX"],
    )
    ended = picture(handed_in(Program(), "intercept_tls"))["rows"]
    assert [row["kind"] for row in ended[-2:]] == ["both", "handshake"]


@pytest.mark.parametrize(
    ("name", "server", "fits"),
    [
        ("a.example", "a.example", True),
        ("A.example", "a.EXAMPLE", True),
        ("*.example", "a.example", True),
        ("*.example", "a.b.example", False),
        ("*.example", "example", False),
        ("b.example", "a.example", False),
    ],
)
def test_names_of_certificates(name: str, server: str, fits: bool) -> None:
    assert name_fits(name, server) is fits


def test_a_certificate_between_its_dates() -> None:
    facts = CertificateFacts(
        "s", tuple(f"n{n}.example" for n in range(12)), "<b>CA", datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 12, 31, tzinfo=UTC),
    )  # fmt: skip
    for day, ok in ((datetime(2024, 12, 31, tzinfo=UTC), False), (datetime(2025, 6, 1, tzinfo=UTC), True)):
        shown = certificate_picture("n11.example", facts, "CA", None, now=day)
        assert [one["ok"] for one in shown["checks"]] == [False, ok, True]
        assert shown["facts"][0][1][0] == "n11.example"
        assert shown["facts"][0][1][-1] == "and 4 more"


async def _never(_values: dict[str, str]) -> dict[str, Any]:
    raise LabError("This world was closed.")


def test_a_desk_takes_only_what_it_offers_and_says_what_went_wrong() -> None:
    desk = WireView(
        _never, title="T", button="Go", settings=(Setting("port", "Port", (("1", "one"), ("2", "two"))),)
    )
    posted: list[Any] = []
    desk.post = posted.append  # type: ignore[method-assign, assignment]
    for odd in ({"values": {"port": "3"}}, {"values": {"port": 2}}, {"values": [1]}):
        desk._busy = True
        desk.on_go(odd)
    desk.on_set({"name": "port", "value": ["2"]})
    assert desk._state()["values"] == {"port": "1"}
    desk.on_set({"name": "port", "value": "2"})
    assert desk._state()["values"] == {"port": "2"}
    from labkit.transport.loop_thread import loop_thread

    loop_thread().run(desk._run, 5)
    assert (desk._state()["said"], desk._state()["busy"]) == ("This world was closed.", False)
    assert "Nothing has passed yet" in desk.as_text()
    assert "Nothing has passed yet" in desk.as_html()
