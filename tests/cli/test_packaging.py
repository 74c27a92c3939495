"""What the package, conda and Binder bring: the same versions and the same settings everywhere."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PIN = re.compile(r"([a-z0-9]+(?:-[a-z0-9]+)*)==([0-9][0-9a-z.]*)")
# conda-forge's name where it differs from the index's
CONDA_NAMES = {"matplotlib": "matplotlib-base"}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def name_and_bounds(requirement: str) -> tuple[str, str]:
    parts = re.fullmatch(r"([A-Za-z0-9_.-]+)\s*(.*)", requirement)
    assert parts is not None
    return normal(parts[1]), parts[2]


@pytest.fixture(scope="module")
def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    found = [PIN.fullmatch(line) for line in lines if not line.startswith("#")]
    assert all(found), "constraints.txt holds name==version lines and comments, nothing else"
    return {match[1]: match[2] for match in found if match}


def test_constraints_are_sorted_and_named_once(pins: dict[str, str]) -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert list(pins) == sorted(pins)
    assert len(lines) == len(pins)


def test_every_requirement_is_pinned(pins: dict[str, str]) -> None:
    wanted = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"], "hatchling"]
    assert [name for name, _ in map(name_and_bounds, wanted) if name not in pins] == []


def test_the_whole_closure_is_pinned_to_what_these_tests_run_on(pins: dict[str, str]) -> None:
    waiting = [name_and_bounds(text)[0] for text in PROJECT["dependencies"]]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # for another system, or an extra nobody asked for
        if name in seen:
            continue
        seen.add(name)
        for text in distribution.requires or []:
            requirement, _, marker = text.partition(";")
            if "extra ==" not in marker:
                waiting.append(name_and_bounds(re.split(r"[\s<>=!~\[(]", requirement.strip())[0])[0])
    assert len(seen) > 60
    differing = {
        name: importlib.metadata.version(name)
        for name in seen
        if importlib.metadata.version(name) != pins.get(name)
    }
    assert differing == {}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    target = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return zipfile.ZipFile(next(target.glob("*.whl")))


def test_the_wheel_brings_the_settings(wheel: zipfile.ZipFile) -> None:
    data = f"smtp_lab-{PROJECT['version']}.data/data"
    overrides = json.loads(wheel.read(f"{data}/share/jupyter/lab/settings/overrides.d/labkit.json"))
    assert overrides["@jupyter-widgets/jupyterlab-manager:plugin"] == {"saveState": True}
    assert b"labkit.view.kernel" in wheel.read(f"{data}/etc/ipython/ipython_kernel_config.py")


def test_the_wheel_brings_the_package_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    stem = f"smtp_lab-{PROJECT['version']}"
    assert tops == {"labkit", f"{stem}.data", f"{stem}.dist-info"}
    assert not [name for name in wheel.namelist() if "__pycache__" in name]


def test_jupyterlab_knows_the_settings_that_are_set() -> None:
    """Every id and key of overrides.json stands in a schema of JupyterLab, with a fitting value."""
    schemas: dict[str, Any] = {}
    for folder in (
        Path(sys.prefix) / "share/jupyter/lab/schemas",
        Path(sys.prefix) / "share/jupyter/labextensions",
    ):
        for path in folder.rglob("*.json"):
            match = re.search(r"(@[\w-]+/[\w-]+)/(?:[\w-]+/schemas/\1/)?([\w-]+)\.json$", path.as_posix())
            if match:
                schemas[f"{match[1]}:{match[2]}"] = json.loads(path.read_text(encoding="utf-8"))
    overrides = json.loads((ROOT / "settings" / "overrides.json").read_text(encoding="utf-8"))
    for plugin, values in overrides.items():
        properties = schemas[plugin]["properties"]
        for key, value in values.items():
            choices = [choice["const"] for choice in properties[key].get("oneOf", [])]
            assert not choices or value in choices
            assert type(value).__name__.startswith(
                {"boolean": "bool", "string": "str"}[properties[key]["type"]]
            )


def test_both_environment_files_are_the_same() -> None:
    """Two files, since Binder reads only binder/ and a symbolic link breaks in a Windows clone."""
    assert (ROOT / "environment.yml").read_bytes() == (ROOT / "binder" / "environment.yml").read_bytes()


def conda_dependencies() -> list[str]:
    lines = (ROOT / "environment.yml").read_text(encoding="utf-8").splitlines()
    return [line.removeprefix("  - ") for line in lines[lines.index("dependencies:") + 1 :]]


def test_conda_gets_what_pip_gets() -> None:
    conda = dict(map(name_and_bounds, conda_dependencies()))
    assert conda.pop("python") == "=3.12"
    assert conda.pop("pip") == ""
    assert "hatchling" in conda  # builds the lab itself without asking an index
    conda.pop("hatchling")
    pip = dict(map(name_and_bounds, PROJECT["dependencies"]))
    assert conda == {CONDA_NAMES.get(name, name): bounds for name, bounds in pip.items()}


def test_conda_reads_every_line() -> None:
    from rattler import MatchSpec

    for line in conda_dependencies():
        MatchSpec(line, strict=True)


def test_the_pinned_versions_fit_conda() -> None:
    from rattler import Version, VersionSpec

    pins = dict(PIN.findall((ROOT / "constraints.txt").read_text(encoding="utf-8")))
    for name, bounds in map(name_and_bounds, conda_dependencies()):
        pip_name = {value: key for key, value in CONDA_NAMES.items()}.get(name, name)
        if bounds and pip_name in pins:
            assert VersionSpec(bounds).matches(Version(pins[pip_name])), f"{name} {bounds}"


def test_binder_builds_from_these_files() -> None:
    """repo2docker, without docker: it reads binder/, takes Python 3.12, and runs postBuild and start."""
    program = Path(sys.executable).with_name("jupyter-repo2docker")
    command = [str(program), "--no-build", "--debug", "--user-id", "1000", "--user-name", "jovyan", str(ROOT)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    dockerfile = answer.stdout + answer.stderr
    assert "COPY --chown=1000:1000 src/binder/environment.yml" in dockerfile
    assert "Building conda environment for python=3.12\n" in dockerfile
    assert "RUN ./binder/postBuild" in dockerfile
    assert 'ENV R2D_ENTRYPOINT="${REPO_DIR}/binder/start"' in dockerfile


@pytest.mark.parametrize("name", ["binder/postBuild", "binder/start", ".ci/run"])
def test_scripts_run(name: str) -> None:
    path = ROOT / name
    assert os.access(path, os.X_OK)
    subprocess.run(["bash", "-n", str(path)], check=True)


def test_start_hands_over_to_the_server_even_when_the_copy_fails(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    python.chmod(0o755)
    answer = subprocess.run(
        [str(ROOT / "binder" / "start"), "echo", "the", "server"],
        env={"PATH": f"{tmp_path}:{os.defpath}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout == "the server\n"
    assert "notebooks/" in answer.stderr


def test_the_version_stands_once() -> None:
    import labkit

    assert labkit.__version__ == PROJECT["version"]
