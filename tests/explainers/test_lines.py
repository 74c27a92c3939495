"""Every other line of a session: commands, the answer to EHLO, AUTH, message text, the ends."""

from __future__ import annotations

import time

import pytest

from labkit.explainers.keywords import KEYWORDS
from labkit.explainers.line import LineExplanation, explain_line
from labkit.smtp import COMMANDS, Transcript, observe

from .sessions import HELLO, RECIPIENT, SENDER, explain_all

TEXT = RECIPIENT + "C: DATA\nS: 354 go\n"


def last(text: str) -> LineExplanation:
    return explain_all(text)[-1]


def meaning(one: LineExplanation, token: str) -> str:
    return dict(one.parts)[token]


# ------------------------------------------------------------------------------------------ commands


@pytest.mark.parametrize("verb", COMMANDS)
def test_every_command_of_the_table_is_explained(verb: str) -> None:
    before = {"RCPT": SENDER, "DATA": RECIPIENT, "BDAT": RECIPIENT}.get(verb, HELLO)
    one = last(before + f"C: {COMMANDS[verb].example}\n")
    says = ", obsolete" if COMMANDS[verb].obsolete else f" {COMMANDS[verb].purpose}"
    assert one.headline == verb + says
    assert one.happened
    assert COMMANDS[verb].rfc in [rule.ref for rule in one.rules]
    assert one.who_acts == "the server"
    assert one.next_step


def test_a_command_points_at_its_answer() -> None:
    one = explain_all(HELLO + "C: NOOP\nS: 250 ok\n")[-2]
    assert one.effect == "Line 10 answers it with 250."
    assert (one.who_acts, one.next_step) == ("", "")


def test_an_expected_answer_is_named_before_it_comes() -> None:
    assert last(HELLO + "C: VRFY bob\n").next_step == "It answers 250 or 251 or 252, or it refuses."
    assert last(SENDER + "C: DATA\n").next_step == "It will refuse, with 503 or 554."


def test_a_command_out_of_order_says_why() -> None:
    one = last(SENDER + "C: DATA\n")
    assert one.headline == "DATA, out of order"
    assert one.happened == "No recipient has been accepted yet, so the message would go nowhere."
    assert "RFC 5321 section 3.3" in [rule.ref for rule in one.rules]


@pytest.mark.parametrize(
    ("line", "headline"),
    [
        ("MAIL FROM:<a@b.c> NEW=1", "MAIL, a parameter is not offered"),
        ("AUTH LOGIN", "AUTH, not offered"),
        ("BDAT 1 LAST", "BDAT, out of order"),
        ("RCPT TO: <a@b.c>", "RCPT, out of order"),
        ("MAIL FROM: <a@b.c>", "MAIL, not well formed"),
        ("FOO", "FOO, an unknown command"),
    ],
)
def test_the_headline_names_the_fault(line: str, headline: str) -> None:
    assert last(HELLO + f"C: {line}\n").headline == headline
    assert explain_all(HELLO + f"C: {line}\nS: 503 x\n")[-1].headline.endswith(headline.split(", ")[1])


def test_what_is_not_offered_is_not_out_of_order() -> None:
    assert last("S: 220 a\nC: EHLO c.example\nS: 250 b\nC: STARTTLS\n").headline == "STARTTLS, not offered"
    assert last("S: 220 a\nC: EHLO c.example\nS: 250 b\nC: EXPN x\nS: 502 5.5.1 no\n").headline == (
        "502 5.5.1: EXPN is refused: not offered"
    )
    assert last(SENDER + "C: RCPT TO:<\u00e4@b.c>\n").headline == "RCPT, not possible here"


def test_advice_fits_the_fault() -> None:
    assert last(HELLO + "C: \n").next_step == "Begin the line with a command's name."
    refused = last(HELLO + "C: MAIL FROM:<a@b.c> SIZE=1\nS: 555 x\n")
    assert refused.next_step == "Use what the answer to EHLO offers."


def test_a_line_after_the_dot_is_read_as_a_command() -> None:
    command, reply = explain_all(TEXT + "C: .\nS: 250 ok\nC: bread\nS: 500 x\n")[-2:]
    assert command.happened == "The message ended at its dot, so this line is read as a command."
    assert reply.happened == command.happened
    assert last(HELLO + "C: XFOO\n").happened == "A command that begins with X is private."


def test_nobody_answers_after_the_end() -> None:
    one = last(HELLO + "C: QUIT\nS: 221 bye\nC: NOOP\n")
    assert (one.who_acts, one.next_step, one.happened) == ("", "", "The session is over.")
    held = last(HELLO + "C: STARTTLS\nC: NOOP\n")
    assert held.next_step == "It answers every command with one reply."


