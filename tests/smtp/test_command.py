"""Commands: what is right parses, what is wrong is named exactly, and nothing raises."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.smtp import COMMANDS, Command, Malformed, parse_command
from labkit.smtp.path import Path

from .strategies import client_lines


def command(line: str) -> Command:
    found = parse_command(line.encode() + b"\r\n")
    assert isinstance(found, Command), found
    return found


@pytest.mark.parametrize("info", COMMANDS.values(), ids=COMMANDS)
def test_the_examples_of_the_table_parse(info: object) -> None:
    example = COMMANDS[getattr(info, "verb")].example  # noqa: B009
    found = command(example)
    assert found.known
    assert found.verb == example.split(" ")[0]
    assert found == Command(
        found.verb, found.argument, example.encode() + b"\r\n", True, found.path, found.parameters
    )


def test_the_table_is_whole() -> None:
    required = {"EHLO", "HELO", "MAIL", "RCPT", "DATA", "RSET", "NOOP", "QUIT", "VRFY"}
    assert {verb for verb, info in COMMANDS.items() if info.required} == required  # RFC 5321 section 4.5.1
    assert {verb for verb, info in COMMANDS.items() if info.obsolete} == {"SEND", "SOML", "SAML", "TURN"}
    assert {"EXPN", "HELP", "STARTTLS", "AUTH", "BDAT", "ETRN"} < set(COMMANDS)
    for verb, info in COMMANDS.items():
        assert info.verb == verb
        assert info.syntax.startswith(verb)
        assert info.rfc.startswith("RFC ")
        assert info.purpose


@pytest.mark.parametrize(
    ("line", "verb", "argument"),
    [
        ("ehlo a.example", "EHLO", "a.example"),
        ("EhLo [192.0.2.1]", "EHLO", "[192.0.2.1]"),
        ("EHLO [IPv6:2001:db8::1]", "EHLO", "[IPv6:2001:db8::1]"),
        ("EHLO localhost", "EHLO", "localhost"),
        ("EHLO 192.0.2.10", "EHLO", "192.0.2.10"),
        ("QUIT   ", "QUIT", ""),
        ("noop anything at all", "NOOP", "anything at all"),
        ("NOOP  two spaces", "NOOP", " two spaces"),
        ("VRFY bob", "VRFY", "bob"),
        ("VRFY \u00e4@b.example smtputf8", "VRFY", "\u00e4@b.example smtputf8"),
        ("AUTH PLAIN AGEAYg==", "AUTH", "PLAIN AGEAYg=="),
        ("AUTH PLAIN =", "AUTH", "PLAIN ="),
        ("AUTH login", "AUTH", "login"),
        ("BDAT 86 last", "BDAT", "86 last"),
        ("BDAT 0", "BDAT", "0"),
    ],
)
def test_verbs_and_arguments(line: str, verb: str, argument: str) -> None:
    found = command(line)
    assert (found.verb, found.argument, found.known) == (verb, argument, True)


def test_an_unknown_verb_is_a_command_that_is_not_known() -> None:
    found = command("x-fancy Some Thing")
    assert (found.verb, found.argument, found.known) == ("X-FANCY", "Some Thing", False)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("<alice@sender.example>", Path("alice", "sender.example")),
        ("<>", Path("", "")),
        ("<a.b+c!#$%&'*-/=?^_`{|}~@d>", Path("a.b+c!#$%&'*-/=?^_`{|}~", "d")),
        ('<"two words"@c.example>', Path('"two words"', "c.example")),
        ('<"a\\"b@<>"@c.example>', Path('"a\\"b@<>"', "c.example")),
        ('<""@c.example>', Path('""', "c.example")),
        ("<u@[192.0.2.1]>", Path("u", "[192.0.2.1]")),
        ("<u@[IPv6:::1]>", Path("u", "[IPv6:::1]")),
        ("<u@[tag:any.thing]>", Path("u", "[tag:any.thing]")),
        ("<@a.example,@b.example:u@d.example>", Path("u", "d.example", "@a.example,@b.example")),
        ("<@[192.0.2.1]:u@d>", Path("u", "d", "@[192.0.2.1]")),
        ("<x@123.456>", Path("x", "123.456")),
        ("<x@a-b.c1>", Path("x", "a-b.c1")),
    ],
)
def test_paths(text: str, path: Path) -> None:
    assert command(f"MAIL FROM:{text}").path == path


def test_postmaster_needs_no_domain_and_heeds_no_case() -> None:
    path = command("RCPT TO:<PostMaster>").path
    assert path == Path("PostMaster", "")
    assert not path.null
    assert str(path) == "PostMaster"


def test_parameters() -> None:
    found = command("MAIL FROM:<> size=100 BODY=8bitmime SMTPUTF8 RET=HDRS ENVID=a+20b AUTH=<> X-NEW=y")
    assert found.parameters == (
        ("SIZE", "100"), ("BODY", "8bitmime"), ("SMTPUTF8", None), ("RET", "HDRS"), ("ENVID", "a+20b"),
        ("AUTH", "<>"), ("X-NEW", "y"),
    )  # fmt: skip
    assert (found.parameter("SIZE"), found.parameter("SMTPUTF8"), found.parameter("DSN")) == ("100", "", None)
    found = command("RCPT TO:<b@c.example> NOTIFY=SUCCESS,failure ORCPT=rfc822;b@c.example")
    assert found.parameter("ORCPT") == "rfc822;b@c.example"


def test_utf8_needs_smtputf8_on_mail() -> None:
    assert command("MAIL FROM:<\u00e4@b\u00fc.example> SMTPUTF8").path == Path("\u00e4", "b\u00fc.example")
    assert command("RCPT TO:<\u00e4@b.example>").path == Path("\u00e4", "b.example")


SLIPS = [
    ("MAIL FROM: <a@b.c>", "a space stands after the colon", "3.3", "MAIL", "a@b.c"),
    ("MAIL FROM :<a@b.c>", "a space stands before the colon", "3.3", "MAIL", "a@b.c"),
    ("MAIL FROM <a@b.c>", "the colon after FROM is missing", "4.1.1", "MAIL", "a@b.c"),
    ("MAIL FROM<a@b.c>", "the colon after FROM is missing", "4.1.1", "MAIL", "a@b.c"),
    ("MAIL <a@b.c>", "FROM: is missing before the address", "4.1.1", "MAIL", "a@b.c"),
    ("MAIL a@b.c", "FROM: is missing before the address", "4.1.1", "MAIL", "a@b.c"),
    ("MAIL TO:<a@b.c>", "MAIL takes FROM:, not TO:", "4.1.1", "MAIL", "a@b.c"),
    ("RCPT FROM:<a@b.c>", "RCPT takes TO:, not FROM:", "4.1.1", "RCPT", "a@b.c"),
    ("MAIL", "FROM:<address> is missing after MAIL", "4.1.1", "MAIL", None),
    ("MAIL FROM:", "the address after FROM: is missing", "4.1.2", "MAIL", None),
    ("MAILFROM:<a@b.c>", "a space is missing after MAIL", "4.1.1", "MAIL", "a@b.c"),
    ("RCPTTO:<a@b.c>", "a space is missing after RCPT", "4.1.1", "RCPT", "a@b.c"),
    ("MAIL  FROM:<a@b.c>", "more than one space stands after MAIL", "4.1.1", "MAIL", "a@b.c"),
    ("MAIL FROM:a@b.c", "the address stands without its angle brackets < >", "4.1.2", "MAIL", "a@b.c"),
    ("MAIL FROM:a@b.c SIZE=1", "the address stands without its angle brackets < >", "4.1.2", "MAIL", "a@b.c"),
    ("MAIL FROM:<a@b.c", "the closing bracket > is missing", "4.1.2", "MAIL", "a@b.c"),
    ("MAIL FROM:<a@b.c SIZE=1", "the closing bracket > is missing", "4.1.2", "MAIL", "a@b.c"),
    ("MAIL FROM:< a@b.c>", "a space stands after <", "4.1.2", "MAIL", "a@b.c"),
    ("MAIL FROM:<a@b.c >", "a space stands behind the domain", "4.1.2", "MAIL", "a@b.c"),
    ("MAIL FROM:<a b@c.d>", "a space stands behind the local-part", "4.1.2", "MAIL", "a b@c.d"),
    ("MAIL FROM:<alice>", "the address has no @ and no domain", "4.1.2", "MAIL", "alice"),
    ("MAIL FROM:<@b.c>", "the local-part before @ is missing", "4.1.2", "MAIL", "@b.c"),
    ("MAIL FROM:<a@>", "the domain after @ is missing", "4.1.2", "MAIL", "a"),
    ("RCPT TO:b@", "the address stands without its angle brackets < >", "4.1.2", "RCPT", "b"),
    ("MAIL FROM:<a@b@c>", "the address has two @", "4.1.2", "MAIL", "a@b@c"),
    ("MAIL FROM:<a..b@c>", "a dot may not stand first, last, or beside another dot in the local-part",
     "4.1.2", "MAIL", "a..b@c"),
    ("MAIL FROM:<.a@c>", "a dot may not stand first, last, or beside another dot in the local-part",
     "4.1.2", "MAIL", ".a@c"),
    ("MAIL FROM:<a.@c>", "a dot may not stand first, last, or beside another dot in the local-part",
     "4.1.2", "MAIL", "a.@c"),
    ("MAIL FROM:<a@b..c>", "a dot may not stand first, last, or beside another dot in the domain",
     "4.1.2", "MAIL", "a@b..c"),
    ("MAIL FROM:<a@b.>", "a dot may not stand first, last, or beside another dot in the domain",
     "4.1.2", "MAIL", "a@b."),
    ("MAIL FROM:<a@b_c.d>", "a domain may not hold an underscore", "4.1.2", "MAIL", "a@b_c.d"),
    ("MAIL FROM:<a@-b.c>", "the label '-b' begins or ends with a hyphen", "4.1.2", "MAIL", "a@-b.c"),
    ("MAIL FROM:<a@b-.c>", "the label 'b-' begins or ends with a hyphen", "4.1.2", "MAIL", "a@b-.c"),
    ("MAIL FROM:<a,b@c>", "the local-part may not hold the character ','", "4.1.2", "MAIL", "a,b@c"),
    ("MAIL FROM:<a@b(c)>", "the domain may not hold the character '('", "4.1.2", "MAIL", "a@b(c)"),
    ('MAIL FROM:<"a@b.c>', "the quoted local-part has no closing quote, or holds what may not be quoted",
     "4.1.2", "MAIL", '"a@b.c'),
    ("MAIL FROM:<<a@b.c>>", "a second < stands inside the address", "4.1.2", "MAIL", "<a@b.c"),
    ("MAIL FROM:<a@[300.1.1.1]>", "this is no address literal", "4.1.3", "MAIL", "a@[300.1.1.1]"),
    ("MAIL FROM:<a@[192.0.2.1>", "the address literal has no closing ]", "4.1.3", "MAIL", "a@[192.0.2.1"),
    ("MAIL FROM:<a@[IPv6:1::2::3]>", "this is no IPv6 address", "4.1.3", "MAIL", "a@[IPv6:1::2::3]"),
    ("MAIL FROM:<a@[IPv6:fe80::1%eth0]>", "an IPv6 address in mail has no zone", "4.1.3", "MAIL",
     "a@[IPv6:fe80::1%eth0]"),
    ("RCPT TO:<@a.example,@b.example>", "the local-part before @ is missing", "4.1.2", "RCPT",
     "@a.example,@b.example"),
    ("MAIL FROM:<a@[::1]>", "an IPv6 address needs IPv6: in front of it", "4.1.3", "MAIL", "a@[::1]"),
    ("MAIL FROM:<a@b.c>SIZE=1", "'S' stands directly behind the closing bracket", "4.1.2", "MAIL", "a@b.c"),
    ("MAIL FROM:<a@b.c>  SIZE=1", "more than one space stands before a parameter", "4.1.2", "MAIL", "a@b.c"),
    ("MAIL FROM:<a@b.c> SIZE=big", "SIZE takes a number of at most 20 digits", "", "MAIL", "a@b.c"),
    ("MAIL FROM:<a@b.c> SIZE", "SIZE takes a number of at most 20 digits", "", "MAIL", "a@b.c"),
    ("MAIL FROM:<a@b.c> BODY=9BIT", "BODY takes 7BIT, 8BITMIME or BINARYMIME", "", "MAIL", "a@b.c"),
    ("MAIL FROM:<a@b.c> SMTPUTF8=1", "SMTPUTF8 takes no value", "", "MAIL", "a@b.c"),
    ("MAIL FROM:<a@b.c> RET=ALL", "RET takes FULL (the message) or HDRS (its header)", "", "MAIL", "a@b.c"),
    ("MAIL FROM:<a@b.c> ENVID=a+2", "ENVID takes printable characters, others as + and two hex digits",
     "", "MAIL", "a@b.c"),
    ("RCPT TO:<a@b.c> NOTIFY=NEVER,DELAY", "NOTIFY takes NEVER alone, or a list of SUCCESS, FAILURE, DELAY",
     "", "RCPT", "a@b.c"),
    ("RCPT TO:<a@b.c> ORCPT=a@b.c",
     "ORCPT takes a type, a semicolon and an address, as in rfc822;bob@b.example", "", "RCPT", "a@b.c"),
    ("MAIL FROM:<a@b.c> =1", "'' is no parameter", "4.1.2", "MAIL", "a@b.c"),
    ("MAIL FROM:<a@b.c> X=", "the value of X is empty, or holds what a value may not hold",
     "4.1.2", "MAIL", "a@b.c"),
    ("RCPT TO:<>", "RCPT TO:<> names nobody", "4.1.1.3", "RCPT", ""),
    ("RCPT TO:<@a.example>", "the local-part before @ is missing", "4.1.2", "RCPT", "@a.example"),
    ("RCPT TO:<@a,b:u@d>", "a source route is written <@a.example,@b.example:user@c.example>",
     "", "RCPT", "@a,b:u@d"),
    ("MAIL FROM:<\u00e4@b.c>", "the address is not ASCII, and SMTPUTF8 does not follow it",
     "", "MAIL", "\u00e4@b.c"),
    ("EHLO", "the client's own name is missing after EHLO", "4.1.1.1", "EHLO", None),
    ("EHLO two words", "EHLO takes one name, and here are several words", "4.1.1.1", "EHLO", None),
    ("EHLO my_host.example", "a domain may not hold an underscore", "4.1.2", "EHLO", None),
    ("EHLO [not.an.address]", "this is no address literal", "4.1.3", "EHLO", None),
    ("DATA now", "DATA stands alone; nothing follows it", "4.1.1", "DATA", None),
    ("QUIT please", "QUIT stands alone; nothing follows it", "4.1.1", "QUIT", None),
    ("STARTTLS now", "STARTTLS stands alone; nothing follows it", "4.1.1", "STARTTLS", None),
    ("VRFY", "VRFY needs a user name or an address", "4.1.1.6", "VRFY", None),
    ("VRFY \u00e4", "the argument is not ASCII, and SMTPUTF8 does not follow it", "3.7.4.2", "VRFY", None),
    ("EXPN \u00e4SMTPUTF8", "the argument is not ASCII, and SMTPUTF8 does not follow it", "3.7.4.2", "EXPN",
     None),
    ("MAIL FROM:<Postmaster>", "the address has no @ and no domain", "4.1.1.3", "MAIL", "Postmaster"),
    ("SEND FROM:<Postmaster>", "the address has no @ and no domain", "4.1.1.3", "SEND", "Postmaster"),
    ("EXPN ", "EXPN needs a list's name", "4.1.1.7", "EXPN", None),
    ("AUTH", "the mechanism is missing after AUTH", "", "AUTH", None),
    ("AUTH a/b", "a mechanism's name has at most 20 letters, digits, hyphens and underscores",
     "", "AUTH", None),
    ("AUTH PLAIN not-base64", "the first response is not base64", "", "AUTH", None),
    ("BDAT", "BDAT is written BDAT 123 or BDAT 123 LAST", "", "BDAT", None),
    ("BDAT -1", "BDAT is written BDAT 123 or BDAT 123 LAST", "", "BDAT", None),
    ("", "the line is empty", "4.1.1", "", None),
    ("   ", "the line is empty", "4.1.1", "", None),
    (" NOOP", "a space stands before the command", "4.1.1", "", None),
    ("250 OK", "the line does not begin with a command's name", "4.1.1", "", None),
    ("NOOP:", "after NOOP comes ':' where a space belongs", "4.1.1", "NOOP", None),
    ("VRFY\tbob", "the line holds a tab; only spaces separate words", "2.4", "VRFY", None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "reason", "section", "verb", "path"), SLIPS, ids=[slip[0] for slip in SLIPS]
)
def test_slips_are_named(line: str, reason: str, section: str, verb: str, path: str | None) -> None:
    octets = line.encode() + b"\r\n"
    found = parse_command(octets)
    assert isinstance(found, Malformed), found
    assert (found.reason, found.verb) == (reason, verb)
    assert (None if found.path is None else str(found.path)) == path
    assert found.octets == octets
    assert not found.tolerable
    assert found.rule.ref.endswith(f"section {section}") if section else found.rule.ref.startswith("RFC ")


@pytest.mark.parametrize(
    ("octets", "reason", "verb"),
    [
        (b"NOOP\n", "the line ends in LF alone; CR is missing", "NOOP"),
        (b"MAIL FROM:<a@b.c>\n", "the line ends in LF alone; CR is missing", "MAIL"),
        (b"NO\rOP\r\n", "a CR stands in the line without LF after it", "NO"),
        (b"NOOP\r\r\n", "a CR stands in the line without LF after it", "NOOP"),
        (b"NOOP\nQUIT\r\n", "there is more than one line", "NOOP"),
        (b"NOOP \0\r\n", "the line holds a NUL octet", "NOOP"),
        (b"NOOP \x1b[0m\r\n", "the line holds the control octet 27", "NOOP"),
        (b"NOOP \xff\r\n", "the line holds octets above 127 that are not UTF-8", "NOOP"),
        (b"NOOP \xc3\xa4\r\n", "the line holds an octet above 127", "NOOP"),
        (b"RCPT TO:<\xff@b.c>\r\n", "the line holds octets above 127 that are not UTF-8", "RCPT"),
    ],
)
def test_wrong_octets_are_named(octets: bytes, reason: str, verb: str) -> None:
    found = parse_command(octets)
    assert isinstance(found, Malformed)
    assert (found.reason, found.verb, found.octets) == (reason, verb, octets)


@pytest.mark.parametrize(
    ("fits", "too_long", "reason"),
    [
        (f"MAIL FROM:<{'a' * 64}@b.c>",
         f"MAIL FROM:<{'a' * 65}@b.c>", "the local-part is longer than 64 octets"),
        (f"MAIL FROM:<a@{'b.' * 124}cccc>",
         f"MAIL FROM:<a@{'b.' * 127}cc>", "the domain is longer than 255 octets"),
        (f"MAIL FROM:<aaa@{'b.' * 124}cc>",
         f"MAIL FROM:<aaa@{'b.' * 124}ccc>", "the path is longer than 256 octets"),
        # A domain of 255 octets is long enough to make the path too long, and is not too long itself.
        (f"MAIL FROM:<a@{'b.' * 125}cc>", f"MAIL FROM:<a@{'b.' * 127}c>", "the path is longer than 256 octets"),
        (f"EHLO {'b.' * 127}c", f"EHLO {'b.' * 127}cc", "the domain is longer than 255 octets"),
        (f"NOOP {'x' * 505}", f"NOOP {'x' * 506}", "the line has 513 octets; 512 is the limit"),
        (f"MAIL FROM:<a@b.c> SIZE=1 X={'x' * 509}", f"MAIL FROM:<a@b.c> SIZE=1 X={'x' * 510}",
         "the line has 539 octets; 538 is the limit"),
        (f"AUTH PLAIN {'AAAA' * 3068}", f"AUTH PLAIN {'AAAA' * 3069}",
         "the line has 12289 octets; 12288 is the limit"),
    ],
)  # fmt: skip
def test_sizes_are_named_and_may_be_tolerated(fits: str, too_long: str, reason: str) -> None:
    assert isinstance(parse_command(fits.encode() + b"\r\n"), Command)
    found = parse_command(too_long.encode() + b"\r\n")
    assert isinstance(found, Malformed)
    assert found.tolerable
    assert found.reason == reason
    assert found.rule.ref.startswith("RFC 5321 section 4.5.3.1.")


def test_the_line_end_may_be_missing() -> None:
    assert parse_command(b"QUIT") == Command("QUIT", "", b"QUIT", True)


@given(st.binary(max_size=200) | client_lines())
def test_any_octets_are_a_command_or_refused_with_a_reason(line: bytes) -> None:
    found = parse_command(line)
    assert found.octets == line
    if isinstance(found, Malformed):
        assert found.reason
        assert found.rule.ref.startswith(("RFC ", "no RFC"))
        assert found.rule.text
    else:
        assert found.verb
        assert found.known is (found.verb in COMMANDS)
        assert found.verb == found.verb.upper()
        assert found.path is None or found.verb in ("MAIL", "RCPT", "SEND", "SOML", "SAML")


@given(st.sampled_from(["MAIL FROM:", "RCPT TO:"]), st.text(max_size=40))
def test_a_path_that_parses_is_written_as_it_was_read(start: str, rest: str) -> None:
    found = parse_command(f"{start}<{rest}>\r\n".encode("utf-8", "surrogatepass"))
    if isinstance(found, Command) and found.path is not None and not found.parameters:
        route = f"{found.path.route}:" if found.path.route else ""
        assert f"{route}{found.path}" == rest


ATTACKS = {
    "brackets": (b"MAIL FROM:<", b"<", b">\r\n"),
    "dots": (b"MAIL FROM:<a", b".a", b"@b.c>\r\n"),
    "quotes": (b'MAIL FROM:<"', b"\\\\", b"\r\n"),
    "labels": (b"RCPT TO:<a@b", b".b-b", b"\r\n"),
    "routes": (b"RCPT TO:<@a", b",@a", b"\r\n"),
    "parameters": (b"MAIL FROM:<a@b.c>", b" X=y", b"\r\n"),
    "spaces": (b"MAIL FROM", b" ", b":<a@b.c>\r\n"),
    "base64": (b"AUTH PLAIN ", b"AAAA", b"A\r\n"),
    "words": (b"", b"A", b"\r\n"),
    "notify": (b"RCPT TO:<a@b.c> NOTIFY=", b"DELAY,", b"x\r\n"),
    "envid": (b"MAIL FROM:<a@b.c> ENVID=", b"+20", b"+2\r\n"),
    "literal": (b"MAIL FROM:<a@[IPv6:", b":1", b"]>\r\n"),
    "octets": (b"", b"\xc3", b"\r\n"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_long_lines_cost_no_more_than_linear(attack: str) -> None:
    head, body, tail = ATTACKS[attack]

    def cost(times: int) -> float:
        line = head + body * times + tail
        best = 1e9
        for _ in range(5):
            started = time.process_time()
            parse_command(line)
            best = min(best, time.process_time() - started)
        return best

    cost(100)
    small, large = cost(10_000), cost(80_000)
    assert large < 8 * 5 * small + 0.005, (small, large)  # quadratic would be 64 times
