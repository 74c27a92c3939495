"""Telling the sender what became of a message: failure, delay and success notices of one host (RFC 5321 section 6.1,
RFC 3461). Never about a message with a null reverse-path, and only to who wants it (NOTIFY)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from labkit.hosts import dsn

if TYPE_CHECKING:
    from labkit.hosts.mail_host import MailHost
    from labkit.hosts.queue import QueueItem, Recipient


class Notices:
    """The notices that one host writes."""

    def __init__(self, host: MailHost) -> None:
        self._host = host

    def failed(self, item: QueueItem, recipients: Sequence[Recipient], *, expired: bool) -> str:
        """These recipients will not be tried again. Returns a sentence about the notice, "" when there is none."""
        return self._tell(item, recipients, "failed", expired=expired)

    def delayed(self, item: QueueItem, recipients: Sequence[Recipient], until: float) -> None:
        """These recipients are still waited for, up to ``until``. Told only when DELAY was asked for, and once."""
        asked = [one for one in recipients if one.notify]
        for one in recipients:
            one.warned = True
        self._tell(item, asked, "delayed", until=until)

    def delivered(self, item: QueueItem, recipients: Sequence[Recipient]) -> None:
        """These recipients have it in their mailbox."""
        self._tell(item, recipients, "delivered")

    def relayed(self, item: QueueItem, recipients: Sequence[Recipient]) -> None:
        """Handed to a host that does not know DSN: nothing more will be heard (RFC 3461 section 5.2.2)."""
        self._tell(item, recipients, "relayed")

    def _tell(
        self,
        item: QueueItem,
        recipients: Sequence[Recipient],
        action: dsn.Action,
        *,
        expired: bool = False,
        until: float | None = None,
    ) -> str:
        sender = item.envelope.reverse_path
        wanting = [one for one in recipients if dsn.wanted(one.notify, action)]
        if not sender or not wanting:
            return ""
        host = self._host
        clock = host.clock
        fates = [
            dsn.Fate(
                one.address,
                action,
                self._status(one, action, expired),
                diagnostic=one.reply if action in ("failed", "delayed") and one.hop and _heard(one) else "",
                remote=one.hop if action in ("failed", "delayed", "relayed") else "",
                original=one.orcpt,
                reason=self._reason(one, action, expired),
                last_attempt=clock.datetime() if action in ("failed", "delayed") else None,
                retry_until=clock.start + timedelta(seconds=until) if until is not None else None,
            )
            for one in wanting
        ]
        queue_id = host.next_queue_id()
        message_id = f"<{queue_id}@{host.name}>"
        host.around.remember_notice(message_id, item.message_id)
        text = dsn.build(
            fates,
            host=host.name,
            sender=sender,
            original=item.message,
            now=clock.datetime(),
            message_id=message_id,
            arrived=clock.start + timedelta(seconds=item.arrived),
            envid=item.envelope.envid,
            ret=item.envelope.ret,
        )
        host.take_notice(queue_id, sender, text, message_id)
        told = f"A notice goes to {sender} as {queue_id}."
        host.note(item.queue_id, f"{action}: {told}")
        return told

    def _status(self, recipient: Recipient, action: dsn.Action, expired: bool) -> str:
        if action in ("delivered", "relayed"):
            return "2.0.0"
        if expired:
            return "4.4.7"  # delivery time expired (RFC 3463 section 3.5)
        reply = recipient.verdict.reply if recipient.verdict is not None else None
        return dsn.status_of_reply(reply) if reply is not None else "4.4.1"

    def _reason(self, recipient: Recipient, action: dsn.Action, expired: bool) -> str:
        if expired:
            age = timedelta(seconds=self._host.queue.rule.give_up_after)
            last = "" if _heard(recipient) else f" The last time: {recipient.reply}."
            return f"It has been tried for {_days(age)}, and nobody took it.{last}"
        if action in ("failed", "delayed") and not (recipient.hop and _heard(recipient)):
            return recipient.reply
        return ""


def _heard(recipient: Recipient) -> bool:
    """Whether the last try ended in a reply: only that is a Diagnostic-Code (RFC 3464 section 2.3.6)."""
    return recipient.verdict is not None and recipient.verdict.reply is not None


def _days(age: timedelta) -> str:
    if age.days and not age.seconds:
        return f"{age.days} day{'' if age.days == 1 else 's'}"
    hours = age.total_seconds() / 3600
    return f"{hours:g} hours"
