"""Explaining a reply: by its digits, the stage it answers, the state, and the enhanced code."""

from __future__ import annotations

import re

from labkit.explainers.cases import BY_STATUS, CANCELLED, CASES, LATER, Case
from labkit.explainers.commands import fault_of, unknown_verb
from labkit.explainers.digits import CODES, FIRST, FIRST_RULE, SECOND, code_rule
from labkit.explainers.effects import effect_of
from labkit.explainers.enhanced import CLASSES, Status, status_of
from labkit.explainers.explanation import LineExplanation
from labkit.explainers.keywords import explain_keyword
from labkit.explainers.sasl import challenge_part
from labkit.explainers.stages import OTHER, STAGES, Stage
from labkit.smtp.commands import COMMANDS
from labkit.smtp.expect import NOT_OFFERED
from labkit.smtp.malformed import Malformed
from labkit.smtp.note import Note
from labkit.smtp.reply import Reply
from labkit.smtp.rule import Rule
from labkit.smtp.states import State, allowed, lookup

__all__ = ["BROAD", "explain_reply", "explain_reply_part", "stage_of"]

_CHANGE = "Do not send the same again. First change what the reply objects to."
_DUE = {"text": "the final dot", "response": "the AUTH response"}
_ORDER_CODES = frozenset({500, 501, 502, 503, 504, 521, 555})
BROAD = frozenset({450, 451, 550, 552, 554})
"""Codes that leave the cause open: while a message is handed over, even x.0 and 7.1 then say more."""
_OF_A_MESSAGE = frozenset({"MAIL", "RCPT", "DATA", "text", "BDAT LAST"})
_EMPTY = frozenset({"0.0", "5.0", "5.1", "5.2", "5.4"})
"""Enhanced codes that servers give with any refusal of a line: code and stage say more."""
_AUTH_CODES = frozenset({454, 530, 534, 535, 538})
_ABOUT_AUTH = frozenset({"5.6", "7.8", "7.9", "7.10", "7.11", "7.12", "7.13", "7.14"})
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
    known = status is None or status.known
    told = status if status is not None and _says_more(reply, status, stage) else None
    case = None if told else _case(reply, stage, answered)
    happened, rules = _happened(note, reply, stage, case, told)
    if status is not None and not known:
        happened, rules = [*happened, status.meaning], [*rules, status.rule]
    who, then = _next(note, reply, case, told)
    code = f"{reply.code} {reply.enhanced_code}" if reply.enhanced_code and reply.severity > 3 else reply.code
    return LineExplanation(
        seq=note.seq,
        headline=f"{code}: {_headline(note, reply, about)}",
        parts=_parts(note, reply, status),
        happened=" ".join(happened),
        effect=_unsaid(effect_of(note, stage, answered), happened),
        rules=tuple(rules),
        who_acts=who,
        next_step=then,
        certain=reply.code in CODES and known,
    )


def _headline(note: Note, reply: Reply, about: Stage) -> str:
    if reply.code == 421:
        return "the server closes the connection"
    if note.role == "unsolicited":
        return "a reply that nothing asked for"
    if _refused_by_rule(note, reply):
        verb = note.command.verb if note.command is not None else ""
        return f"{verb if verb in COMMANDS else 'this line'} is refused: {fault_of(note)}"
    return about.headline(reply.severity)


def _says_more(reply: Reply, status: Status, stage: str) -> bool:
    """Whether the enhanced code says more than code and stage do."""
    code = reply.enhanced_code
    if reply.severity < 4 or not status.known or code is None or code[0] != str(reply.severity):
        return False
    if reply.code not in CODES:
        return True
    key = code.split(".", 1)[1]
    if key in _EMPTY:
        return False
    if stage in ("AUTH", "response") or reply.code in _AUTH_CODES:
        return key in _ABOUT_AUTH
    if (code, stage) in BY_STATUS and reply.code in BROAD:
        return False
    vague = key == "7.1" or key.endswith(".0")
    return not vague or (reply.code in BROAD and reply.severity == 5 and stage in _OF_A_MESSAGE)


def _case(reply: Reply, stage: str, answered: Note | None) -> Case | None:
    if reply.enhanced_code and reply.code in BROAD:
        closer = BY_STATUS.get((reply.enhanced_code, stage))
        if closer is not None:
            return closer
    if stage == "response" and reply.code == 501 and answered is not None and answered.octets.strip() == b"*":
        return CANCELLED
    return CASES.get((reply.code, stage))


