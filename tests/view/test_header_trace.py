"""The header trace over a real world: who wrote which field, and the octets that each piece was taken from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from labkit.message import header_fields
from labkit.view.header_story import header_picture, origin
from labkit.view.header_trace import HeaderTrace, PastedHeader
from labkit.world import World, chain, run_script

ALICE, BOB = "alice@sender.example", "bob@receiver.example"
LETTER = f"From: {ALICE}\r\nTo: {BOB}\r\nSubject: Lunch\r\n\r\nAt one?\r\n"
FORGED = (
    "Received: from relay.bank.example ([192.0.2.99]) by mx.bank.example; Mon, 05 Jan 2026 10:00:00 +0000"
)
FORGERY = (
    "EHLO mail.mallory.example", "MAIL FROM:<ceo@bank.example>", f"RCPT TO:<{BOB}>", "DATA",
    FORGED, "Subject: <script>alert(1)</script>", "", "Hi", ".", "QUIT",
)  # fmt: skip


@pytest.fixture
def world() -> Iterator[World]:
    with World.open(chain(), transport="memory") as opened:
        yield opened


def send(world: World) -> None:
    assert world.submit(LETTER, sender=ALICE, recipients=[BOB]).delivered
    world.settle()


def forge(world: World) -> None:
    run_script(world, FORGERY, host="mx1.receiver.example")
    world.settle()


def drawn(trace: HeaderTrace) -> dict[str, Any]:
    state: dict[str, Any] = json.loads(json.dumps(trace._state()))
    return state


def writers(state: dict[str, Any]) -> list[tuple[str, str, bool]]:
    return [(field["name"], field["writer"].partition(".")[0], field["trace"]) for field in state["fields"]]


def test_each_field_belongs_to_who_first_said_it(world: World) -> None:
    trace = HeaderTrace(world, BOB)
    assert drawn(trace)["fields"] == []
    send(world)
    state = drawn(trace)
    assert writers(state)[:6] == [
        ("Return-Path", "store", True),
        ("Received", "store", True),
        ("Received", "mx1", True),
        ("Received", "relay", True),
        ("Received", "submit", True),
        ("Date", "client", False),
    ]
    assert state["border"] == 3
    pieces = {part["key"]: part["text"] for part in state["fields"][2]["parts"] if part["key"]}
    assert pieces["date"] == "Mon, 05 Jan 2026 09:00:00 +0000"
    assert pieces["address"] == "([192.0.2.20])"
    assert state["fields"][-1]["parts"] == [
        {"text": "Subject: ", "key": ""},
        {"text": "Lunch", "key": "text"},
    ]
    assert [hop["by"].partition(".")[0] for hop in state["hops"]] == ["submit", "relay", "mx1", "store"]
    assert not any(hop["problems"] for hop in state["hops"])


def test_each_piece_leads_to_the_octets_that_it_was_taken_from(world: World) -> None:
    send(world)
    raw, hops = HeaderTrace(world, BOB)._look(world)
    fields = header_fields(raw)
    wanted = {
        "from": b"EHLO relay.sender.example",
        "address": b"220 mx1.receiver.example",
        "by": b"220 mx1.receiver.example",
        "with": b"EHLO relay.sender.example",
        "for": b"RCPT TO:<bob@receiver.example>",
        "id": b"250 2.0.0 OK: queued as",
        "date": b"250 2.0.0 OK: queued as",
    }
    for key, octets in wanted.items():
        found = origin(fields[2], key, hops)
        assert found is not None
        assert found.hop.session.transcript[found.line - 1].data.startswith(octets), key
    path, subject = origin(fields[0], "sender", hops), origin(fields[-1], "text", hops)
    assert path is not None
    assert subject is not None
    assert path.hop.session.transcript[path.line - 1].data.startswith(b"MAIL FROM:<alice@")
    assert subject.hop.movement.to == "submit.sender.example"
    assert subject.hop.session.transcript[subject.line - 1].data == b"Subject: Lunch\r\n"
    assert origin(fields[2], "no such piece", hops) is None


def test_several_messages_in_one_session_are_not_mixed_up(world: World) -> None:
    world.hold()
    for name in ("Lunch", "Dinner"):
        world.submit(LETTER.replace("Lunch", name), sender=ALICE, recipients=[BOB])
    world.release()
    world.settle()
    assert len(world.host("relay.sender.example").sessions) == 1
    raw, hops = HeaderTrace(world, BOB)._look(world)
    subject = header_fields(raw)[-1]
    assert subject.value == "Dinner"
    for hop in hops:
        line = hop.said(subject)
        assert line is not None
        assert hop.session.transcript[line - 1].data == b"Subject: Dinner\r\n"
        assert hop.lines["sender"] < line < hop.lines["taken"]


def test_a_forged_field_is_told_from_those_written_on_the_way(world: World) -> None:
    forge(world)
    state = drawn(HeaderTrace(world, BOB))
    assert writers(state) == [
        ("Return-Path", "store", True),
        ("Received", "store", True),
        ("Received", "mx1", True),
        ("Received", "mail", False),
        ("Subject", "mail", False),
    ]
    assert state["border"] == 3
    forged, entry, _ = state["hops"]
    assert "mx.bank.example is no host that is known here" in forged["problems"][0]
    assert len(entry["problems"]) == 2  # it does not join, and the time goes backwards
    assert entry["delay"] == "1 h backwards"
    assert [part["key"] for part in state["fields"][3]["parts"] if part["key"]] == ["text"]


def test_a_forged_field_with_a_true_id_is_still_forged(world: World) -> None:
    send(world)
    true = header_fields(world.mailbox(BOB).messages[0].raw)[3].value  # the relay's own field, copied
    lines = [line.replace(FORGED, f"Received: {true}") for line in FORGERY]
    run_script(world, lines, host="mx1.receiver.example")
    world.settle()
    copied = drawn(HeaderTrace(world, BOB))["fields"][3]
    assert (copied["trace"], copied["writer"]) == (False, "mail.mallory.example")


def test_a_piece_opens_the_session_at_its_line(world: World) -> None:
    send(world)
    trace = HeaderTrace(world, BOB)
    sent: list[dict[str, Any]] = []
    trace.post = sent.append  # type: ignore[method-assign, assignment]
    trace.on_piece({"field": 2, "key": "from"})
    assert sent[-1]["host"] == "mx1.receiver.example"
    assert trace._child is not None
    assert trace._child.snapshot()["at"] == sent[-1]["line"]  # type: ignore[attr-defined]
    for odd in ({"field": 99, "key": "from"}, {"field": "2"}, {}):
        trace.on_piece(odd)
    assert len(sent) == 1
    trace.on_shut({})
    assert trace._child is None
    trace.close()


def test_what_stands_in_a_stored_page(world: World) -> None:
    trace = HeaderTrace(world, BOB)
    assert "No message has come yet" in trace.as_html()
    forge(world)
    assert "<script>" not in trace.as_html()
    assert "Above: written by receiver.example itself" in trace.as_text()
    assert "with the text: mail.mallory.example" in trace.as_text()


def test_a_pasted_header_is_read_without_any_session(world: World) -> None:
    pasted = PastedHeader(world)
    pasted.on_paste(
        {
            "text": "\nReceived: from a.example (a.example [203.0.113.9]) by b.example; Mon, 05 Jan 2026 10:30:00 +0100\n"
            "Received: by a.example; Mon, 05 Jan 2026 09:00:00 +0000\nSubject: Hi\n\nText"
        }
    )
    state = drawn(pasted)
    assert [hop["delay"] for hop in state["hops"]] == ["", "30 min at a.example"]
    assert state["hops"][1]["address"] == "203.0.113.9"
    assert not any(part["key"] for field in state["fields"] for part in field["parts"])
    pasted.on_paste({"text": "no header at all"})
    assert drawn(pasted)["fields"] == []


def test_any_octets_can_be_drawn() -> None:
    odd = b"Received: " + b"(" * 3000 + b"\r\nX\xff: \x00\x1b[31m\r\nReceived: from \xe2\x80\xae by ;;;\r\n"
    json.dumps(header_picture(odd * 50))
