"""Errors of programs that send mail: Python, Node, PHP, Java, Go, curl and others, with the reply inside, if there is one."""

from __future__ import annotations

import re

from labkit.explainers.answer import ExplainedLine, Explanation, Problem, plain, rules_of
from labkit.explainers.reply_text import explain_said
from labkit.smtp.rule import Rule

__all__ = ["KIND", "explain_it", "looks_like"]

KIND = "the error of a program"

_TLS = Rule(
    "RFC 8314 section 3.3",
    "On 465 TLS begins at once; on 587 the connection begins in clear, and STARTTLS follows.",
)
_CERT = Rule(
    "RFC 7817 section 3", "Clients check the server's certificate: its name, its dates, and who signed it."
)
_LOST = Rule(
    "RFC 5321 section 3.8", "A client that loses the connection treats the transaction as answered by 451."
)
_YOU = "who runs the program"

_ERRORS: tuple[tuple[str, str, str, str, Rule | None], ...] = (
    (r"WRONG_VERSION_NUMBER|wrong version number|SSL23_GET_SERVER_HELLO:unknown protocol|first record does not look like a TLS handshake"
     r"|Unrecognized SSL message|plaintext connection\?|packet length too long|record layer failure",
     "The client began with TLS, and the server answered in clear: the port is one for STARTTLS.", _YOU,
     "Use STARTTLS on 587 (secure: false, starttls), or implicit TLS on 465.", _TLS),
    (r"CERTIFICATE_VERIFY_FAILED.*(?:self.signed)|self.signed certificate|DEPTH_ZERO_SELF_SIGNED",
     "The certificate is self-signed, or one in its chain is: nobody vouches for it.", "the server's postmaster",
     "Give the server a certificate of a public authority. In a lab of your own, let the client trust this one certificate.", _CERT),
    (r"certificate has expired|CERT_HAS_EXPIRED|certificate is not yet valid", "The certificate's time is over, or a clock is wrong.", "the server's postmaster",
     "Renew the certificate; check the clock.", _CERT),
    (r"hostname mismatch|doesn't match|does not match (?:host|the name|certificate)|ERR_TLS_CERT_ALTNAME|certificate is not valid for|certificate is valid for|no alternative certificate subject",
     "The certificate is for another name than the one that was asked for.", _YOU, "Connect by the name in the certificate, not by an address or an alias.", _CERT),
    (r"unable to get local issuer|UNABLE_TO_VERIFY_LEAF|unable to verify the first certificate|PKIX path building failed|unknown authority|CERTIFICATE_VERIFY_FAILED",
     "The chain of the certificate is not complete, or this computer does not know its authority.", "the server's postmaster",
     "Let the server send the whole chain; update the list of authorities on this computer.", _CERT),
    (r"NO_PROTOCOLS_AVAILABLE|UNSUPPORTED_PROTOCOL|unsupported protocol|TLSV1_ALERT_PROTOCOL_VERSION|protocol version|NO_SHARED_CIPHER|handshake failure|dh key too small",
     "The two have no version of TLS, or no cipher, in common; mostly one of them is old.", "the server's postmaster", "Bring the older one up to TLS 1.2 or 1.3.", _CERT),
    (r"ConnectionRefused|ECONNREFUSED|Connection refused|actively refused|Errno 111|Errno 61\b|WinError 10061",
     "The computer is there, and nothing listens at that port.", _YOU, "Check host and port, and whether the server runs. A container's localhost is the container.", None),
    (r"ETIMEDOUT|timed out|TimeoutError|SocketTimeout|ESOCKETTIMEDOUT|Greeting never received|WinError 10060|Errno 110\b|i/o timeout",
     "Nobody answered in time: a firewall, a blocked port, or TLS expected where the client waits in clear.", _YOU,
     "Test it by hand: nc -v HOST 587. Port 25 is blocked at many providers; on 465 switch implicit TLS on.", _TLS),
    (r"getaddrinfo|ENOTFOUND|EAI_AGAIN|Name or service not known|nodename nor servname|UnknownHostException|no such host|Could not resolve host|php_network_getaddresses",
     "The DNS does not find the host's name.", _YOU, "Check the spelling of the host; it is a host's name, not an address of mail.", None),
    (r"ENETUNREACH|EHOSTUNREACH|Network is unreachable|No route to host", "There is no way to that address; mostly IPv6 that does not work.", _YOU,
     "Check the network; try the IPv4 address.", None),
    (r"SMTPNotSupportedError.*STARTTLS|STARTTLS extension not supported", "The server does not offer STARTTLS here, or EHLO was not said after connecting.", _YOU,
     "Say EHLO first. On 465 use implicit TLS instead; elsewhere ask whoever runs the server.", Rule("RFC 3207 section 4", "STARTTLS may be used if the answer to EHLO offers it.")),
    (r"SMTPNotSupportedError.*AUTH|SMTP AUTH extension not supported|No suitable authentication method|no mechanism available|No supported authentication",
     "The server offers no login here: mostly because TLS is not up yet, or it is port 25.", _YOU, "Use STARTTLS before login, or port 465.",
     Rule("RFC 4954 section 4", "AUTH is offered in the answer to EHLO; servers offer it only under TLS.")),
    (r"requires a secure connection|Must issue a STARTTLS",
     "The server wants TLS first, or a login.", _YOU, "Switch TLS on (STARTTLS on 587), then log in; or use implicit TLS on 465.",
     Rule("RFC 3207 section 4", "A submission server may refuse everything before STARTTLS, with 530.")),
    (r"SMTPServerDisconnected|Connection unexpectedly closed|please run connect\(\) first|ECONNRESET|Connection reset|EPIPE|Broken pipe|unexpected EOF|\bEOF\b",
     "The connection ended in the middle. Before any greeting: TLS on the wrong port, or the server refuses this client.", _YOU,
     "Look at how far it got. Check port and kind of TLS first, then whether the connection was idle for long.", _LOST),
    (r"SMTPHeloError|SMTPConnectError", "The server did not accept the client at the beginning.", _YOU, "Look at the reply inside of the error.", None),
    (r"SMTPAuthenticationError|EAUTH|AuthenticationFailedException|Could not authenticate|AuthenticationException", "The login was refused.", _YOU,
     "Check user name and password; many providers want an app password or OAuth.", Rule("RFC 4954 section 6", "535: user name or password is not accepted.")),
    (r"SMTPRecipientsRefused|All recipients were refused|EENVELOPE|no recipients|Recipients? .*rejected", "All recipients were refused, each with a reply of its own.", _YOU,
     "Look at the reply to each address.", Rule("RFC 5321 section 3.3", "Each RCPT is answered for itself.")),
    (r"SMTPSenderRefused", "MAIL was refused: the sender's address.", _YOU, "Use a sender that belongs to this account.", None),
    (r"SMTPDataError", "The message was refused after DATA, for all recipients.", _YOU, "Look at the reply inside.", None),
    (r"UnicodeEncodeError.*ascii|'ascii' codec can't encode", "There are characters beyond ASCII in an address or in text that is sent as ASCII.", _YOU,
     "Build the message with email.message.EmailMessage and use send_message.", Rule("RFC 6531 section 3.1", "Addresses beyond ASCII need SMTPUTF8; text needs MIME.")),
    (r"SMTP connect\(\) failed|Could not connect to SMTP host|Failed to connect to server", "The program could not connect, or TLS did not come up.", _YOU,
     "Check host, port and kind of TLS; turn debugging on to see the session.", _TLS),
    (r"Could not instantiate mail function|mail\(\): Failed", "PHP's mail() found no local program that sends mail.", _YOU, "Send by SMTP through a submission server instead.", None),
    (r"OAUTH|XOAUTH2|invalid_grant|AADSTS", "The login by OAuth failed: the token is old, or has no right to send.", _YOU, "Get a new token, with the scope for SMTP.",
     Rule("RFC 7628", "OAuth tokens are used by the mechanism OAUTHBEARER; XOAUTH2 is older.")),
)  # fmt: skip
_COMPILED = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), meaning, who, do, rule)
    for pattern, meaning, who, do, rule in _ERRORS
)
_CLASS = re.compile(
    r"Traceback \(most recent|\b(?:smtplib|ssl|socket|javax\.mail|jakarta\.mail|java\.net|com\.sun\.mail)\.[\w.]*(?:Error|Exception|Refused|Disconnected|gaierror)"
    r"|\b\w*(?:Error|Exception)\b:|\bSMTP\w+(?:Error|Refused|Disconnected)\b|\bcode: '[A-Z]+'|\bE[A-Z]{4,}\b|Error: |SMTP Error:|Mailer Error|curl: \(\d+\)|dial tcp|x509:|tls: |PHP Warning|\[SSL[:\]]",
)
_REPLY = re.compile(r"\(?\b([45]\d\d)(?:,\s*b?['\"](.*?)['\"]\)|([ -][^\n'\"]*))", re.DOTALL)


