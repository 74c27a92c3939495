"""DMARC (RFC 9989, and RFC 7489 beside it): whose name is on a message, and did SPF or DKIM speak for that name?

``evaluate("news.example.com", spf=..., dkim=..., dns=zones)`` gives the verdict; ``author_domain(message)`` finds the
name. The parts: ``author`` the From field, ``record`` one record, ``questions`` the DNS, ``walk`` the Tree Walk,
``suffix`` the public suffix list of RFC 7489, ``policy`` p, sp, np and t, ``evaluation`` the verdict, ``remarks`` what a
record may cost its owner, ``documents`` both RFCs side by side.
"""

from __future__ import annotations

from labkit.auth.dmarc.author import AuthorAddress, AuthorDomain, author_domain
from labkit.auth.dmarc.documents import Both, Difference, side_by_side
from labkit.auth.dmarc.evaluation import RULES, evaluate
from labkit.auth.dmarc.identifier import Identifier
from labkit.auth.dmarc.record import Record, read_record
from labkit.auth.dmarc.remarks import Remark, lint

__all__ = [
    "RULES",
    "AuthorAddress",
    "AuthorDomain",
    "Both",
    "Difference",
    "Identifier",
    "Record",
    "Remark",
    "author_domain",
    "evaluate",
    "lint",
    "read_record",
    "side_by_side",
]
