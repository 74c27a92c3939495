"""What a map of the world tells, as plain data: who stands where, what happened to which message, what waits now.

`Layout` is read once from a world; `hop` turns one movement into the line and the arrow that show it. Nothing here knows a
page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from labkit.frozen import dataclass
from labkit.hosts.host_spec import HostSpec
from labkit.hosts.movement import Movement
from labkit.view.printable import printable_text, shortened
from labkit.world.spec import WorldSpec

JOBS: Mapping[str, tuple[str, str]] = {
    "author": ("MUA", "mail user agent: writes and reads"),
    "submission": ("MSA", "mail submission agent: takes mail in from people it knows"),
    "relay": ("MTA", "mail transfer agent: carries from server to server"),
    "mx": ("MTA", "mail transfer agent: takes mail in from the rest of the world"),
    "store": ("MDA", "mail delivery agent: files into mailboxes"),
}
"""Per role the name of its job and what that job is (RFC 5598 section 4)."""

COLUMNS = ("submission", "relay", "mx", "store")
TONES = {"submitted": "2", "accepted": "2", "delivered": "2", "stored": "2", "deferred": "4", "lost": "4"}
"""What a movement means, as the first digit of a reply would say it; what is not listed is final: 5."""
MARKS = {
    "deferred": "no answer",
    "lost": "cut off",
    "expired": "too old",
    "looped": "loop",
    "bounced": "gave up",
}
"""What stands on the arrow, or at the host, where no reply stands for it."""
Step = dict[str, Any]


@dataclass(frozen=True)
class Station:
    """One place of the map: a host by its name, or a person by their address."""

    id: str
    label: str
    roles: tuple[str, ...]
    ports: tuple[int, ...] = ()

    @property
    def is_person(self) -> bool:
        """Whether somebody sits here, not a server."""
        return self.roles == ("author",)

    @property
    def jobs(self) -> tuple[tuple[str, str], ...]:
        """What is done here, each job once, with its meaning."""
        return tuple({JOBS[role][0]: JOBS[role] for role in self.roles if role in JOBS}.values())

    def to_dict(self) -> dict[str, Any]:
        """For the page."""
        return {
            "id": self.id,
            "label": self.label,
            "person": self.is_person,
            "jobs": [list(job) for job in self.jobs],
            "ports": list(self.ports),
        }


@dataclass(frozen=True)
class Layout:
    """Regions from left to right, in each its stations in columns, and the ways that mail usually takes."""

    regions: tuple[tuple[str, tuple[tuple[Station, ...], ...]], ...]
    ways: tuple[tuple[str, str], ...]

    @property
    def stations(self) -> tuple[Station, ...]:
        """All stations, in reading order."""
        return tuple(station for _, columns in self.regions for column in columns for station in column)

    def find(self, name: str) -> Station | None:
        """The station of that name or address."""
        return next((station for station in self.stations if station.id.lower() == name.lower()), None)

    def writer(self, program: str) -> Station | None:
        """The person behind a program, which is known by the name it gave in EHLO: who is at home in that domain."""
        name = program.lower()
        homes = ((one, one.id.partition("@")[2].lower()) for one in self.stations if one.is_person)
        return next((one for one, home in homes if name == home or name.endswith(f".{home}")), None)

    def to_dict(self) -> dict[str, Any]:
        """For the page."""
        return {
            "regions": [
                {"name": name, "columns": [[one.to_dict() for one in column] for column in columns]}
                for name, columns in self.regions
            ],
            "ways": [list(way) for way in self.ways],
        }


def layout(spec: WorldSpec, people: Sequence[str] = ()) -> Layout:
    """Where everybody stands: a region for each organisation, a column for each role.

    People sit at the end of their region that mail enters or leaves by: left of a submission host, right of a store.
    """
    built, ways = [], list[tuple[str, str]]()
    regions = _regions(spec)
    for name, hosts in regions.items():
        columns = [[_station(host) for host in hosts if _column(host) == role] for role in COLUMNS]
        persons = [
            _person(address) for address in people if address.partition("@")[2].lower() == name.lower()
        ]
        doors = [host.name for host in hosts if "submission" in host.roles]
        if doors:
            columns = [persons, *columns]
            ways += [(person.id, door) for person in persons for door in doors]
        else:
            columns = [*columns, persons]
            stores = [host.name for host in hosts if "store" in host.roles]
            ways += [(store, person.id) for person in persons for store in stores]
        built.append((name, tuple(tuple(column) for column in columns if column)))
    for name, hosts in regions.items():
        for host in hosts:
            ways += [
                (host.name, goal.partition(":")[0])
                for goal in (host.smarthost, *host.next_hops.values())
                if goal
            ]
            if "relay" in host.roles and not host.smarthost:
                abroad = [other for far, others in regions.items() if far != name for other in others]
                ways += [(host.name, other.name) for other in abroad if "mx" in other.roles]
    return Layout(tuple(built), tuple(dict.fromkeys(ways)))


def _regions(spec: WorldSpec) -> dict[str, list[HostSpec]]:
    """The organisations and their hosts; hosts of no named organisation go by their domain."""
    regions: dict[str, list[HostSpec]] = {}
    for admd in spec.admds:
        for host in admd.hosts:
            regions.setdefault(admd.name or host.name.partition(".")[2], []).append(host)
    return regions


def _column(host: HostSpec) -> str:
    return next((role for role in COLUMNS if role in host.roles), COLUMNS[-1])


def _station(host: HostSpec) -> Station:
    return Station(host.name, host.name.partition(".")[0], tuple(host.roles), tuple(host.listeners))


def _person(address: str) -> Station:
    return Station(address, address.partition("@")[0].title(), ("author",))


def moment(start: datetime, seconds: float) -> str:
    """A time of the world's clock: the time of day, from the second day on with the day before it."""
    then = start + timedelta(seconds=seconds)
    day = "" if then.date() == start.date() else f"{then:%a} {then.day} {then:%b} "
    return f"{day}{then:%H:%M:%S}"


