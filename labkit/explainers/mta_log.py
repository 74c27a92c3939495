"""Lines of the logs of Postfix and Exim: what became of a message, who was refused, and why."""

from __future__ import annotations

import re

from labkit.explainers.answer import MOST_LINES, ExplainedLine, Explanation, Problem, plain, rules_of
from labkit.explainers.phrases import phrase_in
from labkit.explainers.reply_text import explain_said, stage_in
from labkit.smtp.rule import Rule

__all__ = ["explain_it", "looks_like"]

_POSTFIX = re.compile(r"postfix[\w.-]*/(?P<daemon>[\w/-]+)\[\d+\]:\s*(?P<text>.*)")
_BARE = re.compile(
    r"^(?P<daemon>)(?P<text>(?:[0-9A-F]{6,}|[0-9A-Za-z]{10,}): (?:to|from|client|message-id|uid|removed)=?.*|NOQUEUE: .*)"
)
_EXIM = re.compile(
    r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?: [+-]\d{4})? (?:\[\d+\] )?(?P<id>[\w-]{16,23} )?(?P<text>(?:<=|=>|->|\*\*|==|Completed|H=|SMTP|TLS|no host name|rejected|Frozen).*)"
)
_STATUS = re.compile(r"\bto=<(?P<to>[^>]*)>.*?\bstatus=(?P<status>[\w-]+)(?: \((?P<why>.*)\))?", re.DOTALL)
_REJECT = re.compile(
    r"(?:reject|reject_warning|milter-reject|discard|hold|warn): (?P<at>[\w-]+(?: [\w-]+)?) from (?P<client>[^:;]+?)(?:\[(?P<ip>[^\]]+)\])?(?::\d+)?: (?P<why>(?:\d{3}|[45]\.\d+\.\d+) .*?)(?=; from=<|; proto=|$)"
)
_RELAY = re.compile(r"\brelay=(?P<host>[^\[,]+)(?:\[(?P<ip>[^\]]+)\](?::(?P<port>\d+))?)?")
_CODE = re.compile(r"(?<![\d.])([45]\d\d[ -][\s\S]*)")
_QUEUE = Rule(
    "RFC 5321 section 4.5.4.1",
    "A queue tries again after 30 minutes or more, and gives up after four or five days.",
)
_POSTMASTER = "the sender's postmaster"
_STAGE = {
    "RCPT": "RCPT",
    "MAIL": "MAIL",
    "DATA": "DATA",
    "END-OF-MESSAGE": "text",
    "CONNECT": "greeting",
    "EHLO": "EHLO",
    "HELO": "HELO",
}

_PLAIN: tuple[tuple[str, str, str, str], ...] = (
    (r"connect to \S+: Connection refused", "Nothing listens at that port.", _POSTMASTER, "Check host and port, and whether the server runs."),
    (r"connect to \S+: Connection timed out|connect to \S+: Operation timed out", "Nobody answered: a firewall, or port 25 is blocked on the way.", _POSTMASTER,
     "Test from this host: nc -v HOST 25. Many providers block port 25; ask yours."),
    (r"connect to \S+: (?:Network is unreachable|No route to host)", "There is no way to that address; mostly IPv6 that does not work.", _POSTMASTER,
     "Repair IPv6, or set inet_protocols = ipv4."),
    (r"Host or domain name not found|Name service error", "The DNS does not find the name.", _POSTMASTER, "Check the domain's spelling and its MX; check this host's resolver."),
    (r"loops back to myself", "The mail leads back to this very host.", _POSTMASTER, "Put the domain into mydestination or relay_domains, or correct its MX."),
    (r"SASL \S+ authentication failed", "A client's login was refused. From strangers this is guessing of passwords.", _POSTMASTER,
     "If it is a user: check name and password. If not: limit the rate (fail2ban)."),
    (r"SSL_accept error|TLS library problem|SSL_connect error", "The TLS handshake failed.", _POSTMASTER,
     "Look at the reason behind it: certificate, protocol version, or a client that began in clear."),
    (r"certificate verification failed|Untrusted TLS|Server certificate not (?:verified|trusted)", "The server's certificate was not verified.", _POSTMASTER,
     "With opportunistic TLS this changes nothing. If TLS is required, repair certificate or policy."),
    (r"lost connection after AUTH", "A client went away after AUTH: mostly a robot that guesses passwords.", "", ""),
    (r"lost connection (?:after|while)", "The other side went away in the middle.", "", "If it happens with one host again and again, test that host by hand."),
    (r"timeout after", "The other side said nothing for too long.", "", "If it happens after DATA with large mail, look for a problem with packet sizes (MTU)."),
    (r"too many errors after", "A client was closed out after too many errors.", "", ""),
    (r"improper command pipelining", "A client spoke before it was asked: mostly a spam robot.", "", ""),
    (r"non-SMTP command", "Somebody speaks HTTP or other things to this port: a robot.", "", ""),
    (r"hostname \S+ does not resolve to address|hostname \S+ verification failed", "A client's PTR name does not lead back to its address.", "",
     "If the client is yours, repair PTR and A."),
    (r"address already in use", "Another program listens at that port already.", "the postmaster of this host",
     "Find it (ss -ltnp), and stop one of the two."),
    (r"status=expired", "The message was given up after days in the queue; the sender gets a notice.", "the sender",
     "Reach the recipient another way, and look at why the earlier lines deferred it."),
    (r"fatal:", "A fault in the configuration: the program does not run so.", "the postmaster of this host",
     "Run postfix check, and repair the file that is named."),
    (r"mail for \S+ is using up", "Many messages for one destination fill the queue.", _POSTMASTER, "Look at why they are deferred: postqueue -p."),
    (r"queue file size limit exceeded|message size \d+ exceeds size limit", "The message is larger than this host takes.", "the sender", "Send less, or raise message_size_limit."),
    (r"warning: .*RBL|blocked using", "A block list lists the client.", _POSTMASTER, "Look the address up at that list."),
    (r"disconnect from", "A client's session is over; the counts tell what it sent (a/b: a of b succeeded).", "", ""),
    (r"connect from", "A client has connected.", "", ""),
    (r"TLS connection established", "TLS is up; Trusted, Untrusted or Anonymous tells about the certificate.", "", ""),
    (r"client=", "The message came from this client.", "", ""), (r"message-id=", "The name of the message.", "", ""),
    (r"from=<.*queue active", "The message is in the active queue: delivery begins.", "", ""),
    (r"\bremoved$", "The message has left the queue.", "", ""), (r"uid=\d+ from=", "A program of this host handed the message in.", "", ""),
    (r"sender non-delivery notification|sender delay notification", "A notice was made for the sender; its queue id stands behind it.", "", ""),
    (r"statistics:|dropped by|starting the Postfix|refreshing|daemon started|reload", "Housekeeping.", "", ""),
)  # fmt: skip
_COMPILED = tuple(
    (re.compile(pattern, re.IGNORECASE), meaning, who, do) for pattern, meaning, who, do in _PLAIN
)


