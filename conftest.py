"""Each notebook that nbval runs has an empty progress home of its own: what it shows depends on no notebook before it."""

from __future__ import annotations

import os
import tempfile

import pytest
from nbval.plugin import IPyNbFile

_HOME = pytest.StashKey[str]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before the first cell of a notebook, when nbval starts its kernel."""
    notebook = item.parent
    if isinstance(notebook, IPyNbFile) and _HOME not in notebook.stash:
        home = tempfile.TemporaryDirectory(prefix="labkit-home-", ignore_cleanup_errors=True)
        item.config.add_cleanup(home.cleanup)
        notebook.stash[_HOME] = os.environ["LABKIT_HOME"] = home.name
