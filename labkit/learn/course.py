"""The course as data: its lessons in order, and the routes through them."""

from __future__ import annotations

from pathlib import Path

from labkit.frozen import dataclass
from labkit.learn.history import lesson_of


@dataclass(frozen=True, slots=True)
class Lesson:
    """One notebook.

    name      of the notebook file and of the lesson's module, without ending: "01_session"
    question  what it answers; its title
    core, practice  the minutes that are planned for the two parts; 0 where there is no such part
    builds_on lessons whose ideas it uses. Only "00" is needed; the others help.
    """

    name: str
    question: str
    builds_on: tuple[str, ...] = ("00",)
    core: int = 15
    practice: int = 10
    optional: bool = False

    @property
    def id(self) -> str:
        """The first part of the name, "01": ids of its exercises begin with it."""
        return lesson_of(self.name)

    @property
    def notebook(self) -> str:
        """The file name of the notebook."""
        return f"{self.name}.ipynb"

    @property
    def minutes(self) -> int:
        """Minutes of core and practice."""
        return self.core + self.practice

    def exists_in(self, folder: Path) -> bool:
        """Whether its notebook is in this folder."""
        return (folder / self.notebook).is_file()


@dataclass(frozen=True, slots=True)
class Route:
    """A way through the course for one kind of learner: lesson ids in order."""

    id: str
    title: str
    lessons: tuple[str, ...]


LESSONS: tuple[Lesson, ...] = (
    Lesson("00_start_here", "What happens between Send and Inbox?", builds_on=(), core=10),
    Lesson("01_session", "What do two mail servers say to each other?"),
    Lesson("02_envelope", "Who is a message really for, and from?", ("00", "01")),
    Lesson("03_extensions", "What did EHLO promise?", ("00", "01")),
    Lesson("04_reply_codes", "What does this code want from me?", ("00", "01")),
    Lesson("05_queue_and_bounces", "Who owns the message now?", ("00", "02", "04")),
    Lesson("06_delivery_chain", "Who handed this message to whom?", ("00", "02", "05")),
    Lesson("07_mailbox", "Where does Bob read it?", ("00",), core=14),
    Lesson("08_ports", "Which port, and which settings?", ("00", "03"), core=14),
    Lesson("09_tls", "Who can read this on the way?", ("00", "03", "08")),
    Lesson("10_spf", "May this server send for that domain?", ("00", "02")),
    Lesson("11_dkim", "Has this message been changed?", ("00", "02")),
    Lesson("12_alignment", "Who answers for the address people see?", ("00", "10", "11")),
    Lesson("13_policy", "When may I say reject?", ("00", "12")),
    Lesson("14_attacks", "How is mail forged, and what stops it?", ("00", "02", "09", "12")),
    Lesson("15_deliverability", "Accepted, so why is it not in the inbox?", ("00", "04", "12")),
    Lesson("16_history", "Which rule here is a scar?", ("00", "03"), optional=True),
    Lesson("17_incident_room", "Can you fix a broken mail system?", ("00", "05", "06", "09", "13")),
    Lesson("playground", "What about my own case?", ("00",), core=0, practice=0, optional=True),
)

_NUMBERED = tuple(lesson.id for lesson in LESSONS if lesson.id.isdecimal())

ROUTES: tuple[Route, ...] = (
    Route("ten-minutes", "I have ten minutes", ("00",)),
    Route(
        "newsletters",
        "I send newsletters",
        ("00", "01", "02", "04", "08", "10", "11", "12", "15"),
    ),
    Route("run-mail", "I run mail", tuple(id for id in _NUMBERED if id != "16")),
    Route(
        "software",
        "I write software that sends",
        ("00", "01", "02", "03", "04", "05", "08", "09", "14"),
    ),
)


def find_lesson(name: str) -> Lesson:
    """The lesson of an id, a name, a notebook file or an exercise id ("01", "01_session", "01.q1").

    Raises KeyError.
    """
    wanted = lesson_of(name)
    for lesson in LESSONS:
        if lesson.id == wanted:
            return lesson
    raise KeyError(name)


def lessons_in(folder: str | Path) -> tuple[tuple[Lesson, bool], ...]:
    """All lessons in order, each with whether its notebook is in this folder already."""
    place = Path(folder)
    return tuple((lesson, lesson.exists_in(place)) for lesson in LESSONS)


def next_lesson(name: str, route: str | None = None, folder: str | Path | None = None) -> Lesson | None:
    """Where to go after a lesson.

    The next one of the route (None: of the course) that is in the folder (None: that is planned at all).
    From a lesson that is not on the route: the first one of the route behind it. None when there is no
    further one. Raises KeyError for a lesson or a route that does not exist.
    """
    order = [lesson.id for lesson in LESSONS]
    ways = {way.id: way.lessons for way in ROUTES}
    wanted = ways[route] if route is not None else _NUMBERED
    behind = order[order.index(find_lesson(name).id) + 1 :]
    for id in behind:
        lesson = find_lesson(id)
        if id in wanted and (folder is None or lesson.exists_in(Path(folder))):
            return lesson
    return None
