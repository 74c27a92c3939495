"""The connection's half of faults: where a session is held up, cut off, or answered in the host's place."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

from labkit.hosts.answers import Answer
from labkit.hosts.tap import Tap

if TYPE_CHECKING:
    from labkit.hosts.policy import LabEnvelope, MailPolicy
    from labkit.hosts.smtpd import LabSMTP

CLOSING = frozenset({421, 521})
"""Replies after which a server hangs up (RFC 5321 section 3.8, RFC 7504 section 3)."""

Method = Callable[[str | None], Awaitable[Any]]


class Interruptible(Tap):
    """A connection that asks the faults of its host; a part of `labkit.hosts.smtpd.LabSMTP`."""

    policy: MailPolicy
    _greeted = False

    @property
    def _whole(self) -> LabSMTP:
        """This connection, by the class that has all its parts."""
        return cast("LabSMTP", self)

    async def push(self, status: Answer | str | bytes | None) -> None:
        """Send one reply; hang up with those that end a connection. The first one is the greeting."""
        if not self._greeted:
            self._greeted = True
            await self._hold("connect")
            status = self.policy.faults.greet(self._whole) or status
            await self._say(status)
            await self._hold("greeting")
        else:
            await self._say(status)

    async def _say(self, status: Answer | str | bytes | None) -> None:
        if isinstance(status, Answer) and status.code in CLOSING:
            self.hang_up(status)
            raise asyncio.CancelledError  # nothing more is read
        await super().push(status)

    def interruptible(self, verb: str, method: Method) -> Method:
        """The method that serves a command, with the faults before it."""
        if not len(self.policy.faults):
            return method

        async def serve(argument: str | None) -> None:
            await self._hold(verb)
            answer = self.policy.faults.command(self._whole, verb, argument or "")
            if answer is not None:
                await self.push(answer)
            else:
                await method(argument)

        return serve

    async def finish(self, envelope: LabEnvelope, text: bytes) -> Answer:
        """The answer after the final dot."""
        await self._hold("text")
        answer = self.policy.faults.message(self._whole, envelope, text)
        if answer is None:
            answer = self.policy.deliver(self._whole, envelope, text)
            await self._hold("accepted")
        return answer

    async def _hold(self, stage: str) -> None:
        """Be silent here for a while, and perhaps break off."""
        if not len(self.policy.faults):
            return
        if (seconds := self.policy.faults.delay(self._whole, stage)) > 0:
            await asyncio.sleep(seconds)
        if self.policy.faults.cut(self._whole, stage):
            self.break_off()
            raise asyncio.CancelledError

    def break_off(self) -> None:
        """Drop the connection at once, without waiting for anything to be sent."""
        raise NotImplementedError
