"""Mail hosts: aiosmtpd with a tap, and the mailboxes it fills."""

from __future__ import annotations
