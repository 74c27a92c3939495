"""The lines of an AUTH exchange: base64 taken apart, because it hides nothing."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from labkit.explainers.explanation import LineExplanation
from labkit.smtp.command import Command
from labkit.smtp.note import Note
from labkit.smtp.rule import Rule

__all__ = ["challenge_part", "explain_response", "response_parts"]

_EXCHANGE = Rule("RFC 4954 section 4", "A response is one line of base64; * alone cancels.")
_BASE64 = Rule("RFC 4648 section 4", "Base64 is a way of writing octets. Anybody can read it back.")
_PLAIN = Rule("RFC 4616 section 2", "PLAIN sends identity, NUL, user name, NUL, password.")
_LOGIN = Rule("no RFC; draft-murchison-sasl-login", "LOGIN asks for the user name, then for the password.")


def decode(text: str) -> bytes | None:
    """The octets behind a line of base64, or None if it is none."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def shown(octets: bytes) -> str:
    """Octets for display: text in quotes, anything else escaped."""
    return repr(octets.decode("utf-8", "backslashreplace"))


def challenge_part(text: str) -> tuple[str, str] | None:
    """What a 334 asks, decoded; None if it carries nothing."""
    if not text:
        return None
    octets = decode(text)
    return (text, "no base64" if octets is None else f"base64 for {shown(octets)}")


def response_parts(mechanism: str, step: int, text: str) -> tuple[tuple[tuple[str, str], ...], str]:
    """Parts of a response, and the slip in it (else ``""``). ``step`` counts the responses from 0."""
    if text == "*":
        return (("*", "the client cancels the exchange"),), ""
    if text in ("", "="):
        return ((text or "(nothing)", "an empty response"),), ""
    octets = decode(text)
    if octets is None:
        return ((text, "no base64"),), "The line is not base64."
    slip = ""
    if octets.endswith((b"\n", b"\r")):
        slip = "The line end was encoded too. That happens with echo; printf does not add one."
    if mechanism == "PLAIN" and octets.count(b"\0") == 2:
        identity, user, password = octets.split(b"\0")
        parts = [(text, f"base64 for {shown(octets)}")]
        parts.append((shown(identity), "whom to act as; empty: as the user"))
        parts.append((shown(user), "the user name"))
        parts.append((shown(password), "the password, readable for anybody on the way"))
        return tuple(parts), slip
    if mechanism == "PLAIN":
        slip = slip or "PLAIN needs two NUL octets: one before the user name, one before the password."
    name = "base64 for"
    if mechanism == "LOGIN" and step < 2:
        name = f"the {('user name', 'password')[step]}, base64 for"
    return ((text, f"{name} {shown(octets)}"),), slip


def explain_response(notes: Sequence[Note], index: int) -> LineExplanation:
    """Explain a client line inside an AUTH exchange."""
    note = notes[index]
    text = note.octets.decode("utf-8", "backslashreplace").rstrip("\r\n")
    mechanism, step = _exchange(notes, index)
    parts, slip = response_parts(mechanism, step, text)
    rules = [_EXCHANGE, _BASE64]
    if mechanism in ("PLAIN", "LOGIN"):
        rules.append(_PLAIN if mechanism == "PLAIN" else _LOGIN)
    happened = slip or f"The client answers the server's challenge{f' of {mechanism}' if mechanism else ''}."
    if not note.encrypted and text not in ("*", "=", ""):
        happened += " It goes over the wire in clear."
    return LineExplanation(
        seq=note.seq,
        headline="A response in the AUTH exchange",
        parts=parts,
        happened=happened,
        effect=f"Line {note.answered_by} answers it." if note.answered_by else "",
        rules=tuple(rules),
        who_acts="the client" if slip else "",
        next_step="Encode it again, with nothing but what belongs in it." if slip else "",
        certain=True,
    )


def _exchange(notes: Sequence[Note], index: int) -> tuple[str, int]:
    """The mechanism of the exchange that this line belongs to, and how many responses came before."""
    step = 0
    for note in reversed(notes[max(0, index - 40) : index]):
        command = note.command
        if note.role == "auth":
            step += 1
        elif note.role in ("command", "unanswered") and isinstance(command, Command):
            if command.verb != "AUTH":
                break
            mechanism, _, first = command.argument.partition(" ")
            return mechanism.upper(), step + bool(first)
    return "", step
