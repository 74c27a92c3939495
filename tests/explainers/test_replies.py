"""Replies are explained by digits, stage, state and enhanced code; never by text, never by code alone."""

from __future__ import annotations

import json
import re

import pytest

from labkit.explainers.cases import CASES
from labkit.explainers.digits import CODES
from labkit.explainers.enhanced import TABLE
from labkit.explainers.line import LineExplanation
from labkit.explainers.stages import STAGES as STAGE_TABLE
from labkit.smtp.judge import KNOWN_CODES

from .sessions import HELLO, STAGES, explain_all, explained

UNSEEN = [244, 299, 333, 399, 422, 499, 577, 599]
ENHANCED = [
    None,
    "0.0",
    "1.1",
    "1.2",
    "2.2",
    "3.4",
    "4.2",
    "5.1",
    "5.3",
    "7.0",
    "7.1",
    "7.8",
    "7.26",
    "9.9",
    "1.99",
]
NONSENSE = "wibble 550 5.1.1 <nobody@nowhere.invalid> OK accepted, spam, no such user"
DATA_IN_TEXT = {(250, "EHLO"), (250, "EHLO again"), (334, "AUTH"), (334, "response")}


def reply(code: int, enhanced: str | None, text: str) -> str:
    middle = f" {code // 100}.{enhanced}" if enhanced else ""
    return f"{code}{middle} {text}"


def test_the_same_550_gives_four_explanations() -> None:
    four = [
        explained("RCPT", "550 no"),
        explained("text", "550 no"),
        explained("RCPT", "550 5.1.1 no"),
        explained("RCPT", "550 5.7.26 no"),
    ]
    for face in ("happened", "next_step", "rules"):
        assert len({getattr(one, face) for one in four}) == 4, face
    assert [one.who_acts for one in four] == [
        "the sender", "the sender's postmaster", "the sender", "the sender's postmaster",
    ]  # fmt: skip
    at_rcpt, after_dot, no_mailbox, policy = four
    assert "three causes" in at_rcpt.happened
    assert "5." not in at_rcpt.next_step  # no word about a code that was not sent
    assert at_rcpt.effect == "Still in the envelope: bob@receiver.example. The transaction goes on."
    assert after_dot.effect == "Nothing was delivered to bob@receiver.example. The transaction is over."
    assert "keep the addresses" in after_dot.next_step
    assert "mailbox does not exist" in no_mailbox.happened
    assert "remove it" in no_mailbox.next_step
    assert "do not remove it" in policy.next_step
    assert ("5.7.26", "Several checks of the sender's identity failed.") in policy.parts


@pytest.mark.parametrize("stage", STAGES)
def test_explanations_stay_when_the_text_is_nonsense(stage: str, long_run: bool) -> None:
    codes = list(range(200, 600)) if long_run else [*CODES, *UNSEEN]
    for number, code in enumerate(codes):
        if (code, stage) in DATA_IN_TEXT:
            continue
        some = ENHANCED if long_run else {None, ENHANCED[number % len(ENHANCED)]}
        for enhanced in some if code // 100 != 3 else [None]:  # no enhanced code begins with 3
            one = explained(stage, reply(code, enhanced, "as the server likes"))
            assert one == explained(stage, reply(code, enhanced, NONSENSE)), (code, enhanced)
            if not enhanced and not stage.startswith("EHLO"):
                assert one == explained(stage, f"{code}"), code
            check(one, code, enhanced)


def check(one: LineExplanation, code: int, enhanced: str | None) -> None:
    known = code in CODES and (enhanced is None or enhanced in TABLE)
    assert one.certain is known
    assert ("No standard names" in one.happened) is (code not in CODES)
    assert one.headline.startswith(f"{code}")
    digits = str(code)
    assert [token for token, _ in one.parts[:3]] == [digits[0], digits[1], digits]
    assert (len(one.parts) == 4) is (enhanced is not None and f"{code // 100}.{enhanced}" != "2.0.0")
    assert one.happened
    assert one.effect
    assert one.rules
    assert len(set(one.rules)) == len(one.rules)
    assert all(rule.ref.startswith(("RFC ", "IANA ")) for rule in one.rules)
    assert bool(one.who_acts) <= bool(one.next_step)
    assert json.loads(json.dumps(one.to_dict())) == one.to_dict()
    for text in (one.happened, one.effect, one.next_step):
        assert "  " not in text
        assert not text or text.endswith((".", "?")) or text.startswith("Write it like this: ")


