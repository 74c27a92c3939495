"""The eight situations of lesson 08, each a program to set up, and their twins."""

from __future__ import annotations

from functools import partial

from labkit.frozen import dataclass
from labkit.learn import Feedback, Setting
from labkit.lessons.ports_world import ALICE, BOB, LOGIN, MAIL, MX, OLD, OWN, in_a_world, try_settings
from labkit.smtp.rule import Rule
from labkit.verdict import Evidence
from labkit.view.settings_view import CHECKS, NOBODY, TRUSTS
from labkit.world.account import ENCRYPTIONS, Account, Tried
from labkit.world.core import AsyncWorld
from labkit.world.doors import Errand

SERVER, PORT, ENCRYPTION, LOG_IN, CERTIFICATE = "Server", "Port", "Encryption", "Log in", "Certificate"
LABELS = (SERVER, PORT, ENCRYPTION, LOG_IN, CERTIFICATE)
_OFFERED = {
    SERVER: (MAIL, MX),
    PORT: ("25", "465", "587", "2525"),
    ENCRYPTION: ENCRYPTIONS,
    LOG_IN: (NOBODY, LOGIN.user),
    CERTIFICATE: (CHECKS, TRUSTS),
}
_BEGINS = Rule(
    "RFC 8314 section 3.3",
    "A port begins with TLS or with a greeting in clear, and the program must do the same.",
)
_PLAIN = Rule("RFC 4954 section 4", "A password belongs under TLS; sites should not take it in clear.")
_RELAY = Rule(
    "RFC 6409 section 3.1", "One port is for mail between servers, others for people handing in their mail."
)
_TAKEN = Rule("RFC 5321 section 4.2.5", "250 after the text: the server has taken the message.")
_STRIPPED = Rule(
    "RFC 3207 section 6", "Who changes the session before the handshake can hide or refuse STARTTLS."
)
_CHECKED = Rule("RFC 8314 section 4.4", "A mail program checks the server's certificate before it logs in.")


@dataclass(frozen=True, slots=True)
class Situation:
    """One program in its place. ``given``: settings that stand already; ``servers``: those to choose from."""

    place: str
    """Two or three words: "At home"."""
    story: str
    given: tuple[tuple[str, str], ...] = ()
    servers: tuple[str, ...] = (MAIL, MX)
    blocked: tuple[int, ...] = ()
    stripped: bool = False
    errand: Errand = OWN

    @property
    def title(self) -> str:
        """What stands above the settings."""
        return f"{self.place}. {self.story}"

    @property
    def settings(self) -> tuple[Setting, ...]:
        """The menus; a given setting has one option."""
        given = dict(self.given)
        offered = {**_OFFERED, SERVER: self.servers}
        return tuple(
            Setting(label, (given[label],) if label in given else offered[label]) for label in LABELS
        )

    def account(self, values: tuple[str, ...]) -> Account:
        """The settings as a program has them."""
        server, port, encryption, login, check = values
        kind = next(one for one in ENCRYPTIONS if one == encryption)
        return Account(server, int(port), kind, LOGIN if login != NOBODY else None, check == CHECKS)


_ALICES = ((SERVER, MAIL), (LOG_IN, LOGIN.user), (CERTIFICATE, CHECKS))


def _at(server: str) -> tuple[tuple[str, str], ...]:
    return ((SERVER, server), *_ALICES[1:])


_SERVERS_OWN = ((LOG_IN, NOBODY), (CERTIFICATE, TRUSTS))
FIRST = (Situation("At home", "Alice's program hands in her mail. Nothing stands in the way.", _ALICES),)
FIRST_TWIN = (
    Situation("At school", "Carol's provider documents port 587 and no other.", _at("outlook.example.net")),
)
SECOND = (
    Situation("In the office", "The provider documents port 587 and no other.", _at("office365.example.net")),
    Situation("In a hotel", "The network blocks 25 and 587.", _ALICES, blocked=(25, 587)),
    Situation(
        "On a train",
        "Something on the way wipes STARTTLS out of what the server offers.",
        _ALICES,
        stripped=True,
    ),
)
SECOND_TWIN = (
    Situation("On a ship", "The network blocks 25 and 465.", _ALICES, blocked=(25, 465)),
    Situation("In a library", "The network blocks 465 and 587.", _ALICES, blocked=(465, 587)),
    Situation("In a shop", "A firewall refuses the word STARTTLS.", _ALICES, stripped=True),
)
THIRD = (
    Situation(
        "The company's relay", "A mail server with mail for Bob. Other companies give it no account.",
        ((CERTIFICATE, TRUSTS),), errand=Errand("relay.sender.example", ALICE, BOB),
    ),
    Situation(
        "A web shop", "A program on a rented machine, with Alice's account and mail for Bob. The network blocks 25, 465 and 587.",
        ((CERTIFICATE, CHECKS),), blocked=(25, 465, 587),
    ),
    Situation(
        "A printer", "It sends scans to Alice alone. Nobody gives a password to a printer.",
        ((CERTIFICATE, TRUSTS),), errand=Errand("printer.sender.example", "scan@sender.example", ALICE),
    ),
    Situation(
        "An old note", f"Alice's note says `{OLD}`. Her provider now documents `{MAIL}`.",
        ((LOG_IN, LOGIN.user),), (OLD, MAIL),
    ),
)  # fmt: skip
THIRD_TWIN = (
    Situation(
        "Bob's relay", "A mail server with mail for Alice. It has no account here.",
        ((CERTIFICATE, TRUSTS),), errand=Errand("relay.receiver.example", BOB, ALICE),
    ),
    Situation(
        "A monitor", "A program on a rented machine, with Alice's account and mail for Bob. The network blocks 25, 587 and 2525.",
        ((CERTIFICATE, CHECKS),), blocked=(25, 587, 2525),
    ),
    Situation(
        "A sensor", "It reports to Bob alone. Nobody gives a password to a sensor.",
        ((CERTIFICATE, TRUSTS),), errand=Errand("sensor.receiver.example", "sensor@receiver.example", BOB),
    ),
    Situation(
        "A new phone", f"It has found `{OLD}` by itself. The provider documents `{MAIL}`.",
        ((LOG_IN, LOGIN.user),), (OLD, MAIL),
    ),
)  # fmt: skip


