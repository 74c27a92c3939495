"""The worlds of lesson 06: the chain with two MX, and the recorded runs that its cells and exercises are made from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta, timezone
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from labkit.hosts.faults import Greylisting
from labkit.message import header_fields
from labkit.smtp.transcript import Transcript
from labkit.world import RetryRule, World, WorldSpec, chain, run_script
from labkit.world.chain import ZONES

ALICE, BOB, CAROL = "alice@sender.example", "bob@receiver.example", "carol@receiver.example"
SUBMIT, RELAY = "submit.sender.example", "relay.sender.example"
MX1, MX2, STORE = "mx1.receiver.example", "mx2.receiver.example", "store.receiver.example"
MALLORY = "mail.mallory.example"

LETTER = f"From: Alice <{ALICE}>\r\nTo: {BOB}\r\nSubject: Lunch\r\n\r\nAt one, as always?\r\n"
FORGED = "Received: from vault.bank.example by mx.bank.example"
FORGERY_BEGUN = (f"EHLO {MALLORY}", "MAIL FROM:<boss@bank.example>", f"RCPT TO:<{CAROL}>", "DATA")
FORGERY = (FORGED, "Subject: Payment", ".")
STRANGER = ("EHLO bulk.example", "MAIL FROM:<news@bulk.example>")
ABUSE = "RCPT TO:<dave@elsewhere.example>"


def sent(world: World, letter: str = LETTER) -> World:
    """The world after Alice's letter has gone as far as it goes at once."""
    world.submit(letter, sender=ALICE, recipients=(BOB,))
    world.settle()
    return world


def forged(world: World) -> World:
    """The world after a stranger has handed in a message with a Received field of their own."""
    run_script(world, (*FORGERY_BEGUN, *FORGERY, "QUIT"), host=MX2)
    world.settle()
    return world


def private(spec: WorldSpec | None = None) -> World:
    """A world without sockets, for recorded runs. To be closed."""
    return World.open(spec or chain(), transport="memory")


def looping() -> World:
    """The store believes that mx1 keeps Bob's mailbox, and mx1 that the store does. To be closed."""
    back: Mapping[str, Any] = {
        "mailboxes": (), "domains": (STORE,), "relays_for": ("receiver.example",), "next_hops": {"receiver.example": MX1},
        "hop_limit": 8,
    }  # fmt: skip
    return sent(private(chain(hosts={STORE: back, MX1: {"hop_limit": 8}})))


# ---- the messages of the exercises


def slow_header(keeper: str, minutes: int, zone: tuple[str, int], detour: int) -> bytes:
    """The header of a letter that ``keeper`` kept for so many minutes, and one host before it for ``detour`` minutes.

    One host, the first of ``zone``, has its clock in a time zone so many hours from UTC, as hosts may (RFC 5322
    section 3.3); that much is rewritten, the moments are those of the run.
    """
    before = {RELAY: SUBMIT, MX1: RELAY}
    next_of = {SUBMIT: RELAY, RELAY: MX1, MX1: STORE}
    rules = {
        keeper: {"retry": RetryRule(first=60.0 * minutes)},
        before[keeper]: {"retry": RetryRule(first=60.0 * detour)},
    }
    one_mx = "\n".join(line for line in ZONES.splitlines() if "MX   20" not in line)
    with private(chain(zones=one_mx, hosts=rules)) as world:
        for host in rules:
            world.switch_on(Greylisting(60.0), host=next_of[host])
        sent(world)
        world.clock.advance(minutes=minutes + detour + 1)
        (message,) = world.mailbox(BOB)
        return _in_zone(message.raw, *zone)


def _in_zone(message: bytes, host: str, hours: int) -> bytes:
    there = timezone(timedelta(hours=hours))
    for field in header_fields(message):
        if field.name == "Received" and f"by {host} " in field.value:
            text = field.raw.decode()
            date = text.rpartition(";")[2].strip()
            moved = format_datetime(parsedate_to_datetime(date).astimezone(there))
            return message.replace(field.raw, text.replace(date, moved).encode())
    raise ValueError(f"no field by {host}")


def handed_in_by(
    stranger: str, address: str, letter: str, sender: str, offers: tuple[str, ...] = ("ENHANCEDSTATUSCODES",)
) -> Transcript:
    """The last session of a message that a stranger's own server brought: from the entry at receiver.example to its store.

    offers  what the store says to EHLO
    """
    label, _, house = stranger.partition(".")
    zones = f"{ZONES}\n$ORIGIN {house}.\n{label} A {address}\n"
    server: Mapping[str, Any] = {"roles": ("relay",), "open_relay": True}
    with private(
        chain(zones=zones, hosts={stranger: server, STORE: {"ehlo": offers}}, client=f"pc.{house}")
    ) as world:
        world.submit(letter, sender=sender, recipients=(BOB,), host=stranger, port=25, exact=True)
        world.settle()
        return world.host(STORE).sessions[0].transcript
