"""Exercise 3 of lesson 01: provoke one reply and avoid another, in a session of the learner's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from labkit.frozen import dataclass
from labkit.learn.exercise import Exercise, Sample, Solution
from labkit.learn.feedback import Feedback
from labkit.learn.forms import LiveForm
from labkit.lessons.grading import replies
from labkit.lessons.slips import name_slip, quoted
from labkit.smtp.command import Command, parse_command
from labkit.smtp.note import Note
from labkit.smtp.reply import Reply
from labkit.smtp.rule import Rule
from labkit.smtp.session import observe
from labkit.smtp.transcript import Transcript
from labkit.verdict import Evidence

WHAT = {
    500: "the server did not recognise the line as a command",
    501: "the first word is known, what follows it is not right",
    502: "the server knows the command and does not do it",
    503: "the command is known, and came at the wrong moment",
    550: "the server takes no mail for this recipient",
}
_ANY_TIME = frozenset(("EHLO", "HELO", "NOOP", "RSET", "VRFY", "EXPN", "HELP", "QUIT"))
_AGAIN = "Press Start over in the console and try another line. Only your latest session counts."


@dataclass(frozen=True, slots=True)
class Task:
    """The reply that is wanted, those that must not come, and the line that does it with the idea behind it."""

    wanted: int
    forbidden: tuple[int, ...]
    idea: str
    line: str
    look: str
    further: str

    @property
    def title(self) -> str:
        """What is asked for, in short."""
        return f"Get a {self.wanted}, and no {' and no '.join(map(str, self.forbidden))}"

    @property
    def rule(self) -> Rule:
        """What the wanted reply means."""
        return Rule("RFC 5321 section 4.2.2", f"{self.wanted}: {WHAT[self.wanted]}.")


ORDER = Task(
    503,
    (500,),
    "A command that the server knows, at a moment when it makes no sense.",
    "DATA",
    "The row of states above your session: it names what the server takes now.",
    "Which command of your first session does not stand there?",
)
SYNTAX = Task(
    501,
    (500, 503),
    "A command that the server knows, with something wrong in what follows it.",
    "MAIL FROM:alice",
    "What follows the first word of your lines: the server read it each time and found nothing wrong.",
    "Take a command that is in order now, and write what follows its name wrongly.",
)


def provoke(own_session: Callable[[], Transcript]) -> Exercise:
    """The task; `own_session` gives the learner's latest session."""
    return _exercise("01.q3", ORDER, own_session, _exercise("01.q3b", SYNTAX, own_session, None))


def grade(task: Task, transcript: Transcript) -> Feedback:
    """Whether the wanted reply came and no forbidden one; else what came instead, and from what."""
    notes = observe(transcript)
    by_number = {note.seq: note for note in notes}
    answered = [(by_number[note.answers], note, reply) for note, reply in replies(transcript) if note.answers]
    wrong = partial(Feedback, "incorrect", asked=task.title, rule=task.rule, transcript=transcript)
    hits = [(line, note) for line, note, reply in answered if reply.code == task.wanted]
    for line, note, reply in answered:
        if reply.code in task.forbidden:
            return wrong(
                f"There is a {task.wanted}, but a {reply.code} too." if hits else _named(notes, line, reply),
                evidence=(Evidence.line(line.seq), Evidence.line(note.seq)),
                happened=f"{quoted(line.octets)} got {reply.code}: {WHAT[reply.code]}.",
                look=_AGAIN,
            )
    if hits:
        line, note = hits[0]
        return Feedback(
            "correct",
            f"Line {note.seq} is a {task.wanted}, and there is no {' and no '.join(map(str, task.forbidden))}.",
            evidence=(Evidence.line(line.seq), Evidence.line(note.seq)),
            asked=task.title,
            happened=f"It answers {quoted(line.octets)}. {task.idea}",
            rule=task.rule,
            transcript=transcript,
        )
    refused = [(line, note, reply) for line, note, reply in answered if reply.severity >= 4]
    if refused:
        line, note, reply = refused[-1]
        return wrong(
            f"{_named(notes, line, reply)} That is a {reply.code}, not a {task.wanted}.",
            evidence=(Evidence.line(line.seq), Evidence.line(note.seq)),
            happened=f"{quoted(line.octets)} got {reply.code}"
            + (f": {WHAT[reply.code]}." if reply.code in WHAT else "."),
            look=task.look,
            further=task.further,
        )
    return wrong(_all_taken(notes), happened=_codes(answered), look=task.look, further=task.further)


def _named(notes: Sequence[Note], line: Note, reply: Reply) -> str:
    return name_slip(notes, line, reply).says


