"""Reading one client line as a command (RFC 5321 section 4.1, and the extensions' own commands).

`parse_command` never raises: a line is a `Command`, or a `Malformed` that names the slip and the rule.
The time it takes grows with the line's length and not faster.
"""

from __future__ import annotations

import re

from labkit.frozen import dataclass
from labkit.smtp.commands import COMMANDS, CommandInfo
from labkit.smtp.malformed import Malformed
from labkit.smtp.parameters import check_parameter, extra_length
from labkit.smtp.path import GRAMMAR, Path, Slip, check_domain, check_sizes, guess_path, read_path
from labkit.smtp.rule import Rule

__all__ = ["COMMANDS", "Command", "CommandInfo", "Malformed", "Path", "parse_command"]

_LINE_END = Rule("RFC 5321 section 2.3.8", "A line ends in CR LF. CR and LF appear nowhere else.")
_CHARACTERS = Rule(
    "RFC 5321 section 2.4", "Commands are printable ASCII, unless an extension says otherwise."
)
_LENGTH = Rule(
    "RFC 5321 section 4.5.3.1.4", "A command line has at most 512 octets, CR LF included, unless extended."
)
_VERB = Rule(
    "RFC 5321 section 4.1.1", "A command line begins with the command's name; then a space, then the rest."
)
_ARGUMENT = Rule("RFC 5321 section 4.1.1", "Each command has its own syntax for what follows its name.")
_COLON = Rule(
    "RFC 5321 section 3.3", "No space stands on either side of the colon in MAIL FROM: and RCPT TO:."
)
_PARAMETER = Rule(
    "RFC 5321 section 4.1.2", "Parameters follow the path, each after one space, as KEYWORD=value."
)
_NULL = Rule("RFC 5321 section 4.1.1.3", "RCPT names a mailbox. The null path <> is for MAIL alone.")
_UTF8 = Rule("RFC 6531 section 3.3", "An address beyond ASCII is UTF-8, and MAIL then says SMTPUTF8.")
_ASK_UTF8 = Rule(
    "RFC 6531 section 3.7.4.2", "VRFY and EXPN with an argument beyond ASCII end in the word SMTPUTF8."
)
_POSTMASTER = Rule(
    "RFC 5321 section 4.1.1.3", "RCPT alone may name Postmaster without a domain. Anywhere else it needs one."
)
_AUTH = Rule("RFC 4954 section 4", "AUTH is followed by a mechanism, and perhaps a first response in base64.")
_BDAT = Rule("RFC 3030 section 2", "BDAT is followed by the number of octets, and by LAST on the last chunk.")

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_MECHANISM = re.compile(r"[A-Za-z0-9_-]{1,20}")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_CHUNK = re.compile(r"[0-9]{1,20}(?: +LAST)?", re.IGNORECASE)
_PATH_WORDS = {"MAIL": "FROM", "RCPT": "TO", "SEND": "FROM", "SOML": "FROM", "SAML": "FROM"}
_NO_ARGUMENT = frozenset({"DATA", "RSET", "QUIT", "STARTTLS", "TURN"})
_NEEDS_ARGUMENT = {"VRFY": "a user name or an address", "EXPN": "a list's name", "ETRN": "a domain"}


@dataclass(frozen=True, slots=True)
class Command:
    """One well-formed command line.

    ``verb`` is in capitals. ``argument`` is the text after the verb, without the line end and trailing
    spaces. ``octets`` is the whole line. ``known`` is false for a verb that is not in `COMMANDS`. ``path`` is
    set for MAIL and RCPT (and the obsolete SEND, SOML, SAML). ``parameters`` are keyword and value, the
    keyword in capitals, the value None if there is none.
    """

    verb: str
    argument: str
    octets: bytes
    known: bool
    path: Path | None = None
    parameters: tuple[tuple[str, str | None], ...] = ()

    def parameter(self, keyword: str, default: str | None = None) -> str | None:
        """The value of a parameter; ``""`` if it stands without a value, ``default`` if it is not there."""
        for name, value in self.parameters:
            if name == keyword:
                return value or ""
        return default


