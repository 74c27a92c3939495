"""Bob's mailbox and his devices: what the server holds, what each device shows, and every session between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import traitlets

from labkit.explainers.line import explain_line
from labkit.explainers.reading import notes
from labkit.hosts.folder import SEEN
from labkit.reader import Device
from labkit.smtp.session import observe
from labkit.transport.loop_thread import LabError, loop_thread
from labkit.view.cards_base import Card, as_index, script, visible, wire_lines
from labkit.view.cards_static import Html, el, items, kids, note, panel
from labkit.view.devices_static import picture
from labkit.view.kernel_loop import hand_over, remember_main_loop
from labkit.view.letter import read_letter
from labkit.view.widget import asset
from labkit.world.household import Act, Household

__all__ = ["DevicesView"]

WAYS = {
    "take": "POP3, takes away",
    "copy": "POP3, leaves a copy",
    "sync": "IMAP, keeps in step",
}
SHOWN = 20
"""Messages in one place, and sessions, that are shown; of more, the newest."""
TEXT_LINES = 4
"""Lines of a message in a session up to which they are shown one by one; more are folded into one row."""


class DevicesView(Card):
    """A household at its mailbox. With ``live`` there are buttons; without, it shows what was played.

    ``told`` is called with the household after each act, on the loop thread.
    """

    _esm = traitlets.Unicode(script("devices.js")).tag(sync=True)
    _css = traitlets.Unicode(asset("theme.css", "cards.css", "devices.css")).tag(sync=True)

    def __init__(
        self,
        household: Household,
        *,
        title: str,
        live: bool = True,
        told: Callable[[], object] = lambda: None,
    ) -> None:
        remember_main_loop()
        self._household, self._title, self._live, self._told = household, title, live, told
        self._busy, self._said = False, ""
        self._open: int | None = None
        super().__init__()

    # ---- the learner's side

    def on_send(self, _payload: Mapping[str, Any]) -> None:
        """The next letter."""
        self._do(lambda: self._household.send(), "Alice's message is on its way")

    def on_fetch(self, payload: Mapping[str, Any]) -> None:
        """A device asks for mail: `device` is its number."""
        device = self._device(payload)
        if device is not None:
            self._do(lambda: self._household.fetch(device), f"{device.name} asks for mail")

    def on_read(self, payload: Mapping[str, Any]) -> None:
        """Bob opens a message: `device` and `letter` are numbers."""
        device = self._device(payload)
        number = as_index(payload.get("letter"), len(device.letters)) if device is not None else None
        if device is not None and number is not None:
            key = device.letters[number].key
            self._do(lambda: self._household.read(device, key), f"Opened on the {device.name.lower()}")

    def on_lines(self, payload: Mapping[str, Any]) -> None:
        """Show the lines of a session, or of none: `act` is its number, from 1."""
        number = as_index(payload.get("act"), len(self._household.acts) + 1)
        self._open = number or None
        self._show()

    def on_ping(self, _payload: Mapping[str, Any]) -> None:
        """The page's heartbeat: another program may have been at the mailbox."""
        if not self._busy and self._household.look_for_strangers():
            self._show("Another program was at the mailbox.")

    def _device(self, payload: Mapping[str, Any]) -> Device | None:
        number = as_index(payload.get("device"), len(self._household.devices))
        return None if number is None else self._household.devices[number]

    def _do(self, work: Callable[[], Any], doing: str) -> None:
        """Do it on the loop thread, one thing at a time."""
        if self._busy or not self._live:
            return
        self._busy, self._said = True, f"{doing}…"
        self._show()
        loop_thread().spawn(lambda: self._work(work))

    async def _work(self, work: Callable[[], Any]) -> None:
        before = len(self._household.acts)
        try:
            if self._household.world.closed:
                raise LabError("This world was closed. Choose Run > Run All Cells to start the lab again.")
            await work()
            new = self._household.acts[before:]
            self._said = (
                " ".join(f"{_sentence(act)}" for act in new) or "No session: the message is on the device."
            )
        except (OSError, ValueError) as error:
            self._said = (
                str(error) if isinstance(error, LabError) else f"The server could not be asked: {error}."
            )
        except LabError as error:
            self._said = str(error)
        finally:
            self._busy = False
            hand_over(lambda: self._show(self._said))
            self._told()

    # ---- what is shown

    def _snapshot(self) -> dict[str, Any]:
        home = self._household
        opened = home.acts[self._open - 1] if self._open is not None else None
        return {
            "title": self._title,
            "live": self._live,
            "busy": self._busy,
            "said": self._said,
            "left": len(home.letters) - home.sent,
            "next": home.letters[home.sent][0] if home.sent < len(home.letters) else "",
            "host": home.host.name,
            "mailbox": [
                {"subject": read_letter(one.raw).subject, "read": SEEN in one.flags}
                for one in home.at_server[-SHOWN:]
            ],
            "more": max(0, len(home.at_server) - SHOWN),
            "devices": [_device_state(device) for device in home.devices],
            "acts": [_act_state(act, number) for number, act in enumerate(home.acts, 1)][-SHOWN:],
            "open": self._open,
            "caller": opened.caller if opened is not None else "",
            "lines": _lines(opened) if opened is not None else [],
        }

    def as_text(self) -> str:
        now = self._snapshot()
        lines = [now["title"], f"{now['host']}: {_listed(now)}"]
        lines += [
            f"{one['name']} ({one['way']}, port {one['port']}): "
            + (_listed(one) if one["fetched"] else "has not asked yet")
            for one in now["devices"]
        ]
        lines += [f"{act['n']}. {act['text']}" for act in now["acts"]]
        return "\n".join(lines)

    def as_html(self) -> str:
        now = self._snapshot()
        sessions = [
            kids(
                act["text"],
                el("details", el("summary", f"Its {len(act_of.session.transcript)} lines"), _table(act_of))
                if not self._live
                else None,
            )
            for act, act_of in zip(now["acts"], self._household.acts[-SHOWN:], strict=True)
        ]
        rest = (
            items(sessions, ordered=True)
            if sessions
            else note("In the running lab Alice sends, the devices ask, and each session can be opened.")
        )
        return str(panel("Devices", now["title"], el("p", picture(now)), _places(now), rest, task=False))