def span(seconds: float) -> str:
    """A length of time in words, its two largest units: ``30 min``, ``1 day 2 h``."""
    whole = max(0, round(seconds))
    days = whole // 86400
    parts = (
        (days, "day" if days == 1 else "days"),
        (whole // 3600 % 24, "h"),
        (whole // 60 % 60, "min"),
        (whole % 60, "s"),
    )
    return " ".join([f"{count} {unit}" for count, unit in parts if count][:2]) or "0 s"


class Story:
    """The movements of a world as steps that a map shows, in order.

    A hand-over is told once, by the host that took it; what the other one writes down about it says the same again.
    """

    def __init__(self, places: Layout, start: datetime) -> None:
        self._places, self._start = places, start

    def steps(self, movements: Sequence[Movement]) -> list[Step]:
        """The steps that these movements make."""
        ordered = list(movements)
        for index in range(len(ordered) - 1):
            first, then = ordered[index], ordered[index + 1]
            if (
                then.kind in ("bounced", "expired")
                and first.about == then.message_id
                and first.connection is None
            ):
                ordered[index : index + 2] = [then, first]  # it gives up, and so it writes a notice
        return [self._told(movement) for movement in ordered if movement.kind != "delivered"]

    def _told(self, movement: Movement) -> Step:
        host, to = _shown(movement.host), _shown(movement.to)
        whom = people(movement.recipients)
        match movement.kind:
            case "submitted":
                writer = self._places.writer(movement.host)
                name = f"{writer.label}'s program" if writer else host
                start = writer.id if writer else movement.host
                return self._step(movement, start, movement.to, f"{name} handed it to {to}")
            case "accepted":
                return self._step(movement, movement.host, movement.to, f"{host} handed it to {to}")
            case "stored":
                return self._filed(
                    movement, f"{to} put {'a notice' if movement.about else 'it'} into the mailbox of {whom}"
                )
            case "bounced" | "expired":
                tried = "tried for long enough and gave up" if movement.kind == "expired" else "gave up"
                return self._step(movement, movement.host, movement.host, f"{host} {tried} on {whom}")
            case "refused" | "looped":
                refused = f"{to} refused {whom} when {host} asked" if to else f"{host} found no way to {whom}"
                return self._step(movement, movement.host, movement.to or movement.host, refused)
            case "lost":
                heard = f"{host} handed it to {to} and heard no answer; it will try again"
                return self._step(movement, movement.host, movement.to, heard)
        later = (
            f"{to} asked {host} to try later"
            if movement.reply and to
            else f"{host} could not reach {to or whom}"
        )
        return self._step(movement, movement.host, movement.to or movement.host, later)

    def _filed(self, movement: Movement, text: str) -> Step:
        reader = next(
            (one.id for name in movement.recipients if (one := self._places.find(name))), movement.to
        )
        return {**self._step(movement, movement.to, reader, text), "mark": "filed", "open": False}

    def _step(self, movement: Movement, start: str, end: str, text: str) -> Step:
        code = movement.reply[:3] if movement.reply[:3].isdigit() else ""
        inside = start == end
        tone = TONES.get(movement.kind, "5")
        said = "" if tone == "2" else _said(movement, inside)
        return {
            "n": movement.seq,
            "at": moment(self._start, movement.time),
            "tone": tone,
            "kind": movement.kind,
            "from": start,
            "to": end,
            "code": "" if inside else code,
            "mark": (not inside and code) or MARKS.get(movement.kind, "done"),
            "message": movement.about or movement.message_id or movement.queue_id,
            "notice": bool(movement.about),
            "text": text + (f": {_shown(said.removesuffix('.'))}" if said else ""),
            "open": movement.connection is not None,
        }


def _said(movement: Movement, inside: bool) -> str:
    """What stands behind the sentence: the reply, or why there was none, without what the sentence says itself."""
    if movement.kind == "lost":
        return ""
    if movement.reply and not (inside and movement.why):
        return movement.reply
    head, colon, rest = movement.why.partition(": ")
    return rest if colon and head.startswith("no connection to") else movement.why


def people(names: Sequence[str]) -> str:
    """Some addresses by name, the rest as a number."""
    shown = [_shown(name) for name in names[:3]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")


def _shown(text: str) -> str:
    return shortened(printable_text(text), 200)[0]
