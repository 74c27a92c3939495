"""One mail transaction with a next hop: MAIL to the reply after the final dot, for one message and many recipients."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from labkit.frozen import dataclass
from labkit.hosts.outgoing import HopFailed, Outgoing
from labkit.hosts.queue import QueueItem, Recipient, Result
from labkit.message import END_OF_TEXT, stuff_dots
from labkit.smtp.reply import Reply

LOST = "the connection ended between the final dot and the reply: it may have been taken or not"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of some recipients in one try."""

    result: Result
    reply: Reply | None
    """The reply that decided; None when there was none."""
    why: str
    """One sentence."""

    @property
    def said(self) -> str:
        """The reply, or what happened instead of one."""
        return str(self.reply) if self.reply is not None else self.why

    @property
    def elsewhere(self) -> bool:
        """Whether another next hop may still take it: not after a final answer, and not while it may have been taken
        already (trying elsewhere would double it)."""
        return self.result == "deferred"

    @property
    def loops(self) -> bool:
        """Whether the message goes in circles (RFC 3463, X.4.6)."""
        return self.result == "refused" and self.reply is not None and self.reply.enhanced_code == "5.4.6"


Verdicts = list[tuple[Verdict, list[Recipient]]]


async def hand_over(
    session: Outgoing, item: QueueItem, recipients: Sequence[Recipient], *, in_groups: bool = False
) -> tuple[Verdicts, list[Recipient]]:
    """One transaction. Returns the verdicts, and the recipients that this one had no room for (452 4.5.3, RFC 5321
    section 4.5.3.1.10; LIMITS, RFC 9422): they go into another transaction at once.

    ``in_groups``: say MAIL, each RCPT and DATA in one go, to a server that offers PIPELINING. No verdict at all means
    that the session had ended before MAIL was answered, or may name no further domain: another session is needed.
    """
    work = _Transaction(session, item, ahead=in_groups and "PIPELINING" in session.keywords)
    refusal = work.unfit(recipients)
    if refusal is not None:
        return [(refusal, list(recipients))], []
    rest = await work.run(recipients)
    return work.verdicts, rest


