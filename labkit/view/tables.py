"""Tables made from the very data that the lab judges by."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from labkit.learn.course import ROUTES, Lesson, find_lesson
from labkit.smtp.commands import COMMANDS


class Table:
    """A plain table that reads in every notebook: heads and rows of text, the first column in code type."""

    def __init__(self, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        self.heads, self.rows = tuple(heads), tuple(tuple(row) for row in rows)

    def as_text(self) -> str:
        """One line per row."""
        return "\n".join("  |  ".join(row) for row in (self.heads, *self.rows))

    def as_html(self) -> str:
        """An HTML table without scripts or style sheets."""
        left = ' style="text-align:left"'
        head = "".join(f"<th{left}>{escape(name)}</th>" for name in self.heads)
        body = "".join(
            f"<tr><td{left}>{self.first_cell(first)}</td>"
            + "".join(f"<td{left}>{self.cell(cell)}</td>" for cell in rest)
            + "</tr>"
            for first, *rest in self.rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def first_cell(self, text: str) -> str:
        """The first column is in code type."""
        return f"<code>{escape(text)}</code>"

    def cell(self, text: str) -> str:
        """Any other cell is text."""
        return escape(text)

    def _repr_mimebundle_(self, **_kwargs: Any) -> dict[str, str]:
        return {"text/plain": self.as_text(), "text/html": self.as_html()}


class RouteTable(Table):
    """The ways through the course. A lesson whose notebook is in `folder` is a link that opens it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            ("what brings you here", "lessons, in this order"),
            [(way.title, " → ".join(way.lessons)) for way in ROUTES],
        )
        self._folder = folder

    def first_cell(self, text: str) -> str:
        """The first column names the reason."""
        return f"<b>{escape(text)}</b>"

    def cell(self, text: str) -> str:
        """The lessons of a route, by number; each says at a touch of the pointer what it asks."""
        return " → ".join(self._link(find_lesson(name)) for name in text.split(" → "))

    def _link(self, lesson: Lesson) -> str:
        if not lesson.exists_in(self._folder):
            return f'<span title="{escape(lesson.question)} Comes later.">{lesson.id}</span>'
        return f'<a style="text-decoration:underline" href="{escape(lesson.notebook)}" title="{escape(lesson.question)}">{lesson.id}</a>'


def command_table() -> Table:
    """Every SMTP command that the lab knows: syntax, purpose, whether a server must have it, and where it is defined."""
    rows = [
        (info.syntax, info.purpose, "yes" if info.required else "no", info.rfc) for info in COMMANDS.values()
    ]
    return Table(("command", "what it does", "every server must have it", "source"), rows)
