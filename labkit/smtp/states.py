"""The one table of the session: which command is in order in which state, and where each reply leads.

The table judges sessions (`labkit.smtp.session.Observer`), lists what may be said now (`allowed`), grades
answers (`expectation`) and draws the learner's diagram (`diagram`). Nothing else in the lab knows the order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from labkit.frozen import dataclass
from labkit.smtp.commands import COMMANDS
from labkit.smtp.rule import Rule

__all__ = [
    "ANSWERS", "ELSEWHERE", "END_OF_TEXT", "GREETING", "LAST_CHUNK", "RESPONSE", "UNKNOWN", "Edge", "Entry",
    "State", "allowed", "diagram", "lookup",
]  # fmt: skip


class State(StrEnum):
    """Where a session is. The learner's strip shows seven: connected to closed, without the side rooms."""

    CONNECTING = "connecting"  # the connection stands, the greeting has not come
    CONNECTED = "connected"  # greeted by 220, or fresh from STARTTLS: EHLO is due
    REFUSED = "refused"  # greeted by 554 or another refusal: only QUIT is left
    GREETED = "greeted"  # EHLO or HELO was accepted
    AUTHENTICATING = "authenticating"  # AUTH was answered by 334: a response is due
    SENDER = "sender"  # MAIL was accepted, no recipient yet
    RECIPIENTS = "recipients"  # at least one RCPT was accepted
    MESSAGE = "message"  # DATA was answered by 354: text, until the line with the dot
    CHUNKS = "chunks"  # a BDAT chunk was accepted, and it was not the last
    ACCEPTED = "accepted"  # the server answered 250 for the whole message
    CLOSED = "closed"  # by QUIT, by 421, or by one side going away


GREETING = "(greeting)"
"""In the table: the server's first reply, which no command asked for."""
END_OF_TEXT = "."
"""In the table: the line with the dot alone that ends the message text."""
RESPONSE = "(response)"
"""In the table: a client line that answers a 334 challenge."""
LAST_CHUNK = "BDAT LAST"
"""In the table: the BDAT that ends the message."""

_ORDER = Rule(
    "RFC 5321 section 4.1.4",
    "EHLO comes first, then MAIL, then RCPT for each recipient, then DATA. Out of order is answered by 503.",
)
_ANY_TIME = Rule("RFC 5321 section 4.1.4", "NOOP, HELP, EXPN, VRFY and RSET are in order at any time.")
_INITIAL = Rule("RFC 5321 section 3.1", "The server speaks first: 220, or 554 if it refuses the session.")
_NO_SERVICE = Rule(
    "RFC 5321 section 3.1",
    "After a greeting with 554 the server waits for QUIT and refuses all else with 503.",
)
_EHLO_AGAIN = Rule(
    "RFC 5321 section 4.1.4", "EHLO may come again at any time. It clears everything, as RSET does."
)
_ONE_TRANSACTION = Rule(
    "RFC 5321 section 4.1.4", "MAIL may not come while a transaction is open. The server answers 503."
)
_RECIPIENT_FIRST = Rule(
    "RFC 5321 section 3.3",
    "DATA needs at least one accepted recipient. Without one it fails, with 503 or 554.",
)
_MAIL_FIRST = Rule("RFC 5321 section 3.3", "RCPT without MAIL before it is answered by 503.")
_TEXT = Rule(
    "RFC 5321 section 4.1.1.4", "After 354 every line is message text, until a line with nothing but a dot."
)
_TLS = Rule("RFC 3207 section 4.2", "After STARTTLS both sides forget what they knew. EHLO is needed again.")
_AUTH_ORDER = Rule("RFC 4954 section 4", "AUTH is not permitted while a mail transaction is open.")
_AUTH_EXCHANGE = Rule("RFC 4954 section 4", "After 334 the client sends one line of base64, or * to cancel.")
_BDAT = Rule("RFC 3030 section 2", "DATA and BDAT do not mix in one transaction: 503.")
_BDAT_CHUNKS = Rule("RFC 3030 section 2", "After a chunk come further chunks, until the one marked LAST.")
_QUIT = Rule("RFC 5321 section 4.1.1.10", "QUIT is answered by 221, and then the server closes.")
_CLOSED = Rule("RFC 5321 section 3.8", "After QUIT and its 221, or after 421, the connection is closed.")
_ETRN = Rule("RFC 1985", "ETRN asks a server to start its queue for a domain.")
_OBSOLETE = Rule("RFC 5321 appendix F.6", "SEND, SOML and SAML are gone. Clients must not send them.")
_TURN = Rule("RFC 5321 appendix F.1", "TURN is gone, because anybody could ask for anybody's mail.")
_UNKNOWN_COMMAND = Rule(
    "RFC 5321 section 4.2.4", "An unknown command is answered by 500, a known one that is not done by 502."
)

