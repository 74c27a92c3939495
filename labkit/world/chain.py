"""The world that lessons begin with: Alice's organisation, Bob's, and the way between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from labkit.hosts.host_spec import HostSpec
from labkit.world.spec import Admd, WorldSpec

ZONES = """
$ORIGIN sender.example.
@         MX   10 relay
submit    A    192.0.2.10
relay     A    192.0.2.20

$ORIGIN receiver.example.
@         MX   10 mx1
@         MX   20 mx2
mx1       A    198.51.100.10
mx2       A    198.51.100.20
store     A    198.51.100.30
"""

PEOPLE = ("bob", "carol", "dave", "postmaster")
"""Who has a mailbox at receiver.example."""

_EHLO = ("PIPELINING", "SIZE", "8BITMIME", "ENHANCEDSTATUSCODES", "DSN", "HELP")
_BEHIND_MX: Mapping[str, Any] = {
    "roles": ("mx",),
    "next_hops": {"receiver.example": "store.receiver.example"},
    "knows": tuple(f"{name}@receiver.example" for name in PEOPLE),
    "ehlo": _EHLO,
}


def chain(
    *, zones: str = ZONES, hosts: Mapping[str, Mapping[str, Any]] | None = None, **changes: Any
) -> WorldSpec:
    """Alice's program, submit.sender.example, relay.sender.example, mx1 or mx2, store.receiver.example.

    ``hosts`` changes fields of single hosts: ``hosts={"mx1.receiver.example": {"recipient_limit": 10}}``; a host that is
    not in the chain is added. ``changes`` are fields of `WorldSpec`.
    """
    specs = {
        spec.name: spec
        for spec in (
            HostSpec(
                "submit.sender.example",
                roles=("submission",),
                listeners=(587,),
                auth={"alice": "wonderland"},
                trusted=True,
                smarthost="relay.sender.example",
                ehlo=_EHLO,
            ),
            HostSpec(
                "relay.sender.example",
                ("alice", "postmaster"),
                roles=("relay", "store"),
                trusts=("submit.sender.example",),
                ehlo=_EHLO,
            ),
            HostSpec("mx1.receiver.example", **_BEHIND_MX),
            HostSpec("mx2.receiver.example", **_BEHIND_MX),
            HostSpec("store.receiver.example", PEOPLE, roles=("store",), ehlo=_EHLO),
        )
    }
    for name, fields in (hosts or {}).items():
        specs[name] = replace(specs[name], **fields) if name in specs else HostSpec(name, **fields)
    organisations: dict[str, list[HostSpec]] = {}
    for spec in specs.values():
        organisations.setdefault(spec.name.partition(".")[2], []).append(spec)
    admds = tuple(Admd(domain, tuple(members)) for domain, members in organisations.items())
    return WorldSpec(admds, zones, **changes)
