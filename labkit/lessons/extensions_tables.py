"""The two tables of lesson 03: limits and extensions, each row with its document."""

from __future__ import annotations

from labkit.explainers.keywords import KEYWORDS
from labkit.smtp.parameters import PARAMETERS
from labkit.view.tables import Table

_LISTED = (
    "PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8", "CHUNKING", "BINARYMIME", "DSN", "ENHANCEDSTATUSCODES",
    "STARTTLS", "AUTH", "LIMITS", "REQUIRETLS", "DELIVERBY", "ETRN",
)  # fmt: skip
_GONE = ("SEND", "SOML", "SAML", "TURN", "UTF8SMTP")
_USES = {"PIPELINING": "groups of commands", "CHUNKING": "BDAT", "BINARYMIME": "MAIL BODY=BINARYMIME",
         "STARTTLS": "STARTTLS", "AUTH": "AUTH", "ETRN": "ETRN", "DELIVERBY": "MAIL BY="}  # fmt: skip


def extension_table() -> Table:
    """Every extension that the lab can explain and a learner may meet, with what a client says to use it."""
    rows = [(word, KEYWORDS[word][0], _used_by(word), KEYWORDS[word][1]) for word in (*_LISTED, *_GONE)]
    return Table(("keyword in EHLO", "what it offers", "how a client uses it", "source"), rows)


def _used_by(keyword: str) -> str:
    if keyword in _GONE:
        return "not at all"
    found = [
        f"{one.verb} {one.keyword}{'' if one.accepts(None) else '='}"
        for one in PARAMETERS.values()
        if one.extension == keyword
    ]
    return ", ".join(filter(None, [_USES.get(keyword, ""), *found])) or "by reading it"


def limits_table() -> Table:
    """What a server must be able to take at the least. None of it is a most."""
    rows = [
        ("command line", "512 octets with CR LF, so 510 without", "500", "RFC 5321 section 4.5.3.1.4"),
        ("reply line", "512 octets with CR LF", "", "RFC 5321 section 4.5.3.1.5"),
        ("line of text", "1,000 octets with CR LF, so 998 without", "500", "RFC 5321 section 4.5.3.1.6"),
        ("part before the @", "64 octets", "501", "RFC 5321 section 4.5.3.1.1"),
        ("domain", "255 octets", "501", "RFC 5321 section 4.5.3.1.2"),
        ("path with its brackets", "256 octets", "501", "RFC 5321 section 4.5.3.1.3"),
        ("message", "64 K octets", "552", "RFC 5321 section 4.5.3.1.7"),
        ("recipients in one transaction", "100", "452", "RFC 5321 section 4.5.3.1.8"),
        (
            "MAIL with SIZE",
            f"{PARAMETERS['SIZE'].extra} octets more",
            "500",
            "RFC 1870 section 3",
        ),
        ("MAIL with BODY", f"{PARAMETERS['BODY'].extra} octets more", "500", "RFC 3030 section 3"),
        ("MAIL with SMTPUTF8", f"{PARAMETERS['SMTPUTF8'].extra} octets more", "500", "RFC 6531 section 3.1"),
    ]
    return Table(("what", "every server takes at least", "code when it is over", "source"), rows)
