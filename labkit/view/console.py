"""The console: a real client whose every line is typed by the learner, on a real connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from labkit.client import BadReply, Client, ClientError, DeadlinePassed, ReplyOverdue
from labkit.smtp.session import State
from labkit.smtp.transcript import Transcript
from labkit.transport.loop_thread import LabError, loop_thread
from labkit.view.kernel_loop import attempt, hand_over, remember_main_loop
from labkit.view.session_widget import SessionWidget, Shown
from labkit.view.watch import Visits
from labkit.world import World


def completions(client: str, sender: str, recipient: str) -> dict[str, list[str]]:
    """What the composer offers per state: the commands allowed there, with the names of this lesson."""
    anywhere = ["NOOP", "RSET", f"VRFY <{recipient}>", "EXPN staff", "HELP", "QUIT"]
    hello = [f"EHLO {client}", f"HELO {client}"]
    mail = [f"MAIL FROM:<{sender}>"]
    recipients = [f"RCPT TO:<{recipient}>"]
    return {
        "connected": [*hello, *anywhere],
        "greeted": [*mail, *hello, "STARTTLS", *anywhere],
        "sender": [*recipients, *anywhere],
        "recipients": [*recipients, "DATA", *anywhere],
        "accepted": [*mail, *hello, *anywhere],
    }


class Console(SessionWidget):
    """Type SMTP to a host of the world. One console keeps every session it had, each in its own tab.

    world     the lesson's world; host and port name the server in it
    client    the name this client gives in EHLO; sender and recipient are used in completions
    complete  whether the composer completes commands (off inside exercises)
    outside   whether sessions of other programs appear here too
    steps     the lines that the lesson asks for, shown above the composer and ticked off
    prelude   lines that are sent by themselves after each Connect, to begin in the middle
    """

    _answer_acknowledges = frozenset({"line"})
    _client: Client | None = None
    _visits: Visits | None = None

    def __init__(
        self,
        world: World,
        host: str,
        port: int = 25,
        *,
        client: str = "sender.example",
        sender: str = "alice@sender.example",
        recipient: str = "bob@receiver.example",
        title: str = "",
        complete: bool = True,
        outside: bool = True,
        prelude: Sequence[str] = (),
        steps: Sequence[str] = (),
    ) -> None:
        remember_main_loop()
        super().__init__(
            "console",
            client=client,
            server=host,
            port=port,
            title=title,
            complete=completions(client, sender, recipient) if complete else None,
            steps=steps,
        )
        self._world, self._host, self._port = world, host, port
        self._own: Shown | None = None
        self._waiting = False
        self._attempt = 0
        # Steps happen one after the other, in the order in which they were asked for.
        self._turn = asyncio.Lock()
        self._prelude = tuple(prelude)
        self._listeners: list[Callable[[Transcript], None]] = []
        if outside:
            self._visits = Visits(self, world, host, "Visitor", self._welcome)

    # ---- the learner's side

    def on_hello(self, message: dict[str, Any]) -> None:
        """A page has drawn the console: while it is read, what the first connection needs is loaded."""
        super().on_hello(message)
        loop_thread().call_soon(_prepare)

    def on_open(self, message: dict[str, Any]) -> None:
        """Connect, or start over."""
        loop_thread().spawn(lambda: self._open(bool(message.get("again"))))

    def on_line(self, message: dict[str, Any]) -> None:
        """Send one typed line; CR LF is added, nothing else is changed."""
        if self._waiting:  # for the answer to an earlier line, which may take long
            self.post({"op": "noted"})
        line = message.get("line")
        if isinstance(line, str):
            octets = line.replace("\r", "").replace("\n", "").encode("utf-8", "replace") + b"\r\n"
            loop_thread().spawn(lambda: self._line(octets))

    def on_transcript(self, listener: Callable[[Transcript], None]) -> None:
        """Have `listener` called on the kernel's main loop after every step of the learner's own session."""
        self._listeners.append(listener)

    @property
    def own_transcript(self) -> Transcript:
        """The learner's latest own session."""
        return self._own.rows.transcript() if self._own else Transcript()

    @property
    def own_transcripts(self) -> tuple[Transcript, ...]:
        """The learner's sessions that this console still keeps (`KEPT_SESSIONS`), oldest first."""
        return tuple(
            session.rows.transcript() for session in self._sessions if session.own and session.rows.last
        )

    @property
    def spoken_transcript(self) -> Transcript:
        """The learner's latest own session in which at least one line was sent."""
        spoken = [
            one for one in self.own_transcripts if any(event.sender == "C" and event.data for event in one)
        ]
        return spoken[-1] if spoken else Transcript()

    def status(self) -> dict[str, Any]:
        """For the composer: is a connection open, does a reply stand out, which session is the learner's."""
        client, own = self._client, self._own
        return {
            "open": client is not None
            and not client.closed
            and own is not None
            and own.rows.state is not State.CLOSED,
            "started": own is not None,
            "waiting": self._waiting,
            "session": own.id if own else None,
        }

    def close(self) -> None:
        """Close the connection, follow the host no more, and leave the page."""
        if self._visits is not None:
            self._visits.stop()
        client, self._client = self._client, None
        if client is not None:
            loop_thread().spawn(client.close)
        super().close()

    # ---- on the loop thread

    async def _open(self, again: bool) -> None:
        if again and self._client is not None:
            self._client.hang_up()  # whoever still waits for an answer there, waits no longer
        async with self._turn:
            if self._client is not None and not self._client.closed:
                return
            self._drop_untouched()
            self._attempt += 1
            own = self.add_session(
                f"Your session {self._attempt}" if self._attempt > 1 else "Your session", own=True
            )
            self._own = own
            try:
                client = self._world.async_client(
                    self._host, self._port, on_event=lambda event: self.feed(own, event)
                )
            except LabError:
                self._sessions.remove(own)
                self._own, self._shown = None, None
                self._report("This server was closed. Choose Run > Run All Cells to start the lab again.")
                return
            self._client = client
            self.show_session(own)
            await self._step(client.connect())
            for line in self._prelude:
                if not client.closed:
                    await self._step(client.send_line(line))

    def _drop_untouched(self) -> None:
        """A session in which the learner said nothing leaves no tab behind."""
        own = self._own
        if own is not None and not any(event.sender == "C" and event.data for event in own.rows.transcript()):
            self._sessions.remove(own)
            self._attempt -= 1

    async def _line(self, octets: bytes) -> None:
        async with self._turn:
            client = self._client
            if client is None or client.closed:
                self._report("There is no connection. Connect first.")
                return
            if self._own is not None and self._shown != self._own.id:
                self.show_session(self._own)
            await self._step(self._speak(client, octets))

    @staticmethod
    async def _speak(client: Client, octets: bytes) -> None:
        reply = await client.send(octets)
        if octets.strip().upper() == b"STARTTLS" and reply is not None and reply.code == 220:
            await client.start_tls()  # RFC 3207 section 4: the handshake follows the 220

    def _report(self, trouble: str) -> None:
        self.post({"op": "status", "status": self.status(), "say": trouble, "trouble": bool(trouble)})

    async def _step(self, step: Any) -> None:
        self._waiting = True
        slow = loop_thread().loop.call_later(0.3, self._say_waiting)
        trouble = ""
        try:
            await step
        except LabError as error:
            trouble = _told(error)
        finally:
            slow.cancel()
            self._waiting = False
        self._report(trouble)
        hand_over(self._tell)

    def _welcome(self, session: Shown) -> None:
        """A program of the learner's reached the same server: its session appears by itself."""
        if self._client is None or self._client.closed:
            self.show_session(session)
            self.announce_sessions()
        else:
            self.announce_sessions(
                "Another program has connected to this server; its session stands in its own tab."
            )

    def _say_waiting(self) -> None:
        self.post({"op": "status", "status": self.status(), "say": "Waiting for the server's answer …"})

    def _tell(self) -> None:
        transcript = self.own_transcript
        for listener in self._listeners:
            attempt(listener, transcript)


def _prepare() -> None:
    """On the loop thread, where the first connection would do it, in about 50 ms."""
    for name in ("labkit.hosts.smtpd", "labkit.explainers.line"):
        import_module(name)


def _told(error: LabError) -> str:
    """An error in words for a page: its own advice is for those who write Python."""
    if not isinstance(error, ClientError):
        return str(error)
    match error:
        case DeadlinePassed():
            advice = "What is still owed appears here when it comes."
        case ReplyOverdue():
            advice = "Wait for it, or press Start over."
        case BadReply():
            advice = error.advice
        case _:
            advice = "Press Connect for a new session."
    return " ".join(part for part in (error.happened, str(error.rule or ""), advice) if part)
