"""The fixtures that all other tests rely on."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def test_progress_goes_to_an_empty_folder_of_its_own(labkit_home: Path) -> None:
    assert os.environ["LABKIT_HOME"] == str(labkit_home)
    assert list(labkit_home.iterdir()) == []


def test_size_follows_the_option(size: Callable[[int, int], int], long_run: bool) -> None:
    assert size(3, 9) == (9 if long_run else 3)
