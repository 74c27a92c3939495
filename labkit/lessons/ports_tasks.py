"""The exercises of lesson 08: settings that are proved by a message that arrives."""

from __future__ import annotations

from functools import partial

from labkit.learn import Exercise, Sample, SettingsForm, Solution
from labkit.lessons.ports_situations import (
    FIRST,
    FIRST_TWIN,
    SECOND,
    SECOND_TWIN,
    THIRD,
    THIRD_TWIN,
    Situation,
    grade,
)
from labkit.lessons.ports_world import MAIL, MX, OLD

A, S, N = "TLS at once", "STARTTLS", "none"
WITHOUT, USER = "without", "alice"
RIGHT, ANY = "must be right", "is not looked at"
_MENUS = f"Ports are 25, 465, 587 and 2525; encryption is `{N}`, `{S}` or `{A}`."
_HINTS = (
    "Ask of each program: does it have an account? Then it is submission, and port 25 is not its door.",
    f"TLS begins at once on 465. On 25, 587 and 2525 the program asks for it with `{S}`.",
    "Then strike out what the place blocks, and what the server does not document.",
)


def exercises() -> tuple[Exercise, ...]:
    """Complete the settings of one program; choose for three; set up four from nothing."""
    return _first(), _second(), _third()


def _exercise(
    id: str,
    title: str,
    task: str,
    situations: tuple[Situation, ...],
    right: tuple[tuple[str, ...], ...],
    wrong: tuple[tuple[tuple[str, ...], str], ...],
    why: str,
    twin: Exercise | None = None,
) -> Exercise:
    alone = len(situations) == 1
    form = SettingsForm(tuple((one.title if not alone else "", one.settings) for one in situations))
    story = situations[0].title + "\n\n" if alone else ""
    return Exercise(
        id,
        title,
        f"{story}{task} {_MENUS}",
        form,
        partial(grade, title, situations),
        _HINTS,
        Solution(right[0], why),
        twin,
        (
            Sample((), "not_attempted", "Nothing is chosen yet"),
            Sample(("",) * (len(right[0]) - 1) + (right[0][-1],), "not_attempted", "not chosen yet"),
            *(Sample(one, "correct", "arrived") for one in right),
            *(Sample(one, "incorrect", says) for one, says in wrong),
        ),
    )


def _first() -> Exercise:
    task = "The server, the login and the check stand already. Choose port and encryption; the check sends a message to Bob."
    twin = _exercise(
        "08.q1b",
        "Complete the settings at school",
        task,
        FIRST_TWIN,
        (("587", S),),
        ((("465", A), "nothing gets through to this port"), (("587", A), "do not belong together")),
        "587 greets in clear, and STARTTLS follows.",
    )
    return _exercise(
        "08.q1",
        "Complete Alice's settings",
        task,
        FIRST,
        (("465", A), ("587", S), ("2525", S)),
        (
            (("587", A), "do not belong together"),
            (("465", S), "do not belong together"),
            (("587", N), "password went over the line in clear"),
            (("25", S), "It knows no such command at this door"),
        ),
        "465 with TLS at once is what RFC 8314 prefers. 587 with STARTTLS is right too, when the program insists on TLS.",
        twin,
    )


def _second() -> Exercise:
    task = "Alice has her account in each of these places. Choose port and encryption; the check sends one message from each."
    twin = _exercise(
        "08.q2b",
        "Three other places",
        task,
        SECOND_TWIN,
        (("587", S, "2525", S, "465", A), ("2525", S, "2525", S, "465", A)),
        (
            (("465", A, "2525", S, "465", A), "On a ship: nothing gets through"),
            (("587", S, "2525", S, "587", S), "It did not get the command"),
        ),
        "Each place leaves one way at least. Where STARTTLS is refused, TLS at once needs no such word.",
    )
    return _exercise(
        "08.q2",
        "Three places, three ways out",
        task,
        SECOND,
        (("587", S, "465", A, "465", A), ("587", S, "2525", S, "465", A)),
        (
            (("587", S, "587", S, "465", A), "In a hotel: nothing gets through"),
            (("465", A, "465", A, "465", A), "In the office: nothing gets through"),
            (("587", S, "465", A, "587", S), "On a train: the server said no. It did not get the command"),
            (("587", S, "465", A, "587", N), "On a train: the password went over the line"),
        ),
        "The documented port where there is one; 465 where STARTTLS cannot be trusted to arrive.",
        twin,
    )


def _third() -> Exercise:
    task = "Four programs, each with nothing but a story. Set them up; the check sends one message from each."
    shop, printer, note = (MAIL, "2525", S, USER), (MAIL, "25", N, WITHOUT), (MAIL, "465", A, RIGHT)
    relay = (MX, "25", S, WITHOUT)
    twin = _exercise(
        "08.q3b",
        "Four other programs",
        task,
        THIRD_TWIN,
        ((MAIL, "25", S, WITHOUT, MAIL, "465", A, USER, MX, "25", N, WITHOUT, *note),),
        (
            ((MAIL, "587", S, WITHOUT, MAIL, "465", A, USER, MX, "25", N, WITHOUT, *note), "It wants to know who"),
            ((MAIL, "25", S, WITHOUT, MAIL, "465", A, USER, MX, "25", N, WITHOUT, OLD, "465", A, ANY), "nobody looked"),
        ),
        "Who has no account goes to the recipient's own server, by port 25. Who has one goes to its own, by submission.",
    )  # fmt: skip
    return _exercise(
        "08.q3",
        "Four programs from nothing",
        task,
        THIRD,
        (
            (*relay, *shop, *printer, *note),
            (MX, "25", N, WITHOUT, *shop, MAIL, "25", S, WITHOUT, MAIL, "587", S, RIGHT),
        ),
        (
            ((MAIL, "25", S, WITHOUT, *shop, *printer, *note), "The company's relay: the server said no."),
            ((*relay, MAIL, "587", S, USER, *printer, *note), "A web shop: nothing gets through"),
            ((*relay, *shop, MAIL, "587", S, WITHOUT, *note), "A printer: the server said no. It wants to know who you are"),
            ((*relay, *shop, *printer, OLD, "465", A, RIGHT), "An old note: the certificate was not accepted"),
            ((*relay, *shop, *printer, OLD, "587", S, ANY), "An old note: it arrived, and nobody looked"),
        ),
        "A server brings mail to the recipient's own server, by port 25. A program with an account uses submission. A name "
        "that the certificate does not hold is the wrong name: switch no check off.",
        twin,
    )  # fmt: skip
