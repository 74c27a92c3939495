"""The trace view: texts that can be edited on one side, on the other how each decision was made from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import traitlets

from labkit.view.kernel_loop import remember_main_loop
from labkit.view.printable import printable_text, shortened
from labkit.view.trace_case import Case
from labkit.view.trace_static import case_html, case_text
from labkit.view.trace_story import KINDS, review_picture, trace_picture
from labkit.view.widget import LabWidget, asset

__all__ = ["TraceView", "case_state"]


def case_state(case: Case) -> dict[str, Any]:
    """All that is to be drawn of a case."""
    verdicts, before = case.verdicts, case.before
    pictures = [
        trace_picture(verdict, before[at] if at < len(before) else None, case.locate)
        for at, verdict in enumerate(verdicts)
    ]
    review = case.review()
    results = [(person, case.result_of(person)) for person in case.people]
    return {
        "papers": [paper.picture() for paper in case.papers],
        "fields": [
            {"name": name, "label": case.labels.get(name, name), "value": shortened(printable_text(value))[0]}
            for name, value in case.fields.items()
        ],
        "people": [
            {
                "name": printable_text(person.name),
                "about": printable_text(", ".join(person.fields.values())),
                "result": result,
                "kind": KINDS.get(result, ""),
                "on": all(case.fields.get(name) == value for name, value in person.fields.items()),
            }
            for person, result in results
        ],
        "verdicts": pictures,
        "review": review_picture(review, case.locate) if review is not None else None,
        "stale": not case.readable,
        "edited": case.edited,
        "next": case.next_edit[0] if case.next_edit is not None else "",
    }


class TraceView(LabWidget):
    """Shows a `Case`. Every edit in the page gives a new trace at once, with what it changed.

    case   the case, or a function that gives the one to show now: it is asked whenever the page says something
    whole  show the record as a whole first, not the evaluation
    note   one sentence above
    """

    _esm = traitlets.Unicode(asset("common.js", "zone_pane.js", "verdict.js")).tag(sync=True)
    _css = traitlets.Unicode(asset("theme.css", "zone_pane.css", "verdict.css")).tag(sync=True)
    _answer_acknowledges = frozenset({"edit", "next", "fields", "person", "undo", "reset"})
    facts = traitlets.Dict().tag(sync=True)
    saved = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        case: Case | Callable[[], Case],
        *,
        title: str,
        note: str = "",
        whole: bool = False,
        key: str = "",
    ) -> None:
        """``key`` names this view among all of the course: under it the page keeps what was typed, until it has been
        seen again, in case the kernel ends."""
        remember_main_loop()
        super().__init__(facts={"title": title, "note": note, "whole": whole, "key": key})
        self._choose = case if callable(case) else lambda: case
        self._case = self._choose()

    @property
    def case(self) -> Case:
        """The case that is shown."""
        self._case = self._choose()
        return self._case

    # ---- the learner's side

    def on_hello(self, message: dict[str, Any]) -> None:
        """A page has just drawn this widget."""
        self.answer(message, self._state())

    def on_ping(self, message: dict[str, Any]) -> None:
        """The page is there. If another case is to be shown by now, it gets that."""
        shown = self._case
        if self.case is not shown:
            self.answer(message, self._state())

    def on_edit(self, message: dict[str, Any]) -> None:
        """Somebody types in a text."""
        name, text = message.get("paper"), message.get("text")
        if isinstance(name, str) and isinstance(text, str) and name in {one.name for one in self.case.papers}:
            self._case.edit(name, text)
        self.post({**self._state(), "by": message.get("by"), "n": message.get("n")})

    def on_fields(self, message: dict[str, Any]) -> None:
        """Another client, another sender."""
        fields = message.get("fields")
        if isinstance(fields, dict):
            self.case.set({name: value for name, value in fields.items() if isinstance(value, str)})
        self.post({**self._state(), "fields_by": message.get("by")})

    def on_person(self, message: dict[str, Any]) -> None:
        """Somebody else sends."""
        at = message.get("person")
        people = self.case.people
        if isinstance(at, int) and 0 <= at < len(people):
            self._case.set(people[at].fields)
        self.post(self._state)

    def on_next(self, _message: dict[str, Any]) -> None:
        """Make the edit that is offered."""
        self.case.advance()
        self.post(self._state)

    def on_undo(self, _message: dict[str, Any]) -> None:
        """Take the last edit back."""
        self.case.undo()
        self.post(self._state)

    def on_reset(self, _message: dict[str, Any]) -> None:
        """Everything as it was first."""
        self.case.reset()
        self.post(self._state)

    # ---- what is shown

    def _state(self) -> dict[str, Any]:
        return {"op": "state", **case_state(self.case)}

    def as_text(self) -> str:
        """The texts and the trace, one line per step."""
        return case_text(str(self.facts["title"]), case_state(self.case), whole=bool(self.facts["whole"]))

    def as_html(self) -> str:
        """The same as lists and tables."""
        return case_html(str(self.facts["title"]), case_state(self.case), whole=bool(self.facts["whole"]))
