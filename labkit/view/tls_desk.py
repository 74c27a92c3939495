"""A desk: settings to choose from, one button, and the picture of what happened then. Each picture has its own class."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar

import traitlets

from labkit.frozen import dataclass
from labkit.transport.loop_thread import LabError, loop_thread
from labkit.view.cards_static import Html, chip, el, kids
from labkit.view.kernel_loop import remember_main_loop
from labkit.view.widget import LabWidget, asset

Picture = dict[str, Any]
Values = dict[str, str]


CHIPS = {"2": "done", "3": "go", "4": "later", "5": "fix"}
SHAPES = {"2": "✓", "3": "→", "4": "◷", "5": "✕"}
BREAK = Html("<br>")


def headline(picture: Picture) -> str:
    """What came of it, in one line."""
    return ", ".join(word for word, _ in picture["verdict"]) + f". {picture['told']}"


def headline_html(picture: Picture) -> Html:
    """The same with chips."""
    chips = [kids(chip(f"{SHAPES[kind]} {word}", CHIPS[kind]), " ") for word, kind in picture["verdict"]]
    return kids(el("p", *chips), el("p", picture["told"]))


@dataclass(frozen=True, slots=True)
class Setting:
    """Something to choose: ``options`` are values with their words, the first one is set at the beginning."""

    name: str
    label: str
    options: tuple[tuple[str, str], ...]


class Desk(LabWidget):
    """Runs ``work`` with the chosen values on the loop thread, and shows the picture that it gives.

    sample  gives values and picture of recorded runs: for readers of a page without a kernel
    """

    kind: ClassVar[str]
    empty: ClassVar[str]
    _esm = traitlets.Unicode(asset("common.js", "tls.js")).tag(sync=True)
    _css = traitlets.Unicode(asset("theme.css", "tls.css")).tag(sync=True)
    facts = traitlets.Dict().tag(sync=True)
    saved = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        work: Callable[[Values], Awaitable[Picture]],
        *,
        title: str,
        button: str,
        settings: Sequence[Setting] = (),
        sample: Callable[[], Sequence[tuple[Values, Picture]]] = tuple,
    ) -> None:
        remember_main_loop()
        self._settings = tuple(settings)
        drawn = [
            {"name": one.name, "label": one.label, "options": [list(pair) for pair in one.options]}
            for one in settings
        ]
        super().__init__(
            facts={
                "kind": self.kind,
                "title": title,
                "button": button,
                "settings": drawn,
                "empty": self.empty,
            }
        )
        self._work, self._sample = work, sample
        self._values: Values = {one.name: one.options[0][0] for one in settings}
        self._picture: Picture | None = None
        self._busy, self._said, self._count = False, "", 0

    # ---- the learner's side

    def on_hello(self, message: dict[str, Any]) -> None:
        """A page has just drawn this widget."""
        self.answer(message, self._state())

    def on_set(self, message: dict[str, Any]) -> None:
        """The learner chose another value; nothing happens yet."""
        self._take({str(message.get("name")): message.get("value")})

    def on_go(self, message: dict[str, Any]) -> None:
        """The learner pressed the button."""
        values = message.get("values")
        if isinstance(values, dict):
            self._take(values)
        if not self._busy:
            self._busy, self._said = True, ""
            loop_thread().spawn(self._run)

    def _take(self, values: Mapping[str, object]) -> None:
        for one in self._settings:
            value = values.get(one.name)
            if isinstance(value, str) and value in dict(one.options):
                self._values[one.name] = value

    async def _run(self) -> None:
        try:
            self._picture = await self._work(dict(self._values))
            self._count += 1
        except LabError as error:
            self._said = str(error)
        finally:
            self._busy = False
            self.post(self._state)

    def _state(self) -> dict[str, Any]:
        return {
            "op": "state",
            "values": dict(self._values),
            "picture": self._picture,
            "count": self._count,
            "busy": self._busy,
            "said": self._said,
        }

    # ---- without a page

    def told(self, picture: Picture) -> list[str]:
        """A picture as lines of text."""
        raise NotImplementedError

    def drawn(self, picture: Picture) -> Html:
        """A picture as static HTML."""
        raise NotImplementedError

    def _shown(self) -> tuple[str, list[tuple[Values, Picture]]]:
        title = str(self.facts["title"])
        if self._picture is not None:
            return title, [(self._values, self._picture)]
        found = list(self._sample())
        return (f"{title} (recorded)" if found else title), found

    def _words(self, values: Values) -> str:
        """The chosen values in words."""
        return "; ".join(f"{one.label}: {dict(one.options)[values[one.name]]}" for one in self._settings)

    def as_text(self) -> str:
        """What was chosen, and what happened."""
        title, found = self._shown()
        lines = [title]
        for values, picture in found:
            lines += [words] if (words := self._words(values)) else []
            lines += [f"  {line}" for line in self.told(picture)]
        return "\n".join(lines if found else [title, self.empty])

    def as_html(self) -> str:
        """The same as HTML."""
        title, found = self._shown()
        head = el("p", el("b", title))
        if not found:
            return str(kids(head, el("p", self.empty)))
        return str(
            kids(head, *(kids(el("p", self._words(values)) if self._settings else None, self.drawn(picture)) for values, picture in found))
        )  # fmt: skip
