"""Explaining a client's command: what it does, what the server will check, and the slip if there is one."""

from __future__ import annotations

from difflib import get_close_matches
from ipaddress import ip_address

from labkit.explainers.explanation import LineExplanation
from labkit.explainers.sasl import response_parts
from labkit.smtp.command import Command
from labkit.smtp.commands import COMMANDS
from labkit.smtp.expect import NOT_OFFERED
from labkit.smtp.malformed import Malformed
from labkit.smtp.note import Note
from labkit.smtp.parameters import PARAMETERS
from labkit.smtp.path import Path
from labkit.smtp.reply import Reply
from labkit.smtp.rule import Rule
from labkit.smtp.states import State, lookup

__all__ = ["answered_by", "explain_command", "explain_unanswered", "fault_of", "unknown_verb"]

_UNKNOWN = Rule("RFC 5321 section 4.2.4", "An unknown command is answered by 500, and the session goes on.")
_NULL = Rule(
    "RFC 5321 section 4.5.5", "The null reverse-path is for notices; nobody may answer it automatically."
)
_ROUTE = Rule("RFC 5321 appendix C", "A source route is obsolete; servers read it and should ignore it.")
_POSTMASTER = Rule(
    "RFC 5321 section 4.5.1", "Every server takes mail for its postmaster, also without a domain."
)
_NAME = Rule(
    "RFC 5321 section 4.1.4", "The name should be the client's own; if it has none, its address in brackets."
)
_LOST = Rule(
    "RFC 5321 section 3.8", "A client that loses the connection treats the transaction as answered by 451."
)

_CHECKS = {
    "EHLO": "The server looks at the name's form.",
    "HELO": "The server looks at the name's form.",
    "MAIL": "The server checks syntax, order, its policy on this sender, and an announced size.",
    "RCPT": "The server checks syntax, order, whether it serves that domain, often also the mailbox.",
    "DATA": "The server checks that at least one recipient was accepted.",
    "RSET": "Sender and recipients are forgotten; what EHLO said stays.",
    "NOOP": "It tells whether the server still listens.",
    "QUIT": "A transaction that is still open is dropped.",
    "VRFY": "The server looks for the mailbox, or says that it does not tell.",
    "EXPN": "The server looks for the list, or says that it does not tell.",
    "HELP": "The answer is for people: no program acts on it.",
    "STARTTLS": "The server checks that TLS is not up already, and that it has a certificate to show.",
    "AUTH": "The server checks that it has the mechanism, and that no transaction is open.",
    "BDAT": "The server reads exactly so many octets as text; dots and line ends do not matter.",
    "ETRN": "The server checks whether it holds mail for that domain.",
}

_GONE = "The command is obsolete: servers refuse it."


def _name_form(name: str) -> str:
    if name.startswith("["):
        return "an address literal: right for a client without a name"
    try:
        ip_address(name)
    except ValueError:
        pass
    else:
        return "an address without its brackets; the grammar reads it as a name"
    if "." not in name:
        return "a name without a dot; many servers want the full name"
    return "the client's full name, as it gives it"


def _path_parts(path: Path, meaning: str) -> list[tuple[str, str]]:
    parts = []
    if path.route:
        parts.append((f"{path.route}:", "an obsolete source route; servers ignore it"))
    if path.null:
        parts.append(("<>", "the null reverse-path: a failure of this message is reported to nobody"))
    elif not path.domain:
        parts.append((f"<{path}>", "the postmaster of this very host"))
    else:
        parts.append((f"<{path}>", meaning))
    return parts


def _parts(command: Command) -> tuple[tuple[tuple[str, str], ...], list[Rule]]:
    info = COMMANDS.get(command.verb)
    if info is None:
        return ((command.verb, "no command that a standard names"),), [_UNKNOWN]
    rules = [info.rule]
    parts: list[tuple[str, str]] = []
    verb, argument = command.verb, command.argument
    if command.path is not None:
        meaning = (
            "the forward-path: one recipient" if verb == "RCPT" else "the reverse-path: where failures go"
        )
        parts = _path_parts(command.path, meaning)
        if command.path.null:
            rules.append(_NULL)
        if command.path.route:
            rules.append(_ROUTE)
        if command.path.local_part.lower() == "postmaster":
            rules.append(_POSTMASTER)
        for keyword, value in command.parameters:
            known = PARAMETERS.get(keyword)
            text = keyword if value is None else f"{keyword}={value}"
            parts.append((text, known.purpose if known else "a parameter that this lab does not know"))
            if known:
                rules.append(known.rule)
    elif verb in ("EHLO", "HELO"):
        parts.append((argument, _name_form(argument)))
        rules.append(_NAME)
    elif verb == "AUTH":
        mechanism, space, first = argument.partition(" ")
        parts.append((mechanism, "the mechanism: how the proof is given"))
        if space:
            parts += response_parts(mechanism.upper(), 0, first)[0]
    elif verb == "BDAT":
        size, _, last = argument.partition(" ")
        parts.append((size, "octets of text that follow at once"))
        if last:
            parts.append((last.strip(), "this is the last chunk"))
    elif argument:
        parts.append((argument, "its argument"))
    return tuple(parts), rules


