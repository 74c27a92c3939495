"""The eavesdropper's view beside the endpoint's: one connection in two columns."""

from __future__ import annotations

from typing import Any, ClassVar

from labkit.view.cards_static import Html, chip, el, kids
from labkit.view.tls_desk import BREAK, Desk, Picture, headline, headline_html

__all__ = ["WireView"]

WORDS = {
    "both": "readable",
    "changed": "CHANGED",
    "handshake": "TLS",
    "hidden": "hidden",
    "inside": "READ INSIDE TLS",
}
LEFT, RIGHT = "The machine on the way reads", "Alice's program says and reads"
_CELL = "text-align:left;vertical-align:top;padding:2px 12px 2px 0;border:0;background:transparent"


class WireView(Desk):
    """Hands a letter in past a machine on the way. ``work`` gives `labkit.view.wire_story.picture`."""

    kind: ClassVar[str] = "wire"
    empty: ClassVar[str] = (
        "Nothing has passed yet. On the left appears what a machine on the way reads, on the right what Alice's program says and reads."
    )

    def told(self, picture: Picture) -> list[str]:
        """Each line with the word for who can read it."""
        lines = [headline(picture)]
        for row in picture["rows"]:
            if row["kind"] == "handshake":
                lines.append(f"{WORDS['handshake']:>15}  {row['note']}")
            for text in row["lines"]:
                became = f"  -> {' / '.join(row['became'])}" if row["kind"] == "changed" else ""
                lines.append(f"{WORDS[row['kind']]:>15}  {row['s']}: {text}{became}")
            if row["note"] and row["lines"]:
                lines.append(f"{'':>15}     ({row['note']})")
        return lines

    def drawn(self, picture: Picture) -> Html:
        """A table with a column for each."""
        rows = [_row(row) for row in picture["rows"]]
        head = el("tr", el("th", LEFT, style=_CELL), el("th", RIGHT, style=_CELL))
        return kids(
            headline_html(picture),
            el("table", el("thead", head), el("tbody", *rows), style="border-collapse:collapse"),
        )


def _row(row: dict[str, Any]) -> Html:
    if row["kind"] == "handshake":
        begins = el("td", el("em", "TLS begins"), style=_CELL)
        return el("tr", el("td", el("em", row["note"]), style=_CELL), begins)
    left: list[object] = _lines(row, row["lines"])
    if row["kind"] == "hidden":
        left = [f"{row['s']}: ", chip("ciphertext")]
    elif row["kind"] == "changed":
        left += [BREAK, chip("✕ sent on as", "fix"), " ", el("code", " ".join(row["became"]))]
    elif row["kind"] == "inside":
        left += [BREAK, chip("✕ read inside TLS", "fix")]
    if row["note"]:
        left += [BREAK, row["note"]]
    right = _lines(row, row.get("right", row["lines"]))
    return el("tr", el("td", *left, style=_CELL), el("td", *right, style=_CELL))


def _lines(row: dict[str, Any], texts: list[str]) -> list[object]:
    found: list[object] = []
    for text in texts:
        found += [BREAK, el("code", f"{row['s']}: {text}")]
    return found[1:]
