"""What a retry timeline tells, as plain data: the tries of one message on an axis of time, and who answers for it now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from labkit.hosts.movement import Movement
from labkit.hosts.queue import QueueItem, RetryRule
from labkit.view.map_story import Layout, Step, Story, moment, people, span
from labkit.view.printable import printable_text, shortened
from labkit.world import World

BEND = 1 / 3
"""The axis is bent by this power: the first hours, in which most happens, get more room than the last days."""
TICKS = (1800, 7200, 28_800, 86_400, 172_800, 345_600, 604_800, 1_209_600, 2_592_000)
GHOSTS = 60
"""Planned tries that are drawn."""
PASSING = frozenset({"submitted", "accepted"})
"""On the way on: no mark of their own, where something that decides happened at the same time."""
Picture = dict[str, Any]


def picture(world: World, places: Layout, message_id: str) -> Picture:
    """One message: its steps as rows, marks and gaps on the axis, what is planned, and who answers for it."""
    trail = world.trail(message_id)
    times = {movement.seq: movement.time for movement in trail}
    steps = Story(places, world.clock.start).steps(trail)
    start = trail[0].time
    keeper = _keeper(world, message_id)
    last = max(times.values())
    end = keeper[1].arrived + keeper[0].give_up_after if keeper is not None else start
    waiting = keeper[1] if keeper is not None and keeper[1].next_try is not None else None
    scale = Scale(start, max(end, last, start + 1.0))
    marks = _marks(steps, times, scale)
    planned = _planned(waiting, keeper[0], end) if waiting is not None and keeper is not None else []
    clock = world.clock
    return {
        "rows": steps,
        "marks": marks,
        "gaps": [
            {"x": (a["x"] + b["x"]) / 2, "wide": b["x"] - a["x"], "text": span(b["time"] - a["time"])}
            for a, b in pairwise(marks)
        ],
        "planned": [
            {"x": scale(when), "text": f"planned: {moment(clock.start, when)}"} for when in planned[:GHOSTS]
        ],
        "ticks": [
            {"x": scale(start + tick), "text": span(tick)} for tick in TICKS if start + tick <= scale.end
        ],
        "limit": {"x": scale(end), "text": f"{_giving_up(trail, waiting)} {moment(clock.start, end)}"}
        if keeper
        else None,
        "now": {"x": scale(min(clock.now(), scale.end)), "text": moment(clock.start, clock.now())},
        "owner": _owner(world, trail, waiting),
    }


class Scale:
    """Places on the axis, 0 to 1, for times of the world's clock."""

    def __init__(self, start: float, end: float) -> None:
        self.start, self.end = start, end

    def __call__(self, when: float) -> float:
        """The place of a time; what lies outside stands at the edge."""
        part = (when - self.start) / (self.end - self.start)
        return float(round(min(1.0, max(0.0, part)) ** BEND, 4))


def _giving_up(trail: Iterable[Movement], waiting: QueueItem | None) -> str:
    """The word for the end of the axis: still ahead, come, or never to come."""
    if any(movement.kind == "expired" for movement in trail):
        return "gave up"
    return "gives up" if waiting is not None else "would have given up"


def _keeper(world: World, message_id: str) -> tuple[RetryRule, QueueItem] | None:
    """The rule and the queue item of the host that tried longest; None when no host had to wait with it."""
    found = [
        (host.queue.rule, item)
        for host in world.hosts
        for item in (*host.queue.items, *host.queue.finished)
        if item.message_id == message_id and (item.tries > 1 or item.next_try is not None)
    ]
    return max(found, key=lambda one: (one[1].next_try is not None, one[1].tries), default=None)


def _planned(item: QueueItem, rule: RetryRule, end: float) -> list[float]:
    """The tries to come, if none of them succeeds."""
    when, tries, planned = item.next_try, item.tries, list[float]()
    while when is not None and len(planned) < GHOSTS:
        planned.append(when)
        tries += 1
        when = min(when + rule.wait(tries), end) if when < end else None
    return planned


def _marks(steps: Sequence[Step], times: dict[int, float], scale: Scale) -> list[dict[str, Any]]:
    """One place on the axis for each time at which something happened, with what decided there."""
    at: dict[float, list[Step]] = {}
    for step in steps:
        at.setdefault(times[step["n"]], []).append(step)
    return [
        {
            "x": scale(when),
            "time": when,
            "steps": [
                {key: step[key] for key in ("n", "tone", "mark", "notice")}
                for step in ([one for one in group if one["kind"] not in PASSING] or group[-1:])
            ],
        }
        for when, group in at.items()
    ]


def _owner(world: World, trail: Sequence[Movement], waiting: QueueItem | None) -> dict[str, str]:
    """Who answers for the message now, in a word and a sentence."""
    clock = world.clock
    own = [movement for movement in trail if not movement.about]
    stored = [movement for movement in own if movement.kind == "stored"]
    if waiting is not None and waiting.next_try is not None:
        host = next((one.name for one in world.hosts if waiting in one.queue.items), own[-1].host)
        return {
            "tone": "4",
            "who": host,
            "text": f"It waits in the queue there. Next try: {moment(clock.start, waiting.next_try)}, "
            f"in {span(waiting.next_try - clock.now())}."
            + (" A copy has reached a mailbox already; this queue does not know." if stored else ""),
        }
    ended = [movement for movement in own if movement.kind in ("expired", "bounced", "looped")]
    told = [movement for movement in trail if movement.about and movement.kind == "stored"]
    if ended and told:
        whom = people(told[-1].recipients)
        return {"tone": "5", "who": "nobody", "text": f"{ended[-1].host} gave up, and {whom} has a notice."}
    if ended:
        return {
            "tone": "5",
            "who": "nobody",
            "text": f"{ended[-1].host} gave up. {shortened(printable_text(ended[-1].why), 200)[0]}",
        }
    if stored:
        whom = people(tuple(dict.fromkeys(name for movement in stored for name in movement.recipients)))
        lies = "It lies" if len(stored) == 1 else f"{len(stored)} copies of it lie"
        return {"tone": "2", "who": stored[-1].host, "text": f"{lies} in the mailbox of {whom}."}
    return {"tone": "3", "who": own[-1].to or own[-1].host, "text": "It is on its way."}
