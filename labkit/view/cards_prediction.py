"""The guess before a run, and the line that decided after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import traitlets

from labkit.learn import Feedback, Observation, Prediction, PredictionState
from labkit.smtp.transcript import Transcript
from labkit.view.cards_base import Card, as_index, feedback_state, script, spoken, wire_lines
from labkit.view.cards_static import (
    bullet_lines,
    el,
    items,
    note,
    panel,
    plain_lines,
    prose,
    session_table,
)
from labkit.view.kernel_loop import hand_over

__all__ = ["LINES_SHOWN", "ObservationCard", "PredictionCard"]

LINES_SHOWN = 500
"""The newest lines of a session that a card offers to point at."""

_NO_SESSION = "There is no session of yours yet. Run it above; the lines appear here by themselves."


class PredictionCard(Card):
    """Options to guess from. The guess is kept in progress, so running the cell again shows it.

    `reveal` shows what happened beside it. Nothing of what will happen reaches the page before `reveal`.
    """

    _esm = traitlets.Unicode(script("card_prediction.js")).tag(sync=True)

    def __init__(self, prediction: Prediction) -> None:
        self.prediction = prediction
        super().__init__()

    def reveal(self, actual: str = "") -> PredictionState:
        """Show what really happened beside the guess (by default what the prediction knows).

        Call it after the run, from whatever thread; again and again, if that is simpler: what stands there
        already is neither drawn nor said once more.
        """
        state = self.prediction.reveal(actual)
        hand_over(partial(self._show_news, state.message if state.actual else ""))
        return state

    def _show_news(self, spoken: str = "") -> None:
        now = self._snapshot()
        if any(self.state.get(key) != now[key] for key in now):
            self._show(spoken)

    def on_keep(self, payload: Mapping[str, Any]) -> None:
        """The learner keeps a guess: `guess` is the option's place, from 0."""
        place = as_index(payload.get("guess"), len(self.prediction.options))
        if place is not None:
            self._show(self.prediction.guess(place + 1).message)

    def on_ping(self, payload: Mapping[str, Any]) -> None:
        """The page's heartbeat: the guess or the run may have come from elsewhere."""
        self._show_news()

    def _snapshot(self) -> dict[str, Any]:
        now = self.prediction.state
        options = list(now.options)
        shown = None
        if now.actual:
            shown = {
                "guess": now.guess or None,
                "actual": now.actual,
                "agreed": bool(now.agreed),
                "why": now.why,
            }
        return {
            "question": now.question,
            "options": options,
            "kept": options.index(now.guess) if now.guess else None,
            "note": "Your guess is kept. Now run it and see." if now.guess else "",
            "shown": shown,
        }

    def as_text(self) -> str:
        now = self.prediction.state
        lines = [f"Predict: {now.question}", *bullet_lines(now.options)]
        if now.guess or now.actual:
            lines += [now.message]
        return "\n".join(lines + ([now.why] if now.why else []))

    def as_html(self) -> str:
        now = self.prediction.state
        told = [
            el("p", prose(text), style="margin:4px 0")
            for text in (now.message, now.why)
            if text and (now.guess or now.actual)
        ]
        rest = told or [
            note(
                "Guess before you read on. The running lab keeps your guess and shows it beside what happens."
            )
        ]
        return str(panel("Predict", now.question, items(prose(option) for option in now.options), *rest))


class ObservationCard(Card):
    """A session to point into: which line decided? A wrong line gets words about it, the right one a flag."""

    _esm = traitlets.Unicode(script("card_observation.js")).tag(sync=True)

    def __init__(self, observation: Observation) -> None:
        self.observation = observation
        self._feedback: Feedback | None = None
        self._tried: list[int] = []
        self._found: int | None = None
        self._drawn: Transcript | None = None
        self._remember()
        super().__init__()

    def on_point(self, payload: Mapping[str, Any]) -> None:
        """The learner points at a line: `line` is its number."""
        line = payload.get("line")
        if isinstance(line, int) and not isinstance(line, bool):
            self.point(line)

    def point(self, line: int) -> Feedback:
        """Point at a line from code: what the card does at a click."""
        with self._lock:
            feedback = self.observation.point(line)
            if self._found is None or feedback.passed:
                self._feedback = feedback
            if feedback.passed:
                self._found = line
            elif feedback.outcome == "incorrect" and line not in self._tried:
                self._tried.append(line)
        self._show(spoken(feedback))
        return feedback

    def refresh(self) -> None:
        """The learner's own session has grown: draw it; from whatever thread."""
        hand_over(lambda: self.on_ping({}))

    def on_ping(self, payload: Mapping[str, Any]) -> None:
        """The page's heartbeat: the learner's own session may have grown."""
        if self._transcript() != self._drawn:
            self._show()

    def _remember(self) -> None:
        """A line that was found earlier is shown as found; one's own session is another each time."""
        known = self.observation.progress.item(self.observation.id)
        deciding = self.observation.deciding
        if known.outcome == "correct" and not callable(deciding) and known.answer in deciding:
            self._found = known.answer
            self._feedback = Feedback("correct", self.observation.why, rule=self.observation.rule)

    def _transcript(self) -> Transcript:
        return self.observation.transcript or Transcript()

    def _snapshot(self) -> dict[str, Any]:
        now, before = self._transcript(), self._drawn
        if (
            before is not None and now[: len(before)] != before.events
        ):  # another session: what was tried was tried there
            self._tried, self._found, self._feedback = [], None, None
        self._drawn = now
        left_out = max(len(self._drawn) - LINES_SHOWN, 0)
        return {
            "question": self.observation.question,
            "lines": wire_lines(Transcript(self._drawn[left_out:])),
            "left_out": left_out,
            "empty": _NO_SESSION,
            "tried": list(self._tried),
            "found": self._found,
            # The question stands right above: it need not be repeated.
            "feedback": feedback_state(self._feedback and replace(self._feedback, asked="")),
        }

    def as_text(self) -> str:
        lines = plain_lines(wire_lines(Transcript(self._transcript()[-LINES_SHOWN:]))) or [_NO_SESSION]
        return "\n".join([f"Observe: {self.observation.question}", *lines])

    def as_html(self) -> str:
        lines = wire_lines(Transcript(self._transcript()[-LINES_SHOWN:]))
        table = session_table(lines) if lines else el("p", _NO_SESSION)
        hint = note(
            "Choose a line before you read on. In the running lab you click it and are told what it did."
        )
        return str(panel("Observe", self.observation.question, table, hint))
