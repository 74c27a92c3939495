"""How people read their mailboxes: POP3 (RFC 1939) and IMAP (RFC 3501) at a host that keeps mail.

The servers are Twisted's. Two libraries were tried: pymap has IMAP alone and saw its last release in 2024; Twisted has
both protocols, is well kept, and its protocol objects run on our loop without its reactor (`labkit.transport.twisted_wire`).
What they lack is added here: numbers that stay right while others delete, ``\\Seen`` on reading, header fields as they
are, searching for text, STLS, one POP3 session at a time.

Nothing of Twisted is imported before the first connection comes.
"""

from __future__ import annotations

from labkit.hosts.reading.room import PORTS, ReadingRoom

__all__ = ["PORTS", "ReadingRoom"]
