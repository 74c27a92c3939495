"""Does a reply agree with the table? Tolerant where the standards permit several codes."""

from __future__ import annotations

from labkit.smtp.commands import COMMANDS
from labkit.smtp.expect import Expectation
from labkit.smtp.malformed import Malformed
from labkit.smtp.reply import Reply
from labkit.smtp.states import ANSWERS, END_OF_TEXT, GREETING, RESPONSE

__all__ = ["KNOWN_CODES", "name_of", "verdict"]

KNOWN_CODES = frozenset(code for success, failure in ANSWERS.values() for code in success + failure) | {
    421, 503, 521, 523, 524, 525,
}  # fmt: skip
"""Every reply code that a standard has given a meaning."""

_NAMES = {GREETING: "the connection", END_OF_TEXT: "the end of the text", RESPONSE: "a response in AUTH"}


def name_of(verb: str) -> str:
    """What a learner calls the thing that was answered."""
    return _NAMES.get(verb, verb or "this line")


def verdict(
    verb: str, expectation: Expectation, reply: Reply | Malformed, tolerable: bool
) -> tuple[bool, str]:
    """Whether a reply agrees with what was expected, and why it refuses or disagrees (else ``""``).

    ``verb`` is the table's name for what is answered. ``tolerable``: the client's line is too long or too
    large, and a server may take it or not.
    """
    if isinstance(reply, Malformed):
        return False, f"This is no reply: {reply.reason}."
    code = reply.code
    if code == 421:
        return True, "421 may answer anything: the server is about to close the connection."
    enhanced = reply.enhanced_code
    if enhanced is not None and enhanced[0] != str(code)[0] and verb not in (GREETING, "EHLO", "HELO"):
        return False, f"{enhanced} and {code} contradict each other: both have to begin with the same digit."
    if expectation.allowed:
        return _in_order(verb, code)
    success = ANSWERS.get(verb, ((), ()))[0]
    if code >= 500:
        return True, expectation.reason
    if code >= 400:
        if tolerable or code in (450, 451, 452, 454):
            return True, expectation.reason
        return (
            False,
            f"{expectation.reason} A code that begins with 4 promises that waiting helps. It does not.",
        )
    if tolerable and code in success:
        return True, ""
    return False, f"{expectation.reason} This server let it pass; another one will not."


def _in_order(verb: str, code: int) -> tuple[bool, str]:
    success, failure = ANSWERS.get(verb, ((), ()))
    name = name_of(verb)
    if code < 400:
        if code in success or (
            code not in KNOWN_CODES and any(code // 100 == known // 100 for known in success)
        ):
            return True, ""
        return False, f"{code} is no answer to {name}. The standard names {_list(success)}."
    if code == 503:
        return (
            False,
            f"503 says wrong order, but {name} was in order. This server wants something else first.",
        )
    must = verb in (GREETING, END_OF_TEXT) or (verb in COMMANDS and COMMANDS[verb].required)
    if must and code in (500, 501, 502, 504) and code not in failure:
        return (
            False,
            f"{name[:1].upper()}{name[1:]} was in order and well formed. "
            f"Every server has to take it; {code} denies that.",
        )
    return True, "The line was in order. The server has its own reason to refuse it."


def _list(codes: tuple[int, ...]) -> str:
    return " or ".join(str(code) for code in codes)
