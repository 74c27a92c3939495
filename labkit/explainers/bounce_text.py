"""Bounces: notices by the standard (RFC 3464), and the text of the common ones, pasted without their parts."""

from __future__ import annotations

import re
from dataclasses import replace

from labkit.explainers.answer import ExplainedLine, Explanation, Problem, plain, rules_of
from labkit.explainers.enhanced import status_of
from labkit.explainers.phrases import HINT, phrase_in
from labkit.explainers.reply_text import explain_said, stage_in
from labkit.hosts import dsn
from labkit.hosts.report_parts import BLANK, fields_of
from labkit.message import canonical_lines
from labkit.smtp.rule import Rule

__all__ = ["KIND", "explain_it", "looks_like"]

KIND = "a bounce"

_REPORT = Rule(
    "RFC 3464 section 2",
    "A notice tells the fate of each recipient: Action, Status, and the reply that decided.",
)
_NULL = Rule(
    "RFC 5321 section 6.1",
    "Whoever took a message and cannot deliver it must tell the reverse-path, from <>.",
)
_ACTIONS = {
    "failed": "was not delivered, and nobody tries any more", "delayed": "has not been delivered yet; the host goes on trying",
    "delivered": "was delivered", "relayed": "was passed on to a host that does not report", "expanded": "went on to the members of a list",
}  # fmt: skip
_SIGNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"this is the mail system at host", r"mail delivery (?:sub)?system|mailer-daemon|postmaster@", r"undeliver(?:able|ed)",
        r"could not be delivered|couldn't be delivered|wasn't delivered|was not delivered|could not deliver|unable to deliver|not been delivered",
        r"delivery (?:has failed|failed|status notification|incomplete|to the following recipients?)|delivery failure|failed permanently",
        r"address not found|message (?:blocked|not delivered|delivery (?:failed|delayed))|returned (?:mail|to sender)|your message (?:to|wasn't|has not)",
        r"the (?:response|error) (?:from the remote server|that the other server returned|was)|remote server (?:returned|said)|generating server",
        r"diagnostic[- ]code:|final-recipient:|action:\s*(?:failed|delayed)|reporting-mta:|status:\s*[245]\.\d",
        r"permanent (?:fatal )?errors?|transcript of session follows|>>> (?:RCPT|DATA|MAIL)|<<< [245]\d\d|host .{1,80} said:\s*[245]\d\d",
        r"i('m| am) (?:afraid|sorry)[^.]*deliver|qmail-send|giving up on|all recipients failed|recipients? failed|will (?:be retried|keep trying|continue to try)",
    )
)  # fmt: skip
_SAID = re.compile(
    r"(?:(?:said|returned|response (?:from the remote server )?(?:was|is)?|was|error|code|following recipients?):?\s*['\":]*\s*|<<<\s*|smtp;\s*|^[ \t]*|:\s*|\(\s*|#\s*)"
    r"(?P<reply>[45]\d\d(?:[ -]|(?=\s*$))[^\n]*(?:\n(?=\s*(?:[45]\d\d[ -]|[a-z(<])|\s{2,}\S)[^\n]*){0,8})",
    re.IGNORECASE | re.MULTILINE,
)
_LOOSE_STATUS = re.compile(r"(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")
_RECIPIENT = re.compile(r"<?([A-Za-z0-9._%+'=-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,})>?")


def looks_like(text: str) -> float:
    """How sure it is that this is a bounce."""
    low = text[:60_000]
    if re.search(r"report-type=\"?delivery-status|message/(?:global-)?delivery-status", low, re.IGNORECASE):
        return 0.99
    if "feedback-type:" in low.lower() or low.lstrip().startswith(("<", "{")):
        return 0.0
    signs = sum(bool(sign.search(low)) for sign in _SIGNS)
    if re.match(r"\s*[2-5]\d\d[ -]", low) or (
        re.match(r"\s*(?:from|date|received|return-path|to):", low, re.IGNORECASE) and signs < 3
    ):
        signs -= 2
    if re.search(
        r"^[ \t]*(?:send: |reply: |C: |S: )|postfix/\w+\[\d+\]|^ ?(?:->|<-|=== )", low, re.MULTILINE
    ):
        return 0.0
    if signs <= 0:
        return 0.0
    return 0.6 if signs == 1 and len(low.split()) > 5 else 0.94 if signs >= 2 else 0.35


