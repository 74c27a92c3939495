"""The MTA-STS policy file (RFC 8461 section 3.2)."""

from __future__ import annotations

import re

from labkit.auth.mta_sts.policy import LONGEST, Policy, PolicyError, parse_policy
from labkit.explainers.answer import ExplainedLine, Explanation, Problem, plain, rules_of
from labkit.smtp.rule import Rule

__all__ = ["KIND", "explain_it", "looks_like"]

KIND = "an MTA-STS policy file"

_FILE = Rule(
    "RFC 8461 section 3.2", "The file has version, mode, max_age, and one mx line for each host or pattern."
)
_MX = Rule("RFC 8461 section 4.1", "A star stands for exactly one label, the leftmost.")
_MODE = Rule("RFC 8461 section 5", "Only enforce keeps mail from being sent to a host that does not fit.")
_OWNER = "the domain's owner"
_MODES = {
    "enforce": "Mail that cannot be sent as the policy says is not sent.",
    "testing": "Mail is sent all the same; failures are reported if TLS-RPT is there.",
    "none": "There is no policy any more.",
}
_NAMES = ("version", "mode", "mx", "max_age")
_WEEK = 7 * 86_400


def looks_like(text: str) -> float:
    """How sure it is that this is such a file."""
    names = {found[1].lower() for found in re.finditer(r"^[ \t]*([A-Za-z_]+):", text[:5_000], re.MULTILINE)}
    if re.search(r"^[ \t]*version:\s*STSv1", text[:5_000], re.MULTILINE | re.IGNORECASE):
        return 0.98
    fitting = len(names & {"version", "mode", "mx", "max_age"})
    return 0.8 if fitting >= 3 or {"mode", "mx"} <= names or {"mode", "max_age"} <= names else 0.0


def explain_it(text: str) -> Explanation:
    """Explain a policy file."""
    body = text.strip("\n") + "\n"
    lines = [_line(line) for line in body.strip().split("\n")[:60]]
    problems: list[Problem] = []
    policy: Policy | None = None
    try:
        policy = parse_policy(body.encode("utf-8", "replace"))
    except PolicyError as error:
        problems.append(Problem(f"The file is not valid: {plain(error.reason)}. Senders then act as if there were none.", error.line,
                                _FILE, _OWNER, "Repair the line, upload the file, and change the id in the TXT record."))  # fmt: skip
    if policy is not None:
        if policy.mode != "none" and policy.max_age < _WEEK:
            problems.append(Problem(f"max_age is {policy.max_age} seconds, less than a week: an attacker has only to wait.", 0, _FILE,
                                    _OWNER, "Use some weeks, such as 1209600 or 2592000, once it works."))  # fmt: skip
        if policy.mode == "testing":
            problems.append(Problem("mode: testing protects nothing; it only reports.", 0, _MODE, _OWNER,
                                    "Read the TLS reports, then change to enforce."))  # fmt: skip
    summary = (
        "The file is not valid."
        if policy is None
        else f"{_MODES[policy.mode]} It may be kept for {policy.max_age // 86_400} days."
    )
    steps = (
        (problems[0].do,)
        if problems
        else ("Compare the mx lines with the domain's MX records: each MX host must fit one.",)
    )
    return Explanation("mta-sts-policy", "An MTA-STS policy file", summary, tuple(lines), tuple(problems),
                       _OWNER if problems else "", steps, rules_of(lines, problems))  # fmt: skip


def _line(line: str) -> ExplainedLine:
    name, colon, value = line.strip().partition(":")
    value = value.strip()
    shown = plain(line.strip(), 120)
    if not colon or name not in _NAMES:
        near = name.lower().replace("-", "_")
        hint = f" The name is {near}, in small letters." if near in _NAMES else ""
        return ExplainedLine(
            shown,
            f"No field that RFC 8461 knows; it is ignored.{hint}",
            _FILE,
            "wrong" if hint else "unknown",
        )
    if name == "mode":
        return ExplainedLine(
            shown,
            _MODES.get(value, "No mode: it is enforce, testing or none."),
            _MODE,
            "ok" if value in _MODES else "wrong",
        )
    if name == "mx":
        star = value.startswith("*.")
        return ExplainedLine(
            shown,
            f"{'Any host one label below' if star else 'The host'} {plain(value.removeprefix('*.'), 80)}.",
            _MX,
        )
    if name == "max_age":
        fits = value.isascii() and value.isdigit() and len(value) < 11 and int(value) <= LONGEST
        days = (
            f"Seconds for which it may be kept: {int(value) // 86_400} days."
            if fits
            else f"No number of seconds up to {LONGEST}."
        )
        return ExplainedLine(shown, days, _FILE, "ok" if fits else "wrong")
    return ExplainedLine(
        shown, "The version; there is only STSv1.", _FILE, "ok" if value == "STSv1" else "wrong"
    )
