"""DMARC (RFC 9989, and RFC 7489 beside it): whose name is on a message, and did SPF or DKIM speak for that name?

``evaluate("news.example.com", spf=..., dkim=..., dns=zones)`` gives the verdict; ``author_domain(message)`` finds the
name. The parts: ``author`` the From field, ``record`` one record, ``questions`` the DNS, ``walk`` the Tree Walk,
``suffix`` the public suffix list of RFC 7489, ``policy`` p, sp, np and t, ``lint`` what a record may cost its owner.
"""

from __future__ import annotations

from labkit.auth.dmarc.author import AuthorAddress, AuthorDomain, author_domain
from labkit.auth.dmarc.evaluate import RULES, evaluate
from labkit.auth.dmarc.identifier import Identifier
from labkit.auth.dmarc.lint import Remark, lint
from labkit.auth.dmarc.record import Record, read_record

__all__ = [
    "RULES",
    "AuthorAddress",
    "AuthorDomain",
    "Identifier",
    "Record",
    "Remark",
    "author_domain",
    "evaluate",
    "lint",
    "read_record",
]
