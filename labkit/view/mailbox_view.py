"""A mailbox as a plain list: what was stored, octet by octet as far as it can be shown."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from labkit.hosts.mail_host import HostSpec
from labkit.transport.loop_thread import run
from labkit.view.printable import printable, shortened
from labkit.world import AsyncWorld

SHOWN_OCTETS = 6000


class MailboxView:
    """The messages of one mailbox; reads in every notebook, because it is a list and plain text."""

    def __init__(self, address: str, messages: Sequence[bytes]) -> None:
        self.address = address
        self.messages = tuple(messages)

    @classmethod
    def after(cls, lines: Sequence[str], spec: HostSpec, address: str) -> MailboxView:
        """The mailbox after the lines were spoken to a fresh private host."""

        async def deliver() -> list[bytes]:
            async with AsyncWorld(spec, transport="memory") as world:
                await world.play(lines)
                return [message.raw for message in world.mailbox(address).messages]

        return cls(address, run(deliver, 20))

    def _lines(self) -> list[list[str]]:
        return [
            [shortened(printable(line.expandtabs(4)), 400)[0] for line in raw[:SHOWN_OCTETS].split(b"\r\n")]
            for raw in self.messages
        ]

    def as_text(self) -> str:
        """All messages, one below the other."""
        if not self.messages:
            return f"{self.address}: the mailbox is empty"
        parts = [
            f"message {number}\n" + "\n".join(f"  {line}" for line in lines).rstrip()
            for number, lines in enumerate(self._lines(), 1)
        ]
        return "\n".join([f"{self.address}", *parts])

    def as_html(self) -> str:
        """The same as a list."""
        if not self.messages:
            return f"<p><b>{escape(self.address)}</b>: the mailbox is empty.</p>"
        items = "".join(
            f"<li><pre>{escape(chr(10).join(lines).rstrip())}</pre></li>" for lines in self._lines()
        )
        return f"<p><b>{escape(self.address)}</b></p><ol>{items}</ol>"

    def _repr_mimebundle_(self, **_kwargs: Any) -> dict[str, str]:
        return {"text/plain": self.as_text(), "text/html": self.as_html()}
