"""Explaining a reply: by its digits, the stage it answers, the state, and the enhanced code."""

from __future__ import annotations

from labkit.explainers.cases import CASES, Case
from labkit.explainers.digits import CODES, FIRST, FIRST_RULE, SECOND, code_rule
from labkit.explainers.effects import effect_of
from labkit.explainers.enhanced import CLASSES, Status, status_of
from labkit.explainers.explanation import LineExplanation
from labkit.explainers.keywords import explain_keyword
from labkit.explainers.sasl import challenge_part
from labkit.explainers.stages import OTHER, STAGES, Stage
from labkit.smtp.commands import COMMANDS
from labkit.smtp.malformed import Malformed
from labkit.smtp.note import Note
from labkit.smtp.reply import Reply
from labkit.smtp.rule import Rule
from labkit.smtp.session import allowed

__all__ = ["explain_reply", "explain_reply_part", "stage_of"]

_LATER = "Keep the message and try again, after half an hour at the earliest."
_CHANGE = "Do not send the same again. First change what the reply objects to."
_WORDS = {2: "is accepted", 3: "goes on", 4: "is put off", 5: "is refused"}
_DUE = {"text": "the final dot", "response": "the AUTH response"}
_ORDER_CODES = frozenset({500, 501, 502, 503, 504, 521, 555})
_DEFERRED = Rule(
    "RFC 5321 section 4.5.4.1",
    "A 4 is a deferral: the client keeps the message, and retries until it gives up.",
)
_PERMANENT = Rule("RFC 5321 section 4.2.1", "After a 5 the client should not repeat the same request.")
_CLOSING = Rule(
    "RFC 5321 section 3.8", "With 421 the server closes; the client treats it as a passing failure."
)
_FATAL = Rule(
    "RFC 5321 section 4.2", "A client treats a code out of range as fatal and ends the transaction."
)
_MULTILINE = Rule(
    "RFC 5321 section 4.2.1", "A hyphen after the code: more lines follow. A space: the last one."
)
_FIRST_LINE = Rule("RFC 5321 section 4.1.1.1", "The first line of the answer to EHLO names the server.")


def stage_of(note: Note, answered: Note | None) -> str:
    """The name of what was answered: a verb, ``greeting``, ``text``, ``response``, or ``""``."""
    if note.role == "greeting":
        return "greeting"
    if answered is None:
        return ""
    if answered.role in ("end-of-text", "auth"):
        return "text" if answered.role == "end-of-text" else "response"
    verb = answered.command.verb if answered.command else ""
    if verb == "BDAT" and answered.octets.upper().rstrip().endswith(b"LAST"):
        return "BDAT LAST"
    return verb if verb in STAGES else ""


def explain_reply(note: Note, answered: Note | None) -> LineExplanation:
    """Explain the last line of a reply. ``answered`` is the client's line that it answers, if any."""
    stage = stage_of(note, answered)
    about = STAGES.get(stage, OTHER)
    reply = note.reply
    if not isinstance(reply, Reply):
        return _explain_malformed(note, answered, stage)
    status = status_of(reply.enhanced_code) if reply.enhanced_code else None
    case = CASES.get((reply.code, stage))
    certain = reply.code in CODES and (status is None or status.known)
    happened, rules = _happened(note, reply, about, case, status, certain)
    who, then = _next(note, reply, case, status)
    code = f"{reply.code} {reply.enhanced_code}" if reply.enhanced_code else f"{reply.code}"
    return LineExplanation(
        seq=note.seq,
        headline=f"{code}: {_headline(note, reply, about)}",
        parts=_parts(note, reply, status),
        happened=happened,
        effect=effect_of(note, stage, answered),
        rules=rules,
        who_acts=who,
        next_step=then,
        certain=certain,
    )


def _headline(note: Note, reply: Reply, about: Stage) -> str:
    if reply.code == 421:
        return "the server closes the connection"
    if note.role == "unsolicited":
        return "a reply that nothing asked for"
    if _refused_by_rule(note, reply):
        return f"{_verb(note)} is refused: {_slip(note, reply)}"
    return f"{about.noun} {_WORDS[reply.severity]}"


def _verb(note: Note) -> str:
    verb = note.command.verb if note.command is not None else ""
    return verb if verb in COMMANDS else "this line"


