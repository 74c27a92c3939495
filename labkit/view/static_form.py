"""A session without JavaScript: the same story as a picture, a table and plain text.

This is what GitHub, nbviewer and an untrusted notebook show. Their sanitizers drop ``<svg>``, ``<style>``, ``role``,
``aria-*``, ``data-*`` and CSS variables, so the picture is an ``<img>`` with a data address, chips set text and background
colour together, and nothing is told by colour alone.
"""

from __future__ import annotations

import base64
from html import escape
from typing import Any

from labkit.view.session_rows import Row

SEVERITY = {"2": ("✓", "done"), "3": ("→", "go on"), "4": ("◷", "try later"), "5": ("✕", "refused")}
CHIP = {
    "2": ("#00614a", "#def2ea"),
    "3": ("#0a4fb3", "#e1ecfb"),
    "4": ("#774800", "#fcf0d6"),
    "5": ("#a5300f", "#fde7df"),
}
PICTURE_LINES, TABLE_LINES, TEXT_LINES = (
    (40, 15),
    (200, 50),
    (800, 200),
)  # the first and the last that are shown
STATE_WORDS = {
    "connected": "connected",
    "greeted": "greeted",
    "sender": "sender set",
    "recipients": "recipients",
    "message": "message text",
    "accepted": "accepted",
    "closed": "closed",
}


def chip(code: str, continued: bool = False) -> str:
    """A reply code as HTML: shape, code and word, text and background colour set together."""
    shape, word = SEVERITY.get(code[0], ("?", "unknown"))
    colour, ground = CHIP.get(code[0], ("#333333", "#eeeeee"))
    style = f"color:{colour};background-color:{ground};padding:0 5px;border-radius:4px;font-weight:bold;white-space:nowrap"
    return f'<span style="{style}" title="{word}">{shape} {escape(code)}{"-" if continued else ""}</span>'


def _shown(rows: list[Row], ends: tuple[int, int]) -> list[Row | int]:
    """The rows, or those at both ends with the number of those left out between them."""
    first, last = ends
    left_out = len(rows) - first - last
    return [*rows] if left_out <= 1 else [*rows[:first], left_out, *rows[-last:]]


def wire_text(rows: list[Row]) -> str:
    """``C:``/``S:`` lines as a person writes a session down; of a very long one, both ends."""
    return "\n".join(
        f"(… {row:,} lines left out here …)" if isinstance(row, int) else _plain(row)
        for row in _shown(rows, TEXT_LINES)
    )


def _plain(row: Row) -> str:
    if row["role"] == "closed":
        return f"({'server' if row['s'] == 'S' else 'client'} closed the connection)"
    code = f"{row['code']}{'-' if row['cont'] else ' '}" if row["code"] else ""
    more = f" … {row['more']} more characters" if row["more"] else ""
    odd = f"  [{row['end']}]" if row["end"] != "CR LF" else ""
    return f"{row['s']}: {code}{row['t']}{more}{odd}".rstrip()


def session_html(rows: list[Row], title: str, route: str, remarks: dict[int, str] | None = None) -> str:
    """Static HTML of a session: heading, picture, table with the state after each line, plain text in a fold."""
    if not rows:
        return f"<p><b>{escape(title)}</b> {escape(route)}</p><p>No line yet.</p>"
    said = remarks or {}
    body = "".join(
        f'<tr><td></td><td></td><td style="text-align:left">… {row:,} lines left out here …</td></tr>'
        if isinstance(row, int)
        else f"<tr><td>{row['n']}</td><td>{'client' if row['s'] == 'C' else 'server'}</td>"
        f'<td style="text-align:left"><code>{_cell(row)}</code></td>'
        f'<td style="text-align:left">{escape(str(said.get(row["n"], "")))}</td>'
        f'<td style="text-align:left">{escape(str(STATE_WORDS.get(row["after"], row["after"])))}</td></tr>'
        for row in _shown(rows, TABLE_LINES)
    )
    picture = base64.b64encode(session_svg(rows, route).encode()).decode()
    return (
        f"<p><b>{escape(title)}</b> {escape(route)}</p>"
        f'<p><img alt="The session as a ladder of {len(rows)} lines between client and server; the table below says the same" '
        f'src="data:image/svg+xml;base64,{picture}"></p>'
        "<table><thead><tr><th>line</th><th>who</th><th>what was said</th><th>what it means</th><th>state after it</th></tr></thead>"
        f"<tbody>{body}</tbody></table>"
        f"<details><summary>The same as text</summary><pre>{escape(wire_text(rows))}</pre></details>"
    )


