"""The keys of IMAP's SEARCH (RFC 3501 section 6.4.4) that compare text and dates.

Twisted's compare octets with text, which finds nothing; those without an argument are right and stay Twisted's.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labkit.hosts.reading.imap import Letter

Query = list[Any]
Key = Callable[[Any, Query, int, "Letter"], bool]


def _argument(query: Query) -> str:
    word: bytes | str = query.pop(0)
    return word.decode("utf-8", "replace") if isinstance(word, bytes) else word


def _in_field(name: str) -> Key:
    def key(_self: object, query: Query, _id: int, letter: Letter) -> bool:
        return _argument(query).lower() in letter.getHeaders(False, name).get(name, "").lower()

    return key


def _by_date(of: Callable[[Letter], date | None], fits: Callable[[date, date], bool]) -> Key:
    def key(_self: object, query: Query, _id: int, letter: Letter) -> bool:
        wanted = datetime.strptime(_argument(query), "%d-%b-%Y").date()
        day = of(letter)
        return day is not None and fits(day, wanted)

    return key


def _came(letter: Letter) -> date | None:
    return parsedate_to_datetime(letter.getInternalDate()).date()


def _sent(letter: Letter) -> date | None:
    try:
        return parsedate_to_datetime(letter.getHeaders(False, "date").get("date", "")).date()
    except ValueError:
        return None


class Search:
    """Goes before Twisted's server among the bases of ours."""

    search_SUBJECT, search_FROM, search_TO = _in_field("subject"), _in_field("from"), _in_field("to")
    search_CC, search_BCC = _in_field("cc"), _in_field("bcc")
    search_BEFORE, search_SENTBEFORE = _by_date(_came, date.__lt__), _by_date(_sent, date.__lt__)
    search_ON, search_SENTON = _by_date(_came, date.__eq__), _by_date(_sent, date.__eq__)
    search_SINCE, search_SENTSINCE = _by_date(_came, date.__ge__), _by_date(_sent, date.__ge__)

    def search_HEADER(self, query: Query, _id: int, letter: Letter) -> bool:
        """A field by its name; an empty text asks whether there is such a field."""
        name, wanted = _argument(query).lower(), _argument(query).lower()
        fields = letter.getHeaders(False, name)
        return name in fields and wanted in fields[name].lower()

    def search_BODY(self, query: Query, _id: int, letter: Letter) -> bool:
        """The text behind the header."""
        return _argument(query).encode().lower() in letter.getBodyFile().read().lower()

    def search_TEXT(self, query: Query, _id: int, letter: Letter) -> bool:
        """Header or text."""
        return _argument(query).encode().lower() in letter.raw.lower()

    def search_KEYWORD(self, query: Query, _id: int, letter: Letter) -> bool:
        """A flag that is none of the usual ones."""
        return _argument(query).lower() in (flag.lower() for flag in letter.getFlags())

    def search_UNKEYWORD(self, query: Query, _id: int, letter: Letter) -> bool:
        """A message without that flag."""
        return not self.search_KEYWORD(query, _id, letter)
