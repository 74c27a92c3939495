"""00: What happens between Send and Inbox? A message goes hop by hop, from Alice's program to Bob's mailbox, on a map."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from labkit.hosts.host_spec import HostSpec
from labkit.hosts.movement import Movement
from labkit.learn.exercise import Exercise
from labkit.learn.prediction import Prediction
from labkit.lessons.lesson import Lesson
from labkit.mua import Draft
from labkit.smtp.transcript import Transcript
from labkit.view import kernel_loop
from labkit.view.mail_program import MailProgram
from labkit.view.tables import RouteTable
from labkit.world import World, chain, play

if TYPE_CHECKING:
    from labkit.view.map_view import MapView

ALICE, BOB = "alice@sender.example", "bob@receiver.example"
SUBMIT, PORT = "submit.sender.example", 587
_PLAIN = {"ehlo": ("SIZE", "8BITMIME"), "starttls": False}
SPEC = chain(hosts={SUBMIT: _PLAIN})
MX = HostSpec(
    "mx1.receiver.example",
    ("bob", "carol"),
    domains=("receiver.example",),
    ehlo=("SIZE", "8BITMIME"),
    starttls=False,
)
"""The host of receiver.example that other servers speak to, for a session of its own in a task."""
FIRST = Draft(ALICE, (BOB,), "Lunch", "Hello Bob,\nat one, as always?\nAlice", "Alice")
TYPO = Draft(ALICE, (BOB,), "Lunch, again", "Did you get my first message?\nAlice", "Alice")
SCRIPT = (
    "EHLO client.sender.example",
    f"MAIL FROM:<{ALICE}>",
    f"RCPT TO:<{BOB}>",
    "DATA",
    "From: Alice <alice@sender.example>",
    "To: bob@receiver.example",
    "Subject: Lunch",
    "",
    "At one, as always?",
    ".",
    "QUIT",
)
SAMPLES = {"first": BOB, "typo": "bpb@receiver.example"}
"""Per map, whom the message of its recorded way is for."""


class StartHere(Lesson):
    """The world of lesson 00: Alice's organisation, Bob's, and the way between them."""

    name = "00_start_here"
    server = SUBMIT
    port = PORT
    client_name = "client.sender.example"

    def make_world(self) -> World:
        """The chain of five hosts."""
        world = World.open(SPEC, key=self.name)
        world.on_movement(self._moved)
        return world

    def recordings(self) -> Mapping[str, Callable[[], Transcript]]:
        """The recorded session: Alice's program hands her message in."""
        spec = next(host for host in SPEC.hosts if host.name == SUBMIT)
        return {"first_message": partial(play, SCRIPT, spec)}

    @property
    def titles(self) -> Mapping[str, str]:
        """Headings of the recorded sessions."""
        return {"first_message": "What Alice's program said"}

    def mail_program(self, name: str = "first") -> MapView:
        """Alice's mail program beside the map on which her message moves; each name is one program."""
        from labkit.view.map_view import MapView

        def make() -> MapView:
            return MapView(self.world, side=self.program(name), sample=lambda: self._sample(name))

        return self._anew(f"map {name}", make)

    def program(self, name: str) -> MailProgram:
        """The mail program of that name; it keeps its last session when the cell runs again."""
        return self._once(f"program {name}", lambda: self._make_program(name))

    def _make_program(self, name: str) -> MailProgram:
        return MailProgram(
            self.world,
            SUBMIT,
            port=self.port,
            sender=ALICE,
            client=self.client_name,
            mailbox=BOB,
            inbox=ALICE,
            talk=False,
            draft=TYPO if name == "typo" else FIRST,
        )

    def _sample(self, name: str) -> World:
        """A private world in which one message has gone its way, for readers who run nothing."""
        world = self._once(f"world {name}", lambda: World.open(SPEC, transport="memory"))
        if not world.movements:
            message = FIRST.to_bytes(world.clock.datetime(), f"<{name}@sender.example>")
            world.submit(message, sender=ALICE, recipients=[SAMPLES[name]])
            world.settle()
        return world

    def _moved(self, movement: Movement) -> None:
        """On the loop thread: when a message has come back, the guess about it can be told."""
        if movement.kind == "bounced":
            kernel_loop.hand_over(lambda: self.tell("typo"))

    def predictions(self) -> Mapping[str, Prediction]:
        """What comes back from a wrong name, and from whom."""
        return {
            "typo": Prediction(
                "00.p1",
                "Alice writes to bpb@receiver.example, and there is no such mailbox. What comes back, and from whom?",
                (
                    "Nothing is sent: Alice's program checks the address first.",
                    "Nothing comes back: the message is lost on the way.",
                    "A notice by mail, from a server on Alice's side.",
                    "A notice by mail, from a server on Bob's side.",
                ),
                "A notice by mail, from a server on Alice's side.",
                "Bob's server refuses the name with 550 while relay.sender.example talks to it, so it never has the message. "
                "relay had accepted it, so relay must tell Alice (RFC 5321 section 6.1).",
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
        """The session that decided about the learner's latest message: the last one on its way.

        A message that was not even handed in has only the session of the program itself.
        """
        programs = [self.program(name) for name in SAMPLES]
        latest = max(
            programs, key=lambda program: program.transcript[0].connection if len(program.transcript) else -1
        )
        met = [
            movement
            for movement in self.world.trail(latest.message_id)
            if movement.kind in ("accepted", "refused")
            and movement.connection is not None
            and not movement.about
        ]
        if not met:
            return latest.transcript
        sessions = self.world.host(met[-1].to).sessions
        return next(one.transcript for one in sessions if one.connection == met[-1].connection)

    def routes(self) -> RouteTable:
        """The ways through the course."""
        return RouteTable(Path.cwd())

    @property
    def summary(self) -> tuple[str, ...]:
        """What the learner can do now."""
        return (
            "Name the jobs between Send and Inbox, and follow a message from one to the next.",
            "Tell who refused a message, and who wrote the notice about it.",
            "Use the lab: predict, run, check, hint, reset.",
        )

    def close(self) -> None:
        """Close the world, and the private ones behind the maps."""
        for name in SAMPLES:
            world = self._cards.pop(f"world {name}", None)
            if world is not None:
                world.close()
        super().close()

    outside = "Send yourself a message and look at its source. The lines that begin with `Received:` were written on the way."


def open() -> StartHere:
    """The lesson, with its servers running."""
    return StartHere()
