"""07: Where does Bob read it? Mail is pushed as far as his mailbox; his devices come and pull, each in its own way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from labkit.explainers.reading import notes
from labkit.lessons.chain_lesson import ChainLesson
from labkit.lessons.mailbox_world import STORE, household, played, spec
from labkit.smtp.transcript import Transcript
from labkit.view.devices_view import DevicesView
from labkit.world import World, WorldSpec
from labkit.world.household import Household

if TYPE_CHECKING:
    import ssl

    from labkit.learn import Exercise, Observation, Prediction

TITLES: Mapping[str, str] = {
    "one": "One phone, POP3",
    "pop3": "Phone and laptop, both POP3",
    "imap": "Phone and laptop, both IMAP",
    "copy": "Phone and laptop, POP3 that leaves a copy",
    "mixed": "A phone with IMAP, and an old computer with POP3",
}


class MailboxLesson(ChainLesson):
    """Each experiment has a world of its own, so that one's mail is not another's; `world` is that of the first."""

    name = "07_mailbox"
    server = STORE

    def __init__(self) -> None:
        self._homes: dict[str, tuple[World, Household]] = {}
        super().__init__()

    def make_spec(self) -> WorldSpec:
        """The chain, with doors for POP3 and IMAP at its end."""
        return spec()

    def make_world(self) -> World:
        """The world of the first experiment."""
        return self._home("one")[0]

    def close(self) -> None:
        """Close all worlds, and everything that shows them."""
        super().close()
        for world, _ in self._homes.values():
            world.close()

    # ---- what the cells show

    def devices(self, name: str) -> DevicesView:
        """An experiment: the buttons, the mailbox, the devices, and each session."""
        home = self._home(name)[1]
        return self._anew(
            f"devices {name}",
            lambda: DevicesView(home, title=TITLES[name], told=lambda: self._happened(name, home)),
        )

    def played_devices(self, name: str) -> DevicesView:
        """The same experiment, gone through by the lab on a world of its own."""
        key = f"played {name}"
        if key not in self._homes:
            self._homes[key] = played(name)
        home = self._homes[key][1]
        return self._anew(key, lambda: DevicesView(home, title=TITLES[name], live=False))

    def reading_at(self, port: int) -> tuple[str, int]:
        """Where a program of this machine reaches Bob's mailbox, for cells with Python."""
        address = self._home("mixed")[0].address(STORE, port)
        assert address is not None
        return address

    def trust(self) -> ssl.SSLContext:
        """What Python's own programs need in order to talk TLS with the lab's servers, whose names they do not call."""
        import ssl

        from labkit.hosts.tls import AUTHORITY

        context = ssl.create_default_context(cafile=str(AUTHORITY))
        context.check_hostname = False
        return context

    # ---- what a lesson fills in

    def predictions(self) -> Mapping[str, Prediction]:
        """Who calls; what the second device finds by POP3; what it shows by IMAP."""
        from labkit.lessons.mailbox_questions import predictions

        return predictions()

    def observations(self) -> Mapping[str, Observation]:
        """Which line took a message away; which line made the server note that it was read."""
        from labkit.lessons.mailbox_questions import observations

        return observations(
            lambda: self._own_session("one", "took"), lambda: self._own_session("imap", "read")
        )

    def exercises(self) -> tuple[Exercise, ...]:
        """Choose for four people; find the line that took a message; speak POP3."""
        from labkit.lessons.mailbox_commands import speak_pop3
        from labkit.lessons.mailbox_lost import find_the_lost_message
        from labkit.lessons.mailbox_people import choose_for_people

        return choose_for_people(), find_the_lost_message(), speak_pop3()

    @property
    def summary(self) -> tuple[str, ...]:
        """What the learner can do now."""
        return (
            "Say who opens each connection, from Alice's program to Bob's phone.",
            "Choose POP3 or IMAP for somebody, and say what the other would cost.",
            "Find out which device took a message away.",
        )

    outside = (
        "Open the account settings of your mail program. Which protocol does it read with, and at which port?"
    )

    # ---- inside

    def _home(self, name: str) -> tuple[World, Household]:
        if name not in self._homes:
            world = World.open(self.make_spec(), key=f"{self.name} {name}")
            self._homes[name] = (world, household(name, world.inner))
        return self._homes[name]

    def _own_session(self, name: str, did: str) -> Transcript | None:
        """The first session of the learner's own in which a device did that, without the lines of the message."""
        if name not in self._homes:
            return None
        acts = self._homes[name][1].acts
        act = next((one for one in acts if one.protocol != "SMTP" and one.says.startswith(did)), None)
        if act is None:
            return None
        transcript = act.session.transcript
        told = zip(transcript, notes(transcript), strict=True)
        return Transcript(tuple(event for event, one in told if one.role != "text"))

    def _happened(self, name: str, home: Household) -> None:
        """Something was done in one of the experiments, on the loop thread: what was guessed about it is told."""
        first, *others = home.devices
        told = {
            "one": ("caller", first.letters),
            "pop3": (
                "second",
                any(one.letters for one in home.devices) and all(one.fetched for one in home.devices),
            ),
            "imap": ("synced", any(one.read for other in others for one in other.letters)),
        }
        if name in told:
            question, true = told[name]
            if true:
                self.tell(question)
        for key in ("observe gone", "observe flag"):
            if key in self._cards:
                self._cards[key].refresh()


def open() -> MailboxLesson:
    """The lesson, with its servers running."""
    return MailboxLesson()
