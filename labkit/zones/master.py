"""Reading master-file text (RFC 1035 section 5, RFC 2308 section 4) into records that know their line.

Read are records of class IN, ``$ORIGIN`` and ``$TTL``. A relative ``$ORIGIN`` continues the one in force. A
record without TTL takes ``$TTL``, else the TTL stated last, else the default. A text whose lines are all
indented, as in a program, is read as if they were not.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.tokenizer
import dns.ttl
from dns.name import Name
from dns.rdata import Rdata
from dns.rdataclass import RdataClass
from dns.rdatatype import RdataType
from dns.tokenizer import Token, Tokenizer

from labkit.zones.error import ZoneError
from labkit.zones.names import Key, NameProblem, key_of_name, name_of, why_not

EXAMPLES = {
    "A": "mx.receiver.example. A 192.0.2.25",
    "AAAA": "mx.receiver.example. AAAA 2001:db8::25",
    "CAA": 'receiver.example. CAA 0 issue "ca.example"',
    "CNAME": "www.receiver.example. CNAME web.receiver.example.",
    "MX": "receiver.example. MX 10 mx.receiver.example.",
    "NS": "receiver.example. NS ns.receiver.example.",
    "PTR": "25.2.0.192.in-addr.arpa. PTR mx.receiver.example.",
    "SOA": "receiver.example. SOA ns.receiver.example. postmaster.receiver.example. 1 7200 900 1209600 300",
    "SRV": "_submission._tcp.receiver.example. SRV 0 1 587 mail.receiver.example.",
    "TLSA": "_25._tcp.mx.receiver.example. TLSA 3 1 1 (64 hex digits)",
    "TXT": 'receiver.example. TXT "v=spf1 mx -all"',
}
"""How a record of each type that mail needs is written."""

_ORDER = "A line has this order: name, TTL if any, IN if you like, type, data."
_SINGLE = {RdataType.CNAME, RdataType.SOA}
_BESIDE_CNAME = {RdataType.CNAME, RdataType.RRSIG, RdataType.NSEC}  # RFC 4034, RFC 4035 section 2.5


@dataclass(frozen=True, slots=True)
class ZoneRecord:
    """One record and where it stands in the text."""

    line: int
    """The line where it begins, from 1."""
    last_line: int
    """The line where it ends: another one only when parentheses hold it together."""
    owner: Name
    ttl: int
    """Seconds."""
    rdtype: RdataType
    rdata: Rdata
    origin: Name
    """The origin that completed names without a final dot in this record."""

    @property
    def key(self) -> Key:
        """The owner's name in the form in which names compare."""
        return key_of_name(self.owner)

    def __str__(self) -> str:
        return f"{self.owner} {self.ttl} {self.rdtype.name} {self.rdata}"


@dataclass(frozen=True, slots=True)
class OriginLine:
    """A ``$ORIGIN`` line that does not end in a dot, below an origin other than the root."""

    line: int
    written: str
    origin: Name


def plain_lines(text: str) -> str:
    """``text`` without the indentation that all its lines share. Line numbers stay."""
    return textwrap.dedent(text)


def read(text: str, origin: str, default_ttl: int) -> tuple[tuple[ZoneRecord, ...], tuple[OriginLine, ...]]:
    """All records of ``text`` in order, without repetitions; and the ``$ORIGIN`` lines worth a second look.

    Raises `ZoneError` for the first line that cannot be read or contradicts one above it, and
    ``ValueError`` for an ``origin`` that is no name.
    """
    reader = _Reader(plain_lines(text), name_of(origin), default_ttl)
    records = tuple(_checked(reader.records()))
    return records, tuple(reader.relative_origins)