@pytest.mark.parametrize("code", [250, 354, 421, 450, 452, 500, 503, 530, 550, 552, 554])
def test_one_code_says_different_things_at_different_stages(code: int) -> None:
    stages = ["greeting", "MAIL", "RCPT", "DATA", "text", "VRFY", "AUTH"]
    said = {
        (one.headline, one.happened, one.effect)
        for one in (explained(stage, f"{code} x") for stage in stages)
    }
    assert len(said) == len(stages)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("299 x", ["No standard names 299", "this recipient is accepted"]),
        ("422 4.2.2 x", ["No standard names 422", "this recipient is put off", "mailbox is full"]),
        ("577 5.9.9 x", ["No standard names 577", "this recipient is refused", "5.9.9 is in no registry"]),
        ("550 5.9.9 x", ["5.9.9 is in no registry", "a subject that no standard names"]),
        ("550 5.1.77 x", ["5.1.77 is in no registry", "about an address"]),
    ],
)
def test_a_reply_never_seen_is_explained_by_digit_stage_and_state(line: str, words: list[str]) -> None:
    one = explained("RCPT", line)
    assert not one.certain
    for word in words:
        assert word in f"{one.headline} {one.happened}"
    assert "bob@receiver.example" in one.effect


def test_a_code_out_of_range_is_no_reply_and_still_explained() -> None:
    one = explained("RCPT", "650 whatever")
    assert not one.certain
    assert one.parts[0] == ("6", "no reply may begin with this digit")
    assert "no reply begins with 6" in one.happened
    assert "The answer to RCPT was due." in one.happened
    assert one.headline == "650: no valid reply"
    assert one.effect == "Still in the envelope: bob@receiver.example. The transaction goes on."
    assert one.next_step.startswith("Treat it as a failure")
    assert explained("RCPT", "hello").parts == ()


def test_refusals_for_order_and_syntax_give_the_clients_slip() -> None:
    order = explained("out of order", "503 5.5.1 x")
    assert order.headline == "503 5.5.1: DATA is refused: out of order"
    assert "No recipient has been accepted yet" in order.happened
    assert order.next_step == "What leads on from here: RCPT TO, RSET, QUIT."
    assert order.happened.count("order") == 0  # the reason says more than 5.5.1 does
    assert order.rules[0].ref == "RFC 5321 section 3.3"
    slip = explained("malformed", "501 x")
    assert "A space stands after the colon." in slip.happened
    assert slip.next_step == "Write it like this: RCPT TO:<bob@receiver.example>"
    assert slip.effect == "Still in the envelope: bob@receiver.example. The transaction goes on."
    assert "No recipient has been accepted yet" in explained("out of order", "550 x").happened
    mixed = explained("malformed", "550 5.1.1 x")
    assert "mailbox does not exist" in mixed.happened
    assert "has a fault, too: A space stands after the colon." in mixed.happened
    assert mixed.who_acts == "the sender"
    unknown = explained("unknown", "500 x")
    assert unknown.headline == "500: this line is refused: an unknown command"


def test_what_disagrees_with_the_table_is_said() -> None:
    assert "This server let it pass" in explained("out of order", "354 x").happened
    assert "503 says wrong order" in explained("RCPT", "503 x").happened
    assert "contradicts 250" in dict(explained("RCPT", "250 5.1.1 x").parts)["5.1.1"]
    assert "Success" not in explained("RCPT", "550 2.1.0 x").happened
    assert "No command is waiting" in explained("unsolicited", "250 x").happened


