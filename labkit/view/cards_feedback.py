"""How Jupyter shows what a check in a cell returns: the same card, without anything to operate."""

from __future__ import annotations

from labkit.learn import Feedback, PredictionState, Solution
from labkit.view.cards_base import evidence_lines, octets, shown_prose
from labkit.view.cards_static import Html, box, chip, el, items, kids, prose

__all__ = ["feedback_html", "feedback_text"]

_SHAPES = {
    "correct": ("done", "✓", "#00806a"),
    "incorrect": ("fix", "✗", "#cf5a34"),
    "not_attempted": ("later", "◷", "#b07a1e"),
    "error": ("fix", "✗", "#cf5a34"),
}
_TEXT = "text-align:left;vertical-align:top;padding:1px 0;border:0;background:transparent"
_NAME = f"{_TEXT};padding-right:14px;white-space:nowrap"


def feedback_text(feedback: Feedback) -> str:
    """A feedback in plain text: what every place can show."""
    lines = [f"{feedback.heading}. {shown_prose(feedback.message)}"]
    return "\n".join(lines + [f"{label}: {text}" for label, text in _parts(feedback)])


def feedback_html(feedback: Feedback) -> str:
    """A feedback as static HTML."""
    kind, shape, side = _SHAPES[feedback.outcome]
    rows = [
        el("tr", el("td", label, style=_NAME), el("td", _broken(text), style=_TEXT))
        for label, text in _parts(feedback)
    ]
    return str(
        el(
            "div",
            el(
                "div",
                chip(f"{shape} {feedback.heading}", kind),
                " ",
                el("strong", _broken(shown_prose(feedback.message))),
            ),
            el("table", el("tbody", *rows), style="margin:6px 0 0;border-collapse:collapse")
            if rows
            else None,
            style=box(side),
        )
    )


def _parts(feedback: Feedback) -> list[tuple[str, str]]:
    parts = [(label, shown_prose(text)) for label, text in feedback.parts()]
    lines = evidence_lines(feedback)
    if lines:
        more = " and more" if len(lines) > 8 else ""
        said = {
            event.seq: f" `{event.sender}: {octets(event.data)}`"
            for event in feedback.transcript or ()
            if event.data
        }
        parts.append(
            ("It rests on", ", ".join(f"line {line}{said.get(line, '')}" for line in lines[:8]) + more)
        )
    return parts


def _broken(text: str) -> Html:
    """Text whose line breaks are kept."""
    first, *rest = text.split("\n")
    return kids(prose(first), *([Html("<br>"), prose(line)] for line in rest))


def solution_text(solution: Solution) -> str:
    """A solution in plain text."""
    answer = solution.answer if isinstance(solution.answer, tuple) else (solution.answer,)
    return "\n".join(
        ["One solution:", *(f"  {shown_prose(str(item))}" for item in answer), shown_prose(solution.why)]
    )


def solution_html(solution: Solution) -> str:
    """A solution as static HTML."""
    answer = solution.answer if isinstance(solution.answer, tuple) else (solution.answer,)
    lines = items(el("code", shown_prose(str(item))) for item in answer)
    return str(
        el("div", chip("One solution"), lines, _broken(shown_prose(solution.why)), style=box("#868e99"))
    )


def prediction_html(state: PredictionState) -> str:
    """A prediction as it stands, as static HTML: the guess beside what happened."""
    sides = (("You expected", state.guess or "(no guess this time)"), ("What happened", state.actual))
    rows = [
        el("tr", el("td", label, style=_NAME), el("td", el("strong", prose(text)), style=_TEXT))
        for label, text in sides
    ]
    table = el("table", el("tbody", *rows), style="border-collapse:collapse")
    told = [el("p", prose(text), style="margin:4px 0") for text in (state.message, state.why) if text]
    content = (table, told[1:]) if state.actual else told
    return str(el("div", *content, style=box("#9b6cc0")))


def prediction_text(state: PredictionState) -> str:
    """A prediction as it stands, in plain text."""
    return "\n".join([state.message, *([state.why] if state.why else [])])
