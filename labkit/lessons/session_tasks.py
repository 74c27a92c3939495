"""The three tasks of lesson 01, each with its twin. Graded by running the lines on a real server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from labkit.learn.exercise import Exercise, Sample, Solution
from labkit.learn.feedback import Evidence, Feedback
from labkit.learn.forms import LinesForm, LiveForm, OrderForm
from labkit.lessons.grading import ORDER, PER_RECIPIENT, TAKEN, deliveries, first_refusal, quoted, replies
from labkit.smtp.rule import Rule
from labkit.smtp.transcript import Transcript
from labkit.world import play, receiver

SPEC = receiver(mailboxes=("bob", "carol", "dave"), ehlo=("SIZE", "8BITMIME", "HELP"), starttls=False)
FIVE = "The first digit 5: the same line again would get the same answer."


def exercises(own_session: Callable[[], Transcript]) -> tuple[Exercise, ...]:
    """The tasks; `own_session` gives the learner's latest session for the third."""
    return _missing_lines(), _right_order(), _provoke(own_session)


# ---- 1: three lines are missing


def _missing_lines() -> Exercise:
    twin = _missing("01.q1b", "news@sender.example", ("carol", "dave"), None)
    return _missing("01.q1", "alice@sender.example", ("bob", "carol"), twin)


def _missing(id: str, sender: str, people: tuple[str, str], twin: Exercise | None) -> Exercise:
    first, second = (f"{name}@receiver.example" for name in people)
    right = (f"MAIL FROM:<{sender}>", f"RCPT TO:<{first}>", f"RCPT TO:<{second}>")
    title = f"One message for {people[0].title()} and {people[1].title()}"

    def grade(lines: Sequence[str]) -> Feedback:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                return Feedback(
                    "incorrect",
                    f"Line {number} is still empty.",
                    asked=title,
                    happened="A server would answer an empty line with 500.",
                    rule=ORDER,
                    look="Three lines are needed: who it is from, and one for each person it is for.",
                )
        transcript = play(
            (
                "EHLO sender.example",
                *(line.strip() for line in lines),
                "DATA",
                "Subject: Lunch",
                "",
                "At one?",
                ".",
                "QUIT",
            ),
            SPEC,
        )
        refused = first_refusal(transcript, title)
        if refused is not None:
            return refused
        taken = deliveries(transcript)
        if not taken:
            return Feedback(
                "incorrect",
                "No message was taken.",
                asked=title,
                happened="The session ran, and no 250 came after a dot.",
                rule=TAKEN,
                look="Which line opens a transaction?",
            )
        envelope = taken[0].envelope
        got = {path.lower() for path in envelope.forward_paths}
        without = [
            name.title() for name, path in zip(people, (first, second), strict=True) if path not in got
        ]
        if without:
            return Feedback(
                "incorrect",
                f"{' and '.join(without)} got no copy.",
                evidence=(Evidence.line(taken[0].line),),
                asked=title,
                happened=f"The server took the message for {len(got)} recipient(s): {', '.join(sorted(quoted(path.encode()) for path in got))}.",
                rule=PER_RECIPIENT,
                look="Compare your lines with the addresses in the task.",
            )
        if (envelope.reverse_path or "").lower() != sender:
            return Feedback(
                "incorrect",
                "The message was delivered, but under another sender.",
                evidence=(Evidence.line(taken[0].line),),
                asked=title,
                happened=f"The reverse-path is {quoted((envelope.reverse_path or '<>').encode())}. Failure notices would go there.",
                rule=Rule(
                    "RFC 5321 section 4.1.1.2",
                    "MAIL names the reverse-path: the mailbox that hears of failures.",
                ),
                look="The first line. Whose address does the task name?",
            )
        return Feedback(
            "correct",
            "Both have it, in one transaction.",
            evidence=(Evidence.line(taken[0].line),),
            asked=title,
            happened=f"MAIL once, RCPT twice, DATA once. The 250 on line {taken[0].line} covers both copies.",
            rule=PER_RECIPIENT,
        )

    return Exercise(
        id,
        title,
        f"`{sender}` writes one message to `{first}` and `{second}`, both at the same server. "
        "Three lines of the client are missing. The check runs your lines on a real server.",
        LinesForm(
            3,
            before=(
                "S: 220 mail.receiver.example ESMTP",
                "C: EHLO sender.example",
                "S: 250 mail.receiver.example",
            ),
            after=(
                "C: DATA",
                "S: 354 ...",
                "C: Subject: Lunch",
                "C: ",
                "C: At one?",
                "C: .",
                "S: 250 ...",
                "C: QUIT",
            ),
        ),
        grade,
        (
            "A transaction has three kinds of commands: one for the sender, one for recipients, one for the text. Which are missing here?",
            "A recipient's command takes one address. Two people need two of them.",
            "The shape is: verb, a word, a colon, then the address in angle brackets, without a space after the colon.",
        ),
        Solution(
            right,
            "The sender comes first, then one line for each recipient. Each RCPT is answered for itself, so one could fail alone.",
        ),
        twin,
        (
            Sample(("", "", ""), "not_attempted", "still empty"),
            Sample(right, "correct", "Both have it"),
            Sample((right[0], right[2], right[1]), "correct", "Both have it"),
            Sample((right[0].lower(), right[1], right[2]), "correct", "Both have it"),
            Sample((right[1], right[0], right[2]), "incorrect", "503"),
            Sample((right[0], right[1], right[1]), "incorrect", "got no copy"),
            Sample((right[0], right[1], f"TO:<{second}>"), "incorrect", "500"),
            Sample(("MAIL FROM:<bob@receiver.example>", right[1], right[2]), "incorrect", "another sender"),
        ),
    )


