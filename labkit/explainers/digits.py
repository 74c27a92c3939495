"""What the digits of a reply say, and every code that a standard has named."""

from __future__ import annotations

from labkit.smtp.rule import Rule

__all__ = ["CODES", "FIRST", "FIRST_RULE", "SECOND", "code_rule"]

FIRST = {
    "2": "done: the server did what was asked",
    "3": "go on: the server waits for more from the client",
    "4": "not now: the same line may work later",
    "5": "no: the same line in the same place gets the same answer",
}
"""The first digit of a reply."""

SECOND = {
    "0": "about the syntax",
    "1": "about information that was asked for",
    "2": "about the connection",
    "3": "about proving who the client is",
    "5": "about the mail system",
}
"""The second digit of a reply. RFC 5321 leaves 3 and 4 open; RFC 4954 uses 3 for AUTH."""

FIRST_RULE = Rule(
    "RFC 5321 section 4.2.1",
    "The first digit says whether the reply is good, bad or incomplete. It also decides for unknown codes.",
)

_SMTP = "RFC 5321 section 4.2.3"
_AUTH = "RFC 4954 section 6"

CODES: dict[int, tuple[str, str]] = {
    211: ("the state of the system, or help", _SMTP),
    214: ("help, for people", _SMTP),
    220: ("ready", _SMTP),
    221: ("the server closes the connection", _SMTP),
    235: ("the client has proved who it is", _AUTH),
    250: ("done", _SMTP),
    251: ("not local; the server will forward", _SMTP),
    252: ("cannot check the address, and will try to deliver", _SMTP),
    253: ("messages wait for that domain, and delivery starts", "RFC 1985"),
    334: ("a challenge: answer it in base64", "RFC 4954 section 4"),
    354: ("send the text, end it with a dot alone", _SMTP),
    421: ("the server is closing the connection", _SMTP),
    432: ("the password has to be stored in a new form", _AUTH),
    450: ("mailbox not available now: busy, or held back by policy", _SMTP),
    451: ("an error on the server's side", _SMTP),
    452: ("no room now, or too many recipients", _SMTP),
    454: ("TLS or AUTH does not work now", _AUTH),
    455: ("the parameters cannot be honoured now", _SMTP),
    458: ("the queue for that domain cannot be started", "RFC 1985"),
    459: ("that domain may not be asked for", "RFC 1985"),
    500: ("the command is not understood", _SMTP),
    501: ("the arguments are not right", _SMTP),
    502: ("the command is known and not available", _SMTP),
    503: ("the command comes out of order", _SMTP),
    504: ("the argument is known and not available", _SMTP),
    521: ("this host takes no mail", "RFC 7504 section 3"),
    523: ("TLS is needed", "RFC 5248 section 2.4"),
    524: ("this mechanism needs TLS", "RFC 5248 section 2.4"),
    525: ("the account is disabled", "RFC 5248 section 2.4"),
    530: ("AUTH or TLS is needed first", _AUTH),
    534: ("the mechanism is too weak", _AUTH),
    535: ("user name or password is wrong", _AUTH),
    538: ("this mechanism needs TLS", _AUTH),
    550: ("refused: not found, no access, or policy", _SMTP),
    551: ("not local; try another address", _SMTP),
    552: ("more room is needed than is granted", _SMTP),
    553: ("the mailbox name is not allowed", _SMTP),
    554: ("failed", _SMTP),
    555: ("a parameter is not known", _SMTP),
    556: ("the domain takes no mail", "RFC 7504 section 4"),
}
"""Code to its meaning without the stage, and the place that defines it."""


def code_rule(code: int) -> Rule | None:
    """Where a code is defined, or None for a code that no standard names."""
    found = CODES.get(code)
    return Rule(found[1], f"{code}: {found[0]}.") if found else None