def test_a_malformed_line_points_at_its_answer() -> None:
    one = explain_all(HELLO + "C: NOOP:\nS: 650 odd\n")[-2]
    assert one.effect == "Line 10 answers it."
    assert last(HELLO + "C: NOOP:\n").effect == "A strict server answers 500 or 501."
    assert last(HELLO + f"C: NOOP {'x' * 600}\n").effect == "A server may take it all the same."


def test_a_slip_is_named_with_the_right_form() -> None:
    one = last(HELLO + "C: MAIL FROM: <alice@sender.example>\n")
    assert one.headline == "MAIL, not well formed"
    assert one.happened == "A space stands after the colon."
    assert one.next_step == "Write it like this: MAIL FROM:<alice@sender.example>"
    assert [rule.ref for rule in one.rules] == ["RFC 5321 section 3.3"]
    assert meaning(one, "alice@sender.example") == "the address that a lenient server would read"


def test_a_mistyped_verb_gets_a_suggestion() -> None:
    assert last(HELLO + "C: RCTP TO:<a@b.c>\n").happened == "RCTP is no command of SMTP. Did you mean RCPT?"
    assert last(HELLO + "C: SEND FROM:<a@b.c>\n").happened == "This command is gone. Use MAIL."
    assert last(HELLO + "C: BLAH\n").happened == "BLAH is no command of SMTP."


@pytest.mark.parametrize(
    ("line", "token", "words"),
    [
        ("MAIL FROM:<>", "<>", "reported to nobody"),
        ("MAIL FROM:<a@b.c>", "<a@b.c>", "where failures go"),
        ("MAIL FROM:<@x.example:a@b.c>", "@x.example:", "obsolete source route"),
        ("MAIL FROM:<a@b.c> SIZE=12", "SIZE=12", "how many octets"),
        ("MAIL FROM:<a@b.c> RET=HDRS", "RET=HDRS", "failure notice should return"),
        ("MAIL FROM:<a@b.c> ODD=1", "ODD=1", "does not know"),
        ("RCPT TO:<a@b.c> NOTIFY=NEVER", "NOTIFY=NEVER", "when a notice"),
        ("RCPT TO:<Postmaster>", "<Postmaster>", "postmaster of this very host"),
        ("EHLO localhost", "localhost", "without a dot"),
        ("EHLO 192.0.2.10", "192.0.2.10", "without its brackets"),
        ("EHLO [192.0.2.10]", "[192.0.2.10]", "an address literal"),
        ("EHLO client.example.net", "client.example.net", "full name"),
        ("AUTH PLAIN AGJvYgBzZWNyZXQ=", "'bob'", "the user name"),
        ("AUTH PLAIN AGJvYgBzZWNyZXQ=", "'secret'", "readable for anybody"),
        ("BDAT 12 LAST", "12", "octets of text"),
        ("BDAT 12 LAST", "LAST", "the last chunk"),
        ("HELP DATA", "DATA", "its argument"),
    ],
)
def test_the_parts_of_commands(line: str, token: str, words: str) -> None:
    assert words in meaning(last(HELLO + f"C: {line}\n"), token)


# ----------------------------------------------------------------------------------- the answer to EHLO


@pytest.mark.parametrize("keyword", KEYWORDS)
def test_every_keyword_has_one_fact_and_a_document(keyword: str) -> None:
    one = explain_all(f"S: 220 a\nC: EHLO c.example\nS: 250-b\nS: 250-{keyword.lower()}\nS: 250 x\n")[3]
    assert one.certain
    assert one.headline == f"The server offers {keyword.lower()}"
    assert meaning(one, keyword.lower()) == KEYWORDS[keyword][0]
    assert KEYWORDS[keyword][1] in [rule.ref for rule in one.rules]


def test_the_lines_of_the_answer_to_ehlo() -> None:
    lines = (
        "S: 250-mail.receiver.example hello\nS: 250-SIZE 1000\nS: 250-SIZE 0\nS: 250-AUTH PLAIN\nS: 250-NEW\n"
    )
    answer = explain_all("S: 220 a\nC: EHLO c.example\n" + lines + "S: 250 X-OWN\n")[2:]
    assert meaning(answer[0], "mail.receiver.example") == "the server's own name, as it gives it"
    assert meaning(answer[1], "1000") == "octets, at most, in one message"
    assert meaning(answer[2], "0") == "no fixed limit"
    assert meaning(answer[3], "PLAIN") == "the mechanisms to choose from"
    assert not answer[4].certain
    assert meaning(answer[5], "X-OWN") == "a private extension"
    assert "old clients" in meaning(
        explain_all("C: EHLO c\nS: 250-b\nS: 250-AUTH=LOGIN\nS: 250 x\n")[2], "AUTH=LOGIN"
    )
    limits = explain_all("C: EHLO c\nS: 250-b\nS: 250-LIMITS RCPTMAX=9\nS: 250 x\n")[2]
    assert meaning(limits, "RCPTMAX=9") == "its arguments"
    assert all(meaning(one, "250-").startswith("the hyphen") for one in answer[:5])


