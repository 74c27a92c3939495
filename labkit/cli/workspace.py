"""The learner's working copy, my-lab/: laid out from notebooks/ without stored outputs, never overwritten."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from labkit.cli.project import Project
from labkit.cli.say import Trouble, short

FIRST = "00_start_here.ipynb"
RECORD = ".laid-out.json"


def stripped(notebook: dict[str, Any]) -> dict[str, Any]:
    """The same notebook as nobody has run it: no outputs, no counts, no widget state, no traces of a run."""
    cells = []
    for cell in notebook.get("cells", []):
        fresh = dict(cell)
        metadata = dict(fresh.get("metadata", {}))
        for trace in ("execution", "scrolled", "trusted"):
            metadata.pop(trace, None)
        fresh["metadata"] = metadata
        if fresh.get("cell_type") == "code":
            fresh["outputs"] = []
            fresh["execution_count"] = None
        cells.append(fresh)
    metadata = {name: value for name, value in notebook.get("metadata", {}).items() if name != "widgets"}
    return {**notebook, "cells": cells, "metadata": metadata}


def _text(source: Path) -> str:
    """The learner's text of a repository notebook. Raises Trouble if that file is no notebook."""
    try:
        notebook = json.loads(source.read_text(encoding="utf-8"))
        return json.dumps(stripped(notebook), ensure_ascii=False, indent=1) + "\n"
    except (ValueError, AttributeError, TypeError):
        raise Trouble(
            f"{short(source)} is not a readable notebook.",
            f"bring it back with: git checkout -- notebooks/{source.name}",
        ) from None


def lessons(project: Project) -> list[Path]:
    """The repository's notebooks in the order of their names."""
    return sorted(path for path in project.notebooks.glob("*.ipynb") if path.is_file())


def lay_out(project: Project) -> list[str]:
    """Copy every lesson that my-lab/ does not have yet; return the names of those laid out now.

    A file that is there, changed or not, is never touched: not by a second run and not by an update of the
    repository. Raises Trouble when the folder cannot be written.
    """
    absent = [path for path in lessons(project) if not (project.my_lab / path.name).exists()]
    if not absent:
        return []
    record = _record(project)
    try:
        project.my_lab.mkdir(exist_ok=True)
        for source in absent:
            _place(_text(source), project.my_lab / source.name)
            record[source.name] = _digest(source)
        _write_record(project, record)
    except OSError as error:
        raise Trouble(
            f"Your working copy {short(project.my_lab)} cannot be written ({error.strerror}).",
            "see whether the folder belongs to you and the disk has space, then run the same command again.",
        ) from None
    return [path.stem for path in absent]


def outdated(project: Project) -> list[str]:
    """Lessons of which the repository has a newer version than the one my-lab/ was laid out from."""
    record = _record(project)
    return [
        path.stem
        for path in lessons(project)
        if path.name in record
        and record[path.name] != _digest(path)
        and (project.my_lab / path.name).exists()
    ]


def reset(project: Project, lesson: str) -> tuple[Path, Path | None]:
    """Copy `lesson` anew; return its path and where the old file is kept (None if there was none).

    `lesson` is a file name, a stem or its number: `01_session.ipynb`, `01_session`, `01`. Progress lies
    elsewhere and stays. Raises Trouble for an unknown lesson.
    """
    source = _find(project, lesson)
    target = project.my_lab / source.name
    text = _text(source)  # before anything is moved: it may not read
    kept = None
    project.my_lab.mkdir(exist_ok=True)
    if target.exists():
        kept = next(path for path in _kept_names(target) if not path.exists())
        target.rename(kept)
    _place(text, target)
    _write_record(project, _record(project) | {source.name: _digest(source)})
    return target, kept


def _kept_names(target: Path) -> Iterator[Path]:
    return (target.with_name(f"{target.stem}.kept-{number}.ipynb") for number in count(1))


def _find(project: Project, lesson: str) -> Path:
    known = lessons(project)
    for path in known:
        if lesson in (path.name, path.stem, path.stem.split("_")[0]):
            return path
    names = ", ".join(path.stem for path in known) or "there are none in notebooks/"
    raise Trouble(f"There is no lesson {lesson!r}.", f"name one of these: {names}.")


def _place(text: str, target: Path) -> None:
    """Write the learner's copy whole or not at all; leave a file that has appeared meanwhile."""
    new = target.with_name(f".{target.name}.new")
    new.write_text(text, encoding="utf-8", newline="\n")
    if target.exists():
        new.unlink()
    else:
        new.rename(target)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _record(project: Project) -> dict[str, str]:
    """From which version of each lesson my-lab/ was laid out. A lost record costs a hint, nothing else."""
    try:
        found = json.loads((project.my_lab / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write_record(project: Project, record: dict[str, str]) -> None:
    new = project.my_lab / (RECORD + ".new")
    new.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    new.replace(project.my_lab / RECORD)
