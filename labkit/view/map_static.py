"""The map without JavaScript: an ordered list of what happened, and a picture with its own light ground.

This is what GitHub, nbviewer and an untrusted notebook show; see `static_form` for what their sanitizers leave.
"""

from __future__ import annotations

import base64
from collections.abc import Collection
from html import escape
from itertools import islice

from labkit.view.map_story import Layout, Station, Step
from labkit.view.static_form import CHIP, SEVERITY, chip, svg_text

SHOWN = 200
WIDTH, HEIGHT, GAP, ROW, PAD = 104, 62, 74, 84, 16
INK, SOFT, LINE = "#14171c", "#596270", "#8a93a0"


def story_text(steps: Collection[Step]) -> str:
    """One line per step, in the order in which they happened."""
    left_out = len(steps) - SHOWN
    lines = [
        f"{number}. {step['at']} {in_words(step)}" for number, step in enumerate(islice(steps, SHOWN), 1)
    ]
    return "\n".join([*lines, *([f"… {left_out:,} more"] if left_out > 0 else [])])


def story_html(title: str, places: Layout, steps: Collection[Step], empty: str) -> str:
    """Heading, picture, ordered list."""
    picture = base64.b64encode(map_svg(places, steps).encode()).decode()
    items = "".join(
        f"<li>{escape(step['at'])} {_mark(step)} {escape(step['text'])}</li>" for step in islice(steps, SHOWN)
    )
    left_out = len(steps) - SHOWN
    more = f"<p>… {left_out:,} more</p>" if left_out > 0 else ""
    names = " and ".join(name for name, _ in places.regions)
    return (
        f"<p><b>{escape(title)}</b></p>"
        f'<p><img alt="A map of the mail servers of {escape(names)}; the list below says what happened on it" '
        f'src="data:image/svg+xml;base64,{picture}"></p>'
        + (f"<ol>{items}</ol>{more}" if steps else f"<p>{escape(empty)}</p>")
    )


def in_words(step: Step) -> str:
    """A step as one sentence, the reply code at its end."""
    said = f": {step['code']}" if step["tone"] == "2" and step["code"] else ""
    return f"{step['text']}{said}"


def _mark(step: Step) -> str:
    if step["code"]:
        return chip(step["code"])
    colour, ground = CHIP[step["tone"]]
    style = f"color:{colour};background-color:{ground};padding:0 5px;border-radius:4px;font-weight:bold"
    return f'<span style="{style}">{SEVERITY[step["tone"]][0]} {escape(step["mark"])}</span>'


def map_svg(places: Layout, steps: Collection[Step]) -> str:
    """Regions, stations, and the arrows that were travelled, each with its last outcome."""
    rows = max((len(column) for _, columns in places.regions for column in columns), default=1)
    body = rows * ROW
    centre: dict[str, tuple[float, float]] = {}
    regions, x = [], 8.0
    for name, columns in places.regions:
        wide = PAD * 2 + len(columns) * WIDTH + (len(columns) - 1) * GAP
        regions.append(
            f'<rect x="{x:g}" y="8" width="{wide:g}" height="{body + 52:g}" rx="10" fill="#f4f6f8" stroke="#c9ced6"/>'
            + svg_text(x + PAD, 30, name, SOFT, bold=True)
        )
        for index, column in enumerate(columns):
            left = x + PAD + index * (WIDTH + GAP)
            top = 46 + (body - len(column) * ROW) / 2
            for place, station in enumerate(column):
                centre[station.id] = (left + WIDTH / 2, top + place * ROW + ROW / 2)
        x += wide + GAP
    width, height = x - GAP + 8, body + 68
    marks: dict[tuple[str, str], Step] = {}
    for step in steps:
        if step["from"] != step["to"] and step["from"] in centre and step["to"] in centre:
            marks[step["from"], step["to"]] = step
    quiet = [_arrow(centre[a], centre[b], None) for a, b in places.ways if (a, b) not in marks]
    drawn = [_arrow(centre[a], centre[b], step) for (a, b), step in marks.items()]
    boxes = [_station(station, *centre[station.id]) for station in places.stations]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}" font-size="13">'
        "<title>Mail servers, and the way of the message between them</title>"
        f'<rect x=".5" y=".5" width="{width - 1:g}" height="{height - 1:g}" rx="8" fill="#ffffff" stroke="#c9ced6"/>'
    )
    return "".join([head, *regions, *quiet, *boxes, *drawn, "</svg>"])


def _station(station: Station, x: float, y: float) -> str:
    round_ = HEIGHT / 2 if station.is_person else 8
    port = "" if station.is_person else "port " + ", ".join(str(port) for port in station.ports)
    return (
        f'<rect x="{x - WIDTH / 2:g}" y="{y - HEIGHT / 2:g}" width="{WIDTH}" height="{HEIGHT}" rx="{round_:g}" fill="#ffffff" stroke="{LINE}" stroke-width="1.4"/>'
        + svg_text(x, y + (5 if station.is_person else -2), station.label, INK, bold=True, anchor="middle")
        + svg_text(x, y + 17, port, SOFT, anchor="middle")
    )


def _arrow(start: tuple[float, float], end: tuple[float, float], step: Step | None) -> str:
    """A way: dotted when nothing went there, else in the colour of its last outcome, with a mark on it."""
    forward = end[0] > start[0]
    side = WIDTH / 2 if forward else -WIDTH / 2
    (x1, y1), (x2, y2) = (start[0] + side, start[1]), (end[0] - side, end[1])
    if not forward:  # what goes back goes underneath
        (x1, y1), (x2, y2) = (start[0], start[1] + HEIGHT / 2), (end[0], end[1] + HEIGHT / 2)
        bend = f"M{x1:g} {y1:g}C{x1:g} {y1 + 34:g} {x2:g} {y2 + 34:g} {x2:g} {y2 + 6:g}"
        tip, middle = f"M{x2 - 5:g} {y2 + 8:g}l5 -8l5 8z", ((x1 + x2) / 2, max(y1, y2) + 25)
    else:
        bend = f"M{x1:g} {y1:g}C{x1 + 36:g} {y1:g} {x2 - 36:g} {y2:g} {x2 - 7:g} {y2:g}"
        tip, middle = f"M{x2 - 9:g} {y2 - 5:g}l9 5l-9 5z", ((x1 + x2) / 2, (y1 + y2) / 2 - 13)
    if step is None:
        return f'<path d="{bend}" fill="none" stroke="{LINE}" stroke-width="1.4" stroke-dasharray="2 4"/>'
    colour, ground = CHIP[step["tone"]]
    dash = "" if step["tone"] == "2" else ' stroke-dasharray="6 4"'
    word = f"{SEVERITY[step['tone']][0]} {step['mark']}"
    wide = 12 + 7.3 * len(word)
    return (
        f'<path d="{bend}" fill="none" stroke="{colour}" stroke-width="2"{dash}/><path d="{tip}" fill="{colour}"/>'
        f'<rect x="{middle[0] - wide / 2:g}" y="{middle[1] - 9:g}" width="{wide:g}" height="18" rx="5" fill="{ground}" stroke="{colour}"/>'
        + svg_text(middle[0], middle[1] + 4, word, colour, mono=True, bold=True, anchor="middle")
    )
