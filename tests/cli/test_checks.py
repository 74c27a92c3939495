"""`python3 -m labkit test`: nothing is skipped silently, and the summary tells the truth."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from labkit.cli import checks, tools
from labkit.cli.checks import Bench, Result, Stage
from labkit.cli.project import Project
from labkit.cli.say import Trouble

REPORT = """<?xml version="1.0"?><testsuites><testsuite>
<testcase classname="tests.a" name="one"/><testcase classname="tests.a" name="two"/>
<testcase classname="tests.a" name="three"><failure message="no"/></testcase>
<testcase classname="tests.a" name="four"><error message="no"/></testcase>
<testcase classname="tests.a" name="five"><skipped message="no flock here"/></testcase>
</testsuite></testsuites>"""


@pytest.fixture
def bench(clone: Project, tmp_path: Path) -> Bench:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return Bench(clone, sys.executable, False, checks.environ(sys.executable, scratch), scratch)


def python(source: str) -> list[str]:
    return [sys.executable, "-c", source]


def stage(name: str, source: str, report: str | None = None) -> Stage:
    """A stage that runs `source`, after its report was put where pytest would put it."""

    def prepare(bench: Bench) -> list[str]:
        if report is not None:
            bench.report(name).write_text(report, encoding="utf-8")
        return python(source)

    return Stage(name, f"the stage {name}", prepare, counts=report is not None)


def test_counts_are_read_from_pytests_report(bench: Bench) -> None:
    result = checks.run_stage(stage("unit", "raise SystemExit(1)", REPORT), bench)
    assert (result.outcome, result.passed, result.failed) == ("FAILED", 2, 2)
    assert result.skips == ["tests.a.five: no flock here"]


def test_a_stage_that_found_no_test_has_failed(bench: Bench) -> None:
    result = checks.run_stage(stage("unit", "raise SystemExit(5)", "<testsuites/>"), bench)
    assert (result.outcome, result.failed, result.why) == ("FAILED", 1, "found no test to run")


def test_a_stage_that_broke_off_counts_as_a_failure(bench: Bench) -> None:
    broken = Stage("unit", "unit", lambda bench: python("raise SystemExit(3)"), counts=True)
    result = checks.run_stage(broken, bench)
    assert (result.outcome, result.passed, result.failed) == ("FAILED", 0, 1)


def test_a_stage_that_cannot_run_has_failed_with_its_remedy(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(bench: Bench) -> list[str]:
        raise Trouble("missing: swaks", "install swaks")

    result = checks.run_stage(Stage("interop", "clients", refuse, counts=True), bench)
    assert (result.outcome, result.failed) == ("FAILED", 1)
    assert "missing: swaks" in result.why
    printed = capsys.readouterr().out
    assert "What to do: install swaks" in printed
    assert "--without interop" in printed


def test_a_hanging_stage_is_ended_with_its_children(bench: Bench) -> None:
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
    began = time.monotonic()
    assert checks.execute(python(child), bench, 1.0) is None
    assert time.monotonic() - began < 15


def test_stages_run_in_the_clone_with_a_home_of_their_own(bench: Bench) -> None:
    source = (
        "import os, pathlib, sys\n"
        "home = pathlib.Path(os.environ['LABKIT_HOME'])\n"
        f"ok = home.is_dir() and not list(home.iterdir()) and os.getcwd() == {str(bench.project.root)!r}\n"
        "sys.exit(0 if ok and 'PYTHONPATH' not in os.environ else 1)"
    )
    assert checks.execute(python(source), bench, 20.0) == 0


def test_nothing_of_the_persons_own_is_used(bench: Bench) -> None:
    for name in (
        "LABKIT_HOME",
        "IPYTHONDIR",
        "JUPYTER_CONFIG_DIR",
        "JUPYTER_DATA_DIR",
        "JUPYTER_RUNTIME_DIR",
    ):
        assert bench.environ[name].startswith(str(bench.scratch))
    assert bench.environ["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)


def test_the_summary_hides_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    unit = stage("unit", "", REPORT)
    checks.summary(
        [
            Result(stage("lint", ""), "passed", 0.3),
            Result(unit, "FAILED", 12.0, passed=20, failed=1, skips=["tests.a.five: no flock here"]),
            Result(
                stage("interop", "", REPORT), "FAILED", 0.1, failed=1, why="could not run; missing: swaks"
            ),
            Result(stage("browser", "", REPORT), "NOT RUN", why="--without browser"),
        ]
    )
    lines = capsys.readouterr().out.splitlines()
    text = "\n".join(lines)
    assert "SKIPPED, so not checked (1):" in text
    assert "tests.a.five: no flock here" in text
    assert "NOT RUN, so not checked: browser (left out with --without)." in text
    assert "missing: swaks" in text
    assert "FAILED: unit, interop." in text
    assert lines[-1] == "20 passed, 2 failed, 1 skipped"


def test_the_last_line_of_a_clean_run(capsys: pytest.CaptureFixture[str]) -> None:
    checks.summary([Result(stage("unit", "", REPORT), "passed", 1.0, passed=7)])
    assert capsys.readouterr().out.splitlines()[-2:] == ["Everything that ran passed.", "7 passed, 0 failed"]


@pytest.mark.parametrize(("source", "code"), [("pass", 0), ("raise SystemExit(1)", 1)])
def test_the_exit_code_follows_the_stages(
    clone: Project, monkeypatch: pytest.MonkeyPatch, source: str, code: int
) -> None:
    monkeypatch.setattr(
        checks, "STAGES", (stage("lint", "pass"), stage("types", source), stage("unit", "1/0"))
    )
    assert checks.run(clone, sys.executable, ["lint", "types"], [], long=False) == code


def test_a_stage_left_out_is_repeated_in_the_summary(
    clone: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(checks, "STAGES", (stage("lint", "pass"), stage("browser", "raise SystemExit(1)")))
    assert checks.run(clone, sys.executable, [], ["browser"], long=False) == 0
    assert "NOT RUN, so not checked: browser" in capsys.readouterr().out


def test_every_stage_makes_its_command(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "missing_clients", list)
    monkeypatch.setattr(tools, "find_or_get_browser", lambda python: "/opt/chrome")
    commands = {stage.name: " ".join(stage.prepare(bench)) for stage in checks.STAGES}
    assert "ruff format --check" in commands["format"]
    assert "--ignore=tests/browser" in commands["unit"]
    for option in ("--nbval", "--nbval-current-env", "--nbval-cell-timeout=60", "--dist loadfile"):
        assert option in commands["notebooks"]
    assert "sanitize" not in commands["notebooks"]
    assert bench.environ[tools.BROWSER_VARIABLE] == "/opt/chrome"
    assert not [command for command in commands.values() if "--long" in command]
    whole = Bench(bench.project, bench.python, True, bench.environ, bench.scratch)
    assert all("--long" in " ".join(stage.prepare(whole)) for stage in checks.STAGES if stage.counts)


def test_a_missing_client_and_a_missing_browser_are_failures(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = {stage.name: stage for stage in checks.STAGES}
    monkeypatch.setattr(tools, "missing_clients", lambda: ["nc"])
    with pytest.raises(Trouble) as caught:
        stages["interop"].prepare(bench)
    assert "sudo apt install netcat-openbsd" in caught.value.do
    monkeypatch.setattr(tools, "find_or_get_browser", lambda python: None)
    with pytest.raises(Trouble) as caught:
        stages["browser"].prepare(bench)
    assert "sudo apt install chromium" in caught.value.do