def explain_it(text: str) -> Explanation:
    """Explain a bounce."""
    message = canonical_lines(text.lstrip("\n"))
    report = dsn.read(message)
    if report is not None:
        return _of_report(report.host, report.fates, report.message_id)
    fates = _blocks(text)
    return _of_report("", fates, "") if fates else _of_text(text)


def _blocks(text: str) -> tuple[dsn.Fate, ...]:
    """The blocks of message/delivery-status pasted without the parts around them."""
    at = re.search(
        r"^(?:Reporting-MTA|Original-Recipient|Final-Recipient):", text, re.IGNORECASE | re.MULTILINE
    )
    if at is None:
        return ()
    blocks = BLANK.split(canonical_lines(text[at.start() :]))[:50]
    if not any("final-recipient" in fields_of(block) for block in blocks):
        return ()
    head = "" if "reporting-mta" in fields_of(blocks[0]) else "Reporting-MTA: dns; unknown.invalid\r\n\r\n"
    status = head.encode() + b"\r\n\r\n".join(block.strip() for block in blocks)
    whole = (
        b"Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        + status
        + b"\r\n--b--\r\n"
    )
    report = dsn.read(whole)
    return report.fates if report is not None else ()


def _of_report(host: str, fates: tuple[dsn.Fate, ...], message_id: str) -> Explanation:
    lines: list[ExplainedLine] = []
    problems: list[Problem] = []
    steps: list[str] = []
    who = ""
    certain = True
    for fate in fates[:50]:
        status = status_of(fate.status) if fate.status else None
        bad = fate.action in ("failed", "delayed")
        meaning = f"The message {_ACTIONS[fate.action]}."
        lines.append(
            ExplainedLine(
                plain(fate.recipient, 100),
                meaning,
                _REPORT,
                "wrong" if fate.action == "failed" else "note" if bad else "ok",
            )
        )
        if status is not None:
            lines.append(
                ExplainedLine(
                    f"Status: {fate.status}", status.meaning, status.rule, "ok" if status.known else "unknown"
                )
            )
        if fate.remote:
            lines.append(
                ExplainedLine(
                    plain(fate.remote, 100),
                    "The host that said it." if fate.diagnostic else "The host that was tried.",
                )
            )
        if not bad:
            continue
        said = (
            explain_said(_with_code(fate), stage_in(fate.diagnostic))
            if fate.diagnostic or fate.status
            else None
        )
        if said is not None:
            lines += [line for line in said.lines if len(line.text) > 1]
            who, certain = who or said.who_acts, certain and said.certain
            steps += said.next_steps
            what = said.problems[0] if said.problems else None
            why = what.what if what else ""
            problems.append(
                Problem(
                    f"{plain(fate.recipient, 100)}: {why or meaning}",
                    0,
                    what.rule if what else _REPORT,
                    said.who_acts,
                    said.next_steps[0] if said.next_steps else "",
                )
            )
        if fate.retry_until is not None:
            lines.append(ExplainedLine(f"{fate.retry_until:%Y-%m-%d %H:%M}", "When the host gives up."))
    delayed = all(fate.action == "delayed" for fate in fates)
    if delayed:
        steps = ["Wait: the host goes on by itself. Do not send the message again.", *steps]
        who = "nobody yet"
    kinds = sorted({fate.action for fate in fates})
    about = f" It is about {plain(message_id, 100)}." if message_id else ""
    return Explanation(
        "bounce", f"A notice of delivery: {', '.join(kinds)}",
        f"{plain(host, 80) or 'A mail host'} tells the fate of {len(fates)} recipient{'s' if len(fates) > 1 else ''}.{about}",
        tuple(lines), tuple(problems), who, tuple(dict.fromkeys(steps))[:4], rules_of(lines, problems, (_REPORT, _NULL)), certain,
    )  # fmt: skip


