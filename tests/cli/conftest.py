"""A small clone of the lab in a temporary folder, for tests that lay out, stamp and start things."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from labkit.cli.project import Project

ROOT = Path(__file__).resolve().parents[2]


def notebook(*sources: str) -> dict[str, Any]:
    """A notebook that has been run: outputs, counts, widget state and traces in its metadata."""
    cells: list[dict[str, Any]] = [
        {"cell_type": "markdown", "id": "m", "metadata": {}, "source": "# Zoë's mailbox"}
    ]
    for number, source in enumerate(sources, 1):
        cells.append(
            {
                "cell_type": "code",
                "id": f"c{number}",
                "metadata": {
                    "tags": ["task"],
                    "execution": {"iopub.execute_input": "2026"},
                    "scrolled": True,
                },
                "source": source,
                "execution_count": number,
                "outputs": [{"output_type": "stream", "name": "stdout", "text": "250 OK\n"}],
            }
        )
    metadata = {
        "kernelspec": {"name": "python3"},
        "widgets": {"application/vnd.jupyter.widget-state+json": {}},
    }
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture
def clone(tmp_path: Path) -> Project:
    """A clone with two lessons and the real pyproject.toml, constraints.txt and settings/."""
    root = tmp_path / "clone"
    for folder in ("notebooks", "labkit"):
        (root / folder).mkdir(parents=True)
    (root / "labkit" / "__main__.py").touch()
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copyfile(ROOT / name, root / name)
    shutil.copytree(ROOT / "settings", root / "settings")
    for name in ("00_start_here", "01_session"):
        write(root / "notebooks" / f"{name}.ipynb", notebook(f"open({name!r})", "world.clock"))
    return Project(root)


def write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
