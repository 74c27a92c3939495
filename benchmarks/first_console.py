"""``import labkit`` to the first console, against importing anywidget and aiosmtpd: ``python benchmarks/first_console.py``.

Each in a process of its own, alternating: opening lesson 01, making its console, and what a cell shows of it. Once
in a bare Python, where both sides import IPython; once where a kernel's modules are there already, as for a
learner. Milliseconds of wall clock and of processor time: median, and the smallest in brackets. Goal: 1.2.

The console comes before aiosmtpd, which is loaded while the learner reads, or at the latest when somebody connects. So
that this is not hidden, the same with a first connection, and the server's greeting, stands beside it.
"""

from __future__ import annotations

import argparse

from shared import in_fresh_process, machine, ratio, shown

PEER = "import anywidget, aiosmtpd.smtp"
OWN = """import labkit
lab = labkit.open_lesson("01_session")
lab.console()._repr_mimebundle_()"""
CONNECTED = OWN + "\nlab.client().connect()"
PLACES = {
    "bare Python": "",
    "in a kernel": "import IPython, ipykernel.ipkernel, ipykernel.kernelapp",
}
TIMED = """import time
{before}
wall, work = time.perf_counter(), time.process_time()
{code}
print(1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - work))"""


def main(rounds: int) -> None:
    """Alternate, and print medians and ratios."""
    for place, before in PLACES.items():
        runs: dict[str, list[list[float]]] = {PEER: [], OWN: [], CONNECTED: []}
        for code in runs:  # compiled, and in the file cache
            in_fresh_process(TIMED.format(before=before, code=code))
        for _ in range(rounds):
            for code, times in runs.items():
                times.append(in_fresh_process(TIMED.format(before=before, code=code)))
        for number, unit in enumerate(("wall clock", "processor")):
            peer, own, connected = ([time[number] for time in times] for times in runs.values())
            print(
                f"{place}, {unit}: anywidget and aiosmtpd {shown(peer)} ms, first console {shown(own)} ms, "
                f"ratio {ratio(own, peer)} (goal 1.2); until connected {shown(connected)} ms, {ratio(connected, peer)}"
            )
    print(machine())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    main(parser.parse_args().rounds)