_S = State
_REFUSE: Mapping[int, State] = {}


class _Row(NamedTuple):
    """Verbs in a state: in order if ``then`` is set. ``then`` maps the reply's first digit to the next state;
    a digit that is missing leaves the state. ``codes`` are for refusals that are not the usual 503."""

    state: State
    verbs: str
    then: Mapping[int, State] | None
    reason: str
    rule: Rule
    codes: tuple[int, ...] = (503,)


def _rows() -> Iterable[_Row]:
    before_ehlo = "MAIL RCPT DATA BDAT AUTH STARTTLS ETRN"
    yield _Row(
        _S.CONNECTING,
        GREETING,
        {2: _S.CONNECTED, 4: _S.REFUSED, 5: _S.REFUSED},
        "The server speaks first.",
        _INITIAL,
    )
    yield _Row(
        _S.CONNECTING,
        f"EHLO HELO RSET NOOP VRFY EXPN HELP QUIT {before_ehlo}",
        None,
        "The server has not greeted yet. Wait for its 220.",
        _INITIAL,
        (503, 554),
    )

    yield _Row(_S.CONNECTED, "EHLO HELO", {2: _S.GREETED}, "The client says who it is.", _ORDER)
    yield _Row(
        _S.CONNECTED,
        before_ehlo,
        None,
        "EHLO has to come first. STARTTLS also makes the server forget an earlier EHLO.",
        _ORDER,
    )

    yield _Row(
        _S.REFUSED,
        f"EHLO HELO RSET NOOP VRFY EXPN HELP {before_ehlo}",
        None,
        "The greeting was a refusal. Only QUIT is left.",
        _NO_SERVICE,
        (503, 521, 554),
    )

    for state in (_S.GREETED, _S.ACCEPTED):
        yield _Row(state, "EHLO HELO", {2: _S.GREETED}, "EHLO may come again.", _EHLO_AGAIN)
        yield _Row(state, "MAIL", {2: _S.SENDER}, "MAIL starts a transaction.", _ORDER)
        yield _Row(state, "RCPT", None, "No transaction is open. MAIL has to come before RCPT.", _MAIL_FIRST)
        yield _Row(
            state,
            "DATA BDAT",
            None,
            "No transaction is open. MAIL and RCPT have to come first.",
            _ORDER,
            (503, 554),
        )
        yield _Row(state, "STARTTLS", {2: _S.CONNECTED}, "The session may go on under TLS.", _TLS)
        yield _Row(
            state,
            "AUTH",
            {2: _S.GREETED, 3: _S.AUTHENTICATING},
            "The client may prove who it is before a transaction.",
            _AUTH_ORDER,
        )
        yield _Row(state, "ETRN", {}, "ETRN leaves the session as it is.", _ETRN)

    for state in (_S.SENDER, _S.RECIPIENTS, _S.CHUNKS):
        yield _Row(state, "EHLO HELO", {2: _S.GREETED}, "EHLO drops the open transaction.", _EHLO_AGAIN)
        yield _Row(
            state,
            "MAIL",
            None,
            "A transaction is open already. End it with DATA, or drop it with RSET.",
            _ONE_TRANSACTION,
        )
        yield _Row(state, "STARTTLS", {2: _S.CONNECTED}, "STARTTLS drops the open transaction.", _TLS)
        yield _Row(state, "AUTH", None, "A transaction is open. AUTH belongs before MAIL.", _AUTH_ORDER)
        yield _Row(state, "ETRN", {}, "ETRN leaves the session as it is.", _ETRN)

    yield _Row(_S.SENDER, "RCPT", {2: _S.RECIPIENTS}, "RCPT names a recipient.", _ORDER)
    yield _Row(
        _S.SENDER,
        "DATA BDAT",
        None,
        "No recipient has been accepted yet, so the message would go nowhere.",
        _RECIPIENT_FIRST,
        (503, 554),
    )

    yield _Row(_S.RECIPIENTS, "RCPT", {2: _S.RECIPIENTS}, "RCPT may add one more recipient.", _ORDER)
    yield _Row(
        _S.RECIPIENTS, "DATA", {3: _S.MESSAGE}, "The envelope is complete. The text may follow.", _ORDER
    )
    yield _Row(
        _S.CHUNKS,
        "RCPT",
        None,
        "The message has begun. Recipients belong before its first chunk.",
        _BDAT_CHUNKS,
    )
    yield _Row(_S.CHUNKS, "DATA", None, "This message has begun with BDAT and has to end with it.", _BDAT)
    for state in (_S.RECIPIENTS, _S.CHUNKS):
        yield _Row(
            state,
            "BDAT",
            {2: _S.CHUNKS, 4: _S.GREETED, 5: _S.GREETED},
            "A chunk of the message may follow.",
            _BDAT_CHUNKS,
        )
        yield _Row(
            state,
            LAST_CHUNK,
            {2: _S.ACCEPTED, 4: _S.GREETED, 5: _S.GREETED},
            "The last chunk ends the message.",
            _BDAT_CHUNKS,
        )

    yield _Row(
        _S.MESSAGE,
        END_OF_TEXT,
        {2: _S.ACCEPTED, 4: _S.GREETED, 5: _S.GREETED},
        "The dot ends the text. The reply is for the whole message.",
        _TEXT,
    )
    yield _Row(
        _S.MESSAGE,
        f"EHLO HELO RSET NOOP VRFY EXPN HELP QUIT {before_ehlo}",
        None,
        "The server is reading message text. This line becomes part of the message.",
        _TEXT,
        (),
    )

    yield _Row(
        _S.AUTHENTICATING,
        RESPONSE,
        {2: _S.GREETED, 3: _S.AUTHENTICATING, 4: _S.GREETED, 5: _S.GREETED},
        "The server waits for a response in base64.",
        _AUTH_EXCHANGE,
    )
    yield _Row(
        _S.AUTHENTICATING,
        f"EHLO HELO RSET NOOP VRFY EXPN HELP QUIT {before_ehlo}",
        None,
        "The server waits for a response in base64, or for * to cancel.",
        _AUTH_EXCHANGE,
        (501, 535),
    )

    yield _Row(
        _S.CLOSED,
        f"EHLO HELO RSET NOOP VRFY EXPN HELP QUIT {before_ehlo}",
        None,
        "The session is over.",
        _CLOSED,
        (),
    )

    for state in (_S.CONNECTED, _S.GREETED, _S.SENDER, _S.RECIPIENTS, _S.CHUNKS, _S.ACCEPTED):
        open_ = state in (_S.SENDER, _S.RECIPIENTS, _S.CHUNKS, _S.ACCEPTED)
        yield _Row(
            state,
            "RSET",
            {2: _S.GREETED} if open_ else {},
            "RSET drops the transaction." if open_ else "RSET has nothing to drop here.",
            _ANY_TIME,
        )
        yield _Row(state, "NOOP VRFY EXPN HELP", {}, "This is in order at any time.", _ANY_TIME)
    for state in _S:
        if state not in (_S.CONNECTING, _S.MESSAGE, _S.AUTHENTICATING, _S.CLOSED):
            yield _Row(state, "QUIT", {2: _S.CLOSED}, "QUIT ends the session.", _QUIT)
        yield _Row(state, "SEND SOML SAML", None, "This command is gone. Use MAIL.", _OBSOLETE, (502, 500))
        yield _Row(state, "TURN", None, "This command is gone.", _TURN, (502, 500))


