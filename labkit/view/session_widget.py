"""The session widget: what a console, a watched server and a recorded run have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import traitlets

from labkit.smtp.session import State, diagram
from labkit.smtp.transcript import Transcript, WireEvent
from labkit.view.session_rows import Row, SessionRows
from labkit.view.static_form import remarks_of, session_html, wire_text
from labkit.view.widget import LabWidget, asset

KEPT_SESSIONS = 12
# The stations of the strip, in the order in which a delivery passes them; other states show at the station they belong to.
STATIONS = (
    (State.CONNECTED, "connected"),
    (State.GREETED, "greeted"),
    (State.SENDER, "sender set"),
    (State.RECIPIENTS, "recipients"),
    (State.MESSAGE, "message"),
    (State.ACCEPTED, "accepted"),
    (State.CLOSED, "closed"),
)


@dataclass
class Shown:
    """One session that a widget can show."""

    id: int
    label: str
    own: bool
    rows: SessionRows = field(default_factory=SessionRows)
    fresh: bool = False

    def to_dict(self) -> dict[str, Any]:
        """What the page needs to draw its tab."""
        return {"id": self.id, "label": self.label, "own": self.own, "fresh": self.fresh}


def stepwise(transcript: Transcript, limit: int = 200) -> dict[int, Any]:
    """What each line meant when it was said: a line that is answered further down does not tell how."""
    rows, known = SessionRows(), dict[int, Any]()
    for event in transcript.events[:limit]:
        rows.feed(event)
        known[event.seq] = rows.explanation(event.seq)
    return known


class SessionWidget(LabWidget):
    """Shows sessions line by line, with the state after each and an explanation on demand.

    client, server, port name the two ends as the lesson does. `kind` is ``console``, ``watch`` or ``replay``.
    """

    _esm = traitlets.Unicode(asset("common.js", "ladder.js", "console.js")).tag(sync=True)
    _css = traitlets.Unicode(asset("theme.css", "console.css")).tag(sync=True)
    kind = traitlets.Unicode("replay").tag(sync=True)
    facts = traitlets.Dict().tag(sync=True)
    saved = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        kind: str,
        *,
        client: str,
        server: str,
        port: int = 25,
        title: str = "",
        complete: Mapping[str, Sequence[str]] | None = None,
        steps: Sequence[str] = (),
    ) -> None:
        stations = {state for state, _ in STATIONS}
        facts = {
            "client": client,
            "server": server,
            "port": port,
            "title": title,
            "steps": list(steps),
            "states": [{"id": str(state.value), "label": label} for state, label in STATIONS],
            "edges": [
                [e[0].value, e[1], str(e[2]), e[3].value]
                for e in diagram()
                if e[0] in stations and e[3] in stations
            ],
            "complete": {state: list(lines) for state, lines in (complete or {}).items()}
            if complete
            else None,
        }
        super().__init__(kind=kind, facts=facts)
        self._sessions: list[Shown] = []
        self._shown: int | None = None
        self._next_id = 1
        self._pending: dict[int, dict[int, Row]] = {}

    @property
    def route(self) -> str:
        """``client → server:port``."""
        return f"{self.facts['client']} → {self.facts['server']}:{self.facts['port']}"

    def add_session(self, label: str, *, own: bool, transcript: Transcript | None = None) -> Shown:
        """Add one more session; the oldest go when there are too many. Shown when nothing else is."""
        session = Shown(self._next_id, label, own, SessionRows(transcript.events if transcript else ()))
        self._next_id += 1
        self._sessions.append(session)
        mine = next((entry.id for entry in reversed(self._sessions) if entry.own), None)
        while len(self._sessions) > KEPT_SESSIONS:  # the one in sight and the learner's latest stay
            self._sessions.remove(
                next(entry for entry in self._sessions if entry.id not in (self._shown, mine, session.id))
            )
        if self._shown is None:
            self._shown = session.id
        return session

    @property
    def current(self) -> Shown | None:
        """The session shown now."""
        return self.find(self._shown)

    def find(self, number: object) -> Shown | None:
        """The session with that id; None if there is none, or no more."""
        return next((session for session in self._sessions if session.id == number), None)

    def feed(self, session: Shown, event: WireEvent) -> None:
        """Take one event of a session, on whatever thread. Rows that come faster than the page takes them go together."""
        rows = {row["n"]: row for row in session.rows.feed(event)}
        with self._outbox_lock:
            waiting = self._pending.get(session.id)
            if waiting is not None:
                waiting.update(rows)
                return
            self._pending[session.id] = rows
        self.post(lambda: self._rows_message(session))

    def _rows_message(self, session: Shown) -> dict[str, Any]:
        with self._outbox_lock:
            rows = self._pending.pop(session.id, {})
        explanations: dict[int, Any] = {}
        if session.id == self._shown:
            newest = session.rows.last
            explanations[newest] = session.rows.explanation(newest)
        else:
            session.fresh = True
        ordered = [rows[number] for number in sorted(rows)]
        return {
            "op": "rows",
            "session": session.id,
            "rows": ordered,
            "explanations": explanations,
            "status": self.status(),
        }

    def status(self) -> dict[str, Any]:
        """What the composer may do now; a widget without one has nothing to say."""
        return {}

    def announce_sessions(self, say: str = "") -> None:
        """Redraw the tabs, and say why."""
        self.post(
            {"op": "sessions", "sessions": [session.to_dict() for session in self._sessions], "say": say}
        )

    def snapshot(self) -> dict[str, Any]:
        """Everything the page needs to show the present state from nothing: after a reload, or in a second view."""
        current = self.current
        rows: list[Row] = current.rows.rows() if current else []
        explanations: dict[int, Any] = {}
        if current and rows:
            if self.kind == "replay":
                explanations = stepwise(current.rows.transcript())
            else:
                explanations = {current.rows.last: current.rows.explanation(current.rows.last)}
        own = next((session for session in reversed(self._sessions) if session.own), None)
        return {
            "op": "snapshot",
            "sessions": [session.to_dict() for session in self._sessions],
            "shown": self._shown,
            "rows": rows,
            "explanations": explanations,
            "history": own.rows.client_lines()[-200:] if own else [],
            "status": self.status(),
        }

    def show_session(self, session: Shown) -> None:
        """Bring one session to the front."""
        self._shown, session.fresh = session.id, False
        self.post(self.snapshot())

    def on_hello(self, message: dict[str, Any]) -> None:
        """A page has just drawn this widget."""
        self.answer(message, self.snapshot())

    def on_show(self, message: dict[str, Any]) -> None:
        """The learner picked another session."""
        session = self.find(message.get("session"))
        if session:
            self.show_session(session)

    def on_explain(self, message: dict[str, Any]) -> None:
        """The learner looks at one line."""
        session, number = self.find(message.get("session")), message.get("n")
        if session and isinstance(number, int):
            known = session.rows.explanation(number)
            if known:
                reply = {"op": "explained", "session": session.id, "n": number, "explanation": known}
                self.answer(message, reply)

    def on_steps(self, message: dict[str, Any]) -> None:
        """The learner goes through a session again, line by line."""
        session = self.find(message.get("session"))
        if session:
            known = stepwise(session.rows.transcript())
            self.answer(message, {"op": "steps", "session": session.id, "explanations": known})

    def on_export(self, message: dict[str, Any]) -> None:
        """The learner saves the session: text or JSON, both read back exactly."""
        session = self.find(message.get("session"))
        if session is None or not session.rows.last:
            self.answer(message, {"op": "trouble", "text": "There is no line to save yet."})
            return
        transcript = session.rows.transcript()
        as_json = message.get("form") == "json"
        self.answer(
            message,
            {
                "op": "file",
                "name": f"session-{session.id}.{'json' if as_json else 'txt'}",
                "type": "application/json" if as_json else "text/plain",
                "text": transcript.to_json() if as_json else transcript.to_text(),
            },
        )

    @property
    def transcript(self) -> Transcript:
        """The session shown now, as a transcript."""
        current = self.current
        return current.rows.transcript() if current else Transcript()

    def as_text(self) -> str:
        """The session as ``C:``/``S:`` lines."""
        current = self.current
        rows = current.rows.rows() if current else []
        return f"{self._title}  {self.route}\n" + (wire_text(rows) or self._empty)

    def as_html(self) -> str:
        """The session as picture, table and text."""
        current = self.current
        rows = current.rows.rows() if current else []
        if not rows:
            return session_html([], self._title, self.route).replace("No line yet.", self._empty)
        assert current is not None
        known = {row["n"]: current.rows.explanation(row["n"]) or {} for row in rows[:200]}
        return session_html(rows, self._title, self.route, remarks_of(known))

    @property
    def _title(self) -> str:
        return self.facts.get("title") or {"console": "Session", "watch": "Watched session"}.get(
            self.kind, "Recorded session"
        )

    @property
    def _empty(self) -> str:
        return {
            "console": "Here stands a console in a running lab: you type SMTP commands, a real server answers.",
            "watch": "Here a running lab shows each session that reaches this server.",
        }.get(self.kind, "No line yet.")


class SessionAt(SessionWidget):
    """One recorded session, opened at the line that matters; 0 is the last one."""

    def __init__(
        self,
        transcript: Transcript,
        at: int,
        *,
        client: str,
        server: str,
        port: int = 25,
        title: str,
        label: str = "",
    ) -> None:
        super().__init__("watch", client=client, server=server, port=port, title=title)
        shown = self.add_session(label or title, own=False, transcript=transcript)
        self._at = at or shown.rows.last

    def snapshot(self) -> dict[str, Any]:
        """What the page shows first: that line, explained."""
        known = self.current.rows.explanation(self._at) if self.current else None
        return {**super().snapshot(), "at": self._at, "explanations": {self._at: known} if known else {}}


def replay(
    transcript: Transcript, *, client: str, server: str, port: int = 25, title: str = ""
) -> SessionWidget:
    """A recorded session to step through: first, back, forward, last."""
    widget = SessionWidget("replay", client=client, server=server, port=port, title=title)
    widget.add_session(title or "Recorded session", own=False, transcript=transcript)
    return widget
