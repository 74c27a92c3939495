"""From the identities of a session to the octets in which the client gave them.

SPF and DMARC speak of MAIL FROM and HELO as texts; a reader wants to see the line. `octets_of` leads from one to the
other: from evidence with the source ``mail_from`` or ``helo`` to a line of the transcript and the octets in it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from labkit.smtp.command import parse_command
from labkit.smtp.transcript import Transcript, WireEvent
from labkit.verdict import Evidence

__all__ = ["LineOctets", "octets_of"]

_VERBS = {"mail_from": re.compile(rb"MAIL[ \t]+FROM:", re.IGNORECASE), "helo": re.compile(rb"(?:EHLO|HELO) ", re.IGNORECASE)}  # fmt: skip


class LineOctets(NamedTuple):
    """Octets `start` to `end` of the line with number `seq`."""

    seq: int
    start: int
    end: int


def octets_of(evidence: Evidence, transcript: Transcript, *, before: int | None = None) -> LineOctets | None:
    """The octets of the client's line that `evidence` is about.

    The session may hold several transactions: with `before`, the seq of a later line of the one that is meant (its
    DATA, for example), the last MAIL or EHLO above that line is taken, else the last of all. None for evidence of
    another source, and when the line is missing or does not hold these octets.
    """
    pattern = _VERBS.get(evidence.source)
    if pattern is None:
        return None
    for event in reversed(transcript.events):
        if (before is None or event.seq < before) and event.sender == "C" and pattern.match(event.data):
            begin = _begin(event, evidence.source)
            if begin is None or begin + evidence.end > len(event.data.rstrip(b"\r\n")):
                return None
            return LineOctets(event.seq, begin + evidence.start, begin + evidence.end)
    return None


def _begin(event: WireEvent, source: str) -> int | None:
    """Where the identity begins in the line: behind ``<`` and an obsolete source route, or behind ``EHLO ``."""
    if source == "helo":
        return 5
    begin = event.data.find(b"<") + 1
    command = parse_command(event.data)
    if begin == 0 or command.path is None:
        return None
    return begin + (len(command.path.route.encode()) + 1 if command.path.route else 0)
