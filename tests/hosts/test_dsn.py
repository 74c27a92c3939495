"""Notifications: what is written, what is read back, and that no octets make the reader raise."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.hosts.dsn import RETURN_LIMIT, Action, Fate, build, from_xtext, read, status_of_reply, wanted
from labkit.smtp.reply import Reply, parse_reply

NOW = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
ORIGINAL = (
    b"Received: from alice.sender.example\r\n\tby submit.sender.example;\r\n\tMon, 05 Jan 2026 09:00:00 +0000\r\n"
    b"From: alice@sender.example\r\nSubject: hello\r\nMessage-ID: <1@sender.example>\r\n\r\nText.\r\n"
)
HEADER = ORIGINAL.partition(b"\r\n\r\n")[0] + b"\r\n"
BOB = Fate(
    "bob@receiver.example",
    "failed",
    "5.1.1",
    "550 5.1.1 No mailbox <bob@receiver.example> here",
    "mx1.receiver.example",
)


def notice(*fates: Fate, original: bytes = ORIGINAL, **more: Any) -> bytes:
    settings: dict[str, Any] = {
        "host": "relay.sender.example", "sender": "alice@sender.example", "now": NOW, "message_id": "<2@relay>",
    }  # fmt: skip
    return build(fates or (BOB,), original=original, **(settings | more))


def test_a_failure_as_other_programs_read_it() -> None:
    message = message_from_bytes(notice(envid="QQ+2B1", arrived=NOW), policy=policy.default)
    assert message.get_content_type() == "multipart/report"
    assert message["Content-Type"].params["report-type"] == "delivery-status"
    assert (message["To"], message["Auto-Submitted"]) == ("alice@sender.example", "auto-replied")
    text, status, returned = message.iter_parts()
    assert "mx1.receiver.example said: 550 5.1.1 No mailbox" in text.get_content()
    about, bob = status.get_payload()
    assert about["Reporting-MTA"] == "dns; relay.sender.example"
    assert about["Original-Envelope-Id"] == "QQ+1"
    assert bob["Final-Recipient"] == "rfc822;bob@receiver.example"
    assert (bob["Action"], bob["Status"]) == ("failed", "5.1.1")
    assert bob["Diagnostic-Code"].startswith("smtp; 550 5.1.1")
    assert returned.get_content_type() == "message/rfc822"
    assert not message.defects


def test_everything_comes_back_from_reading() -> None:
    late = Fate(
        "carol@receiver.example", "delayed", "4.4.1", "451 4.3.0 Later", "mx2.receiver.example",
        last_attempt=NOW, retry_until=NOW,
    )  # fmt: skip
    report = read(notice(BOB, late, envid="E1", arrived=NOW))
    assert report is not None
    assert report.fates == (BOB, late)
    assert (report.host, report.envid, report.arrived) == ("relay.sender.example", "E1", NOW)
    assert (report.whole, report.original) == (True, ORIGINAL)
    assert report.message_id == "<1@sender.example>"
    assert "has not reached" in report.text


@pytest.mark.parametrize(
    ("action", "ret", "whole"),
    [
        ("failed", "", True),
        ("failed", "FULL", True),
        ("failed", "hdrs", False),
        ("delayed", "FULL", False),  # RFC 3461 section 4.3: FULL is about failures only
        ("delivered", "FULL", False),
        ("relayed", "", False),
    ],
)
def test_how_much_of_the_message_comes_back(action: Action, ret: str, whole: bool) -> None:
    report = read(notice(Fate("bob@receiver.example", action, "2.0.0"), ret=ret))
    assert report is not None
    assert (report.whole, report.original) == (whole, ORIGINAL if whole else HEADER)


def test_a_huge_message_comes_back_only_if_asked_for() -> None:
    huge = ORIGINAL + b"x" * 70 + b"\r\n" + (b"y" * 998 + b"\r\n") * (RETURN_LIMIT // 1000 + 1)
    short, long = read(notice(original=huge)), read(notice(original=huge, ret="FULL"))
    assert short is not None
    assert short.original == HEADER
    assert long is not None
    assert long.original == huge


@pytest.mark.parametrize(
    "original",
    [
        ORIGINAL + "Grüße\r\n".encode(),
        ORIGINAL + b"\xff\xfe\r\n",
        b"Subject: \xe9\r\n\r\n",
        b"no header at all\r\n",
        b"\r\n",
        ORIGINAL + notice(),
    ],
)
def test_the_returned_octets_are_the_octets_that_came(original: bytes) -> None:
    octets = notice(original=original)
    report = read(octets)
    assert report is not None
    assert report.original == original
    assert (b"Transfer-Encoding: 8bit" in octets) == (not original.isascii())


def test_a_message_that_holds_the_boundary() -> None:
    first = notice()
    boundary = message_from_bytes(first).get_boundary()
    assert boundary
    # the boundary comes from the parts, so quoting an older one is not enough to break out
    report = read(notice(original=ORIGINAL + f"--{boundary}--\r\nrest\r\n".encode()))
    assert report is not None
    assert report.original.endswith(b"rest\r\n")


def test_nothing_from_the_wire_breaks_out_of_its_field() -> None:
    evil = Fate(
        "bob@receiver.example", "failed", "5.1.1", "550 no\r\nAction: delivered\r\n\r\nx" + "y" * 3000
    )
    octets = notice(evil, sender="a@b.example>\r\nBcc: <x@y.example", envid="a+0D+0AAction: x")
    assert b"\nBcc" not in octets
    assert b"\nAction: delivered" not in octets
    assert b"\nAction: x" not in octets
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    report = read(octets)
    assert report is not None
    assert [fate.action for fate in report.fates] == ["failed"]


def test_original_recipient_and_addresses_beyond_ascii() -> None:
    octets = notice(
        Fate("böb@receiver.example", "failed", "5.1.1", original="rfc822;bob+2Bnews@receiver.example")
    )
    assert b"Original-Recipient: rfc822;bob+news@receiver.example\r\n" in octets
    assert b"Final-Recipient: utf-8;b\\x{F6}b@receiver.example\r\n" in octets


def test_who_wants_to_hear_what() -> None:
    actions: tuple[Action, ...] = ("failed", "delayed", "delivered", "relayed", "expanded")
    assert [action for action in actions if wanted("", action)] == ["failed", "delayed"]
    assert [action for action in actions if wanted("NEVER", action)] == []
    assert [action for action in actions if wanted("failure", action)] == ["failed"]
    assert [action for action in actions if wanted("SUCCESS,DELAY", action)] == [
        "delayed",
        "delivered",
        "relayed",
        "expanded",
    ]


def test_nobody_reports_to_nobody() -> None:
    with pytest.raises(ValueError, match="null"):
        notice(sender="")
    with pytest.raises(ValueError, match="at least one"):
        build((), host="a", sender="a@b", original=b"", now=NOW, message_id="<1>")


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"550 5.1.1 gone", "5.1.1"),
        (b"550 gone", "5.0.0"),
        (b"451 odd", "4.0.0"),
        (b"550 4.1.1 liar", "5.0.0"),
        (b"250 2.1.5 ok", "2.1.5"),
    ],
)
def test_status_of_a_reply(line: bytes, status: str) -> None:
    reply = parse_reply(line)
    assert isinstance(reply, Reply)
    assert status_of_reply(reply) == status


def test_xtext() -> None:
    assert from_xtext("a+2Bb+3D") == "a+b="
    assert from_xtext("+C3+B6") == "ö"
    assert from_xtext("+zz +") == "+zz +"


def test_what_is_no_report() -> None:
    assert read(b"") is None
    assert read(ORIGINAL) is None
    assert read(b"Content-Type: multipart/report\r\n\r\nx") is None
    assert read(notice().replace(b"message/delivery-status", b"text/plain")) is None
    assert read(notice().replace(b"Action: failed", b"Action: sulking")) is None


def test_a_report_that_was_cut_off_is_read_as_far_as_it_goes() -> None:
    octets = notice()
    report = read(octets[: octets.index(b"Subject: hello")])
    assert report is not None
    assert report.fates == (BOB,)


@given(st.binary())
def test_no_octets_raise(octets: bytes) -> None:
    assert read(octets) is None


@given(st.data())
def test_no_damage_raises(data: st.DataObject) -> None:
    octets = bytearray(notice(envid="E"))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(octets) - 1))
        octets[at : at + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=8))
    read(bytes(octets))


@given(st.text(), st.binary(), st.text(), st.text())
def test_no_words_make_it_unreadable(recipient: str, original: bytes, diagnostic: str, envid: str) -> None:
    fate = Fate(recipient, "failed", "5.0.0", diagnostic, original="rfc822;" + recipient)
    octets = notice(fate, original=original, envid=envid)
    there = any(mark.isprintable() and not mark.isspace() for mark in recipient)
    assert read(octets) is not None or not there
