"""The observer on any sequence of lines: it never raises, never shifts answers, and stays linear."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given

from labkit.smtp import Malformed, Note, Observer, Reply, State, Transcript, WireEvent, observe

from .strategies import sessions

ROLES = {
    "greeting", "command", "command-part", "auth", "text", "end-of-text", "reply", "reply-part",
    "unsolicited", "closed", "unanswered",
}  # fmt: skip
CLIENT_ROLES = {"command", "command-part", "auth", "text", "end-of-text", "closed", "unanswered"}


def one_note_for_each_event_in_the_same_order(events: list[WireEvent], notes: tuple[Note, ...]) -> None:
    assert [(n.seq, n.octets, n.encrypted) for n in notes] == [(e.seq, e.data, e.encrypted) for e in events]
    for event, note in zip(events, notes, strict=True):
        assert note.role in ROLES
        assert (note.role in CLIENT_ROLES) is (event.sender == "C" or note.role == "closed")
        assert (note.role == "closed") is (not event.data)


def each_reply_answers_at_most_one_line_and_links_agree(
    events: list[WireEvent], all_notes: tuple[Note, ...]
) -> None:
    notes = {note.seq: note for note in all_notes}
    senders = {event.seq: event.sender for event in events}
    connections = {event.seq: event.connection for event in events}
    answered = Counter(n.answers for n in notes.values() if n.role == "reply")
    assert all(times == 1 for times in answered.values())
    for note in notes.values():
        if note.role == "reply":
            assert note.answers is not None
            line = notes[note.answers]
            assert line.answered_by == note.seq
            assert line.seq < note.seq
            assert senders[line.seq] == "C"
            assert connections[line.seq] == connections[note.seq]
            assert note.reply is not None
        if note.answered_by is not None:
            assert notes[note.answered_by].answers == note.seq
        if note.role in ("greeting", "unsolicited"):
            assert note.answers is None
        assert (note.reply is not None) is (note.role in ("reply", "greeting", "unsolicited"))


def answers_come_first_in_first_out(events: list[WireEvent], notes: tuple[Note, ...]) -> None:
    for connection in (1, 2):
        both = zip(events, notes, strict=True)
        answers = [n.answers or 0 for e, n in both if n.role == "reply" and e.connection == connection]
        assert answers == sorted(answers)


def states_form_a_chain_that_only_the_server_and_the_end_move(
    events: list[WireEvent], notes: tuple[Note, ...]
) -> None:
    for connection in (1, 2):
        chain = [n for n, e in zip(notes, events, strict=True) if e.connection == connection]
        assert not chain or chain[0].before is State.CONNECTING
        for one, two in pairwise(chain):
            assert one.after is two.before
        for note in chain:
            if note.before is not note.after:
                assert note.role in ("greeting", "reply", "unsolicited", "closed")


def feeding_one_by_one_equals_observing_the_whole(events: list[WireEvent], notes: tuple[Note, ...]) -> None:
    observer = Observer()
    kept: dict[int, Note] = {}
    for event in events:
        changed = observer.feed(event)
        assert changed[-1].seq == event.seq
        assert [n.seq for n in changed] == sorted({n.seq for n in changed})
        kept |= {note.seq: note for note in changed}
        assert observer.notes[-1] == changed[-1]
    assert tuple(kept[seq] for seq in sorted(kept)) == observer.notes == notes


def a_prefix_is_observed_the_same_way(events: list[WireEvent], notes: tuple[Note, ...]) -> None:
    """What was said of a line that has its answer never changes afterwards."""
    for one, two in zip(observe(events[: len(events) // 2]), notes, strict=False):
        assert (one.before, one.after) == (two.before, two.after)
        if one.role in ("reply", "greeting", "unsolicited", "closed", "end-of-text"):
            assert one.reply == two.reply
            assert one.role == two.role or two.role == "unanswered"
        if one.answered_by is not None:
            assert one == two


def a_disagreement_has_a_reason(events: list[WireEvent], notes: tuple[Note, ...]) -> None:
    for note in notes:
        if not note.agrees:
            assert note.why
        if isinstance(note.reply, Malformed):
            assert not note.agrees
        if note.why:
            assert note.why.endswith((".", "?"))
        if isinstance(note.reply, Reply) and note.role == "reply" and note.reply.severity >= 4:
            assert note.why


def the_envelope_fits_the_state(events: list[WireEvent], notes: tuple[Note, ...]) -> None:
    for note in notes:
        if note.after in (State.CONNECTED, State.GREETED) and note.before is not note.after:
            assert note.envelope.forward_paths == ()
            assert note.envelope.reverse_path is None
        if note.after is State.RECIPIENTS:
            assert note.envelope.forward_paths
        assert len(note.envelope.forward_paths) == (note.trail.count if note.trail else 0)


INVARIANTS: list[Callable[[list[WireEvent], tuple[Note, ...]], None]] = [
    one_note_for_each_event_in_the_same_order,
    each_reply_answers_at_most_one_line_and_links_agree,
    answers_come_first_in_first_out,
    states_form_a_chain_that_only_the_server_and_the_end_move,
    feeding_one_by_one_equals_observing_the_whole,
    a_prefix_is_observed_the_same_way,
    a_disagreement_has_a_reason,
    the_envelope_fits_the_state,
]


@given(sessions())
def test_invariants_of_any_session(events: list[WireEvent]) -> None:
    notes = observe(events)
    for invariant in INVARIANTS:
        invariant(events, notes)


def _flood(kind: str, size: int) -> Transcript:
    head = "S: 220 a\nC: EHLO c.example\nS: 250 b\n"
    envelope = "C: MAIL FROM:<a@b.c>\nS: 250 ok\nC: RCPT TO:<d@e.f>\nS: 250 ok\n"
    body = {
        "one by one": "C: NOOP\nS: 250 ok\n" * size,
        "pipelined": "C: NOOP\n" * size + "S: 250 ok\n" * size,
        "recipients": "C: RCPT TO:<d@e.f>\nS: 250 ok\n" * size,
        "text": "C: DATA\nS: 354 go\n" + "C: text\n" * size,
        "dots": "C: DATA\nS: 354 go\n" + "C= .\\n\n" * size + "S: 250 ok\n" * 20,
        "held and refused": "C: DATA\n" * size + "S: 451 no\n" * size,
        "held as text": "C: DATA\n" + "C: text\n" * size + "S: 354 go\nC: .\nS: 250 ok\n",
        "auth": "C: AUTH PLAIN\n" + "S: 334 x\nC: x\n" * size,
        "pieces": "C= x\n" * size + "C= \\n\n",
        "long reply": "C: HELP\n" + "S: 214-x\n" * size + "S: 214 x\n",
        "unsolicited": "S: 250 x\n" * size,
        "chunks": "C: BDAT 1\nC= x\n" * size + "S: 250 ok\n" * size,
    }[kind]
    return Transcript.from_text(head + envelope + body)


FLOODS = [
    "one by one", "pipelined", "recipients", "text", "dots", "held and refused", "held as text", "auth",
    "pieces", "long reply", "unsolicited", "chunks",
]  # fmt: skip


@pytest.mark.parametrize("kind", FLOODS)
def test_long_sessions_cost_no_more_than_linear(kind: str, size: Callable[[int, int], int]) -> None:
    small, large = size(400, 1_500), size(3_200, 12_000)

    def cost(transcript: Transcript) -> float:
        best = 1e9
        for _ in range(3):
            started = time.process_time()
            observe(transcript)
            best = min(best, time.process_time() - started)
        return best

    one, many = _flood(kind, small), _flood(kind, large)
    cost(one)
    assert cost(many) < 8 * 4 * cost(one) + 0.01  # quadratic would be 64 times


def test_ten_thousand_lines_are_quick() -> None:
    transcript = _flood("one by one", 5_000)
    started = time.process_time()
    observe(transcript)
    assert time.process_time() - started < 1.5  # 0.15 s on an idle machine; the goal is 0.3 s
