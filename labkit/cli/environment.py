"""Which Python environment this is, whether it has what the lab needs, and the stamp that set-up leaves."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from urllib.parse import unquote, urlsplit

from labkit.cli.project import Project

DISTRIBUTION = "smtp-lab"
STAMP = "smtp-lab-setup.json"


class Kind(Enum):
    """Where the running Python lives. Only a PLAIN or a VENV one leads to a .venv of the lab's own."""

    BINDER = "Binder"
    CONDA = "conda environment"
    VENV = "virtual environment"
    PLAIN = "plain Python"


# The first three are set by Binder, the last one in every image that repo2docker builds.
_BINDER = ("BINDER_SERVICE_HOST", "BINDER_LAUNCH_HOST", "BINDER_REPO_URL", "NB_PYTHON_PREFIX")


def kind() -> Kind:
    """The kind of environment that runs this code."""
    if any(name in os.environ for name in _BINDER):
        return Kind.BINDER
    if sys.prefix != sys.base_prefix:  # before conda: a venv made with conda's Python is a venv
        return Kind.VENV
    if (Path(sys.prefix) / "conda-meta").is_dir():
        return Kind.CONDA
    return Kind.PLAIN


def conda_name() -> str:
    """What conda calls the running environment."""
    return os.environ.get("CONDA_DEFAULT_ENV") or Path(sys.prefix).name


_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?P<bounds>[^;\[]*)")


def _numbers(version: str) -> tuple[int, ...]:
    """The leading release numbers of a version: `2.9.0rc1` gives (2, 9, 0); zeros at the end do not count."""
    found = re.match(r"\d+(?:\.\d+)*", version.strip())
    numbers = [int(part) for part in found[0].split(".")] if found else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def fits(version: str, bounds: str) -> bool:
    """Whether `version` lies within `bounds`, which pyproject.toml writes with `>=`, `<` and `==` alone."""
    for bound in filter(None, (part.strip() for part in bounds.split(","))):
        sign = re.match(r"[<>=!~]+", bound)
        assert sign is not None, bound
        have, limit = _numbers(version), _numbers(bound[sign.end() :])
        if not {">=": have >= limit, "<": have < limit, "==": have == limit}[sign[0]]:
            return False
    return True


def missing(requirements: list[str]) -> list[str]:
    """Those of `requirements` that this Python lacks or has in a version out of bounds. Imports none."""
    from importlib import metadata  # here, since a start of a prepared lab does without it

    lacking = []
    for requirement in requirements:
        parts = _REQUIREMENT.match(requirement)
        assert parts is not None, requirement
        try:
            version = metadata.version(parts["name"])
        except metadata.PackageNotFoundError:
            lacking.append(requirement)
        else:
            if not fits(version, parts["bounds"]):
                lacking.append(f"{requirement} (here is {version})")
    return lacking


def lab_installed(project: Project) -> bool:
    """Whether this Python has the lab itself: editable from this very clone, or on Binder a copy of it."""
    from importlib import metadata

    for distribution in metadata.distributions(name=DISTRIBUTION):
        origin = json.loads(distribution.read_text("direct_url.json") or "{}")
        if not origin.get("dir_info", {}).get("editable"):
            return kind() is Kind.BINDER
        path = unquote(urlsplit(origin.get("url", "")).path)
        if os.name == "nt":
            path = path.lstrip("/")
        return Path(path).resolve() == project.root
    return False


def python_of(venv: Path) -> Path:
    """The interpreter of a virtual environment."""
    return venv / "Scripts" / "python.exe" if os.name == "nt" else venv / "bin" / "python"


def running_in(venv: Path) -> bool:
    """Whether this code runs in that virtual environment."""
    return venv.exists() and Path(sys.prefix).resolve() == venv.resolve()


def fingerprint(project: Project) -> str:
    """A hash of what decides the environment: pyproject.toml, constraints.txt and the settings files."""
    digest = hashlib.sha256()
    settings = project.root / "settings"
    for path in (project.root / "pyproject.toml", project.constraints, *sorted(settings.glob("*"))):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


@dataclass(frozen=True)
class Stamp:
    """How far set-up came. Written into the environment first as `started`, last of all as `complete`."""

    state: str
    fingerprint: str
    root: str
    python: str
    extras: tuple[str, ...] = ()

    @classmethod
    def now(cls, state: str, project: Project, extras: tuple[str, ...]) -> Stamp:
        """The stamp of a set-up that runs on this Python."""
        return cls(
            state, fingerprint(project), str(project.root), sys.version.split()[0], tuple(sorted(set(extras)))
        )

    def write(self, venv: Path) -> None:
        """Put the stamp into `venv`, whole or not at all."""
        new = venv / (STAMP + ".new")
        new.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
        new.replace(venv / STAMP)


def read_stamp(venv: Path) -> Stamp | None:
    """The stamp in `venv`; None if set-up did not make that folder. A damaged one reads as `damaged`."""
    try:
        text = (venv / STAMP).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        found = json.loads(text)
        return Stamp(**{**found, "extras": tuple(found.get("extras", ()))})
    except (ValueError, TypeError, AttributeError):
        return Stamp("damaged", "", "", "")


class Condition(Enum):
    """What is to be done with the lab's .venv."""

    READY = "complete"
    ABSENT = "not made yet"
    FOREIGN = "not made by the lab's set-up"
    HALF = "left half-finished by an earlier set-up"
    STALE = "older than this version of the lab"
    MOVED = "made for another folder, or with a Python that is gone"


def condition(project: Project, extras: tuple[str, ...] = ()) -> Condition:
    """The state of the lab's .venv, for a run that needs `extras`. Cheap: every start asks."""
    if not project.venv.exists():
        return Condition.ABSENT
    stamp = read_stamp(project.venv)
    if stamp is None:
        return Condition.FOREIGN
    if stamp.state != "complete":
        return Condition.HALF
    if stamp.root != str(project.root) or not python_of(project.venv).exists():
        return Condition.MOVED
    if stamp.fingerprint != fingerprint(project) or not set(extras) <= set(stamp.extras):
        return Condition.STALE
    return Condition.READY
