"""00: What happens between Send and Inbox? One hop: Alice's program hands a message to the server that holds Bob's mailbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from labkit.learn.exercise import Exercise, Sample, Solution
from labkit.learn.feedback import Evidence, Feedback
from labkit.learn.forms import LiveForm, OrderForm, PickLineForm
from labkit.learn.prediction import Prediction
from labkit.lessons.grading import TAKEN, deliveries, first_refusal, quoted
from labkit.lessons.lesson import Lesson
from labkit.mua import Draft
from labkit.smtp.rule import Rule
from labkit.smtp.transcript import Transcript
from labkit.view.mail_program import MailProgram
from labkit.view.tables import RouteTable, route_table
from labkit.world import World, play, receiver

PEOPLE = ("bob", "carol")
SPEC = receiver(mailboxes=PEOPLE, ehlo=("SIZE", "8BITMIME"), starttls=False)
ALICE = "alice@sender.example"
FIRST = Draft(ALICE, ("bob@receiver.example",), "Lunch", "Hello Bob,\nat one, as always?\nAlice", "Alice")
TYPO = Draft(
    ALICE, ("bob@receiver.example",), "Lunch, again", "Did you get my first message?\nAlice", "Alice"
)
TEXT = (
    "From: Alice <alice@sender.example>",
    "To: bob@receiver.example",
    "Subject: Lunch",
    "",
    "At one, as always?",
)

SCRIPTS: Mapping[str, tuple[str, ...]] = {
    "first_message": (
        "EHLO sender.example",
        f"MAIL FROM:<{ALICE}>",
        "RCPT TO:<bob@receiver.example>",
        "DATA",
        *TEXT,
        ".",
        "QUIT",
    ),
    "typo": ("EHLO sender.example", f"MAIL FROM:<{ALICE}>", "RCPT TO:<bpb@receiver.example>", "QUIT"),
    "typo_twin": (
        "EHLO sender.example",
        f"MAIL FROM:<{ALICE}>",
        "RCPT TO:<carol@receiver.example>",
        "RCPT TO:<bob@reciever.example>",
        "QUIT",
    ),
}
TITLES = {"first_message": "What Alice's program said", "typo": "One letter wrong"}

_STATIONS = Rule(
    "RFC 5598 section 4",
    "Author's program, submission, transfer, delivery, mailbox: each has its own name and its own duty.",
)


class StartHere(Lesson):
    """The world of lesson 00: one server that does three jobs."""

    name = "00_start_here"

    def make_world(self) -> World:
        """One server with two mailboxes."""
        return World.open(SPEC, key=self.name)

    def recordings(self) -> Mapping[str, Callable[[], Transcript]]:
        """The recorded runs."""
        return {name: partial(play, lines, SPEC) for name, lines in SCRIPTS.items()}

    @property
    def titles(self) -> Mapping[str, str]:
        """Headings of the recorded runs."""
        return TITLES

    def mail_program(self, name: str = "first") -> MailProgram:
        """Alice's mail program; each name is one program, which keeps its last session when the cell runs again."""
        return self._once(f"program {name}", lambda: self._make_program(name))

    def _make_program(self, name: str) -> MailProgram:
        draft = TYPO if name == "typo" else FIRST
        program = MailProgram(
            self.world,
            self.server,
            sender=ALICE,
            client=self.client_name,
            mailbox="bob@receiver.example",
            draft=draft,
        )
        if name == "typo":
            program.on_transcript(lambda transcript: self._reveal_typo(transcript))
        return program

    def _reveal_typo(self, transcript: Transcript) -> None:
        if any(event.sender == "S" and event.data.startswith(b"550") for event in transcript):
            self.tell("typo")

    def predictions(self) -> Mapping[str, Prediction]:
        """Who notices a wrong name first."""
        return {
            "typo": Prediction(
                "00.p1",
                "Alice writes to bpb@receiver.example, and there is no such mailbox. Who notices first?",
                (
                    "Alice's program: it checks the address before it connects.",
                    "Bob's server: it refuses while the two are talking.",
                    "Nobody: the message is sent, and a failure notice comes back later.",
                    "Bob: the message lands in a folder for unknown names.",
                ),
                "Bob's server: it refuses while the two are talking.",
                "The server knows its mailboxes and answers RCPT with 550 at once. Nothing was sent, so nothing comes back. "
                "A notice by mail comes only when a server has taken a message first and fails to deliver it (RFC 5321 section 6.1).",
            )
        }

    def exercises(self) -> tuple[Exercise, ...]:
        """Deliver a second message; find the line that refused; put the stations in order."""
        return (
            _deliver("00.q1", "carol", self._latest, _deliver("00.q1b", "postmaster", self._latest, None)),
            _find("00.q2", "typo", _find("00.q2b", "typo_twin", None)),
            _stations("00.q3", JOBS, _stations("00.q3b", SERVERS_OF_BOB, None)),
        )

    def _latest(self) -> Transcript:
        """The learner's latest session in either program."""
        sessions = [self.mail_program(name).transcript for name in ("first", "typo")]
        return max(sessions, key=lambda transcript: transcript[0].connection if len(transcript) else -1)

    def routes(self) -> RouteTable:
        """The ways through the course."""
        return route_table()

    @property
    def summary(self) -> tuple[str, ...]:
        """What the learner can do now."""
        return (
            "Name the four jobs between Send and Inbox.",
            "Tell a refusal in the conversation from a message that comes back.",
            "Use the lab: predict, run, check, hint, reset.",
        )

    outside = "Send yourself a message and look at its source. The lines that begin with `Received:` were written on the way."


