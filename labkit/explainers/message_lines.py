"""Explaining lines of message text: header fields, the blank line, dots, and the end."""

from __future__ import annotations

from labkit.explainers.commands import answered_by
from labkit.explainers.effects import recipients_of
from labkit.explainers.explanation import LineExplanation
from labkit.smtp.note import Note
from labkit.smtp.rule import Rule

__all__ = ["FIELDS", "explain_end_of_text", "explain_text"]

_TEXT = Rule("RFC 5321 section 4.1.1.4", "After 354 every line is text, until a line with nothing but a dot.")
_DOTS = Rule(
    "RFC 5321 section 4.5.2", "The client doubles a dot at a line's start; the server takes one off."
)
_FIELD = Rule("RFC 5322 section 2.2", "A header field is a name, a colon and a body.")
_FOLD = Rule(
    "RFC 5322 section 2.2.3", "A line that begins with a space or a tab goes on with the field before it."
)
_BLANK = Rule("RFC 5322 section 2.1", "A blank line separates header and body.")
_LINE_END = Rule("RFC 5321 section 2.3.8", "Only CR LF ends a line. A bare LF or CR must not be sent.")
_LENGTH = Rule("RFC 5321 section 4.5.3.1.6", "A text line has at most 1000 octets, CR LF included.")
_EIGHT_BIT = Rule("RFC 6152 section 3", "Octets above 127 need 8BITMIME, and BODY=8BITMIME on MAIL.")
_CHUNK = Rule("RFC 3030 section 2", "BDAT counts the octets. No dot ends them and none is doubled.")
_ENVELOPE = Rule(
    "RFC 5321 section 2.3.1", "A message has an envelope and a content. The envelope alone routes it."
)

FIELDS: dict[str, str] = {
    "date": "when the author finished it; every message needs one",
    "from": "the author, as readers see it; the envelope may name another sender",
    "sender": "who sent it for the author",
    "reply-to": "where answers should go",
    "to": "the main readers, as shown; the envelope decides who gets it",
    "cc": "further readers, as shown; the envelope decides who gets it",
    "bcc": "hidden readers; a client takes this field out before sending",
    "subject": "what it is about",
    "message-id": "a name for this message that nobody else uses",
    "in-reply-to": "the message that this one answers",
    "references": "the thread that this message belongs to",
    "received": "a trace mark: a server adds one at the top at every hop",
    "return-path": "the reverse-path, added at final delivery",
    "mime-version": "the body follows MIME",
    "content-type": "what kind of data the body is",
    "content-transfer-encoding": "how the body was made fit for the way",
    "dkim-signature": "a signature by a domain over header fields and body",
    "authentication-results": "what a receiver's checks found",
    "list-unsubscribe": "how to leave the list",
}
"""Header field name, in small letters, to what it tells."""


def explain_text(note: Note) -> LineExplanation:
    """Explain one line of message text."""
    line = note.octets
    body = line.rstrip(b"\r\n")
    text = body.decode("utf-8", "backslashreplace")
    rules: list[Rule] = []
    happened: list[str] = []
    parts: list[tuple[str, str]] = []
    match note.detail:
        case "header":
            name, _, value = text.partition(":")
            meaning = FIELDS.get(name.strip().lower(), "a header field that this lab does not know")
            parts = [(f"{name}:", meaning)] + ([(value.strip(), "its body")] if value.strip() else [])
            headline = f"Header field {name.strip()[:40]}"
            happened.append("The server stores this line and does not act on it.")
            rules += [_FIELD, _ENVELOPE]
        case "folded":
            headline = "A header field goes on"
            happened.append("The space in front says: this belongs to the field above.")
            rules.append(_FOLD)
        case "blank":
            headline = "The header ends here"
            happened.append("This blank line separates header and body.")
            rules.append(_BLANK)
        case "chunk":
            headline = "Octets of a chunk"
            happened.append("BDAT has counted these octets. They are text whatever they are.")
            rules.append(_CHUNK)
        case _:
            headline = "A line of message text"
            if not body.startswith(b"."):
                happened.append("The server stores this line. No command in it is carried out.")
            rules.append(_TEXT)
    if note.detail != "chunk":
        happened += [*_oddities(line, body, parts, rules), note.why]
    return LineExplanation(
        seq=note.seq,
        headline=headline,
        parts=tuple(parts),
        happened=" ".join(filter(None, happened)),
        effect="",
        rules=tuple(rules),
        who_acts="",
        next_step="",
        certain=True,
    )


def _oddities(line: bytes, body: bytes, parts: list[tuple[str, str]], rules: list[Rule]) -> list[str]:
    said = []
    if body.startswith(b".") and len(body) > 1:
        stored = body[1:].decode("utf-8", "backslashreplace")
        doubled = body.startswith(b"..")
        parts.append((".", "added for the way" if doubled else "one dot, not doubled"))
        said.append(
            "The server takes the first dot off."
            if doubled
            else "The server takes the dot off: whoever means one sends two."
        )
        said.append(f"Stored is: {stored[:60]}")
        rules.append(_DOTS)
    elif body == b".":
        said.append("A dot alone ends the text only between CR LF and CR LF. This one does not.")
        rules.append(_TEXT)
    if line.endswith(b"\n") and not line.endswith(b"\r\n"):
        said.append("The line ends in LF alone. A strict server refuses the message.")
        rules.append(_LINE_END)
    if b"\r" in body:
        said.append("A CR stands inside the line.")
        rules.append(_LINE_END)
    if len(line) > 1000 + line.startswith(b"."):
        said.append(f"The line has {len(line)} octets, which is more than every server takes.")
        rules.append(_LENGTH)
    if not body.isascii():
        said.append("It holds octets above 127.")
        rules.append(_EIGHT_BIT)
    return said


def explain_end_of_text(note: Note, answer: Note | None) -> LineExplanation:
    """Explain the line with the dot alone. ``answer`` is the last line of the reply to it."""
    people = recipients_of(note) or "nobody"
    return LineExplanation(
        seq=note.seq,
        headline="The end of the text",
        parts=((".", "a dot alone on its line: not part of the message"),),
        happened=f"The text is complete. The server now decides about the whole message, for {people}.",
        effect=answered_by(answer) if answer is not None else "",
        rules=(_TEXT, _DOTS),
        who_acts="" if answer is not None else "the server",
        next_step="" if answer is not None else "It answers 250, or it refuses the message for everybody.",
        certain=True,
    )
