"""Random messages for DKIM: odd folding, 8-bit, empty bodies, trailing blanks, very long lines, repeated fields."""

from __future__ import annotations

import random

DOMAIN = "example.com"
FIELDS = ("Subject", "To", "Cc", "Received", "X-Note", "List-Id", "Date", "References")
WORDS = (
    b"hello", b"example.com", b"s1._domainkey.example.com", b"a", b"=20", b"b=abc;", b"v=1;", b"sha256", b"From:",
    "Grüße".encode(), b"\xff\xfe", b"x" * 90, b".", b":", b";", b"\x0b", b"\x0c", b"<bob@example.com>", b"\x00",
)  # fmt: skip
SPACES = (b" ", b"  ", b"\t", b" \t ", b"\r\n ", b"\r\n\t", b" \r\n  ")
BREAKS = (b"\r\n", b"\r\n\r\n", b" \r\n", b"\t\r\n", b"  \r\n\r\n", b"\r\n\t\r\n", b"\r\n.\r\n")


def field(random: random.Random, name: str) -> bytes:
    spelled = random.choice((name, name.lower(), name.upper())).encode()
    colon = random.choice((b":", b": ", b" : ", b":\t", b":\r\n "))
    parts = [random.choice(WORDS) + random.choice(SPACES) for _ in range(random.randrange(6))]
    value = b"".join(parts).rstrip(b"\r\n\t ") if random.random() < 0.7 else b"".join(parts)
    if value.endswith(
        (b"\r\n ", b"\r\n\t", b"\r\n  ")
    ):  # a line of white space only is no fold (RFC 5322 section 3.2.2)
        value = value.rstrip(b"\r\n\t ")
    return spelled + colon + (value or b"x") + b"\r\n"


def body(random: random.Random) -> bytes:
    kind = random.randrange(12)
    if kind == 0:
        return b""
    if kind == 1:
        return random.choice((b"\r\n", b"\r\n" * 5, b" \r\n", b"\t", b"  \r\n \r\n"))
    if kind == 2:
        return b"z" * random.choice((998, 1200, 20_000)) + random.choice((b"", b"\r\n"))
    parts = []
    for _ in range(random.randrange(1, 30)):
        parts.append(random.choice(WORDS))
        parts.append(random.choice(SPACES[:4]) if random.random() < 0.5 else random.choice(BREAKS))
    return b"".join(parts) + random.choice((b"", b"\r\n", b"\r\n" * 4, b" \r\n\r\n"))


def message(random: random.Random) -> bytes:
    """Header with one From and a random choice of others, some of them several times; body."""
    names = [random.choice(FIELDS) for _ in range(random.randrange(7))]
    fields = [field(random, name) for name in names]
    fields.insert(random.randrange(len(fields) + 1), b"From: Ann <ann@example.com>\r\n")
    return b"".join(fields) + b"\r\n" + body(random)


def names(random: random.Random, text: bytes) -> list[str]:
    """A list for h=: some of the fields, also more often than they are there."""
    chosen = ["From"]
    for name in FIELDS:
        chosen += [name] * random.randrange(3)
    random.shuffle(chosen)
    return chosen
