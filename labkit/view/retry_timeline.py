"""The retry timeline: each try of a message on an axis of time, live with the world's clock; a try opens its session."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import traitlets

from labkit.hosts.movement import Movement
from labkit.transport.loop_thread import LabError, loop_thread
from labkit.view.cards_static import Html, chip, el, items, kids
from labkit.view.clock_view import ClockView
from labkit.view.kernel_loop import remember_main_loop
from labkit.view.map_static import story_text
from labkit.view.map_story import layout, moment, people
from labkit.view.map_view import PEOPLE, hop_session
from labkit.view.news import News
from labkit.view.retry_story import Picture, picture
from labkit.view.session_widget import SessionAt
from labkit.view.static_form import CHIP, SEVERITY, svg_text
from labkit.view.widget import LabWidget, asset
from labkit.world import World

__all__ = ["RetryTimeline"]

SHOWN_MESSAGES = 20
KINDS = {"2": "done", "3": "go", "4": "later", "5": "fix"}


class RetryTimeline(LabWidget):
    """Follows the messages of a world, one at a time.

    letter  a message text with its header; with it there is a button that hands it in, from Alice to Bob
    empty   what to do while there is no message
    clock   whether the world's clock stands beside the list
    """

    _esm = traitlets.Unicode(asset("common.js", "child.js", "retry.js")).tag(sync=True)
    _css = traitlets.Unicode(asset("theme.css", "retry.css")).tag(sync=True)
    facts = traitlets.Dict().tag(sync=True)
    saved = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        world: World,
        *,
        title: str = "One message, try by try",
        letter: str = "",
        empty: str = "",
        clock: bool = True,
    ) -> None:
        remember_main_loop()
        told = empty or ("Send Alice's message, and each try appears here at its time." if letter else "")
        super().__init__(facts={"title": title, "send": bool(letter), "empty": told, "clock": clock})
        self._letter = letter
        self._clock = ClockView(world) if clock else None
        self._said, self._sending = "", False
        self._child: LabWidget | None = None
        self._news = News(lambda: self.post(self._state))
        self._endings: list[Callable[[], object]] = []
        self._look_at(world)

    def follow(self, world: World) -> None:
        """Show the messages of another world from now on; not for a timeline with a clock."""
        self._stop_listening()
        self._drop_child()
        self._look_at(world)
        self.post(self._state)

    def _look_at(self, world: World) -> None:
        self._world, self._chosen = world, ""
        self._places = layout(world.inner.spec, PEOPLE)
        self._endings += [world.on_movement(self._news), world.clock.on_change(self._news)]

    def _stop_listening(self) -> None:
        for end in self._endings:
            end()
        self._endings.clear()

    # ---- the learner's side

    def on_hello(self, message: dict[str, Any]) -> None:
        """A page has just drawn this widget."""
        self.answer(message, self._state())
        if self._clock is not None:
            self.answer(message, {"op": "clock", "model": self._clock.model_id})

    def on_send(self, _message: dict[str, Any]) -> None:
        """Hand the letter in, as Alice's program does."""
        if self._letter and not self._sending:
            self._sending, self._said = True, ""
            loop_thread().spawn(self._hand_in)

    def on_choose(self, message: dict[str, Any]) -> None:
        """Another of the messages."""
        if message.get("id") in self._messages():
            self._chosen = str(message["id"])
            self.post(self._state)

    def on_open(self, message: dict[str, Any]) -> None:
        """The learner picked a try: show the session in which it happened."""
        number, movements = message.get("n"), self._world.movements
        if not isinstance(number, int) or not 0 < number <= len(movements):
            return
        movement = movements[number - 1]
        self._drop_child()
        self._child = self._session_of(movement)
        self.post(
            {
                "op": "child",
                "n": number,
                "model": self._child.model_id if self._child else "",
                "say": movement.why or "This happened inside one host.",
            }
        )

    def on_shut(self, _message: dict[str, Any]) -> None:
        """The learner has read what was opened."""
        self._drop_child()

    def close(self) -> None:
        """Leave the page with all that it opened; the world is listened to no more."""
        self._stop_listening()
        self._news.end()
        self._drop_child()
        if self._clock is not None:
            self._clock.close()
        super().close()

    # ---- on the loop thread

    async def _hand_in(self) -> None:
        try:
            if self._world.closed:
                raise LabError("This world was closed. Choose Run > Run All Cells to start the lab again.")
            sender, recipient = PEOPLE
            handed = await self._world.inner.submit(self._letter, sender=sender, recipients=(recipient,))
            self._chosen = handed.message_id
        except LabError as error:
            self._said = str(error)
        finally:
            self._sending = False
            self.post(self._state)

    # ---- what is shown

    def _messages(self) -> dict[str, str]:
        """All letters by their Message-ID, each with a line that names it; notices are left out."""
        start = self._world.clock.start
        handed_in = [one for one in self._world.movements if one.kind == "submitted"]
        return {
            one.message_id: f"{number}: {moment(start, one.time)} to {people(one.recipients)}"
            for number, one in enumerate(handed_in, 1)
        }

    def _state(self) -> dict[str, Any]:
        known = self._messages()
        shown = self._chosen if self._chosen in known else next(reversed(known), "")
        return {
            "op": "state",
            "messages": list(known.items())[-SHOWN_MESSAGES:],
            "shown": shown,
            "picture": picture(self._world, self._places, shown) if shown else None,
            "sending": self._sending,
            "said": self._said,
        }

    def _session_of(self, movement: Movement) -> SessionAt | None:
        session = self._world.host(movement.to).session(movement.connection) if movement.to else None
        writer = self._places.writer(movement.host) if movement.kind == "submitted" else None
        client = f"{writer.label}'s program" if writer else movement.host
        return hop_session(session, movement, client) if session is not None else None

    def _drop_child(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.close()

    # ---- without a page

    def as_text(self) -> str:
        """Who answers for the message, and what happened, one line per step."""
        drawn = self._state()["picture"]
        title = self.facts["title"]
        if drawn is None:
            return f"{title}\n{self._empty}"
        return "\n".join([title, story_text(drawn["rows"]), _owner_line(drawn)])

    def as_html(self) -> str:
        """The axis as a picture, and what happened as a list."""
        drawn = self._state()["picture"]
        title = el("p", el("b", self.facts["title"]))
        if drawn is None:
            return str(kids(title, el("p", self._empty)))
        picture_of = base64.b64encode(timeline_svg(drawn).encode()).decode()
        image = Html(
            '<img alt="The tries of one message on an axis of time; the list below says the same" '
            f'src="data:image/svg+xml;base64,{picture_of}">'
        )
        rows = items(
            (
                kids(f"{step['at']} ", chip(f"{SEVERITY[step['tone']][0]} {step['mark']}", KINDS[step["tone"]]), " ", step["text"])
                for step in drawn["rows"]
            ),
            ordered=True,
        )  # fmt: skip
        return str(kids(title, el("p", image), rows, el("p", _owner_line(drawn))))

    @property
    def _empty(self) -> str:
        return f"No message is under way yet. {self.facts['empty']}".rstrip()


def _owner_line(drawn: Picture) -> str:
    owner = drawn["owner"]
    return f"Who answers for it now: {owner['who']}. {owner['text']}"


WIDTH, LEFT, ROW = 820, 24, 24


def timeline_svg(drawn: Picture) -> str:
    """The axis with its marks, on a light ground of its own."""
    room = WIDTH - 2 * LEFT - 40
    stack = max(len(mark["steps"]) for mark in drawn["marks"])
    line, height = 44 + stack * ROW, 84 + stack * ROW

    def place(x: float) -> float:
        return round(LEFT + x * room, 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" font-size="12">',
        "<title>The tries of one message</title>",
        f'<rect x=".5" y=".5" width="{WIDTH - 1}" height="{height - 1}" rx="8" fill="#ffffff" stroke="#c9ced6"/>',
        f'<path d="M{LEFT} {line}H{WIDTH - LEFT}" stroke="#8a93a0" stroke-width="2"/>',
    ]
    for tick in drawn["ticks"]:
        x = place(tick["x"])
        parts.append(f'<path d="M{x} {line}v6" stroke="#8a93a0"/>')
        parts.append(svg_text(x, line + 20, tick["text"], "#596270", anchor="middle"))
    for gap in drawn["gaps"]:
        if gap["wide"] * room > 7 * len(gap["text"]):
            parts.append(svg_text(place(gap["x"]), line - 6, gap["text"], "#596270", anchor="middle"))
    if drawn["limit"]:
        x, side = place(drawn["limit"]["x"]), "end"
        parts.append(f'<path d="M{x} 22V{line + 6}" stroke="#a5300f" stroke-width="1.5"/>')
        parts.append(svg_text(x + 40, 16, drawn["limit"]["text"], "#a5300f", anchor=side))
    for spot in drawn["planned"]:
        parts.append(f'<circle cx="{place(spot["x"])}" cy="{line}" r="4" fill="#ffffff" stroke="#774800"/>')
    places = [place(mark["x"]) for mark in drawn["marks"]]
    for index, (mark, x) in enumerate(zip(drawn["marks"], places, strict=True)):
        near = places[max(0, index - 1) : index] + places[index + 1 : index + 2]
        free = min((abs(other - x) for other in near), default=WIDTH)
        for level, step in enumerate(mark["steps"]):
            parts.append(_svg_mark(step, x, line - 18 - level * ROW, free))
        colour = CHIP[mark["steps"][-1]["tone"]][0]
        parts.append(f'<circle cx="{x}" cy="{line}" r="4.5" fill="{colour}"/>')
    return "".join([*parts, "</svg>"])


def _svg_mark(step: dict[str, Any], x: float, y: float, free: float) -> str:
    """A chip with shape and word; where the next one stands close, the shape alone."""
    colour, ground = CHIP[step["tone"]]
    shape, word = SEVERITY[step["tone"]][0], f"notice {step['mark']}" if step["notice"] else step["mark"]
    full = f"{shape} {word}"
    said = full if free > 36 + 7.2 * len(full) else shape
    wide = 10 + 7.2 * len(said)
    left = min(max(x - wide / 2, 4), WIDTH - wide - 4)
    return (
        f'<rect x="{left:g}" y="{y - 13:g}" width="{wide:g}" height="18" rx="5" fill="{ground}" stroke="{colour}"/>'
        + svg_text(left + wide / 2, y, said, colour, mono=True, bold=True, anchor="middle")
    )