# ---- 1: deliver a second message


def _deliver(id: str, person: str, source: Callable[[], Transcript], twin: Exercise | None) -> Exercise:
    address = f"{person}@receiver.example"
    title = f"Send a message to {person.title()}"

    def grade(transcript: Transcript) -> Feedback:
        for taken in deliveries(transcript):
            if address in {path.lower() for path in taken.envelope.forward_paths}:
                return Feedback(
                    "correct",
                    f"{person.title()} has it.",
                    evidence=(Evidence.line(taken.line),),
                    asked=title,
                    happened=f"Line {taken.line} is the 250 after the text: the server answers for the message now.",
                    rule=TAKEN,
                )
        refused = first_refusal(transcript, title)
        if refused is not None:
            return refused
        others = sorted({path for taken in deliveries(transcript) for path in taken.envelope.forward_paths})
        who = ", ".join(quoted(path.encode()) for path in others)
        return Feedback(
            "incorrect",
            f"{person.title()} got nothing yet.",
            asked=title,
            happened=f"Your latest session delivered to {who}."
            if others
            else "Your latest session delivered no message.",
            rule=Rule(
                "RFC 5321 section 3.3",
                "The server delivers to the addresses named by RCPT, and to no others.",
            ),
            look="The field To of the mail program. Only the latest message counts.",
        )

    return Exercise(
        id,
        title,
        f"{person.title()} has a mailbox at the same server: `{address}`. Send a message there with one of the mail programs above. Then press Check.",
        LiveForm(),
        grade,
        (
            "You need a mail program from further up, and one of its fields.",
            "The field To decides. The subject and the text may stay as they are.",
        ),
        Solution(
            (
                f"S: 220 x\nC: EHLO sender.example\nS: 250 x\nC: MAIL FROM:<{ALICE}>\nS: 250 OK\nC: RCPT TO:<{address}>\nS: 250 OK\nC: DATA\nS: 354 go\nC: .\nS: 250 OK\n",
            ),
            f"Put `{address}` into the field To and press Send. The program turns it into a RCPT line.",
        ),
        twin,
        (
            Sample(("",), "not_attempted", "There is no session"),
            Sample(
                (
                    f"S: 220 x\nC: EHLO sender.example\nS: 250 x\nC: MAIL FROM:<{ALICE}>\nS: 250 OK\nC: RCPT TO:<{address}>\nS: 250 OK\nC: DATA\nS: 354 go\nC: Subject: x\nC: .\nS: 250 OK\n",
                ),
                "correct",
                "has it",
            ),
            Sample(
                (
                    f"S: 220 x\nC: EHLO sender.example\nS: 250 x\nC: MAIL FROM:<{ALICE}>\nS: 250 OK\nC: RCPT TO:<bob@receiver.example>\nS: 250 OK\nC: DATA\nS: 354 go\nC: .\nS: 250 OK\n",
                ),
                "incorrect",
                "delivered to `bob@receiver.example`",
            ),
            Sample(
                (
                    f"S: 220 x\nC: EHLO sender.example\nS: 250 x\nC: MAIL FROM:<{ALICE}>\nS: 250 OK\nC: RCPT TO:<karol@receiver.example>\nS: 550 5.1.1 no\nC: QUIT\nS: 221 bye\n",
                ),
                "incorrect",
                "550",
            ),
        ),
        source=source,
    )


