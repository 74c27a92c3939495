"""`python3 -m labkit test`: every check of the project, stage by stage, and a summary that hides nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from labkit.cli import tools
from labkit.cli.project import Project
from labkit.cli.say import Trouble, say, seconds

DEADLINE = 25 * 60.0  # seconds for one stage, on a busy machine; a stage that needs longer is hanging
LONG_DEADLINE = 3 * 60 * 60.0
# pytest's exit code for a run that found no test.
NO_TESTS = 5


@dataclass(frozen=True)
class Bench:
    """What a stage needs to know about this run."""

    project: Project
    python: str
    long: bool
    environ: dict[str, str]
    scratch: Path

    def program(self, name: str) -> str:
        """The path of a console script that stands beside the interpreter."""
        folder = Path(self.python).parent
        return str(folder / (name + ".exe" if os.name == "nt" else name))

    def pytest(self, stage: str, *arguments: str) -> list[str]:
        """A pytest command whose counts can be read afterwards."""
        report = f"--junitxml={self.report(stage)}"
        return [self.python, "-m", "pytest", "-q", report, *(["--long"] if self.long else []), *arguments]

    def report(self, stage: str) -> Path:
        """Where the counts of a pytest stage are."""
        return self.scratch / f"{stage}.xml"


@dataclass(frozen=True)
class Stage:
    """One kind of check. `prepare` makes its command line, or raises Trouble when the stage cannot run."""

    name: str
    title: str
    prepare: Callable[[Bench], list[str]]
    counts: bool = False  # whether it is a pytest run, with tests to count


@dataclass
class Result:
    """How a stage ended."""

    stage: Stage
    outcome: str  # "passed", "FAILED", "NOT RUN"
    seconds: float = 0.0
    passed: int = 0
    failed: int = 0
    why: str = ""
    skips: list[str] = field(default_factory=list)


def side_by_side() -> list[str]:
    """Options that share a stage among the processors, file by file; no more than four browsers or kernels at once."""
    return ["-n", str(min(4, os.cpu_count() or 1)), "--dist", "loadfile"]


def _unit(bench: Bench) -> list[str]:
    apart = ("browser", "interop", "notebooks")
    return bench.pytest("unit", *side_by_side(), "tests", *(f"--ignore=tests/{name}" for name in apart))


def _notebooks(bench: Bench) -> list[str]:
    options = ["--nbval", "--nbval-current-env", "--nbval-cell-timeout=60", *side_by_side()]
    own = ["tests/notebooks"] if (bench.project.root / "tests" / "notebooks").is_dir() else []
    return bench.pytest("notebooks", *options, "notebooks", *own)


def _interop(bench: Bench) -> list[str]:
    lacking = tools.missing_clients()
    if lacking:
        packages = [tools.CLIENTS[name] for name in lacking]
        raise Trouble(f"missing: {', '.join(lacking)}", tools.how_to_install(packages))
    return bench.pytest("interop", "tests/interop")


def _browser(bench: Bench) -> list[str]:
    browser = tools.find_or_get_browser(bench.python)
    if browser is None:
        raise Trouble(
            "no Chromium or Chrome was found, and none could be installed", tools.how_to_install(["chromium"])
        )
    bench.environ[tools.BROWSER_VARIABLE] = browser
    say(f"Browser: {browser}")
    return bench.pytest("browser", *side_by_side(), "tests/browser")


STAGES = (
    Stage("format", "formatting (ruff format)", lambda b: [b.python, "-m", "ruff", "format", "--check", "."]),
    Stage("lint", "lint (ruff)", lambda b: [b.python, "-m", "ruff", "check", "."]),
    Stage("types", "types (mypy --strict)", lambda b: [b.python, "-m", "mypy", "--strict"]),
    Stage("imports", "import contracts (import-linter)", lambda b: [b.program("lint-imports")]),
    Stage("unit", "unit tests", _unit, counts=True),
    Stage("notebooks", "notebooks, outputs compared strictly (nbval)", _notebooks, counts=True),
    Stage("interop", "mail clients from outside", _interop, counts=True),
    Stage("browser", "browser tests", _browser, counts=True),
)
NAMES = tuple(stage.name for stage in STAGES)


def run(project: Project, python: str, names: Iterable[str], without: Iterable[str], *, long: bool) -> int:
    """Run the stages called `names` (all if none is named) except those `without`; return the exit code."""
    chosen = set(names) or set(NAMES)
    left_out = set(without)
    results = []
    with tempfile.TemporaryDirectory(prefix="labkit-test-") as scratch:
        bench = Bench(project, python, long, environ(python, Path(scratch)), Path(scratch))
        for stage in STAGES:
            if stage.name in left_out:
                results.append(Result(stage, "NOT RUN", why=f"--without {stage.name}"))
            elif stage.name in chosen:
                results.append(run_stage(stage, bench))
    summary(results)
    return 1 if any(result.outcome == "FAILED" for result in results) else 0


def environ(python: str, scratch: Path) -> dict[str, str]:
    """An environment in which nothing of the person's own is read or written."""
    names = {
        "LABKIT_HOME": "home",
        "IPYTHONDIR": "ipython",
        "JUPYTER_CONFIG_DIR": "jupyter-config",
        "JUPYTER_DATA_DIR": "jupyter-data",
        "JUPYTER_RUNTIME_DIR": "jupyter-runtime",
    }
    own = {}
    for name, folder in names.items():
        (scratch / folder).mkdir()
        own[name] = str(scratch / folder)
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    path = os.pathsep.join([str(Path(python).parent), os.environ.get("PATH", os.defpath)])
    return {**kept, **own, "PATH": path}


