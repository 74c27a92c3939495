"""Ports, host:port, and the settings of mail programs and libraries: which port goes with which kind of TLS."""

from __future__ import annotations

import re
from collections.abc import Mapping

from labkit.explainers.answer import ExplainedLine, Explanation, Mark, Problem, plain, rules_of
from labkit.frozen import dataclass
from labkit.smtp.rule import Rule

__all__ = ["KIND", "PORTS", "explain_it", "looks_like"]

KIND = "a port, or the settings of a mail program"

_PREFER = Rule(
    "RFC 8314 section 3.3",
    "Submission: implicit TLS on 465 is preferred, STARTTLS on 587 is kept; TLS is required on both.",
)
_RELAY = Rule("RFC 5321 section 4.5.4.2", "Port 25 is where servers listen for mail from other servers.")
_SUBMIT = Rule("RFC 6409 section 3.1", "Port 587 is for submission: a user's program hands a message over.")
_READ = Rule("RFC 8314 section 3.2", "Mailboxes are read with implicit TLS: IMAP on 993, POP3 on 995.")
_UPGRADE = Rule("RFC 3207 section 4", "STARTTLS begins in clear; TLS starts after the server's 220.")
_NONE = Rule("no RFC", "Some providers listen there; no standard gives this port to SMTP.")


@dataclass(frozen=True, slots=True)
class _Port:
    use: str
    tls: str
    """``implicit``, ``starttls`` or ``either``: how TLS begins there."""
    rule: Rule
    advice: str


PORTS: Mapping[int, _Port] = {
    25: _Port("SMTP between servers (relay)", "starttls", _RELAY,
              "A program that hands in a user's mail uses 465 or 587. Many networks block 25 for their users."),
    465: _Port("submission with implicit TLS (submissions)", "implicit", _PREFER,
               "TLS begins at once, before the greeting. Use it where the provider offers it."),
    587: _Port("submission with STARTTLS", "starttls", _SUBMIT,
               "The connection begins in clear; require STARTTLS before AUTH."),
    2525: _Port("submission at some providers, by their own convention", "starttls", _NONE,
                "Use it where 465 and 587 are blocked and the provider documents it."),
    143: _Port("IMAP, in clear or with STARTTLS", "starttls", _READ, "Prefer 993."),
    993: _Port("IMAP with implicit TLS", "implicit", _READ, "Mail is read here, not sent."),
    110: _Port("POP3, in clear or with STLS", "starttls", _READ, "Prefer 995."),
    995: _Port("POP3 with implicit TLS", "implicit", _READ, "Mail is read here, not sent."),
    24: _Port("LMTP by convention: delivery into a local mailbox", "starttls", Rule("RFC 2033", "LMTP is SMTP's sister for the last step; it has no queue."),
              "Not for a network without protection."),
    4190: _Port("ManageSieve: filters of a mailbox", "starttls", Rule("RFC 5804", "ManageSieve uploads mail filters."), "No mail is sent here."),
}  # fmt: skip
"""Port number to what it is for."""