# ---- 2: put the lines in order


def _right_order() -> Exercise:
    twin = _order(
        "01.q2b",
        (
            "MAIL FROM:<alice@sender.example>",
            "RCPT TO:<carol@receiver.example>",
            "RCPT TO:<dave@receiver.example>",
        ),
        "Subject: The minutes",
        None,
    )
    return _order(
        "01.q2",
        ("MAIL FROM:<alice@sender.example>", "RCPT TO:<bob@receiver.example>"),
        "Subject: The key is under the mat",
        twin,
    )


def _order(id: str, envelope: tuple[str, ...], text: str, twin: Exercise | None) -> Exercise:
    right = ("EHLO sender.example", *envelope, "DATA", text, ".", "QUIT")
    shuffled = (".", *envelope[::-1], "QUIT", "DATA", "EHLO sender.example", text)
    title = f"Put {len(right)} lines in order"

    def grade(lines: Sequence[str]) -> Feedback:
        transcript = play(lines, SPEC)
        refused = first_refusal(transcript, title)
        if refused is not None:
            return refused
        said = sum(1 for event in transcript if event.sender == "C" and event.data)
        if said < len(right):
            return Feedback(
                "incorrect",
                "The session ended before all lines were said.",
                asked=title,
                happened=f"{said} of {len(right)} lines were said; then the connection was closed.",
                rule=Rule(
                    "RFC 5321 section 4.1.1.10", "QUIT ends the session: the server answers 221 and closes."
                ),
                look="Which line can nothing follow?",
            )
        taken = deliveries(transcript)
        if not taken or taken[0].text != (text.encode(),):
            inside = len(taken[0].text) if taken else 0
            return Feedback(
                "incorrect",
                "The message is not the one that was meant." if taken else "The server never took a message.",
                asked=title,
                happened=f"The text had {inside} line(s). Between DATA and the dot every line is text, commands too."
                if taken
                else "After DATA everything was message text, and no dot alone ended it.",
                rule=Rule(
                    "RFC 5321 section 4.1.1.4",
                    "After 354 every line is message text, until a line with a dot alone.",
                ),
                look="What stands between DATA and the dot?",
            )
        return Feedback(
            "correct",
            "The server took the message and said goodbye.",
            asked=title,
            happened=f"Every line was in order; the message was taken on line {taken[0].line}.",
            rule=ORDER,
        )

    return Exercise(
        id,
        title,
        "These are the lines of one client, shuffled. The server's answers are left out. Put them into an order that delivers the message and ends the session. The check runs them on a real server.",
        OrderForm(shuffled),
        grade,
        (
            "Which line must come before everything else, and which one can nothing follow?",
            "A dot alone ends the text. So the text stands before it, and something that opens the text before that.",
            "The transaction goes: from whom, to whom, then the text.",
        ),
        Solution(
            right,
            "EHLO opens the session, MAIL the transaction, RCPT fills the envelope, DATA opens the text, the dot ends it.",
        ),
        twin,
        (
            Sample((), "not_attempted", "stand as they came"),
            Sample(right, "correct", "took the message"),
            Sample((right[0], "DATA", *envelope, text, ".", "QUIT"), "incorrect", "503"),
            Sample((right[0], *envelope, text, "DATA", ".", "QUIT"), "incorrect", "500"),
            Sample((right[0], "QUIT", *envelope, "DATA", text, "."), "incorrect", "ended before"),
            Sample((right[0], *envelope, "DATA", text, "QUIT", "."), "incorrect", "is not the one"),
        ),
    )


