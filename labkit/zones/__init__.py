"""The DNS of a world: zones written as master-file text, and lookups on them, without any network.

``Zones.from_text(text).lookup("receiver.example", "MX")`` answers as a resolver would that may ask every name
server there is: what does not stand in the text does not exist. The parts: ``master`` reads the text,
``tree`` holds the names and finds answers, ``zones`` adds log and faults, ``lint`` names what is legal but
hardly meant, ``wire`` answers queries in DNS's own message format.

dnspython is loaded when the first text with a record in it is read, not before.

Errors: `ZoneError` (a ``ValueError``) for a text that cannot be read; it names the line and what to do.
"""

from __future__ import annotations

from labkit.lookup import Lookup, LookupRecord, Outcome
from labkit.zones.error import ZoneError
from labkit.zones.faults import DnsFault
from labkit.zones.lint import Suspicion
from labkit.zones.log import LookupLog
from labkit.zones.zones import Asker, Zones

__all__ = [
    "Asker",
    "DnsFault",
    "Lookup",
    "LookupLog",
    "LookupRecord",
    "Outcome",
    "Suspicion",
    "ZoneError",
    "Zones",
]