_HOST_PORT = re.compile(
    r"(?:(smtps?|imaps?|pop3s?|submissions?|lmtp)://)?\[?([A-Za-z0-9](?:[A-Za-z0-9-]*\.)+[A-Za-z0-9-]+|localhost|\d+\.\d+\.\d+\.\d+)\]?(?::(\d{1,5}))\b",
    re.IGNORECASE,
)
_URL = re.compile(
    r"\b(smtps?|imaps?|pop3s?|submissions?)://([^\s/:@]+(?::[^\s/@]*)?@)?([A-Za-z0-9.-]+)(?::(\d{1,5}))?",
    re.IGNORECASE,
)
_PORT = re.compile(r"port[\w.\]'\")]*\s*(?:=>|[=:,(]|\s)\s*[\"']?(\d{1,5})\b", re.IGNORECASE)
_CALL = re.compile(r"\b(?:SMTP|SMTP_SSL|IMAP4_SSL|IMAP4|POP3_SSL|POP3)\(\s*[^,()]+,\s*(\d{1,5})")
_ON = r"\s*[\w'\")\]]*\s*(?:=>|[=:,(]|\s)\s*[\"']?(?:true|yes|1|on|enabled?|required|always)\b"
_OFF = r"\s*[\w'\")\]]*\s*(?:=>|[=:,(]|\s)\s*[\"']?(?:false|no|0|off|disabled?|none|never)\b"
_IMPLICIT = re.compile(
    rf"(?:\bsecure|use[_-]?ssl|smtp[_.]?ssl(?:[._]enable)?|ssl\.enable|ssl_enabled?|enable_?ssl|(?<![a-z])ssl){_ON}|SMTP_SSL\(|(?:encryption|security|smtpsecure|secure|protocol|connection)\W{{1,6}}['\"]?(?:ssl|smtps|implicit)\b|ssl/tls|wrappermode{_ON}|tls_starttls\s+off|ENCRYPTION_SMTPS|smtps://",
    re.IGNORECASE,
)
_STARTTLS = re.compile(
    rf"(?:use[_-]?tls|starttls(?:[._](?:enable|required|auto))?|enable_starttls(?:_auto)?|require_?tls|(?<![a-z_])tls){_ON}|\.starttls\(|(?:encryption|security|smtpsecure|secure|connection)\W{{1,6}}['\"]?(?:tls|starttls)\b|security\W{{0,4}}starttls|ENCRYPTION_STARTTLS|tls_starttls\s+on",
    re.IGNORECASE,
)
_NOT_IMPLICIT = re.compile(rf"(?:\bsecure|use[_-]?ssl|ssl\.enable|(?<![a-z])ssl){_OFF}", re.IGNORECASE)
_NO_TLS = re.compile(
    rf"(?:use[_-]?tls|starttls(?:[._]enable)?|(?<![a-z_])tls|requiretls){_OFF}|(?:encryption|security)\W{{1,6}}['\"]?(?:none|off|plain)\b",
    re.IGNORECASE,
)
_NO_CHECK = re.compile(
    r"rejectunauthorized\W{1,4}false|verify_?(?:ssl|peer|certificate|none)?\W{1,5}(?:false|none|0)\b|CERT_NONE|tls_certcheck\s+off|insecure\W{1,4}true|verify_peer\W{1,5}false|ssl\.trust\W{1,3}\*|allow_self_signed\W{1,5}true",
    re.IGNORECASE,
)
_MAIL = re.compile(
    r"smtp|mail|imap|pop3|submission|relayhost|sendmail|postfix|msmtp|nodemailer", re.IGNORECASE
)


def looks_like(text: str) -> float:
    """How sure it is that this is a port, or a setting with one."""
    short = text.strip()
    if re.fullmatch(
        r"(?:(?:smtp|imap|pop3?|submission|tcp)?\s*port\s*:?\s*|:)?\d{1,5}(?:/tcp)?\??", short, re.IGNORECASE
    ):
        number = int(re.findall(r"\d{1,5}", short)[-1])
        return 0.95 if number in PORTS else 0.8 if "port" in short.lower() else 0.35
    if len(short) > 3_000 or short.count("\n") > 40 or short.startswith(("<", '{"organization')):
        return 0.0
    if _URL.match(short) or _HOST_PORT.fullmatch(short):
        return 0.95
    port = _port_in(short)
    signs = sum(bool(p.search(short)) for p in (_IMPLICIT, _STARTTLS, _NOT_IMPLICIT, _NO_TLS))
    mail = bool(_MAIL.search(short))
    if re.match(r"\s*relayhost\s*=", short):
        return 0.95
    if port and (signs or mail):
        return 0.9 if signs and (port in PORTS or mail) else 0.8
    return 0.45 if signs and mail and "\n" not in short else 0.0


def explain_it(text: str) -> Explanation:
    """Explain a port or a setting."""
    short = text.strip()
    url = _URL.search(short)
    port = _port_in(short) or (int(url[4]) if url and url[4] else _default(url[1]) if url else 0)
    known = PORTS.get(port)
    lines: list[ExplainedLine] = []
    if known is not None:
        lines.append(
            ExplainedLine(str(port), f"{known.use[:1].upper()}{known.use[1:]}. {known.advice}", known.rule)
        )
    elif port:
        mark: Mark = "wrong" if port > 65_535 else "unknown"
        lines.append(
            ExplainedLine(
                str(port),
                "No port of mail that a standard names."
                if port <= 65_535
                else "No port: the largest is 65535.",
                mark=mark,
            )
        )
    if host := _HOST_PORT.search(short):
        lines.append(ExplainedLine(plain(host[2], 100), "The host to connect to."))
    implicit, starttls = bool(_IMPLICIT.search(short)), bool(_STARTTLS.search(short))
    if implicit:
        lines.append(
            ExplainedLine(
                "TLS at once",
                "This setting asks for implicit TLS: the first octets are a TLS handshake.",
                _PREFER,
            )
        )
    if starttls:
        lines.append(
            ExplainedLine(
                "STARTTLS", "This setting asks for STARTTLS: the connection begins in clear.", _UPGRADE
            )
        )
    problems = _problems(short, port, implicit, starttls)
    if re.search(r"smtp|mail_host|relayhost", short, re.IGNORECASE) and port in (143, 993, 110, 995):
        problems.append(
            Problem(
                f"Port {port} is for reading mail; SMTP sends.",
                _line(short, str(port)),
                _READ,
                "who sets this up",
                "Use 465 or 587.",
            )
        )
    if (
        re.search(r"imap|pop3?", short, re.IGNORECASE)
        and not re.search(r"smtp", short, re.IGNORECASE)
        and port in (25, 465, 587)
    ):
        problems.append(Problem(f"Port {port} is for sending mail; IMAP and POP3 read it.", _line(short, str(port)), _READ, "who sets this up",
                                "Use 993 for IMAP, 995 for POP3."))  # fmt: skip
    title = f"Port {port}" if port else "A setting of TLS"
    summary = (
        f"{known.use[:1].upper()}{known.use[1:]}."
        if known
        else "The lab knows no use of mail for it."
        if port
        else "It names no port."
    )
    return Explanation(
        "port", title, summary, tuple(lines), tuple(problems), "who sets this up" if problems else "",
        tuple(dict.fromkeys(p.do for p in problems)) or _advice(known), rules_of(lines, problems), known is not None or bool(problems),
    )  # fmt: skip


