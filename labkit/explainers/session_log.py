"""A session, as smtplib, swaks, curl, telnet, openssl and others show it: replayed, and explained line by line."""

from __future__ import annotations

import re

from labkit.explainers import mta_log
from labkit.explainers.answer import MOST_LINES, ExplainedLine, Explanation, Problem, plain, rules_of
from labkit.explainers.command_text import line_of
from labkit.explainers.line import explain_line
from labkit.explainers.log_readers import READERS, Spoken, best_reader
from labkit.explainers.phrases import phrase_in
from labkit.explainers.providers import meaning_at
from labkit.explainers.reply_text import explain_said
from labkit.smtp.command import Command, parse_command
from labkit.smtp.malformed import Malformed
from labkit.smtp.note import Note
from labkit.smtp.reply import Reply
from labkit.smtp.rule import Rule
from labkit.smtp.session import Observer, State
from labkit.smtp.states import lookup
from labkit.smtp.wire import WireEvent

__all__ = ["KIND", "explain_it", "looks_like"]

KIND = "the log of a session"

_STATES = (State.CONNECTED, State.GREETED, State.SENDER, State.RECIPIENTS)
_SECRET = Rule("RFC 4648 section 4", "Base64 is a way of writing octets. Anybody can read it back.")
_REMARK = re.compile(
    r"refused|timed out|timeout|error|fail|reset|unreachable|not found|verify|certificate|closed by|lost|\*\*\*",
    re.IGNORECASE,
)
_FINE = re.compile(
    r"verify return:\s*[01]|verify return code: 0|no client certificate|error:? ?(?:0|none)\b|depth=|^(?:server )?certificate|peer certificate|BEGIN|END",
    re.IGNORECASE,
)


def looks_like(text: str) -> float:
    """How sure it is that this is a log of a session."""
    log = mta_log.looks_like(text)
    if log:
        return log
    lines = text.strip("\n").split("\n")[:400]
    reader, fitting = best_reader(lines)
    if re.search(r"^=== (?:Trying|Connected to) ", text, re.MULTILINE):
        return 0.97  # swaks, also where nobody answered
    if fitting == 0:
        return 0.0
    filled = sum(bool(line.strip()) for line in lines)
    both = any(reader.server.match(line) for line in lines) and any(
        reader.client.match(line) for line in lines
    )
    if reader is READERS[-1]:
        opened = bool(
            re.search(
                r"^(?:Trying |Connected to|Escape character|CONNECTED\(|Connection to .* succeeded|Ncat:)",
                text,
                re.MULTILINE,
            )
        )
        return 0.96 if both and fitting >= 2 else 0.9 if opened else 0.0
    if reader is READERS[-2] and not both:  # "> " is a mark of quoting, too
        return (
            0.5 if fitting >= 3 and re.search(r"^[<>] ?(?:[2-5]\d\d[ -]|EHLO)", text, re.MULTILINE) else 0.0
        )
    if both and fitting * 4 >= filled:
        return 0.97
    return 0.88 if fitting * 2 >= filled and (fitting > 1 or filled == 1) else 0.0


def explain_it(text: str) -> Explanation:
    """Explain a log."""
    if mta_log.looks_like(text):
        return mta_log.explain_it(text)
    lines = text.strip("\n").split("\n")
    reader, _ = best_reader(lines[:400])
    spoken = list(reader.read(lines))
    said = [one for one in spoken if one.who]
    notes = _observed(said)
    explained: list[ExplainedLine] = []
    problems: list[Problem] = []
    place = 0
    for one in spoken[: MOST_LINES * 2]:
        if not one.who:
            _remark(one, explained, problems)
            continue
        note = notes[place]
        place += 1
        about = explain_line(notes, note.seq)
        problem = _problem(note, one, notes)
        if len(explained) < MOST_LINES:
            quiet = note.role == "text" and note.detail in ("body", "folded")
            if not quiet:
                explained.append(line_of(f"{one.line:>3} {one.who}: {one.text}", about, problem is not None))
        if problem is not None:
            problems.append(problem)
    if any(
        note.role == "auth"
        or (note.command and note.command.verb == "AUTH" and b" " in note.octets.strip()[5:])
        for note in notes
    ):
        explained.append(
            ExplainedLine(
                "(a password)",
                "The log holds a login, and base64 hides nothing: do not show it to others.",
                _SECRET,
                "note",
            )
        )
    refusal = next((problem for problem in problems if problem.who_acts), None)
    end = notes[-1].after if notes else State.CONNECTING
    return Explanation(
        "session", f"A session, written by {reader.name}",
        _summary(notes, problems, end), tuple(explained), tuple(problems[:30]), refusal.who_acts if refusal else "",
        tuple(dict.fromkeys(problem.do for problem in problems if problem.do))[:4] or ("Nothing has to be repaired.",),
        rules_of((), problems) or rules_of(explained[:3]),
    )  # fmt: skip


