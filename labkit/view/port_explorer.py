"""The port explorer: one server, several doors, and what happens at each of them, side by side."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

import traitlets

from labkit.transport.loop_thread import LabError, loop_thread
from labkit.view.cards_static import Html, el, kids
from labkit.view.exchange import exchange_html, exchange_lines
from labkit.view.kernel_loop import attempt, hand_over, remember_main_loop
from labkit.view.printable import printable
from labkit.view.static_form import chip as code_chip
from labkit.view.widget import LabWidget, asset
from labkit.world.account import Tried
from labkit.world.doors import Door

Cell = dict[str, Any]
ROWS = {
    "first": "First on the line",
    "clear": "Offered in clear",
    "secured": "Offered under TLS",
    "stranger": "Bob's server, with mail for Alice",
    "own": "Alice, with her password and mail for Bob",
    "use": "So this door is for",
}
USES = {
    25: "other mail servers",
    465: "people who log in; TLS at once",
    587: "people who log in; STARTTLS",
    2525: "as 587; no standard has it",
}
VISITORS = {"stranger": "Bob's server", "own": "Alice's program"}


class PortExplorer(LabWidget):
    """Tries each door of ``host`` with ``knock`` when the learner says so. ``found``: doors of a recorded run."""

    _esm = traitlets.Unicode(asset("common.js", "exchange.js", "port_explorer.js")).tag(sync=True)
    _css = traitlets.Unicode(asset("theme.css", "ports.css")).tag(sync=True)
    facts = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        host: str,
        ports: Sequence[int],
        knock: Callable[[int], Awaitable[Door]] | None = None,
        *,
        found: Mapping[int, Door] | None = None,
        title: str = "One server, four doors",
    ) -> None:
        remember_main_loop()
        rows = [{"key": key, "label": label} for key, label in ROWS.items()]
        super().__init__(
            facts={
                "title": title,
                "host": host,
                "ports": list(ports),
                "rows": rows,
                "live": knock is not None,
            }
        )
        self._ports, self._knock = tuple(ports), knock
        self._found: dict[int, Door] = dict(found or {})
        self._busy, self._said = False, ""
        self._open: tuple[int, str] | None = None
        self._listeners: list[Callable[[Door], None]] = []

    @property
    def found(self) -> Mapping[int, Door]:
        """What was found so far, by port."""
        return self._found

    def on_found(self, listener: Callable[[Door], None]) -> None:
        """Have ``listener(door)`` called on the kernel's main loop for each door that was tried."""
        self._listeners.append(listener)

    # ---- the learner's side

    def on_hello(self, message: dict[str, Any]) -> None:
        """A page has just drawn this widget."""
        self.answer(message, self._state())

    def on_knock(self, _message: dict[str, Any]) -> None:
        """Try all the doors, one after the other."""
        if self._knock is not None and not self._busy:
            self._busy, self._said, self._open = True, "", None
            loop_thread().spawn(self._knock_at_all)

    def on_open(self, message: dict[str, Any]) -> None:
        """Show the session of one visitor at one door."""
        port, who = message.get("port"), message.get("who")
        if isinstance(port, int) and port in self._found and isinstance(who, str) and who in VISITORS:
            self._open = None if self._open == (port, who) else (port, who)
            self.post(self._state)

    async def _knock_at_all(self) -> None:
        assert self._knock is not None
        try:
            for port in self._ports:
                door = await self._knock(port)
                self._found[port] = door
                self.post(self._state)
                hand_over(partial(self._tell, door))
            self._said = "All doors were tried. Each answer opens its session."
        except LabError as error:
            self._said = str(error)
        finally:
            self._busy = False
            self.post(self._state)

    def _tell(self, door: Door) -> None:
        for listener in self._listeners:
            attempt(listener, door)

    # ---- what is shown

    def _state(self) -> dict[str, Any]:
        return {
            "op": "state",
            "busy": self._busy,
            "said": self._said,
            "doors": {str(port): door_cells(door) for port, door in self._found.items()},
            "open": self._opened(),
        }

    def _opened(self) -> dict[str, Any] | None:
        if self._open is None:
            return None
        port, who = self._open
        tried: Tried = getattr(self._found[port], who)
        lines = exchange_lines(tried.program)
        return {"port": port, "who": who, "title": f"{VISITORS[who]} at port {port}", "lines": lines}

    def as_text(self) -> str:
        """The doors, one after the other."""
        lines = [f"{self.facts['title']}: {self.facts['host']}"]
        if not self._found:
            return f"{lines[0]}\nIn a running lab a button tries each of its doors: {_ports(self._ports)}"
        for port, door in self._found.items():
            lines.append(f"Port {port}")
            cells = door_cells(door)
            lines += [f"  {label}: {_cell_text(cells[key])}" for key, label in ROWS.items()]
        return "\n".join(lines)

    def as_html(self) -> str:
        """The same as a table, and each session below it."""
        head = el("p", el("b", self.facts["title"]), f", {self.facts['host']}")
        if not self._found:
            return str(
                kids(
                    head, el("p", "In a running lab a button tries each of its doors: ", _ports(self._ports))
                )
            )
        doors = {port: door_cells(door) for port, door in self._found.items()}
        left = "text-align:left;vertical-align:top"
        body = [
            el(
                "tr",
                el("th", label, style=left),
                *(el("td", _cell_html(doors[port][key]), style=left) for port in doors),
            )
            for key, label in ROWS.items()
        ]
        heads = el("tr", el("th", ""), *(el("th", f"port {port}", style=left) for port in doors))
        sessions = [
            el(
                "details",
                el("summary", f"{VISITORS[who]} at port {port}"),
                exchange_html(exchange_lines(getattr(door, who).program)),
            )
            for port, door in self._found.items()
            for who in VISITORS
        ]
        return str(kids(head, el("table", el("thead", heads), el("tbody", *body)), *sessions))


def door_cells(door: Door) -> dict[str, Cell]:
    """What stands in a door's column; ``code`` and ``s`` (whose session) where there are such."""
    if door.speaker == "S":
        first = {"t": f"server: {printable(door.first[:3])} … (greeting)", "lock": False}
    else:
        first = {"t": f"client: {door.first[:3].hex(' ')} … (TLS)", "lock": True}
    return {
        "first": first,
        "clear": {"t": ", ".join(door.clear) or "nothing", "lock": False},
        "secured": {"t": ", ".join(door.secured) or "nothing", "lock": bool(door.secured)},
        "stranger": _outcome(door.stranger, "stranger"),
        "own": _outcome(door.own, "own"),
        "use": {"t": USES.get(door.port, "")},
    }


def _outcome(tried: Tried, who: str) -> Cell:
    code = str(tried.decided.reply.code) if tried.decided is not None else ""
    return {"t": "taken" if tried.delivered else "refused", "code": code, "s": who}


def _cell_text(cell: Cell) -> str:
    return " ".join(filter(None, (cell.get("code"), cell["t"])))


def _cell_html(cell: Cell) -> Html:
    return kids(Html(code_chip(cell["code"]) + " ") if cell.get("code") else None, cell["t"])


def _ports(ports: Sequence[int]) -> str:
    return ", ".join(map(str, ports)) + "."
