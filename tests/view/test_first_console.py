"""The first console loads what it shows, and no more; the rest comes while it is read. Speed itself: benchmarks/first_console.py."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import gc, sys
import labkit
lab = labkit.open_lesson("01_session")
console = lab.console()
console._repr_mimebundle_()
assert gc.isenabled()
early = ("aiosmtpd", "attr", "cryptography", "dns", "labkit.explainers", "labkit.learn.quiz", "matplotlib", "smtplib")
print(sorted({name for name in sys.modules if name.startswith(early)}))
console._receive(console, {"op": "hello", "id": 1}, [])
from labkit.transport.loop_thread import loop_thread
async def nothing(): pass
loop_thread().run(nothing, 30)
print("labkit.hosts.smtpd" in sys.modules, "labkit.explainers.line" in sys.modules, list(loop_thread().errors))
"""


def test_what_the_first_console_loads(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT), "LABKIT_HOME": str(tmp_path), "PATH": ""},
    )
    assert done.stdout.splitlines()[-2:] == ["[]", "True True []"]
