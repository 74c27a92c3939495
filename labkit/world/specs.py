"""Ready-made hosts, as lessons write them down."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from labkit.hosts.mail_host import HostSpec


def receiver(
    name: str = "mail.receiver.example",
    *,
    mailboxes: Iterable[str] = ("bob", "carol", "postmaster"),
    **settings: Any,
) -> HostSpec:
    """An ordinary, friendly host that takes mail for its domain. ``settings`` are fields of `HostSpec`."""
    return HostSpec(name, tuple(mailboxes), **settings)


def sample_receiver(
    name: str = "mail.receiver.example",
    *,
    mailboxes: Iterable[str] = ("bob", "carol", "postmaster"),
    **settings: Any,
) -> HostSpec:
    """The host of the course's sample session: it offers STARTTLS and AUTH at once and nothing else.

    AUTH before TLS is not as it should be (RFC 4954 section 4); a lesson asks what is odd about it.
    """
    own: dict[str, Any] = {"ehlo": (), "auth": {}, "auth_before_tls": True}
    return HostSpec(name, tuple(mailboxes), **(own | settings))
