"""The servers of lesson 03, and what is said to them: the ways to send one message, and the recorded sessions."""

from __future__ import annotations

from collections.abc import Mapping

from labkit.hosts.host_spec import HostSpec
from labkit.smtp.transcript import Transcript
from labkit.view.round_trips_view import Way
from labkit.world import play

PEOPLE = ("bob", "carol", "dave")
LIMIT = 20_000
OFFERS = ("PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8", "CHUNKING", "DSN", "ENHANCEDSTATUSCODES")
MX1 = HostSpec(
    "mx1.receiver.example", (*PEOPLE, "zoë", "josé"), ehlo=OFFERS, size_limit=LIMIT, starttls=False
)
MX2 = HostSpec("mx2.receiver.example", PEOPLE, ehlo=(), size_limit=LIMIT, starttls=False)
LIMITED = HostSpec(
    "mx1.receiver.example",
    PEOPLE,
    ehlo=("LIMITS", "ENHANCEDSTATUSCODES"),
    recipient_limit=2,
    starttls=False,
)

HELLO, QUIT = "EHLO sender.example", "QUIT"
FROM_ALICE = "MAIL FROM:<alice@sender.example>"
TO_ALL = tuple(f"RCPT TO:<{name}@receiver.example>" for name in PEOPLE)
NOTE = ("Subject: Lunch", "", "At one, as always?")


def octets(*lines: str) -> bytes:
    """The lines as they go over the wire, in one piece."""
    return "".join(f"{line}\r\n" for line in lines).encode()


def text_of(size: int, words: str = "A picture of the garden, in letters. ") -> bytes:
    """A message of exactly that many octets, with ordinary lines. Raises ValueError for fewer than 300."""
    if size < 300:
        raise ValueError(f"expected 300 octets or more, received {size}")
    head = octets("From: alice@sender.example", "To: bob@receiver.example", "Subject: The garden", "")
    line = (words * 3).encode() + b"\r\n"
    body = line * ((size - len(head)) // len(line) - 1)
    return head + body + b"x" * (size - len(head) - len(body) - 2) + b"\r\n"


BIG = text_of(30_000)

IN_TURN = Way(
    "in_turn",
    "One command at a time",
    "Send it",
    MX1.name,
    (*map(octets, (HELLO, FROM_ALICE, *TO_ALL, "DATA")), octets(*NOTE, "."), octets(QUIT)),
)
IN_GROUPS = Way(
    "in_groups",
    "In groups (PIPELINING)",
    "Send it in groups",
    MX1.name,
    (octets(HELLO), octets(FROM_ALICE, *TO_ALL, "DATA"), octets(*NOTE, ".", QUIT)),
)
IN_CHUNKS = Way(
    "in_chunks",
    "In one chunk (CHUNKING)",
    "Send it in one chunk",
    MX1.name,
    (
        octets(HELLO),
        octets(FROM_ALICE, *TO_ALL, f"BDAT {len(octets(*NOTE))} LAST") + octets(*NOTE) + octets(QUIT),
    ),
)
WITH_SIZE = Way(
    "with_size",
    "The size announced",
    "Send it to mx1",
    MX1.name,
    (octets(HELLO), octets(f"{FROM_ALICE} SIZE={len(BIG)}"), octets(QUIT)),
)
WITHOUT_SIZE = Way(
    "without_size",
    "No size announced",
    "Send it to mx2",
    MX2.name,
    (
        *map(octets, (HELLO, FROM_ALICE, TO_ALL[0], "DATA")),
        BIG + b".\r\n",
        octets(QUIT),
    ),
)
WAYS: Mapping[str, Way] = {way.name: way for way in (IN_TURN, IN_GROUPS, IN_CHUNKS, WITH_SIZE, WITHOUT_SIZE)}
"""Every way to send that the lesson knows."""

EIGHT_BIT = f"{FROM_ALICE} BODY=8BITMIME"
STEPS: Mapping[str, tuple[str, ...]] = {"helo": ("HELO sender.example", EIGHT_BIT, HELLO, EIGHT_BIT)}
SCRIPTS: Mapping[str, tuple[HostSpec, tuple[str | bytes, ...]]] = {
    "helo": (MX1, (*STEPS["helo"], QUIT)),
    "eight_bit": (
        MX2,
        (HELLO, EIGHT_BIT, FROM_ALICE, TO_ALL[0], "DATA", "Subject: Regards", "", "Viele Grüße", ".", QUIT),
    ),
    "chunks": (
        MX1,
        (
            HELLO,
            FROM_ALICE,
            TO_ALL[0],
            b"BDAT 18\r\nSubject: Dots\r\n\r\n.",
            b"BDAT 10 LAST\r\n\r\n.\r\nEnd\r\n",
            QUIT,
        ),
    ),
    "notices": (
        MX1,
        (
            HELLO,
            f"{FROM_ALICE} RET=HDRS ENVID=garden-7",
            f"{TO_ALL[0]} NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;bob@receiver.example",
            f"{TO_ALL[1]} NOTIFY=NEVER",
            "RSET",
            QUIT,
        ),
    ),
    "two_codes": (MX1, (HELLO, FROM_ALICE, "RCPT TO:<nobody@receiver.example>", QUIT)),
    "one_code": (MX2, (HELLO, FROM_ALICE, "RCPT TO:<nobody@receiver.example>", QUIT)),
    "recipients": (
        LIMITED,
        (HELLO, FROM_ALICE, *TO_ALL, "DATA", *NOTE, ".", FROM_ALICE, TO_ALL[2], "DATA", *NOTE, ".", QUIT),
    ),
    "long_lines": (
        MX1,
        (
            HELLO,
            "NOOP " + "x" * 600,
            FROM_ALICE,
            TO_ALL[0],
            "DATA",
            "Subject: One line",
            "",
            "x" * 999,
            ".",
            QUIT,
        ),
    ),
}
"""The recorded sessions: the server, and the client's lines."""
TITLES: Mapping[str, str] = {
    "helo": "The greeting of 1982, then that of today",
    "eight_bit": "Octets above 127, and a server that offers nothing",
    "chunks": "A message in counted pieces, dots and all",
    "notices": "Which notices the sender wants",
    "two_codes": "A refusal with two codes",
    "one_code": "The same refusal with one code",
    "recipients": "Two recipients at a time",
    "long_lines": "A command of 605 characters, a text line of 999",
}


def record(name: str) -> Transcript:
    """The recorded session `name`, against a fresh private server."""
    spec, lines = SCRIPTS[name]
    return play(lines, spec)


def record_way(name: str) -> Transcript:
    """The message sent in that way, to a fresh private server."""
    way = WAYS[name]
    return play(way.groups, MX1 if way.host == MX1.name else MX2)