def tried(situation: Situation, values: tuple[str, ...]) -> tuple[Tried, bool]:
    """Send with these settings in a fresh world; what came of it, and whether the message lies in the mailbox."""

    async def run(world: AsyncWorld) -> tuple[Tried, bool]:
        came = await try_settings(
            world, situation.account(values),
            blocked=situation.blocked, stripped=situation.stripped, errand=situation.errand,
        )  # fmt: skip
        return came, len(world.mailbox(situation.errand.recipient)) > 0

    return in_a_world(run)


def grade(title: str, situations: tuple[Situation, ...], answer: tuple[tuple[str, ...], ...]) -> Feedback:
    """Each program sends; the first that should not stay so decides."""
    for situation, values in zip(situations, answer, strict=True):
        came, arrived = tried(situation, values)
        wrong = _wrong(situation, came, arrived)
        if wrong is not None:
            return wrong
    count = len(situations)
    return Feedback(
        "correct",
        "The message arrived." if count == 1 else f"All {count} messages arrived.",
        asked=title,
        happened="Each was sent with your settings, and no password was readable on the way.",
        rule=_TAKEN,
    )


def _wrong(situation: Situation, came: Tried, arrived: bool) -> Feedback | None:
    line = came.decided.line if came.decided is not None else 0
    wrong = partial(
        Feedback,
        "incorrect",
        evidence=(Evidence.line(line),) if line else (),
        happened=came.happened,
        transcript=came.program if line else None,
    )
    say = f"{situation.place}: {{}}".format
    if came.exposed:
        return wrong(
            say("the password went over the line in clear."),
            rule=_PLAIN,
            look="What has to be up before the program logs in?",
            further="Encryption `none` leaves the line as it is.",
        )
    if came.problem in ("not_tls", "silence"):
        return wrong(
            say("port and encryption do not belong together."),
            rule=_BEGINS,
            look="Who speaks first at this port? The table of the doors has it.",
            further="465 is the one where the client begins.",
        )
    if came.problem == "no_connection":
        return wrong(
            say("nothing gets through to this port."),
            rule=came.rule,
            look="Which ports does this place let pass, and at which does the server listen?",
            further="The server of the lesson has four doors, a stand-in only those that are documented.",
        )
    if came.problem:
        return wrong(
            say("the certificate was not accepted."),
            rule=came.rule,
            look="For which name is the certificate?",
            further="The documented name is the one in it.",
        )
    if not came.delivered:
        return wrong(say(f"the server said no. {_look(came)[0]}"), rule=_look(came)[2], look=_look(came)[1])
    if came.account.login is not None and not came.account.check:
        return wrong(
            say("it arrived, and nobody looked who took the password."),
            rule=_CHECKED,
            look="What would have to be true for a check to succeed?",
            further="A server whose certificate is for its name passes the check.",
        )
    if not arrived:
        return wrong(say("taken, but not in the mailbox."), rule=_RELAY, look="Whom is the message for?")
    return None


def _look(came: Tried) -> tuple[str, str, Rule]:
    assert came.decided is not None
    code = came.decided.reply.code
    if code == 530:
        return (
            "It wants to know who you are.",
            "Has this program an account? If not, which door is for it?",
            _RELAY,
        )
    if code == 550:
        return "It does not carry this mail on.", "Whose mail does this door take, and for whom?", _RELAY
    if (
        came.decided.line
        and code in (500, 502)
        and came.account.encryption == "STARTTLS"
        and came.account.port != 25
    ):
        return (
            "It did not get the command that was sent.",
            "Which ways to TLS need no such command?",
            _STRIPPED,
        )
    return "It knows no such command at this door.", "What is offered here? Whom is this door for?", _RELAY
