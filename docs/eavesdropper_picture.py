"""What a machine on the way reads, with STARTTLS and with STARTTLS stripped: `python docs/eavesdropper_picture.py`.

Hands the same letter in twice, past a machine that listens and past one that strips, and writes docs/eavesdropper.svg. What
stands in the picture comes from that machine's own record; where a line was encrypted there is a bar.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from labkit.lessons.tls_world import Program, handed_in
from labkit.view.static_form import svg_text
from labkit.view.wire_story import picture

PLACE = Path(__file__).with_name("eavesdropper.svg")
WIDTH, PANEL, TOP, STEP, LONGEST = 980, 480, 92, 21, 52
INK, QUIET, FIX, TLS = "#14171c", "#596270", "#a5300f", "#00614a"
LOST, KEPT = "✕ password and letter can be read", "✓ neither password nor letter can be read"
RUNS = (
    ("", "It only listens", "STARTTLS on port 587; the program takes TLS if it is offered"),
    ("strip_starttls", "It strips STARTTLS", "the same program, the same server, the same letter"),
)


def panel(x: int, title: str, about: str, shown: dict[str, Any]) -> tuple[list[str], int]:
    """One record as SVG, and where it ends."""
    alarm = any(kind == "5" for _, kind in shown["verdict"])
    parts = [
        svg_text(x, 30, title, INK, bold=True),
        svg_text(x, 50, about, QUIET),
        svg_text(x, 72, LOST if alarm else KEPT, FIX if alarm else TLS, bold=True),
    ]
    y = TOP
    for row in shown["rows"]:
        if row["kind"] == "handshake":
            parts.append(svg_text(x, y + 13, "TLS begins: certificate and keys", TLS, bold=True))
            y += STEP
        for line in row["lines"]:
            text = f"{row['s']}: {line}"
            if row["kind"] == "hidden":
                parts.append(f'<rect x="{x}" y="{y + 2}" width="{min(len(text), LONGEST) * 7.2:.0f}" height="13" rx="3" fill="url(#cipher)" stroke="{TLS}"/>')  # fmt: skip
            else:
                secret = row["kind"] == "changed" or "AUTH PLAIN A" in line or "key is under" in line
                parts.append(
                    svg_text(x, y + 13, text[:LONGEST], FIX if secret else INK, mono=True, bold=secret)
                )
            if row["kind"] == "changed":
                parts.append(svg_text(x + 190, y + 13, f"→ {row['became'][0]}", FIX, mono=True, bold=True))
            y += STEP
        if row["note"] and row["lines"]:
            parts.append(svg_text(x + 22, y + 11, row["note"], FIX))
            y += STEP
    return parts, y


def draw() -> str:
    """The picture. The same on every run: what is random in TLS is not drawn."""
    parts, ends = [], []
    for number, (meddling, title, about) in enumerate(RUNS):
        drawn, end = panel(20 + number * PANEL, title, about, picture(handed_in(Program(), meddling)))
        parts += drawn
        ends.append(end)
    height = max(ends) + 16
    told = "What a machine on the way reads of one letter. Left, with STARTTLS: ten lines in clear, then ciphertext. Right, with STARTTLS stripped: everything, the password too."
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" font-size="13" role="img">',
            f"<title>What the machine on the way reads</title><desc>{told}</desc>",
            f'<defs><pattern id="cipher" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="7" height="7" fill="#e9f6f1"/><path d="M0 0V7" stroke="{TLS}" stroke-width="2"/></pattern></defs>',
            f'<rect x=".5" y=".5" width="{WIDTH - 1}" height="{height - 1}" rx="8" fill="#ffffff" stroke="#c9ced6"/>',
            f'<path d="M{PANEL} 16V{height - 16}" stroke="#c9ced6"/>',
            *parts,
            "</svg>",
            "",
        ]
    )


def main() -> int:
    """Write the picture."""
    PLACE.write_text(draw(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
