"""10: May this server send for that domain? The record of a domain as a tree, evaluated before the learner's eyes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from labkit.hosts.movement import Movement
from labkit.lessons import spf_world as there
from labkit.lessons.chain_lesson import ChainLesson
from labkit.smtp.transcript import Transcript
from labkit.view.console import Console
from labkit.view.trace_case import Case, spf_case
from labkit.world import World, WorldSpec

if TYPE_CHECKING:
    from labkit.hosts.tap import ServerSession
    from labkit.learn import Exercise, Observation, Prediction
    from labkit.smtp.transcript import WireEvent
    from labkit.view.terminal_card import TerminalCard
    from labkit.view.trace_view import TraceView

TITLES: Mapping[str, str] = {
    "record": "May this server send for sender.example?",
    "services": "A company takes on six services",
    "forged": "What mx1 checked, and what Bob reads",
    "broken": "Four records that break",
    "forwarded": "Bob's old school forwards Alice's letter",
    "macros": "Macros, and a fail in the domain's own words",
    "q1": "Exercise 1: the zones to repair",
}
COMMANDS = (
    ("dig", "the record of this world", "dig @{ip} -p {port} sender.example TXT +short"),
    ("dig", "the record of a real domain, from your own resolver", "dig github.com TXT +short"),
)


class SpfLesson(ChainLesson):
    """The chain with SPF. What is edited in the first trace is the DNS of this world."""

    name = "10_spf"
    server = there.MX1
    client_name = there.MALLORY

    def __init__(self) -> None:
        super().__init__()
        self._cases: dict[str, Case] = {}

    def make_spec(self) -> WorldSpec:
        """The chain with one MX, which checks senders."""
        return there.spec()

    def make_world(self) -> World:
        """What happens in it tells what was guessed."""
        world = super().make_world()
        world.on_movement(self._happened)
        world.host(there.MX1).on_event(self._said)
        return world

    # ---- what the cells show

    def trace(self, name: str = "record") -> TraceView:
        """The trace view of that name. Its texts outlive the cell."""
        from labkit.view.trace_view import TraceView

        chosen: Case | Callable[[], Case] = partial(self._workshop) if name == "q1" else self._case(name)
        return self._anew(
            f"trace {name}",
            lambda: TraceView(
                chosen, title=TITLES[name], whole=name in ("services", "q1"), key=f"{self.name} {name}"
            ),
        )

    def make_console(self, name: str) -> Console:
        """The console of a stranger, who claims to be Alice; or who uses a domain of their own."""
        forged = name == "forged"
        return Console(
            self.world,
            there.MX1,
            client=there.MALLORY,
            title="A stranger with a domain of their own" if forged else "A stranger says: I am Alice",
            outside=False,
            prelude=there.FORGED[:4] if forged else there.STRANGER[:1],
            steps=there.FORGED[4:] if forged else there.STRANGER[1:],
        )

    def terminal_commands(self) -> TerminalCard:
        """Commands that ask this world's own name server."""
        from labkit.view.terminal_card import TerminalCard

        return TerminalCard(*self.world.dns_address(), commands=COMMANDS)

    def check(self, ip: str) -> Any:
        """The verdict on a client that says MAIL FROM:<alice@sender.example>, by this world's zones."""
        from labkit.auth.spf import check_mail_from

        return check_mail_from(ip, there.ALICE, helo=there.RELAY, dns=self.world.zones)

    # ---- what a lesson fills in

    def recordings(self) -> Mapping[str, Callable[[], Transcript]]:
        """The relay, the stranger, and the stranger with a domain of their own."""
        return {
            "friend": lambda: (
                there.hand_in(there.RECORD, {there.RELAY: "192.0.2.20"}, there.ALICE)[there.RELAY].transcript
            ),
            "stranger": partial(there.played, there.STRANGER),
            "forged": partial(there.played, there.FORGED),
        }

    def predictions(self) -> Mapping[str, Prediction]:
        """What is compared, what the end of the record does, what a forged From field does."""
        from labkit.lessons.spf_questions import predictions

        return predictions()

    def observations(self) -> Mapping[str, Observation]:
        """Which line said whose record is asked for."""
        from labkit.lessons.spf_questions import observations

        return observations(self.recording("stranger"))

    def exercises(self) -> tuple[Exercise, ...]:
        """Repair a record; say why four mails failed; write a record."""
        from labkit.lessons.spf_repair import repair, write_one
        from labkit.lessons.spf_why import why_it_failed

        return repair(lambda twin: self._case("q1b" if twin else "q1").text), why_it_failed(), write_one()

    @property
    def summary(self) -> tuple[str, ...]:
        """What the learner can do now."""
        return (
            "Read an SPF record from left to right, and say which term decides for a server.",
            "Count the lookups of a record, and bring it under ten.",
            "Say what SPF does not check: the address that people see.",
        )

    outside = "Look up the SPF record of your own domain. Count its terms that need the DNS, and name a service that is not used any more."

    # ---- inside

    def _case(self, name: str) -> Case:
        if name not in self._cases:
            self._cases[name] = self._make_case(name)
        return self._cases[name]

    def _make_case(self, name: str) -> Case:
        if name == "services":
            return spf_case(
                there.SERVICE_ZONES, domain="sender.example", ip="203.0.113.200", people=there.SERVICE_PEOPLE,
                next_edit=("Add the next service", there.add_service),
            )  # fmt: skip
        if name == "broken":
            return spf_case(
                there.BROKEN_ZONES,
                ip="192.0.2.20",
                mail_from="news@eleven.example",
                people=there.BROKEN_PEOPLE,
            )
        if name == "macros":
            return spf_case(
                there.MACRO_ZONES, ip="192.0.2.20", mail_from="bob@macro.example", people=there.MACRO_PEOPLE
            )
        if name in ("forged", "forwarded"):
            forwarded = there.forwarded() if name == "forwarded" else None
            return spf_case(
                there.RECORD + there.RELAY_LINE if forwarded else there.OTHERS,
                ip="192.0.2.130" if forwarded else there.HERE,
                mail_from=there.ALICE if forwarded else "me@mallory.example",
                helo="out.school.example" if forwarded else there.MALLORY,
                transcript=forwarded.transcript if forwarded else self.recording("forged"),
                editable=False,
            )
        if name in ("q1", "q1b"):
            from labkit.lessons.spf_repair import TASKS

            task = TASKS[name == "q1b"]
            return spf_case(task.zones, domain=task.domain, ip=task.stranger, people=task.people)
        case = spf_case(
            self.world.zones.text, domain="sender.example", ip=there.HERE, mail_from=there.ALICE, helo=there.MALLORY,
            people={"Alice's relay": "192.0.2.20", "this computer": there.HERE},
        )  # fmt: skip
        case.on_change(lambda: self._published(case))
        return case

    def _workshop(self) -> Case:
        return self._case("q1b" if self.exercise(1).active is not self.exercise(1) else "q1")

    def _published(self, case: Case) -> None:
        """The zones were edited: they are the DNS of this world from now on."""
        if case.readable and not self.world.closed:
            self.world.zones.replace(case.text)
        results = {person.name: case.result_of(person) for person in case.people}
        if results["this computer"] == "softfail":
            self.tell("softfail")

    def _said(self, session: ServerSession, event: WireEvent) -> None:
        """On the loop thread: a refusal at MAIL tells the first guess."""
        if event.sender == "S" and event.data.startswith(b"550 5.7.23"):
            self.tell("compare")

    def _happened(self, movement: Movement) -> None:
        """On the loop thread: a message that was taken tells the guess about the forged From field."""
        if movement.kind == "submitted" and movement.to == there.MX1:
            self.tell("forged")


def open() -> SpfLesson:
    """The lesson, with its servers running."""
    return SpfLesson()
