"""Programs outside Python that the tests drive: a browser, and mail clients that speak to the lab."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from labkit.cli.say import say

# Debian's package for each client of the interop tests.
CLIENTS = {
    "swaks": "swaks",
    "msmtp": "msmtp",
    "nc": "netcat-openbsd",
    "curl": "curl",
    "openssl": "openssl",
    "dig": "bind9-dnsutils",
    "node": "node-nodemailer",  # and Node itself with it
}
BROWSER_VARIABLE = "LABKIT_BROWSER"

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
_PLACES = {
    "darwin": (
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
    ),
    "win32": (
        r"C:\Program Files\Google\Chrome\Application\chrome.exe",
        r"C:\Program Files (x86)\Google\Chrome\Application\chrome.exe",
        r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
    ),
}
_PLAYWRIGHTS_OWN = (
    "from playwright.sync_api import sync_playwright\n"
    "with sync_playwright() as p: print(p.chromium.executable_path)"
)


def installed_browser() -> str | None:
    """An installed Chromium, Chrome or Edge: the one LABKIT_BROWSER names, else the first on the PATH."""
    named = os.environ.get(BROWSER_VARIABLE)
    if named:
        return shutil.which(named)
    for name in _NAMES:
        found = shutil.which(name)
        if found:
            return found
    return next((place for place in _PLACES.get(sys.platform, ()) if Path(place).is_file()), None)


def playwrights_browser(python: str) -> str | None:
    """The Chromium that Playwright brought into its own cache, if it did. `python` has Playwright."""
    answer = subprocess.run(
        [python, "-c", _PLAYWRIGHTS_OWN],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    path = answer.stdout.strip()
    return path if path and Path(path).is_file() else None


def find_or_get_browser(python: str) -> str | None:
    """A browser for the tests: installed, else Playwright's, else Debian's where this run may install it."""
    found = installed_browser() or playwrights_browser(python)
    if found:
        return found
    say("No Chromium or Chrome is installed; asking Playwright for its own.")
    subprocess.run([python, "-m", "playwright", "install", "chromium"], stdin=subprocess.DEVNULL, check=False)
    found = playwrights_browser(python)
    if found or not _may_install():
        return found
    say("Playwright could not get one; installing Debian's package chromium.")
    subprocess.run(["apt-get", "update", "-q"], stdin=subprocess.DEVNULL, check=False)
    subprocess.run(["apt-get", "install", "-q", "-y", "chromium"], stdin=subprocess.DEVNULL, check=False)
    return installed_browser()


def _may_install() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get") is not None


def missing_clients() -> list[str]:
    """The mail clients of the interop tests that this machine lacks."""
    return [name for name in CLIENTS if shutil.which(name) is None]


def how_to_install(packages: list[str]) -> str:
    """The sentence that says how to get Debian packages, with a word for other systems."""
    return f"install {', '.join(packages)} (Debian, Ubuntu: sudo apt install {' '.join(packages)})"
