"""The observer's work on one connection. Use it through `labkit.smtp.session.Observer`."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, replace

from labkit.smtp.command import Command, parse_command
from labkit.smtp.commands import COMMANDS
from labkit.smtp.judge import name_of, verdict
from labkit.smtp.malformed import Malformed
from labkit.smtp.note import Note, Trail
from labkit.smtp.reply import Reply, ReplyParser
from labkit.smtp.rule import Rule
from labkit.smtp.states import (
    ELSEWHERE,
    END_OF_TEXT,
    GREETING,
    LAST_CHUNK,
    RESPONSE,
    Expectation,
    Facts,
    State,
    allowed,
    expectation,
    lookup,
)
from labkit.smtp.wire import WireEvent

__all__ = ["Connection"]

_DECIDING = frozenset({"DATA", "AUTH", RESPONSE, "BDAT", LAST_CHUNK, "STARTTLS"})
_FIELD = re.compile(rb"[!-9;-~]{1,998}[ \t]*:")
_INJECTED = Rule("RFC 3207 section 4.2", "What came in clear behind STARTTLS must not be acted on under TLS.")
_OVER = (State.CONNECTED, State.GREETED)


@dataclass(slots=True)
class _Owed:
    """A line that the server has to answer: its name in the table, its place among the notes."""

    verb: str
    index: int
    command: Command | Malformed | None
    expectation: Expectation


class Connection:
    """One connection's session. ``notes`` is the list that all connections of an observer share."""

    def __init__(self, notes: list[Note], state: State) -> None:
        self.state = state
        self.facts = Facts()
        self.trail: Trail | None = None
        self._notes = notes
        self._changed: set[int] = set()
        self._replies = ReplyParser()
        self._reply_pieces: list[bytes] = []
        self._reply_lines = 0
        self._owed: deque[_Owed] = deque()
        self._deciding: _Owed | None = None
        self._held: deque[tuple[WireEvent, int]] = deque()
        self._ahead = state
        self._pieces: list[bytes] = []
        self._in_text = False
        self._in_header = True
        self._after_crlf = True
        self._text_command: Command | Malformed | None = None
        self._text_piece = b""
        self._chunk_left = 0
        self._challenged = False
        self._wait_for_tls = False
        self._half_closed = False

    @property
    def allowed(self) -> tuple[str, ...]:
        """The commands in order now, without those that this server did not announce."""
        keywords = self.facts.keywords
        return tuple(
            verb
            for verb in allowed(self.state)
            if not COMMANDS[verb].extension
            or (
                (keywords is not None and COMMANDS[verb].extension in keywords)
                and not (verb == "STARTTLS" and self.facts.encrypted)
                and not (verb == "AUTH" and self.facts.authenticated)
            )
        )

    def feed(self, event: WireEvent) -> set[int]:
        """Take one event; append its note. Returns the places of all notes that are new or changed."""
        index = len(self._notes)
        self._changed = {index}
        self._notes.append(
            Note(event.seq, "command", None, None, None, None, self.state, self.state,
                 octets=event.data, encrypted=event.encrypted, trail=self.trail)
        )  # fmt: skip
        if event.encrypted and not self.facts.encrypted:
            self._tls_begins()
        if not event.data:
            self._closes(event, index)
        elif event.sender == "S":
            self._server_line(event, index)
        elif self._deciding is not None:
            self._hold(event, index)
        else:
            self._client_line(event, index)
        return self._changed

    def _set(self, index: int, **values: object) -> None:
        self._notes[index] = replace(self._notes[index], **values)  # type: ignore[arg-type]
        self._changed.add(index)

    # ------------------------------------------------------------------------------------ the client's lines

    def _hold(self, event: WireEvent, index: int) -> None:
        """Keep a line whose kind the next answer decides. Until then, note the likely kind."""
        self._held.append((event, index))
        assert self._deciding is not None
        likely = self._deciding.expectation.allowed and self._deciding.verb != "STARTTLS"
        if likely:
            self._set(index, role="auth" if self._deciding.verb in ("AUTH", RESPONSE) else "text")
        else:
            self._set(index, command=parse_command(event.data))

    def _release(self) -> None:
        while self._held and self._deciding is None:
            self._client_line(*self._held.popleft())

    def _client_line(self, event: WireEvent, index: int) -> None:
        if self._wait_for_tls and not event.encrypted:
            reason = (
                "These octets came in clear, after the server's 220 to STARTTLS. They must be thrown away."
            )
            self._set(
                index, role="command", command=parse_command(event.data), why=reason,
                expectation=Expectation(False, (), reason, _INJECTED, self.state),
            )  # fmt: skip
        elif self._in_text:
            self._text_line(event.data, index)
        elif self._chunk_left:
            self._chunk(event.data, index)
        else:
            self._spoken_line(event.data, index)

    def _spoken_line(self, data: bytes, index: int) -> None:
        """A command, or a response in an AUTH exchange; perhaps in pieces."""
        if not data.endswith(b"\n"):
            self._pieces.append(data)
            self._set(index, role="command-part", command=None)
            return
        if self._pieces:
            data = b"".join([*self._pieces, data])
            self._pieces.clear()
        if self._challenged:
            self._challenged = False
            owed = _Owed(RESPONSE, index, None, self._expect(RESPONSE, None))
            self._set(index, role="auth", command=None, expectation=owed.expectation)
        else:
            command = parse_command(data)
            verb = command.verb
            if verb == "BDAT" and isinstance(command, Command):
                size, _, last = command.argument.partition(" ")
                self._chunk_left = int(size)
                verb = LAST_CHUNK if last else verb
            owed = _Owed(verb, index, command, self._expect(verb, command))
            self._set(index, role="command", command=command, expectation=owed.expectation, why=_why(owed))
        self._owe(owed)

    def _owe(self, owed: _Owed) -> None:
        self._owed.append(owed)
        entry = lookup(self._ahead, owed.verb)
        self._ahead = entry.then.get(entry.success[0] // 100, self._ahead) if entry.success else self._ahead
        if owed.verb in _DECIDING:
            self._deciding = owed

    def _expect(self, verb: str, command: Command | Malformed | None) -> Expectation:
        """What the table says: in the present state if nothing is owed, else in the state hoped for."""
        state = self._ahead if self._owed else self.state
        if command is None:
            entry = lookup(state, verb)
            return Expectation(entry.allowed, entry.codes, entry.reason, entry.rule, state)
        return expectation(state, command, self.facts)

    def _text_line(self, data: bytes, index: int) -> None:
        whole = self._text_piece + data if self._text_piece else data
        if not data.endswith(b"\n"):
            self._text_piece = whole[:4]
            self._set(index, role="text", command=None, detail="header" if self._in_header else "body")
            return
        self._text_piece = b""
        if whole == b".\r\n" and self._after_crlf:
            self._in_text = False
            owed = _Owed(END_OF_TEXT, index, self._text_command, self._expect(END_OF_TEXT, None))
            self._set(index, role="end-of-text", command=None, expectation=owed.expectation)
            self._owe(owed)
            return
        self._after_crlf = data.endswith(b"\r\n")
        self._set(index, role="text", command=None, detail=self._text_detail(whole))

    def _text_detail(self, line: bytes) -> str:
        if not self._in_header:
            return "body"
        if line in (b"\r\n", b"\n"):
            self._in_header = False
            return "blank"
        if line[:1] in (b" ", b"\t"):
            return "folded"
        if _FIELD.match(line):
            return "header"
        self._in_header = False
        return "body"

    def _chunk(self, data: bytes, index: int) -> None:
        """Octets that BDAT counted; a command may begin in the middle of the event."""
        taken, self._chunk_left = min(len(data), self._chunk_left), max(0, self._chunk_left - len(data))
        self._set(index, role="text", command=None, detail="chunk")
        if taken < len(data):
            self._spoken_line(data[taken:], index)

    # ------------------------------------------------------------------------------------ the server's lines

    def _server_line(self, event: WireEvent, index: int) -> None:
        answered = self._owed[0] if self._owed else None
        self._set(
            index, role="reply-part", line=self._reply_lines,
            command=answered.command if answered else None,
            answers=self._notes[answered.index].seq if answered else None,
        )  # fmt: skip
        if not event.data.endswith(b"\n"):
            self._reply_pieces.append(event.data)
            return
        line = b"".join([*self._reply_pieces, event.data])
        self._reply_pieces.clear()
        reply = self._replies.feed(line)
        if reply is None:
            self._reply_lines += 1
            return
        self._reply_lines = 0
        if self.state is State.CONNECTING and self._is_greeting(reply):
            self._greeting(reply, index)
        elif self._owed:
            self._answer(reply, index)
        else:
            self._unsolicited(reply, index)
        if not line.endswith(b"\r\n") and self._notes[index].agrees:
            self._set(index, agrees=False, why="The reply's line ends in LF alone; CR is missing.")

    def _is_greeting(self, reply: Reply | Malformed) -> bool:
        """An excerpt may begin in the middle: then its first reply answers its first command."""
        if not self._owed or isinstance(reply, Malformed):
            return True
        if reply.code == 220:
            return self._owed[0].verb != "STARTTLS"
        if reply.code in (421, 521, 554):
            return True
        self.state = State.CONNECTED
        self._judge_head()
        return False

    def _greeting(self, reply: Reply | Malformed, index: int) -> None:
        entry = lookup(State.CONNECTING, GREETING)
        expected = Expectation(True, entry.codes, entry.reason, entry.rule, State.CONNECTING)
        agrees, why = verdict(GREETING, expected, reply, False)
        self.state = State.CONNECTED
        if isinstance(reply, Reply):
            self.state = (
                State.CLOSED if reply.code == 421 else entry.then.get(reply.severity, State.CONNECTED)
            )
        self._set(
            index, role="greeting", command=None, answers=None, reply=reply, after=self.state,
            expectation=expected, agrees=agrees, why=why,
        )  # fmt: skip
        self._judge_head()

    def _unsolicited(self, reply: Reply | Malformed, index: int) -> None:
        if isinstance(reply, Reply) and reply.code == 421:
            self.state = State.CLOSED
            agrees, why = True, "421 may come without a command: the server is about to close the connection."
        elif self._in_text:
            agrees, why = False, "The message text has not ended, and the server answers all the same."
        else:
            agrees, why = False, "No command is waiting for a reply."
        self._set(index, role="unsolicited", reply=reply, after=self.state, agrees=agrees, why=why)

    def _answer(self, reply: Reply | Malformed, index: int) -> None:
        owed = self._owed.popleft()
        tolerable = isinstance(owed.command, Malformed) and owed.command.tolerable
        agrees, why = verdict(owed.verb, owed.expectation, reply, tolerable)
        self._move(owed, reply)
        self._set(
            index, role="reply", reply=reply, after=self.state, trail=self.trail,
            expectation=owed.expectation, agrees=agrees, why=why,
        )  # fmt: skip
        self._set(owed.index, answered_by=self._notes[index].seq)
        if owed is self._deciding:
            self._deciding = None
            self._decide(owed, reply)
        self._judge_head()
        self._release()

    def _judge_head(self) -> None:
        """The next line in the queue is judged now, in the state that the session has reached."""
        if not self._owed:
            self._ahead = self.state
            return
        head = self._owed[0]
        if head.verb == END_OF_TEXT or head.verb == RESPONSE:
            entry = lookup(self.state, head.verb)
            expected = Expectation(entry.allowed, entry.codes, entry.reason, entry.rule, self.state)
        else:
            assert head.command is not None
            expected = expectation(self.state, head.command, self.facts)
        if expected != head.expectation:
            head.expectation = expected
            self._set(head.index, expectation=expected, why=_why(head))

    # ------------------------------------------------------------------------------------ what a reply does

    def _move(self, owed: _Owed, reply: Reply | Malformed) -> None:
        """Lead the session to where this reply leads it."""
        entry = lookup(self.state, owed.verb)
        if isinstance(reply, Malformed):
            if owed.verb in (END_OF_TEXT, RESPONSE):
                self._go(entry.then[5])
            return
        severity = reply.severity
        if reply.code == 421:
            self._go(State.CLOSED)
            return
        then = entry.then
        if not entry.allowed and severity in (2, 3):
            then = ELSEWHERE.get(owed.verb, then)
        if severity == 2:
            self._succeed(owed, reply)
        if not (owed.verb.startswith("BDAT") and 500 <= reply.code <= 504):
            self._go(then.get(severity, self.state))

    def _go(self, state: State) -> None:
        self.state = state
        if state in _OVER:
            self.trail = None

    def _succeed(self, owed: _Owed, reply: Reply) -> None:
        path = owed.command.path if owed.command is not None else None
        match owed.verb:
            case "EHLO" | "HELO":
                keywords = _keywords(reply) if owed.verb == "EHLO" else {}
                self.facts = replace(self.facts, keywords=keywords, smtputf8=False)
            case "MAIL" | "SEND" | "SOML" | "SAML":
                utf8 = isinstance(owed.command, Command) and owed.command.parameter("SMTPUTF8") is not None
                self.facts = replace(self.facts, smtputf8=utf8)
                self.trail = Trail(str(path) if path is not None else "")
            case "RCPT":
                before = self.trail or Trail(None)
                self.trail = Trail(str(path) if path is not None else "", before.count + 1, before)
            case "STARTTLS":
                self.facts = Facts(encrypted=self.facts.encrypted)
                self._wait_for_tls = True
            case "AUTH" | "(response)":
                self.facts = replace(self.facts, authenticated=True)

    def _decide(self, owed: _Owed, reply: Reply | Malformed) -> None:
        """The answer to DATA, AUTH, BDAT or STARTTLS says what the lines behind it are."""
        code = reply.code if isinstance(reply, Reply) else 500
        if owed.verb == "DATA":
            self._in_text = code // 100 == 3
            self._in_header = self._after_crlf = True
            self._text_command = owed.command
        elif owed.verb in ("AUTH", RESPONSE):
            self._challenged = code // 100 == 3
        elif owed.verb in ("BDAT", LAST_CHUNK) and code in (500, 502):
            self._chunk_left = 0

    def _tls_begins(self) -> None:
        self.facts = replace(self.facts, encrypted=True)
        self._wait_for_tls = False
        self._pieces.clear()

    # ------------------------------------------------------------------------------------ the end

    def _closes(self, event: WireEvent, index: int) -> None:
        owing = bool(self._owed or self._held or self._pieces)
        if event.sender == "C" and owing and not self._half_closed:
            self._half_closed = True
            self._set(index, role="closed", why="The client has stopped sending, and replies are still owed.")
            return
        why = "" if self.state is State.CLOSED else "The connection ended without QUIT and its 221."
        for owed in self._owed:
            self._set(owed.index, role="unanswered", detail=name_of(owed.verb),
                      why="The connection ended before this was answered.")  # fmt: skip
        self._owed.clear()
        self._deciding = None
        self._held.clear()
        self.state = State.CLOSED
        self._set(index, role="closed", after=self.state, why=why)


def _why(owed: _Owed) -> str:
    return "" if owed.expectation.allowed else owed.expectation.reason


def _keywords(reply: Reply) -> dict[str, tuple[str, ...]]:
    """The extensions that an EHLO reply announces: keyword in capitals, arguments in capitals."""
    found: dict[str, tuple[str, ...]] = {}
    for line in reply.lines[1:]:
        keyword, *arguments = line.upper().split() or [""]
        if keyword:
            found.setdefault(keyword, tuple(arguments))
    return found
