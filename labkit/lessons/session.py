"""01: What do two mail servers say to each other? One server, a console, and what can go wrong in the order of commands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, partial

from labkit.client import SyncClient
from labkit.learn.exercise import Exercise
from labkit.learn.prediction import Observation, Prediction
from labkit.lessons import session_tasks
from labkit.lessons.grading import deliveries, replies
from labkit.lessons.lesson import Lesson
from labkit.smtp.command import Command
from labkit.smtp.rule import Rule
from labkit.smtp.session import observe
from labkit.smtp.transcript import Transcript
from labkit.view.console import Console
from labkit.view.mailbox_view import MailboxView
from labkit.view.session_widget import SessionWidget, Watch, replay
from labkit.view.tables import Table, command_table
from labkit.view.terminal_card import TerminalCard
from labkit.world import World, play, receiver, sample_receiver

PEOPLE = ("bob", "carol", "dave")
SERVER = receiver(mailboxes=PEOPLE, ehlo=("SIZE", "8BITMIME", "ENHANCEDSTATUSCODES", "HELP"))
HELLO = "EHLO sender.example"
FROM_ALICE = "MAIL FROM:<alice@sender.example>"
TO_BOB = "RCPT TO:<bob@receiver.example>"
NOTE = ("Subject: By hand", "", "Hello Bob.")

SCRIPTS: Mapping[str, tuple[str, ...]] = {
    "first_session": (HELLO, FROM_ALICE, TO_BOB, "DATA", *NOTE, ".", "QUIT"),
    "order": (HELLO, TO_BOB, FROM_ALICE, TO_BOB, "QUIT"),
    "lone_dot": (
        *(HELLO, FROM_ALICE, TO_BOB, "DATA", "Subject: Shopping", "", "Two things to buy:", ".", "bread"),
        *(
            FROM_ALICE,
            TO_BOB,
            "DATA",
            "Subject: Shopping again",
            "",
            "Two things to buy:",
            "..bread",
            "..",
            "milk",
            ".",
            "QUIT",
        ),
    ),
    "helo": ("HELO sender.example", FROM_ALICE, TO_BOB, "RSET", "QUIT"),
    "side_commands": (
        HELLO,
        "NOOP",
        "HELP",
        "VRFY <bob@receiver.example>",
        "EXPN staff",
        FROM_ALICE,
        "RSET",
        TO_BOB,
        "QUIT",
    ),
    "sample": (
        *("EHLO sender.example", FROM_ALICE, TO_BOB, "DATA"),
        *("From: alice@sender.example", "To: bob@receiver.example", "Subject: Hello", "Hi Bob", ".", "QUIT"),
    ),
}
TITLES: Mapping[str, str] = {
    "first_session": "One message, from greeting to goodbye",
    "order": "RCPT before MAIL",
    "lone_dot": "A dot alone, and a dot doubled",
    "helo": "The greeting of 1982",
    "side_commands": "Commands that leave the state alone",
    "sample": "The sample session of many pages",
}


def record(name: str) -> Transcript:
    """The recorded run `name`, against a fresh private server."""
    spec = sample_receiver(mailboxes=PEOPLE) if name == "sample" else SERVER
    return play(SCRIPTS[name], spec)


def before_the_promise(transcript: Transcript) -> dict[int, str]:
    """What each earlier reply promised, for who points at it."""
    said = {
        "EHLO": "This 250 answers EHLO. It says what the server offers; no message exists yet.",
        "HELO": "This 250 answers HELO. No message exists yet.",
        "MAIL": "This reply is about the sender. There is no recipient and no text yet.",
        "RCPT": "This reply is about a recipient. If the connection broke now, nobody would owe Bob anything.",
        "DATA": "354 asks for the text. The server has promised nothing so far.",
        "QUIT": "221 is the goodbye. What was promised, was promised before.",
    }
    found: dict[int, str] = {}
    for note, _ in replies(transcript):
        if isinstance(note.command, Command) and note.command.verb in said:
            found[note.seq] = said[note.command.verb]
    for note in observe(transcript):
        if note.role == "end-of-text":
            found[note.seq] = "Here the client says that the text is complete. Has the server agreed yet?"
    return found


def beside_the_refusal(transcript: Transcript) -> dict[int, str]:
    """Words for who points at the 503 itself, or at lines that were taken."""
    found: dict[int, str] = {}
    for note, reply in replies(transcript):
        if reply.code == 503:
            found[note.seq] = "This is the answer itself. Which line was it an answer to?"
        elif note.answers and reply.severity == 2:
            found[note.answers] = "The server took this line: its answer begins with 2."
    return found


class SessionLesson(Lesson):
    """The world of lesson 01: one friendly server that takes mail for receiver.example."""

    name = "01_session"

    def make_world(self) -> World:
        """One server; log-in and encryption have lessons of their own (08, 09)."""
        return World.open(SERVER, key=self.name)

    def recordings(self) -> Mapping[str, Callable[[], Transcript]]:
        """All recorded runs of this lesson."""
        return {name: partial(record, name) for name in SCRIPTS}

    @property
    def titles(self) -> Mapping[str, str]:
        """Headings of the recorded runs."""
        return TITLES

    def predictions(self) -> Mapping[str, Prediction]:
        """Who speaks first, and what an answer out of order is."""
        return {
            "first_word": Prediction(
                "01.p1",
                "The connection is open and nobody has said anything yet. Who speaks first?",
                (
                    "My program says EHLO.",
                    "The server greets.",
                    "Both wait for the other.",
                    "The server asks for a password.",
                ),
                "The server greets.",
                "The server opens with 220 and its name (RFC 5321 section 3.1). The client waits for that line before it says EHLO.",
            ),
            "skipped_mail": Prediction(
                "01.p2",
                "After EHLO you send RCPT TO:<bob@receiver.example>, without MAIL. What does the server answer?",
                (
                    "250: it notes the recipient.",
                    "500: it does not know the command.",
                    "503: wrong order.",
                    "It closes the connection.",
                ),
                "503: wrong order.",
                "The verb is known, so it is not 500. It comes at the wrong moment, so it is 503, and the connection stays open (RFC 5321 section 4.1.4).",
            ),
        }

    def observations(self) -> Mapping[str, Observation]:
        """Which line took responsibility; which line made the refusal. Both in the learner's own sessions."""
        return {
            "responsibility": Observation(
                "01.o1",
                "From which line on does the server answer for your message?",
                None,
                lambda transcript: frozenset(taken.line for taken in deliveries(transcript)),
                "The 250 after the dot. From here on the server must deliver the message or report that it could not.",
                Rule(
                    "RFC 5321 section 4.2.5",
                    "By a 2yz reply to the end of the text, the server takes responsibility for the message.",
                ),
                before_the_promise,
                "Look for the first reply after the whole text was there.",
                source=lambda: self._own("main"),
            ),
            "order": Observation(
                "01.o2",
                "Which line made the server answer 503?",
                None,
                lambda transcript: frozenset(
                    note.answers for note, reply in replies(transcript) if reply.code == 503 and note.answers
                ),
                "It came while the server was not ready for it: no MAIL had been accepted. After MAIL, the very same line is taken.",
                Rule(
                    "RFC 5321 section 4.1.4",
                    "MAIL opens the transaction, RCPT comes after it; out of order is answered by 503.",
                ),
                beside_the_refusal,
                "Find the 503 first. A reply answers the line above it.",
                source=lambda: self._own("order"),
            ),
        }

    def _own(self, name: str) -> Transcript | None:
        """The learner's latest session in that console; None before the first."""
        console = self._consoles.get(name)
        return console.own_transcript if console is not None and len(console.own_transcript) else None

    def make_console(self, name: str) -> Console:
        """The lesson's consoles: one begins in the middle of a text, the one for exercise 3 does not complete commands."""
        prelude = (HELLO, FROM_ALICE, TO_BOB, "DATA", "Subject: Shopping", "") if name == "lone_dot" else ()
        console = Console(
            self.world,
            self.server,
            client=self.client_name,
            title={"main": "Your session", "practice": "Your session for exercise 3"}.get(name, ""),
            complete=name != "practice",
            outside=name == "main",
            prelude=prelude,
        )
        if name == "main":
            console.on_transcript(lambda transcript: self._reveal("first_word", len(transcript) > 0))
        elif name == "order":
            console.on_transcript(lambda transcript: self._reveal("skipped_mail", _says(transcript, b"503")))
        return console

    def exercises(self) -> tuple[Exercise, ...]:
        """Three tasks with less and less help."""
        return session_tasks.exercises(lambda: self.console("practice").own_transcript)

    def mailbox(self, name: str) -> MailboxView:
        """What Bob's mailbox holds after the recorded run `name`."""
        return self._once(
            f"mailbox {name}",
            lambda: MailboxView.after(SCRIPTS[name], SERVER, "bob@receiver.example"),
        )

    def commands(self) -> Table:
        """The whole command table."""
        return command_table()

    def client(self) -> SyncClient:
        """The step-by-step client, for cells with Python."""
        return self.world.client()

    def address(self) -> tuple[str, int]:
        """Where other programs on this computer reach the lesson's server."""
        address = self.world.address(self.server, 25)
        assert address is not None
        return address

    def second_server(self) -> tuple[str, int]:
        """Address and port of one more server, so that cells with Python leave the learner's console as it is."""
        address = self._second.address(self.server)
        assert address is not None
        return address

    def second_session(self) -> SessionWidget:
        """The latest session at the second server."""
        sessions = self._second.host().sessions
        transcript = sessions[-1].transcript if sessions else Transcript()
        return replay(transcript, client=self.client_name, server=self.server, title="What smtplib said")

    @cached_property
    def _second(self) -> World:
        return World.open(SERVER, key=f"{self.name} second")

    def watch(self) -> Watch:
        """The sessions of other programs that reach this server."""
        return self._once("watch", lambda: Watch(self.world, self.server))

    def terminal_commands(self) -> TerminalCard:
        """Commands for a terminal on this computer."""
        return TerminalCard(*self.address())

    @property
    def summary(self) -> tuple[str, ...]:
        """What the learner can do now."""
        return (
            "Deliver a message by hand, and read each reply.",
            "Name the state of a session, and what it allows.",
            "Keep a dot in a message from ending it.",
        )

    outside = "Look into the log of a mail program, or into the debug output of a script that sends mail. The lines will look familiar."

    def _reveal(self, name: str, happened: bool) -> None:
        if happened:
            self.predict(name).reveal()


def _says(transcript: Iterable[object], code: bytes) -> bool:
    return any(event.sender == "S" and event.data.startswith(code) for event in transcript)  # type: ignore[attr-defined]


def open() -> SessionLesson:
    """The lesson, with its server running."""
    return SessionLesson()
