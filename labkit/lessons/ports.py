"""08: Which port, and which settings? One server with four doors, and a mail program's form tried for real."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from labkit.lessons.chain_lesson import ChainLesson
from labkit.lessons.ports_world import (
    DOORS,
    LOGIN,
    MAIL,
    OWN,
    PROVIDERS,
    STRANGER,
    in_a_world,
    spec,
    try_settings,
)
from labkit.smtp.transcript import Transcript
from labkit.transport.loop_thread import LabError
from labkit.view.port_explorer import PortExplorer
from labkit.view.settings_view import Preset, SettingsView
from labkit.view.tables import Table
from labkit.world import WorldSpec
from labkit.world.account import Account, Tried
from labkit.world.core import AsyncWorld
from labkit.world.doors import Door, knock

if TYPE_CHECKING:
    from labkit.learn import Exercise, Observation, Prediction

T = TypeVar("T")

WRONG = (
    Preset(
        "secure: true on port 587",
        Account(MAIL, 587, "TLS at once", LOGIN),
        "In many libraries `secure: true` means TLS at once.",
    ),
    Preset(
        "Port 25 from a café",
        Account(MAIL, 25, "STARTTLS"),
        "Many access networks and cloud hosts block port 25.",
        blocked=True,
    ),
    Preset(
        "The password before TLS",
        Account(MAIL, 587, "none", LOGIN),
        "The program does not wait for TLS before it logs in.",
    ),
)
KINDS: Mapping[str, str] = {"providers": "What a provider asks for", "wrong": "Three ways to go wrong"}
MENUS: Mapping[str, str] = {"providers": "Provider", "wrong": "Begin with"}


class PortsLesson(ChainLesson):
    """Alice's server has four doors; the providers' servers are stand-ins of the lab."""

    name = "08_ports"
    server = MAIL
    port = 587

    def make_spec(self) -> WorldSpec:
        """Alice's server, Bob's, and the stand-ins."""
        return spec()

    def __init__(self) -> None:
        self._secured: Transcript | None = None
        self._turn = asyncio.Lock()
        super().__init__()

    # ---- what the cells show

    def doors(self) -> PortExplorer:
        """The explorer, to knock at the doors."""
        return self._anew("doors", self._explorer)

    def _explorer(self) -> PortExplorer:
        made = PortExplorer(
            MAIL,
            DOORS,
            lambda port: self._alone(knock(self.world.inner, MAIL, port, STRANGER, OWN)),
            found=self._found,
        )
        made.on_found(self._door_found)
        return made

    def played_doors(self) -> PortExplorer:
        """The doors as the lab has found them in a world of its own."""
        return self._anew("played doors", lambda: PortExplorer(MAIL, DOORS, found=self.recorded_doors()))

    def settings(self, kind: str) -> SettingsView:
        """A mail program's form: with what providers ask for, or with settings that are wrong."""
        return self._anew(f"settings {kind}", lambda: self._settings(kind))

    def _settings(self, kind: str) -> SettingsView:
        made = SettingsView(
            PRESETS[kind],
            lambda account, blocked: self._alone(_send(self.world.inner, account, blocked)),
            login=LOGIN,
            title=KINDS[kind],
            menu=MENUS[kind],
        )
        made.on_tried(self._tried)
        return made

    def played_settings(self, kind: str, number: int = 1) -> SettingsView:
        """One of the presets, tried by the lab in a world of its own."""
        preset = PRESETS[kind][number - 1]
        return self._anew(
            f"played settings {kind} {number}",
            lambda: SettingsView(
                (preset,), login=LOGIN, title=preset.title, menu="", tried=self.recorded_try(kind, number)
            ),
        )

    def providers(self) -> Table:
        """What the providers document, with sources and dates."""
        rows = [
            (one.name, one.server, ", ".join(map(str, one.ports)), one.login, one.source) for one in PROVIDERS
        ]
        return Table(("provider", "server", "ports", "log in with", "source"), rows)

    def address(self, port: int = 587) -> tuple[str, int]:
        """Where a program of this computer finds that door."""
        found = self.world.address(MAIL, port)
        assert found is not None
        return found

    # ---- recorded runs

    def recorded_doors(self) -> Mapping[int, Door]:
        """The four doors, each with its two sessions, in a fresh world."""
        return self._once("recorded doors", lambda: in_a_world(_all_doors))

    def recorded_try(self, kind: str, number: int = 1) -> Tried:
        """A preset sent in a fresh world."""
        preset = PRESETS[kind][number - 1]
        return self._once(
            f"recorded try {kind} {number}",
            lambda: in_a_world(partial(_send, account=preset.account, blocked=preset.blocked)),
        )

    # ---- what a lesson fills in

    def recordings(self) -> Mapping[str, Callable[[], Transcript]]:
        """The sessions at each door."""
        doors = {f"{who}_{port}": (port, who) for port in DOORS for who in ("stranger", "own")}
        return {name: partial(self._door_session, *place) for name, place in doors.items()}

    def predictions(self) -> Mapping[str, Prediction]:
        """Who is let in, what somebody on the way reads, what TLS at the wrong door does."""
        from labkit.lessons.ports_questions import predictions

        return predictions()

    def observations(self) -> Mapping[str, Observation]:
        """Which line turns the stranger away, and which comes first under TLS."""
        from labkit.lessons.ports_questions import observations

        return observations(self._stranger_session, lambda: self._secured)

    def exercises(self) -> tuple[Exercise, ...]:
        """Complete, vary, and choose settings: eight situations, each proved by a delivered message."""
        from labkit.lessons.ports_tasks import exercises

        return exercises()

    @property
    def summary(self) -> tuple[str, ...]:
        """What the learner can do now."""
        return (
            "Choose port and encryption for a program that sends.",
            "Tell relay and submission apart by what a server asks first.",
            "Say from an error message which setting is wrong.",
        )

    outside = "Open the settings of your own mail program. Which server, which port, which encryption does it use for the way out?"

    # ---- inside

    @property
    def _found(self) -> Mapping[int, Door]:
        former = self._cards.get("doors")
        return former.found if isinstance(former, PortExplorer) else {}

    def _door_session(self, port: int, who: str) -> Transcript:
        tried: Tried = getattr(self.recorded_doors()[port], who)
        return tried.program

    def _stranger_session(self) -> Transcript | None:
        door = self._found.get(587)
        return None if door is None else door.stranger.program

    async def _alone(self, work: Coroutine[Any, Any, T]) -> T:
        """One thing at a time: each sets the network on the way as it needs it."""
        async with self._turn:
            if self.world.closed:
                work.close()
                raise LabError("This world was closed. Choose Run > Run All Cells to start the lab again.")
            return await work

    def _door_found(self, door: Door) -> None:
        if door.port == DOORS[-1]:
            self.tell("stranger")
        self._refresh("observe turned_away")

    def _tried(self, tried: Tried) -> None:
        if tried.problem == "not_tls":
            self.tell("secure")
        if tried.delivered and tried.account.encryption == "STARTTLS":
            self._secured = tried.program
            self.tell("readable")
            self._refresh("observe first_secret")

    def _refresh(self, key: str) -> None:
        if key in self._cards:
            self._cards[key].refresh()


PRESETS: Mapping[str, tuple[Preset, ...]] = {
    "providers": tuple(
        Preset(
            one.name,
            one.account,
            f"Documented: `{one.server}`, port {' or '.join(map(str, one.ports))}, log in with {one.login}. {one.remark} "
            f"The lab's stand-in for it is `{one.stand_in}`.",
            one.source,
        )
        for one in PROVIDERS
    ),
    "wrong": WRONG,
}


async def _send(world: AsyncWorld, account: Account, blocked: bool) -> Tried:
    return await try_settings(world, account, blocked=(25,) if blocked else ())


async def _all_doors(world: AsyncWorld) -> Mapping[int, Door]:
    return {port: await knock(world, MAIL, port, STRANGER, OWN) for port in DOORS}


def open() -> PortsLesson:
    """The lesson, with its servers running."""
    return PortsLesson()