class _Transaction:
    def __init__(self, session: Outgoing, item: QueueItem, *, ahead: bool) -> None:
        self._session = session
        self._item = item
        self._ahead = ahead
        self.verdicts: Verdicts = []
        self._eight_bit = not item.message.isascii()

    def unfit(self, recipients: Sequence[Recipient]) -> Verdict | None:
        """Why this hop cannot take the message, known before a word is said."""
        offered, item, name = self._session.keywords, self._item, self._session.name
        limit = offered.get("SIZE", "")
        if limit.isascii() and limit.isdigit() and 0 < int(limit) < len(item.message):
            return _own(
                552, "5.3.4", f"{name} takes {limit} octets at most, the message has {len(item.message)}"
            )
        needs_utf8 = item.envelope.smtputf8 or not all(one.address.isascii() for one in recipients)
        if needs_utf8 and "SMTPUTF8" not in offered:
            return _own(
                550, "5.6.7", f"{name} does not offer SMTPUTF8, and an address or the header needs it"
            )
        if self._eight_bit and "8BITMIME" not in offered:
            return _own(554, "5.6.3", f"{name} does not offer 8BITMIME, and the message has octets above 127")
        return None

    async def run(self, recipients: Sequence[Recipient]) -> list[Recipient]:
        """MAIL to the end; the recipients that were left over."""
        session = self._session
        named, rest = self._fitting(recipients)
        if not named:
            await session.quit()
            return rest
        try:
            reply = await self._begin(named)
        except HopFailed as failure:
            if session.carried == 0:
                self._add(_later(failure), list(recipients))
            return [] if session.carried == 0 else list(recipients)
        if reply.severity != 2:
            if reply.code == 421 and session.carried:
                return list(recipients)
            self._add(_by_reply(reply), list(recipients))
            if self._ahead:
                await self._leave(len(named))
            return []
        accepted: list[Recipient] = []
        over: list[Recipient] = []
        for place, recipient in enumerate(named):
            try:
                reply = await self._ask(self._rcpt_line(recipient))
            except HopFailed as failure:
                self._add(_later(failure), [*accepted, *named[place:]])
                return over + rest
            if reply.severity == 2:
                accepted.append(recipient)
            elif accepted and _too_many(reply):
                over += [recipient] if self._ahead else named[place:]
                if not self._ahead:
                    break
            else:
                self._add(_later_if_full(reply), [recipient])
        if accepted:
            await self._text(accepted)
        else:
            await self._leave(0)
        return over + rest

    def _fitting(self, recipients: Sequence[Recipient]) -> tuple[list[Recipient], list[Recipient]]:
        """Those that this transaction has room for by what the server announced (RFC 9422 section 4), and the rest."""
        most = self._session.limit("RCPTMAX") or len(recipients)
        domains, most_domains = self._session.domains, self._session.limit("RCPTDOMAINMAX")
        named: list[Recipient] = []
        rest: list[Recipient] = []
        for recipient in recipients:
            domain = recipient.address.rpartition("@")[2].lower()
            known = domain in domains or most_domains is None or len(domains) < most_domains
            if len(named) < most and known:
                domains.add(domain)
                named.append(recipient)
            else:
                rest.append(recipient)
        return named, rest

    async def _begin(self, named: Sequence[Recipient]) -> Reply:
        """The reply to MAIL; in a group all that follows up to DATA has been said too (RFC 2920 section 3.1)."""
        if not self._ahead:
            return await self._session.ask(self._mail_line())
        await self._session.send(self._mail_line(), *map(self._rcpt_line, named), "DATA")
        return await self._session.reply()

    async def _ask(self, line: str) -> Reply:
        """The reply to a command that is said now, or was said in the group."""
        return await (self._session.reply() if self._ahead else self._session.ask(line))

    async def _text(self, accepted: list[Recipient]) -> None:
        session = self._session
        try:
            reply = await self._ask("DATA")
        except HopFailed as failure:
            self._add(_later(failure), accepted)
            return
        if reply.code != 354:
            self._add(_by_reply(reply), accepted)
            await self._reset()
            return
        try:
            reply = await session.ask(stuff_dots(self._item.message) + END_OF_TEXT)
        except HopFailed as failure:
            if failure.reply is not None:  # a last word, 421: it was not taken (RFC 5321 section 3.8)
                self._add(_later(failure), accepted)
            else:
                self._add(Verdict("lost", None, f"{LOST} ({failure.why})"), accepted)
            return
        self._add(_by_reply(reply), accepted)

    async def _leave(self, owed: int) -> None:
        """Go on without a text. In a group the replies to ``owed`` RCPT and to DATA are still to be read, and a DATA that
        was taken all the same is ended by a dot alone (RFC 2920 section 3.1)."""
        try:
            if self._ahead:
                for _ in range(owed + 1):
                    reply = await self._session.reply()
                if reply.code == 354:
                    await self._session.ask(END_OF_TEXT)
        except HopFailed:
            return
        await self._reset()

    async def _reset(self) -> None:
        """Leave the transaction, so that the session can serve the next message."""
        if self._session.usable:
            with contextlib.suppress(HopFailed):
                await self._session.ask("RSET")

    def _add(self, verdict: Verdict, recipients: list[Recipient]) -> None:
        """Recipients with the same reply are one case."""
        for other, concerned in self.verdicts:
            if other == verdict:
                concerned += recipients
                return
        self.verdicts.append((verdict, list(recipients)))

    def _mail_line(self) -> str:
        offered, item = self._session.keywords, self._item
        envelope = item.envelope
        line = f"MAIL FROM:<{envelope.reverse_path}>"
        if "SIZE" in offered:
            line += f" SIZE={len(item.message)}"
        if "8BITMIME" in offered and (self._eight_bit or envelope.body == "8BITMIME"):
            line += " BODY=8BITMIME"
        if "SMTPUTF8" in offered and envelope.smtputf8:
            line += " SMTPUTF8"
        if "DSN" in offered:
            line += f" RET={envelope.ret}" if envelope.ret else ""
            line += f" ENVID={envelope.envid}" if envelope.envid else ""
        return line

    def _rcpt_line(self, recipient: Recipient) -> str:
        line = f"RCPT TO:<{recipient.address}>"
        if "DSN" in self._session.keywords:
            line += f" NOTIFY={recipient.notify}" if recipient.notify else ""
            line += f" ORCPT={recipient.orcpt}" if recipient.orcpt else ""
        return line


def _own(code: int, enhanced: str, why: str) -> Verdict:
    return Verdict("refused", Reply(code, enhanced, (why,)), why)


def _later(failure: HopFailed) -> Verdict:
    return Verdict("deferred", failure.reply, failure.why)


def _by_reply(reply: Reply) -> Verdict:
    if reply.severity == 2:
        return Verdict("delivered", reply, "The next hop has taken responsibility.")
    if reply.severity == 5:
        return Verdict("refused", reply, "The next hop said no, and would say so again.")
    return Verdict("deferred", reply, "The next hop said: not now.")


def _later_if_full(reply: Reply) -> Verdict:
    """For a reply to RCPT: a 552 that means "too many" is a temporary one."""
    return Verdict("deferred", reply, "The next hop said: not now.") if _too_many(reply) else _by_reply(reply)


def _too_many(reply: Reply) -> bool:
    """Whether a reply to RCPT means "no more recipients in this transaction": 452, and 552 from those who follow RFC 821
    (RFC 5321 section 4.5.3.1.10), unless the enhanced code says something else."""
    if reply.code == 452:
        return reply.enhanced_code in (None, "4.5.3")
    return reply.code == 552 and reply.enhanced_code in (None, "5.5.3")
