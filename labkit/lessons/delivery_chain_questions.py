"""The questions of lesson 06: which server is called, what a made-up field does, and which line says who handed over."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from labkit.learn.prediction import Observation, Prediction
from labkit.message import header_fields
from labkit.smtp.command import Command
from labkit.smtp.rule import Rule
from labkit.smtp.session import Note, observe
from labkit.smtp.transcript import Transcript

ON_TOP = Rule(
    "RFC 5321 section 4.4",
    "A host that takes a message puts its Received field on top, and changes none of those below.",
)


def predictions() -> Mapping[str, Prediction]:
    """Whom the relay calls, what it does when nobody answers there, where a made-up field ends up."""
    return {
        "order": Prediction(
            "06.p1",
            "DNS names two servers that take mail for `receiver.example`: mx1 with the number 10, mx2 with the number 20. "
            "Which one does Alice's relay call?",
            (
                "mx2: the higher number counts more.",
                "mx1: the lower number comes first.",
                "Both in turn, mx2 twice as often.",
                "Both at once; whoever answers first gets the letter.",
            ),
            "mx1: the lower number comes first.",
            "The number is a preference, like a rank: the lowest is tried first. It is no weight (RFC 5321 section 5.1).",
        ),
        "fallback": Prediction(
            "06.p2",
            "mx1 is down. What becomes of Alice's next letter?",
            (
                "It waits at the relay until mx1 is back.",
                "It goes to mx2, half an hour later.",
                "It goes to mx2 at once.",
                "It comes back to Alice as failed.",
            ),
            "It goes to mx2 at once.",
            "The relay goes down the list within one try; the letter waits only when nobody on it answers (RFC 5321 section 5.1).",
        ),
        "forged": Prediction(
            "06.p3",
            "You hand in a message that begins with a Received field of your own making. What stands in Carol's header?",
            (
                "Nothing of it: the server takes out what clients invent.",
                "Yours alone: the server adds none if there is one already.",
                "Yours on top, as the newest.",
                "Yours, below those that her servers wrote.",
            ),
            "Yours, below those that her servers wrote.",
            "A server adds its field on top and may not change or remove the others (RFC 5321 section 4.4).",
        ),
    }


def observations(last: Callable[[], Transcript | None]) -> Mapping[str, Observation]:
    """Which field says who handed a letter over at the door of a house."""
    return {
        "door": Observation(
            "06.o2",
            "This is how the newest letter reached Bob's mailbox server. Which line says who handed it to `receiver.example`?",
            None,
            lambda transcript: frozenset(top_received(transcript)),
            "The topmost Received field here. The MX of receiver.example wrote it, when the relay called.",
            ON_TOP,
            beside_the_top_field,
            "Each Received field reads: from the one who handed over, by the one who took it and wrote this.",
            "Look behind the word `by`: which of the fields did a server of receiver.example write?",
            source=last,
        ),
    }


def is_command(note: Note, *verbs: str) -> bool:
    """Whether a line is one of these commands."""
    return note.role == "command" and isinstance(note.command, Command) and note.command.verb in verbs


def received_lines(transcript: Transcript) -> list[list[int]]:
    """The lines of each Received field in the first text of a session, from the top."""
    text = [note for note in observe(transcript) if note.role == "text"]
    fields = header_fields(b"".join(note.octets for note in text))
    found = []
    for field in fields:
        if field.name.lower() == "received":
            lines = text[field.line - 1 : field.line - 1 + len(field.raw.splitlines())]
            found.append([note.seq for note in lines])
    return found


def top_received(transcript: Transcript) -> list[int]:
    """The lines of the topmost Received field."""
    found = received_lines(transcript)
    return found[0] if found else []


def beside_the_top_field(transcript: Transcript) -> dict[int, str]:
    """Words for who points beside the topmost Received field."""
    found = {
        number: "A host on Alice's side wrote that one: look behind `by`. It tells who handed the letter to that host."
        for lines in received_lines(transcript)[1:]
        for number in lines
    }
    for note in observe(transcript):
        if is_command(note, "EHLO", "HELO"):
            found[note.seq] = (
                "That is one server of receiver.example calling another. Who had called the first?"
            )
        elif is_command(note, "MAIL"):
            found[note.seq] = "That names the sender of the envelope, not a host."
    return found
