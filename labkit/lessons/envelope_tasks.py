"""The three tasks of lesson 02: an envelope from a form, a blind copy in a session, a mailing in parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from labkit.frozen import dataclass
from labkit.learn.exercise import Exercise, Sample, Solution
from labkit.learn.feedback import Feedback
from labkit.learn.forms import LinesForm, LiveForm, PickLineForm
from labkit.lessons import session_missing
from labkit.lessons.grading import (
    PER_RECIPIENT,
    TAKEN,
    deliveries,
    first_refusal,
    mailbox_name,
    quoted,
    replies,
)
from labkit.smtp.command import Command, parse_command
from labkit.smtp.reply import Reply
from labkit.smtp.rule import Rule
from labkit.smtp.session import observe
from labkit.smtp.transcript import Transcript
from labkit.verdict import Evidence
from labkit.world import World, chain, play, receiver, run_script

_NO_RELATION = Rule(
    "RFC 5321 section 7.2", "The envelope and the addresses in the header have nothing to do with each other."
)
_REVERSE = Rule("RFC 5321 section 4.1.1.2", "MAIL names the mailbox that hears of failures.")
_MANY = Rule(
    "RFC 5321 section 4.5.3.1.10",
    "Too many recipients is 452: those accepted so far stand, the rest goes in another transaction.",
)


# ---- 1: the envelope that a form makes


@dataclass(frozen=True, slots=True)
class Form:
    """What Alice filled in: From, Reply-To, To (its RCPT is given), Cc, Bcc; and where notices go."""

    name: str
    written: str
    reply_to: str
    to: str
    cc: str
    bcc: str
    notices: str


_FIRST = Form("Book club", "club", "desk", "bob", "carol", "dave", "alice")
_SECOND = Form("Choir", "choir", "office", "carol", "dave", "bob", "bounces")
_HOUSE, _THERE = "sender.example", "receiver.example"


def envelope_lines() -> Exercise:
    """The header stands there; three lines of the envelope are missing."""
    return _envelope_lines("02.q1", _FIRST, _envelope_lines("02.q1b", _SECOND, None))


def grade_envelope(title: str, form: Form, lines: Sequence[str]) -> Feedback:
    """An address from the wrong field first, then the line's own slips, then who got the message."""
    wrong = partial(Feedback, "incorrect", asked=title)
    for number, line in enumerate(lines, 1):
        verb, address = _named(line)
        if verb == "MAIL" and address == f"{form.written}@{_HOUSE}":
            return wrong(
                f"Failure notices would go to {quoted(address.encode())}.",
                happened=f"Your line {number} repeats what stands in From. The task wants notices elsewhere.",
                rule=_REVERSE,
                look="The task's sentence about failure notices. No field of the header says it.",
            )
        if verb == "RCPT" and address == f"{form.reply_to}@{_HOUSE}":
            return wrong(
                f"{quoted(address.encode())} would get a copy, and nobody addressed one to it.",
                happened=f"Your line {number} takes an address from Reply-To. That field is for people who answer.",
                rule=_NO_RELATION,
                look="Which fields of the form say who is to get the letter?",
            )
        if verb == "RCPT" and address == f"{form.to}@{_THERE}":
            return wrong(
                f"{form.to.title()} is named already: the line stands below yours.",
                happened=f"Your line {number} names {form.to.title()} once more, and somebody else is left without a copy.",
                rule=PER_RECIPIENT,
                look="Go through the form: who is in it, and who has no RCPT yet?",
            )
    judged = session_missing.grade(title, f"{form.notices}@{_HOUSE}", (form.cc, form.bcc), lines)
    if not judged.passed:
        return judged
    return Feedback(
        "correct",
        f"{form.to.title()}, {form.cc.title()} and {form.bcc.title()} have it, and failures go where they should.",
        asked=title,
        happened=f"Three RCPT, as many as people. {form.bcc.title()} stands in no field, and MAIL says something else than From.",
        rule=_NO_RELATION,
        transcript=judged.transcript,
    )


def _named(line: str) -> tuple[str, str]:
    """Verb and address of a line; empty where it cannot be read."""
    command = parse_command(line.strip().encode("utf-8", "replace"))
    if not isinstance(command, Command) or command.path is None:
        return "", ""
    return command.verb, mailbox_name(f"{command.path.local_part}@{command.path.domain}")


