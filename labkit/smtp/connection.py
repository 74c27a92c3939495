"""The observer's work on one connection. Use it through `labkit.smtp.session.Observer`."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from labkit.smtp.command import Command, parse_command
from labkit.smtp.commands import COMMANDS
from labkit.smtp.expect import Expectation, Facts, expectation
from labkit.smtp.judge import name_of, verdict
from labkit.smtp.malformed import Malformed
from labkit.smtp.note import Draft, Trail
from labkit.smtp.reply import Reply, ReplyParser
from labkit.smtp.rule import Rule
from labkit.smtp.states import (
    ELSEWHERE,
    END_OF_TEXT,
    GREETING,
    LAST_CHUNK,
    RESPONSE,
    State,
    allowed,
    lookup,
)
from labkit.smtp.text import TextReader
from labkit.smtp.wire import WireEvent

__all__ = ["Connection"]

_DECIDING = frozenset({"DATA", "AUTH", RESPONSE, "BDAT", LAST_CHUNK, "STARTTLS"})
_CHUNK = frozenset({"BDAT", LAST_CHUNK})
_INJECTED = Rule("RFC 3207 section 4.2", "What came in clear behind STARTTLS must not be acted on under TLS.")
_IN_CLEAR = "This came in clear, after the server's 220 to STARTTLS. The server must throw it away."


@dataclass(slots=True)
class _Owed:
    """A line that the server has to answer: its name in the table, and its note."""

    verb: str
    index: int
    command: Command | Malformed | None
    expectation: Expectation


class Connection:
    """One connection's session. ``drafts`` is the list that all connections of an observer share."""

    def __init__(self, drafts: list[Draft], state: State) -> None:
        self.state = state
        self.facts = Facts()
        self.trail: Trail | None = None
        self._drafts = drafts
        self._changed: set[int] = set()
        # The server's side.
        self._replies = ReplyParser()
        self._reply_pieces: list[bytes] = []
        self._reply_line = 0
        # What the server owes, and the lines whose kind its next answer decides.
        self._owed: deque[_Owed] = deque()
        self._deciding: _Owed | None = None
        self._held: deque[tuple[WireEvent, int]] = deque()
        self._without: set[str] = set()  # commands that the server answered with 502
        self._ahead = state  # where the session will be if everything owed succeeds
        # The client's side.
        self._pieces: list[tuple[bytes, int]] = []
        self._challenged = False
        self._chunk_left = 0
        self._wait_for_tls = False
        self._half_closed = False
        # Message text.
        self._text: TextReader | None = None
        self._text_command: Command | Malformed | None = None
        self._odd_end = 0  # seq of the line that a lenient server may take for the end of the text

    @property
    def allowed(self) -> tuple[str, ...]:
        """The commands in order now, without those that this server does not offer now, or has answered
        with 502."""
        return tuple(verb for verb in allowed(self.state) if self._offered(verb))

    def _offered(self, verb: str) -> bool:
        extension = COMMANDS[verb].extension
        if verb in self._without or (verb == "DATA" and self.facts.binary):
            return False
        if verb == "RCPT" and self._full:
            return False
        if not extension:
            return True
        if (verb == "STARTTLS" and self.facts.encrypted) or (verb == "AUTH" and self.facts.authenticated):
            return False
        return self.facts.keywords is not None and extension in self.facts.keywords

    def feed(self, event: WireEvent) -> set[int]:
        """Take one event; append its draft. Returns the places of all drafts that are new or changed."""
        index = len(self._drafts)
        self._changed = {index}
        draft = Draft(event.seq, self.state, self.state, event.data, event.encrypted, self.trail)
        self._drafts.append(draft)
        if event.encrypted and not self.facts.encrypted:
            self._tls_begins()
        if not event.data:
            self._closes(event, draft)
        elif event.sender == "S":
            self._server_line(event.data, draft)
        elif self._deciding is not None:
            self._hold(self._deciding, event, index)
        else:
            self._client_line(event, index)
        return self._changed

    # ------------------------------------------------------------------------------------ the client's lines

    def _hold(self, deciding: _Owed, event: WireEvent, index: int) -> None:
        """Keep a line whose kind the next answer decides. Until then, note the likely kind."""
        self._held.append((event, index))
        draft = self._drafts[index]
        if deciding.expectation.allowed and deciding.verb != "STARTTLS":
            draft.role = "auth" if deciding.verb in ("AUTH", RESPONSE) else "text"
        else:
            draft.command = parse_command(event.data)

    def _release(self) -> None:
        while self._held and self._deciding is None:
            event, index = self._held.popleft()
            self._changed.add(index)
            self._client_line(event, index)

    def _client_line(self, event: WireEvent, index: int) -> None:
        draft = self._drafts[index]
        draft.role, draft.command = "command", None
        if self._wait_for_tls and not event.encrypted:
            draft.command = parse_command(event.data)
            draft.expectation = Expectation(False, (), _IN_CLEAR, _INJECTED, self.state)
            draft.why = _IN_CLEAR
        elif self._text is not None:
            self._text_line(self._text, event.data, index, draft)
        elif self._chunk_left:
            self._chunk(event.data, index, draft)
        else:
            self._spoken_line(event.data, index, draft)

    def _spoken_line(self, data: bytes, index: int, draft: Draft) -> None:
        """A command, or a response in an AUTH exchange; perhaps in pieces."""
        if not data.endswith(b"\n"):
            self._pieces.append((data, index))
            draft.role = "command-part"
            return
        if self._pieces:
            data = b"".join([piece for piece, _ in self._pieces]) + data
            self._pieces.clear()
        command: Command | Malformed | None = None
        if self._challenged:
            self._challenged = False
            verb = RESPONSE
            draft.role = "auth"
        else:
            command = draft.command = parse_command(data)
            verb = command.verb
            if verb == "BDAT" and isinstance(command, Command):
                size, _, last = command.argument.partition(" ")
                self._chunk_left = int(size)
                verb = LAST_CHUNK if last else verb
        owed = _Owed(
            verb, index, command, self._expect(verb, command, self._ahead if self._owed else self.state)
        )
        draft.expectation = owed.expectation
        draft.why = "" if owed.expectation.allowed else owed.expectation.reason
        self._owe(owed)

    def _expect(self, verb: str, command: Command | Malformed | None, state: State) -> Expectation:
        if command is not None and verb != END_OF_TEXT:
            return expectation(state, command, self.facts)
        entry = lookup(state, verb)
        return Expectation(entry.allowed, entry.codes, entry.reason, entry.rule, state)

    def _owe(self, owed: _Owed) -> None:
        self._owed.append(owed)
        entry = lookup(self._ahead, owed.verb)
        if entry.success:
            self._ahead = entry.then.get(entry.success[0] // 100, self._ahead)
        if owed.verb in _DECIDING:
            self._deciding = owed

    def _text_line(self, text: TextReader, data: bytes, index: int, draft: Draft) -> None:
        draft.role, draft.detail = "text", text.read(data)
        if not data.isascii() and self.facts.keywords is not None and "8BITMIME" not in self.facts.keywords:
            draft.why = "The server did not announce 8BITMIME, so it may spoil or refuse them."
        if text.odd_end:
            self._odd_end = draft.seq
        if text.ended:
            self._text = None
            state = self._ahead if self._owed else self.state
            owed = _Owed(END_OF_TEXT, index, self._text_command, self._expect(END_OF_TEXT, None, state))
            draft.role, draft.expectation = "end-of-text", owed.expectation
            self._owe(owed)

    def _chunk(self, data: bytes, index: int, draft: Draft) -> None:
        """Octets that BDAT counted; a command may begin in the middle of the event."""
        taken = min(len(data), self._chunk_left)
        self._chunk_left -= taken
        if taken < len(data):
            self._spoken_line(data[taken:], index, draft)
        else:
            draft.role, draft.detail = "text", "chunk"

    # ------------------------------------------------------------------------------------ the server's lines

    def _server_line(self, data: bytes, draft: Draft) -> None:
        draft.role = "reply-part"
        draft.line = self._reply_line
        if self._owed:
            draft.command = self._owed[0].command
            draft.answers = self._drafts[self._owed[0].index].seq
        if not data.endswith(b"\n"):
            self._reply_pieces.append(data)
            return
        line = b"".join([*self._reply_pieces, data])
        self._reply_pieces.clear()
        reply = self._replies.feed(line)
        if reply is None:
            self._reply_line += 1
            return
        self._reply_line = 0
        draft.reply = reply
        if self.state is State.CONNECTING and self._is_greeting(reply):
            self._greeting(reply, draft)
        elif self._owed:
            self._answer(reply, draft)
        else:
            self._unsolicited(reply, draft)
        draft.after, draft.trail = self.state, self.trail
        if draft.agrees and not line.endswith(b"\r\n"):
            draft.agrees, draft.why = False, "The reply's line ends in LF alone; CR is missing."

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

    def _greeting(self, reply: Reply | Malformed, draft: Draft) -> None:
        expected = self._expect(GREETING, None, State.CONNECTING)
        draft.role, draft.expectation = "greeting", expected
        draft.command = draft.answers = None
        draft.agrees, draft.why = verdict(GREETING, expected, reply, False)
        self.state = State.CONNECTED
        if isinstance(reply, Reply):
            then = lookup(State.CONNECTING, GREETING).then
            self.state = State.CLOSED if reply.code == 421 else then.get(reply.severity, State.CONNECTED)
        self._judge_head()

    def _unsolicited(self, reply: Reply | Malformed, draft: Draft) -> None:
        draft.role = "unsolicited"
        if isinstance(reply, Reply) and reply.code == 421:
            self.state = State.CLOSED
            draft.why = "421 may come without a command: the server is about to close the connection."
            return
        draft.agrees = False
        hint = f" It may have taken line {self._odd_end} for the end of the text." if self._odd_end else ""
        if self._text is None:
            draft.why = f"No command is waiting for a reply.{hint}"
            return
        draft.why = f"The message text has not ended, and the server answers all the same.{hint}"
        if self._odd_end and isinstance(reply, Reply):  # follow the server: its next line will be a command
            self._text = None
            self._go(lookup(State.MESSAGE, END_OF_TEXT).then.get(reply.severity, self.state))

    def _answer(self, reply: Reply | Malformed, draft: Draft) -> None:
        owed = self._owed.popleft()
        tolerable = isinstance(owed.command, Malformed) and owed.command.tolerable
        draft.role, draft.expectation = "reply", owed.expectation
        draft.agrees, draft.why = verdict(owed.verb, owed.expectation, reply, tolerable)
        if owed.verb == "RCPT" and owed.expectation.allowed and self._full and draft.agrees and draft.why:
            draft.why = (
                f"The answer to EHLO said so: RCPTMAX={self.facts.recipient_limit} in one transaction."
            )
        self._drafts[owed.index].answered_by = draft.seq
        self._changed.add(owed.index)
        if isinstance(reply, Reply) and reply.code == 502 and owed.expectation.allowed:
            self._without.add(owed.verb)
        self._move(owed, reply)
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
        expected = self._expect(head.verb, head.command, self.state)
        if expected != head.expectation:
            head.expectation = expected
            draft = self._drafts[head.index]
            draft.expectation = expected
            draft.why = "" if expected.allowed else expected.reason
            self._changed.add(head.index)

    @property
    def _full(self) -> bool:
        """Whether the transaction holds as many recipients as the server announced to take."""
        limit = self.facts.recipient_limit
        return limit is not None and self.trail is not None and self.trail.count >= limit

    # ------------------------------------------------------------------------------------ what a reply does

    def _move(self, owed: _Owed, reply: Reply | Malformed) -> None:
        """Lead the session to where this reply leads it."""
        entry = lookup(self.state, owed.verb)
        if isinstance(reply, Malformed):  # no code that means anything: the transaction has failed
            if owed.verb in (END_OF_TEXT, RESPONSE):
                self._go(entry.then.get(5, self.state))
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
        if not (owed.verb in _CHUNK and 500 <= reply.code <= 504 and not self._refuses_chunk(reply.code)):
            self._go(then.get(severity, self.state))

    def _go(self, state: State) -> None:
        if self.state is not State.CLOSED:
            self.state = state
        if state in (State.CONNECTED, State.GREETED):
            self.trail = None

    def _succeed(self, owed: _Owed, reply: Reply) -> None:
        path = owed.command.path if owed.command is not None else None
        match owed.verb:
            case "EHLO":
                self.facts = replace(self.facts, keywords=_keywords(reply), smtputf8=False, binary=False)
            case "HELO":
                self.facts = replace(self.facts, keywords={}, smtputf8=False, binary=False)
            case "MAIL" | "SEND" | "SOML" | "SAML":
                said = owed.command if isinstance(owed.command, Command) else None
                utf8 = said is not None and said.parameter("SMTPUTF8") is not None
                binary = said is not None and (said.parameter("BODY") or "").upper() == "BINARYMIME"
                if (utf8, binary) != (self.facts.smtputf8, self.facts.binary):
                    self.facts = replace(self.facts, smtputf8=utf8, binary=binary)
                self.trail = Trail(str(path) if path is not None else "")
            case "RCPT":
                before = self.trail or Trail(None)
                self.trail = Trail(str(path) if path is not None else "", before.count + 1, before)
            case "STARTTLS":
                self.facts = Facts(encrypted=self.facts.encrypted)
                self._wait_for_tls = True
            case "AUTH" | "(response)":
                self.facts = replace(self.facts, authenticated=True)

    def _refuses_chunk(self, code: int) -> bool:
        """Whether 500 or 502 to BDAT is about the message: a server that announced CHUNKING knows the command."""
        return code in (500, 502) and "CHUNKING" in (self.facts.keywords or ())

    def _decide(self, owed: _Owed, reply: Reply | Malformed) -> None:
        """The answer to DATA, AUTH, BDAT or STARTTLS says what the lines behind it are."""
        code = reply.code if isinstance(reply, Reply) else 500
        if owed.verb == "DATA":
            self._text = TextReader() if code // 100 == 3 else None
            self._text_command = owed.command
            self._odd_end = 0
        elif owed.verb in ("AUTH", RESPONSE):
            self._challenged = code // 100 == 3
        elif owed.verb in _CHUNK and code in (500, 502) and not self._refuses_chunk(code):
            self._chunk_left = 0  # the server does not know BDAT, and reads on as if nothing were special

    def _tls_begins(self) -> None:
        self.facts = replace(self.facts, encrypted=True)
        self._wait_for_tls = False
        self._without.clear()
        self._pieces.clear()
        self._replies = ReplyParser()  # half a reply in clear is no part of one under TLS
        self._reply_pieces.clear()
        self._reply_line = 0

    # ------------------------------------------------------------------------------------ the end

    def _closes(self, event: WireEvent, draft: Draft) -> None:
        draft.role = "closed"
        owing = bool(self._owed or self._held or self._text is not None)
        if event.sender == "C" and owing and not self._half_closed and self.state is not State.CLOSED:
            self._half_closed = True
            draft.why = "The client has stopped sending, and the server has not answered everything yet."
            return
        if self.state is not State.CLOSED:
            draft.why = "The connection ended without QUIT and its 221."
        for owed in self._owed:
            self._unanswered(owed.index, name_of(owed.verb))
        for _, index in self._held:
            if self._drafts[index].role == "command":
                self._unanswered(index, name_of(""))
        for _, index in self._pieces:
            self._drafts[index].why = "The line was cut off: its end never came."
            self._changed.add(index)
        self._owed.clear()
        self._held.clear()
        self._pieces.clear()
        self._deciding = None
        self.state = draft.after = State.CLOSED

    def _unanswered(self, index: int, what: str) -> None:
        draft = self._drafts[index]
        draft.role, draft.detail = "unanswered", what
        draft.why = "The connection ended before this was answered."
        self._changed.add(index)


def _keywords(reply: Reply) -> dict[str, tuple[str, ...]]:
    """The extensions that an EHLO reply announces: keyword and arguments, both in capitals."""
    found: dict[str, tuple[str, ...]] = {}
    for line in reply.lines[1:]:
        keyword, *arguments = line.upper().split() or [""]
        if keyword:
            found.setdefault(keyword, tuple(arguments))
    return found
