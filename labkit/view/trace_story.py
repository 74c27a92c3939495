"""What a trace tells, as plain data: a row for each step, which ones decided, what it cost, and what an edit changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from labkit.auth.compare import Row, compare_steps
from labkit.auth.spf import Cost, Review
from labkit.auth.spf import rules as spf_rules
from labkit.lookup import Lookup
from labkit.verdict import Evidence, Step, Verdict
from labkit.view.printable import printable_text, shortened

__all__ = ["KINDS", "Locate", "deciding_path", "review_picture", "term_numbers", "trace_picture"]

Picture = dict[str, Any]
Locate = Callable[[Evidence], "Picture | None"]
"""Where evidence is shown: the paper, the place in it, and a label; None where it is not."""

MOST_ROWS, MOST_ANSWERS, MOST_MARKS, TEXT_LENGTH = 400, 12, 6, 400
MOST_COMPARED = 2000
"""Steps of the top level of two traces: in more of them nobody looks for what an edit changed, and to find it takes long."""
KINDS: Mapping[str, str] = {
    "pass": "2", "match": "2", "found": "2",
    "none": "3", "neutral": "3", "checked": "3", "no match": "", "policy": "3",
    "softfail": "4", "temperror": "4",
    "fail": "5", "permerror": "5",
}  # fmt: skip
"""What an outcome means for the one who asked, as the first digit of a reply would say it."""
_TERMS = {
    rule.ref + rule.text
    for rule in (
        spf_rules.INCLUDE, spf_rules.A, spf_rules.MX, spf_rules.PTR, spf_rules.EXISTS, spf_rules.REDIRECT,
        spf_rules.TERM_LIMIT, spf_rules.VOID_LIMIT, spf_rules.MX_LIMIT, spf_rules.SPEC,
    )
}  # fmt: skip
_LEADING = {spf_rules.INCLUDE.ref, spf_rules.REDIRECT.ref}
_NO_ANSWER = {
    "nodata": "no such record",
    "nxdomain": "no such name",
    "timeout": "no answer",
    "servfail": "an error",
}


def deciding_path(steps: Sequence[Step]) -> tuple[int, ...]:
    """Ids of the steps that decided, from the top level down: the last one, and below it as long as the last one there
    came out as the one above, or matched."""
    path, above = list[int](), ""
    while steps and (not above or steps[-1].outcome in (above, "match")):
        path.append(id(steps[-1]))
        above, steps = steps[-1].outcome, steps[-1].children
    return tuple(path)


def term_numbers(verdict: Verdict) -> dict[int, tuple[int, int]]:
    """For each step about a term that needs the DNS, by id: its number of the ten, and that of the last one below it.

    Empty for a verdict that is not about SPF. Only the lookups for a macro ``%{p}`` are counted with no step of their own.
    """
    numbers = dict[int, tuple[int, int]]()
    if verdict.method == "spf":
        _count(verdict.trace, 0, numbers)
    return numbers


def _count(steps: Sequence[Step], counted: int, numbers: dict[int, tuple[int, int]]) -> int:
    for step in steps:
        of_record = step.lookup is not None and step.lookup.rdtype == "TXT"
        if step.rule.ref + step.rule.text in _TERMS and not of_record:
            counted += 1
            first = counted
            if step.rule.ref in _LEADING:
                counted = _count(step.children, counted, numbers)
            numbers[id(step)] = (first, counted)
    return counted


def trace_picture(verdict: Verdict, before: Verdict | None, locate: Locate) -> Picture:
    """A verdict for the page: its rows from the top, its meters, what it was before the edit."""
    comparable = before is not None and len(before.trace) + len(verdict.trace) <= MOST_COMPARED
    rows = compare_steps(before.trace if before is not None and comparable else (), verdict.trace)
    path, numbers = deciding_path(verdict.trace), term_numbers(verdict)
    every = [(depth, row) for top in rows for depth, row in top.walk()]
    shown = [_row(depth, row, path, numbers, locate, comparable) for depth, row in every[:MOST_ROWS]]
    return {
        "method": verdict.method,
        "result": verdict.result,
        "kind": KINDS.get(verdict.result, ""),
        "explanation": _cut(verdict.explanation),
        "was": before.result if before is not None and before.result != verdict.result else "",
        "was_kind": KINDS.get(before.result, "") if before is not None else "",
        "rows": shown,
        "more": max(0, len(every) - MOST_ROWS),
        "meters": list(_meters(verdict)),
        "properties": _properties(verdict),
    }


def _row(
    depth: int,
    row: Row,
    path: tuple[int, ...],
    numbers: Mapping[int, tuple[int, int]],
    locate: Locate,
    compared: bool,
) -> Picture:
    step, gone = row.step, row.change == "gone"
    first, last = (0, 0) if gone else numbers.get(id(step), (0, 0))
    marks = () if gone else step.evidence[:MOST_MARKS]
    change = row.change if row.change != "same" else "inside" if row.differs else ""
    return {
        "depth": depth,
        "text": _cut(step.text),
        "outcome": step.outcome,
        "kind": KINDS.get(step.outcome, ""),
        "rule": {"ref": step.rule.ref, "text": step.rule.text},
        "inputs": [[name, _cut(value, 200)] for name, value in step.inputs.items()],
        "dns": _answer(step.lookup) if step.lookup is not None else None,
        "at": "" if not first else str(first) if first == last else f"{first}-{last}",
        "over": first > 10,
        "change": change if compared else "",
        "on_path": id(step) in path,
        "decides": bool(path) and id(step) == path[-1],
        "kids": bool(row.children),
        "marks": [place for place in map(locate, marks) if place is not None],
    }


def _answer(found: Lookup) -> Picture:
    said = [_cut(str(record)) for record in found.records[:MOST_ANSWERS]]
    if len(found.records) > MOST_ANSWERS:
        said.append(f"and {len(found.records) - MOST_ANSWERS} more")
    return {
        "asked": f"{_cut(found.name, 200)} {found.rdtype}",
        "said": said or [_NO_ANSWER.get(found.outcome, found.outcome)],
        "found": bool(found.records),
    }


def _meters(verdict: Verdict) -> Iterator[Picture]:
    for name, label, most in (("lookups", "terms with DNS", 10), ("void_lookups", "empty lookups", 2)):
        used = verdict.properties.get(name)
        if isinstance(used, int) and (name == "lookups" or used):
            yield {"label": label, "used": used, "most": most}


def _properties(verdict: Verdict) -> list[list[str]]:
    """What the domain itself says about a fail."""
    said = verdict.properties.get("explanation")
    return [["the domain's own words", _cut(str(said))]] if said else []


# ---- a record as a whole


def review_picture(review: Review, locate: Locate) -> Picture:
    """The tree of a record, level by level, with what each term costs at worst; and what is to be said about it."""
    rows = [
        {
            "depth": depth,
            "text": f"`{_cut(cost.text)}`" if depth % 2 else _cut(cost.text),
            "record": not depth % 2,
            "at": _price(cost, depth),
            "over": cost.total > 10,
            "kids": bool(cost.children),
            "unreached": not cost.reached,
            "marks": [place for place in map(locate, cost.evidence[:1]) if place is not None],
        }
        for depth, cost in review.cost.walk()
    ]
    findings = [
        {
            "level": one.level,
            "text": _cut(one.text),
            "rule": {"ref": one.rule.ref, "text": one.rule.text},
            "marks": [place for place in map(locate, one.evidence[:MOST_MARKS]) if place is not None],
        }
        for one in review.findings
    ]
    return {
        "rows": rows[:MOST_ROWS],
        "more": max(0, len(rows) - MOST_ROWS),
        "findings": findings[:40],
        "meters": [
            {"label": "terms with DNS at worst", "used": review.cost.total, "most": 10},
            *(
                [{"label": "empty lookups at worst", "used": review.cost.voids, "most": 2}]
                if review.cost.voids
                else []
            ),
        ],
    }


def _price(cost: Cost, depth: int) -> str:
    if not cost.reached:
        return "never tried"
    if depth % 2 and cost.own and cost.total > cost.own:
        return f"1 + {cost.total - cost.own}"
    return str(cost.total) if cost.total or not depth % 2 else "0"


def _cut(text: str, limit: int = TEXT_LENGTH) -> str:
    shown, more = shortened(printable_text(text), limit)
    return f"{shown} … {more:,} more characters" if more else shown
