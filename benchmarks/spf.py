"""SPF against its peers in one run: ``python benchmarks/spf.py [--zone FILE] [--node NODE --mailauth FOLDER]``.

Rates in checks a second of processor time, alternating, medians (and the worst). Each call has an address and a local-part of its own; parsed records
are kept between calls, verdicts never. All traces are on. The peers get the same answers of the DNS from a plain
table, so that what is compared is SPF alone; one line says what it is with `Zones`, log included. pyspf (in the test
extra) runs in this process. mailauth needs a Node of 22 or newer and a folder in which ``npm install mailauth`` was
run; it is left out without.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from shared import machine, shown

from labkit.auth.spf import check_host
from labkit.lookup import Lookup
from labkit.zones import Zones

TYPICAL = """
typ.test.      TXT "v=spf1 a mx include:_a.test include:_b.test include:_c.test -all"
typ.test.      A   203.0.113.1
typ.test.      MX  10 mx1.typ.test.
typ.test.      MX  20 mx2.typ.test.
mx1.typ.test.  A   203.0.113.2
mx2.typ.test.  A   203.0.113.3
_a.test.       TXT "v=spf1 ip4:198.51.100.0/26 ip4:198.51.100.64/26 ip6:2001:db8:1::/48 ~all"
_b.test.       TXT "v=spf1 include:_b2.test ip4:198.51.100.128/26 ~all"
_b2.test.      TXT "v=spf1 ip4:203.0.113.128/26 ~all"
_c.test.       TXT "v=spf1 ip4:203.0.113.64/28 ip4:192.0.2.0/24 ~all"
ip4.test.      TXT "v=spf1 ip4:192.0.2.0/24 -all"
"""
KINDS = {"ip4": "ip4.test", "typical": "typ.test"}

MAILAUTH = r"""
const {spf} = require(process.argv[1] + '/node_modules/mailauth/lib/spf');
const {spfVerify} = require(process.argv[1] + '/node_modules/mailauth/lib/spf/spf-verify');
const job = JSON.parse(require('fs').readFileSync(0));
const missing = () => Object.assign(new Error('no data'), {code: 'ENODATA'});
const resolver = async (name, type) => { const found = job.table[name + ' ' + type]; if (!found) throw missing(); return found; };
(async () => {
  const rates = [];
  for (let round = 0; round < job.rounds + 3; round++) {
    const begin = process.cpuUsage();
    for (let n = 0; n < job.calls; n++) {
      const at = round * job.calls + n;
      const input = {resolver, ip: '192.0.2.' + (1 + at % 250), helo: 'h.test', sender: `u${at}@${job.domain}`, mta: 'r.test'};
      const passes = job.bare ? (await spfVerify(job.domain, input)).qualifier === '+' : (await spf(input)).status.result === 'pass';
      if (!passes) throw new Error(input.ip);
    }
    const used = process.cpuUsage(begin);
    rates.push(job.calls / ((used.user + used.system) / 1e6));
  }
  console.log(JSON.stringify(rates.slice(3)));
})();
"""


class Table:
    """Answers kept in a dictionary: as little DNS as there can be."""

    def __init__(self, zones: Zones) -> None:
        self.answers = {
            (name, rdtype): zones.lookup(name, rdtype)
            for name in zones.names
            for rdtype in ("TXT", "A", "AAAA", "MX")
        }

    def lookup(self, name: str, rdtype: str) -> Lookup:
        """See `labkit.lookup.Resolver`."""
        return self.answers[name, rdtype]

    def plain(self) -> dict[str, object]:
        """The same for mailauth, as JSON."""
        table: dict[str, object] = {}
        for (name, rdtype), found in self.answers.items():
            if rdtype == "TXT" and found.records:
                table[f"{name} TXT"] = [[part.decode() for part in rdata.strings] for rdata in found.records]
            elif rdtype == "MX" and found.records:
                table[f"{name} MX"] = [
                    {"priority": rdata.preference, "exchange": rdata.exchange.to_text(omit_final_dot=True)}
                    for rdata in found.records
                ]
            elif found.records:
                table[f"{name} {rdtype}"] = [rdata.address for rdata in found.records]
        return table


Ask = Callable[[str, str], str]
"""Checks an address and a sender; the result."""


def rate(ask: Ask, domain: str, calls: int, round_number: int, result: str = "pass") -> float:
    """Checks a second, each with inputs of its own."""
    inputs = [
        (f"192.0.2.{1 + at % 250}", f"u{at}@{domain}")
        for at in range(round_number * calls, (round_number + 1) * calls)
    ]
    begin = time.process_time()
    results = [ask(*each) for each in inputs]
    took = time.process_time() - begin
    assert set(results) == {result}, set(results)
    return calls / took


def ours(dns: Table | Zones) -> Ask:
    """Our check, its trace made each time."""

    def ask(ip: str, sender: str) -> str:
        return check_host(ip, sender.partition("@")[2], sender, helo="h.test", dns=dns).result

    return ask


def pyspf(table: Table) -> Ask:
    """pyspf on the same table."""
    # pyspf's module is named as this script is, whose folder is therefore looked into last.
    sys.path.append(sys.path.pop(sys.path.index(str(Path(__file__).resolve().parent))))
    import spf

    answers = {
        key: [
            (key, tuple(rdata.strings)) if key[1] == "TXT"
            else (key, (rdata.preference, rdata.exchange.to_text(omit_final_dot=True))) if key[1] == "MX"
            else (key, rdata.address)
            for rdata in found.records
        ]
        for key, found in table.answers.items()
    }  # fmt: skip
    spf.DNSLookup = lambda name, rdtype, *_: answers.get((name, rdtype), [])

    def ask(ip: str, sender: str) -> str:
        result: str = spf.check2(ip, sender, "h.test")[0]
        return result

    return ask


def mailauth(node: str, folder: Path, table: Table, domain: str, calls: int, bare: bool) -> list[float]:
    """mailauth's rates, in a process of its own: the whole of ``spf()``, or its inner function alone, which neither
    counts lookups nor writes a header."""
    job = {"table": table.plain(), "domain": domain, "calls": calls, "rounds": 5, "bare": bare}
    done = subprocess.run([node, "-e", MAILAUTH, str(folder.resolve())], input=json.dumps(job), capture_output=True, text=True, check=True)  # fmt: skip
    rates: list[float] = json.loads(done.stdout)
    return rates


def growth(rounds: int) -> None:
    """Time and steps with more includes, and with more networks in them."""
    print("growth; the eleventh include ends a check with permerror, so 40 cost what 10 do")
    for includes, networks in ((1, 20), (2, 20), (5, 20), (10, 20), (40, 20), (10, 40), (10, 80), (10, 160)):
        names = [f"i{n}.test" for n in range(includes)]
        zone = txt("g.test", f"v=spf1 {' '.join(f'include:{name}' for name in names)} ip4:192.0.2.0/24 -all")
        for name in names:
            zone += txt(name, f"v=spf1 {' '.join(f'ip4:198.51.100.{n}' for n in range(networks))} -all")
        ask = ours(Table(Zones.from_text(zone)))
        verdict = check_host(
            "192.0.2.1", "g.test", "u@g.test", helo="h.test", dns=Table(Zones.from_text(zone))
        )
        steps = sum(1 for _ in verdict.steps())
        result = "permerror" if includes > 10 else "pass"
        took = min(1e6 / rate(ask, "g.test", 100, number, result) for number in range(rounds))
        print(
            f"  {includes:2} includes of {networks:3} networks: {took:7.1f} us, {steps:4} steps, {took / steps:.2f} us a step"
        )


def txt(name: str, text: str) -> str:
    """A line of a zone."""
    strings = " ".join(f'"{text[i : i + 255]}"' for i in range(0, len(text), 255))
    return f"{name}. TXT {strings}\n"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--zone", type=Path, help="another zone text with typ.test and ip4.test")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--node", default="node")
    parser.add_argument("--mailauth", type=Path, help="the folder with node_modules/mailauth")
    options = parser.parse_args()
    zones = Zones.from_text(options.zone.read_text("utf-8") if options.zone else TYPICAL)
    table = Table(zones)
    for kind, domain in KINDS.items():
        asks = {"ours": ours(table), "ours on Zones": ours(zones), "pyspf": pyspf(table)}
        rates: dict[str, list[float]] = {name: [] for name in asks}
        if options.mailauth:
            rates["mailauth"], rates["mailauth, bare"] = [], []
        for number in range(options.rounds):
            for name, ask in asks.items():
                rates[name].append(
                    rate(ask, domain, options.calls if kind == "ip4" else options.calls // 4, number)
                )
            if options.mailauth and number % 5 == 0:
                for name in ("mailauth", "mailauth, bare"):
                    bare = name != "mailauth"
                    rates[name] += mailauth(
                        options.node, options.mailauth, table, domain, options.calls, bare
                    )
        own = rates["ours"]
        for name, values in rates.items():
            print(
                f"{kind:8} {name:15} {shown(values)}/s, ours is {statistics.median(own) / statistics.median(values):.2f}"
                f" times as fast (best against best {max(own) / max(values):.2f})"
            )
    growth(options.rounds)
    print(machine(), file=sys.stderr)


if __name__ == "__main__":
    main()
