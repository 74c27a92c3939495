"""Whose domain is checked: that of MAIL FROM, or the name in HELO (RFC 7208 sections 2.3, 2.4 and 4.3)."""

from __future__ import annotations

from typing import Literal, NamedTuple

from labkit.auth.spf import rules
from labkit.auth.spf.macros import why_no_name
from labkit.auth.spf.problem import shown
from labkit.smtp.rule import Rule
from labkit.verdict import Evidence
from labkit.zones.names import NameProblem, name_of

NULL = ("", "<>")
"""How the null reverse-path is written."""


class Identity(NamedTuple):
    """The sender of a check, and where its parts stand in MAIL FROM or HELO."""

    source: Literal["mail_from", "helo"]
    domain: str
    """The domain to check, in A-labels, without a final dot."""
    local: str
    """The local-part; ``postmaster`` if there was none."""
    sender_domain: str
    """The domain of the sender, which `domain` need not be."""
    local_evidence: tuple[Evidence, ...]
    domain_evidence: tuple[Evidence, ...]
    invalid: str | None
    """Why the domain cannot be checked (section 4.3), as part of a sentence."""
    rule: Rule


def identity_of(domain: str, sender: str, helo: str) -> Identity:
    """The identity behind the arguments of check_host."""
    null = sender in NULL
    source: Literal["mail_from", "helo"] = "helo" if null else "mail_from"
    whole = helo if null else sender
    local, at, sender_domain = ("", "", helo) if null else sender.rpartition("@")
    octets = _octets(whole)
    start = octets - _octets(sender_domain)
    name, invalid = a_labels(domain or sender_domain)
    return Identity(
        source,
        name,
        local or "postmaster",
        name if domain == sender_domain else a_labels(sender_domain)[0],
        (Evidence(source, 0, start - len(at)),) if local else (),
        (Evidence(source, start, octets),) if start < octets else (),
        invalid,
        rules.HELO if null else rules.MAIL_FROM,
    )


def _octets(text: str) -> int:
    """How many octets a text has in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def a_labels(domain: str) -> tuple[str, str | None]:
    """A domain in A-labels (RFC 8616 section 4), and why it cannot be checked if so."""
    name = domain.removesuffix(".")
    if not name.isascii():
        try:
            name = name_of(name.replace("\\", "\\\\")).to_text(omit_final_dot=True)
        except NameProblem as problem:
            return name, str(problem)
    if not name:
        return name, "there is none"
    if name.startswith("["):
        return name, "it is an address, not a name"
    return name, why_no_name(name) or (None if "." in name else "it has a single label")


def describe(identity: Identity) -> str:
    """Which identity is checked, in one sentence."""
    domain = shown(identity.domain)
    if identity.source == "helo":
        return f"There is no reverse-path with a domain: postmaster at the HELO name {domain} is checked."
    return f"The domain of MAIL FROM, {domain}, is checked."
