"""Why a TLS handshake failed, in one sentence, and what to do about it.

`ssl` says it in OpenSSL's words, which change from version to version. Here the cause is taken from the numbers and
short names that stay: the verification code (``X509_V_ERR_...``), the reason of an ``SSLError``, the kind of an
``OSError``.
"""

from __future__ import annotations

import ssl
from typing import Literal

from labkit.frozen import dataclass
from labkit.smtp.rule import Rule

TlsProblem = Literal[
    "wrong_name", "expired", "not_yet_valid", "unknown_issuer", "certificate", "not_tls", "no_common_version",
    "refused_here", "broken_off", "too_slow", "other",
]  # fmt: skip
"""The cause in a word: ``certificate`` is any other fault of the certificate, ``refused_here`` means that the other side
did not like what this side showed."""

NAMES = Rule("RFC 9525 section 6", "The name that the client wanted must stand in the certificate.")
TIMES = Rule(
    "RFC 5280 section 4.1.2.5", "A certificate is good between its two dates, not before and not after."
)
CHAIN = Rule("RFC 5280 section 6", "A chain of signatures must lead to an authority that the client trusts.")
STARTTLS = Rule("RFC 3207 section 4", "The TLS handshake follows the server's 220 to STARTTLS.")
AT_ONCE = Rule(
    "RFC 8314 section 3.3", "On port 465 TLS begins with the first octet; on 587 STARTTLS asks for it."
)
VERSIONS = Rule("RFC 8996", "TLS 1.0 and 1.1 must not be used.")

_NOT_SWITCHED_OFF = "To switch the check off is no remedy: then anybody may answer in the server's place."


@dataclass(frozen=True, slots=True)
class TlsTrouble:
    """What was wrong, by which rule, and what to do."""

    problem: TlsProblem
    happened: str
    rule: Rule
    advice: str

    def __str__(self) -> str:
        return f"{self.happened} {self.rule} {self.advice}"


_BY_CODE: dict[int, TlsProblem] = {
    9: "not_yet_valid",
    10: "expired",
    18: "unknown_issuer",  # signed by itself
    19: "unknown_issuer",  # signed by itself, at the end of a chain
    20: "unknown_issuer",
    21: "unknown_issuer",
    62: "wrong_name",
    64: "wrong_name",  # an address in place of a name
}
"""OpenSSL's verification codes, the same since version 1.1."""

_NOT_TLS = (
    "WRONG_VERSION_NUMBER",
    "RECORD_LAYER_FAILURE",
    "HTTP_REQUEST",
    "UNKNOWN_PROTOCOL",
    "PACKET_LENGTH_TOO_LONG",
)
_VERSION = (
    "PROTOCOL_VERSION",
    "UNSUPPORTED_PROTOCOL",
    "NO_PROTOCOLS_AVAILABLE",
    "HANDSHAKE_FAILURE",
    "NO_SHARED_CIPHER",
)


def tls_problem(error: OSError) -> TlsProblem:
    """The cause of an error that a handshake ended with."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _BY_CODE.get(error.verify_code, "certificate")
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return "broken_off"
    if isinstance(error, ssl.SSLError):
        reason = error.reason or ""
        if reason.startswith("UNEXPECTED_EOF"):
            return "broken_off"
        if any(word in reason for word in _NOT_TLS):
            return "not_tls"
        if any(word in reason for word in _VERSION):
            return "no_common_version"
        return "refused_here" if "ALERT" in reason else "other"
    if isinstance(error, TimeoutError) or "taking longer" in str(error):  # asyncio's own deadline for it
        return "too_slow"
    return "broken_off" if isinstance(error, ConnectionError) else "other"


def explain_tls(error: OSError, server: str, *, at_once: bool = False) -> TlsTrouble:
    """What to say about a handshake with ``server`` that failed. ``at_once``: it was the first thing on the
    connection, as on port 465."""
    problem = tls_problem(error)
    happened, rule, advice = _WORDS[problem]
    if problem in ("not_tls", "broken_off", "too_slow", "other", "refused_here"):
        rule = AT_ONCE if at_once else STARTTLS
    if problem == "not_tls" and not at_once:
        advice = _WORDS["broken_off"][2]
    if problem == "other":
        happened += f": {getattr(error, 'reason', None) or error or type(error).__name__}"
    if problem == "certificate":
        happened += f": {getattr(error, 'verify_message', '') or error}"
    return TlsTrouble(problem, happened.replace("{server}", server).rstrip(".") + ".", rule, advice)


_WORDS: dict[TlsProblem, tuple[str, Rule, str]] = {
    "wrong_name": (
        "The certificate is for another name: {server} does not stand in it",
        NAMES,
        f"Use the name that your provider documents; else its postmaster must mend the certificate. {_NOT_SWITCHED_OFF}",
    ),
    "expired": (
        "The certificate of {server} has expired",
        TIMES,
        f"The server's postmaster must renew it; check the date of your own machine, too. {_NOT_SWITCHED_OFF}",
    ),
    "not_yet_valid": (
        "The certificate of {server} is not valid yet",
        TIMES,
        "Check the date of your own machine first; else the server's postmaster has put it in place too early.",
    ),
    "unknown_issuer": (
        "The certificate of {server} comes from an authority that this client does not trust",
        CHAIN,
        "If the server is your own, give the client its authority's certificate; else stop, it may be somebody else. "
        f"{_NOT_SWITCHED_OFF}",
    ),
    "certificate": (
        "The certificate of {server} cannot be accepted",
        CHAIN,
        "The server's postmaster must mend it.",
    ),
    "not_tls": (
        "The TLS handshake failed: what {server} sent is no TLS",
        AT_ONCE,
        "Its greeting came in clear: use STARTTLS on this port (587), or port 465 for TLS from the first octet.",
    ),
    "no_common_version": (
        "{server} and this client have no version or cipher of TLS in common",
        VERSIONS,
        "One of the two is too old: the older side must be updated.",
    ),
    "refused_here": (
        "{server} has ended the handshake, because it does not accept what this side showed",
        STARTTLS,
        "Ask its postmaster what it expects of a client.",
    ),
    "broken_off": (
        "{server} has closed the connection in the middle of the TLS handshake",
        STARTTLS,
        "Connect again; if it happens each time, something on the way may not let TLS pass.",
    ),
    "too_slow": (
        "{server} has not finished the TLS handshake in time",
        STARTTLS,
        "Connect again. A client that speaks TLS to a port where the server waits for EHLO waits for ever, too.",
    ),
    "other": (
        "The TLS handshake with {server} failed",
        STARTTLS,
        "Connect again.",
    ),
}  # fmt: skip