def _envelope_lines(id: str, form: Form, twin: Exercise | None) -> Exercise:
    mail = f"MAIL FROM:<{form.notices}@{_HOUSE}>"
    cc, bcc, to = (f"RCPT TO:<{name}@{_THERE}>" for name in (form.cc, form.bcc, form.to))
    title = f"The envelope of a letter from the {form.name.lower()}"
    field = f"{form.name} <{form.written}@{_HOUSE}>"
    return Exercise(
        id,
        title,
        f"Alice's form: From `{field}`, Reply-To `{form.reply_to}@{_HOUSE}`, To `{form.to}@{_THERE}`, "
        f"Cc `{form.cc}@{_THERE}`, Bcc `{form.bcc}@{_THERE}`. Failure notices go to `{form.notices}@{_HOUSE}`. "
        "Her header is there. Which three lines are missing?",
        LinesForm(
            3,
            before=("C: EHLO sender.example", "S: 250 mail.receiver.example"),
            after=(
                f"C: {to}",
                "C: DATA",
                "S: 354 ...",
                f"C: From: {field}",
                f"C: Reply-To: {form.reply_to}@{_HOUSE}",
                f"C: To: {form.to}@{_THERE}",
                f"C: Cc: {form.cc}@{_THERE}",
                "C: ...",
                "C: .",
                "S: 250 ...",
            ),
        ),
        partial(grade_envelope, title, form),
        (
            "Two kinds of lines make an envelope. One of them is still missing altogether.",
            "Count the people who are to get the letter. Each has a line of their own, whatever field they stand in.",
            "The first line takes the address for failure notices, between angle brackets.",
        ),
        Solution(
            (mail, cc, bcc),
            "MAIL takes the address for notices, not From. Everybody in To, Cc and Bcc gets a RCPT; only Bcc is left out of the "
            "header. Reply-To is for people.",
        ),
        twin,
        (
            Sample(("", "", ""), "not_attempted", "still empty"),
            Sample((mail, cc, bcc), "correct", "as many as people"),
            Sample((mail, bcc, cc), "correct", "as many as people"),
            Sample((mail.lower(), f" {bcc} ", cc), "correct", "as many as people"),
            Sample((f"MAIL FROM:<{form.written}@{_HOUSE}>", cc, bcc), "incorrect", "repeats what stands in From"),
            Sample((mail, cc, f"RCPT TO:<{form.reply_to}@{_HOUSE}>"), "incorrect", "from Reply-To"),
            Sample((mail, to, cc), "incorrect", "is named already"),
            Sample((mail, cc, ""), "incorrect", "Line 3 is still empty"),
            Sample((mail, cc, cc), "incorrect", f"{form.cc.title()} is named twice"),
            Sample((mail, cc, f"Bcc: {form.bcc}@{_THERE}"), "incorrect", "line of the message"),
            Sample((mail, f"RCPT TO:{form.cc}@{_THERE}", bcc), "incorrect", "without its angle brackets"),
            Sample((cc, mail, bcc), "incorrect", "RCPT came before the server knew"),
        ),
    )  # fmt: skip


# ---- 2: who got the blind copy


@dataclass(frozen=True, slots=True)
class Mixed:
    """A session with one blind copy in it: RCPT in order, the header, and who is blind, refused, written only."""

    recipients: tuple[str, ...]
    header: tuple[str, ...]
    blind: str
    refused: str


_ONE = Mixed(
    ("carol", "dave", "erin", "BOB"),
    (
        "From: Alice <alice@sender.example>",
        "Reply-To: postmaster@receiver.example",
        "To: bob@receiver.example",
        "Cc: Carol <carol@receiver.example>",
    ),
    "dave",
    "erin",
)
_TWO = Mixed(
    ("frank", "carol", "bob", "Dave"),
    (
        "From: Alice <alice@sender.example>",
        "To: Dave <dave@receiver.example>",
        "Cc: carol@receiver.example, frank@elsewhere.example",
        "Reply-To: postmaster@receiver.example",
    ),
    "bob",
    "frank",
)


def blind_copy() -> Exercise:
    """A session with envelope and header: point at the line that names who got a blind copy."""
    return _blind_copy("02.q2", _ONE, _blind_copy("02.q2b", _TWO, None))


