"""Guess before the run, and point at the line that decided after it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TypeAlias

from labkit.frozen import dataclass
from labkit.learn.feedback import Feedback
from labkit.learn.forms import ChoiceForm, Unreadable, Untouched, read_line_number
from labkit.learn.history import ID
from labkit.learn.progress import Progress, current_progress
from labkit.smtp.rule import Rule
from labkit.smtp.transcript import Transcript
from labkit.verdict import Evidence

Deciding: TypeAlias = frozenset[int] | Callable[[Transcript], Collection[int]]


@dataclass(frozen=True, slots=True)
class PredictionState:
    """How a prediction stands.

    `guess` and `actual` are "" as long as there is none; `agreed` is None until both are there.
    `message` says it in a sentence; `why` is empty until the run has shown what happens.
    """

    question: str
    options: tuple[str, ...]
    guess: str
    actual: str
    agreed: bool | None
    message: str
    why: str


class Prediction:
    """A question answered before the run. A wrong guess costs nothing and stands beside what happened.

    `actual` is what will happen, if it is known beforehand; `reveal` may be told otherwise. `why` explains
    it. Raises ValueError for an unusable id, and for an `actual` that is no option.
    """

    def __init__(
        self,
        id: str,
        question: str,
        options: Collection[str],
        actual: str = "",
        why: str = "",
        *,
        progress: Progress | None = None,
    ) -> None:
        if not ID.fullmatch(id):
            raise ValueError(f"{id!r} is no id for a prediction (like '01.p1')")
        self._form = ChoiceForm(tuple(options))
        if actual and actual not in self._form.options:
            raise ValueError(f"{id}: what happens, {actual!r}, is not among the options")
        self.id = id
        self.question = question
        self.actual = actual
        self.why = why
        self._own_progress = progress
        self._revealed = ""

    def __repr__(self) -> str:
        return f"Prediction({self.id!r}, {self.question!r})"

    @property
    def options(self) -> tuple[str, ...]:
        """What can be guessed."""
        return self._form.options

    @property
    def progress(self) -> Progress:
        """Where the guess is kept."""
        return self._own_progress or current_progress()

    @property
    def state(self) -> PredictionState:
        """How it stands now."""
        guess = self._kept_guess()
        if self._revealed:
            agreed = guess == self._revealed if guess else None
            return self._state(guess, agreed, _outcome_in_words(guess, self._revealed))
        if guess:
            return self._state(guess, None, f"Your guess is kept: {guess}. Now run it and see.")
        return self._state("", None, "Guess first; a wrong guess costs nothing.")

    def guess(self, choice: object) -> PredictionState:
        """Keep a guess, given by its text or its number from 1.

        It can be changed until the run has shown what happens. Never raises: what is no guess gets a message.
        """
        before = self.state
        if self._revealed:
            return before
        try:
            chosen = self._form.read((choice,))
        except Untouched:
            return before
        except Unreadable as reason:
            return self._state(before.guess, None, str(reason))
        self.progress.prediction(self.id, str(chosen))
        return self.state

    def reveal(self, actual: str = "") -> PredictionState:
        """Show what really happened beside the guess: call it after the run. Never raises."""
        happened = actual or self.actual
        if not happened:
            return self.state
        if happened != self._revealed:
            self._revealed = happened
            if guess := self._kept_guess():
                self.progress.reveal(self.id, happened, guess == happened)
        return self.state

    def _kept_guess(self) -> str:
        """The guess in progress, unless the options have changed since."""
        guess = self.progress.item(self.id).guess
        return guess if guess in self.options else ""

    def _state(self, guess: str, agreed: bool | None, message: str) -> PredictionState:
        why = self.why if self._revealed else ""
        return PredictionState(self.question, self.options, guess, self._revealed, agreed, message, why)


def _outcome_in_words(guess: str, actual: str) -> str:
    if not guess:
        return f"What happened: {actual}. You ran it without a guess this time; guess first at the next one."
    if guess == actual:
        return f"You guessed: {guess}. That is what happened."
    return f"You guessed: {guess}. What happened: {actual}. That difference is the thing to look at."


class Observation:
    """A question answered by pointing at the line of a transcript that decided.

    deciding  the lines any of which is right, or a function of the transcript (a learner's own)
    why       what the deciding line decided; said only once it has been found
    rule      the rule behind it
    wrong     for lines that are picked by mistake: what that line does, without giving the right one away; by
              number, or a function of the transcript that gives such a mapping
    look      where to look after a wrong pick; `further` says more, from the second one on
    source    gives the learner's own transcript when there is no fixed one

    Raises ValueError for an unusable id or for deciding lines that the transcript does not have.
    """

    def __init__(
        self,
        id: str,
        question: str,
        transcript: Transcript | None,
        deciding: Deciding,
        why: str,
        rule: Rule | None = None,
        wrong: Mapping[int, str] | Callable[[Transcript], Mapping[int, str]] | None = None,
        look: str = "",
        further: str = "",
        *,
        source: Callable[[], Transcript | None] | None = None,
        progress: Progress | None = None,
    ) -> None:
        if not ID.fullmatch(id):
            raise ValueError(f"{id!r} is no id for an observation (like '01.o1')")
        if transcript is not None and not callable(deciding):
            missing = deciding - {event.seq for event in transcript}
            if missing or not deciding:
                raise ValueError(f"{id}: deciding lines {sorted(missing)} are not in the transcript")
        self.id = id
        self.question = question
        self.deciding = deciding
        self.why = why
        self.rule = rule
        self.wrong = wrong or {}
        self.look = look
        self.further = further
        self._transcript = transcript
        self._source = source
        self._own_progress = progress

    def __repr__(self) -> str:
        return f"Observation({self.id!r}, {self.question!r})"

    @property
    def progress(self) -> Progress:
        """Where the answer is kept."""
        return self._own_progress or current_progress()

    @property
    def transcript(self) -> Transcript | None:
        """The transcript to point into; None while the learner has no session of their own."""
        if self._transcript is not None or self._source is None:
            return self._transcript
        return self._source()

    def point(self, line: object) -> Feedback:
        """Grade the line that the learner points at, and keep the answer. Never raises."""
        number: int | None = None
        try:
            transcript = self.transcript
            if transcript is None or not len(transcript):
                raise Untouched("There is no session of yours yet. Run it above, then point at a line.")
            number = read_line_number((line,), transcript)
            feedback = self._judge(number, transcript)
        except Untouched as nothing:
            feedback = Feedback("not_attempted", str(nothing), asked=self.question)
        except Unreadable as reason:
            feedback = Feedback("error", str(reason), asked=self.question)
        except Exception as error:
            feedback = Feedback(
                "error",
                f"The check itself stumbled ({type(error).__name__}). That is no mistake of yours.",
                asked=self.question,
            )
        self.progress.observation(self.id, feedback.outcome, number)
        return feedback

    def _judge(self, number: int, transcript: Transcript) -> Feedback:
        deciding = self.deciding(transcript) if callable(self.deciding) else self.deciding
        if not deciding:
            return Feedback(
                "not_attempted",
                "In this session it has not happened yet, so no line can be the one. Try it above first.",
                asked=self.question,
            )
        wrong = self.wrong(transcript) if callable(self.wrong) else self.wrong
        evidence = (Evidence.line(number),)
        pointed = f"You pointed at line {number}."
        if number in deciding:
            return Feedback("correct", self.why, evidence, self.question, pointed, self.rule)
        sender = next(event.sender for event in transcript if event.seq == number)
        role = (
            "That is what the client sent: what it wanted, not yet what came of it."
            if sender == "C"
            else "The server said that. Which command does it answer, and did it change the end?"
        )
        tried = self.progress.item(self.id).tries > 0
        return Feedback(
            "incorrect",
            wrong.get(number) or role,
            evidence,
            self.question,
            pointed,
            self.rule and Rule(self.rule.ref, ""),  # what it says is the answer
            self.look or "Go through the lines from the top: after which one was it settled?",
            self.further if tried else "",
        )
