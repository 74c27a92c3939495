"""What the lines of a POP3 or IMAP session are: commands, answers, text of messages, and what each of them says.

They are put into plain words, no more: what follows from them is what lessons ask about.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal

from labkit.frozen import dataclass
from labkit.smtp.wire import WireEvent

Role = Literal["command", "answer", "list", "text", "closed"]

_POP3: Mapping[str, str] = {
    "USER": "Who I am.",
    "PASS": "And my password. On the way it is under TLS.",
    "CAPA": "What can you do?",
    "STAT": "How many messages, how many octets?",
    "LIST": "How long is each message?",
    "UIDL": "Which messages have you? By names that stay the same.",
    "RETR": "Give me this message.",
    "TOP": "Give me its header and some lines.",
    "DELE": "Delete this message.",
    "RSET": "Take all the marks off.",
    "NOOP": "Are you still there?",
    "QUIT": "Good-bye.",
    "STLS": "Let us go on under TLS.",
}
_IMAP: Mapping[str, str] = {
    "CAPABILITY": "What can you do?",
    "LOGIN": "Who I am, and my password. On the way they are under TLS.",
    "AUTHENTICATE": "Who I am, and a proof of it.",
    "SELECT": "Open this folder.",
    "EXAMINE": "Open this folder, only for looking.",
    "LIST": "Which folders are there?",
    "STATUS": "How many messages are in that folder?",
    "STORE": "Change the flags of this message.",
    "EXPUNGE": "Take out what is marked as deleted.",
    "CLOSE": "Close the folder, and take out what is marked as deleted.",
    "COPY": "Put a copy into that folder.",
    "APPEND": "Put this message into that folder.",
    "SEARCH": "Which messages fit?",
    "CREATE": "Make a folder.",
    "IDLE": "Tell me when something changes.",
    "NOOP": "Has anything changed?",
    "STARTTLS": "Let us go on under TLS.",
    "LOGOUT": "Good-bye.",
}
_LITERAL = re.compile(rb"\{(\d+)\}\r\n$")


@dataclass(frozen=True, slots=True)
class ReadingNote:
    """One line of such a session."""

    seq: int
    role: Role
    says: str
    """The same in plain words; empty where the line says it itself."""


def notes(events: Iterable[WireEvent]) -> tuple[ReadingNote, ...]:
    """A note for each line, in their order. Any octets will do."""
    made = []
    verb, multi, literal, imap, first = "", False, 0, False, True
    for event in events:
        line = event.data
        if not line:
            made.append(ReadingNote(event.seq, "closed", ""))
        elif literal > 0:
            literal -= len(line)
            made.append(ReadingNote(event.seq, "text", ""))
        elif event.sender == "C":
            verb, says = _command(line, imap)
            made.append(ReadingNote(event.seq, "command", says))
            if (found := _LITERAL.search(line)) is not None:
                literal = int(found[1])
        elif multi:
            multi = line != b".\r\n"
            role: Role = "text" if verb in ("RETR", "TOP") and multi else "list"
            made.append(ReadingNote(event.seq, role, "" if multi else "The end of it."))
        else:
            imap = imap or line.startswith(b"* ")
            says = "The server greets, and waits." if first else _answer(line, imap)
            made.append(ReadingNote(event.seq, "answer", says))
            if (found := _LITERAL.search(line)) is not None and imap:
                literal = int(found[1])
            multi = not imap and line.startswith(b"+OK") and _has_more(verb, made)
        first = False
    return tuple(made)


def _has_more(verb: str, made: list[ReadingNote]) -> bool:
    """Whether this +OK is the answer to a command whose answers go on to a dot."""
    asked = len(made) > 1 and made[-2].role == "command"
    return asked and (verb in ("RETR", "TOP", "CAPA") or verb in ("LIST all", "UIDL all"))


def _command(line: bytes, imap: bool) -> tuple[str, str]:
    words = line.decode("utf-8", "replace").upper().split()
    if imap:
        words = words[1:]
        if words[:1] == ["UID"]:
            words = words[1:]
        verb = words[0] if words else ""
        if verb == "FETCH":
            if "PEEK" in " ".join(words):
                return verb, "Number, flags and subject of each. Looking marks nothing."
            return verb, "Give me the whole message."
        return verb, _IMAP.get(verb, "")
    verb = words[0] if words else ""
    every = verb in ("LIST", "UIDL") and len(words) == 1
    return f"{verb} all" if every else verb, _POP3.get(verb, "")


def _answer(line: bytes, imap: bool) -> str:
    text = line.decode("utf-8", "replace")
    if not imap:
        return "No." if text.startswith("-ERR") else ""
    if text.startswith("* "):
        if " FETCH " in text:
            return "Something of one message: its flags, its text."
        if " EXISTS" in text:
            return "So many messages are in this folder."
        if text.startswith("* BYE"):
            return "The server will close."
        return ""
    words = text.split()
    return {"OK": "Done.", "NO": "No.", "BAD": "I do not understand that."}.get(
        words[1] if len(words) > 1 else "", ""
    )