@pytest.mark.parametrize(
    ("stage", "line", "effect"),
    [
        ("greeting", "220 x", "EHLO is due."),
        ("greeting", "554 x", "Only QUIT is left."),
        ("greeting", "421 x", "The session is over before it began."),
        ("EHLO", "502 x", "Nothing changed. EHLO is due."),
        ("MAIL", "250 x", "A transaction is open. Failure notices would go to alice@sender.example."),
        ("MAIL", "550 x", "No transaction is open."),
        ("RCPT", "250 x", "In the envelope now: bob@receiver.example, carol@receiver.example."),
        ("first RCPT", "550 x", "The envelope has no recipient yet. The transaction stays open."),
        ("DATA", "354 x", "Every line is message text now, for bob@receiver.example."),
        ("DATA", "451 x", "No text may be sent. Still in the envelope: bob@receiver.example."),
        ("text", "250 x",
         "The message to bob@receiver.example is the server's now: it delivers, or reports the failure to "
         "alice@sender.example."),
        ("text", "451 x",
         "Nothing was delivered to bob@receiver.example. The client still holds the message."),
        ("text", "421 x",
         "The session is over. The open transaction is dropped. "
         "What got no 250 after its dot counts as not sent."),
        ("BDAT", "250 x", "The server waits for the next chunk."),
        ("BDAT", "552 x", "The transaction is over. Nothing was delivered."),
        ("RSET", "250 x", "The envelope is empty. MAIL may come next."),
        ("QUIT", "221 x", "The session is over."),
        ("EHLO again", "250 x", "The open transaction is dropped, as RSET would do. MAIL may come next."),
        ("EHLO again", "550 x", "Nothing changed. The transaction is open. In the envelope: bob@receiver.example."),
        ("second MAIL", "503 x", "Nothing changed. The transaction is open. In the envelope: bob@receiver.example."),
        ("RSET early", "250 x", "There was nothing to drop."),
        ("RSET", "501 x", "Nothing changed. The transaction is open. In the envelope: bob@receiver.example."),
        ("RCPT too early", "503 x", "Nothing changed."),
        ("STARTTLS refused", "454 x", "Nothing changed. No transaction is open."),
        ("STARTTLS", "220 x",
         "Name, extensions and envelope are forgotten. After the handshake EHLO is due."),
        ("AUTH", "535 x", "The session is as it was before AUTH. No transaction is open."),
        ("VRFY", "252 x", "Nothing changed. No transaction is open."),
        ("out of order", "503 x", "No text may be sent. The transaction is open, without a recipient."),
    ],
)  # fmt: skip
def test_the_effect_on_the_transaction(stage: str, line: str, effect: str) -> None:
    assert explained(stage, line).effect == effect


def test_common_advice_and_the_standard_are_both_told() -> None:
    assert "Greylisting" in explained("RCPT", "450 x").next_step
    assert "further transaction" in explained("RCPT", "452 x").next_step
    assert "at once in a new transaction" in explained("RCPT", "452 4.5.3 x").next_step
    assert explained("RCPT", "450 4.2.2 x").next_step.startswith("Keep the message and try again")
    assert "Your own logs will not show" in explained("text", "451 x").next_step
    assert "not yet the inbox" in explained("text", "250 x").happened
    assert "252" in explained("VRFY", "502 x").next_step
    for stage in ("greeting", "DATA", "text"):  # three different things, says FACTS of 554
        assert "554" not in explained(stage, "554 x").effect
    assert len({explained(stage, "554 x").happened for stage in ("greeting", "DATA", "text")}) == 3


def test_the_tables_fit_each_other() -> None:
    assert set(CODES) == set(KNOWN_CODES)
    for code, stage in CASES:
        assert code in CODES
        assert stage in STAGE_TABLE
    for stage in STAGE_TABLE:
        assert stage in STAGES
    for key in TABLE:
        assert re.fullmatch(r"[0-7]\.\d+", key)


def test_many_recipients_are_counted_not_listed() -> None:
    from labkit.explainers.line import explain_line
    from labkit.smtp import Transcript, observe

    from .sessions import SENDER

    text = SENDER + "".join(f"C: RCPT TO:<u{n}@receiver.example>\nS: 250 ok\n" for n in range(500))
    notes = observe(Transcript.from_text(text))
    effect = explain_line(notes, notes[-1].seq).effect
    assert effect == "In the envelope now: 500 recipients, the last of them u499@receiver.example."


