"""Exercise 1 of lesson 01: three lines are missing. Graded by saying them to a real server."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from labkit.learn.exercise import Exercise, Sample, Solution
from labkit.learn.feedback import Feedback
from labkit.learn.forms import LinesForm
from labkit.lessons.grading import PER_RECIPIENT, TAKEN, deliveries, first_refusal, mailbox_name, quoted
from labkit.smtp.rule import Rule
from labkit.smtp.transcript import Transcript
from labkit.verdict import Evidence
from labkit.world import play, receiver

SPEC = receiver(mailboxes=("bob", "carol", "dave"), ehlo=("SIZE", "8BITMIME", "HELP"), starttls=False)
_PARTS = Rule(
    "RFC 5321 section 3.3", "A mail transaction has three parts: who it is from, whom it is for, the text."
)
_FROM = Rule("RFC 5321 section 4.1.1.2", "MAIL names the reverse-path: the mailbox that hears of failures.")
_GIVEN = {"EHLO": "above", "HELO": "above", "DATA": "below", "QUIT": "below"}
_TEXT = ("DATA", "Subject: Lunch", "", "At one?", ".", "QUIT")


def missing_lines() -> Exercise:
    """One message for two people, to be completed."""
    twin = _missing("01.q1b", "news@sender.example", ("carol", "dave"), None)
    return _missing("01.q1", "alice@sender.example", ("bob", "carol"), twin)


def grade(title: str, sender: str, people: Sequence[str], lines: Sequence[str]) -> Feedback:
    """What three lines do: the learner's own slips first, then what is missing, then who got the message."""
    said = [line.strip() for line in lines]
    spoken = ["EHLO sender.example", *filter(None, said)]
    wrong = partial(Feedback, "incorrect", asked=title)
    refused = first_refusal(play(spoken, SPEC), title)
    if refused is not None:
        return refused
    for number, line in enumerate(said, 1):
        verb = line.partition(" ")[0].upper()
        if verb in _GIVEN:
            return wrong(
                f"Your line {number} says {verb}, which stands {_GIVEN[verb]} already.",
                happened=f"{verb} names neither a sender nor a recipient, and only two lines are left for them.",
                rule=_PARTS,
                look="Read the given lines above and below yours, and say what each is for.",
            )
        if not line:
            return wrong(
                f"Line {number} is still empty.",
                happened="The other lines were taken. An empty line is no command; a server answers it with 500.",
                rule=_PARTS,
                look="Go through the task word by word. Which part of it has no line yet?",
            )
    transcript = play((*spoken, *_TEXT), SPEC)
    taken = deliveries(transcript)
    refused = first_refusal(transcript, title)
    if refused is not None or not taken:
        return refused or wrong(
            "No message was taken.",
            happened="No 250 came after a dot.",
            rule=TAKEN,
            look="Read your lines aloud.",
        )
    return _delivered(title, sender, people, transcript)


def _delivered(title: str, sender: str, people: Sequence[str], transcript: Transcript) -> Feedback:
    """The server took a message: from whom, and for whom?"""
    taken = deliveries(transcript)[0]
    paths = [mailbox_name(path) for path in taken.envelope.forward_paths]
    names = {f"{name}@receiver.example": name.title() for name in people}
    without = [name for path, name in names.items() if path not in paths]
    by = mailbox_name(taken.envelope.reverse_path or "")
    wrong = partial(
        Feedback, "incorrect", evidence=(Evidence.line(taken.line),), asked=title, transcript=transcript
    )
    if without:
        twice = [name for path, name in names.items() if paths.count(path) > 1]
        nobody = " and ".join(without)
        return wrong(
            f"{twice[0]} is named twice, and {nobody} not at all." if twice else f"{nobody} got no copy.",
            happened="The message went to "
            + ", ".join(quoted(path.encode()) for path in dict.fromkeys(paths))
            + ".",
            rule=PER_RECIPIENT,
            look="Compare your lines with the addresses in the task.",
        )
    if by != sender:
        reverse = quoted(by.encode()) if by else "`<>`, which is nobody"
        return wrong(
            f"The message went out in the name of {names.get(by, reverse)}.",
            happened=f"It was delivered to both. Failure notices would go to {reverse}.",
            rule=_FROM,
            look="The line with MAIL. Who writes in the task?",
        )
    return Feedback(
        "correct",
        "Both have it, in one transaction.",
        evidence=(Evidence.line(taken.line),),
        asked=title,
        happened="MAIL once, RCPT twice, DATA once. The 250 after the dot covers both copies.",
        rule=PER_RECIPIENT,
        transcript=transcript,
    )