def _problems(short: str, port: int, implicit: bool, starttls: bool) -> list[Problem]:
    who = "who sets this up"
    at = _line(short, str(port))
    known = PORTS.get(port)
    kind = known.tls if known else ""
    problems = []
    if (
        kind == "implicit"
        and not implicit
        and (starttls or _NOT_IMPLICIT.search(short) or _NO_TLS.search(short))
    ):
        problems.append(Problem(f"Port {port} expects TLS at once, and this setting begins in clear: the client waits for a greeting, "
                                "the server for a handshake, until one gives up.", at, _PREFER, who,
                                f"Switch implicit TLS on (ssl, secure: true) for {port}, or use 587 with STARTTLS."))  # fmt: skip
    if kind == "starttls" and implicit and port in (25, 587, 2525):
        problems.append(Problem(f"Port {port} begins in clear, and this setting begins with TLS: the handshake meets a greeting. "
                                "Programs then say wrong version number.", at, _UPGRADE, who,
                                f"Switch implicit TLS off and STARTTLS on for {port}, or use 465."))  # fmt: skip
    if implicit and starttls and kind == "implicit":
        problems.append(Problem("Both kinds of TLS are switched on; inside of TLS there is no STARTTLS.", at, _UPGRADE, who,
                                "Keep implicit TLS alone for this port."))  # fmt: skip
    if port == 25 and re.search(r"user|pass|auth|login", short, re.IGNORECASE):
        problems.append(Problem("Port 25 is for servers. Logging in belongs on a submission port, and many networks block 25.", at, _RELAY, who,
                                "Use 465, or 587 with STARTTLS."))  # fmt: skip
    elif (
        port == 25
        and not problems
        and not re.search(r"relay|mx", short, re.IGNORECASE)
        and (implicit or starttls or "\n" in short)
    ):
        problems.append(
            Problem(
                "A program that hands in mail does not use port 25.",
                at,
                _RELAY,
                who,
                "Use 465, or 587 with STARTTLS.",
            )
        )
    if _NO_TLS.search(short) and not implicit and not starttls and port in (587, 2525, 25):
        problems.append(Problem("TLS is switched off: the password and the mail can be read on the way.", _line(short, "tls"), _PREFER, who,
                                "Require STARTTLS, or use 465."))  # fmt: skip
    if _NO_CHECK.search(short):
        problems.append(Problem("The certificate is not checked: anybody in the middle can pass for the server.", _line(short, "verify"),
                                Rule("RFC 7817 section 3", "Clients check the server's certificate."), who,
                                "Check certificates, and repair the one that fails."))  # fmt: skip
    if port > 65_535:
        problems.append(
            Problem("A port has 16 bits: 65535 is the largest.", at, None, who, "Use 465 or 587.")
        )
    return problems


def _advice(known: _Port | None) -> tuple[str, ...]:
    return (
        (known.advice,)
        if known
        else ("Submission is on 465 and 587, relay on 25, IMAP on 993, POP3 on 995.",)
    )


def _port_in(text: str) -> int:
    if re.fullmatch(r"\D{0,12}\d{1,5}(?:/tcp)?\??", text.strip(), re.IGNORECASE):
        return int(re.findall(r"\d{1,5}", text)[-1])
    for pattern, group in ((_CALL, 1), (_PORT, 1), (_HOST_PORT, 3)):
        found = pattern.search(text)
        if found:
            return int(found[group])
    return 0


def _default(scheme: str) -> int:
    return {
        "smtp": 25,
        "smtps": 465,
        "submission": 587,
        "submissions": 465,
        "imap": 143,
        "imaps": 993,
        "pop3": 110,
        "pop3s": 995,
    }.get(scheme.lower(), 0)


def _line(text: str, what: str) -> int:
    at = text.lower().find(what)
    return text.count("\n", 0, max(at, 0)) + 1
