"""Handing messages on: one try of one message from a host's queue, and what follows from it (RFC 5321 sections 4.5.4.1,
5.1, 6.1).

A try goes to each next hop that its recipients need, one transaction for all recipients of a hop, and to the next MX
host when one cannot be reached or says 4yz. What is refused for good is reported to the sender; the rest waits.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from labkit.frozen import dataclass
from labkit.hosts.notices import Notices
from labkit.hosts.outgoing import HopFailed, Outgoing
from labkit.hosts.queue import Attempt, QueueItem, Recipient
from labkit.hosts.routing import NextHop, Route, fixed_route, route
from labkit.hosts.transaction import Verdict, hand_over
from labkit.smtp.reply import Reply

if TYPE_CHECKING:
    from labkit.auth.mta_sts import Policy
    from labkit.hosts.mail_host import MailHost
    from labkit.hosts.movement import Kind
    from labkit.hosts.sts import StsDesk
    from labkit.hosts.tls import TlsUse

PORT = 25
SESSION_LIMIT = 1000
"""Messages in one session; then a new one is made, so that no session grows for ever."""


_Place = tuple[str, str, int, str]
"""From which host, to which address and port, under what protection."""


@dataclass(frozen=True)
class Way:
    """Where some recipients' mail is to go, and how it is to be protected."""

    route: Route
    port: int
    policy: Policy | None
    """The MTA-STS policy of their domain, where the host asks for it."""


class Round:
    """What one round of deliveries remembers, from the moment that something is due until nothing is: routes, open
    sessions, and next hops that did not answer (RFC 5321 section 4.5.4.1 wants those remembered)."""

    def __init__(self) -> None:
        self.routes: dict[tuple[str, str], Route] = {}
        self.silent: dict[_Place, HopFailed] = {}
        self._sessions: dict[_Place, Outgoing] = {}

    async def session(self, host: MailHost, hop: NextHop, port: int, tls: TlsUse) -> Outgoing:
        """An open session from ``host`` to the hop, an older one if there is one. Raises `HopFailed`.

        Where TLS may be missing and its handshake fails, the session is one in clear (RFC 7435).
        """
        place = (host.name, hop.address, port, tls)
        session = self._sessions.get(place)
        if session is not None:
            most = min(SESSION_LIMIT, session.limit("MAILMAX") or SESSION_LIMIT)
            if session.usable and session.carried < most and session.hop.host == hop.host:
                return session
            del self._sessions[place]
            await session.quit()
        failure = self.silent.get(place)
        if failure is not None:
            raise HopFailed(failure.why, failure.reply)
        try:
            session = await self._opened(host, hop, port, tls)
        except HopFailed as failed:
            self.silent[place] = HopFailed(failed.why, failed.reply, failed.tls)  # without what led here
            raise
        self._sessions[place] = session
        return session

    async def _opened(self, host: MailHost, hop: NextHop, port: int, tls: TlsUse) -> Outgoing:
        session = Outgoing(hop, port, tls=tls, patience=host.spec.patience)
        try:
            await session.open(host.around, host.name)
        except HopFailed as failed:
            if tls != "may" or not failed.tls:
                raise
            host.note("", f"{failed.why} The mail goes in clear.")
            session = Outgoing(hop, port, patience=host.spec.patience)
            session.without_tls = failed.why
            await session.open(host.around, host.name)
        return session

    def all_silent(
        self, host: MailHost, hops: Sequence[NextHop], port: int, tls: TlsUse
    ) -> tuple[NextHop, HopFailed] | None:
        """The last of these hops and its failure, when none of them has answered in this round; else None."""
        failures = [self.silent.get((host.name, hop.address, port, tls)) for hop in hops]
        last = failures[-1]
        return (hops[-1], last) if last is not None and None not in failures else None

    async def end(self) -> None:
        """Say QUIT in every session, and forget everything."""
        sessions = tuple(self._sessions.values())
        self._sessions.clear()
        self.routes.clear()
        self.silent.clear()
        for session in sessions:
            await session.quit()

    def drop(self) -> None:
        """Break off every session."""
        for session in self._sessions.values():
            session.hang_up()


