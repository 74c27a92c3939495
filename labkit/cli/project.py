"""Where the lab's files lie: the clone, and what set-up adds to it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from labkit.cli.say import Trouble


@dataclass(frozen=True)
class Project:
    """One clone of the lab. `root` is the folder that holds pyproject.toml and notebooks/."""

    root: Path

    @property
    def venv(self) -> Path:
        """The environment that set-up makes."""
        return self.root / ".venv"

    @property
    def notebooks(self) -> Path:
        """The lessons with their stored outputs, for readers and for the tests."""
        return self.root / "notebooks"

    @property
    def my_lab(self) -> Path:
        """The learner's working copy."""
        return self.root / "my-lab"

    @property
    def state(self) -> Path:
        """Logs and JupyterLab's layout; nothing in it is precious."""
        return self.root / ".labkit"

    @property
    def constraints(self) -> Path:
        """The exact versions that were tested together."""
        return self.root / "constraints.txt"

    @cached_property
    def table(self) -> dict[str, Any]:
        """The [project] table of pyproject.toml."""
        import tomllib  # here, since a start of a prepared lab does without it

        with (self.root / "pyproject.toml").open("rb") as file:
            table: dict[str, Any] = tomllib.load(file)["project"]
        return table

    def requirements(self, extras: tuple[str, ...] = ()) -> list[str]:
        """What must be installed: the dependencies, and those of each extra."""
        wanted: list[str] = list(self.table["dependencies"])
        for extra in extras:
            wanted += self.table["optional-dependencies"][extra]
        return wanted


def is_root(folder: Path) -> bool:
    """Whether `folder` is a clone of the lab."""
    return (folder / "pyproject.toml").is_file() and (folder / "labkit" / "__main__.py").is_file()


def find(start: Path | None = None) -> Project:
    """The clone this code runs from; for an installed copy the one around `start` (the current folder).

    Raises Trouble when there is none.
    """
    here = Path(__file__).resolve().parents[2]
    current = (start or Path.cwd()).resolve()
    for folder in (here, current, *current.parents):
        if is_root(folder):
            return Project(folder)
    raise Trouble(
        "The lab's folder (the one with notebooks/ in it) is not here or above here.",
        "go into the folder that git clone made, with cd, and run the command there.",
    )