def explain_command(note: Note, answer: Note | None) -> LineExplanation:
    """Explain a command line of the client, also a malformed one. ``answer`` is its reply's last line."""
    if isinstance(note.command, Malformed):
        return _explain_slip(note, note.command, answer)
    assert note.command is not None
    command = note.command
    parts, rules = _parts(command)
    info = COMMANDS.get(command.verb)
    expected = note.expectation
    in_order = expected is None or expected.allowed
    headline = f"{command.verb[:20]}, {fault_of(note)}"
    happened = unknown_verb(note)
    if expected is not None and not in_order:
        happened = happened or expected.reason
        rules.append(expected.rule)
    elif info is not None:
        headline = f"{command.verb} {info.purpose}"
        happened = _CHECKS.get(command.verb, _GONE)  # not judged yet: it waits for the answer to STARTTLS
    waits = answer is None and (in_order or bool(expected and expected.codes))
    return LineExplanation(
        seq=note.seq,
        headline=headline,
        parts=parts,
        happened=happened,
        effect=answered_by(answer) if answer is not None else "",
        rules=tuple(dict.fromkeys(rules)),
        who_acts="the server" if waits else "",
        next_step=_answers(expected.codes if expected is not None else ()) if waits else "",
        certain=True,
    )


def _answers(codes: tuple[int, ...]) -> str:
    if not codes:
        return "It answers every command with one reply."
    good = [str(code) for code in codes if code < 400]
    bad = [str(code) for code in codes if code >= 400]
    if not good:
        return f"It will refuse, with {' or '.join(bad)}."
    return f"It answers {' or '.join(good)}, or it refuses."


def fault_of(note: Note) -> str:
    """What is wrong with the client's line that a note is about: a phrase, or ``""``."""
    command, expected = note.command, note.expectation
    if command is None or expected is None or expected.allowed:
        return ""
    in_order = lookup(expected.state, command.verb).allowed
    if isinstance(command, Malformed) and (in_order or command.verb not in COMMANDS):
        return "not well formed"
    if command.verb not in COMMANDS:
        return "an unknown command"
    if COMMANDS[command.verb].obsolete:
        return "obsolete"
    if expected.rule in NOT_OFFERED:
        return "a parameter is not offered" if command.verb in ("MAIL", "RCPT") else "not offered"
    return "not possible here" if in_order and 503 not in expected.codes else "out of order"


def unknown_verb(note: Note) -> str:
    """Why a line with an unknown verb is none of SMTP's commands; ``""`` for a known verb."""
    command, expected = note.command, note.expectation
    if not isinstance(command, Command) or command.verb in COMMANDS:
        return ""
    if expected is not None and expected.state is State.ACCEPTED:
        return "The message ended at its dot, so this line is read as a command."
    if command.verb.startswith("X"):
        return "A command that begins with X is private."
    return f"{command.verb[:20]} is no command of SMTP.{_suggestion(command.verb)}"


def _suggestion(verb: str) -> str:
    close = get_close_matches(verb[:20], COMMANDS, n=1, cutoff=0.6)
    return f" Did you mean {close[0]}?" if close else ""


def answered_by(answer: Note) -> str:
    """A sentence that leads on to the reply."""
    code = f" with {answer.reply.code}" if isinstance(answer.reply, Reply) else ""
    return f"Line {answer.seq} answers it{code}."


def _explain_slip(note: Note, slip: Malformed, answer: Note | None) -> LineExplanation:
    verb = slip.verb
    reason = f"{slip.reason[:1].upper()}{slip.reason[1:]}."
    parts = [(verb[:20], COMMANDS[verb].purpose)] if verb in COMMANDS else []
    if slip.path is not None and not slip.path.null:
        parts.append((str(slip.path), "the address that a lenient server would read"))
    effect = "A server may take it all the same." if slip.tolerable else "A strict server answers 500 or 501."
    if answer is not None:
        effect = answered_by(answer)
    return LineExplanation(
        seq=note.seq,
        headline=f"{verb[:20] or 'A line'}, {fault_of(note) or 'not well formed'}",
        parts=tuple(parts),
        happened=reason,
        effect=effect,
        rules=(slip.rule,),
        who_acts="the client",
        next_step=f"Write it like this: {COMMANDS[verb].example}"
        if verb in COMMANDS
        else "Begin the line with a command's name.",
        certain=True,
    )


def explain_unanswered(note: Note) -> LineExplanation:
    """Explain a client line whose reply never came."""
    after_text = note.detail == "the end of the text"
    happened = "The connection ended before the server answered this line."
    if after_text:
        happened += " The server may have taken the message or not: the client cannot know."
    return LineExplanation(
        seq=note.seq,
        headline="Never answered",
        parts=((note.detail, "what was waiting for its answer"),),
        happened=happened,
        effect="The client still holds the message." if after_text else "It counts as not done.",
        rules=(_LOST,),
        who_acts="the client",
        next_step="Connect again and send the message again. It may then arrive twice."
        if after_text
        else "Connect again and begin anew.",
        certain=True,
    )
