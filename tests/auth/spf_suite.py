"""Suites in the YAML form of the openspf project: ``python tests/auth/spf_suite.py [FILE...]`` runs them.

A file holds scenarios, each with ``tests`` and the ``zonedata`` that they share. `SuiteDns` answers from that data:
``TIMEOUT`` makes types that are not listed before it time out, ``SPF`` stands for TXT too unless a TXT is listed, and
``TXT: NONE`` keeps it from that.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import yaml
from dns.rdtypes.ANY import MX, PTR, TXT
from dns.rdtypes.IN import AAAA, A

from labkit.auth.spf import check_host
from labkit.lookup import Lookup
from labkit.verdict import Verdict

PUBLIC = Path(__file__).parent / "data" / "rfc7208-tests.yml"
IN = dns.rdataclass.IN
Data = dict[str, list[Any]]


def name_of(text: str) -> dns.name.Name:
    """A name whose octets are those of the text, escapes included."""
    labels = [label.encode("latin-1") for label in text.removesuffix(".").split(".") if label]
    return dns.name.Name([*labels, b""])


def rdata_of(rdtype: str, value: Any) -> dns.rdata.Rdata:
    """One record from its YAML form."""
    number = dns.rdatatype.from_text(rdtype)
    match rdtype:
        case "A":
            return A.A(IN, number, value)
        case "AAAA":
            return AAAA.AAAA(IN, number, value)
        case "MX":
            return MX.MX(IN, number, value[0], name_of(value[1]))
        case "PTR":
            return PTR.PTR(IN, number, name_of(value))
        case "TXT":
            strings = [value] if isinstance(value, str) else value
            octets = [string.encode("latin-1") for string in strings] or [b""]
            return TXT.TXT(
                IN, number, [part[i : i + 255] for part in octets for i in range(0, len(part) or 1, 255)]
            )
    raise ValueError(f"a record of type {rdtype}")


class SuiteDns:
    """A resolver over the ``zonedata`` of a scenario."""

    def __init__(self, data: Data) -> None:
        self.names = {name.lower().removesuffix("."): entries for name, entries in data.items()}

    def lookup(self, name: str, rdtype: str) -> Lookup:
        """See `labkit.lookup.Resolver`."""
        asked, seen = name.replace("\\\\", "\\").lower().removesuffix("."), set[str]()
        while asked not in seen:
            seen.add(asked)
            if asked not in self.names:
                return Lookup(name, rdtype, "nxdomain")
            entries = self.names[asked]
            alias = next((e["CNAME"] for e in entries if isinstance(e, dict) and "CNAME" in e), None)
            if alias is None or rdtype == "CNAME":
                return self._answer(name, rdtype, entries)
            asked = alias.lower().removesuffix(".")
        return Lookup(name, rdtype, "servfail", reason="the aliases lead in a circle")

    @staticmethod
    def _answer(name: str, rdtype: str, entries: list[Any]) -> Lookup:
        listed = [next(iter(entry.items())) for entry in entries if isinstance(entry, dict)]
        wanted = rdtype
        if rdtype == "TXT" and not any(kind == "TXT" for kind, _ in listed):
            wanted = "SPF"
        values = [value for kind, value in listed if kind == wanted and value != "NONE"]
        if values:
            return Lookup(name, rdtype, "answer", tuple(rdata_of(rdtype, value) for value in values))
        return Lookup(name, rdtype, "timeout" if "TIMEOUT" in entries else "nodata")


@dataclass(frozen=True)
class Case:
    """One test of a suite."""

    scenario: str
    name: str
    data: dict[str, Any]
    dns: SuiteDns

    @property
    def allowed(self) -> list[str]:
        """The results that pass."""
        result = self.data["result"]
        return result if isinstance(result, list) else [result]

    def run(self) -> Verdict:
        """The verdict on this case."""
        mail_from, helo = str(self.data["mailfrom"]), str(self.data["helo"])
        domain = mail_from.rpartition("@")[2] if mail_from else helo
        return check_host(str(self.data["host"]), domain, mail_from, helo=helo, dns=self.dns)

    def faults(self, verdict: Verdict) -> Iterator[str]:
        """What is wrong with a verdict; nothing if it is right."""
        if verdict.result not in self.allowed:
            yield f"{verdict.result}, not {' or '.join(self.allowed)}: {verdict.explanation}"
        if (text := self.data.get("explanation")) is not None:
            own = verdict.properties["explanation"]
            if own != (None if text == "DEFAULT" else text):
                yield f"the explanation is {own!r}, not {text!r}"


def read_suite(path: Path) -> list[Case]:
    """All cases of a file."""
    return [
        Case(scenario["description"], name, data, dns)
        for scenario in yaml.load_all(path.read_text("utf-8"), yaml.SafeLoader)
        for dns in [SuiteDns(scenario["zonedata"])]
        for name, data in scenario["tests"].items()
    ]


def main(paths: list[Path]) -> int:
    """Run the suites and print a line for each case; the number of failures."""
    failed = total = 0
    for path in paths or [PUBLIC]:
        for case in read_suite(path):
            verdict = case.run()
            faults = list(case.faults(verdict))
            counted = verdict.properties
            print(
                f"{'FAILED' if faults else 'ok':6} {case.scenario[:24]:24} {case.name:32} {verdict.result:9}"
                f" lookups {counted['lookups']:2} void {counted['void_lookups']}  {'; '.join(faults)}"
            )
            total, failed = total + 1, failed + bool(faults)
    print(f"{total - failed} of {total}")
    return failed


if __name__ == "__main__":
    sys.exit(bool(main([Path(argument) for argument in sys.argv[1:]])))
