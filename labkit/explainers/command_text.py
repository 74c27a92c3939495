"""One command of a client, or several without their answers: what each does, its form, and their order."""

from __future__ import annotations

import re
from difflib import get_close_matches

from labkit.explainers.answer import MOST_LINES, ExplainedLine, Explanation, Problem, plain, rules_of
from labkit.explainers.explanation import LineExplanation
from labkit.explainers.line import explain_line
from labkit.smtp.command import Command, parse_command
from labkit.smtp.commands import COMMANDS
from labkit.smtp.session import Observer, State
from labkit.smtp.states import lookup
from labkit.smtp.wire import WireEvent

__all__ = ["KIND", "explain_it", "line_of", "looks_like"]

KIND = "a command of a client"

_STATES = (State.CONNECTED, State.GREETED, State.SENDER, State.RECIPIENTS)
_PATH_VERB = re.compile(r"(?:mail|send|soml|saml)\s*from|rcpt\s*to", re.IGNORECASE)
_ALONE = frozenset({"DATA", "RSET", "NOOP", "QUIT", "HELP", "STARTTLS", "EHLO", "HELO"})


def looks_like(text: str) -> float:
    """How sure it is that this is a command, or several."""
    lines = [line.strip() for line in text.strip().split("\n")]
    if len(lines) > 30:
        return 0.0
    worths = [_worth(line) for line in lines]
    if len(lines) > 1 and worths[0] > 0.5 and "DATA" in (line.upper() for line in lines):
        return 0.9
    return min(worths)


def _worth(line: str) -> float:
    word, _, rest = line.partition(" ")
    verb = word.upper().rstrip(":")
    if _PATH_VERB.match(line):
        return 0.97
    if verb in COMMANDS:
        if not rest:
            return 0.9 if word.isupper() or verb in ("EHLO", "HELO", "STARTTLS") else 0.6
        shouted = word.isupper() or verb in ("EHLO", "HELO")
        return 0.92 if shouted and len(rest.split()) <= 3 else 0.55 if len(rest.split()) <= 2 else 0.1
    close = get_close_matches(verb, COMMANDS, n=1, cutoff=0.7)
    return 0.6 if close and word.isupper() and len(line.split()) <= 3 else 0.0


def explain_it(text: str) -> Explanation:
    """Explain one command, or several in the order in which they are sent."""
    lines = text.strip().split("\n")[:MOST_LINES]
    if len(lines) == 1:
        return _one(lines[0])
    return _several(lines)


def _one(line: str) -> Explanation:
    octets = line.strip().encode("utf-8", "replace") + b"\r\n"
    command = parse_command(octets)
    state = next((state for state in _STATES if lookup(state, command.verb).allowed), State.GREETED)
    one = explain_line(Observer(state).feed(WireEvent(1, 0.0, 1, "C", "client", octets, False)), 1)
    problems = _problems(one, 1) if not isinstance(command, Command) or not command.known else []
    info = COMMANDS.get(command.verb)
    if info is not None and info.obsolete:
        problems = [
            Problem(
                f"{command.verb} is obsolete: servers refuse it.", 1, info.rule, "the client", "Use MAIL."
            )
        ]
    parts = [
        ExplainedLine(plain(token), f"{meaning[:1].upper()}{meaning[1:]}.") for token, meaning in one.parts
    ]
    wrong = bool(problems)
    return Explanation(
        "command",
        f"A command: {plain(line, 80)}",
        f"{one.headline}. {one.happened}",
        tuple(parts),
        tuple(problems),
        "the client" if wrong else one.who_acts,
        (one.next_step,) if one.next_step else (),
        rules_of(parts, problems, one.rules),
        info is not None,
    )


def _several(lines: list[str]) -> Explanation:
    """The lines as a session in which a server that keeps to the rules says yes to all that is in order."""
    observer = Observer(State.CONNECTED)
    seq = 0
    asked: list[tuple[int, str, int]] = []
    in_text = False
    for number, line in enumerate(lines, 1):
        seq += 1
        octets = line.strip("\r").encode("utf-8", "replace") + b"\r\n"
        notes = observer.feed(WireEvent(seq, 0.0, 1, "C", "client", octets, False))
        asked.append((number, line, seq))
        if in_text and octets != b".\r\n":
            continue
        expected = notes[-1].expectation
        verb = notes[-1].command.verb if notes[-1].command else ""
        answer = b"250 ok"
        if expected is not None and not expected.allowed:
            answer = b"503 out of order" if isinstance(notes[-1].command, Command) else b"501 syntax"
        elif verb == "DATA":
            answer = b"354 go"
        elif verb in ("QUIT", "STARTTLS"):
            answer = b"221 bye" if verb == "QUIT" else b"220 go"
        elif verb == "AUTH":
            answer = b"235 ok"
        in_text = answer == b"354 go"
        seq += 1
        observer.feed(WireEvent(seq, 0.0, 1, "S", "client", answer + b"\r\n", False))
    explained, problems = [], []
    notes = observer.notes
    for number, line, at in asked:
        one = explain_line(notes, at)
        note = notes[at - 1]
        wrong = note.role == "command" and note.expectation is not None and not note.expectation.allowed
        if wrong:
            problems += _problems(one, number)
        explained.append(line_of(line, one, wrong))
    return Explanation(
        "command",
        f"{len(lines)} lines of a client",
        "The answers are not here, so a server that says yes wherever the rules allow it is assumed.",
        tuple(explained),
        tuple(problems),
        "the client" if problems else "",
        tuple(problem.do for problem in problems[:2])
        or ("Nothing is out of order. Send each line after the answer to the one before.",),
        rules_of((), problems),
        not problems or problems[0].rule is not None,
    )


def line_of(text: str, one: LineExplanation, wrong: bool) -> ExplainedLine:
    """A line of a session with its headline and what it means there."""
    parts = " ".join(f"{token}: {meaning.rstrip('.')}." for token, meaning in one.parts[:6] if len(token) > 1)
    said = f"{one.headline[:1].upper()}{one.headline[1:]}. {one.happened} {parts}".strip()
    rule = one.rules[0] if one.rules else None
    return ExplainedLine(
        plain(text, 140), plain(said, 700), rule, "wrong" if wrong else "ok" if one.certain else "unknown"
    )


def _problems(one: LineExplanation, number: int) -> list[Problem]:
    return [Problem(one.happened, number, one.rules[-1] if one.rules else None, one.who_acts or "the client",
                    one.next_step or "Send the commands in the order EHLO, MAIL, RCPT, DATA.")]  # fmt: skip
