"""Round trips: the same message sent in several ways, each as a sequence of groups and answers, with every wait counted."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import Any, Literal

import traitlets

from labkit.frozen import dataclass
from labkit.smtp.note import Note
from labkit.smtp.reply import Reply
from labkit.smtp.session import observe
from labkit.smtp.transcript import Transcript
from labkit.smtp.turns import Turn, turns
from labkit.transport.loop_thread import LabError, loop_thread
from labkit.view.kernel_loop import attempt, hand_over, remember_main_loop
from labkit.view.printable import printable, shortened
from labkit.view.static_form import chip, svg_text
from labkit.view.widget import LabWidget, asset
from labkit.world import World

Measure = Literal["waits", "octets"]
Line = dict[str, str]

DISTANCES = (
    (1, "in one building"),
    (10, "in one city"),
    (30, "in one country"),
    (100, "across an ocean"),
    (300, "around the world"),
    (600, "by a high satellite"),
)
"""Milliseconds that a round trip takes, about, and between which places."""
START = 3
LINE_LIMIT = 160


@dataclass(frozen=True)
class Way:
    """One way to send: ``groups`` are the octets that go out in one piece each, before the client waits again.

    title   what a learner reads: "One command at a time"
    button  what the button says that sends it
    host    the server that it goes to
    """

    name: str
    title: str
    button: str
    host: str
    groups: tuple[bytes, ...]


class RoundTripsView(LabWidget):
    """Draws each way as a sequence diagram and counts: how often the client waited, or how many octets it sent.

    world   where the learner's click really sends; None for recorded runs, which are given in `shown`
    measure what the figure over each diagram counts; with "waits", a slider turns it into time
    """

    _esm = traitlets.Unicode(asset("common.js", "round_trips.js")).tag(sync=True)
    _css = traitlets.Unicode(asset("theme.css", "round_trips.css")).tag(sync=True)
    facts = traitlets.Dict().tag(sync=True)
    saved = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        ways: Sequence[Way],
        *,
        world: World | None = None,
        shown: dict[str, Transcript] | None = None,
        title: str,
        measure: Measure = "waits",
    ) -> None:
        remember_main_loop()
        super().__init__(
            facts={
                "title": title,
                "measure": measure,
                "live": world is not None,
                "distances": [{"ms": ms, "words": words} for ms, words in DISTANCES],
                "start": START,
            }
        )
        self._ways, self._world = tuple(ways), world
        self._sent: dict[str, Transcript] = dict(shown or {})
        self._sending = ""
        self._said = ""
        self._listeners: list[Callable[[str, Transcript], None]] = []

    def on_sent(self, listener: Callable[[str, Transcript], None]) -> None:
        """Have ``listener(name of the way, session)`` called on the kernel's main loop after each run."""
        self._listeners.append(listener)

    @property
    def live(self) -> bool:
        """Whether a click sends something; else it is a recorded run."""
        return self._world is not None

    def take(self, name: str, transcript: Transcript) -> None:
        """Draw a session that was sent that way elsewhere, if this picture has that way."""
        if any(way.name == name for way in self._ways) and self._sent.get(name) is not transcript:
            self._sent[name] = transcript
            self.post(self._state)

    # ---- the learner's side

    def on_hello(self, message: dict[str, Any]) -> None:
        """A page has just drawn this widget."""
        self.answer(message, self._state())

    def on_send(self, message: dict[str, Any]) -> None:
        """Send one of the ways, in a connection of its own."""
        way = next((one for one in self._ways if one.name == message.get("way")), None)
        if way is not None and self._world is not None and not self._sending:
            self._sending, self._said = way.name, ""
            loop_thread().spawn(lambda: self._send_way(way))

    async def _send_way(self, way: Way) -> None:
        assert self._world is not None
        transcript = Transcript()
        try:
            if self._world.closed:
                raise LabError("This server was closed. Choose Run > Run All Cells to start the lab again.")
            transcript = await self._world.inner.play(way.groups, host=way.host)
            self._sent[way.name] = transcript
            self._said = f"{way.title}: {self._figure(transcript)}."
        except LabError as error:
            self._said = str(error)
        finally:
            self._sending = ""
            self.post(self._state)
        if transcript:
            hand_over(lambda: self._tell(way.name, transcript))

    def _tell(self, name: str, transcript: Transcript) -> None:
        for listener in self._listeners:
            attempt(listener, name, transcript)

    # ---- what is shown

    def _figure(self, transcript: Transcript) -> str:
        if self.facts["measure"] == "octets":
            return f"the client sent {_octets(transcript):,} octets"
        return f"the client waited {_times(len(turns(transcript)))}"

    def _state(self) -> dict[str, Any]:
        return {
            "op": "state",
            "ways": [self._way_state(way) for way in self._ways],
            "sending": self._sending,
            "said": self._said,
        }

    def _way_state(self, way: Way) -> dict[str, Any]:
        transcript = self._sent.get(way.name)
        state = {"name": way.name, "title": way.title, "button": way.button, "host": way.host, "turns": []}
        if transcript is None:
            return state
        return state | {
            "turns": drawn(transcript),
            "figure": self._figure(transcript),
            "waits": len(turns(transcript)),
        }

    def as_text(self) -> str:
        """Each way with its waits, one a line."""
        return "\n".join([str(self.facts["title"]), *self._text_lines()])

    def _text_lines(self) -> Iterator[str]:
        for way in self._ways:
            transcript = self._sent.get(way.name)
            if transcript is None:
                yield f"{way.title}, to {way.host}: {_NOT_SENT}"
                continue
            yield f"{way.title}, to {way.host}: {self._figure(transcript)}"
            for number, turn in enumerate(drawn(transcript), 1):
                said = " | ".join(line["t"] for line in turn["said"]) or "(the connection stands)"
                answered = " | ".join(_plain(line) for line in turn["answered"]) or "(no answer)"
                yield f"  {number}. {said}  ->  {answered}"

    def as_html(self) -> str:
        """A picture of what was sent, and the same as lists."""
        parts = [f"<p><b>{escape(str(self.facts['title']))}</b></p>"]
        for way in self._ways:
            transcript = self._sent.get(way.name)
            head = f"<b>{escape(way.title)}</b>, to {escape(way.host)}: "
            if transcript is None:
                parts.append(f"<p>{head}{escape(_NOT_SENT)}</p>")
                continue
            rows = drawn(transcript)
            picture = base64.b64encode(diagram_svg(rows, way.host).encode()).decode()
            parts.append(
                f"<p>{head}{escape(self._figure(transcript))}.</p>"
                f'<p><img alt="{len(rows)} round trips between client and server; the list below says the same" '
                f'src="data:image/svg+xml;base64,{picture}"></p>'
                f"<ol>{''.join(_turn_html(row) for row in rows)}</ol>"
            )
        return "".join(parts)