def _all_taken(notes: Sequence[Note]) -> str:
    """Why nothing was refused, in the terms of the learner's own lines."""
    swallowed = [
        note for note in notes if note.role == "text" and getattr(parse_command(note.octets), "known", False)
    ]
    if swallowed:
        return f"{quoted(swallowed[0].octets)} became message text. In there no line is refused."
    said = [note.command for note in notes if note.role == "command" and isinstance(note.command, Command)]
    verbs = [command.verb for command in said]
    if set(verbs) == {"EHLO"} or set(verbs) == {"HELO"}:
        return "You have greeted, and nothing more."
    if verbs and set(verbs) <= _ANY_TIME:
        tried = next((verb for verb in verbs[::-1] if verb not in ("EHLO", "HELO")), verbs[-1])
        return f"{tried} may come at any time, so it never comes at the wrong one."
    return "Every line came at its moment, and was well formed."


def _codes(answered: Sequence[tuple[Note, Note, Reply]]) -> str:
    codes = sorted({reply.code for _, _, reply in answered})
    return f"The replies in your latest session: {', '.join(map(str, codes)) or 'none'}."


def _exercise(id: str, task: Task, source: Callable[[], Transcript], twin: Exercise | None) -> Exercise:
    never = " or ".join(map(str, task.forbidden))
    return Exercise(
        id,
        task.title,
        f"In the console above, open a session in which the server answers {task.wanted} at least once and never {never}. "
        "Then press Check.",
        LiveForm(),
        partial(grade, task),
        (
            f"{task.wanted} means: {WHAT[task.wanted]}.",
            f"500 is for lines that are no known command. So you need this: {task.idea.lower()}",
            "Connect, greet, and look at the row of states before the next line.",
        ),
        Solution(
            (_session((task.line, f"{task.wanted} ...")),),
            f"After the greeting, `{task.line}` is enough. {task.idea}",
        ),
        twin,
        (
            Sample(("",), "not_attempted", "There is no session"),
            *(
                Sample((_session((line, f"{task.wanted} no")),), "correct", f"is a {task.wanted}")
                for line in _hits(task)
            ),
            *(
                Sample((_session(*lines),), "incorrect", says.replace("WANTED", str(task.wanted)))
                for lines, says in _slips(task)
            ),
        ),
        source=source,
    )


def _session(*said: tuple[str, str]) -> str:
    """A session as text: the greetings, then lines with their replies ("" for none)."""
    lines = ["S: 220 mail.receiver.example ESMTP", "C: EHLO sender.example", "S: 250 mail.receiver.example"]
    for line, reply in said:
        lines += [f"C: {line}", *([f"S: {reply}"] if reply else [])]
    return "\n".join(lines) + "\n"


def _hits(task: Task) -> tuple[str, ...]:
    if task is ORDER:
        return "DATA", "data", "RCPT TO:<bob@receiver.example>"
    return "MAIL FROM:alice", "mail from: <alice@sender.example>", "RCPT", "QUIT now"


def _slips(task: Task) -> tuple[tuple[tuple[tuple[str, str], ...], str], ...]:
    """Natural mistakes, and the words that name each of them."""
    mail, rcpt = (
        ("MAIL FROM:<alice@sender.example>", "250 OK"),
        ("RCPT TO:<bob@receiver.example>", "250 OK"),
    )
    text = (mail, rcpt, ("DATA", "354 go"))
    both = (
        ((("HALLO", "500 what"),), "`HALLO` is no command"),
        ((("HALLO", "500 what"), (task.line, f"{task.wanted} no")), "There is a WANTED, but a 500 too"),
        ((("DTAA", "500 what"),), "near to one that exists"),
        ((("Subject: Hello", "500 what"),), "`Subject:` is a line of the message"),
        (((".", "500 what"),), "A dot alone came where the server waits for a command"),
        ((("", "500 what"),), "The line is empty"),
        ((("NOOP", "250 fine"), ("QUIT", "221 bye")), "QUIT may come at any time"),
        ((("EHLO sender.example", "250 hello again"),), "You have greeted, and nothing more"),
        ((("RSET", "250 fine"),), "RSET may come at any time"),
        ((("EXPN staff", "502 no"),), "That is a 502, not a WANTED"),
        ((mail, rcpt), "Every line came at its moment"),
        ((mail, ("RCPT TO:<nobody@receiver.example>", "550 no")), "no mailbox `nobody`. That is a 550"),
        ((*text, ("DATA", ""), (".", "250 taken")), "`DATA` became message text"),
    )
    if task is ORDER:
        return (
            *both,
            (
                (("MAIL FROM: <alice@sender.example>", "501 no"),),
                "A space stands after the colon. That is a 501",
            ),
            ((("RCPT", "501 no"),), "TO:<address> is missing after RCPT"),
        )
    return (*both, ((("DATA", "503 no"),), "DATA came before the server knew"))
