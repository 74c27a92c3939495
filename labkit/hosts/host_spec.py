"""What a mail host is like, as a lesson writes it down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Literal

from labkit.frozen import dataclass
from labkit.hosts.queue import RetryRule

if TYPE_CHECKING:
    from labkit.hosts.policy import BareLF
    from labkit.hosts.tls import CertificateKind, TlsUse

Role = Literal["submission", "relay", "mx", "store"]
"""A job of a mail host (RFC 5598 section 4): takes mail in from people it knows; carries mail on; takes mail in for a
domain from everybody; keeps mailboxes."""

FRIENDLY = ("PIPELINING", "SIZE", "8BITMIME", "ENHANCEDSTATUSCODES", "HELP")
"""EHLO lines of an ordinary lab host; STARTTLS and AUTH come from their own settings."""


@dataclass(frozen=True)
class HostSpec:
    """One host. Only the name is required: then it keeps the mailboxes of its domain and takes mail for nobody else."""

    name: str
    """Fully qualified name, for example ``mail.receiver.example``."""
    mailboxes: tuple[str, ...] = ()
    """Local parts at the first domain, or whole addresses. ``postmaster`` exists at every host (section
    4.5.1)."""
    domains: tuple[str, ...] = ()
    """Domains whose mailboxes are here; if empty, its name without the first label."""
    port: int = 25
    ehlo: tuple[str, ...] = FRIENDLY
    """EHLO lines that are always offered, in order. ``SIZE`` alone gets the size limit behind it."""
    starttls: bool = True
    auth: Mapping[str, str] | None = None
    """User names and passwords. None: AUTH is not offered. Empty: it is offered, and nobody can pass."""
    auth_before_tls: bool = False
    """Offer AUTH on an open line too, as servers should not (RFC 4954 section 4)."""
    certificate: CertificateKind = "right"
    """What it shows in the TLS handshake."""
    tls_required: bool = False
    """Take no mail in clear: MAIL is answered 530 before TLS is up. A host for submission may want that; one that takes
    mail from everybody must not (RFC 3207 section 4)."""
    keeps_plaintext: bool = False
    """Run what came in clear behind STARTTLS as if it had come under TLS, as no server may (RFC 3207 section 4.2)."""
    readers: Mapping[str, str] = field(default_factory=dict)
    """Names and passwords with which people read their mailboxes, at the ports 110, 143, 993 and 995 among
    ``listeners``. A name is a local part or an address."""
    banner: str = "ESMTP"
    """What stands in the greeting after the name."""
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Mailing lists that EXPN tells about. Without any, EXPN is answered 502."""
    lenient: bool = False
    """Accept MAIL and RCPT with a space after the colon or without brackets, as many servers do."""
    bare_lf: BareLF = "strict"
    """What LF alone is inside message text: see `labkit.hosts.policy.BareLF`."""
    refuse_null_mx: bool = False
    """Refuse with 550 5.7.27 a sender whose domain takes no mail: nobody could be told of a failure (RFC 7505 section
    4.1). Local policy too."""
    refuse_bare_names: bool = False
    """Refuse at RCPT who greeted with a name without a dot: local policy, not the RFC's (section 4.1.4)."""
    size_limit: int = 10 * 1024 * 1024
    """Largest message in octets."""
    timeout: float = 1800.0
    """Real seconds of silence after which the host says 421. RFC 5321 section 4.5.3.2.7 asks for 300 at
    least."""
    id_seed: str = "lab"
    """Queue ids are made from this, the host's name and a count: the same run gives the same ids."""
    roles: tuple[Role, ...] = ("store",)
    listeners: tuple[int, ...] = ()
    """All ports it listens on; if empty, ``port`` alone. ``port`` is the first of them."""
    submission_ports: tuple[int, ...] = ()
    """Where a host that has other jobs too does submission (RFC 6409): there AUTH is offered and comes before MAIL; at its
    other ports AUTH is not offered, and mail is taken as the other roles have it."""
    trusted: bool = False
    """For ``submission``: everybody who connects is somebody it knows, without AUTH."""
    trusts: tuple[str, ...] = ()
    """Names of hosts that it carries mail for wherever it goes, because they are of its own house."""
    relays_for: tuple[str, ...] = ()
    """Domains whose mail it takes and carries on. For ``mx`` those of ``next_hops`` count too."""
    knows: tuple[str, ...] = ()
    """Addresses that exist in the domains it relays for; others get 550 5.1.1 at once. Empty: it takes all, and the
    next host decides."""
    next_hops: Mapping[str, str] = field(default_factory=dict)
    """Domain and the host that its mail goes to, whatever MX records say; ``host:port`` for a port other than 25."""
    smarthost: str = ""
    """The host that takes all mail which is not for here; empty: MX records say where it goes."""
    retry: RetryRule = field(default_factory=RetryRule)
    tls: TlsUse = "none"
    """What TLS is to it when it hands mail on, see `labkit.hosts.tls.TlsUse`."""
    mta_sts: bool = False
    """Ask for the MTA-STS policy of each domain that it hands mail on to by MX records, and obey it (RFC 8461)."""
    patience: float = 10.0
    """Real seconds that it waits for a connection, a reply or a TLS handshake when it hands mail on. A real server waits
    five minutes, ten after the final dot (RFC 5321 section 4.5.3.2)."""
    hop_limit: int = 25
    """Received fields from which on a message is taken to go in circles. RFC 5321 section 6.3 wants 100 at least for
    real servers; a lesson gets there sooner."""
    open_relay: bool = False
    """Carry mail for anybody to anywhere, as no server should (RFC 5321 section 7.9)."""
    recipient_limit: int = 0
    """Recipients in one transaction, then 452 4.5.3; 0 for no limit. ``LIMITS`` alone in ``ehlo`` gets it behind it, as
    RCPTMAX, and the next two as well (RFC 9422). RFC 5321 section 4.5.3.1.8 wants 100 at least."""
    mail_limit: int = 0
    """MAIL commands in one session, then 421; 0 for no limit (MAILMAX)."""
    domain_limit: int = 0
    """Domains of recipients in one session, then 452 4.5.3; 0 for no limit (RCPTDOMAINMAX)."""
    pipelines: bool = False
    """Say MAIL, RCPT and DATA in one go when it hands mail on to a host that offers PIPELINING (RFC 2920)."""

    def __post_init__(self) -> None:
        if self.listeners:
            object.__setattr__(self, "port", self.listeners[0])
        else:
            object.__setattr__(self, "listeners", (self.port,))

    @property
    def keeps_mail(self) -> bool:
        """Whether mailboxes of a domain are here, beside the host's own postmaster."""
        return "store" in self.roles or bool(self.mailboxes)

    def submission_at(self, port: int) -> bool:
        """Whether this port is for people handing in their own mail."""
        return port in self.submission_ports if self.submission_ports else "submission" in self.roles

    def all_domains(self) -> tuple[str, ...]:
        """The domains whose mailboxes are here, in lower case; the first is the host's main one."""
        if self.domains:
            return tuple(domain.lower() for domain in self.domains)
        if not self.keeps_mail:
            return (self.name.lower(),)
        return (self.house,)

    @property
    def house(self) -> str:
        """The domain of the organisation: the host's name without its first label."""
        rest = self.name.lower().partition(".")[2]
        return rest if "." in rest else self.name.lower()

    def relay_domains(self) -> frozenset[str]:
        """The domains that it takes mail for from anybody, in order to carry it on."""
        routed = self.next_hops if "mx" in self.roles else ()
        return frozenset(domain.lower() for domain in (*self.relays_for, *routed))