def _observed(said: list[Spoken]) -> tuple[Note, ...]:
    first = parse_command(said[0].text.encode("utf-8", "replace")) if said and said[0].who == "C" else None
    start = State.CONNECTING
    if first is not None:
        start = next((state for state in _STATES if lookup(state, first.verb).allowed), State.GREETED)
    observer = Observer(start)
    asked = tls = False
    for seq, one in enumerate(said, 1):
        if one.who == "S" and asked:
            tls, asked = tls or one.text.startswith("220"), one.text[3:4] == "-"
        elif one.who == "C":
            asked = one.text.strip().upper() == "STARTTLS"
            tls = tls or one.encrypted
        hidden = tls and not (one.who == "S" and _answers_starttls(said, seq - 1))
        octets = one.text.encode("utf-8", "replace") + b"\r\n"
        observer.feed(WireEvent(seq, 0.0, 1, "C" if one.who == "C" else "S", "client", octets, hidden))
    return observer.notes


def _answers_starttls(said: list[Spoken], at: int) -> bool:
    return at > 0 and said[at - 1].who == "C" and said[at - 1].text.strip().upper() == "STARTTLS"


def _problem(note: Note, one: Spoken, notes: tuple[Note, ...]) -> Problem | None:
    about = explain_line(notes, note.seq)
    rule = about.rules[-1] if about.rules else None
    if isinstance(note.reply, Reply) and note.reply.severity > 3:
        text = note.reply.text
        theirs = meaning_at(text, note.reply.enhanced_code)
        if theirs is not None:
            return Problem(f"{about.headline}. {theirs.text}", one.line, theirs.rule, theirs.who, theirs.then)
        hint = phrase_in(text)
        more = f" The text hints: {hint.meaning}." if hint else ""
        return Problem(
            f"{about.headline[:1].upper()}{about.headline[1:]}. {about.happened}{more}",
            one.line,
            rule,
            about.who_acts,
            about.next_step,
        )
    if isinstance(note.reply, Malformed):
        return Problem(about.happened, one.line, rule, about.who_acts, about.next_step)
    expected = note.expectation
    if (
        note.role == "command"
        and ((expected is not None and not expected.allowed) or not isinstance(note.command, Command))
        and note.command is not None
    ):
        return Problem(
            f"{about.headline}. {about.happened}",
            one.line,
            rule,
            "the client",
            about.next_step or "Send what the state and the answer to EHLO allow.",
        )
    if note.role == "unanswered":
        return Problem(about.happened, one.line, rule, about.who_acts, about.next_step)
    return None


def _remark(one: Spoken, explained: list[ExplainedLine], problems: list[Problem]) -> None:
    if len(explained) >= MOST_LINES or not _REMARK.search(one.text) or _FINE.search(one.text):
        return
    code = re.search(r"\b([45]\d\d[ -].*)", one.text)
    if code is not None:
        said = explain_said(code[1])
        problems += said.problems[:1]
        return
    hint = phrase_in(one.text)
    meaning = f"A remark of the program: {hint.meaning}." if hint else "A remark of the program."
    explained.append(ExplainedLine(plain(one.text, 140), meaning, mark="wrong" if hint else "note"))
    if hint:
        problems.append(
            Problem(f"{hint.meaning[:1].upper()}{hint.meaning[1:]}.", one.line, None, hint.who, hint.then)
        )


def _summary(notes: tuple[Note, ...], problems: list[Problem], end: State) -> str:
    taken = sum(
        1
        for note in notes
        if note.role in ("reply",) and note.after is State.ACCEPTED and note.before is not State.ACCEPTED
    )
    refused = sum(1 for note in notes if isinstance(note.reply, Reply) and note.reply.severity > 3)
    lines = f"{len(notes)} lines. "
    if not notes:
        lines = "Nobody said anything. "
    fate = f"{taken} message{'s' if taken != 1 else ''} accepted, {refused} refusal{'s' if refused != 1 else ''}."
    return (
        f"{lines}{fate}{' The session did not end with QUIT.' if notes and end is not State.CLOSED else ''}"
    )
