"""DKIM (RFC 6376, with RFC 8301, 8463 and 8616): sign messages, and verify signatures step by step.

``verify(message, dns=zones)`` gives a verdict for every DKIM-Signature, ``sign(message, domain=..., selector=...,
key=...)`` the field to put on top, and ``signed_octets(message)`` what a signature really covers. `KeyPair` makes
keys and their lines for a zone; ``lab_key("rsa")`` is a key that everybody knows. The parts: ``fields`` and
``canonical`` take a message apart, ``signature`` and ``key_record`` read and check the two lists of tags,
``verifier`` decides, ``diagnosis`` finds out why not.

Errors: `verify` raises none. `sign` and the makers of keys raise ``ValueError`` for what DKIM does not allow.
"""

from __future__ import annotations

from labkit.auth.dkim.keys import KeyPair, lab_key
from labkit.auth.dkim.octets import Segment, SignedField, SignedOctets, signed_octets
from labkit.auth.dkim.signer import sign
from labkit.auth.dkim.verifier import verify

__all__ = [
    "KeyPair",
    "Segment",
    "SignedField",
    "SignedOctets",
    "lab_key",
    "sign",
    "signed_octets",
    "verify",
]
