"""Exercise 2 of lesson 09: settings that survive what a machine on the way may do. Graded by what that machine read."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from labkit.client.tls_errors import CHAIN
from labkit.learn import Exercise, Feedback, Sample, Solution
from labkit.learn.forms import ChoiceForm, Setting, SettingsForm
from labkit.lessons.tls_world import (
    BOB,
    LOGIN,
    OLD,
    SECRET,
    Program,
    carried_to_both,
    handed_in,
)
from labkit.smtp.rule import Rule
from labkit.smtp.transcript import Transcript
from labkit.verdict import Evidence

INSIST = Rule(
    "RFC 8314 section 3.3",
    "A program should use TLS from the first octet, or require STARTTLS, for all mail.",
)
IN_CLEAR = Rule(
    "RFC 3207 section 6",
    "Who changes the session before the handshake can hide STARTTLS; a client may insist on it and stop.",
)
NOT_REQUIRED = Rule(
    "RFC 3207 section 4", "A server that takes mail for its domain from everybody must not require TLS."
)
POLICIES = Rule(
    "RFC 8461 section 1",
    "MTA-STS lets a domain say that TLS must be there, so that a sender does not have to guess.",
)

DAYS: Mapping[str, str] = {
    "": "that only listens",
    "strip_starttls": "that strips STARTTLS",
    "intercept_tls": "that speaks TLS itself",
}
"""What the machine on the way does, and in words."""

OFFERED, ALWAYS = "if it is offered", "always, or nothing is sent"
CHECKED, ANY = "must be right", "any will do"
SETTINGS = (
    Setting("Port", ("587", "465")),
    Setting("TLS", (OFFERED, ALWAYS)),
    Setting("Certificate", (ANY, CHECKED)),
)


RELAYS: Mapping[str, Mapping[str, object]] = {
    "TLS never": {"tls": "none", "mta_sts": False},
    "TLS if it is offered, any certificate": {"tls": "may", "mta_sts": False},
    "TLS always, any certificate": {"tls": "require", "mta_sts": False},
    "TLS always, certificate checked": {"tls": "verify", "mta_sts": False},
    "TLS if it is offered; what a domain's MTA-STS policy asks is obeyed": {"tls": "may", "mta_sts": True},
}


def grade_program(chosen: tuple[tuple[str, str, str], ...]) -> Feedback:
    """Hand a letter in on each of three days."""
    return _graded(*chosen[0])


@cache
def _graded(port: str, tls: str, certificate: str) -> Feedback:
    asked = "settings with which nobody on the way reads Alice's password or letter"
    program = Program(int(port), tls == ALWAYS, certificate == CHECKED)
    for meddling in DAYS:
        passage = handed_in(program, meddling)
        if passage.read:
            what = " and ".join(sorted(passage.read, reverse=True))
            return _read(asked, meddling, what, passage.wire)
        if not meddling and not passage.delivered:
            raise AssertionError(f"{program}: nothing arrives though nobody meddles")
    return Feedback(
        "correct",
        "On none of the three days the machine read anything.",
        asked=asked,
        happened="Where there was no right TLS, nothing was said. A letter that waits is better than a password that is known.",
        rule=INSIST,
    )


@cache
def grade_relay(choice: str) -> Feedback:
    """Carry two letters on each of three days: one to a domain with a policy, one to an old server without TLS."""
    asked = f"a relay whose letters to {BOB} nobody reads, and whose letters to {OLD} arrive"
    for meddling in DAYS:
        done = carried_to_both(RELAYS[choice], meddling)
        if done.read:
            return _read(asked, meddling, "the letter", done.heard)
        if not done.old_delivered:
            return Feedback(
                "incorrect",
                f"The letter to {OLD} never arrives.",
                asked=asked,
                happened=f"Its server offers no TLS. {done.log}",
                rule=NOT_REQUIRED,
                look="Is there a way to be strict with one domain and not with the other?",
            )
    return Feedback(
        "correct",
        "Strict where the domain asks for it, and mail to the old server still flows.",
        asked=asked,
        happened="With a policy in force, no right TLS means no letter. Without one, TLS is taken where it is offered.",
        rule=POLICIES,
    )


def _read(asked: str, meddling: str, what: str, heard: Transcript) -> Feedback:
    octets = [LOGIN.encode(), SECRET.encode()]
    lines = [event.seq for event in heard if any(one in event.data for one in octets)]
    return Feedback(
        "incorrect",
        f"The machine {DAYS[meddling]} read {what}.",
        asked=asked,
        evidence=tuple(Evidence.line(line) for line in lines),
        happened="These lines are from its own record.",
        rule=CHAIN if meddling == "intercept_tls" else IN_CLEAR,
        look="What did the sender do when the machine had done its work? What would have made it stop?",
        further="Two things can be asked for: that there is TLS, and that the certificate is the right one.",
        transcript=heard,
    )


def set_the_policy() -> Exercise:
    """Exercise 2: Alice's program. Its twin: a relay, which has to reach old servers, too."""
    relay = tuple(RELAYS)
    twin = Exercise(
        "09.q2b",
        "Set the relay",
        f"{BOB} is at a domain with an MTA-STS policy, mode enforce. {OLD} has a server that knows no TLS. On the way to "
        "both stands a machine: one day it listens, one day it strips STARTTLS, one day it speaks TLS itself. "
        "Nobody may read letters to Bob, and the letters to the old server have to arrive.",
        ChoiceForm(relay),
        grade_relay,
        (
            "Between servers nobody knows beforehand who has TLS.",
            "To insist on TLS everywhere loses the old server. To insist nowhere loses to the machine.",
            "A domain can say by DNS and HTTPS that its servers have TLS.",
        ),
        Solution(relay[4], "The policy of the domain decides for the domain. Elsewhere TLS is taken where it is offered."),
        None,
        (
            Sample((), "not_attempted", "Nothing is chosen"),
            Sample((relay[4],), "correct", "Strict where the domain asks"),
            Sample((relay[0],), "incorrect", "only listens read the letter"),
            Sample((relay[1],), "incorrect", "strips STARTTLS read the letter"),
            Sample((relay[2],), "incorrect", "never arrives"),
            Sample((relay[3],), "incorrect", "never arrives"),
        ),
    )  # fmt: skip
    return Exercise(
        "09.q2",
        "Set Alice's program",
        "The machine on the way does another thing each day: it listens, it strips STARTTLS, or it speaks TLS itself with a "
        "certificate of its own. Choose settings with which it never reads her password or her letter. "
        "The check hands in a letter on each of the three days.",
        SettingsForm((("", SETTINGS),)),
        grade_program,
        (
            "Go through the days one by one: what does the program do when the offer of TLS is gone?",
            "And what does it do when TLS is there, but with a stranger?",
            "TLS has to be there, and the certificate has to be right. More than one setting does both.",
        ),
        Solution(
            ("587", ALWAYS, CHECKED),
            "It insists on TLS and checks the certificate; 465 with the check is as good.",
        ),
        twin,
        (
            Sample((), "not_attempted", "Nothing is chosen"),
            Sample(("587", ALWAYS), "error", "3 settings are asked for"),
            Sample(("587", ALWAYS, CHECKED), "correct", "none of the three days"),
            Sample(("465", ALWAYS, CHECKED), "correct", "none of the three days"),
            Sample(("465", OFFERED, CHECKED), "correct", "none of the three days"),
            Sample(("587", OFFERED, ANY), "incorrect", "strips STARTTLS read password and letter"),
            Sample(("587", OFFERED, CHECKED), "incorrect", "strips STARTTLS read password and letter"),
            Sample(("587", ALWAYS, ANY), "incorrect", "speaks TLS itself read password and letter"),
            Sample(("465", ALWAYS, ANY), "incorrect", "speaks TLS itself read password and letter"),
        ),
    )
