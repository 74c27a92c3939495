"""Exercise 1 of lesson 05: complete a notice, so that a program reads in it what happened."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from labkit.frozen import dataclass
from labkit.hosts import dsn
from labkit.learn import Exercise, Feedback, Sample, Solution
from labkit.learn.forms import LinesForm
from labkit.lessons.grading import quoted
from labkit.smtp.rule import Rule

FIELDS = ("Action", "Status", "Remote-MTA")
_ACTION = Rule(
    "RFC 3464 section 2.3.3",
    "Action is one word of five; it says what becomes of the message.",
)
_STATUS = Rule(
    "RFC 3464 section 2.3.4",
    "Status is an enhanced code: three numbers with dots (RFC 3463).",
)
_REMOTE = Rule(
    "RFC 3464 section 2.3.5",
    "Remote-MTA names the host that was to take the message, with the type of its name.",
)
_COMMENT = re.compile(r"\s*\([^()]*\)$")
"""What may stand behind a status code (RFC 3464 section 2.3.4)."""
_WORDS = {
    "failed": "it will not be tried again",
    "delayed": "it is still being tried",
    "delivered": "it has arrived",
    "relayed": "it was passed on",
    "expanded": "it went to a list",
}


@dataclass(frozen=True)
class Case:
    """A notice to be completed: what the log of the relay says about it."""

    id: str
    person: str
    log: str
    action: str
    status: str
    remote: str

    @property
    def title(self) -> str:
        """What the card is called."""
        return f"A notice about {self.person}"


FIRST = Case(
    "05.q1",
    "crol",
    "refused for crol@receiver.example, mx1.receiver.example: 550 5.1.1 No mailbox <crol@receiver.example> here",
    "failed",
    "5.1.1",
    "mx1.receiver.example",
)
SECOND = Case(
    "05.q1b",
    "dave",
    "kept for dave@receiver.example, mx2.receiver.example: 452 4.2.2 Mailbox full. Tried for four hours.",
    "delayed",
    "4.2.2",
    "mx2.receiver.example",
)


def complete_the_notice() -> Exercise:
    """Three values are missing in the part for programs."""
    return _exercise(FIRST, _exercise(SECOND, None))


def grade(case: Case, lines: Sequence[str]) -> Feedback:
    """Have a program read the completed notice, and compare what it reads with the log."""
    wrong = partial(Feedback, "incorrect", asked=case.title)
    values = [_value(name, line) for name, line in zip(FIELDS, lines, strict=True)]
    for name, value in zip(FIELDS, values, strict=True):
        if not value:
            return wrong(
                f"{name} is still empty.",
                happened="A program that reads this notice does not learn all of it.",
                rule=dict(zip(FIELDS, (_ACTION, _STATUS, _REMOTE), strict=True))[name],
                look="The log line has what you need. The notice further up shows where such a thing stands.",
            )
    action, status, remote = values
    report = dsn.read(_notice(case, values))
    if report is None:
        return wrong(
            f"{quoted(action.encode())} is none of the five words for Action.",
            happened="The program found no recipient that it understood, and so no report.",
            rule=_ACTION,
            look="Action in the notice further up. Does the relay of this task go on trying, or not?",
        )
    fate = report.fates[0]
    if fate.action != case.action:
        return wrong(
            f"The notice says: {_WORDS[fate.action]}.",
            happened=f"The program read Action: {fate.action}. The log of the relay tells another story.",
            rule=_ACTION,
            look="The first digit of the reply in the log. Who has to do something now?",
        )
    if fate.status != _COMMENT.sub("", status):
        return wrong(
            f"{quoted(status.encode())} is {'more than' if fate.status else 'not'} an enhanced code.",
            happened=f"The program {'read ' + fate.status if fate.status else 'could read nothing'} in Status.",
            rule=_STATUS,
            look="The reply in the log begins with two codes. Which of them has dots?",
        )
    if fate.status != case.status:
        return wrong(
            f"Status {fate.status} is not what the reply said.",
            happened=_against(case, fate.status),
            rule=_STATUS,
            look="The reply in the log, number by number.",
        )
    kind, _, _ = remote.partition(";")
    if not fate.remote or kind.strip().lower() != "dns":
        return wrong(
            "The name of the host stands there without its type."
            if not fate.remote
            else f"{quoted(kind.encode())} is no type of a name.",
            happened="The program could not tell what kind of name it is.",
            rule=_REMOTE,
            look="Reporting-MTA in the lines above: what stands before the name there?",
        )
    if fate.remote.lower().removesuffix(".") != case.remote:
        return wrong(
            f"The notice says that {fate.remote} gave the answer.",
            happened="Its postmaster will look for a reply that was never given there."
            if fate.remote != report.host
            else "That is the host that writes this notice. It asked; who answered?",
            rule=_REMOTE,
            look="The host that stands in the log before the reply.",
        )
    return Feedback(
        "correct",
        "A program reads in it just what happened.",
        asked=case.title,
        happened=f"It read: {case.action}, {case.status}, said by {case.remote}, told by {report.host}.",
        rule=_STATUS,
    )


def _value(name: str, line: str) -> str:
    """The value alone, whether or not the field's name was typed as well."""
    head, colon, rest = line.strip().partition(":")
    return rest.strip() if colon and head.strip().lower() == name.lower() else line.strip()


