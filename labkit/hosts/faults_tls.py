"""Faults of TLS and of logging in: a certificate that is wrong, no TLS today, passwords in clear, a weak STARTTLS."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from labkit.hosts.answers import Answer
from labkit.hosts.fault import Fault, FaultyHost
from labkit.hosts.tls import CERTIFICATE_KINDS, CertificateKind
from labkit.smtp.rule import Rule

if TYPE_CHECKING:
    from labkit.hosts.smtpd import LabSMTP


class WrongCertificate(Fault):
    """The host shows a certificate that a careful client does not accept."""

    name: ClassVar[str] = "wrong_certificate"
    title: ClassVar[str] = "Certificate wrong"
    text: ClassVar[str] = (
        "The handshake fails at a client that checks: another name, a time that is over, or an issuer nobody trusts. "
        "Most servers do not check each other, so mail between them goes on. The host's postmaster must act: renew it."
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("RFC 9525 section 6", "The name that the client wanted must stand in the certificate."),
        Rule("RFC 8314 section 4.4", "A mail program checks the server's certificate before it logs in."),
        Rule("RFC 7435 section 3", "Servers that take whatever TLS there is encrypt without checking."),
    )

    def __init__(self, kind: CertificateKind = "expired") -> None:
        """``kind``: ``wrong_name``, ``expired`` or ``unknown_issuer``."""
        if kind not in CERTIFICATE_KINDS or kind == "right":
            raise ValueError(f"expected one of {', '.join(CERTIFICATE_KINDS[1:])}, received {kind!r}")
        self.changes = {"certificate": kind}


class TlsNotAvailable(Fault):
    """STARTTLS is offered, and refused."""

    name: ClassVar[str] = "tls_not_available"
    title: ClassVar[str] = "TLS not available"
    replies: ClassVar[tuple[str, ...]] = ("454 4.7.0",)
    text: ClassVar[str] = (
        "STARTTLS gets 454 4.7.0: the server's key or certificate cannot be read now. The session is still in clear, and the "
        "client decides whether it goes on. The host's postmaster must act; who requires TLS keeps the mail till then."
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("RFC 3207 section 4", "454: TLS is not available for a temporary reason."),
    )

    def command(self, host: FaultyHost, server: LabSMTP, verb: str, argument: str) -> Answer | None:
        """454 4.7.0 to STARTTLS."""
        return (
            Answer(454, "4.7.0", "TLS not available due to temporary reason") if verb == "STARTTLS" else None
        )


class AuthInClear(Fault):
    """AUTH is offered before TLS."""

    name: ClassVar[str] = "auth_in_clear"
    title: ClassVar[str] = "Passwords asked for in clear"
    text: ClassVar[str] = (
        "EHLO offers AUTH although TLS is not up, and a password goes over the line in base64, which anybody reads. It still "
        "works, so nobody notices. The host's postmaster must act: offer AUTH under TLS only; the client must not use it."
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("RFC 4954 section 4", "PLAIN should not be offered unless TLS protects the line."),
        Rule("RFC 8314 section 3", "Mail programs use TLS for submission, always."),
    )
    changes = {"auth_before_tls": True}  # noqa: RUF012  # read only


class StarttlsInjection(Fault):
    """What came in clear behind STARTTLS is run when TLS is up."""

    name: ClassVar[str] = "starttls_injection"
    title: ClassVar[str] = "Commands survive the handshake"
    text: ClassVar[str] = (
        "Lines that arrived behind STARTTLS, in the same packet, are answered under TLS. Somebody on the way can put his own "
        "commands into a session that looks safe. The server's maker must act: the handshake empties the buffer."
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("RFC 3207 section 4.2", "What the server got from the client before TLS, it must discard."),
    )
    changes = {"keeps_plaintext": True}  # noqa: RUF012  # read only


class LoginBroken(Fault):
    """Nobody can log in just now."""

    name: ClassVar[str] = "login_broken"
    title: ClassVar[str] = "Login out of order"
    replies: ClassVar[tuple[str, ...]] = ("454 4.7.0",)
    text: ClassVar[str] = (
        "AUTH gets 454 4.7.0 before any password is looked at: the server cannot reach its list of accounts. The password may "
        "be right. The host's postmaster must act; the program tries again later, with the same password."
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("RFC 4954 section 6", "454 4.7.0: a temporary failure; it says nothing about the password."),
    )

    def command(self, host: FaultyHost, server: LabSMTP, verb: str, argument: str) -> Answer | None:
        """454 4.7.0 to AUTH."""
        return Answer(454, "4.7.0", "Temporary authentication failure") if verb == "AUTH" else None
