"""Logs of sessions, by whatever program they were written, read into who said what."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import Literal

from labkit.frozen import dataclass
from labkit.smtp.commands import COMMANDS

__all__ = ["READERS", "Reader", "Spoken", "best_reader"]

Who = Literal["C", "S", ""]


@dataclass(frozen=True, slots=True)
class Spoken:
    """One line of a session, or a remark of the program that wrote the log (``who`` is empty)."""

    who: Who
    text: str
    line: int
    """Number of the log's line, from 1."""
    encrypted: bool = False


@dataclass(frozen=True, slots=True)
class Reader:
    """How one program writes a session down."""

    name: str
    client: re.Pattern[str]
    server: re.Pattern[str]
    remark: re.Pattern[str] | None = None
    tls: str = ""
    """A mark in the prefix of lines under TLS."""

    def read(self, lines: Sequence[str]) -> Iterator[Spoken]:
        """The lines of the session; what is neither side's is a remark, or goes on with the line before."""
        for number, line in enumerate(lines, 1):
            if found := self.server.match(line):
                yield Spoken(
                    "S",
                    (found[1] or ""),
                    number,
                    bool(self.tls) and self.tls in line[: found.start(1)],
                )
            elif found := self.client.match(line):
                yield Spoken(
                    "C",
                    (found[1] or ""),
                    number,
                    bool(self.tls) and self.tls in line[: found.start(1)],
                )
            elif line.strip():
                yield Spoken("", line.strip(), number)

    def fits(self, lines: Sequence[str]) -> int:
        """How many of the lines it can read."""
        return sum(bool(self.server.match(line) or self.client.match(line)) for line in lines)


def _reader(name: str, client: str, server: str, tls: str = "") -> Reader:
    return Reader(name, re.compile(client), re.compile(server), None, tls)


class _Smtplib(Reader):
    """``send: 'ehlo a\\r\\n'`` and ``reply: b'250 ok\\r\\n'``: Python literals, of one line or many."""

    def read(self, lines: Sequence[str]) -> Iterator[Spoken]:
        for number, line in enumerate(lines, 1):
            found = self.server.match(line) or self.client.match(line)
            if found is None:
                if line.strip() and not line.lstrip().startswith("reply: retcode"):
                    yield Spoken("", line.strip(), number)
                continue
            who: Who = "S" if self.server.match(line) else "C"
            for text in _literal(found[1]).split("\n"):
                if text.rstrip("\r") or who == "C":
                    yield Spoken(who, text.rstrip("\r"), number)


def _literal(written: str) -> str:
    try:
        value = ast.literal_eval(written.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return written.strip().strip("b'\"").replace("\\r", "").replace("\\n", "\n").removesuffix("\n")
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
    return text.removesuffix("\n")


class _Bare(Reader):
    """A window of telnet, nc or openssl: nothing says who spoke but the form of the lines."""

    def read(self, lines: Sequence[str]) -> Iterator[Spoken]:
        text = response = False
        for number, line in enumerate(lines, 1):
            bare = line.rstrip("\r")
            if text:
                text = bare != "."
                yield Spoken("C", bare, number)
            elif self.server.match(bare):
                text, response = bare.startswith("354"), bare.startswith("334")
                yield Spoken("S", bare, number)
            elif response or self.client.match(bare):
                response = False
                yield Spoken("C", bare, number)
            elif bare.strip():
                yield Spoken("", bare.strip(), number)


_VERBS = "|".join(sorted(COMMANDS))
READERS: tuple[Reader, ...] = (
    _reader("a transcript", r"\s*(?:C|c|client|Client|>>>)\s*: ?(.*)", r"\s*(?:S|s|server|Server)\s*: ?(.*)"),
    _Smtplib("smtplib's debug output", re.compile(r"\s*send:\s(.*)"), re.compile(r"\s*reply:\s(b?['\"].*)")),
    _reader("swaks", r" ?(?:->|~>) ?(.*)", r" ?<(?:-|~|\*\*|~\*)[-~* ]? {0,2}(.*)", "~"),
    _reader("PHPMailer's debug output", r".*?CLIENT -> SERVER: ?(.*)", r".*?SERVER -> CLIENT: ?(.*)"),
    _reader("nodemailer's debug output", r".*\bDEBUG\b.*?\bC: ?(.*)", r".*\bDEBUG\b.*?\bS: ?(.*)"),
    _reader("msmtp", r"\s*--> ?(.*)", r"\s*<-- ?(.*)"),
    _reader("curl", r">(?: (.*))?$", r"<(?: (.*))?$"),
    _Bare("a window of telnet, nc or openssl", re.compile(rf"\s*(?:{_VERBS})(?:[ :\r]|$)", re.IGNORECASE), re.compile(r"[2-5]\d\d(?:[ -]|$)")),
)  # fmt: skip


def best_reader(lines: Sequence[str]) -> tuple[Reader, int]:
    """The reader that reads most of the lines, and how many."""
    counted = [(reader.fits(lines), -place) for place, reader in enumerate(READERS)]
    most, place = max(counted)
    return READERS[-place], most
