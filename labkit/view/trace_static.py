"""A trace view without a page: the texts with the deciding octets underlined, and a line for each step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labkit.view.cards_static import Html, chip, el, items, kids, prose
from labkit.view.printable import printable_text, shortened

__all__ = ["case_html", "case_text"]

Picture = dict[str, Any]
SHAPES = {"2": "✓", "3": "→", "4": "◷", "5": "✕"}
TONES = {"2": "done", "3": "go", "4": "later", "5": "fix"}
SHOWN_LINES, SHOWN_ROWS, LINE = 80, 60, 300
_CELL = "text-align:left;vertical-align:top;padding:1px 12px 1px 0;border:0;background:transparent"


def case_text(title: str, state: Picture, *, whole: bool = False) -> str:
    """Plain text of a case."""
    lines = [title, f"  {_who(state)}"]
    for paper in state["papers"]:
        lines.append(f"{paper['title']}:")
        lines += [f"  {number:>3}  {line}" for number, line in _lines(paper)]
        lines += [f"  line {note['line']}: {note['text']}" for note in paper["notes"]]
    if whole and state["review"]:
        lines += _review_lines(state["review"])
    else:
        for verdict in state["verdicts"]:
            lines += list(_verdict_lines(verdict))
    lines += [f"  {person['name']} ({person['about']}): {person['result']}" for person in state["people"]]
    return "\n".join(line.rstrip() for line in lines)


def _who(state: Picture) -> str:
    return ", ".join(f"{field['label']} {field['value']}" for field in state["fields"])


def _lines(paper: Picture) -> list[tuple[int, str]]:
    found = [
        (number, shortened(printable_text(line), LINE)[0])
        for number, line in enumerate(paper["text"].rstrip("\n").split("\n"), paper["first"])
    ]
    return found[:SHOWN_LINES]


def _open_rows(verdict: Picture) -> list[Picture]:
    """The rows of the top level, and those below what decided."""
    shown, open_depth = list[Picture](), 0
    for row in verdict["rows"]:
        if row["depth"] <= open_depth:
            shown.append(row)
            open_depth = row["depth"] + (1 if row["on_path"] else 0)
    return shown[:SHOWN_ROWS]


def _meters(meters: list[Picture]) -> str:
    return "; ".join(f"{one['used']} of {one['most']} {one['label']}" for one in meters)


def _verdict_lines(verdict: Picture) -> Iterator[str]:
    yield f"{verdict['method']}={verdict['result']}" + (
        f" ({_meters(verdict['meters'])})" if verdict["meters"] else ""
    )
    for row in _open_rows(verdict):
        flag = ">" if row["decides"] else " "
        number = f"[{row['at']}] " if row["at"] else ""
        rule = f"; {row['rule']['ref']}" if row["decides"] else ""
        yield f" {flag} {'  ' * row['depth']}{number}{row['text']} ({row['outcome']}{rule})"
        if row["dns"]:
            yield f"   {'  ' * row['depth']}  DNS: {row['dns']['asked']}: {', '.join(row['dns']['said'])}"
    yield f"  {verdict['explanation']}"
    for name, value in verdict["properties"]:
        yield f"  {name}: {value}"


def _review_lines(review: Picture) -> list[str]:
    lines = [f"The whole record: {_meters(review['meters'])}"]
    for row in [one for one in review["rows"] if one["at"] != "0"][:SHOWN_ROWS]:
        lines.append(f"  {'  ' * row['depth']}{row['text'].strip('`')}  [{row['at']}]")
    lines += [f"  {one['level']}: {one['text']} ({one['rule']['ref']})" for one in review["findings"]]
    return lines


# ---- HTML


def case_html(title: str, state: Picture, *, whole: bool = False) -> str:
    """HTML of a case, without scripts or style sheets."""
    marks = [
        mark
        for one in state["verdicts"]
        for row in one["rows"]
        if row["decides"] or row["outcome"] == "checked"
        for mark in row["marks"]
    ]
    parts: list[object] = [el("p", el("b", title)), el("p", _who(state))]
    for paper in state["papers"]:
        parts.append(el("p", el("b", paper["title"]), style="margin:6px 0 0"))
        parts.append(
            _paper(paper, [] if whole else [mark for mark in marks if mark.get("paper") == paper["name"]])
        )
        if paper["notes"]:
            parts.append(items(f"line {note['line']}: {note['text']}" for note in paper["notes"]))
    if whole and state["review"]:
        parts.append(_review(state["review"]))
    else:
        parts += [_verdict(one) for one in state["verdicts"]]
    if state["people"]:
        parts.append(
            el("table", el("tbody", *(
                el("tr", el("td", person["name"], style=_CELL), el("td", el("code", person["about"]), style=_CELL),
                   el("td", _result(person["result"], person["kind"]), style=_CELL))
                for person in state["people"]
            )), style="border-collapse:collapse")
        )  # fmt: skip
    return str(kids(*parts))


def _result(word: str, kind: str) -> Html:
    shape = SHAPES.get(kind, "")
    return chip(f"{shape} {word}".strip(), TONES.get(kind, "plain"))


def _paper(paper: Picture, marks: list[Picture]) -> Html:
    """Numbered lines; what decided is underlined."""
    rows, at = list[Html](), 0
    lines = paper["text"].rstrip("\n").split("\n")
    for number, line in enumerate(lines[:SHOWN_LINES], paper["first"]):
        cuts = sorted(
            (max(0, mark["start"] - at), min(len(line), mark["end"] - at))
            for mark in marks
            if mark["start"] < at + len(line) and mark["end"] > at
        )
        rows.append(
            el("tr", el("td", str(number), style=_CELL), el("td", el("code", *_underlined(line, cuts), style="white-space:pre-wrap"), style=_CELL))
        )  # fmt: skip
        at += len(line) + 1
    return el("table", el("tbody", *rows), style="border-collapse:collapse;margin:2px 0")


def _underlined(line: str, cuts: list[tuple[int, int]]) -> Iterator[object]:
    done = 0
    for start, end in cuts:
        yield shortened(printable_text(line[done:start]), LINE)[0]
        yield el("u", el("b", shortened(printable_text(line[max(done, start) : end]), LINE)[0]))
        done = max(done, end)
    yield shortened(printable_text(line[done:]), LINE)[0]


def _verdict(verdict: Picture) -> Html:
    rows = []
    for row in _open_rows(verdict):
        flag = chip("⚑ decides", "go") if row["decides"] else None
        dns = row["dns"]
        answer = (
            el(
                "div",
                f"DNS: {dns['asked']}: {', '.join(dns['said'])}",
                style="font-size:12px;padding-left:16px",
            )
            if dns
            else None
        )
        rows.append(
            el("tr", el("td", row["at"], style=_CELL),
               el("td", prose(row["text"]), " ", flag, answer, style=f"{_CELL};padding-left:{20 * row['depth']}px"),
               el("td", _result(row["outcome"], row["kind"]), style=_CELL),
               el("td", row["rule"]["ref"], style=f"{_CELL};font-size:12px"))
        )  # fmt: skip
    said = (
        items(f"{name}: {value}" for name, value in verdict["properties"]) if verdict["properties"] else None
    )
    meters = el("p", _meters(verdict["meters"])) if verdict["meters"] else None
    head = el(
        "p",
        _result(f"{verdict['method']}={verdict['result']}", verdict["kind"]),
        " ",
        prose(verdict["explanation"]),
    )
    return kids(meters, el("table", el("tbody", *rows), style="border-collapse:collapse"), head, said)


def _review(review: Picture) -> Html:
    rows = [
        el("tr", el("td", row["at"], style=_CELL), el("td", prose(row["text"]), style=f"{_CELL};padding-left:{20 * row['depth']}px"))
        for row in review["rows"][:SHOWN_ROWS]
    ]  # fmt: skip
    tones = {"error": "fix", "warning": "later", "note": "go"}
    found = items(kids(chip(one["level"], tones[one["level"]]), " ", prose(one["text"]), f" ({one['rule']['ref']})") for one in review["findings"])  # fmt: skip
    return kids(
        el("p", _meters(review["meters"])),
        el("table", el("tbody", *rows), style="border-collapse:collapse"),
        found if review["findings"] else None,
    )
