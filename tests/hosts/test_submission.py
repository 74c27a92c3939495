"""What a submission server adds, and what it leaves alone."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.hosts.submission import Change, complete

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
WHOLE = (
    b"From: Alice <alice@sender.example>\r\nTo: bob@receiver.example\r\nSubject: hi\r\n"
    b"Date: Mon, 05 Jan 2026 08:00:00 +0000\r\nMessage-ID: <1@sender.example>\r\n\r\nText.\r\n"
)


def done(message: bytes, **more: Any) -> tuple[bytes, tuple[Change, ...]]:
    settings: dict[str, Any] = {"now": NOW, "host": "submit.sender.example", "seed": "1"}
    return complete(message, **(settings | more))


def without(name: bytes, message: bytes = WHOLE) -> bytes:
    return b"".join(line for line in message.splitlines(keepends=True) if not line.startswith(name + b":"))


def test_a_complete_message_is_left_alone() -> None:
    assert done(WHOLE, sender="alice@sender.example", login="alice@sender.example") == (WHOLE, ())


def test_date_and_message_id() -> None:
    octets, changes = done(without(b"Date", without(b"Message-ID")))
    assert [change.field for change in changes] == ["Date", "Message-ID"]
    assert [change.rule.ref for change in changes] == ["RFC 6409 section 8.2", "RFC 6409 section 8.3"]
    message = message_from_bytes(octets, policy=policy.default)
    assert message["Date"] == "Mon, 05 Jan 2026 09:00:00 +0000"
    assert message["Message-ID"].endswith("@submit.sender.example>")
    assert octets.endswith(WHOLE[: WHOLE.index(b"Date")] + b"\r\nText.\r\n")
    assert done(octets) == (octets, ())  # once is enough
    assert (
        done(without(b"Message-ID"))[0]
        == done(without(b"Message-ID"))[0]
        != done(without(b"Message-ID"), seed="2")[0]
    )


@pytest.mark.parametrize("wrong", [b"hello", b"<no-domain>", b"<a b@c>", b""])
def test_a_message_id_that_is_none_is_replaced(wrong: bytes) -> None:
    octets, changes = done(WHOLE.replace(b"<1@sender.example>", wrong))
    assert [change.field for change in changes] == ["Message-ID"]
    assert octets.lower().count(b"message-id:") == 1


def test_from_and_sender() -> None:
    octets, changes = done(without(b"From"), sender="alice@sender.example")
    assert b"From: <alice@sender.example>\r\n" in octets
    assert [change.rule.ref for change in changes] == ["RFC 5322 section 3.6"]
    octets, changes = done(WHOLE, login="carol@sender.example")
    assert octets.startswith(b"Sender: <carol@sender.example>\r\n")
    assert [change.rule.ref for change in changes] == ["RFC 6409 section 8.1"]
    assert done(WHOLE, login="ALICE@sender.example")[1] == ()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("alice", "alice@sender.example"),
        ("Alice <alice>", "Alice <alice@sender.example>"),
        ("alice, bob@b.example,\r\n carol", "alice@sender.example, bob@b.example,\r\n carol@sender.example"),
        ('"Smith, A" <alice>', '"Smith, A" <alice@sender.example>'),
        ('"A <b>" <alice>', '"A <b>" <alice@sender.example>'),
        ("Team: bob, carol;", "Team: bob@sender.example, carol@sender.example;"),
        ("undisclosed-recipients:;", "undisclosed-recipients:;"),
        ("Alice Smith", "Alice Smith"),
        ("<>", "<>"),
        ("alice@b.example (bob, carol)", "alice@b.example (bob, carol)"),
        ('"alice', '"alice'),
    ],
)
def test_addresses_without_a_domain(before: str, after: str) -> None:
    message = WHOLE.replace(b"To: bob@receiver.example", b"To: " + before.encode())
    octets, changes = done(message)
    assert octets == WHOLE.replace(b"To: bob@receiver.example", b"To: " + after.encode())
    assert {change.rule.ref for change in changes} == ({"RFC 6409 section 4.2"} if before != after else set())


@pytest.mark.parametrize("odd", [rb"(\\", rb"(a", rb'"a', rb'"a\\', rb"<", rb"(", rb"a,"])
def test_a_long_odd_field_takes_no_time(odd: bytes) -> None:
    before = time.monotonic()
    done(WHOLE.replace(b"To: ", b"To: " + odd * 20_000))
    assert time.monotonic() - before < 5


def test_completing_from_comes_before_asking_for_sender() -> None:
    octets, changes = done(
        WHOLE.replace(b"Alice <alice@sender.example>", b"alice"), login="alice@sender.example"
    )
    assert [change.text for change in changes] == ["alice in From became alice@sender.example."]
    assert b"Sender" not in octets


def test_text_without_any_header() -> None:
    octets, changes = done(b"only text\r\n", sender="alice@sender.example")
    assert octets.endswith(b"\r\n\r\nonly text\r\n")
    assert [change.field for change in changes] == ["Date", "Message-ID", "From", ""]
    message = message_from_bytes(octets, policy=policy.default)
    assert (message.defects, message.get_content()) == ([], "only text\r\n")
    assert done(b"")[0].endswith(b"\r\n\r\n")


def test_what_is_not_touched() -> None:
    odd = WHOLE.replace(b"Subject: hi", b"Subject:  \xe4 h\ti\r\n\t folded \r\nX-Any: alice")
    octets, _ = done(without(b"Date", odd))
    assert octets.endswith(without(b"Date", odd))


@given(st.binary())
def test_no_octets_raise_and_the_text_stays(octets: bytes) -> None:
    completed, changes = done(octets)
    assert (
        completed.endswith(octets)
        or any(change.field in ("To", "From", "Cc") for change in changes)
        or not octets
    )


@given(st.text(alphabet='ab <>@,;:"()\\.', max_size=40))
def test_an_odd_address_list_only_gains_domains(text: str) -> None:
    octets = WHOLE.replace(b"To: bob@receiver.example", b"To: x@b.example, " + text.encode())
    completed, _ = done(octets)
    assert completed.replace(b"@sender.example", b"") == octets.replace(b"@sender.example", b"")
