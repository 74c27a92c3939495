"""The worlds of lesson 10: the chain with SPF records and an MX that checks them, and the zones of its experiments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from labkit.frozen import dataclass
from labkit.hosts.policy_auth import SenderCheck
from labkit.smtp.transcript import Transcript
from labkit.verdict import Verdict
from labkit.world import World, WorldSpec, chain, run_script
from labkit.world.chain import ZONES
from labkit.zones import ZoneError

ALICE, BOB = "alice@sender.example", "bob@receiver.example"
RELAY, MX1, STORE = "relay.sender.example", "mx1.receiver.example", "store.receiver.example"
MALLORY, HERE = "mail.mallory.example", "127.0.0.1"
LETTER = f"From: Alice <{ALICE}>\r\nTo: {BOB}\r\nSubject: Lunch\r\n\r\nAt one, as always?\r\n"

CHAIN = ZONES.strip("\n") + "\n"
RECORD = """$ORIGIN sender.example.
@         TXT  "v=spf1 a:relay.sender.example -all"
"""
RELAY_LINE = "relay     A    192.0.2.20\n"
OTHERS = f"""
$ORIGIN mallory.example.
@         TXT  "v=spf1 ip4:{HERE} -all"
"""
LESSON_ZONES = f"{CHAIN}\n{RECORD}{OTHERS}"

STRANGER = (f"EHLO {MALLORY}", f"MAIL FROM:<{ALICE}>")
FORGED = (
    f"EHLO {MALLORY}",
    "MAIL FROM:<me@mallory.example>",
    f"RCPT TO:<{BOB}>",
    "DATA",
    f"From: Alice <{ALICE}>",
    "Subject: My new account",
    "",
    ".",
)

SERVICES = ("news", "crm", "pay", "help", "desk", "poll")
"""Six services that send for sender.example, in the order in which the company takes them on."""
SERVICE_ZONES = """$ORIGIN sender.example.
@      TXT  "v=spf1 mx a:relay.sender.example -all"
@      MX   10 relay
relay  A    192.0.2.20

$ORIGIN news.example.
_spf   TXT  "v=spf1 ip4:203.0.113.16/28 -all"
$ORIGIN crm.example.
_spf   TXT  "v=spf1 include:_eu.crm.example include:_us.crm.example -all"
_eu    TXT  "v=spf1 ip4:203.0.113.32/28 -all"
_us    TXT  "v=spf1 ip4:203.0.113.48/28 -all"
$ORIGIN pay.example.
_spf   TXT  "v=spf1 include:_out.pay.example -all"
_out   TXT  "v=spf1 ip4:203.0.113.65 -all"
$ORIGIN help.example.
_spf   TXT  "v=spf1 ip4:203.0.113.80/28 -all"
$ORIGIN desk.example.
_spf   TXT  "v=spf1 ip4:203.0.113.96/28 -all"
$ORIGIN poll.example.
_spf   TXT  "v=spf1 ip4:203.0.113.112/28 -all"
"""
SERVICE_PEOPLE = {
    "its own relay": "192.0.2.20",
    "news": "203.0.113.17",
    "crm": "203.0.113.49",
    "pay": "203.0.113.65",
    "help": "203.0.113.81",
    "desk": "203.0.113.97",
    "poll": "203.0.113.113",
    "a stranger": "203.0.113.200",
}

_NAMES = " ".join(f"include:_s{n}.terms.example" for n in range(1, 12))
BROKEN_ZONES = f"""$ORIGIN eleven.example.
@  TXT  ( "v=spf1 {_NAMES[:155].rpartition(" ")[0]}"
          " {_NAMES[len(_NAMES[:155].rpartition(" ")[0]) + 1 :]} -all" )
