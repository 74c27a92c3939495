"""Alice's mail program as a widget: a form, the real session behind its button, and the mailbox at the other end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from email.utils import parseaddr
from html import escape
from typing import Any

import traitlets

from labkit.client import ClientError
from labkit.mua import Draft, Outcome, hand_over
from labkit.smtp.transcript import Transcript, WireEvent
from labkit.transport.loop_thread import LabError, loop_thread
from labkit.view import kernel_loop
from labkit.view.letter import read_letter
from labkit.view.news import News
from labkit.view.printable import printable, shortened
from labkit.view.session_rows import SessionRows
from labkit.view.widget import LabWidget, asset
from labkit.world import World

FIELD_LIMIT = 20_000  # characters that the form takes; a lesson's message is a few lines


class MailProgram(LabWidget):
    """Send writes one message over one real session to `host`; the mailbox shown is that of `mailbox`.

    inbox  the sender's own mailbox, shown too: failure notices come there
    talk   whether the conversation is shown; without it a map beside tells the way of the message
    """

    _esm = traitlets.Unicode(asset("common.js", "mail.js")).tag(sync=True)
    _css = traitlets.Unicode(asset("theme.css", "mail.css")).tag(sync=True)
    facts = traitlets.Dict().tag(sync=True)
    draft = traitlets.Dict().tag(sync=True)
    saved = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        world: World,
        host: str,
        *,
        sender: str,
        client: str,
        mailbox: str,
        draft: Draft,
        port: int = 25,
        inbox: str = "",
        talk: bool = True,
    ) -> None:
        kernel_loop.remember_main_loop()
        super().__init__(
            facts={
                "sender": sender,
                "client": client,
                "server": host,
                "port": port,
                "mailbox": mailbox,
                "inbox": inbox,
                "talk": talk,
            },
            draft={"to": ", ".join(draft.recipients), "subject": draft.subject, "text": draft.text},
        )
        self._world, self._host, self._port = world, host, port
        self._name = draft.sender_name
        self._rows = SessionRows()
        self._verdict: dict[str, Any] | None = None
        self._sending = False
        self._listeners: list[Callable[[Transcript], None]] = []
        self._message_id = ""
        self._news = News(lambda: self.post(lambda: {"op": "boxes", **self._boxes()}))
        self._endings = [world.on_movement(self._news), self._news.end]

    def close(self) -> None:
        """Leave the page; the world is listened to no more."""
        for end in self._endings:
            end()
        self._endings.clear()
        super().close()

    @property
    def message_id(self) -> str:
        """The Message-ID of the latest message; empty before the first."""
        return self._message_id

    @property
    def transcript(self) -> Transcript:
        """The latest session of this program; empty before the first."""
        return self._rows.transcript()

    def on_transcript(self, listener: Callable[[Transcript], None]) -> None:
        """Have `listener` called on the kernel's main loop after each session."""
        self._listeners.append(listener)

    def on_hello(self, message: dict[str, Any]) -> None:
        """A page has just drawn this widget."""
        self.answer(message, {"op": "state", "state": self._state(), "animate": False})

    def on_send(self, message: dict[str, Any]) -> None:
        """The learner pressed Send."""
        fields = [message.get(name) for name in ("to", "subject", "text")]
        if self._sending or not all(isinstance(value, str) for value in fields):
            return
        to, subject, text = (str(value)[:FIELD_LIMIT] for value in fields)
        self.draft = {"to": to, "subject": subject, "text": text}
        written = tuple(part.strip() for part in to.replace(";", ",").split(",") if part.strip())
        recipients = tuple(parseaddr(part)[1] or part for part in written)
        if not recipients:
            self._rows = SessionRows()
            self._verdict = {
                "kind": "4",
                "title": "Nobody to send to.",
                "text": "The field To is empty.",
                "line": 0,
            }
            self._show()
            return
        self._sending = True
        draft = Draft(self.facts["sender"], recipients, subject, text, self._name)
        loop_thread().spawn(lambda: self._hand_in(draft))

    async def _hand_in(self, draft: Draft) -> None:
        self._rows, self._verdict = SessionRows(), None
        try:
            client = self._world.async_client(self._host, self._port, on_event=self._event)
        except LabError:
            self._sending = False
            self._verdict = {
                "kind": "4",
                "title": "This server was closed.",
                "text": "Choose Run > Run All Cells to start the lab again.",
                "line": 0,
            }
            self._show()
            return
        self._message_id = message_id = f"<{self._world.next_id()}.lab@{self.facts['client']}>"
        try:
            message = draft.to_bytes(self._world.clock.datetime(), message_id)
            outcome = await hand_over(client, self.facts["client"], draft.sender, draft.recipients, message)
            self._verdict = self._judge(outcome)
        except ClientError as error:
            self._verdict = {
                "kind": "4",
                "title": "The conversation broke off.",
                "text": error.happened,
                "line": self._rows.last,
            }
        except Exception as error:
            self._verdict = {
                "kind": "5",
                "title": "This cannot be made into a message.",
                "text": f"{type(error).__name__}: {error}",
                "line": 0,
            }
        finally:
            self._sending = False
            await client.close()
        self._show()
        kernel_loop.hand_over(self._tell)

    def _event(self, event: WireEvent) -> None:
        self._rows.feed(event)

    def _tell(self) -> None:
        transcript = self.transcript
        for listener in self._listeners:
            kernel_loop.attempt(listener, transcript)

    def _judge(self, outcome: Outcome) -> dict[str, Any]:
        """What a mail program tells its user, and on which line it rests."""
        reply, line = outcome.decided.reply, outcome.decided.line
        left_out = "".join(
            f" `{name}` was refused{self._on(refusal.line)}: {refusal.reply.code} {refusal.reply.text}."
            for name, refusal in outcome.refused.items()
        )
        if outcome.delivered:
            return {
                "kind": "2" if not outcome.refused else "5",
                "title": "Sent.",
                "text": (
                    f"Line {line}, the {reply.code} after the dot: from there on the server answers for this message."
                    if self.facts["talk"]
                    else f"{self.facts['server']} has taken it, and answers for it now. Watch the map."
                )
                + left_out,
                "line": line,
            }
        if outcome.refused and not outcome.accepted:
            what = left_out.strip()
        else:
            what = f"The server refused{self._on(line)}: {reply.code} {reply.text}.{left_out}"
        if outcome.text_sent:
            rest = "The text went over, but the server does not answer for it."
        else:
            rest = "No text left Alice's program, so nothing can come back."
        return {
            "kind": "4" if reply.severity == 4 else "5",
            "title": "Not sent.",
            "text": f"{what} {rest}",
            "line": line,
        }

    def _on(self, line: int) -> str:
        return f" on line {line}" if self.facts["talk"] else ""

    def _boxes(self) -> dict[str, Any]:
        return {name: self._letters(self.facts[name]) for name in ("mailbox", "inbox") if self.facts[name]}

    def _letters(self, address: str) -> list[dict[str, Any]]:
        letters = list(enumerate(self._world.mailbox(address).messages, 1))
        return [
            {
                "n": number,
                **asdict(read_letter(letter.raw)),
                "raw": shortened(
                    "\n".join(printable(line.expandtabs(4)) for line in letter.raw.split(b"\r\n")), 6000
                )[0],
            }
            for number, letter in letters[-20:]
        ]

    def _state(self) -> dict[str, Any]:
        rows = [row for row in self._rows.rows() if row["role"] != "closed"]
        return {"rows": rows[:400], "verdict": self._verdict, "sending": self._sending, **self._boxes()}

    def _show(self) -> None:
        self.post({"op": "state", "state": self._state(), "animate": True})

    def as_text(self) -> str:
        """What stands in a stored notebook."""
        return (
            f"Alice's mail program  {self.facts['client']} → {self.facts['server']}:{self.facts['port']}\n"
            "Here stands a form with a Send button in a running lab; beside it "
            + (
                "the conversation with the server, and Bob's mailbox."
                if self.facts["talk"]
                else "the mailboxes of Alice and of Bob."
            )
        )

    def as_html(self) -> str:
        """What stands in a stored notebook, for readers of web pages."""
        first, rest = self.as_text().split("\n")
        return f"<p><b>{escape(first)}</b></p><p>{escape(rest)}</p>"
