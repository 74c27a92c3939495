"""The header trace: the hops of a message as bars, and its header, each line with its writer and its place in a session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import traitlets

from labkit.hosts.mailbox import Mailbox
from labkit.message import canonical_lines, header_fields
from labkit.view.cards_static import Html, chip, el, items, kids
from labkit.view.header_story import Handover, Picture, header_picture, origin, way
from labkit.view.kernel_loop import remember_main_loop
from labkit.view.map_view import hop_session
from labkit.view.news import News
from labkit.view.widget import LabWidget, asset
from labkit.world import World

__all__ = ["HeaderTrace", "PastedHeader"]

PASTE_LIMIT = 100_000
"""Characters of a header that is pasted."""


class HeaderTrace(LabWidget):
    """Shows the newest message of a mailbox; ``house`` is the domain whose own hosts its reader believes.

    sample  gives a world in which a message has come already, with its mailbox: for readers of a page without a kernel
    """

    _esm = traitlets.Unicode(asset("common.js", "child.js", "trace.js")).tag(sync=True)
    _css = traitlets.Unicode(asset("theme.css", "trace.css")).tag(sync=True)
    facts = traitlets.Dict().tag(sync=True)
    saved = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        world: World,
        mailbox: str,
        *,
        title: str = "Who wrote this header?",
        sample: Callable[[], World] | None = None,
    ) -> None:
        remember_main_loop()
        super().__init__(facts={"title": title, "empty": self._empty, "paste": False})
        self._world, self._address, self._sample = world, mailbox, sample
        self._child: LabWidget | None = None
        self._news = News(lambda: self.post(self._state))
        self._endings: list[Callable[[], object]] = [world.on_movement(self._news), self._news.end]

    # ---- the learner's side

    def on_hello(self, message: dict[str, Any]) -> None:
        """A page has just drawn this widget."""
        self.answer(message, self._state())

    def on_piece(self, message: dict[str, Any]) -> None:
        """The learner picked a piece of a field: say where it comes from, and show the session there."""
        raw, hops = self._look(self._world)
        fields, number = header_fields(raw), message.get("field")
        if not isinstance(number, int) or not 0 <= number < len(fields):
            return
        found = origin(fields[number], str(message.get("key")), hops)
        self._drop_child()
        if found is not None:
            hop = found.hop
            self._child = hop_session(hop.session, hop.movement, hop.movement.host, found.line)
        self.post(
            {
                "op": "child",
                "field": number,
                "model": self._child.model_id if self._child else "",
                "says": found.says if found else "Nothing more is known about this.",
                "rule": found.rule if found else "",
                "line": found.line if found else 0,
                "host": found.hop.movement.to if found else "",
            }
        )

    def on_shut(self, _message: dict[str, Any]) -> None:
        """The learner has read what was opened."""
        self._drop_child()

    def close(self) -> None:
        """Leave the page; the world is listened to no more."""
        for end in self._endings:
            end()
        self._endings.clear()
        self._drop_child()
        super().close()

    # ---- what is shown

    def _look(self, world: World) -> tuple[bytes, tuple[Handover, ...]]:
        """The newest message, and the way by which it came."""
        box, host = _mailbox_of(world, self._address)
        if not box.messages:
            return b"", ()
        newest = box.messages[-1]
        return newest.raw, way(world, host, newest.queue_id)

    def _picture(self, world: World) -> Picture:
        raw, hops = self._look(world)
        names = [host.name for host in world.hosts]
        return header_picture(raw, hops, names, self._address.partition("@")[2])

    def _state(self) -> dict[str, Any]:
        return {"op": "state", **self._picture(self._world)}

    def _drop_child(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.close()

    # ---- without a page

    _empty = "No message has come yet. The header of the newest one in the mailbox appears here."

    def _told(self) -> tuple[str, Picture]:
        picture, title = self._picture(self._world), str(self.facts["title"])
        if picture["fields"] or self._sample is None:
            return title, picture
        return f"{title} (recorded)", self._picture(self._sample())

    def as_text(self) -> str:
        """The hops, and the header with the writer of each field."""
        title, picture = self._told()
        if not picture["fields"]:
            return f"{title}\n{self._empty}"
        lines = [title, "Hops, the first one first:"]
        lines += [f"  {n}. {_hop_text(hop)}" for n, hop in enumerate(picture["hops"], 1)]
        lines.append("Header, top first:")
        for number, field in enumerate(picture["fields"]):
            if number == picture["border"]:
                lines.append(f"  ---- {_border_text(picture)}")
            lines += [f"  {line}" for line in _text_of(field).split("\n")]
            lines += [f"      <- {note}" for note in _notes(field)]
        return "\n".join(lines)

    def as_html(self) -> str:
        """The same as a list and a table."""
        title, picture = self._told()
        head = el("p", el("b", title))
        if not picture["fields"]:
            return str(kids(head, el("p", self._empty)))
        hops = items(
            (kids(_hop_text(hop, flags=False), *(kids(" ", chip(f"✗ {flag}", "fix")) for flag in hop["problems"])) for hop in picture["hops"]),
            ordered=True,
        )  # fmt: skip
        rows = list[Html]()
        for number, field in enumerate(picture["fields"]):
            if number == picture["border"]:
                rows.append(
                    el("tr", el("td", el("b", _border_text(picture)), style=_CELL), el("td", "", style=_CELL))
                )
            rows.append(
                el(
                    "tr",
                    el("td", el("pre", _text_of(field), style="margin:0"), style=_CELL),
                    el("td", *(kids(note, el("br")) for note in _notes(field)), style=_CELL),
                )
            )
        return str(
            kids(head, el("p", "Hops, the first one first:"), hops, el("p", "Header, top first:"), el("table", el("tbody", *rows), style="border-collapse:collapse"))
        )  # fmt: skip


class PastedHeader(HeaderTrace):
    """A header from elsewhere, pasted by the learner: its hops are read, and nobody's sessions are known.

    What is pasted stays in this kernel: it is not kept, and not sent anywhere.
    """

    _empty = (
        "Paste the source of a message of yours into the field and press Read it. It stays on this computer."
    )

    def __init__(self, world: World, *, title: str = "A header of your own") -> None:
        self._pasted = b""
        super().__init__(world, "", title=title)
        self.facts = {**self.facts, "paste": True}

    def on_paste(self, message: dict[str, Any]) -> None:
        """The learner pasted a header."""
        text = message.get("text")
        if isinstance(text, str):
            lines = text[:PASTE_LIMIT].lstrip().encode("utf-8", "replace")
            self._pasted = canonical_lines(lines)
            self.post(self._state)

    def _look(self, world: World) -> tuple[bytes, tuple[Handover, ...]]:
        return self._pasted, ()

    def _picture(self, world: World) -> Picture:
        return header_picture(self._pasted)


def _mailbox_of(world: World, address: str) -> tuple[Mailbox, str]:
    found = next(
        (
            (box, host.name)
            for host in world.hosts
            for box in host.mailboxes
            if box.address.lower() == address.lower()
        ),
        None,
    )
    if found is None:
        raise KeyError(f"no mailbox {address} in this world")
    return found


_CELL = "text-align:left;vertical-align:top;padding:2px 12px 2px 0;border:0;background:transparent"


def _hop_text(hop: dict[str, Any], *, flags: bool = True) -> str:
    address = f" [{hop['address']}]" if hop["address"] else ""
    after = f", after {hop['delay']}" if hop["delay"] else ""
    text = f"{hop['at']}{after}: {hop['from']}{address} to {hop['by']}, {hop['with'] or 'no protocol named'}"
    return f"{text}. {' '.join(hop['problems'])}" if flags and hop["problems"] else text


def _text_of(field: dict[str, Any]) -> str:
    return "".join(part["text"] for part in field["parts"])


def _border_text(picture: Picture) -> str:
    return f"Above: written by {picture['house']} itself. Below: what was handed in to it."


def _notes(field: dict[str, Any]) -> list[str]:
    written = []
    if field["writer"]:
        how = "on the way" if field["trace"] else "with the text"
        written = [f"{how}: {field['writer']}"]
    return [*written, *field["problems"]]
