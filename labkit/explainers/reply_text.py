"""A reply that stands alone, pasted from anywhere: digits, enhanced code, provider, text, and the stage if it is told."""

from __future__ import annotations

import re

from labkit.explainers.answer import ExplainedLine, Explanation, Mark, Problem, plain, rules_of
from labkit.explainers.cases import BY_STATUS, CASES, LATER, Case
from labkit.explainers.digits import CODES, FIRST, FIRST_RULE, SECOND, code_rule
from labkit.explainers.enhanced import CLASSES, Status, status_of
from labkit.explainers.keywords import explain_keyword
from labkit.explainers.phrases import BROADEST, HINT, phrase_in
from labkit.explainers.providers import ProviderMeaning, meaning_at, provider_of
from labkit.explainers.replies import BROAD
from labkit.explainers.stages import STAGES
from labkit.smtp.malformed import Malformed
from labkit.smtp.reply import Reply, parse_reply
from labkit.smtp.rule import Rule

__all__ = ["KIND", "explain_it", "explain_said", "looks_like", "stage_in"]

KIND = "a reply of a server"

_LINE = re.compile(r"\s*([2-5]\d\d)(?:([ -])(.*))?", re.DOTALL)
_AHEAD = re.compile(
    r"^[ \t]*(?:S:\s+|<-+\s+|<\s+|smtp;\s*|SMTP\s+|Remote server (?:returned|said):?\s*'?|(?:SMTP )?(?:error|code):?\s+"
    r"|.{0,80}?\bsaid:\s+|SMTP error from remote (?:mail )?server after [^:]{0,80}(?::<[^>]*>)?[^:]*:\s*(?:host .{0,90}?:\s+)?)(?=\d{3}[ -])",
    re.IGNORECASE,
)
_TUPLE = re.compile(r"\(\s*([2-5]\d\d)\s*,\s*b?(['\"])(.*)\2\s*\)", re.DOTALL)
_ENHANCED = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")
_ALONE = re.compile(r"\s*#?([245]\.\d{1,3}\.\d{1,3})\b(.*)", re.DOTALL)
_STAGES = (
    ("text", re.compile(r"in reply to end of DATA|after (?:end of data|sending data block|the (?:final )?dot)", re.IGNORECASE)),
    ("RCPT", re.compile(r"in reply to RCPT TO|after RCPT TO", re.IGNORECASE)),
    ("MAIL", re.compile(r"in reply to MAIL FROM|after (?:pipelined )?MAIL FROM", re.IGNORECASE)),
    ("DATA", re.compile(r"in reply to DATA|after (?:pipelined )?DATA\b", re.IGNORECASE)),
    ("EHLO", re.compile(r"in reply to EHLO|after EHLO", re.IGNORECASE)),
    ("HELO", re.compile(r"in reply to HELO|after HELO", re.IGNORECASE)),
    ("STARTTLS", re.compile(r"in reply to STARTTLS|after STARTTLS", re.IGNORECASE)),
    ("AUTH", re.compile(r"in reply to AUTH|after AUTH", re.IGNORECASE)),
    ("greeting", re.compile(r"initial (?:connection|server greeting)|refused to talk to me", re.IGNORECASE)),
)  # fmt: skip
_GREETING = re.compile(r"[\w-]+(?:\.[\w-]+)+ E?SMTP\b")
_WHEN = {"greeting": "as the greeting", "text": "after the final dot", "response": "in AUTH"}
_SHOWN_STAGES = (
    "greeting",
    "EHLO",
    "MAIL",
    "RCPT",
    "DATA",
    "text",
    "AUTH",
    "STARTTLS",
    "VRFY",
    "QUIT",
    "RSET",
    "HELP",
)
_VAGUE = frozenset({"0.0", "7.0", "7.1", "5.0", "3.0", "2.0", "1.0", "4.0", "6.0", "5.2", "5.4"})
_CHANGE = "Do not send the same again. First change what the reply objects to."
_CLASS = Rule("RFC 3463 section 2", "Class, subject and detail; the class is the first digit of the reply.")