def looks_like(text: str) -> float:
    """How sure it is that these are such lines."""
    lines = [line for line in text.strip().split("\n") if line.strip()][:100]
    fitting = sum(bool(_match(line)) for line in lines)
    return 0.97 if fitting and fitting * 2 >= len(lines) else 0.0


def _match(line: str) -> re.Match[str] | None:
    return _POSTFIX.search(line) or _BARE.match(line) or _EXIM.match(line)


def explain_it(text: str) -> Explanation:
    """Explain the lines."""
    lines: list[ExplainedLine] = []
    problems: list[Problem] = []
    certain = True
    program = "Exim" if any(_EXIM.match(line) for line in text.split("\n")) else "Postfix"
    for number, line in enumerate(text.strip().split("\n"), 1):
        found = _match(line)
        if found is None or number > MOST_LINES:
            continue
        said, problem, known = (
            _exim(found["text"], number) if program == "Exim" else _postfix(found["text"], number)
        )
        certain = certain and known
        lines += said
        if problem is not None:
            problems.append(problem)
    first = next((problem for problem in problems if problem.who_acts), None)
    others = sum(bool(line.strip()) and _match(line) is None for line in text.split("\n"))
    strange = sum(line.mark == "unknown" for line in lines)
    bad = (
        f"{len(problems)} findings of trouble."
        if problems
        else "No line that the lab can read tells of trouble."
    )
    if strange:
        bad += f" {strange} it cannot read."
    if others:
        bad += f" {others} lines of other programs are passed over."
    calm = "Look at the lines that could not be read." if strange else "Nothing has to be repaired."
    return Explanation(
        "session", f"Lines of {program}'s log", bad, tuple(lines), tuple(problems[:30]), first.who_acts if first else "",
        tuple(dict.fromkeys(problem.do for problem in problems if problem.do))[:4] or (calm,),
        rules_of(lines, problems), certain,
    )  # fmt: skip


def _postfix(text: str, number: int) -> tuple[list[ExplainedLine], Problem | None, bool]:
    if status := _STATUS.search(text):
        relay = _RELAY.search(text)
        host = (
            ""
            if relay is None or relay["host"] == "none"
            else f" The next hop was {plain(relay['host'], 80)}."
        )
        return _fate(plain(status["to"], 100), status["status"], status["why"] or "", host, number)
    if reject := _REJECT.search(text):
        stage = _STAGE.get(reject["at"].split()[0], "")
        said = explain_said(_coded(reject["why"].strip()), stage)
        what = said.problems[0] if said.problems else None
        line = ExplainedLine(plain(text, 160), f"This host refused {plain(reject['client'], 80)} [{plain(reject['ip'] or '?', 50)}] at {plain(reject['at'], 30)}.",
                             mark="wrong")  # fmt: skip
        who = "whoever sends from that client, or this host's postmaster if it should pass"
        problem = Problem(
            what.what if what else "Refused.",
            number,
            what.rule if what else None,
            who,
            what.do if what else "",
        )
        return [line, *[one for one in said.lines if len(one.text) > 3]], problem, said.certain
    return _by_words(text, number)


