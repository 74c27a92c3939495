"""The step-by-step client: octets out, reply in, everything recorded.

`Client` has coroutines, `SyncClient` is the same for notebook cells. The errors are listed in
`labkit.client.errors`.
"""

from __future__ import annotations

from labkit.client.client import DEADLINE, Client
from labkit.client.errors import (
    BadReply,
    ClientError,
    ConnectionLost,
    DeadlinePassed,
    NotConnected,
    ReplyOverdue,
    TLSFailed,
)
from labkit.client.sync import SyncClient

__all__ = [
    "DEADLINE",
    "BadReply",
    "Client",
    "ClientError",
    "ConnectionLost",
    "DeadlinePassed",
    "NotConnected",
    "ReplyOverdue",
    "SyncClient",
    "TLSFailed",
]
