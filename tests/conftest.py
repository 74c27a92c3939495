"""What every test of the lab gets: an empty home for progress, and `--long` for the whole random runs.

`size(300, 10_000)` is how a random test says how much of it runs: 300 by default, 10,000 with `--long`.
Hypothesis tests need not ask: they follow the option through a profile.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# No deadline: two busy cores make single examples slow without anything being wrong with them.
settings.register_profile("sample", max_examples=100, deadline=None)
settings.register_profile(
    "long", max_examples=5_000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the random tests whole instead of a sample")


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("long" if config.getoption("--long") else "sample")


@pytest.fixture(autouse=True)
def labkit_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The empty folder that stands for ~/.labkit in this test; LABKIT_HOME names it."""
    home = tmp_path_factory.mktemp("labkit-home")
    monkeypatch.setenv("LABKIT_HOME", str(home))
    return home


@pytest.fixture(scope="session")
def long_run(request: pytest.FixtureRequest) -> bool:
    """Whether this run was asked for the long random tests."""
    return bool(request.config.getoption("--long"))


@pytest.fixture(scope="session")
def size(long_run: bool) -> Callable[[int, int], int]:
    """`size(sample, whole)`: how many random cases to run."""
    return lambda sample, whole: whole if long_run else sample
