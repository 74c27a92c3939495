"""The three tasks of lesson 00, each with its twin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from labkit.learn.exercise import Exercise, Sample, Solution
from labkit.learn.feedback import Feedback
from labkit.learn.forms import LiveForm, OrderForm, PickLineForm
from labkit.lessons.grading import TAKEN, deliveries, first_refusal, mailbox_name, quoted
from labkit.lessons.start_here import ALICE, MX
from labkit.smtp.rule import Rule
from labkit.smtp.transcript import Transcript
from labkit.verdict import Evidence
from labkit.world import play

_ACTORS = Rule("RFC 5598 section 4", "Each station has a name, and one duty towards the next.")
_ONE_REPLY = Rule(
    "RFC 5321 section 4.2", "Each command gets one reply, in the order in which they were sent."
)
_NAMED = Rule(
    "RFC 5321 section 3.3",
    "Each RCPT line names one recipient; the server delivers to those, and to nobody else.",
)
_RCPT = Rule(
    "RFC 5321 section 3.3", "Each RCPT is answered for itself; a refusal concerns this recipient only."
)


# ---- 1: deliver a second message


def deliver(source: Callable[[], Transcript]) -> Exercise:
    """Send a message to somebody else; `source` gives the learner's latest session."""
    return _deliver("00.q1", "carol", source, _deliver("00.q1b", "postmaster", source, None))


def _grade_delivery(title: str, address: str, transcript: Transcript) -> Feedback:
    who = address.partition("@")[0].title()
    taken = deliveries(transcript)
    for one in taken:
        if address in map(mailbox_name, one.envelope.forward_paths):
            return Feedback(
                "correct",
                f"{who} has it.",
                evidence=(Evidence.line(one.line),),
                asked=title,
                happened="The 250 after the text: the server answers for the message now.",
                rule=TAKEN,
                transcript=transcript,
            )
    refused = first_refusal(transcript, title)
    if refused is not None:
        return refused
    others = sorted({path for one in taken for path in one.envelope.forward_paths})
    return Feedback(
        "incorrect",
        f"Your latest message went to {', '.join(quoted(path.encode()) for path in others)}."
        if others
        else "Your latest session delivered no message.",
        asked=title,
        happened=f"{who} got nothing by it.",
        rule=_NAMED,
        look="The fields of the mail program. Which of them says whom the message is for?",
        further="Only the latest message counts. Change the field To, and press Send once more.",
        transcript=transcript,
    )


def _deliver(id: str, person: str, source: Callable[[], Transcript], twin: Exercise | None) -> Exercise:
    address = f"{person}@receiver.example"
    title = f"Send a message to {person.title()}"

    def session(recipient: str, reply: str = "250 OK") -> str:
        start = f"S: 220 x\nC: EHLO sender.example\nS: 250 x\nC: MAIL FROM:<{ALICE}>\nS: 250 OK\n"
        start += f"C: RCPT TO:{recipient}\nS: {reply}\n"
        return start + (
            "C: DATA\nS: 354 go\nC: .\nS: 250 OK\n" if reply[0] == "2" else "C: QUIT\nS: 221 bye\n"
        )

    return Exercise(
        id,
        title,
        f"{person.title()} has a mailbox at receiver.example too: `{address}`. Send a message there with one of the mail programs above. Then press Check.",
        LiveForm(),
        partial(_grade_delivery, title, address),
        (
            "You need a mail program from further up, and one of its fields.",
            "The field To decides. The subject and the text may stay as they are.",
        ),
        Solution(
            (session(f"<{address}>"),),
            f"Put `{address}` into the field To and press Send. On each hop it becomes a RCPT line.",
        ),
        twin,
        (
            Sample(("",), "not_attempted", "There is no session"),
            *(
                Sample((session(path),), "correct", "has it")
                for path in (f"<{address}>", f"<{address.upper()}>", f'<"{person}"@receiver.example>')
            ),
            *(
                Sample((session(path, reply),), "incorrect", says)
                for path, reply, says in (
                    ("<bob@receiver.example>", "250 OK", "went to `bob@receiver.example`"),
                    (f"<{person}@sender.example>", "550 no", "`sender.example` is no domain of this server"),
                    (
                        f"<{person}@reciever.example>",
                        "550 no",
                        "`reciever.example` is no domain of this server",
                    ),
                    (f"<{person}@receiver>", "550 no", "`receiver` is no domain of this server"),
                    (f"<{person[:-1]}@receiver.example>", "550 no", f"no mailbox `{person[:-1]}`"),
                    (f"<{person}x>", "501 no", "The address has no @ and no domain"),
                    (f"<{person}@receiver.example.>", "501 no", "A dot may not stand first, last"),
                    (f"<{person}@@receiver.example>", "501 no", "has two @"),
                    (f"<{person} receiver.example>", "501 no", "A space stands behind the local-part"),
                )
            ),
        ),
        source=source,
    )


# ---- 2: find the line that made the server refuse


def find_the_line() -> Exercise:
    """Point at the cause of a refusal, in a session that no cell has shown."""
    start = ("EHLO relay.sender.example", f"MAIL FROM:<{ALICE}>")
    first = (*start, "RCPT TO:<carol@receiver.example>", "RCPT TO:<bob@reciever.example>", "QUIT")
    second = (*start, "RCPT TO:<dave@receiver.example>", "RCPT TO:<bob@receiver.example>", "QUIT")
    return _find("00.q2", first, _find("00.q2b", second, None))


