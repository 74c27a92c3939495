"""Handing a message in to a world, as a person's mail program does it (see `labkit.mua`)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields
from email.utils import format_datetime
from typing import TYPE_CHECKING

from labkit.frozen import dataclass
from labkit.message import canonical_lines, header_fields
from labkit.mua import Draft, Login, Outcome, hand_over

if TYPE_CHECKING:
    from labkit.world.core import AsyncWorld

_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")


@dataclass(frozen=True, slots=True)
class Handed(Outcome):
    """How handing in ended, and by what the message can be followed."""

    message_id: str = ""
    """The Message-ID that the program gave it; empty when it was sent without one."""
    connection: int | None = None
    """Number of the session at the host."""


async def hand_in(
    world: AsyncWorld,
    text: str | bytes,
    sender: str,
    recipients: Sequence[str],
    host: str,
    port: int | None,
    user: str | None,
    *,
    exact: bool,
    insist: bool,
    deadline: float,
) -> Handed:
    """See `AsyncWorld.submit`."""
    octets = canonical_lines(text)
    if not exact:
        octets = _completed(world, octets, sender, recipients)
    ids = [field.value for field in header_fields(octets) if field.name.lower() == "message-id"]
    login = None
    if user is not None:
        password = (world.host(host).spec.auth or {}).get(user)
        if password is None:
            raise KeyError(f"{host} has no account {user}")
        login = Login(user, password, insist)
    client = world.client(host, port, deadline=deadline)
    outcome = await hand_over(client, world.spec.client, sender, recipients, octets, login=login)
    known = {field.name: getattr(outcome, field.name) for field in fields(outcome)}
    return Handed(**known, message_id=ids[0] if ids else "", connection=client.connection)


def _completed(world: AsyncWorld, octets: bytes, sender: str, recipients: Sequence[str]) -> bytes:
    """The message with what a mail program never leaves out (RFC 5322 section 3.6)."""
    number = world.next_id()
    date = world.clock.datetime()
    message_id = f"<{number}.{date:%Y%m%d%H%M%S}@{sender.rpartition('@')[2] or world.spec.client}>"
    if not _FIELD.match(octets):
        draft = Draft(sender, tuple(recipients), "", octets.decode("utf-8", "replace"))
        return draft.to_bytes(date, message_id)
    present = {field.name.lower() for field in header_fields(octets)}
    wanted = {
        "From": sender,
        "To": (", " if len(recipients) < 3 else ",\r\n ").join(recipients),  # a line holds 998 octets
        "Date": format_datetime(date),
        "Message-ID": message_id,
    }
    missing = {name: value for name, value in wanted.items() if name.lower() not in present}
    if present & {"cc", "bcc"}:
        missing.pop("To", None)
    return "".join(f"{name}: {value}\r\n" for name, value in missing.items()).encode() + octets
