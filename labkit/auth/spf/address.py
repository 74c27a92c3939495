"""Addresses and networks as integers, so that a comparison is one AND and one =="""

from __future__ import annotations

from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Literal, NamedTuple

Family = Literal[4, 6]

_OCTETS = {
    str(number): number for number in range(256)
}  # as RFC 7208 section 5.6 writes them: no leading zero


def ip4_value(text: str) -> int | None:
    """The value of four numbers with dots; None for anything else."""
    try:
        a, b, c, d = text.split(".")
        return _OCTETS[a] << 24 | _OCTETS[b] << 16 | _OCTETS[c] << 8 | _OCTETS[d]
    except (ValueError, KeyError):
        return None


@lru_cache(maxsize=1024)
def ip6_value(text: str) -> int | None:
    """The value of an IPv6 address (RFC 4291 section 2.2), without a zone; None for anything else."""
    try:
        return None if "%" in text else int(IPv6Address(text))
    except AddressValueError:
        return None


def mask_of(prefix: int, bits: int) -> int:
    """The mask of a prefix: 24 of 32 bits gives 0xFFFFFF00."""
    return (1 << bits) - (1 << (bits - prefix))


MASKS: dict[Family, tuple[int, ...]] = {
    4: tuple(mask_of(prefix, 32) for prefix in range(33)),
    6: tuple(mask_of(prefix, 128) for prefix in range(129)),
}
"""By family and prefix length."""


class Client(NamedTuple):
    """The address that connected. An IPv4 address mapped into IPv6 is the IPv4 address (section 5)."""

    text: str
    """In its usual short form: ``192.0.2.9``, ``2001:db8::9``. The macro ``%{c}``."""
    value: int
    family: Family

    @property
    def dotted(self) -> str:
        """The macro ``%{i}``: the address, or for IPv6 its 32 hexadecimal digits, with dots (section 7.3)."""
        return self.text if self.family == 4 else ".".join(f"{self.value:032X}")

    @property
    def arpa(self) -> str:
        """The name at which the client's PTR records stand."""
        zone = "in-addr" if self.family == 4 else "ip6"
        return ".".join(reversed(self.dotted.split("."))) + f".{zone}.arpa"


def client_of(ip: str | IPv4Address | IPv6Address) -> Client:
    """Raises ``ValueError`` for what is no address."""
    text = ip if isinstance(ip, str) else str(ip)
    value = ip4_value(text)
    if value is not None:
        return Client(text, value, 4)
    value = ip6_value(text)
    if value is None:
        raise ValueError(f"expected an IPv4 or IPv6 address, received {text!r}")
    if value >> 32 == 0xFFFF:
        return Client(str(IPv4Address(value & 0xFFFFFFFF)), value & 0xFFFFFFFF, 4)
    return Client(str(IPv6Address(value)), value, 6)
