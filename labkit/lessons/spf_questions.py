"""The questions of lesson 10: what is compared, what the end of a record does, and what SPF leaves out."""

from __future__ import annotations

from collections.abc import Mapping

from labkit.auth.spf import rules
from labkit.learn.prediction import Observation, Prediction
from labkit.smtp.session import observe
from labkit.smtp.transcript import Transcript


def predictions() -> Mapping[str, Prediction]:
    """Guesses before the runs."""
    return {
        "compare": Prediction(
            "10.p1",
            "A stranger connects to `mx1.receiver.example` and says `MAIL FROM:<alice@sender.example>`. What can the server hold against it?",
            (
                "Alice's password, which the stranger does not know.",
                "The stranger's IP address, which is on no list of sender.example.",
                "The name in EHLO, which is not in sender.example.",
                "Nothing: SMTP lets anybody say anything.",
            ),
            "The stranger's IP address, which is on no list of sender.example.",
            "The name in EHLO and the address in MAIL FROM can be invented. The IP address carries the connection itself, and the domain publishes a list of those that may send for it.",
        ),
        "softfail": Prediction(
            "10.p2",
            "You change `-all` at the end of the record to `~all`. What becomes of the stranger?",
            (
                "Nothing changes: both mean no.",
                "The result is softfail, and mx1 takes the letter.",
                "The result is pass.",
                "The result is neutral, as if there were no record.",
            ),
            "The result is softfail, and mx1 takes the letter.",
            "`-` says: refuse it. `~` says: probably not ours, do not refuse it for that alone (RFC 7208 sections 8.4 and 8.5).",
        ),
        "forged": Prediction(
            "10.p3",
            "The stranger owns `mallory.example`, and its SPF record allows this very computer. MAIL FROM is `me@mallory.example`, the From field says `alice@sender.example`. What does SPF at mx1 say?",
            (
                "fail, because of the From field.",
                "pass, and Bob reads that Alice wrote.",
                "pass, and Bob reads that mallory.example wrote.",
                "permerror, because two domains are named.",
            ),
            "pass, and Bob reads that Alice wrote.",
            "SPF checks the domain of MAIL FROM, or of EHLO. The From field that people see is none of its business (RFC 7208 sections 2.3 and 2.4).",
        ),
    }


def observations(refused: Transcript) -> Mapping[str, Observation]:
    """Which line said whose record is asked for."""
    lines = observe(refused)
    mail = next(note.seq for note in lines if note.octets.startswith(b"MAIL FROM"))
    hello = next(note.seq for note in lines if note.octets.startswith(b"EHLO"))
    reply = next(note.seq for note in lines if note.octets.startswith(b"550"))
    return {
        "refused": Observation(
            "10.o1",
            "The server asked the DNS for the record of one domain. Which line told it which domain?",
            refused,
            frozenset({mail}),
            "The domain of MAIL FROM. The name in EHLO counts in its place when MAIL FROM is empty.",
            rules.MAIL_FROM,
            {
                hello: "That name was not the one asked for here. It is when the sender is `<>`.",
                reply: "That is what came of it. Which line had to be said before?",
            },
            "The answer came at once. So what was looked up stands in a line of the client above it.",
        ),
    }