@pytest.mark.parametrize(
    ("stage", "line", "words"),
    [
        ("EXPN", "502 5.5.1 x", "knows EXPN and does not do it"),
        ("VRFY", "502 5.5.1 x", "VRFY is switched off"),
        ("VRFY", "550 5.7.1 x", "does not exist, or the server does not tell"),
        ("MAIL", "530 5.7.1 x", "only after AUTH, or after STARTTLS"),
        ("RCPT", "530 5.7.0 x", "only after AUTH, or after STARTTLS"),
        ("AUTH", "530 5.7.0 x", "wants TLS first"),
        ("AUTH", "535 5.7.3 x", "User name or password is wrong"),
        ("response", "535 5.7.0 x", "User name or password is wrong"),
        ("AUTH", "535 5.7.13 x", "account is disabled"),
        ("AUTH", "504 5.5.4 x", "does not have this mechanism"),
        ("AUTH", "500 5.5.6 x", "too long"),
        ("STARTTLS", "454 4.7.0 x", "still in clear"),
        ("text", "500 5.5.2 x", "longer than the server takes"),
        ("text", "552 5.3.4 x", "larger than this system takes"),
        ("text", "550 5.7.1 x", "A policy of the receiver forbids"),
        ("RCPT", "550 5.7.1 x", "no relaying"),
        ("RCPT", "451 4.7.1 x", "Greylisting"),
        ("greeting", "554 5.7.1 x", "no mail service on this connection"),
        ("EHLO", "550 5.7.1 x", "against this client"),
        ("DATA", "554 5.7.1 x", "A policy of the receiver forbids"),
        ("RCPT", "550 5.0.0 x", "three causes"),
        ("RCPT", "555 5.5.4 x", "does not know one of the parameters"),
    ],
)
def test_the_closer_of_code_and_enhanced_code_speaks(stage: str, line: str, words: str) -> None:
    assert words in explained(stage, line).happened


@pytest.mark.parametrize(("code", "stage"), CASES)
def test_a_case_stands_against_an_enhanced_code_that_says_nothing(code: int, stage: str) -> None:
    if stage == "EHLO" and code == 250:
        return
    bare = explained(stage, f"{code} x")
    for detail in ("0.0", "5.0", "5.1", "5.2", "5.4") if code // 100 != 3 else ():
        one = explained(stage, f"{code} {code // 100}.{detail} x")
        assert (one.happened, one.who_acts, one.next_step) == (bare.happened, bare.who_acts, bare.next_step)


def test_after_a_4_the_client_acts() -> None:
    for line in ("450 4.2.1 x", "452 4.2.2 x", "452 4.3.1 x", "451 4.7.1 x", "452 4.5.3 x", "450 4.1.1 x"):
        for stage in ("MAIL", "RCPT", "DATA", "text", "BDAT LAST"):
            assert explained(stage, line).who_acts == "the client", (stage, line)
    for (code, stage), case in CASES.items():
        if 400 <= code < 500 and code != 459:  # 459 is no deferral: the standard only gave it that digit
            assert case.who == "the client", (code, stage)


def test_a_cancelled_exchange_is_not_called_bad_base64() -> None:
    one = explain_all(HELLO + "C: AUTH PLAIN\nS: 334\nC: *\nS: 501 5.7.0 x\n")[-1]
    assert one.happened == "The client cancelled with *, and 501 is the answer to that."
    assert "base64" in explained("response", "501 x").happened


def test_the_end_of_a_message_that_is_none() -> None:
    """The transaction is over only where the table says so."""
    refused = explain_all(STAGES["BDAT LAST"].replace("CHUNKING", "SIZE") + "S: 502 x\n")[-1]
    assert refused.effect.startswith("Nothing was delivered. The transaction is open.")
    again = explained("text", "354 x")
    assert again.effect == "Nothing was delivered. The server is reading message text."
    assert explained("BDAT LAST", "550 x").effect.endswith("The transaction is over.")