class Relay:
    """The outgoing half of one host."""

    def __init__(self, host: MailHost) -> None:
        self._host = host
        self._notices = Notices(host)
        self._final = frozenset(host.spec.all_domains())

    @cached_property
    def sts(self) -> StsDesk:
        """Its MTA-STS; made when it is first needed."""
        from labkit.hosts.sts import StsDesk

        return StsDesk(self._host)

    async def attempt(self, item: QueueItem, round_: Round) -> None:
        """Try one message once. Never raises for anything that a next hop does."""
        item.tries += 1
        for recipient in item.waiting:
            if _domain(recipient) in self._final:  # a notice to a sender who is not there, for example
                reply = Reply(550, "5.1.1", (f"No mailbox <{recipient.address}> here",))
                self._note(item, None, None, Verdict("refused", reply, "Its domain ends here."), [recipient])
        away = [recipient for recipient in item.waiting if _domain(recipient) not in self._final]
        for way, recipients in await self._ways(away, round_):
            if way.route.outcome == "hops":
                await self._along(item, way, recipients, round_)
            else:
                self._note(item, None, None, _no_way(way.route), recipients)
        self._conclude(item)

    # where to

    async def _ways(
        self, recipients: Iterable[Recipient], round_: Round
    ) -> list[tuple[Way, list[Recipient]]]:
        """The routes of these recipients; those with the same next hops, and the same policy, go together."""
        ways: dict[tuple[object, ...], tuple[Way, list[Recipient]]] = {}
        policies: dict[str, Policy | None] = {}
        for recipient in recipients:
            domain = _domain(recipient)
            goal = self._goal(domain)
            name, _, port = goal.partition(":")
            place = (self._host.name, goal or domain)
            way = round_.routes.get(place)
            if way is None:
                dns = self._host.around.zones.as_asked_by(self._host.name, f"to route mail for {domain}")
                way = fixed_route(name, dns) if goal else route(domain, dns, self._host.own_names)
                round_.routes[place] = way
            if domain not in policies:
                asks = self._host.spec.mta_sts and not goal and way.outcome == "hops"
                policies[domain] = await self.sts.policy(domain) if asks else None
            policy = policies[domain]
            key = (way.hops, way.why if not way.hops else "", port, policy)
            ways.setdefault(key, (Way(way, int(port or PORT), policy), []))[1].append(recipient)
        return list(ways.values())

    def _goal(self, domain: str) -> str:
        """The host that mail for a domain goes to by set-up, or "" where MX records say."""
        spec = self._host.spec
        faulty = self._host.faults.next_hop(domain)
        return faulty or self._host.next_hops.get(domain) or spec.smarthost

    def _order(self, item: QueueItem, hops: Sequence[NextHop]) -> list[NextHop]:
        """By preference, hosts of the same preference by chance (RFC 5321 section 5.1): the same for the same
        message, so that a run can be repeated."""
        if len({hop.preference for hop in hops}) == len({hop.host for hop in hops}):
            return list(hops)
        chance = random.Random(f"{item.queue_id}/{item.tries}")
        drawn = {hop.host: chance.random() for hop in hops}
        return sorted(hops, key=lambda hop: (hop.preference, drawn[hop.host]))

    # one way

    async def _along(self, item: QueueItem, way: Way, recipients: list[Recipient], round_: Round) -> None:
        """Try the next hops in order, until each recipient has an answer that is not "later"."""
        hops = way.route.hops
        silent = (
            round_.all_silent(self._host, hops, way.port, self._host.spec.tls) if way.policy is None else None
        )
        if silent is not None:  # another message has found that out in this round
            hop, failure = silent
            self._note(item, hop.host, None, _unreachable(failure), recipients)
            return
        left = recipients
        for hop in self._order(item, hops):
            left = await self._to_hop(item, hop, way, left, round_)
            if not left:
                return

    async def _session(self, hop: NextHop, way: Way, round_: Round) -> Outgoing:
        """A session with the hop, protected as the domain's policy or this host wants it. Raises `HopFailed`."""
        policy = way.policy
        if policy is None:
            return await round_.session(self._host, hop, way.port, self._host.spec.tls)
        verdict = self.sts.judge(policy, hop, None)
        if verdict.result == "pass":
            try:
                session = await round_.session(self._host, hop, way.port, "verify")
            except HopFailed as failed:
                if not failed.tls:
                    raise
                verdict = self.sts.judge(policy, hop, failed.tls)
            else:
                self.sts.judge(policy, hop, "")
                return session
        if verdict.properties["action"] == "do not deliver here":
            raise HopFailed(verdict.explanation)
        return await round_.session(self._host, hop, way.port, self._host.spec.tls)

    async def _to_hop(
        self, item: QueueItem, hop: NextHop, way: Way, recipients: list[Recipient], round_: Round
    ) -> list[Recipient]:
        """One next hop, in as many transactions as it wants. Returns those that another hop may still take."""
        left: list[Recipient] = []
        rest = recipients
        while rest:
            try:
                session = await self._session(hop, way, round_)
            except HopFailed as failure:
                self._note(item, hop.host, None, _unreachable(failure), rest)
                return left + rest
            verdicts, rest = await hand_over(session, item, rest, in_groups=self._host.spec.pipelines)
            if not verdicts:
                continue  # the session had ended while it waited: once more in a new one (RFC 5321 section 3.8)
            session.carried += 1
            for verdict, concerned in verdicts:
                self._note(item, session.name, session, verdict, concerned)
                if verdict.elsewhere:
                    left += concerned
        return left

    # what came of it

    def _note(
        self,
        item: QueueItem,
        hop: str | None,
        session: Outgoing | None,
        verdict: Verdict,
        recipients: Sequence[Recipient],
    ) -> None:
        host, said = self._host, verdict.said
        connection = session.connection if session is not None else None
        port = session.port if session is not None else None
        item.note(Attempt(host.clock.now(), hop or "", connection, said, verdict.result))
        for recipient in recipients:
            recipient.reply = said
            recipient.verdict = verdict
            recipient.hop = hop or ""
            if verdict.result == "delivered":
                recipient.status = "delivered"
        addresses = tuple(recipient.address for recipient in recipients)
        kind: Kind = "looped" if verdict.loops else verdict.result
        reply = str(verdict.reply) if verdict.reply is not None else ""
        host.around.movements.add(
            kind, host.name, hop or "", port, item.queue_id, item.message_id, addresses,
            connection=connection, reply=reply, why=verdict.why, about=item.about,
        )  # fmt: skip
        where = f", {hop}" if hop else ""
        if session is not None and session.protection:
            where += f" ({session.protection})"
        host.note(item.queue_id, f"{_WORDS[verdict.result]} {_many(addresses)}{where}: {said}")
        if verdict.result == "delivered" and session is not None and "DSN" not in session.keywords:
            self._notices.relayed(item, recipients)

    def _conclude(self, item: QueueItem) -> None:
        """After a try: report what is final, and plan the next try for what is not (RFC 5321 section 6.1)."""
        host = self._host
        now, rule = host.clock.now(), host.queue.rule
        refused = [one for one in item.waiting if one.verdict is not None and one.verdict.result == "refused"]
        if refused:
            self._give_up(item, refused, "bounced")
        waiting = item.waiting
        last = item.arrived + rule.give_up_after
        if waiting and now >= last:
            self._give_up(item, waiting, "expired")
            waiting = ()
        if not waiting:
            host.queue.remove(item)
            return
        if now - item.arrived >= rule.warn_after:
            self._notices.delayed(item, [one for one in waiting if not one.warned], last)
        host.queue.plan(item, min(now + rule.wait(item.tries), last))

    def _give_up(self, item: QueueItem, recipients: Sequence[Recipient], kind: Kind) -> None:
        host = self._host
        for recipient in recipients:
            recipient.status = "expired" if kind == "expired" else "bounced"
        told = self._notices.failed(item, recipients, expired=kind == "expired")
        last = recipients[0]
        addresses = tuple(recipient.address for recipient in recipients)
        why = told or "There is nobody to tell: the reverse-path is <> or the sender wants no notice."
        host.around.movements.add(
            kind, host.name, last.hop, None, item.queue_id, item.message_id, addresses,
            reply=last.reply, why=why, about=item.about,
        )  # fmt: skip
        verb = "given up after too long" if kind == "expired" else "returned to sender"
        host.note(item.queue_id, f"{verb}, {_many(addresses)}: {last.reply}. {why}")


