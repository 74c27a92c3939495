"""Key pairs, their records, and the keys that come with the lab (RFC 6376 section 3.6.1, RFC 8463 section 4)."""

from __future__ import annotations

import base64
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Self

from labkit.frozen import dataclass

if TYPE_CHECKING:
    from labkit.auth.dkim.crypto import PrivateKey

LAB_KEYS = Path(__file__).parent / "lab_keys"
_STRING = 255  # octets of one string of a TXT record, RFC 1035 section 3.3.14


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key of either kind, with what its owner publishes."""

    private: PrivateKey
    algorithm: str
    """What a= says: ``rsa-sha256`` or ``ed25519-sha256``."""
    bits: int
    public: bytes
    """What p= holds: SubjectPublicKeyInfo of an RSA key, the 32 octets of an Ed25519 key."""

    @classmethod
    def of(cls, key: KeyPair | PrivateKey | bytes | str) -> KeyPair:
        """The pair of a private key, also as PEM without a password. Raises ``ValueError`` for other kinds."""
        if isinstance(key, KeyPair):
            return key
        if isinstance(key, (bytes, str)):
            return _read(key.encode() if isinstance(key, str) else key)
        return cls._from(key)

    @classmethod
    def generate(cls, algorithm: str = "rsa-sha256", bits: int = 2048) -> Self:
        """A new pair; `bits` is for RSA. Raises ``ValueError`` for an unknown algorithm or under 1024 bits."""
        from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

        if algorithm == "rsa-sha256":
            return cls._from(rsa.generate_private_key(65537, bits))
        if algorithm == "ed25519-sha256":
            return cls._from(ed25519.Ed25519PrivateKey.generate())
        raise ValueError(f"expected rsa-sha256 or ed25519-sha256, received {algorithm!r}")

    @classmethod
    def _from(cls, private: PrivateKey) -> Self:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        if isinstance(private, RSAPrivateKey):
            der = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            return cls(private, "rsa-sha256", private.key_size, der)
        if isinstance(private, Ed25519PrivateKey):
            raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
            return cls(private, "ed25519-sha256", 256, raw)
        raise ValueError(f"DKIM signs with RSA or Ed25519 keys, not with {type(private).__name__}")

    @property
    def record(self) -> str:
        """The text of the key record."""
        kind = self.algorithm.partition("-")[0]
        return f"v=DKIM1; k={kind}; p={base64.b64encode(self.public).decode()}"

    def zone_line(self, domain: str, selector: str, record: str | None = None) -> str:
        """The line for the zone, as master-file text with an absolute name; `record` instead of `self.record`."""
        text = self.record if record is None else record
        strings = " ".join(f'"{text[at : at + _STRING]}"' for at in range(0, len(text) or 1, _STRING))
        return f"{selector}._domainkey.{domain.removesuffix('.')}. TXT {strings}\n"


@lru_cache(maxsize=16)
def lab_key(name: str = "rsa") -> KeyPair:
    """A key of the lab, which everybody knows: ``rsa`` and ``rsa-next`` (2048 bits), ``rsa-1024``, ``rsa-512`` (too
    short by RFC 8301) and ``ed25519``. Raises ``ValueError`` for another name."""
    names = sorted(file.stem for file in LAB_KEYS.glob("*.pem"))
    if name not in names:
        raise ValueError(f"expected one of {', '.join(names)}, received {name!r}")
    return KeyPair.of((LAB_KEYS / f"{name}.pem").read_bytes())


@lru_cache(maxsize=16)
def _read(pem: bytes) -> KeyPair:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        return KeyPair._from(load_pem_private_key(pem, None))  # type: ignore[arg-type]
    except (TypeError, UnsupportedAlgorithm) as error:
        raise ValueError(f"this is no private key without a password: {error}") from error