def _coded(why: str) -> str:
    """A refusal with three digits in front; a filter's stands in the log without them."""
    return f"{why[0]}50 {why}" if why[1:2] == "." else why


def _by_words(text: str, number: int) -> tuple[list[ExplainedLine], Problem | None, bool]:
    for pattern, meaning, who, do in _COMPILED:
        if pattern.search(text):
            bad = bool(who)
            problem = Problem(meaning, number, None, who, do) if bad else None
            more = f" {do}" if do and not bad else ""
            return (
                [ExplainedLine(plain(text, 160), f"{meaning}{more}", mark="wrong" if bad else "ok")],
                problem,
                True,
            )
    hint = phrase_in(text) if re.search(r"warning|error|fatal|panic|fail", text, re.IGNORECASE) else None
    if hint:
        return (
            [ExplainedLine(plain(text, 160), f"The text hints: {hint.meaning}.", mark="note")],
            Problem(f"{hint.meaning}.", number, None, hint.who, hint.then),
            True,
        )
    return (
        [ExplainedLine(plain(text, 160), "A line that the lab does not know.", mark="unknown")],
        None,
        False,
    )


def _fate(
    to: str, status: str, why: str, host: str, number: int
) -> tuple[list[ExplainedLine], Problem | None, bool]:
    fates = {"sent": "was handed over", "deferred": "is kept, and will be tried again", "bounced": "was given up; the sender gets a notice",
             "expired": "was given up after days; the sender gets a notice", "undeliverable": "could not be delivered, says a probe",
             "deliverable": "could be delivered, says a probe", "SOFTBOUNCE": "is kept, since soft_bounce is on"}  # fmt: skip
    line = ExplainedLine(f"to {to}: {status}", f"The message {fates.get(status, 'has a fate that the lab does not know')}.{host}", _QUEUE,
                         "ok" if status in ("sent", "deliverable") else "wrong" if status in ("bounced", "expired", "undeliverable") else "note")  # fmt: skip
    if status in ("sent", "deliverable"):
        return [line], None, True
    code = _CODE.search(why)
    if code is not None:
        said = explain_said(code[1].strip().rstrip(")"), stage_in(why), f"{host} {to}")
        what = said.problems[0] if said.problems else None
        problem = Problem(
            f"To {to}: {what.what if what else said.summary}",
            number,
            what.rule if what else _QUEUE,
            said.who_acts,
            said.next_steps[0] if said.next_steps else "",
        )
        return [line, *[one for one in said.lines if len(one.text) > 3]], problem, said.certain
    more, found, known = _by_words(why, number)
    if found is not None:
        return (
            [line, *more],
            Problem(f"To {to}: {found.what}", number, _QUEUE, found.who_acts, found.do),
            known,
        )
    hint = phrase_in(why)
    if hint:
        return [line], Problem(f"To {to}: {hint.meaning}.", number, _QUEUE, hint.who, hint.then), True
    return (
        [line],
        Problem(
            f"To {to}: {plain(why, 200) or 'no reason is told'}.",
            number,
            _QUEUE,
            _POSTMASTER,
            "Look at the lines before it.",
        ),
        known,
    )


def _exim(text: str, number: int) -> tuple[list[ExplainedLine], Problem | None, bool]:
    mark, _, rest = text.partition(" ")
    to = plain(rest.split()[0] if rest.split() else "", 100)
    if mark in ("**", "=="):
        return _fate(to, "bounced" if mark == "**" else "deferred", rest, "", number)
    meaning = {"<=": "Exim took the message", "=>": "The message was handed over", "->": "The same delivery, for a further recipient",
               "Completed": "The message has left the queue"}.get(mark)  # fmt: skip
    if meaning:
        return [ExplainedLine(plain(text, 160), f"{meaning}{f': {to}' if to else ''}.")], None, True
    code = _CODE.search(text)
    if code is not None or "reject" in text:
        said = explain_said(code[1].strip()) if code else None
        hint = phrase_in(text)
        what = said.problems[0] if said and said.problems else None
        reason = what.what if what else f"The text hints: {hint.meaning}." if hint else "Refused."
        problem = Problem(
            reason,
            number,
            what.rule if what else None,
            what.who_acts if what else hint.who if hint else "",
            what.do if what else hint.then if hint else "",
        )
        return [ExplainedLine(plain(text, 160), "This host refused a client.", mark="wrong")], problem, True
    return _by_words(text, number)