# ---- 3: provoke a reply, in a session of one's own


def _provoke(own_session: Callable[[], Transcript]) -> Exercise:
    twin = _provoked(
        "01.q3b",
        501,
        (500, 503),
        "A command that the server knows, with something wrong in what follows it.",
        "MAIL FROM:alice",
        own_session,
        None,
    )
    return _provoked(
        "01.q3",
        503,
        (500,),
        "A command that the server knows, at a moment when it makes no sense.",
        "DATA",
        own_session,
        twin,
    )


WHAT = {
    500: "the server did not recognise the line as a command",
    501: "the verb is known, what follows it is not right",
    503: "the command is known, and came at the wrong moment",
}


def _provoked(
    id: str,
    wanted: int,
    forbidden: tuple[int, ...],
    idea: str,
    line: str,
    source: Callable[[], Transcript],
    twin: Exercise | None,
) -> Exercise:
    without = " and no ".join(str(code) for code in forbidden)
    title = f"Get a {wanted}, and no {without}"
    rule = Rule("RFC 5321 section 4.2.2", f"{wanted}: {WHAT[wanted]}.")

    def grade(transcript: Transcript) -> Feedback:
        said = replies(transcript)
        for note, reply in said:
            if reply.code in forbidden:
                return Feedback(
                    "incorrect",
                    f"There is a {reply.code} on line {note.seq}.",
                    evidence=(Evidence.line(note.seq),),
                    asked=title,
                    happened=f"{reply.code} means: {WHAT[reply.code]}.",
                    rule=rule,
                    look="Press Start over in the console and try another line. Only your latest session counts.",
                )
        hits = [note for note, reply in said if reply.code == wanted and note.answers is not None]
        if hits:
            return Feedback(
                "correct",
                f"Line {hits[0].seq} is a {wanted}, and there is no {without} in the session.",
                evidence=(Evidence.line(hits[0].seq),),
                asked=title,
                happened=f"Line {hits[0].answers} is what it answers. {idea}",
                rule=rule,
            )
        codes = sorted({reply.code for _, reply in said})
        return Feedback(
            "incorrect",
            f"No {wanted} yet.",
            asked=title,
            happened=f"The replies in your latest session: {', '.join(str(code) for code in codes) or 'none'}.",
            rule=rule,
            look="Look at the row of states. Which known command is not in the list of what the server takes now?"
            if wanted == 503
            else "Take a command that is in order now, and write what follows the verb wrongly.",
        )

    opening = "S: 220 mail.receiver.example ESMTP\nC: EHLO sender.example\nS: 250 mail.receiver.example\n"
    samples: tuple[tuple[Any, ...], ...] = (
        ("", "not_attempted", "There is no session"),
        (f"{opening}C: {line}\nS: {wanted} no\n", "correct", f"is a {wanted}"),
        (f"{opening}C: HALLO\nS: 500 what\nC: {line}\nS: {wanted} no\n", "incorrect", "There is a 500"),
        (f"{opening}C: NOOP\nS: 250 fine\nC: QUIT\nS: 221 bye\n", "incorrect", f"No {wanted} yet"),
    )
    return Exercise(
        id,
        title,
        f"In the console above, open a session in which the server answers **{wanted}** at least once and never {' or '.join(str(code) for code in forbidden)}. Then press Check.".replace(
            "**", ""
        ),
        LiveForm(),
        grade,
        (
            f"{wanted} means: {WHAT[wanted]}.",
            f"500 is for lines that are no known command. So you need this: {idea.lower()}",
            "Connect, greet, and look at the row of states before the next line.",
        ),
        Solution(
            (f"{opening}C: {line}\nS: {wanted} ...\n",), f"After the greeting, `{line}` is enough. {idea}"
        ),
        twin,
        tuple(Sample((answer,), outcome, says) for answer, outcome, says in samples),
        source=source,
    )