def _blind_copy(id: str, mixed: Mixed, twin: Exercise | None) -> Exercise:
    script = (
        "EHLO relay.sender.example",
        "MAIL FROM:<alice@sender.example>",
        *(f"RCPT TO:<{name}@receiver.example>" for name in mixed.recipients),
        "DATA",
        *mixed.header,
        "Subject: Sunday",
        "",
        "At ten.",
        ".",
        "QUIT",
    )
    with World.open(chain(), transport="memory") as world:
        transcript = run_script(world, script, host="mx1.receiver.example")
    lines = {event.data.decode().rstrip(): event.seq for event in transcript if event.sender == "C"}
    rcpt = {name: lines[f"RCPT TO:<{name}@receiver.example>"] for name in mixed.recipients}
    named = [name for name in mixed.recipients if name not in (mixed.blind, mixed.refused)]
    title = "Who got a blind copy?"
    to = next(field for field in mixed.header if field.startswith("To:"))
    answer = next(one.answered_by for one in observe(transcript) if one.seq == rcpt[mixed.blind])
    return Exercise(
        id,
        title,
        "A session at mx1.receiver.example, whole. One person got a blind copy. Point at the line that names them.",
        PickLineForm(transcript),
        partial(grade_blind_copy, title, transcript, rcpt[mixed.blind]),
        (
            "Write two lists: who stands in RCPT, and who stands in the header.",
            "A blind copy is in the first list only. Large and small letters make no other mailbox here.",
            "Whoever was refused got no copy at all.",
        ),
        Solution(
            rcpt[mixed.blind],
            f"{mixed.blind.title()} has a RCPT that was accepted, and stands in no field. {mixed.refused.title()} was refused.",
        ),
        twin,
        (
            Sample(("",), "not_attempted", "No line is chosen"),
            Sample((999,), "error", "not among them"),
            Sample((rcpt[mixed.blind],), "correct", "in no field"),
            Sample((f"line {rcpt[mixed.blind]}",), "correct", "in no field"),
            Sample((rcpt[mixed.refused],), "incorrect", "was refused"),
            *(Sample((rcpt[name],), "incorrect", "stands in the header too") for name in named),
            Sample((lines[to],), "incorrect", "A field of the header"),
            Sample((lines["Reply-To: postmaster@receiver.example"],), "incorrect", "A field of the header"),
            Sample((lines["MAIL FROM:<alice@sender.example>"],), "incorrect", "who it is from"),
            Sample((answer,), "incorrect", "A reply names nobody"),
        ),
    )


def grade_blind_copy(title: str, transcript: Transcript, right: int, number: int) -> Feedback:
    """What the line is that was pointed at."""
    notes = {note.seq: note for note in observe(transcript)}
    note = notes[number]
    evidence = (Evidence.line(number),)
    verb = note.command.verb if note.role == "command" and isinstance(note.command, Command) else ""
    if number == right:
        return Feedback(
            "correct",
            "Named in the envelope, accepted, and in no field of the header.",
            evidence,
            title,
            "This RCPT brought a copy that the header does not tell of.",
            _NO_RELATION,
        )
    answer = notes[note.answered_by].reply if note.answered_by else None
    if verb == "RCPT" and isinstance(answer, Reply) and answer.severity == 5:
        says = "This recipient was refused, so there is no copy."
        look = "The replies to RCPT: only who got 250 has one."
    elif verb == "RCPT":
        says = "This recipient got a copy, and stands in the header too: nothing blind about it."
        look = "Compare each RCPT with the fields, also across large and small letters."
    elif verb == "MAIL":
        says = "This line says who it is from."
        look = "Which lines say whom it is for?"
    elif note.role == "text":
        says = "A field of the header is what every reader sees. A blind copy is what they do not see."
        look = "The lines before DATA."
    elif note.reply is not None:
        says = "A reply names nobody by itself. Which line does it answer?"
        look = "The lines of the client."
    else:
        says = "This line names nobody."
        look = "Which command names a recipient?"
    return Feedback(
        "incorrect", says, evidence, title, f"You pointed at line {number}.", Rule(_NO_RELATION.ref, ""), look
    )


# ---- 3: a mailing in parts


def split(source: Callable[[], Transcript]) -> Exercise:
    """Everybody gets exactly one copy from a server that takes two recipients at a time."""
    twin = _split("02.q3b", ("carol", "dave", "postmaster"), source, None)
    return _split("02.q3", ("bob", "carol", "dave"), source, twin)


