"""Commands behind STARTTLS, at a right server and at a weak one, line by line: both columns come from real sessions."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.lessons.tls_world import INJECTED, injected
from labkit.smtp.transcript import Transcript
from labkit.view.printable import printable
from labkit.view.tables import Table

Said = tuple[str, str, str]
"""Who said it, the line, and what the server answered."""

THROWN, TEXT = "thrown away", "text of the message"
LETTER = "(the lines of Alice's letter)"


def injection_table() -> Table:
    """What became of each line at either server."""
    right, weak = (list(_lines(injected(is_weak), is_weak)) for is_weak in (False, True))
    rows = [(who, line, at_right, at_weak) for (who, line, at_right), (_, _, at_weak) in zip(right, weak, strict=True)]  # fmt: skip
    return Table(
        ("who", "what is said", "a right server", "a weak server"),
        [(f"{who}:", *rest) for who, *rest in rows],
    )


def _lines(transcript: Transcript, weak: bool) -> Iterator[Said]:
    """STARTTLS, what the machine put behind it, and what the relay said under TLS up to its final dot."""
    answers = iter(
        [event.data[:3].decode() for event in transcript if event.sender == "S" and event.encrypted and event.data[3:4] == b" "]
    )  # fmt: skip
    yield "relay", "STARTTLS", "220, then TLS begins"
    for line in INJECTED.splitlines():
        yield "machine", line, next(answers) if weak else THROWN
    letter = False
    for event in transcript:
        if event.sender != "C" or not event.encrypted or not event.data:
            continue
        line = printable(event.data.rstrip(b"\r\n"))
        if line == ".":
            yield "relay", line, f"{next(answers)}, a letter for {'Carol' if weak else 'Bob'}"
            return
        if line.startswith("Received") and not letter:
            letter = True
            yield "relay", LETTER, TEXT
        elif not letter:
            yield "relay", line, TEXT if weak else next(answers)