def looks_like(text: str) -> float:
    """How sure it is that this is a reply."""
    lines = [line for line in _normal(text).split("\n") if line.strip()]
    if not lines or len(lines) > 60:
        return 0.0
    if _TUPLE.fullmatch(text.strip()):
        return 0.95
    first = _LINE.fullmatch(lines[0])
    if first is None:
        return 0.85 if _ALONE.fullmatch(text) and len(lines) < 4 else 0.0
    if first[2] is None:
        return 0.9 if len(lines) == 1 and int(first[1]) in CODES else 0.5 if len(lines) == 1 else 0.0
    fitting = sum(bool(re.match(r"\s*\d{3}(?:[ -]|$)", line)) for line in lines)
    return 0.95 if fitting == len(lines) else 0.75 if fitting * 2 >= len(lines) or len(lines) < 4 else 0.55


def stage_in(text: str) -> str:
    """What was answered, if the words around the reply say so; else empty."""
    return next((stage for stage, pattern in _STAGES if pattern.search(text)), "")


def explain_it(text: str) -> Explanation:
    """Explain one reply of one line or several."""
    found = _TUPLE.fullmatch(text.strip())
    said = f"{found[1]} {found[3]}" if found else _normal(text)
    stage = stage_in(text)
    alone = _ALONE.fullmatch(said)
    if alone and not _LINE.fullmatch(said.split("\n")[0]):
        return _of_enhanced(alone[1], said)
    return explain_said(said, stage)


def explain_said(said: str, stage: str = "", context: str = "") -> Explanation:
    """Explain what a server said: the reply's text with its code in front. ``stage`` as in `STAGES`, or empty.

    ``context`` are words around it that tell who said it, such as the name of the host.
    """
    lines = [line.strip("\r") for line in said.strip().split("\n")]
    lines[-1] = re.sub(r"^(\s*\d{3})-", r"\1 ", lines[-1])  # an excerpt: its last line is a part of the reply
    raw = "\r\n".join(line.strip() for line in lines) + "\r\n"
    reply = parse_reply(raw.encode("utf-8", "replace"))
    problems: list[Problem] = []
    if isinstance(reply, Malformed):
        match = _LINE.match(said)
        if match is None:
            return _no_reply(said, reply)
        if not _wrapped_text(lines):
            problems.append(
                Problem(
                    f"{_sentence(reply.reason)}", 0, reply.rule, "the server", "Send whole and equal lines."
                )
            )
        reply = Reply(int(match[1]), None, tuple(line for line in lines))
    whole = " ".join(re.sub(r"^[ \t]*\d{3}[ -]", "", line) for line in lines)
    enhanced = reply.enhanced_code or next((m[1] for m in _ENHANCED.finditer(whole)), None)
    if not stage and reply.code in (421, 521, 554) and _GREETING.match(whole):
        stage = "greeting"
    if not stage and len(lines) > 1 and reply.code == 250:
        stage = "EHLO"  # no other reply of success has several lines, but for HELP and EXPN
    return _explain(reply.code, enhanced, whole, lines, stage, problems, context)


