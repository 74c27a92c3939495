"""The certificate of a server: what stands in it, what a program checks, and which check fails."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from labkit.client import ClientError
from labkit.hosts.tls import CertificateFacts
from labkit.view.cards_static import Html, chip, el, items, kids
from labkit.view.printable import printable_text
from labkit.view.tls_desk import Desk, Picture, headline, headline_html

__all__ = ["CertificateView", "certificate_picture"]

WILDCARD = "*."


def certificate_picture(
    server: str,
    facts: CertificateFacts,
    trusted: str,
    trouble: ClientError | None,
    *,
    now: datetime | None = None,
    names: int = 8,
) -> dict[str, Any]:
    """What a program sees that speaks to ``server`` and trusts the authority ``trusted`` alone.

    ``trouble`` is what its handshake ended with. ``names`` is how many of the certificate's names are shown.
    """
    today = now or datetime.now(UTC)
    in_time = facts.valid_from <= today <= facts.valid_until
    match = next((name for name in facts.names if name_fits(name, server)), "")
    known = facts.issuer == trusted
    ordered = sorted(facts.names, key=lambda name: name != match)  # the one that fits comes first
    shown = ordered[:names] + ([f"and {len(facts.names) - names} more"] if len(facts.names) > names else [])
    said = [
        ("Chain", known, f"Issued by {facts.issuer}. This program trusts {trusted}."),
        ("Dates", in_time, f"Good from {_day(facts.valid_from)} to {_day(facts.valid_until)}."),
        ("Name", bool(match), f"{match} fits {server}." if match else f"None of its names fits {server}."),
    ]  # fmt: skip
    return {
        "verdict": [["handshake done", "2"] if trouble is None else ["handshake ended by the program", "5"]],
        "told": "The certificate is right, so the session goes on under TLS." if trouble is None else trouble.happened,
        "facts": [
            ["Names", [printable_text(name) for name in shown]],
            ["Good", [f"{_day(facts.valid_from)} to {_day(facts.valid_until)}"]],
            ["Issued by", [printable_text(facts.issuer)]],
        ],
        "checks": [{"what": what, "ok": ok, "says": printable_text(says)} for what, ok, says in said],
        "advice": trouble.advice if trouble else "",
        "rule": str(trouble.rule) if trouble and trouble.rule else "",
    }  # fmt: skip


def name_fits(name: str, server: str) -> bool:
    """Whether a name of a certificate is good for a server; the star stands for one label, the leftmost (RFC 9525
    section 6.3)."""
    name, server = name.lower(), server.lower()
    return server.partition(".")[2] == name[2:] if name.startswith(WILDCARD) else name == server


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y}"


class CertificateView(Desk):
    """Shakes hands with a server that shows the chosen certificate. ``work`` gives `certificate_picture`."""

    kind: ClassVar[str] = "certificate"
    empty: ClassVar[str] = (
        "No handshake yet. Here appear the server's certificate and what the program checks in it."
    )

    def told(self, picture: Picture) -> list[str]:
        """Facts, checks, and what to do."""
        lines = [headline(picture)]
        lines += [f"  {name}: {', '.join(values)}" for name, values in picture["facts"]]
        lines += [
            f"  {one['what']}: {'right' if one['ok'] else 'WRONG'}. {one['says']}"
            for one in picture["checks"]
        ]
        return [*lines, f"  What to do: {picture['advice']}"] if picture["advice"] else lines

    def drawn(self, picture: Picture) -> Html:
        """The same as lists."""
        facts = items(f"{name}: {', '.join(values)}" for name, values in picture["facts"])
        checks = items(
            kids(chip("✓ right" if one["ok"] else "✗ wrong", "done" if one["ok"] else "fix"), f" {one['what']}. {one['says']}")
            for one in picture["checks"]
        )  # fmt: skip
        advice = el("p", el("b", "What to do: "), picture["advice"]) if picture["advice"] else None
        return kids(headline_html(picture), facts, checks, advice)
