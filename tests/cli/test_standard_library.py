"""What runs before anything is installed needs nothing but the standard library."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = [
    ROOT / "labkit" / "__init__.py",
    ROOT / "labkit" / "__main__.py",
    *(ROOT / "labkit" / "cli").glob("*.py"),
]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_imports(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names = [node.module or ""]
        for name in names:
            assert name.split(".")[0] in sys.stdlib_module_names or name.startswith("labkit"), (
                f"{path}: {name}"
            )


def test_the_commands_load_without_any_installed_package() -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import labkit, labkit.__main__\n"
        "from labkit.cli import checks, doctor, environment, jupyter, main, setup, tools, workspace\n"
        "outside = [n for n in sys.modules if n.split('.')[0] not in sys.stdlib_module_names]\n"
        "print([n for n in outside if not n.startswith(('labkit', '__main__'))])"
    )
    command = [sys.executable, "-I", "-S", "-c", program, str(ROOT)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_a_name_that_labkit_lacks() -> None:
    import labkit

    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        labkit.nonsense  # noqa: B018


def test_lazy_names_are_loaded_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    import labkit

    monkeypatch.setitem(labkit._LAZY, "is_root", "labkit.cli.project")
    assert "is_root" in dir(labkit)
    assert labkit.is_root(ROOT)
    monkeypatch.delitem(labkit.__dict__, "is_root")


@pytest.mark.parametrize("name", ["labkit"])
def test_every_lazy_name_exists(name: str) -> None:
    package = __import__(name)
    for lazy in package._LAZY:
        assert getattr(package, lazy) is not None
