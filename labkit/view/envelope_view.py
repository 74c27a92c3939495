"""Alice's letter, and what became of it: the envelope as it was spoken beside the header as it was written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from email.utils import getaddresses
from typing import Any

import traitlets

from labkit.client import ClientError
from labkit.mua import Draft, Outcome
from labkit.smtp.transcript import Transcript
from labkit.transport.loop_thread import LabError, loop_thread
from labkit.view import kernel_loop
from labkit.view.cards_static import Html, chip, el, items, kids, prose
from labkit.view.envelope_story import Passage, passages, picture, stored_copies
from labkit.view.map_view import hop_session
from labkit.view.news import News
from labkit.view.printable import printable_text
from labkit.view.widget import LabWidget, asset
from labkit.world import World

__all__ = ["EnvelopeView", "sent"]

FIELDS = ("from", "to", "cc", "bcc", "subject", "text")
FIELD_LIMIT = 20_000
"""Characters that a field of the form takes."""
MARKS = {"envelope": "only in the envelope", "header": "only in the header"}


class EnvelopeView(LabWidget):
    """A letter in Alice's program. Send hands it in over one real session; then each station is shown, and each copy.

    draft   what the form holds first: the keys are `FIELDS`
    sender  the account of the program: the reverse-path, whatever stands in From
    sample  a world in which a letter was sent, its Message-ID, its form: for readers of a page without a kernel
    """

    _esm = traitlets.Unicode(asset("common.js", "child.js", "envelope.js")).tag(sync=True)
    _css = traitlets.Unicode(asset("theme.css", "envelope.css")).tag(sync=True)
    facts = traitlets.Dict().tag(sync=True)
    draft = traitlets.Dict().tag(sync=True)
    saved = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        world: World,
        draft: Mapping[str, str],
        *,
        sender: str = "alice@sender.example",
        host: str = "submit.sender.example",
        port: int = 587,
        title: str = "A letter, its envelope and its header",
        sample: Callable[[], tuple[World, str, Mapping[str, str]]] | None = None,
    ) -> None:
        kernel_loop.remember_main_loop()
        super().__init__(
            facts={"title": title, "sender": sender, "host": host, "port": port},
            draft={name: draft.get(name, "") for name in FIELDS},
        )
        self._world, self._sample = world, sample
        self._verdict: dict[str, str] | None = None
        self._message_id = ""
        self._sending = False
        self._child: LabWidget | None = None
        self._listeners: list[Callable[[EnvelopeView], None]] = []
        self._news = News(self._moved)
        self._endings: list[Callable[[], object]] = [world.on_movement(self._news), self._news.end]

    # ---- what the lab asks

    @property
    def message_id(self) -> str:
        """The Message-ID of the latest letter that was taken; empty before the first."""
        return self._message_id

    @property
    def passages(self) -> tuple[Passage, ...]:
        """The transactions of the latest letter."""
        return passages(self._world, self._message_id) if self._message_id else ()

    @property
    def arrived(self) -> bool:
        """Whether a copy of the latest letter lies in a mailbox."""
        return bool(self._message_id and stored_copies(self._world, self._message_id))

    @property
    def transcript(self) -> Transcript | None:
        """The session in which the latest letter was handed in; None before the first."""
        first = next(iter(self.passages), None)
        session = self._world.host(first.host).session(first.connection) if first is not None else None
        return session.transcript if session is not None else None

    def on_change(self, listener: Callable[[EnvelopeView], None]) -> None:
        """Have `listener` called on the kernel's main loop when a letter was sent, and when it moves."""
        self._listeners.append(listener)

    # ---- what the page asks

    def on_hello(self, message: dict[str, Any]) -> None:
        """A page has just drawn this widget."""
        self.answer(message, self._state())

    def on_send(self, message: dict[str, Any]) -> None:
        """The learner pressed Send."""
        if self._sending or not all(isinstance(message.get(name), str) for name in FIELDS):
            return
        self.draft = {name: str(message[name])[:FIELD_LIMIT] for name in FIELDS}
        self._sending = True
        written = dict(self.draft)
        loop_thread().spawn(lambda: self._hand_in(written))

    def on_open(self, message: dict[str, Any]) -> None:
        """The learner picked a line: show the session it was said in."""
        line, view = message.get("n"), message.get("place")
        found = next(
            (one for one, seen in zip(self.passages, picture(self.passages, ()), strict=True) if seen["id"] == view),
            None,
        )  # fmt: skip
        self._drop_child()
        session = self._world.host(found.host).session(found.connection) if found is not None else None
        if found is not None and session is not None and isinstance(line, int):
            self._child = hop_session(session, found.movement, found.client, line)
            self.post(
                {"op": "child", "model": self._child.model_id, "says": f"Line {line} of the session at {found.host}:"}
            )  # fmt: skip

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

    # ---- on the loop thread

    async def _hand_in(self, written: dict[str, str]) -> None:
        try:
            letter, recipients = compose(written)
            octets = letter.to_bytes(
                self._world.clock.datetime(), f"<letter.{self._world.next_id()}@sender.example>"
            )
            handed = await self._world.inner.submit(
                octets,
                sender=self.facts["sender"],
                recipients=recipients,
                host=self.facts["host"],
                port=self.facts["port"],
                exact=True,
            )  # fmt: skip
            self._verdict = judge(handed, self.facts["host"])
            if handed.delivered:
                self._message_id = handed.message_id
        except Unwritten as missing:
            self._verdict = {"kind": "4", "text": str(missing)}
        except ClientError as error:
            self._verdict = {"kind": "4", "text": f"The conversation broke off. {error.happened}"}
        except LabError:
            self._verdict = {"kind": "4", "text": "The lab was closed. Choose Run > Run All Cells."}
        except Exception as error:  # whatever a learner writes into From
            self._verdict = {"kind": "5", "text": f"This cannot be made into a message ({type(error).__name__}: {error})."}  # fmt: skip
        finally:
            self._sending = False
        self._moved()

    def _moved(self) -> None:
        self.post(self._state)
        kernel_loop.hand_over(self._tell)

    def _tell(self) -> None:
        for listener in self._listeners:
            kernel_loop.attempt(listener, self)

    # ---- what is shown

    def _state(self) -> dict[str, Any]:
        return {
            "op": "state",
            "verdict": self._verdict,
            "sending": self._sending,
            "views": self._views(self._world, self._message_id),
        }

    @staticmethod
    def _views(world: World, message_id: str) -> list[dict[str, Any]]:
        if not message_id:
            return []
        return picture(passages(world, message_id), stored_copies(world, message_id))

    def _drop_child(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.close()

    # ---- without a page

    _empty = "Here stands a letter with a Send button in a running lab; then its envelope and its header, hop by hop."

    def _told(self) -> tuple[str, list[tuple[str, str]], list[dict[str, Any]]]:
        """Heading, form and views for a page without a kernel."""
        title, views = str(self.facts["title"]), self._views(self._world, self._message_id)
        written: Mapping[str, str] = self.draft
        if not views and self._sample is not None:
            world, message_id, written = self._sample()
            title, views = f"{title}, recorded", self._views(world, message_id)
        return title, [(name.title(), written[name]) for name in FIELDS if written.get(name)], views

    def as_text(self) -> str:
        """The form, then each view: the envelope, and the header where it is told for the first time."""
        title, form, views = self._told()
        lines = [title, *(f"  {name}: {value}" for name, value in form)]
        for view in views:
            lines += ["", _heading(view)]
            if not view["same"]:
                lines += [f"  {said}" for said in _envelope_lines(view)]
                lines += [f"  | {_field_text(field)}" for field in view["header"]]
            if view["says"]:
                lines.append(f"  {view['says']}")
        return "\n".join(lines if views else [*lines, self._empty])

    def as_html(self) -> str:
        """The same, envelope and header side by side."""
        title, form, views = self._told()
        filled = items(kids(el("b", f"{name}: "), value) for name, value in form)
        shown = [_view_html(view) for view in views] or [el("p", self._empty)]
        return str(kids(el("p", el("b", title)), filled, *shown))


class Unwritten(Exception):
    """Something that a letter needs is not in the form; says what."""


def compose(written: Mapping[str, str]) -> tuple[Draft, tuple[str, ...]]:
    """The letter that a form makes, and the recipients of its envelope: everybody in To, Cc and Bcc, each once.

    Raises Unwritten, and whatever the email package raises for a From that cannot be written.
    """
    to, cc, bcc = (_people(written.get(name, "")) for name in ("to", "cc", "bcc"))
    recipients = tuple(dict.fromkeys((*to, *cc, *bcc)))
    if not recipients:
        raise Unwritten("Nobody to send to: To, Cc and Bcc are empty.")
    name, address = (getaddresses([written["from"]]) or [("", "")])[0]
    local, _, domain = address.rpartition("@")
    if not local or not domain:
        raise Unwritten("From needs one address.")
    draft = Draft(address, to, written["subject"], written["text"], name, cc)
    return draft, recipients


def _people(text: str) -> tuple[str, ...]:
    parts = (part.strip() for part in text.replace(";", ",").split(","))
    return tuple(dict.fromkeys(getaddresses([part])[0][1] or part for part in parts if part))


def judge(outcome: Outcome, host: str) -> dict[str, str]:
    """What the program tells its user about handing in."""
    left_out = "".join(
        f" {printable_text(name)} was refused: {answer.reply.code} {printable_text(answer.reply.text)}."
        for name, answer in outcome.refused.items()
    )
    if outcome.delivered:
        count = len(outcome.accepted)
        people = "1 recipient" if count == 1 else f"{count} recipients"
        return {"kind": "5" if left_out else "2", "text": f"Sent. {host} took it for {people}.{left_out}"}
    reply = outcome.decided.reply
    said = left_out or f" {reply.code} {printable_text(reply.text)}."
    return {"kind": "4" if reply.severity == 4 else "5", "text": f"Not sent.{said}"}


def sent(world: World, written: Mapping[str, str], sender: str = "alice@sender.example") -> str:
    """Send the letter of a form in that world, and wait until it lies still; its Message-ID."""
    letter, recipients = compose(written)
    octets = letter.to_bytes(world.clock.datetime(), f"<letter.{world.next_id()}@sender.example>")
    handed = world.submit(octets, sender=sender, recipients=recipients, exact=True)
    world.settle()
    return handed.message_id


_CELL = "text-align:left;vertical-align:top;padding:2px 14px 2px 0;border:0;background:transparent"


def _heading(view: dict[str, Any]) -> str:
    title = f"{view['label']}: {view['title']}"
    return f"{title}. The same envelope." if view["same"] else title


def _envelope_lines(view: dict[str, Any]) -> Sequence[str]:
    lines = [f"{_said(line)}{_mark(line['mark'])}" for line in view["envelope"]]
    return [*lines, f"and {view['more']} more recipients"] if view["more"] else lines


def _said(line: dict[str, Any]) -> str:
    return f"{line['text']} ({line['code']})" if line["code"] else str(line["text"])


def _mark(mark: str) -> str:
    return f"  [{MARKS[mark]}]" if mark else ""


def _field_text(field: dict[str, Any]) -> str:
    return f"{field['name']}: " + "".join(f"{text}{_mark(mark)}" for text, mark in field["parts"])


def _view_html(view: dict[str, Any]) -> Html:
    head = el("p", el("b", _heading(view)), style="margin:10px 0 2px")
    says = el("p", prose(view["says"])) if view["says"] else None
    if view["same"]:
        return kids(head, says)
    envelope = [
        el(
            "div",
            el("code", _said(line)),
            kids(" ", chip(MARKS[line["mark"]], "go")) if line["mark"] else None,
        )
        for line in view["envelope"]
    ]
    if view["more"]:
        envelope.append(el("div", f"and {view['more']} more recipients"))
    header = [
        el("div", el("code", f"{field['name']}: "), *(
            kids(el("code", text), kids(" ", chip(MARKS[mark], "later"), " ") if mark else None)
            for text, mark in field["parts"]
        ))
        for field in view["header"]
    ]  # fmt: skip
    columns = [("Envelope", envelope), ("Header", header)] if envelope else [("Header", header)]
    heads = el("tr", *(el("th", name, style=_CELL) for name, _ in columns))
    row = el("tr", *(el("td", *column, style=_CELL) for _, column in columns))
    return kids(
        head, el("table", el("thead", heads), el("tbody", row), style="border-collapse:collapse"), says
    )