def _explain(
    code: int,
    enhanced: str | None,
    whole: str,
    lines: list[str],
    stage: str,
    problems: list[Problem],
    context: str,
) -> Explanation:
    status = status_of(enhanced) if enhanced else None
    theirs = meaning_at(f"{whole} {context}", enhanced)
    settled = theirs is not None or (status is not None and bool(status.who) and not _vague(enhanced))
    phrase = phrase_in(whole) if code >= 400 else None
    if settled and phrase is BROADEST:
        phrase = None
    cases = [] if settled and not stage else _cases(code, enhanced, stage)
    digit = str(code)[0]
    parts = [
        ExplainedLine(digit, _sentence(FIRST[digit]), FIRST_RULE),
        ExplainedLine(str(code), *_code(code)),
    ]
    if str(code)[1] in SECOND and code >= 400:
        parts.insert(1, ExplainedLine(str(code)[1], _sentence(SECOND[str(code)[1]])))
    if status is not None and enhanced is not None:
        parts += _status_lines(code, enhanced, status, theirs)
    elif theirs is not None:
        parts.append(_their_line(theirs, str(code)))
    if phrase is not None:
        parts.append(ExplainedLine(plain(whole, 160), f"The text hints: {phrase.meaning}.", HINT, "note"))
    if theirs is None and (provider := provider_of(whole)) is not None and code >= 400:
        parts.append(ExplainedLine(provider.name, "This provider seems to have said it; its own list has no row for this code.",
                                   mark="note"))  # fmt: skip
    parts += [
        ExplainedLine(
            f"{_when(at)}",
            f"{case.more} {case.then}".strip(),
            STAGES[at].rule,
            "ok" if code < 400 else "note",
        )
        for at, case in cases
    ]
    who, steps = _who(code, enhanced, status, theirs, (phrase.who, phrase.then) if phrase else None, cases)
    if code >= 400:
        what = _what(code, status, theirs, phrase.meaning if phrase else None, cases if stage else [])
        problems = [*problems, Problem(what, 1, _rule(code, status, theirs), who, steps[0])]
    if stage == "EHLO" and code == 250:
        for line in lines[1:]:
            found, rule, certain = explain_keyword(line.strip()[4:])
            parts += [
                ExplainedLine(plain(word, 80), _sentence(said), rule, "ok" if certain else "unknown")
                for word, said in found
            ]
    known = code in CODES and (status is None or status.known or theirs is not None)
    sort = {"2": "Done", "3": "Go on", "4": "Not now", "5": "No"}[digit]
    return Explanation(
        "reply",
        f"{KIND.capitalize()}: {plain(lines[0], 80)}",
        f"{sort}. {_summary(code, stage, theirs)}",
        tuple(parts),
        tuple(problems),
        who,
        tuple(steps),
        rules_of(parts, problems, [rule for _, case in cases[:1] for rule in case.rules]),
        known,
    )


def _of_enhanced(enhanced: str, whole: str) -> Explanation:
    status = status_of(enhanced)
    theirs = meaning_at(whole, enhanced)
    parts = _status_lines(int(enhanced[0]) * 100, enhanced, status, theirs)
    code = int(enhanced[0]) * 100
    who, steps = _who(code, enhanced, status, theirs, None, [])
    problems = (
        []
        if code < 400
        else [Problem(_what(code, status, theirs, None, []), 1, _rule(code, status, theirs), who, steps[0])]
    )
    return Explanation(
        "reply", f"An enhanced status code: {enhanced}", f"It stands behind the three digits of a reply. {status.meaning}",
        tuple(parts), tuple(problems), who, tuple(steps), rules_of(parts, problems), status.known or theirs is not None,
    )  # fmt: skip


def _status_lines(
    code: int, enhanced: str, status: Status, theirs: ProviderMeaning | None
) -> list[ExplainedLine]:
    odd = ""
    if enhanced[0] != str(code)[0]:
        odd = f" But {enhanced[0]} means {CLASSES[enhanced[0]]}, which contradicts {code}."
    mark: Mark = "wrong" if odd else "ok" if status.known else "unknown"
    label = "By the registry: " if theirs is not None else ""
    lines = [ExplainedLine(enhanced, f"{label}{status.meaning}{odd}", _CLASS if odd else status.rule, mark)]
    if theirs is not None:
        lines.append(_their_line(theirs, enhanced))
    return lines


def _their_line(theirs: ProviderMeaning, token: str) -> ExplainedLine:
    apart = " The registry gives this number another meaning, or none." if theirs.differs else ""
    return ExplainedLine(
        f"{theirs.mark or token} from {theirs.provider}", f"{theirs.text}{apart}", theirs.rule, "note"
    )


def _vague(enhanced: str | None) -> bool:
    """Whether an enhanced code says no more than the three digits do."""
    return enhanced is None or enhanced.split(".", 1)[1] in _VAGUE


def _code(code: int) -> tuple[str, Rule | None, Mark]:
    if code in CODES:
        return f"{_sentence(CODES[code][0])}", code_rule(code), "ok"
    return "No standard names this code. Only its first digit speaks.", FIRST_RULE, "unknown"