# ---- 2: find the line that made the server refuse


def _find(id: str, script: str, twin: Exercise | None) -> Exercise:
    transcript = play(SCRIPTS[script], SPEC)
    answer = next(event.seq for event in transcript if event.sender == "S" and event.data.startswith(b"5"))
    cause = max(event.seq for event in transcript if event.sender == "C" and event.seq < answer)
    title = "Which line made the server refuse?"
    wrong = {
        answer: "That line is the refusal itself. It answers a line of the client: which one?",
        **{
            event.seq: "The server answered this line with a 2, so it was content."
            for event in transcript
            if event.sender == "C" and event.seq < cause
        },
        **{
            event.seq: "This is the server's own line, and it begins with a 2. Nothing is refused here."
            for event in transcript
            if event.sender == "S" and event.seq < answer
        },
    }

    def grade(line: int) -> Feedback:
        if line == cause:
            return Feedback(
                "correct",
                f"Line {cause} names an address that the server will not take mail for.",
                evidence=(Evidence.line(cause), Evidence.line(answer)),
                asked=title,
                happened=f"The very next line, {answer}, is the refusal. The connection stays open, and the program says goodbye.",
                rule=Rule(
                    "RFC 5321 section 3.3",
                    "Each RCPT is answered for itself; a refusal concerns this recipient only.",
                ),
            )
        return Feedback(
            "incorrect",
            "Not that line.",
            evidence=(Evidence.line(line),),
            asked=title,
            happened=wrong.get(line, "By then the refusal had been said already."),
            rule=Rule(
                "RFC 5321 section 4.2", "Each command gets one reply, in the order in which they were sent."
            ),
            look="Find the reply with a 5 first, then the line that it answers.",
        )

    return Exercise(
        id,
        title,
        "Point at the line of the client that the server would not accept."
        if twin
        else "Point at the line again. This time one address went well before it.",
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
        ),
    )


# ---- 3: who comes when

JOBS = (
    (
        "MUA: Alice writes and presses Send.",
        "MSA: takes the message from people it knows.",
        "MTA: carries it from server to server.",
        "MDA: puts it into the mailbox.",
        "MUA: Bob opens and reads.",
    ),
    "Put five stations in order, from Alice to Bob",
    "From the moment Alice presses Send to the moment Bob reads. Who comes when?",
)
SERVERS_OF_BOB = (
    (
        "MTA of sender.example: looks up who takes mail for Bob.",
        "MTA of receiver.example: answers RCPT for Bob.",
        "MDA of receiver.example: files the message.",
        "MUA: Bob's telephone fetches it.",
    ),
    "Put the last part of the way in order",
    "The message has left Alice's company. Who comes when?",
)


def _stations(id: str, task: tuple[tuple[str, ...], str, str], twin: Exercise | None) -> Exercise:
    right, title, text = task
    shuffled = (right[2], right[0], *right[4:], right[3], right[1])

    def grade(order: Sequence[str]) -> Feedback:
        for place, (mine, meant) in enumerate(zip(order, right, strict=True), 1):
            if mine != meant:
                return Feedback(
                    "incorrect",
                    f"The order breaks at place {place}.",
                    asked=title,
                    happened=f"You put {quoted(mine.encode())} there. Whose hands is the message in just before that?",
                    rule=_STATIONS,
                    look="Follow one message: written, handed in, carried, filed, read.",
                )
        return Feedback(
            "correct",
            "That is the way of every message.",
            asked=title,
            happened="Written, handed in, carried, filed, read.",
            rule=_STATIONS,
        )

    return Exercise(
        id,
        title,
        text,
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
            Sample((right[1], right[0], *right[2:]), "incorrect", "breaks at place 1"),
            Sample((*right[:-2], right[-1], right[-2]), "incorrect", f"breaks at place {len(right) - 1}"),
        ),
    )


def open() -> StartHere:
    """The lesson, with its server running."""
    return StartHere()
