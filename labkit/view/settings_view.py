"""A mail program's settings, tried for real: a form, one button, and what both sides have seen of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import traitlets

from labkit.frozen import dataclass
from labkit.mua import Login
from labkit.transport.loop_thread import LabError, loop_thread
from labkit.view.cards_static import Html, chip, el, items, kids
from labkit.view.exchange import Line, exchange_html, exchange_lines, exchange_text, misread_greeting
from labkit.view.kernel_loop import attempt, hand_over, remember_main_loop
from labkit.view.widget import LabWidget, asset
from labkit.world.account import ENCRYPTIONS, Account, Tried

PORTS = (25, 465, 587, 2525)
PASSES, BLOCKS = "lets everything pass", "blocks port 25"
CHECKS, TRUSTS = "must be right", "is not looked at"
NOBODY = "without"


@dataclass(frozen=True, slots=True)
class Preset:
    """Settings to begin with: ``title`` in the menu, ``about`` what to know of them, ``source`` where that stands."""

    title: str
    account: Account
    about: str = ""
    source: str = ""
    blocked: bool = False
    """Whether the network on the way blocks port 25."""


Values = dict[str, str]
Work = Callable[[Account, bool], Awaitable[Tried]]


class SettingsView(LabWidget):
    """Sends a message with the settings as they stand.

    work   sends with an account, over a network that blocks port 25 or does not; None for a recorded run
    login  the account that the menu offers beside nobody
    tried  what came of the first preset in a recorded run
    """

    _esm = traitlets.Unicode(asset("common.js", "exchange.js", "settings_view.js")).tag(sync=True)
    _css = traitlets.Unicode(asset("theme.css", "ports.css")).tag(sync=True)
    facts = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        presets: Sequence[Preset],
        work: Work | None = None,
        *,
        login: Login,
        title: str,
        menu: str,
        tried: Tried | None = None,
    ) -> None:
        remember_main_loop()
        self._presets, self._work, self._login = tuple(presets), work, login
        hosts = tuple(dict.fromkeys(one.account.host for one in presets))
        self._options: dict[str, tuple[str, ...]] = {
            "host": hosts,
            "port": tuple(map(str, PORTS)),
            "encryption": ENCRYPTIONS,
            "login": (NOBODY, login.user),
            "check": (CHECKS, TRUSTS),
            "network": (PASSES, BLOCKS),
        }
        labels = {
            "host": "Server",
            "port": "Port",
            "encryption": "Encryption",
            "login": "Log in",
            "check": "Certificate",
            "network": "The network on the way",
        }
        shown = [one for one in self._options if one != "network" or any(p.blocked for p in presets)]
        super().__init__(
            facts={
                "title": title,
                "menu": menu,
                "live": work is not None,
                "fields": [
                    {"name": name, "label": labels[name], "options": self._options[name]} for name in shown
                ],
                "presets": [
                    {
                        "title": one.title,
                        "about": one.about,
                        "source": one.source,
                        "values": self._values(one),
                    }
                    for one in presets
                ],
            }
        )
        self._labels = {name: labels[name] for name in shown}
        self._chosen: Values = self._values(self._presets[0])
        self._preset = 0
        self._tried, self._busy, self._said = tried, False, ""
        self._listeners: list[Callable[[Tried], None]] = []

    def on_tried(self, listener: Callable[[Tried], None]) -> None:
        """Have ``listener(tried)`` called on the kernel's main loop after each try."""
        self._listeners.append(listener)

    def _values(self, preset: Preset) -> Values:
        account = preset.account
        return {
            "host": account.host,
            "port": str(account.port),
            "encryption": account.encryption,
            "login": account.login.user if account.login else NOBODY,
            "check": CHECKS if account.check else TRUSTS,
            "network": BLOCKS if preset.blocked else PASSES,
        }

    # ---- the learner's side

    def on_hello(self, message: dict[str, Any]) -> None:
        """A page has just drawn this widget."""
        self.answer(message, self._state())

    def on_choose(self, message: dict[str, Any]) -> None:
        """Settings were chosen: one of the presets, or single values."""
        preset, values = message.get("preset"), message.get("values")
        if isinstance(preset, int) and 0 <= preset < len(self._presets):
            self._preset = preset
        if isinstance(values, dict) and all(
            values.get(name) in known for name, known in self._options.items()
        ):
            self._chosen = {name: values[name] for name in self._options}

    def on_send(self, message: dict[str, Any]) -> None:
        """Send a test message with these settings."""
        self.on_choose(message)
        if self._work is not None and not self._busy:
            self._busy, self._said, self._tried = True, "", None
            self.post(self._state)
            loop_thread().spawn(self._send_now)

    async def _send_now(self) -> None:
        assert self._work is not None
        chosen = self._chosen
        account = Account(
            chosen["host"],
            int(chosen["port"]),
            next(one for one in ENCRYPTIONS if one == chosen["encryption"]),
            self._login if chosen["login"] != NOBODY else None,
            chosen["check"] == CHECKS,
        )
        try:
            tried = self._tried = await self._work(account, chosen["network"] == BLOCKS)
            self._said = f"{'Delivered' if tried.delivered else 'Not delivered'}. {tried.happened}"
            hand_over(lambda: self._tell(tried))
        except LabError as error:
            self._said = str(error)
        finally:
            self._busy = False
            self.post(self._state)

    def _tell(self, tried: Tried) -> None:
        for listener in self._listeners:
            attempt(listener, tried)

    # ---- what is shown

    def _state(self) -> dict[str, Any]:
        return {
            "op": "state",
            "busy": self._busy,
            "said": self._said,
            "preset": self._preset,
            "values": self._chosen,
            "result": result_state(self._tried) if self._tried is not None else None,
        }

    def as_text(self) -> str:
        """The settings, and what came of them."""
        lines = [str(self.facts["title"])]
        if self._tried is None:
            for preset in self._presets:
                lines += [f"{preset.title}: {self._line(preset)}", *_about(preset)]
            return "\n".join([*lines, "In a running lab a button sends a message with these settings."])
        result = result_state(self._tried)
        lines += [self._line(self._presets[0]), f"{result['word']}. {result['happened']}"]
        for side in result["sides"]:
            lines += [side["title"], *(f"  {line}" for line in exchange_text(side["lines"]))]
        return "\n".join(lines)

    def as_html(self) -> str:
        """The same with chips and lists."""
        head = el("p", el("b", self.facts["title"]))
        if self._tried is None:
            offered = items(
                kids(el("b", one.title), f": {self._line(one)}", *(el("div", text) for text in _about(one)))
                for one in self._presets
            )
            return str(
                kids(head, offered, el("p", "In a running lab a button sends a message with these settings."))
            )
        result = result_state(self._tried)
        sides = [
            kids(el("p", el("b", side["title"])), exchange_html(side["lines"])) for side in result["sides"]
        ]
        verdict = el("p", _verdict_chip(result), f" {result['happened']}")
        return str(kids(head, el("p", self._line(self._presets[0])), verdict, *sides))

    def _line(self, preset: Preset) -> str:
        values = self._values(preset)
        return ", ".join(f"{label}: {values[name]}" for name, label in self._labels.items())


def result_state(tried: Tried) -> dict[str, Any]:
    """What came of it, as a page draws it."""
    reply = tried.decided.reply if tried.decided is not None else None
    misread = tried.problem == "not_tls" and not any(event.data for event in tried.program)
    seen = misread_greeting(tried.server) if misread else exchange_lines(tried.program)
    return {
        "delivered": tried.delivered,
        "word": "Delivered" if tried.delivered else "Not delivered",
        "code": str(reply.code) if reply is not None else "",
        "happened": tried.happened,
        "rule": str(tried.rule) if tried.rule is not None else "",
        "advice": tried.advice,
        "exposed": tried.exposed,
        "sides": _sides(seen, exchange_lines(tried.server)),
    }


def _sides(program: list[Line], server: list[Line]) -> list[dict[str, Any]]:
    if program == server:
        return [{"title": "What both sides saw", "lines": program}]
    return [
        {"title": "What your program saw", "lines": program},
        {"title": "What the server saw", "lines": server},
    ]


def _verdict_chip(result: dict[str, Any]) -> Html:
    return chip(result["word"], "done" if result["delivered"] else "fix")


def _about(preset: Preset) -> list[str]:
    return [text for text in (preset.about, f"Source: {preset.source}" if preset.source else "") if text]
