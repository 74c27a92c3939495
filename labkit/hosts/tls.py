"""TLS contexts on the shipped lab certificates; made when first used, because a plain session needs none."""

from __future__ import annotations

import asyncio
from asyncio import sslproto
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from labkit.frozen import dataclass

if TYPE_CHECKING:
    import ssl

CERTIFICATES = Path(__file__).parent / "certs"
AUTHORITY = CERTIFICATES / "authority.pem"
"""What a client must trust to talk TLS with a lab host, for example ``curl --cacert`` or ``swaks
--tls-ca-path``."""

CertificateKind = Literal["right", "wrong_name", "expired", "unknown_issuer"]
"""What a server shows: a certificate for every name that lessons use, one for the names of somebody else, one whose
time is over, one from an authority that nobody trusts."""
CERTIFICATE_KINDS: tuple[CertificateKind, ...] = get_args(CertificateKind)

TlsUse = Literal["none", "may", "require", "verify"]
"""What TLS is to a host that hands mail on. ``none``: it never asks for it. ``may``: it takes what is offered, checks no
certificate, and goes on in clear without (opportunistic, RFC 7435). ``require``: no TLS, no mail; still no certificate
is checked. ``verify``: the certificate must be right, too."""


@cache
def server_context(kind: CertificateKind = "right") -> ssl.SSLContext:
    """The context of a lab host that shows this certificate. Raises ``ValueError`` for another kind."""
    import ssl

    if kind not in CERTIFICATE_KINDS:
        raise ValueError(f"expected one of {', '.join(CERTIFICATE_KINDS)}, received {kind!r}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / f"{kind}.pem")
    return context


@cache
def client_context() -> ssl.SSLContext:
    """A context that checks the server's name and trusts the lab's authority, nothing else."""
    import ssl

    return ssl.create_default_context(cafile=str(AUTHORITY))


@cache
def unchecked_context() -> ssl.SSLContext:
    """A context that takes any certificate: what is sent is encrypted, and nobody knows for whom (RFC 7435)."""
    import ssl

    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


HANDSHAKE = 10.0
"""Real seconds that a client gets for the TLS handshake on a port that begins with it."""


def tls_at_once(server: asyncio.Protocol, context: ssl.SSLContext | None = None) -> asyncio.Protocol:
    """A protocol that speaks TLS from the first octet on and hands ``server`` what is inside, on either transport.

    ``context`` is the server's; without one it shows the right certificate.
    """
    context = context or server_context()
    layers: Any = sslproto.SSLProtocol
    layer = layers(
        asyncio.get_running_loop(), server, context, None, server_side=True, ssl_handshake_timeout=HANDSHAKE
    )
    return cast("asyncio.Protocol", layer)


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What a certificate says (RFC 5280), as far as a mail client asks."""

    subject: str
    names: tuple[str, ...]
    """The DNS names and addresses that it is good for (subject alternative names, RFC 9525 section 6)."""
    issuer: str
    valid_from: datetime
    valid_until: datetime


def certificate_facts(certificate: bytes) -> CertificateFacts:
    """Read a certificate, in DER or PEM. Raises ``ValueError`` for what is none."""
    from cryptography import x509

    pem = certificate.lstrip().startswith(b"-----")
    read = x509.load_pem_x509_certificate(certificate) if pem else x509.load_der_x509_certificate(certificate)
    names: tuple[str, ...] = ()
    try:
        found = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = tuple(str(name.value) for name in found)
    except x509.ExtensionNotFound:
        pass
    return CertificateFacts(
        _common_name(read.subject), names, _common_name(read.issuer),
        read.not_valid_before_utc, read.not_valid_after_utc,
    )  # fmt: skip


def shipped_certificate(kind: CertificateKind) -> CertificateFacts:
    """What a lab host shows that has this certificate."""
    return certificate_facts((CERTIFICATES / f"{kind}.pem").read_bytes())


def _common_name(name: Any) -> str:
    from cryptography.x509.oid import NameOID

    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else str(name.rfc4514_string())