def _find(id: str, script: tuple[str, ...], twin: Exercise | None) -> Exercise:
    transcript = play(script, MX)
    answer = next(event.seq for event in transcript if event.sender == "S" and event.data.startswith(b"5"))
    cause = max(event.seq for event in transcript if event.sender == "C" and event.seq < answer)
    title = "Which line made the server refuse?"

    def about(line: int) -> str:
        event = next(event for event in transcript if event.seq == line)
        if line == answer:
            return "That line is the refusal itself. It answers a line of the client: which one?"
        if not event.data:
            return "There the connection ends. The refusal had been said already."
        if line > answer:
            return "That line came after the refusal, so it cannot be its cause."
        if event.sender == "S":
            return "That line is the server's own, and it begins with a 2. Nothing is refused there."
        return f"The server took {quoted(event.data)}: its answer begins with a 2."

    def grade(line: int) -> Feedback:
        if line == cause:
            return Feedback(
                "correct",
                "It names an address that the server will not take mail for.",
                evidence=(Evidence.line(cause), Evidence.line(answer)),
                asked=title,
                happened=f"The very next line, {answer}, is the refusal. The connection stays open.",
                rule=_RCPT,
            )
        return Feedback(
            "incorrect",
            about(line),
            evidence=(Evidence.line(line),),
            asked=title,
            happened=f"You pointed at line {line}.",
            rule=_ONE_REPLY,
            look="The first digit of the server's lines: a refusal has another one than the rest.",
            further="Find the reply with a 5 first, then the line that it answers.",
        )

    said = [event.seq for event in transcript if event.sender == "C" and event.data]
    return Exercise(
        id,
        title,
        "Alice wrote to two people. Here relay.sender.example hands it to mx1.receiver.example. Point at the line of the client that the server would not accept."
        if twin
        else "Point at the line again, in another session of hers.",
        PickLineForm(transcript),
        grade,
        ("Look for a reply that begins with 5.", "A reply answers the line above it, from the other side."),
        Solution((cause,), "The reply with the 5 answers the client's line just before it."),
        twin,
        (
            Sample((None,), "not_attempted", "line"),
            Sample((cause,), "correct", "will not take mail"),
            Sample((answer,), "incorrect", "refusal itself"),
            Sample((1,), "incorrect", "Nothing is refused"),
            Sample((said[0],), "incorrect", "The server took `EHLO"),
            Sample((said[1],), "incorrect", "The server took `MAIL"),
            Sample((said[-1],), "incorrect", "came after the refusal"),
        ),
    )


# ---- 3: who comes when

# Each station with what it does to the message, in the way it must have been done to before.
_JOBS = (
    ("MUA: Alice writes and presses Send.", "written"),
    ("MSA: takes the message from people it knows.", "handed in"),
    ("MTA: carries it from server to server.", "carried"),
    ("MDA: puts it into the mailbox.", "put into the mailbox"),
    ("MUA: Bob opens and reads.", "read"),
)
_LAST_PART = (
    ("MTA of sender.example: looks up who takes mail for Bob.", "on its way"),
    ("MTA of receiver.example: answers RCPT for Bob.", "accepted"),
    ("MDA of receiver.example: files the message.", "filed"),
    ("MUA: Bob's telephone fetches it.", "fetched"),
)


def stations() -> Exercise:
    """Put the stations of a message in order."""
    twin = _stations(
        "00.q3b",
        _LAST_PART,
        "Put the last part of the way in order",
        "The message has left Alice's company. Who comes when?",
        None,
    )
    return _stations(
        "00.q3",
        _JOBS,
        "Put five stations in order, from Alice to Bob",
        "From the moment Alice presses Send to the moment Bob reads. Who comes when?",
        twin,
    )


def _stations(
    id: str, stations: tuple[tuple[str, str], ...], title: str, task: str, twin: Exercise | None
) -> Exercise:
    right = tuple(name for name, _ in stations)
    done = dict(stations)

    def grade(order: Sequence[str]) -> Feedback:
        for place, (mine, meant) in enumerate(zip(order, right, strict=True), 1):
            if mine != meant:
                return Feedback(
                    "incorrect",
                    f"In your order the message is {done[mine]} before it is {done[meant]}.",
                    asked=title,
                    happened=f"The order breaks at place {place}: {quoted(mine.encode())}",
                    rule=_ACTORS,
                    look="Follow one message. In whose hands is it just before that place?",
                    further=f"Something has to happen to it first: it must be {done[meant]}.",
                )
        return Feedback(
            "correct",
            "That is the way of every message.",
            asked=title,
            happened=f"It is {', '.join(word for _, word in stations)}.",
            rule=_ACTORS,
        )

    shuffled = (right[2], right[0], *right[4:], right[3], right[1])
    swaps = (
        ((right[1], right[0], *right[2:]), f"is {done[right[1]]} before it is {done[right[0]]}"),
        ((right[0], right[2], right[1], *right[3:]), f"is {done[right[2]]} before it is {done[right[1]]}"),
        ((*right[:2], right[3], right[2], *right[4:]), f"is {done[right[3]]} before it is {done[right[2]]}"),
        ((*right[:-2], right[-1], right[-2]), f"is {done[right[-1]]} before it is {done[right[-2]]}"),
        (right[::-1], f"is {done[right[-1]]} before it is {done[right[0]]}"),
        ((right[-1], *right[:-1]), f"is {done[right[-1]]} before it is {done[right[0]]}"),
    )
    return Exercise(
        id,
        title,
        task,
        OrderForm(shuffled),
        grade,
        (
            "Somebody writes first and somebody reads last. Who are they?",
            "Handing in comes before carrying; filing comes after it.",
        ),
        Solution(
            right,
            "The message is written, handed in, carried, filed and read. Each step may be another machine.",
        ),
        twin,
        (
            Sample((), "not_attempted", "stand as they came"),
            Sample(right, "correct", "every message"),
            *(Sample(order, "incorrect", says) for order, says in swaps if order != shuffled),
        ),
    )