def parse_command(line: bytes) -> Command | Malformed:
    """Read a client line. The line end may be missing. Never raises."""
    text, slip = _decode(line)
    word = _WORD.match(text)
    verb = word[0].upper() if word else ""
    argument = text[len(verb) :]
    path: Path | None = None
    parameters: tuple[tuple[str, str | None], ...] = ()
    try:
        if word is None:
            raise slip or _no_verb(text)
        if slip:
            raise slip
        if verb in ("MAILFROM", "RCPTTO"):
            verb = verb[:4]
            raise Slip(f"a space is missing after {verb}", _VERB)
        if argument and argument[0] != " ":
            raise Slip(f"after {verb[:20]} comes {argument[0]!r} where a space belongs", _VERB)
        argument = argument.rstrip(" ")
        if verb in _PATH_WORDS:
            path, parameters = _path_and_parameters(verb, argument)
        elif verb in COMMANDS:
            _check_argument(verb, argument[1:])
        if not text.isascii() and verb not in ("MAIL", "RCPT"):
            if verb not in ("VRFY", "EXPN"):
                raise Slip("the line holds an octet above 127", _CHARACTERS)
            if not argument.upper().endswith(" SMTPUTF8"):
                raise Slip("the argument is not ASCII, and SMTPUTF8 does not follow it", _ASK_UTF8)
        limit = 12288 if verb == "AUTH" else 512 + extra_length(verb, parameters)
        if len(line) > limit:
            raise Slip(f"the line has {len(line)} octets; {limit} is the limit", _LENGTH, tolerable=True)
    except Slip as found:
        if verb in _PATH_WORDS and path is None:
            path = guess_path(_after_keyword(argument))
        return Malformed(line, found.reason, found.rule, verb, path, found.tolerable)
    return Command(verb, argument[1:], line, verb in COMMANDS, path, parameters)


def _decode(line: bytes) -> tuple[str, Slip | None]:
    """The line's text without line end, and the first thing wrong with its octets as such."""
    slip: Slip | None = None
    if line.endswith(b"\r\n"):
        body = line[:-2]
    elif line.endswith(b"\n"):
        body = line[:-1]
        slip = Slip("the line ends in LF alone; CR is missing", _LINE_END)
    else:
        body = line
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        text = body.decode("latin-1")
        slip = slip or Slip("the line holds octets above 127 that are not UTF-8", _CHARACTERS)
    control = _CONTROL.search(text)
    if control:
        slip = slip or _control_slip(control[0])
    return text, slip


def _control_slip(mark: str) -> Slip:
    if mark == "\r":
        return Slip("a CR stands in the line without LF after it", _LINE_END)
    if mark == "\n":
        return Slip("there is more than one line", _LINE_END)
    if mark == "\0":
        return Slip("the line holds a NUL octet", _CHARACTERS)
    if mark == "\t":
        return Slip("the line holds a tab; only spaces separate words", _CHARACTERS)
    return Slip(f"the line holds the control octet {ord(mark)}", _CHARACTERS)


def _no_verb(text: str) -> Slip:
    if not text.strip(" "):
        return Slip("the line is empty", _VERB)
    if text[0] == " ":
        return Slip("a space stands before the command", _VERB)
    return Slip("the line does not begin with a command's name", _VERB)


def _after_keyword(argument: str) -> str:
    """What follows FROM: or TO: in a line that need not have either."""
    rest = argument.lstrip(" ")
    word = _WORD.match(rest)
    if word and word[0].upper() in ("FROM", "TO"):
        rest = rest[word.end() :]
    return rest.lstrip(" :")