def _cell(row: Row) -> str:
    if row["role"] == "closed":
        return "(closed the connection)"
    more = f" … {row['more']} more characters" if row["more"] else ""
    odd = f" [{row['end']}]" if row["end"] != "CR LF" else ""
    head = chip(row["code"], row["cont"]) + " " if row["code"] else ""
    return f"{head}{escape(row['t'] + more + odd)}"


def session_svg(rows: list[Row], route: str) -> str:
    """The ladder as a picture with its own light ground, so that it reads on a dark page too."""
    shown = _shown(rows, PICTURE_LINES)
    step, top, width = 27, 44, 820
    height = top + step * len(shown) + 14
    client, _, server = route.partition(" → ")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-size="13">',
        "<title>An SMTP session as a ladder</title>",
        f'<rect x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="8" fill="#ffffff" stroke="#c9ced6"/>',
        svg_text(48, 22, "client " + client, "#0a4fb3", bold=True),
        svg_text(width - 16, 22, "server " + server, "#596270", bold=True, anchor="end"),
        f'<path d="M48 32V{height - 8}M{width - 16} 32V{height - 8}" stroke="#8a93a0" stroke-width="2"/>',
    ]
    for index, row in enumerate(shown):
        y = top + step * index
        if isinstance(row, int):
            parts.append(
                svg_text(width / 2, y + 12, f"… {row:,} lines left out here …", "#596270", anchor="middle")
            )
        else:
            parts.append(_svg_row(row, y, width))
    return "".join([*parts, "</svg>"])


def _svg_row(row: Row, y: float, width: int) -> str:
    number = svg_text(36, y + 12, str(row["n"]), "#596270", anchor="end")
    if row["role"] == "closed":
        who = "The server" if row["s"] == "S" else "The client"
        return number + svg_text(
            width / 2, y + 12, f"{who} closed the connection.", "#596270", anchor="middle"
        )
    line_y = y + 18
    right = width - 16
    if row["s"] == "C":
        arrow = f'<path d="M48 {line_y}H{right - 2}" stroke="#0a4fb3" stroke-width="1.6"/><path d="M{right - 9} {line_y - 4}l8 4l-8 4z" fill="#0a4fb3"/>'
        return number + arrow + svg_text(62, y + 13, row["t"][:96], "#14171c", mono=True)
    arrow = (
        f'<path d="M50 {line_y}H{right}" stroke="#8a93a0" stroke-width="1.4" stroke-dasharray="4 3"/>'
        f'<path d="M57 {line_y - 4}l-8 4l8 4z" fill="#8a93a0"/>'
    )
    x, head = 290, ""
    if row["code"]:
        shape, _ = SEVERITY.get(row["code"][0], ("?", ""))
        colour, ground = CHIP.get(row["code"][0], ("#333333", "#eeeeee"))
        head = f'<rect x="{x - 5}" y="{y - 1}" width="66" height="17" rx="4" fill="{ground}"/>'
        head += svg_text(
            x, y + 12, f"{shape} {row['code']}{'-' if row['cont'] else ''}", colour, mono=True, bold=True
        )
        x += 70
    return number + arrow + head + svg_text(x, y + 12, row["t"][:56], "#14171c", mono=True)


def svg_text(
    x: float,
    y: float,
    text: str,
    colour: str,
    *,
    mono: bool = False,
    bold: bool = False,
    anchor: str = "start",
) -> str:
    family = "DejaVu Sans Mono, Menlo, Consolas, monospace" if mono else "system-ui, DejaVu Sans, sans-serif"
    weight = ' font-weight="bold"' if bold else ""
    size = ' font-size="12"' if mono else ""
    place = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text x="{x:g}" y="{y:g}" fill="{colour}" font-family="{family}"{weight}{size}{place} xml:space="preserve">{escape(text)}</text>'


def remarks_of(explanations: dict[int, dict[str, Any]]) -> dict[int, str]:
    """The headline per line number, for the table."""
    return {seq: str(known.get("headline", "")) for seq, known in explanations.items()}