def _unsaid(effect: str, happened: list[str]) -> str:
    """The effect without the sentences that have been said already."""
    said = " ".join(happened)
    return " ".join(sentence for sentence in re.split(r"(?<=\.) ", effect) if sentence not in said)


def _parts(note: Note, reply: Reply, status: Status | None) -> tuple[tuple[str, str], ...]:
    digits = str(reply.code)
    parts = [
        (digits[0], FIRST[digits[0]]),
        (digits[1], SECOND.get(digits[1], "the standards give this digit no meaning")),
        (digits, CODES[reply.code][0] if reply.code in CODES else "no standard names this code"),
    ]
    if status is not None and reply.enhanced_code is not None and reply.enhanced_code != "2.0.0":
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
    note: Note, reply: Reply, stage: str, case: Case | None, status: Status | None
) -> tuple[list[str], list[Rule]]:
    """What the reply means here beyond the headline, and the rules behind it."""
    code = reply.code
    said: list[str] = []
    rules: list[Rule] = [STAGES.get(stage, OTHER).rule]
    expected = note.expectation
    if code == 421:
        due = _DUE.get(stage, stage or "this line")
        return [
            "It may come at any time, without a command."
            if note.role == "unsolicited"
            else f"It comes instead of {'a' if stage == 'greeting' else 'the answer to'} {due}."
        ], [*rules, _CLOSING]
    if code not in CODES:
        said.append(f"No standard names {code}. Only its digits, the stage and the state speak.")
        rules.append(FIRST_RULE)
    if note.role == "unsolicited":
        return [*said, note.why], rules
    if expected is not None and _refused_by_rule(note, reply):
        return [*said, unknown_verb(note) or expected.reason], [expected.rule]
    if status is not None:
        said.append(status.meaning)
        rules.append(status.rule)
    elif case is not None and note.agrees:
        said.append(case.more)
        rules += case.rules
    elif code in CODES and note.agrees:
        said.append(f"By itself {code} means: {CODES[code][0]}.")
    if case is None and reply.severity > 3:
        rules.append(_DEFERRED if reply.severity == 4 else _PERMANENT)
    if expected is not None and not expected.allowed and reply.severity == 5:
        said.append(f"The line has a fault, too: {expected.reason}")
        rules.append(expected.rule)
    if case is None and (rule := code_rule(code)) is not None:
        rules.append(rule)
    if not note.agrees:
        said.append(note.why)
    return said, rules


def _next(note: Note, reply: Reply, case: Case | None, status: Status | None) -> tuple[str, str]:
    """Who acts, and what they do. A 4 is always the client's: it keeps the message and tries again."""
    if reply.code == 421:
        return "the client", "Close, connect again later, and send then what is still unsent."
    if note.role == "unsolicited":
        return "the client", "Do not take it for the answer to the next command."
    if _refused_by_rule(note, reply):
        return "the client", _repair(note)
    if case is not None:
        return case.who, case.then
    if reply.severity < 4:
        return "", ""
    if reply.severity == 5:
        return (status.who, status.then) if status is not None and status.who else ("the sender", _CHANGE)
    if status is None or not status.then:
        return "the client", LATER
    if status.at_once:
        return "the client", status.then
    return "the client", f"{LATER} If it stays so: {status.then[0].lower()}{status.then[1:]}"


def _repair(note: Note) -> str:
    command = note.command
    if isinstance(command, Malformed) and command.verb in COMMANDS:
        return f"Write it like this: {COMMANDS[command.verb].example}"
    if note.expectation is not None and note.expectation.rule in NOT_OFFERED:
        return "Use what the answer to EHLO offers."
    verbs = [_WORDS.get(verb, verb) for verb in allowed(note.after) if _leads_on(verb, note.after)]
    return f"What leads on from here: {', '.join(verbs)}." if verbs else "No command is read here any more."


_WORDS = {"MAIL": "MAIL FROM", "RCPT": "RCPT TO"}


def _leads_on(verb: str, state: State) -> bool:
    """Whether a command moves the session, rather than being in order at any time."""
    if COMMANDS[verb].extension and state is not State.CHUNKS:
        return False
    return bool(lookup(state, verb).then) and (verb not in ("EHLO", "HELO") or state is State.CONNECTED)


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
