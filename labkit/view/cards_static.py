"""Static HTML for cards: it stands in a stored notebook, survives every sanitizer, reads on white and black.

Sanitizers drop SVG, style sheets, roles, `aria-*`, `data-*` and `var()`. So this is only paragraphs, lists
and tables with literal colours: text takes the page's own colour, or it brings its background along.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from labkit.view.cards_base import visible
from labkit.view.static_form import chip as code_chip

__all__ = ["Html", "chip", "el", "kids", "panel", "plain_lines", "prose", "session_table"]

# (background, text) of a chip; each pair reads at 5:1 or better by itself, on whatever page it stands.
_CHIPS: Mapping[str, tuple[str, str]] = {
    "task": ("#f1e6f8", "#5f2c80"),
    "plain": ("#e8ebef", "#2b323b"),
    "done": ("#def2ea", "#00513e"),
    "go": ("#e1ecfb", "#0a4391"),
    "later": ("#fcf0d6", "#6b4100"),
    "fix": ("#fde7df", "#8f290d"),
}
_LINE = "#868e99"  # 3:1 or better on white and on black
_CELL = "text-align:left;vertical-align:baseline;padding:1px 10px 1px 0;border:0;background:transparent"


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def el(name: str, *content: object, style: str = "", **attributes: str) -> Html:
    """One element. Everything in it that is not `Html` is escaped, also in attributes; None is left out."""
    given = {**attributes, **({"style": style} if style else {})}
    attrs = "".join(f' {key}="{escape(value)}"' for key, value in given.items())
    return Html(f"<{name}{attrs}>{kids(*content)}</{name}>")


def kids(*content: object) -> Html:
    """The contents one behind the other, escaped unless they are `Html`; lists opened, None left out."""
    parts: list[str] = []
    for item in content:
        if item is None:
            continue
        if isinstance(item, Html):
            parts.append(str(item))
        elif isinstance(item, (list, tuple)):
            parts.append(str(kids(*item)))
        else:
            parts.append(escape(str(item), quote=False))
    return Html("".join(parts))


def prose(text: str) -> Html:
    """Our own sentences: `code` between backticks is marked up, everything else is text."""
    parts = re.split(r"(`[^`]+`)", text)
    return kids(
        *(el("code", part[1:-1]) if len(part) > 2 and part[0] == part[-1] == "`" else part for part in parts)
    )


def paragraphs(text: str) -> Html:
    """Sentences with empty lines between paragraphs."""
    return kids(*(el("p", prose(part.strip()), style="margin:4px 0") for part in re.split(r"\n\s*\n", text)))


def chip(word: str, kind: str = "plain") -> Html:
    """A word on its own ground."""
    ground, ink = _CHIPS[kind]
    shape = "padding:1px 8px;border-radius:6px;font-weight:600;font-size:12px"
    style = f"background-color:{ground};color:{ink};{shape}"
    return el("span", word, style=style)


def box(side: str) -> str:
    """The style of a box with a bar of that colour at its side."""
    frame = f"border:1px solid {_LINE};border-left:5px solid {side};border-radius:8px"
    return f"{frame};padding:10px 14px;margin:4px 0;max-width:900px"


def panel(label: str, title: str, *content: object, task: bool = True) -> Html:
    """A card's static form: its kind, its title, and what is in it."""
    return el(
        "div",
        el("div", chip(label, "task" if task else "plain")),
        el("p", el("strong", prose(title)), style="margin:6px 0 4px;font-size:15px"),
        *content,
        style=box("#9b6cc0" if task else _LINE),
    )


def note(text: str) -> Html:
    """A quiet line under a card: what a reader without a kernel can do."""
    return el("p", el("em", prose(text)), style="margin:8px 0 0;font-size:13px")


def items(texts: Iterable[object], ordered: bool = False) -> Html:
    """A list."""
    return el(
        "ol" if ordered else "ul", *(el("li", text) for text in texts), style="margin:4px 0;padding-left:24px"
    )


def session_table(lines: Sequence[Mapping[str, Any]]) -> Html:
    """Lines of a session (see `wire_lines`) as a table: number, who, what was said."""
    rows = []
    for line in lines:
        said: object = el("code", str(line["text"]), style="white-space:pre-wrap")
        if line.get("closed"):
            said = el("em", f"({line['text']})")
        code = Html(code_chip(line["code"], line["more"]) + " ") if line.get("code") else None
        rows.append(
            el(
                "tr",
                el("td", str(line["n"]), style=_CELL) if "n" in line else None,
                el("td", f"{line['who']}:" if line["who"] else "", style=_CELL),
                el("td", code, said, style=_CELL),
            )
        )
    return el("table", el("tbody", *rows), style="margin:4px 0;border-collapse:collapse")


def plain_lines(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """The same lines as plain text."""
    shown = []
    for line in lines:
        code = f"{line['code']}{'-' if line.get('more') else ' '}" if line.get("code") else ""
        said = f"({line['text']})" if line.get("closed") else f"{code}{line['text']}"
        number = f"{line['n']:>3}  " if "n" in line else "  "
        shown.append(f"{number}{line['who'] + ': ' if line['who'] else ''}{said}".rstrip())
    return shown


def bullet_lines(texts: Iterable[str]) -> list[str]:
    """A list in plain text; long ones are cut as on the page."""
    return [f"  - {visible(text)}" for text in texts]
