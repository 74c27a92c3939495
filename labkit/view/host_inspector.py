"""What one host holds: its log, its queue, its mailboxes, and how it is set up."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import traitlets

from labkit.hosts.faults import FAULTS, Fault
from labkit.hosts.mail_host import MailHost
from labkit.hosts.mailbox import Message
from labkit.hosts.queue import QueueItem
from labkit.transport.loop_thread import loop_thread
from labkit.view.kernel_loop import remember_main_loop
from labkit.view.letter import read_letter
from labkit.view.map_story import JOBS, moment, people, span
from labkit.view.news import News
from labkit.view.printable import printable, printable_text, shortened
from labkit.view.widget import LabWidget, asset
from labkit.world import World

TABS = ("log", "queue", "mailbox", "settings")
SHOWN_LINES = 200
SHOWN_ITEMS = 100
SHOWN_LETTERS = 20
SHOWN_OCTETS = 6000
PORTS = {
    25: "from server to server",
    465: "from programs, encrypted from the start",
    587: "from programs of people it knows",
    2525: "the same as 587, at some providers",
}
"""What each listening port is for."""


class HostInspector(LabWidget):
    """Choose a host; read its log, queue, mailboxes and settings; switch its faults on and off."""

    _esm = traitlets.Unicode(asset("common.js", "inspector.js")).tag(sync=True)
    _css = traitlets.Unicode(asset("theme.css", "inspector.css")).tag(sync=True)
    facts = traitlets.Dict().tag(sync=True)
    saved = traitlets.Dict().tag(sync=True)

    def __init__(self, world: World, host: str | None = None, tab: str = "log") -> None:
        remember_main_loop()
        self._world = world
        self._host = world.host(host)
        self._tab = tab if tab in TABS else TABS[0]
        super().__init__(facts={"hosts": [one.name for one in world.hosts], "tabs": list(TABS)})
        self._news = News(lambda: self.post(self._state))
        self._endings: list[Callable[[], object]] = [
            world.on_movement(self._news),
            world.clock.on_change(self._news),
            self._news.end,
        ]

    # ---- the learner's side

    def on_hello(self, message: dict[str, Any]) -> None:
        """A page has just drawn this widget."""
        self.answer(message, self._state())

    def on_show(self, message: dict[str, Any]) -> None:
        """Another host, another tab, or both."""
        name, tab = message.get("host"), message.get("tab")
        self._host = next((one for one in self._world.hosts if one.name == name), self._host)
        self._tab = tab if tab in TABS else self._tab
        self.post(self._state)

    def on_fault(self, message: dict[str, Any]) -> None:
        """Switch a fault on or off."""
        name, on, host = message.get("name"), message.get("on"), self._host
        if name not in FAULTS:
            return

        async def turn() -> None:
            if on:
                host.switch_on(str(name))
            else:
                host.switch_off(str(name))
            self.post(self._state)

        loop_thread().spawn(turn)

    def close(self) -> None:
        """Leave the page; nothing is listened to any more."""
        for end in self._endings:
            end()
        self._endings.clear()
        super().close()

    # ---- what is shown

    def _state(self) -> dict[str, Any]:
        host = self._host
        body = {
            "log": self._log,
            "queue": self._queue,
            "mailbox": self._mailboxes,
            "settings": self._settings,
        }
        return {
            "op": "state",
            "host": host.name,
            "tab": self._tab,
            "counts": {"queue": len(host.queue), "mailbox": sum(len(box) for box in host.mailboxes)},
            "running": host.running,
            "body": body[self._tab](host),
        }

    def _moment(self, seconds: float) -> str:
        return moment(self._world.clock.start, seconds)

    def _log(self, host: MailHost) -> dict[str, Any]:
        lines = host.log
        shown = [
            {"at": self._moment(line.time), "id": line.queue_id, "text": _cut(line.text, 400)}
            for line in lines[-SHOWN_LINES:]
        ]
        return {"lines": shown, "more": len(lines) - len(shown)}

    def _queue(self, host: MailHost) -> dict[str, Any]:
        rule, items = host.queue.rule, host.queue.items
        return {
            "rule": f"Next try after {span(rule.first)}, then each wait {rule.factor:g} times as long, "
            f"at most {span(rule.longest)}. Given up after {span(rule.give_up_after)}.",
            "items": [self._item(item) for item in items[:SHOWN_ITEMS]],
            "more": max(0, len(items) - SHOWN_ITEMS),
        }

    def _item(self, item: QueueItem) -> dict[str, Any]:
        now = self._world.clock.now()
        last = item.attempts[-1] if item.attempts else None
        return {
            "id": item.queue_id,
            "from": _cut(item.envelope.reverse_path) or "<>",
            "to": people([one.address for one in item.waiting]),
            "arrived": self._moment(item.arrived),
            "tries": item.tries,
            "last": f"{_cut(last.next_hop)}: {_cut(last.reply)}" if last else "",
            "tone": "4" if last else "3",
            "next": f"{self._moment(item.next_try)}, in {span(item.next_try - now)}"
            if item.next_try is not None
            else "now",
        }

    def _mailboxes(self, host: MailHost) -> dict[str, Any]:
        return {
            "boxes": [
                {
                    "address": _cut(box.address),
                    "count": len(box),
                    "letters": [self._letter(message) for message in box.messages[-SHOWN_LETTERS:]],
                }
                for box in host.mailboxes
            ]
        }

    def _letter(self, message: Message) -> dict[str, str]:
        letter = read_letter(message.raw)
        source = "\n".join(printable(line.expandtabs(4)) for line in message.raw.split(b"\r\n"))
        return {
            "subject": letter.subject,
            "from": letter.sender,
            "text": letter.text,
            "at": self._moment(message.time),
            "source": shortened(source, SHOWN_OCTETS)[0],
        }

    def _settings(self, host: MailHost) -> dict[str, Any]:
        ports = []
        for port in host.spec.listeners:
            place = self._world.address(host.name, port)
            ports.append(
                {
                    "port": port,
                    "what": PORTS.get(port, ""),
                    "outside": f"{place[0]} port {place[1]}" if place else "",
                }
            )
        on = {fault.name: fault for fault in host.active_faults}
        return {
            "jobs": [list(JOBS[role]) for role in host.spec.roles if role in JOBS],
            "ports": ports,
            "faults": [_fault(on.get(name, kind), name in on) for name, kind in FAULTS.items()],
        }

    def as_text(self) -> str:
        """The host and the end of its log."""
        lines = self._log(self._host)["lines"]
        told = [f"  {line['at']} {line['id']} {line['text']}" for line in lines] or ["  the log is empty"]
        return "\n".join([f"{self._host.name}: log", *told])

    def as_html(self) -> str:
        """The same as HTML."""
        first, *rest = self.as_text().split("\n")
        items = "".join(f"<li><code>{escape(line.strip())}</code></li>" for line in rest)
        return f"<p><b>{escape(first)}</b></p><ul>{items}</ul>"


def _fault(fault: Fault | type[Fault], on: bool) -> dict[str, Any]:
    rules = [{"ref": rule.ref, "text": rule.text} for rule in fault.rules]
    return {"name": fault.name, "title": fault.title, "text": fault.text, "rules": rules, "on": on}


def _cut(text: str, limit: int = 200) -> str:
    return shortened(printable_text(text), limit)[0]
