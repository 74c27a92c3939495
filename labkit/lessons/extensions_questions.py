"""The questions of lesson 03: how often a client waits, when a message is too big, and what HELO costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from labkit.learn.prediction import Observation, Prediction
from labkit.lessons.grading import replies
from labkit.smtp.command import Command
from labkit.smtp.rule import Rule
from labkit.smtp.session import observe
from labkit.smtp.transcript import Transcript


def predictions() -> Mapping[str, Prediction]:
    """Waits, the moment of a refusal, and what is left after HELO."""
    return {
        "waits": Prediction(
            "03.p1",
            "One message, three recipients. How often does the program wait for the server?",
            (
                "3 times: once for each recipient.",
                "5 times: once for each kind of command.",
                "9 times: for the greeting, each command, and the text.",
                "More than 20 times.",
            ),
            "9 times: for the greeting, each command, and the text.",
            "Greeting, EHLO, MAIL, three RCPT, DATA, the text, QUIT. Each is said, carried over, answered and carried back.",
        ),
        "too_big": Prediction(
            "03.p2",
            "mx1 has said SIZE 20000, and the client says SIZE=30000 in its MAIL line. When is the message refused?",
            (
                "At EHLO: the server hangs up.",
                "At MAIL: before any text.",
                "After the text: the server counts it.",
                "Never: the rest is cut off.",
            ),
            "At MAIL: before any text.",
            "The number in MAIL is enough for a no. A message that was cut off would be another message; no server may do that.",
        ),
        "helo": Prediction(
            "03.p3",
            "You greet mx1 with HELO, and say MAIL FROM:<alice@sender.example> BODY=8BITMIME. What does it answer?",
            (
                "250: it can do that, whoever asks.",
                "555: it takes no such parameter.",
                "503: wrong order.",
                "It hangs up.",
            ),
            "555: it takes no such parameter.",
            "HELO gets no list, so nothing was offered. The server keeps to that, and so must the client (RFC 5321 section 2.2.1).",
        ),
    }


def observations(own: Callable[[str], Transcript | None]) -> Mapping[str, Observation]:
    """Where the server offers to be waited for less; which line made the early refusal possible."""
    return {
        "offer": Observation(
            "03.o1",
            "Which line of the server offers a way to wait less?",
            None,
            lambda transcript: frozenset(
                event.seq
                for event in transcript
                if event.sender == "S" and b"PIPELINING" in event.data.upper()
            ),
            "PIPELINING: the client may send several commands before it reads the answers.",
            Rule("RFC 2920 section 3", "A server that lists PIPELINING takes commands in groups."),
            beside_the_offer,
            "It stands in the answer to EHLO. Read each word of that list as an offer.",
            "Pipe and line are both in it.",
            source=lambda: own("in_turn"),
        ),
        "announced": Observation(
            "03.o2",
            "In the session with mx1: which line of the client made it possible to refuse before the text?",
            None,
            lambda transcript: frozenset(
                note.seq
                for note in observe(transcript)
                if note.role == "command"
                and isinstance(note.command, Command)
                and note.command.parameter("SIZE") is not None
            ),
            "It announces 30,000 octets. The server compares that with its limit, and needs no text to say no.",
            Rule("RFC 1870 section 6.1", "MAIL may say SIZE=, the number of octets that will come."),
            beside_the_size,
            "What did the server know when it said 552? It had not seen the text.",
            "Look for the number of octets, on a line of the client.",
            source=lambda: own("with_size"),
        ),
    }


def beside_the_offer(transcript: Transcript) -> dict[int, str]:
    """What the other offers are about."""
    said = {
        b"SIZE": "This line is about how big a message may be.",
        b"8BITMIME": "This line is about the octets in the text, not about waiting.",
        b"SMTPUTF8": "This line is about addresses and fields beyond ASCII.",
        b"CHUNKING": "Near: with this the text needs no 354 before it. The commands before it are another matter.",
        b"DSN": "This line is about notices of delivery.",
        b"ENHANCEDSTATUSCODES": "This line is about a second code in each reply, such as 2.1.0.",
    }
    return {
        event.seq: words
        for event in transcript
        if event.sender == "S"
        for keyword, words in said.items()
        if event.data[4:].upper().startswith(keyword)
    }


def beside_the_size(transcript: Transcript) -> dict[int, str]:
    """What the lines around the announcement are."""
    found: dict[int, str] = {}
    for note, reply in replies(transcript):
        if reply.code == 552:
            found[note.seq] = "That is the refusal itself. What had the server been told by then?"
    for event in transcript:
        if event.sender == "S" and event.data[4:].startswith(b"SIZE"):
            found[event.seq] = "Here the server names its limit. It does not know yet how big the message is."
        elif event.sender == "C" and event.data.startswith(b"EHLO"):
            found[event.seq] = "EHLO asks what there is. It says nothing about a message."
    return found
