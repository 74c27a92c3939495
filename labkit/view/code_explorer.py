"""Every reply code: what it means at which stage, who must act, and a button that provokes it in a real session."""

from __future__ import annotations

from collections.abc import Collection
from html import escape
from typing import Any

import traitlets

from labkit.explainers.cases import BY_STATUS, CASES
from labkit.explainers.digits import CODES, FIRST
from labkit.explainers.enhanced import status_of
from labkit.explainers.stages import STAGES
from labkit.smtp.transcript import Transcript
from labkit.transport.loop_thread import loop_thread
from labkit.view.cards_base import as_index
from labkit.view.kernel_loop import remember_main_loop
from labkit.view.session_widget import SessionAt
from labkit.view.static_form import chip
from labkit.view.tables import Table
from labkit.view.widget import LabWidget, asset
from labkit.world.provocations import CLIENT, COMMON, PROVOCATIONS, WHO, Provocation, provoke

PLACES = {
    "greeting": "as the greeting",
    "text": "after the final dot",
    "response": "to the answer to 334",
    "": "to a line that is no command",
    "BDAT LAST": "to the last BDAT",
}
"""Stages that are no verb, in words."""
ALSO = {
    451: ("4.7.24",),
    500: ("5.5.6",),
    550: ("5.7.20", "5.7.23", "5.7.25", "5.7.27", "5.7.28", "5.7.30"),
}
"""Further enhanced codes that a standard puts beside a code, where nothing here provokes them."""

VAGUE = frozenset({"5.1", "5.2", "5.4"})
"""Enhanced codes that say no more than: something is wrong with the line."""


def place(stage: str) -> str:
    """Where a reply comes, in words: "to RCPT", "after the final dot"."""
    return PLACES.get(stage, f"to {stage}")


class CodeExplorer(LabWidget):
    """Choose a code, by its first digit or by who must act; read its card; provoke it.

    codes  those that are shown; none means all
    """

    _esm = traitlets.Unicode(asset("common.js", "child.js", "codes.js")).tag(sync=True)
    _css = traitlets.Unicode(asset("theme.css", "codes.css")).tag(sync=True)
    facts = traitlets.Dict().tag(sync=True)

    def __init__(self, codes: Collection[int] = ()) -> None:
        remember_main_loop()
        self._shown = [one for one in PROVOCATIONS if not codes or one.code in codes]
        numbers = dict.fromkeys(one.code for one in self._shown)
        super().__init__(facts={"codes": [self._card(code) for code in numbers], "who": list(WHO)})
        self._child: SessionAt | None = None

    def _card(self, code: int) -> dict[str, Any]:
        """All that is known about a code before it is provoked."""
        ways = [(number, one) for number, one in enumerate(self._shown) if one.code == code]
        stages = {one.stage for _, one in ways}
        enhanced = [*(one.enhanced for _, one in ways if one.enhanced), *ALSO.get(code, ())]
        return {
            "code": code,
            "meaning": CODES[code][0],
            "ref": CODES[code][1],
            "first": FIRST[str(code)[0]],
            "common": code in COMMON,
            "who": list(dict.fromkeys(one.who for _, one in ways)),
            "ways": [{"n": number, **_way(one)} for number, one in ways],
            "else": [
                {"place": place(stage), "more": case.more}
                for (number, stage), case in CASES.items()
                if number == code and stage not in stages and stage in STAGES and stage != "ETRN"
            ],
            "enhanced": [
                [name, status_of(name).meaning] for name in dict.fromkeys(enhanced) if name[0] > "3"
            ],
        }

    # ---- the learner's side

    def on_provoke(self, message: dict[str, Any]) -> None:
        """Play the session of one way to get a code, and show it below."""
        number = as_index(message.get("n"), len(self._shown))
        if number is None:
            return
        one = self._shown[number]

        async def play() -> None:
            transcript = await provoke(one)
            self.post(lambda: self._played(number, one, transcript))

        loop_thread().spawn(play)

    def _played(self, number: int, one: Provocation, transcript: Transcript) -> dict[str, Any]:
        if self._child is not None:
            self._child.close()
        self._child = SessionAt(
            transcript,
            one.line,
            client=CLIENT,
            server=one.host.name,
            port=one.host.port,
            title=f"Provoked: {one.reply}",
            label=one.how,
        )
        return {"op": "played", "n": number, "model": self._child.model_id, "line": one.line}

    def close(self) -> None:
        """Leave the page, with the session below."""
        if self._child is not None:
            self._child.close()
            self._child = None
        super().close()

    # ---- without a page

    def as_text(self) -> str:
        """The table, code by code: how it is provoked, on which line it comes, who must act."""
        return self._table.as_text()

    def as_html(self) -> str:
        """The same as HTML."""
        return self._table.as_html()

    @property
    def _table(self) -> Table:
        return _Codes(
            ("reply", "where it comes", "how it was provoked", "line", "who must act"),
            [
                (
                    one.reply,
                    place(one.stage),
                    one.how + (" The server is told to say so." if one.told else ""),
                    str(one.line),
                    one.who,
                )
                for one in self._shown
            ],
        )


class _Codes(Table):
    """A table whose first column is a reply."""

    def first_cell(self, text: str) -> str:
        """The code as a chip, the enhanced code behind it."""
        code, _, enhanced = text.partition(" ")
        return chip(code) + (f" <code>{escape(enhanced)}</code>" if enhanced else "")


def _way(one: Provocation) -> dict[str, Any]:
    return {
        "place": place(one.stage),
        "enhanced": one.enhanced,
        "how": one.how,
        "told": one.told,
        "who": one.who,
        "means": _meaning(one),
    }


def _meaning(one: Provocation) -> str:
    """What it means there: by its enhanced code, where that says more than code and stage do."""
    if (closer := BY_STATUS.get((one.enhanced, one.stage))) is not None:
        return closer.more
    case = CASES.get((one.code, one.stage))
    if one.code < 400 or not one.enhanced:
        return case.more if case is not None else ""
    vague = one.enhanced[2:] in VAGUE or one.enhanced.endswith(".0")
    return case.more if case is not None and vague else status_of(one.enhanced).meaning