$ORIGIN two.example.
@  TXT  "v=spf1 ip4:192.0.2.20 -all"
@  TXT  "v=spf1 include:_spf.news.example -all"
$ORIGIN void.example.
@  TXT  "v=spf1 a:old1.void.example a:old2.void.example a:old3.void.example ip4:192.0.2.20 -all"
$ORIGIN typo.example.
@  TXT  "v=spf1 ipv4:192.0.2.20 -all"
$ORIGIN news.example.
_spf  TXT  "v=spf1 ip4:203.0.113.16/28 -all"
$ORIGIN terms.example.
*  TXT  "v=spf1 ip4:198.51.100.77 -all"
"""
BROKEN_PEOPLE: Mapping[str, Mapping[str, str]] = {
    name: {"mail_from": f"news@{domain}.example"}
    for name, domain in (
        ("eleven includes", "eleven"), ("two records", "two"), ("old names", "void"), ("a typo", "typo"),
    )
}  # fmt: skip

MACRO_ZONES = """$ORIGIN macro.example.
@        TXT  "v=spf1 exists:%{ir}.%{l}._spf.macro.example exp=why.macro.example -all"
20.2.0.192.alice._spf   A   127.0.0.2
why      TXT  "%{i} may not send for %{s}. Ask postmaster@%{d}."
"""
MACRO_PEOPLE: Mapping[str, Mapping[str, str]] = {
    "alice": {"mail_from": "alice@macro.example", "ip": "192.0.2.20"},
    "bob, same server": {"mail_from": "bob@macro.example", "ip": "192.0.2.20"},
}


def add_service(zones: str) -> str:
    """The zones with the next service in the record of sender.example; unchanged when all are there."""
    missing = [name for name in SERVICES if f"include:_spf.{name}.example" not in zones]
    lines = zones.split("\n")
    at = next((n for n, line in enumerate(lines) if "v=spf1" in line), None)
    if not missing or at is None:
        return zones
    head, all_, tail = lines[at].rpartition(" -all")
    if not all_:
        head, all_, tail = lines[at].rpartition(" ~all")
    if not all_:
        return zones
    lines[at] = f"{head} include:_spf.{missing[0]}.example{all_}{tail}"
    return "\n".join(lines)


def spec(zones: str = LESSON_ZONES, **changes: object) -> WorldSpec:
    """The chain with these zones; mx1 refuses at MAIL what SPF fails."""
    one_mx = zones.replace("@         MX   20 mx2\n", "")
    return chain(zones=one_mx, faults={MX1: (SenderCheck(),)}, **changes)  # type: ignore[arg-type]


def private(zones: str = LESSON_ZONES, **changes: object) -> World:
    """Such a world without sockets, for recorded runs. To be closed."""
    return World.open(spec(zones, **changes), transport="memory")


# ---- real sessions


@dataclass(frozen=True, slots=True)
class Handing:
    """What became of a letter at mx1."""

    verdict: Verdict
    code: int
    """The reply to MAIL."""
    transcript: Transcript

    @property
    def taken(self) -> bool:
        """Whether MAIL got 250."""
        return self.code == 250


def hand_in(zones: str, senders: Mapping[str, str], mail_from: str) -> dict[str, Handing]:
    """Each sender, a host and its address, brings a letter from `mail_from` to mx1, in a session of its own.

    Raises `labkit.zones.ZoneError` if the zones cannot be read.
    """
    return dict(_handed_in(zones, tuple(senders.items()), mail_from))


@lru_cache(maxsize=32)
def _handed_in(
    zones: str, senders: tuple[tuple[str, str], ...], mail_from: str
) -> tuple[tuple[str, Handing], ...]:
    places = "".join(f"{host}. A {address}\n" for host, address in senders if host != RELAY)
    text = f"{CHAIN}\n$ORIGIN .\n{places}\n{zones}"
    outgoing = {"roles": ("relay",), "open_relay": True}
    hosts: dict[str, Mapping[str, object]] = {host: outgoing for host, _ in senders}
    hosts[MX1] = {"ehlo": ("ENHANCEDSTATUSCODES",)}
    found = list[tuple[str, Handing]]()
    with private(text, hosts=hosts) as world:
        mx1 = world.host(MX1)
        (check,) = (one for one in mx1.active_faults if isinstance(one, SenderCheck))
        for host, _ in senders:
            world.submit(LETTER, sender=mail_from, recipients=(BOB,), host=host, port=25, exact=True)
            world.settle()
            session = mx1.sessions[-1].transcript
            found.append((host, Handing(check.verdicts[-1], _reply_to_mail(session), session)))
    return tuple(found)


def _reply_to_mail(session: Transcript) -> int:
    asked = False
    for event in session:
        if asked and event.sender == "S":
            return int(event.data[:3])
        asked = asked or (event.sender == "C" and event.data.upper().startswith(b"MAIL FROM"))
    return 0


def readable(zones: str) -> ZoneError | None:
    """Why the zones cannot be read, if so."""
    from labkit.zones import Zones

    try:
        Zones.from_text(f"{CHAIN}\n{zones}")
    except ZoneError as error:
        return error
    return None


def played(lines: Sequence[str], zones: str = LESSON_ZONES) -> Transcript:
    """A stranger's session at mx1, from this computer's address."""
    with private(zones) as world:
        return run_script(world, (*lines, "QUIT"), host=MX1)


def forwarded(zones: str = LESSON_ZONES) -> Handing:
    """Bob's old school sends Alice's letter on to his new address, and leaves MAIL FROM as it was."""
    return hand_in(zones.removeprefix(CHAIN), {"out.school.example": "192.0.2.130"}, ALICE)[
        "out.school.example"
    ]
