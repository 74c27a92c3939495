"""03: What did EHLO promise? Two servers that differ in their answer to EHLO, and what that answer is worth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from labkit.lessons.extensions_runs import (
    MX1,
    MX2,
    SCRIPTS,
    STEPS,
    TITLES,
    WAYS,
    record,
    record_way,
)
from labkit.lessons.lesson import Lesson
from labkit.smtp.transcript import Transcript
from labkit.view import cards
from labkit.view.console import Console
from labkit.view.round_trips_view import RoundTripsView
from labkit.view.session_widget import SessionWidget, replay
from labkit.view.watch import Watch
from labkit.world import World

if TYPE_CHECKING:
    from labkit.client import SyncClient
    from labkit.learn import Exercise, Observation, Prediction
    from labkit.view.cards import MailboxCard
    from labkit.view.tables import Table
    from labkit.view.terminal_card import TerminalCard

ONE_MESSAGE = "One message for Bob, Carol and Dave"
TOO_BIG = "30,000 octets for two servers that take 20,000"
SHOWN: Mapping[str, tuple[str, ...]] = {
    "in_turn": ("in_turn",),
    "in_groups": ("in_turn", "in_groups"),
    "in_chunks": ("in_groups", "in_chunks"),
}
"""Per picture of round trips, the ways that stand in it."""
SIZES = ("with_size", "without_size")


class ExtensionsLesson(Lesson):
    """The world of lesson 03: mx1, which offers much, and mx2, which offers nothing."""

    name = "03_extensions"
    server = MX1.name

    def __init__(self) -> None:
        self._sent: dict[str, Transcript] = {}
        super().__init__()

    def make_world(self) -> World:
        """Two servers of receiver.example; log-in and encryption have lessons of their own (08, 09)."""
        return World.open(MX1, MX2, key=self.name)

    # ---- what the cells call

    def round_trips(self, name: str) -> RoundTripsView:
        """One message, sent at a click; each wait is drawn. What was sent in an earlier picture is there already."""
        return self._picture(f"round trips {name}", SHOWN[name], ONE_MESSAGE)

    def too_big(self) -> RoundTripsView:
        """A message that is too big for both servers, sent at a click; octets are counted."""
        return self._picture("too big", SIZES, TOO_BIG)

    def recorded_trips(self, name: str) -> RoundTripsView:
        """The same, recorded."""
        return self._recorded_picture(f"recorded trips {name}", SHOWN[name], ONE_MESSAGE)

    def recorded_too_big(self) -> RoundTripsView:
        """The same, recorded."""
        return self._recorded_picture("recorded too big", SIZES, TOO_BIG)

    def _picture(self, key: str, ways: tuple[str, ...], title: str) -> RoundTripsView:
        def make() -> RoundTripsView:
            known = {name: self._sent[name] for name in ways if name in self._sent}
            view = RoundTripsView(
                [WAYS[name] for name in ways],
                world=self.world,
                shown=known,
                title=title,
                measure="octets" if ways == SIZES else "waits",
            )
            view.on_sent(self._was_sent)
            return view

        return self._anew(key, make)

    def _recorded_picture(self, key: str, ways: tuple[str, ...], title: str) -> RoundTripsView:
        return self._anew(
            key,
            lambda: RoundTripsView(
                [WAYS[name] for name in ways],
                shown={name: record_way(name) for name in ways},
                title=f"{title} (recorded)",
                measure="octets" if ways == SIZES else "waits",
            ),
        )

    def make_console(self, name: str) -> Console:
        """The break-it, and the session for exercise 3, in which no commands are completed."""
        console = Console(
            self.world,
            self.server,
            client=self.client_name,
            title={"practice": "Your session for exercise 3"}.get(name, ""),
            complete=name != "practice",
            outside=False,
            steps=STEPS.get(name, ()),
        )
        console.on_transcript(lambda transcript: self._happened(name, transcript))
        return console

    def mailbox(self) -> MailboxCard:
        """Zoë's mailbox; it follows what the learner delivers."""
        box = self.world.mailbox("zoë@receiver.example")
        return self._anew(
            "mailbox", lambda: cards.MailboxCard(box.address, lambda: [one.as_received for one in box])
        )

    def limits(self) -> Table:
        """What every server must be able to take, and where an extension raises it."""
        from labkit.lessons.extensions_tables import limits_table

        return limits_table()

    def extensions(self) -> Table:
        """The extensions by keyword."""
        from labkit.lessons.extensions_tables import extension_table

        return extension_table()

    def client(self) -> SyncClient:
        """The step-by-step client, for cells with Python."""
        return self.world.client(self.server)

    def address(self) -> tuple[str, int]:
        """Where other programs on this computer reach mx1."""
        address = self.world.address(self.server, 25)
        assert address is not None
        return address

    def terminal_commands(self) -> TerminalCard:
        """Commands for a terminal on this computer."""
        from labkit.view.terminal_card import TerminalCard

        return TerminalCard(*self.address())

    def watch(self) -> Watch:
        """The sessions of other programs that reach mx1."""
        return self._once("watch", lambda: Watch(self.world, self.server))

    # ---- what a lesson fills in

    def recordings(self) -> Mapping[str, Callable[[], Transcript]]:
        """All recorded sessions of this lesson."""
        return {name: partial(record, name) for name in SCRIPTS}

    def recorded(self, name: str) -> SessionWidget:
        """The recorded session `name`, under the name of its own server."""
        return self._anew(
            f"recorded {name}",
            lambda: replay(
                self.recording(name),
                client=self.client_name,
                server=SCRIPTS[name][0].name,
                title=TITLES[name],
            ),
        )

    def predictions(self) -> Mapping[str, Prediction]:
        """Waits, the moment of a refusal, and what is left after HELO."""
        from labkit.lessons.extensions_questions import predictions

        return predictions()

    def observations(self) -> Mapping[str, Observation]:
        """Where the offer stands, and which line made the early refusal possible: in what the learner sent."""
        from labkit.lessons.extensions_questions import observations

        return observations(self._sent.get)

    def exercises(self) -> tuple[Exercise, ...]:
        """Three tasks with less and less help."""
        from labkit.lessons.extensions_announce import announce
        from labkit.lessons.extensions_beyond_ascii import deliver_beyond_ascii
        from labkit.lessons.extensions_waits import count_waits

        own = self.console("practice")
        return announce(), count_waits(), deliver_beyond_ascii(lambda: own.spoken_transcript)

    @property
    def summary(self) -> tuple[str, ...]:
        """What the learner can do now."""
        return (
            "Read the answer to EHLO as a list of offers.",
            "Send a message in four round trips where nine were needed.",
            "Choose the parameters of MAIL that get a message through.",
        )

    outside = (
        "Look into the log of a mail program for the answer to EHLO, or say EHLO to a server that you run. "
        "Which of its lines does your program use?"
    )

    # ---- inside

    def _was_sent(self, name: str, transcript: Transcript) -> None:
        """The learner has sent a message in that way."""
        self._sent[name] = transcript
        if name == "in_turn":
            self.tell("waits")
        elif name == "with_size":
            self.tell("too_big")
        for card in self._cards.values():
            if isinstance(card, RoundTripsView) and card.live:
                card.take(name, transcript)
        for key in ("observe offer", "observe announced"):
            if key in self._cards:
                self._cards[key].refresh()

    def _happened(self, name: str, transcript: Transcript) -> None:
        """A step in one of the learner's consoles."""
        if name == "helo" and any(
            event.sender == "S" and event.data.startswith(b"555") for event in transcript
        ):
            self.tell("helo")
        if name == "practice" and "mailbox" in self._cards:
            self._cards["mailbox"].refresh()


def open() -> ExtensionsLesson:
    """The lesson, with its servers running."""
    return ExtensionsLesson()
