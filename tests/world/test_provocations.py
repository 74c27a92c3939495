"""Each reply code of the table, provoked by a real session: it comes on the line that the table names."""

from __future__ import annotations

import pytest

from labkit.explainers.line import explain_line
from labkit.explainers.replies import stage_of
from labkit.smtp.reply import Reply
from labkit.smtp.session import observe
from labkit.world.provocations import COMMON, PROVOCATIONS, WHO, Provocation, provocation, provoked

TAUGHT_TOO = (235, 251, 252, 334, 454, 455, 502, 504, 521, 530, 534, 535, 538, 551, 555, 556)
NOT_LATER = {"452 4.5.3", "455 4.5.4"}
"""Under a 4, and still something to do at once."""


def _name(one: Provocation) -> str:
    return f"{one.stage or 'line'} {one.reply}"


@pytest.mark.parametrize("one", PROVOCATIONS, ids=_name)
def test_the_code_comes_on_its_line(one: Provocation) -> None:
    notes = {note.seq: note for note in observe(provoked(one))}
    note = notes[one.line]
    assert isinstance(note.reply, Reply)
    assert (note.reply.code, note.reply.enhanced_code or "") == (one.code, one.enhanced)
    assert stage_of(note, notes.get(note.answers or 0)) == one.stage
    told = explain_line(tuple(notes.values()), one.line)
    assert told.certain
    if told.who_acts == "the client":
        later = one.reply[0] == "4" and one.reply not in NOT_LATER
        assert one.who == ("the client, later" if later else "the client, now")
    else:
        assert one.who == (told.who_acts or "nobody")


def test_all_codes_are_there_in_order_and_each_pair_once() -> None:
    codes = [one.code for one in PROVOCATIONS]
    assert codes == sorted(codes)
    assert set(codes) == {*COMMON, *TAUGHT_TOO}
    assert len({(one.stage, one.reply) for one in PROVOCATIONS}) == len(PROVOCATIONS)
    assert {one.who for one in PROVOCATIONS} == set(WHO)


def test_the_common_codes_come_by_themselves() -> None:
    """Only 553 is among the common ones and is said because the host was told to."""
    by_themselves = {one.code for one in PROVOCATIONS if not one.told}
    assert set(COMMON) - by_themselves == {553}


def test_twice_the_same_session() -> None:
    one = provocation("AUTH", "535 5.7.8")
    assert provoked(one).to_text() == provoked(one).to_text()
    with pytest.raises(KeyError, match="nothing provokes"):
        provocation("RCPT", "250 9.9.9")