def _slip(note: Note, reply: Reply) -> str:
    if isinstance(note.command, Malformed):
        return "not well formed"
    if _verb(note) == "this line":
        return "unknown"
    return "out of order" if reply.code in (503, 554) else "not possible here"


def _parts(note: Note, reply: Reply, status: Status | None) -> tuple[tuple[str, str], ...]:
    digits = str(reply.code)
    parts = [
        (digits[0], FIRST[digits[0]]),
        (digits[1], SECOND.get(digits[1], "the standards give this digit no meaning")),
        (digits, CODES[reply.code][0] if reply.code in CODES else "no standard names this code"),
    ]
    if status is not None and reply.enhanced_code is not None:
        level = reply.enhanced_code[0]
        odd = (
            "" if level == digits[0] else f" But {level} means {CLASSES[level]}, which contradicts {digits}."
        )
        parts.append((reply.enhanced_code, status.meaning + odd))
    if note.line and _is_ehlo(note) and reply.severity == 2:
        parts += explain_keyword(_text_of(note.octets))[0]
    asked = note.command is not None and note.command.verb == "AUTH"
    if reply.code == 334 and asked and (found := challenge_part(reply.text)):
        parts.append(found)
    return tuple(parts)


def _refused_by_rule(note: Note, reply: Reply) -> bool:
    """Whether the client's own slip explains the refusal: by a code for slips, or by one that says little."""
    expected = note.expectation
    if expected is None or expected.allowed or reply.severity != 5:
        return False
    if reply.code in _ORDER_CODES or reply.code in expected.codes:
        return True
    return reply.code in (550, 554) and (reply.enhanced_code or ".0").endswith(".0")


def _happened(
    note: Note, reply: Reply, about: Stage, case: Case | None, status: Status | None, certain: bool
) -> tuple[str, tuple[Rule, ...]]:
    said: list[str] = []
    rules: list[Rule] = [about.rule]
    if reply.code not in CODES:
        said.append(f"No standard names {reply.code}. Its digits, the stage and the state say this much.")
        rules.append(FIRST_RULE)
    if reply.code == 421:
        said += [
            "" if note.role == "unsolicited" else about.said[4],
            "421 says that it closes the connection. It may come instead of any answer.",
        ]
        rules.append(_CLOSING)
    elif note.role == "unsolicited":
        said.append("Nothing asked for this reply.")
    elif _refused_by_rule(note, reply):
        assert note.expectation is not None
        verb = _verb(note)
        said += [f"The server refused {'this ' if verb in COMMANDS else ''}{verb}.", note.expectation.reason]
        rules = [note.expectation.rule]
    else:
        said.append(about.said[reply.severity])
        if case is not None:
            # A detailed enhanced code says more than the case does.
            if case.more and (status is None or reply.severity < 4 or not _detailed(reply, status)):
                said.append(case.more)
            rules += case.rules
        elif reply.severity in (4, 5):
            if reply.code in CODES:
                said.append(f"By itself {reply.code} means: {CODES[reply.code][0]}.")
            rules.append(_DEFERRED if reply.severity == 4 else _PERMANENT)
        if note.expectation is not None and not note.expectation.allowed and reply.severity == 5:
            said.append(f"The line has a fault of its own, too. {note.expectation.reason}")
            rules.append(note.expectation.rule)
    if status is not None:
        told = _refused_by_rule(note, reply) and (reply.enhanced_code or "")[1:3] == ".5"
        if (reply.severity >= 4 and not told) or not status.known:
            said.append(status.meaning)
        rules.append(status.rule)
    if case is None and (rule := code_rule(reply.code)) is not None:
        rules.append(rule)
    if not note.agrees and note.why not in said:
        said.append(note.why)
    return " ".join(filter(None, said)), tuple(dict.fromkeys(rules))


def _detailed(reply: Reply, status: Status) -> bool:
    return status.known and reply.enhanced_code is not None and not reply.enhanced_code.endswith(".0")