def _cases(code: int, enhanced: str | None, stage: str) -> list[tuple[str, Case]]:
    """What the code says at the stage; at all stages where that is not told."""
    stages = (stage,) if stage else _SHOWN_STAGES
    found = []
    for at in stages:
        closer = BY_STATUS.get((enhanced or "", at)) if code in BROAD else None
        case = closer or CASES.get((code, at))
        if case is not None:
            found.append((at, case))
    return found


def _who(
    code: int,
    enhanced: str | None,
    status: Status | None,
    theirs: ProviderMeaning | None,
    hint: tuple[str, str] | None,
    cases: list[tuple[str, Case]],
) -> tuple[str, list[str]]:
    if code < 400:
        acts = [case for _, case in cases if case.who]
        return (acts[0].who, [acts[0].then]) if len(cases) == 1 and acts else ("", [])
    steps: list[str] = []
    who = ""
    vague = status is None or not status.who or _vague(enhanced)
    if theirs is not None:
        who = theirs.who
        steps.append(theirs.then)
    elif not vague and status is not None:
        who = status.who
        steps.append(status.then)
    elif hint is not None:
        who = hint[0]
        steps.append(hint[1])
    elif len(cases) == 1 and cases[0][1].then:
        who = cases[0][1].who
        steps.append(cases[0][1].then)
    elif status is not None and status.who:
        who = status.who
        steps.append(status.then)
    if code < 500:
        passing = "A queue does this by itself: it keeps the message and tries again, for days."
        steps = [*steps, passing] if steps else [LATER]
        who = who or "the client"
    elif not steps:
        steps = [_CHANGE]
        who = who or "the sender"
    return who, steps


def _what(
    code: int,
    status: Status | None,
    theirs: ProviderMeaning | None,
    hint: str | None,
    cases: list[tuple[str, Case]],
) -> str:
    again = "It may work later." if code < 500 else "The same attempt will fail again."
    if theirs is not None:
        return f"{theirs.text} {again}"
    if hint is not None and (status is None or not status.who or status.meaning.startswith("A policy")):
        return f"The server refuses, and its text hints: {hint}. {again}"
    if status is not None and status.known and status.who:
        return f"{status.meaning} {again}"
    if len(cases) == 1:
        return f"{cases[0][1].more} {again}"
    if code in CODES:
        return f"{_sentence(CODES[code][0])} {again}"
    return f"The server refuses with a code of its own. {again}"


def _rule(code: int, status: Status | None, theirs: ProviderMeaning | None) -> Rule | None:
    if theirs is not None:
        return theirs.rule
    return status.rule if status is not None else code_rule(code) or FIRST_RULE


def _summary(code: int, stage: str, theirs: ProviderMeaning | None) -> str:
    meaning = f"By itself {code} means: {CODES[code][0]}." if code in CODES else f"No standard names {code}."
    where = f" It came {_when(stage)}." if stage else ""
    if code >= 400 and not stage and theirs is None:
        where = " What it answered is not told."
    whose = f" {theirs.provider} has a meaning of its own for it." if theirs and theirs.differs else ""
    return f"{meaning}{where}{whose}"


def _when(stage: str) -> str:
    return _WHEN.get(stage, f"in answer to {stage}")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _wrapped_text(lines: list[str]) -> bool:
    """Whether the lines behind the first have no code: a long line that a mail program has broken."""
    return not any(re.match(r"\s*\d{3}[ -]", line) for line in lines[1:]) and " " in lines[0][3:4]


def _no_reply(said: str, slip: Malformed) -> Explanation:
    problem = Problem(
        _sentence(slip.reason), 1, slip.rule, "the server", "Begin each line with three digits."
    )
    return Explanation(
        "reply", "No valid reply", plain(said, 200), (), (problem,), "the server", (), (slip.rule,), False
    )


def _normal(text: str) -> str:
    """The text without what programs put in front of a reply."""
    lines = [_AHEAD.sub("", line) for line in text.strip().strip("'\"").split("\n")]
    return "\n".join(line.strip() for line in lines)
