"""09: Who can read this on the way? One connection seen from two places; what strips TLS away, and what stops that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from labkit.hosts.tls import CERTIFICATE_KINDS, CertificateKind
from labkit.lessons.chain_lesson import ChainLesson
from labkit.lessons.tls_world import (
    AUTHORITY_NAME,
    MX1,
    RELAY,
    SUBMIT,
    Program,
    carried,
    hand_in,
    handed_in,
    shake_hands,
    spec,
    sts_spec,
)
from labkit.smtp.transcript import Transcript
from labkit.transport.loop_thread import LabError, loop_thread
from labkit.world import WorldSpec
from labkit.world.core import TransportName

if TYPE_CHECKING:
    from labkit.learn import Exercise, Observation, Prediction
    from labkit.view.certificate_view import CertificateView
    from labkit.view.sts_view import StsView
    from labkit.view.tables import Table
    from labkit.view.terminal_card import TerminalCard
    from labkit.view.wire_view import WireView

Values = Mapping[str, str]

PORTS = (("587", "587, STARTTLS"), ("465", "465, TLS from the first octet"))
INSISTS = (("may", "TLS if it is offered"), ("must", "always TLS, or nothing is sent"))
WAYS = (
    ("", "it only listens"),
    ("strip_starttls", "it strips STARTTLS"),
    ("intercept_tls", "it speaks TLS itself"),
)
KINDS = (
    ("right", "the right one"),
    ("wrong_name", "one for another name"),
    ("expired", "one from 2020"),
    ("unknown_issuer", "one from an unknown authority"),
)
MODES = (("enforce", "enforce"), ("testing", "testing"), ("", "there is no policy"))
COMMANDS = (
    (
        "openssl",
        "a session with STARTTLS in clear sight: certificate first, then type EHLO again",
        "openssl s_client -starttls smtp -crlf -connect {ip}:{port}",
    ),
    (
        "openssl",
        "the certificate of a real server, if your network lets port 25 out",
        "openssl s_client -starttls smtp -connect gmail-smtp-in.l.google.com:25 -verify_return_error",
    ),
    ("dig", "does a real domain have an MTA-STS policy", "dig _mta-sts.gmail.com TXT +short"),
    ("curl", "the policy itself", "curl https://mta-sts.gmail.com/.well-known/mta-sts.txt"),
)


class TlsLesson(ChainLesson):
    """Alice's program and its server, with a machine on the way. Certificates and policies have worlds of their own, one for
    each press of the button."""

    name = "09_tls"
    server = SUBMIT
    port = 587
    client_name = "client.sender.example"

    def __init__(self) -> None:
        self._last: Transcript | None = None
        super().__init__()

    def make_spec(self) -> WorldSpec:
        """The chain, its server for submission with two doors."""
        return spec()

    # ---- what the cells show

    def wire(self, name: str = "listen") -> WireView:
        """One connection from two places: a machine that listens ("listen"), or that strips STARTTLS ("strip")."""
        from labkit.view.tls_desk import Setting
        from labkit.view.wire_view import WireView

        strips = name == "strip"
        settings = [Setting("insist", "Alice's program", INSISTS), Setting("port", "Port", PORTS)]
        return self._anew(
            f"wire {name}",
            lambda: WireView(
                partial(self._hand_in, name),
                title="The machine strips STARTTLS" if strips else "The machine only listens",
                button="Send Alice's letter",
                settings=settings if strips else (),
                sample=partial(self._sample, name),
            ),
        )

    def certificate(self) -> CertificateView:
        """A handshake with a server that shows one of four certificates."""
        from labkit.view.certificate_view import CertificateView
        from labkit.view.tls_desk import Setting

        return self._anew(
            "certificate",
            lambda: CertificateView(
                partial(self._shake_hands, "loopback"),
                title=f"A handshake with {SUBMIT}, port 465",
                button="Shake hands",
                settings=(Setting("kind", "The server shows", KINDS),),
                sample=lambda: [
                    ({"kind": kind}, self._wait(self._shake_hands, {"kind": kind})) for kind in CERTIFICATE_KINDS
                ],
            ),
        )  # fmt: skip

    def sts(self) -> StsView:
        """A letter from the relay to mx1, with the trace of MTA-STS."""
        from labkit.view.sts_view import StsView
        from labkit.view.tls_desk import Setting

        samples = [{"mode": "enforce", "way": ""}, {"mode": "enforce", "way": "strip_starttls"}]
        return self._anew(
            "sts",
            lambda: StsView(
                partial(self._carry, "loopback"),
                title=f"From {RELAY} to {MX1}, port 25",
                button="Send Alice's letter",
                settings=(
                    Setting("mode", "Policy of Bob's domain", MODES),
                    Setting("way", "Machine on the way", WAYS),
                ),
                sample=lambda: [(one, self._wait(self._carry, one)) for one in samples],
            ),
        )

    def injection(self) -> Table:
        """What becomes of commands behind STARTTLS, at a right server and at a weak one."""
        from labkit.lessons.tls_injection import injection_table

        return injection_table()

    def words(self) -> Table:
        """What protects mail between servers: what it asks for, and what it rests on."""
        from labkit.view.tables import Table

        return Table(("what", "who says it", "what it rests on", "without right TLS", "source"), PROTECTIONS)

    def terminal_commands(self) -> TerminalCard:
        """Commands that look at certificates and policies: of this lab, and in the world outside."""
        from labkit.view.terminal_card import TerminalCard

        return TerminalCard(*(self.world.address(SUBMIT, 587) or ("127.0.0.1", 0)), commands=COMMANDS)

    # ---- what a lesson fills in

    def predictions(self) -> Mapping[str, Prediction]:
        """What a machine on the way reads, and what happens when it meddles."""
        from labkit.lessons.tls_questions import predictions

        return predictions()

    def observations(self) -> Mapping[str, Observation]:
        """The line that is said twice."""
        from labkit.lessons.tls_questions import observations

        return observations(lambda: self._last)

    def exercises(self) -> tuple[Exercise, ...]:
        """Order a session with STARTTLS; set a program; say what to repair."""
        from labkit.lessons.tls_order import order_the_session
        from labkit.lessons.tls_policy import set_the_policy
        from labkit.lessons.tls_repair import say_what_to_fix

        return order_the_session(), set_the_policy(), say_what_to_fix()

    @property
    def summary(self) -> tuple[str, ...]:
        """What the learner can do now."""
        return (
            "Say which octets of a session somebody on the way can read.",
            "Set a program so that it says nothing where there is no right TLS.",
            "Read from a failed handshake, or from the trace of a policy, who has to repair what.",
        )

    outside = "Look into the settings of your own mail program: which port, is TLS required, and does it check the certificate?"

    # ---- what the buttons do, on the loop thread

    async def _hand_in(self, name: str, values: Values) -> dict[str, Any]:
        from labkit.view.wire_story import picture

        if self.world.closed:
            raise LabError("This world was closed. Choose Run > Run All Cells to start the lab again.")
        passage = await hand_in(
            self.world.inner, _program(values), "strip_starttls" if name == "strip" else ""
        )
        if passage.delivered and _program(values) == Program():  # the run that was guessed about
            self.tell(name)
        if name == "listen":
            self._last = passage.own
            if "observe again" in self._cards:
                self._cards["observe again"].refresh()
        return picture(passage)

    async def _shake_hands(self, transport: TransportName, values: Values) -> dict[str, Any]:
        from labkit.view.certificate_view import certificate_picture

        kind: CertificateKind = values["kind"]  # type: ignore[assignment]
        done = await shake_hands(kind, transport)
        return certificate_picture(SUBMIT, done.facts, AUTHORITY_NAME, done.error)

    async def _carry(self, transport: TransportName, values: Values) -> dict[str, Any]:
        from labkit.view.sts_view import sts_picture

        done = await carried(sts_spec(values["mode"]), values["way"], transport)
        if not done.delivered:
            outcome, told = (
                ("the letter waits at the relay", "4"),
                "Nothing was said that anybody could read. The relay tries again later.",
            )
        elif done.read:
            outcome, told = (
                ("letter delivered, and read on the way", "5"),
                "The relay could not know better, or was told to deliver all the same.",
            )
        else:
            outcome, told = ("letter delivered, not read on the way", "2"), "It went under TLS."
        return sts_picture(done.verdicts, done.policy, outcome=outcome, told=told)  # fmt: skip

    # ---- for readers who run nothing

    @staticmethod
    def _wait(work: Callable[[TransportName, Values], Any], values: Values) -> dict[str, Any]:
        picture: dict[str, Any] = loop_thread().run(lambda: work("memory", values), 20.0)
        return picture

    @staticmethod
    def _sample(name: str) -> list[tuple[dict[str, str], dict[str, Any]]]:
        from labkit.view.wire_story import picture

        if name == "listen":
            return [({}, picture(handed_in(Program())))]
        runs = [{"insist": "may", "port": "587"}, {"insist": "must", "port": "587"}]
        return [(values, picture(handed_in(_program(values), "strip_starttls"))) for values in runs]


def _program(values: Values) -> Program:
    return Program(int(values.get("port", "587")), values.get("insist", "may") == "must")


PROTECTIONS = (
    ("STARTTLS alone", "nobody", "the server's offer, in clear", "sent in clear", "RFC 3207, RFC 7435"),
    ("MTA-STS, enforce", "the recipient's domain", "HTTPS and the web's authorities; the first look at DNS", "the letter waits", "RFC 8461"),
    ("MTA-STS, testing", "the recipient's domain", "the same", "sent, and reported", "RFC 8461 section 5"),
    ("DANE", "the recipient's server", "a TLSA record in a DNS signed with DNSSEC", "the letter waits", "RFC 7672"),
    ("REQUIRETLS", "the sender, for one letter", "each server on the way offers it", "the letter comes back, 5.7.30", "RFC 8689"),
    ("TLS-RPT", "the recipient's domain", "a TXT record at _smtp._tls with an address", "changes nothing; a daily report", "RFC 8460"),
)  # fmt: skip


def open() -> TlsLesson:
    """The lesson, with its servers running."""
    return TlsLesson()
