"""The one worker of a world: it takes what is due from all queues, in order, until nothing is due any more.

One message at a time, so that a run made twice is the same twice. What waits for a later time waits on the clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from labkit.hosts.relay import Round

if TYPE_CHECKING:
    from labkit.clock import Due, VirtualClock
    from labkit.hosts.mail_host import MailHost


class Worker:
    """See the module. All methods are called on the event loop."""

    def __init__(self, hosts: Callable[[], Iterable[MailHost]], clock: VirtualClock) -> None:
        self._hosts = hosts
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._alarms: dict[str, Due] = {}
        self._holds = 0
        self._ended = False

    @property
    def busy(self) -> bool:
        """Whether a delivery is under way."""
        return self._task is not None and not self._task.done()

    def wake(self) -> None:
        """There may be something to do."""
        if not self.busy and not self._holds and not self._ended:
            self._task = asyncio.get_running_loop().create_task(self._work())

    def hold(self) -> None:
        """Do nothing new until `release`; what is under way ends. May be called several times."""
        self._holds += 1

    def release(self) -> None:
        """The opposite of one `hold`."""
        self._holds = max(0, self._holds - 1)
        self.wake()

    async def settle(self) -> None:
        """Wait until nothing is under way."""
        while self._task is not None and not self._task.done():
            await asyncio.wait((self._task,))

    async def end(self) -> None:
        """Stop in the middle, for good; nothing stays open."""
        self._ended = True
        for alarm in self._alarms.values():
            alarm.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    async def _work(self) -> None:
        round_ = Round()
        try:
            host = self._next()
            while host is not None and not self._holds:
                item = host.queue.take()
                try:
                    await host.relay.attempt(item, round_)
                except Exception as error:  # our own fault: the message is kept all the same
                    host.fault(error)
                    host.queue.plan(item, self._clock.now() + host.queue.rule.first)
                host = self._next()
                if host is None:
                    await round_.end()  # the QUITs take a while, and more may come meanwhile
                    host = self._next()
            await round_.end()
        except asyncio.CancelledError:
            round_.drop()
            raise
        self._set_alarms()

    def _next(self) -> MailHost | None:
        """The host whose message comes first of all that are due now."""
        now = self._clock.now()
        first: tuple[float, int] | None = None
        chosen: MailHost | None = None
        for host in self._hosts():
            due = host.queue.next_due()
            if due is not None and due[0] <= now and host.running and (first is None or due < first):
                first, chosen = due, host
        return chosen

    def _set_alarms(self) -> None:
        """Have the clock wake this worker when a queue has something due."""
        for host in self._hosts():
            due = host.queue.next_due()
            alarm = self._alarms.get(host.name)
            wanted = due is not None and host.running
            if alarm is not None and not alarm.done and not alarm.cancelled:
                if wanted and due is not None and alarm.when == due[0]:
                    continue
                alarm.cancel()
            if wanted and due is not None:
                self._alarms[host.name] = self._clock.at(
                    due[0], self.wake, f"{host.name} tries its queue again"
                )
