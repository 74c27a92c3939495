"""One message for 1,100 people, really sent at a click: what each host heard, counted while it happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import traitlets

from labkit.hosts.movement import Movement
from labkit.smtp.transcript import WireEvent
from labkit.transport.loop_thread import loop_thread
from labkit.view.cards_static import el, kids
from labkit.view.kernel_loop import remember_main_loop
from labkit.view.news import News
from labkit.view.widget import LabWidget, asset
from labkit.world import AsyncWorld, WorldSpec, chain
from labkit.world.chain import ZONES
from labkit.world.core import TransportName

if TYPE_CHECKING:
    from labkit.hosts.tap import ServerSession

__all__ = ["MailingView", "Tally", "letter", "run_mailing", "spec"]

LIMIT = 100
"""Recipients that mx1.receiver.example takes in one transaction: what every server has to take (RFC 5321 section
4.5.3.1.8)."""
HOSTS = (
    "submit.sender.example",
    "relay.sender.example",
    "mx1.receiver.example",
    "mail.second.example",
    "mail.third.example",
)
HEADS = ("host", "MAIL", "RCPT", "accepted", "put off (452)", "messages taken")
_MORE_ZONES = """
$ORIGIN second.example.
@         MX   10 mail
mail      A    203.0.113.10

$ORIGIN third.example.
@         MX   10 mail
mail      A    203.0.113.20
"""


def _names(domain: str, first: int, last: int) -> list[str]:
    return [f"reader{number}@{domain}" for number in range(first, last + 1)]


TO = _names("receiver.example", 1, 300) + _names("second.example", 1, 200)
CC = _names("second.example", 201, 400) + _names("third.example", 1, 300)
BCC = _names("receiver.example", 301, 400)
EVERYBODY = (*TO, *CC, *BCC)


def spec() -> WorldSpec:
    """The chain with readers, and two more organisations."""

    def readers(domain: str) -> tuple[str, ...]:
        return tuple(name.partition("@")[0] for name in EVERYBODY if name.endswith(f"@{domain}"))

    return chain(
        zones=ZONES + _MORE_ZONES,
        hosts={
            "mx1.receiver.example": {"knows": (), "recipient_limit": LIMIT},
            "store.receiver.example": {"mailboxes": readers("receiver.example")},
            "mail.second.example": {"mailboxes": readers("second.example")},
            "mail.third.example": {"mailboxes": readers("third.example")},
        },
    )


@cache
def letter() -> bytes:
    """The message: 500 addresses in To, 500 in Cc, and none of the 100 in Bcc."""
    fields = (f"{name}: " + ",\r\n ".join(people) for name, people in (("To", TO), ("Cc", CC)))
    rest = (
        "From: alice@sender.example",
        *fields,
        "Subject: News",
        "Message-ID: <news@sender.example>",
        "",
        "Read on.",
    )
    return ("\r\n".join(rest) + "\r\n").encode()  # fmt: skip


@dataclass
class Tally:
    """What was counted so far, per host of `HOSTS`."""

    counts: dict[str, dict[str, int]] = field(
        default_factory=lambda: {name: dict.fromkeys(HEADS[1:], 0) for name in HOSTS}
    )
    stored: int = 0
    seconds: float = 0.0
    done: bool = False
    trouble: str = ""

    def hear(self, host: str) -> Callable[[ServerSession, WireEvent], None]:
        """What counts the lines that come to a host."""
        counts = self.counts[host]

        def heard(_session: ServerSession, event: WireEvent) -> None:
            verb = event.data[:4]
            if event.sender == "C" and verb in (b"MAIL", b"RCPT"):
                counts[verb.decode()] += 1
            elif event.sender == "S" and event.data.startswith(b"250 2.1.5"):
                counts["accepted"] += 1
            elif event.sender == "S" and verb == b"452 ":
                counts["put off (452)"] += 1
            elif event.sender == "S" and event.data.startswith(b"250 2.0.0"):
                counts["messages taken"] += 1

        return heard

    def move(self, movement: Movement) -> None:
        """Count the copies that lie in mailboxes."""
        if movement.kind == "stored":
            self.stored += len(movement.recipients)

    @property
    def rows(self) -> list[list[str]]:
        """A row of text per host."""
        return [[host, *(f"{count:,}" for count in counts.values())] for host, counts in self.counts.items()]


async def run_mailing(
    tally: Tally, news: Callable[[], object] = lambda: None, transport: TransportName = "loopback"
) -> None:
    """Send it in a world of its own, and count."""
    loop = loop_thread().loop
    async with AsyncWorld(spec(), transport=transport) as world:
        began = loop.time()

        def moved(movement: Movement) -> None:
            tally.move(movement)
            news()

        world.on_movement(moved)
        for name in HOSTS:
            hear = tally.hear(name)

            def heard(session: ServerSession, event: WireEvent, hear: Any = hear) -> None:
                hear(session, event)
                news()

            world.host(name).on_event(heard)
        await world.submit(letter(), sender="alice@sender.example", recipients=EVERYBODY, exact=True)
        await world.settle()
        tally.seconds = loop.time() - began
    tally.done = True
    news()


class MailingView(LabWidget):
    """The button, how far it is, and the table. Without a page: the counts of the same mailing, without its seconds."""

    _esm = traitlets.Unicode(asset("common.js", "mailing.js")).tag(sync=True)
    _css = traitlets.Unicode(asset("theme.css", "mailing.css")).tag(sync=True)
    facts = traitlets.Dict().tag(sync=True)

    def __init__(self) -> None:
        remember_main_loop()
        super().__init__(
            facts={
                "title": "One letter: 500 in To, 500 in Cc, 100 in Bcc",
                "heads": list(HEADS),
                "all": len(EVERYBODY),
            }
        )
        self._tally: Tally | None = None
        self._recorded: Tally | None = None
        self._news = News(lambda: self.post(self._state))

    def on_hello(self, message: dict[str, Any]) -> None:
        """A page has just drawn this widget."""
        self.answer(message, self._state())

    def on_send(self, _message: dict[str, Any]) -> None:
        """The learner pressed Send."""
        if self._tally is None or self._tally.done:
            self._tally = tally = Tally()
            loop_thread().spawn(lambda: self._run(tally))

    async def _run(self, tally: Tally) -> None:
        try:
            await run_mailing(tally, self._news)
        except Exception as error:
            tally.done, tally.trouble = True, f"It broke off ({type(error).__name__}: {error})."
            self._news()

    def _state(self) -> dict[str, Any]:
        tally = self._tally
        if tally is None:
            return {"op": "state", "rows": [], "stored": 0, "heard": 0, "busy": False, "says": ""}
        says = tally.trouble
        if tally.done and not says:
            says = f"{tally.stored:,} copies in {tally.seconds:.1f} s on this computer."
        return {
            "op": "state",
            "rows": tally.rows,
            "stored": tally.stored,
            "heard": tally.counts[HOSTS[0]]["accepted"],
            "busy": not tally.done,
            "says": says,
        }

    def close(self) -> None:
        """Leave the page."""
        self._news.end()
        super().close()

    def _told(self) -> Tally:
        if self._tally is not None and self._tally.done:
            return self._tally
        if self._recorded is None:
            self._recorded = Tally()
            recorded = self._recorded
            loop_thread().run(lambda: run_mailing(recorded, transport="memory"), 60)
        return self._recorded

    def as_text(self) -> str:
        """The counts, a line per host."""
        tally = self._told()
        rows = "\n".join("  |  ".join(row) for row in (HEADS, *tally.rows))
        return f"{self.facts['title']}\n{rows}\n{tally.stored:,} copies lie in mailboxes."

    def as_html(self) -> str:
        """The counts as a table."""
        tally = self._told()
        head = el("tr", *(el("th", name, style=_CELL) for name in HEADS))
        body = [el("tr", *(el("td", cell, style=_CELL) for cell in row)) for row in tally.rows]
        table = el("table", el("thead", head), el("tbody", *body))
        said = f"{tally.stored:,} copies lie in mailboxes."
        return str(kids(el("p", el("b", str(self.facts["title"]))), table, el("p", said)))


_CELL = "text-align:left"
