"""One sentence under the set-up cell: it worked."""

from __future__ import annotations

from html import escape

from IPython.display import display

MARK = "color:#00614a;background-color:#def2ea;padding:0 6px;border-radius:4px;font-weight:bold"


class ReadyLine:
    """A sentence with a mark before it."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return f'<p><span style="{MARK}">✓ ready</span> {escape(self.text)}</p>'


def say_ready(text: str) -> None:
    """Show the sentence under the running cell."""
    display(ReadyLine(text))  # type: ignore[no-untyped-call]