class _Reader:
    """The state that runs through a master file: origin, last owner, TTLs."""

    def __init__(self, text: str, origin: Name, default_ttl: int) -> None:
        self._tokens = Tokenizer(text, idna_codec=dns.name.IDNA_2008_Practical)
        self._origin = origin
        self._owner: Name | None = None
        self._ttl: int | None = None
        self._last_ttl = default_ttl
        self._line = 1
        self.relative_origins: list[OriginLine] = []

    def records(self) -> Iterator[ZoneRecord]:
        """Read on to the end."""
        while True:
            self._line = self._tokens.line_number
            try:
                token = self._tokens.get(want_leading=True)
                if token.is_eof():
                    return
                if token.is_eol():
                    continue
                if token.is_identifier() and token.value.startswith("$"):
                    self._directive(token.value)
                elif (record := self._record(token)) is not None:
                    yield record
            except dns.exception.UnexpectedEnd as error:
                raise self._error(
                    "the text ends in the middle.", 'Close the quotation mark (") or complete the backslash.'
                ) from error
            except dns.exception.DNSException as error:
                raise self._unreadable(error) from error
            except NameProblem as error:
                raise self._error(
                    f"this name cannot exist: {error}.", "Write it as it shall be asked for."
                ) from error

    def _error(self, reason: str, advice: str) -> ZoneError:
        return ZoneError(self._line, reason, advice)

    def _unreadable(self, error: dns.exception.DNSException) -> ZoneError:
        message = str(error)
        if "newline in quoted string" in message:
            return self._error(
                "a quoted string goes on past the end of its line.",
                "Close it there and open a new one on the next line, all of them inside parentheses.",
            )
        if "unbalanced parentheses" in message:
            return self._error("a parenthesis is not closed.", "Write ) at the end of this record.")
        return self._error("this is not master-file text.", "A closing parenthesis needs an opening one.")

    def _directive(self, word: str) -> None:
        match word.upper():
            case "$ORIGIN":
                token = self._rest(f"{word} receiver.example.")
                former, self._origin = self._origin, name_of(token, self._origin)
                if not token.endswith(".") and token != "@" and former != dns.name.root:
                    self.relative_origins.append(OriginLine(self._line, token, self._origin))
            case "$TTL":
                token = self._rest(f"{word} 3600")
                try:
                    self._ttl = dns.ttl.from_text(token)
                except dns.ttl.BadTTL as error:
                    raise self._error(
                        f"`{token}` is no TTL.", "Write seconds, for example $TTL 3600, or $TTL 1h."
                    ) from error
            case "$INCLUDE":
                raise self._error("$INCLUDE would read another file.", "Paste its lines here instead.")
            case _:
                raise self._error(
                    f"the lab reads no {word}.", "Write the records out; $ORIGIN and $TTL are understood."
                )

    def _rest(self, example: str) -> str:
        token, end = self._tokens.get(), self._tokens.get()
        if not token.is_identifier() or not end.is_eol_or_eof():
            raise self._error("this directive takes one word.", f"Write it like this: {example}")
        return str(token.value)

    def _record(self, first: Token) -> ZoneRecord | None:
        if first.is_whitespace():
            first = self._tokens.get()
            if first.is_eol_or_eof():
                return None
            self._tokens.unget(first)
            if self._owner is None:
                raise self._error(
                    "the line begins with a space, so it belongs to the name above it, but there is none.",
                    "Begin the line with the name itself.",
                )
        elif first.is_identifier():
            self._owner = name_of(first.value, self._origin)
        else:
            raise self._error("a line cannot begin with a quoted string.", _ORDER)
        rdtype, ttl = self._type_and_ttl()
        rdata = self._rdata(rdtype)
        end = self._tokens.line_number - (0 if self._tokens.eof else 1)
        return ZoneRecord(self._line, max(self._line, end), self._owner, ttl, rdtype, rdata, self._origin)

    def _type_and_ttl(self) -> tuple[RdataType, int]:
        """TTL and class may come in either order, or not at all (RFC 1035 section 5.1)."""
        ttl: int | None = None
        seen_class = False
        while True:
            token = self._tokens.get()
            word = token.value if token.is_identifier() else ""
            if not word:
                raise self._error("the line ends before it has named a type.", _ORDER)
            if ttl is None and (ttl := _ttl_of(word)) is not None:
                self._last_ttl = ttl
            elif not seen_class and (rdclass := _class_of(word)) is not None:
                seen_class = True
                if rdclass != RdataClass.IN:
                    raise self._error(f"the class is {word}.", "Mail lives in class IN: write IN or nothing.")
            else:
                break
        rdtype = type_of(word)
        if rdtype is None:
            raise self._error(f"`{word}` is no record type.", _ORDER)
        if is_message_type(rdtype):
            raise self._error(f"{rdtype.name} exists in questions, not in zones.", "Leave this line out.")
        if rdtype == RdataType.DNAME:
            raise self._error("the lab does not follow DNAME.", "Write a CNAME for each name instead.")
        if ttl is None:
            ttl = self._last_ttl if self._ttl is None else self._ttl
        return rdtype, ttl

    def _rdata(self, rdtype: RdataType) -> Rdata:
        try:
            return dns.rdata.from_text(
                RdataClass.IN,
                rdtype,
                self._tokens,
                self._origin,
                False,
                idna_codec=dns.name.IDNA_2008_Practical,
            )
        except dns.exception.UnexpectedEnd:
            raise
        except (dns.exception.DNSException, ValueError, IndexError) as error:
            message = why_not(error.__cause__ or error).rstrip(".")
            if "quoted string" in message or "parenthes" in message:
                raise
            if "string too long" in message:
                raise self._error(
                    "a string has more than 255 octets (RFC 1035 section 3.3).",
                    'Split it: "first part" "second part"; who reads the record joins them without a space.',
                ) from error
            example = EXAMPLES.get(rdtype.name)
            detail = "" if message == "Text input is malformed" else f" ({message})"
            raise self._error(
                f"the data of this {rdtype.name} record cannot be read{detail}.",
                f"Write it like this: {example}" if example else "Its form stands in the RFC of this type.",
            ) from error


