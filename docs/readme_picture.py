"""The picture in the README, taken from the running lab: `python docs/readme_picture.py`.

Opens lesson 01 in a private JupyterLab, types the first lines of a session into the console, and photographs it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from browser.chromium import launch_options  # noqa: E402
from browser.jupyter import Jupyter  # noqa: E402
from browser.lab_page import LabPage  # noqa: E402

LINES = (
    "EHLO sender.example",
    "RCPT TO:<bob@receiver.example>",
    "MAIL FROM:<alice@sender.example>",
    "RCPT TO:<bob@receiver.example>",
    "RCPT TO:<bobby@receiver.example>",
)


def main() -> int:
    """Write docs/picture-light.png and docs/picture-dark.png."""
    server = Jupyter()
    server.start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(**launch_options(), headless=True)
            page = browser.new_page(device_scale_factor=1.5)
            lab = LabPage(page, server, server.place(ROOT / "notebooks" / "01_session.ipynb"), width=1280)
            lab.run_all()
            number = next(n for n, cell in enumerate(lab.cells()) if cell.source == "lab.console()")
            console = lab.output(number)
            console.get_by_role("button", name="Connect to").click()
            entry = console.get_by_label("A line to send to the server")
            for count, line in enumerate(LINES, 1):
                entry.fill(line)
                entry.press("Enter")
                console.locator('.lks-row[data-s="C"]').nth(count - 1).wait_for()
                page.wait_for_timeout(300)
            entry.press_sequentially("DA")
            for theme in ("light", "dark"):
                lab.set_theme(theme)
                lab.settle()
                lab.picture(number, ROOT / "docs" / f"picture-{theme}.png")
            browser.close()
    finally:
        server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
