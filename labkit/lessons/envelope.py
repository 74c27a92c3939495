"""02: Who is a message really for, and from? A letter's envelope beside its header, hop by hop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from labkit.lessons.chain_lesson import ChainLesson
from labkit.lessons.grading import deliveries, replies
from labkit.smtp.transcript import Transcript
from labkit.view.console import Console
from labkit.view.envelope_story import only_spoken
from labkit.view.envelope_view import EnvelopeView, sent
from labkit.world import World, WorldSpec, chain, run_script

# The set-up cell loads what the first letter needs; each later cell loads its own part.
if TYPE_CHECKING:
    from labkit.learn import Exercise, Observation, Prediction
    from labkit.view.mailing_view import MailingView
    from labkit.view.tables import Table
    from labkit.view.terminal_card import TerminalCard

ALICE, BOSS = "alice@sender.example", "boss@receiver.example"
LETTERS: Mapping[str, Mapping[str, str]] = {
    "blind": {
        "from": f"Alice <{ALICE}>",
        "to": "bob@receiver.example",
        "bcc": "carol@receiver.example",
        "subject": "Sunday",
        "text": "Bob, shall we meet at ten?",
    },
    "boss": {
        "from": f"Alice <{ALICE}>",
        "to": "bob@receiver.example",
        "subject": "Your desk",
        "text": "Please move to the cellar.",
    },
}
BOSS_WROTE = f"The boss <{BOSS}>"
TITLES = {
    "blind": "A letter with a blind copy",
    "boss": "A letter in somebody else's name",
    "three": "Three recipients, one of them misspelt",
    "null": "A letter that nobody hears of when it fails",
    "route": "A way to go, written into the address",
}
HELLO = ("EHLO relay.sender.example", f"MAIL FROM:<{ALICE}>")
PRELUDE = (*HELLO, "RCPT TO:<bob@receiver.example>")
STEPS = (
    "RCPT TO:<crol@receiver.example>",
    "RCPT TO:<dave@receiver.example>",
    "DATA",
    "To: crol@receiver.example",
    ".",
)
SCRIPTS: Mapping[str, tuple[str, ...]] = {
    "three": (*PRELUDE, *STEPS, "QUIT"),
    "null": (
        "EHLO relay.sender.example",
        "MAIL FROM:<>",
        "RCPT TO:<bob@receiver.example>",
        "DATA",
        "From: Mail Delivery System <postmaster@relay.sender.example>",
        "To: bob@receiver.example",
        "Subject: Undelivered mail returned to sender",
        ".",
        "QUIT",
    ),
    "route": (
        *HELLO,
        "RCPT TO:<@mx9.receiver.example,@old.example:carol@receiver.example>",
        "DATA",
        "Subject: By way of two hosts",
        ".",
        "QUIT",
    ),
}
SPLITTER = "mx2.receiver.example"
"""The host that takes two recipients in one transaction."""


class EnvelopeLesson(ChainLesson):
    """The chain of hosts; the second MX takes two recipients in one transaction."""

    name = "02_envelope"
    client_name = "relay.sender.example"

    def make_spec(self) -> WorldSpec:
        """The chain."""
        return chain(hosts={SPLITTER: {"recipient_limit": 2}})

    # ---- letters

    def letter(self, name: str) -> EnvelopeView:
        """A letter in Alice's program; each name is one letter, which keeps what was sent when the cell runs again."""
        return self._once(f"letter {name}", lambda: self._make_letter(name))

    def _make_letter(self, name: str) -> EnvelopeView:
        view = EnvelopeView(
            self.world,
            self._pick(LETTERS, name, "letter"),
            title=TITLES[name],
            sample=lambda: self._sample(name),
        )
        view.on_change(lambda letter: self._moved(name, letter))
        return view

    def _sample(self, name: str) -> tuple[World, str, Mapping[str, str]]:
        """A private world in which the letter has gone its way; the one of the boss with his name in From."""
        world = self._once(f"sample {name}", self.private_world)
        written = {**LETTERS[name], **({"from": BOSS_WROTE} if name == "boss" else {})}
        return world, self._once(f"sent {name}", lambda: sent(world, written)), written

    def _moved(self, name: str, letter: EnvelopeView) -> None:
        """A letter was sent, or it moved: a guess about it is told, what reads it looks again."""
        if shows(name, letter):
            self.tell(name)
        self._look_again()

    # ---- sessions

    def make_console(self, name: str) -> Console:
        """The console of three recipients begins in the middle; the one of the mailing is for an exercise."""
        if name == "mailing":
            return Console(self.world, SPLITTER, client=self.client_name, complete=False, outside=False)
        console = Console(
            self.world,
            self.server,
            client=self.client_name,
            title=TITLES[name],
            outside=False,
            prelude=PRELUDE,
            steps=STEPS,
        )
        console.on_transcript(self._step)
        return console

    def _step(self, transcript: Transcript) -> None:
        if happened(transcript):
            self.tell("three")
        self._look_again()

    def _look_again(self) -> None:
        for key in ("observe copy", "observe together"):
            if key in self._cards:
                self._cards[key].refresh()

    def recordings(self) -> Mapping[str, Callable[[], Transcript]]:
        """The recorded runs, each on a fresh private world."""
        return {name: partial(self._record, name) for name in SCRIPTS}

    def _record(self, name: str) -> Transcript:
        with self.private_world() as world:
            return run_script(world, SCRIPTS[name], host=self.server)

    @property
    def titles(self) -> Mapping[str, str]:
        """Headings of the recorded runs."""
        return TITLES

    # ---- questions and tasks

    def predictions(self) -> Mapping[str, Prediction]:
        """Where a blind copy stands, who gets a copy, who stops a wrong From."""
        from labkit.lessons.envelope_questions import predictions

        return predictions()

    def observations(self) -> Mapping[str, Observation]:
        """The line that made Carol get a copy; the line that answers for two copies. Both in the learner's own sessions."""
        from labkit.lessons.envelope_questions import observations

        return observations(lambda: self.letter("blind").transcript, self._own_session)

    def exercises(self) -> tuple[Exercise, ...]:
        """Three tasks with less and less help."""
        from labkit.lessons.envelope_tasks import blind_copy, envelope_lines, split

        return (
            envelope_lines(),
            blind_copy(),
            split(lambda: self.console("mailing").spoken_transcript),
        )

    def _own_session(self) -> Transcript | None:
        """The learner's latest session in which it has happened, else the latest; None before the first."""
        console = self._consoles.get("three")
        if console is None or not console.own_transcripts:
            return None
        sessions = console.own_transcripts[::-1]
        return next((one for one in sessions if happened(one)), sessions[0])

    # ---- further cases

    def mailing(self) -> MailingView:
        """One message for 1,100 people, really sent, counted host by host."""
        from labkit.view.mailing_view import MailingView

        return self._once("mailing", MailingView)

    def limits(self) -> Table:
        """How many recipients: common advice beside the standard."""
        from labkit.lessons.envelope_questions import limits_table

        return limits_table()

    def address(self) -> tuple[str, int]:
        """Where other programs on this computer reach the receiving server."""
        address = self.world.address(self.server, 25)
        assert address is not None
        return address

    def terminal_commands(self) -> TerminalCard:
        """Commands for a terminal on this computer."""
        from labkit.lessons.envelope_questions import COMMANDS
        from labkit.view.terminal_card import TerminalCard

        return TerminalCard(*self.address(), COMMANDS)

    @property
    def summary(self) -> tuple[str, ...]:
        """What the learner can do now."""
        return (
            "Say who gets a message, and who hears of its failure, from the envelope alone.",
            "Find a blind copy: in the envelope, and in no header.",
            "Split a mailing when a server takes no more recipients.",
        )

    outside = (
        "Open the source of a newsletter you got. Is your address in its header? "
        "Compare `Return-Path` with `From`."
    )

    def close(self) -> None:
        """Close the world, and the private ones behind the letters."""
        for name in LETTERS:
            world = self._cards.pop(f"sample {name}", None)
            if world is not None:
                world.close()
        super().close()


def shows(name: str, letter: EnvelopeView) -> bool:
    """Whether a letter has come to a mailbox and shows what the prediction of that name is about."""
    passed = letter.passages
    if not passed or not letter.arrived:
        return False
    hidden, sender = only_spoken(passed[0]), str(letter.facts["sender"]).lower()
    return sender in hidden if name == "boss" else bool(hidden - {sender})


def happened(transcript: Transcript) -> bool:
    """Whether in a session one recipient was refused and the others have their copy."""
    refused = any(reply.code == 550 for _, reply in replies(transcript))
    return refused and any(len(one.envelope.forward_paths) == 2 for one in deliveries(transcript))


def open() -> EnvelopeLesson:
    """The lesson, with its servers running."""
    return EnvelopeLesson()
