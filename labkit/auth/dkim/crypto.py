"""The two kinds of keys, by `cryptography`. Loaded when the first key is, not before.

RSA keys come as SubjectPublicKeyInfo or as the RSAPublicKey that RFC 6376 section 3.6.1 names; both are in use.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import load_der_public_key

PrivateKey = RSAPrivateKey | Ed25519PrivateKey
PublicKey = RSAPublicKey | Ed25519PublicKey

_PADDING = PKCS1v15()
_SHA256 = Prehashed(hashes.SHA256())


def load_key(kind: str, octets: bytes) -> tuple[PublicKey, int] | None:
    """The key that p= holds and its bits, or None if it holds none of this kind."""
    if kind == "ed25519":
        if len(octets) != 32:
            return None
        return Ed25519PublicKey.from_public_bytes(octets), 256
    try:
        key = load_der_public_key(octets)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return (key, key.key_size) if isinstance(key, RSAPublicKey) else None


def is_signed(key: PublicKey, value: bytes, digest: bytes) -> bool:
    """Whether `value` is the signature of the SHA-256 hash `digest` (RFC 6376 section 3.3, RFC 8463 section 3)."""
    try:
        if isinstance(key, RSAPublicKey):
            key.verify(value, digest, _PADDING, _SHA256)
        else:
            key.verify(value, digest)
    except InvalidSignature:
        return False
    return True


def signature_of(key: PrivateKey, digest: bytes) -> bytes:
    """The signature of the SHA-256 hash `digest`."""
    if isinstance(key, RSAPrivateKey):
        return key.sign(digest, _PADDING, _SHA256)
    return key.sign(digest)