ANSWERS: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    GREETING: ((220,), (554, 521)),
    "EHLO": ((250,), (500, 501, 502, 504, 550)),
    "HELO": ((250,), (501, 502, 504, 550)),
    "MAIL": ((250,), (450, 451, 452, 455, 501, 530, 550, 552, 553, 554, 555)),
    "RCPT": ((250, 251), (450, 451, 452, 455, 501, 530, 550, 551, 552, 553, 554, 555, 556)),
    "DATA": ((354,), (450, 451, 452, 501, 530, 550, 554)),
    END_OF_TEXT: ((250,), (450, 451, 452, 500, 550, 552, 554)),
    "BDAT": ((250,), (451, 452, 501, 550, 552, 554)),
    LAST_CHUNK: ((250,), (450, 451, 452, 501, 550, 552, 554)),
    "RSET": ((250,), (501,)),
    "NOOP": ((250,), ()),
    "QUIT": ((221,), (501,)),
    "VRFY": ((250, 251, 252), (501, 502, 504, 550, 551, 553)),
    "EXPN": ((250, 252), (500, 501, 502, 504, 550)),
    "HELP": ((211, 214), (501, 502, 504)),
    "STARTTLS": ((220,), (454, 501, 502)),
    "AUTH": ((235, 334), (432, 454, 500, 501, 504, 530, 534, 535, 538)),
    RESPONSE: ((235, 334), (432, 454, 500, 501, 534, 535)),
    "ETRN": ((250, 251, 252, 253), (458, 459, 500, 501)),
}
"""What the standards name as answers: done or go on, then refusals. 421 may answer anything (RFC 5321
section 4.3.2)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One cell of the table: a verb in a state.

    ``codes`` are the replies that the standards name here, ``success`` those among them that mean done or go
    on. ``then`` maps a reply's first digit to the state that it leads to; a missing digit leads nowhere else.
    """

    allowed: bool
    codes: tuple[int, ...]
    success: tuple[int, ...]
    then: Mapping[int, State]
    reason: str
    rule: Rule


