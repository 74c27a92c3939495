"""Makes the lab's certificates: ``python labkit/hosts/certs/make.py``. Run once; the results are in the
repository.

A lab authority signs one server certificate for every name that lessons use, one for the names of somebody else, and
one whose time is over. A second authority, which nobody trusts, signs the fourth. All but the one that has expired are
valid for a century, because certificate dates stay on real time while a world has its own clock.
"""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HERE = Path(__file__).parent
FROM = datetime(2020, 1, 1, tzinfo=UTC)
UNTIL = datetime(2120, 1, 1, tzinfo=UTC)
EXPIRED = datetime(2021, 1, 1, tzinfo=UTC)
DOMAINS = ("example.com", "example.net", "example.org", "receiver.example", "sender.example", "localhost")
ELSEWHERE = "hosting.example.net"
"""Whose names stand in the certificate with the wrong names."""


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "SMTP Lab (not a real authority)"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _authority(name: str, number: int) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(name))
        .public_key(key.public_key())
        .serial_number(number)
        .not_valid_before(FROM)
        .not_valid_after(UNTIL)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate, key


def _server(
    file: str,
    names: list[x509.GeneralName],
    number: int,
    issuer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey],
    until: datetime = UNTIL,
) -> None:
    """Write a server's certificate and key into one file."""
    authority, authority_key = issuer
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_name("SMTP Lab servers"))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(number)
        .not_valid_before(FROM)
        .not_valid_after(until)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
        )
        .sign(authority_key, hashes.SHA256())
    )
    (HERE / file).write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + _pem(key))


def _with_wildcards(domains: tuple[str, ...]) -> list[x509.GeneralName]:
    return [x509.DNSName(name) for domain in domains for name in (domain, f"*.{domain}")]


def main() -> None:
    """Write ``authority.pem``, and certificate and key of each kind of server, next to this file."""
    trusted = _authority("SMTP Lab authority", 1)
    names = _with_wildcards(DOMAINS)
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in ("127.0.0.1", "::1")]
    (HERE / "authority.pem").write_bytes(trusted[0].public_bytes(serialization.Encoding.PEM))
    _server("right.pem", names, 2, trusted)
    _server("wrong_name.pem", _with_wildcards((ELSEWHERE,)), 3, trusted)
    _server("expired.pem", names, 4, trusted, EXPIRED)
    _server("unknown_issuer.pem", names, 5, _authority("An authority that nobody trusts", 1))


if __name__ == "__main__":
    main()