_NOT_SENT = "in a running lab a button sends it, and what was said is drawn."


def drawn(transcript: Transcript) -> list[dict[str, Any]]:
    """The round trips as a page draws them: lines of both sides, text of the message folded into one line."""
    notes = {note.seq: note for note in observe(transcript)}
    return [_drawn(turn, notes) for turn in turns(transcript)]


def _drawn(turn: Turn, notes: dict[int, Note]) -> dict[str, Any]:
    return {
        "said": list(_said([notes[event.seq] for event in turn.said])),
        "answered": list(_answered([notes[event.seq] for event in turn.answered])),
        "octets": turn.octets,
    }


def _said(notes: Sequence[Note]) -> Iterator[Line]:
    text = 0
    for note in notes:
        if note.role == "text":
            text += len(note.octets)
            continue
        if text:
            yield {"kind": "text", "t": f"(the text, {text:,} octets)"}
            text = 0
        line, more = shortened(printable(note.octets.rstrip(b"\r\n")), LINE_LIMIT)
        yield {"kind": "command", "t": f"{line} …" if more else line}
    if text:
        yield {"kind": "text", "t": f"(the text, {text:,} octets)"}


def _answered(notes: Sequence[Note]) -> Iterator[Line]:
    for note in notes:
        if isinstance(note.reply, Reply):
            words = " ".join(filter(None, (note.reply.enhanced_code, ", ".join(note.reply.lines))))
            line, more = shortened(printable(words.encode()), LINE_LIMIT)
            yield {"code": str(note.reply.code), "t": f"{line} …" if more else line}