def grade_split(title: str, people: Sequence[str], transcript: Transcript) -> Feedback:
    """Who has how many copies after the session."""
    taken = deliveries(transcript)
    wrong = partial(Feedback, "incorrect", asked=title, transcript=transcript)
    refused = first_refusal(transcript, title, expected={452})
    if not taken:
        return refused or wrong(
            "No message was taken yet.",
            happened="No 250 came after a dot, so nobody has a copy.",
            rule=TAKEN,
            look="Which of the three parts, sender, recipients, text, is not complete?",
        )
    copies = Counter(mailbox_name(path) for one in taken for path in one.envelope.forward_paths)
    wanted = {f"{name}@{_THERE}": name.title() for name in people}
    without = [name for path, name in wanted.items() if not copies[path]]
    twice = [wanted.get(path, path) for path, count in copies.items() if count > 1]
    strangers = [path for path in copies if path not in wanted]
    if without:
        return _without(title, without, transcript) or refused or wrong(
            f"{' and '.join(without)} got no copy.",
            happened=_counted(copies),
            rule=PER_RECIPIENT,
            look="Compare your RCPT lines with the task.",
        )  # fmt: skip
    if twice:
        return wrong(
            f"{' and '.join(twice)} got the letter {'twice' if max(copies.values()) == 2 else 'several times'}.",
            happened=_counted(copies),
            rule=PER_RECIPIENT,
            look="The second transaction: who was still without a copy when it began?",
        )
    if strangers:
        return wrong(
            f"{quoted(strangers[0].encode())} got a copy as well.",
            happened=_counted(copies),
            rule=PER_RECIPIENT,
            look="Compare your RCPT lines with the task.",
        )
    return Feedback(
        "correct",
        "One copy each.",
        tuple(Evidence.line(one.line) for one in taken),
        title,
        f"{len(taken)} transactions in one connection. What was accepted stands, and the rest went at once.",
        _MANY,
        transcript=transcript,
    )


def _without(title: str, without: Sequence[str], transcript: Transcript) -> Feedback | None:
    """Who has no copy because of a 452 that nothing followed."""
    put_off = [note for note, reply in replies(transcript) if reply.code == 452]
    if not put_off:
        return None
    return Feedback(
        "incorrect",
        f"{' and '.join(without)} got 452, and no copy yet." if len(without) == 1 else "Some got no copy yet.",
        (Evidence.line(put_off[-1].seq),),
        title,
        "452 here says: not in this transaction. The session goes on after the dot.",
        Rule(_MANY.ref, ""),
        "The row of states after `accepted`: which commands begin the next letter?",
        transcript=transcript,
    )  # fmt: skip


def _counted(copies: Mapping[str, int]) -> str:
    return "Copies: " + ", ".join(f"{path} {count}" for path, count in copies.items()) + "."


def _split(
    id: str, people: tuple[str, str, str], source: Callable[[], Transcript], twin: Exercise | None
) -> Exercise:
    one, two, three = people
    title = f"One copy each for {one.title()}, {two.title()} and {three.title()}"
    spec = receiver("mx2.receiver.example", mailboxes=("bob", "carol", "dave"), recipient_limit=2)
    mail, text = "MAIL FROM:<alice@sender.example>", ("DATA", "Subject: Sunday", ".")

    def to(*names: str) -> tuple[str, ...]:
        return tuple(f"RCPT TO:<{name}@{_THERE}>" for name in names)

    def said(*lines: str) -> tuple[str]:
        return (play(("EHLO relay.sender.example", *lines), spec).to_text(),)

    whole = (mail, *to(one, two, three), *text, mail, *to(three), *text)
    return Exercise(
        id,
        title,
        f"mx2.receiver.example takes two recipients in one transaction. In one connection, bring a letter from "
        f"`alice@sender.example` to `{one}`, `{two}` and `{three}`, all `@receiver.example`: one copy each. Then press Check.",
        LiveForm(),
        partial(grade_split, title, people),
        (
            "Begin as if there were no limit, and read the answer to the third RCPT.",
            "452 takes nothing back: those accepted before stand. Send the text to them first.",
            "After the 250 that follows the dot, MAIL may come again in the same connection. Who has no copy then?",
        ),
        Solution(
            said(*whole),
            "The two who were accepted get the first transaction. The third goes at once in a second one: MAIL, RCPT, DATA and the "
            "text once more. Three transactions would do as well.",
        ),
        twin,
        (
            Sample(("",), "not_attempted", "There is no session"),
            Sample(said(*whole), "correct", "One copy each"),
            Sample(said(mail, *to(one, two), *text, mail, *to(three), *text), "correct", "2 transactions"),
            Sample(
                said(mail, *to(one), *text, mail, *to(two), *text, mail, *to(three), *text),
                "correct",
                "3 transactions",
            ),
            Sample(said(mail, *to(one, two, three), *text), "incorrect", f"{three.title()} got 452"),
            Sample(said(mail, *to(one, two), *text), "incorrect", f"{three.title()} got no copy"),
            Sample(
                said(*whole[:7], mail, *to(one, three), *text), "incorrect", f"{one.title()} got the letter twice"
            ),
            Sample(said(mail, *to(one, two, three), "RSET"), "incorrect", "No message was taken"),
            Sample(said(*whole, mail, *to("bbo"), *text), "correct", "One copy each"),
            Sample(said(mail, *to("bbo")), "incorrect", "no mailbox `bbo`"),
            Sample(said(mail, *to(one, two), *text, mail, *to(three), mail), "incorrect", "A second MAIL came"),
        ),
        source=source,
    )  # fmt: skip
