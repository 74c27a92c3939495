"""04: What does this code want from me? One server, refusals that look alike, and who has to act on each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from labkit.lessons.chain_lesson import ChainLesson
from labkit.lessons.grading import replies
from labkit.lessons.reply_codes_faults import BusyMailbox, OneMessage, UnprovenSender
from labkit.smtp.transcript import Transcript
from labkit.view.console import Console
from labkit.view.map_story import moment
from labkit.world import World, WorldSpec, chain, run_script
from labkit.world.chain import ZONES

# The set-up cell loads what the first console needs; each later cell loads its own part.
if TYPE_CHECKING:
    from labkit.learn import Exercise, Observation, Prediction
    from labkit.view.code_explorer import CodeExplorer
    from labkit.view.tables import Table
    from labkit.view.terminal_card import TerminalCard

HELLO = "EHLO relay.sender.example"
ALICE, NEWS = "MAIL FROM:<alice@sender.example>", "MAIL FROM:<news@news.example>"
BOB, CAROL, BBO = (f"RCPT TO:<{name}@receiver.example>" for name in ("bob", "carol", "bbo"))
ELSEWHERE = "RCPT TO:<carol@elsewhere.example>"
LETTER = ("DATA", "Subject: Tea", ".")

PRELUDES: Mapping[str, tuple[str, ...]] = {
    "same_number": (HELLO, NEWS),
    "three_people": (HELLO, ALICE, BOB),
    "elsewhere": (HELLO, ALICE, BBO),
}
STEPS: Mapping[str, tuple[str, ...]] = {
    "same_number": (BBO, BOB, *LETTER),
    "three_people": (CAROL, BBO, *LETTER, ALICE),
    "elsewhere": (ELSEWHERE,),
}
SCRIPTS: Mapping[str, tuple[str, ...]] = {
    "same_number": (*PRELUDES["same_number"], *STEPS["same_number"], "QUIT"),
    "three_people": (*PRELUDES["three_people"], *STEPS["three_people"]),
    "elsewhere": (*PRELUDES["elsewhere"], *STEPS["elsewhere"], "QUIT"),
}
TITLES: Mapping[str, str] = {
    "same_number": "Two refusals, one number",
    "three_people": "One message for three people",
    "elsewhere": "Two refusals at the same moment",
}


class ReplyCodesLesson(ChainLesson):
    """The chain of hosts, with a receiving server that refuses and puts off in several ways."""

    name = "04_reply_codes"
    client_name = "relay.sender.example"

    def make_spec(self) -> WorldSpec:
        """The chain. `receiver.example` has one MX, so what it puts off has to wait."""
        mx = self.server
        return chain(
            zones="\n".join(line for line in ZONES.splitlines() if "MX   20" not in line),
            hosts={mx: {"ehlo": ("SIZE", "ENHANCEDSTATUSCODES"), "starttls": False}},
            faults={
                mx: (BusyMailbox("carol@receiver.example"), UnprovenSender("news.example"), OneMessage())
            },
        )

    def recordings(self) -> Mapping[str, Callable[[], Transcript]]:
        """The lines of each console, played."""
        return {name: partial(self._record, name) for name in SCRIPTS}

    def _record(self, name: str) -> Transcript:
        with self.private_world() as world:
            return run_script(world, SCRIPTS[name], host=self.server)

    @property
    def titles(self) -> Mapping[str, str]:
        """Headings of the recorded runs."""
        return TITLES

    def predictions(self) -> Mapping[str, Prediction]:
        """Whom to remove, what comes next, and which number stands behind the 550."""
        from labkit.lessons.reply_codes_questions import predictions

        return predictions()

    def observations(self) -> Mapping[str, Observation]:
        """Which refusal is about an address; which reply leaves a copy waiting. Both in the learner's own sessions."""
        from labkit.lessons.reply_codes_questions import observations

        return observations(self._own)

    def exercises(self) -> tuple[Exercise, ...]:
        """Three tasks with less and less help."""
        from labkit.lessons.reply_codes_providers import providers
        from labkit.lessons.reply_codes_triage import triage, who_acts

        return who_acts(), triage(), providers()

    def make_console(self, name: str) -> Console:
        """Each console begins in the middle, with lines that it says by itself."""
        console = Console(
            self.world,
            self.server,
            client=self.client_name,
            title=TITLES.get(name, ""),
            outside=False,
            prelude=PRELUDES.get(name, ()),
            steps=STEPS.get(name, ()),
        )
        console.on_transcript(lambda transcript: self._step(name, transcript))
        return console

    def next_day(self) -> Table:
        """What Alice's relay wrote down when the message for three people was really handed in: `log_of_the_relay`."""
        from labkit.view.tables import Table

        return self._once("next day", lambda: Table(("clock", "log of relay.sender.example"), self._log()))

    def _log(self) -> list[tuple[str, str]]:
        with self.private_world() as world:
            return log_of_the_relay(world, self.server)

    def codes(self) -> CodeExplorer:
        """Every code, to read about and to provoke."""
        from labkit.view.code_explorer import CodeExplorer

        return self._anew("codes", CodeExplorer)

    def provider_codes(self) -> Table:
        """What a number means by the registry, and at Gmail."""
        from labkit.lessons.reply_codes_providers import provider_table

        return provider_table()

    def advice(self) -> Table:
        """Common advice beside the standard."""
        from labkit.lessons.reply_codes_advice import advice_table

        return advice_table()

    def address(self) -> tuple[str, int]:
        """Where other programs on this computer reach the receiving server."""
        address = self.world.address(self.server, 25)
        assert address is not None
        return address

    def terminal_commands(self) -> TerminalCard:
        """Commands for a terminal on this computer."""
        from labkit.view.terminal_card import TerminalCard

        return TerminalCard(*self.address())

    @property
    def summary(self) -> tuple[str, ...]:
        """What the learner can do now."""
        return (
            "Tell two refusals with the same number apart.",
            "Say of a reply who must act, and when.",
            "Decide whether an address stays on the list.",
        )

    outside = (
        "Look for 550 in the log of a server, or in a bounce that came back to you. "
        "Read the second number before you remove an address."
    )

    def _own(self, name: str) -> Transcript | None:
        """The learner's latest session in that console in which it happened, else the latest; None before the first."""
        console = self._consoles.get(name)
        if console is None or not console.own_transcripts:
            return None
        sessions = console.own_transcripts[::-1]
        return next((one for one in sessions if happened(name, one)), sessions[0])

    def _step(self, name: str, transcript: Transcript) -> None:
        """A step in one of the learner's consoles: a guess about it is told, what reads it looks again."""
        if happened(name, transcript):
            self.tell(name)
        for key in ("observe address", "observe waiting"):
            if key in self._cards:
                self._cards[key].refresh()


def happened(name: str, transcript: Transcript) -> bool:
    """Whether a session has come to what the prediction of that name is about."""
    said = {f"{reply.code} {reply.enhanced_code}" for _, reply in replies(transcript)}
    return {
        "same_number": said >= {"550 5.7.26"},
        "three_people": said >= {"450 4.2.0", "250 2.0.0"},
        "elsewhere": said >= {"550 5.7.1"},
    }.get(name, False)


def log_of_the_relay(world: World, mx: str) -> list[tuple[str, str]]:
    """Alice's program hands one message for three people in; the log of the relay until nothing waits any more. The busy
    mailbox is free again after a while."""
    recipients = [f"{name}@receiver.example" for name in ("bob", "carol", "bbo")]
    world.submit("Subject: Tea\n\nAt four?", sender="alice@sender.example", recipients=recipients)
    world.settle()
    world.switch_off("busy_mailbox", host=mx)
    world.clock.advance(hours=1)
    lines = world.host("relay.sender.example").log
    told = [line for line in lines if line.text.startswith(("kept", "handed on", "returned"))]
    return [(moment(world.clock.start, line.time), line.text) for line in told]


def open() -> ReplyCodesLesson:
    """The lesson, with its servers running."""
    return ReplyCodesLesson()