def _octets(transcript: Transcript) -> int:
    return sum(turn.octets for turn in turns(transcript))


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _plain(line: Line) -> str:
    return f"{line['code']} {line['t']}".rstrip()


def _turn_html(turn: dict[str, Any]) -> str:
    said = (
        "<br>".join(f"<code>{escape(line['t'])}</code>" for line in turn["said"]) or "the connection stands"
    )
    answered = "<br>".join(f"{chip(line['code'])} {escape(line['t'])}" for line in turn["answered"])
    return f"<li>{said}<br>{answered or 'no answer'}</li>"


ROW, SLANT, PAD, WIDTH, LEFT = 17, 20, 8, 640, 40
PICTURE_TEXT = 68  # characters of one line that have room between the two ends


def diagram_svg(rows: Sequence[dict[str, Any]], host: str) -> str:
    """The sequence diagram as a picture with its own light ground: time runs down, a slanted line is the way."""
    parts, y = [], 46.0
    for number, turn in enumerate(rows, 1):
        parts.append(svg_text(LEFT - 10, y + 12, str(number), "#596270", anchor="end"))
        for line in turn["said"]:
            parts.append(svg_text(LEFT + 8, y + 12, _cut(line["t"]), "#14171c", mono=True))
            y += ROW
        if turn["said"]:
            parts.append(_arrow(LEFT, y, WIDTH - LEFT, y + SLANT, "#0a4fb3"))
            y += SLANT
        for line in turn["answered"]:
            parts.append(
                svg_text(WIDTH - LEFT - 14, y + 12, _cut(_plain(line)), "#14171c", mono=True, anchor="end")
            )
            y += ROW
        if turn["answered"]:
            parts.append(_arrow(WIDTH - LEFT, y, LEFT, y + SLANT, "#8a93a0"))
            y += SLANT
        y += PAD
    height = y + 10
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:g}" '
        f'viewBox="0 0 {WIDTH} {height:g}" font-size="13">',
        "<title>Round trips between client and server</title>",
        f'<rect x=".5" y=".5" width="{WIDTH - 1}" height="{height - 1:g}" rx="8" fill="#ffffff" stroke="#c9ced6"/>',
        svg_text(LEFT, 24, "client", "#0a4fb3", bold=True),
        svg_text(WIDTH - LEFT, 24, f"server {host}", "#596270", bold=True, anchor="end"),
        f'<path d="M{LEFT} 34V{height - 8:g}M{WIDTH - LEFT} 34V{height - 8:g}" stroke="#8a93a0" stroke-width="2"/>',
    ]
    return "".join([*head, *parts, "</svg>"])


def _cut(text: str) -> str:
    return text if len(text) <= PICTURE_TEXT else f"{text[: PICTURE_TEXT - 2]} …"


def _arrow(x: float, y: float, to_x: float, to_y: float, colour: str) -> str:
    back = -9 if to_x > x else 9
    return (
        f'<path d="M{x:g} {y:g}L{to_x:g} {to_y:g}" stroke="{colour}" stroke-width="1.6"/>'
        f'<path d="M{to_x + back:g} {to_y - 5:g}L{to_x:g} {to_y:g}L{to_x + back:g} {to_y + 3.5:g}z" fill="{colour}"/>'
    )
