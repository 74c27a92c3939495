"""Random zones, clients and senders around SPF: few names and addresses, so that they meet often."""

from __future__ import annotations

import random
from dataclasses import dataclass

from labkit.zones import Zones

NAMES = ["a.test", "b.test", "c.test", "d.a.test", "e.b.test", "mail.a.test", "mail.b.test", "v6.test"]
GONE = ["gone.test", "x.gone.test", f"{'l' * 64}.test", "a..test"]
CLIENTS = ["192.0.2.1", "192.0.2.77", "198.51.100.9", "2001:db8::1", "2001:db8:1::77", "::ffff:192.0.2.1"]
SENDERS = [
    "u@a.test",
    "u@b.test",
    "v@a.test",
    "w@b.test",
    "u@mail.a.test",
    "u-x+y@c.test",
    "@a.test",
    "",
    "a.test@d.a.test",
    "u@gone.test",
    "U.v@E.B.test",
]
HELOS = ["mail.a.test", "b.test", "gone.test", "host", "[192.0.2.1]", "A.test."]
MACROS = [
    "%{d}", "%{o}", "%{h}", "%{l}.%{d2}", "%{ir}.%{v}.b.test", "%{l-}.a.test", "%{d1r}.test", "%{p}", "%{p}.b.test",
    "%{s}.test", "%{L}.a.test", "%{i}._ip.test", "mail.%{d}", "%{h1}.test", "%{d9}", "%{l1r+-}.test", "%{o1}%%.test",
]  # fmt: skip
FAULTY = [
    "a:", "a:test", "ip4:192.0.2.300", "ip4:192.0.2.1/33", "ip6:2001:db8::/129", "a/33", "a//129", "mx:a.test/08", "foo",
    "all:x", "include", "include:", "exists", "exists:a.test/24", "ptr/24", "redirect:a.test", "exp=", "redirect=",
    "ip4:2001:db8::1", "ip6:192.0.2.1", "a:%{x}.test", "a:%(d)", "a:%", "include=a.test", "a:192.0.2.1", "-all-", "--all",
    "a:%{d0}", "a:a.test%", "x=%{q}", "=a", "1a=b", "a:a.-test", "exp=%{r}.test", "a:%{c}.test", "exists:%{i", "é",
]  # fmt: skip


@dataclass(frozen=True)
class Situation:
    """Everything that a check depends on."""

    zone: str
    faults: tuple[tuple[str, str], ...]
    ip: str
    mail_from: str
    helo: str

    @property
    def domain(self) -> str:
        return self.mail_from.rpartition("@")[2] if self.mail_from else self.helo

    def zones(self) -> Zones:
        zones = Zones.from_text(self.zone)
        for name, rdtype in self.faults:
            zones.fault(name, rdtype, "timeout")
        return zones


def target(chance: random.Random) -> str:
    """A domain-spec."""
    kind = chance.random()
    if kind < 0.6:
        return chance.choice(NAMES)
    return chance.choice(MACROS) if kind < 0.9 else chance.choice(GONE)


def term(chance: random.Random) -> str:
    """A mechanism or modifier, mostly a right one."""
    qualifier = chance.choice(["", "", "", "+", "-", "~", "?"])
    kind = chance.choice(
        ["a", "mx", "ptr", "include", "include", "exists", "ip4", "ip6", "all", "redirect", "exp", "x"]
    )
    if chance.random() < 0.02:
        return chance.choice(FAULTY)
    match kind:
        case "a" | "mx":
            spec = f":{target(chance)}" if chance.random() < 0.7 else ""
            spec += chance.choice(["", "", "", "/24", "/0", "//64", "/24//32", "//0"])
            return qualifier + chance.choice([kind, kind.upper()]) + spec
        case "ptr":
            return qualifier + kind + (f":{target(chance)}" if chance.random() < 0.7 else "")
        case "include" | "exists":
            return f"{qualifier}{kind}:{target(chance)}"
        case "ip4":
            net = chance.choice(
                ["192.0.2.1", "192.0.2.0/24", "198.51.100.9/32", "203.0.113.0/28", "0.0.0.0/0"]
            )
            return f"{qualifier}ip4:{net}"
        case "ip6":
            net = chance.choice(
                ["2001:db8::1", "2001:db8::/32", "::/0", "::ffff:192.0.2.1", "2001:db8:1::/64"]
            )
            return f"{qualifier}ip6:{net}"
        case "all":
            return qualifier + kind
        case "redirect" | "exp":
            return f"{kind}={target(chance) if kind == 'redirect' else 'why.test'}"
    return chance.choice(["x=y", "moo.cow=%{d}", "default=-"])


def record(chance: random.Random) -> str:
    """An SPF record with up to nine terms, the modifiers mostly once each."""
    terms: list[str] = []
    for _ in range(chance.randrange(10)):
        one = term(chance)
        name = one.partition("=")[0]
        if name not in ("exp", "redirect") or not any(other.startswith(f"{name}=") for other in terms):
            terms.append(one)
    if chance.random() < 0.5:
        terms.append(chance.choice(["-all", "~all"]))
    return " ".join(["v=spf1", *terms])


def txt(text: str, chance: random.Random) -> str:
    """A TXT record's data: one string or several."""
    if len(text) > 255 or chance.random() < 0.2:
        at = chance.randrange(min(len(text), 255))
        return f'"{text[:at]}" "{text[at : at + 255]}" "{text[at + 255 :]}"'
    return f'"{text}"'


def situation(seed: int) -> Situation:
    """The same for the same seed."""
    chance = random.Random(seed)
    lines: list[str] = []
    for name in NAMES:
        if chance.random() < 0.85:
            lines.append(f"{name}. TXT {txt(record(chance), chance)}")
        if chance.random() < 0.05:
            lines.append(f"{name}. TXT {txt(record(chance), chance)}")
        if chance.random() < 0.1:
            lines.append(f'{name}. TXT "v=spf10 other"')
        for address in CLIENTS[:5]:
            if chance.random() < 0.2:
                lines.append(f"{name}. {'AAAA' if ':' in address else 'A'} {address}")
        for _ in range(chance.choice([0, 0, 1, 2, 2, 3, 11] if chance.random() < 0.3 else [0, 1, 2])):
            lines.append(f"{name}. MX {chance.randrange(30)} {chance.choice([*NAMES, 'gone.test'])}.")
        if chance.random() < 0.05:
            lines.append(f"{name}. MX 0 .")
    for reverse in ("1.2.0.192.in-addr.arpa", "1" + ".0" * 23 + ".8.b.d.0.1.0.0.2.ip6.arpa"):
        for name in chance.sample([*NAMES, "gone.test"], chance.randrange(4)):
            lines.append(f"{reverse}. PTR {name}.")
    if chance.random() < 0.7:
        text = chance.choice(["no %{s} from %{c}", "%{p} %{h} %{o}", "%{x}", "100%"])
        lines.append(f'why.test. TXT "{text}"')
    lines.append("*._ip.test. A 127.0.0.2")
    chance.shuffle(lines)
    faults = ((chance.choice(NAMES), chance.choice(["A", "MX", "TXT"])),) if chance.random() < 0.15 else ()
    ip, mail_from, helo = chance.choice(CLIENTS), chance.choice(SENDERS), chance.choice(HELOS)
    return Situation("\n".join(lines), faults, ip, mail_from, helo)
