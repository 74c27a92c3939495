"""The TXT record at ``_mta-sts``: it says that there is a policy, and which version of it (RFC 8461 section 3.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass

PREFIX = "v=STSv1;"
"""Records that do not begin so are somebody else's."""

_DELIMITER = re.compile(r"[ \t]*;[ \t]*")
_ID = re.compile(r"[A-Za-z0-9]{1,32}")
_EXTENSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}=[\x21-\x3a\x3c\x3e-\x7e]+")


class RecordError(ValueError):
    """The text is no MTA-STS record. The message says why."""


@dataclass(frozen=True, slots=True)
class Record:
    """What the record says."""

    id: str
    """The policy's version: another id means that the policy file has changed."""
    id_at: tuple[int, int]
    """Where the id stands in the text: first octet, and the one behind its last."""


def parse_record(text: str) -> Record:
    """Read the record, its strings joined. Fields that are not known are ignored, as far as they have the form of one.

    Raises `RecordError`.
    """
    if not text.startswith("v=STSv1") or not _DELIMITER.match(text, 7):
        raise RecordError("it does not begin with v=STSv1;")
    found: Record | None = None
    place = 7
    while place < len(text):
        delimiter = _DELIMITER.match(text, place)
        if delimiter is None:
            raise RecordError(f"expected ; at octet {place}")
        place = delimiter.end()
        if place == len(text):
            break
        end = text.find(";", place)
        field = text[place : end if end >= 0 else len(text)].rstrip(" \t")
        if field.startswith("id="):
            if not _ID.fullmatch(field[3:]):
                raise RecordError(f"an id has 1 to 32 letters and digits, received {field[3:][:40]!r}")
            if found is None:  # of a field that is given twice, the first counts
                found = Record(field[3:], (place + 3, place + len(field)))
        elif not _EXTENSION.fullmatch(field):
            raise RecordError(f"{field[:40]!r} is no field")
        place += len(field)
    if found is None:
        raise RecordError("the id is missing")
    return found
