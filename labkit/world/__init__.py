"""A world: named mail hosts, their mailboxes, a clock and a network, opened from a readable spec.

`World` is the face for cells, `AsyncWorld` the same for code on an event loop. `play` runs client lines
against a fresh private world and returns what its server saw: stored runs, exercises and tests use it;
`run_script` does the same in a world that is open already.
"""

from __future__ import annotations

from labkit.hosts.mail_host import HostSpec
from labkit.world.core import AsyncWorld, TransportName, play_once
from labkit.world.specs import receiver, sample_receiver
from labkit.world.sync import World, WorldClosed, play, run_script

__all__ = [
    "AsyncWorld",
    "HostSpec",
    "TransportName",
    "World",
    "WorldClosed",
    "play",
    "play_once",
    "receiver",
    "run_script",
    "sample_receiver",
]
