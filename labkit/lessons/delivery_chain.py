"""06: Who handed this message to whom? The way from relay to mailbox: chosen by DNS, written into the header hop by hop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from labkit.hosts.faults import OpenRelay
from labkit.hosts.movement import Movement
from labkit.lessons.chain_lesson import ChainLesson
from labkit.lessons.delivery_chain_world import (
    ABUSE,
    BOB,
    CAROL,
    FORGERY,
    FORGERY_BEGUN,
    LETTER,
    MALLORY,
    MX1,
    MX2,
    RELAY,
    STORE,
    STRANGER,
    forged,
    looping,
    private,
    sent,
)
from labkit.smtp.transcript import Transcript
from labkit.view.console import Console
from labkit.world import World, WorldSpec, chain, run_script

if TYPE_CHECKING:
    from labkit.learn import Exercise, Observation, Prediction
    from labkit.view.header_trace import HeaderTrace, PastedHeader
    from labkit.view.host_inspector import HostInspector
    from labkit.view.map_view import MapView
    from labkit.view.route_desk import RouteDesk
    from labkit.view.tables import Table
    from labkit.view.terminal_card import TerminalCard

OPEN = "open relay"
MAPS: Mapping[str, str] = {
    "first": "Alice's letter on its way",
    "again": "The same, with mx1 switched off",
}
MAILBOXES: Mapping[str, tuple[str, str]] = {
    "letter": (BOB, "The newest letter in Bob's mailbox: who wrote its header?"),
    "forged": (CAROL, "The newest letter in Carol's mailbox: who wrote its header?"),
}
COMMANDS = (
    (
        "dig",
        "which servers take mail for a domain; the numbers are the preferences",
        "dig @{ip} -p {port} receiver.example MX +short",
    ),
    ("dig", "the address of one of them", "dig @{ip} -p {port} mx1.receiver.example A +short"),
    ("dig", "the same question about a real domain, to your own resolver", "dig gmail.com MX +short"),
)


class DeliveryChainLesson(ChainLesson):
    """The chain with two MX. The open relay stands in a world of its own."""

    name = "06_delivery_chain"
    server = MX2
    client_name = MALLORY

    def __init__(self) -> None:
        self._worlds: dict[str, World] = {}
        super().__init__()

    def make_world(self) -> World:
        """The chain; what happens in it tells what was guessed."""
        world = super().make_world()
        world.on_movement(self._happened)
        return world

    def close(self) -> None:
        """Close all worlds, and everything that shows them."""
        super().close()
        for world in self._worlds.values():
            world.close()

    # ---- what the cells show

    def way(self, name: str = "first") -> MapView:
        """The map of the chain, with a desk: the letter, a switch for each MX, and what the relay asked the DNS."""
        from labkit.view.map_view import MapView

        desk = self._anew(f"desk {name}", self._make_desk)
        drawn = self._anew(
            f"way {name}",
            lambda: MapView(self.world, title=MAPS[name], side=desk, sample=lambda: self._recorded(name)),
        )
        desk.on_switch(drawn.refresh)
        return drawn

    def _make_desk(self) -> RouteDesk:
        from labkit.view.route_desk import RouteDesk

        return RouteDesk(self.world, letter=LETTER, asker=RELAY, servers=(MX1, MX2))

    def header(self, name: str = "letter") -> HeaderTrace:
        """The newest letter in Bob's mailbox ("letter") or in Carol's ("forged"), with the writer of each line."""
        from labkit.view.header_trace import HeaderTrace

        address, title = MAILBOXES[name]
        return self._anew(
            f"header {name}",
            lambda: HeaderTrace(
                self.world,
                address,
                title=title,
                sample=lambda: self._recorded("first" if name == "letter" else name),
            ),
        )

    def own_header(self) -> PastedHeader:
        """A field to paste the source of a real message into."""
        from labkit.view.header_trace import PastedHeader

        return self._anew("own header", lambda: PastedHeader(self.world))

    def make_console(self, name: str) -> Console:
        """The stranger's console at mx2, and the one at the open relay."""
        if name == "open_relay":
            return Console(
                self._open_relay(),
                RELAY,
                client="bulk.example",
                title="A stranger at relay.sender.example",
                outside=False,
                prelude=STRANGER,
                steps=(ABUSE,),
            )
        return Console(
            self.world,
            MX2,
            client=MALLORY,
            title="A stranger hands in a message for Carol",
            outside=False,
            prelude=FORGERY_BEGUN,
            steps=FORGERY,
        )

    def open_relay(self) -> HostInspector:
        """The settings of the relay that serves anybody."""
        from labkit.view.host_inspector import HostInspector

        return self._anew("open relay", lambda: HostInspector(self._open_relay(), host=RELAY, tab="settings"))

    def loop(self) -> MapView:
        """A letter that goes in circles, recorded."""
        from labkit.view.map_view import MapView

        return self._anew("loop", lambda: MapView(self._recorded("loop"), title="A loop, recorded"))

    def routes(self) -> Table:
        """What DNS can say about a domain, and where its mail goes then."""
        from labkit.lessons.delivery_chain_routes import route_table

        return route_table()

    def letter(self) -> bytes:
        """The source of Alice's letter as it lies in Bob's mailbox, recorded: for cells with Python."""
        return self._recorded("first").mailbox(BOB).messages[0].raw

    def terminal_commands(self) -> TerminalCard:
        """Commands that ask this world's own name server."""
        from labkit.view.terminal_card import TerminalCard

        return TerminalCard(*self.world.dns_address(), commands=COMMANDS)

    # ---- what a lesson fills in

    def recordings(self) -> Mapping[str, Callable[[], Transcript]]:
        """The forged message, and the stranger at the relay before and after it was closed."""
        return {
            "forged": lambda: self._recorded("forged").host(MX2).sessions[0].transcript,
            "open": partial(self._abused, True),
            "closed": partial(self._abused, False),
        }

    def predictions(self) -> Mapping[str, Prediction]:
        """Whom the relay calls, what it does when nobody answers, where a made-up field ends up."""
        from labkit.lessons.delivery_chain_questions import predictions

        return predictions()

    def observations(self) -> Mapping[str, Observation]:
        """Which field says who handed over at the door, in the learner's own session."""
        from labkit.lessons.delivery_chain_questions import observations

        return observations(self._latest_session)

    def exercises(self) -> tuple[Exercise, ...]:
        """Order the MX hosts; find the slow hop; find where a forged message came from."""
        from labkit.lessons.delivery_chain_order import order_the_hosts
        from labkit.lessons.delivery_chain_origin import find_the_origin
        from labkit.lessons.delivery_chain_slow import find_the_slow_hop

        return order_the_hosts(), find_the_slow_hop(), find_the_origin()

    @property
    def summary(self) -> tuple[str, ...]:
        """What the learner can do now."""
        return (
            "Say which server a relay calls for a domain, and which one next.",
            "Read a header from the bottom up, and find the hop that took long.",
            "Tell the lines that your own servers wrote from those that were handed in.",
        )

    outside = "Open the source of a message in your own mailbox. Find the topmost Received field that names a host outside of your provider."

    # ---- inside

    def _open_relay(self) -> World:
        if OPEN not in self._worlds:
            spec = chain(faults={RELAY: (OpenRelay(),)})
            self._worlds[OPEN] = World.open(spec, key=f"{self.name} {OPEN}")
        return self._worlds[OPEN]

    def _abused(self, is_open: bool) -> Transcript:
        spec: WorldSpec = chain(faults={RELAY: (OpenRelay(),)} if is_open else {})
        with private(spec) as world:
            return run_script(world, (*STRANGER, ABUSE, "QUIT"), host=RELAY)

    def _recorded(self, name: str) -> World:
        """A private world in which it has happened, for readers who run nothing."""
        if name not in self._worlds:
            self._worlds[name] = looping() if name == "loop" else private(self.make_spec())
            world = self._worlds[name]
            if name == "again":
                world.stop(MX1)
            if name in MAPS:
                sent(world)
            elif name == "forged":
                forged(world)
        return self._worlds[name]

    def _latest_session(self) -> Transcript | None:
        """The session in which the newest of Alice's letters came to Bob's mailbox server."""
        taken = [
            one
            for one in self.world.movements
            if one.kind == "accepted" and one.to == STORE and BOB in one.recipients
        ]
        sessions = self.world.host(STORE).sessions if taken else ()
        return next((one.transcript for one in sessions if one.connection == taken[-1].connection), None)

    def _happened(self, movement: Movement) -> None:
        """On the loop thread: tell what was guessed about it, and have the questions look again."""
        if movement.kind == "accepted" and movement.host == RELAY:
            self.tell("order")
            if movement.to == MX2:
                self.tell("fallback")
        if movement.kind == "stored" and CAROL in movement.recipients:
            self.tell("forged")
        if "observe door" in self._cards:
            self._cards["observe door"].refresh()


def open() -> DeliveryChainLesson:
    """The lesson, with its servers running."""
    return DeliveryChainLesson()
