"""The questions of lesson 09: what a machine on the way reads, what becomes of it when the offer is gone, what is said twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from labkit.learn.prediction import Observation, Prediction
from labkit.lessons.tls_order import FORGETS
from labkit.smtp.transcript import Transcript


def predictions() -> Mapping[str, Prediction]:
    """What can be read under STARTTLS, and when its offer is wiped out."""
    return {
        "listen": Prediction(
            "09.p1",
            "The server offers STARTTLS, and Alice's program takes it. What can a machine on the way read?",
            (
                "Nothing at all.",
                "The first lines, until TLS begins.",
                "Sender and recipient, but not the letter.",
                "Everything but the password.",
            ),
            "The first lines, until TLS begins.",
            "A session on 587 begins in clear. After the handshake the addresses are hidden as well as the letter (RFC 3207 section 4).",
        ),
        "strip": Prediction(
            "09.p2",
            "Now the machine changes one line: the offer of STARTTLS. Alice's program takes TLS if it is offered. What happens?",
            (
                "The program stops and warns Alice.",
                "The server notices, and ends the session.",
                "The letter can be read, the password cannot.",
                "All can be read, and Alice sees: sent.",
            ),
            "All can be read, and Alice sees: sent.",
            "The server thinks that the client wanted no TLS, the client that the server has none (RFC 3207 section 6).",
        ),
    }


def observations(last: Callable[[], Transcript | None]) -> Mapping[str, Observation]:
    """The line that is said twice."""
    return {
        "again": Observation(
            "09.o1",
            "This is what Alice's program said and read, the last time that TLS came with STARTTLS. Which line did it have to "
            "say again, because the server had forgotten it?",
            None,
            said_again,
            "The second EHLO. What was said in clear could have been changed on the way, so neither side relies on it any more.",
            FORGETS,
            beside_it,
            "Look for a line that stands there twice: once in clear, once under TLS.",
            "It is the line with which a client introduces itself.",
            source=last,
        )
    }


def said_again(transcript: Transcript) -> frozenset[int]:
    """The EHLO under TLS."""
    return frozenset(
        event.seq
        for event in transcript
        if event.sender == "C" and event.encrypted and event.data.startswith(b"EHLO")
    )


def beside_it(transcript: Transcript) -> dict[int, str]:
    """Words for who points at another line."""
    found = {}
    for event in transcript:
        if event.sender == "C" and event.data.startswith(b"EHLO") and not event.encrypted:
            found[event.seq] = "Here it was said for the first time. Which line says it again?"
        elif event.sender == "C" and event.data.startswith(b"STARTTLS"):
            found[event.seq] = "That asks for TLS, and is said once."
        elif event.sender == "S":
            found[event.seq] = "The server says that. Which line did the program say again?"
    return found
