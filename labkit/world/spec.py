"""A world as a lesson writes it down: organisations with their hosts, zones in master-file text, faults."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field

from labkit.frozen import dataclass
from labkit.hosts.fault import Fault
from labkit.hosts.host_spec import HostSpec


@dataclass(frozen=True)
class Admd:
    """One organisation that runs mail hosts (ADministrative Management Domain, RFC 5598 section 2.3)."""

    name: str
    """Its domain, for example ``receiver.example``."""
    hosts: tuple[HostSpec, ...]


@dataclass(frozen=True)
class WorldSpec:
    """Everything that a world begins with."""

    admds: tuple[Admd, ...] = ()
    zones: str = ""
    """All the DNS there is, with absolute names. A host answers at the addresses that stand here for its name."""
    faults: Mapping[str, Iterable[Fault | str]] = field(default_factory=dict)
    """What is switched on from the beginning: host name and faults."""
    policies: Mapping[str, str] = field(default_factory=dict)
    """MTA-STS policies: domain and the text of its policy file, which a web host at ``mta-sts.DOMAIN`` gives out."""
    client: str = "client.sender.example"
    """The name that a person's mail program gives in EHLO."""

    @property
    def hosts(self) -> tuple[HostSpec, ...]:
        """All hosts, in the order in which they are written."""
        return tuple(host for admd in self.admds for host in admd.hosts)
