"""The console and the mail program against a real server, without a page."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from ipywidgets.widgets.widget import _instances

from labkit.client import ClientError
from labkit.client.errors import ConnectionLost, DeadlinePassed, NotConnected, ReplyOverdue, TLSFailed
from labkit.lessons.grading import deliveries
from labkit.lessons.session import SessionLesson
from labkit.mua import Answered, Draft, Outcome
from labkit.smtp.reply import Reply
from labkit.transport.loop_thread import loop_thread, run
from labkit.view.console import Console
from labkit.view.mail_program import MailProgram
from labkit.view.session_widget import KEPT_SESSIONS
from labkit.view.watch import Watch
from labkit.view.widget import LabWidget
from labkit.world import World, receiver

HOST = "mail.receiver.example"


@pytest.fixture
def world() -> Iterator[World]:
    with World.open(receiver(mailboxes=("bob", "carol"))) as opened:
        yield opened


def until(true: Callable[[], object], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def say(widget: Any, **content: object) -> None:
    widget._receive(None, content, None)


@pytest.fixture
def console(world: World, monkeypatch: pytest.MonkeyPatch) -> Console:
    made = Console(world, HOST)
    made.sent = []  # type: ignore[attr-defined]
    monkeypatch.setattr(made, "send", lambda content, buffers=None: made.sent.append(content))  # type: ignore[attr-defined]
    return made


def codes(console: Console) -> list[bytes]:
    return [
        event.data[:3] for event in console.own_transcript if event.sender == "S" and event.data[3:4] == b" "
    ]


def test_nothing_is_sent_before_the_learner_connects(console: Console) -> None:
    say(console, op="line", line="EHLO a.example")
    until(lambda: any("Connect first" in str(m.get("say")) for m in console.sent))  # type: ignore[attr-defined]
    assert len(console.own_transcript) == 0


def test_lines_typed_faster_than_answered_keep_their_order(console: Console, world: World) -> None:
    say(console, op="open", again=False)
    for line in (
        "EHLO sender.example",
        "RCPT TO:<bob@receiver.example>",
        "MAIL FROM:<a@sender.example>",
        "RCPT TO:<bob@receiver.example>",
        "DATA",
        "Subject: x",
        "",
        "hello",
        ".",
        "QUIT",
    ):
        say(console, op="line", line=line)
    until(lambda: codes(console)[-1:] == [b"221"])
    assert codes(console) == [b"220", b"250", b"503", b"250", b"250", b"354", b"250", b"221"]
    assert len(world.mailbox("bob@receiver.example").messages) == 1
    until(lambda: not console.status()["open"])


def test_line_breaks_in_a_typed_line_are_taken_out(console: Console) -> None:
    say(console, op="open", again=False)
    say(console, op="line", line="NOOP\r\nQUIT")
    until(lambda: len(codes(console)) == 2)
    assert any(event.data == b"NOOPQUIT\r\n" for event in console.own_transcript)


def test_start_over_keeps_the_former_session_in_its_tab(console: Console) -> None:
    say(console, op="open", again=False)
    until(lambda: codes(console) == [b"220"])
    say(console, op="line", line="NOOP")
    until(lambda: len(codes(console)) == 2)
    say(console, op="open", again=True)
    until(lambda: codes(console) == [b"220"])
    former, latest = console.own_transcripts
    assert any(event.data == b"NOOP\r\n" for event in former)
    assert not any(event.sender == "C" and event.data for event in latest)


def test_prelude_is_said_by_itself(world: World) -> None:
    console = Console(
        world,
        HOST,
        prelude=("EHLO a.example", "MAIL FROM:<a@a.example>", "RCPT TO:<bob@receiver.example>", "DATA"),
    )
    say(console, op="open", again=False)
    until(lambda: codes(console)[-1:] == [b"354"])


def test_a_program_from_outside_appears_by_itself(world: World, console: Console) -> None:
    watch = Watch(world, HOST)
    address = world.address(HOST)
    assert address is not None
    with smtplib.SMTP(*address, local_hostname="visitor.example") as smtp:
        smtp.sendmail("v@visitor.example", ["bob@receiver.example"], "Subject: hi\r\n\r\nhello\r\n")
    until(lambda: watch.transcript and deliveries(watch.transcript))
    assert len(console._sessions) == 1
    assert deliveries(console.transcript)[0].envelope.forward_paths == ("bob@receiver.example",)


def test_the_consoles_own_session_is_no_visit(world: World, console: Console) -> None:
    watch = Watch(world, HOST)
    say(console, op="open", again=False)
    say(console, op="line", line="NOOP")
    until(lambda: len(codes(console)) == 2)
    assert watch.snapshot()["sessions"] == []
    assert len(console._sessions) == 1


def program(world: World) -> MailProgram:
    draft = Draft("alice@sender.example", ("bob@receiver.example",), "Lunch", "Hi", "Alice")
    return MailProgram(
        world,
        HOST,
        sender="alice@sender.example",
        client="sender.example",
        mailbox="bob@receiver.example",
        draft=draft,
    )


def test_send_delivers_over_a_real_session(world: World) -> None:
    mail = program(world)
    say(mail, op="send", to="bob@receiver.example", subject="Lunch", text=".dotted\nsecond")
    until(lambda: not mail._sending and mail._verdict)
    assert mail._verdict is not None
    assert mail._verdict["kind"] == "2"
    (letter,) = world.mailbox("bob@receiver.example").messages
    assert b"\r\n.dotted\r\nsecond\r\n" in letter.raw
    (taken,) = deliveries(mail.transcript)
    assert mail._verdict["line"] == taken.line


@pytest.mark.parametrize(
    "to",
    [
        "bpb@receiver.example",
        "bob@elsewhere.example",
        "no address at all",
        "<>\r\nQUIT",
    ],
)
def test_a_refusal_names_line_and_code_and_nothing_is_delivered(world: World, to: str) -> None:
    mail = program(world)
    say(mail, op="send", to=to, subject="x\r\nBcc: carol@receiver.example", text="y")
    until(lambda: not mail._sending and mail._verdict)
    assert mail._verdict is not None
    assert mail._verdict["kind"] in "45"
    assert mail._verdict["title"] in ("Not sent.", "This cannot be made into a message.")
    assert not world.mailbox("bob@receiver.example").messages


def test_an_empty_field_is_said_kindly(world: World) -> None:
    mail = program(world)
    say(mail, op="send", to=" ", subject="", text="")
    assert mail._verdict is not None
    assert "empty" in mail._verdict["text"]
    assert len(mail.transcript) == 0


def test_starttls_typed_by_hand_goes_on_encrypted(console: Console) -> None:
    say(console, op="open", again=False)
    for line in ("EHLO sender.example", "STARTTLS", "EHLO sender.example", "NOOP"):
        say(console, op="line", line=line)
    until(lambda: codes(console) == [b"220", b"250", b"220", b"250", b"250"])
    assert [event.encrypted for event in console.own_transcript][-1]
    assert not console.own_transcript[0].encrypted


def test_a_closed_world_is_said_and_not_a_dead_button(console: Console, world: World) -> None:
    mail = program(world)
    world.close()
    say(console, op="open", again=False)
    until(lambda: any("Run All" in str(m.get("say")) for m in console.sent))  # type: ignore[attr-defined]
    say(mail, op="send", to="bob@receiver.example", subject="", text="")
    until(lambda: mail._verdict)
    assert mail._verdict is not None
    assert "closed" in mail._verdict["title"]
    assert not mail._sending


def test_many_visits_do_not_push_the_learners_session_out(console: Console, world: World) -> None:
    say(console, op="open", again=False)
    until(lambda: codes(console) == [b"220"])
    for number in range(30):
        console.show_session(console.add_session(f"visitor {number}", own=False))
    assert len(console.own_transcripts) == 1


def verdict(program: MailProgram, outcome: Outcome) -> tuple[str, str, int]:
    judged = program._judge(outcome)
    return judged["kind"], judged["text"], judged["line"]


def test_the_verdict_names_who_was_refused_and_what_decided(world: World) -> None:
    mail = program(world)
    bob = {"bob@receiver.example": Answered(Reply(550, None, ("no bob",)), 9)}
    after_dot = Answered(Reply(554, None, ("no such text",)), 20)
    kind, text, line = verdict(mail, Outcome(False, after_dot, True, ("carol@receiver.example",), bob))
    assert (kind, line) == ("5", 20)
    assert text.startswith(
        "The server refused on line 20: 554 no such text. `bob@receiver.example` was refused on line 9"
    )
    assert "went over" in text
    kind, text, line = verdict(
        mail, Outcome(False, Answered(Reply(550, None, ("no bob",)), 9), False, (), bob)
    )
    assert text.startswith("`bob@receiver.example` was refused on line 9: 550 no bob. No text left")
    kind, text, line = verdict(mail, Outcome(False, Answered(Reply(421, None, ("busy",)), 1)))
    assert (kind, line) == ("4", 1)


def test_a_listener_that_fails_keeps_no_other_from_hearing(console: Console) -> None:
    heard: list[int] = []

    def broken(_transcript: object) -> None:
        raise ValueError("not today")

    console.on_transcript(broken)
    console.on_transcript(lambda transcript: heard.append(len(transcript)))
    say(console, op="open", again=False)
    until(lambda: heard)
    assert "not today" in loop_thread().errors.pop()


def test_a_console_shown_again_is_a_new_model_over_the_same_session(console: Console) -> None:
    say(console, op="open", again=False)
    say(console, op="line", line="NOOP")
    until(lambda: codes(console) == [b"220", b"250"])
    shown = [console._repr_mimebundle_()[0] for _ in range(3)]
    models = [bundle["application/vnd.jupyter.widget-view+json"]["model_id"] for bundle in shown]
    assert len(set(models)) == 3
    assert models[-1] == console.model_id
    assert [model in _instances for model in models] == [False, False, True]
    assert console.snapshot()["history"] == ["NOOP"]
    assert console.status()["open"]
    say(console, op="line", line="QUIT")
    until(lambda: codes(console)[-1] == b"221")


def test_a_second_cell_gets_a_second_view(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    def model(cell: str) -> object:
        monkeypatch.setattr("labkit.view.widget.running_cell", lambda: cell)
        return console._repr_mimebundle_()[0]["application/vnd.jupyter.widget-view+json"]["model_id"]

    alone, renewed = model("a"), model("a")
    assert alone != renewed
    assert model("b") == renewed
    assert model("a") == renewed, "the view under b would go blank with its model"
    assert model("b") == renewed
    assert renewed in _instances


def test_a_mail_program_shown_again_keeps_form_and_session(world: World) -> None:
    mail = program(world)
    mail._repr_mimebundle_()
    say(mail, op="send", to="carol@receiver.example", subject="Tea", text="Now?")
    until(lambda: not mail._sending and mail._verdict)
    said = mail.transcript
    mail._repr_mimebundle_()
    assert mail.get_state("draft")["draft"] == {
        "to": "carol@receiver.example",
        "subject": "Tea",
        "text": "Now?",
    }
    assert mail.transcript == said


def test_a_visitor_that_had_to_make_room_does_not_come_back(world: World, console: Console) -> None:
    address = world.address(HOST)
    assert address is not None
    with ExitStack() as open_ones:
        visits = [open_ones.enter_context(smtplib.SMTP(*address)) for _ in range(KEPT_SESSIONS + 3)]
        until(lambda: len(world.host().sessions) == KEPT_SESSIONS + 3)
        evicted = world.host().sessions[1]
        visits[1].noop()
        until(lambda: len(evicted.transcript) >= 3)
    time.sleep(0.05)
    names = [session.label for session in console._sessions]
    assert len(names) == len(set(names)) == KEPT_SESSIONS
    assert "Visitor 2" not in names


def test_a_closed_widget_follows_its_host_no_more(world: World) -> None:
    console, watch = Console(world, HOST), Watch(world, HOST)
    say(console, op="open", again=False)
    until(lambda: console.status()["open"])
    client = console._client
    assert client is not None
    for widget in (console, watch):
        widget.close()
    assert not world.host().__dict__["_event_callbacks"]
    until(lambda: client.closed)


@pytest.mark.parametrize("kind", [NotConnected, ConnectionLost, DeadlinePassed, ReplyOverdue, TLSFailed])
def test_trouble_is_said_without_code(kind: type[ClientError], console: Console) -> None:
    async def fails() -> None:
        raise kind("It broke.", None, "Call connect() again.")

    run(lambda: console._step(fails()), 5)
    (said,) = [m["say"] for m in console.sent if m.get("trouble")]  # type: ignore[attr-defined]
    assert said.startswith("It broke. ")
    assert "()" not in said


def test_a_lesson_leaves_no_model_and_no_server_behind() -> None:
    before = set(_instances.values())
    lesson = SessionLesson()
    lesson.second_server()
    shown = [lesson.console(), lesson.watch()]
    shown += [show() for show in (lesson.progress, lesson.second_session) for _ in range(3)]
    others = {widget for widget in set(_instances.values()) - before if isinstance(widget, LabWidget)}
    assert len(others) == 4  # of what ran again, the latest alone
    second = lesson._second
    lesson.close()
    assert second.closed
    assert not [widget for widget in shown if widget in _instances.values()]


def test_bob_reads_what_alice_wrote_beyond_ascii(world: World) -> None:
    mail = program(world)
    say(mail, op="send", to="bob@receiver.example", subject="Grüße", text="Käse & Brötchen\n.")
    until(lambda: not mail._sending and mail._verdict)
    (shown,) = mail._state()["mailbox"]
    assert (shown["subject"], shown["text"]) == ("Grüße", "Käse & Brötchen\n.")
    assert shown["sender"] == "Alice <alice@sender.example>"
    assert "Subject: =?utf-8?" in shown["raw"]
    assert any(b"BODY=8BITMIME" in event.data for event in mail.transcript)


def test_the_answer_to_a_line_acknowledges_it(console: Console) -> None:
    say(console, op="open", again=False)
    until(lambda: codes(console) == [b"220"])
    until(lambda: not console._waiting)
    before = len(console.sent)  # type: ignore[attr-defined]
    say(console, op="line", line="NOOP", id=7, view="a")
    until(lambda: len(codes(console)) == 2)
    news = console.sent[before:]  # type: ignore[attr-defined]
    assert [m["acks"] for m in news if "acks" in m] == [[("a", 7)]]
    assert not [m for m in news if m["op"] == "ack"]


def test_a_line_typed_while_an_answer_is_awaited_is_acknowledged_at_once(console: Console) -> None:
    console._waiting = True
    before = len(console.sent)  # type: ignore[attr-defined]
    say(console, op="line", line="NOOP", id=8, view="a")
    assert console.sent[before] == {"op": "noted", "acks": [("a", 8)]}  # type: ignore[attr-defined]


def test_what_is_posted_before_the_page_takes_it_goes_in_one_message(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[Callable[[], None]] = []
    monkeypatch.setattr("labkit.view.widget.hand_over", turns.append)
    console.post({"op": "one"})
    console.post(lambda: {"op": "two"})
    console.post(lambda: 1 / 0)
    before = len(console.sent)  # type: ignore[attr-defined]
    for turn in turns:
        turn()
    assert console.sent[before:] == [{"op": "together", "messages": [{"op": "one"}, {"op": "two"}]}]  # type: ignore[attr-defined]
    assert "division by zero" in loop_thread().errors.pop()