def looks_like(text: str) -> float:
    """How sure it is that this is an error of a program."""
    if len(text) > 20_000 or re.match(r"\s*[2-5]\d\d[ -]", text):
        return 0.0
    kind = _CLASS.search(text) is not None
    known = any(pattern.search(text) for pattern, *_ in _COMPILED)
    if re.search(r"^[ \t]*(?:send: |reply: )|^ ?(?:->|<-)|postfix/|^[CS]: ", text, re.MULTILINE):
        return 0.3 if kind else 0.0
    return (
        0.95
        if kind and known
        else 0.5
        if known and text.count("\n") < 3 and len(text) < 300
        else 0.4
        if kind
        else 0.0
    )


def explain_it(text: str) -> Explanation:
    """Explain an error."""
    lines: list[ExplainedLine] = []
    problems: list[Problem] = []
    for pattern, meaning, who, do, rule in _COMPILED:
        if found := pattern.search(text):
            lines.append(ExplainedLine(plain(" ".join(found[0].split()), 120), meaning, rule, "wrong"))
            problems.append(Problem(meaning, text.count("\n", 0, found.start()) + 1, rule, who, do))
            break
    reply = _REPLY.search(text)
    inner = None
    if reply is not None:
        said = reply[2] if reply[2] is not None else reply[3]
        inner = explain_said(f"{reply[1]} {' '.join(said.replace(chr(92) + 'n', ' ').split())}")
        lines += [line for line in inner.lines if len(line.text) > 1]
        problems = [*inner.problems, *problems]
    first = problems[0] if problems else None
    return Explanation(
        "error", f"An error of a program: {plain(text.strip().splitlines()[-1], 80)}",
        first.what if first else "The lab does not know this error.", tuple(lines), tuple(problems), first.who_acts if first else "",
        tuple(dict.fromkeys(problem.do for problem in problems if problem.do)) or ("Turn on the program's debug output, and paste the session.",),
        rules_of(lines, problems), bool(problems) and (inner is None or inner.certain),
    )  # fmt: skip
