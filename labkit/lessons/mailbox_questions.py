"""The questions of lesson 07: who calls, what the second device finds, and which line decided."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from labkit.learn.prediction import Observation, Prediction
from labkit.smtp.rule import Rule
from labkit.smtp.transcript import Transcript

UPDATE = Rule(
    "RFC 1939 section 6",
    "DELE marks a message. QUIT removes what is marked; a connection that ends without QUIT removes nothing.",
)
SEEN = Rule(
    "RFC 3501 section 6.4.5",
    "To fetch the text of a message sets its flag `\\Seen`. Flags lie at the server.",
)


def predictions() -> Mapping[str, Prediction]:
    """Who opens the connection; what the second device finds by POP3; what it shows by IMAP."""
    return {
        "caller": Prediction(
            "07.p1",
            "The letter lies at Bob's server, and his phone is switched on. What happens next?",
            (
                "The server calls the phone and hands it over.",
                "Alice's relay calls the phone.",
                "Nothing, until the phone calls the server.",
                "The phone has it already.",
            ),
            "Nothing, until the phone calls the server.",
            "SMTP pushes, and ends at the mailbox. POP3 and IMAP pull: Bob's program opens the connection.",
        ),
        "second": Prediction(
            "07.p2",
            "The phone fetches the contract by POP3, then the laptop does the same. What does the laptop find?",
            (
                "The contract, as new.",
                "The contract, as read.",
                "Nothing.",
                "An error.",
            ),
            "Nothing.",
            "The phone took it away. It lies on the phone alone, and no server can give it back.",
        ),
        "synced": Prediction(
            "07.p3",
            "Bob reads the tickets on his phone, by IMAP. Then his laptop looks. What does it show?",
            (
                "Nothing: the phone has them.",
                "The tickets, unread.",
                "The tickets, read.",
            ),
            "The tickets, read.",
            "By IMAP the message stays at the server, and so does the note that it was read.",
        ),
    }


def observations(
    fetched: Callable[[], Transcript | None], opened: Callable[[], Transcript | None]
) -> Mapping[str, Observation]:
    """Which line took the message away; which line made the server note that it was read. In the learner's sessions."""
    return {
        "gone": Observation(
            "07.o1",
            "The phone's session. Up to which line could the phone still have changed its mind?",
            None,
            goodbye,
            "QUIT. Up to here the message was only marked. Now the server deletes, and says how many are left.",
            UPDATE,
            beside_goodbye,
            "Think of the line breaking: at which point would the message still be at the server?",
            "RFC 1939 calls it the UPDATE state. One command leads into it.",
            source=fetched,
        ),
        "flag": Observation(
            "07.o2",
            "The phone's session when Bob opened the tickets. Which line told the server that he has read them?",
            None,
            text_fetched,
            "To fetch the text is to read it: the server sets `\\Seen` by itself, and every device can see that.",
            SEEN,
            beside_text_fetched,
            "There is no command that says `I have read it`. Which one gives it away?",
            "Look for the command whose answer holds the text.",
            source=opened,
        ),
    }


def _lines(transcript: Transcript, word: bytes) -> list[int]:
    """Positions of the client's lines that hold a word."""
    return [
        place for place, event in enumerate(transcript) if event.sender == "C" and word in event.data.upper()
    ]


def goodbye(transcript: Transcript) -> frozenset[int]:
    """QUIT, and what the server says to it."""
    return frozenset(
        event.seq
        for place in _lines(transcript, b"QUIT")
        for event in transcript[place : place + 2]
        if event.data
    )


def beside_goodbye(transcript: Transcript) -> dict[int, str]:
    """Words for who points at DELE or RETR."""
    said: dict[int, str] = {}
    for word, command, answer in (
        (
            b"DELE",
            "A mark. `RSET` would take it off again, and so would a broken line.",
            "So it says, and RFC 1939 words its own example so. But is it true already?",
        ),
        (
            b"RETR",
            "That copies the message. To copy is not to take away.",
            "The message comes. The server has it all the same.",
        ),
    ):
        for place in _lines(transcript, word):
            here, *after = transcript[place : place + 2]
            said[here.seq] = command
            said |= {event.seq: answer for event in after}
    return said


def text_fetched(transcript: Transcript) -> frozenset[int]:
    """The command that fetches the text, and the answer with the new flag."""
    return frozenset(
        event.seq for place in _lines(transcript, b"(BODY[])") for event in transcript[place : place + 2]
    )


def beside_text_fetched(transcript: Transcript) -> dict[int, str]:
    """Words for who points at another command."""
    words = {
        b"LOGIN": "That says who he is, not what he reads.",
        b"SELECT": "That opens the folder. His laptop does so too, and reads nothing.",
        b"LOGOUT": "By then it had been noted already.",
    }
    return {transcript[place].seq: says for word, says in words.items() for place in _lines(transcript, word)}
