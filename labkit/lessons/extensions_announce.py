"""Exercise 1 of lesson 03: the MAIL line with the parameters that get a message through. Graded by sending it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from labkit.frozen import dataclass
from labkit.hosts.host_spec import HostSpec
from labkit.learn.exercise import Exercise, Sample, Solution
from labkit.learn.feedback import Feedback
from labkit.learn.forms import LinesForm
from labkit.lessons.extensions_runs import HELLO, QUIT
from labkit.lessons.grading import deliveries, first_refusal, mailbox_name, quoted
from labkit.smtp.command import Command
from labkit.smtp.note import Note
from labkit.smtp.rule import Rule
from labkit.smtp.session import observe
from labkit.smtp.transcript import Transcript
from labkit.verdict import Evidence
from labkit.world import play

_SIZE = Rule(
    "RFC 1870 section 5", "SIZE= says how many octets the text has, CR LF counted, without the last dot."
)
_LESS = Rule(
    "RFC 1870 section 6.3", "A message larger than its MAIL line announced may be refused for that alone."
)
_BODY = Rule(
    "RFC 6152 section 3",
    "Octets above 127 are announced with BODY=8BITMIME, to a server that offers 8BITMIME.",
)
_MAIL = Rule("RFC 5321 section 4.1.1.2", "MAIL names the reverse-path, then parameters, each after a space.")


@dataclass(frozen=True, slots=True)
class Case:
    """A message, its two ends, and what the server offers."""

    id: str
    sender: str
    recipient: str
    size: int
    word: str
    limit: int
    offers: tuple[str, ...]

    @property
    def utf8(self) -> bool:
        """Whether the recipient's address is beyond ASCII."""
        return not self.recipient.isascii()

    @property
    def line(self) -> str:
        """A right answer."""
        return f"MAIL FROM:<{self.sender}> SIZE={self.size} BODY=8BITMIME{' SMTPUTF8' if self.utf8 else ''}"

    @property
    def title(self) -> str:
        """What is asked for, in short."""
        return (
            f"Announce {self.size:,} octets, and {'an address and ' if self.utf8 else ''}letters beyond ASCII"
        )

    @property
    def spec(self) -> HostSpec:
        """The real server that the answer is said to."""
        name = self.recipient.partition("@")[0]
        return HostSpec(
            "mx1.receiver.example", (name,), ehlo=self.offers, size_limit=self.limit, starttls=False
        )

    def message(self) -> bytes:
        """The text, of exactly that size, with octets above 127 in it."""
        head = (
            f"From: {self.sender}\r\nTo: {self.recipient}\r\nSubject: Greetings\r\nMIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        ).encode()
        line = f"{self.word}\r\n".encode()
        whole = head + line * ((self.size - len(head)) // len(line) - 1)
        return whole + b"x" * (self.size - len(whole) - 2) + b"\r\n"


FIRST = Case(
    "03.q1",
    "alice@sender.example",
    "bob@receiver.example",
    1840,
    "Viele Grüße aus dem Garten",
    50_000,
    ("SIZE", "8BITMIME", "HELP"),
)
TWIN = Case(
    "03.q1b",
    "news@sender.example",
    "zoë@receiver.example",
    3275,
    "Une fête à la campagne",
    40_000,
    ("SIZE", "8BITMIME", "SMTPUTF8"),
)


def announce() -> Exercise:
    """One MAIL line, to be written whole."""
    return _exercise(FIRST, _exercise(TWIN, None))


def grade(case: Case, lines: Sequence[str]) -> Feedback:
    """What the server refused; else what the line left unsaid; else what became of the message."""
    line = lines[0].strip()
    wrong = partial(Feedback, "incorrect", asked=case.title)
    opened = play((HELLO, line), case.spec)
    refused = first_refusal(opened, case.title)
    if refused is not None:
        named = parameter_slip(case, line)
        return replace(refused, message=named[0], look=named[1], further="") if named else refused
    mail = _mail(opened)
    if mail is None:
        return wrong(
            f"{line.partition(' ')[0].upper()} was taken, but it opens no message.",
            happened=f"{quoted(line.encode())} got a reply that begins with 2, and no transaction is open.",
            rule=_MAIL,
            look="Which command names the sender, and comes first?",
            transcript=opened,
        )
    assert isinstance(mail.command, Command)
    command, evidence = mail.command, (Evidence.line(mail.seq),)
    if mailbox_name(str(command.path or "")) != case.sender:
        return wrong(
            f"The message went out in the name of {quoted(str(command.path or '<>').encode())}.",
            evidence=evidence,
            happened="The server took that: it does not know who wrote the message.",
            rule=_MAIL,
            look="Who writes in the task?",
            transcript=opened,
        )
    size = command.parameter("SIZE")
    told = wrong_size(case, int(size) if size else None)
    if told is None and (command.parameter("BODY") or "").upper() != "8BITMIME":
        told = (
            "The line does not say that octets above 127 will come.",
            "The server would take the text for plain ASCII. It may damage it, or hand it to somebody who does.",
            _BODY,
            f"Read the text again: `{case.word}`. Which letters are not ASCII, and which line of EHLO is about them?",
        )
    if told is not None:
        message, happened, rule, look = told
        return wrong(message, evidence=evidence, happened=happened, rule=rule, look=look, transcript=opened)
    return _sent(case, line)


def parameter_slip(case: Case, line: str) -> tuple[str, str] | None:
    """What is wrong with the parameters of a line that was refused, and where to look; None if it is something else."""
    mail = r"MAIL FROM:<[^<>\s]*>"
    if re.match(r"(SIZE|BODY|SMTPUTF8)\b", line, re.IGNORECASE):
        return (
            "These are parameters, without the command that they belong to.",
            "Which command opens a message?",
        )
    if re.match(r"MAIL FROM:<[^<>\s]+ [^<>]*>", line, re.IGNORECASE):
        return "The closing bracket stands behind the parameters.", "What belongs into the brackets?"
    if re.search(r"\b(SIZE|BODY)(\s|:|$)", line, re.IGNORECASE) or "= " in line:
        return (
            "A parameter has lost its value: both are written in one, with `=` between them.",
            "Look at what follows the keyword.",
        )
    if re.search(r"SIZE=[0-9]+[.,']", line, re.IGNORECASE):
        return "The number has a sign in it that is no digit.", "Programs write large numbers without commas."
    if re.fullmatch(rf"{mail}.* 8BITMIME\b.*", line, re.IGNORECASE):
        return (
            "`8BITMIME` is the keyword of the offer. The parameter that takes it up has another name.",
            "What did you say in the session above, after EHLO?",
        )
    if (found := re.search(r"SIZE=([0-9]+)", line, re.IGNORECASE)) and int(found[1]) > case.limit:
        return (
            f"The line announces {int(found[1]):,} octets, and the server takes {case.limit:,}.",
            "How big is the message of the task?",
        )
    return None


def wrong_size(case: Case, announced: int | None) -> tuple[str, str, Rule, str] | None:
    """What is wrong with an announced size: message, what happened, rule, where to look; None if nothing is."""
    if announced is None:
        return (
            "The line does not say how big the message is.",
            "The server would find out after the whole text. A message that is too big would have made the way for nothing.",
            _SIZE,
            "Which line of the answer to EHLO has a number in it?",
        )
    if announced < case.size:
        return (
            f"The line announces {announced:,} octets, and {case.size:,} would come.",
            "A server may make room for what was announced, and refuse the rest.",
            _LESS,
            "Compare your number with the task.",
        )
    if announced > case.size * 1.1:
        return (
            f"The line announces {announced:,} octets, and only {case.size:,} would come.",
            "This server has room for that many. One with less would refuse a message that fits.",
            _SIZE,
            "Whose number is yours: the server's, or that of the message?",
        )
    return None


def _mail(transcript: Transcript) -> Note | None:
    return next(
        (
            note
            for note in observe(transcript)
            if note.role == "command" and isinstance(note.command, Command) and note.command.verb == "MAIL"
        ),
        None,
    )


def _sent(case: Case, line: str) -> Feedback:
    """The rest of the session: does the message really go through?"""
    rest = (f"RCPT TO:<{case.recipient}>", "DATA", case.message() + b".\r\n", QUIT)
    transcript = play((HELLO, line, *rest), case.spec)
    refused = first_refusal(transcript, case.title)
    taken = deliveries(transcript)
    if refused is not None or not taken:
        return refused or Feedback("error", "The server took no message.", transcript=transcript)
    return Feedback(
        "correct",
        f"The server knew what would come, and took all {case.size:,} octets.",
        evidence=(Evidence.line(taken[0].line),),
        asked=case.title,
        happened="Each parameter of your line answers a line of the server's list.",
        rule=Rule(
            "RFC 5321 section 2.2.1", "A client uses an extension only if the answer to EHLO has offered it."
        ),
        transcript=transcript,
    )


def _exercise(case: Case, twin: Exercise | None) -> Exercise:
    offered = [line.replace("SIZE", f"SIZE {case.limit}") if line == "SIZE" else line for line in case.offers]
    start = f"MAIL FROM:<{case.sender}>"
    address = f" Her address is not ASCII: `{case.recipient}`." if case.utf8 else ""
    return Exercise(
        case.id,
        case.title,
        f"`{case.sender}` writes to {case.recipient.partition('@')[0].title()}.{address} The message has {case.size:,} octets, "
        f"with lines such as `{case.word}` in UTF-8. Write the MAIL line that announces "
        f"{'all three' if case.utf8 else 'both'}: {'the address, ' if case.utf8 else ''}the size, and octets above 127. "
        "The check says it to a real server and sends the message after it.",
        LinesForm(
            1,
            before=(
                f"C: {HELLO}",
                "S: 250-mx1.receiver.example",
                *(
                    f"S: 250{'-' if place < len(offered) else ' '}{line}"
                    for place, line in enumerate(offered, 1)
                ),
            ),
            after=(f"C: RCPT TO:<{case.recipient}>", "C: DATA", "S: 354 ..."),
        ),
        partial(grade, case),
        (
            "Begin with the line that you know from lesson 01: MAIL, FROM, a colon, the address in angle brackets.",
            "Parameters come behind the address, each after a space. Most are written KEYWORD=value.",
            "The size stands under the same keyword as in the server's list. The kind of text stands under BODY, "
            "and its value is the keyword of the server's list."
            + (" The one about the address takes no value." if case.utf8 else ""),
        ),
        Solution(
            (case.line,),
            "Size and kind of text are both offered in the answer to EHLO, so both may be announced."
            + (
                " An address beyond ASCII needs its own word too."
                if case.utf8
                else " SMTPUTF8 is not offered, and not needed."
            ),
        ),
        twin,
        _samples(case, start),
    )


def _samples(case: Case, start: str) -> tuple[Sample, ...]:
    size, body = f"SIZE={case.size}", "BODY=8BITMIME"
    end = " SMTPUTF8" if case.utf8 else ""
    right = (
        case.line,
        f"{start} {body} {size}{end}",
        f"mail from:<{case.sender}> size={case.size} body=8bitmime{end.lower()}",
        f"C: {case.line}",
        f"{start} SIZE={case.size + 20} {body}{end}",
    )
    wrong = (
        (f"{start}{end}", "does not say how big the message is"),
        (f"{start} {body}{end}", "does not say how big the message is"),
        (f"{start} {size}{end}", "does not say that octets above 127 will come"),
        (f"{start} {size} BODY=7BIT{end}", "does not say that octets above 127 will come"),
        (
            f"{start} SIZE={case.size // 10} {body}{end}",
            f"announces {case.size // 10:,} octets, and {case.size:,}",
        ),
        (
            f"{start} SIZE={case.limit} {body}{end}",
            f"announces {case.limit:,} octets, and only {case.size:,}",
        ),
        (
            f"{start} SIZE={case.limit + 1} {body}{end}",
            f"announces {case.limit + 1:,} octets, and the server takes",
        ),
        (f"{start} SIZE {case.size} {body}{end}", "has lost its value"),
        (f"{start} SIZE={case.size:,} {body}{end}", "a sign in it that is no digit"),
        (f"{start} {size} BODY=8BIT{end}", "BODY takes 7BIT, 8BITMIME or BINARYMIME"),
        (f"{start} {size} 8BITMIME{end}", "the keyword of the offer"),
        (f"{start} {size} BODY=BINARYMIME{end}", "did not announce BINARYMIME"),
        (f"MAIL FROM:{case.sender} {size} {body}{end}", "without its angle brackets"),
        (f"MAIL FROM:<{case.sender} {size} {body}{end}>", "bracket stands behind the parameters"),
        (f"{size} {body}{end}", "without the command that they belong to"),
        (f"MAIL FROM:<bob@receiver.example> {size} {body}{end}", "in the name of `bob@receiver.example`"),
        ("NOOP", "it opens no message"),
    )
    special = (
        ((f"{start} {size} {body}", "MAIL did not say SMTPUTF8"),)
        if case.utf8
        else ((f"{start} {size} {body} SMTPUTF8", "did not announce SMTPUTF8"),)
    )
    return (
        Sample(("",), "not_attempted", "still empty"),
        *(Sample((line,), "correct", "knew what would come") for line in right),
        *(Sample((line,), "incorrect", says) for line, says in (*wrong, *special)),
    )
