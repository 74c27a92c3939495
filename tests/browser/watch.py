"""What a page complains about while a test runs, sorted into ours and others'."""

from __future__ import annotations

from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Error, Page, Request

# How `LabPage` begins what it writes to the console when Python failed while it handled a widget's message.
HANDLER_ERROR = "in a widget's Python: "

# anywidget gives a model two seconds to load and then says this; a busy machine takes longer. A widget that stays dead
# fails the test that looks at it.
_SLOW = "Failed to initialize model"

# anywidget loads a widget's script from a blob: address and begins its own reports with its name.
_OURS = ("blob:", "anywidget", HANDLER_ERROR)


class Watch:
    """Collects uncaught errors, console errors and requests to other hosts of one page.

    `ours` are those that come from a widget, `others` the rest (JupyterLab has a few of its own), `foreign`
    the addresses outside 127.0.0.1 that the page asked for.
    """

    def __init__(self, page: Page) -> None:
        self.ours: list[str] = []
        self.others: list[str] = []
        self.foreign: list[str] = []
        page.on("pageerror", self._error)
        page.on("console", self._console)
        page.on("request", self._request)

    @property
    def complaints(self) -> list[str]:
        """What a test must not end with."""
        return self.ours + [f"request to another host: {url}" for url in self.foreign]

    def _error(self, error: Error) -> None:
        text = f"uncaught: {error.stack or error.message}"
        self._sort(text, text)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            place = str(message.location.get("url", ""))
            self._sort(f"console: {message.text} ({place})", message.text + place)

    def _sort(self, text: str, where: str) -> None:
        if _SLOW in text:
            self.others.append(text)
            return
        (self.ours if any(mark in where for mark in _OURS) else self.others).append(text)

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname != "127.0.0.1":
            self.foreign.append(request.url)
