"""The client's synchronous face, for notebook cells: the same steps, run on the loop thread.

An interrupt gives up the waiting and nothing else: the step goes on, its reply is kept in order, and the
next step waits for it first.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Self, TypeVar

from labkit.client.client import Client
from labkit.smtp.malformed import Malformed
from labkit.smtp.reply import Reply
from labkit.smtp.states import State
from labkit.smtp.transcript import Transcript
from labkit.transport.loop_thread import LoopThread, entry_point

if TYPE_CHECKING:
    import ssl

T = TypeVar("T")

GRACE = 3.0
"""Seconds beyond a step's own deadline after which even a stuck loop thread is no longer waited for."""


class SyncClient:
    """See :class:`labkit.client.client.Client`. Thrown away, it hangs up."""

    def __init__(self, client: Client, thread: LoopThread, keep: object = None) -> None:
        """``keep`` is held as long as this client is: the world that it speaks to."""
        self._client = client
        self._thread = thread
        self._keep = keep
        weakref.finalize(self, thread.call_soon, client.hang_up).atexit = False

    # steps

    @entry_point
    def connect(self, deadline: float | None = None) -> Reply:
        """Connect and return the server's greeting."""
        return self._run(lambda: self._client.connect(deadline), deadline)

    @entry_point
    def send(self, octets: bytes, deadline: float | None = None) -> Reply | None:
        """Send exactly these octets; the last reply that they cause, or None if they cause none."""
        return self._run(lambda: self._client.send(octets, deadline), deadline)

    @entry_point
    def send_line(self, line: str | bytes, deadline: float | None = None) -> Reply | None:
        """Send a line with CR LF behind it; its reply, or None if it causes none."""
        return self._run(lambda: self._client.send_line(line, deadline), deadline)

    @entry_point
    def receive(self, deadline: float | None = None) -> Reply:
        """Wait for the next reply without sending anything."""
        return self._run(lambda: self._client.receive(deadline), deadline)

    @entry_point
    def start_tls(
        self,
        context: ssl.SSLContext | None = None,
        *,
        server_name: str | None = None,
        deadline: float | None = None,
    ) -> None:
        """Make the TLS handshake, after the server's 220 to STARTTLS."""
        self._run(
            lambda: self._client.start_tls(context, server_name=server_name, deadline=deadline), deadline
        )

    @entry_point
    def close(self) -> None:
        """Close the connection without QUIT."""
        self._run(self._client.close, None)

    def _run(self, step: Callable[[], Coroutine[Any, Any, T]], deadline: float | None) -> T:
        return self._thread.run(step, (self._client.deadline if deadline is None else deadline) + GRACE)

    # what is known

    @property
    def client(self) -> Client:
        """The same client with coroutines, for use on the loop thread."""
        return self._client

    @property
    def host(self) -> str:
        """The server's name."""
        return self._client.host

    @property
    def port(self) -> int:
        """The server's port, as the lesson shows it."""
        return self._client.port

    @property
    def state(self) -> State:
        """Where the session is, by the replies so far."""
        return self._client.state

    @property
    def owed(self) -> int:
        """How many replies are on their way or overdue."""
        return self._client.owed

    @property
    def closed(self) -> bool:
        """True when there is no connection."""
        return self._client.closed

    @property
    def encrypted(self) -> bool:
        """Whether TLS is up."""
        return self._client.encrypted

    @property
    def certificate(self) -> bytes | None:
        """The server's certificate in DER, while TLS is up; else None."""
        return self._client.certificate

    @property
    def connection(self) -> int | None:
        """The connection's number at the server."""
        return self._client.connection

    @property
    def transcript(self) -> Transcript:
        """All lines of the present or last connection, in the client's view."""
        return self._client.transcript

    @property
    def replies(self) -> tuple[Reply | Malformed, ...]:
        """Every reply of the connection in order of arrival, the greeting first."""
        return self._client.replies

    @property
    def unsolicited(self) -> tuple[Reply | Malformed, ...]:
        """Replies that answer nothing."""
        return self._client.unsolicited

    @property
    def waiting_for(self) -> str:
        """Who has to act now, in one sentence."""
        return self._client.waiting_for

    def __enter__(self) -> Self:
        if self.closed:
            self.connect()
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "not connected" if self.closed else self.state.value
        return f"<client of {self.host}:{self.port}, {state}, {len(self.transcript)} lines>"