def _path_and_parameters(verb: str, argument: str) -> tuple[Path, tuple[tuple[str, str | None], ...]]:
    word = _PATH_WORDS[verb]
    at = _read_keyword(verb, word, argument)
    if argument[at : at + 1] == " ":
        raise Slip("a space stands after the colon", _COLON)
    start = at
    if at == len(argument):
        raise Slip(f"the address after {word}: is missing", GRAMMAR)
    path, at = read_path(argument, at)
    if verb == "RCPT" and path.null:
        raise Slip("RCPT TO:<> names nobody", _NULL)
    if verb != "RCPT" and not path.null and not path.domain:
        raise Slip("the address has no @ and no domain", _POSTMASTER)
    written = argument[start:at]
    parameters = _read_parameters(verb, argument, at)
    if verb == "MAIL" and not path.ascii and not any(name == "SMTPUTF8" for name, _ in parameters):
        raise Slip("the address is not ASCII, and SMTPUTF8 does not follow it", _UTF8)
    check_sizes(path, written)
    return path, parameters


def _read_keyword(verb: str, word: str, argument: str) -> int:
    """Where the path begins, after `` FROM:`` or `` TO:``."""
    if not argument:
        raise Slip(f"{word}:<address> is missing after {verb}", _ARGUMENT)
    if argument.startswith("  "):
        raise Slip(f"more than one space stands after {verb}", _VERB)
    found = _WORD.match(argument, 1)
    if found is None or (found[0].upper() not in ("FROM", "TO")):
        raise Slip(f"{word}: is missing before the address", _ARGUMENT)
    if found[0].upper() != word:
        raise Slip(f"{verb} takes {word}:, not {found[0].upper()}:", _ARGUMENT)
    at = found.end()
    if argument[at : at + 1] == " " and argument[at:].lstrip(" ").startswith(":"):
        raise Slip("a space stands before the colon", _COLON)
    if argument[at : at + 1] != ":":
        raise Slip(f"the colon after {word} is missing", _ARGUMENT)
    return at + 1


def _read_parameters(verb: str, argument: str, at: int) -> tuple[tuple[str, str | None], ...]:
    if at == len(argument):
        return ()
    if argument[at] != " ":
        raise Slip(f"{argument[at]!r} stands directly behind the closing bracket", _PARAMETER)
    parameters = []
    for item in argument[at + 1 :].split(" "):
        if not item:
            raise Slip("more than one space stands before a parameter", _PARAMETER)
        name, equals, value = item.partition("=")
        check_parameter(verb, name, value if equals else None)
        parameters.append((name.upper(), value if equals else None))
    return tuple(parameters)


def _check_argument(verb: str, rest: str) -> None:
    if verb in _NO_ARGUMENT:
        if rest:
            raise Slip(f"{verb} stands alone; nothing follows it", _ARGUMENT)
    elif verb in ("EHLO", "HELO"):
        if not rest:
            raise Slip(f"the client's own name is missing after {verb}", COMMANDS[verb].rule)
        if " " in rest:
            raise Slip(f"{verb} takes one name, and here are several words", COMMANDS[verb].rule)
        check_domain(rest)
    elif verb in _NEEDS_ARGUMENT:
        if not rest.strip(" "):
            raise Slip(f"{verb} needs {_NEEDS_ARGUMENT[verb]}", COMMANDS[verb].rule)
    elif verb == "AUTH":
        _check_auth(rest)
    elif verb == "BDAT" and not _CHUNK.fullmatch(rest):
        raise Slip("BDAT is written BDAT 123 or BDAT 123 LAST", _BDAT)


def _check_auth(rest: str) -> None:
    mechanism, space, response = rest.partition(" ")
    if not mechanism:
        raise Slip("the mechanism is missing after AUTH", _AUTH)
    if not _MECHANISM.fullmatch(mechanism):
        raise Slip("a mechanism's name has at most 20 letters, digits, hyphens and underscores", _AUTH)
    if space and response != "=" and (not response or not _BASE64.fullmatch(response)):
        raise Slip("the first response is not base64", _AUTH)
