"""Which browser runs, and with what switches: the same for tests and pictures."""

from __future__ import annotations

import os
import shutil
from typing import Any

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

SWITCHES = [
    "--no-sandbox",  # a container's root user has no sandbox; only our own server's pages are opened
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


def installed_browser() -> str | None:
    """LABKIT_BROWSER, else an installed Chromium or Chrome, else None for Playwright's own."""
    named = os.environ.get("LABKIT_BROWSER")
    return named or next(filter(None, map(shutil.which, _NAMES)), None)


def launch_options(executable: str | None = None) -> dict[str, Any]:
    """Arguments for `chromium.launch`; `executable` overrides the browser that is found."""
    path = executable or installed_browser()
    return {"args": SWITCHES, **({"executable_path": path} if path else {})}