def _missing(id: str, sender: str, people: tuple[str, str], twin: Exercise | None) -> Exercise:
    first, second = (f"{name}@receiver.example" for name in people)
    one, two = (name.title() for name in people)
    right = mail, to_first, to_second = (f"MAIL FROM:<{sender}>", f"RCPT TO:<{first}>", f"RCPT TO:<{second}>")
    title = f"One message for {one} and {two}"
    samples = (
        Sample(("", "", ""), "not_attempted", "still empty"),
        Sample((mail, f"{to_first}\n{to_second}", ""), "error", "Missing line 2 holds a line end"),
        *(
            Sample(lines, "correct", "Both have it")
            for lines in (
                right,
                (mail, to_second, to_first),
                tuple(line.lower() for line in right),
                tuple(f" {line} " for line in right),
                (f"C: {mail}", f"C:{to_first}", f"C:  {to_second}"),
                (mail, f'RCPT TO:<"{people[0]}"@receiver.example>', to_second),
            )
        ),
        *(Sample(lines, "incorrect", says) for lines, says in _slips(sender, people)),
    )
    return Exercise(
        id,
        title,
        f"`{sender}` writes one message to `{first}` and `{second}`. "
        "Three lines of the client are missing. The check says your lines to a real server.",
        LinesForm(
            3,
            before=(
                "S: 220 mail.receiver.example ESMTP",
                "C: EHLO sender.example",
                "S: 250 mail.receiver.example",
            ),
            after=(
                *("C: DATA", "S: 354 ...", "C: Subject: Lunch", "C: ", "C: At one?", "C: .", "S: 250 ..."),
                "C: QUIT",
            ),
        ),
        partial(grade, title, sender, people),
        (
            "The server has to know who it is from, whom it is for, and the text. Which of these stand there already?",
            "A recipient's command takes one address. Two people need two of them.",
            "The shape is: the name of the command, a word, a colon, then the address in angle brackets, without a space after the colon.",
        ),
        Solution(
            right,
            "The sender comes first, then one line for each recipient. Each RCPT is answered for itself, so one could fail alone.",
        ),
        twin,
        samples,
    )


def _slips(sender: str, people: tuple[str, str]) -> tuple[tuple[tuple[str, ...], str], ...]:
    """Natural mistakes, and the words that name each of them."""
    first, second = (f"{name}@receiver.example" for name in people)
    one, two = (name.title() for name in people)
    mail, to_first, to_second = f"MAIL FROM:<{sender}>", f"RCPT TO:<{first}>", f"RCPT TO:<{second}>"
    return (
        # brackets, colon, spaces
        ((f"MAIL FROM:{sender}", to_first, to_second), "without its angle brackets"),
        ((mail, f"RCPT TO:{first}", to_second), "without its angle brackets"),
        ((mail, to_first, f"RCPT TO:<{second}"), "The closing bracket > is missing"),
        ((f"MAIL FROM: <{sender}>", to_first, to_second), "A space stands after the colon"),
        ((f"MAIL FROM <{sender}>", to_first, to_second), "The colon after FROM is missing"),
        ((f"MAIL <{sender}>", to_first, to_second), "FROM: is missing before the address"),
        ((mail, f"RCPT:<{first}>", to_second), "After RCPT comes ':' where a space belongs"),
        ((f"MAIL FROM:<{sender}>.", to_first, to_second), "directly behind the closing bracket"),
        # verbs and words
        ((f"MAIL TO:<{sender}>", to_first, to_second), "MAIL takes FROM:, not TO:"),
        ((mail, f"RCTP TO:<{first}>", to_second), "near to one that exists"),
        ((mail, f"TO:<{first}>", to_second), "`TO:` begins a field of the message"),
        ((f"From: Alice <{sender}>", to_first, to_second), "`From:` begins a field of the message"),
        ((sender, first, second), "an address alone"),
        (("Subject: Hello", mail, to_first), "`Subject:` is a line of the message"),
        # order and number
        ((to_first, mail, to_second), "RCPT came before the server knew"),
        ((mail, to_first, mail), "A second MAIL came"),
        ((mail, f"RCPT TO:<{first}>,<{second}>", ""), "One RCPT names two addresses"),
        ((mail, f"RCPT TO:<{first}, {second}>", ""), "One RCPT names two addresses"),
        ((mail, to_first, ""), "Line 3 is still empty"),
        ((mail, to_first, "DATA"), "DATA, which stands below already"),
        (("HELO sender.example", mail, to_first), "HELO, which stands above already"),
        # who
        ((mail, to_first, to_first), f"{one} is named twice, and {two} not at all"),
        ((mail, to_first, "RCPT TO:<postmaster>"), f"{two} got no copy"),
        ((mail, f"RCPT TO:<{people[0]}@sender.example>", to_second), "`sender.example` is no domain of this"),
        ((mail, to_first, f"RCPT TO:<{people[1]}@reciever.example>"), "`reciever.example` is no domain"),
        ((mail, f"RCPT TO:<{people[0]}x@receiver.example>", to_second), f"no mailbox `{people[0]}x`"),
        ((f"MAIL FROM:<{first}>", to_first, to_second), f"in the name of {one}"),
        (("MAIL FROM:<>", to_first, to_second), "`<>`, which is nobody"),
        (
            ("MAIL FROM:<sender@sender.example>", to_first, to_second),
            "in the name of `sender@sender.example`",
        ),
    )
