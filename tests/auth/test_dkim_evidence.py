"""Evidence of DKIM is real: it names the octets that were used, and to change them changes the step."""

from __future__ import annotations

import random
from collections.abc import Callable

from labkit.auth.dkim import lab_key, sign, verify
from labkit.verdict import Evidence, Step, Verdict
from labkit.zones import Zones

from . import dkim_messages

KEY = lab_key("ed25519")
RECORD = f"{KEY.record}; t=s; n=example.com"
NAME = "s1._domainkey.example.com"


def zones(record: str = RECORD) -> Zones:
    return Zones.from_text(KEY.zone_line("example.com", "s1", record))


def message_of(dice: random.Random) -> tuple[bytes, list[str]]:
    """A signed message with the words of the signature in other places too, and the names that were signed."""
    text = dkim_messages.message(dice)
    names = dkim_messages.names(dice, text)
    extra = b"X-Before: d=example.com; s=s1; i=@example.com; h=From; b=abcd; bh=efgh; t=5\r\n"
    field = sign(
        text,
        domain="example.com",
        selector="s1",
        key=KEY,
        canonicalization=dice.choice(
            ("simple/simple", "relaxed/relaxed", "simple/relaxed", "relaxed/simple")
        ),
        headers=names,
        identity="ann@example.com",
        length=dice.random() < 0.3,
        time=5,
        expires=7_000_000_000,
    )
    return extra + field + extra.replace(b"Before", b"Behind") + text, names


def judged(message: bytes, record: str = RECORD) -> Verdict | None:
    found = verify(message, dns=zones(record), now=1000)
    return found[0] if found else None


def octets(message: bytes, step: Step) -> list[bytes]:
    sources = {"message": message, f"record {NAME} TXT 0": RECORD.encode()}
    return [sources[place.source][place.start : place.end] for place in step.evidence]


def test_octets_are_those_that_were_used(size: Callable[[int, int], int]) -> None:
    for seed in range(size(80, 1000)):
        message, names = message_of(random.Random(seed))
        verdict = judged(message)
        assert verdict is not None
        assert verdict.result == "pass"
        steps = iter(verdict.trace)
        start = message.index(b"DKIM-Signature")
        (field,) = octets(message, next(steps))
        assert message[start:].startswith(field)
        assert field.endswith(b"==\r\n")
        assert octets(message, next(steps)) == [b"i=ann@example.com", b"d=example.com"]
        (listed,) = octets(message, next(steps))
        assert b"".join(listed.split()) == b"h=" + ":".join(names).encode()
        assert octets(message, next(steps)) == [b"t=5", b"x=7000000000"]
        assert octets(message, next(steps)) == [b"s=s1", b"d=example.com"]
        assert octets(message, next(steps)) == [tag.encode() for tag in RECORD.split("; ")]
        body = octets(message, next(steps))
        assert body[0].startswith(b"bh=")
        limit = [octet for octet in body[1:] if octet.startswith(b"l=")]
        rest = body[1 + len(limit) :]
        whole = message.partition(b"\r\n\r\n")[2]
        assert whole.startswith(b"".join(rest)) if limit else rest == [whole] * bool(whole)
        header = octets(message, next(steps))
        assert sum(octet.lower().startswith(b"from:") for octet in header) == 1
        assert header[-1].startswith(b"DKIM-Signature:")
        assert header[-1].endswith(b"\tb=")
        value, key = octets(message, next(steps))
        assert value.startswith(b"b=")
        assert field.endswith(value + b"\r\n")
        assert key.decode() in KEY.record
        assert key.startswith(b"p=")
        assert next(steps, None) is None


def without_places(step: Step | None) -> object:
    return step and (step.rule, step.text, step.outcome, dict(step.inputs), len(step.evidence), step.children)


def flipped(octets: bytes, at: int, dice: random.Random) -> bytes:
    new = dice.choice([letter for letter in b"xyz" if letter != octets[at] | 0x20])
    return octets[:at] + bytes([new]) + octets[at + 1 :]


def test_to_change_these_octets_changes_the_step(size: Callable[[int, int], int]) -> None:
    for seed in range(size(40, 1000)):
        dice = random.Random(seed)
        message, _ = message_of(dice)
        verdict = judged(message)
        assert verdict is not None
        for number, step in enumerate(verdict.trace):
            place = dice.choice(step.evidence)
            at = dice.choice(place.span)
            if place.source == "message":
                after = judged(flipped(message, at, dice))
            else:
                after = judged(message, flipped(RECORD.encode(), at, dice).decode())
            other = after.trace[number] if after is not None and number < len(after.trace) else None
            assert without_places(other) != without_places(step), (seed, number, at)


def test_to_change_other_octets_changes_nothing(size: Callable[[int, int], int]) -> None:
    for seed in range(size(40, 1000)):
        dice = random.Random(seed)
        message, _ = message_of(dice)
        verdict = judged(message)
        assert verdict is not None
        used = {
            at
            for _, step in verdict.steps()
            for place in step.evidence
            if place.source == "message"
            for at in place.span
        }
        letters = b"abcdefghijklmnopqrstuvwxyz0123456789=@;."
        free = [at for at in range(len(message)) if at not in used and message[at] in letters]
        values = [at for at in free if message.rfind(b":", message.rfind(b"\n", 0, at) + 1, at) > 0]
        assert len(values) > 50
        for at in dice.sample(values, 3):
            after = judged(flipped(message, at, dice))
            assert after == verdict, (seed, at)


def test_absent_evidence_is_never_an_empty_range() -> None:
    text = b"From: a@example.com\r\n\r\n"
    field = sign(text, domain="example.com", selector="s1", key=KEY)
    (verdict,) = verify(field + text, dns=zones())
    assert verdict.result == "pass"
    for _, step in verdict.steps():
        assert all(isinstance(place, Evidence) and place.start < place.end for place in step.evidence)
