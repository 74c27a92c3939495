"""The worlds of lesson 05: the chain with one MX and a mailbox server for Alice, and what goes wrong in each experiment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from labkit.hosts.faults import ConnectionLost, Greylisting
from labkit.world import RetryRule, World, WorldSpec, chain, run_script

ALICE, BOB = "alice@sender.example", "bob@receiver.example"
SUBMIT, RELAY, POST = "submit.sender.example", "relay.sender.example", "post.sender.example"
MX = "mx1.receiver.example"
STORE = "store.receiver.example"

ZONES = """
$ORIGIN sender.example.
@         MX   10 relay
submit    A    192.0.2.10
relay     A    192.0.2.20
post      A    192.0.2.30

$ORIGIN receiver.example.
@         MX   10 mx1
mx1       A    198.51.100.10
mx2       A    198.51.100.20
store     A    198.51.100.30

$ORIGIN gone.example.
@         MX   10 mx
mx        A    203.0.113.10
"""
"""One MX for Bob's domain, so that each try is one session; at gone.example nothing listens."""

RULE = RetryRule(first=1800.0, factor=2.0, longest=86_400.0)
"""Half an hour, twice as long each time, at most a day; given up after five days."""

LETTER = f"From: Alice <{ALICE}>\r\nTo: {BOB}\r\nSubject: Lunch\r\n\r\nAt one, as always?\r\n"


def spec(rule: RetryRule = RULE) -> WorldSpec:
    """Alice's relay keeps a queue by ``rule``; notices for her go on to a server of her own, over a session like all mail."""
    store: Mapping[str, Any] = {
        "mailboxes": ("alice", "postmaster"),
        "ehlo": ("PIPELINING", "SIZE", "8BITMIME", "ENHANCEDSTATUSCODES", "DSN", "HELP"),
    }
    relay: Mapping[str, Any] = {
        "mailboxes": (),
        "roles": ("relay",),
        "relays_for": ("sender.example",),
        "next_hops": {"sender.example": POST},
        "retry": rule,
    }
    return chain(zones=ZONES, hosts={RELAY: relay, POST: store})


TROUBLES: Mapping[str, Callable[[World], object]] = {
    "greylisting": lambda world: world.switch_on(Greylisting(), host=MX),
    "down": lambda world: world.stop(MX),
    "lost": lambda world: world.switch_on(ConnectionLost("accepted", times=1), host=MX),
}
"""The experiments, and what goes wrong at Bob's server in each."""


def played(trouble: str) -> World:
    """An experiment on a private world, gone through to its end: one message, and six days. To be closed."""
    world = World.open(spec(), transport="memory")
    TROUBLES[trouble](world)
    world.submit(LETTER, sender=ALICE, recipients=(BOB,))
    world.settle()
    world.clock.advance(days=6)
    return world


def delayed() -> World:
    """Some hours at Alice's relay after a message that asked to hear of a delay. To be closed."""
    world = World.open(spec(), transport="memory")
    TROUBLES["down"](world)
    said = ("EHLO client.sender.example", f"MAIL FROM:<{ALICE}>", f"RCPT TO:<{BOB}> NOTIFY=DELAY,FAILURE")
    run_script(world, (*said, "DATA", *LETTER.split("\r\n")[:-1], ".", "QUIT"), host=SUBMIT)
    world.settle()
    world.clock.advance(hours=8)
    return world
