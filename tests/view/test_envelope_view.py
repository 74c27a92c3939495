"""Envelope beside header over a real world, without a page."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from labkit.view.envelope_view import FIELDS, EnvelopeView, Unwritten, compose
from labkit.world import World, chain

LETTER = {"from": "Alice <alice@sender.example>", "to": "Bob <bob@receiver.example>", "subject": "Tea"}
BLIND = {**LETTER, "bcc": "carol@receiver.example"}


@pytest.fixture
def world() -> Iterator[World]:
    with World.open(chain(), transport="memory") as opened:
        yield opened


def until(true: Callable[[], object], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def views(world: World, draft: dict[str, str]) -> dict[str, Any]:
    """What the page shows after Send, by label."""
    widget = EnvelopeView(world, draft)
    widget.on_send({name: draft.get(name, "") for name in FIELDS})
    until(lambda: not widget._sending)
    world.settle()
    state = json.loads(json.dumps(widget._state()))
    widget.close()
    return {"verdict": state["verdict"], **{view["label"]: view for view in state["views"]}}


def marks(view: dict[str, Any]) -> list[tuple[str, str]]:
    spoken = [(line["text"], line["mark"]) for line in view["envelope"]]
    written = [(text, mark) for field in view["header"] for text, mark in field["parts"]]
    return [(text, mark) for text, mark in spoken + written if mark]


def test_a_blind_copy_stands_in_the_envelope_of_every_hop_and_in_no_header(world: World) -> None:
    shown = views(world, BLIND)
    assert list(shown) == ["verdict", "submit", "relay", "mx1", "store", "Bob's copy", "Carol's copy"]
    assert shown["verdict"] == {
        "kind": "2",
        "text": "Sent. submit.sender.example took it for 2 recipients.",
    }
    for hop in ("submit", "relay", "mx1", "store"):
        assert marks(shown[hop]) == [("RCPT TO:<carol@receiver.example>", "envelope")]
    assert "Nothing in this header names Carol" in shown["Carol's copy"]["says"]
    assert "Bob is named" in shown["Bob's copy"]["says"]
    assert "carol" not in world.mailbox("carol@receiver.example")[0].text


def test_addresses_that_nobody_delivers_by_are_marked(world: World) -> None:
    shown = views(world, {**LETTER, "from": "The boss <boss@receiver.example>"})
    assert marks(shown["store"]) == [
        ("MAIL FROM:<alice@sender.example>", "envelope"),
        ("<boss@receiver.example>", "header"),
    ]
    assert shown["Bob's copy"]["header"][0]["parts"] == [["<alice@sender.example>", ""]]


def test_each_line_is_the_line_of_its_session(world: World) -> None:
    widget = EnvelopeView(world, BLIND)
    widget.on_send({name: BLIND.get(name, "") for name in FIELDS})
    until(lambda: not widget._sending)
    world.settle()
    (first, *_), (view, *_) = widget.passages, widget._state()["views"]
    assert widget.transcript is not None
    said = {event.seq: event.data.decode().rstrip() for event in widget.transcript}
    for line in view["envelope"]:
        assert said[line["n"]] == line["text"]
    for field in view["header"]:
        assert said[field["n"]].startswith(f"{field['name']}: ")
    widget.on_open({"place": view["id"], "n": view["envelope"][2]["n"]})
    assert widget._child is not None
    assert widget._child.snapshot()["at"] == view["envelope"][2]["n"]  # type: ignore[attr-defined]
    widget.on_open({"place": "nowhere", "n": 3})
    assert widget._child is None
    assert first.host == "submit.sender.example"
    widget.close()


def test_a_refusal_on_the_way_stands_at_its_line(world: World) -> None:
    shown = views(world, {**LETTER, "cc": "bbo@receiver.example"})
    assert [line["code"] for line in shown["mx1"]["envelope"]] == ["250", "250", "550"]
    assert [line["code"] for line in shown["store"]["envelope"]] == ["250", "250"]
    assert [text for text, _ in marks(shown["store"])] == ["bbo@receiver.example"]


def test_who_gets_it_is_who_stands_in_the_three_fields_each_once() -> None:
    form = dict.fromkeys(FIELDS, "") | {"from": "a@b.example", "to": "x@b.example; Y <y@b.example>", "cc": "x@b.example"}  # fmt: skip
    assert compose(form)[1] == ("x@b.example", "y@b.example")
    with pytest.raises(Unwritten):
        compose(form | {"to": " , ", "cc": ""})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"from": ""}, "From needs one address"),
        ({"from": "the boss"}, "From needs one address"),
        ({"to": ""}, "Nobody to send to"),
        ({"from": "boss\u2028x@receiver.example\ud800"}, "cannot be made into a message"),
        ({"to": "bob receiver.example"}, "Not sent."),
    ],
)
def test_what_cannot_be_sent_is_told(world: World, change: dict[str, str], says: str) -> None:
    shown = views(world, LETTER | change)
    assert says in shown["verdict"]["text"]
    assert list(shown) == ["verdict"]


def test_five_hundred_recipients_are_cut_for_the_page(world: World) -> None:
    everybody = ", ".join(f"reader{n}@receiver.example" for n in range(500))
    shown = views(world, LETTER | {"bcc": everybody})
    assert len(shown["submit"]["envelope"]) == 31
    assert shown["submit"]["more"] == 471


def test_what_a_learner_writes_is_data(world: World) -> None:
    widget = EnvelopeView(world, LETTER | {"subject": "<b>x</b>"})
    widget.on_send({name: (LETTER | {"subject": "<b>x</b>"}).get(name, "") for name in FIELDS})
    until(lambda: not widget._sending)
    world.settle()
    assert "<b>x</b>" not in widget.as_html()
    assert "&lt;b&gt;x" in widget.as_html()
    widget.close()