def _ttl_of(word: str) -> int | None:
    if not word[0].isdigit():
        return None
    try:
        return dns.ttl.from_text(word)
    except (dns.ttl.BadTTL, ValueError):
        return None


def _class_of(word: str) -> RdataClass | None:
    try:
        return dns.rdataclass.from_text(word)
    except (dns.exception.DNSException, ValueError):
        return None


def type_of(word: str) -> RdataType | None:
    """The type with this name (``MX``, ``mx``, ``TYPE15``), or None."""
    try:
        return dns.rdatatype.from_text(word)
    except (dns.exception.DNSException, ValueError):
        return None


def is_message_type(rdtype: RdataType) -> bool:
    """Whether the type appears only in messages (ANY, AXFR, OPT), never as a record of a zone."""
    return dns.rdatatype.is_metatype(rdtype)


def _checked(records: Iterator[ZoneRecord]) -> Iterator[ZoneRecord]:
    """Pass on each record once; what contradicts an earlier one is an error."""
    seen: dict[Key, dict[RdataType, ZoneRecord]] = {}
    rdatas: set[tuple[Key, Rdata]] = set()
    for record in records:
        key = record.key
        if (key, record.rdata) in rdatas:  # a set of records holds each once (RFC 2181 section 5)
            continue
        rdatas.add((key, record.rdata))
        others = seen.setdefault(key, {})
        if record.rdtype in _SINGLE and record.rdtype in others:
            raise ZoneError(
                record.line,
                f"{record.owner} has a {record.rdtype.name} record already, on line {others[record.rdtype].line}.",
                "There can be one only: leave one of them out.",
            )
        for rdtype, other in others.items():
            pair = {rdtype, record.rdtype}
            if RdataType.CNAME in pair and not pair <= _BESIDE_CNAME:
                raise ZoneError(
                    record.line,
                    f"{record.owner} has a CNAME and other records, see line {other.line}"
                    " (RFC 1034 section 3.6.2, RFC 2181 section 10.1).",
                    "An alias stands alone: write the other records at the name it leads to.",
                )
        others.setdefault(record.rdtype, record)
        yield record
