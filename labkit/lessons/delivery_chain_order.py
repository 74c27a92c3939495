"""Exercise 1 of lesson 06: in which order does a relay call the servers of a domain?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from labkit.hosts.routing import MX_FIRST, route
from labkit.learn import Exercise, Feedback, Sample, Solution
from labkit.learn.forms import OrderForm
from labkit.zones import Zones

FIRST = ("MX 20 mx.backup.example", "MX 5 mx.front.example", "MX 100 mx.far.example", "MX 10 mx.main.example")
SECOND = (
    "MX 30 in.north.example",
    "MX 200 in.south.example",
    "MX 4 in.east.example",
    "MX 25 in.west.example",
)


def called(domain: str, records: Sequence[str]) -> tuple[str, ...]:
    """The records in the order in which the lab's own relay calls their hosts."""
    hosts = [record.split()[-1] for record in records]
    lines = [f"{domain}. {record}." for record in records]
    lines += [f"{host}. A 203.0.113.{number}" for number, host in enumerate(hosts, 10)]
    found = route(domain, Zones("\n".join(lines)))
    by_host = dict(zip(hosts, records, strict=True))
    return tuple(by_host[hop.host] for hop in found.hops)


def grade(domain: str, records: Sequence[str], answer: Sequence[str]) -> Feedback:
    """Compare with the calls of a relay; say which record stands where another is called."""
    right = called(domain, records)
    asked = f"the order of the calls for {domain}"
    if tuple(answer) == right:
        return Feedback(
            "correct",
            "That is the order. A relay makes the same calls.",
            asked=asked,
            happened="The next one is called only if those before did not take the letter for now.",
            rule=MX_FIRST,
        )
    number = {record: int(record.split()[1]) for record in answer}
    says = "At one place a server is called before another that should come first."
    if list(answer) == list(reversed(right)):
        says = "Your order calls last whom the domain wants first. Is the number a rank or a weight?"
    elif list(answer) == sorted(answer, key=lambda one: str(number[one])):
        says = "This is the order of the digits as text. Compare the numbers as numbers."
    place = next(at for at, pair in enumerate(zip(answer, right, strict=True)) if pair[0] != pair[1])
    return Feedback(
        "incorrect",
        says,
        asked=asked,
        happened=f"At place {place + 1} you have `{answer[place]}`; a relay calls another one there.",
        rule=MX_FIRST,
        look="Look at mx1 and mx2 on the map: which number had the one that was called first?",
        further="The order of the lines in the zone means nothing. Only the number counts.",
    )


def order_the_hosts() -> Exercise:
    """Exercise 1: four MX records; two of the lesson are the worked case."""
    return _task("06.q1", "news.example", FIRST, _task("06.q1b", "shop.example", SECOND, None))


def _task(id: str, domain: str, records: tuple[str, ...], twin: Exercise | None) -> Exercise:
    right = called(domain, records)
    as_text = tuple(sorted(records, key=lambda record: record.split()[1]))
    swapped = (right[0], right[2], right[1], right[3])
    return Exercise(
        id,
        "Whom does a relay call first?",
        "One is done: of `MX 10 mx1` and `MX 20 mx2`, the relay called mx1 first. "
        f"{domain} has four. In which order does a relay call them, if none answers?",
        OrderForm(records),
        partial(grade, domain, records),
        (
            "The number behind MX is the preference. Compare the numbers, not the names.",
            "In the worked case the lower number was called first.",
        ),
        Solution(
            right, "The lowest preference first, whatever the order in the zone (RFC 5321 section 5.1)."
        ),
        twin,
        (
            Sample((), "not_attempted", "Move them into your order"),
            Sample(records, "not_attempted", "Move them into your order"),
            Sample(right, "correct", "That is the order"),
            Sample(
                tuple(records.index(one) + 1 for one in right),
                "correct",
                "makes the same calls",
            ),
            Sample(tuple(reversed(right)), "incorrect", "rank or a weight"),
            Sample(as_text, "incorrect", "as text"),
            Sample(swapped, "incorrect", "before another"),
        ),
    )
