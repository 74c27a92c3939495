"""Bob's mail programs: each fetches his mail by POP3 or looks at it by IMAP, with Twisted's clients, in real sessions.

A `Device` opens one session for each thing that it is asked to do, from greeting to good-bye, under TLS from the first
octet on (RFC 8314 section 3). Twisted is imported with the first of them.
"""

from __future__ import annotations

from labkit.reader.device import Device, Letter, Way
from labkit.reader.place import Place

__all__ = ["Device", "Letter", "Place", "Way"]
