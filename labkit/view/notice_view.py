"""A failure notice part by part: the text for people, the fields for programs with their meaning, the message that came back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from typing import Any

import traitlets

from labkit.hosts import dsn
from labkit.message import header_fields, header_of
from labkit.view.cards_base import Card, octets, script, visible
from labkit.view.cards_static import Html, el, kids, note, panel, prose
from labkit.view.kernel_loop import hand_over
from labkit.view.widget import asset

__all__ = ["NoticeView"]

SHOWN_LINES = 60
SHOWN_FIELDS = 80

MEANINGS: Mapping[str, tuple[str, str]] = {
    "return-path": (
        "The null reverse-path: if this notice fails, nobody is told.",
        "RFC 3464 section 2; RFC 5321 section 4.5.5",
    ),
    "from": ("A program, in the name of its postmaster.", "RFC 3464 section 2"),
    "to": ("The reverse-path of your message: what MAIL FROM said.", "RFC 5321 section 6.1"),
    "subject": ("For people.", "RFC 5322 section 3.6.5"),
    "auto-submitted": (
        "No person wrote this, so absence notices stay quiet.",
        "RFC 3834 section 5",
    ),
    "original-envelope-id": (
        "The name that the sender gave the envelope with ENVID, to find it again.",
        "RFC 3464 section 2.2.1",
    ),
    "reporting-mta": ("The host that writes this notice.", "RFC 3464 section 2.2.2"),
    "arrival-date": ("When your message reached that host.", "RFC 3464 section 2.2.5"),
    "original-recipient": (
        "The address as the sender wrote it, from ORCPT; forwarding may have changed it since.",
        "RFC 3464 section 2.3.1",
    ),
    "final-recipient": ("The address that this block is about.", "RFC 3464 section 2.3.2"),
    "remote-mta": ("The host that was to take it.", "RFC 3464 section 2.3.5"),
    "diagnostic-code": ("The reply of that host, as it was said.", "RFC 3464 section 2.3.6"),
    "last-attempt-date": ("The last try.", "RFC 3464 section 2.3.7"),
    "will-retry-until": ("Up to then the host goes on trying.", "RFC 3464 section 2.3.9"),
}
ACTIONS: Mapping[str, str] = {
    "failed": "It will not be tried again.",
    "delayed": "Not there yet. The host goes on trying, and you need not send it again.",
    "delivered": "It lies in the mailbox.",
    "relayed": "Handed to a host that will not report further.",
    "expanded": "Handed to all members of a list.",
}
STATUSES: Mapping[str, str] = {
    "4.4.7": "the time for delivery was over",
    "4.4.1": "no answer from the host",
    "4.7.1": "refused for now, by policy",
    "5.1.1": "no such mailbox",
    "5.1.2": "no such domain",
    "5.2.2": "the mailbox is full",
    "5.7.1": "refused by policy",
    "2.0.0": "all went well",
}
HEADER = ("return-path", "from", "to", "subject", "auto-submitted")
"""Fields of the notice's own header that are shown, if they are there."""


class NoticeView(Card):
    """A notice, if there is one: ``notice`` gives its octets, and is asked again whenever the page looks.

    empty  what stands there as long as there is none
    """

    _esm = traitlets.Unicode(script("notice.js")).tag(sync=True)
    _css = traitlets.Unicode(asset("theme.css", "cards.css", "notice.css")).tag(sync=True)

    def __init__(
        self, notice: Callable[[], bytes | None], *, title: str = "The notice", empty: str = "No notice yet."
    ) -> None:
        self._notice, self._title, self._empty = notice, title, empty
        super().__init__()

    def refresh(self) -> None:
        """There may be a notice now; from whatever thread."""
        hand_over(lambda: self.on_ping({}))

    def on_ping(self, payload: Mapping[str, Any]) -> None:
        """The page's heartbeat: a notice may have come."""
        now = self._snapshot()
        if any(self.state.get(key) != value for key, value in now.items()):
            self._show("A notice has come.")

    def _snapshot(self) -> dict[str, Any]:
        octets = self._notice()
        parts = parts_of(octets) if octets is not None else []
        return {"title": self._title, "empty": self._empty, "parts": parts}

    def as_text(self) -> str:
        """The parts, each field with its meaning."""
        parts = self._snapshot()["parts"]
        lines = [self._title]
        for part in parts:
            lines += ["", part["title"]]
            lines += [f"  {line}" for line in part.get("lines", ())]
            for block in part.get("blocks", ()):
                lines += [f"  {field['name']}: {field['value']}" for field in block]
        return "\n".join(lines if parts else [*lines, self._empty])

    def as_html(self) -> str:
        """The same, with a table of the fields."""
        parts = self._snapshot()["parts"]
        if not parts:
            return str(panel("Notice", self._title, note(self._empty), task=False))
        return str(panel("Notice", self._title, *(_part_html(part) for part in parts), task=False))


