"""Exercise 1 of lesson 09: a session with STARTTLS, in order. Graded by saying it to a server that takes logins under TLS only."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from labkit.hosts.host_spec import HostSpec
from labkit.learn import Exercise, Feedback, Sample, Solution
from labkit.learn.forms import OrderForm
from labkit.lessons.grading import ORDER, quoted, replies
from labkit.mua import Login
from labkit.smtp.rule import Rule
from labkit.smtp.transcript import Transcript, WireEvent
from labkit.verdict import Evidence
from labkit.world import play

FORGETS = Rule(
    "RFC 3207 section 4.2",
    "After the handshake both sides forget what was said before; the client begins again with EHLO.",
)
FORGOTTEN = Rule("RFC 3207 section 4.2", "After the handshake both sides forget what was said before it.")
UNDER_TLS = Rule("RFC 4954 section 4", "A password should go over the line only when TLS protects it.")
QUIT = Rule("RFC 5321 section 4.1.1.10", "QUIT ends the session.")
LETTER = Rule("RFC 6409 section 4.3", "A server for submission wants to know who hands in, before MAIL.")


def session(user: str, password: str, domain: str) -> tuple[str, ...]:
    """The lines in the right order."""
    hello = f"EHLO laptop.{domain}"
    return (hello, "STARTTLS", hello, Login(user, password).line, f"MAIL FROM:<{user}@{domain}>", "QUIT")


def server(user: str, password: str, domain: str) -> HostSpec:
    """It offers AUTH under TLS only, and takes no mail before."""
    return HostSpec(
        f"submit.{domain}",
        roles=("submission",),
        port=587,
        auth={user: password},
        tls_required=True,
        smarthost="relay.sender.example",
    )


def grade(spec: HostSpec, lines: Sequence[str]) -> Feedback:
    """A password in clear, else the first refusal, else lines that could not be said any more."""
    transcript = play(lines, spec)
    said = [event for event in transcript if event.sender == "C" and event.data]
    asked = "a session in which TLS comes before the password"
    wrong = partial(Feedback, "incorrect", asked=asked, transcript=transcript)
    password = next((event for event in said if event.data.startswith(b"AUTH")), None)
    if password is not None and not password.encrypted:
        return wrong(
            "The password went over the line in clear.",
            evidence=(Evidence.line(password.seq),),
            happened="The server refuses it there; whoever listens has it all the same.",
            rule=UNDER_TLS,
            look="What has to be done before anything may be kept secret on this line?",
        )
    refused = _first_refused(transcript)
    if refused is not None:
        return _refusal(refused, transcript, wrong)
    if len(said) < len(lines):
        return wrong(
            "The session was over too early.",
            evidence=(Evidence.line(said[-1].seq),),
            happened=f"{len(said)} of {len(lines)} lines were said; then the connection was closed.",
            rule=QUIT,
            look="Which line can nothing follow?",
        )
    if not next(event for event in said if event.data.startswith(b"MAIL")).encrypted:
        raise AssertionError("a server that wants TLS took MAIL in clear")
    return Feedback(
        "correct",
        "Encrypted, introduced again, logged in.",
        asked=asked,
        evidence=(Evidence.line(said[2].seq),),
        happened="The second EHLO came under TLS; the answer to it offers AUTH.",
        rule=FORGETS,
        transcript=transcript,
    )


def _first_refused(transcript: Transcript) -> WireEvent | None:
    by_number = {event.seq: event for event in transcript}
    refusals = [note.answers for note, reply in replies(transcript) if reply.severity >= 4]
    return next((by_number[number] for number in refusals if number is not None), None)


def _refusal(line: WireEvent, transcript: Transcript, wrong: partial[Feedback]) -> Feedback:
    reply = next(reply for note, reply in replies(transcript) if note.answers == line.seq)
    verb = line.data.split(maxsplit=1)[0].rstrip().decode().upper()
    says, rule, look = (
        f"The server does not take {verb} at this place.",
        FORGETS,
        "What does the reply ask for?",
    )
    greeted = any(
        event.data.startswith(b"EHLO") and event.seq < line.seq and event.encrypted == line.encrypted
        for event in transcript
    )
    if line.encrypted and not greeted:
        says = f"{verb} came when the server did not know who speaks."
        look = "It knew that before STARTTLS. Does it still?"
    elif not greeted:
        says, rule = f"{verb} came first, and nobody had been introduced.", ORDER
        look = "How does every session begin?"
    elif verb == "MAIL" and not line.encrypted:
        says, rule, look = "The letter came before TLS.", UNDER_TLS, "What does the server's 530 ask for?"
    elif verb == "MAIL":
        says, rule, look = "The letter came before the login.", LETTER, "What does the server's 530 ask for?"
    return wrong(
        says,
        evidence=(Evidence.line(line.seq),),
        happened=f"{quoted(line.data)} got {reply}.",
        rule=rule,
        look=look,
    )


def order_the_session() -> Exercise:
    """Exercise 1, and its twin with another user."""
    return _task(
        "09.q1",
        ("alice", "wonderland", "sender.example"),
        _task("09.q1b", ("carol", "teapot", "example.org"), None),
    )


def _task(id: str, who: tuple[str, str, str], twin: Exercise | None) -> Exercise:
    hello, tls, _, login, mail, bye = right = session(*who)
    return Exercise(
        id,
        "Six lines, and TLS among them",
        "The lines of a program that hands in a letter on 587; what the server says is left out. "
        "The handshake follows STARTTLS by itself. The server takes logins under TLS only. The check says your lines to it.",
        OrderForm((mail, hello, bye, login, tls, hello)),
        partial(grade, server(*who)),
        (
            "One line stands there twice. That is no mistake.",
            "Above, on the right side: which line came first when TLS was up?",
            "Introduce yourself, ask for TLS, and begin again from the top. Then log in.",
        ),
        Solution(
            right, "What was said in clear is forgotten at the handshake, EHLO too (RFC 3207 section 4.2)."
        ),
        twin,
        (
            Sample((), "not_attempted", "stand as they came"),
            Sample(right, "correct", "introduced again"),
            Sample((hello, tls, login, hello, mail, bye), "incorrect", "did not know who speaks"),
            Sample((hello, hello, tls, login, mail, bye), "incorrect", "did not know who speaks"),
            Sample(
                (hello, login, tls, hello, mail, bye), "incorrect", "password went over the line in clear"
            ),
            Sample((hello, tls, hello, mail, login, bye), "incorrect", "before the login"),
            Sample((hello, mail, tls, hello, login, bye), "incorrect", "before TLS"),
            Sample((tls, hello, hello, mail, login, bye), "incorrect", "in clear"),
            Sample((tls, hello, hello, mail, bye, login), "incorrect", "nobody had been introduced"),
            Sample((hello, tls, hello, bye, login, mail), "incorrect", "over too early"),
        ),
    )
