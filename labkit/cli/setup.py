"""Set-up: choose the Python that everything runs with; make the lab's .venv or bring it up to date."""

from __future__ import annotations

import importlib.util
import os
import queue
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labkit.cli import environment
from labkit.cli.environment import Condition, Kind, Stamp, python_of
from labkit.cli.project import Project
from labkit.cli.say import Steps, Trouble, say, short

# Measured: 363 and 820 MB in .venv, then what Python compiles at first use, then room for the downloads.
LESSONS_MB = 700
TEST_MB = 1300
BUILD_BACKEND = "hatchling"
# On all cores, where pip's own compiling uses one and takes as long as the whole rest of the set-up. Files that are
# no Python of this version (some packages have such) are passed over.
COMPILE = (
    "import compileall, sysconfig; compileall.compile_dir(sysconfig.get_path('purelib'), quiet=2, workers=0)"
)
# What a start loads: it shows that the packages work on this machine.
TRIAL = "import aiosmtpd.smtp, anywidget, dns.resolver, ipykernel.kernelapp, ipywidgets, jupyterlab.labapp"
TESTED = ((3, 11), (3, 12), (3, 13))

# How pip's output tells the causes apart, each with its two sentences; `{log}` is put in.
_CAUSES = (
    (
        r"No space left on device|not enough space on the disk",
        "The disk is full.",
        "free some space (the lab needs about {needed} MB), then run the same command again.",
    ),
    (
        r"NewConnectionError|NameResolutionError|ConnectTimeoutError|ReadTimeoutError|ProxyError|SSLError"
        r"|Temporary failure in name resolution|Network is unreachable|Could not fetch URL"
        r"|Cannot connect to proxy|from versions: none",
        "The packages could not be fetched: no connection to the package index.",
        "check the network (and HTTPS_PROXY, if you are behind a proxy), then run the same command again. "
        "Details: {log}",
    ),
    (
        r"externally-managed-environment",
        "This Python belongs to the system, which lets nobody add packages to it.",
        "let the lab make its own .venv: python3 -m labkit --venv",
    ),
    (
        r"Permission denied|Read-only file system",
        "The packages could not be written: permission denied.",
        "see whether this folder belongs to you; cloning the lab into your home folder helps. Details: {log}",
    ),
    (
        r"Failed building wheel|Failed to build|metadata-generation-failed|subprocess-exited-with-error",
        "A package has no ready-made build for this system, and building it failed.",
        "use one of the tested Pythons (3.11, 3.12, 3.13, 64 bit). Details: {log}",
    ),
)


def choose(project: Project, extras: tuple[str, ...] = (), *, own_venv: bool = False) -> str:
    """The Python interpreter that has everything, made or completed first where needed.

    An active environment that is complete is used as it is; conda and Binder never get a .venv unless
    `own_venv` asks for it; everything else gets the lab's own .venv. Raises Trouble.
    """
    state = environment.condition(project, extras)
    inside = environment.running_in(project.venv)
    if not own_venv and not inside:
        here = environment.kind()
        if here is not Kind.PLAIN or state is Condition.ABSENT:
            lacking = environment.missing(project.requirements(extras))
            if not lacking:
                return _use_active(project, here)
            if here in (Kind.CONDA, Kind.BINDER) and state is not Condition.READY:
                return _complete_conda(project, extras, here, lacking)
    if state is Condition.READY:
        return str(python_of(project.venv))
    if state is Condition.FOREIGN:
        return _use_foreign(project, extras, inside)
    make_venv(project, extras, state)
    return str(python_of(project.venv))


def _use_active(project: Project, here: Kind) -> str:
    """Use the running Python, which has all packages; add the lab itself when it is not there yet."""
    if not environment.lab_installed(project):
        say(f"This {here.value} has all packages; adding the lab itself.")
        with _locked(project) as log:
            _install_lab(
                project, sys.executable, log, build_backend_is_here=not environment.missing([BUILD_BACKEND])
            )
    return sys.executable