def run_stage(stage: Stage, bench: Bench) -> Result:
    """Run one stage, its output shown as it comes."""
    say(f"\n== {stage.name}: {stage.title} ==")
    began = time.monotonic()
    try:
        command = stage.prepare(bench)
    except Trouble as trouble:
        say(f"{trouble.what}.\nWhat to do: {trouble.do}. Or leave it out: --without {stage.name}")
        failed = 1 if stage.counts else 0
        return Result(
            stage, "FAILED", time.monotonic() - began, failed=failed, why=f"could not run; {trouble.what}"
        )
    deadline = LONG_DEADLINE if bench.long else DEADLINE
    code = execute(command, bench, deadline)
    result = Result(stage, "passed" if code == 0 else "FAILED", time.monotonic() - began)
    if stage.counts:
        count(result, bench.report(stage.name))
    if code is None:
        result.why = f"took longer than {seconds(deadline)} and was ended"
    elif code == NO_TESTS and stage.counts:
        result.why = "found no test to run"
    if result.outcome == "FAILED" and stage.counts and not result.failed:
        result.failed = 1  # it broke off without counting: the last line must not read as if all were well
    return result


def execute(command: list[str], bench: Bench, deadline: float) -> int | None:
    """Run `command` in the project's folder; return its exit code, or None when ended at the deadline."""
    posix = os.name == "posix"
    process = subprocess.Popen(
        command, cwd=bench.project.root, env=bench.environ, stdin=subprocess.DEVNULL, start_new_session=posix
    )

    def signal_all(number: int) -> None:
        if posix:
            os.killpg(process.pid, number)
        else:
            process.kill()

    try:
        return process.wait(deadline)
    except subprocess.TimeoutExpired:
        signal_all(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            signal_all(getattr(signal, "SIGKILL", signal.SIGTERM))
            process.wait()
        return None
    except KeyboardInterrupt:
        signal_all(signal.SIGINT)
        process.wait(30)
        raise


def count(result: Result, report: Path) -> None:
    """Read pytest's counts and the reasons of what it skipped into `result`."""
    if not report.is_file():
        return
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            result.failed += 1
        elif skipped is not None:
            name = f"{case.get('classname', '')}.{case.get('name', '')}"
            result.skips.append(f"{name}: {skipped.get('message', '')}")
        else:
            result.passed += 1


def summary(results: list[Result]) -> None:
    """Print what ran, what failed and what did not run; the last line counts tests over all pytest stages."""
    say("\n== Summary ==")
    for result in results:
        counts = f"{result.passed} passed, {result.failed} failed" if result.stage.counts else ""
        about = "; ".join(part for part in (counts, result.why) if part)
        say(f"  {result.stage.name:<10} {result.outcome:<8} {seconds(result.seconds):>12}   {about}".rstrip())
    skips = [skip for result in results for skip in result.skips]
    if skips:
        say(f"\nSKIPPED, so not checked ({len(skips)}):")
        for skip in skips:
            say(f"  {skip}")
    left_out = [result.stage.name for result in results if result.outcome == "NOT RUN"]
    if left_out:
        say(f"\nNOT RUN, so not checked: {', '.join(left_out)} (left out with --without).")
    broken = [result.stage.name for result in results if result.outcome == "FAILED"]
    if broken:
        say(f"\nFAILED: {', '.join(broken)}. One stage alone: python3 -m labkit test {broken[0]}")
    else:
        say("\nEverything that ran passed.")
    passed, failed = sum(r.passed for r in results), sum(r.failed for r in results)
    say(f"{passed} passed, {failed} failed" + (f", {len(skips)} skipped" if skips else ""))
