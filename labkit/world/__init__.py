"""A world: named mail hosts, their zones, queues and mailboxes, a clock and a network, opened from a readable spec.

`World` is the face for cells, `AsyncWorld` the same for code on an event loop. `play` runs client lines
against a fresh private world and returns what its server saw: stored runs, exercises and tests use it;
`run_script` does the same in a world that is open already.
"""

from __future__ import annotations

from labkit.hosts.host_spec import HostSpec
from labkit.hosts.movement import Movement
from labkit.hosts.queue import RetryRule
from labkit.world.chain import chain
from labkit.world.core import AsyncWorld, TransportName, play_once
from labkit.world.spec import Admd, WorldSpec
from labkit.world.specs import receiver, sample_receiver
from labkit.world.submission import Handed
from labkit.world.sync import World, WorldClosed, play, run_script

__all__ = [
    "Admd",
    "AsyncWorld",
    "Handed",
    "HostSpec",
    "Movement",
    "RetryRule",
    "TransportName",
    "World",
    "WorldClosed",
    "WorldSpec",
    "chain",
    "play",
    "play_once",
    "receiver",
    "run_script",
    "sample_receiver",
]
