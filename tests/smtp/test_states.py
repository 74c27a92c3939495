"""The one table: what is in order where, and why not."""

from __future__ import annotations

import pytest

from labkit.smtp import COMMANDS, State, allowed, diagram, expectation, parse_command
from labkit.smtp.expect import Facts
from labkit.smtp.states import ANSWERS, END_OF_TEXT, GREETING, LAST_CHUNK, RESPONSE, lookup

S = State
SPEAKING = (S.CONNECTED, S.GREETED, S.SENDER, S.RECIPIENTS, S.CHUNKS, S.ACCEPTED)
OPEN = (S.SENDER, S.RECIPIENTS, S.CHUNKS)


def expect(state: State, line: str, facts: Facts | None = None) -> tuple[bool, tuple[int, ...], str, str]:
    found = expectation(state, parse_command(line.encode() + b"\r\n"), facts or Facts())
    assert found.state is state
    return found.allowed, found.codes, found.reason, found.rule.ref


def test_the_names_of_the_learners_strip() -> None:
    strip = ["connected", "greeted", "sender", "recipients", "message", "accepted", "closed"]
    assert [state.value for state in State if state.value in strip] == strip


@pytest.mark.parametrize("state", SPEAKING)
@pytest.mark.parametrize("verb", ["NOOP", "RSET", "VRFY", "EXPN", "HELP", "QUIT"])
def test_some_commands_are_in_order_at_any_time(state: State, verb: str) -> None:
    assert expect(state, COMMANDS[verb].example)[0]  # RFC 5321 section 4.1.4


@pytest.mark.parametrize("state", SPEAKING)
def test_ehlo_may_come_again_and_leads_to_greeted(state: State) -> None:
    for verb in ("EHLO", "HELO"):
        assert lookup(state, verb).then == {2: S.GREETED}


@pytest.mark.parametrize(
    ("state", "line", "word", "section"),
    [
        (S.CONNECTED, "MAIL FROM:<a@b.c>", "EHLO has to come first", "4.1.4"),
        (S.CONNECTED, "RCPT TO:<a@b.c>", "EHLO has to come first", "4.1.4"),
        (S.GREETED, "RCPT TO:<a@b.c>", "MAIL has to come before RCPT", "3.3"),
        (S.GREETED, "DATA", "MAIL and RCPT have to come first", "4.1.4"),
        (S.ACCEPTED, "RCPT TO:<a@b.c>", "MAIL has to come before RCPT", "3.3"),
        (S.SENDER, "MAIL FROM:<a@b.c>", "A transaction is open already", "4.1.4"),
        (S.RECIPIENTS, "MAIL FROM:<a@b.c>", "A transaction is open already", "4.1.4"),
        (S.SENDER, "DATA", "No recipient has been accepted yet", "3.3"),
        (S.CHUNKS, "DATA", "begun with BDAT", "RFC 3030 section 2"),
        (S.CHUNKS, "RCPT TO:<a@b.c>", "Recipients belong before", "RFC 3030 section 2"),
        (S.SENDER, "AUTH PLAIN", "AUTH belongs before MAIL", "RFC 4954 section 4"),
        (S.REFUSED, "EHLO a.example", "Only QUIT is left", "3.1"),
        (S.REFUSED, "NOOP", "Only QUIT is left", "3.1"),
        (S.CONNECTING, "EHLO a.example", "has not greeted yet", "3.1"),
        (S.MESSAGE, "QUIT", "becomes part of the message", "4.1.1.4"),
        (S.AUTHENTICATING, "QUIT", "waits for a response in base64", "RFC 4954 section 4"),
        (S.CLOSED, "NOOP", "The session is over", "3.8"),
        (S.GREETED, "SEND FROM:<a@b.c>", "This command is gone", "appendix F.6"),
        (S.GREETED, "TURN", "This command is gone", "appendix F.1"),
        (S.GREETED, "FOO", "does not know this command", "4.2.4"),
        (S.GREETED, "XFOO", "begins with X", "4.1.5"),
    ],
)
def test_refusals_have_a_reason_and_a_section(state: State, line: str, word: str, section: str) -> None:
    permitted, _, reason, ref = expect(state, line)
    assert not permitted
    assert word in reason
    assert ref.endswith(section)


def test_data_without_recipient_is_503_or_554() -> None:
    assert expect(S.SENDER, "DATA")[1] == (503, 554)
    assert expect(S.RECIPIENTS, "MAIL FROM:<>")[1] == (503,)


def test_starttls_forgets_everything() -> None:
    for state in (S.GREETED, S.SENDER, S.RECIPIENTS, S.ACCEPTED):
        assert lookup(state, "STARTTLS").then == {2: S.CONNECTED}
    assert "STARTTLS" not in allowed(S.CONNECTED)


def test_only_quit_is_left_after_a_refused_greeting() -> None:
    assert lookup(S.CONNECTING, GREETING).then == {2: S.CONNECTED, 4: S.REFUSED, 5: S.REFUSED}
    assert allowed(S.REFUSED) == ("QUIT",)


def test_the_answers_that_rfc_5321_names() -> None:
    """Section 4.3.2, and 4.5.3.1.6 for a line of text that is too long; 503 is for what is out of order."""
    assert ANSWERS["RCPT"] == ((250, 251), (450, 451, 452, 455, 501, 530, 550, 551, 552, 553, 554, 555, 556))
    assert ANSWERS["MAIL"] == ((250,), (450, 451, 452, 455, 501, 530, 550, 552, 553, 554, 555))
    assert ANSWERS["DATA"] == ((354,), (450, 451, 452, 501, 530, 550, 554))
    assert ANSWERS[END_OF_TEXT] == ((250,), (450, 451, 452, 500, 550, 552, 554))