def parts_of(notice: bytes) -> list[dict[str, Any]]:
    """The parts of a notice for the page; a message that is no report has its lines alone."""
    report = dsn.read(notice)
    if report is None:
        return [{"title": "This message is no delivery report", "what": "", "lines": _lines(notice)}]
    fields = [one for one in header_fields(notice) if one.name.lower() in HEADER]
    kept = "your message, whole" if report.whole else "the header of your message"
    return [
        {
            "title": "The header of the notice",
            "what": "Written by the host that reports.",
            "blocks": [[_field(one.name, one.value) for one in fields]],
        },
        {
            "title": "Part 1: for people (text/plain)",
            "what": "Each mail system words it in its own way.",
            "lines": _lines(report.text.encode("utf-8", "replace")),
        },
        {
            "title": "Part 2: for programs (message/delivery-status)",
            "what": "First about the message, then a block for each recipient.",
            "blocks": [
                [_field(name, value) for name, value in block][:SHOWN_FIELDS]
                for block in _status_blocks(notice)
            ],
        },
        {
            "title": f"Part 3: {kept} ({'message/rfc822' if report.whole else 'text/rfc822-headers'})",
            "what": "So that you know which one it is about.",
            "folded": True,
            "lines": _lines(report.original if report.whole else header_of(report.original)),
        },
    ]


def _status_blocks(notice: bytes) -> list[list[tuple[str, str]]]:
    """The fields of message/delivery-status as they stand: about the message, then a block for each recipient."""
    parts = BytesParser(policy=compat32).parsebytes(notice).walk()
    status = next((one for one in parts if one.get_content_type() == "message/delivery-status"), None)
    blocks = status.get_payload() if status is not None else []
    return [block.items() for block in blocks if isinstance(block, Message)]


def meaning(name: str, value: str) -> tuple[str, str]:
    """What a field says, and the section that defines it; empty for a field that is not known here."""
    low, word = name.lower(), value.strip().lower()
    if low == "action":
        return ACTIONS.get(word, "A word that RFC 3464 does not know."), "RFC 3464 section 2.3.3"
    if low == "status":
        first = {"4": "temporary", "5": "permanent", "2": "success"}.get(word[:1], "unknown")
        known = STATUSES.get(word)
        said = f"`{word[:1]}` {first}" + (f"; all three numbers: {known}." if known else ".")
        return said, "RFC 3464 section 2.3.4; RFC 3463"
    return MEANINGS.get(low, ("", ""))


def _field(name: str, value: str) -> dict[str, str]:
    said, rule = meaning(name, value)
    return {
        "name": visible(name, 80),
        "value": visible(" ".join(value.split())),
        "says": said,
        "rule": rule.replace(" section ", " §"),
    }


def _lines(text: bytes) -> list[str]:
    lines = text.rstrip(b"\r\n").split(b"\r\n")
    left_out = len(lines) - SHOWN_LINES
    return [octets(line.expandtabs(4)) for line in lines[:SHOWN_LINES]] + (
        [f"… ({left_out} more lines)"] if left_out > 0 else []
    )


def _lines_html(part: Mapping[str, Any]) -> Html | None:
    if not part.get("lines"):
        return None
    text = el("pre", "\n".join(part["lines"]), style="margin:4px 0")
    return el("details", el("summary", "Show it"), text) if part.get("folded") else text


def _part_html(part: Mapping[str, Any]) -> Html:
    blocks: Sequence[Sequence[Mapping[str, str]]] = part.get("blocks", ())
    rows = [
        el(
            "tr",
            el("td", el("code", f"{field['name']}: {field['value']}"), style=_CELL),
            el("td", prose(field["says"]), style=_CELL),
            el("td", field["rule"], style=_CELL),
        )
        for block in blocks
        for field in block
    ]
    return kids(
        el("p", el("b", part["title"]), " ", part["what"], style="margin:10px 0 2px"),
        _lines_html(part),
        el("table", el("tbody", *rows), style="border-collapse:collapse") if rows else None,
    )


_CELL = "text-align:left;vertical-align:baseline;padding:1px 12px 1px 0;border:0;background:transparent"
