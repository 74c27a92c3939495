"""What a connection asks its host: the seam between speaking SMTP and deciding about mail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol

from aiosmtpd.smtp import Envelope

from labkit.hosts.answers import Answer
from labkit.hosts.fault import FaultSet
from labkit.smtp.path import Path

if TYPE_CHECKING:
    from labkit.hosts.smtpd import LabSMTP
    from labkit.hosts.tap import ServerSession


BareLF = Literal["strict", "lenient", "refuse"]
"""What a LF without CR before it is inside message text: an octet like any other (RFC 5321 section 2.3.8); the end of a
line, which is what SMTP smuggling lives on; or a reason to refuse the message with 550 5.5.2, as many servers do since."""


class LabEnvelope(Envelope):
    """aiosmtpd's envelope, with the paths as they were read. ``mail_from`` is None until MAIL is accepted."""

    def __init__(self) -> None:
        super().__init__()
        self.parameters: dict[str, str | None] = {}
        """Parameters of MAIL as given, names in capitals: SIZE, BODY, SMTPUTF8, RET, ENVID, AUTH, REQUIRETLS."""
        self.paths: list[Path] = []
        self.recipient_parameters: list[dict[str, str | None]] = []
        """Parameters of RCPT, one entry for each of ``paths``: NOTIFY and ORCPT (RFC 3461)."""
        self.refused = 0
        """Number of recipients refused in this transaction."""
        self.chunks: bytes | None = None
        """The text so far, when it comes by BDAT (RFC 3030)."""
        self.spoilt = False
        """Whether a chunk was refused; then none is taken until RSET."""


class MailPolicy(Protocol):
    """What a connection asks its host. The host decides, the connection speaks."""

    name: str
    banner: str
    keywords: frozenset[str]
    """First words of the EHLO lines that are always offered."""
    offers: tuple[str, ...]
    """EHLO lines that are always offered, in order."""
    starttls: bool
    accounts: Mapping[str, str] | None
    submission_ports: tuple[int, ...]
    """Ports where AUTH is offered; empty: at all."""
    auth_before_tls: bool
    keeps_plaintext: bool
    size_limit: int
    timeout: float
    lenient: bool
    faults: FaultSet
    bare_lf: BareLF
    limits: Mapping[str, int]
    """What LIMITS announces and the host holds to, by the names of RFC 9422; 0 for none."""

    def connected(self, server: LabSMTP, peer: tuple[str, int] | None) -> ServerSession:
        """Note a new connection and return its record."""

    def disconnected(self, server: LabSMTP) -> None:
        """Note that a connection is gone. May be called twice."""

    def sender(self, server: LabSMTP, path: Path) -> Answer:
        """The answer to MAIL."""

    def recipient(self, server: LabSMTP, path: Path) -> Answer:
        """The answer to RCPT; any but 2yz refuses this recipient."""

    def deliver(self, server: LabSMTP, envelope: LabEnvelope, text: bytes) -> Answer:
        """The answer after the final dot; 2yz takes responsibility for the message."""

    def expand(self, name: str) -> Answer:
        """The answer to EXPN."""

    def fault(self, error: Exception) -> None:
        """Note an exception that is our own fault."""

    def tls_context(self) -> Any:
        """The TLS context, made when first asked for."""
