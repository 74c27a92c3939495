"""01: What do two mail servers say to each other? One server, a console, and what can go wrong in the order of commands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING

from labkit.client import SyncClient
from labkit.lessons.lesson import Lesson
from labkit.smtp.transcript import Transcript
from labkit.view import cards
from labkit.view.console import Console
from labkit.view.session_widget import SessionWidget, replay
from labkit.view.watch import Watch
from labkit.world import World, play, receiver, sample_receiver

# The set-up cell loads what the first console needs; each later cell loads its own part.
if TYPE_CHECKING:
    from labkit.learn import Exercise, Observation, Prediction
    from labkit.view.cards import MailboxCard
    from labkit.view.tables import Table
    from labkit.view.terminal_card import TerminalCard

PEOPLE = ("bob", "carol", "dave")
SERVER = receiver(mailboxes=PEOPLE, ehlo=("SIZE", "8BITMIME", "ENHANCEDSTATUSCODES", "HELP"))
HELLO = "EHLO sender.example"
FROM_ALICE = "MAIL FROM:<alice@sender.example>"
TO_BOB = "RCPT TO:<bob@receiver.example>"
SHOPPING = ("..bread", ".", "milk")
NOTE = ("Subject: By hand", "", "Hello Bob.")

PRELUDES: Mapping[str, tuple[str, ...]] = {
    "order": (HELLO,),
    "lone_dot": (HELLO, FROM_ALICE, TO_BOB, "DATA", "Subject: Shopping", "", "Two things to buy:"),
}
SCRIPTS: Mapping[str, tuple[str, ...]] = {
    "first_session": (HELLO, FROM_ALICE, TO_BOB, "DATA", *NOTE, ".", "QUIT"),
    "order": (HELLO, TO_BOB, FROM_ALICE, TO_BOB, "QUIT"),
    "lone_dot": (*PRELUDES["lone_dot"], *SHOPPING, "QUIT"),
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
        *("From: alice@sender.example", "Subject: Hello", "", "Hi Bob", ".", "QUIT"),
    ),
}
STEPS: Mapping[str, tuple[str, ...]] = {
    "main": (HELLO, FROM_ALICE, TO_BOB, "DATA", *NOTE, ".", "QUIT"),
    "order": (TO_BOB, FROM_ALICE, TO_BOB),
    "lone_dot": SHOPPING,
}
TITLES: Mapping[str, str] = {
    "first_session": "One message, from greeting to goodbye",
    "order": "RCPT before MAIL",
    "lone_dot": "Two dots, and a dot alone",
    "helo": "The greeting of 1982",
    "side_commands": "Commands beside the message",
    "sample": "The sample session of many pages",
}


def record(name: str) -> Transcript:
    """The recorded run `name`, against a fresh private server."""
    spec = sample_receiver(mailboxes=PEOPLE) if name == "sample" else SERVER
    return play(SCRIPTS[name], spec)


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
        """Who speaks first, what an answer out of order is, and what dots do."""
        from labkit.lessons.session_questions import predictions

        return predictions()

    def observations(self) -> Mapping[str, Observation]:
        """Which line took responsibility; which line made the refusal. Both in the learner's own sessions."""
        from labkit.lessons.session_questions import observations

        return observations(self._own)

    def _own(self, name: str) -> Transcript | None:
        """The learner's latest session in that console in which it happened, else the latest; None before the first."""
        from labkit.lessons.grading import deliveries

        console = self._consoles.get(name)
        if console is None or not console.own_transcripts:
            return None
        sessions = console.own_transcripts[::-1]
        found = (one for one in sessions if (deliveries(one) if name == "main" else _says(one, b"503")))
        return next(found, sessions[0])

    def make_console(self, name: str) -> Console:
        """The lesson's consoles: two begin in the middle, the one for exercise 3 does not complete commands."""
        console = Console(
            self.world,
            self.server,
            client=self.client_name,
            title={"main": "Your session", "practice": "Your session for exercise 3"}.get(name, ""),
            complete=name != "practice",
            outside=name == "main",
            prelude=PRELUDES.get(name, ()),
            steps=STEPS.get(name, ()),
        )
        console.on_transcript(lambda transcript: self._happened(name, transcript))
        return console

    def exercises(self) -> tuple[Exercise, ...]:
        """Three tasks with less and less help."""
        from labkit.lessons.session_missing import missing_lines
        from labkit.lessons.session_order import right_order
        from labkit.lessons.session_provoke import provoke

        return missing_lines(), right_order(), provoke(lambda: self.console("practice").spoken_transcript)

    def mailbox(self) -> MailboxCard:
        """Bob's mailbox on the lesson's server; it follows what the learner delivers."""
        box = self.world.mailbox("bob@receiver.example")
        return self._anew(
            "mailbox", lambda: cards.MailboxCard(box.address, lambda: [one.as_received for one in box])
        )

    def commands(self) -> Table:
        """The whole command table."""
        from labkit.view.tables import command_table

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
        return self._anew(
            "second session",
            lambda: replay(
                transcript, client=self.client_name, server=self.server, title="What smtplib said"
            ),
        )

    @cached_property
    def _second(self) -> World:
        return World.open(SERVER, key=f"{self.name} second")

    def close(self) -> None:
        """Close both servers, and everything that shows them."""
        if "_second" in self.__dict__:
            self._second.close()
        super().close()

    def watch(self) -> Watch:
        """The sessions of other programs that reach this server."""
        return self._once("watch", lambda: Watch(self.world, self.server))

    def terminal_commands(self) -> TerminalCard:
        """Commands for a terminal on this computer."""
        from labkit.view.terminal_card import TerminalCard

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

    def _happened(self, name: str, transcript: Transcript) -> None:
        """A step in one of the learner's consoles: what was guessed about it is told, what reads it looks again."""
        from labkit.lessons.grading import deliveries

        guess, happened = {
            "main": ("first_word", len(transcript) > 0),
            "order": ("skipped_mail", _says(transcript, b"503")),
            "lone_dot": ("dots", any(b"..bread" in one.text for one in deliveries(transcript))),
        }.get(name, ("", False))
        if happened:
            self.tell(guess)
        for key in ("mailbox", "observe responsibility", "observe order"):
            if key in self._cards:
                self._cards[key].refresh()


def _says(transcript: Iterable[object], code: bytes) -> bool:
    return any(event.sender == "S" and event.data.startswith(code) for event in transcript)  # type: ignore[attr-defined]


def open() -> SessionLesson:
    """The lesson, with its server running."""
    return SessionLesson()
