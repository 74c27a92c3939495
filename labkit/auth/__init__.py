"""Policies that are checked around a session, evaluated step by step: SPF, DKIM, DMARC. Pure: no socket, no clock.

``authenticate(message, ip=..., helo=..., mail_from=..., dns=zones)`` runs all three on one message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labkit.auth.authentication import Authentication, authenticate

__all__ = ["Authentication", "authenticate"]


def __getattr__(name: str) -> object:
    """Load all three protocols when they are first asked for: each can be used without the others."""
    if name in __all__:
        from labkit.auth import authentication

        return getattr(authentication, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
