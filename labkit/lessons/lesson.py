"""What every lesson has: a world of its own, recorded runs, cards, and the way back and on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from labkit import learn
from labkit.learn.course import find_lesson
from labkit.learn.history import ItemProgress
from labkit.learn.progress import current_progress
from labkit.smtp.transcript import Transcript
from labkit.view import cards
from labkit.view.console import Console
from labkit.view.session_widget import SessionWidget, replay
from labkit.view.widget import LabWidget
from labkit.world import World

# What lies behind `learn` and `cards` is loaded by the first cell that shows it, not by the set-up cell.
if TYPE_CHECKING:
    from labkit.learn import Exercise, Observation, Prediction
    from labkit.view.cards import (
        EndCard,
        ExerciseCard,
        ObservationCard,
        PredictionCard,
        ProgressCard,
        QuizCard,
        SpacedCard,
    )

T = TypeVar("T")
W = TypeVar("W", bound="LabWidget")
QUIZZES = Path(__file__).parent / "quizzes"


class Lesson:
    """Base of the lessons. A lesson is opened once per kernel; opening it again gives the same object, with all its sessions.

    Subclasses define `name` (the notebook's), `server`, and fill the mappings below. Everything is made when it is asked
    for, so opening a lesson costs no more than starting its server.
    """

    name: ClassVar[str]
    server: ClassVar[str] = "mail.receiver.example"
    port: ClassVar[int] = 25
    client_name: ClassVar[str] = "sender.example"
    outside: ClassVar[str] = ""

    def __init__(self) -> None:
        self.about = find_lesson(self.name)
        self.world = self.make_world()
        self._consoles: dict[str, Console] = {}
        self._cards: dict[str, Any] = {}
        current_progress().opened(self.about.id)

    # ---- what a lesson fills in

    def make_world(self) -> World:
        """Start the servers of this lesson."""
        raise NotImplementedError

    def recordings(self) -> Mapping[str, Callable[[], Transcript]]:
        """The recorded runs by name: each plays its lines against a fresh private world."""
        return {}

    def predictions(self) -> Mapping[str, Prediction]:
        """Questions that come before a run, by name."""
        return {}

    def observations(self) -> Mapping[str, Observation]:
        """Questions answered by pointing at a line, by name."""
        return {}

    def exercises(self) -> tuple[Exercise, ...]:
        """The graded tasks, in order."""
        return ()

    @property
    def summary(self) -> tuple[str, ...]:
        """The three things that a learner can do now."""
        return ()

    # ---- what the cells of a notebook call

    def predict(self, name: str) -> PredictionCard:
        """The prediction card `name`; the same one when the cell runs again."""
        return self._anew(
            f"predict {name}", lambda: cards.PredictionCard(self._pick(self._predictions, name, "prediction"))
        )

    def tell(self, name: str) -> None:
        """It has happened: show it beside the guess, on the card if it is drawn."""
        card = self._cards.get(f"predict {name}")
        (card or self._pick(self._predictions, name, "prediction")).reveal()

    def observe(self, name: str) -> ObservationCard:
        """The observation card `name`: point at the line that decided."""
        return self._anew(
            f"observe {name}",
            lambda: cards.ObservationCard(self._pick(self._observations, name, "observation")),
        )

    def console(self, name: str = "main") -> Console:
        """A console to the lesson's server; each name is one console, which keeps its sessions when the cell runs again."""
        if name not in self._consoles:
            self._consoles[name] = self.make_console(name)
        return self._consoles[name]

    def make_console(self, name: str) -> Console:
        """Make the console of that name; lessons override this for special ones."""
        return Console(self.world, self.server, client=self.client_name)

    def recorded(self, name: str) -> SessionWidget:
        """The recorded run `name`, to step through."""
        return self._anew(
            f"recorded {name}",
            lambda: replay(
                self.recording(name),
                client=self.client_name,
                server=self.server,
                port=self.port,
                title=self.titles.get(name, ""),
            ),
        )

    @property
    def titles(self) -> Mapping[str, str]:
        """Headings of the recorded runs."""
        return {}

    def recording(self, name: str) -> Transcript:
        """The transcript of the recorded run `name`."""
        key = f"transcript {name}"
        if key not in self._cards:
            self._cards[key] = self._pick(self.recordings(), name, "recorded run")()
        transcript: Transcript = self._cards[key]
        return transcript

    def exercise(self, number: int) -> Exercise:
        """Exercise `number`, from 1."""
        return self._exercises[number - 1]

    @property
    def q1(self) -> ExerciseCard:
        """Exercise 1: the card, whose `check`, `hint` and `solution` work from code as well."""
        return self._exercise_card(1)

    @property
    def q2(self) -> ExerciseCard:
        """Exercise 2."""
        return self._exercise_card(2)

    @property
    def q3(self) -> ExerciseCard:
        """Exercise 3."""
        return self._exercise_card(3)

    def quiz(self) -> QuizCard:
        """The four questions of this lesson."""
        return self._anew("quiz", lambda: cards.QuizCard(learn.Quiz.load(QUIZZES / f"{self.name}.json")))

    def warm_up(self) -> SpacedCard:
        """Two questions from earlier lessons."""
        return self._anew("warm up", lambda: cards.SpacedCard(self.about.id, QUIZZES))

    def progress(self) -> ProgressCard:
        """What is done so far, and where it is kept."""
        return self._anew("progress", lambda: cards.ProgressCard(expected=self._expected()))

    def done(self) -> EndCard:
        """The end of the lesson: what can be done now, what to try outside, where to go next."""
        progress = current_progress()
        if all(progress.item(exercise.id).solved for exercise in self._exercises):
            progress.finished(self.about.id)
        return self._anew(
            "done", lambda: cards.EndCard(self.about.id, self.summary, self.outside, folder=Path.cwd())
        )

    def close(self) -> None:
        """Close the lesson's world, and everything of it that stands in the page."""
        for thing in (*self._consoles.values(), *self._cards.values()):
            if isinstance(thing, LabWidget):
                thing.close()
        self.world.close()

    # ---- inside

    def _expected(self) -> dict[str, list[ItemProgress]]:
        """What there is to do in this lesson, for "2 of 3"."""
        items = [ItemProgress(exercise.id, "exercise") for exercise in self._exercises]
        items += [ItemProgress(thing.id, "prediction") for thing in self._predictions.values()]
        items += [ItemProgress(thing.id, "observation") for thing in self._observations.values()]
        return {self.about.id: items}

    @cached_property
    def _predictions(self) -> Mapping[str, Prediction]:
        return self.predictions()

    @cached_property
    def _observations(self) -> Mapping[str, Observation]:
        return self.observations()

    @cached_property
    def _exercises(self) -> tuple[Exercise, ...]:
        return self.exercises()

    def _exercise_card(self, number: int) -> ExerciseCard:
        exercises = self._exercises
        return self._once(
            f"exercise {number}", lambda: cards.ExerciseCard(exercises[number - 1], number, len(exercises))
        )

    def _anew(self, key: str, make: Callable[[], W]) -> W:
        """A widget for this run of the cell. What it shows lies in progress or in a transcript, not in the widget, so a cell
        that runs again gets one that the page has surely opened, and the former one goes.
        """
        former = self._cards.get(key)
        if former is not None:
            former.close()
        made = make()
        self._cards[key] = made
        return made

    def _once(self, key: str, make: Callable[[], T]) -> T:
        if key not in self._cards:
            self._cards[key] = make()
        return cast(T, self._cards[key])

    @staticmethod
    def _pick(things: Mapping[str, Any], name: str, what: str) -> Any:
        if name not in things:
            raise KeyError(f"This lesson has no {what} named {name!r}. It has: {', '.join(sorted(things))}.")
        return things[name]
