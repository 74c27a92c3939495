"""The questions of lesson 08: who is let in where, what is readable on the way, and what a wrong setting does."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from labkit.learn.prediction import Observation, Prediction
from labkit.smtp.rule import Rule
from labkit.smtp.transcript import Transcript


def predictions() -> Mapping[str, Prediction]:
    """Which door a stranger may use, what is read before TLS, what TLS at the wrong door does."""
    return {
        "stranger": Prediction(
            "08.p1",
            "Bob's server has mail for Alice, and no account here. Which door lets it in?",
            ("Port 25.", "Port 465.", "Port 587.", "All four."),
            "Port 25.",
            "Mail servers are strangers to each other. Without a door for strangers Alice would get no mail.",
        ),
        "readable": Prediction(
            "08.p2",
            "Somebody on the way listens at port 587. What do they read before TLS is up?",
            (
                "Nothing.",
                "The greeting and what is offered.",
                "The password, in base64.",
                "Everything, the message too.",
            ),
            "The greeting and what is offered.",
            "The program asks for TLS with STARTTLS, and logs in only then. At 465 they read nothing of this.",
        ),
        "secure": Prediction(
            "08.p3",
            "A program is set to TLS at once, on port 587. What happens?",
            (
                "It works, with better protection.",
                "It works, and goes on in clear.",
                "The handshake fails at once.",
                "The server answers 530.",
            ),
            "The handshake fails at once.",
            "The program reads the server's greeting where it expects TLS. `220` is no TLS, so it gives up.",
        ),
    }


def observations(
    stranger: Callable[[], Transcript | None], secured: Callable[[], Transcript | None]
) -> Mapping[str, Observation]:
    """The line that turns the stranger away; the first one that nobody on the way reads. In the learner's own sessions."""
    return {
        "turned_away": Observation(
            "08.o1",
            "Bob's server at port 587. Which line turns it away?",
            None,
            lambda session: _lines(session, b"530"),
            "530: authentication required. This door wants to know who you are, whoever the mail is for.",
            Rule(
                "RFC 6409 section 4.3",
                "A server for submission answers 530 to MAIL from somebody who has not logged in.",
            ),
            lambda session: dict.fromkeys(
                _lines(session, b"250"), "That line goes along with it. Which one says no?"
            ),
            "Look for the one reply that does not begin with 2.",
            "It answers MAIL.",
            source=stranger,
        ),
        "first_secret": Observation(
            "08.o2",
            "Your last message that went by STARTTLS. Which line is the first that nobody on the way reads?",
            None,
            _first_secret,
            "EHLO, said once more. What was said in clear is forgotten, so the program greets again.",
            Rule(
                "RFC 3207 section 4.2",
                "After the handshake both sides forget what they have learned, and the client says EHLO again.",
            ),
            _before_tls,
            "TLS is up when the handshake is done. Which line comes next?",
            "The 220 to STARTTLS is still in clear.",
            source=secured,
        ),
    }


def _lines(session: Transcript, code: bytes) -> frozenset[int]:
    return frozenset(event.seq for event in session if event.sender == "S" and event.data.startswith(code))


def _first_secret(session: Transcript) -> frozenset[int]:
    return frozenset([event.seq for event in session if event.encrypted and event.data][:1])


def _before_tls(session: Transcript) -> dict[int, str]:
    """Words for who points at a line beside it."""
    found: dict[int, str] = {}
    for event in session:
        if event.data.upper().startswith(b"STARTTLS"):
            found[event.seq] = "That line asks for TLS. It is itself in clear."
        elif event.data.startswith(b"220") and event.seq > 1:
            found[event.seq] = "That line permits the handshake, and is in clear."
        elif event.data.upper().startswith(b"AUTH"):
            found[event.seq] = "Nobody reads that one. An earlier line was the first."
    return found
