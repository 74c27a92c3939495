"""00: What happens between Send and Inbox? One hop: Alice's program hands a message to the server that holds Bob's mailbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from labkit.learn.exercise import Exercise
from labkit.learn.prediction import Prediction
from labkit.lessons.lesson import Lesson
from labkit.mua import Draft
from labkit.smtp.transcript import Transcript
from labkit.view.mail_program import MailProgram
from labkit.view.tables import RouteTable
from labkit.world import World, play, receiver

PEOPLE = ("bob", "carol")
SPEC = receiver(mailboxes=PEOPLE, ehlo=("SIZE", "8BITMIME"), starttls=False)
ALICE = "alice@sender.example"
FIRST = Draft(ALICE, ("bob@receiver.example",), "Lunch", "Hello Bob,\nat one, as always?\nAlice", "Alice")
TYPO = Draft(
    ALICE, ("bob@receiver.example",), "Lunch, again", "Did you get my first message?\nAlice", "Alice"
)
TEXT = (
    "From: Alice <alice@sender.example>",
    "To: bob@receiver.example",
    "Subject: Lunch",
    "",
    "At one, as always?",
)

SCRIPTS: Mapping[str, tuple[str, ...]] = {
    "first_message": (
        "EHLO sender.example",
        f"MAIL FROM:<{ALICE}>",
        "RCPT TO:<bob@receiver.example>",
        "DATA",
        *TEXT,
        ".",
        "QUIT",
    ),
    "typo": ("EHLO sender.example", f"MAIL FROM:<{ALICE}>", "RCPT TO:<bpb@receiver.example>", "QUIT"),
}
TITLES = {"first_message": "What Alice's program said", "typo": "One letter wrong"}


class StartHere(Lesson):
    """The world of lesson 00: one server that does three jobs."""

    name = "00_start_here"

    def make_world(self) -> World:
        """One server with two mailboxes."""
        return World.open(SPEC, key=self.name)

    def recordings(self) -> Mapping[str, Callable[[], Transcript]]:
        """The recorded runs."""
        return {name: partial(play, lines, SPEC) for name, lines in SCRIPTS.items()}

    @property
    def titles(self) -> Mapping[str, str]:
        """Headings of the recorded runs."""
        return TITLES

    def mail_program(self, name: str = "first") -> MailProgram:
        """Alice's mail program; each name is one program, which keeps its last session when the cell runs again."""
        return self._once(f"program {name}", lambda: self._make_program(name))

    def _make_program(self, name: str) -> MailProgram:
        draft = TYPO if name == "typo" else FIRST
        program = MailProgram(
            self.world,
            self.server,
            sender=ALICE,
            client=self.client_name,
            mailbox="bob@receiver.example",
            draft=draft,
        )
        if name == "typo":
            program.on_transcript(lambda transcript: self._reveal_typo(transcript))
        return program

    def _reveal_typo(self, transcript: Transcript) -> None:
        if any(event.sender == "S" and event.data.startswith(b"550") for event in transcript):
            self.tell("typo")

    def predictions(self) -> Mapping[str, Prediction]:
        """Who notices a wrong name first."""
        return {
            "typo": Prediction(
                "00.p1",
                "Alice writes to bpb@receiver.example, and there is no such mailbox. Who notices first?",
                (
                    "Alice's program: it checks the address before it connects.",
                    "Bob's server: it refuses while the two are talking.",
                    "Nobody: the message is sent, and a failure notice comes back later.",
                    "Bob: the message lands in a folder for unknown names.",
                ),
                "Bob's server: it refuses while the two are talking.",
                "The server knows its mailboxes and answers RCPT with 550 at once. Nothing was sent, so nothing comes back. "
                "A notice by mail comes only when a server has taken a message first and fails to deliver it (RFC 5321 section 6.1).",
            )
        }

    def exercises(self) -> tuple[Exercise, ...]:
        """Deliver a second message; find the line that refused; put the stations in order."""
        from labkit.lessons.start_here_tasks import deliver, find_the_line, stations

        return (
            deliver(self._latest),
            find_the_line(),
            stations(),
        )

    def _latest(self) -> Transcript:
        """The learner's latest session in either program."""
        sessions = [self.mail_program(name).transcript for name in ("first", "typo")]
        return max(sessions, key=lambda transcript: transcript[0].connection if len(transcript) else -1)

    def routes(self) -> RouteTable:
        """The ways through the course."""
        return RouteTable(Path.cwd())

    @property
    def summary(self) -> tuple[str, ...]:
        """What the learner can do now."""
        return (
            "Name the four jobs between Send and Inbox.",
            "Tell a refusal in the conversation from a message that comes back.",
            "Use the lab: predict, run, check, hint, reset.",
        )

    outside = "Send yourself a message and look at its source. The lines that begin with `Received:` were written on the way."


def open() -> StartHere:
    """The lesson, with its server running."""
    return StartHere()
