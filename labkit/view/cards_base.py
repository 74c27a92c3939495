"""What all cards share: one synced state, locked handlers, and text that is safe to show."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import traitlets

from labkit.learn import Feedback
from labkit.smtp.transcript import Transcript
from labkit.view.printable import printable_text, shortened
from labkit.view.widget import LabWidget, asset

__all__ = ["LINE_LIMIT", "TEXT_LIMIT", "Card", "feedback_state", "visible", "wire_lines"]

LINE_LIMIT = 400
"""Characters of one line from the wire or the learner that a card shows."""
TEXT_LIMIT = 1_500
"""Characters of one piece of feedback that a card shows."""
RUN_LIMIT = 200
"""Lines of the session behind a piece of feedback that a card shows."""

_SERVER_LINE = re.compile(r"([2-5][0-9][0-9])([ -]?)(.*)", re.DOTALL)


@cache
def script(*names: str) -> str:
    """A card's script: what every widget shares, what every card shares, and its own parts."""
    return asset("common.js", "cards.js", *names)


class Card(LabWidget):
    """A learner's card. All that the page draws is in `state`: a reload or a saved notebook shows it again.

    Subclasses build that state in `_snapshot` (JSON types only, and nothing in it that the learner may not
    see yet) and call `_show` after a change. Handlers hold `_lock`: they can run on any thread.
    """

    _css = traitlets.Unicode(asset("theme.css", "cards.css")).tag(sync=True)
    state = traitlets.Dict().tag(sync=True)

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._turn = 0
        super().__init__(state=self._snapshot())

    def _snapshot(self) -> dict[str, Any]:
        """What the page is to draw now."""
        raise NotImplementedError

    def _show(self, spoken: str = "") -> None:
        """Draw the present state; `spoken` is what a screen reader says about the change.

        For handlers of the page's messages and for cells. From other threads, hand it over (`kernel_loop`).
        """
        with self._lock:
            self._turn += 1
            # The count makes every answer a change, so that the page learns that an equal answer came, too.
            self.state = {**self._snapshot(), "turn": self._turn}
            if spoken:
                self.send({"op": "say", "text": spoken})

    def on_hello(self, payload: Mapping[str, Any]) -> None:
        """A page (perhaps after a reload) has drawn the card and asks for what is true now."""
        self._show()


def visible(text: str, limit: int = LINE_LIMIT) -> str:
    """The text cut, with everything invisible shown as an escape: no line can pass for another."""
    shown, more = shortened(text, limit)
    return printable_text(shown) + (f" … ({more:,} more characters)" if more else "")


def octets(data: bytes) -> str:
    """A line from the wire as it is shown, without its CR LF."""
    return visible(data.removesuffix(b"\r\n").decode("utf-8", "surrogateescape"))


def wire_lines(transcript: Transcript) -> list[dict[str, Any]]:
    """The lines of a transcript for the page: number, who, reply code, text."""
    lines = []
    for event in transcript:
        line: dict[str, Any] = {
            "n": event.seq,
            "who": event.sender,
            "text": octets(event.data),
            "tls": event.encrypted,
        }
        if not event.data:
            line["text"], line["closed"] = "closed the connection", True
        elif event.sender == "S" and (match := _SERVER_LINE.fullmatch(line["text"])):
            line["code"], line["more"], line["text"] = match[1], match[2] == "-", match[3]
        lines.append(line)
    return lines


def text_lines(lines: Iterable[str]) -> list[dict[str, Any]]:
    """Given lines of an exercise (``S: 250 OK``) in the same shape; a line without a speaker is only text."""
    shown: list[dict[str, Any]] = []
    for text in lines:
        who, sep, said = text.partition(":")
        if not (sep and who in ("C", "S")):
            shown.append({"who": "", "text": visible(text)})
            continue
        line: dict[str, Any] = {"who": who, "text": visible(said.removeprefix(" "))}
        if who == "S" and (match := _SERVER_LINE.fullmatch(line["text"])):
            line["code"], line["more"], line["text"] = match[1], match[2] == "-", match[3]
        shown.append(line)
    return shown


def feedback_state(feedback: Feedback | None) -> dict[str, Any] | None:
    """A feedback for the page: cut, everything invisible made visible."""
    if feedback is None:
        return None
    return {
        "outcome": feedback.outcome,
        "heading": feedback.heading,
        "message": shown_prose(feedback.message),
        "parts": [[label, shown_prose(text)] for label, text in feedback.parts()],
        "lines": evidence_lines(feedback),
        "run": wire_lines(Transcript(feedback.transcript[:RUN_LIMIT])) if feedback.transcript else [],
    }


def evidence_lines(feedback: Feedback | None) -> list[int]:
    """The numbers of the transcript lines that a feedback rests on; at most a hundred."""
    if feedback is None:
        return []
    return [seq for item in feedback.evidence if item.source == "transcript" for seq in item.span[:100]][:100]


def shown_prose(text: str) -> str:
    """Sentences that may hold something of the learner's: line breaks stay, what is invisible is shown."""
    cut = visible(text, TEXT_LIMIT) if len(text) > TEXT_LIMIT else text
    return "\n".join(visible(line, len(line)) for line in cut.split("\n"))


def spoken(feedback: Feedback) -> str:
    """What a screen reader says of a feedback: how it came out, and the message."""
    return f"{feedback.heading}. {shown_prose(feedback.message)}"


def as_index(value: object, count: int) -> int | None:
    """A number from the page as an index below `count`, or None: the page can send anything."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < count:
        return value
    return None


def as_indices(value: object, count: int) -> list[int] | None:
    """A list of different indices below `count`, or None."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > count:
        return None
    found = [as_index(item, count) for item in value]
    if None in found or len(set(found)) != len(found):
        return None
    return [item for item in found if item is not None]
