"""Both written forms read back exactly; what is no transcript is refused with line and reason."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.smtp import Segment, Transcript, TranscriptError, WireEvent

from .strategies import transcripts


@given(transcripts())
def test_text_reads_back_exactly(transcript: Transcript) -> None:
    assert Transcript.from_text(transcript.to_text()) == transcript


@given(transcripts())
def test_json_reads_back_exactly(transcript: Transcript) -> None:
    assert Transcript.from_json(transcript.to_json()) == transcript


@given(transcripts())
def test_text_form_is_printable_ascii_without_trailing_spaces(transcript: Transcript) -> None:
    for line in transcript.to_text().split("\n"):
        assert line.isascii()
        assert line.isprintable()
        assert line == line.rstrip()


def _refusal(read: Callable[[str], Transcript], text: str) -> str | None:
    try:
        read(text)
    except TranscriptError as error:
        return str(error)
    return None


@given(st.text())
def test_any_text_is_read_or_refused_with_its_line(text: str) -> None:
    refusal = _refusal(Transcript.from_text, text)
    assert refusal is None or refusal.startswith("line ")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
entries = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("seq", "time", "connection", "sender", "view", "data", "encrypted"), json_values),
)


@given(st.text() | st.binary().map(lambda b: b.decode("latin-1")))
def test_any_text_as_json_is_read_or_refused(text: str) -> None:
    with pytest.raises(TranscriptError):
        Transcript.from_json(text)


@given(st.lists(entries | json_values, max_size=3))
def test_any_json_entries_are_read_or_refused_by_name(events: list[object]) -> None:
    text = json.dumps({"format": "smtp-lab transcript 1", "events": events, "segments": []})
    refusal = _refusal(Transcript.from_json, text)
    assert refusal is None or "events[" in refusal


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("seq", True, "events[0]: seq must be a whole number"),
        ("time", "now", "events[0]: time must be a number of seconds"),
        ("time", 10**400, "events[0]: time must be a number of seconds"),
        ("time", float("inf"), "events[0]: time must be a number of seconds"),
        ("time", float("nan"), "events[0]: time must be a number of seconds"),
        ("connection", 1.5, "events[0]: connection must be a whole number"),
        ("sender", "X", 'events[0]: sender must be "C" or "S"'),
        ("view", None, 'events[0]: view must be "client", "server" or "wire"'),
        ("data", "\u0100", "events[0]: data must be a string of characters up to U+00FF, one per octet"),
        ("data", 7, "events[0]: data must be a string of characters up to U+00FF, one per octet"),
        ("encrypted", 0, "events[0]: encrypted must be true or false"),
    ],
)
def test_a_wrong_field_is_named(field: str, value: object, message: str) -> None:
    document = json.loads(Transcript((WireEvent(1, 0.0, 1, "C", "client", b"NOOP\r\n", False),)).to_json())
    document["events"][0][field] = value
    with pytest.raises(TranscriptError) as error:
        Transcript.from_json(json.dumps(document))
    assert str(error.value) == message


@pytest.mark.parametrize("text", ["[]", "{}", '{"format": "other"}', "nonsense", "[" * 100_000])
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises(TranscriptError):
        Transcript.from_json(text)


def test_lists_are_lists() -> None:
    with pytest.raises(TranscriptError, match="segments: expected a list"):
        Transcript.from_json('{"format": "smtp-lab transcript 1", "segments": {}}')
    with pytest.raises(TranscriptError, match=r"events\[0\]: expected an object"):
        Transcript.from_json('{"format": "smtp-lab transcript 1", "events": [1]}')


def test_the_readable_form() -> None:
    events = (
        WireEvent(1, 0.0, 1, "S", "client", b"220 mail.receiver.example\r\n", False),
        WireEvent(2, 0.0, 1, "C", "client", b"EHLO a.example\r\n", False),
        WireEvent(3, 1.5, 1, "C", "client", b"\r\n", False),
        WireEvent(4, 1.5, 1, "C", "client", b"tab\there\\\x00\xff\n", False),
        WireEvent(5, 1.5, 1, "C", "client", b"space at the end \r\n", True),
        WireEvent(7, 1.5, 2, "S", "server", b" first\r\n", True),
        WireEvent(8, 1.5, 2, "S", "server", b"", True),
    )
    assert Transcript(events, (Segment(0.0, 1, "C", 2, 16),)).to_text() == (
        "S: 220 mail.receiver.example\n"
        "C: EHLO a.example\n"
        "# time=1.5\n"
        "C:\n"
        "C= tab\\there\\\\\\x00\\xff\\n\n"
        "# encrypted=yes\n"
        "C= space at the end \\r\\n\n"
        "# seq=7 connection=2 view=server\n"
        "S:  first\n"
        "S closes\n"
        "# segment=C connection=1 first=2 octets=16 time=0.0\n"
    )


def test_a_session_pasted_by_hand_reads() -> None:
    text = "\ufeff\n  # what I typed today\r\n  C: EHLO a.example\r\nS:250 OK\n\ts:  250 two spaces\nc:\nC:\u00e4\n"
    assert [(e.seq, e.sender, e.data) for e in Transcript.from_text(text)] == [
        (1, "C", b"EHLO a.example\r\n"),
        (2, "S", b"250 OK\r\n"),
        (3, "S", b" 250 two spaces\r\n"),
        (4, "C", b"\r\n"),
        (5, "C", b"\xc3\xa4\r\n"),
    ]
    assert all(
        e.view == "client" and e.connection == 1 and not e.encrypted for e in Transcript.from_text(text)
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("C: NOOP\nNOOP", "line 2: expected a line that starts with C:"),
        ("C NOOP", "line 1: expected ':' after 'C'"),
        ("C= a\\qb", "line 1: a backslash stands before"),
        ("C=", "line 1: nothing after '='"),
        ("# time=soon", "line 1: time must be a number"),
        ("# time=inf", "line 1: time must be a number"),
        ("# seq=one", "line 1: seq must be a whole number"),
        ("# view=above", "line 1: view must be"),
        ("# view=a=b", "line 1: view must be"),
        ("# encrypted=maybe", "line 1: encrypted must be yes or no"),
        ("# color=red", "line 1: 'color' is none of"),
        ("# segment=X", "line 1: segment must be C or S"),
        ("# segment=C first=1", "line 1: a segment needs connection, octets, time too"),
        ("# segment=C first=1 octets=1 connection=1 time=0 view=wire", "line 1: a segment has no view"),
    ],
)
def test_a_refusal_names_line_and_reason(text: str, message: str) -> None:
    with pytest.raises(TranscriptError) as error:
        Transcript.from_text(text)
    assert str(error.value).startswith(message)


def test_json_is_one_entry_a_line() -> None:
    event = WireEvent(1, 0.0, 1, "C", "client", b"\xff\r\n", False)
    lines = Transcript((event, event)).to_json().split("\n")
    assert sum('"data": "\\u00ff\\r\\n"' in line for line in lines) == 2


def test_a_transcript_is_a_sequence_of_events() -> None:
    transcript = Transcript.from_text("C: NOOP\nS: 250 OK\n# connection=2\nC: QUIT")
    assert len(transcript) == 3
    assert transcript[-1].data == b"QUIT\r\n"
    assert [e.seq for e in transcript[:2]] == [1, 2]
    assert [e.seq for e in transcript.connection(2)] == [3]


def test_same_wire_forgives_time_connection_and_segments_only() -> None:
    one = Transcript.from_text("# time=1.0 connection=4\nC: NOOP\nS: 250 OK\n")
    two = Transcript((*one.events,), (Segment(0.0, 1, "C", 1, 6),))
    other = Transcript.from_text("# time=9.0 connection=7 seq=3\nC: NOOP\nS: 250 OK\n")
    assert one.same_wire(two)
    assert one.same_wire(other)
    for text in (
        "# connection=4\nC: NOOP\n",
        "# connection=4\nC: NOOP\nS: 250 Ok\n",
        "# encrypted=yes\nC: NOOP\nS: 250 OK\n",
        "# view=wire\nC: NOOP\nS: 250 OK\n",
        "C: NOOP\n# connection=2\nS: 250 OK\n",
        "S: NOOP\nS: 250 OK\n",
    ):
        assert not one.same_wire(Transcript.from_text(text)), text