def _next(note: Note, reply: Reply, case: Case | None, status: Status | None) -> tuple[str, str]:
    if reply.code == 421:
        return "the client", "Close, connect again later, and send then what is still unsent."
    if note.role == "unsolicited":
        return "the client", "Do not take it for the answer to the next command."
    if _refused_by_rule(note, reply):
        return "the client", _repair(note)
    if reply.severity < 4:
        return (case.who, case.then) if case is not None else ("", "")
    if status is not None and status.who and _detailed(reply, status):
        if reply.severity == 5 or status.at_once:
            return status.who, status.then
        return status.who, f"{_LATER} If it stays so: {status.then[0].lower()}{status.then[1:]}"
    if case is not None:
        return case.who, case.then
    if reply.severity == 4:
        return "the client", _LATER
    return "the sender", _CHANGE


def _repair(note: Note) -> str:
    command = note.command
    if isinstance(command, Malformed) and command.verb in COMMANDS:
        return f"Write it like this: {COMMANDS[command.verb].example}"
    verbs = [_words(verb) for verb in allowed(note.after) if not COMMANDS[verb].extension]
    return f"In order now: {', '.join(verbs)}." if verbs else "Nothing is in order any more."


def _words(verb: str) -> str:
    return {"MAIL": "MAIL FROM", "RCPT": "RCPT TO"}.get(verb, verb)


def _explain_malformed(note: Note, answered: Note | None, stage: str) -> LineExplanation:
    assert isinstance(note.reply, Malformed)
    line = note.octets
    parts: tuple[tuple[str, str], ...] = ()
    if line[:3].isdigit():
        digits = line[:3].decode("ascii")
        parts = (
            (digits[0], FIRST.get(digits[0], "no reply may begin with this digit")),
            (digits[1], SECOND.get(digits[1], "the standards give this digit no meaning")),
            (digits, "no code that a standard names"),
        )
    came = f" The answer to {_DUE.get(stage, stage or 'this line')} was due." if answered is not None else ""
    return LineExplanation(
        seq=note.seq,
        headline=f"{parts[2][0]}: no valid reply" if parts else "This is no valid reply",
        parts=parts,
        happened=f"By the rules this is no reply: {note.reply.reason}.{came}",
        effect=effect_of(note, stage, answered),
        rules=tuple(dict.fromkeys((note.reply.rule, _FATAL))),
        who_acts="the client",
        next_step="Treat it as a failure: drop the transaction, keep the message, and QUIT.",
        certain=False,
    )


def _is_ehlo(note: Note) -> bool:
    return note.command is not None and note.command.verb == "EHLO"


def _text_of(octets: bytes) -> str:
    return octets[4:].decode("utf-8", "backslashreplace").rstrip("\r\n")


def explain_reply_part(note: Note) -> LineExplanation:
    """Explain any line of a reply but its last."""
    if not (note.octets[:3].isdigit() and note.octets[3:4] == b"-"):
        return _explain_stray(note)
    code = note.octets[:4].decode("ascii")
    parts: list[tuple[str, str]] = [(code, "the hyphen says: this reply has more lines")]
    headline = "A line of a longer reply"
    happened = "The reply is not complete. Only its last line settles it."
    rules: list[Rule] = [_MULTILINE]
    certain = True
    if _is_ehlo(note) and note.octets.startswith(b"250-"):
        text = _text_of(note.octets)
        if note.line == 0:
            headline = "The server says who it is"
            if name := text.split(" ", 1)[0]:
                parts.append((name, "the server's own name, as it gives it"))
            happened = "The first line names the server. Each further line is one extension."
            rules.append(_FIRST_LINE)
        else:
            found, rule, certain = explain_keyword(text)
            parts += found
            headline = f"The server offers {found[0][0]}"
            happened = f"{found[0][1][0].upper()}{found[0][1][1:]}."
            rules.append(rule)
    return LineExplanation(note.seq, headline, tuple(parts), happened, "", tuple(rules), "", "", certain)


def _explain_stray(note: Note) -> LineExplanation:
    whole = note.octets.endswith(b"\n")
    happened = (
        "A reply has begun, and this line does not carry its code. The reply is not well formed."
        if whole
        else "The line's end comes in a later event. It is judged there."
    )
    return LineExplanation(
        seq=note.seq,
        headline="A stray line inside a reply" if whole else "A piece of a reply's line",
        parts=(),
        happened=happened,
        effect="",
        rules=(_MULTILINE,),
        who_acts="",
        next_step="",
        certain=not whole,
    )