def _sentence(act: Act) -> str:
    who = act.caller if "." in act.caller else f"The {act.caller.lower()}"
    return f"{who} {act.says}."


def _device_state(device: Device) -> dict[str, Any]:
    return {
        "name": device.name,
        "way": WAYS[device.way] if device.fetched else device.protocol,  # what it means is seen first
        "protocol": device.protocol,
        "port": device.port,
        "fetched": device.fetched,
        "more": max(0, len(device.letters) - SHOWN),
        "letters": [
            {
                "n": number,
                "subject": visible(letter.subject),
                "read": letter.read,
                "text": read_letter(letter.raw).text if letter.read and letter.raw else "",
            }
            for number, letter in enumerate(device.letters)
        ][-SHOWN:],
    }


def _act_state(act: Act, number: int) -> dict[str, Any]:
    return {
        "n": number,
        "caller": act.caller,
        "protocol": act.protocol,
        "port": act.port,
        "says": act.says,
        "pushes": act.protocol == "SMTP",
        "text": f"{act.caller} called port {act.port} ({act.protocol}) and {act.says}.",
    }


def _lines(act: Act) -> list[dict[str, Any]]:
    """The lines of a session, each with what it is good for; the text of messages is folded."""
    transcript = act.session.transcript
    lines = wire_lines(transcript)
    if act.protocol == "SMTP":
        observed = observe(transcript)
        roles = [one.role for one in observed]
        says = [explain_line(observed, one.seq).headline if one.role != "text" else "" for one in observed]
    else:
        told = notes(transcript)
        roles, says = [one.role for one in told], [one.says for one in told]
        for line in lines:  # digits at the start of a line are no reply code here
            code = line.pop("code", None)
            if code is not None:
                line["text"] = f"{code}{'-' if line.pop('more') else ' '}{line['text']}"
    shown: list[dict[str, Any]] = []
    run: list[dict[str, Any]] = []
    for line, role, said in zip(lines, roles, says, strict=True):
        line["says"] = said
        if role == "text":
            run.append(line)
            continue
        shown += _folded(run)
        run = []
        shown.append(line)
    return shown + _folded(run)


def _folded(run: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if len(run) <= TEXT_LINES:
        return run
    kept = {key: value for key, value in run[0].items() if key in ("n", "who", "tls")}
    return [{**kept, "text": f"… {len(run)} lines of the message …", "says": "", "folded": True}]


def _listed(place: Mapping[str, Any]) -> str:
    """What lies in a place, in words."""
    letters = place["letters"] if "letters" in place else place["mailbox"]
    known = [f"{one['subject']} ({'read' if one['read'] else 'unread'})" for one in letters]
    return ", ".join([f"{place['more']} earlier ones", *known] if place["more"] else known) or "nothing"


def _places(now: Mapping[str, Any]) -> Html:
    rows = [("Server", now["host"], _listed(now))]
    rows += [
        (
            one["name"],
            f"{one['way']}, port {one['port']}",
            _listed(one) if one["fetched"] else "has not asked yet",
        )
        for one in now["devices"]
    ]
    head = el("tr", *(el("th", text, style=_CELL) for text in ("where", "how", "what it holds")))
    body = (el("tr", *(el("td", text, style=_CELL) for text in row)) for row in rows)
    return el("table", el("thead", head), el("tbody", *body))


def _table(act: Act) -> Html:
    rows = (
        el(
            "tr",
            el("td", str(line["n"]), style=_CELL),
            el("td", {"C": "client", "S": "server"}[line["who"]], style=_CELL),
            el("td", el("code", _said(line)), style=_CELL),
            el("td", line["says"], style=_CELL),
        )
        for line in _lines(act)
    )
    return el("table", el("tbody", *rows))


def _said(line: Mapping[str, Any]) -> str:
    code = f"{line['code']}{'-' if line.get('more') else ' '}" if line.get("code") else ""
    return code + str(line["text"])


_CELL = "text-align:left;vertical-align:baseline;padding:1px 14px 1px 0"
