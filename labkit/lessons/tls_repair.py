"""Exercise 3 of lesson 09: lines of a sending host's log, and for each the repair. Graded by trying the repair out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import cache, partial

from labkit.frozen import dataclass
from labkit.learn import Exercise, Feedback, Sample, Solution
from labkit.learn.forms import SortForm
from labkit.lessons.tls_world import BOB, MX1, Carried, carry, sts_spec
from labkit.smtp.rule import Rule
from labkit.transport.loop_thread import loop_thread
from labkit.world.core import AsyncWorld

CHECKED = Rule(
    "RFC 8461 section 4.1",
    "A host must be named in the policy, offer STARTTLS, and show a certificate that is right.",
)
RENEW, NAME, SERVE, WAY, STOP = REPAIRS = (
    "Put a right certificate on mx1",
    "Put the server's name into the policy, and give it a new id",
    "Have the web host answer as it should",
    "Find out who changes the connection on the way",
    "Tell the relay not to check any more",
)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is wrong at, or on the way to, receiver.example."""

    mx: str = MX1
    """The host that the policy names."""
    certificate: str = ""
    """What is wrong with the certificate of mx1."""
    status: int = 200
    """What the web host answers."""
    location: str = ""
    web_certificate: str = ""
    meddling: str = ""

    @property
    def repair(self) -> str:
        """What takes it away."""
        if self.certificate:
            return RENEW
        if self.mx != MX1:
            return NAME
        return WAY if self.meddling else SERVE


async def tried(trouble: Trouble, repair: str) -> Carried:
    """A letter from the relay to Bob, after a repair (empty: none)."""
    mx = MX1 if repair == NAME else trouble.mx
    relay = {"tls": "may", "mta_sts": False} if repair == STOP else {}
    async with AsyncWorld(sts_spec("enforce", mx, **relay), transport="memory") as world:
        if trouble.certificate and repair != RENEW:
            world.host(MX1).switch_on("wrong_certificate", kind=trouble.certificate)
        web = world.policy_web("receiver.example")
        if repair != SERVE:
            web.status, web.location = trouble.status, trouble.location
            web.certificate = trouble.web_certificate or "right"  # type: ignore[assignment]
        return await carry(world, "" if repair == WAY else trouble.meddling)


@cache
def after(trouble: Trouble, repair: str) -> Carried:
    """The same for code that is not on the loop thread."""
    work: Callable[[], Awaitable[Carried]] = partial(tried, trouble, repair)
    return loop_thread().run(work, 20.0)  # type: ignore[arg-type]


def line_of(trouble: Trouble, repair: str = "") -> str:
    """The line in the relay's log that tells of it."""
    verdicts = after(trouble, repair).verdicts
    wrong = next((one for one in verdicts if one.result == "fail" or one.properties.get("problem")), None)
    return str(wrong) if wrong is not None else ""


def safe(done: Carried) -> bool:
    """Whether the letter arrived as the policy wants it."""
    return done.delivered and len(done.verdicts) == 2 and all(one.result == "pass" for one in done.verdicts)


def grade(troubles: Sequence[Trouble], chosen: Sequence[str]) -> Feedback:
    """Try each repair where it was chosen; tell of the first that does not help."""
    asked = f"a repair for each line, after which the letter to {BOB} arrives as the policy wants it"
    for place, (trouble, repair) in enumerate(zip(troubles, chosen, strict=True), 1):
        done = after(trouble, repair)
        if safe(done):
            continue
        still = line_of(trouble, repair)
        says, happened = f"Your repair of {place} does not help.", f"The next letter, and again: {still}"
        look = "Read what the line says about the server, the policy, the web host, or the way."
        if repair == STOP:
            says = f"Your repair of {place} takes the check away, not what it found."
            happened = (
                "The relay is quiet now. Whoever stands on the way may read, or answer in the server's place."
            )
            look = "Who can act on what the line says?"
        return Feedback(
            "incorrect",
            says,
            asked=asked,
            happened=happened,
            rule=CHECKED,
            look=look,
            further="Name and certificate belong to the server, the list to the policy file, the file to the web host.",
        )
    return Feedback(
        "correct",
        "Each letter arrives now, under TLS, at a server that the policy names.",
        asked=asked,
        happened="The relay looked the policy up and checked the server by it, each time without a complaint.",
        rule=CHECKED,
    )


FIRST = (
    Trouble(certificate="expired"),
    Trouble(status=301, location="https://www.receiver.example/mta-sts.txt"),
    Trouble(meddling="strip_starttls"),
    Trouble(mx="mail.receiver.example"),
)
SECOND = (
    Trouble(mx="*.mail.receiver.example"),
    Trouble(certificate="wrong_name"),
    Trouble(web_certificate="expired"),
    Trouble(meddling="strip_starttls"),
)


def say_what_to_fix() -> Exercise:
    """Exercise 3, and its twin with other troubles."""
    return _task("09.q3", FIRST, _task("09.q3b", SECOND, None))


def _task(id: str, troubles: tuple[Trouble, ...], twin: Exercise | None) -> Exercise:
    right = tuple(one.repair for one in troubles)
    swapped = (right[1], right[0], *right[2:])
    lines = tuple(f"{place}. {line_of(one)}" for place, one in enumerate(troubles, 1))
    return Exercise(
        id,
        "What has to be repaired?",
        "Four lines from the log of Alice's relay, from four weeks. receiver.example has a policy, mode enforce. "
        "In each of them, mx1's own log shows that it offered STARTTLS as always. Choose the repair for each.",
        SortForm(lines, REPAIRS),
        partial(grade, troubles),
        (
            "Each line says what the relay looked at: the server's name, its TLS, its certificate, or the web host.",
            "To take a check away is no repair.",
            "If a server offers STARTTLS and the relay does not see it, something between them is at work.",
        ),
        Solution(right, "Each line names the part that failed; the repair belongs to whoever runs that part."),
        twin,
        (
            Sample((), "not_attempted", "Nothing is sorted"),
            Sample(right, "correct", "arrives now, under TLS"),
            Sample(tuple(REPAIRS.index(one) + 1 for one in right), "correct", "arrives now, under TLS"),
            Sample(swapped, "incorrect", "Your repair of 1 does not help"),
            Sample((*right[:3], STOP), "incorrect", "takes the check away"),
            Sample((right[0], right[0], *right[2:]), "incorrect", "Your repair of 2 does not help"),
        ),
    )  # fmt: skip
