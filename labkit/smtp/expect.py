"""What the table says about one command before it is answered: in order or not, which replies, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from labkit.frozen import dataclass
from labkit.smtp.command import Command
from labkit.smtp.commands import COMMANDS
from labkit.smtp.malformed import Malformed
from labkit.smtp.parameters import PARAMETERS
from labkit.smtp.rule import Rule
from labkit.smtp.states import UNKNOWN, State, lookup

__all__ = ["NOT_OFFERED", "Expectation", "Facts", "expectation"]

_TLS_ONCE = Rule("RFC 3207 section 4.2", "STARTTLS is neither offered nor used when TLS is already up.")
_AUTH_ONCE = Rule("RFC 4954 section 4", "After one successful AUTH no other may follow in the same session.")
_AUTH_MECHANISM = Rule("RFC 4954 section 4", "A mechanism that the server does not have is answered by 504.")
_EXTENSION = Rule(
    "RFC 5321 section 4.1.1.1",
    "The answer to EHLO names every command and parameter beyond the required ones.",
)
_PARAMETER = Rule(
    "RFC 5321 section 4.1.1.11", "A parameter that the server does not know is answered by 555."
)
_UTF8 = Rule("RFC 6531 section 3.4", "A recipient beyond ASCII needs MAIL with SMTPUTF8 before it.")
NOT_OFFERED = frozenset({_AUTH_MECHANISM, _EXTENSION, _PARAMETER})
"""The rules behind a refusal of what the server did not announce; the order was right."""
_BINARY = Rule(
    "RFC 3030 section 3", "A message with BODY=BINARYMIME has no lines: it goes by BDAT, not by DATA."
)
_BINARY_BODY = ("BODY", "BINARYMIME")
_PRIVATE = Rule("RFC 5321 section 4.1.5", "A command that begins with X needs an agreement of both sides.")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the session has shown beyond its state.

    ``keywords`` is the answer to EHLO, keyword to arguments, empty after HELO; None while unknown.
    ``smtputf8`` and ``binary``: the open transaction's MAIL said SMTPUTF8, or BODY=BINARYMIME.
    """

    keywords: Mapping[str, tuple[str, ...]] | None = None
    encrypted: bool = False
    authenticated: bool = False
    smtputf8: bool = False
    binary: bool = False

    @property
    def recipient_limit(self) -> int | None:
        """What EHLO announced as the most recipients of one transaction (RFC 9422 section 4.2); else None."""
        limits = (self.keywords or {}).get("LIMITS", ())
        numbers = (limit.removeprefix("RCPTMAX=") for limit in limits if limit.startswith("RCPTMAX="))
        return next((int(number) for number in numbers if number.isascii() and number.isdecimal()), None)


_NO_FACTS = Facts()


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the table says about a line before it is answered.

    ``codes`` are the replies that the standards name for it here. ``state`` is the state in which the line is
    judged; with pipelining that is not the state in which it was sent.
    """

    allowed: bool
    codes: tuple[int, ...]
    reason: str
    rule: Rule
    state: State = field(default=State.CONNECTED)


def expectation(state: State, command: Command | Malformed, facts: Facts = _NO_FACTS) -> Expectation:
    """Whether a command is in order in a state, which replies to expect, and why."""
    entry = lookup(state, command.verb)
    if isinstance(command, Malformed) and (entry.allowed or command.verb not in COMMANDS):
        codes: tuple[int, ...] = (500, 501) if command.verb in ("", *COMMANDS) else (500, 502)
        if command.tolerable:
            codes = (*entry.success, 500, 501, 552, 553)
        return Expectation(
            False, codes, f"{command.reason[:1].upper()}{command.reason[1:]}.", command.rule, state
        )
    if entry is UNKNOWN and command.verb.startswith("X"):
        return Expectation(False, (500, 502), "A command that begins with X is private.", _PRIVATE, state)
    if entry.allowed and isinstance(command, Command):
        refused = _refused_by_facts(command, facts)
        if refused is not None:
            codes, reason, rule = refused
            return Expectation(False, codes, reason, rule, state)
    return Expectation(entry.allowed, entry.codes, entry.reason, entry.rule, state)


def _refused_by_facts(command: Command, facts: Facts) -> tuple[tuple[int, ...], str, Rule] | None:
    verb = command.verb
    if verb == "STARTTLS" and facts.encrypted:
        return (503,), "TLS is up already.", _TLS_ONCE
    if verb == "AUTH" and facts.authenticated:
        return (503,), "The client has proved who it is already.", _AUTH_ONCE
    if verb == "RCPT" and command.path is not None and not command.path.ascii and not facts.smtputf8:
        return (553, 550, 501), "The address is not ASCII, and MAIL did not say SMTPUTF8.", _UTF8
    if verb == "DATA" and facts.binary:
        return (503,), "MAIL said BODY=BINARYMIME, so the message goes by BDAT.", _BINARY
    if facts.keywords is None:
        return None
    extension = COMMANDS[verb].extension if verb in COMMANDS else ""
    if extension and extension not in facts.keywords:
        reason = f"The server did not announce {extension} in its answer to EHLO."
        return (502, 500, 503, 504), reason, _EXTENSION
    if verb == "AUTH":
        mechanism = command.argument.split(" ", 1)[0].upper()
        if mechanism not in facts.keywords["AUTH"]:
            return (504, 538, 534), f"The server did not announce the mechanism {mechanism}.", _AUTH_MECHANISM
    for keyword, value in command.parameters:
        info = PARAMETERS.get(keyword)
        if info is None or info.verb != verb:
            owner = f"belongs to {info.verb}" if info else "is not known to this server"
            if info or keyword not in facts.keywords:
                return (555, 501, 504), f"The parameter {keyword[:40]} {owner}.", _PARAMETER
            continue
        needed = "BINARYMIME" if (keyword, (value or "").upper()) == _BINARY_BODY else info.extension
        if needed not in facts.keywords:
            belongs = "" if needed in (keyword, "BINARYMIME") else f"{keyword} belongs to {needed}. "
            reason = f"{belongs}The server did not announce {needed} in its answer to EHLO."
            return (555, 501, 504), reason, _EXTENSION
    return None
