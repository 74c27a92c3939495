"""The same scenario over real TCP and in memory gives the same transcript.

What may differ, and `Transcript.same_wire` therefore leaves out: the time and the connection's number
(here they are equal too, by the virtual clock and because each world is fresh), and segmentation: TCP may
join or split what was written. Ports never appear in a transcript. Nothing else may differ.
"""

from __future__ import annotations

import base64

import pytest

from labkit.hosts.mail_host import HostSpec
from labkit.smtp.transcript import Transcript
from labkit.world import play, receiver, sample_receiver

HELLO = "EHLO client.sender.example"
MAIL = "MAIL FROM:<alice@sender.example>"
RCPT = "RCPT TO:<bob@receiver.example>"
TEXT = ["From: Alice <alice@sender.example>", "Subject: Hi", "", "One line."]
LOGIN = base64.b64encode(b"\0alice\0secret").decode()

SCENARIOS: dict[str, tuple[HostSpec, list[str | bytes]]] = {
    "sample": (sample_receiver(), [HELLO, MAIL, RCPT, "DATA", *TEXT, ".", "QUIT"]),
    "friendly": (receiver(), [HELLO, MAIL, RCPT, "DATA", *TEXT, ".", "QUIT"]),
    "helo": (receiver(), ["HELO client.sender.example", MAIL, RCPT, "DATA", *TEXT, ".", "QUIT"]),
    "wrong order": (receiver(), [MAIL, RCPT, "DATA", HELLO, RCPT, "DATA", MAIL, MAIL, "DATA", RCPT, "QUIT"]),
    "no QUIT": (receiver(), [HELLO, MAIL]),
    "nothing said": (receiver(), []),
    "cut line": (receiver(), [HELLO, b"MAIL FROM:<alice@"]),
    "cut in the text": (receiver(), [HELLO, MAIL, RCPT, "DATA", b"Subject: H"]),
    "rest after QUIT": (receiver(), [HELLO, b"QUIT\r\nNOOP\r\n"]),
    "unknown verbs": (receiver(), [HELLO, *(f"FOO{n}" for n in range(12)), b"\xff\xfe\r\n", "", " ", "QUIT"]),
    "pieces": (receiver(), [b"EH", b"LO client", b".example\r", b"\n", b"QUIT\r\n"]),
    "bare LF": (receiver(), [b"EHLO client.example\n", b"NOOP\n", b"QUIT\n"]),
    "pipelined": (
        receiver(),
        [HELLO, f"{MAIL}\r\n{RCPT}\r\nRCPT TO:<nobody@receiver.example>\r\nDATA", "a", ".", "QUIT"],
    ),
    "pipelined, nobody": (
        receiver(),
        [HELLO, f"{MAIL}\r\nRCPT TO:<nobody@receiver.example>\r\nDATA\r\nQUIT"],
    ),
    "everything at once": (
        receiver(),
        ["\r\n".join([HELLO, MAIL, RCPT, "DATA", *TEXT, ".", "QUIT"])],
    ),
    "smuggling": (
        receiver(),
        [HELLO, MAIL, RCPT, "DATA", b"a\n.\r\nMAIL FROM:<evil@example.net>\r\n\r.\r\r\n..\r\n", ".", "QUIT"],
    ),
    "long lines": (
        receiver(),
        [HELLO, "NOOP " + "x" * 505, "NOOP " + "x" * 506, "NOOP " + "x" * 70000, MAIL, RCPT, "DATA",
         "y" * 998, "y" * 70000, ".", "QUIT"],
    ),
    "large text": (receiver(), [HELLO, MAIL, RCPT, "DATA", b"0123456789abcde\r\n" * 10000 + b".\r\n", "QUIT"]),
    "too large": (receiver(size_limit=100), [HELLO, MAIL, RCPT, "DATA", *["x" * 50] * 4, ".", "QUIT"]),
    "any time": (receiver(), ["NOOP", "RSET", "VRFY bob", "EXPN staff", "HELP", "HELP MAIL", "QUIT x", "QUIT"]),
    "STARTTLS": (receiver(), [HELLO, "STARTTLS", MAIL, HELLO, "STARTTLS", MAIL, RCPT, "DATA", *TEXT, ".", "QUIT"]),
    "STARTTLS, no QUIT": (receiver(), [HELLO, "STARTTLS", HELLO]),
    "AUTH": (
        receiver(auth={"alice": "secret"}),
        [HELLO, "AUTH PLAIN", "STARTTLS", HELLO, f"auth plain {LOGIN}", "AUTH LOGIN", MAIL, "QUIT"],
    ),
    "AUTH fails": (
        sample_receiver(),
        [HELLO, "AUTH LOGIN", "YWxpY2U=", "c2VjcmV0", "AUTH LOGIN", "*", "AUTH PLAIN !", "AUTH X", "QUIT"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SCENARIOS)
def test_loopback_and_memory_tell_the_same_session(name: str) -> None:
    spec, lines = SCENARIOS[name]
    memory = play(lines, spec, transport="memory", deadline=60)
    loopback = play(lines, spec, transport="loopback", deadline=60)
    assert len(memory) > 0
    assert memory.same_wire(loopback), f"{memory.to_text()}\n---\n{loopback.to_text()}"


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("transport", ["memory", "loopback"])
def test_twice_the_same_to_the_last_event(name: str, transport: str) -> None:
    spec, lines = SCENARIOS[name]
    first, second = (play(lines, spec, transport=transport, deadline=60) for _ in range(2))  # type: ignore[arg-type]
    assert first.events == second.events
    if transport == "memory":  # TCP may join and split
        assert first.to_text() == second.to_text()


def test_the_comparison_can_fail() -> None:
    spec, lines = SCENARIOS["sample"]
    other = play([*lines[:-1], "NOOP", "QUIT"], spec)
    assert not play(lines, spec).same_wire(other)
    assert not play(lines, spec).same_wire(Transcript())
