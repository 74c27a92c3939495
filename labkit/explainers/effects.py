"""What a reply did to this session: who is in the envelope now, and where the session stands."""

from __future__ import annotations

from labkit.smtp.malformed import Malformed
from labkit.smtp.note import Note
from labkit.smtp.session import State

__all__ = ["effect_of", "recipients_of", "standing"]

_OPEN = (State.SENDER, State.RECIPIENTS, State.CHUNKS, State.MESSAGE)
_STANDING = {
    State.CONNECTING: "The server's greeting is still due.",
    State.CONNECTED: "EHLO is due.",
    State.REFUSED: "Only QUIT is left.",
    State.GREETED: "No transaction is open.",
    State.AUTHENTICATING: "The AUTH exchange goes on.",
    State.SENDER: "The transaction is open, without a recipient.",
    State.MESSAGE: "The server is reading message text.",
    State.CHUNKS: "The server waits for the next chunk.",
    State.ACCEPTED: "No transaction is open.",
    State.CLOSED: "The session is over.",
}


def recipients_of(note: Note) -> str:
    """The envelope's recipients for a sentence: their addresses if they are few, else their number."""
    count = note.trail.count if note.trail else 0
    if count <= 3:
        return ", ".join(note.recipients(3))
    return f"{count} recipients, the last of them {note.recipients(1)[0]}"


def standing(note: Note) -> str:
    """Where the session stands after this line."""
    if note.after is State.RECIPIENTS:
        return f"The transaction is open. In the envelope: {recipients_of(note)}."
    return _STANDING[note.after]


def effect_of(note: Note, stage: str, answered: Note | None) -> str:
    """What this reply did. ``stage`` is the name from `stages`, ``answered`` the client's line, if any."""
    severity = 5 if note.reply is None or isinstance(note.reply, Malformed) else note.reply.severity
    if note.after is State.CLOSED:
        return _closing(note, stage)
    special = _EFFECTS.get(stage)
    if special is not None:
        return special(note, severity, answered)
    return _unchanged(note)


def _unchanged(note: Note) -> str:
    return f"Nothing changed. {standing(note)}" if note.before is note.after else standing(note)


def _closing(note: Note, stage: str) -> str:
    if note.before is State.CLOSED:
        return "The session was over before this."
    if note.before is State.CONNECTING:
        return "The session is over before it began."
    dropped = " The open transaction is dropped." if note.before in _OPEN else ""
    if stage == "QUIT":
        return f"The session is over.{dropped}"
    return f"The session is over.{dropped} What got no 250 after its dot counts as not sent."


def _greeting(note: Note, severity: int, answered: Note | None) -> str:
    return standing(note)


def _hello(note: Note, severity: int, answered: Note | None) -> str:
    if severity != 2:
        return _unchanged(note)
    if note.before in _OPEN:
        return "The open transaction is dropped, as RSET would do. MAIL may come next."
    return "The session is greeted. MAIL may come next."


def _mail(note: Note, severity: int, answered: Note | None) -> str:
    if severity == 2 and note.after is State.SENDER:
        path = note.envelope.reverse_path
        to = f"to {path}" if path else "to nobody, as the reverse-path is <>"
        return f"A transaction is open. Failure notices would go {to}."
    if note.before in _OPEN:
        return f"Nothing changed. {standing(note)}"
    return "No transaction is open."


def _rcpt(note: Note, severity: int, answered: Note | None) -> str:
    if severity == 2 and note.after is State.RECIPIENTS:
        return f"In the envelope now: {recipients_of(note)}."
    if note.after is State.RECIPIENTS:
        return f"Still in the envelope: {recipients_of(note)}. The transaction goes on."
    if note.after is State.SENDER:
        return "The envelope has no recipient yet. The transaction stays open."
    return _unchanged(note)


def _data(note: Note, severity: int, answered: Note | None) -> str:
    if note.after is State.MESSAGE and severity == 3:
        return f"Every line is message text now, for {recipients_of(note) or 'nobody'}."
    if note.after is State.RECIPIENTS:
        return f"No text may be sent. Still in the envelope: {recipients_of(note)}."
    return f"No text may be sent. {standing(note)}"


def _text(note: Note, severity: int, answered: Note | None) -> str:
    people = recipients_of(answered) if answered is not None else ""
    people = people or "nobody"
    if severity == 2:
        path = answered.envelope.reverse_path if answered is not None else None
        report = f"reports the failure to {path}" if path else "reports the failure to nobody"
        return f"The message to {people} is the server's now: it delivers, or {report}."
    if note.after is not State.GREETED:  # 354 after the dot, or a server that does not know BDAT
        return f"Nothing was delivered. {standing(note)}"
    if severity == 4:
        return f"Nothing was delivered to {people}. The client still holds the message."
    return f"Nothing was delivered to {people}. The transaction is over."


def _rset(note: Note, severity: int, answered: Note | None) -> str:
    if severity == 2 and note.before in _OPEN:
        return "The envelope is empty. MAIL may come next."
    if severity == 2:
        return "There was nothing to drop."
    return _unchanged(note)


def _starttls(note: Note, severity: int, answered: Note | None) -> str:
    if severity == 2 and note.after is State.CONNECTED:
        return "Name, extensions and envelope are forgotten. After the handshake EHLO is due."
    return _unchanged(note)


def _auth(note: Note, severity: int, answered: Note | None) -> str:
    if severity == 2:
        return "From now on the client acts as this user."
    if severity == 3:
        return "The client's next line is a response, not a command."
    return f"The session is as it was before AUTH. {standing(note)}"


def _chunk(note: Note, severity: int, answered: Note | None) -> str:
    if severity == 2:
        return standing(note)
    if note.after is State.GREETED:
        return "The transaction is over. Nothing was delivered."
    return _unchanged(note)


_EFFECTS = {
    "greeting": _greeting,
    "EHLO": _hello,
    "HELO": _hello,
    "MAIL": _mail,
    "RCPT": _rcpt,
    "DATA": _data,
    "text": _text,
    "BDAT": _chunk,
    "BDAT LAST": _text,
    "RSET": _rset,
    "STARTTLS": _starttls,
    "AUTH": _auth,
    "response": _auth,
}