def _against(case: Case, status: str) -> str:
    if status[0] != case.status[0]:
        return f"A {status[0]} in front says that it is {'for now' if status[0] == '4' else 'final'}. The Action says the opposite."
    return "The class is right, the rest stands for another cause."


def _above(case: Case) -> tuple[str, ...]:
    return (
        "Reporting-MTA: dns; relay.sender.example",
        "Arrival-Date: Mon, 05 Jan 2026 09:00:00 +0000",
        "",
        f"Final-Recipient: rfc822; {case.person}@receiver.example",
    )


def _notice(case: Case, values: Sequence[str]) -> bytes:
    """The whole notice with the learner's values in it."""
    missing = [f"{name}: {value}" for name, value in zip(FIELDS, values, strict=True)]
    status = "\r\n".join([*_above(case), *missing])
    lines = (
        "Content-Type: multipart/report; report-type=delivery-status; boundary=part",
        "",
        "--part",
        "Content-Type: message/delivery-status",
        "",
        status,
        "--part--",
        "",
    )
    return "\r\n".join(lines).encode("utf-8", "replace")


def _exercise(case: Case, twin: Exercise | None) -> Exercise:
    right = (case.action, case.status, f"dns; {case.remote}")
    action, status, remote = right
    other_action = "delayed" if action == "failed" else "failed"
    other_class = f"{'4' if status[0] == '5' else '5'}{status[1:]}"
    samples = (
        Sample(("", "", ""), "not_attempted", "still empty"),
        *(
            Sample(lines, "correct", "just what happened")
            for lines in (
                right,
                (action.upper(), status, remote.replace("; ", ";")),
                (f"Action: {action}", f"status:{status}", f"Remote-MTA: {remote.upper()}"),
                (action, f"{status} (said at RCPT)", f"{remote}."),
            )
        ),
        Sample((other_action, status, remote), "incorrect", _WORDS[other_action]),
        Sample(("bounced", status, remote), "incorrect", "none of the five words"),
        Sample(("relayed", status, remote), "incorrect", "it was passed on"),
        Sample((action, case.log.split(": ")[1][:3], remote), "incorrect", "is not an enhanced code"),
        Sample((action, case.log.split(": ")[1][:9], remote), "incorrect", "is more than an enhanced code"),
        Sample((action, other_class, remote), "incorrect", "The Action says the opposite"),
        Sample((action, f"{status[0]}.7.1", remote), "incorrect", "another cause"),
        Sample((action, status, case.remote), "incorrect", "without its type"),
        Sample((action, status, f"smtp; {case.remote}"), "incorrect", "no type of a name"),
        Sample((action, status, "dns; relay.sender.example"), "incorrect", "who answered?"),
        Sample((action, status, "dns; receiver.example"), "incorrect", "never given there"),
        Sample((action, status, ""), "incorrect", "Remote-MTA is still empty"),
    )
    return Exercise(
        case.id,
        case.title,
        f"The relay writes Alice a notice. Its log says:\n\n`{case.log}`\n\n"
        "Three values are missing in the part for programs. The check has a program read it.",
        LinesForm(3, before=_above(case), labels=FIELDS, speaker=""),
        partial(grade, case),
        (
            "Action: does the relay go on trying? The notice further up has a word for one of the two.",
            "Status: the reply in the log holds a code of three digits and one with dots.",
            "Remote-MTA is written like Reporting-MTA above. It names the other host.",
        ),
        Solution(
            right,
            "Action says what becomes of it, Status why, Remote-MTA who said so. Programs read these three and leave the words to people.",
        ),
        twin,
        samples,
    )
