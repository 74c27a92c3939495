"""The tiny base of every widget of the lab: assets, acknowledgement of messages, and what a page without a kernel shows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import traitlets

from labkit.view.kernel_loop import attempt, hand_over, running_cell

Message = Mapping[str, Any] | Callable[[], Mapping[str, Any]]
STATIC = Path(__file__).parent / "static"


@cache
def asset(*names: str) -> str:
    """The named files of ``view/static``, one behind the other: a widget's script is ``common.js`` and its own part."""
    return "\n".join((STATIC / name).read_text(encoding="utf-8") for name in names)


class LabWidget(anywidget.AnyWidget):
    """A widget that answers every message at once and tells its story without a kernel too.

    Subclasses set ``_esm`` and ``_css`` (see `asset`), add traits, and write methods ``on_<op>(payload)``. They override
    `as_text` and `as_html`: what stands in a stored notebook beside the live widget.

    When its cell runs again, the page gets a new model of it, the former one is closed, and all that the object knows (a
    connection, a history) goes on. Another cell that shows it gets a second view; from then on both keep the one model.
    """

    _css = traitlets.Unicode(asset("theme.css")).tag(sync=True)
    # Ops that are answered within a moment in any case: the answer acknowledges them. Each message costs a page about as
    # much as the whole way through a server.
    _answer_acknowledges: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self._outbox: list[Message] = []
        self._outbox_lock = threading.Lock()
        self._acks: list[tuple[object, object]] = []  # view and id of messages that the next one acknowledges
        self._cells: set[str | None] = set()  # that show it
        self.on_msg(self._receive)

    def as_text(self) -> str:
        """Plain text of what the widget shows now; the same on every run, because nbval compares it."""
        raise NotImplementedError

    def as_html(self) -> str:
        """Static HTML of what the widget shows now, escaped, readable on white and on black, without scripts."""
        raise NotImplementedError

    def post(self, message: Message) -> None:
        """Send one message to the page, from whatever thread; messages keep their order.

        A function is called when its turn comes, on the kernel's main loop, and makes the message then.
        """
        with self._outbox_lock:
            self._outbox.append(message)
            first = len(self._outbox) == 1
        if first:
            hand_over(self._flush)

    def answer(self, asked: Mapping[str, Any], message: Mapping[str, Any]) -> None:
        """Send to the one view that asked, where the same widget stands in two places of a page."""
        self.post({**message, "view": asked.get("view")})

    def _flush(self) -> None:
        with self._outbox_lock:
            messages, self._outbox = self._outbox, []
            acks, self._acks = self._acks, []
        made: list[Mapping[str, Any]] = []
        for message in messages:
            attempt(lambda message=message: made.append(message() if callable(message) else message))
        if not made:
            return
        whole = made[0] if len(made) == 1 else {"op": "together", "messages": made}
        try:
            self.send({**whole, "acks": acks} if acks else dict(whole))
        except Exception:  # one of them cannot be sent; the others are not lost with it
            for one in ({"op": "together", "messages": [], "acks": acks}, *made):
                attempt(self.send, dict(one))

    def _receive(self, _widget: object, content: object, _buffers: object) -> None:
        # Runs on the main thread, or on a subshell's while a cell is busy: handlers never block.
        if not isinstance(content, dict) or not isinstance(content.get("op"), str):
            return
        view = content.get("view")
        if content["op"] in self._answer_acknowledges:
            with self._outbox_lock:
                self._acks.append((view, content.get("id")))
        else:
            self.send({"op": "ack", "id": content.get("id"), "view": view})
        handler: Callable[[dict[str, Any]], None] | None = getattr(self, f"on_{content['op']}", None)
        if handler is None:
            return
        try:
            handler(content)
        except Exception as error:
            text = f"The lab stumbled over this ({type(error).__name__}: {error})."
            self.send({"op": "trouble", "text": text, "view": view})

    def _renew(self) -> None:
        # Whatever became of the former model in the page (anywidget gives one two seconds to load, and a page that is
        # busy or was reloaded can miss that), this one is new there. The state behind it is this object's.
        # An interrupt may strike anywhere in here, so the cells are forgotten last: the next run does all of it again.
        super().close()
        self.__dict__.pop("_repr_mimebundle_", None)  # ipywidgets has put it out of use, on this object alone
        self._model_id = None
        self.open()
        self._cells.clear()

    def _repr_mimebundle_(self, **_kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        cell = running_cell()
        if self._cells == {cell} or self.comm is None:  # (a second cell that shows it would go blank)
            self._renew()
        self._cells.add(cell)
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        bundle = {"text/plain": self.as_text(), "text/html": self.as_html()}
        return {**bundle, "application/vnd.jupyter.widget-view+json": view}, {}

    def __del__(self) -> None:
        # An interrupt may have left it half made: what it has not got, it need not close.
        for close in (self.close, super().close):
            with suppress(AttributeError, traitlets.TraitError):
                close()
                return

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"
