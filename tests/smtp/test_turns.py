"""How often the line turns."""

from __future__ import annotations

from labkit.smtp.transcript import Transcript
from labkit.smtp.turns import turns
from labkit.world import play

MAIL, BOB, CAROL = (
    "MAIL FROM:<a@b.example>",
    "RCPT TO:<bob@receiver.example>",
    "RCPT TO:<carol@receiver.example>",
)


def octets(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode()


def test_one_command_at_a_time_waits_for_each() -> None:
    one_by_one = play(
        ("EHLO b.example", MAIL, BOB, CAROL, "DATA", octets("Subject: x", "", "x", "."), "QUIT")
    )
    found = turns(one_by_one)
    assert len(found) == 8  # the greeting is one of them
    assert (found[0].said, found[0].octets) == ((), 0)
    assert found[6].octets == 20
    assert [event.data[:3] for event in found[7].answered] == [b"221"]


def test_commands_in_one_group_wait_once() -> None:
    group = octets(MAIL, BOB, CAROL, "DATA")
    found = turns(play(("EHLO b.example", group, octets("Subject: x", "", "x", ".", "QUIT"))))
    assert [len(turn.said) for turn in found] == [0, 1, 4, 5]
    assert [len(turn.answered) for turn in found[2:]] == [4, 2]


def test_a_client_that_is_left_without_an_answer_waits_too() -> None:
    found = turns(Transcript.from_text("S: 220 a\nC: EHLO b.example\nS closes\n"))
    assert [(len(turn.said), len(turn.answered)) for turn in found] == [(0, 1), (1, 0)]
    assert turns(Transcript()) == ()
