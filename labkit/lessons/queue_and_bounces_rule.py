"""Exercise 2 of lesson 05: a retry rule, played in a real world for a week."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise

from labkit.frozen import dataclass
from labkit.hosts.faults import Greylisting
from labkit.learn import Exercise, Feedback, Number, NumbersForm, Sample, Solution
from labkit.lessons.queue_and_bounces_world import ALICE, BOB, LETTER, MX, RELAY, spec
from labkit.smtp.rule import Rule
from labkit.view.map_story import span
from labkit.world import RetryRule, World

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
GONE = "eve@gone.example"
_TIMES = Rule(
    "RFC 5321 section 4.5.4.1",
    "The first new try comes after half an hour at least, later ones further apart; giving up takes four or five days.",
)
_TELL = Rule(
    "RFC 5321 section 6.1", "What cannot be delivered is reported to the sender, once it is given up."
)
FORM = NumbersForm(
    (
        Number("First wait", "min", 5, 1440),
        Number("Each wait longer by the factor", "", 1, 10),
        Number("Longest wait", "h", 0.25, 48),
        Number("Give up after", "days", 0.1, 14),
    )
)


@dataclass(frozen=True)
class Case:
    """What happens during the week, and what is asked of the rule. Times in seconds."""

    id: str
    title: str
    away: float
    """How long Bob's server is away, beginning on the second day."""
    back_within: float
    """So long after its return the message must have arrived."""
    hear_within: float
    """So long after sending, Alice must have heard of the message that nobody takes."""
    most_tries: int


FIRST = Case("05.q2", "A rule that loses nothing", 82 * HOUR, 4 * HOUR, 5 * DAY, 60)
SECOND = Case("05.q2b", "A rule that asks less often", 110 * HOUR, 6 * HOUR, 5 * DAY, 30)
_RIGHT: Mapping[str, tuple[tuple[float, ...], ...]] = {
    "05.q2": ((30, 2, 3, 5), (60, 1.5, 3.5, 4), (30, 10, 4, 5)),
    "05.q2b": ((30, 2, 5, 5), (45, 3, 6, 4.8), (60, 2, 5.5, 5)),
}
_WRONG: Mapping[str, tuple[tuple[tuple[float, ...], str], ...]] = {
    "05.q2": (
        ((30, 2, 3, 2), "The message into the outage came back"),
        ((30, 2, 3, 0.1), "The message into the outage came back"),
        ((30, 2, 0.5, 5), "241 times"),
        ((30, 1, 3, 5), "241 times"),
        ((120, 2, 3, 5), "took 2 h, and an hour is the most"),
        ((5, 2, 3, 5), "only 5 min apart"),
        ((30, 2, 24, 5), "21 h 30 min later"),
        ((30, 2, 3, 6), "heard after 6 days"),
        ((30, 2, 4, 14), "heard nothing within the week"),
    ),
    "05.q2b": (
        ((30, 2, 3, 5), "43 times, and 30 is the most"),
        ((30, 2, 5, 4), "The message into the outage came back"),
        ((30, 2, 24, 5), "later. 6 h is the most"),
        ((90, 2, 5, 5), "took 1 h 30 min"),
    ),
}
SOONEST = 30 * MINUTE
FIRST_ARRIVES = 1 * HOUR


def set_the_rule(played: Callable[[World], None] | None = None) -> Exercise:
    """Four numbers. ``played`` is given the world in which they were tried, to be shown and closed."""
    return _exercise(FIRST, _exercise(SECOND, None, played), played)


@dataclass(frozen=True)
class Fate:
    """What became of one message: when it was tried, when it arrived, when its sender was told."""

    tries: tuple[float, ...]
    arrived: float | None
    told: float | None

    @property
    def gaps(self) -> tuple[float, ...]:
        """The waits between the tries; the one that giving up has cut short is left out."""
        waits = tuple(after - before for before, after in pairwise(self.tries))
        return waits if self.arrived is not None else waits[:-1]


def play(case: Case, rule: RetryRule) -> tuple[World, tuple[Fate, Fate, Fate]]:
    """A week under that rule: a greylisted message, one into the outage, one to a host that is gone for good."""
    world = World.open(spec(rule), transport="memory")
    world.switch_on(Greylisting(), host=MX)
    ids = [_send(world, BOB)]
    world.clock.advance(DAY)
    world.stop(MX)
    ids += [_send(world, BOB), _send(world, GONE)]
    world.clock.advance(case.away)
    world.start(MX)
    world.clock.advance(max(0.0, 8 * DAY - world.clock.now()))
    first, second, third = (_fate(world, message_id) for message_id in ids)
    return world, (first, second, third)


def _send(world: World, recipient: str) -> str:
    text = LETTER.replace(f"To: {BOB}", f"To: {recipient}")
    handed = world.submit(text, sender=ALICE, recipients=(recipient,))
    world.settle()
    return handed.message_id


def _fate(world: World, message_id: str) -> Fate:
    trail = world.trail(message_id)
    sent = trail[0].time
    own = [one for one in trail if not one.about]
    tries = dict.fromkeys(one.time - sent for one in own if one.host == RELAY and one.kind != "expired")
    arrived = [one.time - sent for one in own if one.kind == "stored"]
    told = [one.time - sent for one in trail if one.about and one.kind == "stored"]
    return Fate(tuple(tries), arrived[0] if arrived else None, told[0] if told else None)


