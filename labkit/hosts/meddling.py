"""What a machine in the middle may do to a connection: faults of the way, not of a host. `Middle.switch_on` takes a name
from `MEDDLINGS`, or one of these."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from labkit.hosts.fault import Fault
from labkit.hosts.tls import CertificateKind
from labkit.smtp.rule import Rule

Blocked = Literal["refused", "dropped"]

_OFFER = re.compile(rb"(250[- ])(STARTTLS)([ \t]*\r?\n)", re.IGNORECASE)
_COMMAND = re.compile(rb"[ \t]*STARTTLS[ \t]*\r?\n", re.IGNORECASE)
_OPPORTUNISTIC = Rule(
    "RFC 3207 section 6",
    "Who changes the session before the handshake can hide STARTTLS; a client may insist on it and stop.",
)


class Meddling(Fault):
    """A fault of the way. It may block a port, or change a line that passes in clear."""

    ends_tls: bool = False
    """Whether the machine puts itself between the two ends of TLS."""
    certificate: CertificateKind = "unknown_issuer"
    """What it shows then."""

    def blocks(self, port: int) -> Blocked | None:
        """Whether connections to this port get through (None), are refused, or vanish."""
        return None

    def from_client(self, line: bytes) -> bytes:
        """What the server gets in place of this line."""
        return line

    def from_server(self, line: bytes) -> bytes:
        """What the client gets in place of this line."""
        return line


class StripStarttls(Meddling):
    """The offer of TLS is wiped out."""

    name: ClassVar[str] = "strip_starttls"
    title: ClassVar[str] = "STARTTLS stripped on the way"
    text: ClassVar[str] = (
        "The server says 250-STARTTLS, the client reads 250-XXXXXXXX, and goes on in clear unless it insists. "
        "A firewall that inspects mail does that, or an attacker. The client must act: require TLS, or begin with it on 465."
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        _OPPORTUNISTIC,
        Rule("RFC 8314 section 3.3", "Implicit TLS on 465 has no moment in clear that could be changed."),
        Rule("RFC 8461 section 1", "Between servers, MTA-STS tells a sender that TLS must be there."),
    )

    def from_client(self, line: bytes) -> bytes:
        """STARTTLS becomes a word that no server knows."""
        return line.upper().replace(b"STARTTLS", b"XXXXXXXX") if _COMMAND.fullmatch(line) else line

    def from_server(self, line: bytes) -> bytes:
        """The keyword becomes one that no client knows."""
        return _OFFER.sub(rb"\1XXXXXXXX\3", line)


class InjectBeforeTls(Meddling):
    """Commands are put behind STARTTLS, still in clear."""

    name: ClassVar[str] = "inject_before_tls"
    title: ClassVar[str] = "Commands injected before the handshake"
    text: ClassVar[str] = (
        "Behind the client's STARTTLS more lines arrive, in the same packet. A right server throws them away; a weak one runs "
        "them under TLS, as if the client had said them. The server's maker must act: nothing may survive."
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("RFC 3207 section 4.2", "What the server got from the client before TLS, it must discard."),
    )

    def __init__(
        self, octets: bytes | str = b"EHLO mallory.example\r\nMAIL FROM:<mallory@example.net>\r\n"
    ) -> None:
        """``octets``: what is put behind STARTTLS and its line end."""
        self.octets = octets.encode() if isinstance(octets, str) else octets

    def from_client(self, line: bytes) -> bytes:
        """STARTTLS, and what follows it."""
        return line + self.octets if _COMMAND.fullmatch(line) else line


class BlockPort(Meddling):
    """Connections to a port do not get through."""

    name: ClassVar[str] = "block_port"
    title: ClassVar[str] = "Port blocked on the way"
    text: ClassVar[str] = (
        "The connection is refused at once, or nothing comes back at all until the client gives up. Access networks and "
        "cloud hosts block port 25 against spam. You must act: hand mail in on 465 or 587, which are made for people."
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "RFC 5068 section 4.1",
            "Access networks should let submission ports pass, whatever they do to 25.",
        ),
        Rule(
            "RFC 6409 section 3.1", "587 is the port for submission, so that 25 can be treated differently."
        ),
    )

    def __init__(self, port: int = 25, how: Blocked = "refused") -> None:
        """``how``: ``refused`` answers at once, ``dropped`` never."""
        if how not in ("refused", "dropped"):
            raise ValueError(f"expected refused or dropped, received {how!r}")
        self.port = port
        self.how: Blocked = how

    def blocks(self, port: int) -> Blocked | None:
        """``how``, for its port."""
        return self.how if port == self.port else None


class InterceptTls(Meddling):
    """The machine speaks TLS itself, with a certificate of its own, and reads what is inside."""

    name: ClassVar[str] = "intercept_tls"
    title: ClassVar[str] = "TLS intercepted with another certificate"
    text: ClassVar[str] = (
        "Both ends have TLS, and between them somebody reads along: each has it with the machine in the middle. Only who "
        "checks the certificate notices. The client must act: require TLS and check the name and the authority, too."
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "RFC 7435 section 3",
            "Encryption without a checked certificate helps against listening, not against this.",
        ),
        Rule("RFC 9525 section 6", "The name that the client wanted must stand in the certificate."),
    )
    ends_tls = True

    def __init__(self, certificate: CertificateKind = "unknown_issuer") -> None:
        """``certificate``: what it shows to the client, for example one that was got for another name."""
        self.certificate = certificate


MEDDLINGS: Mapping[str, type[Meddling]] = {
    kind.name: kind for kind in (StripStarttls, InjectBeforeTls, BlockPort, InterceptTls)
}
"""Every meddling by its name; called with its settings it gives a new one."""


def make_meddling(meddling: Meddling | str, **settings: Any) -> Meddling:
    """A meddling by its name, with settings; one that is made already is returned.

    Raises ``KeyError`` that names those there are, and ``TypeError`` for settings that do not fit.
    """
    if isinstance(meddling, Meddling):
        if settings:
            raise TypeError(f"{meddling.name} is made already; give its settings where it is made")
        return meddling
    kind = MEDDLINGS.get(meddling)
    if kind is None:
        raise KeyError(f"no meddling {meddling!r}; there are: {', '.join(MEDDLINGS)}")
    return kind(**settings)
