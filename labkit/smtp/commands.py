"""The whole command table: what a server may be asked, also what it should no longer be asked."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from labkit.frozen import dataclass
from labkit.smtp.rule import Rule

__all__ = ["COMMANDS", "CommandInfo"]


@dataclass(frozen=True, slots=True)
class CommandInfo:
    """One command as the table shows it.

    ``required`` is true for what every server must have (RFC 5321 section 4.5.1). ``extension`` is the EHLO
    keyword that announces the command, or ``""``. ``obsolete`` commands must not be sent.
    """

    verb: str
    syntax: str
    purpose: str
    rfc: str
    required: bool
    example: str
    extension: str = ""
    obsolete: bool = False

    @property
    def rule(self) -> Rule:
        """The place that defines the command."""
        return Rule(self.rfc, f"{self.verb}: {self.purpose}. Syntax: {self.syntax}.")


_SMTP = "RFC 5321 section "
_TABLE = (
    CommandInfo("EHLO", "EHLO <name or [address]>", "says who the client is, and asks for the extensions",
                _SMTP + "4.1.1.1", True, "EHLO client.example"),
    CommandInfo("HELO", "HELO <name>", "says who the client is, and forgoes all extensions",
                _SMTP + "4.1.1.1", True, "HELO client.example"),
    CommandInfo("MAIL", "MAIL FROM:<reverse-path> [parameters]",
                "starts a transaction and says where failure notices go",
                _SMTP + "4.1.1.2", True, "MAIL FROM:<alice@sender.example>"),
    CommandInfo("RCPT", "RCPT TO:<forward-path> [parameters]", "names one recipient; once for each",
                _SMTP + "4.1.1.3", True, "RCPT TO:<bob@receiver.example>"),
    CommandInfo("DATA", "DATA", "announces the message text, which ends in a line with a dot alone",
                _SMTP + "4.1.1.4", True, "DATA"),
    CommandInfo("RSET", "RSET", "drops the transaction and keeps the connection",
                _SMTP + "4.1.1.5", True, "RSET"),
    CommandInfo("NOOP", "NOOP [text]", "does nothing, and is answered", _SMTP + "4.1.1.9", True, "NOOP"),
    CommandInfo("QUIT", "QUIT", "ends the session; the server answers 221 and closes",
                _SMTP + "4.1.1.10", True, "QUIT"),
    CommandInfo("VRFY", "VRFY <user or address>", "asks whether an address exists",
                _SMTP + "4.1.1.6", True, "VRFY bob"),
    CommandInfo("EXPN", "EXPN <list>", "asks who is on a mailing list",
                _SMTP + "4.1.1.7", False, "EXPN staff", "EXPN"),
    CommandInfo("HELP", "HELP [command]", "asks for a text that helps people",
                _SMTP + "4.1.1.8", False, "HELP MAIL"),
    CommandInfo("STARTTLS", "STARTTLS", "asks to go on under TLS; both sides then forget what they knew",
                "RFC 3207 section 4", False, "STARTTLS", "STARTTLS"),
    CommandInfo("AUTH", "AUTH <mechanism> [first response]", "proves who the client is",
                "RFC 4954 section 4", False, "AUTH PLAIN", "AUTH"),
    CommandInfo("BDAT", "BDAT <octets> [LAST]", "sends a counted piece of the message; no dot is needed",
                "RFC 3030 section 2", False, "BDAT 86 LAST", "CHUNKING"),
    CommandInfo("ETRN", "ETRN <domain>", "asks the server to start delivering what it holds for a domain",
                "RFC 1985 section 5", False, "ETRN branch.example", "ETRN"),
    CommandInfo("SEND", "SEND FROM:<reverse-path>", "once wrote to a user's terminal",
                "RFC 5321 appendix F.6", False, "SEND FROM:<alice@sender.example>", "SEND", True),
    CommandInfo("SOML", "SOML FROM:<reverse-path>", "once wrote to a terminal, or else to the mailbox",
                "RFC 5321 appendix F.6", False, "SOML FROM:<alice@sender.example>", "SOML", True),
    CommandInfo("SAML", "SAML FROM:<reverse-path>", "once wrote to a terminal and to the mailbox",
                "RFC 5321 appendix F.6", False, "SAML FROM:<alice@sender.example>", "SAML", True),
    CommandInfo("TURN", "TURN", "once swapped the roles of client and server, and let mail be stolen",
                "RFC 5321 appendix F.1", False, "TURN", "TURN", True),
)  # fmt: skip

COMMANDS: Mapping[str, CommandInfo] = MappingProxyType({info.verb: info for info in _TABLE})
"""Every command by its verb, in the order in which a learner meets them."""