def _build() -> dict[State, dict[str, Entry]]:
    table: dict[State, dict[str, Entry]] = {state: {} for state in State}
    for row in _rows():
        verbs = (
            [row.verbs] if row.verbs in (GREETING, END_OF_TEXT, RESPONSE, LAST_CHUNK) else row.verbs.split()
        )
        for verb in verbs:
            success, failure = ANSWERS.get(verb, ((), ()))
            if row.then is None:
                entry = Entry(False, row.codes, (), _REFUSE, row.reason, row.rule)
            else:
                entry = Entry(True, success + failure, success, row.then, row.reason, row.rule)
            table[row.state][verb] = entry
    return table


_TABLE = _build()


def _where_allowed() -> dict[str, Mapping[int, State]]:
    found: dict[str, Mapping[int, State]] = {}
    for cells in _TABLE.values():
        for verb, entry in cells.items():
            if entry.allowed:
                found.setdefault(verb, entry.then)
    return {**found, "SEND": found["MAIL"], "SOML": found["MAIL"], "SAML": found["MAIL"]}


ELSEWHERE: Mapping[str, Mapping[int, State]] = _where_allowed()
"""Where a verb leads if a lenient server accepts it out of order: where it leads when it is in order."""
UNKNOWN = Entry(False, (500, 502), (), _REFUSE, "The server does not know this command.", _UNKNOWN_COMMAND)
"""The cell of every verb that is in no command table."""


def lookup(state: State, verb: str) -> Entry:
    """The cell of the table for a verb, or for `GREETING`, `END_OF_TEXT`, `RESPONSE`. Any text has one."""
    return _TABLE[state].get(verb, UNKNOWN)


_ALLOWED = {state: tuple(verb for verb in COMMANDS if lookup(state, verb).allowed) for state in State}


def allowed(state: State) -> tuple[str, ...]:
    """The commands that are in order in this state, in the order in which a learner meets them."""
    return _ALLOWED[state]


class Edge(NamedTuple):
    """One arrow of the diagram: in ``state``, a reply to ``verb`` that begins with ``reply_class``."""

    state: State
    verb: str
    reply_class: int
    next_state: State


def diagram() -> tuple[Edge, ...]:
    """Every arrow of the table, loops included; arrows back to their own state are the commands that change
    nothing. Left out, because they hold everywhere: 421 leads to closed, any refusal leaves the state."""
    return tuple(
        Edge(state, verb, digit, entry.then.get(digit, state))
        for state in State
        for verb, entry in _TABLE[state].items()
        if entry.allowed
        for digit in sorted({code // 100 for code in entry.success} | set(entry.then))
    )
