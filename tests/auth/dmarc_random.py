"""Random names with DMARC records on their ways up, for tests beside another implementation."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass

from labkit.zones import Zones

SUFFIXES = ["example", "com", "co.uk", "github.io"]


def above(name: str) -> list[str]:
    labels = name.split(".")
    return [".".join(labels[at:]) for at in range(len(labels))]


@dataclass
class Case:
    """Random names of one or two organizations, and records on their ways up."""

    author: str
    spf: str | None
    dkim: str | None
    records: dict[str, list[str]]
    exists: list[str]

    @classmethod
    def of(cls, seed: int, *, plain: bool) -> Case:
        """`plain`: records without slips, for a peer that does not read those by the document."""
        dice = random.Random(seed)
        base = f"{dice.choice(['acme', 'corp'])}.{dice.choice(SUFFIXES)}"
        names = [cls.name(dice, base) for _ in range(3)] + [cls.name(dice, "other.example")]
        places = sorted({place for name in names for place in above(name)})
        records = {
            f"_dmarc.{place}": [cls.record(dice, plain) for _ in range(dice.choice([1] * 9 + [2]))]
            for place in places
            if dice.random() < 0.35 and not (plain and place in SUFFIXES)
        }
        real = [place for place in places if dice.random() < 0.3]
        exists = sorted({upper for place in [*records, *real] for upper in above(place)})
        return cls(names[0], dice.choice([*names, None]), dice.choice([*names, None]), records, exists)

    @staticmethod
    def name(dice: random.Random, base: str) -> str:
        return ".".join([*dice.choices("abx", k=dice.choice([0, 0, 1, 1, 2, 3, 7, 9])), base])

    @staticmethod
    def record(dice: random.Random, plain: bool) -> str:
        def policy() -> str:
            words = ["none", "quarantine", "reject"]
            return dice.choice(words if plain or dice.random() < 0.9 else ["Reject", "bogus", ""])

        tags = [("p", policy())] if plain or dice.random() < 0.95 else []
        tags += [(name, policy()) for name in ("sp", "np") if dice.random() < 0.35]
        tags += [
            (name, dice.choice("rs" if plain else "rsSq"))
            for name in ("adkim", "aspf")
            if dice.random() < 0.3
        ]
        tags += [("psd", dice.choice("ynu"))] if dice.random() < 0.15 else []
        tags += [("t", dice.choice("yn"))] if dice.random() < 0.2 else []
        uris = ["mailto:a@b.example", "a@b.example", "mailto:a@b.example!10m"]
        tags += [("rua", dice.choice(uris))] if dice.random() < 0.5 else []
        if not plain:
            dice.shuffle(tags)
        version = (
            "v=DMARC1"
            if plain or dice.random() < 0.8
            else dice.choice(["v=dmarc1", "v = DMARC1", "v=DMARC2"])
        )
        equals = "=" if plain else dice.choice(["=", " = "])
        return dice.choice(["; ", ";"]).join([version, *(name + equals + value for name, value in tags)])

    def zones(self) -> Zones:
        lines = [f'{name}. TXT "{text}"' for name, texts in self.records.items() for text in texts]
        return Zones.from_text("\n".join([*lines, *(f'{name}. HINFO "a" "b"' for name in self.exists)]))

    def job(self) -> str:
        return json.dumps({"from": self.author, "spf": self.spf, "dkim": self.dkim, "records": self.records, "exists": self.exists})  # fmt: skip
