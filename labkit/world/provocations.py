"""Each reply code, provoked: what to say to which host so that it answers with that code, and on which line it comes.

A provocation is data: a host, what is switched on there, and the client's lines. Played, it is one real session in a world
of its own. What the reply means and who must act is not written here; `labkit.explainers` reads it from the session.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from labkit.hosts.faults import make_fault
from labkit.hosts.host_spec import HostSpec
from labkit.smtp.transcript import Transcript
from labkit.transport.loop_thread import loop_thread
from labkit.world.core import AsyncWorld
from labkit.world.spec import Admd, WorldSpec

__all__ = ["COMMON", "PROVOCATIONS", "WHO", "Provocation", "provocation", "provoke", "provoked"]

CLIENT = "relay.sender.example"
COMMON = (220, 221, 250, 354, 421, 450, 451, 452, 500, 501, 503, 550, 552, 553, 554)
"""The codes that common tables list."""

WHO = (
    "nobody",
    "the client, now",
    "the client, later",
    "the sender",
    "the sender's postmaster",
    "the recipient",
)
"""Who must act: nobody; the client program, in this session or by trying again later; a person."""
NOBODY, NOW, LATER, SENDER, POSTMASTER, RECIPIENT = WHO

_EHLO = ("SIZE", "8BITMIME", "ENHANCEDSTATUSCODES", "HELP")
_MX = HostSpec(
    "mx1.receiver.example", ("bob", "carol", "dave"), ehlo=_EHLO, starttls=False, size_limit=50_000
)
_TLS = HostSpec("mx1.receiver.example", ("bob", "carol", "dave"), ehlo=_EHLO)
_SUBMISSION = HostSpec(
    "submit.sender.example",
    roles=("submission",),
    listeners=(587,),
    auth={"alice": "wonderland"},
    ehlo=_EHLO,
)

HELLO = f"EHLO {CLIENT}"
MAIL = "MAIL FROM:<alice@sender.example>"
BOB, CAROL, DAVE = (f"RCPT TO:<{name}@receiver.example>" for name in ("bob", "carol", "dave"))
TEXT = ("DATA", "Subject: Tea", "", "At four?", ".")
TO_BOB = (HELLO, MAIL, BOB)
LETTER = (*TO_BOB, *TEXT)
OVER_TLS = (HELLO, "STARTTLS", HELLO)


@dataclass(frozen=True, slots=True)
class Provocation:
    """One way to get one code.

    stage     what is answered: a verb, ``greeting``, ``text`` (the final dot), ``response`` (to 334), ``""`` (no command)
    how       what is done, for a button and for a table
    line      number of the line on which the code comes; of a reply with several lines, of its last
    reply     code and enhanced code as they stand there
    who       who must act then, one of `WHO`
    script    the client's lines
    faults    what is switched on at the host: name and settings (see `labkit.hosts.faults`)
    """

    stage: str
    how: str
    line: int
    reply: str
    who: str
    script: tuple[str, ...] = LETTER
    host: HostSpec = _MX
    faults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def code(self) -> int:
        """The three digits."""
        return int(self.reply[:3])

    @property
    def enhanced(self) -> str:
        """The enhanced status code, or "" where there is none."""
        return self.reply[4:]

    @property
    def told(self) -> bool:
        """Whether the host has been told to say just this, because it would not do so by itself."""
        return "fixed_reply" in self.faults


async def provoke(one: Provocation) -> Transcript:
    """Play it in a fresh world without sockets; for code on the loop thread."""
    faults = tuple(make_fault(name, **settings) for name, settings in one.faults.items())
    spec = WorldSpec((Admd(one.host.house, (one.host,)),), faults={one.host.name: faults})
    async with AsyncWorld(spec, transport="memory") as world:
        return await world.play(one.script, host=one.host.name)


def provoked(one: Provocation) -> Transcript:
    """The same for any other thread."""
    return loop_thread().run(lambda: provoke(one), 10.0)


def provocation(stage: str, reply: str) -> Provocation:
    """The one at that stage with that code and enhanced code. Raises KeyError."""
    for one in PROVOCATIONS:
        if (one.stage, one.reply) == (stage, reply):
            return one
    raise KeyError(f"nothing provokes {reply!r} at {stage!r}")


def _told(stage: str, reply: str, who: str, how: str, text: str, line: int, **more: Any) -> Provocation:
    """A reply that the host has to be told to say."""
    said = {"stage": stage, "code": int(reply[:3]), "enhanced": reply[4:], "text": text}
    return Provocation(stage, how, line, reply, who, faults={"fixed_reply": said}, **more)


def _password(text: str) -> str:
    return b64encode(text.encode()).decode()


_SIGN_IN = f"AUTH PLAIN {_password(chr(0) + 'alice' + chr(0) + 'wonderland')}"
_WRONG_SIGN_IN = f"AUTH PLAIN {_password(chr(0) + 'alice' + chr(0) + 'rabbit')}"
_STRANGER = "RCPT TO:<bbo@receiver.example>"
_ELSEWHERE = "RCPT TO:<carol@elsewhere.example>"
_BIG = f"{MAIL} SIZE=90000"
_LONG_LINE = ("DATA", "Subject: Tea", "", "x" * 1200, ".")

PROVOCATIONS: tuple[Provocation, ...] = (
    Provocation("greeting", "Connect.", 1, "220", NOW, ("QUIT",)),
    Provocation("STARTTLS", "Ask for encryption.", 10, "220 2.0.0", NOW, (*OVER_TLS, "QUIT"), _TLS),
    Provocation("QUIT", "Say goodbye.", 9, "221 2.0.0", NOBODY, (HELLO, "QUIT")),
    Provocation("response", "Answer 334 with the right password.", 21, "235 2.7.0", NOBODY,
                (*OVER_TLS, "AUTH PLAIN", _SIGN_IN.split()[-1], "QUIT"), _SUBMISSION),
    Provocation("EHLO", "Say who you are.", 7, "250", NOBODY, (HELLO, "QUIT")),
    Provocation("MAIL", "Name a sender.", 9, "250 2.1.0", NOBODY, (HELLO, MAIL, "QUIT")),
    Provocation("RCPT", "Name a recipient who exists.", 11, "250 2.1.5", NOBODY, (*TO_BOB, "QUIT")),
    Provocation("text", "Deliver a message.", 18, "250 2.0.0", NOBODY),
    _told("RCPT", "251 2.1.5", SENDER, "Write to somebody whose mail is sent on.",
          "User not local; will forward to <bob@new.example>", 11),
    Provocation("VRFY", "Ask whether a mailbox exists.", 9, "252 2.0.0", SENDER,
                (HELLO, "VRFY <bob@receiver.example>", "QUIT")),
    Provocation("AUTH", "Begin to log in, without the password.", 19, "334", NOW,
                (*OVER_TLS, "AUTH PLAIN", _SIGN_IN.split()[-1], "QUIT"), _SUBMISSION),
    Provocation("DATA", "Announce the text.", 13, "354", NOW, LETTER),
    Provocation("greeting", "Connect while the server shuts down.", 1, "421", LATER, (HELLO,),
                faults={"shutting_down": {}}),
    Provocation("MAIL", "Send more messages than the server takes at a time; it hangs up.", 20, "421 4.7.28", LATER,
                (*LETTER, MAIL), faults={"rate_limit": {"messages": 1, "close": True}}),
    Provocation("text", "Finish a message while the server shuts down.", 18, "421 4.3.2", LATER,
                faults={"shutting_down": {"stage": "text"}}),
    Provocation("MAIL", "Send more messages than the server takes at a time.", 20, "450 4.7.28", LATER,
                (*LETTER, MAIL, "QUIT"), faults={"rate_limit": {"messages": 1}}),
    _told("RCPT", "450 4.2.0", LATER, "Write to a mailbox that is busy.", "Mailbox is in use, try again later", 11,
          script=(*TO_BOB, "QUIT")),
    Provocation("RCPT", "Come as a stranger to a server with greylisting.", 11, "451 4.7.1", LATER,
                (*TO_BOB, "QUIT"), faults={"greylisting": {}}),
    Provocation("text", "Send a message while the server has a trouble of its own.", 18, "451 4.3.0", LATER,
                faults={"local_error": {}}),
    Provocation("RCPT", "Write to a full mailbox.", 11, "452 4.2.2", LATER, (*TO_BOB, "QUIT"),
                faults={"mailbox_full": {}}),
    Provocation("RCPT", "Name more recipients than the server takes at a time.", 15, "452 4.5.3", NOW,
                (*TO_BOB, CAROL, DAVE, *TEXT, "QUIT"), faults={"too_many_recipients": {"limit": 2}}),
    _told("STARTTLS", "454 4.7.0", LATER, "Ask for encryption while the server has none.",
          "TLS not available due to temporary reason", 9, script=(HELLO, "STARTTLS", "QUIT")),
    _told("AUTH", "454 4.7.0", LATER, "Log in while the server cannot check passwords.",
          "Temporary authentication failure", 19, script=(*OVER_TLS, _SIGN_IN, "QUIT"), host=_SUBMISSION),
    _told("MAIL", "455 4.5.4", NOW, "Use a parameter that the server cannot honour now.",
          "Cannot accommodate the parameters now", 9, script=(HELLO, f"{MAIL} SIZE=100", "QUIT")),
    Provocation("", "Misspell a command.", 9, "500 5.5.2", NOW, (HELLO, "RCTP TO:<bob@receiver.example>", "QUIT")),
    Provocation("text", "Send a line of more than 1000 octets.", 18, "500 5.5.2", NOW, (*TO_BOB, *_LONG_LINE)),
    Provocation("MAIL", "Forget the angle brackets.", 9, "501 5.5.4", NOW,
                (HELLO, "MAIL FROM:alice@sender.example", "QUIT")),
    Provocation("EHLO", "Say EHLO to a server of 1982.", 3, "502", NOW, (HELLO, f"HELO {CLIENT}", MAIL, "QUIT"),
                faults={"no_extension": {}}),
    Provocation("EXPN", "Ask for the members of a list.", 9, "502 5.5.1", NOW, (HELLO, "EXPN staff", "QUIT")),
    Provocation("RCPT", "Name a recipient before the sender.", 9, "503 5.5.1", NOW, (HELLO, BOB, "QUIT")),
    Provocation("DATA", "Announce the text before any recipient.", 11, "503 5.5.1", NOW,
                (HELLO, MAIL, "DATA", "QUIT")),
    Provocation("AUTH", "Log in by a mechanism that the server does not have.", 19, "504 5.5.4", NOW,
                (*OVER_TLS, "AUTH CRAM-MD5", "QUIT"), _SUBMISSION),
    Provocation("greeting", "Connect to a host that never takes mail.", 1, "521", NOW, (HELLO,),
                faults={"no_service": {"code": 521}}),
    Provocation("MAIL", "Hand in a message without logging in.", 10, "530 5.7.0", NOW, (HELLO, MAIL, "QUIT"),
                _SUBMISSION),
    _told("AUTH", "534 5.7.9", NOW, "Log in by a mechanism that is too weak for the account.",
          "Authentication mechanism is too weak", 19, script=(*OVER_TLS, _SIGN_IN, "QUIT"), host=_SUBMISSION),
    Provocation("AUTH", "Log in with a wrong password.", 19, "535 5.7.8", SENDER,
                (*OVER_TLS, _WRONG_SIGN_IN, "QUIT"), _SUBMISSION),
    Provocation("AUTH", "Log in before the line is encrypted.", 10, "538 5.7.11", NOW, (HELLO, _SIGN_IN, "QUIT"),
                _SUBMISSION),
    Provocation("RCPT", "Write to a mailbox that does not exist.", 11, "550 5.1.1", SENDER,
                (HELLO, MAIL, _STRANGER, "QUIT")),
    Provocation("RCPT", "Write to a domain that the server does not serve.", 11, "550 5.7.1", SENDER,
                (HELLO, MAIL, _ELSEWHERE, "QUIT")),
    Provocation("MAIL", "Come as a sender whom a policy excludes.", 9, "550 5.7.1", POSTMASTER, (HELLO, MAIL, "QUIT"),
                faults={"policy_refusal": {"stage": "MAIL"}}),
    _told("text", "550 5.7.26", POSTMASTER, "Send a message that fails the checks of its origin.",
          "Neither SPF nor DKIM passed for sender.example", 18),
    Provocation("RCPT", "Name more recipients than a policy allows.", 15, "550 5.5.3", NOW,
                (*TO_BOB, CAROL, DAVE, *TEXT, "QUIT"),
                faults={"too_many_recipients": {"limit": 2, "permanent": True}}),
    _told("RCPT", "551 5.1.6", SENDER, "Write to somebody who has moved.",
          "User not local; please try <bob@new.example>", 11, script=(*TO_BOB, "QUIT")),
    Provocation("MAIL", "Announce a message that is too large.", 9, "552 5.3.4", SENDER, (HELLO, _BIG, "QUIT")),
    Provocation("RCPT", "Write to a full mailbox whose server does not wait.", 11, "552 5.2.2", RECIPIENT,
                (*TO_BOB, "QUIT"), faults={"mailbox_full": {"permanent": True}}),
    Provocation("text", "Send a message that is too large.", 18, "552 5.3.4", SENDER,
                faults={"too_big": {"limit": 20}}),
    _told("MAIL", "553 5.7.1", SENDER, "Write in the name of somebody else, where the server checks it.",
          "Sender address not owned by the one who logged in", 21, script=(*OVER_TLS, _SIGN_IN, MAIL, "QUIT"),
          host=_SUBMISSION),
    _told("RCPT", "553 5.1.3", SENDER, "Write to a name that is not allowed.", "Mailbox name not allowed", 11,
          script=(HELLO, MAIL, 'RCPT TO:<"bob|carol"@receiver.example>', "QUIT")),
    Provocation("greeting", "Connect to a server that wants nothing of you.", 1, "554", NOW, (HELLO, "QUIT"),
                faults={"no_service": {}}),
    Provocation("DATA", "Announce the text after each recipient was refused.", 13, "554 5.5.1", NOW,
                (HELLO, MAIL, _STRANGER, "DATA", "QUIT")),
    Provocation("text", "Send a message whose content a policy excludes.", 18, "554 5.7.1", POSTMASTER,
                faults={"policy_refusal": {}}),
    Provocation("MAIL", "Use a parameter that the server does not offer.", 9, "555 5.5.4", NOW,
                (HELLO, f"{MAIL} RET=HDRS", "QUIT")),
    Provocation("RCPT", "Write to a domain with a null MX.", 11, "556 5.1.10", SENDER,
                (HELLO, MAIL, _ELSEWHERE, "QUIT"), faults={"null_mx": {}}),
)  # fmt: skip
"""In the order of their codes."""
