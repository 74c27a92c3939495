"""What a lab host says: replies as data, with or without enhanced status codes, and aiosmtpd's own ones
reworded.

No text holds a time, a port or anything random, so a session played twice reads the same twice.
"""

from __future__ import annotations

import re

from labkit.frozen import dataclass

TEXT_LIMIT = 480
"""Characters of text in a reply line: with code and CR LF it stays below 512 octets (RFC 5321 section
4.5.3.1.5)."""

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")
_STOCK = re.compile(r"(\d{3}) (?:([245]\.\d{1,3}\.\d{1,3}) )?(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply before it is written.

    ``enhanced`` is the code of RFC 3463, or "" where RFC 2034 wants none: on the greeting, on replies to
    EHLO and HELO, and on every 3yz. It is written only where an EHLO has offered ENHANCEDSTATUSCODES.
    """

    code: int
    enhanced: str
    text: str
    more: tuple[str, ...] = ()
    """Further lines of a multi-line reply (RFC 5321 section 4.2.1)."""

    def octets(self, enhanced: bool) -> bytes:
        """The reply on the wire, CR LF included."""
        between = f"{self.enhanced} " if enhanced and self.enhanced else ""
        if not self.more:
            return f"{self.code} {between}{_safe(self.text)}\r\n".encode()
        lines = (self.text, *self.more)
        written = [f"{self.code}-{between}{_safe(line)}\r\n" for line in lines[:-1]]
        written.append(f"{self.code} {between}{_safe(lines[-1])}\r\n")
        return "".join(written).encode()


def _safe(text: str) -> str:
    """Text that cannot break out of its line, whatever a client put into it."""
    if text.isprintable() and text.isascii() and len(text) <= TEXT_LIMIT:
        return text
    return _UNPRINTABLE.sub("?", text)[:TEXT_LIMIT].encode("ascii", "replace").decode()


def reworded(status: str) -> Answer:
    """A reply that aiosmtpd made on its own, as this lab says it."""
    known = _REWORDED.get(status)
    if known is not None:
        return known
    parts = _STOCK.fullmatch(status)
    if parts is None:
        return INTERNAL
    return Answer(int(parts[1]), parts[2] or "", parts[3])


OK = Answer(250, "2.0.0", "OK")
BYE = Answer(221, "2.0.0", "Bye")
SENDER_OK = Answer(250, "2.1.0", "OK")
RECIPIENT_OK = Answer(250, "2.1.5", "OK")
NO_COMMAND = Answer(500, "5.5.2", "This is no command line")
EHLO_FIRST = Answer(503, "5.5.1", "Send EHLO first")
NESTED = Answer(503, "5.5.1", "A transaction is open already; RSET would drop it")
NEED_MAIL = Answer(503, "5.5.1", "MAIL comes first")
NEED_RCPT = Answer(503, "5.5.1", "RCPT comes first")
NO_RECIPIENT = Answer(554, "5.5.1", "No valid recipients")
TOO_MANY_RECIPIENTS = Answer(452, "4.5.3", "Too many recipients in one transaction; send the rest in another")
TOO_MANY_DOMAINS = Answer(452, "4.5.3", "Too many recipient domains in one session; send the rest in another")
TOO_MANY_MESSAGES = Answer(421, "4.3.2", "Too many messages in one session; send the rest in another")
NOT_IMPLEMENTED = Answer(502, "5.5.1", "Command not implemented")
TOO_LARGE = Answer(552, "5.3.4", "Message larger than this server takes")
NEEDS_UTF8 = Answer(553, "5.6.7", "The address is not ASCII, and MAIL did not say SMTPUTF8")
LONG_TEXT_LINE = Answer(500, "5.5.2", "A line of the text is longer than 1000 octets with its CR LF")
BARE_LF = Answer(550, "5.5.2", "A LF stands in the text without a CR before it")
TLS_ALREADY = Answer(503, "5.5.1", "TLS is up already")
TLS_FIRST = Answer(530, "5.7.0", "Must issue a STARTTLS command first")
NO_HANDSHAKE = Answer(454, "4.7.0", "TLS not available: your side of the connection is closed already")
AUTH_IN_TRANSACTION = Answer(503, "5.5.1", "AUTH is not allowed inside a transaction")
AUTH_LINE_LONG = Answer(500, "5.5.6", "Authentication exchange line is too long")
CANNOT_VERIFY = Answer(252, "2.0.0", "Cannot VRFY user, but will accept message and attempt delivery")
BARE_NAME = Answer(504, "5.5.2", "The name in EHLO must be fully qualified")
IDLE = Answer(421, "4.4.2", "Idle for too long, closing connection")
SHUTDOWN = Answer(421, "4.3.2", "Service shutting down, closing connection")
INTERNAL = Answer(451, "4.3.0", "Requested action aborted: local error in processing")

_REWORDED: dict[str, Answer] = {
    "250 OK": OK,
    "220 Ready to start TLS": Answer(220, "2.0.0", "Ready to start TLS"),
    "500 Error: bad syntax": NO_COMMAND,
    "500 Command line too long": Answer(500, "5.5.2", "Command line longer than 512 octets with its CR LF"),
    "500 Error: strict ASCII mode": Answer(500, "5.5.2", "Octets above 127 in a command need SMTPUTF8"),
    "500 Line too long (see RFC5321 4.5.3.1.6)": LONG_TEXT_LINE,
    "552 Error: Too much mail data": TOO_LARGE,
    "501 Syntax: DATA": Answer(501, "5.5.4", "DATA stands alone; nothing follows it"),
    "501 Syntax: RSET": Answer(501, "5.5.4", "RSET stands alone; nothing follows it"),
    "501 Syntax: STARTTLS": Answer(501, "5.5.4", "STARTTLS stands alone; nothing follows it"),
    "500 Error: command 'AUTH' not recognized": Answer(503, "5.5.1", "AUTH needs EHLO, not HELO"),
    "503 Already authenticated": Answer(503, "5.5.1", "Already authenticated"),
    "501 Not enough value": Answer(501, "5.5.4", "The mechanism is missing after AUTH"),
    "501 Too many values": Answer(501, "5.5.4", "AUTH takes a mechanism and at most one response"),
}