def _complete_conda(project: Project, extras: tuple[str, ...], here: Kind, lacking: list[str]) -> str:
    """Add the test tools to a conda environment that has the rest. Raises Trouble for any other."""
    lacking_for_lessons = environment.missing(project.requirements())
    if lacking_for_lessons:
        raise Trouble(
            f"The {here.value} {environment.conda_name()!r} lacks {_some(lacking_for_lessons)}.",
            "either make the lab's own conda environment (conda env create -f environment.yml, then "
            "conda activate smtp-lab, then the same command again), "
            "or let the lab keep to a .venv in this folder: python3 -m labkit --venv",
        )
    say(f"Adding what is missing to the {here.value} {environment.conda_name()!r}: {_some(lacking)}.")
    steps = Steps(1)
    with _locked(project) as log:
        _pip(
            sys.executable,
            ["-c", str(project.constraints), *project.requirements(extras)],
            log,
            steps,
            "Packages",
        )
    return _use_active(project, here)


def _use_foreign(project: Project, extras: tuple[str, ...], inside: bool) -> str:
    """A .venv that the person made: used if it is the running one and complete, never removed."""
    lacking = environment.missing(project.requirements(extras)) if inside else []
    if inside and not lacking:
        return _use_active(project, Kind.VENV)
    if inside:
        raise Trouble(
            f"The .venv in this folder was not made by the lab's set-up and lacks {_some(lacking)}.",
            "rename or remove it and run the same command again, or add the packages yourself: "
            "python -m pip install -c constraints.txt -e '.[test]'",
        )
    raise Trouble(
        "There is a .venv in this folder that the lab's set-up did not make, so it is left alone.",
        f"to use it: {short(python_of(project.venv))} -m labkit. "
        "To let the lab make its own: rename or remove .venv, then run the same command again.",
    )


def make_venv(project: Project, extras: tuple[str, ...], state: Condition) -> None:
    """Make or update the lab's .venv. The stamp comes last, so a run cut short is noticed. Raises Trouble."""
    venv = project.venv
    if sys.version_info[:2] not in TESTED:
        say(f"Note: this Python, {sys.version.split()[0]}, was not tested with this lab; 3.11 to 3.13 were.")
    with _locked(project) as log:
        before = environment.read_stamp(venv)
        updating = state is Condition.STALE and before is not None
        if updating and before is not None:
            extras = tuple({*extras, *before.extras})
            say("Bringing .venv up to date with this version of the lab.")
        else:
            _check_venv_module()
            if state in (Condition.HALF, Condition.MOVED):
                say(f"The .venv in this folder was {state.value}; making it anew.")
                shutil.rmtree(venv)
            _check_space(project, TEST_MB if "test" in extras else LESSONS_MB)
            say("Setting the lab up, once. Later starts skip this.")
        steps = Steps(3 if updating else 4)
        try:
            venv.mkdir(exist_ok=True)
            Stamp.now("started", project, extras).write(venv)
            python = str(python_of(venv))
            if not updating:
                steps.start("Making .venv")
                _run(
                    [sys.executable, "-m", "venv", str(venv)],
                    log,
                    "The virtual environment could not be made.",
                )
                steps.done()
            wanted = [*project.requirements(extras), BUILD_BACKEND]
            _pip(python, ["-c", str(project.constraints), *wanted], log, steps, "Getting the packages")
            steps.start("Adding the lab itself")
            _install_lab(project, python, log, build_backend_is_here=True)
            steps.done()
            steps.start("Compiling, and trying it out")
            _run([python, "-P", "-c", COMPILE], log, "What was installed could not be compiled.")
            _run([python, "-P", "-c", TRIAL], log, "The packages are there, and one of them does not start.")
            steps.done()
        except BaseException:
            steps.broken_off()
            if updating and before is not None and venv.is_dir():
                before.write(
                    venv
                )  # still the earlier, working one as far as anybody knows: the next start tries again
            raise
        Stamp.now("complete", project, extras).write(venv)


def _check_venv_module() -> None:
    """Raises Trouble where Python came without the modules that make an environment, as Debian's does."""
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise Trouble(
            f"This Python {version} has no venv module, so it cannot make an environment.",
            f"install it (Debian, Ubuntu: sudo apt install python{version}-venv), then run this again.",
        )


def _check_space(project: Project, needed: int) -> None:
    """Raises Trouble when the disk is known to be too small, before minutes are spent."""
    free = shutil.disk_usage(project.root).free // 1_000_000
    if free < needed:
        raise Trouble(
            f"There are {free} MB free where the lab lies; set-up needs about {needed} MB.",
            "free some space, or clone the lab onto another disk, then run the same command again.",
        )


