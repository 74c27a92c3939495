"""Random zone texts over few labels, so that names lie beside, above and below each other often."""

from __future__ import annotations

from hypothesis import strategies as st

LABELS = st.sampled_from(["a", "b", "c", "*", "_dmarc"])
NAMES = st.lists(LABELS, min_size=1, max_size=5).map(".".join)
DATA = st.one_of(
    st.sampled_from(["A 192.0.2.1", "A 192.0.2.2", "MX 0 .", 'TXT "x" "y"', "AAAA 2001:db8::1"]),
    NAMES.map(lambda name: f"MX 10 {name}."),
)
TYPES = ("A", "AAAA", "MX", "TXT", "CNAME")


@st.composite
def zone_texts(draw: st.DrawFn, aliases: bool = True) -> str:
    """A text that reads: a name has either one CNAME or other records."""
    lines: list[str] = []
    for name in draw(st.lists(NAMES, unique=True, max_size=12)):
        if aliases and draw(st.integers(0, 3)) == 0:
            lines.append(f"{name}. CNAME {draw(NAMES)}.")
        else:
            lines += [f"{name}. {data}" for data in draw(st.lists(DATA, min_size=1, max_size=3, unique=True))]
    return "\n".join(lines)