_WORDS = {
    "delivered": "handed on for",
    "deferred": "kept for",
    "refused": "refused for",
    "lost": "unsure about",
}

_NO_WAY = {
    "null_mx": (556, "5.1.10"),  # RFC 7505 section 4.1
    "no_domain": (550, "5.1.2"),
    "no_address": (550, "5.4.4"),
    "loops_back": (554, "5.4.6"),
    "temporary": (451, "4.4.3"),
}
"""What a host says itself when there is nobody to ask (RFC 3463)."""


def _domain(recipient: Recipient) -> str:
    return recipient.address.rpartition("@")[2].lower()


def _unreachable(failure: HopFailed) -> Verdict:
    """There was no session. A 5yz in place of a greeting is a refusal (RFC 5321 section 3.1)."""
    refused = failure.reply is not None and failure.reply.severity == 5
    return Verdict("refused" if refused else "deferred", failure.reply, failure.why)


def _no_way(way: Route) -> Verdict:
    code, enhanced = _NO_WAY[way.outcome]
    return Verdict(
        "deferred" if way.outcome == "temporary" else "refused", Reply(code, enhanced, (way.why,)), way.why
    )


def _many(addresses: Sequence[str]) -> str:
    """The recipients as a log line names them."""
    return ", ".join(addresses) if len(addresses) <= 3 else f"{len(addresses)} recipients"