def test_an_empty_line_in_the_answer_to_ehlo() -> None:
    answer = explain_all("S: 220 a\nC: EHLO c.example\nS: 250-\nS: 250- \nS: 250\n")
    assert all(token for one in answer for token, _ in one.parts)


def test_stray_lines_and_pieces_inside_a_reply() -> None:
    stray = explain_all(HELLO + "C: HELP\nS: 214-x\nS= \\n\nS: 214 x\n")[-2]
    assert (stray.headline, stray.certain) == ("A stray line inside a reply", False)
    piece = explain_all(HELLO + "C: HELP\nS= 21\nS= 4 x\\r\\n\n")[-2]
    assert (piece.headline, piece.certain) == ("A piece of a reply's line", True)


def test_lines_of_other_long_replies() -> None:
    one = explain_all(HELLO + "C: HELP\nS: 214-SIZE\nS: 214 x\n")[-2]
    assert one.headline == "A line of a longer reply"
    assert [token for token, _ in one.parts] == ["214-"]


# ------------------------------------------------------------------------------------------ AUTH


def test_an_auth_exchange_is_decoded() -> None:
    text = "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: YWxpY2U=\nS: 334 UGFzc3dvcmQ6\nC: c2VjcmV0\nS: 235 ok\n"
    lines = explain_all("S: 220 a\nC: EHLO c.example\nS: 250-b\nS: 250 AUTH LOGIN\n" + text)[4:]
    assert meaning(lines[1], "VXNlcm5hbWU6") == "base64 for 'Username:'"
    assert meaning(lines[2], "YWxpY2U=") == "the user name, base64 for 'alice'"
    assert meaning(lines[4], "c2VjcmV0") == "the password, base64 for 'secret'"
    assert "in clear" in lines[4].happened
    assert "draft-murchison-sasl-login" in " ".join(rule.ref for rule in lines[4].rules)


def test_the_encoded_line_end_is_named() -> None:
    """smtp-07: the base64 was made by echo."""
    one = last(
        "S: 220 a\nC: EHLO c.example\nS: 250-b\nS: 250 AUTH LOGIN\nC: AUTH LOGIN\nS: 334 x\nC: YWxpY2UK\n"
    )
    assert one.happened.startswith("The line end was encoded too.")
    assert one.who_acts == "the client"


@pytest.mark.parametrize(
    ("response", "words"),
    [
        ("*", "cancels"),
        ("=", "empty"),
        ("nonsense!", "no base64"),
        ("AGEAYg==", "'\\x00a\\x00b'"),
    ],
)
def test_responses(response: str, words: str) -> None:
    one = last(HELLO + f"C: AUTH PLAIN\nS: 334\nC: {response}\n")
    assert words in meaning(one, response)


def test_an_empty_response() -> None:
    one = last(HELLO + "C: AUTH PLAIN\nS: 334\nC:\n")
    assert one.parts == (("(nothing)", "an empty response"),)
    assert one.happened == "The client answers the server's challenge of PLAIN."


def test_plain_without_its_nul_octets_is_named() -> None:
    assert "two NUL octets" in last(HELLO + "C: AUTH PLAIN\nS: 334\nC: YWxpY2U=\n").happened


# ------------------------------------------------------------------------------------------ message text


@pytest.mark.parametrize(
    ("lines", "headline", "words"),
    [
        ("C: From: boss@receiver.example\n", "Header field From", "does not act on it"),
        ("C: Subject: x\nC:  y\n", "A header field goes on", "belongs to the field above"),
        ("C: A: b\nC:\n", "The header ends here", "separates header and body"),
        ("C:\nC: QUIT\n", "A line of message text", "No command in it is carried out"),
        ("C:\nC: ..com\n", "A line of message text", "takes the first dot off. Stored is: .com"),
        ("C:\nC: ...\n", "A line of message text", "takes the first dot off. Stored is: .."),
        ("C:\nC: .com\n", "A line of message text", "whoever means one sends two. Stored is: com"),
        ("C:\nC= x\\n\n", "A line of message text", "ends in LF alone"),
        ("C:\nC= a\\rb\\r\\n\n", "A line of message text", "A CR stands inside"),
        ("C:\nC= \\xe4\\r\\n\n", "A line of message text", "octets above 127"),
        ("C:\nC= a\\n\nC= .\\r\\n\n", "A line of message text", "This one does not"),
        (f"C:\nC: {'x' * 999}\n", "A line of message text", "1001 octets"),
        ("C: .\n", "The end of the text", "for bob@receiver.example"),
    ],
)
def test_message_text(lines: str, headline: str, words: str) -> None:
    one = last(TEXT + lines)
    assert one.headline == headline
    assert words in one.happened
    assert one.rules