def test_a_message_ends_its_transaction_whatever_the_reply() -> None:
    assert lookup(S.MESSAGE, END_OF_TEXT).then == {2: S.ACCEPTED, 4: S.GREETED, 5: S.GREETED}
    assert lookup(S.RECIPIENTS, LAST_CHUNK).then == {2: S.ACCEPTED, 4: S.GREETED, 5: S.GREETED}
    assert "MAIL" in allowed(S.ACCEPTED)


def test_nothing_is_in_order_where_no_command_is_read() -> None:
    for state in (S.CONNECTING, S.MESSAGE, S.AUTHENTICATING, S.CLOSED):
        assert allowed(state) == ()


def test_the_learner_sees_these_in_a_transaction() -> None:
    core = [verb for verb in allowed(S.RECIPIENTS) if not COMMANDS[verb].extension]
    assert core == ["EHLO", "HELO", "RCPT", "DATA", "RSET", "NOOP", "QUIT", "VRFY", "HELP"]


def test_every_cell_has_reason_and_rule() -> None:
    for state in State:
        for verb in [*COMMANDS, GREETING, END_OF_TEXT, RESPONSE, LAST_CHUNK, "FOO", ""]:
            entry = lookup(state, verb)
            assert entry.reason.endswith(".")
            assert entry.rule.ref.startswith("RFC ")
            assert entry.rule.text.endswith(".")
            assert all(200 <= code <= 599 for code in entry.codes)
            assert entry.allowed is bool(entry.success)
            assert set(entry.success) <= set(entry.codes)


def test_the_diagram_is_the_table() -> None:
    edges = diagram()
    assert len(set(edges)) == len(edges)
    for edge in edges:
        entry = lookup(edge.state, edge.verb)
        assert entry.allowed
        assert entry.then.get(edge.reply_class, edge.state) is edge.next_state
    moves = {(e.state, e.verb, e.next_state) for e in edges if e.state is not e.next_state}
    path = [S.CONNECTING, S.CONNECTED, S.GREETED, S.SENDER, S.RECIPIENTS, S.MESSAGE, S.ACCEPTED, S.CLOSED]
    verbs = [GREETING, "EHLO", "MAIL", "RCPT", "DATA", END_OF_TEXT, "QUIT"]
    assert {(a, verb, b) for a, verb, b in zip(path, verbs, path[1:], strict=False)} <= moves
    loops = {(s, verb, S.GREETED) for s in OPEN for verb in ("RSET", "EHLO")} | {
        (S.ACCEPTED, "MAIL", S.SENDER)
    }
    assert loops <= moves
    reached = {S.CONNECTING}
    while more := {e.next_state for e in edges if e.state in reached} - reached:
        reached |= more
    assert reached == set(State)


@pytest.mark.parametrize(
    ("line", "facts", "codes", "word"),
    [
        ("STARTTLS", Facts({"STARTTLS": ()}, encrypted=True), (503,), "TLS is up already"),
        ("STARTTLS", Facts({}), (502, 500, 503, 504), "did not announce STARTTLS"),
        ("AUTH PLAIN", Facts({"AUTH": ("LOGIN",)}), (504, 538, 534), "did not announce the mechanism PLAIN"),
        ("AUTH LOGIN", Facts({"AUTH": ("LOGIN",)}, authenticated=True), (503,), "proved who it is already"),
        ("ETRN a.example", Facts({}), (502, 500, 503, 504), "did not announce ETRN"),
        ("EXPN staff", Facts({}), (502, 500, 503, 504), "did not announce EXPN"),  # RFC 5321 section 3.5.2
        ("MAIL FROM:<a@b.c> SIZE=1", Facts({}), (555, 501, 504), "The server did not announce SIZE"),
        ("MAIL FROM:<a@b.c> RET=HDRS", Facts({}), (555, 501, 504), "RET belongs to DSN. The server did not"),
        ("MAIL FROM:<a@b.c> NOTIFY=NEVER", Facts({"DSN": ()}), (555, 501, 504), "belongs to RCPT"),
        ("MAIL FROM:<a@b.c> NEW=1", Facts({}), (555, 501, 504), "NEW is not known to this server"),
    ],
)
def test_facts_refuse_what_the_state_allows(
    line: str, facts: Facts, codes: tuple[int, ...], word: str
) -> None:
    assert expect(S.GREETED, line)[0]
    permitted, found, reason, ref = expect(S.GREETED, line, facts)
    assert not permitted
    assert found == codes
    assert word in reason
    assert ref.startswith("RFC ")


def test_facts_permit_what_was_announced() -> None:
    facts = Facts({"SIZE": ("1000",), "AUTH": ("PLAIN", "LOGIN"), "STARTTLS": (), "NEW": ()})
    for line in ("MAIL FROM:<a@b.c> SIZE=1 NEW=2", "AUTH plain", "STARTTLS"):
        assert expect(S.GREETED, line, facts)[0], line
    assert not expect(S.SENDER, "RCPT TO:<\u00e4@b.c>")[0]
    assert expect(S.SENDER, "RCPT TO:<\u00e4@b.c>", Facts(smtputf8=True))[0]


def test_malformed_lines_are_refused_for_their_slip() -> None:
    permitted, codes, reason, _ = expect(S.GREETED, "MAIL FROM: <a@b.c>")
    assert (permitted, codes, reason) == (False, (500, 501), "A space stands after the colon.")
    # Out of order comes first: mending the slip would not help here.
    assert "MAIL has to come before RCPT" in expect(S.GREETED, "RCPT TO: <a@b.c>")[2]
    long = f"NOOP {'x' * 600}"
    assert expect(S.GREETED, long)[1] == (250, 500, 501, 552, 553)
