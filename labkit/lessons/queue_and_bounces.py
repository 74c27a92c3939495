"""05: Who owns the message now? A queue, tries that come further and further apart, and the notice at their end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from labkit.hosts import dsn
from labkit.hosts.movement import Movement
from labkit.lessons.chain_lesson import ChainLesson
from labkit.lessons.queue_and_bounces_world import (
    ALICE,
    BOB,
    LETTER,
    MX,
    POST,
    RELAY,
    STORE,
    SUBMIT,
    TROUBLES,
    delayed,
    played,
    spec,
)
from labkit.smtp.transcript import Transcript
from labkit.view import cards
from labkit.view.notice_view import NoticeView
from labkit.view.retry_timeline import RetryTimeline
from labkit.view.session_widget import SessionWidget, replay
from labkit.world import World, WorldSpec, run_script

if TYPE_CHECKING:
    from labkit.hosts.mailbox import Mailbox
    from labkit.learn import Exercise, Observation, Prediction
    from labkit.view.cards import MailboxCard
    from labkit.view.terminal_card import TerminalCard

TITLES: Mapping[str, str] = {
    "greylisting": "Bob's server does not know the sender yet",
    "down": "Bob's server does not answer",
    "lost": "The answer to the last dot is lost",
}
SESSIONS: Mapping[str, tuple[str, str, str, str]] = {
    "put_off": ("greylisting", RELAY, MX, "Put off: one try of the relay"),
    "null_path": ("down", RELAY, POST, "The notice on its way to Alice"),
}
"""Recorded sessions: the experiment, the client, the server, and a heading."""
NOTIFY = (
    "EHLO client.sender.example",
    f"MAIL FROM:<{ALICE}> RET=HDRS ENVID=lunch-1",
    f"RCPT TO:<{BOB}> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;{BOB}",
    "RCPT TO:<carol@receiver.example> NOTIFY=NEVER",
    *("DATA", "Subject: Lunch", "", "At one?", ".", "QUIT"),
)


class QueueLesson(ChainLesson):
    """Each experiment has a world of its own, so that each has its own clock; `world` is that of the first."""

    name = "05_queue_and_bounces"
    server = RELAY

    def __init__(self) -> None:
        self._worlds: dict[str, World] = {}
        super().__init__()

    def make_spec(self) -> WorldSpec:
        """The chain, with a longer breath for the relay and a mailbox server for Alice."""
        return spec()

    def make_world(self) -> World:
        """The world of the first experiment."""
        return self.experiment("greylisting")

    def experiment(self, name: str) -> World:
        """The world of an experiment, with its trouble switched on."""
        world = self._worlds.get(name)
        if world is None:
            world = World.open(self.make_spec(), key=f"{self.name} {name}")
            TROUBLES[name](world)
            world.on_movement(partial(self._happened, name))
            self._worlds[name] = world
        return world

    def close(self) -> None:
        """Close all worlds, and everything that shows them."""
        super().close()
        for world in self._worlds.values():
            world.close()

    # ---- what the cells show

    def timeline(self, name: str) -> RetryTimeline:
        """An experiment: the button that sends, the tries, the clock."""
        return self._anew(
            f"timeline {name}",
            lambda: RetryTimeline(self.experiment(name), title=TITLES[name], letter=LETTER),
        )

    def played(self, name: str) -> RetryTimeline:
        """The same experiment, gone through by the lab on a world of its own."""
        return self._anew(
            f"played {name}",
            lambda: RetryTimeline(self._recorded_world(name), title=TITLES[name], clock=False),
        )

    def notice(self) -> NoticeView:
        """The latest notice in Alice's mailbox, part by part."""
        box = self.experiment("down").mailbox(ALICE)
        return self._anew(
            "notice",
            lambda: NoticeView(
                partial(latest_notice, box),
                title="What Alice finds in her mailbox",
                empty="Nothing yet. Send the message above, and let time pass until the relay gives up.",
            ),
        )

    def played_notice(self, name: str = "down") -> NoticeView:
        """The notice at the end of a recorded experiment."""
        box = self._recorded_world(name).mailbox(ALICE)
        return self._anew(
            f"played notice {name}",
            lambda: NoticeView(partial(latest_notice, box), title="What Alice finds in her mailbox"),
        )

    def mailbox(self) -> MailboxCard:
        """Bob's mailbox in the experiment with the lost answer."""
        return self._mailbox("mailbox", self.experiment("lost"))

    def played_mailbox(self) -> MailboxCard:
        """The same after the recorded run."""
        return self._mailbox("played mailbox", self._recorded_world("lost"))

    def your_rule(self) -> RetryTimeline:
        """The messages of exercise 2, as the rule that was checked last has treated them."""
        return self._anew(
            "your rule",
            lambda: RetryTimeline(
                self._worlds.get("rule") or self._recorded_world("nothing"),
                title="Three messages under your rule",
                empty="Check exercise 2, and its messages appear here.",
                clock=False,
            ),
        )

    def terminal_commands(self) -> TerminalCard:
        """Commands that hand a message in to the first experiment."""
        from labkit.view.terminal_card import TerminalCard

        address = self.world.address(SUBMIT, 587)
        assert address is not None
        return TerminalCard(*address)

    def submission(self) -> tuple[str, int]:
        """Address and port of a submission server whose mail gets through, for cells with Python."""
        world = self._worlds.get("python")
        if world is None:
            world = self._worlds["python"] = World.open(self.make_spec(), key=f"{self.name} python")
        address = world.address(SUBMIT, 587)
        assert address is not None
        return address

    def success_notice(self) -> NoticeView:
        """The latest notice about what the cells with Python sent."""
        self.submission()
        world = self._worlds["python"]
        world.settle()
        box = world.mailbox(ALICE)
        return self._anew("success notice", lambda: NoticeView(partial(latest_notice, box)))

    # ---- what a lesson fills in

    def recordings(self) -> Mapping[str, Callable[[], Transcript]]:
        """Single sessions of the recorded experiments, and one with all parameters for notices."""
        named = {name: partial(self._recorded_session, name) for name in SESSIONS}
        return {**named, "notify": self._notify_session}

    def recorded(self, name: str) -> SessionWidget:
        """A recorded session, between the two hosts that had it."""
        client, server, title = (
            SESSIONS[name][1:]
            if name in SESSIONS
            else ("Alice's program", SUBMIT, "What a sender can ask for")
        )
        port = 587 if server == SUBMIT else 25
        return self._anew(
            f"recorded {name}",
            lambda: replay(self.recording(name), client=client, server=server, port=port, title=title),
        )

    def predictions(self) -> Mapping[str, Prediction]:
        """Where a message waits, what comes of five days without an answer, what a lost answer does."""
        from labkit.lessons.queue_and_bounces_questions import predictions

        return predictions()

    def observations(self) -> Mapping[str, Observation]:
        """From which line on Alice may go home; which line keeps notices from breeding."""
        from labkit.lessons.queue_and_bounces_questions import observations

        return observations(
            lambda: self._own_session("greylisting", SUBMIT), lambda: self._own_session("down", POST)
        )

    def exercises(self) -> tuple[Exercise, ...]:
        """Complete a notice; set the retry rule; ask for the right notices."""
        from labkit.lessons.queue_and_bounces_notice import complete_the_notice
        from labkit.lessons.queue_and_bounces_notify import ask_for_notices
        from labkit.lessons.queue_and_bounces_rule import set_the_rule

        return complete_the_notice(), set_the_rule(self._rule_played), ask_for_notices()

    @property
    def summary(self) -> tuple[str, ...]:
        """What the learner can do now."""
        return (
            "Say at any moment which host answers for a message.",
            "Read a failure notice, field by field.",
            "Set a retry rule that loses nothing and bothers nobody.",
        )

    outside = "Look for a failure notice in your own mailbox and show its source. Find Reporting-MTA, Action, Status and Diagnostic-Code."

    # ---- inside

    def _mailbox(self, key: str, world: World) -> MailboxCard:
        box = world.mailbox(BOB)
        return self._anew(
            key, lambda: cards.MailboxCard(box.address, lambda: [one.as_received for one in box])
        )

    def _recorded_world(self, name: str) -> World:
        key = f"played {name}"
        if key not in self._worlds:
            special = {"delayed": delayed, "nothing": self.private_world}
            self._worlds[key] = special[name]() if name in special else played(name)
        return self._worlds[key]

    def _recorded_session(self, name: str) -> Transcript:
        experiment, _, server, _ = SESSIONS[name]
        return self._recorded_world(experiment).host(server).sessions[0].transcript

    def _notify_session(self) -> Transcript:
        with self.private_world() as world:
            return run_script(world, NOTIFY, host=SUBMIT)

    def _own_session(self, name: str, host: str) -> Transcript | None:
        """The first session at that host in the learner's own experiment."""
        world = self._worlds.get(name)
        sessions = world.host(host).sessions if world is not None else ()
        return sessions[0].transcript if sessions else None

    def _rule_played(self, world: World) -> None:
        """A rule of the learner's was played: show that, and let the former one go."""
        former = self._worlds.get("rule")
        self._worlds["rule"] = world
        shown = self._cards.get("your rule")
        if isinstance(shown, RetryTimeline):
            shown.follow(world)
        if former is not None:
            former.close()

    def _happened(self, name: str, movement: Movement) -> None:
        """A movement in one of the experiments, on the loop thread: what was guessed about it is told."""
        stored_in = [one.to for one in self._worlds[name].movements if one.kind == "stored"]
        told = {
            "greylisting": movement.kind == "deferred",
            "down": movement.kind == "expired",
            "lost": stored_in.count(STORE) > 1,
        }
        if told[name]:
            self.tell(name)
        for key in ("notice", "mailbox", "observe responsibility", "observe null_path"):
            if key in self._cards:
                self._cards[key].refresh()


def latest_notice(box: Mailbox) -> bytes | None:
    """The newest delivery report in a mailbox."""
    reports = (one.raw for one in reversed(box.messages) if dsn.read(one.raw) is not None)
    return next(reports, None)


def open() -> QueueLesson:
    """The lesson, with its servers running."""
    return QueueLesson()
