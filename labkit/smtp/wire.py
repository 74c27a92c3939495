"""What goes over the wire, in the smallest pieces that the lab talks about: lines and segments."""

from __future__ import annotations

from typing import Literal, get_args

from labkit.frozen import dataclass

__all__ = ["SENDERS", "VIEWS", "Segment", "Sender", "TranscriptError", "View", "WireEvent"]

Sender = Literal["C", "S"]
"""Who spoke: ``"C"`` the client, ``"S"`` the server."""

View = Literal["client", "server", "wire"]
"""Who recorded it. The two ends can differ when a machine in the middle or a lost reply is at work."""

SENDERS: tuple[Sender, ...] = get_args(Sender)
VIEWS: tuple[View, ...] = get_args(View)


class TranscriptError(ValueError):
    """A text is no transcript. The message names the line (or the JSON entry) and the reason."""


@dataclass(frozen=True, slots=True)
class WireEvent:
    """One line on the wire, or the end of one side's talking.

    ``seq`` is the line number that every view cites, from 1. ``time`` is in seconds of the world's clock.
    ``data`` holds the line's octets with its line end: CR LF, or a bare LF, or none if the line was cut (by
    the other side speaking, by the limit of 64 KiB, or by the end of the connection). ``data == b""`` means
    that this sender closed its side. ``encrypted`` says whether TLS protected the line. At the two ends the octets
    are the decrypted ones; in the ``wire`` view they are what passed, each event one TLS record.
    """

    seq: int
    time: float
    connection: int
    sender: Sender
    view: View
    data: bytes
    encrypted: bool


@dataclass(frozen=True, slots=True)
class Segment:
    """What arrived in one piece: ``octets`` octets, the first of them in the event with seq ``first``.

    Segments are kept apart from lines because a piece may hold many lines, or half of one. They serve for
    counting round trips. ``time`` is in seconds of the world's clock.
    """

    time: float
    connection: int
    sender: Sender
    first: int
    octets: int