def _with_code(fate: dsn.Fate) -> str:
    """The diagnostic with three digits in front, which a report may leave out."""
    said = fate.diagnostic.strip()
    found = re.search(r"\b[245]\d\d[ -]", said)
    if found and found.start() < 120:
        return said[found.start() :]
    return f"{fate.status[:1] or '5'}50 {fate.status} {said}".strip()


def _of_text(text: str) -> Explanation:
    """A bounce of which only the words for people are there."""
    found = _best_reply(text)
    recipient = next(
        (
            m[1]
            for m in _RECIPIENT.finditer(text)
            if not re.match(r"(?:mailer-daemon|postmaster)@", m[1], re.IGNORECASE)
        ),
        "",
    )
    delayed = bool(
        re.search(
            r"delay|will (?:be retried|keep trying|retry|continue)|not (?:been|yet) .{0,20}delivered yet|warning",
            text,
            re.IGNORECASE,
        )
    ) and (not found or found.startswith("4"))
    lines = []
    if recipient:
        lines.append(
            ExplainedLine(
                plain(recipient, 100),
                f"The recipient: the message {_ACTIONS['delayed' if delayed else 'failed']}.",
                _NULL,
                "note" if delayed else "wrong",
            )
        )
    said = explain_said(found, stage_in(text)) if found else None
    phrase = phrase_in(text)
    problems: list[Problem] = []
    steps: tuple[str, ...] = ()
    who = ""
    if said is not None:
        lines += [line for line in said.lines if len(line.text) > 1]
        problems = [replace(one, where=0) for one in said.problems]  # its line 1 is the reply's own
        steps, who = said.next_steps, said.who_acts
        if phrase and not any(line.rule is HINT for line in said.lines) and not said.certain:
            lines.append(ExplainedLine("(the text)", f"The text hints: {phrase.meaning}.", HINT, "note"))
    elif phrase is not None:
        lines.append(ExplainedLine("(the text)", f"The text hints: {phrase.meaning}.", HINT, "note"))
        problems = [Problem(f"The text hints: {phrase.meaning}.", 0, HINT, phrase.who, phrase.then)]
        steps, who = (phrase.then,), phrase.who
    if delayed:
        steps = ("Wait: the host goes on by itself. Do not send the message again.", *steps)
        who = "nobody yet"
    return Explanation(
        "bounce", f"A bounce: {'delayed' if delayed else 'not delivered'}",
        "This is the text for people. The parts for programs are not here; they would name Status and Diagnostic-Code.",
        tuple(lines), tuple(problems), who, steps or ("Paste the whole notice, with its source: the reply of the server is in it.",),
        rules_of(lines, problems, (_NULL,)), said.certain if said is not None else False,
    )  # fmt: skip


def _best_reply(text: str) -> str:
    """The reply that is quoted in the text; the one with an enhanced code first."""
    found = [re.sub(r"\n\s*", "\n", m["reply"]).strip(" '\"") for m in _SAID.finditer(text)]
    best = next((reply for reply in found if _LOOSE_STATUS.search(reply)), found[0] if found else "")
    if best:
        lines = best.split("\n")
        coded = [line for line in lines if re.match(r"[45]\d\d[ -]", line)]
        return "\n".join(coded) if len(coded) > 1 else " ".join(lines)
    status = _LOOSE_STATUS.search(text)
    if status is None:
        return ""
    line = text[text.rfind("\n", 0, status.start()) + 1 :].split("\n")[0]
    return f"{status[1][0]}50 {status[1]} {line.replace(status[1], '').strip(' #:;')}"
