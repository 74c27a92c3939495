"""The mailbox and its devices as a picture, for pages that run nothing."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from labkit.view.cards_static import Html
from labkit.view.static_form import svg_text

WIDTH, TOP, ROW, GAP = 820, 14, 20, 14
LEFT, MIDDLE, RIGHT = 14, 290, 570
WIDE = 236
BLUE, GREY, INK, PUSH = "#0a4fb3", "#596270", "#14171c", "#00614a"


def picture(now: Mapping[str, Any]) -> Html:
    """Alice's side pushes from the left, the devices call from the right, the mailbox stands between them."""
    data = base64.b64encode(_svg(now).encode()).decode()
    return Html(
        '<img alt="Mail is pushed into the mailbox from the left; devices on the right call it and pull. '
        f'The table below says what each of them holds" src="data:image/svg+xml;base64,{data}">'
    )


def _svg(now: Mapping[str, Any]) -> str:
    devices = now["devices"]
    heights = [_height(one["letters"]) for one in devices]
    tall = max(sum(heights) + GAP * (len(heights) - 1), _height(now["mailbox"]))
    height = tall + 2 * TOP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" font-size="12.5">',
        "<title>A mailbox and the devices that read it</title>",
        f'<rect x=".5" y=".5" width="{WIDTH - 1}" height="{height - 1}" rx="8" fill="#ffffff" stroke="#c9ced6"/>',
        *_box(MIDDLE, TOP, tall, "Bob's mailbox", now["host"], now["mailbox"], "empty"),
        svg_text(LEFT, TOP + 30, "SMTP, port 25", PUSH, bold=True),
    ]
    if any(act["pushes"] for act in now["acts"]):
        parts.append(svg_text(LEFT, TOP + 66, "pushes mail in", GREY))
        parts.append(_arrow(LEFT, MIDDLE - 4, TOP + 42, PUSH))
    else:
        parts.append(_dots(LEFT, MIDDLE - 4, TOP + 42))
    y = float(TOP)
    for one, tall_one in zip(devices, heights, strict=True):
        empty = "empty" if one["fetched"] else "has not asked yet"
        parts += _box(
            RIGHT + 4,
            y,
            tall_one,
            one["name"],
            f"{one['protocol']}, port {one['port']}",
            one["letters"],
            empty,
        )
        line = y + tall_one / 2
        start, end = RIGHT + 4, MIDDLE + WIDE + 4
        parts.append(_arrow(start, end, line, BLUE) if one["fetched"] else _dots(start, end, line))
        y += tall_one + GAP
    return "".join([*parts, "</svg>"])


def _arrow(start: float, end: float, y: float, colour: str) -> str:
    """From who calls to who is called."""
    back = -9 if end > start else 9
    return (
        f'<path d="M{start} {y}H{end + back}" stroke="{colour}" stroke-width="2"/>'
        f'<path d="M{end} {y}l{back} -5v10z" fill="{colour}"/>'
    )


def _dots(start: float, end: float, y: float) -> str:
    """Nobody has called yet."""
    return f'<path d="M{start} {y}H{end}" stroke="#8a93a0" stroke-width="2" stroke-dasharray="2 4"/>'


def _height(letters: list[Any]) -> int:
    return 62 + ROW * max(1, len(letters))


def _box(x: float, y: float, tall: float, name: str, what: str, letters: list[Any], empty: str) -> list[str]:
    parts = [
        f'<rect x="{x}" y="{y}" width="{WIDE}" height="{tall}" rx="7" fill="#f6f8fa" stroke="#8a93a0"/>',
        svg_text(x + 12, y + 22, name, INK, bold=True),
        svg_text(x + 12, y + 40, what, GREY),
    ]
    if not letters:
        parts.append(svg_text(x + 12, y + 64, empty, GREY))
    for number, one in enumerate(letters):
        mark = "✓ read" if one["read"] else "● unread"
        parts.append(svg_text(x + 12, y + 64 + ROW * number, one["subject"][:22], INK, bold=not one["read"]))
        parts.append(
            svg_text(x + WIDE - 12, y + 64 + ROW * number, mark, PUSH if one["read"] else BLUE, anchor="end")
        )
    return parts