@contextmanager
def _locked(project: Project) -> Iterator[Path]:
    """Hold the set-up lock of this clone; give the log file's path. Raises Trouble if another holds it."""
    try:
        project.state.mkdir(exist_ok=True)
        log = project.state / "setup.log"
        lock = (project.state / "setup.lock").open("w")
    except OSError as error:
        raise Trouble(
            f"Nothing can be written into {short(project.root)} ({error.strerror}).",
            "clone the lab into a folder of your own, such as your home folder, and run the command there.",
        ) from None
    with lock:
        if os.name == "posix":
            import fcntl

            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise Trouble(
                    "Another set-up is running in this folder.",
                    "wait until it is done, then run the command again.",
                ) from None
        log.write_text("", encoding="utf-8")
        yield log


def _install_lab(project: Project, python: str, log: Path, *, build_backend_is_here: bool) -> None:
    """Install this clone, editable: `import labkit` works from any folder, Jupyter finds the settings."""
    options = ["--no-build-isolation"] if build_backend_is_here else []
    command = _pip_command(python, ["--no-deps", *options, "-e", str(project.root)])
    _run(command, log, "The lab itself could not be installed.")


def _pip_command(python: str, arguments: list[str]) -> list[str]:
    options = [
        "--disable-pip-version-check",
        "--no-input",
        "--no-compile",
        "--progress-bar",
        "off",
        "--retries",
        "3",
    ]
    return [python, "-m", "pip", "install", *options, *arguments]


def _environ() -> dict[str, str]:
    """The variables for venv and pip, without those that send packages elsewhere or bring in foreign ones."""
    dropped = {"PYTHONPATH", "PYTHONHOME", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV"}
    return {name: value for name, value in os.environ.items() if name not in dropped} | {"PIP_USER": "0"}


def _run(command: list[str], log: Path, failure: str) -> None:
    """Run `command` with its output in the log. Raises Trouble: the cause if it is known, else `failure`."""
    with log.open("ab") as file:
        code = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=_environ(),
            check=False,
        ).returncode
    if code:
        raise _cause(log, failure)


def _pip(python: str, arguments: list[str], log: Path, steps: Steps, title: str) -> None:
    """Run pip install, showing how many packages it has come to and for how long it has been at it."""
    steps.start(title)
    process = subprocess.Popen(
        _pip_command(python, arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=_environ(),
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    lines: queue.Queue[str | None] = queue.Queue()
    assert process.stdout is not None
    reader = threading.Thread(target=_read, args=(process.stdout, lines), daemon=True)
    reader.start()
    seen: set[str] = set()
    doing = "asking the package index"
    try:
        with log.open("a", encoding="utf-8") as file:
            while True:
                try:
                    line = lines.get(timeout=0.5)
                except queue.Empty:
                    steps.note(doing)
                    continue
                if line is None:
                    break
                file.write(line)
                collecting = re.match(r"Collecting ([A-Za-z0-9._-]+)", line)
                if collecting:
                    seen.add(collecting[1].lower())
                    doing = f"{len(seen)} found"
                elif line.startswith("Installing collected packages"):
                    doing = f"{line.count(',') + 1} being written to disk"
                steps.note(doing)
        code = process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise
    if code:
        raise _cause(log, "The packages could not be installed.")
    steps.done()


def _read(stream: Iterator[str], lines: queue.Queue[str | None]) -> None:
    for line in stream:
        lines.put(line)
    lines.put(None)


def _cause(log: Path, failure: str) -> Trouble:
    """The Trouble that fits what the log says; `failure` when it says nothing known."""
    text = log.read_text(encoding="utf-8", errors="replace")
    for pattern, what, do in _CAUSES:
        if re.search(pattern, text):
            return Trouble(what, do.format(log=short(log), needed=LESSONS_MB))
    return Trouble(failure, f"the last lines of {short(log)} say why; then run the same command again.")


def _some(requirements: list[str]) -> str:
    """The first few requirements, for a sentence."""
    names = [
        requirement.split(">")[0] if "(" not in requirement else requirement for requirement in requirements
    ]
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
