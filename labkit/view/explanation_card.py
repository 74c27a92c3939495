"""How Jupyter shows what `labkit.explain` answers: static HTML, which an untrusted notebook and GitHub show as well.

The text that is explained is a stranger's: everything is escaped, and what is invisible is shown as an escape.
"""

from __future__ import annotations

from labkit.explainers.answer import ExplainedLine, Explanation, Problem
from labkit.view.cards_static import Html, box, chip, el, items, kids, prose

__all__ = ["explanation_html", "explanation_text"]

_MARKS = {
    "note": ("i", "worth knowing", "go"),
    "wrong": ("✗", "wrong", "fix"),
    "unknown": ("?", "not known", "later"),
}
"""Mark to its shape, its word and its colours: nothing is told by colour alone. What is in order has none."""
_CELL = "text-align:left;vertical-align:top;padding:3px 12px 3px 0;border:0;background:transparent"
_QUIET = "margin:4px 0;font-size:13px"
_WRAPPED = "white-space:pre-wrap;overflow-wrap:anywhere"


def explanation_text(answer: Explanation) -> str:
    """The answer in plain text."""
    return str(answer)


def explanation_html(answer: Explanation) -> str:
    """The answer as a card: what it is, what is wrong, who does what, and each line with its meaning."""
    wrong = bool(answer.problems)
    shape, kind, side = ("✗", "fix", "#cf5a34") if wrong else ("✓", "done", "#00806a")
    if answer.kind == "unknown":
        shape, kind, side = "?", "later", "#b07a1e"
    return str(
        el(
            "div",
            el("div", chip(f"{shape} {answer.kind}", kind), " ", el("strong", answer.title, style=_WRAPPED)),
            el("p", prose(answer.summary), style="margin:6px 0"),
            el("ol", *(el("li", _problem(one)) for one in answer.problems), style="margin:4px 0;padding-left:24px")
            if wrong
            else None,
            el("p", el("strong", "Who must act: "), f"{answer.who_acts}.", style="margin:6px 0") if answer.who_acts else None,
            kids(el("strong", "Next:"), items(prose(step) for step in answer.next_steps)) if answer.next_steps else None,
            el("table", el("tbody", *(_row(line) for line in answer.lines)), style="margin:6px 0;border-collapse:collapse")
            if answer.lines
            else None,
            el("details", el("summary", "Rules"), items(str(rule) for rule in answer.rules), style=_QUIET) if answer.rules else None,
            el("p", el("em", _doubts(answer)), style=_QUIET) if _doubts(answer) else None,
            style=box(side),
        )
    )  # fmt: skip


def _problem(problem: Problem) -> Html:
    where = f"Line {problem.where}: " if problem.where else ""
    who = f"{problem.who_acts[:1].upper()}{problem.who_acts[1:]}: " if problem.who_acts else ""
    return kids(
        el("span", where, prose(problem.what), style=_WRAPPED),
        kids(Html("<br>"), el("strong", who), prose(problem.do)) if problem.do else None,
        kids(Html("<br>"), el("em", str(problem.rule))) if problem.rule else None,
    )


def _row(line: ExplainedLine) -> Html:
    sign = _MARKS.get(line.mark)
    rule = f" ({line.rule.ref})" if line.rule else ""
    return el(
        "tr",
        el(
            "td", chip(f"{sign[0]} {sign[1]}", sign[2]) if sign else None, style=f"{_CELL};white-space:nowrap"
        ),
        el("td", el("code", line.text, style=_WRAPPED), style=_CELL),
        el("td", prose(line.meaning), el("em", rule), style=_CELL),
    )


def _doubts(answer: Explanation) -> str:
    others = f"It could also be {' or '.join(answer.others)}. " if answer.others else ""
    open_ = (
        ""
        if answer.certain
        else "Not certain: the standards leave part of this open, or it could only be guessed."
    )
    return f"{others}{open_}".strip()