def test_a_doubled_dot_does_not_count_for_the_length() -> None:
    assert "octets" not in last(TEXT + f"C:\nC: .{'.' * 998}\n").happened
    assert "1001 octets" not in last(TEXT + f"C:\nC: {'x' * 998}\n").happened


def test_the_final_dot_points_at_its_answer() -> None:
    one = explain_all(TEXT + "C: .\nS: 554 no\n")[-2]
    assert one.effect == "Line 16 answers it with 554."


def test_chunks_are_octets() -> None:
    one = last(RECIPIENT + "C: BDAT 3\nC: .\nS: 250 ok\nC: BDAT 3 LAST\n")
    assert one.headline.startswith("BDAT ")
    one = explain_all(RECIPIENT + "C: BDAT 3\nC: .\nS: 250 ok\n")[-2]
    assert one.headline == "Octets of a chunk"


# ------------------------------------------------------------------------------------------ the ends


def test_ends() -> None:
    clean = explain_all(HELLO + "C: QUIT\nS: 221 bye\nS closes\n")[-1]
    assert (clean.headline, clean.who_acts) == ("The connection ends here", "")
    broken = explain_all(RECIPIENT + "S closes\n")[-1]
    assert broken.happened == "The connection ended without QUIT and its 221."
    assert "RFC 5321 section 3.8" in [rule.ref for rule in broken.rules]
    idle = explain_all(RECIPIENT + "S: 421 4.4.2 idle\nS closes\n")
    assert idle[-2].headline == "421 4.4.2: the server closes the connection"
    assert "What got no 250 after its dot counts as not sent." in idle[-2].effect
    assert idle[-2].next_step == "Close, connect again later, and send then what is still unsent."
    assert idle[-1].who_acts == ""


def test_a_lost_answer_after_the_dot() -> None:
    one = explain_all(TEXT + "C: .\nS closes\n")[-2]
    assert one.headline == "Never answered"
    assert "may have taken the message or not" in one.happened
    assert "arrive twice" in one.next_step
    assert "arrive twice" not in explain_all(HELLO + "C: NOOP\nS closes\n")[-2].next_step


def test_stopping_early_and_pieces() -> None:
    assert last(HELLO + "C: NOOP\nC closes\n").headline == "The client has stopped sending"
    assert last(HELLO + "C= NO\n").headline == "A piece of a line"


def test_what_comes_from_the_wire_is_cut_and_made_visible() -> None:
    one = last(TEXT + "C= X\\x1b[31m: \\xe2\\x80\\xaeevil\\r\\n\n")
    assert all(text.isprintable() for part in one.parts for text in part)
    one = last(TEXT + f"C: X: {'y' * 70000}\n")
    assert max(len(text) for part in one.parts for text in part) < 600
    assert len(last(HELLO + f"C: NOOP {'y' * 70000}\n").happened) < 600


def test_an_unknown_line_number_is_a_key_error() -> None:
    notes = observe(Transcript.from_text(HELLO))
    with pytest.raises(KeyError, match="there is no line 99"):
        explain_line(notes, 99)
    with pytest.raises(KeyError):
        explain_line((), 1)


def test_numbers_need_not_be_unbroken() -> None:
    notes = observe(Transcript.from_text("# seq=5\nS: 220 a\n# seq=9\nC: NOOP\n# seq=7\nS: 250 ok\n"))
    assert [explain_line(notes, seq).seq for seq in (5, 9, 7)] == [5, 9, 7]
    assert explain_line(notes, 9).effect.endswith("Line 7 answers it with 250.")


def test_explaining_all_lines_costs_no_more_than_linear() -> None:
    def cost(size: int) -> float:
        text = SENDER + "C: RCPT TO:<d@e.f>\nS: 250 ok\n" * size + "C: DATA\nS: 354 go\n" + "C: x\n" * size
        notes = observe(Transcript.from_text(text))
        best = 1e9
        for _ in range(2):
            started = time.process_time()
            for note in notes:
                explain_line(notes, note.seq)
            best = min(best, time.process_time() - started)
        return best

    cost(50)
    assert cost(1_600) < 8 * 4 * cost(200) + 0.01


def test_an_obsolete_command_behind_starttls_is_explained_too() -> None:
    """It is not judged before STARTTLS has its answer."""
    assert explain_all(HELLO + "C: STARTTLS\nC: TURN\n")[-1].happened.startswith("The command is obsolete")
