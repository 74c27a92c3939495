"""Exercise 2 of lesson 06: a header, times in two zones, and the host that kept the letter."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from itertools import pairwise

from labkit.learn import Exercise, Feedback, Sample, Solution
from labkit.learn.forms import LinesForm
from labkit.lessons.delivery_chain_world import MX1, RELAY, STORE, slow_header
from labkit.message import header_fields
from labkit.smtp.rule import Rule
from labkit.trace import Received, received_chain

_TIMES = Rule(
    "RFC 5321 section 4.4",
    "Each host notes in its Received field when it took the message. The time until the next one was spent at this host.",
)
_ZONE = Rule(
    "RFC 5322 section 3.3", "The end of a date is the offset from UTC: take it away to compare two times."
)


def slowest(chain: Sequence[Received]) -> tuple[str, int]:
    """The host that kept the message longest, and for how many minutes."""
    waits = [(now.delay or 0.0, before.by) for before, now in pairwise(chain)]
    seconds, host = max(waits)
    return host, round(seconds / 60)


def grade(chain: Sequence[Received], answer: Sequence[str]) -> Feedback:
    """First the host, then the minutes."""
    keeper, minutes = slowest(chain)
    host = answer[0].strip().strip("`.").lower()
    number = re.fullmatch(r"(\d+)\s*(?:min(?:utes?)?\.?)?", answer[1].strip(), re.IGNORECASE)
    said = int(number[1]) if number else None
    asked = "the host that kept the letter longest, and for how long"
    right_host = host in (keeper, keeper.partition(".")[0])
    if right_host and said == minutes:
        return Feedback(
            "correct",
            f"{keeper} had it for {minutes} minutes.",
            asked=asked,
            happened="You compared two neighbouring fields, from the bottom up.",
            rule=_TIMES,
        )
    says, rule, look = _slip(chain, host, answer[1], said, right_host)
    return Feedback(
        "incorrect",
        says,
        asked=asked,
        happened=f"You said: {host or 'no host'}, {answer[1].strip() or 'no time'}.",
        rule=rule,
        look=look,
        further="Write down the time of each field in UTC, the lowest field first, and take the differences.",
    )


def _slip(
    chain: Sequence[Received], host: str, text: str, said: int | None, right_host: bool
) -> tuple[str, Rule, str]:
    """What a wrong answer overlooks."""
    keeper, _ = slowest(chain)
    names = [hop.by for hop in chain]
    late = names[names.index(keeper) + 1]
    if not host:
        return "The host is still empty.", _TIMES, "Its name stands behind `by` in one of the fields."
    if not right_host:
        if host in (late, late.partition(".")[0]):
            says = "That host wrote the later time. The letter came to it only then. Who had it before?"
        elif host in (name for full in names for name in (full, full.partition(".")[0])):
            says = "That host handed it on sooner than another did."
        else:
            says = "No Received field names that host behind `by`."
        return (
            says,
            _TIMES,
            "Take two neighbouring fields: the lower host had the letter from its time until that above.",
        )
    if not text.strip():
        return "The minutes are still empty.", _TIMES, "Take the field of the host and the one above it."
    if said is None:
        return "That is no number of minutes.", _TIMES, "Write the minutes alone, like 12."
    return (
        "The host is right, the time is not. Do both times count from the same zero?",
        _ZONE,
        "Look at the last five characters of each date.",
    )


def find_the_slow_hop() -> Exercise:
    """Exercise 2, and its twin with another host and another time zone."""
    twin = _task("06.q2b", slow_header(MX1, 45, (STORE, -5), 4), STORE, "345", None)
    return _task("06.q2", slow_header(RELAY, 30, (MX1, 2), 2), MX1, "150", twin)


def _task(id: str, message: bytes, late: str, misread: str, twin: Exercise | None) -> Exercise:
    chain = received_chain(message)
    keeper, minutes = slowest(chain)
    received = b"".join(field.raw for field in header_fields(message) if field.name == "Received")
    header = tuple(received.decode().expandtabs(4).splitlines())
    label = keeper.partition(".")[0]
    return Exercise(
        id,
        "Which host kept it?",
        "Bob got this letter late, and asks who kept it. Name the host as it stands behind `by`, and the minutes.",
        LinesForm(2, before=header, labels=("Host", "Minutes"), speaker=""),
        partial(grade, chain),
        (
            "Read from the bottom up. Each Received field is one hop and ends with a time.",
            "The offset at the end of a date, like +0100, tells how far that clock is ahead of UTC.",
            "Between two neighbouring times the letter lay at the host that wrote the lower field.",
        ),
        Solution(
            (keeper, str(minutes)),
            f"{keeper} took it and {late} took it {minutes} minutes later, once both times are in UTC. "
            "In between it lay at the former.",
        ),
        twin,
        (
            Sample(("", ""), "not_attempted", "still empty"),
            Sample((keeper, str(minutes)), "correct", "had it for"),
            Sample((f" {keeper.upper()}.", f"{minutes} min"), "correct", "had it for"),
            Sample((label, f"{minutes} minutes"), "correct", "had it for"),
            Sample((late, str(minutes)), "incorrect", "Who had it before?"),
            Sample(("submit.sender.example", "2"), "incorrect", "handed it on sooner"),
            Sample(("client.sender.example", "30"), "incorrect", "names that host behind `by`"),
            Sample((keeper, misread), "incorrect", "from the same zero"),
            Sample((keeper, "half an hour"), "incorrect", "no number"),
            Sample((keeper, ""), "incorrect", "minutes are still empty"),
            Sample(("", "30"), "incorrect", "host is still empty"),
        ),
    )
