"""What a learner's line did wrong, named in one sentence: the slip, where to look, and no right answer.

The grammar of `labkit.smtp` names slips inside a command. Here is what lies around it: a line of the message said as a
command, a line at the wrong moment, a verb misspelt, an address that nobody here has.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches

from labkit.explainers.line import explain_line
from labkit.frozen import dataclass
from labkit.smtp.command import Command
from labkit.smtp.commands import COMMANDS
from labkit.smtp.expect import NOT_OFFERED
from labkit.smtp.malformed import Malformed
from labkit.smtp.note import Note
from labkit.smtp.reply import Reply
from labkit.smtp.rule import Rule
from labkit.smtp.states import State
from labkit.view.printable import printable, shortened

__all__ = ["ORDER", "PER_RECIPIENT", "Slip", "name_slip", "quoted"]

ORDER = Rule(
    "RFC 5321 section 4.1.4",
    "Commands come in an order. One that comes at the wrong moment is answered by 503 and changes nothing.",
)
PER_RECIPIENT = Rule(
    "RFC 5321 section 3.3", "Each recipient has a RCPT of its own, and each is answered for itself."
)
_TEXT = Rule(
    "RFC 5321 section 4.1.1.4", "After 354 every line is message text, until a line with a dot alone."
)
_VERB = Rule(
    "RFC 5321 section 4.1.1", "A command line begins with the command's name; then a space, then the rest."
)
_UNKNOWN = Rule(
    "RFC 5321 section 4.2.4", "An unknown command is answered by 500, a known one that is not done by 502."
)
_HERE = Rule(
    "RFC 5321 section 3.3", "The server answers each RCPT for itself, and 550 if it takes no mail for it."
)

_HEADER_FIELD = re.compile(
    r"(subject|from|to|cc|bcc|date|reply-to|message-id|sender)\s*:", re.IGNORECASE
)  # RFC 5322 section 3.6
_ADDRESS = re.compile(r"[^\s<>:,@]+@[^\s<>:,@]+")
_GREETED, _OPEN = (State.GREETED, State.ACCEPTED), (State.SENDER, State.RECIPIENTS)


@dataclass(frozen=True, slots=True)
class Slip:
    """What was wrong (`says`), where to look, and the rule; `further` says more, for who has tried again."""

    says: str
    look: str
    rule: Rule
    further: str = ""


def quoted(octets: bytes) -> str:
    """A line for a sentence: escaped, and cut to a readable length."""
    text, more = shortened(printable(octets.rstrip(b"\r\n")), 80)
    return f"`{text or '(an empty line)'}{' …' if more else ''}`"


def name_slip(notes: Sequence[Note], line: Note, reply: Reply, domain: str = "receiver.example") -> Slip:
    """Name what was wrong with a client line that the server refused; `domain` is the one that it takes mail for."""
    text = line.octets.rstrip(b"\r\n").decode("utf-8", "replace").strip()
    command, expected = line.command, line.expectation
    if not isinstance(command, Command) or not command.known:
        return _out_of_place(notes, line, text) or _misspelt(line, text)
    if expected is not None and not expected.allowed:
        if reply.code in (502, 504):
            return Slip(line.why, "Try a command that the row of states names.", expected.rule)
        if expected.rule in NOT_OFFERED:
            return Slip(line.why, "Compare your line with the list in the answer to EHLO.", expected.rule)
        too_early = _too_early(command.verb, line.before)
        return Slip(
            too_early or line.why,
            "Go through the session from the top. What did the server know before this line?",
            ORDER if too_early else expected.rule,
            line.why,
        )
    if command.verb == "RCPT" and command.path is not None and reply.code >= 550:
        path = command.path
        if path.domain.lower() != domain:
            foreign = quoted(path.domain.encode())
            return Slip(
                f"This server has no mailbox {quoted(path.local_part.encode())} at {foreign}."
                if path.domain.lower() == _house(notes)
                else f"{foreign} is no domain of this server.",
                "Compare the part after the @ with the task, letter by letter.",
                _HERE,
            )
        return Slip(
            f"This server has no mailbox {quoted(path.local_part.encode())}.",
            "Compare the part before the @ with the task, letter by letter.",
            _HERE,
        )
    known = explain_line(notes, line.answered_by or line.seq)
    return Slip(
        line.why or known.happened or f"The server refused it with {reply.code}.",
        "Look at that line and at the one before it.",
        known.rules[0] if known.rules else ORDER,
    )


def _house(notes: Sequence[Note]) -> str:
    """The domain of the server: its name in the greeting, without the first label."""
    greeting = next((note.reply for note in notes if note.role == "greeting"), None)
    words = greeting.text.split() if isinstance(greeting, Reply) else []
    return words[0].lower().partition(".")[2] if words else ""


def _out_of_place(notes: Sequence[Note], line: Note, text: str) -> Slip | None:
    """Something that belongs into a message, or no command at all."""
    ended = any(note.role == "end-of-text" and note.seq < line.seq for note in notes)
    if text == ".":
        return Slip(
            "A dot alone came where the server waits for a command.",
            "A dot alone has a meaning in one place only. Had the server asked for the text yet?",
            _TEXT,
        )
    if field := _HEADER_FIELD.match(text):
        name = f"`{field[1]}:`"
        if ended:
            return Slip(
                f"{name} came after the dot. The message had ended there, without this line.",
                "Which line closed the text, and what should have stood before it?",
                _TEXT,
            )
        if field[1].lower() in ("from", "to"):
            return Slip(
                f"{name} begins a field of the message, not a command.",
                "Look at the first word of the lines that the server took in your own session.",
                _VERB,
            )
        return Slip(
            f"{name} is a line of the message, and it came where the server waits for a command.",
            "Which reply says that the server now takes the lines of a message?",
            _TEXT,
        )
    if _ADDRESS.fullmatch(text.strip("<>")):
        return Slip(
            "This is an address alone. What is the server to do with it?",
            "A command says what to do before it says to whom.",
            _VERB,
        )
    if re.match(r"RCPT\b", text, re.IGNORECASE) and len(_ADDRESS.findall(text)) > 1:
        return Slip(
            "One RCPT names two addresses.", "Count the addresses between `RCPT` and the end.", PER_RECIPIENT
        )
    return None


def _misspelt(line: Note, text: str) -> Slip:
    """A verb that does not exist, or a slip in what follows one."""
    if isinstance(line.command, Malformed):
        reason = line.command.reason
        return Slip(
            f"{reason[0].upper()}{reason[1:]}.",
            "Compare it, sign by sign, with a line of that kind that the server took.",
            line.command.rule,
        )
    word = text.partition(" ")[0]
    near = get_close_matches(word.upper(), [name for name in COMMANDS if name != word.upper()], 1, 0.6)
    return Slip(
        f"{quoted(word.encode())} is no command. Its letters come near to one that exists."
        if near
        else f"{quoted(word.encode())} is no command.",
        "Read the first word letter by letter." if near else "The row of states names the commands.",
        _UNKNOWN,
    )


def _too_early(verb: str, state: State) -> str:
    """The line at the wrong moment, in words that do not say which one is missing."""
    if state is State.CONNECTED:
        return f"{verb} came before the client had said who it is."
    if verb == "MAIL" and state in _OPEN:
        return "A second MAIL came while the first message was still open."
    if verb == "RCPT" and state in _GREETED:
        return "RCPT came before the server knew who the message is from."
    if verb in ("DATA", "BDAT") and state in _GREETED:
        return f"{verb} came before the server knew from whom and to whom."
    if verb in ("DATA", "BDAT") and state is State.SENDER:
        return f"{verb} came before anybody was named to receive the message."
    return ""