def grade(case: Case, played: Callable[[World], None] | None, numbers: tuple[float, ...]) -> Feedback:
    """Play the week, and look at what became of each message."""
    first, factor, longest, give_up = numbers
    rule = RetryRule(first * MINUTE, factor, longest * HOUR, give_up * DAY)
    world, fates = play(case, rule)
    if played is None:
        world.close()
    else:
        played(world)
    return judge(case, fates)


def judge(case: Case, fates: tuple[Fate, Fate, Fate]) -> Feedback:
    """The first thing that is not as it should be."""
    greylisted, outage, gone = fates
    wrong = partial(Feedback, "incorrect", asked=case.title, happened=_story(fates))
    if greylisted.arrived is None or outage.arrived is None:
        lost = "into the outage" if outage.arrived is None else "that was greylisted"
        return wrong(
            f"The message {lost} came back, although Bob's server took mail again later.",
            rule=_TIMES,
            look="How long was the server away, and how long did the relay hold on?",
            further="Compare the last number with the length of the outage.",
        )
    if max(len(outage.tries), len(gone.tries)) > case.most_tries:
        return wrong(
            f"One message was tried {max(len(outage.tries), len(gone.tries))} times, and {case.most_tries} is the most.",
            rule=_TIMES,
            look="The waits in the middle of the week. What would make them longer?",
            further="The factor makes each wait longer, up to the longest one.",
        )
    if greylisted.arrived > FIRST_ARRIVES:
        return wrong(
            f"The greylisted message took {span(greylisted.arrived)}, and an hour is the most.",
            rule=_TIMES,
            look="When was its second try?",
            further="A greylisting server lets in who comes back after some minutes.",
        )
    soonest = min((wait for fate in fates for wait in fate.gaps), default=SOONEST)
    if soonest < SOONEST:
        return wrong(
            f"Two tries were only {span(soonest)} apart.",
            rule=_TIMES,
            look="The first gap of each message.",
            further="A server in trouble gets no better by being asked again at once.",
        )
    if outage.arrived > case.away + case.back_within:
        late = outage.arrived - case.away
        return wrong(
            f"Bob's server was back, and the message came {span(late)} later. {span(case.back_within)} is the most.",
            rule=_TIMES,
            look="The gaps between the tries towards the end of the outage.",
            further="A gap cannot be longer than the third number.",
        )
    if gone.told is None or gone.told > case.hear_within:
        heard = f"after {span(gone.told)}" if gone.told is not None else "nothing within the week"
        return wrong(
            f"About the host that is gone Alice heard {heard}. {span(case.hear_within)} is the most.",
            rule=_TELL,
            look="When did the relay give up on the third message?",
            further="Only the last number decides that.",
        )
    return Feedback(
        "correct",
        "Nothing lost, nothing returned in vain, nobody bothered.",
        asked=case.title,
        happened=_story(fates),
        rule=_TIMES,
    )


def _story(fates: tuple[Fate, Fate, Fate]) -> str:
    names = ("The greylisted message", "The one into the outage", "The one to the host that is gone")
    return " ".join(
        f"{name}: {len(fate.tries)} {'try' if len(fate.tries) == 1 else 'tries'}, {_end(fate)}."
        for name, fate in zip(names, fates, strict=True)
    )


def _end(fate: Fate) -> str:
    if fate.arrived is not None:
        return f"arrived after {span(fate.arrived)}"
    return f"returned after {span(fate.told)}" if fate.told is not None else "still waiting after a week"


def _exercise(case: Case, twin: Exercise | None, played: Callable[[World], None] | None) -> Exercise:
    return Exercise(
        case.id,
        case.title,
        f"A week at Alice's relay. On Monday Bob's server greylists a message. On Tuesday it goes down for {span(case.away)}, "
        "with a second message on the way. A third goes to a host that is gone for good.\n\n"
        "Nothing may come back that could still arrive. The first arrives within an hour, the second within "
        f"{span(case.back_within)} after the server's return. Of the third Alice hears within {span(case.hear_within)}. "
        f"No message is tried more than {case.most_tries} times, or twice within half an hour. Set the four numbers.",
        FORM,
        partial(grade, case, played),
        (
            "The last number has two sides: longer than the outage, not longer than Alice will wait.",
            "The first number must let the greylisted message in soon, and must not hurry.",
            "The third number is how late a message can be after the server's return. Small ones cost tries.",
        ),
        Solution(
            _RIGHT[case.id][0],
            "Begin after half an hour, let the waits grow, let none grow too long, and hold on longer than an outage lasts. "
            "RFC 5321 asks for half an hour at least, and for four or five days.",
        ),
        twin,
        (
            Sample((), "not_attempted", "No number"),
            Sample((30, 2, 3), "not_attempted", "Give up after is not filled in"),
            Sample((1, 2, 3, 5), "error", "First wait can be"),
            *(Sample(answer, "correct", "Nothing lost") for answer in _RIGHT[case.id]),
            *(Sample(answer, "incorrect", says) for answer, says in _WRONG[case.id]),
        ),
    )
