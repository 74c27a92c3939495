"""The extensions that the answer to EHLO may list: one fact about each."""

from __future__ import annotations

from labkit.smtp.rule import Rule

__all__ = ["KEYWORDS", "explain_keyword"]

KEYWORDS: dict[str, tuple[str, str]] = {
    "SIZE": ("the server tells its limit in octets, and MAIL may announce a size", "RFC 1870"),
    "8BITMIME": ("the text may hold octets above 127, if MAIL says BODY=8BITMIME", "RFC 6152"),
    "PIPELINING": ("the client may send several commands without waiting for each reply", "RFC 2920"),
    "STARTTLS": ("the session may go on under TLS", "RFC 3207"),
    "AUTH": ("the client may prove who it is, by one of the mechanisms listed", "RFC 4954"),
    "DSN": ("the client may say which delivery notices it wants", "RFC 3461"),
    "ENHANCEDSTATUSCODES": ("replies carry a second code such as 5.1.1, which says more", "RFC 2034"),
    "CHUNKING": ("BDAT may send the message in counted pieces, without the dot", "RFC 3030"),
    "BINARYMIME": ("the text may hold any octets at all, sent by BDAT", "RFC 3030"),
    "SMTPUTF8": ("addresses and header fields may hold UTF-8", "RFC 6531"),
    "HELP": ("HELP is answered by a text for people", "RFC 5321 section 4.1.1.8"),
    "VRFY": ("VRFY is there; it would be without being listed", "RFC 5321 section 3.5.2"),
    "EXPN": ("EXPN lists the members of a mailing list", "RFC 5321 section 3.5.2"),
    "ETRN": ("a client may ask the server to start its queue for a domain", "RFC 1985"),
    "REQUIRETLS": ("a message may demand TLS on every further hop", "RFC 8689"),
    "LIMITS": ("the server tells its limits, such as RCPTMAX", "RFC 9422"),
    "DELIVERBY": ("a message may carry a deadline for its delivery", "RFC 2852"),
    "MT-PRIORITY": ("a message may carry a priority", "RFC 6710"),
    "FUTURERELEASE": ("a message may be handed in now and sent later", "RFC 4865"),
    "RRVS": ("a message may be refused if the mailbox has changed hands", "RFC 7293"),
    "NO-SOLICITING": ("the site asks for no advertising", "RFC 3865"),
    "BURL": ("the text may be fetched from an IMAP server", "RFC 4468"),
    "CHECKPOINT": ("a broken-off message may be resumed", "RFC 1845"),
    "ATRN": ("an authenticated client may take over the roles and fetch its mail", "RFC 2645"),
    "MTRK": ("a message may be tracked later", "RFC 3885"),
    "CONPERM": ("the content may be converted on its way", "RFC 4141"),
    "CONNEG": ("the server tells which content a recipient can take", "RFC 4141"),
    "SUBMITTER": ("obsolete: MAIL once named a responsible address", "RFC 4405"),
    "UTF8SMTP": ("obsolete: an experiment before SMTPUTF8", "RFC 5336"),
    "SEND": ("obsolete: wrote to a terminal", "RFC 821"),
    "SOML": ("obsolete: wrote to a terminal or to the mailbox", "RFC 821"),
    "SAML": ("obsolete: wrote to a terminal and to the mailbox", "RFC 821"),
    "TURN": ("obsolete: swapped the roles without any proof", "RFC 821"),
    "XCLIENT": ("private: a proxy may pass on who its client is", "RFC 5321 section 4.1.5"),
    "XFORWARD": ("private: a proxy may pass on who its client is", "RFC 5321 section 4.1.5"),
}
"""Keyword to one fact and its document."""

_PRIVATE = Rule("RFC 5321 section 4.1.5", "A keyword that begins with X is a private matter of both sides.")
_REGISTERED = Rule(
    "RFC 5321 section 2.2.2", "Extensions are registered; a client ignores those it does not know."
)


def explain_keyword(line: str) -> tuple[tuple[tuple[str, str], ...], Rule, bool]:
    """Parts, rule and whether it is known, for the text of one further line in the answer to EHLO."""
    keyword, _, arguments = (line.strip() or "(nothing)").partition(" ")
    upper = keyword.upper()
    found = KEYWORDS.get(upper)
    if found is None and upper.startswith("AUTH="):
        found = ("an old way to list the AUTH mechanisms, for old clients", "RFC 4954")
    if found is None:
        private = upper.startswith("X")
        meaning = "a private extension" if private else "an extension that this lab does not know"
        return ((keyword, meaning),), _PRIVATE if private else _REGISTERED, False
    parts = [(keyword, found[0])]
    if arguments:
        parts.append((arguments, _arguments(upper, arguments)))
    return tuple(parts), Rule(found[1], f"{keyword}: {found[0]}."), True


def _arguments(keyword: str, arguments: str) -> str:
    if keyword == "SIZE" and arguments.isascii() and arguments.isdigit():
        return "no fixed limit" if not arguments.strip("0") else "octets, at most, in one message"
    if keyword == "AUTH":
        return "the mechanisms to choose from"
    return "its arguments"
