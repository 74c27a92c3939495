"""Exercise 1 of lesson 07: the right way of reading for each person, tried out in a world of their own."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any

from labkit.frozen import dataclass
from labkit.learn import Exercise, Feedback, Sample, Solution
from labkit.learn.forms import SortForm
from labkit.lessons.mailbox_world import LUNCH, spec
from labkit.reader import Device, Way
from labkit.smtp.rule import Rule
from labkit.transport.loop_thread import run
from labkit.world import AsyncWorld
from labkit.world.household import Household

BINS: Mapping[str, Way] = {
    "IMAP": "sync",
    "POP3 that takes away": "take",
    "POP3 that leaves a copy": "copy",
}
_STATE = Rule(
    "RFC 3501 section 2.3.2",
    "A flag says what was done with a message. Where it is kept at the server, every program sees it.",
)
_AWAY = Rule("RFC 1939 section 1", "What POP3 is made for: normally mail is fetched, and then deleted.")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a wish."""

    name: str
    wish: str
    day: Callable[[str, Way], Coroutine[Any, Any, str]]
    """Lives a day with that way of reading; what went wrong, or nothing."""
    rule: Rule
    why: str


async def _at_home(*devices: tuple[str, Way]) -> Household:
    """A mailbox with one letter in it; the caller closes the world."""
    world = AsyncWorld(spec(), transport="memory")
    await world.open()
    home = Household(world, [Device(name, way) for name, way in devices], (LUNCH,))
    await home.send()
    return home


async def _empties(name: str, way: Way) -> str:
    """One device; the server keeps nothing."""
    home = await _at_home(("computer", way))
    await home.fetch(home.devices[0])
    left = len(home.at_server)
    await home.world.close()
    return f"{name} has fetched, and at the server still lies {left} message." if left else ""


async def _in_step(name: str, way: Way, *, answered: bool) -> str:
    """Two devices; what was done on one shows on the other."""
    home = await _at_home(("first", way), ("second", way))
    first, second = home.devices
    await home.fetch(first)
    key = first.letters[0].key
    await (home.answer(first, key) if answered else home.read(first, key))
    await home.fetch(second)
    await home.world.close()
    other = "The colleague's program" if answered else f"{name}'s other device"
    if not second.letters:
        return f"{other} shows no letter at all."
    done = second.letters[0].answered if answered else second.letters[0].read
    return "" if done else f"{other} shows it as {'not answered' if answered else 'unread'}."


async def _unnoticed(name: str, way: Way) -> str:
    """A phone that reads by IMAP, and another program that it must not notice."""
    home = await _at_home(("phone", "sync"), ("other", way))
    phone, other = home.devices
    await home.fetch(phone)
    await home.fetch(other)
    await home.read(other, other.letters[0].key)
    await home.fetch(phone)
    await home.world.close()
    if not phone.letters:
        return f"On {name}'s phone the letter is gone."
    return f"{name}'s phone shows the letter as read." if phone.letters[0].read else ""


FIRST = (
    Person(
        "Carol",
        "Carol has one computer. Her mailbox is tiny: what she has fetched must not lie there any longer.",
        _empties,
        _AWAY,
        "one device, and the server is to be emptied",
    ),
    Person(
        "Dave",
        "Dave shares a mailbox with a colleague. What one has answered must show as answered at the other's.",
        partial(_in_step, answered=True),
        _STATE,
        "the flag `\\Answered` lies at the server",
    ),
    Person(
        "Erin",
        "Erin tries a new program for a week, and reads with it. Her phone, which uses IMAP, must not notice.",
        _unnoticed,
        _STATE,
        "it copies, and sets no flag",
    ),
)
SECOND = (
    Person(
        "Frank",
        "Frank's archive opens every letter at night. His phone, which uses IMAP, must not notice.",
        _unnoticed,
        _STATE,
        "it copies, and sets no flag",
    ),
    Person(
        "Grace",
        "Grace reads on the train with a tablet. At home she does not want to see those letters as new.",
        partial(_in_step, answered=False),
        _STATE,
        "the flag `\\Seen` lies at the server",
    ),
    Person(
        "Heidi",
        "Heidi trusts her own disk only. Nothing that she has fetched may stay at the server.",
        _empties,
        _AWAY,
        "fetched and deleted in one session",
    ),
)
_RIGHT = {
    "07.q1": ("POP3 that takes away", "IMAP", "POP3 that leaves a copy"),
    "07.q1b": ("POP3 that leaves a copy", "IMAP", "POP3 that takes away"),
}


def choose_for_people() -> Exercise:
    """Three people; a fourth is done."""
    return _exercise("07.q1", FIRST, _exercise("07.q1b", SECOND, None))


def grade(people: tuple[Person, ...], chosen: tuple[str, ...]) -> Feedback:
    """Let each of them live a day; the first whose wish is not met is told about."""
    for person, bin in zip(people, chosen, strict=True):
        trouble = run(partial(person.day, person.name, BINS[bin]), 60)
        if trouble:
            return Feedback(
                "incorrect",
                trouble,
                asked=person.wish,
                happened=f"{person.name} lived a day with {bin}, in a world of their own.",
                rule=person.rule,
                look="Where must the message lie, and who must know what was done with it?",
                further="Go through the three bins: which takes away, which notes at the server, which does neither?",
            )
    return Feedback(
        "correct",
        "All three got what they wished.",
        asked="the right way for each person",
        happened="Each lived a day in a world of their own, with real sessions.",
        rule=_STATE,
    )


def _exercise(id: str, people: tuple[Person, ...], twin: Exercise | None) -> Exercise:
    right = _RIGHT[id]
    why = "; ".join(f"{person.name}: {person.why}" for person in people)
    wrong: dict[tuple[str, ...], str] = {
        ("IMAP", "IMAP", "IMAP"): "at the server still lies 1"
        if id == "07.q1"
        else "phone shows the letter as read",
        (right[0], "POP3 that takes away", right[2]): "shows no letter at all",
        (right[0], "POP3 that leaves a copy", right[2]): "shows it as",
        ("POP3 that takes away", "IMAP", "POP3 that takes away"): "the letter is gone",
    }
    return Exercise(
        id,
        "Which way for whom?",
        "Four people, four wishes. The first is done. Choose for the others; the check lets each of them live a day.",
        SortForm(
            tuple(person.wish for person in people),
            tuple(BINS),
            given=(
                (
                    "Bob reads on a phone and on a laptop, and wants both to show the same.",
                    "IMAP",
                    "what was read is noted at the server, where both look",
                ),
            ),
        ),
        partial(grade, people),
        (
            "Ask two things about each: may the message leave the server, and must anybody else know what was done with it?",
            "POP3 tells the server nothing about reading or answering. It fetches, and it deletes or does not.",
            "Must others see a flag? Then it has to lie at the server.",
        ),
        Solution(right, why[0].upper() + why[1:] + "."),
        twin,
        (
            Sample((), "not_attempted", "Nothing is sorted yet"),
            Sample((right[0], "", ""), "not_attempted", "not sorted yet"),
            Sample(right, "correct", "All three"),
            *(Sample(answer, "incorrect", says) for answer, says in wrong.items()),
        ),
    )
