"""The recorder keeps every octet, in order, one event per line."""

from __future__ import annotations

import time
from itertools import count, pairwise

from hypothesis import given
from hypothesis import strategies as st

from labkit.smtp import Recorder, Transcript, WireEvent
from labkit.smtp.transcript import LINE_CUT
from labkit.smtp.wire import SENDERS, Sender

pieces = st.lists(
    st.tuples(
        st.sampled_from(SENDERS),
        st.one_of(st.sampled_from([b"NOOP\r\n", b"\n", b"a", b"a\nb\nc", b""]), st.binary(max_size=12)),
        st.booleans(),
    ),
    max_size=25,
)


def record(parts: list[tuple[Sender, bytes, bool]]) -> tuple[Recorder, list[WireEvent]]:
    seen: list[WireEvent] = []
    recorder = Recorder(3, "server", lambda: 1.0, seen.append)
    for sender, data, encrypted in parts:
        recorder.feed(sender, data, encrypted)
    return recorder, seen


@given(pieces)
def test_every_octet_is_kept_once_and_in_order(parts: list[tuple[Sender, bytes, bool]]) -> None:
    recorder, seen = record(parts)
    recorder.close("C")
    recorder.close("S")
    recorder.close("S")
    events = recorder.transcript().events
    assert events == tuple(seen)
    assert [e.seq for e in events] == list(range(1, len(events) + 1))
    assert [(e.sender, e.data) for e in events[-2:]] == [("C", b""), ("S", b"")]
    whole = [(s, octet, e) for s, data, e in parts for octet in data]
    assert [(e.sender, octet, e.encrypted) for e in events for octet in e.data] == whole
    for event in events[:-2]:
        assert event.data
        assert event.data.find(b"\n") in (-1, len(event.data) - 1)
    for cut, after in pairwise(events):  # a line without its end was cut for a reason
        if not cut.data.endswith(b"\n"):
            assert (cut.sender, cut.encrypted) != (after.sender, after.encrypted) or not after.data


@given(pieces)
def test_segments_say_what_came_in_one_piece(parts: list[tuple[Sender, bytes, bool]]) -> None:
    recorder, _ = record(parts)
    recorder.close("C")
    transcript = recorder.transcript()
    assert [(s.sender, s.octets) for s in transcript.segments] == [(s, len(d)) for s, d, _ in parts if d]
    at, start = 0, {}
    for event in transcript.events:
        start[event.seq] = (at, at + len(event.data))
        at += len(event.data)
    passed = 0
    for segment in transcript.segments:
        first, end = start[segment.first]
        assert first <= passed < end
        passed += segment.octets


@given(
    st.lists(st.tuples(st.sampled_from(SENDERS), st.binary(min_size=1, max_size=30)), max_size=6), st.data()
)
def test_events_do_not_depend_on_the_segmentation(
    turns: list[tuple[Sender, bytes]], data: st.DataObject
) -> None:
    whole, _ = record([(sender, octets, False) for sender, octets in turns])
    split: list[tuple[Sender, bytes, bool]] = []
    for sender, octets in turns:
        at = data.draw(st.integers(0, len(octets)))
        split += [(sender, octets[:at], False), (sender, octets[at:], False)]
    parts, _ = record(split)
    assert whole.transcript().events == parts.transcript().events


def test_long_lines_are_cut_at_the_limit_whatever_the_segments() -> None:
    line = b"x" * (2 * LINE_CUT + 5) + b"\r\n"
    sizes = [LINE_CUT, LINE_CUT, 7]
    whole, seen = record([("C", line, False)])
    assert [len(e.data) for e in seen] == sizes
    parts, _ = record([("C", line[n : n + 1000], False) for n in range(0, len(line), 1000)])
    assert parts.transcript().events == whole.transcript().events


def test_a_line_cut_by_the_other_side_keeps_the_order_on_the_wire() -> None:
    recorder, seen = record([("C", b"QUI", False), ("S", b"421 bye\r\n", False), ("C", b"T\r\n", False)])
    assert [e.data for e in seen] == [b"QUI", b"421 bye\r\n", b"T\r\n"]
    assert recorder.transcript() == Transcript(tuple(seen), recorder.transcript().segments)


def test_tls_cuts_a_pending_line() -> None:
    _, seen = record([("C", b"MAI", False), ("C", b"EHLO a\r\n", True)])
    assert [(e.data, e.encrypted) for e in seen] == [(b"MAI", False), (b"EHLO a\r\n", True)]


def test_numbering_may_go_on_from_another_recording() -> None:
    clock = count(5)
    recorder = Recorder(1, "client", lambda: float(next(clock)), first_seq=10)
    recorder.feed("C", b"A\r\nB\r\n", False)
    assert [(e.seq, e.time) for e in recorder.transcript()] == [(10, 5.0), (11, 5.0)]


def test_a_piece_is_not_kept_by_reference() -> None:
    recorder = Recorder(1, "client", lambda: 0.0)
    buffer = bytearray(b"NOOP\r\n")
    recorder.feed("C", buffer, False)
    buffer[:4] = b"QUIT"
    assert recorder.transcript()[0].data == b"NOOP\r\n"


def test_feeding_octet_by_octet_is_not_slower_than_linear() -> None:
    def cost(size: int) -> float:
        recorder = Recorder(1, "client", lambda: 0.0)
        started = time.process_time()
        for _ in range(size):
            recorder.feed("C", b"x", False)
        return time.process_time() - started

    cost(1000)
    small = min(cost(4_000) for _ in range(3))
    assert min(cost(32_000) for _ in range(2)) < 8 * 4 * small
