"""What lies in the learner's own mailbox now, as its owner reads it: the newest message first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import traitlets

from labkit.view.cards_base import Card, octets, script
from labkit.view.cards_static import el, panel
from labkit.view.kernel_loop import hand_over

__all__ = ["MailboxCard"]

SHOWN_MESSAGES, SHOWN_LINES = 20, 60
_EMPTY = "Nothing yet. What you deliver above appears here by itself."


class MailboxCard(Card):
    """The messages of one mailbox; `messages` gives their octets as the client meant them, oldest first."""

    _esm = traitlets.Unicode(script("card_mailbox.js")).tag(sync=True)

    def __init__(self, address: str, messages: Callable[[], Sequence[bytes]]) -> None:
        self.address = address
        self._messages = messages
        super().__init__()

    def refresh(self) -> None:
        """Look into the mailbox again; from whatever thread."""
        hand_over(lambda: self.on_ping({}))

    def on_ping(self, payload: Mapping[str, Any]) -> None:
        """The page's heartbeat: something may have been delivered."""
        now = self._snapshot()
        if any(self.state.get(key) != value for key, value in now.items()):
            more = len(now["messages"]) > len(self.state["messages"])
            self._show("A new message lies in the mailbox." if more else "")

    def _snapshot(self) -> dict[str, Any]:
        newest = list(enumerate(self._messages(), 1))[: -SHOWN_MESSAGES - 1 : -1]
        return {
            "address": self.address,
            "empty": _EMPTY,
            "messages": [{"n": number, "lines": _lines(data)} for number, data in newest],
        }

    def as_text(self) -> str:
        now = self._snapshot()["messages"]
        lines = [f"message {one['n']}\n" + "\n".join(f"  {line}" for line in one["lines"]) for one in now]
        return "\n".join([f"Bob reads: {self.address}", *(lines or [_EMPTY])])

    def as_html(self) -> str:
        now = self._snapshot()["messages"]
        content = [el("pre", "\n".join(one["lines"]), style="margin:4px 0") for one in now]
        content[1:] = [
            el("details", el("summary", f"Message {one['n']}"), text)
            for one, text in zip(now[1:], content[1:], strict=True)
        ]
        return str(panel("Bob reads", self.address, *(content or [el("p", _EMPTY)]), task=False))


def _lines(data: bytes) -> list[str]:
    lines = data.rstrip(b"\r\n").split(b"\r\n")
    more = [f"… ({len(lines) - SHOWN_LINES} more lines)"] if len(lines) > SHOWN_LINES else []
    return [octets(line.expandtabs(4)) for line in lines[:SHOWN_LINES]] + more
